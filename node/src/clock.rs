//! The one place that asks the time.

use crate::host;
use ledger::{RequestId, Stamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

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
    /// In a simulation time is counted by the runtime, from this moment on.
    from: Option<(Stamp, Instant)>,
}

impl Clock {
    /// A clock that shows this time now, and goes as the runtime's does.
    pub fn counting_from(stamp: Stamp) -> Clock {
        Clock { ahead_ms: Arc::default(), from: Some((stamp, Instant::now())) }
    }

    /// Sets how far this clock is ahead of the time of day, in milliseconds; below zero behind it.
    pub fn set_ahead_ms(&self, ms: i64) {
        self.ahead_ms.store(ms, Ordering::Relaxed);
    }

    /// The time, for what this node proposes.
    pub fn now(&self) -> Stamp {
        let now = match self.from {
            None => now(),
            Some((stamp, at)) => Stamp(stamp.0 + at.elapsed().as_millis() as u64),
        };
        Stamp(now.0.saturating_add_signed(self.ahead_ms.load(Ordering::Relaxed)))
    }

    /// A new request id of this moment, for what the node itself asks.
    pub fn request_id(&self) -> RequestId {
        let ms = self.now().0;
        let mut chance = [0; 10];
        chance[..8].copy_from_slice(&host::random().to_le_bytes());
        chance[8..].copy_from_slice(&host::random().to_le_bytes()[..2]);
        RequestId(uuid::Builder::from_unix_timestamp_millis(ms, &chance).into_uuid().into_bytes())
    }
}
