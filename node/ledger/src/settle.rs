//! A personal share is paid (结算): own account, quotas in the beneficiary's order, then cash.

use crate::account;
use crate::apply::done;
use crate::command::InstitutionKind;
use crate::decision::{Event, LegPaid, Refusal};
use crate::entry::{Entry, Ruled, ensure};
use crate::id::{Area, Institution, PaymentId, Person, RelationId};
use crate::money::Fen;
use crate::obligation::{self, Line};
use crate::table::{InstitutionRecord, Key, Leg, OwnPart, PaymentRecord, PersonRecord, RelationRecord, Use};
use crate::view::{Found, View};
use alloc::vec::Vec;

/// What is asked, as in [`Call::Settle`](crate::Call::Settle).
pub(crate) struct Wish {
    pub beneficiary: Person,
    pub institution: Institution,
    pub amount: Fen,
    pub use_own_account: bool,
    pub all_or_nothing: bool,
}

/// A donor's part, found and not yet taken.
struct Part {
    relation: RelationId,
    record: Found<RelationRecord>,
    giver: Found<PersonRecord>,
    amount: Fen,
    line: Option<Line>,
}

/// The beneficiary pays. The wallet must be active, as for every call that has a party; the
/// institution accepts it. Nothing coverable is done, all cash (domain.md 5b, 24).
pub(crate) fn settle<V: View>(entry: &mut Entry<'_, V>, wish: &Wish) -> Ruled<V> {
    let &Wish { beneficiary, institution, amount, .. } = wish;
    let place = entry.find::<InstitutionRecord>(&Key::Institution { institution })?;
    let place = place.ok_or(Refusal::InstitutionUnknown)?;
    ensure(!amount.is_zero(), Refusal::AmountZero)?;
    let user = entry.person(beneficiary)?;
    ensure(user.wallet_active, Refusal::WalletInactive)?;
    ensure(place.wallet_open, Refusal::InstitutionClosed)?;

    let usage = usage(place.kind);
    let own_first = entry.policy.own_account_first;
    let reach = match (&user.account, wish.use_own_account) {
        (Some(account), true) => account.available,
        (Some(_), false) | (None, _) => Fen::ZERO,
    };
    let mut rest = amount;
    let mut own = Fen::ZERO;
    if own_first {
        own = take(&mut rest, reach);
    }
    let (parts, skipped) = quotas(entry, &user, place.area, usage, &mut rest)?;
    if !own_first {
        own = take(&mut rest, reach);
    }
    let cash = rest;
    ensure(cash.is_zero() || !wish.all_or_nothing, Refusal::NotCovered)?;
    // The own account used in another area is that area's money, too (domain.md 5, invariant 13).
    let own_line = obligation::line(entry, user.area, place.area, usage, own)?;

    // From here on the settlement must succeed.
    let payment = PaymentId(entry.position);
    let own_part = OwnPart { area: user.area, amount: own, refunded: Fen::ZERO };
    if !own.is_zero() {
        account::of(entry.draft.edit(Key::Person { person: beneficiary }, user)).spend(own);
    }
    if let Some(line) = own_line {
        obligation::charge(entry, line);
    }
    let mut legs = Vec::with_capacity(parts.len());
    let mut paid = Vec::with_capacity(parts.len());
    for Part { relation, record, giver, amount, line } in parts {
        let (donor, area) = (record.donor, giver.area);
        let record = entry.draft.edit(Key::Relation { relation }, record);
        record.spend(amount);
        paid.push(LegPaid { relation, amount, unused: record.unused });
        account::of(entry.draft.edit(Key::Person { person: donor }, giver)).spend_frozen(amount);
        legs.push(Leg { relation, donor, area, amount, refunded: Fen::ZERO });
        if let Some(line) = line {
            obligation::charge(entry, line);
        }
    }
    let record = PaymentRecord {
        beneficiary,
        institution,
        area: place.area,
        at: entry.now,
        usage,
        amount,
        own: own_part,
        legs,
        cash,
        cash_refunded: Fen::ZERO,
        own_first,
    };
    entry.draft.put(Key::Payment { payment }, record);
    done::<V>(Event::Settled { payment, own, legs: paid, cash, skipped })
}

/// What the quotas bear of the rest, in the beneficiary's order; and who was passed over with money
/// because an area is closed. If it is the payee's, that is every donor of another province.
fn quotas<V: View>(
    entry: &Entry<'_, V>,
    user: &PersonRecord,
    payee: Area,
    usage: Use,
    rest: &mut Fen,
) -> Ruled<V, (Vec<Part>, Vec<RelationId>)> {
    let (mut parts, mut skipped) = (Vec::new(), Vec::new());
    for relation in &user.donors {
        if rest.is_zero() {
            break;
        }
        let record = entry.relation(*relation)?;
        if record.unused.is_zero() {
            continue;
        }
        let giver = entry.person(record.donor)?;
        if !entry.open_between(giver.area, payee)? {
            skipped.push(*relation);
            continue;
        }
        let amount = take(rest, record.unused);
        let line = obligation::line(entry, giver.area, payee, usage, amount)?;
        parts.push(Part { relation: *relation, record, giver, amount, line });
    }
    Ok((parts, skipped))
}

/// Takes from the rest what is within reach.
fn take(rest: &mut Fen, reach: Fen) -> Fen {
    let part = reach.min(*rest);
    *rest = rest.checked_sub(part).expect("a part is within the rest");
    part
}

/// What money is used for at an institution of this kind.
pub(crate) fn usage(kind: InstitutionKind) -> Use {
    match kind {
        InstitutionKind::Hospital => Use::Institution,
        InstitutionKind::Pharmacy => Use::Pharmacy,
    }
}
