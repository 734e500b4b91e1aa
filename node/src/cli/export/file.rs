//! The file of an export: written under a temporary name, and there under its own only once it is whole and durable.

use super::line::Check;
use crate::problem::{Exit, Problem};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use sha2::{Digest, Sha256};
use std::fs::{self, File, TryLockError};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// What an unfinished file is called behind its name.
const PART: &str = ".part";

/// Where an export goes.
#[derive(Debug)]
pub enum Target {
    /// To this file.
    File(PathBuf),
    /// Into this folder, under a name that tells the range.
    Folder(PathBuf),
}

impl Target {
    /// What was meant: a folder if there is one of that name.
    pub fn new(out: &Path) -> Result<Target, Problem> {
        if out.is_dir() {
            return Ok(Target::Folder(out.to_path_buf()));
        }
        let place = out.display();
        if out.as_os_str().as_encoded_bytes().ends_with(b"/") || out.file_name().is_none() {
            return Err(
                Problem::usage(format!("there is no folder {place}")).next(format!("mkdir -p {place}"))
            );
        }
        let folder = folder_of(out);
        if !folder.is_dir() {
            let folder = folder.display();
            return Err(Problem::usage(format!("there is no folder {folder} for {place}"))
                .next(format!("mkdir -p {folder}")));
        }
        Ok(Target::File(out.to_path_buf()))
    }

    /// Where the next export may go: to the same folder, or to a file of another name.
    pub fn again(&self) -> String {
        match self {
            Target::File(_) => "…".into(),
            Target::Folder(folder) => folder.display().to_string(),
        }
    }

    /// The name of an export of this range: in order of names is in order of indexes.
    fn path(&self, from: u64, until: u64) -> PathBuf {
        match self {
            Target::File(path) => path.clone(),
            Target::Folder(folder) => folder.join(format!("journal-{from:012}-{until:012}.jsonl")),
        }
    }
}

/// An export being written. Dropped before it is finished, it leaves nothing behind.
pub struct Export<'a> {
    target: &'a Target,
    from: u64,
    path: PathBuf,
    part: Part,
    hash: Sha256,
    lines: u64,
    reached: u64,
}

/// The file under its temporary name.
struct Part {
    path: PathBuf,
    file: BufWriter<File>,
    keep: bool,
}

impl<'a> Export<'a> {
    /// Makes the file, unless there is one.
    pub fn begin(target: &'a Target, from: u64, until: u64) -> Result<Export<'a>, Problem> {
        let path = target.path(from, until);
        if fs::symlink_metadata(&path).is_ok() {
            return Err(exists(&path));
        }
        let mut name = path.clone().into_os_string();
        name.push(PART);
        let part = PathBuf::from(name);
        // What an export that was killed left behind is begun anew; what one is writing now is left alone.
        let file = File::options().create(true).truncate(false).write(true).open(&part);
        let file = file.map_err(|problem| failed("make file", &part, &problem))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Problem::usage(format!("{} is being written by another export", part.display()))
                    .next(format!("fuser -v {}; wait for it, or give another --out", part.display())));
            }
            Err(TryLockError::Error(problem)) => return Err(failed("lock file", &part, &problem)),
        }
        file.set_len(0).map_err(|problem| failed("empty file", &part, &problem))?;
        let part = Part { path: part, file: BufWriter::with_capacity(1 << 20, file), keep: false };
        Ok(Export { target, from, path, part, hash: Sha256::new(), lines: 0, reached: from - 1 })
    }

    /// How many lines there are.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// The index of the last entry that is written; the one before the first when there is none.
    pub fn reached(&self) -> u64 {
        self.reached
    }

    /// Writes the lines of an entry.
    pub fn write(&mut self, index: u64, lines: &str) -> Result<(), Problem> {
        self.hash.update(lines);
        self.lines += lines.lines().count() as u64;
        self.reached = index;
        self.part.write(lines)
    }

    /// Writes the check line, makes everything durable and gives the file its name. `only_until`: the export ends there,
    /// before its end: in a folder the name says so, a file of a given name stays under its temporary one.
    pub fn finish(mut self, check: &Check<'_>, only_until: Option<u64>) -> Result<PathBuf, Problem> {
        let hash: String = self.hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        self.part.write(&check.line(self.lines, &hash))?;
        self.part.sync()?;
        let path = match (self.target, only_until) {
            (Target::File(_), Some(_)) => {
                self.part.keep = true;
                return Ok(self.part.path.clone());
            }
            (Target::Folder(_), Some(until)) => self.target.path(self.from, until),
            (_, None) => self.path,
        };
        self.part.rename(&path)?;
        Ok(path)
    }
}

impl Part {
    fn write(&mut self, text: &str) -> Result<(), Problem> {
        self.file.write_all(text.as_bytes()).map_err(|problem| failed("write", &self.path, &problem))
    }

    fn sync(&mut self) -> Result<(), Problem> {
        let synced = self.file.flush().and_then(|()| self.file.get_ref().sync_all());
        synced.map_err(|problem| failed("write", &self.path, &problem))
    }

    fn rename(&mut self, path: &Path) -> Result<(), Problem> {
        match renameat_with(CWD, &self.path, CWD, path, RenameFlags::NOREPLACE) {
            Ok(()) => {}
            // Somebody made it meanwhile. What was exported stays where it is.
            Err(Errno::EXIST) => {
                self.keep = true;
                return Err(exists(path).because(format!("the export is in {}", self.path.display())));
            }
            // Not every file system can.
            Err(Errno::INVAL | Errno::NOSYS) => {
                fs::rename(&self.path, path).map_err(|problem| failed("rename to", path, &problem))?;
            }
            Err(problem) => return Err(failed("rename to", path, &problem.into())),
        }
        self.keep = true;
        let folder = folder_of(path);
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        synced.map_err(|problem| failed("sync folder", folder, &problem))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.keep {
            // One that stays is begun anew by the next export.
            fs::remove_file(&self.path).ok();
        }
    }
}

/// The folder that a file lies in.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn exists(path: &Path) -> Problem {
    let place = path.display();
    Problem::usage(format!("{place} is there already")).next(format!("ls -l {place}; give another --out"))
}

fn failed(step: &str, path: &Path, problem: &io::Error) -> Problem {
    let place = path.display();
    let folder = folder_of(path).display();
    let next = match problem.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            format!("df -h {folder}; make room, or give an --out elsewhere")
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => format!("ls -ld {folder}"),
        _ => format!("df -h {folder}; dmesg | tail"),
    };
    Problem::new(Exit::InputOutput, format!("export: {step} {place} failed")).because(problem).next(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHECK: Check<'static> = Check { cluster: "c", from: 3, until: 9, digest: "" };

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("a folder").flatten();
        let mut names: Vec<String> =
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_there_once_it_is_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.jsonl");
        let target = Target::new(&path).expect("a file");
        let mut export = Export::begin(&target, 3, 9).expect("made");
        export.write(3, "one\ntwo\n").expect("written");
        assert_eq!((export.lines(), export.reached()), (2, 3));
        assert_eq!(names(folder.path()), ["a.jsonl.part"]);
        let other = Export::begin(&target, 3, 9).map(drop).expect_err("taken");
        assert!(other.what.contains("another export"), "{other}");
        assert_eq!(export.finish(&CHECK, None).expect("finished"), path);
        assert_eq!(names(folder.path()), ["a.jsonl"]);
        let text = fs::read_to_string(&path).expect("the file");
        // printf 'one\ntwo\n' | sha256sum
        let hash = "c3f9c8c283a2b1f2f1896f27a01cbe3cddc0c9d93f752e4639035a0f5b36f6e8";
        assert_eq!(text, format!("one\ntwo\n{}", CHECK.line(2, hash)));
        let again = Export::begin(&target, 3, 9).map(drop).expect_err("there already");
        assert!(again.exit == 2 && again.what.contains("there already"), "{again}");
    }

    #[test]
    fn in_a_folder_the_name_tells_how_far_it_goes() {
        let folder = tempfile::tempdir().expect("a folder");
        let target = Target::new(folder.path()).expect("a folder");
        let mut export = Export::begin(&target, 3, 9).expect("made");
        export.write(5, "one\n").expect("written");
        export.finish(&Check { until: 5, ..CHECK }, Some(5)).expect("finished");
        assert_eq!(names(folder.path()), ["journal-000000000003-000000000005.jsonl"]);
        drop(Export::begin(&target, 6, 9).expect("made"));
        assert_eq!(names(folder.path()).len(), 1, "nothing is left of one that was not finished");
    }

    #[test]
    fn a_file_that_ends_early_keeps_its_temporary_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let target = Target::new(&folder.path().join("a.jsonl")).expect("a file");
        let mut export = Export::begin(&target, 3, 9).expect("made");
        export.write(5, "one\n").expect("written");
        export.finish(&Check { until: 5, ..CHECK }, Some(5)).expect("finished");
        assert_eq!(names(folder.path()), ["a.jsonl.part"]);
        let target = Target::new(&folder.path().join("a.jsonl")).expect("a file");
        let export = Export::begin(&target, 3, 9).expect("begun anew");
        assert_eq!(fs::metadata(folder.path().join("a.jsonl.part")).expect("a file").len(), 0);
        drop(export);
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        for out in ["/no/such/folder/", "/no/such/folder/file"] {
            let problem = Target::new(Path::new(out)).expect_err("refused");
            assert!(problem.next.starts_with("mkdir -p /no/such/folder"), "{problem}");
        }
    }
}
