//! A settlement is undone, in part or whole (退费): cash first, then what was deducted last
//! (domain.md 5b, 11), which leaves the smaller sum settled in the same order.

use crate::entry::{Entry, Ruled};
use crate::id::PaymentId;
use crate::money::Fen;
use crate::table::PaymentRecord;
use crate::view::View;

/// Whoever was paid gives back (the beneficiary's platform for a premium).
pub(crate) fn refund<V: View>(entry: &mut Entry<'_, V>, payment: PaymentId, amount: Option<Fen>) -> Ruled<V> {
    todo!()
}

impl PaymentRecord {
    /// What is left of the personal share: not refunded yet.
    pub fn left(&self) -> Fen {
        let mut left = self.amount;
        for back in self.legs.iter().map(|leg| leg.refunded).chain([self.cash_refunded, self.own.refunded]) {
            left = left.checked_sub(back).expect("no part gives back more than was paid");
        }
        left
    }
}
