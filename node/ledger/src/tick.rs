//! The cluster's own pulse: what has run out is swept, a bounded number at a time.

use crate::decision::Event;
use crate::entry::{Entry, Ruled, Stop};
use crate::id::RequestId;
use crate::limits::{PROPOSALS_PER_TICK, REQUESTS_PER_TICK};
use crate::relation;
use crate::stamp::Stamp;
use crate::table::{Key, LedgerRecord, PolicyRecord, Record, Table};
use crate::view::View;
use alloc::vec::Vec;

/// Forgets request ids that are expired, oldest first, and closes proposals that have lapsed, earliest
/// first. Nobody's rights hang on when it comes: what is expired or lapsed is so by its time alone.
pub(crate) fn tick<V: View>(entry: &mut Entry<'_, V>) -> Ruled<V> {
    let edge = entry.ledger.as_ref().map_or(0, |ledger| ledger.forgotten_before_ms);
    let until = requests_before(edge);
    let old = entry.draft.range(&Table::Request.first(), &until, REQUESTS_PER_TICK).map_err(Stop::Fault)?;
    let until = proposals_until(entry.now);
    let due = entry.draft.range(&Table::Lapsing.first(), &until, PROPOSALS_PER_TICK).map_err(Stop::Fault)?;
    let mut proposals = Vec::with_capacity(due.len());
    for (key, _) in due {
        if let Key::Lapsing { relation, .. } = key {
            proposals.push((relation, entry.relation(relation)?));
        }
    }

    // From here on the tick must succeed.
    let forgotten = old.len() as u32; // at most REQUESTS_PER_TICK
    for (key, _) in old {
        entry.draft.remove(key);
    }
    let mut events = Vec::with_capacity(proposals.len() + 1);
    for (relation, record) in proposals {
        relation::lapse(entry, relation, record);
        events.push(Event::ProposalLapsed { relation });
    }
    events.push(Event::Ticked { forgotten });
    Ok(events)
}

/// Whether a tick at this moment would find something to sweep. The leader asks before it proposes one.
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
    let old = view.range(&Table::Request.first(), &requests_before(edge), 1)?;
    Ok(!old.is_empty() || !view.range(&Table::Lapsing.first(), &proposals_until(now), 1)?.is_empty())
}

/// Behind every request id with an earlier time.
fn requests_before(edge: u64) -> Key {
    let Key::Request { caller, .. } = Table::Request.first() else {
        unreachable!("a table has its own keys")
    };
    Key::Request { request: RequestId::earliest_at(edge), caller }
}

/// Behind every proposal that lapses by now.
fn proposals_until(now: Stamp) -> Key {
    let Key::Lapsing { relation, .. } = Table::Lapsing.first() else {
        unreachable!("a table has its own keys")
    };
    Key::Lapsing { at: now.plus_ms(1), relation }
}
