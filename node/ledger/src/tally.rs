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
    let legs = record.legs.iter().map(|leg| (leg, leg.amount));
    post(entry, record, legs, |tally| &mut tally.paid, Some(|tally| &mut tally.count))
}

/// Legs, by their place, were refunded; the payment is as it is afterwards.
pub(crate) fn refunded<V: View>(
    entry: &mut Entry<'_, V>,
    record: &PaymentRecord,
    legs: &[(usize, Fen)],
) -> Ruled<V, ()> {
    // Where no leg got anything back, the count was not taken back by this refund.
    let is_back = !legs.is_empty() && record.aid_is_back();
    let legs = legs.iter().map(|(place, amount)| (&record.legs[*place], *amount));
    let count: Option<Count> = if is_back { Some(|tally| &mut tally.count_back) } else { None };
    post(entry, record, legs, |tally| &mut tally.refunded, count)
}

/// A refund of legs was undone; the payment is as it is afterwards. The money counts as paid again, in the month of the
/// undoing: what a closed month says of refunds stays.
pub(crate) fn reinstated<V: View>(
    entry: &mut Entry<'_, V>,
    record: &PaymentRecord,
    legs: &[(usize, Fen)],
) -> Ruled<V, ()> {
    let paid = sum(record.legs.iter().map(|leg| leg.amount));
    let back = sum(record.legs.iter().map(|leg| leg.refunded));
    let was_back = back.get() + sum(legs.iter().map(|(_, amount)| *amount)).get() == paid.get();
    // Refunds had reached the whole; now they do not.
    let count: Option<Count> =
        if !legs.is_empty() && was_back { Some(|tally| &mut tally.count) } else { None };
    let legs = legs.iter().map(|(place, amount)| (&record.legs[*place], *amount));
    post(entry, record, legs, |tally| &mut tally.paid, count)
}

/// A figure of a row.
type Money = fn(&mut TallyRecord) -> &mut Sum;
type Count = fn(&mut TallyRecord) -> &mut u64;

/// Adds to the rows of the legs' money and, where the payment's 人次 changes, one to its row.
fn post<'r, V: View>(
    entry: &mut Entry<'_, V>,
    record: &'r PaymentRecord,
    legs: impl Iterator<Item = (&'r Leg, Fen)>,
    money: Money,
    count: Option<Count>,
) -> Ruled<V, ()> {
    let month = entry.month;
    let mut counted = count.and_then(|count| Some((count_key(record, month)?, count)));
    for (leg, amount) in legs {
        let key = leg_key(record, leg, month);
        let tally = entry.edit_at::<TallyRecord>(key)?;
        let sum = money(tally);
        *sum = sum.plus(amount);
        // Most often it is the row at hand.
        if let Some((_, count)) = counted.take_if(|(counted, _)| *counted == key) {
            *count(tally) += 1;
        }
    }
    if let Some((key, count)) = counted {
        *count(entry.edit_at::<TallyRecord>(key)?) += 1;
    }
    Ok(())
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
