//! The one place that asks the time.

use ledger::Stamp;
use std::time::{SystemTime, UNIX_EPOCH};

/// The time of day, for stamping what this node proposes.
pub fn now() -> Stamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Stamp(since.as_millis() as u64)
}
