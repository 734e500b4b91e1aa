//! The door for operators: forming the cluster, its members, its status.

use super::unwell;
use crate::clock;
use crate::raft::handle::Role;
use crate::raft::links::Lane;
use crate::raft::{Member, NodeId};
use crate::read::Freshness;
use crate::server::Shared;
use crate::wire;
use futures::StreamExt;
use futures::stream::BoxStream;
use ledger::command::{KinshipScope, Policy};
use ledger::{Call, Caller, Key, Outcome, Province, Transaction, View};
use proto::status;
use proto::v1::{self as pb, Reason};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tonic::{Request, Response, Status};

/// Provinces with wide in-province kinship (all eight kinds), as published by November 2024 (domain.md 1.2).
const WIDE_KINSHIP: [u8; 23] =
    [12, 13, 14, 21, 22, 23, 32, 33, 36, 37, 41, 42, 43, 45, 46, 51, 52, 53, 54, 61, 62, 64, 65];
/// How long a new cluster may take to find its first leader, and a member to answer.
const FORM_PATIENCE: Duration = Duration::from_secs(30);
/// How long a peer may take to say how it is.
const STATUS_PATIENCE: Duration = Duration::from_secs(1);
/// A learner within this many entries has caught up.
const CAUGHT_UP: u64 = 1_000;
const POLL: Duration = Duration::from_millis(20);

/// `gongji.v1.Cluster`.
pub struct ClusterService {
    shared: Arc<Shared>,
    /// Room for one audit.
    auditing: Arc<Semaphore>,
}

impl ClusterService {
    pub(crate) fn new(shared: Arc<Shared>) -> ClusterService {
        ClusterService { shared, auditing: Arc::new(Semaphore::new(1)) }
    }

    /// Proposes the cluster's first transactions: genesis and the provinces with their published scopes.
    async fn begin(&self, cluster: [u8; 16], policy: Policy) -> Result<u64, Status> {
        let mut calls = vec![Call::Genesis { cluster, policy }];
        for province in Province::ALL.into_iter().filter_map(Province::new) {
            let wide = WIDE_KINSHIP.contains(&province.code());
            let kinship = if wide { KinshipScope::Wide } else { KinshipScope::Narrow };
            calls.push(Call::RegisterProvince { province, kinship, effective: None });
        }
        let transactions = calls.into_iter().map(|call| Transaction {
            request: self.shared.clock.request_id(),
            caller: Caller::National,
            not_after: None,
            signature: Vec::new(),
            call,
        });
        let answers = self
            .shared
            .proposer
            .submit(transactions.collect())
            .await
            .map_err(|why| super::undecided(&why))?;
        match answers.iter().find_map(|answer| match answer.outcome {
            Outcome::Refused(refusal) => Some(refusal),
            Outcome::Done(_) => None,
        }) {
            Some(refusal) => Err(status::status(Reason::AlreadyFormed, refusal.name())),
            None => Ok(answers.first().map_or(0, |answer| answer.position.index)),
        }
    }

    /// Whether the ledger has begun, as far as this node has applied.
    fn begun(&self) -> Result<bool, Status> {
        let row = self.shared.state.reader().get(&Key::Ledger {}).map_err(|fault| unwell(&fault))?;
        Ok(row.is_some())
    }

    /// Waits until somebody leads and this node has applied what the leader has.
    async fn wait_for_a_leader(&self) -> Result<(), Status> {
        let led = async {
            while self.shared.reads.wait(Freshness::Linearizable).await.is_err() {
                tokio::time::sleep(POLL).await;
            }
        };
        let late = |_| {
            let text = "no leader was elected: are all voters running, and can they reach one another? Then init again";
            status::status(Reason::NoLeader, text)
        };
        tokio::time::timeout(FORM_PATIENCE, led).await.map_err(late)
    }

    /// Sends the call on to the leader, unless this node leads.
    async fn leader(
        &self,
    ) -> Result<Option<pb::cluster_client::ClusterClient<tonic::transport::Channel>>, Status> {
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
        Ok(Some(pb::cluster_client::ClusterClient::new(channel)))
    }
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

fn members_from_proto(field: &str, members: &[pb::Member]) -> Result<BTreeMap<NodeId, Member>, Status> {
    let mut found = BTreeMap::new();
    for (place, member) in members.iter().enumerate() {
        let (node, member) = member_from_proto(&format!("{field}[{place}]"), member)?;
        if found.insert(node, member).is_some() {
            return Err(status::bad_field(&format!("{field}[{place}].node"), "is named twice"));
        }
    }
    Ok(found)
}

#[tonic::async_trait]
impl pb::cluster_server::Cluster for ClusterService {
    async fn init(&self, request: Request<pb::InitRequest>) -> Result<Response<pb::InitResponse>, Status> {
        let asked = request.into_inner();
        let node = self.shared.links.node();
        let voters = members_from_proto("voters", &asked.voters)?;
        let learners = members_from_proto("learners", &asked.learners)?;
        if !voters.contains_key(&node) {
            let text = format!("this is node {node}: it must be one of the voters, or ask one of them");
            return Err(status::bad_field("voters", &text));
        }
        if let Some(twice) = learners.keys().find(|node| voters.contains_key(node)) {
            return Err(status::bad_field("learners", &format!("node {twice} is a voter already")));
        }
        let bad = |bad: wire::BadField| status::bad_field(&bad.field, &bad.problem);
        let policy = match &asked.policy {
            Some(policy) => wire::policy_from_proto("policy", policy).map_err(bad)?,
            None => Policy::default(),
        };
        if self.begun()? {
            return Err(status::status(Reason::AlreadyFormed, "this node is part of a cluster already"));
        }
        // An init that was cut off goes on where it was, with the cluster that it had begun.
        let cluster = match (self.shared.links.cluster(), asked.cluster.as_str()) {
            (Some(known), _) => known,
            (None, "") => uuid::Uuid::now_v7().into_bytes(),
            (None, text) => wire::cluster_from_proto("cluster", text).map_err(bad)?,
        };
        self.shared.set_cluster(cluster)?;
        self.shared.links.join(cluster);
        tracing::info!(
            cluster = wire::cluster_to_proto(cluster),
            voters = voters.len(),
            learners = learners.len(),
            "forming a cluster"
        );
        if self.shared.consensus.standing().members.is_empty() {
            let formed = self.shared.consensus.initialize(voters).await;
            formed.map_err(|problem| status::status(Reason::AlreadyFormed, &problem))?;
        }
        self.wait_for_a_leader().await?;
        let genesis_index = self.begin(cluster, policy).await?;
        for (node, member) in learners {
            if !self.shared.consensus.standing().members.contains_key(&node) {
                let (peer_address, api_address) = (member.peer, member.api);
                let member = Some(pb::Member { node, peer_address, api_address });
                self.add_learner(Request::new(pb::AddLearnerRequest { member, wait: false })).await?;
            }
        }
        let cluster = wire::cluster_to_proto(cluster);
        Ok(Response::new(pb::InitResponse { cluster, genesis_index }))
    }

    async fn status(
        &self,
        request: Request<pb::StatusRequest>,
    ) -> Result<Response<pb::StatusResponse>, Status> {
        if request.get_ref().local {
            let status = self.shared.node_status_at(request.get_ref().digest_index);
            let compared = status.digest_index;
            return Ok(Response::new(self.shared.status_of(vec![status], compared)));
        }
        Ok(Response::new(self.shared.whole_status().await))
    }

    async fn add_learner(
        &self,
        request: Request<pb::AddLearnerRequest>,
    ) -> Result<Response<pb::AddLearnerResponse>, Status> {
        if let Some(mut leader) = self.leader().await? {
            return leader.add_learner(request.into_inner()).await;
        }
        let asked = request.into_inner();
        let member = asked.member.as_ref().ok_or_else(|| status::bad_field("member", "is missing"))?;
        let (node, member) = member_from_proto("member", member)?;
        let added = self.shared.consensus.add_learner(node, member).await;
        added.map_err(|problem| status::status(Reason::MembershipChanging, &problem))?;
        let index = self.shared.consensus.standing().last_log;
        if asked.wait {
            let caught_up = async {
                while self
                    .shared
                    .consensus
                    .standing()
                    .matched
                    .get(&node)
                    .is_none_or(|matched| *matched < index)
                {
                    tokio::time::sleep(POLL).await;
                }
            };
            let late =
                |_| status::status(Reason::LearnerBehind, "the learner was added and is still catching up");
            tokio::time::timeout(FORM_PATIENCE, caught_up).await.map_err(late)?;
        }
        Ok(Response::new(pb::AddLearnerResponse { index }))
    }

    async fn promote(
        &self,
        request: Request<pb::PromoteRequest>,
    ) -> Result<Response<pb::PromoteResponse>, Status> {
        if let Some(mut leader) = self.leader().await? {
            return leader.promote(request.into_inner()).await;
        }
        let node = request.into_inner().node;
        let standing = self.shared.consensus.standing();
        if !standing.members.contains_key(&node) {
            return Err(status::status(Reason::MemberUnknown, &format!("node {node} is not a member")));
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
        Ok(Response::new(pb::PromoteResponse { index, margin }))
    }

    async fn snapshot(
        &self,
        _request: Request<pb::SnapshotRequest>,
    ) -> Result<Response<pb::SnapshotResponse>, Status> {
        let applied = *self.shared.applied.borrow();
        self.shared.consensus.snapshot().await.map_err(|fault| unwell(&fault))?;
        let taken = async {
            loop {
                let current = self.shared.state.current_snapshot().map_err(|fault| unwell(&fault))?;
                if let Some(snapshot) =
                    current.filter(|found| found.applied.log.is_some_and(|log| log.index >= applied))
                {
                    return Ok::<_, Status>(snapshot);
                }
                tokio::time::sleep(POLL).await;
            }
        };
        let late = |_| Status::deadline_exceeded("the snapshot is still being written");
        let snapshot = tokio::time::timeout(FORM_PATIENCE, taken).await.map_err(late)??;
        Ok(Response::new(pb::SnapshotResponse {
            index: snapshot.applied.log.map_or(0, |log| log.index),
            bytes: snapshot.bytes,
            digest: hex(&snapshot.applied.digest.root()),
        }))
    }

    type AuditStream = BoxStream<'static, super::audit::Step>;

    async fn audit(
        &self,
        _request: Request<pb::AuditRequest>,
    ) -> Result<Response<Self::AuditStream>, Status> {
        let steps = super::audit::start(&self.shared, &self.auditing)?;
        Ok(Response::new(tokio_stream::wrappers::ReceiverStream::new(steps).boxed()))
    }

    async fn server_info(
        &self,
        _request: Request<pb::ServerInfoRequest>,
    ) -> Result<Response<pb::ServerInfoResponse>, Status> {
        let node = self.shared.links.node();
        Ok(Response::new(pb::ServerInfoResponse {
            version: env!("CARGO_PKG_VERSION").into(),
            node,
            province: (node / 1_000_000).to_string(),
            cluster: self.shared.cluster_text(),
            batch_max: crate::propose::BATCH_MAX as u32,
            message_bytes_max: crate::server::API_MESSAGE_MAX as u64,
        }))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Shared {
    fn cluster_text(&self) -> String {
        self.links.cluster().map(wire::cluster_to_proto).unwrap_or_default()
    }

    /// Makes this node one of the cluster, durably.
    pub(crate) fn set_cluster(&self, cluster: [u8; 16]) -> Result<(), Status> {
        let mut data_dir = self.data_dir.lock();
        let data_dir = data_dir.as_mut().ok_or_else(|| status::status(Reason::NodeStopping, ""))?;
        data_dir.set_cluster(cluster).map_err(|fault| unwell(&fault))?;
        self.state.set_cluster(cluster);
        Ok(())
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
            log_entries: standing.last_log.saturating_sub(standing.snapshot),
        }
    }

    /// How this node is, with its digest at this index (0: its newest); an empty one if it does not remember it.
    fn node_status_at(&self, digest_index: u64) -> pb::NodeStatus {
        let mut status = self.node_status();
        if digest_index > 0 {
            status.digest = self.state.digest_at(digest_index).map(|digest| hex(&digest)).unwrap_or_default();
            status.digest_index = digest_index;
        }
        status
    }

    /// How all members are, with the digest of each at one index that all who answer have applied.
    async fn whole_status(self: &Arc<Self>) -> pb::StatusResponse {
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

    fn status_of(&self, nodes: Vec<pb::NodeStatus>, compared: u64) -> pb::StatusResponse {
        let standing = self.consensus.standing();
        let needed = standing.voters.len() / 2 + 1;
        let up = |node: &&pb::NodeStatus| node.role() != pb::Role::Unreachable;
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
