//! Where a node's tasks run, and what else it takes from the machine: chance, and that something be durable.
//!
//! In production that is tokio and the operating system, and this file adds nothing to them. A simulated node has a
//! [`Host`]: its tasks, its random numbers and its syncs are the host's, so that a seed goes the same way twice, a node can be
//! cut off at any await, and a crash takes what was not yet durable. On a host there are no threads: work that would have one
//! is done at once by whoever asks for it. A host is there as long as one of its tasks is polled (see [`enter`]).

use futures::FutureExt;
use futures::future::BoxFuture;
use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::fs::File;
use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// Told when something is durable, or that it never will be.
pub type Synced = Box<dyn FnOnce(io::Result<()>) + Send>;

/// A simulated machine.
pub trait Host: Send + Sync {
    /// Runs a task until it ends, is aborted, or the machine crashes. Gives its number.
    fn spawn(&self, task: BoxFuture<'static, ()>) -> u64;
    /// Drops a task.
    fn abort(&self, task: u64);
    /// A random number.
    fn random(&self) -> u64;
    /// Makes a file, or a folder's entries, durable.
    fn sync(&self, path: &Path) -> io::Result<()>;
    /// Makes the log's files in a folder durable as they are now, in a while.
    fn sync_log(&self, folder: &Path, done: Synced);
}

thread_local! {
    static HOST: RefCell<Option<Arc<dyn Host>>> = const { RefCell::new(None) };
}

/// As long as it lives, this thread works for a host.
pub struct Entered {
    before: Option<Arc<dyn Host>>,
}

/// Makes a host the one that this thread works for.
pub fn enter(host: Arc<dyn Host>) -> Entered {
    Entered { before: HOST.replace(Some(host)) }
}

impl Drop for Entered {
    fn drop(&mut self) {
        HOST.set(self.before.take());
    }
}

/// The host that this thread works for; none in production.
pub fn current() -> Option<Arc<dyn Host>> {
    HOST.with_borrow(Clone::clone)
}

/// Whether there is a host.
pub(crate) fn is_simulated() -> bool {
    HOST.with_borrow(Option::is_some)
}

/// A task that was started. It goes on when this is dropped.
pub struct Task<T>(Place<T>);

enum Place<T> {
    Tokio(tokio::task::JoinHandle<T>),
    Host { host: Arc<dyn Host>, number: u64, ended: oneshot::Receiver<Result<T, Ended>> },
}

/// A task ended without a result.
#[derive(Debug, thiserror::Error)]
#[error("{}", panic.as_deref().unwrap_or("the task was aborted"))]
pub struct Ended {
    panic: Option<String>,
}

impl Ended {
    /// Whether it panicked.
    pub fn is_panic(&self) -> bool {
        self.panic.is_some()
    }

    fn panicked(panic: &(dyn Any + Send)) -> Ended {
        let said = panic.downcast_ref::<&str>().copied();
        let said = said.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        Ended { panic: Some(format!("it panicked: {}", said.unwrap_or("without words"))) }
    }
}

impl From<tokio::task::JoinError> for Ended {
    fn from(problem: tokio::task::JoinError) -> Ended {
        Ended { panic: problem.is_panic().then(|| problem.to_string()) }
    }
}

impl From<Ended> for io::Error {
    fn from(ended: Ended) -> io::Error {
        io::Error::other(ended)
    }
}

impl<T> Task<T> {
    /// Drops the task at its next await.
    pub fn abort(&self) {
        match &self.0 {
            Place::Tokio(handle) => handle.abort(),
            Place::Host { host, number, .. } => host.abort(*number),
        }
    }
}

impl<T> Future for Task<T> {
    type Output = Result<T, Ended>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Place::Tokio(handle) => Pin::new(handle).poll(cx).map_err(Ended::from),
            Place::Host { ended, .. } => {
                Pin::new(ended).poll(cx).map(|ended| ended.unwrap_or(Err(Ended { panic: None })))
            }
        }
    }
}

impl<T> fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Task")
    }
}

/// Starts a task.
pub fn spawn<T: Send + 'static>(task: impl Future<Output = T> + Send + 'static) -> Task<T> {
    match current() {
        None => Task(Place::Tokio(tokio::spawn(task))),
        Some(host) => spawn_hosted(host, task),
    }
}

/// Starts a task from where there may be no runtime: a callback.
pub(crate) fn spawn_on<T: Send + 'static>(
    runtime: &Handle,
    task: impl Future<Output = T> + Send + 'static,
) -> Task<T> {
    match current() {
        None => Task(Place::Tokio(runtime.spawn(task))),
        Some(host) => spawn_hosted(host, task),
    }
}

fn spawn_hosted<T: Send + 'static>(
    host: Arc<dyn Host>,
    task: impl Future<Output = T> + Send + 'static,
) -> Task<T> {
    let (sender, ended) = oneshot::channel();
    let task = AssertUnwindSafe(task).catch_unwind().map(|result| {
        // Nobody may be waiting for it.
        sender.send(result.map_err(|panic| Ended::panicked(&*panic))).ok();
    });
    let number = host.spawn(task.boxed());
    Task(Place::Host { host, number, ended })
}

/// Does work that would keep a thread of the runtime too long.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Ended> {
    if is_simulated() {
        return catch_unwind(AssertUnwindSafe(work)).map_err(|panic| Ended::panicked(&*panic));
    }
    tokio::task::spawn_blocking(work).await.map_err(Ended::from)
}

/// A random number that nobody's safety rests on.
pub(crate) fn random() -> u64 {
    current().map_or_else(|| RandomState::new().hash_one(0u8), |host| host.random())
}

/// Makes a file, or a folder's entries, durable.
pub(crate) fn sync_all(file: &File, path: &Path) -> io::Result<()> {
    current().map_or_else(|| file.sync_all(), |host| host.sync(path))
}

/// Makes a file's content and length durable.
pub(crate) fn sync_data(file: &File, path: &Path) -> io::Result<()> {
    current().map_or_else(|| file.sync_data(), |host| host.sync(path))
}
