//! The door for operators: forming the cluster, its members, its status.

use super::members::members_from_proto;
use super::unwell;
use crate::fault::hex;
use crate::read::Freshness;
use crate::server::Shared;
use crate::wire;
use futures::StreamExt;
use futures::stream::BoxStream;
use ledger::command::{KinshipScope, Policy};
use ledger::{Call, Caller, Key, Outcome, Province, Transaction, View};
use proto::status;
use proto::v1::{self as pb, Reason};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tonic::{Request, Response, Status};

/// Provinces with wide in-province kinship (all eight kinds), as published by November 2024 (domain.md 1.2).
const WIDE_KINSHIP: [u8; 23] =
    [12, 13, 14, 21, 22, 23, 32, 33, 36, 37, 41, 42, 43, 45, 46, 51, 52, 53, 54, 61, 62, 64, 65];
/// How long a new cluster may take to find its first leader, and a member to answer.
pub(super) const FORM_PATIENCE: Duration = Duration::from_secs(30);
pub(super) const POLL: Duration = Duration::from_millis(20);

/// `gongji.v1.Cluster`.
pub struct ClusterService {
    pub(super) shared: Arc<Shared>,
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
                self.learner_added(pb::AddLearnerRequest { member, wait: false }).await?;
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
        self.learner_added(request.into_inner()).await.map(Response::new)
    }

    async fn promote(
        &self,
        request: Request<pb::PromoteRequest>,
    ) -> Result<Response<pb::PromoteResponse>, Status> {
        self.promoted(request.into_inner()).await.map(Response::new)
    }

    async fn demote(
        &self,
        request: Request<pb::DemoteRequest>,
    ) -> Result<Response<pb::DemoteResponse>, Status> {
        self.demoted(request.into_inner()).await.map(Response::new)
    }

    async fn remove(
        &self,
        request: Request<pb::RemoveRequest>,
    ) -> Result<Response<pb::RemoveResponse>, Status> {
        self.removed(request.into_inner()).await.map(Response::new)
    }

    async fn hand_over(
        &self,
        request: Request<pb::HandOverRequest>,
    ) -> Result<Response<pb::HandOverResponse>, Status> {
        self.handed_over(request.into_inner()).await.map(Response::new)
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

impl Shared {
    /// Makes this node one of the cluster, durably.
    pub(crate) fn set_cluster(&self, cluster: [u8; 16]) -> Result<(), Status> {
        let mut data_dir = self.data_dir.lock();
        let data_dir = data_dir.as_mut().ok_or_else(|| status::status(Reason::NodeStopping, ""))?;
        data_dir.set_cluster(cluster).map_err(|fault| unwell(&fault))?;
        self.state.set_cluster(cluster);
        Ok(())
    }
}
