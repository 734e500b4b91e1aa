//! To the wire: the records that queries show.

use super::text::*;
use super::*;
use ledger::money::Sum;
use ledger::table::{ObligationRecord, PaymentRecord, PersonRecord, RelationRecord, RelationState, Use};

/// An insured person.
pub fn person_to_proto(person: Person, record: &PersonRecord) -> pb::Person {
    pb::Person {
        person: of_person(person),
        insurance: of_insurance(record.insurance),
        area: of_area(record.area),
        wallet_active: record.wallet_active,
        account: record.account.as_ref().map(|account| pb::Account {
            available: of_yuan(account.available),
            reserved: of_yuan(account.reserved),
            credited: of_yuan(account.credited),
        }),
        donors: record.donors.iter().copied().map(of_relation).collect(),
    }
}

/// The sums that belong to a person, from the record and the active relations in which the person gives or uses.
pub fn balances_to_proto<'a>(
    person: Person,
    record: &PersonRecord,
    given: impl Iterator<Item = &'a RelationRecord>,
    received: impl Iterator<Item = &'a RelationRecord>,
) -> pb::Balances {
    let account = record.account.unwrap_or_default();
    let (mut given_used, mut given_relations) = (Sum::ZERO, 0);
    for relation in given {
        given_used = given_used.plus(relation.used);
        given_relations += 1;
    }
    let (mut received_unused, mut received_relations) = (Sum::ZERO, 0);
    for relation in received {
        received_unused = received_unused.plus(relation.unused);
        received_relations += 1;
    }
    pb::Balances {
        person: of_person(person),
        available: of_yuan(account.available),
        reserved: of_yuan(account.reserved),
        total: of_sum(Sum::ZERO.plus(account.available).plus(account.reserved)),
        given_used: of_sum(given_used),
        given_relations,
        received_unused: of_sum(received_unused),
        received_relations,
    }
}

/// A relation with its quota.
pub fn relation_to_proto(relation: RelationId, record: &RelationRecord) -> pb::Relation {
    let (state, proposed) = match record.state {
        RelationState::Proposed { by, lapses } => (pb::RelationState::Proposed, Some((by, lapses))),
        RelationState::Active => (pb::RelationState::Active, None),
        RelationState::Closed => (pb::RelationState::Closed, None),
        RelationState::Released => (pb::RelationState::Released, None),
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
    }
}

/// A settlement.
pub fn payment_to_proto(payment: PaymentId, record: &PaymentRecord) -> pb::Payment {
    pb::Payment {
        payment: of_payment(payment),
        beneficiary: of_person(record.beneficiary),
        institution: of_institution(record.institution),
        area: of_area(record.area),
        at: Some(stamp_to_proto(record.at)),
        usage: of_use(record.usage),
        amount: of_yuan(record.amount),
        own: Some(pb::OwnPart {
            area: of_area(record.own.area),
            amount: of_yuan(record.own.amount),
            refunded: of_yuan(record.own.refunded),
        }),
        legs: record
            .legs
            .iter()
            .map(|leg| pb::Leg {
                relation: of_relation(leg.relation),
                donor: of_person(leg.donor),
                area: of_area(leg.area),
                amount: of_yuan(leg.amount),
                refunded: of_yuan(leg.refunded),
            })
            .collect(),
        cash: of_yuan(record.cash),
        cash_refunded: of_yuan(record.cash_refunded),
        own_first: record.own_first,
    }
}

/// What a payer's area owes a payee's area for a month and a use.
pub fn obligation_to_proto(
    month: Month,
    payer: Area,
    payee: Area,
    usage: Use,
    record: &ObligationRecord,
) -> pb::Obligation {
    pb::Obligation {
        month: of_month(month),
        payer: of_area(payer),
        payee: of_area(payee),
        usage: of_use(usage),
        charged: of_sum(record.charged),
        refunded: of_sum(record.refunded),
        owed: of_difference(record.charged, record.refunded),
    }
}

fn of_use(usage: Use) -> i32 {
    (match usage {
        Use::Institution => pb::Use::Institution,
        Use::Pharmacy => pb::Use::Pharmacy,
    }) as i32
}
