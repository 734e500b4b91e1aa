//! openraft's own storage suite on the real log and the real state machine.

use node::raft::log::{LogSettings, LogStore};
use node::raft::machine::Machine;
use node::raft::types::TypeConfig;
use node::state::{State, StateSettings};
use openraft::alias::{EntryOf, LogIdOf};
use openraft::entry::RaftEntry;
use openraft::impls::leader_id_adv::LeaderId;
use openraft::storage::{IOFlushed, RaftLogStorage};
use openraft::testing::log::{StoreBuilder, Suite};
use openraft::{RaftLogReader, StorageError};

struct Builder;

impl StoreBuilder<TypeConfig, LogStore, Machine, tempfile::TempDir> for Builder {
    async fn build(&self) -> Result<(tempfile::TempDir, LogStore, Machine), StorageError<TypeConfig>> {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let settings = LogSettings { cache_bytes: 1 << 20, chunk_bytes: 1 << 20 };
        let log = LogStore::open(&dir.path().join("log"), 11_000_001, settings).expect("a fresh log opens");
        let state = State::open(dir.path(), StateSettings::default()).expect("a fresh state opens");
        let (applied, _) = tokio::sync::watch::channel(0);
        Ok((dir, log, Machine::new(state, applied)))
    }
}

#[test]
fn the_stores_pass_openrafts_suite() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        if let Err(problem) = Suite::test_all(Builder).await {
            panic!("{problem}");
        }
    });
}

/// Found by the simulation, seed 1060: a stream of replication that had been given up read on while the log was purged, and
/// what it sent behind the hole stopped the followers.
#[test]
fn what_is_purged_is_not_skipped_by_those_who_read_on() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let (_dir, mut log, _machine) = Builder.build().await.expect("fresh stores");
        let leader = LeaderId { term: 1, node_id: 11_000_001 };
        let id = |index| LogIdOf::<TypeConfig>::new(leader, index);
        let entries = (0..10).map(|index| EntryOf::<TypeConfig>::new_blank(id(index)));
        log.append(entries, IOFlushed::noop()).await.expect("appended");
        log.purge(id(4)).await.expect("purged");
        let read = log.limited_get_log_entries(3, 9).await.expect("read");
        assert!(read.is_empty(), "{} entries behind a hole", read.len());
        let read = log.limited_get_log_entries(5, 9).await.expect("read");
        assert_eq!(read.iter().map(|entry| entry.index()).collect::<Vec<_>>(), [5, 6, 7, 8]);
    });
}

/// Found by chaos, seed 70009: what waited for a purge to be durable held the log, and when it was the last to do so, the
/// thread that syncs waited for itself.
#[test]
fn whoever_drops_the_log_has_closed_it() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let leader = LeaderId { term: 1, node_id: 11_000_001 };
        let id = |index| LogIdOf::<TypeConfig>::new(leader, index);
        let settings = LogSettings { cache_bytes: 1 << 20, chunk_bytes: 1 << 20 };
        for time in 0..50 {
            let log = LogStore::open(dir.path(), 11_000_001, settings);
            let mut log = log.unwrap_or_else(|fault| panic!("opened after {time} times: {fault}"));
            let entries = (0..10).map(|entry| EntryOf::<TypeConfig>::new_blank(id(10 * time + entry)));
            log.append(entries, IOFlushed::noop()).await.expect("appended");
            log.purge(id(10 * time + 5)).await.expect("purged");
        }
    });
}
