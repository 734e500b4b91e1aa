//! A balance is paid to a bank account: the only way to cash, and only for coded reasons (domain.md 5b, 23).

use crate::command::PayoutReason;
use crate::entry::{Entry, Ruled};
use crate::id::Person;
use crate::money::Fen;
use crate::view::View;

/// Pays out of what is available; an estate's whole balance.
pub(crate) fn payout<V: View>(
    entry: &mut Entry<'_, V>,
    person: Person,
    reason: PayoutReason,
    amount: Option<Fen>,
) -> Ruled<V> {
    todo!()
}
