//! Working days: Monday to Friday, but for the holidays and extra working days that the nation publishes.

use crate::apply::done;
use crate::decision::{Event, Refusal};
use crate::entry::{Entry, Ruled, ensure};
use crate::limits::{CALENDAR_DAYS_MAX, WORKING_DAY_SEARCH_DAYS};
use crate::stamp::Day;
use crate::table::{CalendarRecord, Key};
use crate::view::View;

impl CalendarRecord {
    /// Whether a day of this year is worked.
    pub fn is_worked(&self, day: Day) -> bool {
        if day.is_weekend() {
            self.workdays.binary_search(&day).is_ok()
        } else {
            self.holidays.binary_search(&day).is_err()
        }
    }
}

/// Sets a year's calendar, whole. Days up to today stay as they were: a last day that has been told may hang on them.
pub(crate) fn set<V: View>(
    entry: &mut Entry<'_, V>,
    year: u16,
    holidays: &[Day],
    workdays: &[Day],
) -> Ruled<V> {
    let key = Key::Calendar { year };
    let found = entry.find::<CalendarRecord>(&key)?;
    let present = found.as_deref().cloned().unwrap_or_default();
    let today = entry.now.day();
    let stay =
        same_until(today, &present.holidays, holidays) && same_until(today, &present.workdays, workdays);
    ensure(stay, Refusal::EffectiveInPast)?;
    let valid = are_ascending_days_of(year, holidays)
        && are_ascending_days_of(year, workdays)
        && holidays.iter().all(|day| !day.is_weekend())
        && workdays.iter().all(|day| day.is_weekend());
    ensure(valid, Refusal::CalendarInvalid)?;

    // From here on the setting must succeed.
    entry.draft.put(key, CalendarRecord { holidays: holidays.to_vec(), workdays: workdays.to_vec() });
    done::<V>(Event::CalendarSet { year })
}

/// The n-th working day after this one; the first is the next working day (domain.md 4, 30). It is looked for over
/// [`WORKING_DAY_SEARCH_DAYS`] days at most: should a calendar have too few working days, the last of these days stands.
pub(crate) fn working_day_after<V: View>(entry: &Entry<'_, V>, day: Day, n: u8) -> Ruled<V, Day> {
    let (mut at, mut left) = (day, n);
    let mut calendar = None; // of the year at hand: at most three are read
    for _ in 0..WORKING_DAY_SEARCH_DAYS {
        if left == 0 {
            break;
        }
        at = at.next();
        let (year, _, _) = at.civil();
        let record = match calendar.take() {
            Some((of, record)) if of == year => record,
            Some(_) | None => entry.find::<CalendarRecord>(&Key::Calendar { year })?,
        };
        let worked = record.as_ref().map_or(!at.is_weekend(), |record| record.is_worked(at));
        left -= u8::from(worked);
        calendar = Some((year, record));
    }
    Ok(at)
}

fn same_until(today: Day, present: &[Day], wanted: &[Day]) -> bool {
    let present = present.iter().filter(|day| **day <= today);
    present.eq(wanted.iter().filter(|day| **day <= today))
}

fn are_ascending_days_of(year: u16, days: &[Day]) -> bool {
    days.len() <= CALENDAR_DAYS_MAX
        && days.is_sorted_by(|one, next| one < next)
        && days.iter().all(|day| *day <= Day::MAX && day.civil().0 == year)
}
