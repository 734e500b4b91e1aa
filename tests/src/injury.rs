//! Copies of, and damage to, the files of a stopped node.

use rand::Rng;
use rand::rngs::StdRng;
use std::path::{Path, PathBuf};

/// A flipped byte.
#[derive(Clone, Debug)]
pub struct Flip {
    /// In which file.
    pub path: PathBuf,
    /// Where in it.
    pub offset: u64,
    /// Of how many bytes.
    pub length: u64,
}

impl std::fmt::Display for Flip {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "byte {} of {} in {}", self.offset, self.length, self.path.display())
    }
}

/// Copies a folder with all that is in it.
///
/// # Panics
/// If it cannot.
pub fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap_or_else(|problem| panic!("create {}: {problem}", to.display()));
    for entry in
        std::fs::read_dir(from).unwrap_or_else(|problem| panic!("list {}: {problem}", from.display()))
    {
        let entry = entry.expect("a folder's entry");
        let (path, copy) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy_folder(&path, &copy);
        } else {
            std::fs::copy(&path, &copy)
                .unwrap_or_else(|problem| panic!("copy {}: {problem}", path.display()));
        }
    }
}

/// Every file below a folder, with its length, in order of path; empty files are left out.
///
/// # Panics
/// If the folder cannot be read.
pub fn files(folder: &Path) -> Vec<(PathBuf, u64)> {
    let mut found = Vec::new();
    let entries =
        std::fs::read_dir(folder).unwrap_or_else(|problem| panic!("list {}: {problem}", folder.display()));
    for entry in entries {
        let entry = entry.expect("a folder's entry");
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let length = entry.metadata().expect("a file's length").len();
            found.extend((length > 0).then_some((path, length)));
        }
    }
    found.sort();
    found
}

/// Turns over all bits of one byte in one of these files: half of the time any file, else a larger one more likely.
/// Bytes that are zero are left alone as far as that is possible: they are mostly unused space.
///
/// # Panics
/// If there is no file, or it cannot be written.
pub fn flip(files: &[(PathBuf, u64)], rng: &mut StdRng) -> Flip {
    let (path, length) = match rng.random_bool(0.5) {
        true => files[rng.random_range(0..files.len())].clone(),
        false => {
            let mut at = rng.random_range(0..files.iter().map(|(_, length)| length).sum());
            let hit = files.iter().find(|(_, length)| {
                let inside = at < *length;
                at = at.saturating_sub(*length);
                inside
            });
            hit.expect("the place lies within the sum of lengths").clone()
        }
    };
    let mut bytes =
        std::fs::read(&path).unwrap_or_else(|problem| panic!("read {}: {problem}", path.display()));
    let mut offset = rng.random_range(0..bytes.len());
    for _ in 0..1_000 {
        if bytes[offset] != 0 {
            break;
        }
        offset = rng.random_range(0..bytes.len());
    }
    bytes[offset] = !bytes[offset];
    std::fs::write(&path, bytes).unwrap_or_else(|problem| panic!("write {}: {problem}", path.display()));
    Flip { path, offset: offset as u64, length }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::rng;

    #[test]
    fn exactly_one_byte_changes() {
        let folder = tempfile::tempdir().expect("a folder");
        let before: Vec<u8> = (0..=255).collect();
        std::fs::write(folder.path().join("a"), &before).expect("written");
        std::fs::write(folder.path().join("empty"), b"").expect("written");
        let found = files(folder.path());
        assert_eq!(found.len(), 1);
        let flip = flip(&found, &mut rng(7, 0));
        let after = std::fs::read(&flip.path).expect("read");
        let changed: Vec<usize> = (0..before.len()).filter(|place| before[*place] != after[*place]).collect();
        assert_eq!(changed, [flip.offset as usize]);
    }
}
