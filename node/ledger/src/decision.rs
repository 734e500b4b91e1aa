//! What can come back: an [`Outcome`] is either events that happened or a [`Refusal`].

pub use crate::event::{Event, LegPaid, LegRefunded, Original, ReleaseCause};
pub use crate::refusal::Refusal;

use crate::id::Position;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// The answer to one transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Where the transaction was decided. For a repeated request: where it was decided the first time.
    pub position: Position,
    /// What was decided.
    pub outcome: Outcome,
    /// True when this is the remembered answer to a request id seen before; nothing happened now.
    pub repeated: bool,
}

/// What was decided about a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It was done; this is what happened, in order.
    Done(Vec<Event>),
    /// It was refused; nothing changed but the memory of the refusal.
    Refused(Refusal),
}
