//! Who may ask what (domain.md 5b, 26). Anything not listed is not permitted, before existence is
//! revealed: a caller gets the same answer for what is another's and for what is not there.
//!
//! Two steps. The first looks at the transaction alone. The second asks whose person, relation or
//! settlement is meant, and is taken only once the ledger has begun, so that before genesis a caller
//! of the right kind hears `NotBegun`.
//!
//! An id of a relation, an offer, a hold, a settlement or a case is a position in the log. One that the log has not
//! reached says nothing about anybody, so there the rule itself may answer `RelationUnknown`, `PaymentUnknown` and so on.

use crate::command::{Call, Caller, InsuranceStatus, Party};
use crate::decision::Refusal;
use crate::entry::{Entry, Ruled, ensure};
use crate::id::{Area, CaseId, HoldId, OfferId, PaymentId, Person, Position, RelationId};
use crate::table::{
    CaseRecord, HoldRecord, InstitutionRecord, Key, OfferRecord, Payee, PaymentRecord, PersonRecord,
    RelationRecord, RelationState,
};
use crate::view::View;

/// Refuses what the caller may not do; then whatever is asked before genesis, but genesis.
pub(crate) fn check<V: View>(entry: &Entry<'_, V>, caller: &Caller, call: &Call) -> Ruled<V, ()> {
    ensure(may_ask(caller, call), Refusal::NotPermitted)?;
    if entry.ledger.is_none() && !matches!(call, Call::Genesis { .. }) {
        return Err(Refusal::NotBegun.into());
    }
    ensure(is_theirs(entry, caller, call)?, Refusal::NotPermitted)
}

/// The table, as far as the transaction itself tells.
fn may_ask(caller: &Caller, call: &Call) -> bool {
    match call {
        Call::Genesis { .. }
        | Call::RegisterProvince { .. }
        | Call::RegisterArea { .. }
        | Call::SetAreaOpen { .. }
        | Call::SetPolicy { .. }
        | Call::SetTariff { .. }
        | Call::SetCalendar { .. }
        | Call::ClosePeriod { .. }
        | Call::AdjustPrepayment { .. } => *caller == Caller::National,
        Call::RegisterInstitution { area, .. } => *caller == Caller::Province(area.province()),
        Call::EnrolPerson { area, .. } => insures(caller, *area),
        // The end of an insurance and a death have verbs of their own.
        Call::SetInsuranceStatus {
            status: InsuranceStatus::Terminated | InsuranceStatus::Deceased, ..
        } => false,
        Call::CreditAccount { .. }
        | Call::SetInsuranceStatus { .. }
        | Call::SetRetired { .. }
        | Call::TerminateInsurance { .. }
        | Call::RegisterDeath { .. }
        | Call::Payout { .. }
        | Call::MoveWithinProvince { .. }
        | Call::AcceptTransfer { .. }
        | Call::SendTransfer { .. }
        | Call::ReceiveTransfer { .. }
        | Call::CompleteTransfer { .. }
        | Call::FailTransfer { .. } => matches!(caller, Caller::Agency(_) | Caller::Province(_)),
        Call::ActivateWallet { person } | Call::DeactivateWallet { person } => {
            *caller == Caller::Person(*person)
        }
        Call::ApplyTransfer { person, .. } => {
            *caller == Caller::Person(*person) || matches!(caller, Caller::Agency(_) | Caller::Province(_))
        }
        Call::AbandonTransfer { .. } => {
            matches!(caller, Caller::Person(_) | Caller::Agency(_) | Caller::Province(_))
        }
        Call::ProposeRelation { donor, beneficiary, .. } => {
            *caller == Caller::Person(*donor) || *caller == Caller::Person(*beneficiary)
        }
        Call::AcceptRelation { .. }
        | Call::DeclineRelation { .. }
        | Call::SetQuota { .. }
        | Call::AcceptOffer { .. }
        | Call::DeclineOffer { .. }
        | Call::ReduceQuota { .. }
        | Call::ReleaseRelation { .. } => matches!(caller, Caller::Person(_)),
        Call::SetPriority { beneficiary, .. } | Call::PayPremium { beneficiary, .. } => {
            *caller == Caller::Person(*beneficiary)
        }
        Call::Settle(spend) | Call::AuthoriseSpend(spend) => {
            *caller == Caller::Institution(spend.institution)
        }
        Call::ConfirmSpend { .. } | Call::VoidSpend { .. } => matches!(caller, Caller::Institution(_)),
        Call::Refund { .. } => matches!(caller, Caller::Institution(_) | Caller::Person(_)),
        Call::Reverse { .. } => !matches!(caller, Caller::Auditor | Caller::Node),
        Call::Suspend { .. } | Call::LiftSuspension { .. } => {
            matches!(caller, Caller::National | Caller::Province(_))
        }
        Call::ConfirmClearing { payer, payee, .. } | Call::DisputeClearing { payer, payee, .. } => {
            *caller == Caller::Province(payer.province()) || *caller == Caller::Province(payee.province())
        }
        Call::PayClearing { payer, .. } => *caller == Caller::Province(payer.province()),
        Call::FundPrepayment { province, .. } => *caller == Caller::Province(*province),
        Call::Tick => *caller == Caller::Node,
    }
}

/// Whether the person, relation, settlement or case that is meant is the caller's.
fn is_theirs<V: View>(entry: &Entry<'_, V>, caller: &Caller, call: &Call) -> Ruled<V, bool> {
    match call {
        // Money goes in and out where the account is kept, which for a resident may be another area than the person's.
        Call::CreditAccount { person, .. } | Call::Payout { person, .. } => kept_by(entry, caller, *person),
        Call::SetInsuranceStatus { person, .. }
        | Call::SetRetired { person, .. }
        | Call::TerminateInsurance { person, .. }
        | Call::RegisterDeath { person }
        | Call::MoveWithinProvince { person, .. } => insured_by(entry, caller, *person),
        Call::ApplyTransfer { person, .. } => match caller {
            Caller::Person(_) => Ok(true), // the person's own: the transaction alone has told
            _ => insured_by(entry, caller, *person),
        },
        Call::AcceptTransfer { case } | Call::ReceiveTransfer { case } | Call::CompleteTransfer { case } => {
            of_case(entry, *case, |record| insures(caller, record.to))
        }
        Call::SendTransfer { case } => of_case(entry, *case, |record| insures(caller, record.from)),
        Call::FailTransfer { case } => {
            of_case(entry, *case, |record| insures(caller, record.from) || insures(caller, record.to))
        }
        Call::AbandonTransfer { case } => of_case(entry, *case, |record| {
            let agency = insures(caller, record.from) || insures(caller, record.to);
            agency || *caller == Caller::Person(record.person)
        }),
        Call::Suspend { party, .. } | Call::LiftSuspension { party, .. } => supervises(entry, caller, party),
        // A proposer does not accept the own proposal; once it is answered either party may hear so.
        Call::AcceptRelation { relation } => party(entry, *relation, caller, |record, person| {
            let proposed_it = matches!(record.state, RelationState::Proposed { by, .. } if by == person);
            is_party(record, person) && !proposed_it
        }),
        Call::DeclineRelation { relation } | Call::ReleaseRelation { relation } => {
            party(entry, *relation, caller, is_party)
        }
        Call::SetQuota { relation, .. } | Call::ReduceQuota { relation, .. } => {
            party(entry, *relation, caller, |record, person| record.donor == person)
        }
        Call::AcceptOffer { offer } => {
            offered(entry, *offer, caller, |record, person| record.beneficiary == person)
        }
        Call::DeclineOffer { offer } => offered(entry, *offer, caller, is_party),
        Call::ConfirmSpend { hold, .. } | Call::VoidSpend { hold } => {
            let HoldId(position) = *hold;
            let record = entry.find::<HoldRecord>(&Key::Hold { hold: *hold })?;
            Ok(record.map_or(is_ahead(entry, position), |record| {
                *caller == Caller::Institution(record.institution)
            }))
        }
        Call::Refund { payment, .. } => {
            let PaymentId(position) = *payment;
            let record = entry.find::<PaymentRecord>(&Key::Payment { payment: *payment })?;
            Ok(match record {
                Some(record) => match record.payee {
                    Payee::Institution(institution, _) => *caller == Caller::Institution(institution),
                    Payee::Premium(..) => *caller == Caller::Person(record.beneficiary),
                },
                None => is_ahead(entry, position),
            })
        }
        // The transaction alone has told. (A reversal finds requests of its own caller only.)
        Call::Genesis { .. }
        | Call::RegisterProvince { .. }
        | Call::RegisterArea { .. }
        | Call::SetAreaOpen { .. }
        | Call::SetPolicy { .. }
        | Call::SetTariff { .. }
        | Call::SetCalendar { .. }
        | Call::RegisterInstitution { .. }
        | Call::EnrolPerson { .. }
        | Call::ActivateWallet { .. }
        | Call::DeactivateWallet { .. }
        | Call::ProposeRelation { .. }
        | Call::SetPriority { .. }
        | Call::Settle(_)
        | Call::AuthoriseSpend(_)
        | Call::PayPremium { .. }
        | Call::Reverse { .. }
        | Call::ClosePeriod { .. }
        | Call::ConfirmClearing { .. }
        | Call::DisputeClearing { .. }
        | Call::PayClearing { .. }
        | Call::FundPrepayment { .. }
        | Call::AdjustPrepayment { .. }
        | Call::Tick => Ok(true),
    }
}

/// An agency acts for its area, a province for all areas in it.
fn insures(caller: &Caller, area: Area) -> bool {
    *caller == Caller::Agency(area) || *caller == Caller::Province(area.province())
}

fn insured_by<V: View>(entry: &Entry<'_, V>, caller: &Caller, person: Person) -> Ruled<V, bool> {
    let record = entry.find::<PersonRecord>(&Key::Person { person })?;
    Ok(record.is_some_and(|record| insures(caller, record.area)))
}

fn kept_by<V: View>(entry: &Entry<'_, V>, caller: &Caller, person: Person) -> Ruled<V, bool> {
    let record = entry.find::<PersonRecord>(&Key::Person { person })?;
    Ok(record.is_some_and(|record| insures(caller, record.paying_area())))
}

/// The nation supervises everybody, a province who is insured or designated in it.
fn supervises<V: View>(entry: &Entry<'_, V>, caller: &Caller, party: &Party) -> Ruled<V, bool> {
    let area = match *party {
        Party::Person(person) => {
            entry.find::<PersonRecord>(&Key::Person { person })?.map(|record| record.area)
        }
        Party::Institution(institution) => {
            entry.find::<InstitutionRecord>(&Key::Institution { institution })?.map(|record| record.area)
        }
    };
    Ok(*caller == Caller::National || area.is_some_and(|area| *caller == Caller::Province(area.province())))
}

fn is_party(record: &RelationRecord, person: Person) -> bool {
    record.donor == person || record.beneficiary == person
}

fn party<V: View>(
    entry: &Entry<'_, V>,
    relation: RelationId,
    caller: &Caller,
    may: impl Fn(&RelationRecord, Person) -> bool,
) -> Ruled<V, bool> {
    let record = entry.find::<RelationRecord>(&Key::Relation { relation })?;
    Ok(match (record, caller) {
        (Some(record), Caller::Person(person)) => may(&record, *person),
        (Some(_), _) => false,
        (None, _) => is_ahead(entry, relation.0),
    })
}

fn offered<V: View>(
    entry: &Entry<'_, V>,
    offer: OfferId,
    caller: &Caller,
    may: impl Fn(&RelationRecord, Person) -> bool,
) -> Ruled<V, bool> {
    match entry.find::<OfferRecord>(&Key::Offer { offer })? {
        Some(record) => party(entry, record.relation, caller, may),
        None => Ok(is_ahead(entry, offer.0)),
    }
}

fn of_case<V: View>(entry: &Entry<'_, V>, case: CaseId, may: impl Fn(&CaseRecord) -> bool) -> Ruled<V, bool> {
    let record = entry.find::<CaseRecord>(&Key::Case { case })?;
    Ok(record.map_or(is_ahead(entry, case.0), |record| may(&record)))
}

/// Nothing can stand at a position that the log has not reached.
fn is_ahead<V: View>(entry: &Entry<'_, V>, position: Position) -> bool {
    position >= entry.position
}
