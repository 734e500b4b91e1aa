//! The registers: provinces, pooling areas with their openings, institutions.

use crate::apply::done;
use crate::command::{InstitutionKind, KinshipScope};
use crate::decision::{Event, Refusal};
use crate::entry::{Entry, Ruled, ensure};
use crate::id::{Area, Institution, Province};
use crate::limits::{OPENINGS_MAX, POLICIES_MAX};
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

impl ProvinceRecord {
    /// The in-province scope in force at this moment; narrow until one is (domain.md 5b, 25).
    pub fn scope_at(&self, at: Stamp) -> KinshipScope {
        let started = self.scopes.iter().rev().find(|(from, _)| *from <= at);
        started.map_or(KinshipScope::Narrow, |(_, scope)| *scope)
    }
}

/// A province joins, or sets its in-province kinship scope anew. A narrower scope does not end
/// relations that exist (domain.md 4, 17).
pub(crate) fn province<V: View>(
    entry: &mut Entry<'_, V>,
    province: Province,
    kinship: KinshipScope,
    effective: Option<Stamp>,
) -> Ruled<V> {
    let effective = effective.unwrap_or(entry.now);
    ensure(effective >= entry.now, Refusal::EffectiveInPast)?;
    let key = Key::Province { province };
    let record = entry.find::<ProvinceRecord>(&key)?;
    ensure(record.as_ref().is_none_or(|record| record.scopes.len() < POLICIES_MAX), Refusal::PoliciesFull)?;

    // From here on the registration must succeed.
    let scopes = &mut entry.draft.edit_or_default(key, record).scopes;
    let place = scopes.partition_point(|(date, _)| *date <= effective);
    scopes.insert(place, (effective, kinship));
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
    let mut suspended = None;
    if let Some(record) = entry.find::<InstitutionRecord>(&key)? {
        ensure(record.kind == kind && record.area == area, Refusal::InstitutionDiffers)?;
        suspended = record.suspended;
    }

    // From here on the designation must succeed.
    entry.draft.put(key, InstitutionRecord { kind, area, wallet_open, suspended });
    done::<V>(Event::InstitutionRegistered { institution, kind, wallet_open })
}
