//! What the scheme is: its policies, provinces, areas, institutions, calendars and tariffs.

use crate::command::{InstitutionKind, KinshipScope, Policy, SuspensionReason, Tariff};
use crate::id::{Area, FileNumber};
use crate::stamp::{Day, Month, Stamp};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// What the ledger knows of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerRecord {
    /// The cluster's id, from genesis.
    #[serde(with = "crate::codec::sixteen")]
    pub cluster: [u8; 16],
    /// Ledger time: the latest stamp seen.
    pub now: Stamp,
    /// When genesis was applied; its month is the first to be cleared.
    pub begun: Stamp,
    /// The month to be closed next: the first is that of genesis.
    pub clearing: Month,
    /// The day (+08:00) of the last entry.
    pub day: Day,
    /// Relations accepted so far.
    pub accepted: u64,
    /// Request ids with an earlier time than this, in milliseconds, are expired unless still
    /// remembered. The latest that `now` less the window has ever been: it never runs backwards, so an
    /// id that was forgotten stays expired even when a policy makes the window longer again.
    pub forgotten_before_ms: u64,
}

/// All policies in the order of their effective dates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyRecord {
    /// Effective from, and the parameters; in the order of the dates, later set ones behind.
    pub versions: Vec<(Stamp, Policy)>,
}

/// A province of the scheme.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvinceRecord {
    /// In-province kinship scopes: in force from, and which; in the order of the dates, later set ones behind.
    pub scopes: Vec<(Stamp, KinshipScope)>,
}

/// A pooling area.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AreaRecord {
    /// Openings for cross-province aid: from, and until; in the order of `from`, later set ones behind.
    pub openings: Vec<(Stamp, Option<Stamp>)>,
}

/// A designated institution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstitutionRecord {
    /// Hospital or pharmacy.
    pub kind: InstitutionKind,
    /// Where it lies.
    pub area: Area,
    /// Whether it accepts the wallet.
    pub wallet_open: bool,
    /// Suspended by a supervisor.
    pub suspended: Option<Suspension>,
}

/// Why a party may spend no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspension {
    /// Why.
    pub reason: SuspensionReason,
    /// The case number.
    pub file: FileNumber,
    /// Since when.
    pub since: Stamp,
}

/// Days of a year that are not as their weekday says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarRecord {
    /// Weekdays that are holidays, in order.
    pub holidays: Vec<Day>,
    /// Days of weekends that are worked, in order.
    pub workdays: Vec<Day>,
}

/// What an area asks for a premium, by effective date.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TariffRecord {
    /// Effective from, and what; in the order of the dates, later set ones behind.
    pub versions: Vec<(Stamp, Tariff)>,
}
