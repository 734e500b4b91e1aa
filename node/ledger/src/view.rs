//! What a rule sees of the state ([`View`]), and what it does to it ([`Draft`]).

use crate::changes::Changes;
use crate::table::{Key, Record, Row, Table};
use alloc::collections::BTreeMap;
use alloc::collections::btree_map::Entry;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::marker::PhantomData;
use core::ops::Deref;

/// A state that can be read. The node's store is one; [`MapState`](crate::MapState) is another.
pub trait View {
    /// What goes wrong when a record cannot be read. Never a reply: the node stops.
    type Fault;

    /// The record of this key.
    fn get(&self, key: &Key) -> Result<Option<Arc<Row>>, Self::Fault>;

    /// The first records, at most `most`, with `from <= key < until`, in order.
    fn range(&self, from: &Key, until: &Key, most: usize) -> Result<Vec<(Key, Arc<Row>)>, Self::Fault>;
}

/// Shows every row of `table` to `each`, in order of key, reading `page` at a time.
///
/// # Errors
/// The view's own fault, or that of `each`; rows before it have been shown.
pub fn scan<V: View>(
    view: &V,
    table: Table,
    page: usize,
    mut each: impl FnMut(&Key, &Row) -> Result<(), V::Fault>,
) -> Result<(), V::Fault> {
    let last = table.last();
    scan_between(view, table.first(), last, page, &mut each)?;
    match view.get(&last)? {
        Some(row) => each(&last, &row),
        None => Ok(()),
    }
}

/// Shows every row with `from <= key < until` to `each`, in order of key, reading `page` at a time.
///
/// # Errors
/// The view's own fault, or that of `each`; rows before it have been shown.
pub fn scan_between<V: View>(
    view: &V,
    mut from: Key,
    until: Key,
    page: usize,
    mut each: impl FnMut(&Key, &Row) -> Result<(), V::Fault>,
) -> Result<(), V::Fault> {
    // A page starts at the last key of the one before, as a range has no exclusive start.
    let page = page.max(2);
    let mut seen = None;
    loop {
        let rows = view.range(&from, &until, page)?;
        let full = rows.len() == page;
        for (key, row) in rows {
            if seen != Some(key) {
                each(&key, &row)?;
                (seen, from) = (Some(key), key);
            }
        }
        if !full {
            return Ok(());
        }
    }
}

/// The record of this key in a view that nothing is changed in.
///
/// # Errors
/// The view's own fault.
pub(crate) fn find<V: View, R: Record>(view: &V, key: &Key) -> Result<Option<Found<R>>, V::Fault> {
    Draft::new(view).find(key)
}

/// A record that was found, shared with whoever else holds it; read through it like a reference.
pub struct Found<R> {
    row: Arc<Row>,
    record: PhantomData<R>,
}

impl<R: Record> Deref for Found<R> {
    type Target = R;

    fn deref(&self) -> &R {
        R::of_row(&self.row).expect("a table holds its own records only")
    }
}

/// Changes over a view, still in hand.
pub struct Draft<'a, V: View> {
    view: &'a V,
    changes: Changes,
}

impl<'a, V: View> Draft<'a, V> {
    /// Nothing changed yet.
    pub fn new(view: &'a V) -> Self {
        Draft { view, changes: Changes::new() }
    }

    /// The row of this key, as changed.
    ///
    /// # Errors
    /// The view's own fault.
    pub fn row(&self, key: &Key) -> Result<Option<Arc<Row>>, V::Fault> {
        match self.changes.get(key) {
            Some(change) => Ok(change.clone()),
            None => self.view.get(key),
        }
    }

    /// The record of this key, as changed.
    ///
    /// # Errors
    /// The view's own fault.
    pub fn find<R: Record>(&self, key: &Key) -> Result<Option<Found<R>>, V::Fault> {
        Ok(self.row(key)?.map(|row| Found { row, record: PhantomData }))
    }

    /// The first records, at most `most`, with `from <= key < until`, as changed.
    ///
    /// # Errors
    /// The view's own fault.
    pub fn range(&self, from: &Key, until: &Key, most: usize) -> Result<Vec<(Key, Arc<Row>)>, V::Fault> {
        if from >= until {
            return Ok(Vec::new());
        }
        let changed = self.changes.range(*from, *until);
        let hidden = changed.clone().filter(|(_, row)| row.is_none()).count();
        let found = self.view.range(from, until, most.saturating_add(hidden))?;
        let mut merged: BTreeMap<Key, Arc<Row>> = found.into_iter().collect();
        for (key, row) in changed {
            match row {
                Some(row) => merged.insert(*key, row.clone()),
                None => merged.remove(key),
            };
        }
        Ok(merged.into_iter().take(most).collect())
    }

    /// Writes a record.
    pub fn put<R: Record>(&mut self, key: Key, record: R) {
        let row = record.into_row();
        debug_assert_eq!(key.table(), row.table(), "a record goes into its own table");
        self.changes.insert(key, Some(Arc::new(row)));
    }

    /// The record that was found under this key, to be changed in place. Copied only the first time in
    /// an entry; changes made since it was found are kept.
    pub fn edit<R: Record>(&mut self, key: Key, found: Found<R>) -> &mut R {
        let slot = self.changes.entry(key).or_insert(None);
        match slot {
            Some(_) => drop(found), // so that the change holds the only reference, and is not copied
            None => *slot = Some(found.row),
        }
        let row = Arc::make_mut(slot.as_mut().expect("filled just now"));
        R::of_row_mut(row).expect("a table holds its own records only")
    }

    /// Like [`Draft::edit`]; where nothing was found, a record that starts from nothing.
    pub fn edit_or_default<R: Record + Default>(&mut self, key: Key, found: Option<Found<R>>) -> &mut R {
        let found =
            found.unwrap_or_else(|| Found { row: Arc::new(R::default().into_row()), record: PhantomData });
        self.edit(key, found)
    }

    /// The record of this key, as changed, or one that starts from nothing, to be changed in place: one look, for rows that
    /// nearly every payment changes.
    ///
    /// # Errors
    /// The view's own fault; nothing is changed then.
    pub fn edit_at<R: Record + Default>(&mut self, key: Key) -> Result<&mut R, V::Fault> {
        let slot = match self.changes.entry(key) {
            Entry::Occupied(changed) => changed.into_mut(),
            Entry::Vacant(place) => place.insert(self.view.get(&key)?),
        };
        let row = slot.get_or_insert_with(|| Arc::new(R::default().into_row()));
        Ok(R::of_row_mut(Arc::make_mut(row)).expect("a table holds its own records only"))
    }

    /// Removes a record.
    pub fn remove(&mut self, key: Key) {
        self.changes.insert(key, None);
    }

    /// The changes.
    pub fn finish(self) -> Changes {
        self.changes
    }
}
