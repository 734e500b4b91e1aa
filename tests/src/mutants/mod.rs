//! Bugs put back on purpose, one at a time, to see whether the tests deserve trust: `cargo run --release -p tests -- mutants`.
//!
//! * [`patch`]: the bugs, each a patch in `tests/mutants/`. [`tree`]: the copy of the source that they are put into.
//! * [`catch`]: the builds, and the tests that must fail. [`table`]: `tests/mutants.md`. [`command`]: the command line.

pub mod catch;
pub mod command;
pub mod patch;
pub mod table;
pub mod tree;
