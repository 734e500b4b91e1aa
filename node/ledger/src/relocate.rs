//! A move within one province: everything stays, the new area pays from then on (domain.md 5b, 8).

use crate::entry::{Entry, Ruled};
use crate::id::{Area, Person};
use crate::view::View;

/// The insurance moves to another area of the same province.
pub(crate) fn within_province<V: View>(entry: &mut Entry<'_, V>, person: Person, to: Area) -> Ruled<V> {
    todo!()
}
