//! A month is closed (清分): its obligations are frozen, and what areas owe one another becomes lines to be paid.

use crate::decision::Event;
use crate::entry::{Entry, Ruled};
use crate::stamp::Month;
use crate::view::View;
use alloc::vec::Vec;

/// Closes the next month; a large one in steps, by ticks.
pub(crate) fn close<V: View>(entry: &mut Entry<'_, V>, month: Month) -> Ruled<V> {
    todo!()
}

/// Goes on with the month that is being closed, if one is. Called by ticks.
pub(crate) fn step<V: View>(entry: &mut Entry<'_, V>, events: &mut Vec<Event>) -> Ruled<V, ()> {
    todo!()
}
