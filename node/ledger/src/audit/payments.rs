//! The part of the audit that looks at payments, refunds and holds: their parts, and who was paid.

use super::{Auditor, expected, wide};
use crate::audit::report::Invariant;
use crate::command::Premium;
use crate::id::PaymentId;
use crate::limits::AUDIT_PAGE_ROWS;
use crate::money::Fen;
use crate::settle::usage;
use crate::table::{
    HoldRecord, HoldState, InstitutionRecord, Key, Payee, PaymentRecord, PersonRecord, PremiumRecord,
    RefundPart, RefundRecord, RelationRecord, ResolvingRecord, Row, Table, Use,
};
use crate::view::{View, scan};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// Invariants 5, 6, 7, 11, 12 and 19 of every payment.
pub(super) fn payments<V: View>(auditor: &mut Auditor<'_, V>) -> Result<(), V::Fault> {
    let view = auditor.view;
    scan(view, Table::Payment, AUDIT_PAGE_ROWS, |key, row| {
        let (Key::Payment { payment }, Row::Payment(record)) = (*key, row) else { return auditor.alien(key) };
        let parts = record.legs.iter().map(|leg| leg.amount).chain([record.own.amount, record.cash]);
        let whole = parts.map(wide).sum::<i128>() == wide(record.amount) && !record.amount.is_zero();
        auditor.audit.check(
            Invariant::Split,
            key,
            whole,
            "own part, legs and cash are not the personal share",
        );
        let nothing = record.legs.iter().any(|leg| leg.amount.is_zero());
        auditor.audit.expect(Invariant::Split, key, !nothing, "a leg of nothing");
        given_back(auditor, key, record);
        payee(auditor, key, payment, record)?;
        legs(auditor, key, record)
    })?;
    scan(view, Table::Premium, AUDIT_PAGE_ROWS, |key, row| {
        let (Key::Premium { person, premium, year }, Row::Premium(record)) = (*key, row) else {
            return auditor.alien(key);
        };
        let paid = expected::<V, PaymentRecord>(view, &Key::Payment { payment: record.payment })?;
        let fits = paid
            .is_some_and(|paid| paid.beneficiary == person && paid.payee == Payee::Premium(premium, year));
        auditor.audit.check(Invariant::Uses, key, fits, "a premium without its payment");
        Ok(())
    })
}

/// In the order of refunds: a part gives back only when those before it have given back all, unless a refund was undone.
fn given_back<V: View>(auditor: &mut Auditor<'_, V>, key: &Key, record: &PaymentRecord) {
    let own = (record.own.amount, record.own.refunded);
    let mut order: Vec<(Fen, Fen)> = Vec::with_capacity(record.legs.len() + 2);
    order.push((record.cash, record.cash_refunded));
    order.extend((!record.own_first).then_some(own));
    order.extend(record.legs.iter().rev().map(|leg| (leg.amount, leg.refunded)));
    order.extend(record.own_first.then_some(own));
    let mut all_before = true;
    for (amount, back) in order {
        let in_turn = all_before || back.is_zero() || record.reinstated;
        let within = back <= amount && in_turn;
        auditor.audit.check(Invariant::Refunds, key, within, "more given back than was paid, or out of turn");
        all_before &= back == amount;
    }
}

/// Who was paid, and for what.
fn payee<V: View>(
    auditor: &mut Auditor<'_, V>,
    key: &Key,
    payment: PaymentId,
    record: &PaymentRecord,
) -> Result<(), V::Fault> {
    match record.payee {
        Payee::Institution(institution, med_type) => {
            let place = expected::<V, InstitutionRecord>(auditor.view, &Key::Institution { institution })?;
            let known = place.is_some();
            auditor.audit.check(Invariant::Attributable, key, known, "the institution is not registered");
            let fits = place.is_some_and(|place| {
                usage(place.kind, med_type) == record.usage && place.area == record.area
            });
            auditor.audit.check(Invariant::Uses, key, fits, "not the institution's use or area");
        }
        Payee::Premium(premium, year) => {
            let use_of = match premium {
                Premium::Resident => Use::ResidentPremium,
                Premium::Care => Use::CarePremium,
            };
            let slot = Key::Premium { person: record.beneficiary, premium, year };
            let slot = expected::<V, PremiumRecord>(auditor.view, &slot)?;
            let taken = slot.is_some_and(|slot| slot.payment == payment);
            let fits =
                use_of == record.usage && record.home == record.area && taken != record.left().is_zero();
            auditor.audit.check(Invariant::Uses, key, fits, "not the premium's use or area, or paid twice");
        }
    }
    Ok(())
}

/// Whose money it was, and whether it could pass.
fn legs<V: View>(auditor: &mut Auditor<'_, V>, key: &Key, record: &PaymentRecord) -> Result<(), V::Fault> {
    let view = auditor.view;
    let in_time =
        auditor.in_time(record.at) && auditor.in_time(record.authorised) && record.authorised <= record.at;
    auditor.audit.check(Invariant::Attributable, key, in_time, "paid outside the ledger's time");
    let user = expected::<V, PersonRecord>(view, &Key::Person { person: record.beneficiary })?;
    auditor.audit.expect(Invariant::Attributable, key, user.is_some(), "the beneficiary is not enrolled");
    if !record.own.amount.is_zero() {
        let has_account = user.is_some_and(|user| user.account.is_some());
        auditor.audit.check(Invariant::OwnSpend, key, has_account, "an own part without an account");
    }
    for leg in &record.legs {
        let open = auditor.open_between(leg.area, record.area, record.authorised)?;
        let what = "a leg across provinces while an area was closed";
        auditor.audit.check(Invariant::Openness, key, open, what);
        let through = expected::<V, RelationRecord>(view, &Key::Relation { relation: leg.relation })?;
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

/// What a payment says was given back, less what its refunds say.
struct Back {
    cash: i128,
    own: i128,
    legs: Vec<i128>,
}

/// Invariant 7, second half: every refund is of a payment, and together they are what the payment says.
pub(super) fn refunds<V: View>(auditor: &mut Auditor<'_, V>) -> Result<(), V::Fault> {
    let view = auditor.view;
    scan(view, Table::Refund, AUDIT_PAGE_ROWS, |key, row| {
        let Row::Refund(record) = row else { return auditor.alien(key) };
        let parts = record.legs.iter().chain(&record.own).map(|part| part.amount);
        let whole = parts.chain([record.cash]).map(wide).sum::<i128>() == wide(record.amount);
        auditor.audit.check(
            Invariant::Refunds,
            key,
            whole && !record.amount.is_zero(),
            "parts are not the refund",
        );
        auditor.audit.check(
            Invariant::Attributable,
            key,
            auditor.in_time(record.at),
            "refunded outside the ledger's time",
        );
        let payment = expected::<V, PaymentRecord>(view, &Key::Payment { payment: record.payment })?;
        let fits = payment.is_some_and(|payment| {
            let known = |part: &RefundPart| usize::from(part.place) < payment.legs.len();
            record.legs.iter().all(known) && payment.at <= record.at
        });
        auditor.audit.check(Invariant::Attributable, key, fits, "a refund without its payment");
        if let Some(undoes) = record.undoes {
            let first = expected::<V, RefundRecord>(view, &Key::Refund { refund: undoes })?;
            let fits = first.is_some_and(|first| {
                first.undone
                    && first.undoes.is_none()
                    && first.payment == record.payment
                    && first.amount == record.amount
            });
            auditor.audit.check(
                Invariant::OneEffect,
                key,
                fits && !record.undone,
                "undoes what it does not fit",
            );
        }
        Ok(())
    })?;
    let collect = |key: &Key, row: &Row| {
        let (Key::Payment { payment }, Row::Payment(record)) = (*key, row) else { return None };
        let legs = record.legs.iter().map(|leg| wide(leg.refunded)).collect();
        Some((payment, Back { cash: wide(record.cash_refunded), own: wide(record.own.refunded), legs }))
    };
    auditor.in_lots(Table::Payment, collect, |auditor, mut backs: BTreeMap<PaymentId, Back>| {
        scan(view, Table::Refund, AUDIT_PAGE_ROWS, |_, row| {
            let Row::Refund(record) = row else { return Ok(()) };
            let Some(back) = backs.get_mut(&record.payment) else { return Ok(()) };
            let sign = if record.undoes.is_none() { 1 } else { -1 };
            back.cash -= sign * wide(record.cash);
            back.own -= sign * record.own.map_or(0, |own| wide(own.amount));
            for part in &record.legs {
                if let Some(leg) = back.legs.get_mut(usize::from(part.place)) {
                    *leg -= sign * wide(part.amount);
                }
            }
            Ok(())
        })?;
        for (payment, back) in backs {
            let equal = back.cash == 0 && back.own == 0 && back.legs.iter().all(|leg| *leg == 0);
            let place = Key::Payment { payment };
            auditor.audit.check(
                Invariant::Refunds,
                &place,
                equal,
                "given back is not the sum of the refunds",
            );
        }
        Ok(())
    })
}

/// Invariants 6 and 8 of every hold: its parts, and that it waits for its end exactly while it holds.
pub(super) fn holds<V: View>(auditor: &mut Auditor<'_, V>) -> Result<(), V::Fault> {
    let view = auditor.view;
    scan(view, Table::Hold, AUDIT_PAGE_ROWS, |key, row| {
        let (Key::Hold { hold }, Row::Hold(record)) = (*key, row) else { return auditor.alien(key) };
        let parts = record.legs.iter().map(|leg| leg.amount).chain([record.own, record.cash]);
        let whole = parts.map(wide).sum::<i128>() == wide(record.amount) && !record.amount.is_zero();
        auditor.audit.check(Invariant::Split, key, whole, "own part, legs and cash are not what is held");
        auditor.audit.check(
            Invariant::Attributable,
            key,
            auditor.in_time(record.at),
            "held outside the ledger's time",
        );
        let waits = view.get(&Key::Resolving { at: record.expires, hold })?.is_some();
        let fits = match record.state {
            HoldState::Held => waits,
            HoldState::Voided | HoldState::TimedOut => !waits,
            HoldState::Confirmed { payment } => {
                let paid = expected::<V, PaymentRecord>(view, &Key::Payment { payment })?;
                !waits
                    && paid.is_some_and(|paid| {
                        paid.beneficiary == record.beneficiary
                            && paid.authorised == record.at
                            && paid.amount <= record.amount
                            && paid.payee == Payee::Institution(record.institution, record.med_type)
                    })
            }
        };
        auditor.audit.check(
            Invariant::OneEffect,
            key,
            fits,
            "a hold's state, its payment and its index disagree",
        );
        Ok(())
    })?;
    scan(view, Table::Resolving, AUDIT_PAGE_ROWS, |key, row| {
        let (Key::Resolving { at, hold }, Row::Resolving(ResolvingRecord)) = (*key, row) else {
            return auditor.alien(key);
        };
        let record = expected::<V, HoldRecord>(view, &Key::Hold { hold })?;
        let fits = record.is_some_and(|record| record.expires == at && record.state == HoldState::Held);
        auditor.audit.check(Invariant::OneEffect, key, fits, "an index entry without its hold");
        Ok(())
    })
}
