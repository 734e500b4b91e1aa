//! Yearly premiums (390 resident, 410 long-term care): one payment per person, kind and year.

use crate::command::Premium;
use crate::entry::{Entry, Ruled};
use crate::id::Person;
use crate::money::Fen;
use crate::view::View;

/// What is asked, as in [`Call::PayPremium`](crate::Call::PayPremium).
pub(crate) struct Wish {
    pub beneficiary: Person,
    pub premium: Premium,
    pub year: u16,
    pub amount: Fen,
    pub use_own_account: bool,
    pub all_or_nothing: bool,
}

/// Pays it like a personal share; the payee is the beneficiary's area.
pub(crate) fn pay<V: View>(entry: &mut Entry<'_, V>, wish: &Wish) -> Ruled<V> {
    todo!()
}
