//! What the rest of the node may ask of consensus.

use super::links::Links;
use super::log::LogStore;
use super::machine::Machine;
use super::types::{self, Answers, Batch, Member, NodeId, TypeConfig, VoteBytes, Waiter};
use crate::fault::Fault;
use crate::state::{Snapshot, State};
use futures::{Stream, StreamExt};
use ledger::codec;
use openraft::async_runtime::WatchReceiver;
use openraft::errors::{ClientWriteError, Fatal, LinearizableReadError, RaftError};
use openraft::raft::{StreamAppendError, StreamAppendResult, VoteRequest, VoteResponse};
use openraft::{ReadPolicy, ServerState, SnapshotPolicy};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

pub(super) type Raft = openraft::Raft<TypeConfig, Machine>;

/// Times and sizes of consensus.
#[derive(Clone, Debug)]
pub struct RaftSettings {
    /// How often the leader is heard when nothing happens.
    pub heartbeat: Duration,
    /// The shortest silence after which a voter stands for election; the longest is twice that.
    pub election: Duration,
    /// A snapshot is taken after this many entries.
    pub snapshot_entries: u64,
    /// This many entries are kept behind a snapshot, for followers that are a little late.
    pub keep_entries: u64,
}

/// The node that answers is not the leader.
#[derive(Clone, Debug, Default, PartialEq, Eq, thiserror::Error)]
#[error("this node is not the leader")]
pub struct NotLeader {
    /// Who is, as far as this node knows.
    pub leader: Option<(NodeId, Member)>,
    /// True if what was proposed stood in this node's log for a while: another leader may have kept it.
    /// False: nothing was proposed.
    pub discarded: bool,
}

/// What a node does in the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Keeps the ledger and does not vote.
    Learner,
    /// Votes and follows.
    Follower,
    /// Stands for election.
    Candidate,
    /// Orders the log.
    Leader,
    /// Has stopped.
    Stopped,
}

/// How consensus stands, as this node sees it.
#[derive(Clone, Debug)]
pub struct Standing {
    /// This node.
    pub node: NodeId,
    /// Its role.
    pub role: Role,
    /// The current term.
    pub term: u64,
    /// The leader, if one is known.
    pub leader: Option<NodeId>,
    /// The last entry in this node's log.
    pub last_log: u64,
    /// The last entry applied here.
    pub applied: u64,
    /// The last entry covered by a snapshot.
    pub snapshot: u64,
    /// The last entry that this node's log no longer keeps.
    pub purged: u64,
    /// Who votes: by the newer membership, where one is being made of another.
    pub voters: BTreeSet<NodeId>,
    /// Whether a membership is being made of another, and majorities of both decide.
    pub joint: bool,
    /// Where in the log the membership stands.
    pub membership: Option<types::LogId>,
    /// All members, voters and learners.
    pub members: BTreeMap<NodeId, Member>,
    /// On the leader: how far each member's log is known to reach.
    pub matched: BTreeMap<NodeId, u64>,
    /// On the leader: who has answered within an election's time.
    pub heard: BTreeSet<NodeId>,
}

/// A handle to this node's part in consensus.
#[derive(Clone)]
pub struct Consensus {
    pub(super) node: NodeId,
    pub(super) raft: Raft,
    links: Arc<Links>,
    election: Duration,
}

impl Consensus {
    /// Starts taking part: recovers from the log, applies what is committed, answers peers.
    pub async fn start(
        node: NodeId,
        settings: &RaftSettings,
        log: LogStore,
        state: State,
        links: Arc<Links>,
        applied: watch::Sender<u64>,
    ) -> Result<Consensus, Fault> {
        let millis = |time: Duration| time.as_millis() as u64;
        let config = openraft::Config {
            cluster_name: "gongji".into(),
            heartbeat_interval: millis(settings.heartbeat),
            election_timeout_min: millis(settings.election),
            election_timeout_max: millis(settings.election) * 2,
            install_snapshot_timeout: 300_000,
            max_payload_entries: 64,
            max_append_entries: Some(64),
            replication_lag_threshold: 100,
            snapshot_policy: SnapshotPolicy::LogsSinceLast(settings.snapshot_entries),
            max_in_snapshot_log_to_keep: settings.keep_entries,
            enable_pre_vote: Some(true),
            // At least the lease and the longest election, which are twice the shortest each.
            quorum_loss_probe_interval: Some(millis(settings.election) * 4),
            // A restarted leader that resumed its term could serve reads from before its crash
            // (openraft 1511); it stands for election like everyone else.
            enable_leader_restore: Some(false),
            ..Default::default()
        };
        let config = config.validate().map_err(|problem| Fault::Config {
            what: format!("the times of consensus cannot work: {problem}"),
            hint: "let raft.election be at least three times raft.heartbeat".into(),
        })?;
        let machine = Machine::new(state, applied);
        let network = super::network::Factory::new(links.clone(), log.clone());
        let raft = Raft::new(node, Arc::new(config), network, log, machine)
            .await
            .map_err(|fatal| stopped(&fatal))?;
        Ok(Consensus { node, raft, links, election: settings.election })
    }

    /// How things stand.
    pub fn standing(&self) -> Standing {
        let watched = self.raft.metrics();
        let metrics = watched.borrow_watched();
        let membership = &metrics.membership_config;
        let configs = membership.membership().get_joint_config();
        let index = |id: &Option<types::LogId>| id.as_ref().map_or(0, |id| id.index);
        let lately = |at: &openraft::metrics::SerdeInstant<_>| {
            openraft::async_runtime::Instant::elapsed(&**at) < self.election
        };
        let heard = metrics.heartbeat.iter().flatten().filter(|(_, at)| at.as_ref().is_some_and(lately));
        Standing {
            heard: heard.map(|(id, _)| *id).collect(),
            node: self.node,
            role: match metrics.state {
                ServerState::Learner => Role::Learner,
                ServerState::Follower => Role::Follower,
                ServerState::Candidate => Role::Candidate,
                ServerState::Leader => Role::Leader,
                ServerState::Shutdown => Role::Stopped,
            },
            term: metrics.current_term,
            leader: metrics.current_leader,
            last_log: metrics.last_log_index.unwrap_or(0),
            applied: index(&metrics.last_applied),
            snapshot: index(&metrics.snapshot),
            purged: index(&metrics.purged),
            voters: configs.last().cloned().unwrap_or_default(),
            joint: configs.len() > 1,
            membership: *membership.log_id(),
            members: membership.nodes().map(|(id, member)| (*id, member.clone())).collect(),
            matched: metrics
                .replication
                .iter()
                .flatten()
                .map(|(id, matched)| (*id, index(matched)))
                .collect(),
        }
    }

    /// Whether this node leads, as far as it knows.
    pub fn leads(&self) -> bool {
        self.raft.is_leader()
    }

    /// The leader, as far as this node knows.
    pub fn leader(&self) -> Option<(NodeId, Member)> {
        let watched = self.raft.server_metrics();
        let metrics = watched.borrow_watched();
        let leader = metrics.current_leader?;
        let member = metrics.membership_config.get_node(&leader)?.clone();
        Some((leader, member))
    }

    /// Puts a batch into the log. `done` is called with the answers when it is applied here, or with
    /// the news that this node does not lead; if it is dropped uncalled, the outcome is unknown.
    pub async fn propose(
        &self,
        batch: Batch,
        done: impl FnOnce(Result<(u64, Answers), NotLeader>) + Send + 'static,
    ) -> Result<(), Fault> {
        let waiter = Waiter::new(move |result: openraft::raft::ClientWriteResult<TypeConfig>| match result {
            Ok(written) => done(Ok((written.log_id.index, written.data))),
            Err(ClientWriteError::ForwardToLeader(forward)) => {
                done(Err(NotLeader { leader: forward.leader_id.zip(forward.leader_node), discarded: false }))
            }
            Err(ClientWriteError::LogEntryDiscarded(forward)) => {
                done(Err(NotLeader { leader: forward.leader_id.zip(forward.leader_node), discarded: true }))
            }
            // Said of other writes only; nothing is known of a batch that gets it.
            Err(ClientWriteError::ChangeMembershipError(_) | ClientWriteError::PreconditionFailed(_)) => {
                done(Err(NotLeader { leader: None, discarded: true }))
            }
        });
        self.raft.client_write_ff(batch, Some(waiter)).await.map_err(|fatal| stopped(&fatal))
    }

    /// On the leader: the index that a read must have applied to see everything acknowledged so far.
    pub async fn read_index(&self) -> Result<u64, NotLeader> {
        // The index first, and then who leads: see `confirm`.
        match self.raft.get_read_linearizer(ReadPolicy::LeaseRead).await {
            Ok(linearizer) if super::confirm::leads(&self.raft, &self.links).await => {
                Ok(linearizer.read_log_id().index())
            }
            Ok(_) => Err(NotLeader::default()),
            Err(RaftError::APIError(LinearizableReadError::ForwardToLeader(forward))) => {
                Err(NotLeader { leader: forward.leader_id.zip(forward.leader_node), discarded: false })
            }
            Err(_) => Err(NotLeader::default()),
        }
    }

    /// Asks for a snapshot now.
    pub async fn snapshot(&self) -> Result<(), Fault> {
        self.raft.trigger().snapshot().await.map_err(|fatal| stopped(&fatal))
    }

    /// Returns when the Raft core has stopped by itself, with the reason. Logs who leads meanwhile.
    pub async fn failed(&self) -> Fault {
        let mut watched = self.raft.metrics();
        let mut known = None;
        loop {
            let (running, term, leader) = {
                let metrics = watched.borrow_watched();
                (metrics.running_state.clone(), metrics.current_term, metrics.current_leader)
            };
            if let Err(fatal) = running {
                return stopped(&fatal);
            }
            if known.replace((term, leader)) != Some((term, leader)) {
                match leader {
                    Some(leader) if leader == self.node => tracing::info!(term, "leading"),
                    Some(leader) => tracing::info!(term, leader, "following"),
                    None => tracing::info!(term, "nobody leads"),
                }
            }
            if WatchReceiver::changed(&mut watched).await.is_err() {
                return stopped(&Fatal::Stopped);
            }
        }
    }

    /// Stops taking part.
    pub async fn shutdown(&self) {
        if let Err(problem) = self.raft.shutdown().await {
            tracing::warn!(%problem, "the Raft task did not end well");
        }
    }
}

fn stopped(fatal: &Fatal<TypeConfig>) -> Fault {
    Fault::Stopped { reason: fatal.to_string() }
}

/// Answers to peers: bytes in, bytes out.
impl Consensus {
    /// A stream of append requests, answered in order.
    pub fn on_append_stream(
        &self,
        requests: impl Stream<Item = bytes::Bytes> + Send + 'static,
    ) -> impl Stream<Item = Result<Vec<u8>, Fault>> + Send + 'static {
        let requests = requests.map(|bytes| super::append::read_append(&bytes)).scan((), |(), request| {
            // A request that does not decode ends the stream: the peer sees it close and starts anew.
            if let Err(problem) = &request {
                tracing::error!(%problem, "an append request from a peer does not decode");
            }
            futures::future::ready(request.ok())
        });
        self.raft.stream_append(requests).map(|result| match result {
            Ok(result) => Ok(codec::encode(&AppendReply::of(result))),
            Err(fatal) => Err(stopped(&fatal)),
        })
    }

    /// One append request, as heartbeats are sent.
    pub async fn on_append(&self, body: &[u8]) -> Result<Vec<u8>, PeerError> {
        let request = super::append::read_append(body)?;
        let (prev, last) = (request.prev_log_id, request.entries.last().map(|entry| entry.log_id));
        let reply = self.raft.append_entries(request).await.map_err(PeerError::raft)?;
        Ok(codec::encode(&AppendReply::of(reply.into_stream_result(prev, last.or(prev)))))
    }

    /// A request for this node's vote, or (`pre`) whether it would give it.
    pub async fn on_vote(&self, body: &[u8], pre: bool) -> Result<Vec<u8>, PeerError> {
        let asked: VoteAsked = types::decode("a vote request", body)?;
        let request = VoteRequest {
            vote: asked.vote.into(),
            last_log_id: asked.last.map(types::log_id),
            leadership_transfer: asked.transfer,
        };
        let answer = if pre { self.raft.pre_vote(request).await } else { self.raft.vote(request).await };
        Ok(codec::encode(&VoteGiven::from(answer.map_err(PeerError::raft)?)))
    }

    /// A leader hands over to this node.
    pub async fn on_transfer(&self, body: &[u8]) -> Result<Vec<u8>, PeerError> {
        let asked: Transfer = types::decode("a leader transfer", body)?;
        let last = asked.last.map(types::log_id);
        let request = openraft::raft::TransferLeaderRequest::new(asked.from.into(), asked.to, last);
        let accepted = self
            .raft
            .handle_transfer_leader(request)
            .await
            .map_err(|fatal| PeerError::Failed(fatal.to_string()))?;
        Ok(codec::encode(&accepted.is_ok()))
    }

    /// A whole snapshot has been received into a file.
    pub async fn on_snapshot(&self, vote: &[u8], snapshot: Snapshot) -> Result<Vec<u8>, PeerError> {
        let vote: VoteBytes = types::decode("a snapshot's vote", vote)?;
        let meta = super::machine::snapshot_meta(&snapshot)
            .map_err(|problem| PeerError::Failed(problem.to_string()))?;
        let snapshot = super::machine::RaftSnapshot { meta, snapshot };
        let reply = self
            .raft
            .install_full_snapshot(vote.into(), snapshot)
            .await
            .map_err(|fatal| PeerError::Failed(fatal.to_string()))?;
        Ok(codec::encode(&VoteBytes::from(&reply.vote)))
    }
}

/// Why a peer's request got no answer.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    /// The bytes do not decode: another version, or damage on the way.
    #[error(transparent)]
    Bad(#[from] types::BadBytes),
    /// This node's Raft core has stopped.
    #[error("{0}")]
    Failed(String),
}

impl PeerError {
    fn raft(problem: RaftError<TypeConfig>) -> PeerError {
        PeerError::Failed(problem.to_string())
    }
}

/// The answer to one append request.
#[derive(Serialize, Deserialize)]
pub(super) enum AppendReply {
    Matched(Option<crate::state::LogMark>),
    Conflict(crate::state::LogMark),
    HigherVote(VoteBytes),
}

impl AppendReply {
    fn of(result: StreamAppendResult<TypeConfig>) -> AppendReply {
        match result {
            Ok(matched) => AppendReply::Matched(matched.as_ref().map(types::mark)),
            Err(StreamAppendError::Conflict(at)) => AppendReply::Conflict(types::mark(&at)),
            Err(StreamAppendError::HigherVote(vote)) => AppendReply::HigherVote(VoteBytes::from(&vote)),
        }
    }

    pub fn into_result(self) -> StreamAppendResult<TypeConfig> {
        match self {
            AppendReply::Matched(matched) => Ok(matched.map(types::log_id)),
            AppendReply::Conflict(at) => Err(StreamAppendError::Conflict(types::log_id(at))),
            AppendReply::HigherVote(vote) => Err(StreamAppendError::HigherVote(vote.into())),
        }
    }
}

/// A request for a vote.
#[derive(Serialize, Deserialize)]
pub(super) struct VoteAsked {
    pub vote: VoteBytes,
    pub last: Option<crate::state::LogMark>,
    pub transfer: bool,
}

/// The answer to a request for a vote.
#[derive(Serialize, Deserialize)]
pub(super) struct VoteGiven {
    pub vote: VoteBytes,
    granted: bool,
    last: Option<crate::state::LogMark>,
}

impl From<VoteResponse<TypeConfig>> for VoteGiven {
    fn from(answer: VoteResponse<TypeConfig>) -> Self {
        VoteGiven {
            vote: VoteBytes::from(&answer.vote),
            granted: answer.vote_granted,
            last: answer.last_log_id.as_ref().map(types::mark),
        }
    }
}

impl From<VoteGiven> for VoteResponse<TypeConfig> {
    fn from(given: VoteGiven) -> Self {
        VoteResponse {
            vote: given.vote.into(),
            vote_granted: given.granted,
            last_log_id: given.last.map(types::log_id),
        }
    }
}

/// A leader's wish to hand over.
#[derive(Serialize, Deserialize)]
pub(super) struct Transfer {
    pub from: VoteBytes,
    pub to: NodeId,
    pub last: Option<crate::state::LogMark>,
}
