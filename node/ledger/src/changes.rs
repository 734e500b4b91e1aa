//! What a log entry changes.

use crate::table::{Key, Row, Table};
use alloc::collections::BTreeMap;
use alloc::collections::btree_map;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::iter::Flatten;

/// The new record of a key; none for a record that is gone.
type Change = Option<Arc<Row>>;

/// What a log entry changes: the new record of each key, none for a record that is gone.
///
/// One map a table: what was not changed is found so at once, and tables with few rows are searched among themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes {
    tables: Vec<BTreeMap<Key, Change>>,
}

impl Default for Changes {
    fn default() -> Changes {
        Changes::new()
    }
}

impl Changes {
    /// None.
    pub fn new() -> Changes {
        Changes { tables: (0..Table::COUNT).map(|_| BTreeMap::new()).collect() }
    }

    /// What becomes of this key, if it changes.
    pub fn get(&self, key: &Key) -> Option<&Change> {
        self.tables[key.table().place()].get(key)
    }

    /// Says what becomes of this key, whatever was said before.
    pub fn insert(&mut self, key: Key, change: Change) {
        self.table(&key).insert(key, change);
    }

    /// What becomes of this key, to be said.
    pub(crate) fn entry(&mut self, key: Key) -> btree_map::Entry<'_, Key, Change> {
        self.table(&key).entry(key)
    }

    fn table(&mut self, key: &Key) -> &mut BTreeMap<Key, Change> {
        &mut self.tables[key.table().place()]
    }

    /// Those with `from <= key < until`, in order; `from` must not be behind `until`.
    pub(crate) fn range(&self, from: Key, until: Key) -> impl Iterator<Item = (&Key, &Change)> + Clone {
        let tables = &self.tables[from.table().place()..=until.table().place()];
        tables.iter().flat_map(move |changes| changes.range(from..until))
    }

    /// All of them, in order of key.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, &Change)> {
        self.tables.iter().flatten()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.tables.iter().map(BTreeMap::len).sum()
    }

    /// True if nothing changes.
    pub fn is_empty(&self) -> bool {
        self.tables.iter().all(BTreeMap::is_empty)
    }
}

impl IntoIterator for Changes {
    type Item = (Key, Change);
    type IntoIter = Flatten<alloc::vec::IntoIter<BTreeMap<Key, Change>>>;

    /// All of them, in order of key.
    fn into_iter(self) -> Self::IntoIter {
        self.tables.into_iter().flatten()
    }
}

impl<'a> IntoIterator for &'a Changes {
    type Item = (&'a Key, &'a Change);
    type IntoIter = Flatten<core::slice::Iter<'a, BTreeMap<Key, Change>>>;

    fn into_iter(self) -> Self::IntoIter {
        self.tables.iter().flatten()
    }
}

impl FromIterator<(Key, Change)> for Changes {
    fn from_iter<I: IntoIterator<Item = (Key, Change)>>(all: I) -> Changes {
        let mut changes = Changes::new();
        changes.extend(all);
        changes
    }
}

impl Extend<(Key, Change)> for Changes {
    fn extend<I: IntoIterator<Item = (Key, Change)>>(&mut self, all: I) {
        for (key, change) in all {
            self.insert(key, change);
        }
    }
}
