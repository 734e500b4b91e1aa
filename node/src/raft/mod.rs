//! Consensus: openraft behind a handle. openraft is named in this folder only.
//!
//! * [`types`]: the type configuration, and every stored and sent byte of Raft, which are ours.
//! * [`log`]: the Raft log on raft-log's files; the one place where an acknowledgement waits for the disk.
//! * `vote`: a second copy of the vote, for a log that has lost its end.
//! * [`machine`]: entries become answers by `ledger::apply`, and changes of the node's state.
//! * [`links`]: the connections to a node's peers. [`network`]: what is said over them, for openraft. `append`: its bytes.
//! * `confirm`: whether this node still leads, for reads.
//! * `chatter`: what the libraries here may log.
//! * `runtime`: what openraft runs on.
//! * `members`: who is in the cluster, who votes, and who leads.
//! * [`handle`]: what the rest of the node may ask of consensus.

mod append;
mod chatter;
mod confirm;
#[cfg(test)]
mod fuzz;
pub mod handle;
pub mod links;
pub mod log;
pub mod machine;
mod members;
pub mod network;
mod runtime;
pub mod types;
mod vote;

pub use chatter::without_chatter;
pub use handle::{Consensus, NotLeader, Standing};
pub use types::{Batch, Member, NodeId};
