//! The cluster's own pulse: what has run out is swept, and what is done in steps goes on, a bounded number at a time.

use crate::decision::Event;
use crate::entry::{Entry, Ruled, Stop};
use crate::id::RequestId;
use crate::key::Part;
use crate::limits::{
    CASES_PER_TICK, HELD_LEGS_PER_TICK, HOLDS_PER_TICK, OFFERS_PER_TICK, PROPOSALS_PER_TICK, QUOTAS_PER_TICK,
    RELEASES_PER_STEP, REQUESTS_PER_TICK,
};
use crate::stamp::Stamp;
use crate::table::{
    HoldRecord, Key, LedgerRecord, PeriodRecord, PolicyRecord, Record, ReleasingRecord, Table,
};
use crate::view::View;
use crate::{hold, offer, period, quota, relation, release, transfer};
use alloc::vec::Vec;

/// Forgets request ids that are expired, oldest first; then sweeps proposals, quotas, offers and holds that have run out,
/// reports steps that are overdue, releases what is left to be released, and goes on closing a month. Nobody's rights
/// hang on when it comes: what has run out is so by its time alone.
///
/// It refuses nothing, so it reads while it writes.
pub(crate) fn tick<V: View>(entry: &mut Entry<'_, V>) -> Ruled<V> {
    let mut events = Vec::new();
    let forgotten = requests(entry)?;
    proposals(entry, &mut events)?;
    quotas(entry, &mut events)?;
    offers(entry, &mut events)?;
    holds(entry, &mut events)?;
    cases(entry, &mut events)?;
    releases(entry, &mut events)?;
    period::step(entry, &mut events)?;
    events.push(Event::Ticked { forgotten });
    Ok(events)
}

fn requests<V: View>(entry: &mut Entry<'_, V>) -> Ruled<V, u32> {
    let edge = entry.ledger().forgotten_before_ms;
    let old = first(entry, &requests_before(edge), REQUESTS_PER_TICK)?;
    let forgotten = old.len() as u32; // at most REQUESTS_PER_TICK
    for key in old {
        entry.draft.remove(key);
    }
    Ok(forgotten)
}

fn proposals<V: View>(entry: &mut Entry<'_, V>, events: &mut Vec<Event>) -> Ruled<V, ()> {
    for key in first(entry, &proposals_behind(entry.now), PROPOSALS_PER_TICK)? {
        let Key::Lapsing { relation, .. } = key else { continue };
        let record = relation::named(entry, relation)?;
        relation::lapse(entry, relation, record);
        events.push(Event::ProposalLapsed { relation });
    }
    Ok(())
}

fn quotas<V: View>(entry: &mut Entry<'_, V>, events: &mut Vec<Event>) -> Ruled<V, ()> {
    for key in first(entry, &quotas_behind(entry.now), QUOTAS_PER_TICK)? {
        let Key::Expiring { relation, .. } = key else { continue };
        quota::expire(entry, relation, events)?;
    }
    Ok(())
}

fn offers<V: View>(entry: &mut Entry<'_, V>, events: &mut Vec<Event>) -> Ruled<V, ()> {
    for key in first(entry, &offers_behind(entry.now), OFFERS_PER_TICK)? {
        let Key::Returning { offer, .. } = key else { continue };
        offer::give_back(entry, offer, events)?;
    }
    Ok(())
}

/// A hold may have as many legs as a beneficiary has donors, so legs are counted, too.
fn holds<V: View>(entry: &mut Entry<'_, V>, events: &mut Vec<Event>) -> Ruled<V, ()> {
    let mut legs = 0;
    for key in first(entry, &holds_behind(entry.now), HOLDS_PER_TICK)? {
        let Key::Resolving { hold, .. } = key else { continue };
        if legs >= HELD_LEGS_PER_TICK {
            break;
        }
        legs += entry.find::<HoldRecord>(&Key::Hold { hold })?.map_or(0, |record| record.legs.len());
        hold::time_out(entry, hold, events)?;
    }
    Ok(())
}

fn cases<V: View>(entry: &mut Entry<'_, V>, events: &mut Vec<Event>) -> Ruled<V, ()> {
    for key in first(entry, &cases_behind(entry.now), CASES_PER_TICK)? {
        let Key::Due { at, case } = key else { continue };
        transfer::overdue(entry, at, case, events)?;
    }
    Ok(())
}

/// One step, if it is a whole one; else steps of several persons, the last of which may pass the number.
fn releases<V: View>(entry: &mut Entry<'_, V>, events: &mut Vec<Event>) -> Ruled<V, ()> {
    let last = Table::Releasing.last();
    let mut under_way = first(entry, &last, RELEASES_PER_STEP)?;
    if entry.find::<ReleasingRecord>(&last)?.is_some() {
        under_way.push(last); // a person, too, whom no key is behind
    }
    let mut released = 0;
    for key in under_way {
        let Key::Releasing { person } = key else { continue };
        if released >= RELEASES_PER_STEP {
            break;
        }
        released += release::step(entry, person, events)?;
    }
    Ok(())
}

/// The first keys of the table that are smaller than this one.
fn first<V: View>(entry: &Entry<'_, V>, until: &Key, most: usize) -> Ruled<V, Vec<Key>> {
    let rows = entry.draft.range(&until.table().first(), until, most).map_err(Stop::Fault)?;
    Ok(rows.into_iter().map(|(key, _)| key).collect())
}

/// Whether a tick at this moment would find something to do. The leader asks before it proposes one.
///
/// # Errors
/// The view's own fault.
pub fn tick_due<V: View>(view: &V, now: Stamp) -> Result<bool, V::Fault> {
    let Some(row) = view.get(&Key::Ledger {})? else { return Ok(false) };
    let Some(ledger) = LedgerRecord::of_row(&row) else { return Ok(false) };
    let now = now.max(ledger.now);
    let window = match view.get(&Key::Policy {})? {
        Some(row) => {
            PolicyRecord::of_row(&row).map_or(u64::MAX, |record| record.in_force(now).request_window_ms)
        }
        None => u64::MAX,
    };
    let edge = ledger.forgotten_before_ms.max(now.0.saturating_sub(window));
    for until in [
        requests_before(edge),
        proposals_behind(now),
        quotas_behind(now),
        offers_behind(now),
        holds_behind(now),
        cases_behind(now),
        Table::Releasing.last(),
    ] {
        if !view.range(&until.table().first(), &until, 1)?.is_empty() {
            return Ok(true);
        }
    }
    if view.get(&Table::Releasing.last())?.is_some() {
        return Ok(true); // no key is behind the last person's
    }
    let period = view.get(&Key::Period { month: ledger.clearing })?;
    let period = period.as_deref().and_then(PeriodRecord::of_row);
    Ok(period.is_some_and(|record| record.closed.is_none()))
}

/// Behind every request id with an earlier time.
fn requests_before(edge: u64) -> Key {
    Key::Request { request: RequestId::earliest_at(edge), caller: Part::MIN }
}

/// Behind every proposal that has lapsed by now.
fn proposals_behind(now: Stamp) -> Key {
    Key::Lapsing { at: now.plus_ms(1), relation: Part::MIN }
}

/// Behind every quota that has expired by now.
fn quotas_behind(now: Stamp) -> Key {
    Key::Expiring { at: now.plus_ms(1), relation: Part::MIN }
}

/// Behind every offer that returns by now.
fn offers_behind(now: Stamp) -> Key {
    Key::Returning { at: now.plus_ms(1), offer: Part::MIN }
}

/// Behind every hold that has run out by now.
fn holds_behind(now: Stamp) -> Key {
    Key::Resolving { at: now.plus_ms(1), hold: Part::MIN }
}

/// Behind every step that is overdue by now.
fn cases_behind(now: Stamp) -> Key {
    Key::Due { at: now.plus_ms(1), case: Part::MIN }
}
