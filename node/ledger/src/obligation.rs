//! What a payer's pooling area owes a payee's, per month and use, gross; and what of it passes between provinces.
//!
//! Both functions read while they write: only this node's own fault can end them, and that ends the entry.

use crate::entry::{Entry, Ruled};
use crate::id::Area;
use crate::money::{Fen, Sum};
use crate::table::{Key, ObligationRecord, UsageRecord, Use};
use crate::view::View;

/// Something was paid: the payer's area owes the payee's, this month. Nothing passes from one to itself
/// (domain.md 5, invariant 13).
pub(crate) fn charge<V: View>(
    entry: &mut Entry<'_, V>,
    payer: Area,
    payee: Area,
    usage: Use,
    amount: Fen,
) -> Ruled<V, ()> {
    post(entry, payer, payee, usage, amount, Side::Charged)
}

/// Something was given back: in the month of the refund, whenever it had been paid (domain.md 4, 8).
pub(crate) fn refund<V: View>(
    entry: &mut Entry<'_, V>,
    payer: Area,
    payee: Area,
    usage: Use,
    amount: Fen,
) -> Ruled<V, ()> {
    post(entry, payer, payee, usage, amount, Side::Refunded)
}

impl Use {
    /// Every use, in the order of keys.
    pub const ALL: [Use; 5] =
        [Use::Institution, Use::Pharmacy, Use::ResidentPremium, Use::CarePremium, Use::Other];
}

impl ObligationRecord {
    /// What is owed in the end; below zero, the payee owes the payer.
    pub fn net(&self) -> i128 {
        difference(self.charged, self.refunded)
    }
}

impl UsageRecord {
    /// What of the month is owed to other provinces so far; below zero, they owe this one.
    pub fn net(&self) -> i128 {
        difference(self.charged, self.refunded)
    }
}

fn difference(charged: Sum, refunded: Sum) -> i128 {
    charged.get() as i128 - refunded.get() as i128 // i128 holds the largest amount 10^22 times
}

#[derive(Clone, Copy)]
enum Side {
    Charged,
    Refunded,
}

fn post<V: View>(
    entry: &mut Entry<'_, V>,
    payer: Area,
    payee: Area,
    usage: Use,
    amount: Fen,
    side: Side,
) -> Ruled<V, ()> {
    if payer == payee || amount.is_zero() {
        return Ok(());
    }
    let month = entry.month;
    let record = entry.edit_at::<ObligationRecord>(Key::Obligation { month, payer, payee, usage })?;
    let sum = match side {
        Side::Charged => &mut record.charged,
        Side::Refunded => &mut record.refunded,
    };
    *sum = sum.plus(amount);
    let province = payer.province();
    if province == payee.province() {
        return Ok(());
    }
    let record = entry.edit_at::<UsageRecord>(Key::Usage { month, province })?;
    let sum = match side {
        Side::Charged => &mut record.charged,
        Side::Refunded => &mut record.refunded,
    };
    *sum = sum.plus(amount);
    Ok(())
}
