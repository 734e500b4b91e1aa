//! Supervision: a suspended party spends and offers nothing new; refunds and releases stay possible.

use crate::command::{Party, SuspensionReason};
use crate::entry::{Entry, Ruled};
use crate::id::FileNumber;
use crate::view::View;

/// A party may spend no more.
pub(crate) fn suspend<V: View>(
    entry: &mut Entry<'_, V>,
    party: Party,
    reason: SuspensionReason,
    file: FileNumber,
) -> Ruled<V> {
    todo!()
}

/// A party may spend again.
pub(crate) fn lift<V: View>(entry: &mut Entry<'_, V>, party: Party) -> Ruled<V> {
    todo!()
}
