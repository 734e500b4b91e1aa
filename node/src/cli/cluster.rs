//! `gongji cluster`: forms a cluster and changes its members.

use super::connect::{ANSWER, Reached, reach, refused};
use super::json::Shape;
use super::{Nodes, Output, status};
use crate::config::node_province;
use crate::places;
use crate::problem::{Exit, Problem};
use anyhow::Result;
use proto::v1::cluster_client::ClusterClient;
use proto::v1::{self, Reason};
use std::time::{Duration, Instant};
use tonic::Status;
use tonic::transport::Channel;

/// How long a learner may take to catch up before its command gives up waiting.
const CATCH_UP: Duration = Duration::from_secs(600);
/// Pause between two looks at a learner that catches up.
const LOOK: Duration = Duration::from_millis(200);

/// What can be done with a cluster.
#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// Forms a cluster of nodes that belong to none yet; asked of one of them, which becomes the first leader
    Init(Init),
    /// Adds a node that holds the whole ledger but does not vote
    AddLearner(AddLearner),
    /// Lets a learner that has caught up vote
    Promote(OneNode),
    /// Lets a voter vote no more; it still holds the whole ledger
    Demote(OneNode),
    /// Takes a node that does not vote out of the cluster, for good
    Remove(OneNode),
    /// Has the leader hand over to another voter, as before its machine is serviced
    HandOver(HandOver),
    /// Writes a snapshot on the asked node now
    Snapshot(Snapshot),
}

/// What `init` is given.
#[derive(Debug, clap::Args)]
pub struct Init {
    #[command(flatten)]
    nodes: Nodes,
    /// A node that votes: 32000001=10.0.0.1:7700,10.0.0.1:7701 (address for peers, address for clients); repeat it
    #[arg(long = "voter", value_name = "NODE=PEER_ADDR,API_ADDR", value_parser = member, required = true)]
    voters: Vec<v1::Member>,
    /// A node that does not vote; repeat it
    #[arg(long = "learner", value_name = "NODE=PEER_ADDR,API_ADDR", value_parser = member)]
    learners: Vec<v1::Member>,
    #[arg(short, long, value_enum, default_value = "table")]
    output: Output,
}

/// What `add-learner` is given.
#[derive(Debug, clap::Args)]
pub struct AddLearner {
    #[command(flatten)]
    nodes: Nodes,
    /// The node: 44000001=10.0.0.9:7700,10.0.0.9:7701
    #[arg(value_name = "NODE=PEER_ADDR,API_ADDR", value_parser = member)]
    member: v1::Member,
    /// Answer only when it has caught up
    #[arg(long)]
    wait: bool,
    #[arg(short, long, value_enum, default_value = "table")]
    output: Output,
}

/// What `promote`, `demote` and `remove` are given.
#[derive(Debug, clap::Args)]
pub struct OneNode {
    #[command(flatten)]
    nodes: Nodes,
    /// The node id
    node: u64,
    #[arg(short, long, value_enum, default_value = "table")]
    output: Output,
}

/// What `hand-over` is given.
#[derive(Debug, clap::Args)]
pub struct HandOver {
    #[command(flatten)]
    nodes: Nodes,
    /// The id of the voter that is to lead [default: the one that is closest behind]
    node: Option<u64>,
    #[arg(short, long, value_enum, default_value = "table")]
    output: Output,
}

/// What `snapshot` is given.
#[derive(Debug, clap::Args)]
pub struct Snapshot {
    #[command(flatten)]
    nodes: Nodes,
    #[arg(short, long, value_enum, default_value = "table")]
    output: Output,
}

/// Reads `32000001=10.0.0.1:7700,10.0.0.1:7701`.
fn member(text: &str) -> Result<v1::Member, String> {
    let shape = "write it like 32000001=10.0.0.1:7700,10.0.0.1:7701";
    let (node, addresses) = text.split_once('=').ok_or(shape)?;
    let (peer, api) = addresses.split_once(',').ok_or(shape)?;
    let node: u64 = node.trim().parse().map_err(|_| format!("{node:?} is no node id; {shape}"))?;
    if node_province(node).is_none() || node.is_multiple_of(1_000_000) {
        return Err(format!("{node} is no node id: province code x 1000000 + incarnation"));
    }
    for address in [peer, api] {
        match address.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0) => {
                if host == "0.0.0.0" || host == "[::]" {
                    return Err(format!(
                        "{address} cannot be dialled; give the address under which others reach the node"
                    ));
                }
            }
            _ => return Err(format!("{address:?} is no address; {shape}")),
        }
    }
    Ok(v1::Member { node, peer_address: peer.into(), api_address: api.into() })
}

/// Runs the verb.
pub async fn run(verb: Verb) -> Result<Exit> {
    match verb {
        Verb::Init(args) => init(args).await,
        Verb::AddLearner(args) => add_learner(args).await,
        Verb::Promote(args) => promote(args).await,
        Verb::Demote(args) => demote(args).await,
        Verb::Remove(args) => remove(args).await,
        Verb::HandOver(args) => hand_over(args).await,
        Verb::Snapshot(args) => snapshot(args).await,
    }
}

async fn connect(nodes: &Nodes) -> Result<(Reached, ClusterClient<Channel>), Problem> {
    let node = reach(nodes).await?;
    let client = ClusterClient::new(node.channel.clone());
    Ok((node, client))
}

async fn init(args: Init) -> Result<Exit> {
    let (node, mut client) = connect(&args.nodes).await?;
    let request = v1::InitRequest {
        cluster: String::new(),
        voters: args.voters,
        learners: args.learners,
        policy: None,
    };
    let (voters, learners) = (request.voters.len(), request.learners.len());
    let reply =
        client.init(request).await.map_err(|status| refused(&status, &node.address, "init"))?.into_inner();
    match args.output {
        Output::Json => println!("{}", Shape::of("InitResponse").write(&reply)),
        Output::Table => {
            println!(
                "cluster {} is formed: {voters} voters, {learners} learners; the ledger begins at index {}",
                reply.cluster, reply.genesis_index
            );
            println!("next: gongji status --addr {}", node.address);
        }
    }
    Ok(Exit::Done)
}

async fn add_learner(args: AddLearner) -> Result<Exit> {
    let (node, mut client) = connect(&args.nodes).await?;
    let added = args.member.node;
    let request = v1::AddLearnerRequest { member: Some(args.member), wait: false };
    let reply =
        client.add_learner(request).await.map_err(|status| refused(&status, &node.address, "add-learner"))?;
    let reply = reply.into_inner();
    if args.wait {
        let caught_up = caught_up(&mut client, added, reply.index).await;
        caught_up.map_err(|status| refused(&status, &node.address, "add-learner --wait"))?;
    }
    match args.output {
        Output::Json => println!("{}", Shape::of("AddLearnerResponse").write(&reply)),
        Output::Table => {
            println!("{} is a learner since index {}", places::node_label(added), reply.index);
            println!(
                "next: gongji status --addr {}, and when its lag is small: gongji cluster promote {added}",
                node.address
            );
        }
    }
    Ok(Exit::Done)
}

/// Waits until a node that was added has applied this index, whoever leads meanwhile.
async fn caught_up(client: &mut ClusterClient<Channel>, node: u64, index: u64) -> Result<(), Status> {
    let (begun, mut answered, mut was_member) = (Instant::now(), Instant::now(), false);
    while begun.elapsed() < CATCH_UP {
        match client.status(v1::StatusRequest::default()).await {
            Ok(known) => {
                answered = Instant::now();
                let known = known.into_inner().nodes.into_iter().find(|status| status.node == node);
                if known.as_ref().is_some_and(|status| status.applied_index >= index) {
                    return Ok(());
                }
                // Who is asked hears of a new member a little later than the leader.
                if was_member && known.is_none() {
                    let text = format!("node {node} was taken out meanwhile");
                    return Err(proto::status::status(Reason::MemberUnknown, &text));
                }
                was_member |= known.is_some();
            }
            Err(status) if answered.elapsed() >= ANSWER => return Err(status),
            Err(_) => {}
        }
        tokio::time::sleep(LOOK).await;
    }
    Err(proto::status::status(Reason::LearnerBehind, "the learner was added and is still catching up"))
}

async fn promote(args: OneNode) -> Result<Exit> {
    let (node, mut client) = connect(&args.nodes).await?;
    let asked = client.promote(v1::PromoteRequest { node: args.node }).await;
    let reply = asked.map_err(|status| refused(&status, &node.address, "promote"))?.into_inner();
    match args.output {
        Output::Json => println!("{}", Shape::of("PromoteResponse").write(&reply)),
        Output::Table => {
            let margin = reply.margin.as_ref().map(status::margin).unwrap_or_default();
            println!("{} votes since index {}: {margin}", places::node_label(args.node), reply.index);
        }
    }
    Ok(Exit::Done)
}

async fn demote(args: OneNode) -> Result<Exit> {
    let (node, mut client) = connect(&args.nodes).await?;
    let asked = client.demote(v1::DemoteRequest { node: args.node }).await;
    let reply = asked.map_err(|status| refused(&status, &node.address, "demote"))?.into_inner();
    match args.output {
        Output::Json => println!("{}", Shape::of("DemoteResponse").write(&reply)),
        Output::Table => {
            let margin = reply.margin.as_ref().map(status::margin).unwrap_or_default();
            println!("{} votes no more since index {}: {margin}", places::node_label(args.node), reply.index);
            println!("next, if it is to leave: gongji cluster remove {} --addr {}", args.node, node.address);
        }
    }
    Ok(Exit::Done)
}

async fn remove(args: OneNode) -> Result<Exit> {
    let (node, mut client) = connect(&args.nodes).await?;
    let asked = client.remove(v1::RemoveRequest { node: args.node }).await;
    let reply = asked.map_err(|status| refused(&status, &node.address, "remove"))?.into_inner();
    match args.output {
        Output::Json => println!("{}", Shape::of("RemoveResponse").write(&reply)),
        Output::Table => {
            println!("{} is no member since index {}", places::node_label(args.node), reply.index);
            println!("next: stop it; a machine that takes its place joins as {}", args.node + 1);
        }
    }
    Ok(Exit::Done)
}

async fn hand_over(args: HandOver) -> Result<Exit> {
    let (node, mut client) = connect(&args.nodes).await?;
    let asked = client.hand_over(v1::HandOverRequest { node: args.node.unwrap_or(0) }).await;
    let reply = asked.map_err(|status| refused(&status, &node.address, "hand-over"))?.into_inner();
    match args.output {
        Output::Json => println!("{}", Shape::of("HandOverResponse").write(&reply)),
        Output::Table => println!("{} leads", places::node_label(reply.leader)),
    }
    Ok(Exit::Done)
}

async fn snapshot(args: Snapshot) -> Result<Exit> {
    let (node, mut client) = connect(&args.nodes).await?;
    let asked = client.snapshot(v1::SnapshotRequest {}).await;
    let reply = asked.map_err(|status| refused(&status, &node.address, "snapshot"))?.into_inner();
    match args.output {
        Output::Json => println!("{}", Shape::of("SnapshotResponse").write(&reply)),
        Output::Table => println!(
            "snapshot of {} up to index {}: {} bytes, digest {}",
            node.address,
            reply.index,
            reply.bytes,
            reply.digest.get(..8).unwrap_or(&reply.digest)
        ),
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_a_node_and_two_addresses() {
        let found = member("32000001=10.0.0.1:7700,10.0.0.1:7701").expect("good");
        assert_eq!(
            (found.node, found.peer_address.as_str(), found.api_address.as_str()),
            (32_000_001, "10.0.0.1:7700", "10.0.0.1:7701")
        );
        for bad in [
            "32000001",
            "32000001=a:1",
            "x=a:1,b:2",
            "32=a:1,b:2",
            "99000001=a:1,b:2",
            "32000000=a:1,b:2",
            "32000001=a,b:2",
            "32000001=0.0.0.0:1,b:2",
            "32000001=a:0,b:2",
        ] {
            assert!(member(bad).is_err(), "{bad}");
        }
    }
}
