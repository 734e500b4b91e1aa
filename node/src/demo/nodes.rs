//! Real nodes in this process: real gRPC on loopback, real files, real syncs. Each has a runtime of its own, so that one
//! can be killed: with its runtime all its tasks and connections stop wherever they are.

use crate::bench::world::sdk;
use crate::cli::start::told;
use crate::places::Province;
use crate::problem::{Exit, Problem};
use anyhow::Result;
use client::Client;
use client::v1;
use client::v1::cluster_client::ClusterClient;
use node::clock::Clock;
use node::fault::Fault;
use node::raft::handle::RaftSettings;
use node::raft::log::LogSettings;
use node::state::StateSettings;
use node::{Node, Settings};
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};

/// From this many nodes on, elections take their time: all share two or four cores.
const MANY: usize = 8;
/// How long a new leader may take to be found.
const ELECTED: Duration = Duration::from_secs(20);

/// How long the last threads of a killed node may take.
const KILLED: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(20);

/// The nodes of the demo.
pub struct Nodes {
    seats: Vec<Seat>,
    voters: usize,
}

/// A node and what it is started with. Killed, its seat is empty.
struct Seat {
    settings: Settings,
    member: v1::Member,
    running: Option<Running>,
}

/// A node with its runtime.
struct Running {
    node: Option<Node>,
    runtime: Option<Runtime>,
}

impl Running {
    async fn start(settings: Settings) -> Result<Running, Fault> {
        let failed = |source| Fault::io("start a runtime", &settings.data_dir, source);
        let threads = Builder::new_multi_thread().worker_threads(1).enable_all().build().map_err(failed)?;
        let mut running = Running { node: None, runtime: Some(threads) };
        let Some(runtime) = &running.runtime else { return Ok(running) };
        match runtime.spawn(Node::start(settings)).await {
            Ok(node) => running.node = Some(node?),
            Err(problem) => return Err(Fault::Stopped { reason: problem.to_string() }),
        }
        Ok(running)
    }

    /// Stops everything of the node where it is.
    async fn kill(mut self) {
        let Some(runtime) = self.runtime.take() else { return };
        let node = self.node.take();
        let stopping = tokio::task::spawn_blocking(move || {
            runtime.shutdown_timeout(KILLED);
            // A thread of its state may be at its last write: the next start must not meet it.
            if let Some(node) = node {
                node.state().close();
            }
        });
        // What is left of it holds nothing that another node needs.
        stopping.await.ok();
    }

    /// Lets the node take its leave.
    async fn stop(mut self) {
        if let (Some(runtime), Some(node)) = (&self.runtime, self.node.take()) {
            runtime.spawn(node.shutdown()).await.ok();
        }
        self.kill().await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Runs a verb that has nodes in its own process, which say what GONGJI_LOG_LEVEL asks for, until it ends or somebody
/// interrupts it.
pub async fn unless_interrupted(verb: impl Future<Output = Result<Exit>>) -> Result<Exit> {
    if let Ok(filter) = std::env::var("GONGJI_LOG_LEVEL") {
        crate::cli::log_to_stderr(&filter, false)
            .map_err(|problem| Problem::usage(format!("GONGJI_LOG_LEVEL: {problem}")))?;
    }
    tokio::select! {
        ended = verb => ended,
        // The nodes and their directory go with the future.
        _ = tokio::signal::ctrl_c() => {
            eprintln!("interrupted");
            Ok(Exit::Interrupted)
        }
    }
}

impl Nodes {
    /// Starts a node for each province, its data under `dir`; the first `voters` of them are to vote.
    pub async fn start(provinces: &[Province], voters: usize, dir: &Path) -> Result<Nodes, Problem> {
        Nodes::start_by(Clock::default(), node::server::PULSE, provinces, voters, dir).await
    }

    /// The same by a clock of their own, looking so often whether something has run out.
    pub async fn start_by(
        clock: Clock,
        pulse: Duration,
        provinces: &[Province],
        voters: usize,
        dir: &Path,
    ) -> Result<Nodes, Problem> {
        let starting = provinces.iter().map(|province| {
            let settings = settings(province.code * 1_000_000 + 1, dir, provinces.len());
            let settings = Settings { clock: clock.clone(), pulse, ..settings };
            async move {
                let running = Running::start(settings.clone()).await.map_err(|fault| told(&fault))?;
                let node = running.node.as_ref().expect("it has just been started");
                let (peer, api) = (node.peer_address().to_string(), node.api_address().to_string());
                let member =
                    v1::Member { node: node.id(), peer_address: peer.clone(), api_address: api.clone() };
                // Back from the dead it is to be found where it was.
                let settings = Settings { listen_peer: peer, listen_api: api, ..settings };
                Ok::<_, Problem>(Seat { settings, member, running: Some(running) })
            }
        });
        let seats = futures::future::try_join_all(starting).await?;
        Ok(Nodes { seats, voters })
    }

    /// Makes a cluster of them, and waits until every one has the first entry.
    pub async fn form(&self, client: &Client) -> Result<(), Problem> {
        let members: Vec<v1::Member> = self.seats.iter().map(|seat| seat.member.clone()).collect();
        let (voters, learners) = members.split_at(self.voters);
        let request =
            v1::InitRequest { voters: voters.to_vec(), learners: learners.to_vec(), ..Default::default() };
        let failed = |status: tonic::Status| {
            crate::cli::connect::refused(&status, &self.seats[0].member.api_address, "init")
        };
        // One that votes is asked; the client may have found a learner first.
        let voter = Client::connect_lazy([&self.seats[0].member.api_address]).map_err(|error| sdk(&error))?;
        let formed = ClusterClient::new(voter.channel()).init(request).await.map_err(failed)?.into_inner();
        let until = Instant::now() + ELECTED;
        while Instant::now() < until {
            let status = self.status(client).await?;
            if status.nodes.len() == self.seats.len()
                && status.nodes.iter().all(|node| node.applied_index >= formed.genesis_index)
            {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Err(Problem::new(Exit::Unreachable, "the nodes did not all get the first entry in time")
            .next("gongji demo, on a quieter machine"))
    }

    /// Where clients reach the nodes that are up: `http://127.0.0.1:…`.
    pub fn addresses(&self) -> Vec<String> {
        self.seats
            .iter()
            .filter(|seat| seat.running.is_some())
            .map(|seat| seat.member.api_address.clone())
            .collect()
    }

    /// Where clients reach one of them.
    pub fn address(&self, node: u64) -> &str {
        self.seats.iter().find(|seat| seat.member.node == node).map_or("", |seat| &seat.member.api_address)
    }

    /// The state of all nodes, as one of them sees it.
    pub async fn status(&self, client: &Client) -> Result<v1::StatusResponse, Problem> {
        let asked = ClusterClient::new(client.channel()).status(v1::StatusRequest::default()).await;
        Ok(asked.map_err(|status| crate::cli::connect::refused(&status, "the demo", "status"))?.into_inner())
    }

    /// Who leads, as the nodes that are up see it; 0 for nobody.
    fn leader(&self) -> u64 {
        self.up().find(|node| node.consensus().leads()).map_or(0, Node::id)
    }

    /// Kills the leader: it gets no chance to say goodbye. Returns which it was.
    pub async fn kill_leader(&mut self) -> Option<u64> {
        let leader = self.leader();
        let seat = self.seats.iter_mut().find(|seat| seat.member.node == leader)?;
        seat.running.take()?.kill().await;
        Some(leader)
    }

    /// Waits until another node leads. Returns which, and how long it took.
    pub async fn new_leader(&self) -> Option<(u64, Duration)> {
        let began = Instant::now();
        while began.elapsed() < ELECTED {
            match self.leader() {
                0 => tokio::time::sleep(Duration::from_millis(5)).await,
                leader => return Some((leader, began.elapsed())),
            }
        }
        None
    }

    /// Starts a killed node again, on its directory and at its addresses.
    pub async fn restart(&mut self, node: u64) -> Result<Duration, Problem> {
        let began = Instant::now();
        let empty = |seat: &&mut Seat| seat.member.node == node && seat.running.is_none();
        let Some(seat) = self.seats.iter_mut().find(empty) else { return Ok(Duration::ZERO) };
        loop {
            match Running::start(seat.settings.clone()).await {
                Ok(running) => {
                    seat.running = Some(running);
                    return Ok(began.elapsed());
                }
                // A thread of the killed node is still at its last write.
                Err(Fault::InUse { .. }) if began.elapsed() < KILLED => tokio::time::sleep(POLL).await,
                Err(fault) => return Err(told(&fault)),
            }
        }
    }

    /// The nodes that are up.
    pub fn up(&self) -> impl Iterator<Item = &Node> {
        self.seats.iter().filter_map(|seat| seat.running.as_ref()?.node.as_ref())
    }

    /// Stops them all at once.
    pub async fn kill(self) {
        let stopping = self.seats.into_iter().filter_map(|seat| seat.running).map(Running::kill);
        futures::future::join_all(stopping).await;
    }

    /// Stops them all in good order.
    pub async fn stop(self) {
        let stopping = self.seats.into_iter().filter_map(|seat| seat.running).map(Running::stop);
        futures::future::join_all(stopping).await;
    }
}

/// Small caches: many nodes share one process.
fn settings(node: u64, dir: &Path, nodes: usize) -> Settings {
    let (heartbeat, election) = if nodes < MANY { (200, 600) } else { (500, 2_000) };
    Settings {
        node,
        data_dir: dir.join(node.to_string()),
        listen_peer: "127.0.0.1:0".into(),
        listen_api: "127.0.0.1:0".into(),
        raft: RaftSettings {
            heartbeat: Duration::from_millis(heartbeat),
            election: Duration::from_millis(election),
            snapshot_entries: 20_000,
            keep_entries: 5_000,
        },
        log: LogSettings { cache_bytes: 4 << 20, chunk_bytes: 8 << 20 },
        state: StateSettings {
            checkpoint_changes: 20_000,
            checkpoint_bytes: 8 << 20,
            changes_most: 80_000,
            cache_rows: 5_000,
            store_cache_bytes: 4 << 20,
            journal_segment_bytes: 8 << 20,
            journal_recent_bytes: 256 << 10,
            ..StateSettings::default()
        },
        clock: Clock::default(),
        pulse: node::server::PULSE,
    }
}
