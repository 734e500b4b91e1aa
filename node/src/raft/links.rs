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

/// For how long calls may be made on a connection without one good answer.
const SILENT_MAX: Duration = Duration::from_secs(2);

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
    Connected(Channel, Arc<Silence>),
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

/// Since when something is said on a connection without one good answer. Heads say nothing: they pass where bodies no longer do.
#[derive(Debug, Default)]
pub struct Silence(Mutex<Option<Instant>>);

impl Silence {
    fn asked(&self) {
        self.0.lock().get_or_insert_with(Instant::now);
    }

    fn answered(&self) {
        *self.0.lock() = None;
    }

    fn is_long(&self) -> bool {
        self.0.lock().is_some_and(|since| since.elapsed() > SILENT_MAX)
    }
}

/// Whether a status is one of a peer that has understood the question, be it a no.
fn understood(headers: &http::HeaderMap) -> bool {
    let status = headers.get(tonic::Status::GRPC_STATUS).map(|code| Code::from_bytes(code.as_bytes()));
    let strange = [Code::Unimplemented, Code::Internal, Code::DataLoss, Code::Unknown];
    status.is_some_and(|code| !strange.contains(&code))
}

/// A body on its way, whose pieces are noticed.
struct Noticed {
    body: tonic::body::Body,
    silence: Arc<Silence>,
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
}

impl Noticed {
    fn notice(&self, frame: &http_body::Frame<Bytes>) {
        match (self.kind, frame.trailers_ref()) {
            (Kind::Question, None) => self.silence.asked(),
            (Kind::Answers, None) => self.silence.answered(),
            (Kind::Answer | Kind::Answers, Some(trailers)) if understood(trailers) => self.silence.answered(),
            _ => {}
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
        if let Poll::Ready(Some(Ok(frame))) = &polled {
            self.notice(frame);
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
            Line::Connected(channel, silence) => {
                silence.asked();
                Service::<Request>::poll_ready(channel, cx).map_err(StdError::from)
            }
            Line::Simulated { .. } => Poll::Ready(Ok(())),
        }
    }

    fn call(&mut self, request: Request) -> Self::Future {
        match self {
            Line::Connected(channel, silence) => {
                let noticed = |silence: &Arc<Silence>, kind, body| {
                    tonic::body::Body::new(Noticed { body, silence: silence.clone(), kind })
                };
                let streams = request.uri().path().ends_with("/AppendStream");
                let kind = if streams { Kind::Answers } else { Kind::Answer };
                let call = channel.call(request.map(|body| noticed(silence, Kind::Question, body)));
                let silence = silence.clone();
                Box::pin(async move {
                    let response = call.await.map_err(StdError::from)?;
                    // A no may come without a body.
                    if understood(response.headers()) {
                        silence.answered();
                    }
                    Ok(response.map(|body| noticed(&silence, kind, body)))
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
            Line::Connected(_, silence) => !silence.is_long(),
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
            .tcp_nodelay(true)
            .initial_stream_window_size(8 << 20)
            .initial_connection_window_size(16 << 20);
        Ok(Line::Connected(endpoint.connect_lazy(), Arc::default()))
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
        let counts = async |kind, frames: Vec<http_body::Frame<Bytes>>| {
            let silence = Arc::new(Silence::default());
            silence.asked();
            let frames = futures::stream::iter(frames.into_iter().map(Ok::<_, tonic::Status>));
            let body = tonic::body::Body::new(http_body_util::StreamBody::new(frames));
            let mut noticed = Noticed { body, silence: silence.clone(), kind };
            while noticed.frame().await.is_some() {}
            silence.0.lock().is_none()
        };
        assert!(counts(Kind::Answer, vec![data(), status("0")]).await);
        assert!(counts(Kind::Answer, vec![status("9")]).await, "a peer's no");
        assert!(!counts(Kind::Answer, vec![data()]).await, "its status was lost");
        assert!(!counts(Kind::Answer, vec![data(), status("15")]).await, "its status was damaged");
        assert!(counts(Kind::Answers, vec![data()]).await);
        assert!(!counts(Kind::Answers, vec![status("2")]).await, "nothing was answered");
        assert!(!counts(Kind::Question, vec![data()]).await, "it asks");
    }

    #[test]
    fn a_good_answer_ends_the_silence_and_a_strange_one_does_not() {
        let headers = |status: Option<Code>| -> http::HeaderMap {
            let value = |code: Code| (code as i32).to_string().parse().expect("a number");
            status.map(|code| (tonic::Status::GRPC_STATUS, value(code))).into_iter().collect()
        };
        assert!(understood(&headers(Some(Code::Ok))), "the answer was whole");
        assert!(understood(&headers(Some(Code::FailedPrecondition))), "a peer's no");
        assert!(!understood(&headers(None)), "the body is still to come, or the status was damaged");
        assert!(!understood(&headers(Some(Code::Unimplemented))), "the question came as another one");
        assert!(!understood(&headers(Some(Code::DataLoss))), "the question was damaged");
    }
}
