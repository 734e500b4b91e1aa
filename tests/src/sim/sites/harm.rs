//! What was done to a node's disk, what it explains, and what an operator does about it.

use super::{Site, Sites};
use crate::note;
use crate::sim::machine::Machine;
use node::fault::Fault;
use node::raft::NodeId;
use std::path::{Path, PathBuf};

impl Site {
    /// Whether a flipped bit was in this folder of it when it was last started.
    pub fn has_flip_in(&self, folder: &str) -> bool {
        self.flips.iter().any(|flip| flip.file.starts_with(folder))
    }
}

/// A bit that was flipped.
#[derive(Clone, Debug)]
pub struct Flip {
    /// The file, within the node's folder.
    pub file: PathBuf,
    /// Which byte of it.
    pub at: usize,
    /// What it is since then.
    pub byte: u8,
}

impl Flip {
    /// Whether it may still be there.
    pub(super) fn is_in(&self, folder: &Path) -> bool {
        std::fs::read(folder.join(&self.file)).is_ok_and(|bytes| bytes.get(self.at) == Some(&self.byte))
    }
}

/// Whether a node may stop for this, or not start. `full`: something was refused for want of room since it started.
/// `flips`: what was on its disk then. One explains damage in its own folder (log, journal, state, snapshots), and in no other.
fn is_explained(fault: &Fault, full: bool, flips: &[Flip]) -> bool {
    let why = fault.to_string();
    let no_room = why.contains("no storage space") || why.contains("StorageFull");
    let damaged = |place: &str| {
        let mut parts = place.split(['/', ' ', ',']);
        parts.any(|part| flips.iter().any(|flip| flip.file.iter().next() == Some(part.as_ref())))
    };
    (full && no_room) || matches!(fault, Fault::Corrupt { place, .. } if damaged(place))
}

impl Sites {
    /// A node that stops, or does not start, must have met what was done to its disk: a fault that nothing explains is kept for
    /// the judges.
    pub fn explain(&self, id: NodeId, machine: &Machine, fault: &Fault, what: &str) {
        let (why, full) = (self.plain(&fault.to_string()), machine.was_full());
        self.site(id, |site| {
            if !is_explained(fault, full, &site.flips) {
                site.unexplained.push(format!("node {id} {what} though nothing was done to its disk: {why}"));
            }
        });
    }

    /// What an operator does whom a fault tells what to do next.
    pub(super) fn obey(&self, id: NodeId, fault: &Fault) {
        let mut inner = self.inner.lock();
        let Some(site) = inner.sites.get_mut(&id) else { return };
        let Fault::Corrupt { place, .. } = fault else { return };
        let within = |part: &str| place.contains(&format!("/{part}"));
        // The place names the folder of a life that is over.
        let name = place.split(['/', ' ']).find(|part| part.ends_with(".snap"));
        match name {
            Some(name) => std::fs::remove_file(site.folder.join("snap").join(name)).unwrap_or_default(),
            None if within("journal") => {
                std::fs::remove_dir_all(site.folder.join("journal")).unwrap_or_default();
                site.journal_aside = true;
            }
            None => {
                site.lost = true;
                note!(self.diary, "node {id} is lost");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[test]
    fn only_what_was_done_to_the_disk_explains_a_fault() {
        let io = |kind: io::ErrorKind| Fault::io("sync file", Path::new("/d/sm/CURRENT"), kind.into());
        let corrupt = |place: &str| Fault::Corrupt {
            place: place.into(),
            what: "cut".into(),
            hint: "replace it".into(),
        };
        let stopped = |reason: &str| Fault::Stopped { reason: reason.into() };
        let no_room = stopped(&io(io::ErrorKind::StorageFull).to_string());
        let (none, flip) = (&[][..], &[Flip { file: "log/r-1.wal".into(), at: 1, byte: b'x' }][..]);
        for (fault, full, flips) in [
            (io(io::ErrorKind::StorageFull), true, none),
            (no_room.clone(), true, flip),
            (corrupt("/d/1-2/log"), false, flip),
            (corrupt("log entry 5"), false, flip),
        ] {
            assert!(is_explained(&fault, full, flips), "{fault}");
        }
        for (fault, full, flips) in [
            (io(io::ErrorKind::StorageFull), false, flip),
            (no_room, false, none),
            (corrupt("/d/1-2/log"), true, none),
            (corrupt("/d/1-2/sm, page 07"), true, flip),
            (corrupt("/d/1-2/snap/5.snap at byte 7"), true, flip),
            (io(io::ErrorKind::NotFound), true, flip),
            (stopped("the pulse: it panicked: index out of range"), true, flip),
            (Fault::Diverged { index: 1, ours: [1; 32], theirs: [2; 32] }, true, flip),
        ] {
            assert!(!is_explained(&fault, full, flips), "{fault}");
        }
    }

    #[test]
    fn a_flipped_bit_is_there_until_its_file_is_written_anew() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log");
        let flip = Flip { file: "log".into(), at: 1, byte: b'x' };
        assert!(!flip.is_in(folder.path()));
        for (bytes, there) in [("axc", true), ("abc", false), ("a", false)] {
            std::fs::write(&path, bytes).expect("written");
            assert_eq!(flip.is_in(folder.path()), there, "{bytes}");
        }
    }
}
