//! Members that go: who leads hands over, who votes is demoted before it is removed, and nobody goes without whom nothing can
//! be decided.

use crate::one::{Ran, form, gongji, member, settings};
use node::Node;
use proto::v1 as pb;
use proto::v1::cluster_client::ClusterClient;
use std::path::Path;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tonic::transport::Channel;

const PATIENCE: Duration = Duration::from_secs(30);

/// Runs `gongji cluster` at a node.
async fn cluster(node: &Node, words: &[&str]) -> Ran {
    let address = node.api_address().to_string();
    gongji([&["cluster"], words, &["--addr", &address]].concat()).await
}

async fn status(door: &mut ClusterClient<Channel>) -> pb::StatusResponse {
    door.status(pb::StatusRequest::default()).await.expect("a status").into_inner()
}

async fn started(id: u64, dir: &Path) -> Node {
    Node::start(settings(id, &dir.join(id.to_string()))).await.expect("a fresh node starts")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_hands_over_and_who_leaves_is_demoted_first() {
    let dir = tempfile::tempdir().expect("a folder");
    let nodes = [
        started(11_000_001, dir.path()).await,
        started(12_000_001, dir.path()).await,
        started(13_000_001, dir.path()).await,
    ];
    let client = form(&nodes).await;
    let mut door = ClusterClient::new(client.channel());
    let [first, _, third] = &nodes;

    let ran = cluster(third, &["hand-over", "12000001"]).await;
    assert!(ran.code == 0 && ran.out.contains("12000001"), "{ran:?}");
    let led = async {
        while status(&mut door).await.leader != 12_000_001 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, led).await.expect("all know who leads");
    let ran = cluster(third, &["hand-over", "44000001"]).await;
    assert!(ran.code != 0 && ran.err.contains("44000001 does not vote"), "{ran:?}");
    let ran = cluster(third, &["remove", "12000001"]).await;
    assert!(ran.code != 0 && ran.err.contains("gongji cluster demote 12000001"), "{ran:?}");

    // The leader itself: another leads first.
    let ran = cluster(third, &["demote", "12000001"]).await;
    assert!(ran.code == 0 && ran.out.contains("votes no more"), "{ran:?}");
    let known = status(&mut door).await;
    assert_eq!(known.margin.as_ref().map(|margin| (margin.voters, margin.needed)), Some((2, 2)));
    assert!(known.leader != 12_000_001 && known.nodes.iter().all(|node| !node.changing), "{known:?}");
    // Twice is as good as once; who is no member is told so.
    assert_eq!(cluster(first, &["demote", "12000001"]).await.code, 0);
    let ran = cluster(first, &["remove", "12000001", "-o", "json"]).await;
    assert!(ran.code == 0 && ran.out.contains("index"), "{ran:?}");
    assert_eq!(status(&mut door).await.nodes.len(), 2);
    let ran = cluster(first, &["demote", "12000001"]).await;
    assert!(ran.code != 0 && ran.err.contains("is not a member"), "{ran:?}");
    for node in nodes {
        node.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_goes_without_whom_nothing_can_be_decided() {
    let dir = tempfile::tempdir().expect("a folder");
    let nodes = [started(11_000_001, dir.path()).await, started(12_000_001, dir.path()).await];
    // The third machine votes, and was never there.
    let mut voters: Vec<pb::Member> = nodes.iter().map(member).collect();
    let nowhere = || "127.0.0.1:1".to_string();
    voters.push(pb::Member { node: 13_000_001, peer_address: nowhere(), api_address: nowhere() });
    let channel = Channel::from_shared(format!("http://{}", nodes[0].api_address())).expect("an address");
    let mut door = ClusterClient::new(channel.connect().await.expect("the door is open"));
    door.init(pb::InitRequest { voters, ..Default::default() }).await.expect("two of three decide");

    for node in ["11000001", "12000001"] {
        let ran = cluster(&nodes[1], &["demote", node]).await;
        assert!(ran.code != 0 && ran.err.contains("of the 2 voters left 1 answer"), "{ran:?}");
    }
    let ran = cluster(&nodes[1], &["hand-over", "13000001"]).await;
    assert!(ran.code != 0 && ran.err.contains("does not answer"), "{ran:?}");
    let ran = cluster(&nodes[1], &["promote", "13000001"]).await;
    assert!(ran.code != 0 && ran.err.contains("has 0 of"), "{ran:?}");
    // The one that is not there can be spared.
    let ran = cluster(&nodes[1], &["demote", "13000001"]).await;
    assert!(ran.code == 0 && ran.out.contains("votes no more"), "{ran:?}");
    for node in nodes {
        node.shutdown().await;
    }
}

/// A door before a node: who comes is let through once it is open.
async fn gate(before: &Node, mut open: watch::Receiver<bool>) -> String {
    let gate = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let (address, behind) = (gate.local_addr().expect("an address").to_string(), before.peer_address());
    tokio::spawn(async move {
        open.wait_for(|open| *open).await.ok();
        while let Ok((mut from, _)) = gate.accept().await {
            tokio::spawn(async move {
                let mut to = TcpStream::connect(behind).await?;
                tokio::io::copy_bidirectional(&mut from, &mut to).await
            });
        }
    });
    address
}

/// Only the leader hears how far a learner is: who asked another, or asked before another led, is answered all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_learner_is_waited_for_while_the_leader_hands_over() {
    let dir = tempfile::tempdir().expect("a folder");
    let nodes = [
        started(11_000_001, dir.path()).await,
        started(12_000_001, dir.path()).await,
        started(13_000_001, dir.path()).await,
    ];
    let mut door = ClusterClient::new(form(&nodes).await.channel());
    let learner = started(44_000_001, dir.path()).await;
    let (open, opened) = watch::channel(false);
    let peer_address = gate(&learner, opened).await;
    let words = format!("44000001={peer_address},{}", learner.api_address());
    let (asked, led) = (nodes[2].api_address().to_string(), status(&mut door).await.leader);
    let adding =
        tokio::spawn(
            async move { gongji(["cluster", "add-learner", &words, "--wait", "--addr", &asked]).await },
        );
    let is_member = async {
        while status(&mut door).await.nodes.iter().all(|known| known.node != 44_000_001) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, is_member).await.expect("it is added");
    // The call itself ends when another leads.
    let request =
        pb::AddLearnerRequest { member: Some(pb::Member { peer_address, ..member(&learner) }), wait: true };
    let mut direct = door.clone();
    let waiting = tokio::spawn(async move { direct.add_learner(request).await });
    let ran = cluster(&nodes[1], &["hand-over"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let told =
        tokio::time::timeout(Duration::from_secs(5), waiting).await.expect("not at the end of its time");
    let told = told.expect("it ends").expect_err("nobody has heard of it");
    assert!(told.message().contains("still catching up"), "{told:?}");
    assert_ne!(status(&mut door).await.leader, led);
    assert!(!adding.is_finished(), "nobody has heard of it");

    open.send(true).expect("the gate stands");
    let ran = tokio::time::timeout(PATIENCE, adding).await.expect("it is answered").expect("it ends");
    assert!(ran.code == 0 && ran.out.contains("44000001"), "{ran:?}");
    for node in nodes.into_iter().chain([learner]) {
        node.shutdown().await;
    }
}
