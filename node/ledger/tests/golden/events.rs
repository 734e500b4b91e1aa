//! One sample of every event: remembered answers keep them.

use super::names::*;
use ledger::Event;
use ledger::command::{InstitutionKind, Insurance, InsuranceStatus, Party, PayoutReason, Premium};
use ledger::decision::{LegPaid, LegRefunded, Original, ReleaseCause};
use ledger::digest::RowHash;
use ledger::stamp::{Day, Month};
use ledger::table::CaseStep;

pub fn events() -> Vec<Event> {
    let (person, party) = (DONOR, Party::Person(DONOR));
    let (relation, offer, hold, payment, refund, case) = (RELATION, OFFER, HOLD, PAYMENT, REFUND, CASE);
    let month = Month { year: 2026, month: 3 };
    let (province, payer, payee) = (province(32), area(320_500), area(410_100));
    let paid = vec![LegPaid { relation, amount: fen(10_000), unused: fen(0) }];
    let back = vec![LegRefunded { relation, amount: fen(11), to_quota: true }];
    vec![
        Event::LedgerBegun { cluster: [7; 16] },
        Event::ProvinceRegistered { province },
        Event::AreaRegistered { area: payer },
        Event::AreaOpeningSet { area: payer, from: AT, until: None },
        Event::PolicySet { effective: AT },
        Event::InstitutionRegistered {
            institution: shop(),
            kind: InstitutionKind::Pharmacy,
            wallet_open: false,
        },
        Event::PersonEnrolled { person, insurance: Insurance::Employee, area: payer },
        Event::AccountCredited { person, amount: fen(1), available: fen(2) },
        Event::WalletActivated { person },
        Event::RelationProposed { relation, donor: DONOR, beneficiary: USER },
        Event::RelationAccepted { relation, sequence: 3 },
        Event::RelationDeclined { relation },
        Event::ProposalLapsed { relation },
        Event::QuotaSet { relation, amount: fen(1), unused: fen(2), available: fen(3), expires: Some(AT) },
        Event::OfferMade { offer, relation, amount: fen(1), returns: AT, available: fen(2) },
        Event::OfferAccepted { offer, relation, amount: fen(1), unused: fen(2), expires: None },
        Event::OfferDeclined { offer, relation, amount: fen(1) },
        Event::OfferReturned { offer, relation, amount: fen(1) },
        Event::QuotaExpired { relation, returned: fen(1) },
        Event::QuotaReduced { relation, amount: fen(1), unused: fen(2), available: fen(3) },
        Event::PrioritySet { beneficiary: USER },
        Event::SpendAuthorised {
            hold,
            own: fen(1),
            legs: paid.clone(),
            cash: fen(2),
            skipped: vec![relation],
            expires: AT,
        },
        Event::HoldReleased { hold, amount: fen(1), own: fen(2), legs: back.clone() },
        Event::Settled {
            payment,
            hold: Some(hold),
            premium: Some((Premium::Care, 2026)),
            own: fen(1),
            legs: paid,
            cash: fen(2),
            skipped: vec![relation],
        },
        Event::Refunded {
            refund,
            payment,
            amount: fen(1),
            cash: fen(2),
            legs: back.clone(),
            own: fen(3),
            late: true,
        },
        Event::RefundUndone {
            refund,
            undoes: REFUND,
            payment,
            amount: fen(1),
            cash: fen(2),
            legs: back,
            own: fen(3),
        },
        Event::Reversed { original: REQUEST, found: Original::NotArrived },
        Event::RelationReleased { relation, returned: fen(1), cause: ReleaseCause::InsuranceChange },
        Event::ReleasesUnderWay { person },
        Event::InsuranceStatusSet { person, status: InsuranceStatus::Frozen },
        Event::RetiredSet { person, retired: true },
        Event::InsuranceTerminated { person },
        Event::DeathRegistered { person },
        Event::PaidOut { person, reason: PayoutReason::Estate, amount: fen(1) },
        Event::PersonMoved { person, from: payer, to: payee },
        Event::TransferApplied { case, person, from: payer, to: payee },
        Event::TransferAccepted { case, source_due: Day(1), due: Day(2) },
        Event::TransferSent { case, amount: fen(1) },
        Event::TransferReceived { case, amount: fen(1) },
        Event::TransferCompleted { case },
        Event::TransferAbandoned { case },
        Event::TransferFailed { case, returned: fen(1) },
        Event::TransferOverdue { case, step: CaseStep::Complete },
        Event::Suspended { party },
        Event::SuspensionLifted { party },
        Event::TariffSet { area: payer, premium: Premium::Resident, year: 2026 },
        Event::CalendarSet { year: 2026 },
        Event::PeriodClosing { month },
        Event::PeriodClosed { month, lines: 1, total: sum(2), digest: RowHash::of(b"key", b"value") },
        Event::PrepaymentAdvanced { month, province, amount: fen(1), balance: fen(2) },
        Event::PrepaymentAlarm { month, province, percent: 90, red: true },
        Event::ClearingConfirmed { month, payer, payee, by_payer: true, by_payee: false },
        Event::ClearingDisputed { month, payer, payee },
        Event::ClearingPaid { month, payer, payee, amount: fen(1), refilled: fen(2), outstanding: sum(3) },
        Event::PrepaymentFunded { province, amount: fen(1), balance: fen(2) },
        Event::PrepaymentAdjusted { province, size: fen(1), returned: fen(2) },
        Event::Ticked { forgotten: 1 },
        Event::WalletDeactivated { person },
    ]
}
