//! A node from start to stop: open the state, start consensus, open the doors; drain in the other order.

use crate::agree;
use crate::alarm::Alarm;
use crate::clock::Clock;
use crate::data_dir::DataDir;
use crate::fault::Fault;
use crate::host::{self, Task};
use crate::propose::Proposer;
use crate::raft::handle::RaftSettings;
use crate::raft::links::{Carrier, Links, PEER_MESSAGE_MAX};
use crate::raft::log::{LogSettings, LogStore};
use crate::raft::{Consensus, NodeId};
use crate::read::Reads;
use crate::service::{
    cluster::ClusterService, ledger::LedgerService, peer::PeerService, query::QueryService,
};
use crate::state::{State, StateSettings};
use crate::tick;
use parking_lot::Mutex;
use proto::v1::peer_server::PeerServer;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tonic::transport::server::TcpIncoming;

/// The most bytes of one message from a client.
pub const API_MESSAGE_MAX: usize = 4 << 20;
/// How long a leader that stops may take to hand over.
const HAND_OVER: Duration = Duration::from_secs(2);
/// How long a door may take to finish what it has begun.
const DRAIN: Duration = Duration::from_secs(5);
/// How often a silent connection is asked whether its other end lives, and how long that may take: who has vanished without a
/// word holds nothing for ever.
const KEEP_ALIVE: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(10));
/// The most requests that one client connection may have open at once.
const STREAMS_MAX: u32 = 4_096;

/// Everything that a node is started with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Province code × 1 000 000 + incarnation.
    pub node: NodeId,
    /// The data directory.
    pub data_dir: PathBuf,
    /// `host:port` to listen at for other nodes; port 0 takes a free one.
    pub listen_peer: String,
    /// `host:port` to listen at for clients; port 0 takes a free one.
    pub listen_api: String,
    /// Consensus.
    pub raft: RaftSettings,
    /// The Raft log's files.
    pub log: LogSettings,
    /// The state's files and memory.
    pub state: StateSettings,
    /// What the node takes for the time when it leads.
    pub clock: Clock,
    /// How often it looks, when it leads, whether something has run out.
    pub pulse: Duration,
}

/// How often a leader usually looks whether something has run out.
pub const PULSE: Duration = Duration::from_secs(10);

/// What the doors share.
pub(crate) struct Shared {
    pub consensus: Consensus,
    pub state: State,
    pub proposer: Proposer,
    pub reads: Reads,
    pub links: Arc<Links>,
    /// None once the node has stopped: its lock is let go of.
    pub data_dir: Mutex<Option<DataDir>>,
    pub applied: watch::Receiver<u64>,
    pub clock: Clock,
    pub pulse: Duration,
    pub started: ledger::Stamp,
    /// When a leader was last heard, by this node's clock, in milliseconds.
    pub heard: AtomicU64,
    pub stopping: watch::Receiver<bool>,
    pub peer_address: SocketAddr,
    pub api_address: SocketAddr,
}

/// A running node.
pub struct Node {
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    doors: Vec<Task<()>>,
    alarm: Alarm,
}

impl Node {
    /// Starts a node. Returns when its doors are open; it may still have to catch up.
    ///
    /// # Errors
    /// The step that failed, its place, and what to do next.
    pub async fn start(settings: Settings) -> Result<Node, Fault> {
        let (peers, peer_address) = listen(&settings.listen_peer, "peers").await?;
        let (clients, api_address) = listen(&settings.listen_api, "clients").await?;
        let opened = open(&settings).await?;
        let links = Links::new(settings.node, opened.data_dir.cluster());
        let mut node = Node::assemble(settings, opened, links, peer_address, api_address).await?;
        let (shared, alarm) = (&node.shared, &node.alarm);
        let stopping = &shared.stopping;
        node.doors = vec![
            alarm.guard(
                "the door for peers",
                open_door(serve_peers(shared.clone(), peers, stopping.clone()), alarm.clone()),
            ),
            alarm.guard(
                "the door for clients",
                open_door(serve_clients(shared.clone(), clients, stopping.clone()), alarm.clone()),
            ),
        ];
        Ok(node)
    }

    /// Starts a node without doors, in a simulation that carries its messages.
    ///
    /// # Errors
    /// The step that failed, its place, and what to do next.
    pub async fn start_carried(settings: Settings, carrier: Arc<dyn Carrier>) -> Result<Node, Fault> {
        let opened = open(&settings).await?;
        let links = Links::new(settings.node, opened.data_dir.cluster()).carried_by(carrier);
        let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
        Node::assemble(settings, opened, links, nowhere, nowhere).await
    }

    async fn assemble(
        settings: Settings,
        opened: Opened,
        links: Links,
        peer_address: SocketAddr,
        api_address: SocketAddr,
    ) -> Result<Node, Fault> {
        let Opened { data_dir, state, log } = opened;
        let (node, links) = (settings.node, Arc::new(links));
        let (applied_sender, applied) = watch::channel(0);
        let consensus =
            Consensus::start(node, &settings.raft, log, state.clone(), links.clone(), applied_sender).await?;
        let (stop, stopping) = watch::channel(false);
        let alarm = Alarm::default();
        let shared = Arc::new(Shared {
            proposer: Proposer::start(consensus.clone(), links.clone(), settings.clock.clone(), &alarm),
            reads: Reads::start(consensus.clone(), links.clone(), applied.clone(), &alarm),
            consensus,
            state,
            links,
            data_dir: Mutex::new(Some(data_dir)),
            applied,
            clock: settings.clock,
            pulse: settings.pulse,
            started: crate::clock::now(),
            heard: AtomicU64::new(0),
            stopping,
            peer_address,
            api_address,
        });
        alarm.guard("the pulse", tick::run(shared.clone()));
        alarm.guard("the watch", watch_over(shared.clone(), alarm.clone()));
        Ok(Node { shared, stop, doors: Vec::new(), alarm })
    }

    /// This node's id.
    pub fn id(&self) -> NodeId {
        self.shared.links.node()
    }

    /// Where other nodes reach it.
    pub fn peer_address(&self) -> SocketAddr {
        self.shared.peer_address
    }

    /// Where clients reach it.
    pub fn api_address(&self) -> SocketAddr {
        self.shared.api_address
    }

    /// Its consensus.
    pub fn consensus(&self) -> &Consensus {
        &self.shared.consensus
    }

    /// Its state, for audits.
    pub fn state(&self) -> &State {
        &self.shared.state
    }

    /// Binds the node to a cluster, durably.
    ///
    /// # Errors
    /// It belongs to another one, or cannot write that down.
    pub fn join(&self, cluster: [u8; 16]) -> Result<(), Fault> {
        if let Some(data_dir) = self.shared.data_dir.lock().as_ref() {
            data_dir.set_cluster(cluster)?;
        }
        self.shared.state.set_cluster(cluster);
        self.shared.links.join(cluster);
        Ok(())
    }

    /// Where transactions are handed in.
    pub fn proposer(&self) -> &Proposer {
        &self.shared.proposer
    }

    /// What makes reads fresh.
    pub fn reads(&self) -> &Reads {
        &self.shared.reads
    }

    /// What answers other nodes.
    pub fn peer_service(&self) -> PeerServer<PeerService> {
        PeerServer::new(PeerService::new(self.shared.clone()))
            .max_decoding_message_size(PEER_MESSAGE_MAX)
            .max_encoding_message_size(PEER_MESSAGE_MAX)
    }

    /// What answers clients.
    pub fn ledger_service(&self) -> LedgerService {
        LedgerService::new(self.shared.clone())
    }

    /// What answers operators.
    pub fn cluster_service(&self) -> ClusterService {
        ClusterService::new(self.shared.clone())
    }

    /// Returns the fault when the node must stop.
    pub async fn failed(&self) -> Fault {
        self.alarm.heard().await
    }

    /// Stops in good order: the doors finish what they have begun, consensus is left, and a last checkpoint
    /// spares the next start the replay. What was acknowledged is on disk already.
    pub async fn shutdown(mut self) {
        if let Err(why) = self.shared.consensus.hand_over(None, HAND_OVER).await {
            tracing::info!(why, "leadership was not handed over");
        }
        self.stop.send_replace(true);
        let drained = futures::future::join_all(&mut self.doors);
        if tokio::time::timeout(DRAIN, drained).await.is_err() {
            self.doors.iter().for_each(Task::abort);
        }
        self.leave().await;
        let state = self.shared.state.clone();
        let last = host::blocking(move || {
            let done = state.checkpoint();
            state.close();
            done
        });
        match last.await {
            Ok(Ok(())) => {}
            Ok(Err(fault)) => tracing::warn!(%fault, "no last checkpoint: the next start replays the log"),
            Err(problem) => tracing::warn!(%problem, "no last checkpoint: the next start replays the log"),
        }
        self.shared.data_dir.lock().take();
    }

    /// Stops at once, as if the process had died: nothing is finished, nothing more is written.
    pub async fn kill(self) {
        for door in &self.doors {
            door.abort();
        }
        self.stop.send_replace(true);
        self.leave().await;
        let state = self.shared.state.clone();
        // Waits for a checkpoint that is being written: another start must not meet its thread.
        let closed = host::blocking(move || state.close()).await;
        if let Err(problem) = closed {
            tracing::warn!(%problem, "the state was not closed");
        }
        self.shared.data_dir.lock().take();
    }

    async fn leave(&self) {
        self.shared.consensus.shutdown().await;
    }
}

/// What a node's data directory holds.
struct Opened {
    data_dir: DataDir,
    state: State,
    log: LogStore,
}

async fn open(settings: &Settings) -> Result<Opened, Fault> {
    let (dir, node) = (settings.data_dir.clone(), settings.node);
    let (state_settings, log_settings) = (settings.state.clone(), settings.log);
    let opened = host::blocking(move || {
        let data_dir = DataDir::create_or_open(&dir, None, node)?;
        let state = State::open(&dir, StateSettings { cluster: data_dir.cluster(), ..state_settings })?;
        let log = LogStore::open(&dir.join("log"), node, log_settings)?;
        let (purged, applied) = (log.purged(), state.applied().index());
        if applied > 0 && !log.has_voted() {
            return Err(Fault::Corrupt {
                place: dir.join("log").display().to_string(),
                what: format!("the state is at entry {applied}, but the log remembers no vote: it is not the log of this state"),
                hint: "mount or restore the log; if it is lost, replace this node under a new node id: it may have voted".into(),
            });
        }
        if applied < purged {
            return Err(Fault::Corrupt {
                place: dir.join("snap").display().to_string(),
                what: format!(
                    "the log begins behind entry {purged}, the state is at {applied}, and no snapshot leads from one to the other"
                ),
                hint: "this node cannot be rebuilt from its own files: replace it under a new node id".into(),
            });
        }
        // A log that has lost its end is purged up to the state.
        let begins = if log.last() < applied { applied } else { purged };
        let snapshot = state.current_snapshot()?.map_or(0, |newest| newest.applied.index());
        if snapshot < begins {
            // The newest is damaged, or older than the log's loss. Whoever was sent it would ask for entries that are gone.
            let built = state.build_snapshot()?.applied.index();
            tracing::warn!(
                snapshot,
                begins,
                built,
                "no snapshot reaches up to where the log begins: one is written"
            );
        }
        Ok(Opened { data_dir, state, log })
    });
    opened.await.map_err(|problem| Fault::Stopped { reason: problem.to_string() })?
}

async fn listen(address: &str, whom: &'static str) -> Result<(TcpListener, SocketAddr), Fault> {
    let failed = |source: std::io::Error| Fault::Listen {
        whom,
        address: address.to_string(),
        source: Arc::new(source),
    };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let local = listener.local_addr().map_err(failed)?;
    Ok((listener, local))
}

/// Returns when the node stops.
pub(crate) async fn until_stop(mut stopping: watch::Receiver<bool>) {
    // The sender gone means stop as well.
    stopping.wait_for(|stop| *stop).await.ok();
}

async fn serve_peers(
    shared: Arc<Shared>,
    listener: TcpListener,
    stopping: watch::Receiver<bool>,
) -> Result<(), tonic::transport::Error> {
    let peers = PeerServer::new(PeerService::new(shared))
        .max_decoding_message_size(PEER_MESSAGE_MAX)
        .max_encoding_message_size(PEER_MESSAGE_MAX);
    tonic::transport::Server::builder()
        .initial_stream_window_size(8 << 20)
        .initial_connection_window_size(16 << 20)
        .http2_keepalive_interval(Some(KEEP_ALIVE.0))
        .http2_keepalive_timeout(Some(KEEP_ALIVE.1))
        .add_service(peers)
        .serve_with_incoming_shutdown(
            TcpIncoming::from(listener).with_nodelay(Some(true)),
            until_stop(stopping),
        )
        .await
}

async fn serve_clients(
    shared: Arc<Shared>,
    listener: TcpListener,
    stopping: watch::Receiver<bool>,
) -> Result<(), tonic::transport::Error> {
    use proto::v1::{cluster_server::ClusterServer, ledger_server::LedgerServer, query_server::QueryServer};
    let (health, health_service) = tonic_health::server::health_reporter();
    health.set_serving::<LedgerServer<LedgerService>>().await;
    health.set_serving::<QueryServer<QueryService>>().await;
    let described = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(proto::DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let reflection = described().build_v1().expect("the descriptors are made with the binary");
    // What older tools ask for.
    let reflection_alpha = described().build_v1alpha().expect("the descriptors are made with the binary");
    tonic::transport::Server::builder()
        .max_concurrent_streams(STREAMS_MAX)
        .initial_stream_window_size(1 << 20)
        .initial_connection_window_size(8 << 20)
        .http2_keepalive_interval(Some(KEEP_ALIVE.0))
        .http2_keepalive_timeout(Some(KEEP_ALIVE.1))
        .add_service(
            LedgerServer::new(LedgerService::new(shared.clone())).max_decoding_message_size(API_MESSAGE_MAX),
        )
        .add_service(QueryServer::new(QueryService::new(shared.clone())))
        .add_service(ClusterServer::new(ClusterService::new(shared)))
        .add_service(health_service)
        .add_service(reflection)
        .add_service(reflection_alpha)
        .serve_with_incoming_shutdown(
            TcpIncoming::from(listener).with_nodelay(Some(true)),
            until_stop(stopping),
        )
        .await
}

/// Serves until the node stops; a door that ends before is a fault.
async fn open_door(door: impl Future<Output = Result<(), tonic::transport::Error>>, alarm: Alarm) {
    if let Err(problem) = door.await {
        alarm.ring(Fault::Stopped { reason: format!("a door closed by itself: {problem}") });
    }
}

/// Rings when consensus has stopped, when the state is poisoned, or when this node differs from the others.
async fn watch_over(shared: Arc<Shared>, alarm: Alarm) {
    let mut state = shared.state.troubled();
    let poisoned = async {
        match state.wait_for(Option::is_some).await {
            Ok(fault) => fault.clone(),
            Err(_) => None,
        }
    };
    let fault = tokio::select! {
        biased;
        () = until_stop(shared.stopping.clone()) => return,
        fault = shared.consensus.failed() => Some(fault),
        fault = agree::run(shared.clone()) => Some(fault),
        fault = poisoned => fault,
    };
    alarm.ring(fault.unwrap_or_else(|| Fault::Stopped { reason: "the state is gone".into() }));
}
