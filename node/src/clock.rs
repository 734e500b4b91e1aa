//! The one place that asks the time.

use ledger::{RequestId, Stamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// The time of day.
pub fn time_of_day() -> SystemTime {
    SystemTime::now()
}

/// The time of day as a stamp.
pub fn now() -> Stamp {
    let since = time_of_day().duration_since(UNIX_EPOCH).unwrap_or_default();
    Stamp(since.as_millis() as u64)
}

/// What a node takes for the time when it leads: the time of day, and for those who play a whole year in a minute, some
/// time before or after it. All clones are one clock.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    ahead_ms: Arc<AtomicI64>,
}

impl Clock {
    /// Sets how far this clock is ahead of the time of day, in milliseconds; below zero behind it.
    pub fn set_ahead_ms(&self, ms: i64) {
        self.ahead_ms.store(ms, Ordering::Relaxed);
    }

    /// The time, for what this node proposes.
    pub fn now(&self) -> Stamp {
        Stamp(now().0.saturating_add_signed(self.ahead_ms.load(Ordering::Relaxed)))
    }

    /// A new request id of this moment, for what the node itself asks.
    pub fn request_id(&self) -> RequestId {
        let ms = self.now().0;
        let time = uuid::Timestamp::from_unix(uuid::NoContext, ms / 1_000, (ms % 1_000) as u32 * 1_000_000);
        RequestId(uuid::Uuid::new_v7(time).into_bytes())
    }
}
