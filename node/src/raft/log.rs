//! The Raft log and vote, durable in raft-log's files: the truth that everything else is rebuilt from.
//!
//! An append is acknowledged to openraft only when fdatasync has returned; raft-log gathers appends
//! that wait into one sync. A flush error stops the node: what the disk did with an unsynced page
//! after a failed fsync is unknown, so it is never tried again.

use super::types::{self, Entry, LogId, NodeId, TypeConfig, Vote, VoteBytes};
use super::vote::VoteCopy;
use crate::fault::Fault;
use crate::host;
use crate::state::{LogMark, files};
use ledger::codec;
use openraft::entry::RaftEntry;
use openraft::storage::{IOFlushed, RaftLogStorage};
use openraft::{LogIdOptionExt, LogState, OptionalSend, RaftLogReader};
use parking_lot::RwLock;
use raft_log::api::raft_log_writer::RaftLogWriter;
use raft_log::codeq::{Decode, Encode};
use std::fmt::Debug;
use std::io;
use std::ops::{Bound, RangeBounds};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// Sizes of the log's files and caches.
#[derive(Clone, Copy, Debug)]
pub struct LogSettings {
    /// Recent entries kept in memory, in bytes: those of the last file are in any case.
    pub cache_bytes: usize,
    /// Size of one log file, in bytes.
    pub chunk_bytes: usize,
}

/// The most bytes of entries that one replication message carries.
const READ_BYTES_MAX: usize = 1 << 20;

/// The most records in one file of the log, and the most entries in its cache.
const RECORDS_MOST: usize = 50_000;

/// The node's Raft log.
#[derive(Clone, Debug)]
pub struct LogStore {
    log: Arc<RwLock<raft_log::RaftLog<Files>>>,
    folder: Arc<Path>,
    vote: VoteCopy,
}

impl LogStore {
    /// Opens the log in `dir`, which must belong to `node`.
    ///
    /// # Errors
    /// A damaged record (a torn tail is cut, which loses nothing that was acknowledged), another
    /// node's log, or a directory that cannot be read or written.
    pub fn open(dir: &Path, node: NodeId, settings: LogSettings) -> Result<LogStore, Fault> {
        let failed = |source: io::Error| {
            match source.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => Fault::Corrupt {
                place: dir.display().to_string(),
                what: format!("the Raft log: {source}"),
                hint: "this node must not vote on a damaged log: replace it under a new node id (see node/README.md)".into(),
            },
            _ => Fault::io("open the Raft log", dir, source),
        }
        };
        // Its name in the data directory must be durable before a vote is: raft-log syncs the names inside.
        files::make_dir(dir)?;
        let mut config = raft_log::Config::new(dir.display());
        // All of the last file is in the cache, to the entry that makes it full if that is no larger than a file.
        // raft-log reads from closed files only, and tells
        // by the log id which entries are in one: after entries of a newer term were cut off, older ones that come in their place
        // count as such, and would be neither here nor there.
        let last_file = settings.chunk_bytes + settings.chunk_bytes.min(codec::VALUE_MAX);
        config.log_cache_capacity = Some(settings.cache_bytes.max(last_file));
        config.log_cache_max_items = Some(RECORDS_MOST);
        config.wal.chunk_max_records = Some(RECORDS_MOST);
        config.wal.read_buffer_size = Some(1 << 20);
        config.wal.chunk_max_size = Some(settings.chunk_bytes);
        // What goes from the cache is in its file by then: no more than this waits to be written.
        config.wal.flush_queue_max_bytes = Some(settings.chunk_bytes);
        // The proposer has gathered already; waiting here again would be paid by every commit.
        config.wal.flush_batch_wait = Some(Duration::ZERO);
        let mut log = raft_log::RaftLog::<Files>::open(Arc::new(config)).map_err(failed)?;
        match log.log_state().user_data.as_ref().map(|owner| owner.0) {
            Some(owner) if owner != node => {
                return Err(Fault::Corrupt {
                    place: dir.display().to_string(),
                    what: format!("the Raft log belongs to node {owner}, this is node {node}"),
                    hint: "start the node with its own data directory".into(),
                });
            }
            Some(_) => {}
            None => {
                log.save_user_data(Some(Number(node))).map_err(failed)?;
            }
        }
        // What an earlier life wrote and did not live to sync is read like the rest, and would be taken for durable.
        files::sync_tree(dir)?;
        let vote = VoteCopy::beside(dir);
        vote.compare(dir, log.log_state().vote().map(|vote| vote.0))?;
        Ok(LogStore { log: Arc::new(RwLock::new(log)), folder: Arc::from(dir), vote })
    }

    /// The last entry that has been purged: what stands before it is in snapshots only.
    pub fn purged(&self) -> u64 {
        self.log.read().log_state().purged().map_or(0, |id| id.0.index)
    }

    /// The last entry that is there.
    pub fn last(&self) -> u64 {
        self.log.read().log_state().last().map_or(0, |id| id.0.index)
    }

    /// Whether a vote was ever saved: a node that has applied anything has.
    pub fn has_voted(&self) -> bool {
        self.log.read().log_state().vote().is_some()
    }

    /// Has everything written so far made durable, and tells when it is.
    fn flush(&self, mut log: Writing<'_>, told: Told) -> io::Result<()> {
        match host::current() {
            None => log.flush(true, Some(Flushed(Some(told)))),
            Some(host) => {
                log.flush(false, None)?;
                // Now all of it is in the files; when it is durable, the simulated disk says.
                log.wait_worker_idle()?;
                // Whoever is told may want the log.
                drop(log);
                host.sync_log(&self.folder, told);
                Ok(())
            }
        }
    }
}

impl LogStore {
    /// Has everything written so far made durable; what is returned ends when it is.
    fn durable(&self, log: Writing<'_>) -> io::Result<oneshot::Receiver<io::Result<()>>> {
        let (sender, durable) = oneshot::channel();
        let told = move |result| {
            // The receiver is gone only when the node is being torn down.
            sender.send(result).ok();
        };
        self.flush(log, Box::new(told))?;
        Ok(durable)
    }

    /// Under a simulated disk, which alone knows when a purge is durable, the files of what was purged go now; else raft-log's
    /// sync thread sees to that.
    fn purge_is_durable(&self, upto: u64) -> io::Result<()> {
        let mut log = self.log.write();
        if log.log_state().purged().map(|id| id.0.index) == Some(upto) {
            log.flush(true, None)?;
            log.wait_worker_idle()?;
        }
        Ok(())
    }
}

/// Told when a flush is durable, or that it failed.
pub struct Flushed(Option<Told>);

type Writing<'a> = parking_lot::RwLockWriteGuard<'a, raft_log::RaftLog<Files>>;

type Told = Box<dyn FnOnce(io::Result<()>) + Send + Sync>;

impl Drop for Flushed {
    /// Nobody told: the thread that syncs is gone, and nothing may wait for it.
    fn drop(&mut self) {
        if let Some(told) = self.0.take() {
            told(Err(io::Error::other("the log's sync thread has ended")));
        }
    }
}

impl Debug for Flushed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Flushed")
    }
}

impl raft_log::Callback for Flushed {
    fn send(mut self, result: io::Result<()>) {
        if let Some(told) = self.0.take() {
            told(result);
        }
    }
}

/// The types that raft-log stores.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files;

impl raft_log::Types for Files {
    type LogId = Mark;
    type LogPayload = Payload;
    type Vote = StoredVote;
    type Callback = Flushed;
    type UserData = Number;

    fn log_index(id: &Mark) -> u64 {
        id.0.index
    }

    fn payload_size(payload: &Payload) -> u64 {
        types::entry_size(&payload.0) as u64
    }
}

fn read_u64(from: &mut impl io::Read) -> io::Result<u64> {
    let mut bytes = [0; 8];
    from.read_exact(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

/// The node id that owns the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number(u64);

impl Encode for Number {
    fn encode<W: io::Write>(&self, mut to: W) -> io::Result<usize> {
        to.write_all(&self.0.to_le_bytes())?;
        Ok(8)
    }
}

impl Decode for Number {
    fn decode<R: io::Read>(mut from: R) -> io::Result<Self> {
        read_u64(&mut from).map(Number)
    }
}

/// A log id, 24 bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark(LogMark);

impl Encode for Mark {
    fn encode<W: io::Write>(&self, mut to: W) -> io::Result<usize> {
        for part in [self.0.term, self.0.node, self.0.index] {
            to.write_all(&part.to_le_bytes())?;
        }
        Ok(24)
    }
}

impl Decode for Mark {
    fn decode<R: io::Read>(mut from: R) -> io::Result<Self> {
        let mut part = || read_u64(&mut from);
        Ok(Mark(LogMark { term: part()?, node: part()?, index: part()? }))
    }
}

/// A vote, 17 bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd)]
pub struct StoredVote(VoteBytes);

impl Encode for StoredVote {
    fn encode<W: io::Write>(&self, mut to: W) -> io::Result<usize> {
        to.write_all(&self.0.term.to_le_bytes())?;
        to.write_all(&self.0.node.to_le_bytes())?;
        to.write_all(&[u8::from(self.0.committed)])?;
        Ok(17)
    }
}

impl Decode for StoredVote {
    fn decode<R: io::Read>(mut from: R) -> io::Result<Self> {
        let (term, node) = (read_u64(&mut from)?, read_u64(&mut from)?);
        let mut flag = [0];
        from.read_exact(&mut flag)?;
        match flag[0] {
            0 | 1 => Ok(StoredVote(VoteBytes { term, node, committed: flag[0] == 1 })),
            _ => Err(types::bad("a vote", "its flag is damaged").into()),
        }
    }
}

/// A log entry; see [`types::write_entry`].
#[derive(Clone, Debug)]
pub struct Payload(Entry);

impl Encode for Payload {
    fn encode<W: io::Write>(&self, mut to: W) -> io::Result<usize> {
        let mut bytes = Vec::with_capacity(types::entry_size(&self.0));
        types::write_entry(&self.0, &mut bytes);
        to.write_all(&bytes)?;
        Ok(bytes.len())
    }
}

impl Decode for Payload {
    fn decode<R: io::Read>(from: R) -> io::Result<Self> {
        types::read_entry(from).map(Payload)
    }
}

fn bounds(range: &impl RangeBounds<u64>) -> (u64, u64) {
    let from = match range.start_bound() {
        Bound::Included(&at) => at,
        Bound::Excluded(&at) => at + 1,
        Bound::Unbounded => 0,
    };
    let until = match range.end_bound() {
        Bound::Included(&at) => at + 1,
        Bound::Excluded(&at) => at,
        Bound::Unbounded => u64::MAX,
    };
    (from, until)
}

impl RaftLogReader<TypeConfig> for LogStore {
    async fn try_get_log_entries<RB: RangeBounds<u64> + Clone + Debug + OptionalSend>(
        &mut self,
        range: RB,
    ) -> Result<Vec<Entry>, io::Error> {
        let (from, until) = bounds(&range);
        self.log.read().read(from, until).map(|read| read.map(|(_, payload)| payload.0)).collect()
    }

    async fn read_vote(&mut self) -> Result<Option<Vote>, io::Error> {
        Ok(self.log.read().log_state().vote().map(|vote| Vote::from(vote.0)))
    }

    /// Nothing when the beginning is purged: a stream of replication that was given up, and does not know it yet, still
    /// asks. What it would send behind a hole, followers would refuse, and stop.
    async fn limited_get_log_entries(&mut self, from: u64, until: u64) -> Result<Vec<Entry>, io::Error> {
        let log = self.log.read();
        let (mut entries, mut bytes) = (Vec::new(), 0);
        for read in log.read(from, until) {
            let (id, payload) = read?;
            if id.0.index != from + entries.len() as u64 {
                break;
            }
            bytes += types::entry_size(&payload.0);
            entries.push(payload.0);
            if bytes >= READ_BYTES_MAX {
                break;
            }
        }
        Ok(entries)
    }
}

impl RaftLogStorage<TypeConfig> for LogStore {
    type LogReader = Self;

    async fn get_log_state(&mut self) -> Result<LogState<TypeConfig>, io::Error> {
        let log = self.log.read();
        let state = log.log_state();
        Ok(LogState {
            last_purged_log_id: state.purged().map(|id| types::log_id(id.0)),
            last_log_id: state.last().map(|id| types::log_id(id.0)),
        })
    }

    async fn get_log_reader(&mut self) -> Self {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &Vote) -> Result<(), io::Error> {
        let written = {
            let mut log = self.log.write();
            log.save_vote(StoredVote(VoteBytes::from(vote)))?;
            self.durable(log)?
        };
        written.await.map_err(io::Error::other)??;
        let (copy, vote) = (self.vote.clone(), VoteBytes::from(vote));
        host::blocking(move || copy.write(vote)).await?.map_err(io::Error::other)
    }

    async fn save_committed(&mut self, committed: Option<LogId>) -> Result<(), io::Error> {
        // Written with the next sync: after a crash an older committed index only means that more
        // entries wait for the new leader's word before they are applied.
        if let Some(committed) = committed {
            self.log.write().commit(Mark(types::mark(&committed)))?;
        }
        Ok(())
    }

    async fn read_committed(&mut self) -> Result<Option<LogId>, io::Error> {
        Ok(self.log.read().log_state().committed().map(|id| types::log_id(id.0)))
    }

    async fn append<I>(&mut self, entries: I, done: IOFlushed<TypeConfig>) -> Result<(), io::Error>
    where
        I: IntoIterator<Item = Entry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let mut log = self.log.write();
        log.append(entries.into_iter().map(|entry| (Mark(types::mark(&entry.log_id())), Payload(entry))))?;
        self.flush(log, Box::new(move |result| done.io_completed(result)))
    }

    async fn truncate_after(&mut self, last: Option<LogId>) -> Result<(), io::Error> {
        // Durable before anything that overrules it is applied: a state can be ahead of the log's end after a power cut,
        // and must then find nothing of what it overruled.
        let from = last.next_index();
        let written = {
            let mut log = self.log.write();
            let end = log.log_state().last().map(|id| id.0.index + 1).unwrap_or(0);
            if from >= end {
                return Ok(());
            }
            log.truncate(from)?;
            self.durable(log)?
        };
        written.await.map_err(io::Error::other)?
    }

    async fn purge(&mut self, upto: LogId) -> Result<(), io::Error> {
        let mut log = self.log.write();
        let next = log.log_state().purged().map(|id| id.0.index + 1).unwrap_or(0);
        if upto.index >= next {
            log.purge(Mark(types::mark(&upto)))?;
            // Whoever is told by the log's own thread must not hold the log: the last to let go of it waits for that thread.
            let this = host::is_simulated().then(|| self.clone());
            let told = move |result: io::Result<()>| {
                let gone = || this.map_or(Ok(()), |this| this.purge_is_durable(upto.index));
                if let Err(problem) = result.and_then(|()| gone()) {
                    tracing::error!(%problem, "the log's purge was not synced");
                }
            };
            self.flush(log, Box::new(told))?;
        }
        Ok(())
    }
}
