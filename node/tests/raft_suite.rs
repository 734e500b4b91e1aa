//! openraft's own storage suite on the real log and the real state machine.

use node::raft::log::{LogSettings, LogStore};
use node::raft::machine::Machine;
use node::raft::types::TypeConfig;
use node::state::{State, StateSettings};
use openraft::StorageError;
use openraft::testing::log::{StoreBuilder, Suite};

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
