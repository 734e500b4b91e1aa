//! The journal: what every log entry asked and what came of it, one record per entry in append-only segment files.
//!
//! ```text
//! segment  journal/<first index, 20 digits>.seg: head, then records in the order of their indexes
//! head     "GJJOURN1" | first index u64 | first index of the segment before u64 | its length u64 | crc32
//! record   length of what follows crc u32 | crc32 | index u64 | stamp u64 | raw length u32 | body
//! body     zstd if shorter than the raw length; raw = batch length u32 | batch | answers
//! MARK     what is durable: the synced position, the last index covered, what is missing
//! ```
//! Appending costs the apply task a copy and a queue slot; a thread of its own compresses and writes. Nothing is synced per
//! entry: the log holds it. A checkpoint syncs the journal and then writes MARK, before it claims anything itself; so what lies
//! behind MARK can be torn and is replayed from the log, and what lies before it must be whole.

use crate::fault::Fault;
use crate::host;
use crate::state::files;
use crate::state::segment::{self, Segment};
use crate::state::segment_writer;
use crate::state::trouble::{Poison, caught};
use crate::state::{JournalEntry, StateSettings, Steps};
use ledger::{Answer, Outcome, Position, codec};
use parking_lot::{Mutex, RwLock};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

/// Entries that may wait for the writer; then the apply task waits too.
const QUEUE: usize = 64;

/// One entry of the journal, as read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalRecord {
    /// The entry's log index.
    pub index: u64,
    /// The leader's stamp on it.
    pub stamp: u64,
    /// The log entry's bytes.
    pub batch: Vec<u8>,
    /// One answer per transaction, in order.
    pub answers: Vec<Answer>,
}

/// A helping of the journal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JournalPage {
    /// Entries in order. Indexes without an entry (blank and membership entries of the log) are left out.
    pub entries: Vec<JournalRecord>,
    /// The first stretch, from and to inclusive, of what was asked for that this node does not keep. It lies before `entries`.
    pub missing: Option<(u64, u64)>,
    /// Ask from here next.
    pub next: u64,
    /// The last index that the journal covers.
    pub covered: u64,
}

/// An entry on its way to the file.
pub(crate) struct Blob {
    pub(crate) index: u64,
    pub(crate) stamp: u64,
    pub(crate) raw: Vec<u8>,
}

enum Order {
    Append(Arc<Blob>),
    /// Hand everything to the operating system; with a covered index, make it durable and write MARK.
    Flush {
        covered: Option<u64>,
        reply: Sender<Result<(), Fault>>,
    },
    /// Nothing is kept up to this index: a snapshot was installed.
    Gap {
        upto: u64,
        reply: Sender<Result<(), Fault>>,
    },
}

/// What readers and the writer share.
pub(crate) struct Shared {
    pub(crate) dir: PathBuf,
    pub(crate) segments: RwLock<Vec<Arc<Segment>>>,
    /// Stretches, from and to inclusive, that this node does not have.
    pub(crate) gaps: RwLock<Vec<(u64, u64)>>,
    pub(crate) keep_bytes: Option<u64>,
    recent_bytes: usize,
    recent: Mutex<Recent>,
    covered: AtomicU64,
}

impl Shared {
    /// The last index that has been handed in, or is known to be missing.
    pub(crate) fn covered(&self) -> u64 {
        self.covered.load(Ordering::Acquire)
    }
}

#[derive(Default)]
struct Recent {
    blobs: VecDeque<Arc<Blob>>,
    bytes: usize,
}

/// The open journal.
pub(crate) struct Journal {
    shared: Arc<Shared>,
    clerk: Clerk,
    poison: Arc<Poison>,
}

/// Who writes.
enum Clerk {
    /// A thread of its own.
    Thread { orders: Option<SyncSender<Order>>, thread: Option<std::thread::JoinHandle<()>> },
    /// Whoever has something to write: in a simulation.
    Asker(Mutex<Scribe>),
}

/// Carries out orders.
struct Scribe {
    writer: segment_writer::Writer,
    poison: Arc<Poison>,
    steps: Steps,
    dir: PathBuf,
}

impl Journal {
    /// Opens the journal of a state that stands at `applied`: cuts a torn tail behind the mark, refuses damage before it, and names
    /// as a gap what the state has passed and the journal does not have.
    pub(crate) fn open(
        dir: &Path,
        applied: u64,
        settings: &StateSettings,
        poison: Arc<Poison>,
        notes: &mut Vec<String>,
    ) -> Result<Journal, Fault> {
        files::make_dir(dir)?;
        let opened = segment::open_all(dir, notes)?;
        let mut gaps = opened.mark.gaps;
        let mut covered = opened.covered;
        let behind = applied > covered;
        if behind {
            if covered > 0 || !opened.segments.is_empty() {
                let place = dir.display();
                notes.push(format!("journal: entries {} to {applied} are missing in {place}", covered + 1));
            }
            segment::add_gap(&mut gaps, covered + 1, applied);
            covered = applied;
        }
        let shared = Arc::new(Shared {
            dir: dir.to_path_buf(),
            segments: RwLock::new(opened.segments.into_iter().map(Arc::new).collect()),
            gaps: RwLock::new(gaps),
            keep_bytes: settings.journal_keep_bytes,
            recent_bytes: settings.journal_recent_bytes,
            recent: Mutex::default(),
            covered: AtomicU64::new(covered),
        });
        let mut writer = segment_writer::Writer::new(shared.clone(), settings.journal_segment_bytes)?;
        if behind {
            // Before anything is written behind the gap: nobody would know of it after a crash.
            writer.sync(covered)?;
        }
        let (steps, place) = (settings.steps.clone(), dir.to_path_buf());
        let scribe = Scribe { writer, poison: poison.clone(), steps, dir: place };
        if host::is_simulated() {
            return Ok(Journal { shared, clerk: Clerk::Asker(Mutex::new(scribe)), poison });
        }
        let (orders, inbox) = sync_channel(QUEUE);
        let thread = std::thread::Builder::new()
            .name("journal".into())
            .spawn(move || scribe.work(&inbox))
            .map_err(|e| Fault::io("start thread", dir, e))?;
        let clerk = Clerk::Thread { orders: Some(orders), thread: Some(thread) };
        Ok(Journal { shared, clerk, poison })
    }

    /// The last index that the journal covers: entries up to here have been handed in, or are known to be missing.
    pub(crate) fn covered(&self) -> u64 {
        self.shared.covered()
    }

    /// Hands in an entry. One that is covered already, on replay after a crash, is skipped.
    pub(crate) fn append(&self, index: u64, entry: Option<&JournalEntry<'_>>) -> Result<(), Fault> {
        if index <= self.covered() {
            return Ok(());
        }
        if let Some(entry) = entry {
            let blob = Arc::new(Blob { index, stamp: entry.stamp, raw: pack(entry.batch, entry.answers) });
            self.shared.recent.lock().push(blob.clone(), self.shared.recent_bytes);
            self.order(Order::Append(blob))?;
        }
        self.shared.covered.store(index, Ordering::Release);
        Ok(())
    }

    /// Makes everything up to `covered` durable, and says so in MARK.
    pub(crate) fn sync(&self, covered: u64) -> Result<(), Fault> {
        self.ask(|reply| Order::Flush { covered: Some(covered), reply })
    }

    /// Names everything between what is covered and `upto` as missing.
    pub(crate) fn gap(&self, upto: u64) -> Result<(), Fault> {
        if upto <= self.covered() {
            return Ok(());
        }
        self.ask(|reply| Order::Gap { upto, reply })?;
        *self.shared.recent.lock() = Recent::default();
        self.shared.covered.store(upto, Ordering::Release);
        Ok(())
    }

    /// Entries from an index on, at most so many raw bytes, but at least one.
    pub(crate) fn read(&self, from: u64, most_bytes: usize) -> Result<JournalPage, Fault> {
        let covered = self.covered();
        let mut page = JournalPage { next: from, covered, ..JournalPage::default() };
        let from = from.max(1);
        let gaps = self.shared.gaps.read().clone();
        // A page ends before the next gap: it has no room to name two.
        let stop_behind = |at: u64| {
            let next = gaps.iter().find(|(gap_from, _)| *gap_from > at);
            next.map_or(covered, |(gap_from, _)| covered.min(gap_from - 1))
        };
        let missing = gaps.iter().find(|(gap_from, gap_to)| (*gap_from..=*gap_to).contains(&from));
        let (start, stop) = match missing {
            Some((_, gap_to)) => {
                page.missing = Some((from, *gap_to));
                (gap_to + 1, stop_behind(*gap_to))
            }
            None => (from, stop_behind(from)),
        };
        let mut blobs = Vec::new();
        let mut bytes = 0;
        if !self.shared.recent.lock().from(start, stop, most_bytes, &mut blobs, &mut bytes) {
            self.ask(|reply| Order::Flush { covered: None, reply })?;
            segment::read(&self.shared, start, stop, most_bytes, &mut blobs, &mut bytes)?;
        }
        page.next = match blobs.last() {
            Some(last) if bytes >= most_bytes => last.index + 1,
            _ => stop.saturating_add(1).max(start),
        };
        for blob in &blobs {
            page.entries.push(unpack(&self.shared.dir, blob)?);
        }
        Ok(page)
    }

    /// Bytes on disk.
    pub(crate) fn bytes(&self) -> u64 {
        self.shared.segments.read().iter().map(|segment| segment.length()).sum()
    }

    fn ask(&self, order: impl FnOnce(Sender<Result<(), Fault>>) -> Order) -> Result<(), Fault> {
        let (reply, answer) = channel();
        self.order(order(reply))?;
        answer.recv().unwrap_or_else(|_| Err(self.gone()))
    }

    fn order(&self, order: Order) -> Result<(), Fault> {
        let taken = match &self.clerk {
            Clerk::Thread { orders, .. } => orders.as_ref().is_some_and(|orders| orders.send(order).is_ok()),
            Clerk::Asker(scribe) => self.poison.check().is_ok() && scribe.lock().carry_out(order),
        };
        if taken { Ok(()) } else { Err(self.gone()) }
    }

    /// The writer has ended: it says why before it does.
    fn gone(&self) -> Fault {
        self.poison.check().err().unwrap_or_else(|| {
            let ended = std::io::Error::other("the journal's thread has ended");
            Fault::io("write journal", &self.shared.dir, ended)
        })
    }
}

impl Drop for Journal {
    /// Writes out what waits. It is not synced: the log has it.
    fn drop(&mut self) {
        match &mut self.clerk {
            Clerk::Thread { orders, thread } => {
                *orders = None;
                if thread.take().is_some_and(|thread| thread.join().is_err()) {
                    tracing::error!(dir = %self.shared.dir.display(), "the journal's thread panicked");
                }
            }
            Clerk::Asker(scribe) => scribe.lock().finish(),
        }
    }
}

impl Recent {
    fn push(&mut self, blob: Arc<Blob>, most: usize) {
        self.bytes += blob.raw.len();
        self.blobs.push_back(blob);
        while self.bytes > most {
            let Some(oldest) = self.blobs.pop_front() else { break };
            self.bytes -= oldest.raw.len();
        }
    }

    /// Entries in memory; false if the first ones are no longer here.
    fn from(&self, start: u64, stop: u64, most: usize, out: &mut Vec<Arc<Blob>>, bytes: &mut usize) -> bool {
        if self.blobs.front().is_none_or(|first| first.index > start) {
            return start > stop;
        }
        let place = self.blobs.partition_point(|blob| blob.index < start);
        for blob in self.blobs.range(place..).take_while(|blob| blob.index <= stop) {
            out.push(blob.clone());
            *bytes += blob.raw.len();
            if *bytes >= most {
                break;
            }
        }
        true
    }
}

impl Scribe {
    fn work(mut self, inbox: &Receiver<Order>) {
        while let Ok(order) = inbox.recv() {
            if !self.carry_out(order) {
                return;
            }
        }
        self.finish();
    }

    /// False if it failed: then nothing more is written.
    fn carry_out(&mut self, order: Order) -> bool {
        let Scribe { writer, poison, steps, dir } = self;
        let mut attempt = |work: &mut dyn FnMut(&mut segment_writer::Writer) -> Result<(), Fault>| {
            caught("write journal", dir, || {
                steps.at("journal order");
                work(writer)
            })
        };
        let (done, reply) = match order {
            Order::Append(blob) => (attempt(&mut |writer| writer.append(&blob)), None),
            Order::Flush { covered: Some(covered), reply } => {
                (attempt(&mut |writer| writer.sync(covered)), Some(reply))
            }
            Order::Flush { covered: None, reply } => (attempt(&mut |writer| writer.flush()), Some(reply)),
            Order::Gap { upto, reply } => (attempt(&mut |writer| writer.gap(upto)), Some(reply)),
        };
        // First of all: whoever asked, or finds nobody to ask, gives this fault.
        let done = poison.guard(done);
        let well = done.is_ok();
        if let Some(reply) = reply {
            // Whoever asked may have given up; the fault, if any, is kept.
            let _ = reply.send(done);
        }
        well
    }

    fn finish(&mut self) {
        if let Err(fault) = caught("write journal", &self.dir, || self.writer.flush()) {
            tracing::error!(%fault, "the last journal entries were not written; they are replayed from the log");
        }
    }
}

#[derive(Serialize)]
struct AnswerOut<'a> {
    position: Position,
    repeated: bool,
    outcome: &'a Outcome,
}

#[derive(Deserialize)]
struct AnswerIn {
    position: Position,
    repeated: bool,
    outcome: Outcome,
}

pub(crate) fn pack(batch: &[u8], answers: &[Answer]) -> Vec<u8> {
    let answers: Vec<AnswerOut<'_>> = answers
        .iter()
        .map(|a| AnswerOut { position: a.position, repeated: a.repeated, outcome: &a.outcome })
        .collect();
    let answers = codec::encode(&answers);
    let mut raw = Vec::with_capacity(4 + batch.len() + answers.len());
    raw.extend_from_slice(&u32::try_from(batch.len()).expect("a log entry is far below 4 GiB").to_le_bytes());
    raw.extend_from_slice(batch);
    raw.extend_from_slice(&answers);
    raw
}

pub(crate) fn unpack(dir: &Path, blob: &Blob) -> Result<JournalRecord, Fault> {
    let corrupt =
        |what: String| segment::corrupt(format!("{}, entry {}", dir.display(), blob.index), what, dir);
    let (length, rest) =
        blob.raw.split_first_chunk::<4>().ok_or_else(|| corrupt("a record cut short".into()))?;
    let (batch, answers) = rest
        .split_at_checked(u32::from_le_bytes(*length) as usize)
        .ok_or_else(|| corrupt("a record cut short".into()))?;
    let answers: Vec<AnswerIn> = codec::decode(answers).map_err(|e| corrupt(e.to_string()))?;
    let answers = answers
        .into_iter()
        .map(|a| Answer { position: a.position, repeated: a.repeated, outcome: a.outcome })
        .collect();
    Ok(JournalRecord { index: blob.index, stamp: blob.stamp, batch: batch.to_vec(), answers })
}
