//! The end of relations: one, by a party; or all of a person, when the insurance ends, moves or changes, a bounded number
//! at a time.

use crate::decision::{Event, ReleaseCause};
use crate::entry::{Entry, Ruled};
use crate::id::{Person, RelationId};
use crate::view::View;
use alloc::vec::Vec;

/// Ends one active relation: unused quota and open offers go back to the donor, held parts when they resolve.
pub(crate) fn one<V: View>(
    entry: &mut Entry<'_, V>,
    relation: RelationId,
    cause: ReleaseCause,
    events: &mut Vec<Event>,
) -> Ruled<V, ()> {
    todo!()
}

/// Ends all relations and pending proposals of a person, as donor and as beneficiary: the first of them now, and if some
/// remain, the person's record says `releasing` and ticks go on.
pub(crate) fn all<V: View>(
    entry: &mut Entry<'_, V>,
    person: Person,
    cause: ReleaseCause,
    events: &mut Vec<Event>,
) -> Ruled<V, ()> {
    todo!()
}

/// Goes on with a person whose relations are being released; tells how many were. Called by ticks.
pub(crate) fn step<V: View>(
    entry: &mut Entry<'_, V>,
    person: Person,
    events: &mut Vec<Event>,
) -> Ruled<V, usize> {
    todo!()
}
