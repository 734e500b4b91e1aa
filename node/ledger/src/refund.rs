//! A settlement is undone, in part or whole (退费): cash first, then what was deducted last
//! (domain.md 5b, 11), which leaves the smaller sum settled in the same order.

use crate::account;
use crate::apply::done;
use crate::decision::{Event, LegRefunded, Refusal};
use crate::entry::{Entry, Ruled, ensure};
use crate::id::{Area, PaymentId, Person, RelationId};
use crate::money::Fen;
use crate::obligation::{self, Line};
use crate::table::{Key, Leg, PaymentRecord, PersonRecord, RelationRecord, Use};
use crate::view::{Found, View};
use alloc::vec::Vec;

/// A part that goes back to an account, found and not yet given.
struct Back {
    person: Person,
    account: Found<PersonRecord>,
    line: Option<Line>,
}

/// The institution that was paid gives back. A leg goes back to its quota while that very relation is
/// active, else to the donor's account; then the relation's figures stay as they were (domain.md 5b, 12).
pub(crate) fn refund<V: View>(entry: &mut Entry<'_, V>, payment: PaymentId, amount: Option<Fen>) -> Ruled<V> {
    ensure(amount.is_none_or(|amount| !amount.is_zero()), Refusal::AmountZero)?;
    let record = entry.find::<PaymentRecord>(&Key::Payment { payment })?.ok_or(Refusal::PaymentUnknown)?;
    let left = record.left();
    let amount = amount.unwrap_or(left);
    ensure(!amount.is_zero() && amount <= left, Refusal::RefundExceedsPayment)?;

    let (payee, usage, own_area) = (record.area, record.usage, record.own.area);
    let split = split(&record, amount);
    let mut legs = Vec::with_capacity(split.legs.len());
    for (place, amount) in &split.legs {
        let leg = record.legs[*place];
        let quota = entry.relation(leg.relation)?;
        let quota = quota.is_active().then_some(quota);
        legs.push((*place, leg, *amount, quota, back(entry, leg.donor, leg.area, payee, usage, *amount)?));
    }
    let own = match split.own.is_zero() {
        true => None,
        false => Some(back(entry, record.beneficiary, own_area, payee, usage, split.own)?),
    };

    // From here on the refund must succeed.
    let record = entry.draft.edit(Key::Payment { payment }, record);
    record.cash_refunded = record.cash_refunded.checked_add(split.cash).expect("within the cash paid");
    record.own.refunded = record.own.refunded.checked_add(split.own).expect("within the own part");
    for (place, amount) in &split.legs {
        let leg = &mut record.legs[*place];
        leg.refunded = leg.refunded.checked_add(*amount).expect("within the leg");
    }
    let mut refunded = Vec::with_capacity(legs.len());
    for (_, leg, amount, quota, back) in legs {
        let to_quota = quota.is_some();
        give_leg(entry, leg.relation, amount, quota, back);
        refunded.push(LegRefunded { relation: leg.relation, amount, to_quota });
    }
    if let Some(Back { person, account, line }) = own {
        account::of(entry.draft.edit(Key::Person { person }, account)).restore(split.own);
        if let Some(line) = line {
            obligation::refund(entry, line);
        }
    }
    done::<V>(Event::Refunded { payment, amount, cash: split.cash, legs: refunded, own: split.own })
}

impl PaymentRecord {
    /// What is left of the personal share: not refunded yet.
    pub fn left(&self) -> Fen {
        let mut left = self.amount;
        for back in self.legs.iter().map(|leg| leg.refunded).chain([self.cash_refunded, self.own.refunded]) {
            left = left.checked_sub(back).expect("no part gives back more than was paid");
        }
        left
    }
}

impl Leg {
    fn left(&self) -> Fen {
        self.amount.checked_sub(self.refunded).expect("no more given back than was paid")
    }
}

/// How much of a refund each part bears; legs by their place in the settlement, last deducted first.
struct Split {
    cash: Fen,
    legs: Vec<(usize, Fen)>,
    own: Fen,
}

fn split(record: &PaymentRecord, amount: Fen) -> Split {
    let mut rest = amount;
    let mut bear = |paid: Fen, refunded: Fen| {
        let part = rest.min(paid.checked_sub(refunded).expect("no more given back than was paid"));
        rest = rest.checked_sub(part).expect("a part is within the rest");
        part
    };
    let cash = bear(record.cash, record.cash_refunded);
    let mut own = Fen::ZERO;
    if !record.own_first {
        own = bear(record.own.amount, record.own.refunded);
    }
    let mut legs = Vec::new();
    for (place, leg) in record.legs.iter().enumerate().rev() {
        let part = bear(leg.amount, leg.refunded);
        debug_assert!(part <= leg.left());
        if !part.is_zero() {
            legs.push((place, part));
        }
    }
    if record.own_first {
        own = bear(record.own.amount, record.own.refunded);
    }
    Split { cash, legs, own }
}

fn back<V: View>(
    entry: &Entry<'_, V>,
    person: Person,
    payer: Area,
    payee: Area,
    usage: Use,
    amount: Fen,
) -> Ruled<V, Back> {
    let account = entry.person(person)?;
    Ok(Back { person, account, line: obligation::line(entry, payer, payee, usage, amount)? })
}

fn give_leg<V: View>(
    entry: &mut Entry<'_, V>,
    relation: RelationId,
    amount: Fen,
    quota: Option<Found<RelationRecord>>,
    back: Back,
) {
    let account = account::of(entry.draft.edit(Key::Person { person: back.person }, back.account));
    match quota {
        Some(record) => {
            account.restore_frozen(amount);
            entry.draft.edit(Key::Relation { relation }, record).restore(amount);
        }
        None => account.restore(amount),
    }
    if let Some(line) = back.line {
        obligation::refund(entry, line);
    }
}
