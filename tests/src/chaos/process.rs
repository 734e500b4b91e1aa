//! What is done to processes and their clocks.

use super::fault::Fault;
use super::pass::{Done, Pass, SERVE_MAX, clock_file};
use crate::bench::wait_for;
use rand::Rng;
use std::path::Path;
use std::time::Duration;
use tokio::time::sleep;

/// How far a clock jumps ahead and back, in milliseconds: request ids of now must stay within their window.
const AHEAD_MS: i64 = 600_000;
const BACK_MS: i64 = -3_600_000;

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
            self.seen(Fault::KillLeader);
            self.trial.cluster.kill(leader);
            self.led_by_one_of(&others).await;
            self.served(50, "without the killed leader").await;
            self.back(leader).await;
        }
        Ok(())
    }

    pub(super) async fn kill_follower(&mut self) -> Done {
        let (_, others) = self.leader_and_others().await;
        let victim = others[self.rng.random_range(0..others.len())];
        self.seen(Fault::KillFollower);
        self.trial.cluster.kill(victim);
        self.served(50, "without the killed follower").await;
        // Once more while it mends.
        self.trial.cluster.start_node(victim).await;
        self.seen(Fault::KillFollower);
        self.trial.cluster.kill(victim);
        self.back(victim).await;
        Ok(())
    }

    pub(super) async fn kill_all(&mut self) -> Done {
        for _ in 0..2 {
            self.seen(Fault::KillAll);
            self.trial.cluster.kill_all();
            for place in self.trial.cluster.places() {
                self.trial.cluster.start_node(place).await;
            }
            // The second time they may still be electing.
            sleep(Duration::from_millis(self.rng.random_range(100..1_500))).await;
        }
        Ok(())
    }

    pub(super) async fn rolling_restart(&mut self) -> Done {
        for place in self.trial.cluster.places() {
            self.seen(Fault::RollingRestart);
            let ended = self.trial.cluster.terminate(place).await;
            assert_eq!(ended.code, Some(0), "SIGTERM is an ordinary end:\n{}", ended.stderr);
            self.back(place).await;
        }
        Ok(())
    }

    /// Stops a node by SIGSTOP, and looks whether it stands still.
    async fn pause(&mut self, place: usize, fault: Fault) {
        self.trial.cluster.pause(place);
        let id = self.trial.cluster.server(place).id();
        wait_for(SERVE_MAX, "a process that stands still", async || (state(id) == Some('T')).then_some(()))
            .await;
        self.seen(fault);
    }

    pub(super) async fn pause_leader(&mut self) -> Done {
        for _ in 0..2 {
            let (leader, others) = self.leader_and_others().await;
            self.pause(leader, Fault::PauseLeader).await;
            self.led_by_one_of(&others).await;
            self.served(50, "while the leader sleeps").await;
            self.trial.cluster.resume(leader);
            // It believes that it leads. Sometimes the next one falls asleep at once.
            sleep(Duration::from_millis(self.rng.random_range(0..500))).await;
        }
        Ok(())
    }

    pub(super) async fn pause_follower(&mut self) -> Done {
        let victim = self.victim().await;
        self.pause(victim, Fault::PauseFollower).await;
        self.served(100, "while a follower sleeps").await;
        sleep(Duration::from_secs(2)).await;
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
        let leader = self.trial.cluster.leader().await;
        self.turn(leader, AHEAD_MS);
        wait_for(SERVE_MAX, "ledger time that runs ahead", async || {
            // Another may lead by now: then its clock is turned, too.
            self.turn(self.trial.cluster.leader().await, AHEAD_MS);
            self.trial.follower.ahead_ms().filter(|ms| *ms > AHEAD_MS / 2)
        })
        .await;
        self.seen(Fault::ClockAhead);
        self.served(50, "with a clock ahead").await;
        self.right_clocks();
        Ok(())
    }

    pub(super) async fn clock_back(&mut self) -> Done {
        // Ledger time stands still while the leader's clock is behind it.
        let turned = async || self.turn(self.trial.cluster.leader().await, BACK_MS);
        turned().await;
        let time = async || self.trial.follower.ahead_ms().unwrap_or_default();
        wait_for(SERVE_MAX, "ledger time that stands still", async || {
            turned().await;
            let before = time().await;
            self.served(20, "with a clock behind").await;
            sleep(Duration::from_secs(1)).await;
            // As much later as ledger time falls behind: it stands.
            (before - time().await >= 900).then_some(())
        })
        .await;
        self.seen(Fault::ClockBack);
        self.right_clocks();
        Ok(())
    }

    fn right_clocks(&self) {
        for place in self.trial.cluster.places() {
            self.turn(place, 0);
        }
    }
}
