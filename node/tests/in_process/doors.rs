//! What a door lets in must not stop a node. Each test is a way that a review found to do just that.

use crate::one::{form, settings};
use bytes::Bytes;
use ledger::{Call, Caller, Key, RequestId, Transaction, codec};
use node::Node;
use proto::v1::{self as pb, Reason};
use std::path::Path;
use std::time::Duration;
use tonic::transport::Channel;

const PATIENCE: Duration = Duration::from_secs(30);

/// A cluster of this many nodes in this process.
async fn cluster(count: u64, dir: &Path) -> Vec<Node> {
    let mut nodes = Vec::new();
    for node in [11, 12, 13].map(|province| province * 1_000_000 + 1).into_iter().take(count as usize) {
        nodes.push(
            Node::start(settings(node, &dir.join(node.to_string()))).await.expect("a fresh node starts"),
        );
    }
    form(&nodes).await;
    nodes
}

async fn channel(address: &str) -> Channel {
    let endpoint = Channel::from_shared(format!("http://{address}")).expect("an address");
    endpoint.connect().await.expect("the door is open")
}

fn transaction(caller: Caller, call: Call) -> Transaction {
    let request = RequestId(uuid::Uuid::now_v7().into_bytes());
    Transaction { request, caller, not_after: None, signature: Vec::new(), call }
}

/// The digests of all nodes at one index, once all have applied it.
async fn digests(nodes: &[Node]) -> Vec<[u8; 32]> {
    let index = nodes.iter().map(|node| node.state().applied().index()).max().unwrap_or(0);
    let reached = async {
        loop {
            let found: Vec<[u8; 32]> =
                nodes.iter().filter_map(|node| node.state().digest_at(index)).collect();
            if found.len() == nodes.len() {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, reached).await.expect("all nodes apply what one has applied")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_token_of_another_table_is_refused_and_wedges_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let nodes = cluster(1, dir.path()).await;
    let mut door = pb::query_client::QueryClient::new(channel(&nodes[0].api_address().to_string()).await);
    let month = "2026-11".to_string();
    let filter = crc32fast::hash(format!("obligations {month}  ").as_bytes());
    let key: String = codec::encode_key(&Key::Ledger {}).iter().map(|byte| format!("{byte:02x}")).collect();
    let page_token = format!("{filter:08x}{key}");
    let asked = pb::ListObligationsRequest { month, page_size: 1, page_token, ..Default::default() };
    let answer =
        tokio::time::timeout(PATIENCE, door.list_obligations(asked)).await.expect("an answer in time");
    let status = answer.expect_err("the token leads out of the obligations");
    assert_eq!(proto::status::reason_of(&status), Some(Reason::PageTokenInvalid), "{status}");
    for node in nodes {
        node.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_transactions_than_an_entry_holds_are_not_proposed_for_a_peer() {
    let dir = tempfile::tempdir().expect("a folder");
    let nodes = cluster(1, dir.path()).await;
    let mut info = pb::cluster_client::ClusterClient::new(channel(&nodes[0].api_address().to_string()).await);
    let told = info.server_info(pb::ServerInfoRequest {}).await.expect("an answer").into_inner();
    let cluster = uuid::Uuid::parse_str(&told.cluster).expect("a cluster's id");
    let many: Vec<Transaction> = (0..65_537).map(|_| transaction(Caller::Node, Call::Tick)).collect();
    let header = Some(pb::PeerHeader {
        cluster: Bytes::copy_from_slice(cluster.as_bytes()),
        from: 12_000_001,
        to: nodes[0].id(),
    });
    let mut door = pb::peer_client::PeerClient::new(channel(&nodes[0].peer_address().to_string()).await)
        .max_encoding_message_size(64 << 20);
    let asked = pb::ProposeRequest { header, hops: 1, transactions: codec::encode(&many).into() };
    let status = door.propose(asked).await.expect_err("too many for one entry");
    assert_eq!(proto::status::reason_of(&status), Some(Reason::Overloaded), "{status}");
    let again = info.server_info(pb::ServerInfoRequest {}).await;
    assert!(again.is_ok(), "the node goes on");
    for node in nodes {
        node.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_largest_transactions_that_a_door_takes_are_decoded_by_every_follower() {
    let dir = tempfile::tempdir().expect("a folder");
    let nodes = cluster(3, dir.path()).await;
    let api = channel(&nodes[0].api_address().to_string()).await;
    let person = uuid::Uuid::now_v7().to_string();
    let largest = || pb::Transaction {
        request_id: uuid::Uuid::now_v7().to_string(),
        caller: Some(pb::Caller { who: Some(pb::caller::Who::Person(person.clone())) }),
        signature: vec![7; 512].into(),
        call: Some(pb::transaction::Call::SetPriority(pb::SetPriority {
            beneficiary: person.clone(),
            // Short names: few bytes in the message, many in the entry.
            order: vec!["1-0".to_string(); node::wire::ORDER_MAX],
        })),
        ..Default::default()
    };
    // As many as one message takes, from several callers at once, so that they may be gathered.
    let count = (node::server::API_MESSAGE_MAX * 9 / 10 / prost::Message::encoded_len(&largest())).min(1_000);
    let calls = (0..12).map(|_| {
        let mut door = pb::ledger_client::LedgerClient::new(api.clone());
        let transactions = (0..count).map(|_| largest()).collect();
        async move { door.submit_batch(pb::SubmitBatchRequest { transactions }).await }
    });
    for answer in futures::future::join_all(calls).await {
        let results = answer.expect("they are decided").into_inner().results;
        assert_eq!(results.len(), count);
        assert!(results.iter().all(|result| result.outcome() == pb::Outcome::Refused), "nobody is enrolled");
    }
    let digests = digests(&nodes).await;
    assert!(digests.iter().all(|digest| *digest == digests[0]), "{digests:?}");
    for node in nodes {
        node.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_whose_log_is_lost_does_not_start() {
    let dir = tempfile::tempdir().expect("a folder");
    for node in cluster(1, dir.path()).await {
        node.shutdown().await;
    }
    let lost = dir.path().join("11000001").join("log");
    std::fs::remove_dir_all(&lost).expect("the log is there");
    let problem = match Node::start(settings(11_000_001, &dir.path().join("11000001"))).await {
        Ok(_) => panic!("a node without its votes must not start: it could vote twice in a term"),
        Err(problem) => problem.to_string(),
    };
    assert!(problem.contains("log") && problem.contains("new node id"), "{problem}");
}
