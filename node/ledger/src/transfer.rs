//! Portability (转移接续): an account moves to another province, step by step, and is in one place at any time.

use crate::entry::{Entry, Ruled};
use crate::id::{Area, CaseId, Person};
use crate::money::Fen;
use crate::stamp::Stamp;
use crate::decision::Event;
use crate::table::{CaseRecord, CaseState, Key, PersonRecord, Use};
use crate::view::View;
use alloc::vec::Vec;

/// Applied for: all relations end, the account is closed.
pub(crate) fn apply<V: View>(entry: &mut Entry<'_, V>, person: Person, to: Area) -> Ruled<V> {
    todo!()
}

/// The new agency accepts: the working days begin to count.
pub(crate) fn accept<V: View>(entry: &mut Entry<'_, V>, case: CaseId) -> Ruled<V> {
    todo!()
}

/// The balance leaves the old place.
pub(crate) fn send<V: View>(entry: &mut Entry<'_, V>, case: CaseId) -> Ruled<V> {
    todo!()
}

/// The balance has arrived at the new place.
pub(crate) fn receive<V: View>(entry: &mut Entry<'_, V>, case: CaseId) -> Ruled<V> {
    todo!()
}

/// The account is open again.
pub(crate) fn complete<V: View>(entry: &mut Entry<'_, V>, case: CaseId) -> Ruled<V> {
    todo!()
}

/// Given up before anything was sent.
pub(crate) fn abandon<V: View>(entry: &mut Entry<'_, V>, case: CaseId) -> Ruled<V> {
    todo!()
}

/// The balance comes back.
pub(crate) fn fail<V: View>(entry: &mut Entry<'_, V>, case: CaseId) -> Ruled<V> {
    todo!()
}

/// The case of a person whose balance is under way.
pub(crate) fn under_way<V: View>(entry: &Entry<'_, V>, person: &PersonRecord) -> Ruled<V, Option<CaseId>> {
    let Some(case) = person.transfer else { return Ok(None) };
    let record = entry.find::<CaseRecord>(&Key::Case { case })?;
    Ok(record.is_some_and(|record| record.state == CaseState::Sent).then_some(case))
}

/// Adds what is given to the person of a case while the balance is under way (`Sent`). With the area and use of a leg that
/// is refunded, a line that the end of the case will post (domain.md 5b, 13).
pub(crate) fn add<V: View>(
    entry: &mut Entry<'_, V>,
    case: CaseId,
    amount: Fen,
    line: Option<(Area, Use)>,
) -> Ruled<V, ()> {
    todo!()
}

/// A step's last day has passed: said once, nothing ends. Called by ticks.
pub(crate) fn overdue<V: View>(
    entry: &mut Entry<'_, V>,
    at: Stamp,
    case: CaseId,
    events: &mut Vec<Event>,
) -> Ruled<V, ()> {
    todo!()
}
