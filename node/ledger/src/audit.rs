//! The sums that must hold over any state: the invariants of domain.md 5, checked record by record.
//!
//! An audit reads the state in pages. Of persons, relations, payments and requests it compares a bounded number at a
//! time; of months, lines between areas and tallies it holds all, which grow with areas and years, not with persons. So it
//! works on a state of any size. It trusts nothing that it can recompute: indexes are compared with the records
//! that they index, both ways.

mod cases;
mod clearing;
mod payments;
mod persons;
mod relations;
mod report;
mod requests;
mod sums;

pub use report::{Audit, Finding, Invariant};

use crate::codec;
use crate::digest::{Digest, RowHash};
use crate::id::Area;
use crate::limits::{AUDIT_PAGE_ROWS, AUDIT_PASS_ROWS};
use crate::money::Fen;
use crate::stamp::Stamp;
use crate::table::{AreaRecord, Key, LedgerRecord, Record, Row, Table};
use crate::view::{View, scan};
use alloc::collections::BTreeMap;

/// Checks a state. With `kept`, also that the digest over all rows is that one.
///
/// # Errors
/// The view's own fault. What is wrong with the state is no error but a [`Finding`].
pub fn audit<V: View>(view: &V, kept: Option<&Digest>) -> Result<Audit, V::Fault> {
    let ledger = expected::<V, LedgerRecord>(view, &Key::Ledger {})?;
    let mut auditor = Auditor {
        view,
        audit: Audit::default(),
        begun: ledger.as_ref().map_or(Stamp(0), |ledger| ledger.begun),
        now: ledger.as_ref().map_or(Stamp(0), |ledger| ledger.now),
        accepted: ledger.as_ref().map_or(0, |ledger| ledger.accepted),
    };
    persons::persons(&mut auditor)?;
    persons::conservation(&mut auditor)?;
    persons::reserved(&mut auditor)?;
    relations::relations(&mut auditor)?;
    relations::spent(&mut auditor)?;
    relations::indexes(&mut auditor)?;
    payments::payments(&mut auditor)?;
    payments::refunds(&mut auditor)?;
    payments::holds(&mut auditor)?;
    sums::sums(&mut auditor)?;
    cases::cases(&mut auditor)?;
    clearing::clearing(&mut auditor, ledger.as_ref())?;
    requests::requests(&mut auditor)?;
    if let Some(kept) = kept {
        digest(&mut auditor, kept)?;
    }
    Ok(auditor.audit)
}

/// The audit under way.
struct Auditor<'a, V: View> {
    view: &'a V,
    audit: Audit,
    begun: Stamp,
    now: Stamp,
    accepted: u64,
}

impl<V: View> Auditor<'_, V> {
    /// A record in a table that is not its own.
    fn alien(&mut self, key: &Key) -> Result<(), V::Fault> {
        self.audit.expect(Invariant::Attributable, key, false, "a record of another table");
        Ok(())
    }

    /// Whether money could pass between two areas at that moment. Openings are set for the future
    /// only, so what they say about a past moment stays.
    fn open_between(&self, one: Area, other: Area, at: Stamp) -> Result<bool, V::Fault> {
        Ok(one.province() == other.province() || self.open(one, at)? && self.open(other, at)?)
    }

    fn open(&self, area: Area, at: Stamp) -> Result<bool, V::Fault> {
        let record = expected::<V, AreaRecord>(self.view, &Key::Area { area })?;
        Ok(record.is_some_and(|record| record.open_at(at)))
    }

    /// Whether a moment lies in the time of the ledger.
    fn in_time(&self, at: Stamp) -> bool {
        self.begun <= at && at <= self.now
    }

    /// Collects what is to be compared, a bounded number at a time, and hands each lot to `pass`, which goes over other
    /// tables: so a state of any size is audited in bounded memory.
    fn in_lots<K: Ord, T>(
        &mut self,
        table: Table,
        mut collect: impl FnMut(&Key, &Row) -> Option<(K, T)>,
        mut pass: impl FnMut(&mut Self, BTreeMap<K, T>) -> Result<(), V::Fault>,
    ) -> Result<(), V::Fault> {
        let view = self.view;
        let mut lot = BTreeMap::new();
        scan(view, table, AUDIT_PAGE_ROWS, |key, row| {
            lot.extend(collect(key, row));
            match lot.len() < AUDIT_PASS_ROWS {
                true => Ok(()),
                false => pass(self, core::mem::take(&mut lot)),
            }
        })?;
        pass(self, lot)
    }
}

/// The record of a key, if it is there and of its table.
fn expected<V: View, R: Record>(view: &V, key: &Key) -> Result<Option<R>, V::Fault> {
    Ok(view.get(key)?.and_then(|row| R::of_row(&row).cloned()))
}

/// What was paid and not given back.
fn net(amount: Fen, refunded: Fen) -> i128 {
    i128::from(amount.get()) - i128::from(refunded.get())
}

/// An amount that may be taken from another.
fn wide(amount: Fen) -> i128 {
    i128::from(amount.get())
}

/// Invariant 18: the digest over all rows is the one that was kept as they changed.
fn digest<V: View>(auditor: &mut Auditor<'_, V>, kept: &Digest) -> Result<(), V::Fault> {
    let view = auditor.view;
    let mut sum = Digest::default();
    let (mut name, mut value) = (alloc::vec::Vec::new(), alloc::vec::Vec::new());
    for table in Table::ALL {
        scan(view, *table, AUDIT_PAGE_ROWS, |key, row| {
            name.clear();
            key.write(&mut name);
            value.clear();
            codec::append_row(row, &mut value);
            sum.add(*table, RowHash::of(&name, &value));
            auditor.audit.count(Invariant::Digest);
            Ok(())
        })?;
        let same = sum.table(*table) == kept.table(*table);
        auditor.audit.expect(
            Invariant::Digest,
            &table.first(),
            same,
            "the table's digest is not the kept one",
        );
    }
    Ok(())
}
