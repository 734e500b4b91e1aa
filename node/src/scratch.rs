//! A directory for a while, on a real disk.

use crate::problem::{Exit, Problem};
use std::fs;
use std::path::{Path, PathBuf};

/// What `statfs` says of a file system that lives in memory.
const TMPFS: i64 = 0x0102_1994;

/// A directory that is removed when it is no longer needed, unless it is to be kept.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    kept: bool,
}

impl Scratch {
    /// A new directory in the first of these places that lies on a real disk and can be written.
    ///
    /// # Errors
    /// No place will do.
    pub fn new(name: &str, places: &[PathBuf]) -> Result<Scratch, Problem> {
        let mut failures = Vec::new();
        for place in places {
            if in_memory(place) {
                failures.push(format!("{} lives in memory: syncing it would prove nothing", place.display()));
                continue;
            }
            let path = place.join(format!("{name}-{}-{}", std::process::id(), random()));
            match fs::create_dir(&path) {
                Ok(()) => return Ok(Scratch { path, kept: false }),
                Err(problem) => failures.push(format!("{}: {problem}", place.display())),
            }
        }
        let mut problem = Problem::new(Exit::Usage, "no place for a temporary directory")
            .next("--dir with a directory on a disk");
        problem.why = failures;
        Err(problem)
    }

    /// This directory, which stays. It must be empty, or not there yet.
    ///
    /// # Errors
    /// It holds something, or cannot be made.
    pub fn kept(path: &Path) -> Result<Scratch, Problem> {
        let place = path.display();
        let failed = |problem: std::io::Error| {
            Problem::usage(format!("cannot use the directory {place}"))
                .because(problem)
                .next(format!("ls -ld {place}"))
        };
        fs::create_dir_all(path).map_err(failed)?;
        if fs::read_dir(path).map_err(failed)?.next().is_some() {
            return Err(Problem::usage(format!("the directory {place} is not empty"))
                .next("--dir with a new or empty directory"));
        }
        Ok(Scratch { path: path.to_path_buf(), kept: true })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !self.kept {
            // What a stopping node still writes may need a second look.
            if fs::remove_dir_all(&self.path).is_err() {
                fs::remove_dir_all(&self.path).ok();
            }
        }
    }
}

fn in_memory(place: &Path) -> bool {
    rustix::fs::statfs(place).is_ok_and(|found| found.f_type == TMPFS)
}

fn random() -> String {
    uuid::Uuid::now_v7().simple().to_string()[24..].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scratch_directory_goes_and_a_kept_one_stays() {
        let root = tempfile::tempdir_in(".").expect("a temporary directory");
        let scratch = Scratch::new("x", &[root.path().join("missing"), root.path().into()])
            .expect("the second will do");
        let path = scratch.path().to_path_buf();
        fs::write(path.join("file"), "x").expect("written");
        drop(scratch);
        assert!(!path.exists());
        let kept = root.path().join("kept");
        drop(Scratch::kept(&kept).expect("it is new"));
        fs::write(kept.join("file"), "x").expect("it stays");
        assert_eq!(Scratch::kept(&kept).unwrap_err().exit, 2);
    }
}
