//! Moments, days, months and years.

use super::{Problem, digits};
use ledger::{Day, Month, Stamp};

/// The last second of the year 9999, the last that a timestamp can be written in.
const SECONDS_MAX: u64 = 253_402_300_799;

/// Reads a year of a premium, a tariff or a calendar.
pub fn year(number: u32) -> Result<u16, Problem> {
    let year = u16::try_from(number).ok().filter(|year| (2_000..=9_999).contains(year));
    year.ok_or("is not a year from 2000 to 9999")
}

/// Reads a month: "2026-10".
pub fn month(text: &str) -> Result<Month, Problem> {
    const FORM: Problem = "is not a month, such as \"2026-10\"";
    if text.is_empty() {
        return Err("is empty");
    }
    let (year, month) = text.split_once('-').ok_or(FORM)?;
    let (year, month) = (digits(year, 4, FORM)?, digits(month, 2, FORM)?);
    let (year, month) = (u16::try_from(year).map_err(|_| FORM)?, u8::try_from(month).map_err(|_| FORM)?);
    Month::new(year, month).ok_or("is not a month: there are twelve in a year")
}

/// Writes a month.
pub fn of_month(month: Month) -> String {
    format!("{:04}-{:02}", month.year, month.month)
}

/// Reads a moment; what is finer than a millisecond is dropped.
pub fn stamp(seconds: i64, nanos: i32) -> Result<Stamp, Problem> {
    let seconds = u64::try_from(seconds).map_err(|_| "lies before 1970")?;
    if seconds > SECONDS_MAX {
        return Err("lies after the year 9999");
    }
    match u32::try_from(nanos) {
        Ok(nanos) if nanos < 1_000_000_000 => Ok(Stamp(seconds * 1000 + u64::from(nanos / 1_000_000))),
        _ => Err("has nanoseconds outside 0 to 999999999"),
    }
}

/// A moment as seconds and nanoseconds. One after the year 9999 cannot be written: the last that can stands for it.
pub fn of_stamp(stamp: Stamp) -> (i64, i32) {
    let ms = stamp.0.min(SECONDS_MAX * 1000 + 999);
    ((ms / 1000) as i64, (ms % 1000) as i32 * 1_000_000)
}

/// Reads a day: "2026-10-03".
pub fn day(text: &str) -> Result<Day, Problem> {
    const FORM: Problem = "is not a day, such as \"2026-10-03\"";
    if text.is_empty() {
        return Err("is empty");
    }
    let (year, rest) = text.split_once('-').ok_or(FORM)?;
    let (month, date) = rest.split_once('-').ok_or(FORM)?;
    let (year, month, date) = (digits(year, 4, FORM)?, digits(month, 2, FORM)?, digits(date, 2, FORM)?);
    let (month, date) = (u8::try_from(month).map_err(|_| FORM)?, u8::try_from(date).map_err(|_| FORM)?);
    Day::new(u16::try_from(year).map_err(|_| FORM)?, month, date)
        .ok_or("is not a day of the calendar since 1970")
}

/// Writes a day.
pub fn of_day(day: Day) -> String {
    let (year, month, date) = day.civil();
    format!("{year:04}-{month:02}-{date:02}")
}
