//! A refund is undone: what was given back is taken again from where it had gone, if all of it is still there
//! (domain.md 5b, 5).

use crate::account;
use crate::apply::done;
use crate::decision::{Event, Refusal};
use crate::entry::{Entry, Ruled, ensure};
use crate::id::{Area, Person, RefundId, RelationId};
use crate::money::Fen;
use crate::obligation;
use crate::refund::named;
use crate::relation;
use crate::table::{Destination, Key, Payee, PaymentRecord, PremiumRecord, RefundPart, RefundRecord};
use crate::tally;
use crate::transfer;
use crate::view::View;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// Undoes a refund as a whole, or refuses. None if it was undone already, or the payment itself was reversed.
pub(crate) fn undo<V: View>(entry: &mut Entry<'_, V>, undoes: RefundId) -> Ruled<V, Option<Vec<Event>>> {
    let first = entry.find::<RefundRecord>(&Key::Refund { refund: undoes })?.expect("refunds are kept");
    if first.undone {
        return Ok(None);
    }
    let payment = first.payment;
    let record = entry.find::<PaymentRecord>(&Key::Payment { payment })?.expect("payments are kept");
    if record.reversed {
        return Ok(None);
    }
    let slot = freed_slot(&record);
    let taken = match slot {
        Some(key) => entry.find::<PremiumRecord>(&key)?.is_some(),
        None => false,
    };
    ensure(!taken && is_there(entry, &record, &first)?, Refusal::ReversalImpossible)?;

    // From here on the undoing must succeed.
    let refund = RefundId(entry.position);
    let mut legs = Vec::with_capacity(first.legs.len());
    for part in &first.legs {
        let leg = &record.legs[usize::from(part.place)];
        let quota = matches!(part.to, Destination::Quota(_)).then_some(leg.relation);
        let to = take(entry, &record, leg.area, leg.donor, quota, part.amount)?;
        legs.push(RefundPart { to, ..*part });
    }
    let mut own = None;
    if let Some(part) = first.own {
        let to = take(entry, &record, record.own.area, record.beneficiary, None, part.amount)?;
        own = Some(RefundPart { to, ..part });
    }
    let undoing = RefundRecord {
        payment,
        at: entry.now,
        amount: first.amount,
        cash: first.cash,
        own,
        legs,
        undoes: Some(undoes),
        undone: false,
    };
    let event = Event::RefundUndone {
        refund,
        undoes,
        payment,
        amount: undoing.amount,
        cash: undoing.cash,
        legs: undoing.legs.iter().map(|part| named(&record, part)).collect(),
        own: own.map_or(Fen::ZERO, |part| part.amount),
    };
    let after = entry.draft.edit(Key::Payment { payment }, record);
    let less =
        |refunded: Fen, amount| refunded.checked_sub(amount).expect("it was refunded, and undone once");
    after.cash_refunded = less(after.cash_refunded, undoing.cash);
    for part in &undoing.legs {
        let leg = &mut after.legs[usize::from(part.place)];
        leg.refunded = less(leg.refunded, part.amount);
    }
    if let Some(part) = own {
        after.own.refunded = less(after.own.refunded, part.amount);
    }
    after.reinstated = true;
    let after = after.clone();
    if let Some(key) = slot {
        entry.draft.put(key, PremiumRecord { payment });
    }
    if !undoing.legs.is_empty() {
        let legs: Vec<_> = undoing.legs.iter().map(|part| (usize::from(part.place), part.amount)).collect();
        tally::reinstated(entry, &after, &legs)?;
    }
    entry.draft.edit(Key::Refund { refund: undoes }, first).undone = true;
    entry.draft.put(Key::Refund { refund }, undoing);
    done::<V>(event).map(Some)
}

/// The place of a premium that was given back in full: it was freed then, and is taken again now.
fn freed_slot(record: &PaymentRecord) -> Option<Key> {
    match record.payee {
        Payee::Premium(premium, year) if record.left().is_zero() => {
            Some(Key::Premium { person: record.beneficiary, premium, year })
        }
        Payee::Premium(..) | Payee::Institution(..) => None,
    }
}

/// Whether every part is still where it went: in the same quota, which still lives, or in the account, wherever that is
/// kept by now. What went into a balance under way is in the account once the case has ended.
fn is_there<V: View>(entry: &Entry<'_, V>, record: &PaymentRecord, refund: &RefundRecord) -> Ruled<V, bool> {
    let user = entry.person(record.beneficiary)?;
    let mut accounts: BTreeMap<Person, Fen> = BTreeMap::new();
    accounts.extend(refund.own.iter().map(|part| (record.beneficiary, part.amount)));
    for part in &refund.legs {
        let leg = &record.legs[usize::from(part.place)];
        match part.to {
            Destination::Quota(_) => {
                let giver = entry.person(leg.donor)?;
                let quota = entry.relation(leg.relation)?;
                if !quota.takes_back(&giver, &user, entry.now) || quota.unused < part.amount {
                    return Ok(false);
                }
            }
            Destination::Account(_) | Destination::Transit(_) => {
                let sum = accounts.entry(leg.donor).or_default();
                *sum = sum.checked_add(part.amount).expect("no more than the personal share");
            }
        }
    }
    for (person, amount) in accounts {
        let owner = entry.person(person)?;
        let available = owner.account.map_or(Fen::ZERO, |account| account.available);
        if available < amount || transfer::under_way(entry, &owner)?.is_some() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Takes a part from its quota, or else from the account. The lines of the refund go the other way round: the area that
/// had `paid` owes the payee's again, and is owed by the one that keeps the account now.
fn take<V: View>(
    entry: &mut Entry<'_, V>,
    record: &PaymentRecord,
    paid: Area,
    person: Person,
    quota: Option<RelationId>,
    amount: Fen,
) -> Ruled<V, Destination> {
    let owner = relation::party(entry, person)?;
    let account = account::of(entry.draft.edit(Key::Person { person }, owner));
    let keeper = account.area;
    let from = match quota {
        Some(relation) => {
            account.spend_frozen(amount);
            let quota = relation::named(entry, relation)?;
            entry.draft.edit(Key::Relation { relation }, quota).spend(amount);
            Destination::Quota(keeper)
        }
        None => {
            account.spend(amount);
            Destination::Account(keeper)
        }
    };
    obligation::charge(entry, paid, record.area, record.usage, amount)?;
    obligation::refund(entry, paid, keeper, record.usage, amount)?;
    Ok(from)
}
