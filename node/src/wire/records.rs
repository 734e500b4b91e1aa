//! To the wire: the records that queries show.

mod clearing;
mod persons;
mod registers;
mod spending;
mod statistics;

pub use clearing::*;
pub use persons::*;
pub use registers::*;
pub use spending::*;
pub use statistics::*;
