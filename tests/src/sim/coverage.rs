//! What faults truly took effect, and what the cluster was doing then.

use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

/// A kind of fault. It is counted when it took effect, not when it was drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// A message arrived that took far longer than others.
    Delay,
    /// A message was lost.
    Loss,
    /// A single message arrived behind one that was sent after it.
    Reorder,
    /// A single message came a second time.
    Duplicate,
    /// A message was stopped where both ways were cut.
    Partition,
    /// A message was stopped where one way was cut.
    OneWay,
    /// A process was killed, at whatever it was waiting for.
    Kill,
    /// The power was cut in the middle of writing state.
    PowerCut,
    /// A power cut took unsynced bytes of the log.
    TornLog,
    /// A power cut took unsynced bytes or names of other files, or left zeros.
    TornFile,
    /// A node was away for so long that it had to be sent a snapshot.
    LongAbsence,
    /// A checkpoint was gone at a start.
    LostCheckpoint,
    /// A bit was flipped in a file of a node that then started.
    BitFlip,
    /// A sync was refused: the disk was full.
    DiskFull,
    /// Of what a full disk refused to sync, something was not there afterwards.
    HalfWrite,
    /// A sync took a hundred times as long as usual.
    SlowDisk,
    /// A leader's clock jumped, and it stamped an entry.
    ClockJump,
    /// A leader's clock drifted, and it stamped an entry.
    ClockDrift,
    /// A learner was added.
    LearnerAdded,
    /// A learner was promoted.
    Promoted,
    /// A voter was demoted.
    Demoted,
    /// A member was taken out.
    Removed,
    /// A leader handed over.
    HandOver,
}

/// All of them.
pub const FAULTS: [Fault; 23] = [
    Fault::Delay,
    Fault::Loss,
    Fault::Reorder,
    Fault::Duplicate,
    Fault::Partition,
    Fault::OneWay,
    Fault::Kill,
    Fault::PowerCut,
    Fault::TornLog,
    Fault::TornFile,
    Fault::LongAbsence,
    Fault::LostCheckpoint,
    Fault::BitFlip,
    Fault::DiskFull,
    Fault::HalfWrite,
    Fault::SlowDisk,
    Fault::ClockJump,
    Fault::ClockDrift,
    Fault::LearnerAdded,
    Fault::Promoted,
    Fault::Demoted,
    Fault::Removed,
    Fault::HandOver,
];

/// What the cluster was doing when a fault took effect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// A leader leads, everyone is there.
    #[default]
    Serving,
    /// Nobody leads as far as anyone knows, or two think they do.
    Electing,
    /// Some node is down or far behind.
    Mending,
    /// A change of the members, or a hand-over, was asked for and is not answered yet.
    Changing,
}

/// All of them.
pub const PHASES: [Phase; 4] = [Phase::Serving, Phase::Electing, Phase::Mending, Phase::Changing];

/// Counts faults by phase.
#[derive(Clone, Default)]
pub struct Coverage(Arc<Mutex<Counted>>);

/// The counts.
pub type Counts = BTreeMap<(Fault, Phase), u64>;

#[derive(Default)]
struct Counted {
    phase: Phase,
    off: bool,
    counts: Counts,
}

impl Coverage {
    /// A fault took effect.
    pub fn hit(&self, fault: Fault) {
        let mut counted = self.0.lock();
        if !counted.off {
            let phase = counted.phase;
            *counted.counts.entry((fault, phase)).or_default() += 1;
        }
    }

    /// A fault that was begun in this phase took effect.
    pub fn hit_in(&self, fault: Fault, phase: Phase) {
        let mut counted = self.0.lock();
        if !counted.off {
            *counted.counts.entry((fault, phase)).or_default() += 1;
        }
    }

    /// The cluster is doing this from now on.
    pub fn enter(&self, phase: Phase) {
        self.0.lock().phase = phase;
    }

    /// What the cluster is doing.
    pub fn phase(&self) -> Phase {
        self.0.lock().phase
    }

    /// Nothing is counted any more: all faults have ended.
    pub fn end(&self) {
        self.0.lock().off = true;
    }

    /// The counts so far.
    pub fn counts(&self) -> Counts {
        self.0.lock().counts.clone()
    }
}

/// The table of faults and phases; how many cells are empty.
pub fn table(counts: &Counts) -> (String, usize) {
    let mut text = format!("{:<16}", "fault");
    for phase in PHASES {
        write!(text, "{:>12}", format!("{phase:?}").to_lowercase()).ok();
    }
    text.push('\n');
    let mut empty = 0;
    for fault in FAULTS {
        write!(text, "{:<16}", format!("{fault:?}")).ok();
        for phase in PHASES {
            let count = counts.get(&(fault, phase)).copied().unwrap_or(0);
            empty += usize::from(count == 0);
            write!(text, "{count:>12}").ok();
        }
        text.push('\n');
    }
    (text, empty)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_counts_in_its_phase_and_an_empty_cell_is_seen() {
        let coverage = Coverage::default();
        coverage.hit(Fault::Kill);
        coverage.enter(Phase::Electing);
        coverage.hit(Fault::Kill);
        coverage.hit(Fault::Kill);
        coverage.end();
        coverage.hit(Fault::Loss);
        let counts = coverage.counts();
        assert_eq!(counts.get(&(Fault::Kill, Phase::Electing)), Some(&2));
        let (text, empty) = table(&counts);
        assert_eq!(empty, FAULTS.len() * PHASES.len() - 2, "{text}");
    }
}
