//! Nodes in this process, a client of one of them, and the program run against it.

use client::{Call, Caller, Client, Outcome, Receipt, RequestId, Verb};
use node::clock::Clock;
use node::raft::handle::RaftSettings;
use node::raft::log::LogSettings;
use node::state::StateSettings;
use node::{Node, Settings};
use proto::v1 as pb;
use std::ffi::OsStr;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The node's id.
pub const NODE: u64 = 32_000_001;

/// A node's settings, with ports that the system gives.
pub fn settings(node: u64, data_dir: &Path) -> Settings {
    Settings {
        node,
        data_dir: data_dir.to_path_buf(),
        listen_peer: "127.0.0.1:0".into(),
        listen_api: "127.0.0.1:0".into(),
        raft: RaftSettings {
            // Nobody is to lead instead, however busy the machine is.
            heartbeat: Duration::from_millis(300),
            election: Duration::from_secs(3),
            snapshot_entries: 5_000,
            keep_entries: 1_000,
        },
        log: LogSettings { cache_bytes: 1 << 20, chunk_bytes: 8 << 20 },
        state: StateSettings::default(),
        clock: Clock::default(),
        pulse: node::server::PULSE,
    }
}

/// What a node is to the others.
pub fn member(node: &Node) -> pb::Member {
    let (peer_address, api_address) = (node.peer_address().to_string(), node.api_address().to_string());
    pb::Member { node: node.id(), peer_address, api_address }
}

/// Makes a cluster of fresh nodes. Gives a client of the first.
pub async fn form(nodes: &[Node]) -> Client {
    let client = Client::connect([nodes[0].api_address().to_string()]).await.expect("the door is open");
    let voters = nodes.iter().map(member).collect();
    let mut door = pb::cluster_client::ClusterClient::new(client.channel());
    door.init(pb::InitRequest { voters, ..Default::default() }).await.expect("a cluster forms");
    client
}

/// A cluster of one node, its clock, and a client of it.
pub struct One {
    pub node: Node,
    pub clock: Clock,
    pub client: Client,
    pub address: String,
}

impl One {
    /// Starts a node and makes a cluster of it.
    pub async fn formed(data_dir: &Path) -> One {
        One::with(settings(NODE, data_dir)).await
    }

    /// The same with settings of its own.
    pub async fn with(settings: Settings) -> One {
        let clock = settings.clock.clone();
        let node = Node::start(settings).await.expect("a fresh node starts");
        let client = form(std::slice::from_ref(&node)).await;
        let address = node.api_address().to_string();
        One { node, clock, client, address }
    }

    /// A client that speaks for somebody.
    pub fn acting_as(&self, caller: Caller) -> Client {
        self.client.acting_as(caller)
    }

    /// A client that speaks for the national agency.
    pub fn national(&self) -> Client {
        self.acting_as(Caller::National)
    }

    /// The last index that is applied.
    pub fn index(&self) -> u64 {
        self.node.state().applied().index()
    }

    /// The time by the node's clock.
    pub fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.clock.now().0)
    }

    /// Sets the node's clock to a time of day, in milliseconds since 1970.
    pub fn set_clock(&self, ms: u64) {
        set(&self.clock, ms);
    }

    /// Sets the node's clock on.
    pub fn later(&self, by: Duration) {
        set(&self.clock, self.clock.now().0 + by.as_millis() as u64);
    }

    /// A request id of the node's own time.
    pub fn id(&self) -> RequestId {
        uuid::Uuid::from_bytes(self.clock.request_id().0).to_string().parse().expect("a UUIDv7")
    }

    /// How a call ends that is made at the node's own time.
    pub async fn send<V: Verb>(&self, call: Call<V>) -> Outcome {
        sent(call.with_request_id(self.id())).await
    }

    /// The receipt of a call that is made at the node's own time.
    pub async fn done<V: Verb>(&self, call: Call<V>) -> Receipt {
        self.send(call).await.done().expect("done")
    }

    /// Registers so many areas, a transaction each.
    pub async fn register_areas(&self, count: u32) {
        for number in 0..count {
            let outcome = sent(self.national().register_area((320_100 + number).to_string())).await;
            assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
        }
    }

    /// Runs the program against this node.
    pub async fn gongji<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Ran {
        let arguments = arguments.into_iter().map(|argument| argument.as_ref().to_os_string());
        gongji(arguments.chain(["--addr".into(), (&self.address).into()])).await
    }
}

/// Sets a clock to a time of day, in milliseconds since 1970.
pub fn set(clock: &Clock, ms: u64) {
    clock.set_ahead_ms(ms as i64 - node::clock::now().0 as i64);
}

/// How a call ends.
pub async fn sent<V: Verb>(call: Call<V>) -> Outcome {
    call.send().await.expect("a well-formed call")
}

/// What a run of the program came to.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

/// Runs the program without settings from the environment.
pub async fn gongji<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Ran {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_gongji"));
    command.args(arguments).env_remove("GONGJI_ADDR").stdin(std::process::Stdio::null()).kill_on_drop(true);
    let ran = tokio::time::timeout(Duration::from_secs(60), command.output()).await;
    let output = ran.expect("it ends in time").expect("the program runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    Ran {
        code: output.status.code().expect("no signal ended it"),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}
