//! The records of the tables: what each row holds. Here those that point to others, and remembered requests.

mod case;
mod months;
mod payment;
mod person;
mod relation;
mod scheme;

pub use case::*;
pub use months::*;
pub use payment::*;
pub use person::*;
pub use relation::*;
pub use scheme::*;

use crate::decision::Outcome;
use crate::id::Position;
use serde::{Deserialize, Serialize};

/// Says no more than its key: this donor has this relation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivingRecord;

/// Says no more than its key: this proposal lapses at that time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LapsingRecord;

/// Says no more than its key: this beneficiary has this relation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceivingRecord;

/// Says no more than its key: this quota expires at that time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpiringRecord;

/// Says no more than its key: this offer returns at that time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturningRecord;

/// Says no more than its key: this offer of this donor returns at that time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferingRecord;

/// Says no more than its key: this hold runs out at that time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResolvingRecord;

/// A remembered answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestRecord {
    /// Which body the id was used with; zeros for one that was reversed before it arrived, whatever its body.
    #[serde(with = "crate::codec::sixteen")]
    pub fingerprint: [u8; 16],
    /// Where it was decided.
    pub position: Position,
    /// What was decided.
    pub outcome: Outcome,
}
