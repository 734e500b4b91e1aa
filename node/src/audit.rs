//! The ledger's own audit over a node's state: over that of a running node, which never waits for it, and over the files
//! of one that is stopped.

use crate::data_dir::DataDir;
use crate::fault::{Fault, hex};
use crate::raft::NodeId;
use crate::state::{State, StateSettings, Still};
use ledger::{Audit, Key, Row, View};
use proto::v1 as pb;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Reads between two looks at whether the state has become crowded.
const LOOK_EVERY: u64 = 64;

/// An audit under way, seen from outside.
#[derive(Debug, Default)]
pub struct Run {
    records: AtomicU64,
    stopped: AtomicBool,
}

impl Run {
    /// How many records have been read.
    pub fn records_read(&self) -> u64 {
        self.records.load(Ordering::Relaxed)
    }

    /// Ends the audit at its next read.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }
}

/// Why an audit ended before its end.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Ended {
    /// Nobody wants it any more.
    #[error("the audit was stopped")]
    Stopped,
    /// So much has changed meanwhile that the node would soon have to wait for it.
    #[error("the audit gave way: too much changes on this node")]
    GaveWay,
    /// The state cannot be read.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// A view that counts what is read, and ends when it must.
struct Watched<'a> {
    still: &'a Still<'a>,
    run: &'a Run,
    reads: AtomicU64,
}

impl Watched<'_> {
    fn may_go_on(&self) -> Result<(), Ended> {
        if self.run.stopped.load(Ordering::Relaxed) {
            return Err(Ended::Stopped);
        }
        let reads = self.reads.fetch_add(1, Ordering::Relaxed);
        match reads.is_multiple_of(LOOK_EVERY) && self.still.crowded() {
            true => Err(Ended::GaveWay),
            false => Ok(()),
        }
    }

    fn read(&self, records: usize) {
        self.run.records.fetch_add(records as u64, Ordering::Relaxed);
    }
}

impl View for Watched<'_> {
    type Fault = Ended;

    fn get(&self, key: &Key) -> Result<Option<Arc<Row>>, Ended> {
        self.may_go_on()?;
        let row = self.still.get(key)?;
        self.read(1);
        Ok(row)
    }

    fn range(&self, from: &Key, until: &Key, most: usize) -> Result<Vec<(Key, Arc<Row>)>, Ended> {
        self.may_go_on()?;
        let rows = self.still.range(from, until, most)?;
        self.read(rows.len());
        Ok(rows)
    }
}

/// Audits a state as it is now. Blocks until it is done: entries are absorbed meanwhile, checkpoints wait.
///
/// # Errors
/// Why it ended before its end. What is wrong with the state is no error but a finding.
pub fn audit(state: &State, node: NodeId, run: &Run) -> Result<pb::AuditReport, Ended> {
    let begun = Instant::now();
    let still = state.still()?;
    let applied = still.applied().clone();
    let view = Watched { still: &still, run, reads: AtomicU64::new(0) };
    let audit = ledger::audit::audit(&view, Some(&applied.digest))?;
    drop(still);
    let mut report = report_of(&audit);
    report.node = node;
    report.index = applied.index();
    report.digest = hex(&applied.digest.root());
    report.took_ms = milliseconds(begun.elapsed());
    Ok(report)
}

/// Audits what a stopped node has on its disk. The state is opened as a start opens it, whatever has happened to it; what
/// the log holds beyond it is not looked at.
///
/// # Errors
/// The step that failed: the directory is a running node's, or nobody's, or it cannot be read.
pub fn audit_stopped(dir: &Path, run: &Run) -> Result<pb::AuditReport, Ended> {
    let data_dir = DataDir::open(dir)?;
    let state = State::open(dir, StateSettings { cluster: data_dir.cluster(), ..Default::default() })?;
    let report = audit(&state, data_dir.node(), run);
    state.close();
    report
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// What an audit came to, without whose state it was.
fn report_of(audit: &Audit) -> pb::AuditReport {
    let findings = |number: u8| {
        audit.findings.iter().filter(|finding| finding.invariant.number() == number).count() as u64
    };
    let invariants = audit.counted.iter().map(|(invariant, checked)| pb::AuditedInvariant {
        number: invariant.number().into(),
        what: invariant.counts().into(),
        checked: *checked,
        findings: findings(invariant.number()),
    });
    let listed = audit.findings.iter().map(|finding| pb::AuditFinding {
        invariant: finding.invariant.number().into(),
        place: format!("{:?}", finding.place),
        what: finding.what.into(),
    });
    pb::AuditReport {
        node: 0,
        index: 0,
        digest: String::new(),
        invariants: invariants.collect(),
        findings: listed.collect(),
        more_findings: audit.more,
        took_ms: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{Entry, LogMark};
    use ledger::Area;
    use ledger::table::AreaRecord;

    /// A state in which so many changes wait for a checkpoint at most.
    fn state(dir: &Path, changes_most: usize) -> State {
        let settings = StateSettings { checkpoint_changes: 4, changes_most, ..Default::default() };
        State::open(dir, settings).expect("a fresh state")
    }

    /// An entry that changes so many areas.
    fn absorb(state: &State, index: u64, areas: u32) {
        let area = |number: u32| Area::new(320_000 + number).expect("an area of Jiangsu");
        let row = || Some(Arc::new(Row::Area(AreaRecord { openings: Vec::new() })));
        let changes = (0..areas).map(|number| (Key::Area { area: area(number) }, row())).collect();
        let log = LogMark { term: 1, node: 32_000_001, index };
        state.absorb(Entry { log, membership: None, changes, journal: None }).expect("absorbed");
    }

    #[test]
    fn an_audit_gives_way_before_absorbing_waits_for_it() {
        let dir = tempfile::tempdir().expect("a folder");
        let state = state(dir.path(), 40);
        absorb(&state, 1, 3);
        let (still, run) = (state.still().expect("a state"), Run::default());
        let look = || {
            let view = Watched { still: &still, run: &run, reads: AtomicU64::new(0) };
            ledger::audit::audit(&view, None)
        };
        absorb(&state, 2, 19);
        assert!(look().is_ok(), "there is room for half of it");
        absorb(&state, 3, 20);
        assert!(matches!(look(), Err(Ended::GaveWay)));
        // Nothing has waited, and nothing is broken: the next one sees what has changed.
        drop(still);
        let report = audit(&state, 32_000_001, &run).expect("it ends");
        assert_eq!((report.index, report.node), (3, 32_000_001));
        assert!(run.records_read() > 0);
    }

    #[test]
    fn an_audit_that_nobody_wants_ends() {
        let dir = tempfile::tempdir().expect("a folder");
        let state = state(dir.path(), 40);
        let run = Run::default();
        run.stop();
        assert!(matches!(audit(&state, 32_000_001, &run), Err(Ended::Stopped)));
        state.checkpoint().expect("nothing holds it up");
    }
}
