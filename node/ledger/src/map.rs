//! A state in memory, whole: the second replica of a test, the workbench of a tool, and the plainest
//! [`View`] there is.

use crate::apply::{At, apply};
use crate::changes::Changes;
use crate::codec;
use crate::command::Transaction;
use crate::decision::Answer;
use crate::digest::{Digest, RowHash};
use crate::table::{Key, Row, Table};
use crate::view::View;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::convert::Infallible;

/// A state kept in ordered maps, one a table so that small tables are found fast, with its digest.
#[derive(Clone, Debug)]
pub struct MapState {
    tables: [BTreeMap<Key, (Arc<Row>, RowHash)>; Table::COUNT],
    digest: Digest,
    /// Room to encode in, kept between changes.
    key: Vec<u8>,
    value: Vec<u8>,
}

impl Default for MapState {
    fn default() -> MapState {
        MapState::new()
    }
}

impl MapState {
    /// A state before genesis.
    pub fn new() -> MapState {
        let tables = core::array::from_fn(|_| BTreeMap::new());
        MapState { tables, digest: Digest::default(), key: Vec::new(), value: Vec::new() }
    }

    /// Applies an entry and absorbs its changes.
    pub fn apply(&mut self, at: At, transactions: &[Transaction]) -> Vec<Answer> {
        let Ok(applied) = apply(&*self, at, transactions);
        self.absorb(applied.changes);
        applied.answers
    }

    /// Makes the changes of an entry, and keeps the digest.
    pub fn absorb(&mut self, changes: Changes) {
        for (key, row) in changes {
            self.set(key, row);
        }
    }

    /// Puts a row in its place, or takes it away.
    pub fn set(&mut self, key: Key, row: Option<Arc<Row>>) {
        let table = key.table();
        let rows = &mut self.tables[table.place()];
        let before = match row {
            Some(row) => {
                self.key.clear();
                key.write(&mut self.key);
                self.value.clear();
                codec::append_row(&row, &mut self.value);
                let hash = RowHash::of(&self.key, &self.value);
                self.digest.add(table, hash);
                rows.insert(key, (row, hash))
            }
            None => rows.remove(&key),
        };
        if let Some((_, hash)) = before {
            self.digest.remove(table, hash);
        }
    }

    /// The digest, as kept.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Every row, in order of key.
    pub fn rows(&self) -> impl Iterator<Item = (&Key, &Row)> {
        self.tables.iter().flatten().map(|(key, (row, _))| (key, &**row))
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.tables.iter().map(BTreeMap::len).sum()
    }

    /// True before genesis.
    pub fn is_empty(&self) -> bool {
        self.tables.iter().all(BTreeMap::is_empty)
    }
}

impl View for MapState {
    type Fault = Infallible;

    fn get(&self, key: &Key) -> Result<Option<Arc<Row>>, Infallible> {
        Ok(self.tables[key.table().place()].get(key).map(|(row, _)| row.clone()))
    }

    fn range(&self, from: &Key, until: &Key, most: usize) -> Result<Vec<(Key, Arc<Row>)>, Infallible> {
        if from >= until {
            return Ok(Vec::new());
        }
        let tables = &self.tables[from.table().place()..=until.table().place()];
        let rows = tables.iter().flat_map(|rows| rows.range(*from..*until));
        Ok(rows.take(most).map(|(key, (row, _))| (*key, row.clone())).collect())
    }
}
