//! Time: days, months and moments in +08:00, from the first day to the last.

use ledger::stamp::{DAY_MS, HOUR_MS, MINUTE_MS};
use ledger::{Day, Month, Stamp};

/// Days of a month, told by the rule of leap years alone.
fn days_in(year: u16, month: u8) -> u8 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 31,
    }
}

fn day(year: u16, month: u8, date: u8) -> Day {
    Day::new(year, month, date).unwrap_or_else(|| panic!("{year}-{month}-{date} is a day"))
}

/// A moment of a day, by the clock in +08:00.
fn at(day: Day, hour: u64, minute: u64) -> Stamp {
    Stamp(day.start().0 + hour * HOUR_MS + minute * MINUTE_MS)
}

#[test]
fn every_day_from_first_to_last() {
    let mut expected = Day(0);
    for year in 1970..=9_999 {
        for month in 1..=12 {
            let last = days_in(year, month);
            for date in 1..=last {
                assert_eq!(Day::new(year, month, date), Some(expected), "{year}-{month}-{date}");
                assert_eq!(expected.civil(), (year, month, date));
                assert_eq!(expected.month(), Month { year, month });
                assert_eq!(
                    expected.is_weekend(),
                    matches!(expected.0 % 7, 2 | 3),
                    "1970-01-01 was a Thursday"
                );
                expected = expected.next();
            }
            for date in [0, last + 1, 32, 255] {
                assert_eq!(Day::new(year, month, date), None, "{year}-{month}-{date} is no day");
            }
        }
    }
    assert_eq!(expected, Day::MAX.next());
}

#[test]
fn days_that_there_are_not() {
    for (year, month, date) in [
        (1969, 12, 31),
        (10_000, 1, 1),
        (0, 1, 1),
        (u16::MAX, 1, 1),
        (2026, 0, 1),
        (2026, 13, 1),
        (1900, 2, 29),
    ] {
        assert_eq!(Day::new(year, month, date), None, "{year}-{month}-{date}");
    }
    assert_eq!(Day(u32::MAX).civil(), (9_999, 12, 31), "later days stand for the last one");
    assert_eq!(Day(u32::MAX).next(), Day(u32::MAX));
}

#[test]
fn weekends() {
    assert!(!day(2026, 1, 9).is_weekend(), "a Friday");
    assert!(day(2026, 1, 10).is_weekend(), "a Saturday");
    assert!(day(2026, 1, 11).is_weekend(), "a Sunday");
    assert!(!day(2026, 1, 12).is_weekend(), "a Monday");
}

#[test]
fn a_day_begins_at_midnight_in_its_zone() {
    // 2026-01-01 00:00 +08:00 is 2025-12-31 16:00 UTC.
    let start = Stamp(1_767_196_800_000);
    assert_eq!(day(2026, 1, 1).start(), start);
    assert_eq!(start.day(), day(2026, 1, 1));
    assert_eq!(Stamp(start.0 - 1).day(), day(2025, 12, 31));
    assert_eq!((start.minute(), Stamp(start.0 - 1).minute()), (0, 1_439));
    assert_eq!(Stamp(start.0 + MINUTE_MS - 1).minute(), 0);
    assert_eq!(Stamp(start.0 + MINUTE_MS).minute(), 1);
    assert_eq!(start.month(), Month { year: 2026, month: 1 });
    assert_eq!(Stamp(start.0 - 1).month(), Month { year: 2025, month: 12 });
}

#[test]
fn the_first_moment_and_the_last() {
    // The ledger's zero is eight o'clock of the first day.
    assert_eq!((Stamp(0).day(), Stamp(0).minute()), (Day(0), 480));
    assert_eq!(Day(0).start(), Stamp(0), "nothing is before zero");
    assert_eq!(Stamp(16 * HOUR_MS - 1).day(), Day(0));
    assert_eq!(Stamp(16 * HOUR_MS).day(), Day(1));
    assert_eq!(Stamp(0).next_at_minute(600), Stamp(2 * HOUR_MS));
    assert_eq!(Stamp(0).next_at_minute(480), Stamp(DAY_MS), "after this moment, not at it");
    assert_eq!(Stamp(0).next_at_minute(360), Stamp(22 * HOUR_MS));
    assert_eq!(Stamp(0).years_on(1), Stamp(365 * DAY_MS));

    let end = Stamp(Day::MAX.start().0 + DAY_MS - 1);
    assert_eq!((end.day(), end.minute()), (Day::MAX, 1_439));
    for beyond in [end.plus_ms(1), Stamp(u64::MAX)] {
        assert_eq!(beyond.day(), Day::MAX);
        assert_eq!(beyond.month(), Month { year: 9_999, month: 12 });
        assert!(beyond.minute() < 1_440);
        let _ = (beyond.next_at_minute(360), beyond.years_on(1), beyond.years_on(u16::MAX));
    }
    assert_eq!(Stamp(u64::MAX).plus_ms(1), Stamp(u64::MAX));
}

#[test]
fn the_next_six_o_clock() {
    let (today, tomorrow) = (day(2026, 3, 31), day(2026, 4, 1));
    for (from, next) in [
        (at(today, 0, 0), at(today, 6, 0)),
        (Stamp(at(today, 6, 0).0 - 1), at(today, 6, 0)),
        (at(today, 6, 0), at(tomorrow, 6, 0)),
        (at(today, 23, 59), at(tomorrow, 6, 0)),
    ] {
        assert_eq!(from.next_at_minute(360), next);
    }
    assert_eq!(at(today, 0, 0).next_at_minute(0), at(tomorrow, 0, 0));
    assert_eq!(at(today, 23, 58).next_at_minute(1_439), at(today, 23, 59));
}

#[test]
fn the_same_date_years_on() {
    for (from, years, on) in [
        (day(2025, 6, 1), 1, day(2026, 6, 1)),
        (day(2024, 2, 28), 1, day(2025, 2, 28)),
        (day(2024, 2, 29), 1, day(2025, 3, 1)),
        (day(2024, 2, 29), 4, day(2028, 2, 29)),
        (day(2023, 3, 1), 1, day(2024, 3, 1)),
        (day(2023, 12, 31), 1, day(2024, 12, 31)),
        (day(2026, 5, 5), 0, day(2026, 5, 5)),
        (day(9_998, 12, 31), 1, Day::MAX),
    ] {
        for (hour, minute) in [(0, 0), (7, 59), (8, 0), (23, 59)] {
            assert_eq!(at(from, hour, minute).years_on(years), at(on, hour, minute), "{from:?}");
        }
    }
}

#[test]
fn months() {
    let month = |year, month| Month { year, month };
    assert_eq!(Month::new(2026, 0), None);
    assert_eq!(Month::new(2026, 13), None);
    assert_eq!(Month::new(2026, 12), Some(month(2026, 12)));
    assert_eq!(month(2026, 12).next(), month(2027, 1));
    assert_eq!(month(2026, 1).next(), month(2026, 2));
    assert_eq!(month(2026, 1).previous(), month(2025, 12));
    assert_eq!(month(2026, 12).previous(), month(2026, 11));
    assert_eq!(month(0, 1).previous(), month(0, 12), "no year before 0");
    assert_eq!(month(u16::MAX, 12).next(), month(u16::MAX, 1), "no year after the last");
    let mut at = month(1970, 1);
    while at != month(9_999, 12) {
        assert_eq!(at.start(), day(at.year, at.month, 1).start());
        assert_eq!(at.start().month(), at);
        assert_eq!(at.next().previous(), at);
        let last = Day(day(at.year, at.month, 1).0 + u32::from(days_in(at.year, at.month)));
        assert_eq!(at.next().start(), last.start());
        at = at.next();
    }
    // A month that a caller names may be any: its first moment is never a fault.
    for early in [month(0, 1), month(0, 12), month(1, 3), month(1969, 12)] {
        assert_eq!(early.start(), Stamp(0), "{early:?}");
    }
    assert!(month(u16::MAX, 12).start() > month(9_999, 12).start());
}
