//! How a state is run.

use crate::state::trouble::Progress;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Settings of a state. The defaults suit a node of its own; many nodes in one process want smaller ones.
#[derive(Clone, Debug)]
pub struct StateSettings {
    /// The cluster, once known: snapshots of another one are refused.
    pub cluster: Option<[u8; 16]>,
    /// A checkpoint is written when so many records have changed ...
    pub checkpoint_changes: usize,
    /// ... or so many bytes of values, counting a record each time it changes.
    pub checkpoint_bytes: usize,
    /// When so many changes wait, absorbing waits for the disk.
    pub changes_most: usize,
    /// Rows read from disk that are kept decoded.
    pub cache_rows: usize,
    /// sled's own cache.
    pub store_cache_bytes: u64,
    /// Journal segments are closed at this size.
    pub journal_segment_bytes: u64,
    /// How much of the journal is kept beside the segment being written; none: all of it.
    pub journal_keep_bytes: Option<u64>,
    /// How much of the journal's end is kept in memory, for watchers there.
    pub journal_recent_bytes: usize,
    /// Snapshots that are kept. Two, so that one being sent survives the next being built.
    pub snapshots_kept: usize,
    /// sled is given up at open after so long without progress, per GiB of it.
    pub open_stall: Duration,
    /// When absorbing waits for the disk and nothing has moved there for so long, the state ends itself by a fault.
    pub write_stall: Duration,
    /// Called at every step of writing, by name. For tests that crash there.
    pub steps: Steps,
}

impl Default for StateSettings {
    fn default() -> StateSettings {
        StateSettings {
            cluster: None,
            checkpoint_changes: 200_000,
            checkpoint_bytes: 128 << 20,
            changes_most: 800_000,
            cache_rows: 400_000,
            store_cache_bytes: 32 << 20,
            journal_segment_bytes: 64 << 20,
            journal_keep_bytes: None,
            journal_recent_bytes: 4 << 20,
            snapshots_kept: 2,
            open_stall: Duration::from_secs(30),
            write_stall: Duration::from_secs(120),
            steps: Steps::default(),
        }
    }
}

impl StateSettings {
    /// How many changes, and bytes of them, may wait for a checkpoint before absorbing waits for it.
    pub(crate) fn room(&self) -> (usize, usize) {
        (self.changes_most.max(self.checkpoint_changes), self.checkpoint_bytes.saturating_mul(4))
    }
}

/// Something that is told the name of every step of writing before the next begins.
#[derive(Clone, Default)]
pub struct Steps(Option<Arc<dyn Fn(&'static str) + Send + Sync>>);

impl Steps {
    /// Tells this function.
    pub fn new(tell: impl Fn(&'static str) + Send + Sync + 'static) -> Steps {
        Steps(Some(Arc::new(tell)))
    }

    /// Notes every step there too.
    pub(crate) fn noted_in(self, progress: Arc<Progress>) -> Steps {
        Steps::new(move |step| {
            progress.note(step);
            self.at(step);
        })
    }

    pub(crate) fn at(&self, step: &'static str) {
        if let Some(tell) = &self.0 {
            tell(step);
        }
    }
}

impl fmt::Debug for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Steps(watched)" } else { "Steps" })
    }
}
