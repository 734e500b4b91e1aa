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
/// `damaged`: a flipped bit was on its disk then.
fn is_explained(fault: &Fault, full: bool, damaged: bool) -> bool {
    let why = fault.to_string();
    let no_room = why.contains("no storage space") || why.contains("StorageFull");
    (full && no_room) || (damaged && matches!(fault, Fault::Corrupt { .. }))
}

impl Sites {
    /// A node that stops, or does not start, must have met what was done to its disk: a fault that nothing explains is kept for
    /// the judges.
    pub fn explain(&self, id: NodeId, machine: &Machine, fault: &Fault, what: &str) {
        let (why, full) = (self.plain(&fault.to_string()), machine.was_full());
        self.site(id, |site| {
            if !is_explained(fault, full, !site.flips.is_empty()) {
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
        let corrupt =
            || Fault::Corrupt { place: "log".into(), what: "cut".into(), hint: "replace it".into() };
        let stopped = |reason: &str| Fault::Stopped { reason: reason.into() };
        let no_room = stopped(&io(io::ErrorKind::StorageFull).to_string());
        for (fault, full, damaged) in [
            (io(io::ErrorKind::StorageFull), true, false),
            (no_room.clone(), true, true),
            (corrupt(), false, true),
        ] {
            assert!(is_explained(&fault, full, damaged), "{fault}");
        }
        for (fault, full, damaged) in [
            (io(io::ErrorKind::StorageFull), false, true),
            (no_room, false, false),
            (corrupt(), true, false),
            (io(io::ErrorKind::NotFound), true, true),
            (stopped("the pulse: it panicked: index out of range"), true, true),
            (Fault::Diverged { index: 1, ours: [1; 32], theirs: [2; 32] }, true, true),
        ] {
            assert!(!is_explained(&fault, full, damaged), "{fault}");
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
