//! The part of the audit that looks at settlements: their parts, and the sums that they must make.

use super::{Auditor, expected};
use crate::audit::report::Invariant;
use crate::id::{Area, PaymentId, Person, RelationId};
use crate::limits::{AUDIT_PAGE_ROWS, AUDIT_PASS_ROWS};
use crate::money::Fen;
use crate::stamp::Month;
use crate::table::{
    InstitutionRecord, Key, ObligationRecord, PaymentRecord, PersonRecord, RelationRecord, RelationState,
    Row, Table, Use,
};
use crate::view::{View, scan};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// Invariants 5, 6, 7, 11, 12 and 19 of every settlement; 13 over all of them.
pub(super) fn payments<V: View>(auditor: &mut Auditor<'_, V>) -> Result<(), V::Fault> {
    let view = auditor.view;
    let mut charged: BTreeMap<(Month, Area, Area, Use), u128> = BTreeMap::new();
    let mut refunded: BTreeMap<(Area, Area, Use), u128> = BTreeMap::new();
    scan(view, Table::Payment, AUDIT_PAGE_ROWS, |key, row| {
        let Row::Payment(record) = row else { return auditor.alien(key) };
        payment(auditor, key, record)?;
        let parts = record.legs.iter().map(|leg| (leg.area, leg.amount, leg.refunded));
        let own = (record.own.area, record.own.amount, record.own.refunded);
        for (payer, amount, back) in parts.chain([own]).filter(|(payer, ..)| *payer != record.area) {
            if !amount.is_zero() {
                let line = (record.at.month(), payer, record.area, record.usage);
                *charged.entry(line).or_default() += u128::from(amount.get());
            }
            if !back.is_zero() {
                *refunded.entry((payer, record.area, record.usage)).or_default() += u128::from(back.get());
            }
        }
        Ok(())
    })?;
    // A refund is booked in its own month, which the settlement does not tell: so all months together.
    let mut booked: BTreeMap<(Area, Area, Use), u128> = BTreeMap::new();
    scan(view, Table::Obligation, AUDIT_PAGE_ROWS, |key, row| {
        let (Key::Obligation { month, payer, payee, usage }, Row::Obligation(record)) = (*key, row) else {
            return auditor.alien(key);
        };
        let ObligationRecord { charged: sum, refunded: back } = record;
        let legs = charged.remove(&(month, payer, payee, usage)).unwrap_or(0);
        auditor.audit.check(
            Invariant::Obligations,
            key,
            sum.get() == legs,
            "charged is not the sum of the legs",
        );
        auditor.audit.expect(Invariant::Obligations, key, payer != payee, "an area owes itself");
        *booked.entry((payer, payee, usage)).or_default() += back.get();
        Ok(())
    })?;
    for (month, payer, payee, usage) in charged.into_keys() {
        let place = Key::Obligation { month, payer, payee, usage };
        auditor.audit.expect(Invariant::Obligations, &place, false, "legs without an obligation");
    }
    booked.retain(|_, back| *back > 0);
    for (line, _) in booked.iter().filter(|(line, back)| refunded.get(line) != Some(back)) {
        refund_differs(auditor, *line);
    }
    for line in refunded.keys().filter(|line| !booked.contains_key(line)) {
        refund_differs(auditor, *line);
    }
    Ok(())
}

fn refund_differs<V: View>(auditor: &mut Auditor<'_, V>, (payer, payee, usage): (Area, Area, Use)) {
    let place = Key::Obligation { month: auditor.now.month(), payer, payee, usage };
    auditor.audit.expect(
        Invariant::Obligations,
        &place,
        false,
        "refunds of all months are not those of the legs",
    );
}

fn payment<V: View>(auditor: &mut Auditor<'_, V>, key: &Key, record: &PaymentRecord) -> Result<(), V::Fault> {
    let legs: u128 = record.legs.iter().map(|leg| u128::from(leg.amount.get())).sum();
    let parts = legs + u128::from(record.own.amount.get()) + u128::from(record.cash.get());
    let whole = parts == u128::from(record.amount.get());
    auditor.audit.check(Invariant::Split, key, whole, "own part, legs and cash are not the personal share");
    let nothing = record.legs.iter().any(|leg| leg.amount.is_zero());
    auditor.audit.expect(Invariant::Split, key, !nothing, "a leg of nothing");

    // In the order of refunds: a part gives back only when those before it have given back all.
    let own = (record.own.amount, record.own.refunded);
    let mut order: Vec<(Fen, Fen)> = Vec::with_capacity(record.legs.len() + 2);
    order.push((record.cash, record.cash_refunded));
    order.extend((!record.own_first).then_some(own));
    order.extend(record.legs.iter().rev().map(|leg| (leg.amount, leg.refunded)));
    order.extend(record.own_first.then_some(own));
    let mut all_before = true;
    for (amount, back) in order {
        let within = back <= amount && (all_before || back.is_zero());
        auditor.audit.check(Invariant::Refunds, key, within, "more given back than was paid, or out of turn");
        all_before &= back == amount;
    }

    let in_time = auditor.begun <= record.at && record.at <= auditor.now;
    auditor.audit.check(Invariant::Attributable, key, in_time, "settled outside the ledger's time");
    let user = expected::<V, PersonRecord>(auditor.view, &Key::Person { person: record.beneficiary })?;
    auditor.audit.expect(Invariant::Attributable, key, user.is_some(), "the beneficiary is not enrolled");
    if !record.own.amount.is_zero() {
        let has_account = user.is_some_and(|user| user.account.is_some());
        auditor.audit.check(Invariant::OwnSpend, key, has_account, "an own part without an account");
    }
    for leg in &record.legs {
        let open = auditor.open_between(leg.area, record.area, record.at)?;
        auditor.audit.check(
            Invariant::Openness,
            key,
            open,
            "a leg across provinces while an area was closed",
        );
        let through = expected::<V, RelationRecord>(auditor.view, &Key::Relation { relation: leg.relation })?;
        let fits = through
            .is_some_and(|through| through.donor == leg.donor && through.beneficiary == record.beneficiary);
        auditor.audit.check(
            Invariant::Attributable,
            key,
            fits,
            "a leg that is not of its relation's parties",
        );
    }
    Ok(())
}

/// Invariant 1 account by account: all that was ever credited is available, reserved or spent. A
/// bounded number of accounts at a time, each time over all settlements.
pub(super) fn conservation<V: View>(auditor: &mut Auditor<'_, V>) -> Result<(), V::Fault> {
    let view = auditor.view;
    let mut missing: BTreeMap<Person, i128> = BTreeMap::new();
    let pass = |auditor: &mut Auditor<'_, V>, missing: &mut BTreeMap<Person, i128>| {
        scan(view, Table::Payment, AUDIT_PAGE_ROWS, |_, row| {
            let Row::Payment(record) = row else { return Ok(()) };
            if let Some(sum) = missing.get_mut(&record.beneficiary) {
                *sum -= net(record.own.amount, record.own.refunded);
            }
            for leg in &record.legs {
                if let Some(sum) = missing.get_mut(&leg.donor) {
                    *sum -= net(leg.amount, leg.refunded);
                }
            }
            Ok(())
        })?;
        for (person, sum) in core::mem::take(missing) {
            let place = Key::Person { person };
            auditor.audit.check(
                Invariant::Conservation,
                &place,
                sum == 0,
                "credits are not what is left and spent",
            );
        }
        Ok(())
    };
    scan(view, Table::Person, AUDIT_PAGE_ROWS, |key, row| {
        let (Key::Person { person }, Row::Person(PersonRecord { account: Some(account), .. })) = (*key, row)
        else {
            return Ok(());
        };
        let left = i128::from(account.available.get()) + i128::from(account.reserved.get());
        missing.insert(person, i128::from(account.credited.get()) - left);
        match missing.len() < AUDIT_PASS_ROWS {
            true => Ok(()),
            false => pass(auditor, &mut missing),
        }
    })?;
    pass(auditor, &mut missing)
}

/// Invariant 4, second half: what a live relation has used is what was paid through it and not given
/// back. After its end refunds go to the account, and used stays as it was (domain.md 5b, 12).
pub(super) fn used<V: View>(auditor: &mut Auditor<'_, V>) -> Result<(), V::Fault> {
    let view = auditor.view;
    let mut unpaid: BTreeMap<RelationId, (bool, i128)> = BTreeMap::new();
    let pass = |auditor: &mut Auditor<'_, V>, unpaid: &mut BTreeMap<RelationId, (bool, i128)>| {
        scan(view, Table::Payment, AUDIT_PAGE_ROWS, |_, row| {
            let Row::Payment(record) = row else { return Ok(()) };
            for leg in &record.legs {
                if let Some((_, sum)) = unpaid.get_mut(&leg.relation) {
                    *sum -= net(leg.amount, leg.refunded);
                }
            }
            Ok(())
        })?;
        for (relation, (active, sum)) in core::mem::take(unpaid) {
            let holds = if active { sum == 0 } else { sum >= 0 };
            auditor.audit.check(
                Invariant::Limit,
                &Key::Relation { relation },
                holds,
                "used is not what was paid",
            );
        }
        Ok(())
    };
    scan(view, Table::Relation, AUDIT_PAGE_ROWS, |key, row| {
        let (Key::Relation { relation }, Row::Relation(record)) = (*key, row) else { return Ok(()) };
        let active = record.state == RelationState::Active;
        unpaid.insert(relation, (active, i128::from(record.used.get())));
        match unpaid.len() < AUDIT_PASS_ROWS {
            true => Ok(()),
            false => pass(auditor, &mut unpaid),
        }
    })?;
    pass(auditor, &mut unpaid)
}

fn net(amount: Fen, refunded: Fen) -> i128 {
    i128::from(amount.get()) - i128::from(refunded.get())
}

/// Whether a remembered settlement is there.
pub(super) fn stands<V: View>(view: &V, payment: PaymentId) -> Result<bool, V::Fault> {
    Ok(view.get(&Key::Payment { payment })?.is_some())
}
