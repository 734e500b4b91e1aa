//! One thread on which every task of every simulated node runs, in an order that the seed decides.
//!
//! tokio's own scheduler wakes tasks in an order that partly is chance (`watch` draws lots among those who wait). Here
//! tasks that are ready form a set, and the seed shuffles each round of it. Time is tokio's paused clock: when nothing is
//! ready it jumps to the next timer. A machine's tasks can be dropped between any two polls: that is a crash. Within one moment
//! of that clock tasks wake one another round by round; who wants to strike in a later one waits for it ([`round`]).

use futures::future::BoxFuture;
use node::host::{self, Host};
use parking_lot::Mutex;
use rand::rngs::SmallRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use tokio::sync::oneshot;
use tokio::time::Instant;

/// Which machine a task belongs to.
pub type Owner = u64;

/// What tasks and machines share of the floor.
#[derive(Default)]
pub struct Floor {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    next: u64,
    fresh: Vec<(u64, Job)>,
    ready: BTreeSet<u64>,
    aborted: Vec<u64>,
    crashed: Vec<(Owner, Option<oneshot::Sender<()>>)>,
    root: Option<Waker>,
    polls: u64,
}

struct Job {
    owner: Owner,
    host: Arc<dyn Host>,
    task: BoxFuture<'static, ()>,
}

struct Bell {
    task: u64,
    floor: Arc<Floor>,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.floor.ring(self.task);
    }
}

impl Floor {
    fn ring(&self, task: u64) {
        let mut inner = self.inner.lock();
        inner.ready.insert(task);
        let root = inner.root.clone();
        drop(inner);
        if let Some(root) = root {
            root.wake();
        }
    }

    /// Takes in a task of a machine.
    pub fn spawn(&self, owner: Owner, host: Arc<dyn Host>, task: BoxFuture<'static, ()>) -> u64 {
        let number = {
            let mut inner = self.inner.lock();
            inner.next += 1;
            let number = inner.next;
            inner.fresh.push((number, Job { owner, host, task }));
            number
        };
        self.ring(number);
        number
    }

    /// Drops a task before its next poll.
    pub fn abort(&self, task: u64) {
        self.inner.lock().aborted.push(task);
        self.ring(0);
    }

    /// Drops every task of a machine. Returns when they are gone.
    pub async fn crash(&self, owner: Owner) {
        let (done, gone) = oneshot::channel();
        self.inner.lock().crashed.push((owner, Some(done)));
        self.ring(0);
        // The floor itself ends only at the end of everything.
        gone.await.ok();
    }

    /// Drops every task of a machine as soon as the one that is being polled returns.
    pub fn condemn(&self, owner: Owner) {
        self.inner.lock().crashed.push((owner, None));
        self.ring(0);
    }

    /// How many times a task was polled so far.
    pub fn polls(&self) -> u64 {
        self.inner.lock().polls
    }
}

/// Lets every other task that is ready be polled once.
pub async fn round() {
    let mut waited = false;
    let wait = std::future::poll_fn(|cx| {
        if std::mem::replace(&mut waited, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    });
    wait.await;
}

/// Runs a task on a floor of its own, with all the tasks that come of it, until it ends.
///
/// # Panics
/// If there can be no runtime, or the task panics.
pub fn run<T: Send + 'static>(
    floor: &Arc<Floor>,
    seed: u64,
    host: Arc<dyn Host>,
    main: impl Future<Output = T> + Send + 'static,
) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime");
    let entered = runtime.enter();
    let of_main = host::enter(host.clone());
    let mut main = host::spawn(main);
    drop(of_main);
    let mut running = Running {
        floor: floor.clone(),
        jobs: BTreeMap::new(),
        rng: SmallRng::seed_from_u64(seed),
        order: Vec::new(),
        moment: Instant::now(),
        rounds: 0,
    };
    let ended = runtime.block_on(std::future::poll_fn(|cx| {
        running.work(cx);
        std::pin::Pin::new(&mut main).poll(cx)
    }));
    running.clear();
    drop(entered);
    ended.unwrap_or_else(|problem| panic!("{problem}"))
}

/// How often tasks may wake one another before time goes on.
const ROUNDS_MOST: u64 = 20_000;

struct Running {
    floor: Arc<Floor>,
    jobs: BTreeMap<u64, (Job, Waker)>,
    rng: SmallRng,
    /// Tasks of this round that have not been polled yet.
    order: Vec<u64>,
    moment: Instant,
    rounds: u64,
}

impl Running {
    /// Polls one task that is ready, and asks to be called again if there are more: so each has tokio's budget for itself,
    /// and one that feeds itself lets others run, as on tokio's own scheduler.
    fn work(&mut self, cx: &mut Context<'_>) {
        self.floor.inner.lock().root = Some(cx.waker().clone());
        self.tidy();
        if self.order.is_empty() {
            let ready = std::mem::take(&mut self.floor.inner.lock().ready);
            self.order.extend(ready.into_iter().filter(|task| self.jobs.contains_key(task)));
            self.order.shuffle(&mut self.rng);
            if Instant::now() > self.moment {
                (self.moment, self.rounds) = (Instant::now(), 0);
            }
            self.rounds += 1;
            assert!(self.rounds < ROUNDS_MOST, "tasks wake one another for ever, and no time passes");
        }
        if let Some(task) = self.order.pop() {
            self.poll(task);
            self.tidy();
        }
        if !self.order.is_empty() || !self.floor.inner.lock().ready.is_empty() {
            cx.waker().wake_by_ref();
        }
    }

    fn poll(&mut self, task: u64) {
        let Some((job, waker)) = self.jobs.get_mut(&task) else { return };
        self.floor.inner.lock().polls += 1;
        let of_job = host::enter(job.host.clone());
        let polled = job.task.as_mut().poll(&mut Context::from_waker(waker));
        if polled == Poll::Ready(()) {
            // Dropped while its host is entered: what it holds may say goodbye.
            drop(self.jobs.remove(&task));
        }
        drop(of_job);
    }

    /// Takes in new tasks, and drops those that are aborted or whose machine has crashed.
    fn tidy(&mut self) {
        loop {
            let (fresh, aborted, crashed) = {
                let mut inner = self.floor.inner.lock();
                (
                    std::mem::take(&mut inner.fresh),
                    std::mem::take(&mut inner.aborted),
                    std::mem::take(&mut inner.crashed),
                )
            };
            if fresh.is_empty() && aborted.is_empty() && crashed.is_empty() {
                return;
            }
            for (number, job) in fresh {
                let waker = Waker::from(Arc::new(Bell { task: number, floor: self.floor.clone() }));
                self.jobs.insert(number, (job, waker));
            }
            for task in aborted {
                self.drop_job(task);
            }
            for (owner, done) in crashed {
                let theirs: Vec<u64> = self
                    .jobs
                    .iter()
                    .filter(|(_, (job, _))| job.owner == owner)
                    .map(|(task, _)| *task)
                    .collect();
                for task in theirs {
                    self.drop_job(task);
                }
                if let Some(done) = done {
                    done.send(()).ok();
                }
            }
        }
    }

    fn drop_job(&mut self, task: u64) {
        if let Some((job, _)) = self.jobs.remove(&task) {
            let of_job = host::enter(job.host.clone());
            drop(job);
            drop(of_job);
        }
    }

    fn clear(&mut self) {
        while let Some(task) = self.jobs.keys().next().copied() {
            self.drop_job(task);
            self.tidy();
        }
    }
}

/// Random numbers of one part of a simulation, so that parts do not disturb one another.
pub fn rng(seed: u64, part: u64) -> SmallRng {
    let mut mixed = SmallRng::seed_from_u64(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ part);
    SmallRng::seed_from_u64(mixed.random())
}
