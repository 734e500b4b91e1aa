//! The beginning of the ledger, and its parameters by effective date.

use crate::apply::done;
use crate::command::Policy;
use crate::decision::{Event, Refusal};
use crate::entry::{Entry, Ruled, Stop, ensure};
use crate::limits::{
    DONORS_MAX, HOLD_MS_MAX, MINUTES_PER_DAY, POLICIES_MAX, PREPAYMENT_MONTHS_MAX, PREPAYMENT_PERCENT_MAX,
    PROPOSAL_DAYS_MAX, REQUEST_AHEAD_MS_MAX, REQUEST_WINDOW_MS_MAX, REQUEST_WINDOW_MS_MIN, TRANSFER_DAYS_MAX,
};
use crate::stamp::{Day, Stamp};
use crate::table::{Key, LedgerRecord, PolicyRecord};
use crate::view::View;
use alloc::vec;

impl Policy {
    /// Whether every parameter is within its limits.
    pub fn is_in_range(&self) -> bool {
        (REQUEST_WINDOW_MS_MIN..=REQUEST_WINDOW_MS_MAX).contains(&self.request_window_ms)
            && self.request_ahead_ms <= REQUEST_AHEAD_MS_MAX
            && (1..=PROPOSAL_DAYS_MAX).contains(&self.proposal_days)
            && (1..=DONORS_MAX).contains(&self.donors_max)
            && (1..=HOLD_MS_MAX).contains(&self.hold_ms)
            && [self.offer_return_minute, self.closed_from_minute, self.closed_until_minute]
                .iter()
                .all(|minute| *minute < MINUTES_PER_DAY)
            && (1..=PREPAYMENT_PERCENT_MAX).contains(&self.prepayment_percent)
            && (1..=PREPAYMENT_MONTHS_MAX).contains(&self.prepayment_months)
            && 1 <= self.yellow_percent
            && self.yellow_percent <= self.red_percent
            && 1 <= self.source_days
            && self.source_days <= self.transfer_days
            && self.transfer_days <= TRANSFER_DAYS_MAX
    }
}

impl PolicyRecord {
    /// The parameters in force at this moment: of those effective by then the last, and of two with
    /// the same date the one set later.
    pub fn in_force(&self, at: Stamp) -> Policy {
        let (_, policy) =
            self.versions.iter().rev().find(|(effective, _)| *effective <= at).unwrap_or(&self.versions[0]);
        *policy
    }
}

/// The first entry of a cluster. Done once; the first policy is in force at once.
pub(crate) fn genesis<V: View>(entry: &mut Entry<'_, V>, cluster: [u8; 16], policy: &Policy) -> Ruled<V> {
    ensure(entry.ledger.is_none(), Refusal::AlreadyBegun)?;
    ensure(policy.is_in_range(), Refusal::PolicyOutOfRange)?;

    // From here on the beginning must succeed.
    entry.draft.put(Key::Policy {}, PolicyRecord { versions: vec![(entry.now, *policy)] });
    entry.ledger = Some(LedgerRecord {
        cluster,
        now: entry.now,
        begun: entry.now,
        clearing: entry.now.month(),
        day: Day(0), // the end of this entry writes the first day
        accepted: 0,
        forgotten_before_ms: 0,
    });
    entry.refresh_policy().map_err(Stop::Fault)?;
    done::<V>(Event::LedgerBegun { cluster })
}

/// Sets all parameters from a date on. Versions already set for a later date stay as they are.
pub(crate) fn set<V: View>(entry: &mut Entry<'_, V>, effective: Stamp, policy: &Policy) -> Ruled<V> {
    ensure(effective >= entry.now, Refusal::EffectiveInPast)?;
    ensure(policy.is_in_range(), Refusal::PolicyOutOfRange)?;
    let record = entry.find::<PolicyRecord>(&Key::Policy {})?.ok_or(Refusal::NotBegun)?;
    ensure(record.versions.len() < POLICIES_MAX, Refusal::PoliciesFull)?;

    // From here on the setting must succeed.
    let versions = &mut entry.draft.edit(Key::Policy {}, record).versions;
    let place = versions.partition_point(|(date, _)| *date <= effective);
    versions.insert(place, (effective, *policy));
    entry.refresh_policy().map_err(Stop::Fault)?;
    done::<V>(Event::PolicySet { effective })
}
