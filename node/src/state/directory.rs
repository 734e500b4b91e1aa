//! Which pages a store has.

use ledger::{Key, Table};
use std::collections::BTreeSet;
use std::ops::Bound;

/// Table numbers are below this.
const TABLES: usize = 64;
const _: () = assert!(Table::ALL[Table::COUNT - 1].number() < TABLES as u8);

/// Which pages there are. Kept in memory, because it answers most questions for absent keys and makes a lookup
/// one plain get. A page holds some ten to hundred records, so it is small beside them.
#[derive(Debug)]
pub(crate) struct Directory {
    pub(crate) pages: BTreeSet<Key>,
    /// Per table, no record lies behind this key.
    last: [Option<Key>; TABLES],
}

impl Default for Directory {
    fn default() -> Directory {
        Directory { pages: BTreeSet::new(), last: [None; TABLES] }
    }
}

impl Directory {
    /// The page that this key lies in, if it is anywhere.
    pub(crate) fn page_of(&self, key: &Key) -> Option<Key> {
        let name = self.pages.range(..=*key).next_back()?;
        (name.table() == key.table()).then_some(*name)
    }

    /// The next page of the same table.
    pub(crate) fn page_behind(&self, key: &Key) -> Option<Key> {
        let name = self.pages.range((Bound::Excluded(*key), Bound::Unbounded)).next()?;
        (name.table() == key.table()).then_some(*name)
    }

    /// A record of this key has been stored.
    pub(crate) fn saw(&mut self, key: Key) {
        let last = &mut self.last[usize::from(key.table().number())];
        *last = (*last).max(Some(key));
    }

    /// True if no record lies at or behind this key.
    pub(crate) fn beyond(&self, key: &Key) -> bool {
        self.last[usize::from(key.table().number())].is_none_or(|last| *key > last)
    }
}
