//! What ends a state: the first fault, kept and told to whoever watches; panics, which become faults; and writes that are stuck.

use crate::fault::Fault;
use parking_lot::Mutex;
use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// The first fault of a state: from then on every call gives it back.
#[derive(Default)]
pub(crate) struct Poison {
    first: OnceLock<Fault>,
    told: watch::Sender<Option<Fault>>,
}

impl Poison {
    /// The fault that poisoned the state.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        self.first.get().cloned().map_or(Ok(()), Err)
    }

    /// Keeps the first fault, and tells those who watch.
    pub(crate) fn set(&self, fault: Fault) {
        if self.first.set(fault.clone()).is_ok() {
            tracing::error!(%fault, "the state accepts no more changes");
            self.told.send_replace(Some(fault));
        }
    }

    /// Keeps a result's fault, if it is one.
    pub(crate) fn guard<T>(&self, result: Result<T, Fault>) -> Result<T, Fault> {
        if let Err(fault) = &result {
            self.set(fault.clone());
        }
        result
    }

    /// Does some work, and keeps its fault; that it panicked is one.
    pub(crate) fn attempt<T>(
        &self,
        step: &'static str,
        path: &Path,
        work: impl FnOnce() -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        self.guard(caught(step, path, work))
    }

    /// Tells of the fault; at once, if there is one already.
    pub(crate) fn watch(&self) -> watch::Receiver<Option<Fault>> {
        let mut told = self.told.subscribe();
        if told.borrow().is_some() {
            told.mark_changed();
        }
        told
    }
}

/// Does some work; a panic in it becomes a fault of this step. What the work was about must not be relied upon afterwards.
pub(crate) fn caught<T>(
    step: &'static str,
    path: &Path,
    work: impl FnOnce() -> Result<T, Fault>,
) -> Result<T, Fault> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|panic| Err(Fault::io(step, path, io::Error::other(words(&*panic)))))
}

fn words(panic: &(dyn Any + Send)) -> String {
    let said = panic.downcast_ref::<&str>().copied();
    let said = said.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("it panicked: {}", said.unwrap_or("without words"))
}

/// The last step that was seen of whoever writes, or keeps others from writing.
#[derive(Default)]
pub(crate) struct Progress(Mutex<(u64, &'static str)>);

impl Progress {
    pub(crate) fn note(&self, step: &'static str) {
        let mut last = self.0.lock();
        *last = (last.0 + 1, step);
    }
}

/// Waiting for progress, but not for ever.
pub(crate) struct Patience {
    seen: u64,
    since: Instant,
    most: Duration,
}

impl Patience {
    pub(crate) fn new(progress: &Progress, most: Duration) -> Patience {
        Patience { seen: progress.0.lock().0, since: Instant::now(), most }
    }

    /// The fault if nothing has moved for too long.
    pub(crate) fn check(&mut self, progress: &Progress, dir: &Path) -> Result<(), Fault> {
        let (count, step) = *progress.0.lock();
        if count != self.seen {
            (self.seen, self.since) = (count, Instant::now());
        }
        if self.since.elapsed() <= self.most {
            return Ok(());
        }
        let step = if step.is_empty() { "before the first step" } else { step };
        let what = format!("no progress for {} s, last step: {step}", self.most.as_secs_f32());
        Err(Fault::io("write checkpoint", dir, io::Error::new(io::ErrorKind::TimedOut, what)))
    }
}
