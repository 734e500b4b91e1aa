//! The part of the audit that looks at remembered requests: each had one effect, named by its place.

use super::Auditor;
use crate::audit::report::Invariant;
use crate::decision::{Event, Outcome};
use crate::limits::{AUDIT_PAGE_ROWS, AUDIT_PASS_ROWS};
use crate::reverse::ANY_BODY;
use crate::table::{Key, RequestRecord, Row, Table};
use crate::view::{View, scan};
use alloc::collections::BTreeSet;

/// Invariant 8: no two remembered requests were decided at the same place, and what a request made is
/// named by its own place. A bounded number of places at a time.
pub(super) fn requests<V: View>(auditor: &mut Auditor<'_, V>) -> Result<(), V::Fault> {
    let view = auditor.view;
    let mut remembered = 0_usize;
    scan(view, Table::Request, AUDIT_PAGE_ROWS, |key, row| {
        let Row::Request(record) = row else { return auditor.alien(key) };
        remembered += 1;
        let holds = made_in_place(view, record)?;
        auditor.audit.check(
            Invariant::OneEffect,
            key,
            holds,
            "what the request made is not there, or another's",
        );
        Ok(())
    })?;
    let passes = (remembered / AUDIT_PASS_ROWS + 1) as u64;
    for pass in 0..passes {
        let mut places = BTreeSet::new();
        scan(view, Table::Request, AUDIT_PAGE_ROWS, |key, row| {
            let Row::Request(record) = row else { return Ok(()) };
            // What keeps a late original out stands at the place of its reversal.
            if record.fingerprint != ANY_BODY && record.position.index % passes == pass {
                let once = places.insert(record.position);
                auditor.audit.expect(Invariant::OneEffect, key, once, "two requests decided at one place");
            }
            Ok(())
        })?;
    }
    Ok(())
}

fn made_in_place<V: View>(view: &V, record: &RequestRecord) -> Result<bool, V::Fault> {
    let Outcome::Done(events) = &record.outcome else { return Ok(true) };
    for event in events {
        let Some((key, position)) = made(event) else { continue };
        if position != record.position || view.get(&key)?.is_none() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The record that an event says was made, and the place that names it.
fn made(event: &Event) -> Option<(Key, crate::Position)> {
    match event {
        Event::Settled { payment, .. } => Some((Key::Payment { payment: *payment }, payment.0)),
        Event::RelationProposed { relation, .. } => Some((Key::Relation { relation: *relation }, relation.0)),
        Event::OfferMade { offer, .. } => Some((Key::Offer { offer: *offer }, offer.0)),
        Event::SpendAuthorised { hold, .. } => Some((Key::Hold { hold: *hold }, hold.0)),
        Event::Refunded { refund, .. } | Event::RefundUndone { refund, .. } => {
            Some((Key::Refund { refund: *refund }, refund.0))
        }
        Event::TransferApplied { case, .. } => Some((Key::Case { case: *case }, case.0)),
        Event::LedgerBegun { .. }
        | Event::ProvinceRegistered { .. }
        | Event::AreaRegistered { .. }
        | Event::AreaOpeningSet { .. }
        | Event::PolicySet { .. }
        | Event::InstitutionRegistered { .. }
        | Event::PersonEnrolled { .. }
        | Event::AccountCredited { .. }
        | Event::WalletActivated { .. }
        | Event::WalletDeactivated { .. }
        | Event::RelationAccepted { .. }
        | Event::RelationDeclined { .. }
        | Event::ProposalLapsed { .. }
        | Event::QuotaSet { .. }
        | Event::OfferAccepted { .. }
        | Event::OfferDeclined { .. }
        | Event::OfferReturned { .. }
        | Event::QuotaExpired { .. }
        | Event::QuotaReduced { .. }
        | Event::PrioritySet { .. }
        | Event::HoldReleased { .. }
        | Event::Reversed { .. }
        | Event::RelationReleased { .. }
        | Event::ReleasesUnderWay { .. }
        | Event::InsuranceStatusSet { .. }
        | Event::RetiredSet { .. }
        | Event::InsuranceTerminated { .. }
        | Event::DeathRegistered { .. }
        | Event::PaidOut { .. }
        | Event::PersonMoved { .. }
        | Event::TransferAccepted { .. }
        | Event::TransferSent { .. }
        | Event::TransferReceived { .. }
        | Event::TransferCompleted { .. }
        | Event::TransferAbandoned { .. }
        | Event::TransferFailed { .. }
        | Event::TransferOverdue { .. }
        | Event::Suspended { .. }
        | Event::SuspensionLifted { .. }
        | Event::TariffSet { .. }
        | Event::CalendarSet { .. }
        | Event::PeriodClosing { .. }
        | Event::PeriodClosed { .. }
        | Event::PrepaymentAdvanced { .. }
        | Event::PrepaymentAlarm { .. }
        | Event::ClearingConfirmed { .. }
        | Event::ClearingDisputed { .. }
        | Event::ClearingPaid { .. }
        | Event::PrepaymentFunded { .. }
        | Event::PrepaymentAdjusted { .. }
        | Event::Ticked { .. } => None,
    }
}
