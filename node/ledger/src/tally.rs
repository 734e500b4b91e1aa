//! The statistics as the ledger runs: a bounded number of rows for each payment and refund (domain.md 5b, 15).

use crate::entry::{Entry, Ruled};
use crate::money::Fen;
use crate::table::PaymentRecord;
use crate::view::View;

/// A payment was made.
pub(crate) fn paid<V: View>(entry: &mut Entry<'_, V>, record: &PaymentRecord) -> Ruled<V, ()> {
    todo!()
}

/// Legs, by their place, were refunded; the payment is as it is afterwards.
pub(crate) fn refunded<V: View>(
    entry: &mut Entry<'_, V>,
    record: &PaymentRecord,
    legs: &[(usize, Fen)],
) -> Ruled<V, ()> {
    todo!()
}

/// A refund of legs was undone; the payment is as it is afterwards.
pub(crate) fn reinstated<V: View>(
    entry: &mut Entry<'_, V>,
    record: &PaymentRecord,
    legs: &[(usize, Fen)],
) -> Ruled<V, ()> {
    todo!()
}
