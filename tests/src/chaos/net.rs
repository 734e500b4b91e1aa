//! What is done to the links.

use super::fault::Fault;
use super::pass::{Done, KEEP, KEEPER, Pass, SERVE_MAX};
use super::proxy::{End, Rule};
use crate::bench::wait_for;
use client::Error;
use rand::Rng;
use rand::seq::IndexedRandom;
use std::time::Duration;
use tokio::time::sleep;

/// How long a fault of the links lasts.
const SPAN: Duration = Duration::from_secs(3);
/// How often a link comes and goes.
const FLAPS: usize = 6;

/// Every way from these nodes to those.
pub(super) fn from_to(these: &[usize], those: &[usize]) -> Vec<(End, End)> {
    let ways = these.iter().flat_map(|from| those.iter().map(move |to| (End::Node(*from), End::Node(*to))));
    ways.filter(|(from, to)| from != to).collect()
}

pub(super) fn between(these: &[usize], those: &[usize]) -> Vec<(End, End)> {
    [from_to(these, those), from_to(those, these)].concat()
}

impl Pass {
    /// The leader, and the others.
    pub async fn leader_and_others(&self) -> (usize, Vec<usize>) {
        let leader = self.trial.cluster.leader().await;
        (leader, self.trial.cluster.running().into_iter().filter(|place| *place != leader).collect())
    }

    /// A node that follows, and whose journal may get a gap.
    pub async fn victim(&mut self) -> usize {
        let (_, mut others) = self.leader_and_others().await;
        others.retain(|place| *place != KEEPER);
        *others.choose(&mut self.rng).expect("five nodes or more")
    }

    /// Those of some nodes that vote.
    async fn voters_of(&self, places: &[usize]) -> Vec<usize> {
        let mut voters = Vec::new();
        for place in places.iter().copied() {
            let status = wait_for(SERVE_MAX, format!("node {place} to say whether it votes"), async || {
                self.trial.cluster.status(place).await
            });
            if status.await.voter {
                voters.push(place);
            }
        }
        voters
    }

    fn cut(&mut self) -> Rule {
        if self.rng.random_bool(0.5) { Rule::Refuse } else { Rule::Hold }
    }

    /// Waits until one of these nodes leads, as these nodes know.
    pub async fn led_by_one_of(&self, these: &[usize]) {
        let cluster = &self.trial.cluster;
        let ids: Vec<u64> = these.iter().map(|place| cluster.nodes[*place].id).collect();
        wait_for(SERVE_MAX, "another leader", async || {
            let status = cluster.status(these[0]).await?;
            ids.contains(&status.leader).then_some(())
        })
        .await;
    }

    pub(super) async fn leader_alone(&mut self) -> Done {
        let (leader, others) = self.leader_and_others().await;
        let rule = self.cut();
        self.proxy.set(&between(&[leader], &others), rule);
        self.majority_serves(Fault::LeaderAlone, &others).await
    }

    pub(super) async fn split(&mut self) -> Done {
        let (leader, others) = self.leader_and_others().await;
        let with_leader = self.rng.random_bool(0.5);
        let mut few = vec![if with_leader { leader } else { others[0] }, others[1]];
        // Of six nodes neither two nor four may be the half.
        few.truncate((self.trial.cluster.nodes.len() - 1) / 2);
        let many: Vec<usize> =
            self.trial.cluster.running().into_iter().filter(|place| !few.contains(place)).collect();
        let rule = self.cut();
        self.proxy.set(&between(&few, &many), rule);
        self.majority_serves(Fault::Split, &many).await
    }

    /// The many elect one of theirs and serve, and stay apart from the others for a while.
    async fn majority_serves(&mut self, fault: Fault, many: &[usize]) -> Done {
        self.while_injured(fault, async {
            self.led_by_one_of(many).await;
            self.served(50, "from the majority").await;
            self.unrest(fault, many).await;
        })
        .await;
        Ok(())
    }

    /// Waits for a while, then for what else goes on.
    async fn long_enough(&self, fault: Fault, among: &[usize]) {
        self.while_injured(fault, async {
            sleep(SPAN).await;
            self.unrest(fault, among).await;
        })
        .await;
    }

    pub(super) async fn one_way(&mut self) -> Done {
        let first = self.rng.random_bool(0.5);
        for heard in [first, !first] {
            let (leader, others) = self.leader_and_others().await;
            let ways = if heard { from_to(&others, &[leader]) } else { from_to(&[leader], &others) };
            self.proxy.set(&ways, Rule::Hold);
            self.while_injured(Fault::OneWay, async {
                sleep(SPAN).await;
                // Under a leader that is heard and hears nobody nothing is decided.
                if !heard {
                    self.unrest(Fault::OneWay, &others).await;
                }
            })
            .await;
            self.proxy.heal();
        }
        Ok(())
    }

    pub(super) async fn flapping(&mut self) -> Done {
        let (leader, others) = self.leader_and_others().await;
        // With a learner among those who are away, the leader would keep its majority.
        let voters = self.voters_of(&others).await;
        for time in 1..=FLAPS {
            let rule = self.cut();
            let away: Vec<usize> = voters.choose_multiple(&mut self.rng, 3).copied().collect();
            self.proxy.set(&between(&[leader], &away), rule);
            let (cut, whole) = (self.rng.random_range(100..900), self.rng.random_range(50..300));
            self.while_injured(Fault::Flapping, async {
                sleep(Duration::from_millis(cut)).await;
                if time == FLAPS {
                    self.unrest(Fault::Flapping, &others).await;
                }
            })
            .await;
            self.proxy.heal();
            sleep(Duration::from_millis(whole)).await;
        }
        Ok(())
    }

    pub(super) async fn delay(&mut self) -> Done {
        let all = self.trial.cluster.running();
        let late = Duration::from_millis(self.rng.random_range(20..120));
        self.proxy.set(&from_to(&all, &all), Rule::Late(late));
        self.long_enough(Fault::Delay, &all).await;
        Ok(())
    }

    pub(super) async fn slow_link(&mut self) -> Done {
        let (leader, others) = self.leader_and_others().await;
        let rate = self.rng.random_range(4_000..40_000);
        self.proxy.set(&between(&[leader], &others), Rule::Slow(rate));
        self.long_enough(Fault::SlowLink, &self.trial.cluster.running()).await;
        Ok(())
    }

    pub(super) async fn half_open(&mut self) -> Done {
        let victim = self.victim().await;
        let mut others = self.trial.cluster.running();
        others.retain(|place| *place != victim);
        let mut ways = between(&[victim], &others);
        ways.extend([(End::Outside, End::Node(victim)), (End::Node(victim), End::Outside)]);
        // Connections that are made meanwhile open as well; or those that were open hang from now on.
        let lose = self.rng.random_bool(0.5);
        self.proxy.set(&ways, if lose { Rule::Lose } else { Rule::Hold });
        if !lose {
            assert!(self.proxy.sever(&ways) > 0, "no connection leads to node {victim}");
        }
        self.while_injured(Fault::HalfOpen, async {
            sleep(SPAN).await;
            self.served(50, "while a node is half open").await;
            self.unrest(Fault::HalfOpen, &others).await;
        })
        .await;
        Ok(())
    }

    pub(super) async fn broken_frame(&mut self) -> Done {
        let all = self.trial.cluster.running();
        let mut ways = from_to(&all, &all);
        ways.extend(all.iter().map(|place| (End::Outside, End::Node(*place))));
        ways.extend(all.iter().map(|place| (End::Node(*place), End::Outside)));
        self.proxy.set(&ways, Rule::Break(200));
        self.long_enough(Fault::BrokenFrame, &all).await;
        Ok(())
    }

    pub(super) async fn wire_flip(&mut self) -> Done {
        let all = self.trial.cluster.running();
        self.proxy.set(&from_to(&all, &all), Rule::Flip(50));
        self.long_enough(Fault::WireFlip, &all).await;
        Ok(())
    }

    /// Cut off until every log is purged past what the node has: then only a snapshot brings it back.
    pub(super) async fn long_absence(&mut self) -> Done {
        let victim = self.victim().await;
        let all = self.trial.cluster.running();
        let others: Vec<usize> = all.into_iter().filter(|place| *place != victim).collect();
        self.serving().await;
        let struck = self.monitor.doing();
        // A held connection would keep the log that is being sent on it.
        self.proxy.set(&between(&[victim], &others), Rule::Refuse);
        let had = wait_for(SERVE_MAX, format!("node {victim} to say what it has"), async || {
            self.trial.cluster.status(victim).await.map(|status| status.last_log_index)
        })
        .await;
        for place in others.iter().copied() {
            wait_for(SERVE_MAX, "a log that is purged far past the node", async || {
                let status = self.trial.cluster.status(place).await?;
                if status.last_log_index - status.log_entries > had + KEEP {
                    return Some(());
                }
                // A leader purges what a snapshot allows when it has failed to reach the node once more.
                if status.last_log_index > status.snapshot_index + KEEP {
                    self.trial.cluster.snapshot(place).await;
                }
                None
            })
            .await;
        }
        let force = self.monitor.force(Fault::LongAbsence, struck);
        self.unrest(Fault::LongAbsence, &others).await;
        drop(force);
        self.proxy.heal();
        self.follows(victim).await;
        // What lies between was never told to it: it has come by a snapshot. A few entries behind what it said that it had
        // may have reached it before it was cut off.
        let mut watch = self.trial.cluster.client_of(victim).watch(had + KEEP);
        let told = tokio::time::timeout(SERVE_MAX, watch.next()).await;
        match told {
            Ok(Err(Error::Compacted { .. })) => {}
            other => panic!("node {victim} was away from {had} on and came back by the log: {other:?}"),
        }
        Ok(())
    }
}
