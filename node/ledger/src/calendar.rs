//! Working days: Monday to Friday, but for the holidays and extra working days that the nation publishes.

use crate::entry::{Entry, Ruled};
use crate::stamp::Day;
use crate::view::View;

/// Sets a year's calendar, whole. Days up to today stay as they were.
pub(crate) fn set<V: View>(
    entry: &mut Entry<'_, V>,
    year: u16,
    holidays: &[Day],
    workdays: &[Day],
) -> Ruled<V> {
    todo!()
}

/// The n-th working day after this one; the first is the next working day (domain.md 4, 30).
pub(crate) fn working_day_after<V: View>(entry: &Entry<'_, V>, day: Day, n: u8) -> Ruled<V, Day> {
    todo!()
}
