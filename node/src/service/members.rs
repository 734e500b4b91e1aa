//! Who is in the cluster, and who votes. Asked of any node, done by the leader.

use super::cluster::{ClusterService, POLL};
use super::standing::STATUS_PATIENCE;
use crate::raft::{Member, NodeId, Standing};
use ledger::Province;
use proto::status;
use proto::v1::{self as pb, Reason};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::Instant;
use tonic::Status;
use tonic::transport::{Channel, Endpoint};

/// How long another may take to lead: an election, if the one that was to lead does not.
const HANDED_OVER: Duration = Duration::from_secs(10);

/// How long a call waits for a learner. Later on its status tells when it has caught up.
const CAUGHT_UP: Duration = Duration::from_secs(10);

/// How long a leader may take to hear its voters once.
const HEARD: Duration = Duration::from_secs(2);

/// Another node's door.
type Door = pb::cluster_client::ClusterClient<Channel>;

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
        let index = added.map_err(|problem| changing(&problem))?;
        if asked.wait {
            let caught_up = async {
                // Only who leads hears how far it is.
                while self.shared.consensus.leads() {
                    let standing = self.shared.consensus.standing();
                    if !standing.members.contains_key(&node) {
                        return Err(no_member(node));
                    }
                    if standing.matched.get(&node) >= Some(&index) {
                        return Ok(true);
                    }
                    tokio::time::sleep(POLL).await;
                }
                Ok(false)
            };
            if !tokio::time::timeout(CAUGHT_UP, caught_up).await.unwrap_or(Ok(false))? {
                let text = "the learner was added and is still catching up";
                return Err(status::status(Reason::LearnerBehind, text));
            }
        }
        Ok(pb::AddLearnerResponse { index })
    }

    pub(super) async fn promoted(&self, asked: pb::PromoteRequest) -> Result<pb::PromoteResponse, Status> {
        if let Some(mut leader) = self.leader().await? {
            return Ok(leader.promote(asked).await?.into_inner());
        }
        let standing = self.member_when(asked.node, |standing| standing.keeps_up(asked.node)).await?;
        if !standing.keeps_up(asked.node) {
            let matched = standing.matched.get(&asked.node).copied().unwrap_or(0);
            let text = format!("node {} has {matched} of {} entries", asked.node, standing.last_log);
            return Err(status::status(Reason::LearnerBehind, &text));
        }
        let promoted = self.shared.consensus.promote(asked.node, &standing).await;
        let index = promoted.map_err(|problem| changing(&problem))?;
        Ok(pb::PromoteResponse { index, margin: self.shared.whole_status().await.margin })
    }

    pub(super) async fn demoted(&self, asked: pb::DemoteRequest) -> Result<pb::DemoteResponse, Status> {
        if let Some(mut leader) = self.leader().await? {
            return Ok(leader.demote(asked).await?.into_inner());
        }
        let without = |standing: &Standing| -> BTreeSet<NodeId> {
            standing.voters.iter().copied().filter(|voter| *voter != asked.node).collect()
        };
        // Majorities of both decide on the way from one to the other.
        let decided = |standing: &Standing| {
            enough(standing, &standing.voters).is_ok() && enough(standing, &without(standing)).is_ok()
        };
        let standing = self.member_when(asked.node, decided).await?;
        for (when, voters) in [("now", &standing.voters), ("left", &without(&standing))] {
            if let Err((up, needed)) = enough(&standing, voters) {
                let text = format!(
                    "of the {} voters {when} {up} answer and keep up, and {needed} must",
                    voters.len()
                );
                return Err(status::status(Reason::QuorumAtRisk, &text));
            }
        }
        if asked.node == standing.node && standing.voters.contains(&asked.node) {
            let next = self.shared.consensus.hand_over(None, HANDED_OVER).await.map_err(|why| stays(&why))?;
            let member = standing.members.get(&next).ok_or_else(|| no_member(next))?;
            return Ok(door(member).await?.demote(asked).await?.into_inner());
        }
        let demoted = self.shared.consensus.demote(asked.node, &standing).await;
        let index = demoted.map_err(|problem| changing(&problem))?;
        Ok(pb::DemoteResponse { index, margin: self.shared.whole_status().await.margin })
    }

    pub(super) async fn removed(&self, asked: pb::RemoveRequest) -> Result<pb::RemoveResponse, Status> {
        if let Some(mut leader) = self.leader().await? {
            return Ok(leader.remove(asked).await?.into_inner());
        }
        let standing = self.member_when(asked.node, |_| true).await?;
        if standing.voters.contains(&asked.node) {
            let text = format!("node {0} votes: gongji cluster demote {0} first", asked.node);
            return Err(status::status(Reason::MemberUnknown, &text));
        }
        let removed = self.shared.consensus.remove(asked.node, &standing).await;
        Ok(pb::RemoveResponse { index: removed.map_err(|problem| changing(&problem))? })
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
        let fit = |standing: &Standing| {
            let mut others = standing.voters.iter().filter(|voter| **voter != standing.node);
            others.any(|voter| to.is_none_or(|to| to == *voter) && standing.keeps_up(*voter))
        };
        self.member_when(standing.node, fit).await?;
        let led = self.shared.consensus.hand_over(to, HANDED_OVER).await;
        Ok(pb::HandOverResponse { leader: led.map_err(|why| stays(&why))? })
    }

    /// How things stand, for a change of a member: as soon as they stand well, or after a while as they do. A leader that
    /// was elected just now has heard nobody yet.
    async fn member_when(&self, node: NodeId, well: impl Fn(&Standing) -> bool) -> Result<Standing, Status> {
        let begun = Instant::now();
        loop {
            let standing = self.shared.consensus.standing();
            if !standing.members.contains_key(&node) {
                return Err(no_member(node));
            }
            if well(&standing) || begun.elapsed() >= HEARD {
                return Ok(standing);
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// The leader's door, to send the call on; none if this node leads.
    async fn leader(&self) -> Result<Option<Door>, Status> {
        if self.shared.consensus.leads() {
            return Ok(None);
        }
        let (_, member) =
            self.shared.consensus.leader().ok_or_else(|| status::status(Reason::NoLeader, ""))?;
        door(&member).await.map(Some)
    }
}

async fn door(member: &Member) -> Result<Door, Status> {
    let endpoint = Endpoint::from_shared(format!("http://{}", member.api))
        .map_err(|problem| Status::internal(problem.to_string()))?
        .connect_timeout(STATUS_PATIENCE);
    let channel = endpoint.connect().await;
    channel.map(Door::new).map_err(|problem| status::status(Reason::NoLeader, &problem.to_string()))
}

/// Whether a majority of voters answers and keeps up; if not, how many do, and how many must.
fn enough(standing: &Standing, voters: &BTreeSet<NodeId>) -> Result<(), (usize, usize)> {
    let up = voters.iter().filter(|voter| standing.keeps_up(**voter)).count();
    let needed = voters.len() / 2 + 1;
    if up >= needed { Ok(()) } else { Err((up, needed)) }
}

fn changing(problem: &str) -> Status {
    status::status(Reason::MembershipChanging, problem)
}

fn stays(why: &str) -> Status {
    status::status(Reason::NotHandedOver, why)
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
