//! A node's connections to its peers.
//!
//! Every peer has three, made when first needed: one for entries, one for what must not wait behind them (heartbeats,
//! votes, reads), one for snapshots. A simulation carries all messages itself.

use super::types::NodeId;
use bytes::Bytes;
use futures::TryFutureExt;
use futures::future::{BoxFuture, Either};
use parking_lot::Mutex;
use proto::v1::peer_client::PeerClient;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;
use tonic::codegen::{Service, StdError, http};
use tonic::transport::{Channel, Endpoint};

/// The most bytes of one message between nodes.
pub const PEER_MESSAGE_MAX: usize = 64 << 20;

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
    Connected(Channel),
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

type Connected = futures::future::MapErr<
    <Channel as Service<Request>>::Future,
    fn(<Channel as Service<Request>>::Error) -> StdError,
>;

impl Service<Request> for Line {
    type Response = http::Response<tonic::body::Body>;
    type Error = StdError;
    type Future = Either<Connected, BoxFuture<'static, Carried>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), StdError>> {
        match self {
            Line::Connected(channel) => Service::<Request>::poll_ready(channel, cx).map_err(StdError::from),
            Line::Simulated { .. } => Poll::Ready(Ok(())),
        }
    }

    fn call(&mut self, request: Request) -> Self::Future {
        match self {
            Line::Connected(channel) => Either::Left(channel.call(request).map_err(StdError::from)),
            Line::Simulated { carrier, from, to, lane } => {
                Either::Right(carrier.carry(*from, to, *lane, request))
            }
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
        let line = match lines.get(&key) {
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
        Ok(Line::Connected(endpoint.connect_lazy()))
    }
}
