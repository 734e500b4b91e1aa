//! The network: carries the nodes' gRPC messages, the very bytes, over links that delay, lose, repeat, reorder and break.
//!
//! A single call is a datagram there and one back: each may be lost, late, or come twice. A stream is what TCP makes of
//! such a network: in order and whole, late when something had to be sent again, silent while the link is cut, and broken
//! when that lasts or the other side dies.

use crate::sim::coverage::{Coverage, Fault};
use crate::sim::floor::rng;
use crate::sim::machine::Machine;
use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use node::raft::NodeId;
use node::raft::links::{Carried, Carrier, Lane, Request};
use node::service::peer::PeerService;
use parking_lot::Mutex;
use proto::v1::peer_server::PeerServer;
use rand::Rng;
use rand::rngs::SmallRng;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
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
/// How long a stream may be silent before it is broken.
const BROKEN_AFTER: Duration = Duration::from_secs(8);
/// How long a call that goes nowhere takes to say so.
const NOWHERE: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(50);

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
    last: BTreeMap<(NodeId, NodeId), Instant>,
}

/// What becomes of a message.
enum Fate {
    Lost,
    Comes { after: Duration, again: Option<Duration> },
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
            last: BTreeMap::new(),
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
        let mut hits: Vec<Fault> = Vec::new();
        let fate = {
            let mut inner = self.inner.lock();
            let inner = &mut *inner;
            inner.carried += 1;
            let weather = inner.weather;
            let (least, most) = weather.delay;
            let mut after = inner.rng.random_range(least..=most);
            if inner.rng.random_ratio(weather.late, 1_000) {
                after += most * inner.rng.random_range(5..40);
                hits.push(Fault::Delay);
            }
            let (lost, twice) =
                (inner.rng.random_ratio(weather.loss, 1_000), inner.rng.random_ratio(weather.twice, 1_000));
            if inner.cut.contains(&(from, to)) {
                hits.push(if inner.one_way { Fault::OneWay } else { Fault::Partition });
                Fate::Lost
            } else if lost {
                hits.push(Fault::Loss);
                Fate::Lost
            } else {
                let due = Instant::now() + after;
                let last = inner.last.entry((from, to)).or_insert(due);
                if due < *last {
                    hits.push(Fault::Reorder);
                }
                *last = due.max(*last);
                let again = twice.then(|| after + most * inner.rng.random_range(0..20));
                if again.is_some() {
                    hits.push(Fault::Duplicate);
                }
                Fate::Comes { after, again }
            }
        };
        hits.into_iter().for_each(|fault| self.coverage.hit(fault));
        fate
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
        let (after, again) = match self.fate(from, to) {
            Fate::Comes { after, again } => (after, again),
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
        if let Some(again) = again {
            let (net, twin) = (self.clone(), message(body.clone()));
            if let Some((_, machine)) = self.target(to) {
                machine.spawn(async move {
                    tokio::time::sleep(again).await;
                    if let Some((mut service, _)) = net.target(to) {
                        // The answer to the twin goes nowhere.
                        service.call(twin).await.ok();
                    }
                });
            }
        }
        tokio::time::sleep(after).await;
        // Who is there now gets it.
        let Some((mut service, machine)) = self.target(to) else {
            return Err(broken("connection refused"));
        };
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
            Fate::Comes { after, .. } => {
                tokio::time::sleep(after).await;
                let body = Full::new(body).with_trailers(futures::future::ready(trailers.map(Ok)));
                Ok(http::Response::from_parts(parts, Body::new(body)))
            }
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
        let Fate::Comes { after, .. } = self.fate(from, to) else {
            tokio::time::sleep(SEND_AGAIN).await;
            return Err(broken("no connection"));
        };
        tokio::time::sleep(after).await;
        let there = self.pipe(from, to, body);
        let (sender, answered) = oneshot::channel();
        let net = self.clone();
        machine.spawn(async move {
            let mut request = http::Request::builder().uri(parts.uri).method(parts.method);
            *request.headers_mut().expect("nothing is wrong with it") = parts.headers;
            let request = request.body(there).expect("nothing is wrong with it");
            let Ok(response) = service.call(request).await;
            let (parts, body) = response.into_parts();
            let back = net.pipe(to, from, body);
            // Whoever asked may have given up.
            sender.send(http::Response::from_parts(parts, back)).ok();
        });
        answered.await.map_err(|_| broken("connection reset"))
    }

    /// The receiving end of a body that is read here and travels there. The reading belongs to this machine and ends with it.
    fn pipe(self: &Arc<Self>, from: NodeId, to: NodeId, mut body: Body) -> Body {
        let (sender, pieces) = mpsc::unbounded_channel();
        let net = self.clone();
        node::host::spawn(async move {
            let mut last = Instant::now();
            loop {
                let piece: Piece = tokio::select! {
                    biased;
                    () = sender.closed() => return,
                    frame = body.frame() => frame.transpose(),
                };
                let ends = !matches!(piece, Ok(Some(_)));
                let after = match net.fate(from, to) {
                    Fate::Comes { after, .. } => after,
                    Fate::Lost => SEND_AGAIN,
                };
                last = last.max(Instant::now() + after);
                if sender.send((last, piece)).is_err() || ends {
                    return;
                }
            }
        });
        let first = next_piece(self.clone(), pieces, from, to).boxed();
        Body::new(StreamBody::new(unfold(first, from, to)))
    }
}

/// A piece of a body, none at its end.
type Piece = Result<Option<Frame<Bytes>>, Status>;
type Pieces = mpsc::UnboundedReceiver<(Instant, Piece)>;
/// What arrives, and what more may.
type Step = Option<(Result<Frame<Bytes>, Status>, Option<(Arc<Net>, Pieces)>)>;

/// The pieces as they arrive, one after the other.
fn unfold(
    first: BoxFuture<'static, Step>,
    from: NodeId,
    to: NodeId,
) -> impl futures::Stream<Item = Result<Frame<Bytes>, Status>> + Send + 'static {
    futures::stream::unfold(Some(first), move |step| async move {
        let (piece, rest) = step?.await?;
        let next = rest.map(|(net, pieces)| next_piece(net, pieces, from, to).boxed());
        Some((piece, next))
    })
}

async fn next_piece(net: Arc<Net>, mut pieces: Pieces, from: NodeId, to: NodeId) -> Step {
    let Some((due, piece)) = pieces.recv().await else {
        return Some((Err(Status::unavailable("connection reset")), None));
    };
    tokio::time::sleep_until(due).await;
    let mut patience = BROKEN_AFTER;
    while net.is_cut(from, to) {
        if patience.is_zero() {
            return Some((Err(Status::unavailable("connection broken")), None));
        }
        tokio::time::sleep(LOOK).await;
        patience = patience.saturating_sub(LOOK);
    }
    match piece {
        Ok(Some(frame)) => Some((Ok(frame), Some((net, pieces)))),
        Ok(None) => None,
        Err(status) => Some((Err(status), None)),
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
        if path.ends_with("/AppendStream") || path.ends_with("/InstallSnapshot") {
            net.stream(from, to, request).boxed()
        } else {
            net.call(from, to, request).boxed()
        }
    }
}
