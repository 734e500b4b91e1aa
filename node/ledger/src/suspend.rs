//! Supervision: a suspended party spends and offers nothing new; refunds and releases stay possible.

use crate::apply::done;
use crate::command::{Party, SuspensionReason};
use crate::decision::{Event, Refusal};
use crate::entry::{Entry, Ruled, ensure};
use crate::id::{FileNumber, Institution};
use crate::table::{InstitutionRecord, Key, Suspension};
use crate::view::{Found, View};

/// A party may spend no more.
pub(crate) fn suspend<V: View>(
    entry: &mut Entry<'_, V>,
    party: Party,
    reason: SuspensionReason,
    file: FileNumber,
) -> Ruled<V> {
    let suspended = Some(Suspension { reason, file, since: entry.now });
    match party {
        Party::Person(person) => {
            let record = entry.person(person)?;
            ensure(record.suspended.is_none(), Refusal::AlreadySuspended)?;

            // From here on the suspension must succeed.
            entry.draft.edit(Key::Person { person }, record).suspended = suspended;
        }
        Party::Institution(institution) => {
            let record = designated(entry, institution)?;
            ensure(record.suspended.is_none(), Refusal::AlreadySuspended)?;

            // From here on the suspension must succeed.
            entry.draft.edit(Key::Institution { institution }, record).suspended = suspended;
        }
    }
    done::<V>(Event::Suspended { party })
}

/// A party may spend again. The case number of the decision stays in the journal.
pub(crate) fn lift<V: View>(entry: &mut Entry<'_, V>, party: Party) -> Ruled<V> {
    match party {
        Party::Person(person) => {
            let record = entry.person(person)?;
            ensure(record.suspended.is_some(), Refusal::NotSuspended)?;

            // From here on the lifting must succeed.
            entry.draft.edit(Key::Person { person }, record).suspended = None;
        }
        Party::Institution(institution) => {
            let record = designated(entry, institution)?;
            ensure(record.suspended.is_some(), Refusal::NotSuspended)?;

            // From here on the lifting must succeed.
            entry.draft.edit(Key::Institution { institution }, record).suspended = None;
        }
    }
    done::<V>(Event::SuspensionLifted { party })
}

fn designated<V: View>(entry: &Entry<'_, V>, institution: Institution) -> Ruled<V, Found<InstitutionRecord>> {
    entry.find(&Key::Institution { institution })?.ok_or(Refusal::InstitutionUnknown.into())
}
