//! tokio's clock as a witness: what is done while it stands still was done without waiting for a moment to come, however
//! slow the machine is. For tests with `start_paused`: otherwise their clock jumps to the next moment that anybody waits for.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};
use tokio::task::{spawn_blocking, yield_now};

/// Only what hangs takes that long.
const HANG: Duration = Duration::from_secs(60);

/// Does something while the clock stands still.
pub async fn still<T>(work: impl Future<Output = T>) -> T {
    let (hold, held) = mpsc::channel::<()>();
    // The clock does not jump while a blocking task runs. What waits for the clock goes on once this one gives up.
    let holding = spawn_blocking(move || held.recv_timeout(HANG) == Err(RecvTimeoutError::Timeout));
    let done = work.await;
    drop(hold);
    assert!(!holding.await.expect("it only waits"), "it waited for the clock");
    done
}

/// Lets everything else run until something is so.
pub async fn until(seen: impl Fn() -> bool) {
    let begun = Instant::now();
    while !seen() {
        assert!(begun.elapsed() < HANG, "it never came to that");
        yield_now().await;
    }
}
