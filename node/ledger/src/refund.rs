//! A settlement is undone, in part or whole (退费): cash first, then what was deducted last
//! (domain.md 5b, 11), which leaves the smaller sum settled in the same order.

use crate::account;
use crate::apply::done;
use crate::decision::{Event, LegRefunded, Refusal};
use crate::entry::{Entry, Ruled, ensure};
use crate::id::{Area, PaymentId, Person, RefundId};
use crate::money::Fen;
use crate::obligation;
use crate::relation;
use crate::stamp::DAY_MS;
use crate::table::{Destination, Key, Leg, Payee, PaymentRecord, PersonRecord, RefundPart, RefundRecord};
use crate::tally;
use crate::transfer;
use crate::view::{Found, View};
use alloc::vec::Vec;

/// Whether the policy's time for refunds counts: not for a reversal (domain.md 5b, 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Window {
    Counts,
    Ignored,
}

/// Whoever was paid gives back (the beneficiary's platform for a premium).
pub(crate) fn refund<V: View>(entry: &mut Entry<'_, V>, payment: PaymentId, amount: Option<Fen>) -> Ruled<V> {
    give_back(entry, payment, amount, Window::Counts)
}

/// Gives back so much of the personal share; none for all that is left.
pub(crate) fn give_back<V: View>(
    entry: &mut Entry<'_, V>,
    payment: PaymentId,
    amount: Option<Fen>,
    window: Window,
) -> Ruled<V> {
    ensure(amount != Some(Fen::ZERO), Refusal::AmountZero)?;
    let record = entry.find::<PaymentRecord>(&Key::Payment { payment })?.ok_or(Refusal::PaymentUnknown)?;
    let days = u64::from(entry.policy.refund_days);
    let too_late = days > 0 && entry.now > record.at.plus_ms(days * DAY_MS);
    ensure(window == Window::Ignored || !too_late, Refusal::RefundTooLate)?;
    let left = record.left();
    let amount = amount.unwrap_or(left);
    ensure(!amount.is_zero() && amount <= left, Refusal::RefundExceedsPayment)?;
    let user = entry.person(record.beneficiary)?;
    let late = entry.now >= record.at.years_on(1);
    let split = split(&record, amount);

    // From here on the refund must succeed.
    let mut legs = Vec::with_capacity(split.legs.len());
    for &(place, amount) in &split.legs {
        let leg = &record.legs[place];
        let to = give_leg(entry, &record, leg, &user, amount)?;
        post(entry, &record, leg.area, amount, to)?;
        legs.push(RefundPart { place: place as u16, amount, to }); // a payment has at most 256 legs
    }
    let mut own = None;
    if !split.own.is_zero() {
        let to = give_account(entry, &record, record.own.area, record.beneficiary, user, split.own)?;
        post(entry, &record, record.own.area, split.own, to)?;
        own = Some(RefundPart { place: 0, amount: split.own, to });
    }
    let event = Event::Refunded {
        refund: RefundId(entry.position),
        payment,
        amount,
        cash: split.cash,
        legs: legs.iter().map(|part| named(&record, part)).collect(),
        own: split.own,
        late,
    };
    let after = entry.draft.edit(Key::Payment { payment }, record);
    after.cash_refunded = after.cash_refunded.checked_add(split.cash).expect("within the cash paid");
    after.own.refunded = after.own.refunded.checked_add(split.own).expect("within the own part");
    for &(place, amount) in &split.legs {
        let leg = &mut after.legs[place];
        leg.refunded = leg.refunded.checked_add(amount).expect("within the leg");
    }
    let after = after.clone();
    if let (Payee::Premium(premium, year), true) = (after.payee, after.left().is_zero()) {
        // It may be paid again (domain.md 5b, 21).
        entry.draft.remove(Key::Premium { person: after.beneficiary, premium, year });
    }
    if !split.legs.is_empty() {
        tally::refunded(entry, &after, &split.legs)?;
    }
    let kept = RefundRecord {
        payment,
        at: entry.now,
        amount,
        cash: split.cash,
        own,
        legs,
        undoes: None,
        undone: false,
    };
    entry.draft.put(Key::Refund { refund: RefundId(entry.position) }, kept);
    done::<V>(event)
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

/// A donor's part, as events name it.
pub(crate) fn named(record: &PaymentRecord, part: &RefundPart) -> LegRefunded {
    let leg = &record.legs[usize::from(part.place)];
    let to_quota = matches!(part.to, Destination::Quota(_));
    LegRefunded { relation: leg.relation, amount: part.amount, to_quota }
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
        if !part.is_zero() {
            legs.push((place, part));
        }
    }
    if record.own_first {
        own = bear(record.own.amount, record.own.refunded);
    }
    Split { cash, legs, own }
}

/// To the quota, or else to the donor's account: then the relation's figures stay as they were (domain.md 5b, 12).
fn give_leg<V: View>(
    entry: &mut Entry<'_, V>,
    record: &PaymentRecord,
    leg: &Leg,
    user: &PersonRecord,
    amount: Fen,
) -> Ruled<V, Destination> {
    let giver = relation::party(entry, leg.donor)?;
    let quota = relation::named(entry, leg.relation)?;
    if !quota.takes_back(&giver, user, entry.now) {
        return give_account(entry, record, leg.area, leg.donor, giver, amount);
    }
    entry.draft.edit(Key::Relation { relation: leg.relation }, quota).restore(amount);
    let account = account::of(entry.draft.edit(Key::Person { person: leg.donor }, giver));
    account.restore_frozen(amount);
    Ok(Destination::Quota(account.area))
}

/// To the account, whoever its owner is by now, or to the balance under way, whose case then owes the line for the
/// area that had `paid` (domain.md 5b, 13 and 14).
fn give_account<V: View>(
    entry: &mut Entry<'_, V>,
    record: &PaymentRecord,
    paid: Area,
    person: Person,
    owner: Found<PersonRecord>,
    amount: Fen,
) -> Ruled<V, Destination> {
    if let Some(case) = transfer::under_way(entry, &owner)? {
        transfer::add(entry, case, amount, Some((paid, record.usage)))?;
        return Ok(Destination::Transit(case));
    }
    let account = account::of(entry.draft.edit(Key::Person { person }, owner));
    account.restore(amount);
    Ok(Destination::Account(account.area))
}

/// The area that had `paid` is owed by the payee's; where the account has moved since, it owes the area that keeps it
/// now (domain.md 4, 7; 5b, 27).
fn post<V: View>(
    entry: &mut Entry<'_, V>,
    record: &PaymentRecord,
    paid: Area,
    amount: Fen,
    to: Destination,
) -> Ruled<V, ()> {
    obligation::refund(entry, paid, record.area, record.usage, amount)?;
    match to {
        Destination::Quota(keeper) | Destination::Account(keeper) => {
            obligation::charge(entry, paid, keeper, record.usage, amount)
        }
        Destination::Transit(_) => Ok(()),
    }
}
