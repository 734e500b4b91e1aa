//! Who may ask what (domain.md 5b, 26). Anything not listed is not permitted, before existence is
//! revealed: a caller gets the same answer for what is another's and for what is not there.
//!
//! Two steps. The first looks at the transaction alone. The second asks whose person, relation or
//! settlement is meant, and is taken only once the ledger has begun, so that before genesis a caller
//! of the right kind hears `NotBegun`.
//!
//! An id of a relation or a settlement is a position in the log. One that the log has not reached says
//! nothing about anybody, so there the rule itself may answer `RelationUnknown` or `PaymentUnknown`.

use crate::command::{Call, Caller};
use crate::decision::Refusal;
use crate::entry::{Entry, Ruled, ensure};
use crate::id::{Area, PaymentId, Person, Position, RelationId};
use crate::table::{Key, PaymentRecord, PersonRecord, RelationRecord, RelationState};
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
        | Call::SetPolicy { .. } => *caller == Caller::National,
        Call::RegisterInstitution { area, .. } => *caller == Caller::Province(area.province()),
        Call::EnrolPerson { area, .. } => insures(caller, *area),
        Call::CreditAccount { .. } => matches!(caller, Caller::Agency(_) | Caller::Province(_)),
        Call::ActivateWallet { person } => *caller == Caller::Person(*person),
        Call::ProposeRelation { donor, beneficiary, .. } => {
            *caller == Caller::Person(*donor) || *caller == Caller::Person(*beneficiary)
        }
        Call::AcceptRelation { .. }
        | Call::DeclineRelation { .. }
        | Call::SetQuota { .. }
        | Call::ReduceQuota { .. }
        | Call::ReleaseRelation { .. } => matches!(caller, Caller::Person(_)),
        Call::SetPriority { beneficiary, .. } => *caller == Caller::Person(*beneficiary),
        Call::Settle { institution, .. } => *caller == Caller::Institution(*institution),
        Call::Refund { .. } => matches!(caller, Caller::Institution(_)),
        Call::Tick => *caller == Caller::Node,
    }
}

/// Whether the person, relation or settlement that is meant is the caller's.
fn is_theirs<V: View>(entry: &Entry<'_, V>, caller: &Caller, call: &Call) -> Ruled<V, bool> {
    match call {
        Call::CreditAccount { person, .. } => {
            let record = entry.find::<PersonRecord>(&Key::Person { person: *person })?;
            Ok(record.is_some_and(|record| insures(caller, record.area)))
        }
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
        Call::Refund { payment, .. } => {
            let PaymentId(position) = *payment;
            let record = entry.find::<PaymentRecord>(&Key::Payment { payment: *payment })?;
            Ok(match record {
                Some(record) => *caller == Caller::Institution(record.institution),
                None => is_ahead(entry, position),
            })
        }
        // The transaction alone has told.
        Call::Genesis { .. }
        | Call::RegisterProvince { .. }
        | Call::RegisterArea { .. }
        | Call::SetAreaOpen { .. }
        | Call::SetPolicy { .. }
        | Call::RegisterInstitution { .. }
        | Call::EnrolPerson { .. }
        | Call::ActivateWallet { .. }
        | Call::ProposeRelation { .. }
        | Call::SetPriority { .. }
        | Call::Settle { .. }
        | Call::Tick => Ok(true),
    }
}

/// An agency acts for its area, a province for all areas in it.
fn insures(caller: &Caller, area: Area) -> bool {
    *caller == Caller::Agency(area) || *caller == Caller::Province(area.province())
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

/// Nothing can stand at a position that the log has not reached.
fn is_ahead<V: View>(entry: &Entry<'_, V>, position: Position) -> bool {
    position >= entry.position
}
