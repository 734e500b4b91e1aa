//! The only door: a log entry goes in, answers and changes come out.

use crate::command::Transaction;
use crate::decision::Answer;
use crate::stamp::Stamp;
use crate::view::{Changes, View};
use alloc::vec::Vec;

/// Where and when an entry is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    /// The entry's log index.
    pub index: u64,
    /// The leader's stamp. Ledger time is the larger of this and the last one.
    pub stamp: Stamp,
}

/// What became of an entry.
#[derive(Clone, Debug)]
pub struct Applied {
    /// One answer per transaction, in order.
    pub answers: Vec<Answer>,
    /// The changes to the state, all of them or none.
    pub changes: Changes,
}

/// Applies an entry's transactions in order.
///
/// # Errors
/// The view's own fault: this node cannot read its state and must stop. Nothing was decided.
pub fn apply<V: View>(view: &V, at: At, transactions: &[Transaction]) -> Result<Applied, V::Fault> {
    let _ = (view, at, transactions);
    unimplemented!()
}
