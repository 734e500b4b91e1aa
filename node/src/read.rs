//! Reads at three levels: linearizable, at least an index, local.

use crate::alarm::Alarm;
use crate::raft::Consensus;
use crate::raft::links::{Lane, Links};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};

/// How fresh a read must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Sees everything that was acknowledged before it was asked.
    Linearizable,
    /// Has applied at least this index: read your own writes, with the index of a receipt.
    AtLeast(u64),
    /// Whatever this node has applied.
    Local,
}

/// Why a read could not be made that fresh.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Nobody could confirm that it leads.
    #[error("the cluster has no leader now")]
    NoLeader,
    /// This node has not applied that far in time.
    #[error("this node has applied up to {applied}, not yet {wanted}")]
    Behind {
        /// The index that was asked for.
        wanted: u64,
        /// How far this node is.
        applied: u64,
    },
}

/// How long a read may wait for its freshness.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long one round of asking the leader may take.
const ROUND: Duration = Duration::from_secs(2);
/// Pause between two tries to find a leader.
const POLL: Duration = Duration::from_millis(20);
/// Reads that may wait for a round.
const WAITING_MAX: usize = 65_536;

type Asker = oneshot::Sender<Result<u64, ReadError>>;

/// Makes reads fresh.
#[derive(Clone)]
pub struct Reads {
    rounds: mpsc::Sender<Asker>,
    applied: watch::Receiver<u64>,
}

impl Reads {
    /// Starts the task that asks for read indexes.
    pub fn start(
        consensus: Consensus,
        links: Arc<Links>,
        applied: watch::Receiver<u64>,
        alarm: &Alarm,
    ) -> Reads {
        let (rounds, askers) = mpsc::channel(WAITING_MAX);
        alarm.guard("the read rounds", Rounds { consensus, links }.run(askers));
        Reads { rounds, applied }
    }

    /// Returns when a read of this node's state is as fresh as asked.
    pub async fn wait(&self, freshness: Freshness) -> Result<(), ReadError> {
        let wanted = match freshness {
            Freshness::Local => return Ok(()),
            Freshness::AtLeast(index) => index,
            Freshness::Linearizable => {
                let (asker, index) = oneshot::channel();
                self.rounds.send(asker).await.map_err(|_| ReadError::NoLeader)?;
                index.await.unwrap_or(Err(ReadError::NoLeader))?
            }
        };
        let mut applied = self.applied.clone();
        let reached = applied.wait_for(|applied| *applied >= wanted);
        match tokio::time::timeout(PATIENCE, reached).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(ReadError::Behind { wanted, applied: *self.applied.borrow() }),
        }
    }
}

/// One round serves every read that waited when it began.
struct Rounds {
    consensus: Consensus,
    links: Arc<Links>,
}

impl Rounds {
    async fn run(self, mut askers: mpsc::Receiver<Asker>) {
        let mut waiting = Vec::new();
        while askers.recv_many(&mut waiting, WAITING_MAX).await > 0 {
            let index =
                tokio::time::timeout(PATIENCE, self.index()).await.unwrap_or(Err(ReadError::NoLeader));
            for asker in waiting.drain(..) {
                // A reader that has gone needs no answer.
                asker.send(index.clone()).ok();
            }
        }
    }

    async fn index(&self) -> Result<u64, ReadError> {
        loop {
            if let Some((leader, member)) = self.consensus.leader() {
                let asked = async {
                    if leader == self.links.node() {
                        return self.consensus.read_index().await.ok();
                    }
                    let mut client = self.links.peer(&member.peer, Lane::Control).ok()?;
                    let request = proto::v1::ReadIndexRequest { header: Some(self.links.header(leader)) };
                    let reply = client.read_index(request).await.ok()?.into_inner();
                    Some(reply.index).filter(|index| *index > 0)
                };
                if let Ok(Some(index)) = tokio::time::timeout(ROUND, asked).await {
                    return Ok(index);
                }
            }
            tokio::time::sleep(POLL).await;
        }
    }
}
