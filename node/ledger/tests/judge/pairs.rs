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
        | Call::DeactivateWallet { person }
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

/// Where a relation may stand.
const WAITING: u8 = 1;
const FRESH: u8 = 2; // accepted, and never given a quota
const LIVING: u8 = 4;
const ENDED: u8 = 8;
const DROPPED: u8 = 16;
const ANY: u8 = 31;

/// Where a relation may stand that a verb touches, and where it may stand then; none for what touches no relation.
fn stands(verb: Verb) -> Option<(u8, u8)> {
    use Verb::*;
    let over = ENDED | DROPPED;
    Some(match verb {
        Genesis | RegisterProvince | RegisterArea | SetAreaOpen | SetPolicy | RegisterInstitution
        | SetTariff | SetCalendar | ClosePeriod | ConfirmClearing | DisputeClearing | PayClearing
        | FundPrepayment | AdjustPrepayment => return None,
        // A proposal that has lapsed makes room for the new one.
        ProposeRelation => (WAITING, WAITING | DROPPED),
        AcceptRelation => (WAITING, FRESH),
        DeclineRelation => (WAITING, DROPPED),
        SetQuota => (FRESH | LIVING, LIVING),
        SetPriority => (FRESH | LIVING, FRESH | LIVING),
        AcceptOffer | DeclineOffer | ReduceQuota | Settle | AuthoriseSpend | PayPremium => (LIVING, LIVING),
        ConfirmSpend | VoidSpend | Refund | Reverse => (LIVING | ENDED, LIVING | ENDED),
        ReleaseRelation => (FRESH | LIVING, ENDED),
        Tick => (WAITING | LIVING | ENDED, DROPPED | LIVING | ENDED),
        CreditAccount | SetInsuranceStatus | SetRetired | Payout | Suspend | LiftSuspension | EnrolPerson
        | MoveWithinProvince | ActivateWallet | DeactivateWallet => (ANY, ANY),
        // Where there are many, some proposals wait until a tick drops them.
        TerminateInsurance | RegisterDeath | ApplyTransfer => (ANY, over | WAITING),
        AcceptTransfer | AbandonTransfer => (over | WAITING, over | WAITING),
        SendTransfer => (over | WAITING, over),
        ReceiveTransfer | CompleteTransfer | FailTransfer => (over, over),
    })
}

/// Whether the second can be the next that touches a relation which the first touched.
pub fn is_possible(first: Verb, second: Verb) -> bool {
    use Verb::*;
    let (Some((_, after)), Some((before, _))) = (stands(first), stands(second)) else { return false };
    let steps =
        [AcceptTransfer, SendTransfer, ReceiveTransfer, CompleteTransfer, AbandonTransfer, FailTransfer];
    let late = [ReceiveTransfer, CompleteTransfer, FailTransfer];
    let ends =
        [TerminateInsurance, RegisterDeath, ApplyTransfer, AcceptTransfer, AbandonTransfer, SendTransfer];
    let resolves = [ConfirmSpend, VoidSpend];
    let by_free_parties = [ProposeRelation, AcceptRelation, AcceptOffer, Settle, AuthoriseSpend, PayPremium];
    let never = match (first, second) {
        // What still waits of one whose insurance ends is not agreed on any more.
        (_, ProposeRelation | AcceptRelation) if ends.contains(&first) => true,
        // No party of an open hold moves; and who moves is party to none.
        (AuthoriseSpend, EnrolPerson | MoveWithinProvince | ApplyTransfer) => true,
        (EnrolPerson | MoveWithinProvince | ApplyTransfer, _) if resolves.contains(&second) => true,
        (_, ConfirmSpend | VoidSpend) if steps.contains(&first) => true,
        // A case begins with the end of all relations, so its steps do not come right behind these.
        (ReleaseRelation | ConfirmSpend | VoidSpend | ProposeRelation, _) if steps.contains(&second) => true,
        (DeclineRelation | Tick, _) if late.contains(&second) => true,
        // Once the balance is sent nothing is left for a tick, nor for an answer.
        (SendTransfer, Tick | DeclineRelation) => true,
        (_, Tick) if late.contains(&first) => true,
        // A suspended party, or one with a closed wallet, agrees to nothing and spends nothing; and without a wallet nobody
        // is given a quota.
        (Suspend | DeactivateWallet, _) if by_free_parties.contains(&second) => true,
        (_, LiftSuspension | ActivateWallet) if by_free_parties.contains(&first) => true,
        (DeactivateWallet, SetQuota) | (SetQuota, ActivateWallet) => true,
        _ => false,
    };
    after & before != 0 && !never
}
