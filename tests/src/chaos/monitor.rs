//! What the cluster is doing, as its nodes tell it: looked at several times a second, past the proxy.

use super::fault::{Fault, Table};
use crate::sim::coverage::Phase;
use client::v1::cluster_client::ClusterClient;
use client::v1::{NodeStatus, StatusRequest};
use futures::future::join_all;
use parking_lot::{Mutex, MutexGuard};
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
    doing: Mutex<Doing>,
    changing: Mutex<bool>,
    doors: Mutex<BTreeMap<String, ClusterClient<Channel>>>,
    leaderless: Mutex<Duration>,
    in_force: Mutex<Option<Fault>>,
    table: Mutex<Table>,
}

/// What the cluster is doing besides serving.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Doing {
    electing: bool,
    mending: bool,
}

/// For as long as it lives, a fault is in force.
#[derive(Debug)]
pub struct Force(Arc<Shared>);

impl Drop for Force {
    fn drop(&mut self) {
        *self.0.in_force.lock() = None;
    }
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

    /// Whether a leader leads and everyone is there.
    pub fn serves(&self) -> bool {
        *self.shared.doing.lock() == Doing::default()
    }

    /// What was seen of the faults.
    pub fn table(&self) -> MutexGuard<'_, Table> {
        self.shared.table.lock()
    }

    /// A fault took effect so often, just now.
    pub fn seen(&self, fault: Fault, times: u64) {
        self.shared.count(fault, times);
    }

    /// A fault is in force from now on, until what this gives is dropped: it counts with every look.
    pub fn force(&self, fault: Fault) -> Force {
        self.seen(fault, 1);
        *self.shared.in_force.lock() = Some(fault);
        Force(self.shared.clone())
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
    fn see(&self, doing: Doing, leaderless: Duration) {
        *self.doing.lock() = doing;
        let mut longest = self.leaderless.lock();
        *longest = leaderless.max(*longest);
        drop(longest);
        let in_force = *self.in_force.lock();
        if let Some(fault) = in_force {
            self.count(fault, 1);
        }
    }

    /// Counts a fault under everything that the cluster does now.
    fn count(&self, fault: Fault, times: u64) {
        let (doing, changing) = (*self.doing.lock(), *self.changing.lock());
        let mut table = self.table.lock();
        let phases = [
            (Phase::Serving, doing == Doing::default()),
            (Phase::Electing, doing.electing),
            (Phase::Mending, doing.mending),
            (Phase::Changing, changing),
        ];
        for (phase, _) in phases.into_iter().filter(|(_, now)| *now) {
            table.hit(fault, phase, times);
        }
    }
}

async fn look(shared: Arc<Shared>) {
    let mut led = Instant::now();
    let mut term = 0;
    loop {
        let doors = shared.doors.lock().clone();
        let asked = doors.into_values().map(|mut door| async move {
            let asked = door.status(StatusRequest { local: true, ..Default::default() });
            let reply = tokio::time::timeout(ASK_MAX, asked).await.ok()?.ok()?.into_inner();
            reply.nodes.into_iter().next()
        });
        let found = doing(&join_all(asked).await, &mut term);
        if !found.electing {
            led = Instant::now();
        }
        shared.see(found, led.elapsed());
        tokio::time::sleep(LOOK).await;
    }
}

/// What nodes that say this are doing; none is one that does not answer. `term` is the highest that was known before: a
/// higher one means an election since then.
fn doing(nodes: &[Option<NodeStatus>], term: &mut u64) -> Doing {
    let answered: Vec<&NodeStatus> = nodes.iter().flatten().collect();
    let newest = answered.iter().map(|node| node.term).max().unwrap_or(0);
    let elected = newest > *term && *term > 0;
    *term = newest.max(*term);
    let mut followers: BTreeMap<u64, usize> = BTreeMap::new();
    for node in &answered {
        *followers.entry(node.leader).or_default() += 1;
    }
    let leaders: Vec<u64> = followers.keys().copied().filter(|leader| *leader != 0).collect();
    let followed = followers.iter().any(|(leader, count)| *leader != 0 && *count * 2 > nodes.len());
    let last = answered.iter().map(|node| node.last_log_index).max().unwrap_or(0);
    let behind = answered.iter().any(|node| node.applied_index + BEHIND < last);
    Doing {
        // Nobody leads as far as most know, or two are believed to, or somebody does since just now.
        electing: !followed || leaders.len() > 1 || elected,
        mending: answered.len() < nodes.len() || behind,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_are_what_nodes_say() {
        let node = |leader, index| {
            Some(NodeStatus { leader, applied_index: index, last_log_index: index, ..Default::default() })
        };
        let doing = |nodes: &[Option<NodeStatus>]| {
            let doing = doing(nodes, &mut 0);
            (doing.electing, doing.mending)
        };
        let all = [node(1, 900), node(1, 900), node(1, 899)];
        assert_eq!(doing(&all), (false, false));
        assert_eq!(doing(&[node(1, 900), node(1, 900), None]), (false, true));
        assert_eq!(doing(&[node(1, 900), node(1, 900), node(1, 3)]), (false, true));
        assert_eq!(doing(&[node(1, 900), node(2, 900), node(2, 900)]), (true, false));
        assert_eq!(doing(&[node(0, 900), node(0, 900), node(1, 900)]), (true, false));
        assert_eq!(doing(&[None, None, node(1, 900)]), (true, true));
        let of_term = |term| Some(NodeStatus { leader: 1, term, ..Default::default() });
        let mut term = 3;
        assert!(super::doing(&[of_term(3), of_term(4)], &mut term).electing, "somebody was elected");
        assert!(!super::doing(&[of_term(4), of_term(4)], &mut term).electing, "and leads");
    }
}
