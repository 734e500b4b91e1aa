//! Whole clusters in one thread from one seed: the real proposer, Raft, state machine, snapshots and recovery over a
//! simulated network, clock and disk.
//!
//! * [`floor`]: the one thread, and who runs next. [`machine`]: what a node runs on. [`disk`]: what a crash leaves.
//! * [`net`]: what links do to messages. [`sites`]: the nodes, started and taken down.
//! * [`draw`]: what a seed decides. [`blows`]: what is done to the cluster. [`coverage`]: what of it took effect.
//! * [`asks`], [`clients`]: what is asked, and how. [`history`]: what was answered, and everything that happened.
//! * [`judge`]: what must be true. [`trial`]: all of these together. [`command`]: the command line.

pub mod asks;
pub mod blows;
pub mod clients;
pub mod command;
pub mod coverage;
pub mod disk;
pub mod draw;
pub mod floor;
pub mod history;
pub mod judge;
pub mod machine;
pub mod net;
pub mod shrink;
pub mod sites;
pub mod trial;
