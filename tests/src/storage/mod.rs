//! A node's storage without a node: the real log and state, driven entry by entry, with everything that a crash or a bad
//! disk may leave of their files.
//!
//! * [`script`]: the entries, and what they come to in a second ledger.
//! * [`life`]: what is done: votes, appends, checkpoints, snapshots, purges, a conflict, restarts, an install.
//! * [`tracer`]: hears of every sync, and takes images there. [`deeds`]: hears of every write, rename and removal between.
//! * [`check`]: opens an image and holds it to what was promised. [`flips`]: the same after a flipped bit.

pub mod check;
pub mod deeds;
pub mod flips;
pub mod life;
pub mod script;
pub mod tracer;
