//! A personal share is paid (结算): own account, quotas in the beneficiary's order, then cash.

use crate::account;
use crate::apply::done;
use crate::command::{InstitutionKind, Spend};
use crate::decision::{Event, LegPaid};
use crate::entry::{Entry, Ruled};
use crate::id::{HoldId, MedType, PaymentId, RelationId};
use crate::money::Fen;
use crate::obligation;
use crate::spend::{self, Bill, Plan};
use crate::table::{Key, OwnPart, Payee, PaymentRecord, PersonRecord, Use};
use crate::tally;
use crate::view::{Found, View};
use alloc::vec::Vec;

/// The beneficiary pays: authorised and confirmed in one.
pub(crate) fn settle<V: View>(entry: &mut Entry<'_, V>, spend: &Spend) -> Ruled<V> {
    let (bill, user) = spend::at_counter(entry, spend)?;
    let plan = spend::plan(entry, &user, &bill)?;

    // From here on the settlement must succeed.
    let settled = pay(entry, user, &bill, plan)?;
    done::<V>(settled)
}

/// Takes what was planned and books the payment.
pub(crate) fn pay<V: View>(
    entry: &mut Entry<'_, V>,
    user: Found<PersonRecord>,
    bill: &Bill,
    plan: Plan,
) -> Ruled<V, Event> {
    let &Bill { beneficiary, payee, area, usage, amount, .. } = bill;
    let Plan { own, own_area, own_first, parts, cash, skipped } = plan;
    let (insurance, home) = (user.insurance, user.area);
    if !own.is_zero() {
        account::of(entry.draft.edit(Key::Person { person: beneficiary }, user)).spend(own);
    }
    let (legs, paid) = spend::spend_parts(entry, parts);
    let record = PaymentRecord {
        beneficiary,
        insurance,
        home,
        payee,
        area,
        at: entry.now,
        authorised: entry.now,
        usage,
        amount,
        own: OwnPart { area: own_area, amount: own, refunded: Fen::ZERO },
        legs,
        cash,
        cash_refunded: Fen::ZERO,
        own_first,
        reinstated: false,
        reversed: false,
    };
    book(entry, record, None, paid, skipped)
}

/// Writes a payment whose money was taken: what areas owe for it, the statistics, the record.
pub(crate) fn book<V: View>(
    entry: &mut Entry<'_, V>,
    record: PaymentRecord,
    hold: Option<HoldId>,
    paid: Vec<LegPaid>,
    skipped: Vec<RelationId>,
) -> Ruled<V, Event> {
    let payment = PaymentId(entry.position);
    // The own account used in another area is that area's money, too (domain.md 5, invariant 13).
    obligation::charge(entry, record.own.area, record.area, record.usage, record.own.amount)?;
    for leg in &record.legs {
        obligation::charge(entry, leg.area, record.area, record.usage, leg.amount)?;
    }
    tally::paid(entry, &record)?;
    let premium = match record.payee {
        Payee::Premium(premium, year) => Some((premium, year)),
        Payee::Institution(..) => None,
    };
    let (own, cash) = (record.own.amount, record.cash);
    entry.draft.put(Key::Payment { payment }, record);
    Ok(Event::Settled { payment, hold, premium, own, legs: paid, cash, skipped })
}

/// What money is used for at an institution of this kind, for a service of that kind: a kind that is none of the known
/// ones there is `Other` (domain.md 4, 44).
pub(crate) fn usage(kind: InstitutionKind, med_type: MedType) -> Use {
    match (kind, med_type.class()) {
        (InstitutionKind::Hospital, 11..=14 | 21..=28 | 51 | 52) => Use::Institution,
        (InstitutionKind::Pharmacy, 41) => Use::Pharmacy,
        (InstitutionKind::Hospital | InstitutionKind::Pharmacy, _) => Use::Other,
    }
}
