//! The faults, and the table of when they were seen to be in force.

use crate::sim::coverage::{PHASES, Phase};
use std::collections::BTreeMap;
use std::fmt::Write;

/// What is done to the cluster. It counts when it was seen to be in force, not when it was ordered: under what the cluster did
/// when it struck, and under all that the cluster is seen to do from then on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// kill -9 of the leader.
    KillLeader,
    /// kill -9 of a follower.
    KillFollower,
    /// kill -9 of all nodes at once.
    KillAll,
    /// SIGTERM and start again, one node after the other.
    RollingRestart,
    /// SIGSTOP of the leader until another leads, then SIGCONT.
    PauseLeader,
    /// SIGSTOP of a follower for a few seconds.
    PauseFollower,
    /// The leader is cut off from all others; clients still reach it.
    LeaderAlone,
    /// Two nodes here, the rest there.
    Split,
    /// The leader hears and is not heard, or the other way round.
    OneWay,
    /// A link of the leader comes and goes.
    Flapping,
    /// All messages between nodes take longer.
    Delay,
    /// The leader's links carry a few kilobytes a second.
    SlowLink,
    /// Connections to a node open, and nothing comes.
    HalfOpen,
    /// Connections break in the middle of a frame.
    BrokenFrame,
    /// Bits are turned over between nodes.
    WireFlip,
    /// A node is cut off until the log behind it is purged: a snapshot is sent.
    LongAbsence,
    /// The leader's clock jumps ahead.
    ClockAhead,
    /// The leader's clock jumps back.
    ClockBack,
    /// A node's disk is full.
    FullDisk,
    /// A byte of a stopped node's files is flipped.
    FileFlip,
    /// Every sync of a node takes long.
    SlowSync,
    /// A sync of a node fails.
    FailedSync,
    /// Syncs of a node claim to have happened, and then it is killed.
    LyingSync,
    /// A learner is added.
    LearnerAdded,
    /// A learner is promoted.
    Promoted,
    /// A voter is demoted.
    Demoted,
    /// A member is taken out.
    Removed,
}

/// All of them.
pub const FAULTS: [Fault; 27] = [
    Fault::KillLeader,
    Fault::KillFollower,
    Fault::KillAll,
    Fault::RollingRestart,
    Fault::PauseLeader,
    Fault::PauseFollower,
    Fault::LeaderAlone,
    Fault::Split,
    Fault::OneWay,
    Fault::Flapping,
    Fault::Delay,
    Fault::SlowLink,
    Fault::HalfOpen,
    Fault::BrokenFrame,
    Fault::WireFlip,
    Fault::LongAbsence,
    Fault::ClockAhead,
    Fault::ClockBack,
    Fault::FullDisk,
    Fault::FileFlip,
    Fault::SlowSync,
    Fault::FailedSync,
    Fault::LyingSync,
    Fault::LearnerAdded,
    Fault::Promoted,
    Fault::Demoted,
    Fault::Removed,
];

/// What came of the faults.
#[derive(Clone, Debug, Default)]
pub struct Table {
    installed: BTreeMap<Fault, u64>,
    seen: BTreeMap<(Fault, Phase), u64>,
    skipped: BTreeMap<Fault, String>,
}

impl Table {
    /// A fault is installed from now on.
    pub fn install(&mut self, fault: Fault) {
        *self.installed.entry(fault).or_default() += 1;
    }

    /// It took effect so often, while the cluster did this.
    pub fn hit(&mut self, fault: Fault, phase: Phase, times: u64) {
        if times > 0 {
            *self.seen.entry((fault, phase)).or_default() += times;
        }
    }

    /// It cannot be done here, and why.
    pub fn skip(&mut self, fault: Fault, why: String) {
        self.skipped.insert(fault, why);
    }

    /// How often a fault took effect while the cluster did this.
    pub fn hit_in(&self, fault: Fault, phase: Phase) -> u64 {
        self.seen.get(&(fault, phase)).copied().unwrap_or(0)
    }

    /// How often a fault took effect.
    pub fn hits(&self, fault: Fault) -> u64 {
        PHASES.iter().map(|phase| self.hit_in(fault, *phase)).sum()
    }

    /// How many faults were installed.
    pub fn faults(&self) -> u64 {
        self.installed.values().sum()
    }

    /// Adds what another pass has seen.
    pub fn add(&mut self, other: &Table) {
        for (fault, times) in &other.installed {
            *self.installed.entry(*fault).or_default() += times;
        }
        for ((fault, phase), times) in &other.seen {
            self.hit(*fault, *phase, *times);
        }
        self.skipped.extend(other.skipped.clone());
    }

    /// Faults that were skipped.
    pub fn skipped(&self) -> Vec<Fault> {
        self.skipped.keys().copied().collect()
    }

    /// Faults that were not skipped, and what the cluster did without ever being seen under them.
    pub fn missed(&self) -> Vec<(Fault, Phase)> {
        let cells = FAULTS.into_iter().flat_map(|fault| PHASES.map(|phase| (fault, phase)));
        let empty = |(fault, phase): &(Fault, Phase)| {
            // What was seen once can be done here.
            let excused = self.skipped.contains_key(fault) && self.hits(*fault) == 0;
            !excused && !self.seen.contains_key(&(*fault, *phase))
        };
        cells.filter(empty).collect()
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = format!("{:<16}{:>10}", "fault", "installed");
        for phase in PHASES {
            write!(text, "{:>10}", format!("{phase:?}").to_lowercase())?;
        }
        for fault in FAULTS {
            let installed = self.installed.get(&fault).copied().unwrap_or(0);
            write!(text, "\n{:<16}{installed:>10}", format!("{fault:?}"))?;
            if let Some(why) = self.skipped.get(&fault) {
                write!(text, "  skipped: {why}")?;
                continue;
            }
            for phase in PHASES {
                write!(text, "{:>10}", self.hit_in(fault, phase))?;
            }
        }
        f.write_str(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_that_was_never_seen_is_missed() {
        let mut table = Table::default();
        assert_eq!(table.missed().len(), FAULTS.len() * PHASES.len());
        for fault in FAULTS {
            table.install(fault);
            for phase in PHASES {
                match (fault, phase) {
                    (Fault::KillAll, Phase::Electing) => table.hit(fault, phase, 0),
                    (Fault::FullDisk, _) => table.skip(fault, "no mounts".into()),
                    (Fault::SlowSync, Phase::Mending) => table.skip(fault, "once no strace".into()),
                    _ => table.hit(fault, phase, 2),
                }
            }
        }
        let mut sum = Table::default();
        sum.add(&table);
        sum.add(&table);
        let missed = [(Fault::KillAll, Phase::Electing), (Fault::SlowSync, Phase::Mending)];
        assert_eq!(sum.missed(), missed, "installed is not in force, skipped once is no excuse");
        assert_eq!(sum.skipped(), [Fault::FullDisk, Fault::SlowSync]);
        assert_eq!((sum.hits(Fault::Delay), sum.faults()), (16, 2 * FAULTS.len() as u64));
        assert!(sum.to_string().contains("skipped: no mounts"), "{sum}");
    }
}
