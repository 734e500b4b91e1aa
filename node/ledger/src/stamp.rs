//! Ledger time: the leader's stamp on an entry, clamped so that it never runs backwards.

use serde::{Deserialize, Serialize};

/// A moment of ledger time: milliseconds since 1970-01-01 00:00 UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Stamp(pub u64);

/// One hour, in milliseconds.
pub const HOUR_MS: u64 = 3_600_000;
/// One day, in milliseconds.
pub const DAY_MS: u64 = 24 * HOUR_MS;
/// The one time zone of the scheme: +08:00, without daylight saving.
const ZONE_MS: u64 = 8 * HOUR_MS;

impl Stamp {
    /// The moment `ms` milliseconds later (saturating: the end of time stays the end of time).
    pub const fn plus_ms(self, ms: u64) -> Stamp {
        Stamp(self.0.saturating_add(ms))
    }

    /// The calendar month of this moment in +08:00.
    pub const fn month(self) -> Month {
        let days = (self.0.saturating_add(ZONE_MS) / DAY_MS) as i64;
        let (year, month) = civil_year_month(days);
        Month { year, month }
    }
}

/// A calendar month in +08:00, the period of clearing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Parts")]
pub struct Month {
    /// The year, for example 2026.
    pub year: u16,
    /// The month, 1 to 12.
    pub month: u8,
}

impl Month {
    /// The month, if there is one of this number.
    pub const fn new(year: u16, month: u8) -> Option<Month> {
        if month >= 1 && month <= 12 { Some(Month { year, month }) } else { None }
    }
}

/// A month as it is read, before it is known to be one.
#[derive(Deserialize)]
struct Parts {
    year: u16,
    month: u8,
}

impl TryFrom<Parts> for Month {
    type Error = &'static str;

    fn try_from(Parts { year, month }: Parts) -> Result<Month, &'static str> {
        Month::new(year, month).ok_or("not a month of the year")
    }
}

/// Year and month of a day counted from 1970-01-01, by the proleptic Gregorian calendar
/// (years counted in 400-year eras that start on 1 March).
const fn civil_year_month(days: i64) -> (u16, u8) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    // A stamp far in the future would not fit: the last year that can be written stands for it.
    let year = if year > 9_999 { 9_999 } else { year };
    (year as u16, month as u8)
}
