//! One bit of a file at rest turned over: told with its place, repaired aloud, or without weight.

use crate::injury;
use crate::storage::check::{Broken, check};
use crate::storage::script::Script;
use crate::storage::tracer::Promised;
use rand::Rng;
use rand::rngs::SmallRng;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What became of the flips of one kind of file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fates {
    /// Told, with the place.
    pub told: u64,
    /// Repaired, and said so.
    pub repaired: u64,
    /// Everything is as promised, and nothing was said.
    pub harmless: u64,
}

/// The kind of a file, also while it is written under another name: which folder, or which file of a folder.
pub fn kind(relative: &Path) -> String {
    let name = relative.to_string_lossy();
    match relative.components().next() {
        None => ".".into(),
        Some(_) if name.ends_with(".part") => "snap/part".into(),
        Some(first) if !name.starts_with("sm/") => {
            first.as_os_str().to_string_lossy().trim_end_matches(".tmp").into()
        }
        _ if name.contains(".redo") => "sm/redo".into(),
        _ if name.contains("CURRENT") => "sm/CURRENT".into(),
        _ => "sm/pages".into(),
    }
}

/// Whether what is said names the file that was flipped, and no other. Of the log, the folder is the place, and raft-log says
/// which of its files; but for a vote that is lost with the log's end: it can have been in any.
fn names(place: &str, said: &str, flipped: &Path) -> bool {
    let Ok(chunk) = flipped.strip_prefix("log") else { return place.contains(&*flipped.to_string_lossy()) };
    let chunk = chunk.to_string_lossy();
    let chunk = chunk.trim_start_matches("r-").trim_end_matches(".wal");
    place.ends_with("/log")
        && (said.contains(&format!("ChunkId({chunk})")) || said.contains("its end is lost"))
}

/// Flips so many bits in copies of a folder, one in each, and counts what becomes of them by the kind of file.
///
/// # Errors
/// A flip that is served silently, or told without its place.
pub fn flip(
    script: &Script,
    whole: &Path,
    album: &Path,
    promised: &Promised,
    count: u64,
    rng: &mut SmallRng,
) -> Result<BTreeMap<String, Fates>, String> {
    let files: Vec<(PathBuf, u64)> = injury::files(whole);
    let total: u64 = files.iter().map(|(_, length)| length).sum();
    let mut fates: BTreeMap<String, Fates> = BTreeMap::new();
    for number in 0..count {
        // Every file alike, or every byte.
        let (path, at) = match rng.random() {
            true => {
                let (path, length) = &files[rng.random_range(0..files.len())];
                // The ends of files are where a flip can look like a cut.
                let from = if rng.random() { 0 } else { length.saturating_sub(80) };
                (path, rng.random_range(from..*length))
            }
            false => {
                let mut at = rng.random_range(0..total);
                let hit = files.iter().find(|(_, length)| {
                    let inside = at < *length;
                    at -= if inside { 0 } else { *length };
                    inside
                });
                (&hit.expect("within the sum").0, at)
            }
        };
        let bit = rng.random_range(0..8);
        let hurt = album.join(format!("hurt-{number}"));
        injury::copy_folder(whole, &hurt);
        let relative = path.strip_prefix(whole).expect("a file of the folder");
        let mut bytes = std::fs::read(path).expect("a file");
        bytes[at as usize] ^= 1 << bit;
        std::fs::write(hurt.join(relative), bytes).expect("written");
        let what = format!("bit {bit} of byte {at} in {}", relative.display());
        let fates = fates.entry(kind(relative)).or_default();
        match check(script, &hurt, promised, false) {
            Ok(found) if found.notes.is_empty() => fates.harmless += 1,
            Ok(_) => fates.repaired += 1,
            Err(Broken::Told { place, said }) => {
                if !names(&place, &said, relative) {
                    return Err(format!("{what}: the place that is named is {place:?}: {said}"));
                }
                fates.told += 1;
            }
            Err(Broken::Silent(served)) => return Err(format!("{what}: {served}")),
        }
        std::fs::remove_dir_all(&hurt).expect("removed");
    }
    Ok(fates)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_of_its_kind_while_it_is_written_too() {
        let kinds = ["VOTE.tmp", "log", "snap/a.tmp", "snap/a.part", "sm/gen-1.redo-tmp", "sm/CURRENT.tmp"];
        let kinds = kinds.map(|path| kind(Path::new(path)));
        assert_eq!(kinds, ["VOTE", "log", "snap", "snap/part", "sm/redo", "sm/CURRENT"]);
        assert_eq!(["", "sm", "sm/gen-1/pages"].map(|path| kind(Path::new(path))), [".", "sm", "sm/pages"]);
    }

    #[test]
    fn only_the_file_that_was_flipped_will_do() {
        let chunk = Path::new("log/r-00_000_000_000_000_000_000.wal");
        let said =
            "damaged data in /a/log: the Raft log: no; when:(iterate ChunkId(00_000_000_000_000_000_000))";
        assert!(names("/a/log", said, chunk));
        assert!(!names("/a/log", "damaged data in /a/log: the Raft log: no", chunk), "which of its files?");
        assert!(!names("/a/log", said, Path::new("log/r-00_000_000_000_000_008_192.wal")), "another file");
        assert!(!names("/a/journal", said, chunk), "another folder");
        assert!(names("/a/log", "the Raft log remembers less than the vote: its end is lost", chunk));
        let segment = Path::new("journal/0000000000000001.seg");
        assert!(names("/a/journal/0000000000000001.seg at byte 7", "damaged data", segment));
        assert!(!names("/a/journal", "damaged data in /a/journal", segment), "any damage is damaged data");
        assert!(!names("/a/snap/s", "damaged data in /a/snap/s", segment));
    }
}
