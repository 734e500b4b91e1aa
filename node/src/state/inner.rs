//! What happens inside a state: absorbing, checkpoints, installs.

use crate::fault::Fault;
use crate::host;
use crate::state::checkpoint::{self, RedoHead};
use crate::state::files;
use crate::state::journal::Journal;
use crate::state::memory::{Cache, KeyHash, Layer, Memory, Rows, Slot};
use crate::state::recover;
use crate::state::settings::StateSettings;
use crate::state::snapshot::{self, Snapshot};
use crate::state::store::Store;
use crate::state::trouble::{Patience, Poison, Progress};
use crate::state::{Applied, Check, Entry};
use ledger::digest::RowHash;
use ledger::{Digest, Key, codec};
use parking_lot::{Condvar, Mutex, RwLock};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

/// How many applied indexes back a digest is remembered.
pub(crate) const DIGESTS_KEPT: usize = 4096;

/// Everything that the clones of a state share.
pub(crate) struct Inner {
    pub(crate) dir: PathBuf,
    pub(crate) settings: StateSettings,
    /// The cluster, once known: written into snapshots, and those of another one are refused.
    pub(crate) cluster: OnceLock<[u8; 16]>,
    pub(crate) memory: RwLock<Memory>,
    pub(crate) cache: Cache,
    pub(crate) hash: KeyHash,
    pub(crate) journal: Journal,
    pub(crate) poison: Arc<Poison>,
    /// Of whoever holds `writing`.
    pub(crate) progress: Arc<Progress>,
    pub(crate) notes: Vec<String>,
    pub(crate) digests: Mutex<VecDeque<(u64, Digest)>>,
    /// Held by whoever absorbs or installs.
    pub(crate) absorbing: Mutex<()>,
    /// Held by whoever writes to the store or relies on it standing still.
    pub(crate) writing: Mutex<Writing>,
    pub(crate) snapshots: Mutex<Vec<Snapshot>>,
    /// Wakes the checkpoint thread.
    pub(crate) trigger: SyncSender<()>,
    /// Told when a checkpoint has made room.
    pub(crate) room: (Mutex<()>, Condvar),
}

#[derive(Default)]
pub(crate) struct Writing {
    /// Folders of generations that are no longer used, removed once sled has let go of them.
    left_over: Vec<(Weak<Store>, PathBuf)>,
    pub(crate) closed: bool,
}

/// What whoever writes to the store keeps.
impl Inner {
    pub(crate) fn absorb(&self, entry: Entry<'_>) -> Result<(), Fault> {
        let index = entry.log.index;
        {
            let memory = self.memory.read();
            if memory.applied.log.is_some_and(|last| index <= last.index) {
                return Err(Fault::Corrupt {
                    place: format!("log entry {index}"),
                    what: format!("it comes after entry {} was applied", memory.applied.index()),
                    hint: "report this: entries must be applied in order".into(),
                });
            }
        }
        let mut slots = Vec::with_capacity(entry.changes.len());
        let (mut key_bytes, mut value) = (Vec::with_capacity(64), Vec::with_capacity(512));
        for (key, row) in entry.changes {
            let mut hash = RowHash::default();
            value.clear();
            if let Some(row) = &row {
                key_bytes.clear();
                key.write(&mut key_bytes);
                codec::append_row(row, &mut value);
                hash = RowHash::of(&key_bytes, &value);
            }
            slots.push((key, Slot { row, hash }, value.len()));
        }
        self.journal.append(index, entry.journal.as_ref())?;
        let pending = {
            let mut memory = self.memory.write();
            // A fault half-way is kept before the lock is let go: nobody sees or writes half an entry.
            self.poison.attempt("absorb entry", &self.dir, || {
                let mut digest = memory.applied.digest.clone();
                for (key, slot, bytes) in slots {
                    let table = key.table();
                    digest.add(table, slot.hash);
                    // One look finds the old row and puts the new one in, where the row is hot.
                    let old = match memory.changes.put(key, slot, bytes) {
                        Some(old) => old,
                        None => memory.hash_below(&self.cache, &key)?,
                    };
                    digest.remove(table, old);
                }
                memory.applied.log = Some(entry.log);
                memory.applied.digest = digest.clone();
                if let Some(membership) = entry.membership {
                    memory.applied.membership = membership;
                }
                self.remember(index, digest);
                Ok((memory.changes.len(), memory.changes.bytes()))
            })?
        };
        self.press(pending)
    }

    pub(crate) fn remember(&self, index: u64, digest: Digest) {
        let mut digests = self.digests.lock();
        if digests.len() == DIGESTS_KEPT {
            digests.pop_front();
        }
        digests.push_back((index, digest));
    }

    /// Has a checkpoint written when enough has changed; waits for it when far too much has, but not for ever.
    fn press(&self, (changes, bytes): (usize, usize)) -> Result<(), Fault> {
        let (settings, mut changes, mut bytes) = (&self.settings, changes, bytes);
        if changes < settings.checkpoint_changes && bytes < settings.checkpoint_bytes {
            return Ok(());
        }
        if host::is_simulated() {
            return self.checkpoint(&mut self.writing.lock()).map(drop);
        }
        let mut patience = Patience::new(&self.progress, settings.write_stall);
        loop {
            // Full: it has been told already.
            let told = self.trigger.try_send(());
            let (changes_most, bytes_most) = settings.room();
            if changes < changes_most && bytes < bytes_most {
                return Ok(());
            }
            if matches!(told, Err(TrySendError::Disconnected(()))) {
                let ended = std::io::Error::other("its thread has ended");
                return Err(Fault::io("write checkpoint", &self.dir, ended));
            }
            let (lock, bell) = &self.room;
            bell.wait_for(&mut lock.lock(), Duration::from_millis(50));
            self.poison.check()?;
            patience.check(&self.progress, &self.dir)?;
            let memory = self.memory.read();
            (changes, bytes) = (memory.changes.len(), memory.changes.bytes());
        }
    }

    /// Whether half of the room for changes is taken.
    pub(crate) fn crowded(&self) -> bool {
        let (changes_most, bytes_most) = self.settings.room();
        let memory = self.memory.read();
        memory.changes.len() >= changes_most / 2 || memory.changes.bytes() >= bytes_most / 2
    }

    /// Writes a checkpoint, and gives what it holds.
    pub(crate) fn checkpoint(&self, writing: &mut Writing) -> Result<Applied, Fault> {
        self.poison.check()?;
        let done = self.poison.attempt("write checkpoint", &self.dir, || self.write_checkpoint(writing));
        self.room.1.notify_all();
        done
    }

    fn write_checkpoint(&self, writing: &mut Writing) -> Result<Applied, Fault> {
        writing.sweep();
        let (frozen, applied, store, base) = {
            let mut memory = self.memory.write();
            // An entry may have been cut off since: then these are not the rows of any index.
            self.poison.check()?;
            if memory.frozen.is_some() {
                // Its rows are in no store yet: to freeze others would lose them from view.
                let unfinished = std::io::Error::other("the one before it is unfinished");
                return Err(Fault::io("write checkpoint", &self.dir, unfinished));
            }
            if memory.stored == memory.applied.log.map(|log| log.index) {
                return Ok(memory.applied.clone());
            }
            if writing.closed {
                let closed = std::io::Error::other("the state has been closed");
                return Err(Fault::io("write checkpoint", &self.dir, closed));
            }
            let frozen = Arc::new(std::mem::replace(&mut memory.changes, Layer::with_hash(self.hash)));
            memory.frozen = Some(frozen.clone());
            (frozen, memory.applied.clone(), memory.store.clone(), memory.stored)
        };
        let steps = &self.settings.steps;
        steps.at("frozen");
        // First of all: once the redo file is in place, a restart stands at its index and replays nothing before.
        self.journal.sync(applied.index())?;
        steps.at("journal synced");
        let head = RedoHead { generation: store.number(), base, applied: applied.clone() };
        let redo = checkpoint::write_redo(&store, &frozen, &head, steps)?;
        checkpoint::redo(&store, &redo, steps)?;
        files::remove(&redo)?;
        steps.at("redo removed");
        // While the frozen rows hide them, nobody reads the old ones into the cache again.
        self.cache.forget(&frozen);
        let old = {
            let mut memory = self.memory.write();
            memory.stored = applied.log.map(|log| log.index);
            let frozen = memory.frozen.take();
            std::mem::replace(&mut memory.written, frozen)
        };
        // What the checkpoint before this one wrote, and this one did not, still is what the store holds.
        if let Some(old) = old {
            self.cache.keep_from(&old, &frozen);
        }
        Ok(applied)
    }

    /// Puts a snapshot first, and removes those that are not kept any more.
    pub(crate) fn keep_snapshot(&self, newest: Snapshot) -> Result<(), Fault> {
        let mut snapshots = self.snapshots.lock();
        snapshots.retain(|snapshot| snapshot.path != newest.path);
        snapshots.insert(0, newest);
        while snapshots.len() > self.settings.snapshots_kept.max(1) {
            if let Some(oldest) = snapshots.pop() {
                self.poison.guard(files::remove(&oldest.path))?;
            }
        }
        Ok(())
    }

    /// A snapshot that may replace the state: not older, and not of another history as far as that can be told.
    pub(crate) fn check_newer(&self, snapshot: &Snapshot) -> Result<(), Fault> {
        let ours = self.memory.read().applied.clone();
        let (index, theirs) = (snapshot.applied.index(), snapshot.applied.digest.root());
        if index < ours.index() {
            return Err(Fault::Corrupt {
                place: snapshot.path.display().to_string(),
                what: format!("a snapshot at {index}, but entries up to {} are applied here", ours.index()),
                hint: "report this: a snapshot must be newer than the state that it replaces".into(),
            });
        }
        if index == ours.index() && theirs != ours.digest.root() {
            return Err(Fault::Diverged { index, ours: ours.digest.root(), theirs });
        }
        Ok(())
    }

    pub(crate) fn install(
        &self,
        path: &Path,
        verified: Snapshot,
        writing: &mut Writing,
    ) -> Result<Snapshot, Fault> {
        let steps = &self.settings.steps;
        let (store, applied) = recover::generation(&self.dir, Some(path), &self.settings)?;
        steps.at("install loaded");
        let snap = self.dir.join("snap");
        let kept = snapshot::path_of(&snap, &verified.id);
        if path != kept {
            // Received bytes were written by others: durable before they are relied upon.
            let synced = std::fs::File::open(path).and_then(|file| host::sync_all(&file, path));
            synced.map_err(|e| Fault::io("sync file", path, e))?;
            files::rename(path, &kept)?;
        }
        steps.at("install snapshot kept");
        recover::make_current(&self.dir, store.number())?;
        steps.at("install current");
        self.journal.gap(applied.index())?;
        let old = {
            let mut memory = self.memory.write();
            let new = Memory {
                changes: Layer::with_hash(self.hash),
                frozen: None,
                written: None,
                stored: applied.log.map(|log| log.index),
                store: Arc::new(store),
                applied: applied.clone(),
                poison: self.poison.clone(),
            };
            self.cache.clear();
            std::mem::replace(&mut *memory, new)
        };
        writing.left_over.push((Arc::downgrade(&old.store), old.store.dir().to_path_buf()));
        drop(old);
        self.remember(applied.index(), applied.digest.clone());
        let installed = Snapshot { path: kept, ..verified };
        self.keep_snapshot(installed.clone())?;
        for (name, part) in files::list(&snap)? {
            if name.ends_with(".part") {
                files::remove(&part)?;
            }
        }
        Ok(installed)
    }

    pub(crate) fn check(&self) -> Result<Check, Fault> {
        let _still = self.writing.lock();
        let (changes, applied, store) = {
            let memory = self.memory.read();
            // Only after a failed checkpoint is there anything frozen while nobody writes.
            if memory.frozen.is_some() {
                drop(memory);
                self.poison.check()?;
                return Err(Fault::io(
                    "check state",
                    &self.dir,
                    std::io::Error::other("a checkpoint is unfinished"),
                ));
            }
            let changes: Rows = memory.changes.rows.clone();
            (changes, memory.applied.clone(), memory.store.clone())
        };
        let (mut recomputed, mut rows) = (Digest::default(), 0);
        let mut count = |key: &Key, key_bytes: &[u8], value: &[u8]| {
            recomputed.add(key.table(), RowHash::of(key_bytes, value));
            rows += 1;
        };
        self.poison.attempt("read state", store.dir(), || {
            store.each(&mut |key, key_bytes, value| {
                self.progress.note("check");
                if !changes.contains_key(&key) {
                    count(&key, key_bytes, value);
                }
                Ok(())
            })
        })?;
        for (key, slot) in &changes {
            if let Some(row) = &slot.row {
                count(key, &codec::encode_key(key), &codec::encode_row(row));
            }
        }
        Ok(Check { index: applied.index(), rows, kept: applied.digest, recomputed })
    }
}

impl Writing {
    /// Removes generations that sled has let go of.
    fn sweep(&mut self) {
        self.left_over.retain(|(store, path)| {
            if store.strong_count() > 0 {
                return true;
            }
            // What cannot be removed now is removed at the next start.
            match std::fs::remove_dir_all(path) {
                Ok(()) => false,
                Err(e) => {
                    tracing::warn!(path = %path.display(), error = %e, "an old generation is not removed yet");
                    false
                }
            }
        });
    }
}

pub(crate) fn checkpoint_when_told(state: &Weak<Inner>, bell: &Receiver<()>) {
    // Ends when the last State is dropped, and with it the sender.
    while bell.recv().is_ok() {
        let Some(inner) = state.upgrade() else { return };
        let mut writing = inner.writing.lock();
        if writing.closed {
            return;
        }
        // A fault is kept in the poison and logged there; the next absorb gives it to the caller.
        let _ = inner.checkpoint(&mut writing);
    }
}
