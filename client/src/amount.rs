//! Amounts of money.

use rust_decimal::Decimal;
use std::fmt;
use std::str::FromStr;

/// An amount in yuan: whole fen inside, two digits behind the point outside ("98.60").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Yuan(u64);

/// What is wrong with a text or number that should be an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an amount in yuan with two decimals, from 0.00 to 99999999999999.99")]
pub struct NotYuan;

impl Yuan {
    /// Nothing.
    pub const ZERO: Yuan = Yuan(0);
    /// The largest single amount.
    pub const MAX: Yuan = Yuan(9_999_999_999_999_999);

    /// So many fen; none above [`Yuan::MAX`].
    pub const fn from_fen(fen: u64) -> Option<Yuan> {
        if fen <= Yuan::MAX.0 { Some(Yuan(fen)) } else { None }
    }

    /// The amount in fen.
    pub const fn fen(self) -> u64 {
        self.0
    }

    /// The sum; none above [`Yuan::MAX`].
    pub const fn checked_add(self, other: Yuan) -> Option<Yuan> {
        Yuan::from_fen(self.0 + other.0) // both are far below half of 2^64
    }

    /// The difference; none below zero.
    pub const fn checked_sub(self, other: Yuan) -> Option<Yuan> {
        match self.0.checked_sub(other.0) {
            Some(fen) => Some(Yuan(fen)),
            None => None,
        }
    }
}

impl fmt::Display for Yuan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}.{:02}", self.0 / 100, self.0 % 100))
    }
}

impl FromStr for Yuan {
    type Err = NotYuan;

    fn from_str(text: &str) -> Result<Yuan, NotYuan> {
        let (whole, decimals) = text.split_once('.').ok_or(NotYuan)?;
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let spare = whole.len() > 1 && whole.starts_with('0');
        if !digits(whole) || !digits(decimals) || decimals.len() != 2 || whole.len() > 14 || spare {
            return Err(NotYuan);
        }
        let number = |part: &str| part.parse::<u64>().map_err(|_| NotYuan);
        Yuan::from_fen(number(whole)? * 100 + number(decimals)?).ok_or(NotYuan)
    }
}

impl From<Yuan> for Decimal {
    fn from(amount: Yuan) -> Decimal {
        Decimal::from_i128_with_scale(i128::from(amount.0), 2)
    }
}

impl TryFrom<Decimal> for Yuan {
    type Error = NotYuan;

    /// Whole fen only: nothing is rounded.
    fn try_from(amount: Decimal) -> Result<Yuan, NotYuan> {
        let fen = amount.checked_mul(Decimal::ONE_HUNDRED).ok_or(NotYuan)?;
        if !fen.fract().is_zero() {
            return Err(NotYuan);
        }
        u64::try_from(fen).ok().and_then(Yuan::from_fen).ok_or(NotYuan)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_has_one_way_to_be_written() {
        for text in ["0.00", "0.05", "98.60", "1000.00", "99999999999999.99"] {
            assert_eq!(text.parse::<Yuan>().map(|amount| amount.to_string()).as_deref(), Ok(text));
        }
        let bad =
            ["", ".", "1", "1.", ".50", "1.2", "1.234", "-1.00", "+1.00", "01.00", " 1.00", "1,00", "1e2.00"];
        for text in bad.into_iter().chain(["100000000000000.00"]) {
            assert_eq!(text.parse::<Yuan>(), Err(NotYuan), "{text:?}");
        }
    }

    #[test]
    fn amounts_are_checked() {
        assert_eq!(Yuan::MAX.checked_add(Yuan(1)), None);
        assert_eq!(Yuan(1).checked_sub(Yuan(2)), None);
        assert_eq!(Yuan(9860).checked_add(Yuan(140)), Yuan::from_fen(10_000));
        assert_eq!(format!("[{:>8}]", Yuan(9860)), "[   98.60]");
    }

    #[test]
    fn decimals_are_never_rounded() {
        let decimal = |text: &str| text.parse::<Decimal>().expect("a number");
        assert_eq!(Yuan::try_from(decimal("98.6")), Ok(Yuan(9860)));
        assert_eq!(Yuan::try_from(decimal("98.601")), Err(NotYuan));
        assert_eq!(Yuan::try_from(decimal("-1")), Err(NotYuan));
        assert_eq!(Decimal::from(Yuan(9860)), decimal("98.60"));
    }
}
