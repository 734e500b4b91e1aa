//! A province's prepayment fund (预付金): advanced to payees at close, refilled by payments (domain.md 5b, 16).

use crate::apply::done;
use crate::command::Policy;
use crate::decision::{Event, Refusal};
use crate::entry::{Entry, Ruled, ensure};
use crate::id::Province;
use crate::money::{Fen, Sum};
use crate::table::{Key, PrepaymentRecord, ProvinceRecord};
use crate::view::View;

/// How much of its fund a province's clearing uses, against the marks of the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Below the yellow mark, or there is no fund.
    Normal,
    /// From the yellow mark on.
    Yellow,
    /// From the red mark on.
    Red,
}

impl Policy {
    /// The level of a usage in percent.
    pub fn level(&self, percent: u64) -> Level {
        if percent >= u64::from(self.red_percent) {
            Level::Red
        } else if percent >= u64::from(self.yellow_percent) {
            Level::Yellow
        } else {
            Level::Normal
        }
    }
}

impl PrepaymentRecord {
    /// What is owed to others, in percent of the size, rounded down; none without a fund.
    pub fn percent(&self, owed: Sum) -> Option<u64> {
        let percent = owed.get().saturating_mul(100).checked_div(u128::from(self.size.get()))?;
        Some(u64::try_from(percent).unwrap_or(u64::MAX))
    }

    /// What the fund and its advances come to.
    fn whole(&self) -> Sum {
        self.drawn.plus(self.balance)
    }

    /// Advances what is owed, as far as the balance reaches.
    pub(crate) fn advance(&mut self, owed: Sum) -> Fen {
        let amount = within(self.balance, owed);
        self.balance = self.balance.checked_sub(amount).expect("within the balance");
        self.drawn = self.drawn.plus(amount);
        amount
    }

    /// Takes back, of a payment, what had been advanced.
    pub(crate) fn refill(&mut self, amount: Fen) {
        self.drawn = self.drawn.less(Sum::ZERO.plus(amount));
        self.balance = self.balance.checked_add(amount).expect("no more than was paid in");
    }
}

/// The smaller of an amount and a sum.
pub(crate) fn within(amount: Fen, sum: Sum) -> Fen {
    let sum = u64::try_from(sum.get()).ok().and_then(Fen::new);
    sum.map_or(amount, |sum| sum.min(amount))
}

/// The province pays in.
pub(crate) fn fund<V: View>(entry: &mut Entry<'_, V>, province: Province, amount: Fen) -> Ruled<V> {
    ensure(entry.find::<ProvinceRecord>(&Key::Province { province })?.is_some(), Refusal::ProvinceUnknown)?;
    let key = Key::Prepayment { province };
    let record = entry.find::<PrepaymentRecord>(&key)?.filter(|record| !record.size.is_zero());
    let record = record.ok_or(Refusal::FundExceeded)?;
    let whole = record.whole().plus(amount);
    ensure(whole <= Sum::ZERO.plus(record.size), Refusal::FundExceeded)?;
    ensure(!amount.is_zero(), Refusal::AmountZero)?;

    // From here on the payment must succeed.
    let record = entry.draft.edit(key, record);
    record.balance = record.balance.checked_add(amount).expect("within the size");
    record.funded = record.funded.plus(amount);
    let balance = record.balance;
    done::<V>(Event::PrepaymentFunded { province, amount, balance })
}

/// The agreed size is set; what is in the fund above it goes back. What is advanced at that time is not in it: when payments
/// bring back more than the size, that stays until the size is agreed again.
pub(crate) fn adjust<V: View>(entry: &mut Entry<'_, V>, province: Province, size: Fen) -> Ruled<V> {
    ensure(entry.find::<ProvinceRecord>(&Key::Province { province })?.is_some(), Refusal::ProvinceUnknown)?;
    let key = Key::Prepayment { province };
    let found = entry.find::<PrepaymentRecord>(&key)?;

    // From here on the adjustment must succeed.
    let record = entry.draft.edit_or_default(key, found);
    let above = record.whole().less(Sum::ZERO.plus(size));
    let returned = within(record.balance, above);
    record.size = size;
    record.balance = record.balance.checked_sub(returned).expect("within the balance");
    record.returned = record.returned.plus(returned);
    done::<V>(Event::PrepaymentAdjusted { province, size, returned })
}
