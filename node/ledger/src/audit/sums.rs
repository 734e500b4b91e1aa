//! The part of the audit that adds up what passed between areas, and compares it with what was kept as it happened.

use super::{Auditor, expected, net};
use crate::audit::report::Invariant;
use crate::id::{Area, CaseId, Province};
use crate::limits::AUDIT_PAGE_ROWS;
use crate::money::Fen;
use crate::stamp::{Month, Stamp};
use crate::table::{
    CaseRecord, CaseState, Destination, Key, ObligationRecord, PaymentRecord, PortabilityRecord, RefundPart,
    RefundRecord, Row, Scope, Table, TallyRecord, UsageRecord, Use,
};
use crate::view::{View, scan};
use alloc::collections::BTreeMap;

/// What is charged and refunded on a line.
type Lines = BTreeMap<(Month, Area, Area, Use), (u128, u128)>;
/// What was charged at the end of a case, by case, area and use: from refunds that had travelled with its balance.
type Carried = BTreeMap<(CaseId, Area, Use), u128>;
/// Net amounts and 人次 by the statistics' dimensions, over all months.
type Tallies = BTreeMap<(Province, Province, Scope, Use), (i128, i64)>;

/// Invariants 13 and 16, and the live usage of funds, over all payments and refunds.
pub(super) fn sums<V: View>(auditor: &mut Auditor<'_, V>) -> Result<(), V::Fault> {
    let mut lines = Lines::new();
    let mut carried = Carried::new();
    let mut tallies = Tallies::new();
    let view = auditor.view;
    scan(view, Table::Payment, AUDIT_PAGE_ROWS, |_, row| {
        let Row::Payment(record) = row else { return Ok(()) };
        let month = record.at.month();
        for leg in &record.legs {
            charge(&mut lines, month, leg.area, record.area, record.usage, leg.amount);
        }
        charge(&mut lines, month, record.own.area, record.area, record.usage, record.own.amount);
        tally(&mut tallies, record);
        Ok(())
    })?;
    scan(view, Table::Refund, AUDIT_PAGE_ROWS, |_, row| {
        let Row::Refund(record) = row else { return Ok(()) };
        let payment = expected::<V, PaymentRecord>(view, &Key::Payment { payment: record.payment })?;
        let Some(payment) = payment else { return Ok(()) };
        for part in &record.legs {
            if let Some(leg) = payment.legs.get(usize::from(part.place)) {
                refund(view, &mut lines, &mut carried, record, part, leg.area, &payment)?;
            }
        }
        if let Some(part) = &record.own {
            refund(view, &mut lines, &mut carried, record, part, payment.own.area, &payment)?;
        }
        Ok(())
    })?;
    portability(auditor, carried)?;
    obligations(auditor, lines)?;
    kept_tallies(auditor, tallies)
}

fn charge(lines: &mut Lines, month: Month, payer: Area, payee: Area, usage: Use, amount: Fen) {
    if payer != payee && !amount.is_zero() {
        lines.entry((month, payer, payee, usage)).or_default().0 += u128::from(amount.get());
    }
}

fn take_back(lines: &mut Lines, month: Month, payer: Area, payee: Area, usage: Use, amount: Fen) {
    if payer != payee && !amount.is_zero() {
        lines.entry((month, payer, payee, usage)).or_default().1 += u128::from(amount.get());
    }
}

/// The lines of one part of a refund, or of its undoing: back from the payee, and on to where the account is now.
fn refund<V: View>(
    view: &V,
    lines: &mut Lines,
    carried: &mut Carried,
    record: &RefundRecord,
    part: &RefundPart,
    paid_from: Area,
    payment: &PaymentRecord,
) -> Result<(), V::Fault> {
    let (month, usage, amount) = (record.at.month(), payment.usage, part.amount);
    let onward = match part.to {
        Destination::Quota(area) | Destination::Account(area) => Some((month, area)),
        // Posted when the case ended, where the balance then was.
        Destination::Transit(case) => {
            let end =
                expected::<V, CaseRecord>(view, &Key::Case { case })?.and_then(|record| ending(&record));
            if end.is_some_and(|(_, area)| area != paid_from) {
                *carried.entry((case, paid_from, usage)).or_default() += u128::from(amount.get());
            }
            end.map(|(at, area)| (at.month(), area))
        }
    };
    if record.undoes.is_none() {
        take_back(lines, month, paid_from, payment.area, usage, amount);
        if let Some((month, area)) = onward {
            charge(lines, month, paid_from, area, usage, amount);
        }
    } else {
        charge(lines, month, paid_from, payment.area, usage, amount);
        if let Some((month, area)) = onward {
            take_back(lines, month, paid_from, area, usage, amount);
        }
    }
    Ok(())
}

/// When a case whose balance was sent ended, and which area has the balance.
fn ending(record: &CaseRecord) -> Option<(Stamp, Area)> {
    match record {
        CaseRecord { state: CaseState::Completed, ended: Some(at), to, .. } => Some((*at, *to)),
        CaseRecord { state: CaseState::Failed, ended: Some(at), from, .. } => Some((*at, *from)),
        _ => None,
    }
}

/// Invariant 13: what the ends of cases say that they charged is what had travelled with the balances.
fn portability<V: View>(auditor: &mut Auditor<'_, V>, mut carried: Carried) -> Result<(), V::Fault> {
    let view = auditor.view;
    scan(view, Table::Portability, AUDIT_PAGE_ROWS, |key, row| {
        let Row::Portability(PortabilityRecord { case, at, to, lines }) = row else {
            return auditor.alien(key);
        };
        let end = expected::<V, CaseRecord>(view, &Key::Case { case: *case })?.and_then(|case| ending(&case));
        let mut holds = end == Some((*at, *to)) && !lines.is_empty();
        for (area, usage, amount) in lines {
            holds &= carried.remove(&(*case, *area, *usage)) == Some(u128::from(amount.get()));
        }
        auditor.audit.check(Invariant::Obligations, key, holds, "lines that did not travel with the balance");
        Ok(())
    })?;
    for (case, ..) in carried.into_keys() {
        let place = Key::Case { case };
        auditor.audit.expect(Invariant::Obligations, &place, false, "lines of a case that ended are missing");
    }
    Ok(())
}

/// Invariant 13: obligations are what the legs and refunds make, line by line; and usage is what passes between provinces.
fn obligations<V: View>(auditor: &mut Auditor<'_, V>, mut lines: Lines) -> Result<(), V::Fault> {
    let view = auditor.view;
    let mut usage: BTreeMap<(Month, Province), (u128, u128)> = BTreeMap::new();
    scan(view, Table::Obligation, AUDIT_PAGE_ROWS, |key, row| {
        let (Key::Obligation { month, payer, payee, usage: used }, Row::Obligation(record)) = (*key, row)
        else {
            return auditor.alien(key);
        };
        let ObligationRecord { charged, refunded } = record;
        let (paid, back) = lines.remove(&(month, payer, payee, used)).unwrap_or_default();
        let holds = charged.get() == paid && refunded.get() == back;
        auditor.audit.check(
            Invariant::Obligations,
            key,
            holds,
            "charged and refunded are not the legs and refunds",
        );
        auditor.audit.expect(Invariant::Obligations, key, payer != payee, "an area owes itself");
        if payer.province() != payee.province() {
            let sum = usage.entry((month, payer.province())).or_default();
            sum.0 += charged.get();
            sum.1 += refunded.get();
        }
        Ok(())
    })?;
    for (month, payer, payee, usage) in lines.into_keys() {
        let place = Key::Obligation { month, payer, payee, usage };
        auditor.audit.expect(Invariant::Obligations, &place, false, "legs without an obligation");
    }
    scan(view, Table::Usage, AUDIT_PAGE_ROWS, |key, row| {
        let (Key::Usage { month, province }, Row::Usage(UsageRecord { charged, refunded })) = (*key, row)
        else {
            return auditor.alien(key);
        };
        let sums = usage.remove(&(month, province)).unwrap_or_default();
        let holds = (charged.get(), refunded.get()) == sums;
        auditor.audit.check(Invariant::Positions, key, holds, "a fund's usage is not its obligations");
        Ok(())
    })?;
    for (month, province) in usage.into_keys() {
        let place = Key::Usage { month, province };
        auditor.audit.expect(Invariant::Positions, &place, false, "obligations without a fund's usage");
    }
    Ok(())
}

/// What a payment counts for, as it stands now (domain.md 5b, 15).
fn tally(tallies: &mut Tallies, record: &PaymentRecord) {
    let using = record.home.province();
    let mut most: Option<(Fen, Province)> = None;
    let mut widest = Scope::SameArea;
    let mut live = false;
    for leg in &record.legs {
        let giving = leg.area.province();
        let scope = reach(leg.area, record.home);
        tallies.entry((giving, using, scope, record.usage)).or_default().0 += net(leg.amount, leg.refunded);
        live |= leg.refunded < leg.amount;
        widest = widest.max(scope);
        if most.is_none_or(|(amount, _)| leg.amount > amount) {
            most = Some((leg.amount, giving));
        }
    }
    if let Some((_, giving)) = most.filter(|_| live) {
        tallies.entry((giving, using, widest, record.usage)).or_default().1 += 1;
    }
}

fn reach(one: Area, other: Area) -> Scope {
    if one == other {
        Scope::SameArea
    } else if one.province() == other.province() {
        Scope::InProvince
    } else {
        Scope::CrossProvince
    }
}

/// Invariant 16: tallies of all months together are what payments come to.
fn kept_tallies<V: View>(auditor: &mut Auditor<'_, V>, mut tallies: Tallies) -> Result<(), V::Fault> {
    let mut last = BTreeMap::new();
    scan(auditor.view, Table::Tally, AUDIT_PAGE_ROWS, |key, row| {
        let (Key::Tally { giving, using, scope, usage, .. }, Row::Tally(record)) = (*key, row) else {
            return auditor.alien(key);
        };
        let &TallyRecord { paid, refunded, count, count_back } = record;
        let sum = tallies.entry((giving, using, scope, usage)).or_default();
        sum.0 -= paid.get() as i128 - refunded.get() as i128;
        sum.1 -= count as i64 - count_back as i64;
        auditor.audit.count(Invariant::Statistics);
        last.insert((giving, using, scope, usage), *key);
        Ok(())
    })?;
    for ((giving, using, scope, usage), left) in tallies {
        let month = auditor.now.month();
        let place = Key::Tally { month, giving, using, scope, usage };
        let place = last.get(&(giving, using, scope, usage)).unwrap_or(&place);
        auditor.audit.expect(
            Invariant::Statistics,
            place,
            left == (0, 0),
            "tallies are not what payments come to",
        );
    }
    Ok(())
}
