//! Real node processes in a temporary folder, on addresses that nobody else takes.
//!
//! Every node listens on a loopback address of its own (127.x.y.z) at a port that the system chooses on its first
//! start and that it keeps afterwards. Outgoing connections of this machine leave from 127.0.0.1, so while a node is
//! down no connection can take its port, which on 127.0.0.1 happens sooner or later.

use crate::bench::wait_for;
use crate::injury::copy_folder;
use crate::program::{self, Ended, Server};
use client::Client;
use client::v1::cluster_client::ClusterClient;
use client::v1::{
    self, InitRequest, Member, NodeStatus, Reason, Role, SnapshotResponse, StatusRequest, StatusResponse,
};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};
use tonic::transport::{Channel, Endpoint};

/// How long a node may take to open its doors, rebuilding included.
const READY_MAX: Duration = Duration::from_secs(60);
/// How long the cluster may take to find a leader, and its nodes to catch up.
pub const CALM_MAX: Duration = Duration::from_secs(60);
/// How long a node may take to drain.
pub const DRAIN_MAX: Duration = Duration::from_secs(60);
/// How long one question about a node's status may take.
const ASK_MAX: Duration = Duration::from_secs(2);

/// Provinces of the nodes, in the order in which nodes are made.
const PROVINCES: [u64; 7] = [32, 41, 44, 13, 37, 51, 65];

/// How a cluster is made.
#[derive(Clone, Debug)]
pub struct Options {
    /// Nodes that vote.
    pub voters: usize,
    /// Nodes that do not.
    pub learners: usize,
    /// Log entries between snapshots.
    pub snapshot_entries: u64,
    /// Log entries kept behind a snapshot.
    pub keep_entries: u64,
    /// More flags for `gongji start`.
    pub flags: Vec<String>,
}

impl Default for Options {
    fn default() -> Options {
        Options { voters: 3, learners: 0, snapshot_entries: 100_000, keep_entries: 20_000, flags: Vec::new() }
    }
}

/// One node: its place and, while it runs, its process.
#[derive(Debug)]
pub struct Node {
    /// Its id.
    pub id: u64,
    /// Where its data is.
    pub data: PathBuf,
    /// Where nodes reach it.
    pub peers: String,
    /// Where clients reach it.
    pub clients: String,
    server: Option<Server>,
    /// Whether it was taken out for good.
    gone: bool,
    /// Flags of this node only.
    pub flags: Vec<String>,
    /// Under which addresses others reach it, peers and clients, where those are not its own.
    pub via: Option<(String, String)>,
}

/// Which process is which node's, the dead ones too.
pub type Processes = Arc<Mutex<BTreeMap<u32, usize>>>;

/// A cluster. Its processes are killed and its folder is removed when it is dropped; after a panic the folder stays.
#[derive(Debug)]
pub struct Cluster {
    /// The nodes, voters first.
    pub nodes: Vec<Node>,
    options: Options,
    lying: bool,
    folder: Option<tempfile::TempDir>,
    /// The cluster's id.
    pub id: String,
    /// Whose process is whose.
    pub processes: Processes,
}

impl Cluster {
    /// Makes nodes, starts them, and forms a cluster of them.
    ///
    /// # Panics
    /// If any of it does not work.
    pub async fn start(options: Options) -> Cluster {
        Cluster::apart(options).formed().await
    }

    /// Starts the nodes, and forms a cluster of them.
    ///
    /// # Panics
    /// If any of it does not work.
    pub async fn formed(mut self) -> Cluster {
        for place in 0..self.nodes.len() {
            self.start_node(place).await;
        }
        self.found().await;
        self
    }

    /// From the next start on, nodes' syncs are answered without being made.
    pub fn lie(&mut self) {
        self.lying = true;
    }

    /// Forms a cluster of nodes that run.
    ///
    /// # Panics
    /// If it does not work.
    pub async fn found(&mut self) {
        self.form().await;
        self.calm().await;
    }

    /// So many nodes vote from now on.
    pub fn vote(&mut self, voters: usize) {
        self.options.voters = voters;
    }

    /// Makes nodes without starting them.
    ///
    /// # Panics
    /// If there is no temporary folder.
    pub fn apart(options: Options) -> Cluster {
        let folder = tempfile::Builder::new().prefix("gongji-tests-").tempdir().expect("a temporary folder");
        let mut cluster = Cluster {
            nodes: Vec::new(),
            options,
            lying: false,
            folder: Some(folder),
            id: String::new(),
            processes: Processes::default(),
        };
        for _ in 0..cluster.options.voters + cluster.options.learners {
            cluster.add_node();
        }
        cluster
    }

    /// Makes one more node, and says where it stands in `nodes`.
    pub fn add_node(&mut self) -> usize {
        static CLUSTERS: AtomicU8 = AtomicU8::new(0);
        let place = self.nodes.len();
        let id = PROVINCES[place % PROVINCES.len()] * 1_000_000 + 1 + (place / PROVINCES.len()) as u64;
        let process = std::process::id().to_le_bytes();
        let mine = CLUSTERS.fetch_add(1, Ordering::Relaxed);
        // Any address will do: the port is the system's choice.
        let host = format!("127.{}.{}.{}", 16 + process[0] % 200, process[1] ^ mine, 1 + place);
        let (peers, clients) = (format!("{host}:0"), format!("{host}:0"));
        let data = self.path().join(format!("node-{place}"));
        self.nodes.push(Node {
            id,
            data,
            peers,
            clients,
            server: None,
            gone: false,
            flags: Vec::new(),
            via: None,
        });
        place
    }

    /// The folder of the nodes.
    pub fn path(&self) -> &Path {
        self.folder.as_ref().expect("it is taken only when the cluster is dropped").path()
    }

    /// The file that holds what a node writes to stderr.
    pub fn stderr_path(&self, place: usize) -> PathBuf {
        self.path().join(format!("node-{place}.stderr"))
    }

    /// The command that starts a node.
    pub fn start_command(&self, place: usize) -> std::process::Command {
        let node = &self.nodes[place];
        let mut command = program::command(["start", "--stop-with-stdin"]);
        command.args(["--node", &node.id.to_string(), "--data-dir"]).arg(&node.data);
        command.args(["--listen-peer", &node.peers, "--listen-api", &node.clients]);
        command.args(["--raft-heartbeat", "100ms", "--raft-election", "600ms"]);
        command.args(["--raft-snapshot-entries", &self.options.snapshot_entries.to_string()]);
        command.args(["--raft-keep-entries", &self.options.keep_entries.to_string()]);
        command.args(&self.options.flags).args(&node.flags);
        if self.lying { program::without_syncs(&command) } else { command }
    }

    /// Starts a node and waits until its doors are open, or says how it ended instead.
    ///
    /// # Errors
    /// How it ended.
    ///
    /// # Panics
    /// If it does neither in time, or its line cannot be read.
    pub async fn try_start_node(&mut self, place: usize) -> Result<(), Ended> {
        let (mut server, mut first) = Server::start(self.start_command(place), &self.stderr_path(place));
        self.processes.lock().insert(server.id(), place);
        let ready = tokio::time::timeout(READY_MAX, &mut first).await;
        let line = match ready {
            Ok(Ok(line)) => line,
            Ok(Err(_)) => return Err(server.wait(DRAIN_MAX).await),
            Err(_) => {
                panic!("node {place} is not ready after {} s:\n{}", READY_MAX.as_secs(), server.stderr())
            }
        };
        let words: BTreeMap<&str, &str> = line.split(' ').filter_map(|word| word.split_once('=')).collect();
        let node = &mut self.nodes[place];
        let word =
            |name: &str| words.get(name).unwrap_or_else(|| panic!("no {name} in {line:?}")).to_string();
        assert_eq!(word("node"), node.id.to_string(), "{line}");
        (node.peers, node.clients) = (word("peers"), word("clients"));
        node.server = Some(server);
        Ok(())
    }

    /// Starts a node and waits until its doors are open.
    ///
    /// # Panics
    /// If it ends instead.
    pub async fn start_node(&mut self, place: usize) {
        if let Err(ended) = self.try_start_node(place).await {
            panic!("node {place} ended with {:?} instead of serving:\n{}", ended.code, ended.stderr);
        }
    }

    /// What a node is to the others.
    pub fn member(&self, place: usize) -> Member {
        let node = &self.nodes[place];
        let (peer_address, api_address) =
            node.via.clone().unwrap_or_else(|| (node.peers.clone(), node.clients.clone()));
        Member { node: node.id, peer_address, api_address }
    }

    async fn form(&mut self) {
        let members: Vec<Member> = (0..self.nodes.len()).map(|place| self.member(place)).collect();
        let (voters, learners) = members.split_at(self.options.voters);
        let request = InitRequest {
            cluster: String::new(),
            voters: voters.to_vec(),
            learners: learners.to_vec(),
            policy: None,
        };
        let (begun, mut tried) = (Instant::now(), false);
        self.id = loop {
            let mut door = ClusterClient::new(self.channel(0));
            let formed = tokio::time::timeout(CALM_MAX, door.init(request.clone())).await;
            match formed.expect("forming ends") {
                Ok(formed) => break formed.into_inner().cluster,
                // An election came between: what has begun goes on, or was done; learners come last, and might be missing.
                Err(status) => match proto::status::reason_of(&status) {
                    Some(Reason::NoLeader | Reason::OutcomeUnknown) if begun.elapsed() < CALM_MAX => {}
                    Some(Reason::AlreadyFormed) if tried && learners.is_empty() => {
                        break self.overview(0).await.expect("a node that answers").cluster;
                    }
                    _ => panic!("init: {status:?}"),
                },
            }
            tried = true;
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
    }

    fn channel(&self, place: usize) -> Channel {
        let address = format!("http://{}", self.nodes[place].clients);
        Endpoint::from_shared(address).expect("a node's address").connect_timeout(ASK_MAX).connect_lazy()
    }

    /// A door for operators, at one node.
    pub fn door(&self, place: usize) -> ClusterClient<Channel> {
        ClusterClient::new(self.channel(place))
    }

    /// Where the nodes stand that were not taken out.
    pub fn places(&self) -> Vec<usize> {
        (0..self.nodes.len()).filter(|place| !self.nodes[*place].gone).collect()
    }

    /// Switches off a node that is no member any more.
    pub fn leave(&mut self, place: usize) {
        self.kill(place);
        self.nodes[place].gone = true;
    }

    /// A handle on all nodes of the cluster, this one first.
    pub fn client(&self, first: usize) -> Client {
        let places = (0..self.nodes.len()).cycle().skip(first).take(self.nodes.len());
        Client::connect_lazy(places.map(|place| self.member(place).api_address)).expect("good addresses")
    }

    /// A handle on one node only.
    pub fn client_of(&self, place: usize) -> Client {
        Client::connect_lazy([&self.nodes[place].clients]).expect("a good address")
    }

    /// Whether a process runs for the node.
    pub fn runs(&self, place: usize) -> bool {
        self.nodes[place].server.is_some()
    }

    /// The running nodes.
    pub fn running(&self) -> Vec<usize> {
        (0..self.nodes.len()).filter(|place| self.runs(*place)).collect()
    }

    /// The process of a running node.
    ///
    /// # Panics
    /// If it does not run.
    pub fn server(&mut self, place: usize) -> &mut Server {
        self.nodes[place].server.as_mut().unwrap_or_else(|| panic!("node {place} does not run"))
    }

    /// The id of a running node's process.
    ///
    /// # Panics
    /// If it does not run.
    pub fn process(&self, place: usize) -> u32 {
        let server = self.nodes[place].server.as_ref();
        server.unwrap_or_else(|| panic!("node {place} does not run")).id()
    }

    /// kill -9.
    pub fn kill(&mut self, place: usize) {
        self.server(place).kill();
        self.nodes[place].server = None;
    }

    /// kill -9 for all running nodes, all signals sent before the first death is waited for.
    pub fn kill_all(&mut self) {
        let running = self.running();
        for place in &running {
            self.signal(*place, rustix::process::Signal::KILL);
        }
        for place in running {
            self.kill(place);
        }
    }

    /// Sends a signal to a node.
    ///
    /// # Panics
    /// If it does not run.
    pub fn signal(&self, place: usize, signal: rustix::process::Signal) {
        let server = self.nodes[place].server.as_ref().unwrap_or_else(|| panic!("node {place} does not run"));
        program::kill(server.id(), signal);
    }

    /// SIGSTOP: the node hangs, its connections stay.
    pub fn pause(&self, place: usize) {
        self.signal(place, rustix::process::Signal::STOP);
    }

    /// SIGCONT.
    pub fn resume(&self, place: usize) {
        self.signal(place, rustix::process::Signal::CONT);
    }

    /// SIGTERM, and waits for the end.
    pub async fn terminate(&mut self, place: usize) -> Ended {
        self.signal(place, rustix::process::Signal::TERM);
        let ended = self.server(place).wait(DRAIN_MAX).await;
        self.nodes[place].server = None;
        ended
    }

    /// What a node says of itself; none while it does not answer.
    pub async fn status(&self, place: usize) -> Option<NodeStatus> {
        let reply = self.ask(place, true).await?;
        reply.nodes.into_iter().find(|status| status.node == self.nodes[place].id)
    }

    /// What a node says of itself and of the others; none while it does not answer.
    pub async fn overview(&self, place: usize) -> Option<StatusResponse> {
        self.ask(place, false).await
    }

    async fn ask(&self, place: usize, local: bool) -> Option<StatusResponse> {
        let mut door = self.door(place);
        let asked = tokio::time::timeout(ASK_MAX, door.status(StatusRequest { local, ..Default::default() }));
        Some(asked.await.ok()?.ok()?.into_inner())
    }

    /// The leader, once a majority of all voters follow it and it knows that it leads.
    pub async fn leader(&self) -> usize {
        let needed = self.options.voters / 2 + 1;
        wait_for(CALM_MAX, "a leader that a majority follows", || async {
            let mut followers: BTreeMap<u64, usize> = BTreeMap::new();
            let mut leading = None;
            for place in self.running() {
                let Some(status) = self.status(place).await else { continue };
                if status.voter {
                    *followers.entry(status.leader).or_default() += 1;
                }
                if status.role() == Role::Leader && status.leader == status.node {
                    leading = Some((place, status.node));
                }
            }
            leading
                .filter(|(_, id)| followers.get(id).is_some_and(|count| *count >= needed))
                .map(|(place, _)| place)
        })
        .await
    }

    /// Waits until all running nodes have applied the same index, which is the last of the leader's log, and says what
    /// each is. Ask only when nothing is being submitted.
    pub async fn calm(&self) -> Vec<NodeStatus> {
        self.leader().await;
        wait_for(CALM_MAX, "all running nodes at one index", || async {
            let mut found: Vec<NodeStatus> = Vec::new();
            for place in self.running() {
                found.push(self.status(place).await?);
            }
            let last = found.iter().map(|status| status.last_log_index).max()?;
            let level =
                found.iter().all(|status| status.digest_index == last && status.applied_index == last);
            level.then_some(found)
        })
        .await
    }

    /// Has a node write a snapshot now.
    ///
    /// # Panics
    /// If it does not.
    pub async fn snapshot(&self, place: usize) -> SnapshotResponse {
        let mut door = self.door(place);
        let written = tokio::time::timeout(CALM_MAX, door.snapshot(v1::SnapshotRequest {})).await;
        let written = written.expect("a snapshot of little data ends");
        written.unwrap_or_else(|status| panic!("snapshot at node {place}: {status:?}")).into_inner()
    }

    /// A copy of a stopped node's data, in the cluster's folder.
    ///
    /// # Panics
    /// If the node runs, or its data cannot be copied.
    pub fn copy_data(&self, place: usize, name: &str) -> PathBuf {
        assert!(!self.runs(place), "the data of a running node changes while it is copied");
        let copy = self.path().join(name);
        copy_folder(&self.nodes[place].data, &copy);
        copy
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.nodes.clear();
        if std::thread::panicking()
            && let Some(folder) = self.folder.take()
        {
            eprintln!("the nodes' data and stderr stay in {}", folder.keep().display());
        }
    }
}
