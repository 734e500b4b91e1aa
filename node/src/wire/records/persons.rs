//! Persons, institutions, relations, offers and cases.

use super::super::enums::*;
use super::super::stamp_to_proto;
use super::super::text::*;
use ledger::command::Expiry;
use ledger::decision::ReleaseCause;
use ledger::table::{
    Account, CaseRecord, CaseStep, InstitutionRecord, OfferRecord, PersonRecord, RelationRecord,
    RelationState, Suspension,
};
use ledger::{CaseId, Day, Fen, Institution, OfferId, Person, RelationId, Stamp, Sum};
use proto::v1::{self as pb, offer};

/// An insured person.
pub fn person_to_proto(person: Person, record: &PersonRecord) -> pb::Person {
    pb::Person {
        person: of_person(person),
        insurance: of_insurance(record.insurance),
        area: of_area(record.area),
        wallet_active: record.wallet_active,
        account: record.account.as_ref().map(account_to_proto),
        donors: record.donors.iter().copied().map(of_relation).collect(),
        status: of_insurance_status(record.status),
        retired: record.retired,
        suspension: record.suspended.map(suspension_to_proto),
        transfer: record.transfer.map(of_case).unwrap_or_default(),
        failed_transfer: record.failed_transfer.map(of_case).unwrap_or_default(),
        releasing: record.releasing.map(of_release_cause).unwrap_or_default(),
        holds: record.holds,
    }
}

fn account_to_proto(account: &Account) -> pb::Account {
    let raised_on = Some(account.raised_on).filter(|day| *day != Day(0)); // day 0 stands for none
    pb::Account {
        available: of_yuan(account.available),
        reserved: of_yuan(account.reserved),
        credited: of_yuan(account.credited),
        area: of_area(account.area),
        held: of_yuan(account.held),
        paid_out: of_yuan(account.paid_out),
        raised_on: raised_on.map(of_day).unwrap_or_default(),
        raises: account.raises.into(),
        offers: account.offers.into(),
    }
}

fn suspension_to_proto(suspension: Suspension) -> pb::Suspension {
    pb::Suspension {
        reason: of_suspension_reason(suspension.reason),
        file: of_file(suspension.file),
        since: Some(stamp_to_proto(suspension.since)),
    }
}

/// A designated institution.
pub fn institution_to_proto(institution: Institution, record: &InstitutionRecord) -> pb::Institution {
    pb::Institution {
        institution: of_institution(institution),
        kind: of_institution_kind(record.kind),
        area: of_area(record.area),
        wallet_open: record.wallet_open,
        suspension: record.suspended.map(suspension_to_proto),
    }
}

/// The sums that belong to a person at a moment, from the record, the active relations in which the person gives or
/// uses, and the balance under way of an open case.
pub fn balances_to_proto<'a>(
    person: Person,
    record: &PersonRecord,
    given: impl Iterator<Item = &'a RelationRecord>,
    received: impl Iterator<Item = &'a RelationRecord>,
    in_transit: Fen,
    now: Stamp,
) -> pb::Balances {
    let amount = |part: fn(&Account) -> Fen| record.account.as_ref().map_or(Fen::ZERO, part);
    let (available, reserved) = (amount(|account| account.available), amount(|account| account.reserved));
    let held = amount(|account| account.held);
    let (mut given_used, mut given_relations) = (Sum::ZERO, 0);
    for relation in given {
        given_used = given_used.plus(relation.used);
        given_relations += 1;
    }
    let (mut received_unused, mut received_relations) = (Sum::ZERO, 0);
    for relation in received {
        if !relation.is_expired(now) {
            received_unused = received_unused.plus(relation.unused);
        }
        received_relations += 1;
    }
    pb::Balances {
        person: of_person(person),
        available: of_yuan(available),
        reserved: of_yuan(reserved),
        total: of_sum([available, reserved, held, in_transit].into_iter().fold(Sum::ZERO, Sum::plus)),
        given_used: of_sum(given_used),
        given_relations,
        received_unused: of_sum(received_unused),
        received_relations,
        held: of_yuan(held),
        in_transit: of_yuan(in_transit),
    }
}

/// A relation with its quota.
pub fn relation_to_proto(relation: RelationId, record: &RelationRecord) -> pb::Relation {
    let (state, proposed, cause) = match record.state {
        RelationState::Proposed { by, lapses } => (pb::RelationState::Proposed, Some((by, lapses)), None),
        RelationState::Active => (pb::RelationState::Active, None, None),
        RelationState::Closed => (pb::RelationState::Closed, None, None),
        RelationState::Released { cause } => (pb::RelationState::Released, None, Some(cause)),
    };
    pb::Relation {
        relation: of_relation(relation),
        donor: of_person(record.donor),
        beneficiary: of_person(record.beneficiary),
        kinship: of_kinship(record.kinship),
        state: state as i32,
        proposed_by: proposed.map(|(by, _)| of_person(by)).unwrap_or_default(),
        lapses_at: proposed.map(|(_, lapses)| stamp_to_proto(lapses)),
        sequence: record.sequence,
        limit: of_yuan(record.limit),
        used: of_yuan(record.used),
        unused: of_yuan(record.unused),
        raised_at: record.raised.map(stamp_to_proto),
        held: of_yuan(record.held),
        expires_at: record.expires.map(stamp_to_proto),
        offers: record.offers.iter().copied().map(of_offer).collect(),
        release_cause: cause.map(|cause: ReleaseCause| of_release_cause(cause)).unwrap_or_default(),
    }
}

/// An offer of a quota.
pub fn offer_to_proto(offer: OfferId, record: &OfferRecord) -> pb::Offer {
    pb::Offer {
        offer: of_offer(offer),
        relation: of_relation(record.relation),
        amount: of_yuan(record.amount),
        made_at: Some(stamp_to_proto(record.made)),
        returns_at: Some(stamp_to_proto(record.returns)),
        state: of_offer_state(record.state),
        expiry: match record.expiry {
            Expiry::Keep => None,
            Expiry::Never => Some(offer::Expiry::Never(pb::Never {})),
            Expiry::At(moment) => Some(offer::Expiry::ExpiresAt(stamp_to_proto(moment))),
        },
    }
}

/// A case of portability.
pub fn case_to_proto(case: CaseId, record: &CaseRecord) -> pb::Case {
    let steps = [CaseStep::Send, CaseStep::Complete].into_iter().zip(record.overdue);
    let overdue = steps.filter(|(_, overdue)| *overdue).map(|(step, _)| of_case_step(step));
    let waiting = record.waiting.iter().map(|(area, usage, amount)| pb::WaitingLine {
        area: of_area(*area),
        usage: of_use(*usage),
        amount: of_yuan(*amount),
    });
    pb::Case {
        case: of_case(case),
        person: of_person(record.person),
        from: of_area(record.from),
        to: of_area(record.to),
        state: of_case_state(record.state),
        balance: of_yuan(record.balance),
        applied_at: Some(stamp_to_proto(record.applied)),
        accepted_at: record.accepted.map(stamp_to_proto),
        source_due: record.source_due.map(of_day).unwrap_or_default(),
        due: record.due.map(of_day).unwrap_or_default(),
        ended_at: record.ended.map(stamp_to_proto),
        overdue: overdue.collect(),
        waiting: waiting.collect(),
    }
}
