//! Consensus: openraft behind a handle. openraft is named in this folder only.
//!
//! * [`types`]: the type configuration, and every stored and sent byte of Raft, which are ours.
//! * [`log`]: the Raft log on raft-log's files; the one place where an acknowledgement waits for the disk.
//! * `vote`: a second copy of the vote, for a log that has lost its end.
//! * [`machine`]: entries become answers by `ledger::apply`, and changes of the node's state.
//! * [`network`]: what nodes say to one another, over gRPC.
//! * `confirm`: whether this node still leads, for reads.
//! * `runtime`: what openraft runs on.
//! * [`handle`]: what the rest of the node may ask of consensus.

mod confirm;
#[cfg(test)]
mod fuzz;
pub mod handle;
pub mod log;
pub mod machine;
pub mod network;
mod runtime;
pub mod types;
mod vote;

pub use handle::{Consensus, NotLeader, Standing};
pub use types::{Batch, Member, NodeId};
