//! What the cluster is doing, as its nodes tell it: looked at several times a second, past the proxy.

use super::fault::{Fault, Table};
use crate::sim::coverage::Phase;
use client::v1::cluster_client::ClusterClient;
use client::v1::{NodeStatus, StatusRequest};
use futures::future::join_all;
use parking_lot::{Mutex, MutexGuard};
use std::collections::BTreeMap;
use std::future::Future;
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
    doors: Mutex<BTreeMap<String, ClusterClient<Channel>>>,
    leaderless: Mutex<Duration>,
    in_force: Mutex<Option<Fault>>,
    table: Mutex<Table>,
}

/// What the cluster is doing besides serving, as its nodes say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Doing {
    electing: bool,
    mending: bool,
    changing: bool,
}

impl Doing {
    /// Whether a leader leads and everyone is there; members may come and go meanwhile.
    fn serves(self) -> bool {
        !self.electing && !self.mending
    }
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

    /// Waits for a change of the members, and says whether it was made. One that was counts under the fault that was in force
    /// from before it was asked for until it was answered: most are over between two looks.
    pub async fn changing<T, E>(&self, change: impl Future<Output = Result<T, E>>) -> bool {
        let before = *self.shared.in_force.lock();
        let made = change.await.is_ok();
        let now = *self.shared.in_force.lock();
        if let Some(fault) = before.filter(|_| made && before == now) {
            self.shared.table.lock().hit(fault, Phase::Changing, 1);
        }
        made
    }

    /// What the cluster does now. Whoever is about to strike looks first: the dead and the sleeping say nothing.
    pub fn doing(&self) -> Doing {
        *self.shared.doing.lock()
    }

    /// Whether a leader leads and everyone is there.
    pub fn serves(&self) -> bool {
        self.doing().serves()
    }

    /// What was seen of the faults.
    pub fn table(&self) -> MutexGuard<'_, Table> {
        self.shared.table.lock()
    }

    /// A fault was seen to be in force, and is until what this gives is dropped: it counts under what the cluster did when it
    /// struck, and from now on with every look.
    pub fn force(&self, fault: Fault, struck: Doing) -> Force {
        self.shared.count(fault, struck);
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
            self.count(fault, doing);
        }
    }

    /// Counts a fault under everything that the cluster does.
    fn count(&self, fault: Fault, doing: Doing) {
        let mut table = self.table.lock();
        let phases = [
            (Phase::Serving, doing.serves()),
            (Phase::Electing, doing.electing),
            (Phase::Mending, doing.mending),
            (Phase::Changing, doing.changing),
        ];
        for (phase, _) in phases.into_iter().filter(|(_, now)| *now) {
            table.hit(fault, phase, 1);
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
        changing: answered.iter().any(|node| node.changing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::coverage::PHASES;

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
        let halfway = Some(NodeStatus { leader: 1, changing: true, ..Default::default() });
        let found = super::doing(&[halfway, node(1, 0), node(1, 0)], &mut 0);
        assert!(found.changing && found.serves(), "a change is no break");
    }

    #[tokio::test]
    async fn a_change_counts_if_it_was_made_while_a_fault_was_in_force() {
        let monitor = Monitor::start();
        let changes = || monitor.table().hit_in(Fault::Delay, Phase::Changing);
        assert!(monitor.changing(async { Ok::<(), ()>(()) }).await);
        let force = monitor.force(Fault::Delay, Doing { mending: true, ..Doing::default() });
        assert!(!monitor.changing(async { Err::<(), ()>(()) }).await);
        assert_eq!(changes(), 0, "none was made under it");
        assert!(monitor.changing(async { Ok::<(), ()>(()) }).await);
        assert_eq!(changes(), 1);
        let ends = async move {
            drop(force);
            Ok::<(), ()>(())
        };
        assert!(monitor.changing(ends).await);
        assert_eq!(changes(), 1, "it was over before the change was");
        let seen = PHASES.map(|phase| monitor.table().hit_in(Fault::Delay, phase));
        assert_eq!(seen.iter().sum::<u64>(), 2, "and once under what it struck: {seen:?}");
    }
}
