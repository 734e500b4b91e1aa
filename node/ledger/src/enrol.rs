//! A person is enrolled (参保), or changes from one insurance to another.

use crate::command::Insurance;
use crate::entry::{Entry, Ruled};
use crate::id::{Area, Person};
use crate::view::View;

/// One insurance at a time (domain.md 5b, 22).
pub(crate) fn enrol<V: View>(
    entry: &mut Entry<'_, V>,
    person: Person,
    insurance: Insurance,
    area: Area,
    retired: bool,
) -> Ruled<V> {
    todo!()
}
