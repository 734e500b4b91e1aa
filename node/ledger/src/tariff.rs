//! What areas ask for premiums, by year and effective date.

use crate::apply::done;
use crate::command::{Premium, Tariff};
use crate::decision::{Event, Refusal};
use crate::entry::{Entry, Ruled, ensure};
use crate::id::Area;
use crate::limits::POLICIES_MAX;
use crate::stamp::Stamp;
use crate::table::{AreaRecord, Key, TariffRecord};
use crate::view::View;

impl TariffRecord {
    /// The tariff in force at this moment, if one is: of those effective by then the last, and of two with the same
    /// date the one set later.
    pub fn in_force(&self, at: Stamp) -> Option<Tariff> {
        self.versions.iter().rev().find(|(effective, _)| *effective <= at).map(|(_, tariff)| *tariff)
    }
}

/// Sets a tariff from a date on. Versions already set for a later date stay as they are.
pub(crate) fn set<V: View>(
    entry: &mut Entry<'_, V>,
    area: Area,
    premium: Premium,
    year: u16,
    effective: Stamp,
    tariff: Tariff,
) -> Ruled<V> {
    ensure(effective >= entry.now, Refusal::EffectiveInPast)?;
    ensure(entry.find::<AreaRecord>(&Key::Area { area })?.is_some(), Refusal::AreaUnknown)?;
    let key = Key::Tariff { area, premium, year };
    let record = entry.find::<TariffRecord>(&key)?;
    let kept = record.as_ref().map_or(0, |record| record.versions.len());
    ensure(kept < POLICIES_MAX, Refusal::PoliciesFull)?;

    // From here on the setting must succeed.
    let versions = &mut entry.draft.edit_or_default(key, record).versions;
    let place = versions.partition_point(|(date, _)| *date <= effective);
    versions.insert(place, (effective, tariff));
    done::<V>(Event::TariffSet { area, premium, year })
}

/// The tariff in force now: without one 390 takes any amount and 410 is not offered.
pub(crate) fn in_force<V: View>(
    entry: &Entry<'_, V>,
    area: Area,
    premium: Premium,
    year: u16,
) -> Ruled<V, Tariff> {
    let record = entry.find::<TariffRecord>(&Key::Tariff { area, premium, year })?;
    let unset = match premium {
        Premium::Resident => Tariff::AnyAmount,
        Premium::Care => Tariff::NotOffered,
    };
    Ok(record.and_then(|record| record.in_force(entry.now)).unwrap_or(unset))
}
