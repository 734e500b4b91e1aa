//! Gathers transactions that wait into log entries (group commit), or passes them to the leader.
//!
//! One task takes jobs from one queue. A few entries may be under way at once; while they are, what
//! arrives waits and becomes the next entry, so a lone caller is served at once and many callers
//! share an entry, its sync and its messages. One transaction's refusal never affects another's.

use crate::alarm::Alarm;
use crate::clock::Clock;
use crate::host;
use crate::raft::links::{Lane, Links};
use crate::raft::{Batch, Consensus, Member, NodeId};
use bytes::Bytes;
use ledger::{Answer, Call, Transaction, codec};
use proto::v1::Reason;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::Instant;

/// The most transactions of one log entry, and of one job.
pub const BATCH_MAX: usize = 1_000;
/// The most bytes of transactions, roughly, of one log entry.
const BATCH_BYTES_MAX: usize = 512 << 10;
/// The most bytes of one entry, whatever is in it: what a follower still decodes.
const ENTRY_BYTES_MAX: usize = codec::VALUE_MAX;
/// Entries under way at once. Measured with 256 callers on two cores: 29.2, 31.1, 29.7 and 29.2 thousand
/// transactions a second with 1, 2, 4 and 8.
const UNDER_WAY_MAX: usize = 2;
/// Jobs that may wait, and KiB of transactions; past either the node says that it is busy.
const QUEUE_MAX: usize = 16_384;
const QUEUE_KIB_MAX: usize = 64 << 10;
/// How long a job may look for a leader. One that has not been asked yet is asked later, too, within [`FORWARD_PATIENCE`].
const LEADER_PATIENCE: Duration = Duration::from_secs(4);
/// How long a leader may take over passed-on transactions before their outcome is called unknown.
const FORWARD_PATIENCE: Duration = Duration::from_secs(10);
/// Pause between two looks for a leader.
const LEADER_POLL: Duration = Duration::from_millis(20);

/// Why there is no decision.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Undecided {
    /// The queue is full. Nothing was proposed.
    #[error("too many transactions wait here")]
    Busy,
    /// No leader was found in time. Nothing was proposed.
    #[error("the cluster has no leader now")]
    NoLeader,
    /// It was passed on to this node, which does not lead. Nothing was proposed.
    #[error("this node does not lead")]
    NotLeader(Option<NodeId>),
    /// It may or may not have been done: ask again with the same request id.
    #[error("the outcome is unknown")]
    Unknown,
}

type Decided = Result<Vec<Answer>, Undecided>;

struct Job {
    transactions: Vec<Transaction>,
    bytes: usize,
    /// True for a job that another node passed on: it is not passed on again.
    passed_on: bool,
    reply: oneshot::Sender<Decided>,
    /// The job's share of the room for what waits.
    _room: OwnedSemaphorePermit,
}

/// What a transaction takes in an entry, roughly and at least.
fn size_of(transaction: &Transaction) -> usize {
    let order = match &transaction.call {
        Call::SetPriority { order, .. } => order.len() * 10,
        _ => 0,
    };
    192 + transaction.signature.len() + order
}

impl Job {
    fn answer(self, decided: Decided) {
        // A caller that no longer waits will ask again with the same id.
        self.reply.send(decided).ok();
    }
}

/// Takes transactions and gives back decisions.
#[derive(Clone)]
pub struct Proposer {
    queue: mpsc::Sender<Job>,
    room: Arc<Semaphore>,
}

impl Proposer {
    /// Starts the task that proposes.
    pub fn start(consensus: Consensus, links: Arc<Links>, clock: Clock, alarm: &Alarm) -> Proposer {
        let (queue, jobs) = mpsc::channel(QUEUE_MAX);
        let road = Arc::new(Road { consensus, links, clock });
        let gatherer = Gatherer { jobs, held: None, road, slots: Arc::new(Semaphore::new(UNDER_WAY_MAX)) };
        alarm.guard("the proposer", gatherer.run());
        Proposer { queue, room: Arc::new(Semaphore::new(QUEUE_KIB_MAX)) }
    }

    /// Decides these transactions, at most [`BATCH_MAX`], in order; answers in the same order.
    pub async fn submit(&self, transactions: Vec<Transaction>) -> Decided {
        self.enqueue(transactions, false).await
    }

    /// Decides transactions that another node passed on, if this node leads.
    pub async fn submit_passed_on(&self, transactions: Vec<Transaction>) -> Decided {
        self.enqueue(transactions, true).await
    }

    async fn enqueue(&self, transactions: Vec<Transaction>, passed_on: bool) -> Decided {
        if transactions.is_empty() {
            return Ok(Vec::new());
        }
        let bytes: usize = transactions.iter().map(size_of).sum();
        if transactions.len() > BATCH_MAX || bytes > ENTRY_BYTES_MAX / 2 {
            // The doors check this; a peer of another version might not.
            return Err(Undecided::Busy);
        }
        let share = (bytes / 1_024 + 1) as u32;
        let room = self.room.clone().try_acquire_many_owned(share).map_err(|_| Undecided::Busy)?;
        let (reply, decided) = oneshot::channel();
        let job = Job { transactions, bytes, passed_on, reply, _room: room };
        self.queue.try_send(job).map_err(|full| match full {
            mpsc::error::TrySendError::Full(_) => Undecided::Busy,
            mpsc::error::TrySendError::Closed(_) => Undecided::NoLeader,
        })?;
        decided.await.unwrap_or(Err(Undecided::Unknown))
    }
}

/// Jobs that travel together.
type Group = VecDeque<Job>;

struct Gatherer {
    jobs: mpsc::Receiver<Job>,
    /// A job that did not fit into the last group.
    held: Option<Job>,
    road: Arc<Road>,
    slots: Arc<Semaphore>,
}

impl Gatherer {
    async fn run(mut self) {
        loop {
            let slot = match tokio::time::timeout(LEADER_PATIENCE, self.slots.clone().acquire_owned()).await {
                Ok(Ok(slot)) => slot,
                Ok(Err(_)) => return,
                Err(_) => {
                    // Nothing has been decided for so long: a leader without its quorum. What waits here
                    // has not been proposed, and its callers are told so.
                    let held = self.held.take();
                    let waiting = std::iter::from_fn(|| self.jobs.try_recv().ok());
                    held.into_iter().chain(waiting).for_each(|job| job.answer(Err(Undecided::NoLeader)));
                    continue;
                }
            };
            let Some(group) = self.gather().await else { return };
            self.road.clone().send(group, slot).await;
        }
    }

    /// What waits, up to the limits of an entry; waits for the first job. None when the node stops.
    async fn gather(&mut self) -> Option<Group> {
        let first = match self.held.take() {
            Some(job) => job,
            None => {
                let first = self.jobs.recv().await?;
                // Callers that were just answered get their turn to ask again.
                tokio::task::yield_now().await;
                first
            }
        };
        let (mut count, mut bytes) = (first.transactions.len(), first.bytes);
        let passed_on = first.passed_on;
        let mut group = Group::from([first]);
        while let Ok(job) = self.jobs.try_recv() {
            count += job.transactions.len();
            bytes += job.bytes;
            if job.passed_on != passed_on || count > BATCH_MAX || bytes > BATCH_BYTES_MAX {
                self.held = Some(job);
                break;
            }
            group.push_back(job);
        }
        Some(group)
    }
}

/// The way to a decision: through this node's log, or through the leader's.
struct Road {
    consensus: Consensus,
    links: Arc<Links>,
    clock: Clock,
}

impl Road {
    async fn send(self: Arc<Self>, group: Group, slot: OwnedSemaphorePermit) {
        if self.consensus.leads() {
            self.propose(group, slot).await;
        } else {
            host::spawn(self.pass_on(group, false, slot));
        }
    }

    async fn propose(self: Arc<Self>, mut group: Group, slot: OwnedSemaphorePermit) {
        let mut transactions = Vec::with_capacity(group.iter().map(|job| job.transactions.len()).sum());
        let mut lengths = Vec::with_capacity(group.len());
        for job in &mut group {
            lengths.push(job.transactions.len());
            transactions.append(&mut job.transactions);
        }
        let batch = Batch::new(self.clock.now(), transactions);
        if batch.bytes().len() > ENTRY_BYTES_MAX {
            // A follower could not decode it. The doors' limits keep jobs far below.
            tracing::error!(bytes = batch.bytes().len(), "an entry would be too large and was not proposed");
            group.into_iter().for_each(|job| job.answer(Err(Undecided::Busy)));
            return;
        }
        let content = batch.clone();
        let road = self.clone();
        let runtime = tokio::runtime::Handle::current();
        let done =
            move |result: Result<(u64, crate::raft::types::Answers), crate::raft::NotLeader>| match result {
                Ok((_, answers)) => {
                    drop(slot);
                    // The journal has its copy: these are nobody else's any more.
                    let mut answers = Arc::unwrap_or_clone(answers.0).into_iter();
                    for (job, length) in group.into_iter().zip(lengths) {
                        job.answer(Ok(answers.by_ref().take(length).collect()));
                    }
                }
                Err(not_leader) => {
                    // The leader that follows decides, by the same request ids.
                    if let Ok((_, transactions)) = content.content() {
                        let mut transactions = transactions.iter().cloned();
                        for (job, length) in group.iter_mut().zip(lengths) {
                            job.transactions = transactions.by_ref().take(length).collect();
                        }
                    }
                    host::spawn_on(&runtime, road.pass_on(group, not_leader.discarded, slot));
                }
            };
        if let Err(fault) = self.consensus.propose(batch, done).await {
            tracing::error!(%fault, "a batch could not be proposed");
        }
    }

    /// Has the group decided elsewhere. `proposed`: it has been in a log, so that "nothing was proposed"
    /// would be a lie.
    async fn pass_on(self: Arc<Self>, group: Group, proposed: bool, _slot: OwnedSemaphorePermit) {
        let (ours, passed_on): (Group, Group) = group.into_iter().partition(|job| !job.passed_on);
        let leader = self.consensus.leader().map(|(node, _)| node).filter(|node| *node != self.links.node());
        for job in passed_on {
            job.answer(Err(if proposed { Undecided::Unknown } else { Undecided::NotLeader(leader) }));
        }
        if ours.is_empty() {
            return;
        }
        let transactions: Vec<Transaction> =
            ours.iter().flat_map(|job| job.transactions.iter().cloned()).collect();
        let decided = self.decide_elsewhere(&transactions, proposed).await;
        match decided {
            Ok(answers) => {
                let mut answers = answers.into_iter();
                for job in ours {
                    let length = job.transactions.len();
                    job.answer(Ok(answers.by_ref().take(length).collect()));
                }
            }
            Err(undecided) => {
                for job in ours {
                    job.answer(Err(undecided.clone()));
                }
            }
        }
    }

    /// Decides by whoever leads: perhaps this node by now.
    async fn decide_elsewhere(&self, transactions: &[Transaction], proposed: bool) -> Decided {
        let begun = Instant::now();
        let encoded = Bytes::from(codec::encode(&transactions));
        // Once a leader may have got them, "no leader" would be a lie.
        let mut unknown = proposed;
        loop {
            let mut asked = None;
            if let Some((leader, member)) = self.consensus.leader() {
                asked = Some(leader);
                let attempt = if leader == self.links.node() {
                    self.decide_here(transactions).await
                } else {
                    self.ask_leader(leader, &member, &encoded, transactions.len()).await
                };
                match attempt {
                    Err(Undecided::Unknown) => unknown = true,
                    Err(Undecided::Busy) if !unknown => return Err(Undecided::Busy),
                    Err(_) => {}
                    decided => return decided,
                }
            }
            // A leader that was not asked yet is asked, by the same request ids.
            let another =
                self.consensus.leader().is_some_and(|(leader, _)| asked.is_some_and(|it| it != leader));
            if begun.elapsed() >= if another { FORWARD_PATIENCE } else { LEADER_PATIENCE } {
                return Err(if unknown { Undecided::Unknown } else { Undecided::NoLeader });
            }
            tokio::time::sleep(LEADER_POLL).await;
        }
    }

    async fn decide_here(&self, transactions: &[Transaction]) -> Decided {
        let (sender, decided) = oneshot::channel();
        let batch = Batch::new(self.clock.now(), transactions.to_vec());
        let done = move |result: Result<(u64, crate::raft::types::Answers), crate::raft::NotLeader>| {
            let decided = match result {
                Ok((_, answers)) => Ok(Arc::unwrap_or_clone(answers.0)),
                Err(_) => Err(Undecided::Unknown),
            };
            sender.send(decided).ok();
        };
        if self.consensus.propose(batch, done).await.is_err() {
            return Err(Undecided::Unknown);
        }
        decided.await.unwrap_or(Err(Undecided::Unknown))
    }

    async fn ask_leader(&self, leader: NodeId, member: &Member, encoded: &Bytes, count: usize) -> Decided {
        let Ok(mut client) = self.links.peer(&member.peer, Lane::Control) else {
            return Err(Undecided::NoLeader);
        };
        let request = proto::v1::ProposeRequest {
            header: Some(self.links.header(leader)),
            hops: 1,
            transactions: encoded.clone(),
        };
        let reply = tokio::select! {
            biased;
            reply = tokio::time::timeout(FORWARD_PATIENCE, client.propose(request)) => reply,
            // This one may hang: what it has done, the other knows.
            _ = self.consensus.led_by_another(leader) => return Err(Undecided::Unknown),
        };
        let reply = match reply {
            Ok(Ok(reply)) => reply.into_inner(),
            Ok(Err(status)) if proto::status::reason_of(&status) == Some(Reason::Overloaded) => {
                return Err(Undecided::Busy);
            }
            // The connection may have broken before or after the leader got them.
            Ok(Err(_)) | Err(_) => return Err(Undecided::Unknown),
        };
        if reply.unknown {
            return Err(Undecided::Unknown);
        }
        if reply.answers.is_empty() {
            return Err(Undecided::NotLeader(Some(reply.leader).filter(|leader| *leader != 0)));
        }
        match codec::decode::<Vec<Answer>>(&reply.answers) {
            Ok(answers) if answers.len() == count => Ok(answers),
            Ok(_) | Err(_) => Err(Undecided::Unknown),
        }
    }
}
