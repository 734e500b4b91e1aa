//! Ledger time: the leader's stamp on an entry, clamped so that it never runs backwards.

use serde::{Deserialize, Serialize};

/// A moment of ledger time: milliseconds since 1970-01-01 00:00 UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Stamp(pub u64);

/// One minute, in milliseconds.
pub const MINUTE_MS: u64 = 60_000;
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
        self.day().month()
    }

    /// The calendar day of this moment in +08:00.
    pub const fn day(self) -> Day {
        let days = self.0.saturating_add(ZONE_MS) / DAY_MS;
        if days > Day::MAX.0 as u64 { Day::MAX } else { Day(days as u32) }
    }

    /// The minute of its day, 0 to 1439, in +08:00.
    pub const fn minute(self) -> u16 {
        (self.0.saturating_add(ZONE_MS) % DAY_MS / MINUTE_MS) as u16
    }

    /// The first moment after this one at which a day (+08:00) is that many minutes old.
    pub const fn next_at_minute(self, minute: u16) -> Stamp {
        let today = self.day().at_ms(minute as u64 * MINUTE_MS);
        if today.0 > self.0 { today } else { self.day().next().at_ms(minute as u64 * MINUTE_MS) }
    }

    /// The same moment so many calendar years on; 29 February becomes 1 March.
    pub const fn years_on(self, years: u16) -> Stamp {
        let day = self.day();
        let (year, month, date) = day.civil();
        let start = Day::first_of(year.saturating_add(years), month).0;
        let passed = self.0.saturating_add(ZONE_MS) - day.0 as u64 * DAY_MS;
        Day(start + date as u32 - 1).at_ms(passed)
    }
}

/// A calendar day in +08:00, counted from 1970-01-01.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Day(pub u32);

impl Day {
    /// 9999-12-31, the last day that can be written; later ones stand for it.
    pub const MAX: Day = Day(2_932_896);

    /// The day of this date, if there is one.
    pub const fn new(year: u16, month: u8, date: u8) -> Option<Day> {
        if year < 1970 || year > 9_999 || month < 1 || month > 12 || date < 1 || date > 31 {
            return None;
        }
        let day = Day(Day::first_of(year, month).0 + date as u32 - 1);
        let (_, same_month, _) = day.civil();
        if same_month == month { Some(day) } else { None }
    }

    /// The first day of a month. Years are counted from 1 March in 400-year eras.
    const fn first_of(year: u16, month: u8) -> Day {
        let (year, shifted) =
            if month > 2 { (year as u32, month as u32 - 3) } else { (year as u32 - 1, month as u32 + 9) };
        let (era, year_of_era) = (year / 400, year % 400);
        let day_of_year = (153 * shifted + 2) / 5;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        Day(era * 146_097 + day_of_era - 719_468)
    }

    /// Its first moment.
    pub const fn start(self) -> Stamp {
        self.at_ms(0)
    }

    /// The moment at which it is so many milliseconds old; zero for those before it.
    const fn at_ms(self, ms: u64) -> Stamp {
        Stamp((self.0 as u64 * DAY_MS).saturating_add(ms).saturating_sub(ZONE_MS))
    }

    /// The day after.
    pub const fn next(self) -> Day {
        Day(self.0.saturating_add(1))
    }

    /// Its calendar month.
    pub const fn month(self) -> Month {
        let (year, month, _) = self.civil();
        Month { year, month }
    }

    /// Its year, month and date, by the proleptic Gregorian calendar.
    pub const fn civil(self) -> (u16, u8, u8) {
        let (year, month, date) = civil(if self.0 > Day::MAX.0 { Day::MAX.0 } else { self.0 });
        (year, month, date)
    }

    /// True on Saturdays and Sundays.
    pub const fn is_weekend(self) -> bool {
        (self.0 + 3) % 7 >= 5 // 1970-01-01 was a Thursday
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

    /// The month after.
    pub const fn next(self) -> Month {
        match self.month {
            12 => Month { year: self.year.saturating_add(1), month: 1 },
            month => Month { year: self.year, month: month + 1 },
        }
    }

    /// The month before.
    pub const fn previous(self) -> Month {
        match self.month {
            1 => Month { year: self.year.saturating_sub(1), month: 12 },
            month => Month { year: self.year, month: month - 1 },
        }
    }

    /// Its first moment; zero for one before 1970.
    pub const fn start(self) -> Stamp {
        if self.year < 1970 {
            return Stamp(0);
        }
        Day::first_of(self.year, self.month).start()
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

/// Year, month and date of a day counted from 1970-01-01 (years counted in 400-year eras that start on 1 March).
const fn civil(days: u32) -> (u16, u8, u8) {
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let date = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year as u16, month as u8, date as u8)
}
