//! Members come, by the program's own verbs, while a load goes on and leaders die.

use super::fault::Fault;
use super::pass::{Done, Pass, SERVE_MAX, open};
use crate::bench::wait_for;
use crate::program;
use rand::Rng;
use std::time::Duration;

impl Pass {
    /// Runs a verb of `gongji cluster` at a node, past the proxy.
    async fn verb(&self, place: usize, words: &[&str]) -> program::Ran {
        let address = self.trial.cluster.nodes[place].clients.clone();
        let mut arguments = vec!["cluster".to_owned()];
        arguments.extend(words.iter().map(|word| (*word).to_owned()));
        arguments.extend(["--addr".to_owned(), address]);
        let ran = tokio::task::spawn_blocking(move || program::run(arguments, b""));
        ran.await.expect("a verb ends")
    }

    /// The learner, if it was added already.
    fn learner(&self) -> Option<usize> {
        (self.trial.cluster.nodes.len() > 5).then_some(5)
    }

    pub(super) async fn add_learner(&mut self) -> Done {
        if self.learner().is_some() {
            // Promoting added it, and counted it.
            return Ok(());
        }
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
        Ok(())
    }

    /// Promotes the learner, and kills the leader meanwhile.
    pub(super) async fn promote(&mut self) -> Done {
        self.add_learner().await?;
        let place = self.learner().expect("it was added");
        let node = self.trial.cluster.nodes[place].id.to_string();
        self.monitor.changing(true);
        let (leader, others) = self.leader_and_others().await;
        let asked = others[0];
        let wait = Duration::from_millis(self.rng.random_range(0..60));
        let verb = {
            let address = self.trial.cluster.nodes[asked].clients.clone();
            let words = ["cluster".to_owned(), "promote".into(), node.clone(), "--addr".into(), address];
            tokio::task::spawn_blocking(move || program::run(words, b""))
        };
        tokio::time::sleep(wait).await;
        self.seen(Fault::KillLeader);
        self.trial.cluster.kill(leader);
        // Whatever came of it: it may have been cut off.
        verb.await.expect("a verb ends");
        self.trial.cluster.start_node(leader).await;
        self.trial.cluster.leader().await;
        wait_for(SERVE_MAX, "the learner to vote", async || {
            if self.trial.cluster.status(place).await?.voter {
                return Some(());
            }
            self.verb(asked, &["promote", &node]).await;
            None
        })
        .await;
        self.trial.cluster.vote(6);
        self.seen(Fault::Promoted);
        Ok(())
    }
}
