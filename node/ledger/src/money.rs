//! Money: whole fen, checked.

use serde::{Deserialize, Serialize};

/// An amount of money in fen (1/100 yuan). Never negative, never above [`Fen::MAX`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Fen(u64);

impl Fen {
    /// Nothing.
    pub const ZERO: Fen = Fen(0);
    /// The largest single amount: numeric(16,2) of the national interface (domain.md 4, 32).
    pub const MAX: Fen = Fen(9_999_999_999_999_999);

    /// An amount, if it is within [`Fen::MAX`].
    pub const fn new(fen: u64) -> Option<Fen> {
        if fen <= Self::MAX.0 { Some(Fen(fen)) } else { None }
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
