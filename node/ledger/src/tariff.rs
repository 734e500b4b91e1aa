//! What areas ask for premiums, by year and effective date.

use crate::command::{Premium, Tariff};
use crate::entry::{Entry, Ruled};
use crate::id::Area;
use crate::stamp::Stamp;
use crate::view::View;

/// Sets a tariff from a date on.
pub(crate) fn set<V: View>(
    entry: &mut Entry<'_, V>,
    area: Area,
    premium: Premium,
    year: u16,
    effective: Stamp,
    tariff: Tariff,
) -> Ruled<V> {
    todo!()
}

/// The tariff in force now: without one 390 takes any amount and 410 is not offered.
pub(crate) fn in_force<V: View>(
    entry: &Entry<'_, V>,
    area: Area,
    premium: Premium,
    year: u16,
) -> Ruled<V, Tariff> {
    todo!()
}
