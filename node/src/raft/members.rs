//! Who is in the cluster, who votes, and who leads.

use super::handle::{Consensus, Role, Standing};
use super::types::{Member, NodeId, TypeConfig};
use crate::host;
use openraft::ChangeMembers;
use openraft::async_runtime::WatchReceiver;
use openraft::errors::{InitializeError, RaftError};
use openraft::raft::Precondition;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A member within this many entries keeps up.
const KEEPS_UP: u64 = 1_000;

impl Standing {
    /// On the leader: whether a member answers and has nearly all of the log.
    pub fn keeps_up(&self, node: NodeId) -> bool {
        let matched = self.matched.get(&node).copied().unwrap_or(0);
        node == self.node || self.heard.contains(&node) && self.last_log.saturating_sub(matched) <= KEEPS_UP
    }
}

impl Consensus {
    /// Forms a new cluster of these voters, this node among them.
    pub async fn initialize(&self, voters: BTreeMap<NodeId, Member>) -> Result<(), String> {
        match self.raft.initialize(voters).await {
            Ok(()) => Ok(()),
            Err(RaftError::APIError(InitializeError::NotAllowed(_))) => {
                Err("this node is part of a cluster already".into())
            }
            Err(problem) => Err(problem.to_string()),
        }
    }

    /// Adds a member that keeps the ledger and does not vote. Returns when the membership is
    /// committed, with its index; the member catches up behind it.
    pub async fn add_learner(&self, node: NodeId, member: Member) -> Result<u64, String> {
        let added = self.raft.add_learner(node, member, false).await;
        added.map(|added| added.log_id.index).map_err(|problem| problem.to_string())
    }

    /// Makes a learner a voter.
    pub async fn promote(&self, node: NodeId, since: &Standing) -> Result<u64, String> {
        self.change(ChangeMembers::AddVoterIds(BTreeSet::from([node])), since).await
    }

    /// Makes a voter a learner.
    pub async fn demote(&self, node: NodeId, since: &Standing) -> Result<u64, String> {
        self.change(ChangeMembers::RemoveVoters(BTreeSet::from([node])), since).await
    }

    /// Takes a learner out of the cluster.
    pub async fn remove(&self, node: NodeId, since: &Standing) -> Result<u64, String> {
        self.change(ChangeMembers::RemoveNodes(BTreeSet::from([node])), since).await
    }

    /// Changes the membership, if it still is what it was when somebody looked. Returns the index of the last step.
    async fn change(&self, change: ChangeMembers<NodeId, Member>, since: &Standing) -> Result<u64, String> {
        let raft = self.raft.clone();
        let unchanged =
            Precondition::<TypeConfig>::LastMembershipLogId { last_membership_log_id: since.membership };
        // A task of its own: whoever asked may go away between two steps, and would leave the cluster between two
        // memberships.
        let changed =
            host::spawn(async move { raft.change_membership_if(change, true, [unchanged]).await }).await;
        match changed {
            Ok(Ok(written)) => Ok(written.log_id.index),
            Ok(Err(problem)) => Err(problem.to_string()),
            Err(ended) => Err(ended.to_string()),
        }
    }

    /// If this node leads: hands over to this voter, or to the one that is closest behind, so that nobody waits for an
    /// election. Gives who leads then, or why that is not known after `patience`: an election follows.
    pub async fn hand_over(&self, to: Option<NodeId>, patience: Duration) -> Result<NodeId, String> {
        let standing = self.standing();
        if standing.role != Role::Leader {
            return standing.leader.ok_or_else(|| "nobody leads".into());
        }
        // Once it has begun to hand over, a leader serves no more: the other must be there.
        let fit =
            standing.voters.iter().copied().filter(|voter| *voter != self.node && standing.keeps_up(*voter));
        let next = match to {
            None => fit.max_by_key(|voter| standing.matched.get(voter).copied()),
            Some(to) => fit.into_iter().find(|voter| *voter == to),
        };
        let next = next.ok_or("the voter that is to lead does not answer, or is far behind")?;
        self.raft.trigger().transfer_leader(next).await.map_err(|fatal| fatal.to_string())?;
        let led = tokio::time::timeout(patience, self.led_by_another(self.node)).await;
        led.map_err(|_| format!("node {next} has not taken over yet; an election follows"))
    }

    /// Returns when this node knows of another leader than this one.
    pub async fn led_by_another(&self, leader: NodeId) -> NodeId {
        let mut watched = self.raft.server_metrics();
        loop {
            let known = watched.borrow_watched().current_leader;
            if let Some(other) = known.filter(|known| *known != leader) {
                return other;
            }
            if WatchReceiver::changed(&mut watched).await.is_err() {
                // Consensus has stopped: nobody will.
                std::future::pending::<()>().await;
            }
        }
    }
}
