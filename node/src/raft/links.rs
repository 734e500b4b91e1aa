//! A node's connections to its peers.
//!
//! Every peer has three, made when first needed: one for entries, one for what must not wait behind them (heartbeats,
//! votes, reads), one for snapshots. One on which nothing good is heard for a while is made anew: a connection can hang for
//! ever without breaking, or understand every message wrongly. A simulation carries all messages itself.

use super::types::NodeId;
use bytes::Bytes;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use proto::v1::peer_client::PeerClient;
use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tonic::Code;
use tonic::codegen::{Service, StdError, http};
use tonic::transport::{Channel, Endpoint};

/// The most bytes of one message between nodes.
pub const PEER_MESSAGE_MAX: usize = 64 << 20;

/// For how long calls may be made on a connection without one good answer; and how long one is kept after a strange answer, so
/// that a peer that is strange itself is not dialled all the time.
const SILENT_MAX: Duration = Duration::from_secs(2);

/// How often a connection with calls under way is asked whether its other end lives, and how long it may take to say so.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// Which of a peer's connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Log entries.
    Entries,
    /// Heartbeats, votes, read indexes, passed-on proposals, digests.
    Control,
    /// Snapshots.
    Snapshot,
}

/// Carries messages between simulated nodes.
pub trait Carrier: Send + Sync {
    /// Brings a request to the node at an address, and back what comes of it.
    fn carry(&self, from: NodeId, to: &str, lane: Lane, request: Request) -> BoxFuture<'static, Carried>;
}

/// A gRPC request, as it travels.
pub type Request = http::Request<tonic::body::Body>;
/// What comes of it.
pub type Carried = Result<http::Response<tonic::body::Body>, StdError>;

/// What brings gRPC messages to one peer.
#[derive(Clone)]
pub enum Line {
    /// A connection.
    Connected(Channel, Arc<Hearing>),
    /// A simulation.
    Simulated {
        /// Who carries.
        carrier: Arc<dyn Carrier>,
        /// Whose message.
        from: NodeId,
        /// Where to.
        to: Arc<str>,
        /// Which of the connections it would be.
        lane: Lane,
    },
}

/// What is heard on a connection. Heads say nothing: they pass where bodies no longer do.
#[derive(Debug)]
pub struct Hearing(Mutex<Heard>);

#[derive(Debug)]
struct Heard {
    made: Instant,
    /// Since when something is said without one good answer.
    silent: Option<Instant>,
    /// An answer came that no peer gives who was asked as we ask. What damages the tables of HTTP/2's headers may spoil one
    /// kind of call for ever while others go on.
    strange: bool,
}

impl Hearing {
    fn new() -> Hearing {
        Hearing(Mutex::new(Heard { made: Instant::now(), silent: None, strange: false }))
    }

    fn asked(&self) {
        self.0.lock().silent.get_or_insert_with(Instant::now);
    }

    fn answered(&self) {
        self.0.lock().silent = None;
    }

    /// Takes in how an answer ended; one whose status is lost ended strangely.
    fn ended(&self, status: Option<Code>) {
        match status {
            Some(Code::Ok) => self.answered(),
            Some(Code::Unimplemented | Code::Internal | Code::DataLoss | Code::Unknown) | None => {
                self.0.lock().strange = true;
            }
            // A peer's no.
            Some(_) => {}
        }
    }

    /// Whether another connection should take its place: not before this one has had its time.
    fn is_bad(&self, now: Instant) -> bool {
        let heard = self.0.lock();
        let long = |since: Instant| now.duration_since(since) > SILENT_MAX;
        heard.silent.is_some_and(long) || (heard.strange && long(heard.made))
    }
}

fn status_in(headers: &http::HeaderMap) -> Option<Code> {
    headers.get(tonic::Status::GRPC_STATUS).map(|code| Code::from_bytes(code.as_bytes()))
}

/// A body on its way, whose pieces are noticed.
struct Noticed {
    body: tonic::body::Body,
    hearing: Arc<Hearing>,
    kind: Kind,
}

/// Whose body it is, and what in it counts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Of a question: every piece asks.
    Question,
    /// Of an answer: its status, which comes last. Without a good one the rest is thrown away.
    Answer,
    /// Of answers without an end: every piece.
    Answers,
    /// Of an answer whose status was in its head.
    Ended,
}

impl Noticed {
    fn notice(&mut self, frame: Option<&http_body::Frame<Bytes>>) {
        match (self.kind, frame) {
            (Kind::Question, Some(_)) => self.hearing.asked(),
            (Kind::Answers, Some(frame)) if frame.is_data() => self.hearing.answered(),
            (Kind::Answer | Kind::Answers, Some(frame)) => {
                if let Some(trailers) = frame.trailers_ref() {
                    self.kind = Kind::Ended;
                    self.hearing.ended(status_in(trailers));
                }
            }
            (Kind::Answer, None) => self.hearing.ended(None),
            (Kind::Question | Kind::Answers, None) | (Kind::Ended, _) => {}
        }
    }
}

impl http_body::Body for Noticed {
    type Data = Bytes;
    type Error = tonic::Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, tonic::Status>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => self.notice(Some(frame)),
            Poll::Ready(None) => self.notice(None),
            Poll::Ready(Some(Err(_))) | Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}

impl Service<Request> for Line {
    type Response = http::Response<tonic::body::Body>;
    type Error = StdError;
    type Future = BoxFuture<'static, Carried>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), StdError>> {
        match self {
            Line::Connected(channel, hearing) => {
                hearing.asked();
                Service::<Request>::poll_ready(channel, cx).map_err(StdError::from)
            }
            Line::Simulated { .. } => Poll::Ready(Ok(())),
        }
    }

    fn call(&mut self, request: Request) -> Self::Future {
        match self {
            Line::Connected(channel, hearing) => {
                let noticed = |hearing: &Arc<Hearing>, kind, body| {
                    tonic::body::Body::new(Noticed { body, hearing: hearing.clone(), kind })
                };
                let streams = request.uri().path().ends_with("/AppendStream");
                let call = channel.call(request.map(|body| noticed(hearing, Kind::Question, body)));
                let hearing = hearing.clone();
                Box::pin(async move {
                    let response = call.await.map_err(StdError::from)?;
                    let status = status_in(response.headers());
                    let kind = match (status, streams) {
                        _ if response.status() != http::StatusCode::OK => {
                            hearing.ended(None);
                            Kind::Ended
                        }
                        (Some(_), _) => {
                            hearing.ended(status);
                            Kind::Ended
                        }
                        (None, true) => Kind::Answers,
                        (None, false) => Kind::Answer,
                    };
                    Ok(response.map(|body| noticed(&hearing, kind, body)))
                })
            }
            Line::Simulated { carrier, from, to, lane } => carrier.carry(*from, to, *lane, request),
        }
    }
}

/// This node's connections to its peers.
pub struct Links {
    node: NodeId,
    cluster: OnceLock<[u8; 16]>,
    lines: Mutex<HashMap<(String, Lane), Line>>,
    /// In a simulation: who carries instead of connections.
    carrier: Option<Arc<dyn Carrier>>,
}

impl Links {
    /// Connections of `node`. The cluster's id is told later if the node has none yet.
    pub fn new(node: NodeId, cluster: Option<[u8; 16]>) -> Links {
        let known = OnceLock::new();
        if let Some(cluster) = cluster {
            known.get_or_init(|| cluster);
        }
        Links { node, cluster: known, lines: Mutex::default(), carrier: None }
    }

    /// Has all messages carried by a simulation.
    pub(crate) fn carried_by(self, carrier: Arc<dyn Carrier>) -> Links {
        Links { carrier: Some(carrier), ..self }
    }

    /// This node's id.
    pub fn node(&self) -> NodeId {
        self.node
    }

    /// The cluster's id, once known.
    pub fn cluster(&self) -> Option<[u8; 16]> {
        self.cluster.get().copied()
    }

    /// Learns the cluster's id; false if it is another one than before.
    pub fn join(&self, cluster: [u8; 16]) -> bool {
        *self.cluster.get_or_init(|| cluster) == cluster
    }

    /// The header of a message to `to`.
    pub fn header(&self, to: NodeId) -> proto::v1::PeerHeader {
        let cluster = self.cluster().map(|id| Bytes::copy_from_slice(&id)).unwrap_or_default();
        proto::v1::PeerHeader { cluster, from: self.node, to }
    }

    /// A client of the peer at `address`.
    pub fn peer(&self, address: &str, lane: Lane) -> Result<PeerClient<Line>, tonic::transport::Error> {
        let mut lines = self.lines.lock();
        let key = (address.to_string(), lane);
        let kept = lines.get(&key).filter(|line| match line {
            Line::Connected(_, hearing) => !hearing.is_bad(Instant::now()),
            Line::Simulated { .. } => true,
        });
        let line = match kept {
            Some(line) => line.clone(),
            None => {
                let line = self.line(address, lane)?;
                lines.insert(key, line.clone());
                line
            }
        };
        Ok(PeerClient::new(line)
            .max_decoding_message_size(PEER_MESSAGE_MAX)
            .max_encoding_message_size(PEER_MESSAGE_MAX))
    }

    fn line(&self, address: &str, lane: Lane) -> Result<Line, tonic::transport::Error> {
        if let Some(carrier) = self.carrier.clone() {
            return Ok(Line::Simulated { carrier, from: self.node, to: address.into(), lane });
        }
        let endpoint = Endpoint::from_shared(format!("http://{address}"))?
            .connect_timeout(Duration::from_secs(2))
            .http2_keep_alive_interval(KEEP_ALIVE)
            .keep_alive_timeout(KEEP_ALIVE)
            .tcp_nodelay(true)
            .initial_stream_window_size(8 << 20)
            .initial_connection_window_size(16 << 20);
        Ok(Line::Connected(endpoint.connect_lazy(), Arc::new(Hearing::new())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::StreamExt;
    use http_body_util::BodyExt;
    use proto::v1::{AppendStreamRequest, ReadIndexRequest};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::time::timeout;
    use tonic::transport::Server;

    /// Says the head of every answer, and nothing behind it.
    #[derive(Clone)]
    struct HeadsOnly;

    impl tonic::server::NamedService for HeadsOnly {
        const NAME: &'static str = proto::v1::peer_server::SERVICE_NAME;
    }

    impl Service<Request> for HeadsOnly {
        type Response = http::Response<tonic::body::Body>;
        type Error = std::convert::Infallible;
        type Future = std::future::Ready<Result<Self::Response, Self::Error>>;

        fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _request: Request) -> Self::Future {
            let nothing = futures::stream::pending::<Result<http_body::Frame<Bytes>, tonic::Status>>();
            let body = tonic::body::Body::new(http_body_util::StreamBody::new(nothing));
            let head = http::Response::builder().header(http::header::CONTENT_TYPE, "application/grpc");
            std::future::ready(Ok(head.body(body).expect("a head")))
        }
    }

    /// Asks one question after another, each for a moment, until two connections were made.
    async fn asked_until_dialled_twice<F: Future>(
        ask: impl Fn(PeerClient<Line>) -> F,
        serve: impl AsyncFn(TcpStream),
    ) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let links = Links::new(1, None);
        let asks = async {
            loop {
                let peer = links.peer(&address, Lane::Control).expect("a good address");
                // Nothing is expected of it but that it is asked.
                timeout(SILENT_MAX / 20, ask(peer)).await.ok();
            }
        };
        let dialled_twice = async {
            let (first, _) = listener.accept().await.expect("a connection");
            let second = async { listener.accept().await.expect("a connection") };
            tokio::select! {
                () = serve(first) => panic!("the connection ended"),
                second = second => second,
            }
        };
        tokio::select! {
            () = asks => {}
            dialled = timeout(SILENT_MAX * 30, dialled_twice) => assert!(dialled.is_ok(), "it was dialled once"),
        }
    }

    #[tokio::test]
    async fn a_connection_on_which_nothing_is_heard_is_made_anew() {
        let ask =
            |mut peer: PeerClient<Line>| async move { peer.read_index(ReadIndexRequest::default()).await };
        asked_until_dialled_twice(ask, async |_stream| std::future::pending().await).await;
    }

    /// As behind a damaged window of HTTP/2's flow control.
    #[tokio::test]
    async fn a_connection_on_which_only_heads_are_heard_is_made_anew() {
        let ask = |mut peer: PeerClient<Line>| async move {
            let requests =
                futures::stream::iter([AppendStreamRequest::default()]).chain(futures::stream::pending());
            peer.append_stream(requests).await.expect("a head").into_inner().message().await
        };
        asked_until_dialled_twice(ask, async move |stream| {
            let one =
                futures::stream::iter([Ok::<_, std::io::Error>(stream)]).chain(futures::stream::pending());
            Server::builder().add_service(HeadsOnly).serve_with_incoming(one).await.expect("serves");
        })
        .await;
    }

    #[tokio::test]
    async fn an_answer_counts_with_its_status_and_one_of_a_stream_at_once() {
        let data = || http_body::Frame::data(Bytes::from_static(b"an answer"));
        let status = |code: &'static str| {
            let value = http::HeaderValue::from_static(code);
            http_body::Frame::trailers(http::HeaderMap::from_iter([(tonic::Status::GRPC_STATUS, value)]))
        };
        // Whether the silence ends, and whether it was strange.
        let heard = async |kind, frames: Vec<http_body::Frame<Bytes>>| {
            let hearing = Arc::new(Hearing::new());
            hearing.asked();
            let frames = futures::stream::iter(frames.into_iter().map(Ok::<_, tonic::Status>));
            let body = tonic::body::Body::new(http_body_util::StreamBody::new(frames));
            let mut noticed = Noticed { body, hearing: hearing.clone(), kind };
            while noticed.frame().await.is_some() {}
            let heard = hearing.0.lock();
            (heard.silent.is_none(), heard.strange)
        };
        assert_eq!(heard(Kind::Answer, vec![data(), status("0")]).await, (true, false));
        assert_eq!(heard(Kind::Answer, vec![status("9")]).await, (false, false), "a peer's no");
        assert_eq!(heard(Kind::Answer, vec![data()]).await, (false, true), "its status was lost");
        assert_eq!(heard(Kind::Answer, vec![data(), status("15")]).await, (false, true), "damaged");
        assert_eq!(heard(Kind::Answer, vec![status("12")]).await, (false, true), "asked as another one");
        assert_eq!(heard(Kind::Answers, vec![data()]).await, (true, false));
        assert_eq!(heard(Kind::Answers, vec![status("2")]).await, (false, true));
        assert_eq!(heard(Kind::Question, vec![data()]).await, (false, false), "it asks");
        assert_eq!(heard(Kind::Ended, vec![data()]).await, (false, false), "it was told by its head");
    }

    #[test]
    fn one_kind_of_call_that_is_spoiled_ends_a_connection_on_which_others_go_on() {
        let hearing = Hearing::new();
        let made = hearing.0.lock().made;
        let (soon, later) = (made + SILENT_MAX / 2, made + SILENT_MAX * 2);
        hearing.asked();
        hearing.ended(Some(Code::Ok));
        assert!(!hearing.is_bad(later), "all is well");
        hearing.ended(Some(Code::FailedPrecondition));
        assert!(!hearing.is_bad(later), "a peer may say no");
        hearing.ended(Some(Code::Unimplemented));
        hearing.ended(Some(Code::Ok));
        assert!(!hearing.is_bad(soon), "not before its time");
        assert!(hearing.is_bad(later));
    }
}
