//! One pass over all faults: a fresh cluster, a load that never ends, one fault after the other, and the verdict.

use super::fault::{FAULTS, Fault, Table};
use super::monitor::Monitor;
use super::proxy::Proxy;
use super::readers::Readers;
use crate::bench::{rng, wait_for};
use crate::cluster::{Cluster, Options};
use crate::judge::reads::reads_not_past;
use crate::traffic::{Load, Pace};
use crate::trial::{Trial, Verdict};
use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use std::future::Future;
use std::time::{Duration, Instant};

/// Nodes that vote at the beginning.
pub const VOTERS: usize = 5;
/// Answers a second that a healthy cluster gives at least: with fewer, a fault would be done to nothing.
const RATE_MIN: f64 = 30.0;
/// How long the rate is measured.
const HEALTHY: Duration = Duration::from_secs(1);
/// How long service may take to come back.
pub const SERVE_MAX: Duration = Duration::from_secs(30);
/// Log entries kept behind a snapshot: few, so that a node cut off needs one.
pub const KEEP: u64 = 100;
/// Node 0 is never away for long: its journal is whole.
pub const KEEPER: usize = 0;

/// What a fault came to: nothing more to say, or why it cannot be done here.
pub type Done = Result<(), String>;

/// A cluster, and what stands around it.
pub struct Pass {
    /// The cluster, its world, its history.
    pub trial: Trial,
    /// What stands before every node.
    pub proxy: Proxy,
    /// What the cluster is doing.
    pub monitor: Monitor,
    /// What was seen.
    pub table: Mutex<Table>,
    /// Chance.
    pub rng: StdRng,
}

/// What a pass came to.
#[derive(Debug)]
pub struct Ended {
    /// The verdict on it.
    pub verdict: Verdict,
    /// What was seen.
    pub table: Table,
    /// Linearizable reads that were answered.
    pub reads: usize,
    /// The longest time without a leader.
    pub leaderless: Duration,
    /// How long the faults took.
    pub took: Duration,
}

impl Pass {
    /// Plays a whole pass.
    ///
    /// # Panics
    /// If a fault is never in force, or service does not come back.
    pub async fn play(seed: u64, only: &[Fault]) -> Ended {
        let mut pass = Pass::begin(seed).await;
        let (load, readers) = pass.work();
        let started = Instant::now();
        let mut order = FAULTS.to_vec();
        order.retain(|fault| only.is_empty() || only.contains(fault));
        order.shuffle(&mut pass.rng);
        for fault in order {
            pass.scenario(fault).await;
        }
        let took = started.elapsed();
        pass.proxy.heal();
        pass.trial.stop(load, 1_000).await;
        let reads = readers.stop().await;
        let mut verdict = pass.trial.judge(1_000).await;
        verdict.note("reads not past", reads_not_past(&pass.trial.history.ops(), &reads));
        verdict.note("no panic", pass.panics());
        let history = pass.trial.cluster.path().join("history.txt");
        if !verdict.complaints.is_empty() {
            pass.trial.history.save(&history).ok();
        }
        verdict.demand("all faults");
        let leaderless = pass.monitor.leaderless();
        Ended { verdict, table: pass.table.into_inner(), reads: reads.len(), leaderless, took }
    }

    async fn begin(seed: u64) -> Pass {
        let options = Options { voters: VOTERS, keep_entries: KEEP, ..Options::default() };
        let mut cluster = Cluster::apart(options);
        let proxy = Proxy::new(seed, cluster.processes.clone());
        let monitor = Monitor::start();
        for place in 0..VOTERS {
            open(&mut cluster, &proxy, &monitor, place).await;
        }
        cluster.found().await;
        let trial = Trial::around(seed, cluster).await;
        Pass { trial, proxy, monitor, table: Mutex::default(), rng: rng(seed, 7) }
    }

    /// Starts to ask.
    fn work(&self) -> (Load, Readers) {
        let load = self.trial.load(0, &Pace::default());
        let readers =
            Readers::start(self.trial.seed, &self.trial.cluster, &self.trial.history, &self.trial.world);
        (load, readers)
    }

    /// Health, a fault, healing.
    async fn scenario(&mut self, fault: Fault) {
        let rate = self.healthy(fault).await;
        let started = Instant::now();
        let before = self.trial.history.answered();
        self.table.lock().install(fault);
        let done = self.strike(fault).await;
        let span = started.elapsed();
        let during = (self.trial.history.answered() - before) as f64 / span.as_secs_f64();
        self.proxy.heal();
        self.monitor.changing(false);
        if let Err(why) = done {
            eprintln!("{fault:?} skipped: {why}");
            self.table.lock().skip(fault, why);
            return;
        }
        let hits = self.table.lock().hits(fault);
        assert!(hits > 0, "{fault:?} was never in force: the run is void");
        let healed = Instant::now();
        self.trial.cluster.leader().await;
        self.served(20, "after it").await;
        let back = healed.elapsed();
        // A follower that nobody sends anything to is not seen by those who are served.
        for place in self.trial.cluster.running() {
            self.follows(place).await;
        }
        eprintln!(
            "{fault:?}: {rate:.0}/s before, {during:.0}/s in {span:.1?} of it, seen {hits} times, healed in {back:.1?}"
        );
    }

    async fn strike(&mut self, fault: Fault) -> Done {
        match fault {
            Fault::KillLeader => self.kill_leader().await,
            Fault::KillFollower => self.kill_follower().await,
            Fault::KillAll => self.kill_all().await,
            Fault::RollingRestart => self.rolling_restart().await,
            Fault::PauseLeader => self.pause_leader().await,
            Fault::PauseFollower => self.pause_follower().await,
            Fault::LeaderAlone => self.leader_alone().await,
            Fault::Split => self.split().await,
            Fault::OneWay => self.one_way().await,
            Fault::Flapping => self.flapping().await,
            Fault::Delay => self.delay().await,
            Fault::SlowLink => self.slow_link().await,
            Fault::HalfOpen => self.half_open().await,
            Fault::BrokenFrame => self.broken_frame().await,
            Fault::WireFlip => self.wire_flip().await,
            Fault::LongAbsence => self.long_absence().await,
            Fault::ClockAhead => self.clock_ahead().await,
            Fault::ClockBack => self.clock_back().await,
            Fault::FullDisk => self.full_disk().await,
            Fault::FileFlip => self.file_flip().await,
            Fault::SlowSync => self.slow_sync().await,
            Fault::FailedSync => self.failed_sync().await,
            Fault::LyingSync => self.lying_sync().await,
            Fault::LearnerAdded => self.add_learner().await,
            Fault::Promoted => self.promote().await,
            Fault::Demoted => self.demote().await,
            Fault::Removed => self.remove().await,
        }
    }

    /// The rate of a cluster that nothing is done to.
    async fn healthy(&self, fault: Fault) -> f64 {
        let what = format!("a healthy cluster before {fault:?}: {RATE_MIN} answers a second");
        wait_for(SERVE_MAX, what, async || {
            let (before, started) = (self.trial.history.answered(), Instant::now());
            tokio::time::sleep(HEALTHY).await;
            let answers = (self.trial.history.answered() - before) as f64;
            Some(answers / started.elapsed().as_secs_f64()).filter(|rate| *rate >= RATE_MIN)
        })
        .await
    }

    /// Waits until so many more transactions are answered.
    pub async fn served(&self, answers: usize, when: &str) {
        let wanted = self.trial.history.answered() + answers;
        wait_for(SERVE_MAX, format!("{answers} more answers {when}"), async || {
            (self.trial.history.answered() >= wanted).then_some(())
        })
        .await;
    }

    /// A fault took effect just now.
    pub fn seen(&self, fault: Fault) {
        self.table.lock().hit(fault, self.monitor.phase(), 1);
    }

    /// Counts what the proxy does, in the phase in which it does it, until the work is done.
    pub async fn while_injured<T>(&self, fault: Fault, work: impl Future<Output = T>) -> T {
        let mut counted = self.proxy.touched();
        let mut work = std::pin::pin!(work);
        loop {
            let ended = tokio::time::timeout(Duration::from_millis(50), &mut work).await;
            let touched = self.proxy.touched();
            self.table.lock().hit(fault, self.monitor.phase(), touched - counted);
            counted = touched;
            if let Ok(ended) = ended {
                return ended;
            }
        }
    }

    /// Starts a node that was stopped, and waits until it follows again.
    pub async fn back(&mut self, place: usize) {
        self.trial.cluster.start_node(place).await;
        self.follows(place).await;
    }

    /// Waits until a node has nearly all that the leader has.
    pub async fn follows(&self, place: usize) {
        let cluster = &self.trial.cluster;
        let id = cluster.nodes[place].id;
        wait_for(crate::cluster::CALM_MAX, format!("node {place} to follow again"), async || {
            let known = cluster.overview(place).await?;
            let leader = known.nodes.iter().find(|status| status.node == known.leader)?;
            let here = known.nodes.iter().find(|status| status.node == id)?;
            (here.applied_index + 100 >= leader.applied_index).then_some(())
        })
        .await;
    }

    /// No node may have panicked, whatever else it did. What sled makes of damaged files while they are opened is caught by
    /// the thread that is there for it: the node says what it repaired, or ends.
    fn panics(&self) -> Vec<String> {
        let places = 0..self.trial.cluster.nodes.len();
        let said = places.map(|place| (place, self.trial.cluster.stderr_path(place)));
        said.filter_map(|(place, path)| {
            let text = std::fs::read_to_string(path).unwrap_or_default();
            let line = text
                .lines()
                .find(|line| line.contains("panicked") && !line.contains("thread 'open-state'"))?
                .to_owned();
            Some(format!("node {place}: {line}"))
        })
        .collect()
    }
}

/// Starts a node behind the proxy, with a clock that can be turned.
pub async fn open(cluster: &mut Cluster, proxy: &Proxy, monitor: &Monitor, place: usize) {
    let clock = clock_file(cluster, place).display().to_string();
    cluster.nodes[place].flags = vec!["--clock-ahead".into(), clock];
    cluster.start_node(place).await;
    let node = &cluster.nodes[place];
    let peers = proxy.stand_before(place, &node.peers, true).await;
    let clients = proxy.stand_before(place, &node.clients, false).await;
    monitor.add(&node.clients);
    cluster.nodes[place].via = Some((peers, clients));
}

/// What a node's clock is turned by.
pub fn clock_file(cluster: &Cluster, place: usize) -> std::path::PathBuf {
    cluster.path().join(format!("node-{place}.clock"))
}
