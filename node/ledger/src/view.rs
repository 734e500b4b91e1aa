//! What a rule sees of the state ([`View`]), and what it does to it ([`Draft`], [`Changes`]).

use crate::table::{Key, Record, Row};
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// A state that can be read. The node's store is one; so is a plain map in tests.
pub trait View {
    /// What goes wrong when a record cannot be read. Never a reply: the node stops.
    type Fault;

    /// The record of this key.
    fn get(&self, key: &Key) -> Result<Option<Arc<Row>>, Self::Fault>;

    /// The first records, at most `most`, with `from <= key < until`, in order.
    fn range(&self, from: &Key, until: &Key, most: usize) -> Result<Vec<(Key, Arc<Row>)>, Self::Fault>;
}

/// What a log entry changes: the new record of each key, none for a record that is gone.
pub type Changes = BTreeMap<Key, Option<Arc<Row>>>;

/// Changes over a view, still in hand.
///
/// A fault while reading is kept here and shown as an absent record; [`Draft::finish`] gives it back
/// in place of the changes, so no decision taken after a fault is ever seen.
pub struct Draft<'a, V: View> {
    view: &'a V,
    changes: Changes,
    fault: core::cell::Cell<Option<V::Fault>>,
}

impl<'a, V: View> Draft<'a, V> {
    /// Nothing changed yet.
    pub fn new(view: &'a V) -> Self {
        Draft { view, changes: Changes::new(), fault: core::cell::Cell::new(None) }
    }

    /// The row of this key, as changed.
    pub fn row(&self, key: &Key) -> Option<Arc<Row>> {
        if let Some(change) = self.changes.get(key) {
            return change.clone();
        }
        match self.view.get(key) {
            Ok(row) => row,
            Err(fault) => {
                self.fault.set(Some(fault));
                None
            }
        }
    }

    /// The record of this key, as changed.
    pub fn find<R: Record>(&self, key: &Key) -> Option<R> {
        self.row(key).and_then(|row| R::of_row(&row).cloned())
    }

    /// The first records, at most `most`, with `from <= key < until`, as changed.
    pub fn range(&self, from: &Key, until: &Key, most: usize) -> Vec<(Key, Arc<Row>)> {
        let changed = self.changes.range(*from..*until);
        let hidden = changed.clone().filter(|(_, row)| row.is_none()).count();
        let found = match self.view.range(from, until, most.saturating_add(hidden)) {
            Ok(rows) => rows,
            Err(fault) => {
                self.fault.set(Some(fault));
                return Vec::new();
            }
        };
        let mut merged: BTreeMap<Key, Arc<Row>> = found.into_iter().collect();
        for (key, row) in changed {
            match row {
                Some(row) => merged.insert(*key, row.clone()),
                None => merged.remove(key),
            };
        }
        merged.into_iter().take(most).collect()
    }

    /// Writes a record.
    pub fn put<R: Record>(&mut self, key: Key, record: R) {
        let row = record.into_row();
        debug_assert_eq!(key.table(), row.table(), "a record goes into its own table");
        self.changes.insert(key, Some(Arc::new(row)));
    }

    /// Removes a record.
    pub fn remove(&mut self, key: Key) {
        self.changes.insert(key, None);
    }

    /// The changes, unless a read failed on the way.
    pub fn finish(self) -> Result<Changes, V::Fault> {
        match self.fault.into_inner() {
            Some(fault) => Err(fault),
            None => Ok(self.changes),
        }
    }
}
