//! A storage's life: the real log and the real state, driven as consensus drives them.

use crate::storage::script::Script;
use crate::storage::tracer::{Calm, Tracer, VoteSaved};
use futures::FutureExt;
use ledger::{At, Changes};
use node::data_dir::DataDir;
use node::host;
use node::raft::log::{LogSettings, LogStore};
use node::raft::types::TypeConfig;
use node::state::{Entry, JournalEntry, LogMark, State, StateSettings};
use openraft::EntryPayload;
use openraft::alias::{EntryOf, LogIdOf, VoteOf};
use openraft::impls::leader_id_adv::LeaderId;
use openraft::storage::{IOFlushed, RaftLogStorage};
use rand::Rng;
use rand::rngs::SmallRng;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Whose storage it is.
pub const NODE: u64 = 11_000_001;
/// Its cluster.
pub const CLUSTER: [u8; 16] = [9; 16];

/// Small files, so that much happens soon.
pub fn log_settings() -> LogSettings {
    LogSettings { cache_bytes: 32 << 10, chunk_bytes: 8 << 10 }
}

/// Small files, so that much happens soon.
pub fn state_settings() -> StateSettings {
    StateSettings {
        cluster: Some(CLUSTER),
        checkpoint_changes: usize::MAX,
        checkpoint_bytes: usize::MAX,
        cache_rows: 300,
        store_cache_bytes: 4 << 20,
        journal_segment_bytes: 6_000,
        journal_recent_bytes: 2_000,
        ..StateSettings::default()
    }
}

/// What a node opens at its start.
pub struct Opened {
    /// Its directory, locked.
    pub dir: DataDir,
    /// Its state.
    pub state: State,
    /// Its log.
    pub log: LogStore,
}

/// What is synced, in its order, when a log is opened.
///
/// # Panics
/// If it does not open.
pub fn synced_by_opening_its_log(root: &Path) -> Vec<PathBuf> {
    let calm = Arc::new(Calm::default());
    let _host = host::enter(calm.clone());
    LogStore::open(&root.join("log"), NODE, log_settings()).expect("the log opens");
    std::mem::take(&mut calm.0.lock())
}

/// A log id of a term.
pub fn log_id(term: u64, index: u64) -> LogIdOf<TypeConfig> {
    LogIdOf::<TypeConfig>::new(LeaderId { term, node_id: NODE }, index)
}

/// What stands at an index of the script, in an entry of a term.
pub fn entry(script: &Script, term: u64, index: u64) -> EntryOf<TypeConfig> {
    let payload = match &script.step(index).batch {
        Some(batch) => EntryPayload::Normal(batch.clone()),
        None => EntryPayload::Blank,
    };
    openraft::Entry { log_id: log_id(term, index), payload }
}

/// The term of an index: a new one every thirty entries.
pub fn term_of(index: u64) -> u64 {
    1 + index / 30
}

/// Does to a state what an entry does.
///
/// # Errors
/// What the state says.
pub fn absorb(script: &Script, state: &State, index: u64) -> Result<(), node::fault::Fault> {
    let log = LogMark { term: term_of(index), node: NODE, index };
    let Some(batch) = &script.step(index).batch else {
        return state.absorb(Entry { log, membership: None, changes: Changes::new(), journal: None });
    };
    let (stamp, transactions) = batch.content().expect("made by the script");
    let applied = ledger::apply(&state.reader(), At { index, stamp: *stamp }, transactions)?;
    let journal = JournalEntry { stamp: applied.now.0, batch: batch.bytes(), answers: &applied.answers };
    state.absorb(Entry { log, membership: None, changes: applied.changes, journal: Some(journal) })
}

/// What the storage does at once, because nothing runs beside it.
pub fn now<T>(work: impl Future<Output = T>) -> T {
    work.now_or_never().expect("nothing to wait for on a host without tasks")
}

/// A storage that lives.
pub struct Life<'a> {
    script: &'a Script,
    tracer: Arc<Tracer>,
    root: PathBuf,
    opened: Option<Opened>,
    /// The next index.
    next: u64,
}

impl<'a> Life<'a> {
    /// Begins in a folder that the tracer watches.
    pub fn begin(script: &'a Script, tracer: Arc<Tracer>, root: &Path) -> Life<'a> {
        let mut life = Life { script, tracer, root: root.to_path_buf(), opened: None, next: 1 };
        life.open();
        life
    }

    fn open(&mut self) {
        let _host = host::enter(self.tracer.clone());
        let dir = DataDir::create_or_open(&self.root, Some(CLUSTER), NODE).expect("the directory opens");
        let state = State::open(&self.root, state_settings()).expect("the state opens");
        let log = LogStore::open(&self.root.join("log"), NODE, log_settings()).expect("the log opens");
        self.opened = Some(Opened { dir, state, log });
    }

    fn parts(&mut self) -> (&State, &mut LogStore) {
        let opened = self.opened.as_mut().expect("it is open");
        (&opened.state, &mut opened.log)
    }

    /// The state.
    pub fn state(&mut self) -> &State {
        self.parts().0
    }

    /// Stops, and starts over the same files. What was applied and not stored is applied again.
    pub fn restart(&mut self) {
        self.opened = None;
        self.open();
        let _host = host::enter(self.tracer.clone());
        let script = self.script;
        for index in self.state().applied().index() + 1..self.next {
            absorb(script, self.state(), index).expect("absorbed");
        }
    }

    /// Saves a vote.
    pub fn vote(&mut self, vote: VoteSaved) {
        let _host = host::enter(self.tracer.clone());
        self.tracer.promise(|promised| promised.vote_coming = Some(vote));
        let (term, node, committed) = vote;
        let saved = match committed {
            true => VoteOf::<TypeConfig>::new_committed(term, node),
            false => VoteOf::<TypeConfig>::new(term, node),
        };
        now(self.parts().1.save_vote(&saved)).expect("saved");
        self.tracer.promise(|promised| (promised.vote, promised.vote_coming) = (Some(vote), None));
    }

    /// Appends the next entries.
    pub fn append(&mut self, count: u64) {
        let _host = host::enter(self.tracer.clone());
        let (from, until) = (self.next, (self.next + count).min(self.script.last() + 1));
        self.tracer.promise(|promised| promised.written = until - 1);
        let entries: Vec<_> = (from..until).map(|index| entry(self.script, term_of(index), index)).collect();
        now(self.parts().1.append(entries, IOFlushed::noop())).expect("appended");
        self.next = until;
    }

    /// Appends entries of a leader that is soon replaced, and takes them away again.
    pub fn conflict(&mut self, count: u64) {
        let _host = host::enter(self.tracer.clone());
        let from = self.next;
        self.tracer.promise(|promised| promised.conflict = Some(from));
        let term = term_of(from - 1);
        let entries: Vec<_> = (from..from + count)
            .map(|index| openraft::Entry { log_id: log_id(term, index), payload: EntryPayload::Blank })
            .collect();
        now(self.parts().1.append(entries, IOFlushed::noop())).expect("appended");
        self.tracer.promise(|promised| promised.cut = true);
        let last = Some(log_id(term_of(from - 1), from - 1));
        now(self.parts().1.truncate_after(last)).expect("cut");
        // From now on a state may hold what overrules them.
        self.tracer.promise(|promised| (promised.conflict, promised.cut) = (None, false));
    }

    /// Applies everything that was appended.
    pub fn apply(&mut self) {
        let _host = host::enter(self.tracer.clone());
        let last = self.next - 1;
        now(self.parts().1.save_committed(Some(log_id(term_of(last), last)))).expect("noted");
        self.tracer.promise(|promised| promised.applied = last);
        let script = self.script;
        for index in self.state().applied().index() + 1..self.next {
            absorb(script, self.state(), index).expect("absorbed");
        }
    }

    /// Writes a checkpoint.
    pub fn checkpoint(&mut self) {
        let _host = host::enter(self.tracer.clone());
        self.state().checkpoint().expect("written");
        let at = self.next - 1;
        self.tracer.promise(|promised| promised.checkpoint = at);
    }

    /// Writes a snapshot, and purges the log behind it.
    pub fn snapshot(&mut self, keep: u64) {
        let _host = host::enter(self.tracer.clone());
        let written = self.state().build_snapshot().expect("written").applied.index();
        self.tracer.promise(|promised| promised.checkpoint = written);
        self.purge(written.saturating_sub(keep));
    }

    fn purge(&mut self, upto: u64) {
        if upto > 0 {
            self.tracer.promise(|promised| {
                promised.purged = promised.purged.max(upto);
                promised.purging = true;
            });
            now(self.parts().1.purge(log_id(term_of(upto), upto))).expect("purged");
            self.tracer.promise(|promised| promised.purging = false);
        }
    }

    /// Takes in a snapshot of another node, as it comes over the wire.
    pub fn install(&mut self, file: &Path, index: u64) {
        let _host = host::enter(self.tracer.clone());
        let part = self.state().receive_path("a-snapshot");
        let bytes = std::fs::read(file).expect("a snapshot");
        let (first, rest) = bytes.split_at(bytes.len() / 2);
        std::fs::write(&part, first).expect("received");
        self.tracer.pause("half received");
        std::fs::write(&part, [first, rest].concat()).expect("received");
        self.tracer.promise(|promised| {
            promised.installed = index;
            promised.applied = index;
        });
        self.state().install_snapshot(&part).expect("installed");
        self.next = index + 1;
        // Everything that the log held lies before it.
        self.tracer.promise(|promised| {
            promised.checkpoint = index;
            promised.written = index;
        });
        self.purge(index);
    }

    /// Some entries, with a checkpoint and snapshots on the way, and a state that lags behind the log at the end.
    pub fn live_quietly(&mut self, rng: &mut SmallRng) {
        self.vote((1, NODE, true));
        while self.next <= self.script.last() {
            self.append(rng.random_range(1..4));
            self.apply();
            match rng.random_range(0..10) {
                0 => self.checkpoint(),
                1 if self.next > 12 => self.snapshot(rng.random_range(4..8)),
                _ => {}
            }
        }
        // Half of the time the vote is the last that was written.
        if rng.random() {
            self.vote((9, NODE, rng.random()));
        }
        self.opened = None;
    }

    /// A life of everything but an install, from chance.
    pub fn live(&mut self, rng: &mut SmallRng) {
        self.vote((1, NODE, false));
        self.vote((1, NODE, true));
        let mut round = 0;
        while self.next <= self.script.last() {
            round += 1;
            self.append(rng.random_range(1..4));
            self.apply();
            match rng.random_range(0..12) {
                0 => self.checkpoint(),
                1 if self.next > 12 => self.snapshot(rng.random_range(0..8)),
                2 => self.restart(),
                3 if self.next > 2 && self.next <= self.script.last() => {
                    self.conflict(rng.random_range(1..4));
                    self.append(1);
                    self.apply();
                }
                4 | 5 => self.vote((term_of(self.next) + round, NODE, rng.random())),
                _ => {}
            }
        }
        self.checkpoint();
        self.snapshot(2);
        self.restart();
        self.tracer.pause("the end");
    }
}
