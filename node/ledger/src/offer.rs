//! Offers: a quota that waits for its beneficiary, if the policy wants it so (domain.md 4, 14; 5b, 2 and 9).

use crate::decision::Event;
use crate::entry::{Entry, Ruled};
use crate::id::OfferId;
use crate::view::View;
use alloc::vec::Vec;

/// The beneficiary accepts: the offer becomes quota.
pub(crate) fn accept<V: View>(entry: &mut Entry<'_, V>, offer: OfferId) -> Ruled<V> {
    todo!()
}

/// The beneficiary declines, or the donor withdraws.
pub(crate) fn decline<V: View>(entry: &mut Entry<'_, V>, offer: OfferId) -> Ruled<V> {
    todo!()
}

/// An offer waited in vain. Called by ticks.
pub(crate) fn give_back<V: View>(
    entry: &mut Entry<'_, V>,
    offer: OfferId,
    events: &mut Vec<Event>,
) -> Ruled<V, ()> {
    todo!()
}
