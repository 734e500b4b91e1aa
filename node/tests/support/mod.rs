//! A cluster of one node in this process, and the program run against it.

use client::{Call, Caller, Client, Outcome, Verb};
use node::raft::handle::RaftSettings;
use node::raft::log::LogSettings;
use node::state::StateSettings;
use node::{Node, Settings};
use proto::v1 as pb;
use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

/// The node's id.
pub const NODE: u64 = 32_000_001;

fn settings(data_dir: &Path) -> Settings {
    Settings {
        node: NODE,
        data_dir: data_dir.to_path_buf(),
        listen_peer: "127.0.0.1:0".into(),
        listen_api: "127.0.0.1:0".into(),
        raft: RaftSettings {
            heartbeat: Duration::from_millis(100),
            election: Duration::from_millis(300),
            snapshot_entries: 5_000,
            keep_entries: 1_000,
        },
        log: LogSettings { cache_bytes: 1 << 20, chunk_bytes: 8 << 20 },
        state: StateSettings::default(),
        clock: node::clock::Clock::default(),
        pulse: node::server::PULSE,
    }
}

/// A node that runs, and a client of it.
pub struct One {
    pub node: Node,
    pub client: Client,
    pub address: String,
}

impl One {
    /// Starts a node and makes a cluster of it.
    pub async fn formed(data_dir: &Path) -> One {
        let node = Node::start(settings(data_dir)).await.expect("a fresh node starts");
        let address = node.api_address().to_string();
        let client = Client::connect([&address]).await.expect("the door is open");
        let (peer_address, api_address) = (node.peer_address().to_string(), address.clone());
        let voters = vec![pb::Member { node: NODE, peer_address, api_address }];
        let mut door = pb::cluster_client::ClusterClient::new(client.channel());
        door.init(pb::InitRequest { voters, ..Default::default() }).await.expect("a cluster forms");
        One { node, client, address }
    }

    /// A client that speaks for the national agency.
    pub fn national(&self) -> Client {
        self.client.acting_as(Caller::National)
    }

    /// The last index that is applied.
    pub fn index(&self) -> u64 {
        self.node.state().applied().index()
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
