//! A provincial node of the mutual-aid ledger.
//!
//! A payment passes these files in order; nothing reaches back:
//!
//! 1. [`service`]: who is asking, and is it well-formed? [`wire`] makes a transaction of it.
//! 2. [`propose`]: the leader stamps the time and gathers what waits into one log entry; a follower
//!    passes it on once.
//! 3. [`raft`]: the entry is appended, synced, replicated, committed; then each transaction of it
//!    goes through `ledger::apply`.
//! 4. [`state`]: the changes, the answers and the digest are kept.
//! 5. [`propose`] gives the answers back, [`wire`] makes replies of them.
//! 6. [`service::ledger`] shows committed entries to watchers.
//!
//! Beside the way: [`read`] makes queries fresh, [`tick`] proposes the cluster's pulse, [`agree`]
//! compares digests with the other nodes, [`audit`] checks every sum of the state, [`alarm`] hears of every fault,
//! [`host`] is where tasks run, [`server`] starts and stops it all.

pub mod agree;
pub mod alarm;
pub mod audit;
pub mod clock;
pub mod data_dir;
pub mod fault;
pub mod host;
pub mod propose;
pub mod raft;
pub mod read;
pub mod server;
pub mod service;
pub mod state;
pub mod tick;
pub mod wire;

pub use server::{Node, Settings};
