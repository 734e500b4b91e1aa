//! How this node is, and how the others say that they are.

use crate::clock;
use crate::fault::hex;
use crate::raft::handle::Role;
use crate::raft::links::Lane;
use crate::raft::{Member, NodeId};
use crate::server::Shared;
use crate::wire;
use proto::v1 as pb;
use std::sync::Arc;
use std::time::Duration;
use tonic::Status;

/// How long a peer may take to say how it is.
pub(super) const STATUS_PATIENCE: Duration = Duration::from_secs(1);

impl Shared {
    pub(super) fn cluster_text(&self) -> String {
        self.links.cluster().map(wire::cluster_to_proto).unwrap_or_default()
    }

    /// How this node is.
    pub(crate) fn node_status(&self) -> pb::NodeStatus {
        let standing = self.consensus.standing();
        let sizes = self.state.sizes();
        let applied = self.state.applied();
        let member = standing.members.get(&standing.node);
        let index = applied.log.map_or(0, |log| log.index);
        let role = match standing.role {
            Role::Leader => pb::Role::Leader,
            Role::Follower => pb::Role::Follower,
            Role::Candidate => pb::Role::Candidate,
            Role::Learner => pb::Role::Learner,
            Role::Stopped => pb::Role::Down,
        };
        pb::NodeStatus {
            node: standing.node,
            province: (standing.node / 1_000_000).to_string(),
            member: Some(pb::Member {
                node: standing.node,
                peer_address: member
                    .map_or_else(|| self.peer_address.to_string(), |member| member.peer.clone()),
                api_address: member.map_or_else(|| self.api_address.to_string(), |member| member.api.clone()),
            }),
            role: role.into(),
            voter: standing.voters.contains(&standing.node),
            term: standing.term,
            last_log_index: standing.last_log,
            committed_index: standing.applied,
            applied_index: index,
            lag: standing.last_log.saturating_sub(index),
            digest: hex(&applied.digest.root()),
            digest_index: index,
            snapshot_index: sizes.snapshot_index,
            checkpoint_index: sizes.checkpoint_index,
            version: env!("CARGO_PKG_VERSION").into(),
            leader: standing.leader.unwrap_or(0),
            started_at: Some(wire::stamp_to_proto(self.started)),
            trouble: self.state.recovery_notes().join("; "),
            changing: standing.joint,
            log_entries: standing.last_log.saturating_sub(standing.purged),
        }
    }

    /// How this node is, with its digest at this index (0: its newest); an empty one if it does not remember it.
    pub(super) fn node_status_at(&self, digest_index: u64) -> pb::NodeStatus {
        let mut status = self.node_status();
        if digest_index > 0 {
            status.digest = self.state.digest_at(digest_index).map(|digest| hex(&digest)).unwrap_or_default();
            status.digest_index = digest_index;
        }
        status
    }

    /// How all members are, with the digest of each at one index that all who answer have applied.
    pub(super) async fn whole_status(self: &Arc<Self>) -> pb::StatusResponse {
        let first = self.ask_all(0).await;
        let answered = first.iter().filter(|status| status.role() != pb::Role::Unreachable);
        let compared = answered.map(|status| status.applied_index).min().unwrap_or(0);
        self.status_of(self.ask_all(compared).await, compared)
    }

    /// How each member is, with its digest at this index (0: its newest); this node is one of them.
    async fn ask_all(self: &Arc<Self>, digest_index: u64) -> Vec<pb::NodeStatus> {
        let standing = self.consensus.standing();
        let asked =
            standing.members.iter().filter(|(node, _)| **node != standing.node).map(|(node, member)| {
                let shared = self.clone();
                async move { shared.peer_status(*node, member, digest_index).await }
            });
        let mut nodes: Vec<pb::NodeStatus> = futures::future::join_all(asked).await;
        nodes.push(self.node_status_at(digest_index));
        nodes.sort_by_key(|status| status.node);
        nodes
    }

    /// How a peer says that it is, with its digest at this index (0: its newest); a row that says so if it does not answer.
    async fn peer_status(&self, node: NodeId, member: &Member, digest_index: u64) -> pb::NodeStatus {
        match self.ask_status(node, member, digest_index, false).await {
            Ok(pb::NodeStatusResponse { status: Some(mut status), digest, digest_index, .. }) => {
                status.digest = hex(&digest);
                status.digest_index = digest_index;
                status
            }
            Ok(_) | Err(_) => pb::NodeStatus {
                node,
                province: (node / 1_000_000).to_string(),
                member: Some(pb::Member {
                    node,
                    peer_address: member.peer.clone(),
                    api_address: member.api.clone(),
                }),
                role: pb::Role::Unreachable.into(),
                voter: self.consensus.standing().voters.contains(&node),
                ..Default::default()
            },
        }
    }

    /// Asks a peer how it is.
    pub(crate) async fn ask_status(
        &self,
        node: NodeId,
        member: &Member,
        digest_index: u64,
        digest_only: bool,
    ) -> Result<pb::NodeStatusResponse, Status> {
        let mut client = self
            .links
            .peer(&member.peer, Lane::Control)
            .map_err(|problem| Status::unavailable(problem.to_string()))?;
        let asked =
            pb::NodeStatusRequest { header: Some(self.links.header(node)), digest_index, digest_only };
        let reply = tokio::time::timeout(STATUS_PATIENCE, client.node_status(asked)).await;
        Ok(reply.map_err(|_| Status::deadline_exceeded("no answer"))??.into_inner())
    }

    pub(super) fn status_of(&self, mut nodes: Vec<pb::NodeStatus>, compared: u64) -> pb::StatusResponse {
        let standing = self.consensus.standing();
        let needed = standing.voters.len() / 2 + 1;
        let up = |node: &&pb::NodeStatus| node.role() != pb::Role::Unreachable;
        // A node by itself does not know what it was not sent.
        let last = nodes.iter().filter(up).map(|node| node.last_log_index).max().unwrap_or(0);
        for node in nodes.iter_mut().filter(|node| up(&&**node)) {
            node.lag = last.saturating_sub(node.applied_index);
        }
        let reachable = nodes.iter().filter(up).filter(|node| node.voter).count();
        let ours = nodes.iter().find(|node| node.node == standing.node).map(|node| node.digest.as_str());
        // No digest at that index is no agreement.
        let digests_equal = ours.is_some_and(|ours| {
            !ours.is_empty()
                && nodes.iter().filter(up).all(|node| node.digest_index == compared && node.digest == ours)
        });
        pb::StatusResponse {
            cluster: self.cluster_text(),
            leader: standing.leader.unwrap_or(0),
            term: standing.term,
            margin: Some(pb::Margin {
                voters: standing.voters.len() as u32,
                needed: needed as u32,
                reachable: reachable as u32,
                spare: reachable as i32 - needed as i32,
            }),
            nodes,
            compared_index: compared,
            digests_equal,
        }
    }

    /// What every answer to a query says about itself.
    pub(crate) fn reply_header(&self, reader: &crate::state::Reader<'_>) -> pb::ReplyHeader {
        let heard = self.heard.load(std::sync::atomic::Ordering::Relaxed);
        let age_ms = if self.consensus.leads() { 0 } else { clock::now().0.saturating_sub(heard) };
        pb::ReplyHeader { index: reader.applied().index(), age_ms, node: self.links.node() }
    }
}
