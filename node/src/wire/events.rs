//! To the wire: what happened.

use super::calls::party_to_proto;
use super::enums::*;
use super::stamp_to_proto;
use super::text::*;
use ledger::Event;
use ledger::decision::{LegPaid, LegRefunded};
use proto::v1::{self as pb, event::Kind};

/// One thing that happened.
pub fn event_to_proto(event: &Event) -> pb::Event {
    let kind = match event {
        Event::LedgerBegun { cluster } => Kind::LedgerBegun(pb::LedgerBegun { cluster: of_uuid(*cluster) }),
        Event::ProvinceRegistered { province } => {
            Kind::ProvinceRegistered(pb::ProvinceRegistered { province: of_province(*province) })
        }
        Event::AreaRegistered { area } => Kind::AreaRegistered(pb::AreaRegistered { area: of_area(*area) }),
        Event::AreaOpeningSet { area, from, until } => Kind::AreaOpeningSet(pb::AreaOpeningSet {
            area: of_area(*area),
            from: Some(stamp_to_proto(*from)),
            until: until.map(stamp_to_proto),
        }),
        Event::PolicySet { effective } => {
            Kind::PolicySet(pb::PolicySet { effective: Some(stamp_to_proto(*effective)) })
        }
        Event::TariffSet { area, premium, year } => Kind::TariffSet(pb::TariffSet {
            area: of_area(*area),
            premium: of_premium(*premium),
            year: (*year).into(),
        }),
        Event::CalendarSet { year } => Kind::CalendarSet(pb::CalendarSet { year: (*year).into() }),
        Event::InstitutionRegistered { institution, kind, wallet_open } => {
            Kind::InstitutionRegistered(pb::InstitutionRegistered {
                institution: of_institution(*institution),
                kind: of_institution_kind(*kind),
                wallet_open: *wallet_open,
            })
        }
        Event::PersonEnrolled { person, insurance, area } => Kind::PersonEnrolled(pb::PersonEnrolled {
            person: of_person(*person),
            insurance: of_insurance(*insurance),
            area: of_area(*area),
        }),
        Event::AccountCredited { person, amount, available } => Kind::AccountCredited(pb::AccountCredited {
            person: of_person(*person),
            amount: of_yuan(*amount),
            available: of_yuan(*available),
        }),
        Event::InsuranceStatusSet { person, status } => Kind::InsuranceStatusSet(pb::InsuranceStatusSet {
            person: of_person(*person),
            status: of_insurance_status(*status),
        }),
        Event::RetiredSet { person, retired } => {
            Kind::RetiredSet(pb::RetiredSet { person: of_person(*person), retired: *retired })
        }
        Event::InsuranceTerminated { person } => {
            Kind::InsuranceTerminated(pb::InsuranceTerminated { person: of_person(*person) })
        }
        Event::DeathRegistered { person } => {
            Kind::DeathRegistered(pb::DeathRegistered { person: of_person(*person) })
        }
        Event::PaidOut { person, reason, amount } => Kind::PaidOut(pb::PaidOut {
            person: of_person(*person),
            reason: of_payout_reason(*reason),
            amount: of_yuan(*amount),
        }),
        Event::PersonMoved { person, from, to } => Kind::PersonMoved(pb::PersonMoved {
            person: of_person(*person),
            from: of_area(*from),
            to: of_area(*to),
        }),
        Event::TransferApplied { case, person, from, to } => Kind::TransferApplied(pb::TransferApplied {
            case: of_case(*case),
            person: of_person(*person),
            from: of_area(*from),
            to: of_area(*to),
        }),
        Event::TransferAccepted { case, source_due, due } => Kind::TransferAccepted(pb::TransferAccepted {
            case: of_case(*case),
            source_due: of_day(*source_due),
            due: of_day(*due),
        }),
        Event::TransferSent { case, amount } => {
            Kind::TransferSent(pb::TransferSent { case: of_case(*case), amount: of_yuan(*amount) })
        }
        Event::TransferReceived { case, amount } => {
            Kind::TransferReceived(pb::TransferReceived { case: of_case(*case), amount: of_yuan(*amount) })
        }
        Event::TransferCompleted { case } => {
            Kind::TransferCompleted(pb::TransferCompleted { case: of_case(*case) })
        }
        Event::TransferAbandoned { case } => {
            Kind::TransferAbandoned(pb::TransferAbandoned { case: of_case(*case) })
        }
        Event::TransferFailed { case, returned } => {
            Kind::TransferFailed(pb::TransferFailed { case: of_case(*case), returned: of_yuan(*returned) })
        }
        Event::TransferOverdue { case, step } => {
            Kind::TransferOverdue(pb::TransferOverdue { case: of_case(*case), step: of_case_step(*step) })
        }
        Event::Suspended { party } => Kind::Suspended(pb::Suspended { party: Some(party_to_proto(*party)) }),
        Event::SuspensionLifted { party } => {
            Kind::SuspensionLifted(pb::SuspensionLifted { party: Some(party_to_proto(*party)) })
        }
        Event::WalletActivated { person } => {
            Kind::WalletActivated(pb::WalletActivated { person: of_person(*person) })
        }
        Event::WalletDeactivated { person } => {
            Kind::WalletDeactivated(pb::WalletDeactivated { person: of_person(*person) })
        }
        Event::RelationProposed { relation, donor, beneficiary } => {
            Kind::RelationProposed(pb::RelationProposed {
                relation: of_relation(*relation),
                donor: of_person(*donor),
                beneficiary: of_person(*beneficiary),
            })
        }
        Event::RelationAccepted { relation, sequence } => Kind::RelationAccepted(pb::RelationAccepted {
            relation: of_relation(*relation),
            sequence: *sequence,
        }),
        Event::RelationDeclined { relation } => {
            Kind::RelationDeclined(pb::RelationDeclined { relation: of_relation(*relation) })
        }
        Event::ProposalLapsed { relation } => {
            Kind::ProposalLapsed(pb::ProposalLapsed { relation: of_relation(*relation) })
        }
        Event::RelationReleased { relation, returned, cause } => {
            Kind::RelationReleased(pb::RelationReleased {
                relation: of_relation(*relation),
                returned: of_yuan(*returned),
                cause: of_release_cause(*cause),
            })
        }
        Event::ReleasesUnderWay { person } => {
            Kind::ReleasesUnderWay(pb::ReleasesUnderWay { person: of_person(*person) })
        }
        Event::QuotaSet { relation, amount, unused, available, expires } => Kind::QuotaSet(pb::QuotaSet {
            relation: of_relation(*relation),
            amount: of_yuan(*amount),
            unused: of_yuan(*unused),
            available: of_yuan(*available),
            expires_at: expires.map(stamp_to_proto),
        }),
        Event::QuotaReduced { relation, amount, unused, available } => Kind::QuotaReduced(pb::QuotaReduced {
            relation: of_relation(*relation),
            amount: of_yuan(*amount),
            unused: of_yuan(*unused),
            available: of_yuan(*available),
        }),
        Event::QuotaExpired { relation, returned } => Kind::QuotaExpired(pb::QuotaExpired {
            relation: of_relation(*relation),
            returned: of_yuan(*returned),
        }),
        Event::OfferMade { offer, relation, amount, returns, available } => Kind::OfferMade(pb::OfferMade {
            offer: of_offer(*offer),
            relation: of_relation(*relation),
            amount: of_yuan(*amount),
            returns_at: Some(stamp_to_proto(*returns)),
            available: of_yuan(*available),
        }),
        Event::OfferAccepted { offer, relation, amount, unused, expires } => {
            Kind::OfferAccepted(pb::OfferAccepted {
                offer: of_offer(*offer),
                relation: of_relation(*relation),
                amount: of_yuan(*amount),
                unused: of_yuan(*unused),
                expires_at: expires.map(stamp_to_proto),
            })
        }
        Event::OfferDeclined { offer, relation, amount } => Kind::OfferDeclined(pb::OfferDeclined {
            offer: of_offer(*offer),
            relation: of_relation(*relation),
            amount: of_yuan(*amount),
        }),
        Event::OfferReturned { offer, relation, amount } => Kind::OfferReturned(pb::OfferReturned {
            offer: of_offer(*offer),
            relation: of_relation(*relation),
            amount: of_yuan(*amount),
        }),
        Event::PrioritySet { beneficiary } => {
            Kind::PrioritySet(pb::PrioritySet { beneficiary: of_person(*beneficiary) })
        }
        Event::SpendAuthorised { hold, own, legs, cash, skipped, expires } => {
            Kind::SpendAuthorised(pb::SpendAuthorised {
                hold: of_hold(*hold),
                own: of_yuan(*own),
                legs: legs.iter().map(leg_paid_to_proto).collect(),
                cash: of_yuan(*cash),
                skipped: skipped.iter().copied().map(of_relation).collect(),
                expires_at: Some(stamp_to_proto(*expires)),
            })
        }
        Event::HoldReleased { hold, amount, own, legs } => Kind::HoldReleased(pb::HoldReleased {
            hold: of_hold(*hold),
            amount: of_yuan(*amount),
            own: of_yuan(*own),
            legs: legs.iter().map(leg_refunded_to_proto).collect(),
        }),
        Event::Settled { payment, hold, premium, own, legs, cash, skipped } => Kind::Settled(pb::Settled {
            payment: of_payment(*payment),
            own: of_yuan(*own),
            legs: legs.iter().map(leg_paid_to_proto).collect(),
            cash: of_yuan(*cash),
            skipped: skipped.iter().copied().map(of_relation).collect(),
            hold: hold.map(of_hold).unwrap_or_default(),
            premium: premium.map(|(premium, _)| of_premium(premium)).unwrap_or_default(),
            premium_year: premium.map(|(_, year)| year.into()).unwrap_or_default(),
        }),
        Event::Refunded { refund, payment, amount, cash, legs, own, late } => Kind::Refunded(pb::Refunded {
            payment: of_payment(*payment),
            amount: of_yuan(*amount),
            cash: of_yuan(*cash),
            legs: legs.iter().map(leg_refunded_to_proto).collect(),
            own: of_yuan(*own),
            refund: of_refund(*refund),
            late: *late,
        }),
        Event::RefundUndone { refund, undoes, payment, amount, cash, legs, own } => {
            Kind::RefundUndone(pb::RefundUndone {
                refund: of_refund(*refund),
                undoes: of_refund(*undoes),
                payment: of_payment(*payment),
                amount: of_yuan(*amount),
                cash: of_yuan(*cash),
                legs: legs.iter().map(leg_refunded_to_proto).collect(),
                own: of_yuan(*own),
            })
        }
        Event::Reversed { original, found } => {
            Kind::Reversed(pb::Reversed { original: of_request_id(*original), found: of_original(*found) })
        }
        Event::PeriodClosing { month } => Kind::PeriodClosing(pb::PeriodClosing { month: of_month(*month) }),
        Event::PeriodClosed { month, lines, total, digest } => Kind::PeriodClosed(pb::PeriodClosed {
            month: of_month(*month),
            lines: *lines,
            total: of_sum(*total),
            digest: of_hash(*digest),
        }),
        Event::PrepaymentAdvanced { month, province, amount, balance } => {
            Kind::PrepaymentAdvanced(pb::PrepaymentAdvanced {
                month: of_month(*month),
                province: of_province(*province),
                amount: of_yuan(*amount),
                balance: of_yuan(*balance),
            })
        }
        Event::PrepaymentAlarm { month, province, percent, red } => {
            Kind::PrepaymentAlarm(pb::PrepaymentAlarm {
                month: of_month(*month),
                province: of_province(*province),
                percent: *percent,
                red: *red,
            })
        }
        Event::ClearingConfirmed { month, payer, payee, by_payer, by_payee } => {
            Kind::ClearingConfirmed(pb::ClearingConfirmed {
                month: of_month(*month),
                payer: of_area(*payer),
                payee: of_area(*payee),
                by_payer: *by_payer,
                by_payee: *by_payee,
            })
        }
        Event::ClearingDisputed { month, payer, payee } => Kind::ClearingDisputed(pb::ClearingDisputed {
            month: of_month(*month),
            payer: of_area(*payer),
            payee: of_area(*payee),
        }),
        Event::ClearingPaid { month, payer, payee, amount, refilled, outstanding } => {
            Kind::ClearingPaid(pb::ClearingPaid {
                month: of_month(*month),
                payer: of_area(*payer),
                payee: of_area(*payee),
                amount: of_yuan(*amount),
                refilled: of_yuan(*refilled),
                outstanding: of_sum(*outstanding),
            })
        }
        Event::PrepaymentFunded { province, amount, balance } => {
            Kind::PrepaymentFunded(pb::PrepaymentFunded {
                province: of_province(*province),
                amount: of_yuan(*amount),
                balance: of_yuan(*balance),
            })
        }
        Event::PrepaymentAdjusted { province, size, returned } => {
            Kind::PrepaymentAdjusted(pb::PrepaymentAdjusted {
                province: of_province(*province),
                size: of_yuan(*size),
                returned: of_yuan(*returned),
            })
        }
        Event::Ticked { forgotten } => Kind::Ticked(pb::Ticked { forgotten: *forgotten }),
    };
    pb::Event { kind: Some(kind) }
}

fn leg_paid_to_proto(leg: &LegPaid) -> pb::LegPaid {
    pb::LegPaid {
        relation: of_relation(leg.relation),
        amount: of_yuan(leg.amount),
        unused: of_yuan(leg.unused),
    }
}

fn leg_refunded_to_proto(leg: &LegRefunded) -> pb::LegRefunded {
    pb::LegRefunded {
        relation: of_relation(leg.relation),
        amount: of_yuan(leg.amount),
        to_quota: leg.to_quota,
    }
}
