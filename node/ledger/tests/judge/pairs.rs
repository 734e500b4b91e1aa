//! Which relations a transaction touched, and which verbs can touch one of them one after the other.

use crate::chance::Verb;
use crate::model::Model;
use ledger::command::Party;
use ledger::decision::{LegPaid, LegRefunded};
use ledger::{Call, Event, Person, RelationId};

/// The relations that something was done with or to, or to a party of which.
pub fn touched(model: &Model, call: &Call, events: &[Event]) -> Vec<RelationId> {
    let mut found: Vec<RelationId> = vec![];
    for event in events {
        named(event, &mut found);
    }
    if let Some(person) = person(model, call) {
        let its = model.bonds.iter().rev().filter(|(_, bond)| bond.donor == person || bond.user == person);
        found.extend(its.take(12).map(|(id, _)| *id));
    }
    if let Call::SetPriority { beneficiary, .. } = call {
        found.extend(model.donors(*beneficiary));
    }
    found.sort();
    found.dedup();
    found
}

fn named(event: &Event, found: &mut Vec<RelationId>) {
    let mut paid = |legs: &[LegPaid]| found.extend(legs.iter().map(|leg| leg.relation));
    match event {
        Event::SpendAuthorised { legs, .. } | Event::Settled { legs, .. } => paid(legs),
        Event::HoldReleased { legs, .. }
        | Event::Refunded { legs, .. }
        | Event::RefundUndone { legs, .. } => {
            let legs: &[LegRefunded] = legs;
            found.extend(legs.iter().map(|leg| leg.relation));
        }
        Event::RelationProposed { relation, .. }
        | Event::RelationAccepted { relation, .. }
        | Event::RelationDeclined { relation }
        | Event::ProposalLapsed { relation }
        | Event::QuotaSet { relation, .. }
        | Event::OfferMade { relation, .. }
        | Event::OfferAccepted { relation, .. }
        | Event::OfferDeclined { relation, .. }
        | Event::OfferReturned { relation, .. }
        | Event::QuotaExpired { relation, .. }
        | Event::QuotaReduced { relation, .. }
        | Event::RelationReleased { relation, .. } => found.push(*relation),
        _ => {}
    }
}

/// The person whose standing or account a call changes.
fn person(model: &Model, call: &Call) -> Option<Person> {
    match call {
        Call::CreditAccount { person, .. }
        | Call::ActivateWallet { person }
        | Call::EnrolPerson { person, .. }
        | Call::SetInsuranceStatus { person, .. }
        | Call::SetRetired { person, .. }
        | Call::TerminateInsurance { person, .. }
        | Call::RegisterDeath { person }
        | Call::Payout { person, .. }
        | Call::MoveWithinProvince { person, .. }
        | Call::ApplyTransfer { person, .. }
        | Call::Suspend { party: Party::Person(person), .. }
        | Call::LiftSuspension { party: Party::Person(person), .. } => Some(*person),
        Call::AcceptTransfer { case }
        | Call::SendTransfer { case }
        | Call::ReceiveTransfer { case }
        | Call::CompleteTransfer { case }
        | Call::AbandonTransfer { case }
        | Call::FailTransfer { case } => model.cases.get(case).map(|case| case.person),
        _ => None,
    }
}

/// Verbs that have nothing to do with one relation.
fn is_apart(verb: Verb) -> bool {
    use Verb::*;
    matches!(
        verb,
        Genesis
            | RegisterProvince
            | RegisterArea
            | SetAreaOpen
            | SetPolicy
            | RegisterInstitution
            | SetTariff
            | SetCalendar
            | ClosePeriod
            | ConfirmClearing
            | DisputeClearing
            | PayClearing
            | FundPrepayment
            | AdjustPrepayment
    )
}

/// Whether the second can be the next that touches a relation which the first touched.
pub fn is_possible(first: Verb, second: Verb) -> bool {
    !is_apart(first) && !is_apart(second)
}
