//! An insured person, and what waits to be done for one.

use super::scheme::Suspension;
use crate::command::{Insurance, InsuranceStatus};
use crate::decision::ReleaseCause;
use crate::id::{Area, CaseId, RelationId};
use crate::money::Fen;
use crate::stamp::Day;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// An insured person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonRecord {
    /// Insurance kind.
    pub insurance: Insurance,
    /// Area of insurance.
    pub area: Area,
    /// Where the insurance stands.
    pub status: InsuranceStatus,
    /// Retired, not in work.
    pub retired: bool,
    /// Whether the wallet is active.
    pub wallet_active: bool,
    /// Suspended by a supervisor.
    pub suspended: Option<Suspension>,
    /// The open case of portability.
    pub transfer: Option<CaseId>,
    /// A case that failed, until the person is insured again: the balance may be paid out.
    pub failed_transfer: Option<CaseId>,
    /// Set while relations are still being released, with their cause: none of them is usable any more.
    pub releasing: Option<ReleaseCause>,
    /// Holds that have not resolved and that the person is party to: as beneficiary, and once for each leg.
    pub holds: u32,
    /// The personal account, if ever insured with 310.
    pub account: Option<Account>,
    /// As beneficiary: active relations in the order of deduction.
    pub donors: Vec<RelationId>,
}

/// A personal account (个人账户).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The area that keeps it: the person's, but for one who changed to 390 elsewhere.
    pub area: Area,
    /// What the owner may spend or freeze.
    pub available: Fen,
    /// Frozen for relations: what is unused and held of their quotas, and open offers.
    pub reserved: Fen,
    /// Held of the owner's own money for authorised spending.
    pub held: Fen,
    /// All that was ever credited from contributions and interest.
    pub credited: Fen,
    /// All that was ever paid out.
    pub paid_out: Fen,
    /// The day of the last setting or raise of a quota.
    pub raised_on: Day,
    /// How many there were on that day, returned offers included.
    pub raises: u16,
    /// Open offers.
    pub offers: u16,
}

/// Relations of this person are still to be released.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleasingRecord {
    /// Why.
    pub cause: ReleaseCause,
}
