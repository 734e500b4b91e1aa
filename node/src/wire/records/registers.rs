//! What governance has set: policy, provinces, areas, tariffs, calendars.

use super::super::enums::*;
use super::super::text::*;
use super::super::{policy_to_proto, stamp_to_proto};
use ledger::command::Tariff;
use ledger::table::{AreaRecord, CalendarRecord, PolicyRecord, ProvinceRecord, TariffRecord};
use ledger::{Area, Province, Stamp};
use proto::v1::{self as pb, tariff_version};

/// All versions of the policy.
pub fn policies_to_proto(record: &PolicyRecord) -> Vec<pb::PolicyVersion> {
    let version = |(effective, policy): &(Stamp, _)| pb::PolicyVersion {
        effective: Some(stamp_to_proto(*effective)),
        policy: Some(policy_to_proto(policy)),
    };
    record.versions.iter().map(version).collect()
}

/// A province, at a moment.
pub fn province_to_proto(province: Province, record: &ProvinceRecord, now: Stamp) -> pb::Province {
    let versions = record.scopes.iter().map(|(effective, scope)| pb::ScopeVersion {
        effective: Some(stamp_to_proto(*effective)),
        kinship: of_kinship_scope(*scope),
    });
    pb::Province {
        province: of_province(province),
        kinship: of_kinship_scope(record.scope_at(now)),
        versions: versions.collect(),
    }
}

/// An area, at a moment.
pub fn area_to_proto(area: Area, record: &AreaRecord, now: Stamp) -> pb::Area {
    let openings = record.openings.iter().map(|(from, until)| pb::Opening {
        from: Some(stamp_to_proto(*from)),
        until: until.map(stamp_to_proto),
    });
    pb::Area { area: of_area(area), open: record.open_at(now), openings: openings.collect() }
}

/// All versions of a tariff, and the one in force at a moment.
pub fn tariffs_to_proto(
    record: &TariffRecord,
    now: Stamp,
) -> (Option<pb::TariffVersion>, Vec<pb::TariffVersion>) {
    let version = |(effective, tariff): &(Stamp, Tariff)| pb::TariffVersion {
        effective: Some(stamp_to_proto(*effective)),
        tariff: Some(match tariff {
            Tariff::NotOffered => tariff_version::Tariff::NotOffered(pb::NotOffered {}),
            Tariff::AnyAmount => tariff_version::Tariff::AnyAmount(pb::AnyAmount {}),
            Tariff::Exactly(amount) => tariff_version::Tariff::Exactly(of_yuan(*amount)),
        }),
    };
    let current = record.versions.iter().rev().find(|(effective, _)| *effective <= now).map(version);
    (current, record.versions.iter().map(version).collect())
}

/// The calendar of a year.
pub fn calendar_to_proto(year: u16, record: &CalendarRecord) -> pb::Calendar {
    pb::Calendar {
        year: year.into(),
        holidays: record.holidays.iter().copied().map(of_day).collect(),
        workdays: record.workdays.iter().copied().map(of_day).collect(),
    }
}
