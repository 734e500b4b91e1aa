//! Spending in two steps: money is held, then confirmed, voided, or back when its time runs out.

use crate::command::Spend;
use crate::decision::Event;
use crate::entry::{Entry, Ruled};
use crate::id::HoldId;
use crate::money::Fen;
use crate::view::View;
use alloc::vec::Vec;

/// Holds what a settlement would take.
pub(crate) fn authorise<V: View>(entry: &mut Entry<'_, V>, spend: &Spend) -> Ruled<V> {
    todo!()
}

/// Pays what was held; a smaller amount keeps the first part in the order of deduction and frees the rest.
pub(crate) fn confirm<V: View>(entry: &mut Entry<'_, V>, hold: HoldId, amount: Option<Fen>) -> Ruled<V> {
    todo!()
}

/// Gives back what was held.
pub(crate) fn void<V: View>(entry: &mut Entry<'_, V>, hold: HoldId) -> Ruled<V> {
    todo!()
}

/// A hold's time ran out. Called by ticks.
pub(crate) fn time_out<V: View>(
    entry: &mut Entry<'_, V>,
    hold: HoldId,
    events: &mut Vec<Event>,
) -> Ruled<V, ()> {
    todo!()
}
