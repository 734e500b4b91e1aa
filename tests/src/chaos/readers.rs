//! Who asks every node for the newest, all the time.

use crate::bench::rng;
use crate::cluster::Cluster;
use crate::history::History;
use crate::judge::reads::Question;
use crate::world::World;
use client::Client;
use parking_lot::Mutex;
use rand::Rng;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// Pause between two questions to a node.
const EVERY: Duration = Duration::from_millis(40);
/// How long one may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// One reader a node, until all are stopped.
#[derive(Debug)]
pub struct Readers {
    tasks: JoinSet<()>,
    answers: Arc<Mutex<Vec<Question>>>,
}

impl Readers {
    /// Starts them. Each asks one node only, over the proxy.
    ///
    /// # Panics
    /// If a node has no good address.
    pub fn start(seed: u64, cluster: &Cluster, history: &History, world: &World) -> Readers {
        let answers = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = JoinSet::new();
        for place in 0..cluster.nodes.len() {
            let member = cluster.member(place);
            let client = Client::connect_lazy([&member.api_address]).expect("a good address");
            let client = client.within(PATIENCE);
            let (answers, history, world) = (answers.clone(), history.clone(), world.clone());
            let mut rng = rng(seed, 3_000 + place as u64);
            tasks.spawn(async move {
                loop {
                    let family = &world.families[rng.random_range(0..world.families.len())];
                    let invoked = history.elapsed();
                    // Whoever gets no answer has nothing to be judged.
                    if let Ok(read) = client.person(&family.donor).await {
                        let (node, index) = (read.node, read.index);
                        answers.lock().push(Question { node, invoked, returned: history.elapsed(), index });
                    }
                    tokio::time::sleep(EVERY).await;
                }
            });
        }
        Readers { tasks, answers }
    }

    /// How many questions were answered so far.
    pub fn answered(&self) -> usize {
        self.answers.lock().len()
    }

    /// Asks no more, and says what was answered.
    pub async fn stop(mut self) -> Vec<Question> {
        self.tasks.shutdown().await;
        std::mem::take(&mut self.answers.lock())
    }
}
