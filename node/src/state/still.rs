//! A view for long scans.

use crate::fault::Fault;
use crate::state::Applied;
use crate::state::inner::{Inner, Writing};
use crate::state::store::Store;
use ledger::{Key, Row, View};
use parking_lot::MutexGuard;
use std::ops::Bound;
use std::sync::Arc;

/// A consistent view at a checkpoint, for long scans. See [`State::still`](crate::state::State::still).
///
/// Not to be kept without reading from it: when memory is full of changes meanwhile, one that has not been read from for
/// [`StateSettings::write_stall`](crate::state::StateSettings::write_stall) ends the state.
pub struct Still<'a> {
    inner: &'a Inner,
    applied: Applied,
    store: Arc<Store>,
    _writing: MutexGuard<'a, Writing>,
}

impl<'a> Still<'a> {
    pub(crate) fn new(inner: &'a Inner) -> Result<Still<'a>, Fault> {
        let mut writing = inner.writing.lock();
        let applied = inner.checkpoint(&mut writing)?;
        let store = inner.memory.read().store.clone();
        Ok(Still { inner, applied, store, _writing: writing })
    }

    /// What this view shows.
    pub fn applied(&self) -> &Applied {
        &self.applied
    }

    /// True when what has changed since takes half of the room that it may: before it takes all of it, and absorbing
    /// has to wait for this view, whoever can should let go of it.
    pub fn crowded(&self) -> bool {
        self.inner.crowded()
    }

    fn read<T>(&self, read: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
        self.inner.poison.check()?;
        self.inner.progress.note("long scan");
        self.inner.poison.attempt("read state", self.store.dir(), read)
    }
}

impl View for Still<'_> {
    type Fault = Fault;

    fn get(&self, key: &Key) -> Result<Option<Arc<Row>>, Fault> {
        Ok(self.read(|| self.store.row(key))?.map(|(row, _)| Arc::new(row)))
    }

    fn range(&self, from: &Key, until: &Key, most: usize) -> Result<Vec<(Key, Arc<Row>)>, Fault> {
        let rows = self.read(|| self.store.range(Bound::Included(*from), until, most))?;
        Ok(rows.into_iter().map(|(key, row)| (key, Arc::new(row))).collect())
    }
}
