//! What a payer's pooling area owes a payee's, per month and use, gross.

use crate::entry::{Entry, Ruled};
use crate::id::Area;
use crate::money::Fen;
use crate::table::{Key, ObligationRecord, Use};
use crate::view::{Found, View};

/// An obligation that will change: its key, and what is there already.
pub(crate) struct Line {
    key: Key,
    found: Option<Found<ObligationRecord>>,
    amount: Fen,
}

/// The line between two areas in the current month; none where nothing passes from one to another
/// (domain.md 5, invariant 13).
pub(crate) fn line<V: View>(
    entry: &Entry<'_, V>,
    payer: Area,
    payee: Area,
    usage: Use,
    amount: Fen,
) -> Ruled<V, Option<Line>> {
    if payer == payee || amount.is_zero() {
        return Ok(None);
    }
    let key = Key::Obligation { month: entry.now.month(), payer, payee, usage };
    Ok(Some(Line { key, found: entry.find(&key)?, amount }))
}

/// A leg was settled.
pub(crate) fn charge<V: View>(entry: &mut Entry<'_, V>, line: Line) {
    let (record, amount) = record(entry, line);
    record.charged = record.charged.plus(amount);
}

/// A leg was refunded: in the month of the refund, whenever it had been settled (domain.md 4, 8).
pub(crate) fn refund<V: View>(entry: &mut Entry<'_, V>, line: Line) {
    let (record, amount) = record(entry, line);
    record.refunded = record.refunded.plus(amount);
}

fn record<'e, V: View>(entry: &'e mut Entry<'_, V>, line: Line) -> (&'e mut ObligationRecord, Fen) {
    let Line { key, found, amount } = line;
    (entry.draft.edit_or_default(key, found), amount)
}
