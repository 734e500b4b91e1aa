//! Whether this node still leads: asked of a quorum, now.
//!
//! A read does not rest on the leader's clock in openraft 0.10.0-alpha.37. There an answer to an append counts for later ones
//! too that end at the same entry, as those do which only carry a commit index. A leader that was cut off is so told, by
//! answers that come late, that a quorum heard it just now, and a read of it shows the past: simulation, seed 2011.
//!
//! Here each voter is asked for its vote, by a pre-vote, which changes nothing and is answered in turn with everything else
//! that reaches it. A quorum whose votes are not higher than this leader's has elected nobody else before it was asked.

use super::handle::{Raft, VoteAsked, VoteGiven};
use super::links::{Lane, Links};
use super::types::{self, NodeId, VoteBytes};
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use ledger::codec;
use std::collections::BTreeSet;
use std::time::Duration;

/// How long a voter may take to answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// Whether no other node can have been elected before this was asked.
pub(super) async fn leads(raft: &Raft, links: &Links) -> bool {
    let asked = raft.with_raft_state(|state| {
        (VoteBytes::from(state.vote_ref()), state.membership_state.effective().membership().clone())
    });
    let Ok((vote, membership)) = asked.await else { return false };
    let here = links.node();
    if (vote.node, vote.committed) != (here, true) {
        return false;
    }
    let configs = membership.get_joint_config();
    let voters: BTreeSet<NodeId> = configs.iter().flatten().copied().filter(|voter| *voter != here).collect();
    let mut answers: FuturesUnordered<_> = voters
        .into_iter()
        .filter_map(|voter| Some((voter, membership.get_node(&voter)?.peer.clone())))
        .map(|(voter, address)| async move { (voter, vote_of(links, voter, &address, vote).await) })
        .collect();
    let mut with_us = BTreeSet::from([here]);
    loop {
        if configs.iter().all(|config| config.intersection(&with_us).count() * 2 > config.len()) {
            return true;
        }
        match answers.next().await {
            Some((voter, Some(theirs))) if (theirs.term, theirs.node) <= (vote.term, vote.node) => {
                with_us.insert(voter);
            }
            Some(_) => {}
            None => return false,
        }
    }
}

/// What a voter's vote is; none if it does not say so in time.
async fn vote_of(links: &Links, to: NodeId, address: &str, ours: VoteBytes) -> Option<VoteBytes> {
    let body = Bytes::from(codec::encode(&VoteAsked { vote: ours, last: None, transfer: false }));
    let mut client = links.peer(address, Lane::Control).ok()?;
    let call = client.pre_vote(proto::v1::PreVoteRequest { header: Some(links.header(to)), body });
    let answer = tokio::time::timeout(PATIENCE, call).await.ok()?.ok()?.into_inner();
    let given: VoteGiven = types::decode("a vote", &answer.body).ok()?;
    Some(given.vote)
}
