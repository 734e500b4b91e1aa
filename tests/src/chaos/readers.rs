//! Who asks every node for the newest, all the time.

use crate::bench::rng;
use crate::cluster::Cluster;
use crate::history::History;
use crate::judge::reads::{Question, Record};
use crate::world::World;
use client::Client;
use parking_lot::Mutex;
use rand::Rng;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::AbortHandle;

/// Pause between two questions to a node.
const EVERY: Duration = Duration::from_millis(40);
/// How long one may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// One reader a node, until all are stopped.
#[derive(Debug)]
pub struct Readers {
    seed: u64,
    history: History,
    world: World,
    tasks: BTreeMap<usize, AbortHandle>,
    answers: Arc<Mutex<Vec<Question>>>,
}

impl Readers {
    /// Readers of no node yet.
    pub fn new(seed: u64, history: &History, world: &World) -> Readers {
        let (history, world) = (history.clone(), world.clone());
        Readers { seed, history, world, tasks: BTreeMap::new(), answers: Arc::default() }
    }

    /// Starts one that asks this node only, over the proxy.
    ///
    /// # Panics
    /// If the node has no good address.
    pub fn add(&mut self, cluster: &Cluster, place: usize) {
        let member = cluster.member(place);
        let client = Client::connect_lazy([&member.api_address]).expect("a good address").within(PATIENCE);
        let (answers, history, world) = (self.answers.clone(), self.history.clone(), self.world.clone());
        let mut rng = rng(self.seed, 3_000 + place as u64);
        let task = tokio::spawn(async move {
            loop {
                let family = &world.families[rng.random_range(0..world.families.len())];
                let invoked = history.elapsed();
                let read = match rng.random() {
                    true => client
                        .person(&family.donor)
                        .await
                        .map(|read| (read.node, read.index, Record::Person(read.value))),
                    false => client
                        .relation(&family.relation)
                        .await
                        .map(|read| (read.node, read.index, Record::Relation(read.value))),
                };
                // Whoever gets no answer has nothing to be judged; that each gets answers is waited for after each fault.
                if let Ok((node, index, shown)) = read {
                    let returned = history.elapsed();
                    answers.lock().push(Question { node, invoked, returned, index, shown });
                }
                tokio::time::sleep(EVERY).await;
            }
        });
        self.tasks.insert(place, task.abort_handle());
    }

    /// Asks a node no more.
    pub fn forget(&mut self, place: usize) {
        if let Some(task) = self.tasks.remove(&place) {
            task.abort();
        }
    }

    /// How many questions a node has answered so far.
    pub fn answered(&self, node: u64) -> usize {
        self.answers.lock().iter().filter(|read| read.node == node).count()
    }

    /// Asks no more, and says what was answered.
    pub fn stop(&mut self) -> Vec<Question> {
        for task in std::mem::take(&mut self.tasks).into_values() {
            task.abort();
        }
        std::mem::take(&mut self.answers.lock())
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.stop();
    }
}
