//! Members come and go, by the program's own verbs, while a load goes on and leaders die.

use super::fault::Fault;
use super::monitor::Force;
use super::net::{between, from_to};
use super::pass::{Done, KEEPER, Pass, SERVE_MAX, VOTERS, open};
use super::proxy::Rule;
use crate::bench::wait_for;
use crate::program;
use crate::sim::coverage::Phase;
use client::v1::Role;
use rand::Rng;
use rand::seq::IndexedRandom;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// How much later messages come while the membership is changed: long enough to kill somebody meanwhile.
pub const MIDDLE: Duration = Duration::from_millis(60);
/// How often a change is made until a leader dies in the middle of it.
const TRIES: u32 = 6;

impl Pass {
    /// Begins a verb of `gongji cluster` at a node, past the proxy.
    fn begin_verb(&self, place: usize, words: &[&str]) -> JoinHandle<program::Ran> {
        let address = self.trial.cluster.nodes[place].clients.clone();
        let mut arguments = vec!["cluster".to_owned()];
        arguments.extend(words.iter().map(|word| (*word).to_owned()));
        arguments.extend(["--addr".to_owned(), address]);
        tokio::task::spawn_blocking(move || program::run(arguments, b""))
    }

    async fn verb(&self, place: usize, words: &[&str]) -> program::Ran {
        self.begin_verb(place, words).await.expect("a verb ends")
    }

    /// Has a node vote, or vote no more, by a verb at a follower, and kills who led then in the middle of the change: links are
    /// slow, so that it has a middle. A change that was over before is undone and made once more. Says who was asked, and that
    /// the fault is in force: the change was seen half done, and nobody was told what came of it.
    ///
    /// # Panics
    /// If no leader died in the middle.
    async fn verb_while_the_leader_dies(
        &mut self,
        fault: Fault,
        place: usize,
        wanted: bool,
    ) -> (usize, Force) {
        let id = self.trial.cluster.nodes[place].id.to_string();
        let (verb, undo) = if wanted { ("promote", "demote") } else { ("demote", "promote") };
        for time in 1..=TRIES {
            self.serving().await;
            let struck = self.monitor.doing();
            let (leader, others) = self.leader_and_others().await;
            let asked = others[0];
            let all = self.trial.cluster.running();
            // What is too quick to be seen on this machine takes twice as long from the second time on.
            self.proxy.set(&from_to(&all, &all), Rule::Late(MIDDLE * time.min(2)));
            let running = self.begin_verb(asked, &[verb, &id]);
            let half_done = wait_for(SERVE_MAX, format!("{verb} {id} to begin"), async || {
                let half_done = self.trial.cluster.status(leader).await.filter(|status| status.changing);
                (half_done.is_some() || running.is_finished()).then_some(half_done)
            })
            .await;
            let died = half_done.is_some();
            if died {
                self.trial.cluster.kill(leader);
            }
            self.proxy.heal();
            let ran = running.await.expect("a verb ends");
            // Whoever was answered was answered before the leader died.
            let force = half_done.filter(|_| ran.code != Some(0)).map(|status| {
                // Who is to vote no more hands over first.
                if status.role() == Role::Leader {
                    self.monitor.table().hit(Fault::KillLeader, Phase::Changing, 1);
                }
                self.monitor.table().hit(fault, Phase::Changing, 1);
                self.monitor.force(fault, struck)
            });
            if died {
                self.trial.cluster.start_node(leader).await;
                self.trial.cluster.leader().await;
            }
            if let Some(force) = force {
                return (asked, force);
            }
            eprintln!("{verb} {id} was over before the leader could be killed: {}", ran.stderr.trim());
            self.votes(place, !wanted, asked, undo).await;
        }
        panic!("{verb} {id}: no leader died in the middle of it in {TRIES} times: the run is void");
    }

    /// The learner that came to stay, if it was added already.
    fn learner(&self) -> Option<usize> {
        self.trial.cluster.places().into_iter().find(|place| *place >= VOTERS)
    }

    /// A machine more, as a learner that has caught up. Perhaps the leader has another by then.
    async fn joined(&mut self) -> usize {
        let place = self.trial.cluster.add_node();
        let struck = self.monitor.doing();
        open(&mut self.trial.cluster, &self.proxy, &self.monitor, place).await;
        let member = self.trial.cluster.member(place);
        let words = format!("{}={},{}", member.node, member.peer_address, member.api_address);
        let mut others = self.trial.cluster.running();
        others.retain(|other| *other != place);
        let add: [&str; 3] = ["add-learner", &words, "--wait"];
        let adding = self.begin_verb(others[0], &add);
        // Whoever hears of a leader was added.
        wait_for(SERVE_MAX, "a learner that hears of a leader", async || {
            if self.trial.cluster.status(place).await.is_some_and(|status| status.leader != 0) {
                return Some(());
            }
            if adding.is_finished() {
                self.verb(others[0], &add).await;
            }
            None
        })
        .await;
        let _force = self.monitor.force(Fault::LearnerAdded, struck);
        self.unrest(Fault::LearnerAdded, &others).await;
        let mut ran = adding.await.expect("a verb ends");
        let begun = Instant::now();
        while ran.code != Some(0) {
            assert!(begun.elapsed() < SERVE_MAX, "add-learner: {}", ran.stderr);
            eprintln!("add-learner once more: {}", ran.stderr.trim());
            ran = self.verb(others[0], &add).await;
        }
        self.follows(place).await;
        self.readers.add(&self.trial.cluster, place);
        place
    }

    /// A learner more. Who has one already sends the new one away again.
    pub(super) async fn add_learner(&mut self) -> Done {
        let has_one = self.learner().is_some();
        let place = self.joined().await;
        if has_one {
            self.gone(place, KEEPER).await;
            self.leaves(place);
        }
        Ok(())
    }

    /// Waits until a node is a member no more.
    async fn gone(&self, place: usize, asked: usize) {
        let id = self.trial.cluster.nodes[place].id;
        wait_for(SERVE_MAX, "a member to be gone", async || {
            let known = self.trial.cluster.overview(asked).await?;
            if known.nodes.iter().all(|status| status.node != id) {
                return Some(());
            }
            self.verb(asked, &["remove", &id.to_string()]).await;
            None
        })
        .await;
    }

    /// Switches off a node that was taken out.
    fn leaves(&mut self, place: usize) {
        self.monitor.forget(&self.trial.cluster.nodes[place].clients);
        self.readers.forget(place);
        self.trial.cluster.leave(place);
    }

    /// Waits until a node votes, or votes no more, and no change is half done.
    async fn votes(&self, place: usize, wanted: bool, asked: usize, verb: &str) {
        let id = self.trial.cluster.nodes[place].id;
        wait_for(SERVE_MAX, format!("{verb} {id} to be done"), async || {
            let known = self.trial.cluster.overview(asked).await?.nodes;
            let voter = known.iter().find(|status| status.node == id)?.voter;
            let changing = known.iter().any(|status| status.changing);
            if voter == wanted && !changing {
                return Some(());
            }
            self.verb(asked, &[verb, &id.to_string()]).await;
            None
        })
        .await;
    }

    /// Promotes the learner, and kills the leader in the middle.
    pub(super) async fn promote(&mut self) -> Done {
        let place = match self.learner() {
            Some(place) => place,
            None => self.joined().await,
        };
        let (asked, force) = self.verb_while_the_leader_dies(Fault::Promoted, place, true).await;
        self.votes(place, true, asked, "promote").await;
        self.trial.cluster.vote(VOTERS + 1);
        self.unrest(Fault::Promoted, &self.trial.cluster.running()).await;
        drop(force);
        Ok(())
    }

    /// Demotes a voter, perhaps the leader itself, kills the leader in the middle, and promotes the voter again.
    pub(super) async fn demote(&mut self) -> Done {
        let mut voters: Vec<usize> = (0..VOTERS).collect();
        voters.retain(|place| *place != KEEPER);
        let place = *voters.choose(&mut self.rng).expect("voters");
        let (asked, force) = self.verb_while_the_leader_dies(Fault::Demoted, place, false).await;
        self.votes(place, false, asked, "demote").await;
        self.served(50, "with a voter less").await;
        let mut others = self.trial.cluster.running();
        others.retain(|other| *other != place);
        self.unrest(Fault::Demoted, &others).await;
        drop(force);
        self.votes(place, true, asked, "promote").await;
        Ok(())
    }

    /// Takes a voter out that is cut off and never hears of it, kills the leader about then, and lets it back for a while. In
    /// force once it is a member no more.
    pub(super) async fn remove(&mut self) -> Done {
        let place = self.joined().await;
        let id = self.trial.cluster.nodes[place].id;
        let node = id.to_string();
        // Who votes is not taken out by mistake.
        self.votes(place, true, KEEPER, "promote").await;
        // Whoever is asked while nobody leads says that instead.
        wait_for(SERVE_MAX, "a voter not to be removed, but to be demoted first", async || {
            let refused = self.verb(KEEPER, &["remove", &node]).await;
            assert!(refused.code != Some(0), "a voter was removed: {}", refused.stderr);
            refused.stderr.contains("demote").then_some(())
        })
        .await;
        let others: Vec<usize> =
            self.trial.cluster.running().into_iter().filter(|other| *other != place).collect();
        self.proxy.set(&between(&[place], &others), Rule::Refuse);
        self.votes(place, false, KEEPER, "demote").await;
        // One entry takes it out, and nothing shows that half done: the leader dies at any moment of it, or beside it.
        let leader = self.trial.cluster.leader().await;
        let asked = *others.iter().find(|other| **other != leader).expect("five nodes or more");
        self.proxy.set(&from_to(&others, &others), Rule::Late(MIDDLE));
        let removing = self.begin_verb(asked, &["remove", &node]);
        sleep(MIDDLE.mul_f64(self.rng.random_range(0.0..6.0))).await;
        self.trial.cluster.kill(leader);
        self.proxy.set(&from_to(&others, &others), Rule::Pass);
        removing.await.expect("a verb ends");
        self.trial.cluster.start_node(leader).await;
        self.trial.cluster.leader().await;
        self.gone(place, asked).await;
        // What is no member is no part of what the cluster does.
        self.monitor.forget(&self.trial.cluster.nodes[place].clients);
        let force = self.monitor.force(Fault::Removed, self.monitor.doing());
        // It believes that it votes, and stands for election again and again: nobody listens.
        self.proxy.heal();
        self.served(500, "while somebody who was taken out wants to lead").await;
        self.unrest(Fault::Removed, &others).await;
        drop(force);
        self.leaves(place);
        Ok(())
    }
}
