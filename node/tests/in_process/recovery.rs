//! A node that comes back to damaged files.

use crate::one::{NODE, One, settings};
use node::{Node, Settings};
use proto::v1 as pb;
use proto::v1::cluster_client::ClusterClient;
use std::path::Path;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);

fn short_log(dir: &Path) -> Settings {
    let mut settings = settings(NODE, dir);
    settings.raft.keep_entries = 5;
    settings
}

/// Found by the simulation in a debug build: the log had been purged behind a snapshot that a flipped bit then took away, and
/// the older one led followers to entries that were gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_that_the_log_was_purged_behind_is_written_again() {
    let dir = tempfile::tempdir().expect("a folder");
    let one = One::with(short_log(dir.path())).await;
    let mut door = ClusterClient::new(one.client.channel());
    one.register_areas(20).await;
    let older = door.snapshot(pb::SnapshotRequest {}).await.expect("a snapshot").into_inner().index;
    for number in 0..20 {
        let area = (330_100 + number).to_string();
        one.done(one.national().register_area(area)).await;
    }
    door.snapshot(pb::SnapshotRequest {}).await.expect("a snapshot");
    let purged = async {
        loop {
            let local = pb::StatusRequest { local: true, ..Default::default() };
            let status = door.status(local).await.expect("a status").into_inner().nodes.remove(0);
            let purged = status.last_log_index - status.log_entries;
            if purged > older {
                return purged;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let purged = tokio::time::timeout(PATIENCE, purged).await.expect("the log is purged");
    one.node.shutdown().await;

    let newest = std::fs::read_dir(dir.path().join("snap")).expect("snapshots");
    let newest = newest.map(|entry| entry.expect("a file").path()).max().expect("one at least");
    let mut bytes = std::fs::read(&newest).expect("a snapshot");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&newest, bytes).expect("damaged");
    // Told to move it away, the operator does.
    let told = Node::start(short_log(dir.path())).await.err().expect("it is damaged").to_string();
    assert!(told.contains(&format!("mv {}", newest.display())) && told.contains("start again"), "{told}");
    std::fs::remove_file(&newest).expect("it was there");
    let node = Node::start(short_log(dir.path())).await.expect("its state has everything");
    let snapshot = node.state().current_snapshot().expect("a state").expect("a snapshot");
    assert!(snapshot.applied.index() >= purged, "{} and {purged}", snapshot.applied.index());
    node.shutdown().await;
}
