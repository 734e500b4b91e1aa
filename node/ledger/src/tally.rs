//! The statistics as the ledger runs: a bounded number of rows for each payment and refund (domain.md 5b, 15).
//!
//! Each leg's money is told by its own scope and its donor's province; the 人次 of a whole payment stands in one row.
//! All functions read while they write: only this node's own fault can end them, and that ends the entry.

use crate::entry::{Entry, Ruled};
use crate::id::Area;
use crate::money::{Fen, Sum};
use crate::stamp::Month;
use crate::table::{Key, Leg, PaymentRecord, Scope, TallyRecord};
use crate::view::View;

impl Scope {
    /// How far money goes from a donor's area to a beneficiary whose area of insurance is `home`.
    pub fn between(donor: Area, home: Area) -> Scope {
        if donor == home {
            Scope::SameArea
        } else if donor.province() == home.province() {
            Scope::InProvince
        } else {
            Scope::CrossProvince
        }
    }
}

impl PaymentRecord {
    /// Whether refunds have reached the whole mutual-aid amount.
    pub(crate) fn aid_is_back(&self) -> bool {
        self.legs.iter().all(|leg| leg.refunded == leg.amount)
    }
}

/// A payment was made.
pub(crate) fn paid<V: View>(entry: &mut Entry<'_, V>, record: &PaymentRecord) -> Ruled<V, ()> {
    let month = entry.now.month();
    for leg in &record.legs {
        edit(entry, leg_key(record, leg, month), |tally| tally.paid = tally.paid.plus(leg.amount))?;
    }
    match count_key(record, month) {
        Some(key) => edit(entry, key, |tally| tally.count += 1),
        None => Ok(()),
    }
}

/// Legs, by their place, were refunded; the payment is as it is afterwards.
pub(crate) fn refunded<V: View>(
    entry: &mut Entry<'_, V>,
    record: &PaymentRecord,
    legs: &[(usize, Fen)],
) -> Ruled<V, ()> {
    let month = entry.now.month();
    for (place, amount) in legs {
        let key = leg_key(record, &record.legs[*place], month);
        edit(entry, key, |tally| tally.refunded = tally.refunded.plus(*amount))?;
    }
    // Where no leg got anything back, the count was not taken back by this refund.
    match count_key(record, month) {
        Some(key) if !legs.is_empty() && record.aid_is_back() => {
            edit(entry, key, |tally| tally.count_back += 1)
        }
        Some(_) | None => Ok(()),
    }
}

/// A refund of legs was undone; the payment is as it is afterwards. The money counts as paid again, in the month of the
/// undoing: what a closed month says of refunds stays.
pub(crate) fn reinstated<V: View>(
    entry: &mut Entry<'_, V>,
    record: &PaymentRecord,
    legs: &[(usize, Fen)],
) -> Ruled<V, ()> {
    let month = entry.now.month();
    let paid = sum(record.legs.iter().map(|leg| leg.amount));
    let back = sum(record.legs.iter().map(|leg| leg.refunded));
    let was_back = back.get() + sum(legs.iter().map(|(_, amount)| *amount)).get() == paid.get();
    for (place, amount) in legs {
        let key = leg_key(record, &record.legs[*place], month);
        edit(entry, key, |tally| tally.paid = tally.paid.plus(*amount))?;
    }
    match count_key(record, month) {
        // Refunds had reached the whole; now they do not.
        Some(key) if !legs.is_empty() && was_back => edit(entry, key, |tally| tally.count += 1),
        Some(_) | None => Ok(()),
    }
}

/// The row of a leg's money.
fn leg_key(record: &PaymentRecord, leg: &Leg, month: Month) -> Key {
    let scope = Scope::between(leg.area, record.home);
    Key::Tally {
        month,
        giving: leg.area.province(),
        using: record.home.province(),
        scope,
        usage: record.usage,
    }
}

/// The row of a payment's 人次: the province of the largest leg, of equal ones the first, and the widest scope. None
/// without legs.
fn count_key(record: &PaymentRecord, month: Month) -> Option<Key> {
    let scope = record.legs.iter().map(|leg| Scope::between(leg.area, record.home)).max()?;
    // Of equal ones max_by_key takes the last: so look from behind.
    let giving = record.legs.iter().rev().max_by_key(|leg| leg.amount)?.area.province();
    Some(Key::Tally { month, giving, using: record.home.province(), scope, usage: record.usage })
}

fn sum(amounts: impl Iterator<Item = Fen>) -> Sum {
    amounts.fold(Sum::ZERO, Sum::plus)
}

fn edit<V: View>(entry: &mut Entry<'_, V>, key: Key, change: impl FnOnce(&mut TallyRecord)) -> Ruled<V, ()> {
    let found = entry.find::<TallyRecord>(&key)?;
    change(entry.draft.edit_or_default(key, found));
    Ok(())
}
