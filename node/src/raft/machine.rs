//! The state machine: each committed entry goes through `ledger::apply`, and its changes into the state.

use super::types::{self, Answers, LogId, SnapshotMeta, StoredMembership, TypeConfig};
use crate::fault::Fault;
use crate::host;
use crate::state::{Entry, JournalEntry, Snapshot, State};
use futures::{Stream, TryStreamExt};
use ledger::codec;
use openraft::storage::{EntryResponder, RaftStateMachine};
use openraft::{EntryPayload, OptionalSend, RaftSnapshotBuilder};
use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tokio::sync::watch;

/// A snapshot as openraft passes it about.
pub type RaftSnapshot = openraft::alias::SnapshotOf<TypeConfig, Snapshot>;

/// Applies committed entries.
pub struct Machine {
    state: State,
    applied: watch::Sender<u64>,
}

impl Machine {
    /// A machine over the node's state. `applied` is told the index after each entry.
    pub fn new(state: State, applied: watch::Sender<u64>) -> Machine {
        if let Some(mark) = state.applied().log {
            applied.send_replace(mark.index);
        }
        Machine { state, applied }
    }

    fn apply_entry(&self, entry: &types::Entry) -> Result<Answers, Fault> {
        let log = types::mark(&entry.log_id);
        let mut answers = Answers::default();
        match &entry.payload {
            EntryPayload::Blank => {
                let changes = ledger::Changes::new();
                self.state.absorb(Entry { log, membership: None, changes, journal: None })?;
            }
            EntryPayload::Membership(membership) => {
                let stored = types::MembershipBytes::of(Some(&entry.log_id), membership);
                let (membership, changes) = (Some(codec::encode(&stored)), ledger::Changes::new());
                self.state.absorb(Entry { log, membership, changes, journal: None })?;
            }
            EntryPayload::Normal(batch) => {
                let (stamp, transactions) = batch.content().map_err(|problem| Fault::Corrupt {
                    place: format!("log entry {}", log.index),
                    what: problem.to_string(),
                    hint: "start the binary that wrote it, or a newer one".into(),
                })?;
                let at = ledger::At { index: log.index, stamp: *stamp };
                let applied = ledger::apply(&self.state.reader(), at, transactions)?;
                let time = applied.now.0;
                let journal = JournalEntry { stamp: time, batch: batch.bytes(), answers: &applied.answers };
                let changes = applied.changes;
                self.state.absorb(Entry { log, membership: None, changes, journal: Some(journal) })?;
                answers = Answers(Arc::new(applied.answers));
            }
        }
        Ok(answers)
    }

    fn snapshot(found: Snapshot) -> io::Result<RaftSnapshot> {
        Ok(RaftSnapshot { meta: snapshot_meta(&found)?, snapshot: found })
    }
}

/// What openraft wants to know of a snapshot.
pub(super) fn snapshot_meta(snapshot: &Snapshot) -> io::Result<SnapshotMeta> {
    Ok(SnapshotMeta {
        last_log_id: snapshot.applied.log.map(types::log_id),
        last_membership: types::membership_from(&snapshot.applied.membership)?,
    })
}

/// A fault as openraft carries it: it ends the Raft core, and the node with it.
fn stop(fault: Fault) -> io::Error {
    tracing::error!(error = %fault, "this node stops");
    io::Error::other(fault)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> io::Result<T> {
    host::blocking(work).await?.map_err(stop)
}

/// Builds a snapshot while entries go on being applied.
pub struct Builder(State);

impl RaftSnapshotBuilder<TypeConfig> for Builder {
    type SnapshotData = Snapshot;

    async fn build_snapshot(&mut self) -> Result<RaftSnapshot, io::Error> {
        let state = self.0.clone();
        Machine::snapshot(blocking(move || state.build_snapshot()).await?)
    }
}

impl RaftStateMachine<TypeConfig> for Machine {
    type SnapshotData = Snapshot;
    type SnapshotBuilder = Builder;

    async fn applied_state(&mut self) -> Result<(Option<LogId>, StoredMembership), io::Error> {
        let applied = self.state.applied();
        Ok((applied.log.map(types::log_id), types::membership_from(&applied.membership)?))
    }

    async fn apply<S>(&mut self, mut entries: S) -> Result<(), io::Error>
    where
        S: Stream<Item = Result<EntryResponder<TypeConfig>, io::Error>> + Unpin + OptionalSend,
    {
        while let Some((entry, responder)) = entries.try_next().await? {
            // A rule that panics is a bug, the same on every node; unnoticed it would leave a node that leads
            // and applies nothing.
            let applied = std::panic::catch_unwind(AssertUnwindSafe(|| self.apply_entry(&entry)));
            let panicked =
                |_| Fault::Stopped { reason: format!("applying log entry {} panicked", entry.log_id.index) };
            let answers = applied.map_err(panicked).and_then(|applied| applied).map_err(stop)?;
            self.applied.send_replace(entry.log_id.index);
            if let Some(responder) = responder {
                responder.send(answers);
            }
        }
        Ok(())
    }

    async fn try_create_snapshot_builder(&mut self, _force: bool) -> Option<Builder> {
        Some(Builder(self.state.clone()))
    }

    async fn get_snapshot_builder(&mut self) -> Builder {
        Builder(self.state.clone())
    }

    async fn install_snapshot(&mut self, _meta: &SnapshotMeta, snapshot: Snapshot) -> Result<(), io::Error> {
        let state = self.state.clone();
        let installed = blocking(move || state.install_snapshot(&snapshot.path)).await?;
        if let Some(mark) = installed.applied.log {
            self.applied.send_replace(mark.index);
        }
        Ok(())
    }

    async fn get_current_snapshot(&mut self) -> Result<Option<RaftSnapshot>, io::Error> {
        let state = self.state.clone();
        blocking(move || state.current_snapshot()).await?.map(Machine::snapshot).transpose()
    }
}
