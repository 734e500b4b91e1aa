//! What happens inside a state: absorbing, checkpoints, installs, and the fault that ends them all.

use crate::fault::Fault;
use crate::state::checkpoint::{self, RedoHead};
use crate::state::files;
use crate::state::journal::Journal;
use crate::state::memory::{Cache, KeyHash, Layer, Memory, Rows, Slot};
use crate::state::recover;
use crate::state::settings::StateSettings;
use crate::state::snapshot::{self, Snapshot};
use crate::state::store::Store;
use crate::state::{Applied, Check, Entry};
use ledger::digest::RowHash;
use ledger::{Digest, Key, codec};
use parking_lot::{Condvar, Mutex, RwLock};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

/// How many applied indexes back a digest is remembered.
pub(crate) const DIGESTS_KEPT: usize = 4096;

/// The first write fault: from then on every call gives it back.
#[derive(Default)]
pub(crate) struct Poison {
    fault: RwLock<Option<Fault>>,
}

impl Poison {
    /// The fault that poisoned the state.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        self.fault.read().clone().map_or(Ok(()), Err)
    }

    /// Keeps the first fault.
    pub(crate) fn set(&self, fault: Fault) {
        let mut kept = self.fault.write();
        if kept.is_none() {
            tracing::error!(%fault, "the state accepts no more changes");
            *kept = Some(fault);
        }
    }

    /// Keeps a result's fault, if it is one.
    pub(crate) fn guard<T>(&self, result: Result<T, Fault>) -> Result<T, Fault> {
        if let Err(fault) = &result {
            self.set(fault.clone());
        }
        result
    }
}

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
        let (slots, digest) = {
            let memory = self.memory.read();
            if memory.applied.log.is_some_and(|last| index <= last.index) {
                return Err(Fault::Corrupt {
                    place: format!("log entry {index}"),
                    what: format!("it comes after entry {} was applied", memory.applied.index()),
                    hint: "report this: entries must be applied in order".into(),
                });
            }
            let mut digest = memory.applied.digest.clone();
            let mut slots = Vec::with_capacity(entry.changes.len());
            let mut key_bytes = Vec::with_capacity(48);
            for (key, row) in entry.changes {
                let old = memory.slot(&self.cache, &key)?;
                digest.remove(key.table(), old.hash);
                let (hash, bytes) = match &row {
                    None => (RowHash::default(), 0),
                    Some(row) => {
                        key_bytes.clear();
                        key.write(&mut key_bytes);
                        let value = codec::encode_row(row);
                        (RowHash::of(&key_bytes, &value), value.len())
                    }
                };
                digest.add(key.table(), hash);
                slots.push((key, Slot { row, hash }, bytes));
            }
            (slots, digest)
        };
        self.journal.append(index, entry.journal.as_ref())?;
        let pending = {
            let mut memory = self.memory.write();
            for (key, slot, bytes) in slots {
                memory.changes.put(key, slot, bytes);
            }
            memory.applied.log = Some(entry.log);
            memory.applied.digest = digest.clone();
            if let Some(membership) = entry.membership {
                memory.applied.membership = membership;
            }
            (memory.changes.len(), memory.changes.bytes())
        };
        self.remember(index, digest);
        self.press(pending)
    }

    pub(crate) fn remember(&self, index: u64, digest: Digest) {
        let mut digests = self.digests.lock();
        if digests.len() == DIGESTS_KEPT {
            digests.pop_front();
        }
        digests.push_back((index, digest));
    }

    /// Has a checkpoint written when enough has changed; waits for it when far too much has.
    fn press(&self, (changes, bytes): (usize, usize)) -> Result<(), Fault> {
        let (settings, mut changes, mut bytes) = (&self.settings, changes, bytes);
        if changes < settings.checkpoint_changes && bytes < settings.checkpoint_bytes {
            return Ok(());
        }
        loop {
            // Full: it has been told already.
            let _ = self.trigger.try_send(());
            let most = settings.changes_most.max(settings.checkpoint_changes);
            if changes < most && bytes < settings.checkpoint_bytes.saturating_mul(4) {
                return Ok(());
            }
            let (lock, bell) = &self.room;
            bell.wait_for(&mut lock.lock(), Duration::from_millis(50));
            self.poison.check()?;
            let memory = self.memory.read();
            (changes, bytes) = (memory.changes.len(), memory.changes.bytes());
        }
    }

    /// Writes a checkpoint, and gives what it holds.
    pub(crate) fn checkpoint(&self, writing: &mut Writing) -> Result<Applied, Fault> {
        self.poison.check()?;
        let done = self.poison.guard(self.write_checkpoint(writing));
        self.room.1.notify_all();
        done
    }

    fn write_checkpoint(&self, writing: &mut Writing) -> Result<Applied, Fault> {
        writing.sweep();
        let (frozen, applied, store, base) = {
            let mut memory = self.memory.write();
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
            let synced = std::fs::File::open(path).and_then(|file| file.sync_all());
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
        store.each(&mut |key, key_bytes, value| {
            if !changes.contains_key(&key) {
                count(&key, key_bytes, value);
            }
            Ok(())
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
