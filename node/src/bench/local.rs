//! A cluster of child processes on this machine, gone when it is dropped.

use crate::cli::connect::{reach_one, refused};
use crate::places::PROVINCES;
use crate::problem::{Exit, Problem};
use client::v1;
use client::v1::cluster_client::ClusterClient;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};

/// How long a node may take to open its doors.
const READY: Duration = Duration::from_secs(20);

/// Child processes that form a cluster.
#[derive(Debug)]
pub struct Local {
    nodes: Vec<Node>,
}

/// A child process. It is killed when it is dropped; and it stops by itself when its stdin ends, because this process
/// is gone.
#[derive(Debug)]
struct Node {
    child: Child,
    member: v1::Member,
    // Open as long as the node lives: a closed stdout would be an error for whatever it prints.
    _stdout: BufReader<ChildStdout>,
}

impl Local {
    /// Starts `count` nodes in `dir` and forms a cluster of them. `extra` are further flags for each.
    pub async fn start(count: usize, dir: &Path, extra: &[String]) -> Result<Local, Problem> {
        let starting =
            PROVINCES.iter().take(count).map(|province| launch(province.code * 1_000_000 + 1, dir, extra));
        let nodes = futures::future::try_join_all(starting).await?;
        let local = Local { nodes };
        let first = &local.nodes[0].member.api_address;
        let reached = reach_one(first).await?;
        let request = v1::InitRequest {
            voters: local.nodes.iter().map(|node| node.member.clone()).collect(),
            ..Default::default()
        };
        let asked = ClusterClient::new(reached.channel).init(request).await;
        asked.map_err(|status| refused(&status, first, "init"))?;
        Ok(local)
    }

    /// Where clients reach the nodes; the first leader comes first.
    pub fn addresses(&self) -> Vec<String> {
        self.nodes.iter().map(|node| node.member.api_address.clone()).collect()
    }

    /// The process ids.
    pub fn processes(&self) -> Vec<u32> {
        self.nodes.iter().filter_map(|node| node.child.id()).collect()
    }
}

async fn launch(node: u64, dir: &Path, extra: &[String]) -> Result<Node, Problem> {
    let failed = |why: String| {
        let log = fs::read_to_string(dir.join(format!("{node}.log"))).unwrap_or_default();
        let mut problem = Problem::new(Exit::Unreachable, format!("node {node} did not start")).because(why);
        let lines: Vec<&str> = log.lines().collect();
        problem.why.extend(lines[lines.len().saturating_sub(5)..].iter().map(|line| (*line).to_owned()));
        problem.next("gongji bench --dir with a directory on a disk that has room")
    };
    let io = |problem: std::io::Error| failed(problem.to_string());
    let program = std::env::current_exe().map_err(io)?;
    let log = fs::File::create(dir.join(format!("{node}.log"))).map_err(io)?;
    let mut command = Command::new(program);
    command
        .arg("start")
        .args(["--stop-with-stdin", "--node", &node.to_string(), "--data-dir"])
        .arg(dir.join(node.to_string()))
        .args(["--listen-peer", "127.0.0.1:0", "--listen-api", "127.0.0.1:0", "--log-level", "warn"])
        .args(extra)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(log)
        .kill_on_drop(true);
    // Settings of whoever measures must not reach the children.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("GONGJI_")) {
        command.env_remove(name);
    }
    let mut child = command.spawn().map_err(io)?;
    let stdout = child.stdout.take().ok_or_else(|| failed("it has no stdout".into()))?;
    let mut stdout = BufReader::new(stdout);
    let mut line = String::new();
    match tokio::time::timeout(READY, stdout.read_line(&mut line)).await {
        Ok(read) => read.map_err(io)?,
        Err(_) => return Err(failed(format!("it did not open its doors within {} s", READY.as_secs()))),
    };
    let field =
        |name: &str| line.split_whitespace().find_map(|part| part.strip_prefix(name)).map(str::to_owned);
    match (field("peers="), field("clients=")) {
        (Some(peer_address), Some(api_address)) => {
            Ok(Node { child, member: v1::Member { node, peer_address, api_address }, _stdout: stdout })
        }
        _ => Err(failed(format!("it said {:?}", line.trim()))),
    }
}
