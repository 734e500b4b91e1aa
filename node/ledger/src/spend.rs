//! What an amount can be paid with: own account, quotas in the beneficiary's order, cash. The same for a settlement, an
//! authorisation and a premium.

use crate::account;
use crate::command::Spend;
use crate::decision::{LegPaid, Refusal};
use crate::entry::{Entry, Ruled, ensure};
use crate::id::{Area, Person, RelationId};
use crate::money::Fen;
use crate::settle::usage;
use crate::table::{
    HeldLeg, InstitutionRecord, Key, Leg, Payee, PersonRecord, PrepaymentRecord, RelationRecord, UsageRecord,
    Use,
};
use crate::view::{Found, View};
use alloc::vec::Vec;

/// What is to be paid, and how.
pub(crate) struct Bill {
    /// Who is treated, or insured.
    pub beneficiary: Person,
    /// Who is paid.
    pub payee: Payee,
    /// The payee's area.
    pub area: Area,
    /// What it is for.
    pub usage: Use,
    /// The personal share.
    pub amount: Fen,
    /// False leaves the own account alone.
    pub use_own_account: bool,
    /// Refuse unless nothing is left for cash.
    pub all_or_nothing: bool,
}

/// Where the money is, found and not yet taken.
pub(crate) struct Plan {
    /// From the own account.
    pub own: Fen,
    /// The area that keeps it; without one the person's.
    pub own_area: Area,
    /// Whether it comes before the quotas.
    pub own_first: bool,
    /// From donors, in the order of deduction.
    pub parts: Vec<Part>,
    /// Left for cash.
    pub cash: Fen,
    /// Relations passed over while something was left to pay.
    pub skipped: Vec<RelationId>,
}

/// A donor's part, found and not yet taken.
pub(crate) struct Part {
    relation: RelationId,
    record: Found<RelationRecord>,
    giver: Found<PersonRecord>,
    area: Area,
    amount: Fen,
}

impl PersonRecord {
    /// The area whose money the person's is: the one that keeps the account; without an account that of the insurance.
    pub(crate) fn paying_area(&self) -> Area {
        self.account.as_ref().map_or(self.area, |account| account.area)
    }
}

/// What a personal share at an institution comes to, if it may be paid there; and who pays it.
pub(crate) fn at_counter<V: View>(
    entry: &Entry<'_, V>,
    spend: &Spend,
) -> Ruled<V, (Bill, Found<PersonRecord>)> {
    let &Spend { beneficiary, institution, med_type, amount, .. } = spend;
    let place = entry.find::<InstitutionRecord>(&Key::Institution { institution })?;
    let place = place.ok_or(Refusal::InstitutionUnknown)?;
    ensure(!amount.is_zero(), Refusal::AmountZero)?;
    let user = acting(entry, beneficiary)?;
    ensure(place.wallet_open, Refusal::InstitutionClosed)?;
    ensure(place.suspended.is_none(), Refusal::InstitutionSuspended)?;
    ensure(spend.credential.holder == beneficiary, Refusal::CredentialNotOwn)?;
    let bill = Bill {
        beneficiary,
        payee: Payee::Institution(institution, med_type),
        area: place.area,
        usage: usage(place.kind, med_type),
        amount,
        use_own_account: spend.use_own_account,
        all_or_nothing: spend.all_or_nothing,
    };
    Ok((bill, user))
}

/// A person who may spend.
pub(crate) fn acting<V: View>(entry: &Entry<'_, V>, person: Person) -> Ruled<V, Found<PersonRecord>> {
    let record = entry.person(person)?;
    match record.not_acting() {
        Some(refusal) => Err(refusal.into()),
        None => Ok(record),
    }
}

/// Finds what pays the bill. Nothing coverable is a plan, too: all cash (domain.md 5b, 24).
pub(crate) fn plan<V: View>(entry: &Entry<'_, V>, user: &PersonRecord, bill: &Bill) -> Ruled<V, Plan> {
    let reach = match &user.account {
        Some(account) if bill.use_own_account && user.pays_for_itself() => account.available,
        Some(_) | None => Fen::ZERO,
    };
    let own_first = entry.policy.own_account_first;
    let mut rest = bill.amount;
    let mut plan = Plan {
        own: Fen::ZERO,
        own_area: user.paying_area(),
        own_first,
        parts: Vec::new(),
        cash: Fen::ZERO,
        skipped: Vec::new(),
    };
    if own_first {
        plan.own = take(&mut rest, reach);
    }
    quotas(entry, user, bill.area, &mut plan, &mut rest)?;
    if !own_first {
        plan.own = take(&mut rest, reach);
    }
    plan.cash = rest;
    ensure(plan.cash.is_zero() || !bill.all_or_nothing, Refusal::NotCovered)?;
    Ok(plan)
}

/// What the quotas bear of the rest, in the beneficiary's order; and who is passed over with money. If it is the payee's
/// area that is closed, that is every donor of another province.
fn quotas<V: View>(
    entry: &Entry<'_, V>,
    user: &PersonRecord,
    payee: Area,
    plan: &mut Plan,
    rest: &mut Fen,
) -> Ruled<V, ()> {
    for relation in &user.donors {
        if rest.is_zero() {
            break;
        }
        let record = entry.relation(*relation)?;
        if record.unused.is_zero() || record.is_expired(entry.now) {
            continue;
        }
        let giver = entry.person(record.donor)?;
        let amount = record.unused.min(*rest);
        let area = giver.paying_area();
        let pays = giver.pays_for_others()
            && entry.open_between(area, payee)?
            && fund_bears(entry, plan, area, payee, amount)?;
        if !pays {
            plan.skipped.push(*relation);
            continue;
        }
        take(rest, amount);
        plan.parts.push(Part { relation: *relation, record, giver, area, amount });
    }
    Ok(())
}

/// Whether the fund of the donor's province, where there is one, bears this part on top of the running month and of
/// what the plan has taken from that province already (domain.md 4, 37).
fn fund_bears<V: View>(
    entry: &Entry<'_, V>,
    plan: &Plan,
    area: Area,
    payee: Area,
    amount: Fen,
) -> Ruled<V, bool> {
    let province = area.province();
    if !entry.policy.hard_stop || province == payee.province() {
        return Ok(true);
    }
    let fund = entry.find::<PrepaymentRecord>(&Key::Prepayment { province })?;
    let Some(fund) = fund.filter(|fund| !fund.size.is_zero()) else { return Ok(true) };
    let usage = entry.find::<UsageRecord>(&Key::Usage { month: entry.month, province })?;
    let usage = usage.map_or(UsageRecord::default(), |usage| *usage);
    let planned = plan.parts.iter().map(|part| (part.area, part.amount)).chain([(plan.own_area, plan.own)]);
    let mut charged = usage.charged.plus(amount);
    for (_, amount) in planned.filter(|(area, _)| area.province() == province) {
        charged = charged.plus(amount);
    }
    Ok(charged <= usage.refunded.plus(fund.size))
}

/// Takes from the rest what is within reach.
pub(crate) fn take(rest: &mut Fen, reach: Fen) -> Fen {
    let part = reach.min(*rest);
    *rest = rest.checked_sub(part).expect("a part is within the rest");
    part
}

/// Spends the donors' parts.
pub(crate) fn spend_parts<V: View>(entry: &mut Entry<'_, V>, parts: Vec<Part>) -> (Vec<Leg>, Vec<LegPaid>) {
    let mut legs = Vec::with_capacity(parts.len());
    let mut paid = Vec::with_capacity(parts.len());
    for Part { relation, record, giver, area, amount } in parts {
        let donor = record.donor;
        let record = entry.draft.edit(Key::Relation { relation }, record);
        record.spend(amount);
        paid.push(LegPaid { relation, amount, unused: record.unused });
        account::of(entry.draft.edit(Key::Person { person: donor }, giver)).spend_frozen(amount);
        legs.push(Leg { relation, donor, area, amount, refunded: Fen::ZERO });
    }
    (legs, paid)
}

/// Holds the donors' parts: they stay frozen in their accounts.
pub(crate) fn hold_parts<V: View>(
    entry: &mut Entry<'_, V>,
    parts: Vec<Part>,
) -> (Vec<HeldLeg>, Vec<LegPaid>) {
    let mut legs = Vec::with_capacity(parts.len());
    let mut held = Vec::with_capacity(parts.len());
    for Part { relation, record, giver, area: _, amount } in parts {
        let donor = record.donor;
        let record = entry.draft.edit(Key::Relation { relation }, record);
        record.hold(amount);
        held.push(LegPaid { relation, amount, unused: record.unused });
        entry.draft.edit(Key::Person { person: donor }, giver).holds += 1;
        legs.push(HeldLeg { relation, donor, amount });
    }
    (legs, held)
}
