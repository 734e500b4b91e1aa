//! Cases of portability (转移接续).

use super::payment::Use;
use crate::id::{Area, CaseId, Person};
use crate::money::Fen;
use crate::stamp::{Day, Stamp};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// A case of portability (转移接续). The balance is with the account until `Sent`, here while `Sent`, with the account
/// again from `Received` on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseRecord {
    /// Whose.
    pub person: Person,
    /// The old area.
    pub from: Area,
    /// The new area.
    pub to: Area,
    /// Where it stands.
    pub state: CaseState,
    /// The balance under way.
    pub balance: Fen,
    /// When it was applied for.
    pub applied: Stamp,
    /// When the new agency accepted it.
    pub accepted: Option<Stamp>,
    /// The last working day for the old place to send the balance.
    pub source_due: Option<Day>,
    /// The last working day for the whole case.
    pub due: Option<Day>,
    /// When it ended.
    pub ended: Option<Stamp>,
    /// Steps that were overdue: sending, completing.
    pub overdue: [bool; 2],
    /// Refunds that came since the balance was sent, by the area and the use of the leg that they correct: what these
    /// areas owe the one that the balance comes to (domain.md 5b, 13).
    pub waiting: Vec<(Area, Use, Fen)>,
}

/// Portability lines: what was charged when a case ended, for refunds that had travelled with its balance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortabilityRecord {
    /// The case.
    pub case: CaseId,
    /// When it ended.
    pub at: Stamp,
    /// The area that has the balance in the end: it is owed.
    pub to: Area,
    /// Who owes it, for what, and how much; the area itself is not among them.
    pub lines: Vec<(Area, Use, Fen)>,
}

/// Where a case stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(u8)]
pub enum CaseState {
    /// Applied for; relations are released.
    Applied = 1,
    /// Accepted by the new agency.
    Accepted = 2,
    /// The old agency has sent the balance: it is under way.
    Sent = 3,
    /// The new agency has the balance.
    Received = 4,
    /// The account is open at the new place.
    Completed = 5,
    /// Given up before anything was sent.
    Abandoned = 6,
    /// The balance came back.
    Failed = 7,
}

/// A step that has a last day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(u8)]
pub enum CaseStep {
    /// The old place sends the balance.
    Send = 1,
    /// The case is completed.
    Complete = 2,
}

/// What a case is due for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DueRecord {
    /// The step.
    pub step: CaseStep,
}
