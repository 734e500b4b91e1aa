//! The lines of a closed month: confirmed by both sides, disputed, paid (清算).

use crate::command::{Caller, DisputeReason};
use crate::entry::{Entry, Ruled};
use crate::id::{Area, FileNumber};
use crate::money::{Fen, Sum};
use crate::stamp::Month;
use crate::view::View;

/// Which line.
#[derive(Clone, Copy)]
pub(crate) struct Line {
    pub month: Month,
    pub payer: Area,
    pub payee: Area,
}

/// The caller's side confirms; one province on both sides confirms both.
pub(crate) fn confirm<V: View>(
    entry: &mut Entry<'_, V>,
    caller: &Caller,
    line: Line,
    amount: Sum,
) -> Ruled<V> {
    todo!()
}

/// The caller's side notes what is wrong.
pub(crate) fn dispute<V: View>(
    entry: &mut Entry<'_, V>,
    caller: &Caller,
    line: Line,
    reason: DisputeReason,
    file: FileNumber,
) -> Ruled<V> {
    todo!()
}

/// The payer's province pays: its fund first, for what was advanced.
pub(crate) fn pay<V: View>(entry: &mut Entry<'_, V>, line: Line, amount: Fen) -> Ruled<V> {
    todo!()
}
