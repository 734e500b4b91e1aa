//! The one place that asks the time.

use ledger::Stamp;
use std::time::{SystemTime, UNIX_EPOCH};

/// The time of day.
pub fn time_of_day() -> SystemTime {
    SystemTime::now()
}

/// The time of day as a stamp, for what this node proposes.
pub fn now() -> Stamp {
    let since = time_of_day().duration_since(UNIX_EPOCH).unwrap_or_default();
    Stamp(since.as_millis() as u64)
}
