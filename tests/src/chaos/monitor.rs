//! What the cluster is doing, as its nodes tell it: looked at several times a second, past the proxy.

use crate::sim::coverage::Phase;
use client::v1::cluster_client::ClusterClient;
use client::v1::{NodeStatus, StatusRequest};
use futures::future::join_all;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use tonic::transport::{Channel, Endpoint};

/// Pause between two looks.
const LOOK: Duration = Duration::from_millis(100);
/// How long a node may take to say how it is.
const ASK_MAX: Duration = Duration::from_millis(300);
/// A node that lacks more entries is behind.
const BEHIND: u64 = 200;

/// Looks until it is dropped.
#[derive(Debug)]
pub struct Monitor {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Shared {
    phase: Mutex<Phase>,
    changing: Mutex<bool>,
    doors: Mutex<BTreeMap<String, ClusterClient<Channel>>>,
    leaderless: Mutex<Duration>,
}

impl Monitor {
    /// Starts to look at nobody.
    pub fn start() -> Monitor {
        let shared = Arc::new(Shared::default());
        let task = tokio::spawn(look(shared.clone()));
        Monitor { shared, task }
    }

    /// Looks at one more node, at its own address.
    ///
    /// # Panics
    /// If it is no address.
    pub fn add(&self, address: &str) {
        let channel = Endpoint::from_shared(format!("http://{address}")).expect("an address");
        let channel = channel.connect_timeout(ASK_MAX).connect_lazy();
        self.shared.doors.lock().insert(address.to_owned(), ClusterClient::new(channel));
    }

    /// Looks no more at a node that was taken out.
    pub fn forget(&self, address: &str) {
        self.shared.doors.lock().remove(address);
    }

    /// The membership is being changed, or no longer.
    pub fn changing(&self, changing: bool) {
        *self.shared.changing.lock() = changing;
    }

    /// What the cluster is doing.
    pub fn phase(&self) -> Phase {
        if *self.shared.changing.lock() { Phase::Changing } else { *self.shared.phase.lock() }
    }

    /// The longest time without a leader so far.
    pub fn leaderless(&self) -> Duration {
        *self.shared.leaderless.lock()
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    fn see(&self, phase: Phase, leaderless: Duration) {
        *self.phase.lock() = phase;
        let mut longest = self.leaderless.lock();
        *longest = leaderless.max(*longest);
    }
}

async fn look(shared: Arc<Shared>) {
    let mut led = Instant::now();
    loop {
        let doors = shared.doors.lock().clone();
        let asked = doors.into_values().map(|mut door| async move {
            let asked = door.status(StatusRequest { local: true, ..Default::default() });
            let reply = tokio::time::timeout(ASK_MAX, asked).await.ok()?.ok()?.into_inner();
            reply.nodes.into_iter().next()
        });
        let found = phase(&join_all(asked).await);
        if found != Phase::Electing {
            led = Instant::now();
        }
        shared.see(found, led.elapsed());
        tokio::time::sleep(LOOK).await;
    }
}

/// What nodes that say this are doing; none is one that does not answer.
fn phase(nodes: &[Option<NodeStatus>]) -> Phase {
    let answered: Vec<&NodeStatus> = nodes.iter().flatten().collect();
    let mut followers: BTreeMap<u64, usize> = BTreeMap::new();
    for node in &answered {
        *followers.entry(node.leader).or_default() += 1;
    }
    let leaders: Vec<u64> = followers.keys().copied().filter(|leader| *leader != 0).collect();
    let followed = followers.iter().any(|(leader, count)| *leader != 0 && *count * 2 > nodes.len());
    // Nobody leads as far as most know, or two are believed to.
    if !followed || leaders.len() > 1 {
        return Phase::Electing;
    }
    let last = answered.iter().map(|node| node.last_log_index).max().unwrap_or(0);
    let behind = answered.iter().any(|node| node.applied_index + BEHIND < last);
    if answered.len() < nodes.len() || behind { Phase::Mending } else { Phase::Serving }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_are_what_nodes_say() {
        let node = |leader, index| {
            Some(NodeStatus { leader, applied_index: index, last_log_index: index, ..Default::default() })
        };
        let all = [node(1, 900), node(1, 900), node(1, 899)];
        assert_eq!(phase(&all), Phase::Serving);
        assert_eq!(phase(&[node(1, 900), node(1, 900), None]), Phase::Mending);
        assert_eq!(phase(&[node(1, 900), node(1, 900), node(1, 3)]), Phase::Mending);
        assert_eq!(phase(&[node(1, 900), node(2, 900), node(2, 900)]), Phase::Electing);
        assert_eq!(phase(&[node(0, 900), node(0, 900), node(1, 900)]), Phase::Electing);
        assert_eq!(phase(&[None, None, node(1, 900)]), Phase::Electing);
    }
}
