//! Real processes under every fault: one seed draws the order and the details, the judges are those of every test.
//!
//! * [`command`]: the verb: passes, their report, what is left behind.
//! * [`fault`]: the faults, and the table of when they were seen to be in force.
//! * [`proxy`], [`who`]: what stands between nodes, and between clients and nodes.
//! * [`pass`]: one pass over all faults; [`net`], [`process`], [`disk`], [`member`]: how each is done.
//! * [`monitor`]: what the cluster is doing meanwhile; [`readers`]: who asks it meanwhile.

pub mod command;
pub mod disk;
pub mod fault;
pub mod member;
pub mod monitor;
pub mod net;
pub mod pass;
pub mod process;
pub mod proxy;
pub mod readers;
pub mod unrest;
pub mod who;
