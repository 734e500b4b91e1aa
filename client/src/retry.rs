//! Attempts within one deadline: over the endpoints in turn, with growing and jittered pauses.

use crate::connect::Client;
use crate::error::{Error, judge};
use std::future::Future;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};
use tonic::Status;
use tonic::transport::Channel;

/// The first pause after a failure.
const PAUSE_MIN: Duration = Duration::from_millis(10);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// Growing pauses, each shortened by up to a half at random so that clients do not come back all at once.
#[derive(Debug)]
pub(crate) struct Backoff {
    next: Duration,
}

impl Backoff {
    pub(crate) const fn new() -> Backoff {
        Backoff { next: PAUSE_MIN }
    }

    /// The next pause.
    pub(crate) fn pause(&mut self) -> Duration {
        let whole = self.next;
        self.next = (whole * 2).min(PAUSE_MAX);
        // The standard library's seed of hash maps is random enough for a jitter.
        let random = RandomState::new().build_hasher().finish();
        whole / 2 + (whole / 2).mul_f64((random >> 11) as f64 / (1_u64 << 53) as f64)
    }

    /// Starts over after a success.
    pub(crate) fn reset(&mut self) {
        self.next = PAUSE_MIN;
    }
}

/// Why no attempt brought an answer.
pub(crate) struct GaveUp {
    /// What the last attempt met.
    pub status: Status,
    /// True when the last status would not change: not the deadline ended it.
    pub settled: bool,
    /// True when some attempt may have reached a server that began to do what was asked.
    pub reached: bool,
}

impl GaveUp {
    /// The error of a question, which has no outcome to be unsure of.
    pub(crate) fn into_error(self) -> Error {
        if self.settled { Error::of(&self.status) } else { Error::NoAnswer { cause: describe(&self.status) } }
    }
}

/// A status in one line.
pub(crate) fn describe(status: &Status) -> String {
    format!("{:?}: {}", status.code(), status.message())
}

impl Client {
    /// Attempts until one succeeds, meets a status that will not change, or the deadline passes.
    pub(crate) async fn attempt<T, F, Fut>(&self, deadline: Instant, one: F) -> Result<T, GaveUp>
    where
        F: Fn(Channel, Duration) -> Fut,
        Fut: Future<Output = Result<T, Status>>,
    {
        let mut backoff = Backoff::new();
        let mut reached = false;
        let mut failures = 0_usize;
        loop {
            let (slot, channel) = self.endpoints.preferred();
            let begun = Instant::now();
            let limit = deadline.saturating_duration_since(begun).min(self.settings.attempt);
            let status = match timeout(limit, one(channel, limit)).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(status)) => status,
                Err(_) => Status::deadline_exceeded("no reply in time"),
            };
            // The channel has the same limit and may be the first to say so.
            if begun.elapsed() >= limit {
                self.endpoints.unanswered(slot);
            }
            let verdict = judge(&status);
            reached |= verdict.reached;
            if !verdict.again {
                return Err(GaveUp { status, settled: true, reached });
            }
            self.endpoints.move_over(slot);
            failures += 1;
            let pause = match self.endpoints.is_pause_due(failures, &status) {
                true => backoff.pause(),
                false => Duration::ZERO,
            };
            if Instant::now() + pause >= deadline {
                return Err(GaveUp { status, settled: false, reached });
            }
            sleep(pause).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    /// Whichever node is well again, it is found within one pause.
    #[tokio::test(start_paused = true)]
    async fn a_round_over_the_nodes_goes_without_pauses() {
        let client = Client::connect_lazy((7701..7706).map(|port| format!("http://127.0.0.1:{port}")));
        let client = client.expect("addresses");
        let times = RefCell::new(Vec::new());
        let deadline = Instant::now() + Duration::from_secs(10);
        let gave_up = client.attempt::<(), _, _>(deadline, |_, _| {
            times.borrow_mut().push(Instant::now());
            std::future::ready(Err(Status::unavailable("not yet")))
        });
        assert!(gave_up.await.is_err());
        let times = times.into_inner();
        assert!(times.len() > 50, "{} attempts", times.len());
        for round in times.chunks(5) {
            assert!(round.iter().all(|time| *time == round[0]), "{round:?}");
        }
    }

    #[test]
    fn pauses_grow_to_a_most_and_start_over() {
        let mut backoff = Backoff::new();
        let mut whole = PAUSE_MIN;
        for _ in 0..20 {
            let pause = backoff.pause();
            assert!(pause >= whole / 2 && pause <= whole, "{pause:?} of {whole:?}");
            whole = (whole * 2).min(PAUSE_MAX);
        }
        backoff.reset();
        assert!(backoff.pause() <= PAUSE_MIN);
    }
}
