//! What is asked, both ways: one message a verb.

mod from;
mod to;

pub(super) use from::call_from_proto;
pub(super) use to::{call_to_proto, party_to_proto};

/// The most relations that one order of donors may name.
pub const ORDER_MAX: usize = 256;
/// The most days of each list of a calendar: those of a year.
pub const CALENDAR_DAYS_MAX: usize = 366;
