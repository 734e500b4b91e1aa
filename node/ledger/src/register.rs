//! The registers: provinces, pooling areas with their openings, institutions.

use crate::apply::done;
use crate::command::{InstitutionKind, KinshipScope};
use crate::decision::{Event, Refusal};
use crate::entry::{Entry, Ruled, ensure};
use crate::id::{Area, Institution, Province};
use crate::limits::OPENINGS_MAX;
use crate::stamp::Stamp;
use crate::table::{AreaRecord, InstitutionRecord, Key, ProvinceRecord};
use crate::view::View;
use alloc::vec::Vec;

impl AreaRecord {
    /// Whether the area is open for cross-province aid at this moment. The opening that started last
    /// decides, so a later one can end or replace an earlier one from its own start on.
    pub fn open_at(&self, at: Stamp) -> bool {
        let started = self.openings.iter().rev().find(|(from, _)| *from <= at);
        started.is_some_and(|(_, until)| until.is_none_or(|until| at < until))
    }
}

/// A province joins, or sets its in-province kinship scope anew. A narrower scope does not end
/// relations that exist (domain.md 4, 17).
pub(crate) fn province<V: View>(
    entry: &mut Entry<'_, V>,
    province: Province,
    kinship: KinshipScope,
) -> Ruled<V> {
    entry.draft.put(Key::Province { province }, ProvinceRecord { kinship });
    done::<V>(Event::ProvinceRegistered { province })
}

/// An area joins, closed.
pub(crate) fn area<V: View>(entry: &mut Entry<'_, V>, area: Area) -> Ruled<V> {
    let province = entry.find::<ProvinceRecord>(&Key::Province { province: area.province() })?;
    ensure(province.is_some(), Refusal::ProvinceUnknown)?;
    ensure(entry.find::<AreaRecord>(&Key::Area { area })?.is_none(), Refusal::AreaExists)?;

    // From here on the registration must succeed.
    entry.draft.put(Key::Area { area }, AreaRecord { openings: Vec::new() });
    done::<V>(Event::AreaRegistered { area })
}

/// An area opens at a date and, if `until` is given, closes at a later one. To end an opening, set one
/// from now until the date of its end.
pub(crate) fn opening<V: View>(
    entry: &mut Entry<'_, V>,
    area: Area,
    from: Stamp,
    until: Option<Stamp>,
) -> Ruled<V> {
    ensure(from >= entry.now, Refusal::EffectiveInPast)?;
    ensure(until.is_none_or(|until| from < until), Refusal::PeriodEmpty)?;
    let record = entry.find::<AreaRecord>(&Key::Area { area })?.ok_or(Refusal::AreaUnknown)?;
    ensure(record.openings.len() < OPENINGS_MAX, Refusal::OpeningsFull)?;

    // From here on the setting must succeed.
    let openings = &mut entry.draft.edit(Key::Area { area }, record).openings;
    let place = openings.partition_point(|(start, _)| *start <= from);
    openings.insert(place, (from, until));
    done::<V>(Event::AreaOpeningSet { area, from, until })
}

/// An institution is designated, or changes whether it accepts the wallet; its kind and area stay.
pub(crate) fn institution<V: View>(
    entry: &mut Entry<'_, V>,
    institution: Institution,
    kind: InstitutionKind,
    area: Area,
    wallet_open: bool,
) -> Ruled<V> {
    ensure(entry.find::<AreaRecord>(&Key::Area { area })?.is_some(), Refusal::AreaUnknown)?;
    let key = Key::Institution { institution };
    if let Some(record) = entry.find::<InstitutionRecord>(&key)? {
        ensure(record.kind == kind && record.area == area, Refusal::InstitutionDiffers)?;
    }

    // From here on the designation must succeed.
    entry.draft.put(key, InstitutionRecord { kind, area, wallet_open });
    done::<V>(Event::InstitutionRegistered { institution, kind, wallet_open })
}
