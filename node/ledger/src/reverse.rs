//! An earlier request is undone, whatever became of it (冲正, domain.md 5b, 5).

use crate::command::Caller;
use crate::decision::{Event, Original, Outcome, Refusal};
use crate::entry::{Entry, Ruled, ensure};
use crate::hold;
use crate::id::{HoldId, PaymentId, RefundId, RequestId};
use crate::refund::{self, Window};
use crate::table::{HoldRecord, HoldState, Key, PaymentRecord, RequestRecord};
use crate::undo;
use crate::view::View;
use alloc::vec::Vec;

/// In place of the fingerprint of a request that was reversed before it arrived: its body is not known.
pub(crate) const ANY_BODY: [u8; 16] = [0; 16];

/// Undoes what the caller's earlier request did, or keeps it out should it still come. `request` is that of the
/// reversal, which cannot be its own original. What is undone comes first among the events.
pub(crate) fn reverse<V: View>(
    entry: &mut Entry<'_, V>,
    caller: &Caller,
    request: RequestId,
    original: RequestId,
) -> Ruled<V> {
    ensure(original != request, Refusal::NotReversible)?;
    let key = Key::Request { request: original, caller: *caller };
    let Some(first) = entry.find::<RequestRecord>(&key)? else {
        let found = keep_out(entry, key, original)?;
        return Ok(alloc::vec![Event::Reversed { original, found }]);
    };
    let undone = match &first.outcome {
        Outcome::Done(events) => match deed(events).ok_or(Refusal::NotReversible)? {
            Deed::Paid(payment) => unpay(entry, payment)?,
            Deed::Held(hold) => unhold(entry, hold)?,
            Deed::Refunded(refund) => undo::undo(entry, refund)?,
        },
        Outcome::Refused(_) => None,
    };
    let found = if undone.is_some() { Original::Undone } else { Original::NoEffect };
    let mut events = undone.unwrap_or_default();
    events.push(Event::Reversed { original, found });
    Ok(events)
}

/// Leaves a tombstone in place of a request that has not arrived, for as long as it could.
fn keep_out<V: View>(entry: &mut Entry<'_, V>, key: Key, original: RequestId) -> Ruled<V, Original> {
    let time = original.time_ms();
    let latest = entry.now.plus_ms(entry.policy.request_ahead_ms).0;
    let window = entry.ledger().forgotten_before_ms..=latest;
    ensure(window.contains(&time), Refusal::OriginalOutOfWindow)?;

    // From here on the tombstone must stand.
    let outcome = Outcome::Refused(Refusal::ReversedBeforeArrival);
    entry.draft.put(key, RequestRecord { fingerprint: ANY_BODY, position: entry.position, outcome });
    Ok(Original::NotArrived)
}

/// All that is left of a payment is given back; none if nothing is. From now on its refunds stand: whoever reverses the
/// payment first and the refund of it later wants both undone, not the payment charged again.
fn unpay<V: View>(entry: &mut Entry<'_, V>, payment: PaymentId) -> Ruled<V, Option<Vec<Event>>> {
    let key = Key::Payment { payment };
    let record = entry.find::<PaymentRecord>(&key)?.expect("payments are kept");
    let undone = match record.left().is_zero() {
        true => None,
        false => Some(refund::give_back(entry, payment, None, Window::Ignored)?),
    };
    entry.draft.edit(key, record).reversed = true;
    Ok(undone)
}

/// What is held goes back; none if it has, or will with the next tick. What became a payment has a request of its own,
/// which can be reversed.
fn unhold<V: View>(entry: &mut Entry<'_, V>, hold: HoldId) -> Ruled<V, Option<Vec<Event>>> {
    let record = entry.find::<HoldRecord>(&Key::Hold { hold })?.expect("holds are kept");
    match record.state {
        HoldState::Held if record.is_open(entry.now) => hold::void(entry, hold).map(Some),
        HoldState::Held | HoldState::Voided | HoldState::TimedOut => Ok(None),
        HoldState::Confirmed { .. } => Err(Refusal::NotReversible.into()),
    }
}

/// What a request did that can be undone.
enum Deed {
    Paid(PaymentId),
    Held(HoldId),
    Refunded(RefundId),
}

/// The deed among the events of a request; none if there is none, or if the request was a reversal itself.
fn deed(events: &[Event]) -> Option<Deed> {
    let mut found = None;
    for event in events {
        match event {
            Event::Settled { payment, .. } => found = Some(Deed::Paid(*payment)),
            Event::SpendAuthorised { hold, .. } => found = Some(Deed::Held(*hold)),
            Event::Refunded { refund, .. } => found = Some(Deed::Refunded(*refund)),
            Event::Reversed { .. } => return None,
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
            | Event::RelationProposed { .. }
            | Event::RelationAccepted { .. }
            | Event::RelationDeclined { .. }
            | Event::ProposalLapsed { .. }
            | Event::QuotaSet { .. }
            | Event::OfferMade { .. }
            | Event::OfferAccepted { .. }
            | Event::OfferDeclined { .. }
            | Event::OfferReturned { .. }
            | Event::QuotaExpired { .. }
            | Event::QuotaReduced { .. }
            | Event::PrioritySet { .. }
            | Event::HoldReleased { .. }
            | Event::RefundUndone { .. }
            | Event::RelationReleased { .. }
            | Event::ReleasesUnderWay { .. }
            | Event::InsuranceStatusSet { .. }
            | Event::RetiredSet { .. }
            | Event::InsuranceTerminated { .. }
            | Event::DeathRegistered { .. }
            | Event::PaidOut { .. }
            | Event::PersonMoved { .. }
            | Event::TransferApplied { .. }
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
            | Event::Ticked { .. } => {}
        }
    }
    found
}
