//! Money: whole fen, checked.

use serde::{Deserialize, Serialize};

/// An amount of money in fen (1/100 yuan). Never negative, never above [`Fen::MAX`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u64")]
pub struct Fen(u64);

impl TryFrom<u64> for Fen {
    type Error = &'static str;

    /// Bytes that name a larger amount than [`Fen::MAX`] do not decode.
    fn try_from(fen: u64) -> Result<Fen, &'static str> {
        Fen::new(fen).ok_or("an amount above the largest one")
    }
}

impl Fen {
    /// Nothing.
    pub const ZERO: Fen = Fen(0);
    /// The largest single amount: numeric(16,2) of the national interface (domain.md 4, 32).
    pub const MAX: Fen = Fen(9_999_999_999_999_999);

    /// An amount, if it is within [`Fen::MAX`].
    pub const fn new(fen: u64) -> Option<Fen> {
        if fen <= Self::MAX.0 { Some(Fen(fen)) } else { None }
    }

    /// So many yuan.
    pub(crate) const fn whole_yuan(yuan: u32) -> Fen {
        Fen(yuan as u64 * 100)
    }

    /// The amount as a plain number of fen.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// True for zero.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The sum, unless it passes [`Fen::MAX`].
    pub const fn checked_add(self, other: Fen) -> Option<Fen> {
        match self.0.checked_add(other.0) {
            Some(sum) => Fen::new(sum),
            None => None,
        }
    }

    /// The difference, unless it would be negative.
    pub const fn checked_sub(self, other: Fen) -> Option<Fen> {
        match self.0.checked_sub(other.0) {
            Some(rest) => Some(Fen(rest)),
            None => None,
        }
    }

    /// The smaller of two amounts.
    pub fn min(self, other: Fen) -> Fen {
        Ord::min(self, other)
    }
}

/// A sum of many amounts, in fen. Wider than [`Fen`]: what is booked gross for a month may pass the
/// largest single amount many times over, and a settlement is never refused for that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Sum(u128);

impl Sum {
    /// Nothing.
    pub const ZERO: Sum = Sum(0);

    /// The sum as a plain number of fen.
    pub const fn get(self) -> u128 {
        self.0
    }

    /// The sum of so many fen.
    pub const fn new(fen: u128) -> Sum {
        Sum(fen)
    }

    /// The sum of two.
    pub const fn and(self, other: Sum) -> Sum {
        Sum(self.0 + other.0)
    }

    /// What is left of the sum without the other; nothing if that is larger.
    pub const fn less(self, other: Sum) -> Sum {
        Sum(self.0.saturating_sub(other.0))
    }

    /// The sum with one more amount in it.
    pub const fn plus(self, amount: Fen) -> Sum {
        Sum(self.0 + amount.0 as u128) // 2^128 holds the largest amount 10^22 times
    }
}
