//! The network: carries the nodes' gRPC messages, the very bytes, over links that delay, lose, repeat, reorder and break.
//!
//! A single call is a datagram there and one back: each may be lost, late, or come twice. A stream is what TCP makes of
//! such a network: in order and whole, late when something had to be sent again, silent while the link is cut, and broken
//! when that lasts or the other side dies. So nothing is doubled or overtaken in a stream, and a call has one answer at most.
//!
//! What is done to a message counts when it arrives so: late, a second time, behind one that was sent after it.

mod pipe;

use crate::sim::coverage::{Coverage, Fault};
use crate::sim::floor::rng;
use crate::sim::machine::Machine;
use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use http_body_util::{BodyExt, Full};
use node::raft::NodeId;
use node::raft::links::{Carried, Carrier, Lane, Request};
use node::service::peer::PeerService;
use parking_lot::Mutex;
use proto::v1::peer_server::PeerServer;
use rand::Rng;
use rand::rngs::SmallRng;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::sync::oneshot;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::{Service, StdError, http};

/// How links behave.
#[derive(Clone, Copy, Debug, Default)]
pub struct Weather {
    /// One way, at least and at most.
    pub delay: (Duration, Duration),
    /// Messages lost, in a thousand.
    pub loss: u32,
    /// Messages delivered twice, in a thousand.
    pub twice: u32,
    /// Messages that take far longer than others, in a thousand.
    pub late: u32,
}

/// How long TCP waits before it sends again.
const SEND_AGAIN: Duration = Duration::from_millis(200);
/// How long a call that goes nowhere takes to say so.
const NOWHERE: Duration = Duration::from_secs(20);
const SNAPSHOT: &str = "/InstallSnapshot";

/// The network.
pub struct Net {
    inner: Mutex<Inner>,
    coverage: Coverage,
}

struct Inner {
    rng: SmallRng,
    weather: Weather,
    nodes: BTreeMap<NodeId, (PeerServer<PeerService>, Arc<Machine>)>,
    /// From whom to whom nothing gets through.
    cut: BTreeSet<(NodeId, NodeId)>,
    /// Whether what is cut is cut one way only.
    one_way: bool,
    carried: u64,
    streams: u64,
    /// The number of the latest single message that arrived on a link.
    latest: BTreeMap<(NodeId, NodeId), u64>,
    /// Which snapshots, by index, were on their way to whom.
    snapshots: BTreeSet<(NodeId, u64)>,
}

/// What becomes of a message.
enum Fate {
    Lost,
    Comes(Way),
}

/// The way of a message that arrives.
#[derive(Clone, Copy)]
struct Way {
    /// Messages are numbered as they are sent.
    number: u64,
    after: Duration,
    /// It takes far longer than others.
    late: bool,
    /// A single message may come a second time.
    again: Option<Duration>,
}

impl Net {
    /// A network that nobody is at yet.
    pub fn new(seed: u64, coverage: &Coverage) -> Arc<Net> {
        let inner = Inner {
            rng: rng(seed, 3),
            weather: Weather::default(),
            nodes: BTreeMap::new(),
            cut: BTreeSet::new(),
            one_way: false,
            carried: 0,
            streams: 0,
            latest: BTreeMap::new(),
            snapshots: BTreeSet::new(),
        };
        Arc::new(Net { inner: Mutex::new(inner), coverage: coverage.clone() })
    }

    /// A node is there.
    pub fn plug_in(&self, node: NodeId, service: PeerServer<PeerService>, machine: Arc<Machine>) {
        self.inner.lock().nodes.insert(node, (service, machine));
    }

    /// A node is gone.
    pub fn unplug(&self, node: NodeId) {
        self.inner.lock().nodes.remove(&node);
    }

    /// Links behave so from now on.
    pub fn set_weather(&self, weather: Weather) {
        self.inner.lock().weather = weather;
    }

    /// Cuts exactly these links.
    pub fn cut(&self, links: BTreeSet<(NodeId, NodeId)>) {
        let mut inner = self.inner.lock();
        inner.one_way = links.iter().any(|(from, to)| !links.contains(&(*to, *from)));
        inner.cut = links;
    }

    /// How many messages it has carried.
    pub fn carried(&self) -> u64 {
        self.inner.lock().carried
    }

    /// How many streams were begun.
    pub fn streams(&self) -> u64 {
        self.inner.lock().streams
    }

    /// Whether a snapshot at this index was sent to a node.
    pub fn sent_snapshot(&self, to: NodeId, index: u64) -> bool {
        self.inner.lock().snapshots.contains(&(to, index))
    }

    /// Whether a client's message to or from a node gets through, and how late; clients are not cut off by [`Net::cut`].
    pub fn client_delay(&self) -> Option<Duration> {
        let mut inner = self.inner.lock();
        let weather = inner.weather;
        if inner.rng.random_ratio(weather.loss, 1_000) {
            drop(inner);
            self.coverage.hit(Fault::Loss);
            return None;
        }
        let (least, most) = weather.delay;
        Some(inner.rng.random_range(least..=most))
    }

    fn fate(&self, from: NodeId, to: NodeId) -> Fate {
        let mut inner = self.inner.lock();
        let inner = &mut *inner;
        inner.carried += 1;
        let weather = inner.weather;
        let (least, most) = weather.delay;
        let mut after = inner.rng.random_range(least..=most);
        let late = inner.rng.random_ratio(weather.late, 1_000);
        if late {
            after += most * inner.rng.random_range(5..40);
        }
        let (lost, twice) =
            (inner.rng.random_ratio(weather.loss, 1_000), inner.rng.random_ratio(weather.twice, 1_000));
        let cut = inner.cut.contains(&(from, to));
        if cut || lost {
            // To nobody nothing is lost.
            if inner.nodes.contains_key(&to) {
                self.coverage.hit(match (cut, inner.one_way) {
                    (true, true) => Fault::OneWay,
                    (true, false) => Fault::Partition,
                    (false, _) => Fault::Loss,
                });
            }
            return Fate::Lost;
        }
        let again = twice.then(|| after + most * inner.rng.random_range(0..20));
        Fate::Comes(Way { number: inner.carried, after, late, again })
    }

    /// A single message arrives, perhaps behind one that was sent after it.
    fn arrives(&self, from: NodeId, to: NodeId, way: Way) {
        let overtaken = {
            let mut inner = self.inner.lock();
            let latest = inner.latest.entry((from, to)).or_default();
            let overtaken = way.number < *latest;
            *latest = way.number.max(*latest);
            overtaken
        };
        if overtaken {
            self.coverage.hit(Fault::Reorder);
        }
        if way.late {
            self.coverage.hit(Fault::Delay);
        }
    }

    fn target(&self, to: NodeId) -> Option<(PeerServer<PeerService>, Arc<Machine>)> {
        self.inner.lock().nodes.get(&to).cloned()
    }

    fn is_cut(&self, from: NodeId, to: NodeId) -> bool {
        let inner = self.inner.lock();
        let cut = inner.cut.contains(&(from, to));
        let one_way = inner.one_way;
        drop(inner);
        if cut {
            self.coverage.hit(if one_way { Fault::OneWay } else { Fault::Partition });
        }
        cut
    }

    /// One call: a message there, one back.
    async fn call(self: Arc<Self>, from: NodeId, to: NodeId, request: Request) -> Carried {
        let (parts, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let way = match self.fate(from, to) {
            Fate::Comes(way) => way,
            Fate::Lost => {
                tokio::time::sleep(NOWHERE).await;
                return Err(broken("nothing came back"));
            }
        };
        let message = |body: Bytes| {
            let mut request = http::Request::builder().uri(parts.uri.clone()).method(parts.method.clone());
            *request.headers_mut().expect("nothing is wrong with it") = parts.headers.clone();
            request.body(Body::new(Full::new(body))).expect("nothing is wrong with it")
        };
        let came = Arc::new(AtomicU32::new(0));
        if let Some(again) = way.again {
            let (net, twin, came) = (self.clone(), message(body.clone()), came.clone());
            if let Some((_, machine)) = self.target(to) {
                machine.spawn(async move {
                    tokio::time::sleep(again).await;
                    if let Some((mut service, _)) = net.target(to) {
                        net.comes(&came);
                        // The answer to the twin goes nowhere.
                        service.call(twin).await.ok();
                    }
                });
            }
        }
        tokio::time::sleep(way.after).await;
        // Who is there now gets it.
        let Some((mut service, machine)) = self.target(to) else {
            return Err(broken("connection refused"));
        };
        self.arrives(from, to, way);
        self.comes(&came);
        let request = message(body);
        let answered = machine.run(async move {
            let response = service.call(request).await.ok()?;
            let (parts, body) = response.into_parts();
            let body = body.collect().await.ok()?;
            let trailers = body.trailers().cloned();
            Some((parts, body.to_bytes(), trailers))
        });
        let Some(Some((parts, body, trailers))) = answered.await else {
            return Err(broken("connection reset"));
        };
        match self.fate(to, from) {
            Fate::Lost => {
                tokio::time::sleep(NOWHERE).await;
                Err(broken("nothing came back"))
            }
            Fate::Comes(way) => {
                tokio::time::sleep(way.after).await;
                self.arrives(to, from, way);
                let body = Full::new(body).with_trailers(futures::future::ready(trailers.map(Ok)));
                Ok(http::Response::from_parts(parts, Body::new(body)))
            }
        }
    }

    /// A message comes, for the first or the second time.
    fn comes(&self, before: &AtomicU32) {
        if before.fetch_add(1, Ordering::Relaxed) == 1 {
            self.coverage.hit(Fault::Duplicate);
        }
    }

    /// A stream each way.
    async fn stream(self: Arc<Self>, from: NodeId, to: NodeId, request: Request) -> Carried {
        self.inner.lock().streams += 1;
        let (parts, body) = request.into_parts();
        let Some((mut service, machine)) = self.target(to) else {
            return Err(broken("connection refused"));
        };
        // A connection is made first.
        let Fate::Comes(way) = self.fate(from, to) else {
            tokio::time::sleep(SEND_AGAIN).await;
            return Err(broken("no connection"));
        };
        tokio::time::sleep(way.after).await;
        let snapshot = parts.uri.path().ends_with(SNAPSHOT);
        let there = self.pipe(from, to, body, snapshot);
        let (sender, answered) = oneshot::channel();
        let net = self.clone();
        machine.spawn(async move {
            let mut request = http::Request::builder().uri(parts.uri).method(parts.method);
            *request.headers_mut().expect("nothing is wrong with it") = parts.headers;
            let request = request.body(there).expect("nothing is wrong with it");
            let Ok(response) = service.call(request).await;
            let (parts, body) = response.into_parts();
            let back = net.pipe(to, from, body, false);
            // Whoever asked may have given up.
            sender.send(http::Response::from_parts(parts, back)).ok();
        });
        answered.await.map_err(|_| broken("connection reset"))
    }
}

fn broken(how: &'static str) -> StdError {
    Box::new(Status::unavailable(how))
}

/// The carrier of one network.
#[derive(Clone)]
pub struct Post(pub Arc<Net>);

impl Carrier for Post {
    fn carry(&self, from: NodeId, to: &str, _lane: Lane, request: Request) -> BoxFuture<'static, Carried> {
        let net = self.0.clone();
        let Ok(to) = to.parse::<NodeId>() else {
            return futures::future::ready(Err(broken("no such address"))).boxed();
        };
        let path = request.uri().path();
        if path.ends_with("/AppendStream") || path.ends_with(SNAPSHOT) {
            net.stream(from, to, request).boxed()
        } else {
            net.call(from, to, request).boxed()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::coverage::Phase;

    fn way(number: u64, late: bool) -> Way {
        Way { number, after: Duration::ZERO, late, again: None }
    }

    fn counted(coverage: &Coverage, fault: Fault) -> u64 {
        coverage.counts().get(&(fault, Phase::Serving)).copied().unwrap_or(0)
    }

    #[test]
    fn what_is_done_to_a_message_counts_when_it_arrives_so() {
        let coverage = Coverage::default();
        let net = Net::new(1, &coverage);
        for number in [1, 2, 4] {
            net.arrives(1, 2, way(number, false));
        }
        // Another way, another order.
        net.arrives(2, 1, way(3, false));
        assert_eq!((counted(&coverage, Fault::Reorder), counted(&coverage, Fault::Delay)), (0, 0));
        net.arrives(1, 2, way(3, true));
        assert_eq!((counted(&coverage, Fault::Reorder), counted(&coverage, Fault::Delay)), (1, 1));
        let came = AtomicU32::new(0);
        net.comes(&came);
        assert_eq!(counted(&coverage, Fault::Duplicate), 0);
        net.comes(&came);
        assert_eq!(counted(&coverage, Fault::Duplicate), 1);
    }

    #[test]
    fn a_message_to_nobody_is_not_lost_nor_doubled_nor_late() {
        let coverage = Coverage::default();
        let net = Net::new(1, &coverage);
        let delay = (Duration::from_millis(1), Duration::from_millis(2));
        net.set_weather(Weather { delay, loss: 500, twice: 500, late: 500 });
        net.cut(BTreeSet::from([(1, 3), (3, 1)]));
        for _ in 0..100 {
            net.fate(1, 2);
            net.fate(1, 3);
        }
        assert!(coverage.counts().is_empty(), "{:?}", coverage.counts());
    }
}
