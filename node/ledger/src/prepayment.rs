//! A province's prepayment fund (预付金): advanced to payees at close, refilled by payments (domain.md 5b, 16).

use crate::entry::{Entry, Ruled};
use crate::id::Province;
use crate::money::Fen;
use crate::view::View;

/// The province pays in.
pub(crate) fn fund<V: View>(entry: &mut Entry<'_, V>, province: Province, amount: Fen) -> Ruled<V> {
    todo!()
}

/// The agreed size is set; what is in the fund above it goes back.
pub(crate) fn adjust<V: View>(entry: &mut Entry<'_, V>, province: Province, size: Fen) -> Ruled<V> {
    todo!()
}
