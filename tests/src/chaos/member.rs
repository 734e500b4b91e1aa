//! Members come and go, by the program's own verbs, while a load goes on and leaders die.

use super::fault::Fault;
use super::net::between;
use super::pass::{Done, KEEPER, Pass, SERVE_MAX, VOTERS, open};
use super::proxy::Rule;
use crate::bench::wait_for;
use crate::program;
use rand::Rng;
use rand::seq::IndexedRandom;
use std::time::Duration;
use tokio::task::JoinHandle;

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

    /// Runs a verb at a follower, and kills the leader meanwhile. Says who was asked; what came of it nobody knows.
    async fn verb_while_the_leader_dies(&mut self, words: &[&str]) -> usize {
        self.monitor.changing(true);
        let (leader, others) = self.leader_and_others().await;
        let asked = others[0];
        let verb = self.begin_verb(asked, words);
        tokio::time::sleep(Duration::from_millis(self.rng.random_range(0..60))).await;
        self.seen(Fault::KillLeader);
        self.trial.cluster.kill(leader);
        verb.await.expect("a verb ends");
        self.trial.cluster.start_node(leader).await;
        self.trial.cluster.leader().await;
        asked
    }

    /// The learner that came to stay, if it was added already.
    fn learner(&self) -> Option<usize> {
        self.trial.cluster.places().into_iter().find(|place| *place >= VOTERS)
    }

    /// A machine more, as a learner that has caught up.
    async fn joined(&mut self) -> usize {
        let place = self.trial.cluster.add_node();
        open(&mut self.trial.cluster, &self.proxy, &self.monitor, place).await;
        self.monitor.changing(true);
        let member = self.trial.cluster.member(place);
        let words = format!("{}={},{}", member.node, member.peer_address, member.api_address);
        let (_, others) = self.leader_and_others().await;
        let asked = others.into_iter().find(|other| *other != place).expect("followers");
        let ran = self.verb(asked, &["add-learner", &words, "--wait"]).await;
        assert_eq!(ran.code, Some(0), "add-learner: {}", ran.stderr);
        self.follows(place).await;
        self.seen(Fault::LearnerAdded);
        place
    }

    pub(super) async fn add_learner(&mut self) -> Done {
        // Promoting added it, and counted it.
        if self.learner().is_none() {
            self.joined().await;
        }
        Ok(())
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

    /// Promotes the learner, and kills the leader meanwhile.
    pub(super) async fn promote(&mut self) -> Done {
        self.add_learner().await?;
        let place = self.learner().expect("it was added");
        let node = self.trial.cluster.nodes[place].id.to_string();
        let asked = self.verb_while_the_leader_dies(&["promote", &node]).await;
        self.votes(place, true, asked, "promote").await;
        self.trial.cluster.vote(VOTERS + 1);
        self.seen(Fault::Promoted);
        Ok(())
    }

    /// Demotes a voter, perhaps the leader itself, kills the leader meanwhile, and promotes the voter again.
    pub(super) async fn demote(&mut self) -> Done {
        let mut voters: Vec<usize> = (0..VOTERS).collect();
        voters.retain(|place| *place != KEEPER);
        let place = *voters.choose(&mut self.rng).expect("voters");
        let node = self.trial.cluster.nodes[place].id.to_string();
        let asked = self.verb_while_the_leader_dies(&["demote", &node]).await;
        self.votes(place, false, asked, "demote").await;
        self.seen(Fault::Demoted);
        self.served(50, "with a voter less").await;
        self.votes(place, true, asked, "promote").await;
        Ok(())
    }

    /// Takes a voter out that is cut off and never hears of it, kills the leader meanwhile, and lets it back for a while.
    pub(super) async fn remove(&mut self) -> Done {
        let place = self.joined().await;
        let id = self.trial.cluster.nodes[place].id;
        let node = id.to_string();
        // Who votes is not taken out by mistake.
        self.votes(place, true, KEEPER, "promote").await;
        let refused = self.verb(KEEPER, &["remove", &node]).await;
        assert!(refused.code != Some(0) && refused.stderr.contains("demote"), "{}", refused.stderr);
        let others: Vec<usize> =
            self.trial.cluster.running().into_iter().filter(|other| *other != place).collect();
        self.proxy.set(&between(&[place], &others), Rule::Refuse);
        self.votes(place, false, KEEPER, "demote").await;
        let asked = self.verb_while_the_leader_dies(&["remove", &node]).await;
        wait_for(SERVE_MAX, "a member to be gone", async || {
            let known = self.trial.cluster.overview(asked).await?;
            if known.nodes.iter().all(|status| status.node != id) {
                return Some(());
            }
            self.verb(asked, &["remove", &node]).await;
            None
        })
        .await;
        self.seen(Fault::Removed);
        // It believes that it votes, and stands for election again and again: nobody listens.
        self.proxy.heal();
        self.served(500, "while somebody who was taken out wants to lead").await;
        self.monitor.forget(&self.trial.cluster.nodes[place].clients);
        self.trial.cluster.leave(place);
        Ok(())
    }
}
