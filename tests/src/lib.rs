//! The whole system from outside: real processes, real disks, a load, injuries, and judges.
//!
//! * [`bench`]: what every test stands on: its seed, its turn, its time limit.
//! * [`program`]: the binary under test, and runs of it.
//! * [`cluster`]: nodes that are started, killed, paused and asked how they are.
//! * [`injury`]: damage done to the files of a stopped node.
//! * [`world`], [`traffic`]: what is asked of the ledger, with the answers that are expected.
//! * [`history`]: every call and reply, with times.
//! * [`judge`]: what must be true of a history and of what the nodes tell; each judge is tested with a bad one.
//! * [`replay`]: a second ledger that is fed a node's journal.
//! * [`trial`]: all of these put together.
//! * [`chaos`]: real processes under every fault, drawn from a seed.
//! * [`storage`]: the log and the state alone, with crash images and flipped bits. [`power`]: power cuts of a real node.
//! * [`sim`]: no processes: whole clusters in one thread, from a seed.
//! * [`mutants`]: bugs put back on purpose, and who finds them.

pub mod bench;
pub mod chaos;
pub mod cluster;
pub mod history;
pub mod injury;
pub mod judge;
pub mod mutants;
pub mod power;
pub mod program;
pub mod replay;
pub mod sim;
pub mod storage;
pub mod traffic;
pub mod trial;
pub mod world;
