//! Who is in the cluster, and who votes. Asked of any node, done by the leader.

use super::cluster::{ClusterService, FORM_PATIENCE, POLL};
use super::standing::STATUS_PATIENCE;
use crate::raft::{Member, NodeId};
use crate::server::HAND_OVER;
use ledger::Province;
use proto::status;
use proto::v1::{self as pb, Reason};
use std::collections::BTreeMap;
use tonic::Status;

/// A learner within this many entries has caught up.
const CAUGHT_UP: u64 = 1_000;

/// The leader's own door.
type Door = pb::cluster_client::ClusterClient<tonic::transport::Channel>;

impl ClusterService {
    pub(super) async fn learner_added(
        &self,
        asked: pb::AddLearnerRequest,
    ) -> Result<pb::AddLearnerResponse, Status> {
        if let Some(mut leader) = self.leader().await? {
            return Ok(leader.add_learner(asked).await?.into_inner());
        }
        let member = asked.member.as_ref().ok_or_else(|| status::bad_field("member", "is missing"))?;
        let (node, member) = member_from_proto("member", member)?;
        let added = self.shared.consensus.add_learner(node, member).await;
        added.map_err(|problem| status::status(Reason::MembershipChanging, &problem))?;
        let index = self.shared.consensus.standing().last_log;
        if asked.wait {
            let matched = || self.shared.consensus.standing().matched.get(&node).copied();
            let caught_up = async {
                while matched().is_none_or(|matched| matched < index) {
                    tokio::time::sleep(POLL).await;
                }
            };
            let late =
                |_| status::status(Reason::LearnerBehind, "the learner was added and is still catching up");
            tokio::time::timeout(FORM_PATIENCE, caught_up).await.map_err(late)?;
        }
        Ok(pb::AddLearnerResponse { index })
    }

    pub(super) async fn promoted(&self, asked: pb::PromoteRequest) -> Result<pb::PromoteResponse, Status> {
        if let Some(mut leader) = self.leader().await? {
            return Ok(leader.promote(asked).await?.into_inner());
        }
        let node = asked.node;
        let standing = self.shared.consensus.standing();
        if !standing.members.contains_key(&node) {
            return Err(no_member(node));
        }
        let matched = standing.matched.get(&node).copied().unwrap_or(0);
        if standing.last_log.saturating_sub(matched) > CAUGHT_UP {
            let text = format!("node {node} has {matched} of {} entries", standing.last_log);
            return Err(status::status(Reason::LearnerBehind, &text));
        }
        let promoted = self.shared.consensus.promote(node).await;
        promoted.map_err(|problem| status::status(Reason::MembershipChanging, &problem))?;
        let index = self.shared.consensus.standing().last_log;
        let margin = self.shared.whole_status().await.margin;
        Ok(pb::PromoteResponse { index, margin })
    }

    pub(super) async fn demoted(&self, asked: pb::DemoteRequest) -> Result<pb::DemoteResponse, Status> {
        if let Some(mut leader) = self.leader().await? {
            return Ok(leader.demote(asked).await?.into_inner());
        }
        let node = asked.node;
        let standing = self.shared.consensus.standing();
        if !standing.members.contains_key(&node) {
            return Err(no_member(node));
        }
        if standing.voters.contains(&node) {
            let all = self.shared.whole_status().await.nodes;
            let voters = standing.voters.len() - 1;
            let answer = |status: &&pb::NodeStatus| {
                status.role() != pb::Role::Unreachable && status.voter && status.node != node
            };
            let (up, needed) = (all.iter().filter(answer).count(), voters / 2 + 1);
            if up < needed {
                let text = format!("of the {voters} voters left {up} answer, and {needed} must");
                return Err(status::status(Reason::QuorumAtRisk, &text));
            }
            if node == standing.node {
                self.hand_over_to(None).await?;
                let mut leader = self.leader().await?.ok_or_else(|| status::status(Reason::NoLeader, ""))?;
                return Ok(leader.demote(asked).await?.into_inner());
            }
            let demoted = self.shared.consensus.demote(node).await;
            demoted.map_err(|problem| status::status(Reason::MembershipChanging, &problem))?;
        }
        let index = self.shared.consensus.standing().last_log;
        let margin = self.shared.whole_status().await.margin;
        Ok(pb::DemoteResponse { index, margin })
    }

    pub(super) async fn removed(&self, asked: pb::RemoveRequest) -> Result<pb::RemoveResponse, Status> {
        if let Some(mut leader) = self.leader().await? {
            return Ok(leader.remove(asked).await?.into_inner());
        }
        let node = asked.node;
        let standing = self.shared.consensus.standing();
        if !standing.members.contains_key(&node) {
            return Err(no_member(node));
        }
        if standing.voters.contains(&node) {
            let text = format!("node {node} votes: gongji cluster demote {node} first");
            return Err(status::status(Reason::MemberUnknown, &text));
        }
        let removed = self.shared.consensus.remove(node).await;
        removed.map_err(|problem| status::status(Reason::MembershipChanging, &problem))?;
        Ok(pb::RemoveResponse { index: self.shared.consensus.standing().last_log })
    }

    pub(super) async fn handed_over(
        &self,
        asked: pb::HandOverRequest,
    ) -> Result<pb::HandOverResponse, Status> {
        if let Some(mut leader) = self.leader().await? {
            return Ok(leader.hand_over(asked).await?.into_inner());
        }
        let standing = self.shared.consensus.standing();
        let to = Some(asked.node).filter(|node| *node != 0);
        if let Some(node) = to.filter(|node| !standing.voters.contains(node)) {
            return Err(status::status(Reason::MemberUnknown, &format!("node {node} does not vote")));
        }
        if to == Some(standing.node) {
            return Ok(pb::HandOverResponse { leader: standing.node });
        }
        let leader = self.hand_over_to(to).await?;
        Ok(pb::HandOverResponse { leader })
    }

    /// Has this node, which leads, hand over. Gives who leads then.
    async fn hand_over_to(&self, to: Option<NodeId>) -> Result<NodeId, Status> {
        let leader = self.shared.consensus.hand_over(to, HAND_OVER).await;
        let late = "nobody has taken over yet; the node that was to lead may be far behind or cut off";
        leader.ok_or_else(|| status::status(Reason::NoLeader, late))
    }

    /// Sends the call on to the leader, unless this node leads.
    async fn leader(&self) -> Result<Option<Door>, Status> {
        if self.shared.consensus.leads() {
            return Ok(None);
        }
        let (_, member) =
            self.shared.consensus.leader().ok_or_else(|| status::status(Reason::NoLeader, ""))?;
        let endpoint = tonic::transport::Endpoint::from_shared(format!("http://{}", member.api))
            .map_err(|problem| Status::internal(problem.to_string()))?
            .connect_timeout(STATUS_PATIENCE);
        let channel = endpoint
            .connect()
            .await
            .map_err(|problem| status::status(Reason::NoLeader, &problem.to_string()))?;
        Ok(Some(Door::new(channel)))
    }
}

fn no_member(node: NodeId) -> Status {
    status::status(Reason::MemberUnknown, &format!("node {node} is not a member"))
}

fn member_from_proto(field: &str, member: &pb::Member) -> Result<(NodeId, Member), Status> {
    let bad = |part: &str, problem: &str| status::bad_field(&format!("{field}.{part}"), problem);
    let province = u8::try_from(member.node / 1_000_000).ok().and_then(Province::new);
    if province.is_none() || member.node.is_multiple_of(1_000_000) {
        return Err(bad(
            "node",
            "must be province code × 1000000 + incarnation (from 1), for example 32000001",
        ));
    }
    let addresses = [("peer_address", &member.peer_address), ("api_address", &member.api_address)];
    for (part, address) in addresses {
        let port = address.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse::<u16>().ok()?)));
        if !port.is_some_and(|(host, port)| !host.is_empty() && port > 0) {
            return Err(bad(part, "must be HOST:PORT"));
        }
    }
    Ok((member.node, Member { peer: member.peer_address.clone(), api: member.api_address.clone() }))
}

pub(super) fn members_from_proto(
    field: &str,
    members: &[pb::Member],
) -> Result<BTreeMap<NodeId, Member>, Status> {
    let mut found = BTreeMap::new();
    for (place, member) in members.iter().enumerate() {
        let (node, member) = member_from_proto(&format!("{field}[{place}]"), member)?;
        if found.insert(node, member).is_some() {
            return Err(status::bad_field(&format!("{field}[{place}].node"), "is named twice"));
        }
    }
    Ok(found)
}
