//! The durable state of a node: what the log has made of it, on disk at a checkpoint and in memory beyond.
//!
//! ```text
//! snap/<id>.snap      whole states in files of our own        snapshot.rs, blocks.rs
//! sm/CURRENT          which generation counts                 recover.rs
//! sm/gen-N/           sled: pages of records at a checkpoint  store.rs, page.rs
//! sm/gen-N.redo       a checkpoint being written              checkpoint.rs
//! journal/            entries with their answers              journal.rs, segment.rs
//! quarantine/         generations that were not believed
//! ```
//! The log is the truth; this is a fold over it. What is here may lag behind the log after a crash, and is then replayed from
//! [`State::applied`] on; it is never wrong without saying so.

mod blocks;
mod checkpoint;
mod directory;
pub(crate) mod files;
mod inner;
mod journal;
mod key_hash;
mod memory;
mod page;
mod plain;
mod recover;
mod segment;
mod segment_writer;
mod settings;
mod snapshot;
mod still;
mod store;
#[cfg(test)]
mod tests;
mod trouble;

pub use journal::{JournalPage, JournalRecord};
pub use memory::Reader;
pub use settings::{StateSettings, Steps};
pub use snapshot::Snapshot;
pub use still::Still;

use crate::fault::Fault;
use crate::host;
use inner::{Inner, checkpoint_when_told};
use journal::Journal;
use ledger::{Answer, Changes, Digest};
use memory::{Cache, KeyHash, Layer, Memory};
use parking_lot::{Mutex, RwLock};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use trouble::{Poison, Progress};

/// A position in the Raft log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LogMark {
    /// The leader's term.
    pub term: u64,
    /// The leader's node id.
    pub node: u64,
    /// The entry's index.
    pub index: u64,
}

/// What a state holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// The last entry in it; none before the first.
    pub log: Option<LogMark>,
    /// The last membership, as opaque bytes.
    pub membership: Vec<u8>,
    /// The digest over all records.
    pub digest: Digest,
}

impl Applied {
    /// The index of the last entry, 0 before the first.
    pub fn index(&self) -> u64 {
        self.log.map_or(0, |log| log.index)
    }
}

/// A log entry that was applied.
pub struct Entry<'a> {
    /// Where it stands in the log.
    pub log: LogMark,
    /// The new membership, if the entry is one.
    pub membership: Option<Vec<u8>>,
    /// What it changes.
    pub changes: Changes,
    /// What is kept of it in the journal; none for blank and membership entries.
    pub journal: Option<JournalEntry<'a>>,
}

/// What the journal keeps of an entry.
pub struct JournalEntry<'a> {
    /// The leader's stamp.
    pub stamp: u64,
    /// The log entry's bytes as they are.
    pub batch: &'a [u8],
    /// One answer per transaction, in order.
    pub answers: &'a [Answer],
}

/// Sizes to watch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// Rows in memory: changes, changes lately written, and rows lately read.
    pub rows_in_memory: usize,
    /// Changes not yet in a checkpoint, those being written included.
    pub changes_pending: usize,
    /// The index that the store on disk holds.
    pub checkpoint_index: u64,
    /// Bytes of sled on disk.
    pub store_bytes: u64,
    /// Pages in sled.
    pub store_pages: usize,
    /// Bytes of the journal on disk.
    pub journal_bytes: u64,
    /// The index of the newest snapshot, 0 if there is none.
    pub snapshot_index: u64,
}

/// The result of recomputing the digest over the whole state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// The index that was checked.
    pub index: u64,
    /// How many records there are.
    pub rows: u64,
    /// The digest as kept, change by change.
    pub kept: Digest,
    /// The digest as recomputed.
    pub recomputed: Digest,
}

impl Check {
    /// True if the state is what its digest says.
    pub fn holds(&self) -> bool {
        self.kept == self.recomputed
    }
}

/// The state of a node. Cheap to clone: all clones are one state.
#[derive(Clone)]
pub struct State {
    inner: Arc<Inner>,
}

impl State {
    /// Opens the state below a node's data directory, recovering from whatever happened to it.
    ///
    /// # Errors
    /// A damaged snapshot or journal, or a directory that cannot be read or written. A damaged sled is no error: it is set aside
    /// and rebuilt, see [`State::recovery_notes`].
    pub fn open(dir: &Path, mut settings: StateSettings) -> Result<State, Fault> {
        let mut notes = Vec::new();
        let recovered = recover::open(dir, &settings, &mut notes)?;
        let poison = Arc::new(Poison::default());
        let known = notes.len();
        let journal = Journal::open(
            &dir.join("journal"),
            recovered.applied.index(),
            &settings,
            poison.clone(),
            &mut notes,
        )?;
        for note in &notes[known..] {
            tracing::warn!(dir = %dir.display(), "{note}");
        }
        let progress = Arc::new(Progress::default());
        settings.steps = settings.steps.noted_in(progress.clone());
        let hash = KeyHash::default();
        let (trigger, bell) = sync_channel(1);
        let mut digests = VecDeque::with_capacity(64);
        if recovered.applied.log.is_some() {
            digests.push_back((recovered.applied.index(), recovered.applied.digest.clone()));
        }
        let inner = Arc::new(Inner {
            dir: dir.to_path_buf(),
            cache: Cache::new(settings.cache_rows, hash),
            memory: RwLock::new(Memory {
                changes: Layer::with_hash(hash),
                frozen: None,
                written: None,
                stored: recovered.applied.log.map(|log| log.index),
                store: recovered.store,
                applied: recovered.applied,
                poison: poison.clone(),
            }),
            cluster: settings.cluster.map(OnceLock::from).unwrap_or_default(),
            settings,
            hash,
            journal,
            poison,
            progress,
            notes,
            digests: Mutex::new(digests),
            absorbing: Mutex::new(()),
            writing: Mutex::default(),
            snapshots: Mutex::new(recovered.snapshots),
            trigger,
            room: Default::default(),
        });
        if host::is_simulated() {
            return Ok(State { inner });
        }
        let weak = Arc::downgrade(&inner);
        std::thread::Builder::new()
            .name("checkpoint".into())
            .spawn(move || checkpoint_when_told(&weak, &bell))
            .map_err(|e| Fault::io("start thread", dir, e))?;
        Ok(State { inner })
    }

    /// Tells the state which cluster it belongs to. The first word counts.
    pub fn set_cluster(&self, cluster: [u8; 16]) {
        self.inner.cluster.get_or_init(|| cluster);
    }

    /// What opening had to repair, in words; empty after a clean start or an ordinary crash.
    pub fn recovery_notes(&self) -> Vec<String> {
        self.inner.notes.clone()
    }

    /// What the state holds now.
    pub fn applied(&self) -> Applied {
        self.inner.memory.read().applied.clone()
    }

    /// A consistent view at the applied index. Nothing is absorbed while it lives: for one decision or one query.
    pub fn reader(&self) -> Reader<'_> {
        Reader::new(self.inner.memory.read(), &self.inner.cache)
    }

    /// A consistent view for long scans: the state at a checkpoint made now. Entries are absorbed meanwhile, but no further
    /// checkpoint and no snapshot is written as long as it lives: see [`Still::crowded`].
    pub fn still(&self) -> Result<Still<'_>, Fault> {
        Still::new(&self.inner)
    }

    /// Takes in an applied entry. Entries come one after the other, in the order of the log.
    pub fn absorb(&self, entry: Entry<'_>) -> Result<(), Fault> {
        let inner = &*self.inner;
        let _one = inner.absorbing.lock();
        inner.poison.check()?;
        inner.poison.attempt("absorb entry", &inner.dir, || inner.absorb(entry))
    }

    /// The digest at an index, if it is one of the last [`DIGESTS_KEPT`].
    pub fn digest_at(&self, index: u64) -> Option<[u8; 32]> {
        let digests = self.inner.digests.lock();
        let place = digests.binary_search_by_key(&index, |(index, _)| *index).ok()?;
        let digest = digests[place].1.clone();
        drop(digests);
        Some(digest.root())
    }

    /// Writes what has changed to disk. Blocks until it is durable; entries are absorbed meanwhile.
    pub fn checkpoint(&self) -> Result<(), Fault> {
        self.inner.checkpoint(&mut self.inner.writing.lock()).map(drop)
    }

    /// Writes a snapshot of the state as it is now. Blocks until it is durable and verified; entries are absorbed meanwhile.
    pub fn build_snapshot(&self) -> Result<Snapshot, Fault> {
        let inner = &*self.inner;
        let mut writing = inner.writing.lock();
        let applied = inner.checkpoint(&mut writing)?;
        if let Some(newest) = inner.snapshots.lock().first().filter(|newest| newest.applied == applied) {
            return Ok(newest.clone());
        }
        let store = inner.memory.read().store.clone();
        let cluster = inner.cluster.get().copied().unwrap_or_default();
        let built = inner.poison.attempt("write snapshot", &inner.dir, || {
            snapshot::write(&inner.dir.join("snap"), cluster, &applied, &store, &inner.settings.steps)
        })?;
        inner.keep_snapshot(built.clone())?;
        Ok(built)
    }

    /// The newest snapshot, if there is one.
    pub fn current_snapshot(&self) -> Result<Option<Snapshot>, Fault> {
        self.inner.poison.check()?;
        Ok(self.inner.snapshots.lock().first().cloned())
    }

    /// Where a partly received snapshot grows. Any id gives a path within the folder for it.
    pub fn receive_path(&self, id: &str) -> PathBuf {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        let name = match !id.is_empty() && id.len() <= 100 && id.chars().all(plain) {
            true => id.to_string(),
            false => blake3::hash(id.as_bytes()).to_hex().to_string(),
        };
        self.inner.dir.join("snap").join(format!("{name}.part"))
    }

    /// Replaces the state by a received snapshot: verifies the whole file first, and changes nothing if it is damaged or of another
    /// cluster, or older than what has been applied: history is never taken back. The file is taken over.
    pub fn install_snapshot(&self, path: &Path) -> Result<Snapshot, Fault> {
        let inner = &*self.inner;
        let _one = inner.absorbing.lock();
        inner.poison.check()?;
        let verified = snapshot::verify(path, inner.cluster.get().copied())?;
        inner.check_newer(&verified)?;
        let mut writing = inner.writing.lock();
        inner.poison.check()?;
        inner.poison.attempt("install snapshot", &inner.dir, || inner.install(path, verified, &mut writing))
    }

    /// A received snapshot, its whole file verified. Nothing is changed.
    pub fn received(&self, path: &Path) -> Result<Snapshot, Fault> {
        snapshot::verify(path, self.inner.cluster.get().copied())
    }

    /// Removes a received snapshot, partly there or whole, that did not verify: it is to be sent again from its first byte.
    /// Only files of [`State::receive_path`] are removed.
    pub fn discard_received(&self, path: &Path) {
        let snap = self.inner.dir.join("snap");
        if path.parent() != Some(&*snap) || path.extension().is_none_or(|end| end != "part") {
            tracing::error!(path = %path.display(), "not a received snapshot: it is left alone");
            return;
        }
        // A file that stays would be taken for a good beginning again and again.
        let _ = self.inner.poison.guard(files::remove(path));
    }

    /// The fault that ended this state, once there is one: wait for it with `wait_for(Option::is_some)`, or `changed()`. Every
    /// later call gives it too; the node must stop. An error of waiting: the state was dropped, well.
    pub fn troubled(&self) -> watch::Receiver<Option<Fault>> {
        self.inner.poison.watch()
    }

    /// Ends the state by a fault that somebody else found. The first one counts.
    pub fn poison(&self, fault: Fault) {
        self.inner.poison.set(fault);
    }

    /// Journal entries from an index on, at most so many bytes (uncompressed), but at least one.
    pub fn journal_read(&self, from_index: u64, most_bytes: usize) -> Result<JournalPage, Fault> {
        self.inner.journal.read(from_index, most_bytes)
    }

    /// Recomputes the digest over the whole state, disk and memory, and gives it beside the one that is kept. Entries are absorbed
    /// meanwhile, checkpoints wait.
    pub fn check(&self) -> Result<Check, Fault> {
        self.inner.check()
    }

    /// Sizes to watch.
    pub fn sizes(&self) -> Sizes {
        let inner = &*self.inner;
        let memory = inner.memory.read();
        let frozen = memory.frozen.as_ref().map_or(0, |layer| layer.len());
        let written = memory.written.as_ref().map_or(0, |layer| layer.len());
        let changes = memory.changes.len();
        let (store, checkpoint_index) = (memory.store.clone(), memory.stored.unwrap_or(0));
        drop(memory);
        Sizes {
            rows_in_memory: changes + frozen + written + inner.cache.len(),
            changes_pending: changes + frozen,
            checkpoint_index,
            store_bytes: store.bytes(),
            store_pages: store.page_count(),
            journal_bytes: inner.journal.bytes(),
            snapshot_index: inner.snapshots.lock().first().map_or(0, |newest| newest.applied.index()),
        }
    }

    /// Ends checkpointing: waits for one that is being written, and lets none begin. For a process that stops, and for tests that
    /// go on with the directory. After a fault it does not wait for long: what writes may be stuck for ever.
    pub fn close(&self) {
        let begun = Instant::now();
        loop {
            if let Some(mut writing) = self.inner.writing.try_lock_for(Duration::from_millis(100)) {
                writing.closed = true;
                return;
            }
            if self.inner.poison.check().is_err() && begun.elapsed() > Duration::from_secs(2) {
                tracing::error!(dir = %self.inner.dir.display(), "closed while something is still being written");
                return;
            }
        }
    }
}
