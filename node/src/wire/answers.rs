//! To the wire: what was decided, and what happened.

use super::text::*;
use super::*;
use ledger::decision::{Event, LegPaid, LegRefunded};
use ledger::{Answer, Outcome};
use proto::v1::event::Kind;

/// The result of a decided transaction.
pub fn answer_to_proto(request: RequestId, answer: &Answer) -> pb::Result {
    let (outcome, reason, events) = match &answer.outcome {
        Outcome::Done(events) => (pb::Outcome::Done, 0, events.iter().map(event_to_proto).collect()),
        Outcome::Refused(refusal) => (pb::Outcome::Refused, i32::from(refusal.number()), Vec::new()),
    };
    pb::Result {
        request_id: of_request_id(request),
        outcome: outcome as i32,
        reason,
        index: answer.position.index,
        place: u32::from(answer.position.place),
        repeated: answer.repeated,
        events,
        field: String::new(),
        problem: String::new(),
    }
}

/// The result of a malformed transaction of a batch.
pub fn malformed_to_proto(request_id: String, bad: BadField) -> pb::Result {
    pb::Result {
        request_id,
        outcome: pb::Outcome::Malformed as i32,
        reason: pb::Reason::InvalidArgument as i32,
        field: bad.field,
        problem: bad.problem,
        ..pb::Result::default()
    }
}

/// The result of a transaction of a batch that could not be decided, or not be heard of, in time.
pub fn unknown_to_proto(request: RequestId, reason: pb::Reason) -> pb::Result {
    pb::Result {
        request_id: of_request_id(request),
        outcome: pb::Outcome::Unknown as i32,
        reason: reason as i32,
        ..pb::Result::default()
    }
}

/// What a watch tells of a decided transaction.
pub fn decision_to_proto(caller: Caller, request: RequestId, answer: &Answer) -> pb::Decision {
    pb::Decision {
        caller: Some(caller_to_proto(caller)),
        result: Some(answer_to_proto(request, answer)),
        transaction: None,
    }
}

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
        Event::WalletActivated { person } => {
            Kind::WalletActivated(pb::WalletActivated { person: of_person(*person) })
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
        Event::QuotaSet { relation, amount, unused, available } => Kind::QuotaSet(pb::QuotaSet {
            relation: of_relation(*relation),
            amount: of_yuan(*amount),
            unused: of_yuan(*unused),
            available: of_yuan(*available),
        }),
        Event::QuotaReduced { relation, amount, unused, available } => Kind::QuotaReduced(pb::QuotaReduced {
            relation: of_relation(*relation),
            amount: of_yuan(*amount),
            unused: of_yuan(*unused),
            available: of_yuan(*available),
        }),
        Event::PrioritySet { beneficiary } => {
            Kind::PrioritySet(pb::PrioritySet { beneficiary: of_person(*beneficiary) })
        }
        Event::Settled { payment, own, legs, cash, skipped } => Kind::Settled(pb::Settled {
            payment: of_payment(*payment),
            own: of_yuan(*own),
            legs: legs.iter().map(leg_paid_to_proto).collect(),
            cash: of_yuan(*cash),
            skipped: skipped.iter().copied().map(of_relation).collect(),
        }),
        Event::Refunded { payment, amount, cash, legs, own } => Kind::Refunded(pb::Refunded {
            payment: of_payment(*payment),
            amount: of_yuan(*amount),
            cash: of_yuan(*cash),
            legs: legs.iter().map(leg_refunded_to_proto).collect(),
            own: of_yuan(*own),
        }),
        Event::RelationReleased { relation, returned } => Kind::RelationReleased(pb::RelationReleased {
            relation: of_relation(*relation),
            returned: of_yuan(*returned),
        }),
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
