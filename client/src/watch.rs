//! Following what is decided, without gap or repetition, over failures of nodes.

use crate::caller::Caller;
use crate::connect::{ANSWER_BYTES_MAX, Client};
use crate::error::{Error, judge};
use crate::outcome::{self, Outcome, Said};
use crate::retry::Backoff;
use futures::Stream;
use proto::status;
use proto::v1::ledger_client::LedgerClient;
use proto::v1::watch_response::Kind;
use proto::v1::{self as pb, Reason};
use std::time::{Duration, SystemTime};
use tokio::time::{sleep, timeout};
use tonic::{Status, Streaming};

/// After so long without even a heartbeat the next node is asked. Servers send one every five seconds.
const SILENCE_MAX: Duration = Duration::from_secs(15);
/// The largest entry that is taken, in bytes: its answers, and its transactions.
const ENTRY_BYTES_MAX: usize = 2 * ANSWER_BYTES_MAX;

/// Follows what is decided. When its node fails, it goes on at another from the next index.
#[derive(Debug)]
pub struct Watch {
    client: Client,
    /// The next index wanted; none until the first message says where "from now on" starts.
    next: Option<u64>,
    committed: u64,
    /// Whether decisions carry their transactions.
    transactions: bool,
    open: Option<(usize, Streaming<pb::WatchResponse>)>,
    backoff: Backoff,
    /// How many nodes in a row no longer have the wanted index.
    compacted: usize,
}

/// A log entry, decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its index. Indexes may skip; they never run backwards.
    pub index: u64,
    /// Its ledger time.
    pub time: SystemTime,
    /// What was decided about its transactions, in their order.
    pub decisions: Vec<Decision>,
}

/// What was decided about one transaction.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// Who had asked.
    pub caller: Caller,
    /// Done or refused.
    pub outcome: Outcome,
    /// What was asked, as it stands in the journal; only in a watch [`with_transactions`](Watch::with_transactions).
    pub transaction: Option<pb::Transaction>,
}

impl Client {
    /// Follows what is decided from an index on; from 1 for the beginning. To go on after a restart, keep the index
    /// of the last entry that was handled and watch from the one behind it.
    pub fn watch(&self, from: u64) -> Watch {
        Watch::new(self, Some(from))
    }

    /// Follows what is decided from now on.
    pub fn watch_new(&self) -> Watch {
        Watch::new(self, None)
    }
}

impl Watch {
    fn new(client: &Client, next: Option<u64>) -> Watch {
        Watch {
            client: client.clone(),
            next,
            committed: 0,
            transactions: false,
            open: None,
            backoff: Backoff::new(),
            compacted: 0,
        }
    }

    /// The same watch, with each decision's transaction beside its outcome: for auditors, and to keep a copy of the
    /// journal.
    pub fn with_transactions(mut self) -> Watch {
        self.transactions = true;
        self.open = None;
        self
    }

    /// The next entry. Waits for it as long as it takes, over any failure of nodes. Ends with an error only when
    /// going on would leave a gap ([`Error::Compacted`]) or the servers do not allow the watch.
    ///
    /// May be dropped while waiting: nothing is lost.
    pub async fn next(&mut self) -> Result<Entry, Error> {
        loop {
            if let Some(entry) = self.step().await? {
                return Ok(entry);
            }
        }
    }

    /// The next entry up to an index; none once everything up to it was given out. Otherwise as [`next`](Watch::next).
    pub async fn next_until(&mut self, last: u64) -> Result<Option<Entry>, Error> {
        loop {
            if self.next.is_some_and(|next| next > last) {
                return Ok(None);
            }
            match self.step().await? {
                Some(entry) if entry.index <= last => return Ok(Some(entry)),
                Some(entry) => {
                    // It belongs to whoever goes on: the connection, which is past it, begins there again.
                    self.next = Some(entry.index);
                    self.open = None;
                }
                None => {}
            }
        }
    }

    /// The watch as a stream, which ends after an error.
    pub fn into_stream(self) -> impl Stream<Item = Result<Entry, Error>> {
        futures::stream::unfold(Some(self), async |watch| {
            let mut watch = watch?;
            match watch.next().await {
                Ok(entry) => Some((Ok(entry), Some(watch))),
                Err(error) => Some((Err(error), None)),
            }
        })
    }

    /// The index from which the watch goes on, once it is known. Everything below was given out or held nothing.
    pub fn next_index(&self) -> Option<u64> {
        self.next
    }

    /// The highest committed index that a server told of.
    pub fn committed(&self) -> u64 {
        self.committed
    }

    /// One message: an entry that is new, or nothing yet.
    async fn step(&mut self) -> Result<Option<Entry>, Error> {
        let (slot, received) = match &mut self.open {
            None => return self.connect().await.map(|()| None),
            Some((slot, stream)) => (*slot, timeout(SILENCE_MAX, stream.message()).await),
        };
        let status = match received {
            Ok(Ok(Some(message))) => match self.take(message) {
                Ok(entry) => return Ok(entry),
                Err(status) => status,
            },
            Ok(Ok(None)) => Status::unavailable("the watch ended"),
            Ok(Err(status)) => status,
            Err(_) => {
                self.client.endpoints.unanswered(slot);
                Status::unavailable("not even a heartbeat")
            }
        };
        self.failed(slot, &status).await.map(|()| None)
    }

    async fn connect(&mut self) -> Result<(), Error> {
        let (slot, channel) = self.client.endpoints.preferred();
        let mut ledger = LedgerClient::new(channel).max_decoding_message_size(ENTRY_BYTES_MAX);
        let question = pb::WatchRequest { from_index: self.next, with_transactions: self.transactions };
        match timeout(self.client.settings.attempt, ledger.watch(question)).await {
            Ok(Ok(stream)) => {
                self.open = Some((slot, stream.into_inner()));
                Ok(())
            }
            Ok(Err(status)) => self.failed(slot, &status).await,
            Err(_) => {
                self.client.endpoints.unanswered(slot);
                self.failed(slot, &Status::unavailable("no reply in time")).await
            }
        }
    }

    /// Moves over to the next node, unless no node can help.
    async fn failed(&mut self, slot: usize, status: &Status) -> Result<(), Error> {
        self.open = None;
        if status::reason_of(status) == Some(Reason::IndexCompacted) {
            // Another node may still keep what this one does not.
            self.compacted += 1;
            if self.compacted >= self.client.endpoints.len() {
                self.compacted = 0;
                let oldest = status::metadata_of(status, "oldest").and_then(|oldest| oldest.parse().ok());
                return Err(Error::Compacted {
                    wanted: self.next.unwrap_or_default(),
                    oldest: oldest.unwrap_or_default(),
                });
            }
        } else {
            self.compacted = 0;
            if !judge(status).again {
                return Err(Error::of(status));
            }
        }
        self.client.endpoints.move_over(slot);
        let pause = self.backoff.pause();
        sleep(pause).await;
        Ok(())
    }

    /// Takes a message in; an entry that was given out before is passed over.
    fn take(&mut self, message: pb::WatchResponse) -> Result<Option<Entry>, Status> {
        self.backoff.reset();
        self.compacted = 0;
        match message.kind {
            Some(Kind::Entry(entry)) if entry.index < self.next.unwrap_or_default() => Ok(None),
            Some(Kind::Entry(entry)) => {
                let read = read_entry(entry)
                    .ok_or_else(|| Status::unimplemented("an entry that this version cannot read"))?;
                self.next = Some(read.index + 1);
                self.committed = self.committed.max(read.index);
                Ok(Some(read))
            }
            Some(Kind::Heartbeat(heartbeat)) => {
                self.committed = self.committed.max(heartbeat.committed);
                self.next = Some(self.next.unwrap_or_default().max(heartbeat.next));
                Ok(None)
            }
            None => Ok(None),
        }
    }
}

/// An entry; none if it holds what this version does not understand.
fn read_entry(entry: pb::Entry) -> Option<Entry> {
    let stamp = entry.stamp.unwrap_or_default();
    let decisions = entry.decisions.into_iter().map(read_decision).collect::<Option<Vec<_>>>()?;
    Some(Entry { index: entry.index, time: SystemTime::try_from(stamp).ok()?, decisions })
}

fn read_decision(decision: pb::Decision) -> Option<Decision> {
    let result = decision.result?;
    let request = result.request_id.parse().ok()?;
    match outcome::read(request, result)? {
        Said::Final(outcome) => Some(Decision {
            caller: Caller::from_proto(decision.caller)?,
            outcome,
            transaction: decision.transaction,
        }),
        Said::Malformed(_) | Said::Again(_) => None,
    }
}

#[cfg(test)]
#[path = "fuzz.rs"]
mod fuzz;
