//! A move within one province: everything stays, the new area pays from then on (domain.md 5b, 8).

use crate::apply::done;
use crate::decision::{Event, Refusal};
use crate::entry::{Entry, Ruled, ensure, ensure_none};
use crate::id::{Area, Person};
use crate::table::{AreaRecord, Key};
use crate::view::View;

/// The insurance moves to another area of the same province, and the account with it if it was kept at the old one.
pub(crate) fn within_province<V: View>(entry: &mut Entry<'_, V>, person: Person, to: Area) -> Ruled<V> {
    ensure(entry.find::<AreaRecord>(&Key::Area { area: to })?.is_some(), Refusal::AreaUnknown)?;
    let record = entry.person(person)?;
    ensure_none(&[record.not_insured()])?;
    ensure(record.holds == 0, Refusal::HoldOpen)?;
    ensure(record.area != to, Refusal::SameArea)?;
    ensure(record.area.province() == to.province(), Refusal::OtherProvince)?;

    // From here on the move must succeed.
    let from = record.area;
    let record = entry.draft.edit(Key::Person { person }, record);
    record.area = to;
    if let Some(account) = record.account.as_mut().filter(|account| account.area == from) {
        account.area = to;
    }
    done::<V>(Event::PersonMoved { person, from, to })
}
