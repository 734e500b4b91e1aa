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

/// Every way from these nodes to those.
fn from_to(these: &[usize], those: &[usize]) -> Vec<(End, End)> {
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
            sleep(SPAN / 2).await;
        })
        .await;
        Ok(())
    }

    pub(super) async fn one_way(&mut self) -> Done {
        let (leader, others) = self.leader_and_others().await;
        let heard = self.rng.random_bool(0.5);
        let ways = if heard { from_to(&others, &[leader]) } else { from_to(&[leader], &others) };
        self.proxy.set(&ways, Rule::Hold);
        self.while_injured(Fault::OneWay, sleep(SPAN)).await;
        Ok(())
    }

    pub(super) async fn flapping(&mut self) -> Done {
        let (leader, others) = self.leader_and_others().await;
        for _ in 0..6 {
            let rule = self.cut();
            let away: Vec<usize> = others.choose_multiple(&mut self.rng, 3).copied().collect();
            self.proxy.set(&between(&[leader], &away), rule);
            let (cut, whole) = (self.rng.random_range(100..900), self.rng.random_range(50..300));
            self.while_injured(Fault::Flapping, sleep(Duration::from_millis(cut))).await;
            self.proxy.heal();
            sleep(Duration::from_millis(whole)).await;
        }
        Ok(())
    }

    pub(super) async fn delay(&mut self) -> Done {
        let all = self.trial.cluster.running();
        let late = Duration::from_millis(self.rng.random_range(20..120));
        self.proxy.set(&from_to(&all, &all), Rule::Late(late));
        self.while_injured(Fault::Delay, sleep(SPAN)).await;
        Ok(())
    }

    pub(super) async fn slow_link(&mut self) -> Done {
        let (leader, others) = self.leader_and_others().await;
        let rate = self.rng.random_range(4_000..40_000);
        self.proxy.set(&between(&[leader], &others), Rule::Slow(rate));
        self.while_injured(Fault::SlowLink, sleep(SPAN)).await;
        Ok(())
    }

    pub(super) async fn half_open(&mut self) -> Done {
        let victim = self.victim().await;
        let (_, others) = self.leader_and_others().await;
        let mut ways = between(&[victim], &others);
        ways.extend([(End::Outside, End::Node(victim)), (End::Node(victim), End::Outside)]);
        self.proxy.set(&ways, Rule::Hold);
        let before = self.proxy.touched();
        self.proxy.sever(&ways);
        let severed = self.proxy.touched() - before;
        self.table.lock().hit(Fault::HalfOpen, self.monitor.phase(), severed);
        self.while_injured(Fault::HalfOpen, async {
            sleep(SPAN).await;
            self.served(50, "while a node is half open").await;
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
        self.while_injured(Fault::BrokenFrame, sleep(SPAN)).await;
        Ok(())
    }

    pub(super) async fn wire_flip(&mut self) -> Done {
        let all = self.trial.cluster.running();
        self.proxy.set(&from_to(&all, &all), Rule::Flip(50));
        self.while_injured(Fault::WireFlip, sleep(SPAN)).await;
        Ok(())
    }

    /// Cut off until every log is purged past what the node has: then only a snapshot brings it back.
    pub(super) async fn long_absence(&mut self) -> Done {
        let victim = self.victim().await;
        let all = self.trial.cluster.running();
        let others: Vec<usize> = all.into_iter().filter(|place| *place != victim).collect();
        let had = self.trial.cluster.status(victim).await.map_or(0, |status| status.last_log_index);
        // A held connection would keep the log that is being sent on it.
        self.proxy.set(&between(&[victim], &others), Rule::Refuse);
        for place in others {
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
        self.proxy.heal();
        self.follows(victim).await;
        // What lies between was never told to it: it has come by a snapshot. A few entries behind what it said that it had
        // may have reached it before it was cut off.
        let mut watch = self.trial.cluster.client_of(victim).watch(had + KEEP);
        let told = tokio::time::timeout(SERVE_MAX, watch.next()).await;
        match told {
            Ok(Err(Error::Compacted { .. })) => self.seen(Fault::LongAbsence),
            other => panic!("node {victim} was away from {had} on and came back by the log: {other:?}"),
        }
        Ok(())
    }
}
