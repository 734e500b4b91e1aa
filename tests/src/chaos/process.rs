//! What is done to processes and their clocks.

use super::fault::Fault;
use super::member::MIDDLE;
use super::monitor::Force;
use super::net::from_to;
use super::pass::{Done, Pass, SERVE_MAX, clock_file};
use super::proxy::Rule;
use crate::bench::wait_for;
use rand::Rng;
use std::path::Path;
use std::time::Duration;
use tokio::time::sleep;

/// How far a clock jumps ahead and back, in milliseconds: request ids of now must stay within their window.
const AHEAD_MS: i64 = 600_000;
const BACK_MS: i64 = -3_600_000;
/// So many entries show whether ledger time moves.
const STANDS: usize = 20;

/// The state of a process, as the system shows it: R, S, T.
fn state(id: u32) -> Option<char> {
    let text = std::fs::read_to_string(Path::new("/proc").join(id.to_string()).join("stat")).ok()?;
    // The name before it may hold anything, even brackets.
    text.rsplit_once(") ")?.1.chars().next()
}

impl Pass {
    pub(super) async fn kill_leader(&mut self) -> Done {
        for _ in 0..2 {
            let (leader, others) = self.leader_and_others().await;
            let struck = self.monitor.doing();
            self.trial.cluster.kill(leader);
            let _force = self.monitor.force(Fault::KillLeader, struck);
            self.led_by_one_of(&others).await;
            self.served(50, "without the killed leader").await;
            self.unrest(Fault::KillLeader, &others).await;
            self.back(leader).await;
        }
        Ok(())
    }

    pub(super) async fn kill_follower(&mut self) -> Done {
        let (_, others) = self.leader_and_others().await;
        let victim = others[self.rng.random_range(0..others.len())];
        let struck = self.monitor.doing();
        self.trial.cluster.kill(victim);
        let _force = self.monitor.force(Fault::KillFollower, struck);
        self.served(50, "without the killed follower").await;
        self.unrest(Fault::KillFollower, &self.trial.cluster.running()).await;
        // Once more while it mends.
        self.trial.cluster.start_node(victim).await;
        self.trial.cluster.kill(victim);
        self.back(victim).await;
        Ok(())
    }

    pub(super) async fn kill_all(&mut self) -> Done {
        // Messages come late, so that the change of a member may be under way when all die.
        let all = self.trial.cluster.running();
        self.proxy.set(&from_to(&all, &all), Rule::Late(MIDDLE));
        let change = self.begin_change().await;
        sleep(MIDDLE.mul_f64(self.rng.random_range(0.0..3.0))).await;
        self.kill_and_start_all().await;
        change.abort();
        // They may still be electing.
        sleep(Duration::from_millis(self.rng.random_range(100..1_500))).await;
        self.kill_and_start_all().await;
        Ok(())
    }

    /// Kills all nodes at once, and starts them again; one comes back when the others serve.
    async fn kill_and_start_all(&mut self) {
        let struck = self.monitor.doing();
        let places = self.trial.cluster.running();
        // Not the one whose journal is whole.
        let late = places[self.rng.random_range(1..places.len())];
        self.trial.cluster.kill_all();
        let _force = self.monitor.force(Fault::KillAll, struck);
        self.proxy.heal();
        for place in places.into_iter().filter(|place| *place != late) {
            self.trial.cluster.start_node(place).await;
        }
        self.trial.cluster.leader().await;
        self.served(20, "while one of those that were killed is still away").await;
        self.unrest(Fault::KillAll, &self.trial.cluster.running()).await;
        self.trial.cluster.start_node(late).await;
    }

    pub(super) async fn rolling_restart(&mut self) -> Done {
        for place in self.trial.cluster.places() {
            let struck = self.monitor.doing();
            let ended = self.trial.cluster.terminate(place).await;
            assert_eq!(ended.code, Some(0), "SIGTERM is an ordinary end:\n{}", ended.stderr);
            let _force = self.monitor.force(Fault::RollingRestart, struck);
            self.unrest(Fault::RollingRestart, &self.trial.cluster.running()).await;
            self.back(place).await;
        }
        Ok(())
    }

    /// Stops a node by SIGSTOP: in force once it stands still.
    async fn pause(&self, place: usize, fault: Fault) -> Force {
        let struck = self.monitor.doing();
        self.trial.cluster.pause(place);
        let id = self.trial.cluster.process(place);
        wait_for(SERVE_MAX, "a process that stands still", async || (state(id) == Some('T')).then_some(()))
            .await;
        self.monitor.force(fault, struck)
    }

    pub(super) async fn pause_leader(&mut self) -> Done {
        for _ in 0..2 {
            let (leader, others) = self.leader_and_others().await;
            let force = self.pause(leader, Fault::PauseLeader).await;
            self.led_by_one_of(&others).await;
            self.served(50, "while the leader sleeps").await;
            self.unrest(Fault::PauseLeader, &others).await;
            drop(force);
            self.trial.cluster.resume(leader);
            // It believes that it leads. Sometimes the next one falls asleep at once.
            sleep(Duration::from_millis(self.rng.random_range(0..500))).await;
        }
        Ok(())
    }

    pub(super) async fn pause_follower(&mut self) -> Done {
        let victim = self.victim().await;
        self.serving().await;
        let force = self.pause(victim, Fault::PauseFollower).await;
        self.served(100, "while a follower sleeps").await;
        let mut others = self.trial.cluster.running();
        others.retain(|place| *place != victim);
        self.unrest(Fault::PauseFollower, &others).await;
        drop(force);
        self.trial.cluster.resume(victim);
        self.follows(victim).await;
        Ok(())
    }

    fn turn(&self, place: usize, ms: i64) {
        let file = clock_file(&self.trial.cluster, place);
        // A reader never sees half of it.
        let whole = file.with_extension("new");
        std::fs::write(&whole, ms.to_string()).expect("the cluster's folder takes files");
        std::fs::rename(&whole, &file).expect("the cluster's folder takes files");
    }

    pub(super) async fn clock_ahead(&mut self) -> Done {
        let jump = self.trial.follower.ahead_ms().unwrap_or(0).max(0) + AHEAD_MS;
        wait_for(SERVE_MAX, "ledger time that runs ahead", async || {
            // Another may lead by now: then its clock is turned, too.
            self.turn(self.trial.cluster.leader().await, jump);
            self.trial.follower.ahead_ms().filter(|ms| *ms > jump - AHEAD_MS / 2)
        })
        .await;
        let _force = self.monitor.force(Fault::ClockAhead, self.monitor.doing());
        self.served(50, "with a clock ahead").await;
        self.unrest(Fault::ClockAhead, &self.trial.cluster.running()).await;
        self.right_clocks();
        Ok(())
    }

    pub(super) async fn clock_back(&mut self) -> Done {
        // Ledger time never runs back: all clocks are where it moves on, first.
        let before = self.trial.follower.ahead_ms().unwrap_or(0).max(0) + 1_000;
        for place in self.trial.cluster.places() {
            self.turn(place, before);
        }
        wait_for(SERVE_MAX, "ledger time that moves on", async || Some(()).filter(|()| self.time_moves()))
            .await;
        // It stands still while the leader's clock is behind it.
        for place in self.trial.cluster.places() {
            self.turn(place, BACK_MS);
        }
        wait_for(SERVE_MAX, "ledger time that stands still", async || {
            Some(()).filter(|()| self.time_stands())
        })
        .await;
        let _force = self.monitor.force(Fault::ClockBack, self.monitor.doing());
        self.unrest(Fault::ClockBack, &self.trial.cluster.running()).await;
        self.served(50, "with a clock behind").await;
        assert!(self.time_stands(), "ledger time moves on though every clock is behind it");
        self.right_clocks();
        Ok(())
    }

    /// Whether the newest entries all have times of their own.
    fn time_moves(&self) -> bool {
        self.trial.follower.times_of_last(STANDS) > STANDS / 2
    }

    /// Whether the newest entries all have the same time.
    fn time_stands(&self) -> bool {
        self.trial.follower.times_of_last(STANDS) == 1
    }

    fn right_clocks(&self) {
        for place in self.trial.cluster.places() {
            self.turn(place, 0);
        }
    }
}
