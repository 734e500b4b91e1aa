//! One pass over all faults: a fresh cluster, a load that never ends, one fault after the other, and the verdict.

use super::fault::{FAULTS, Fault, Table};
use super::monitor::Monitor;
use super::proxy::Proxy;
use super::readers::Readers;
use crate::bench::{rng, wait_for};
use crate::cluster::{Cluster, Options};
use crate::traffic::Pace;
use crate::trial::{Trial, Verdict};
use client::v1::Role;
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
/// How soon it is seen that the proxy has injured something.
const TOUCH: Duration = Duration::from_millis(20);
/// No fault may take longer, healing included: then something hangs.
const FAULT_MAX: Duration = Duration::from_secs(600);
/// How long service may take to come back.
pub const SERVE_MAX: Duration = Duration::from_secs(60);
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
    /// Who asks each node.
    pub readers: Readers,
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
        let load = pass.trial.load(0, &Pace::default());
        let started = Instant::now();
        let mut order = FAULTS.to_vec();
        order.retain(|fault| only.is_empty() || only.contains(fault));
        order.shuffle(&mut pass.rng);
        for fault in order {
            let ended = tokio::time::timeout(FAULT_MAX, pass.scenario(fault)).await;
            ended.unwrap_or_else(|_| panic!("{fault:?} did not end within {} s", FAULT_MAX.as_secs()));
        }
        let took = started.elapsed();
        pass.proxy.heal();
        pass.trial.stop(load, 1_000).await;
        let reads = pass.readers.stop();
        let mut verdict = pass.trial.judge_with(1_000, &reads).await;
        verdict.note("no panic", pass.panics());
        verdict.demand("all faults");
        let leaderless = pass.monitor.leaderless();
        let table = pass.monitor.table().clone();
        Ended { verdict, table, reads: reads.len(), leaderless, took }
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
        let mut readers = Readers::new(seed, &trial.history, &trial.world);
        for place in 0..VOTERS {
            readers.add(&trial.cluster, place);
        }
        Pass { trial, proxy, monitor, readers, rng: rng(seed, 7) }
    }

    /// Health, a fault, healing.
    async fn scenario(&mut self, fault: Fault) {
        let rate = self.healthy(fault).await;
        let started = Instant::now();
        let before = self.trial.history.answered();
        let hits_before = self.monitor.table().hits(fault);
        self.monitor.table().install(fault);
        let done = self.strike(fault).await;
        let span = started.elapsed();
        let during = (self.trial.history.answered() - before) as f64 / span.as_secs_f64();
        self.proxy.heal();
        if let Err(why) = done {
            eprintln!("{fault:?} skipped: {why}");
            self.monitor.table().skip(fault, why);
            return;
        }
        let hits = self.monitor.table().hits(fault) - hits_before;
        assert!(hits > 0, "{fault:?} was never in force: the run is void");
        let healed = Instant::now();
        self.trial.cluster.leader().await;
        self.served(20, "after it").await;
        let back = healed.elapsed();
        self.none_absent().await;
        // A follower that nobody sends anything to is not seen by those who are served; nor one that answers nobody.
        for place in self.trial.cluster.running() {
            self.follows(place).await;
            self.answers(place).await;
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
            let rate = answers / started.elapsed().as_secs_f64();
            (rate >= RATE_MIN && self.monitor.serves()).then_some(rate)
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

    /// Waits until a leader leads and everyone is there.
    pub async fn serving(&self) {
        wait_for(SERVE_MAX, "a cluster that serves", async || self.monitor.serves().then_some(())).await;
    }

    /// Does something while the proxy injures: in force as soon as it has done so to something.
    pub async fn while_injured<T>(&self, fault: Fault, work: impl Future<Output = T>) -> T {
        let before = self.proxy.touched();
        let mut force = None;
        let mut work = std::pin::pin!(work);
        loop {
            let ended = tokio::time::timeout(TOUCH, &mut work).await;
            if force.is_none() && self.proxy.touched() > before {
                force = Some(self.monitor.force(fault, self.monitor.doing()));
            }
            if let Ok(ended) = ended {
                return ended;
            }
        }
    }

    /// Waits until a node's reader has a new answer.
    async fn answers(&self, place: usize) {
        let node = self.trial.cluster.nodes[place].id;
        let before = self.readers.answered(node);
        wait_for(SERVE_MAX, format!("a linearizable read at node {place}"), async || {
            (self.readers.answered(node) > before).then_some(())
        })
        .await;
    }

    /// Starts a node that was stopped, and waits until it follows again.
    pub async fn back(&mut self, place: usize) {
        self.trial.cluster.start_node(place).await;
        self.follows(place).await;
    }

    /// Waits until a node has nearly all that the leader has.
    pub async fn follows(&self, place: usize) {
        let cluster = &self.trial.cluster;
        wait_for(crate::cluster::CALM_MAX, format!("node {place} to follow again"), async || {
            // Each is asked itself: what others know of a leader that they do not hear is nothing.
            let here = cluster.status(place).await?;
            let leader = cluster.nodes.iter().position(|node| node.id == here.leader)?;
            let there = cluster.status(leader).await?;
            (there.role() == Role::Leader && here.applied_index + 100 >= there.applied_index).then_some(())
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
            let line = text.lines().find(|line| fell(line))?.to_owned();
            Some(format!("node {place}: {line}"))
        })
        .collect()
    }
}

/// Whether a line tells of a panic that nobody was there to catch.
fn fell(line: &str) -> bool {
    line.starts_with("thread '") && line.contains(" panicked at ") && !line.starts_with("thread 'open-state'")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_told_from_a_word_about_one() {
        assert!(fell("thread 'tokio-runtime-worker' (2760) panicked at node/src/tick.rs:3:5:"));
        assert!(!fell("thread 'open-state' (2760) panicked at sled/src/lib.rs:3:5:"), "it is caught");
        assert!(!fell("ERROR node::state::recover: sm/gen-2 is not believed (sled panicked):"));
    }
}
