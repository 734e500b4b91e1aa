//! Files that appear whole or not at all: written under another name, synced, then renamed.

use crate::problem::{Exit, Problem};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// A file under way. One that is dropped before it is published leaves nothing behind.
pub struct Draft {
    name: String,
    dir: PathBuf,
    temporary: PathBuf,
    out: BufWriter<File>,
    hash: Sha256,
    bytes: u64,
    kept: bool,
}

/// A file that is written and synced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Its name.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
}

impl Draft {
    /// Begins a file of this name.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn begin(dir: &Path, name: String) -> Result<Draft, Problem> {
        let temporary = dir.join(format!(".{name}.{}.part", std::process::id()));
        let file = File::create(&temporary).map_err(|why| failed("write", &temporary, &why))?;
        let (out, hash) = (BufWriter::with_capacity(1 << 18, file), Sha256::new());
        Ok(Draft { name, dir: dir.to_owned(), temporary, out, hash, bytes: 0, kept: false })
    }

    /// Its name, once it is published.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it lies meanwhile.
    pub fn temporary(&self) -> &Path {
        &self.temporary
    }

    /// A step of writing that failed.
    pub fn failed(&self, why: &io::Error) -> Problem {
        failed("write", &self.dir.join(&self.name), why)
    }

    /// Everything is on disk.
    ///
    /// # Errors
    /// When it is not.
    pub fn finish(&mut self) -> Result<Written, Problem> {
        let synced = self.out.flush().and_then(|()| self.out.get_ref().sync_all());
        synced.map_err(|why| self.failed(&why))?;
        let sha256 = self.hash.clone().finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Written { name: self.name.clone(), bytes: self.bytes, sha256 })
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.kept {
            // What cannot be removed is in nobody's way: its name says what it is.
            fs::remove_file(&self.temporary).ok();
        }
    }
}

/// Gives finished files their names, in place of older ones.
///
/// # Errors
/// When a name cannot be given; those before it have theirs.
pub fn publish(dir: &Path, drafts: Vec<Draft>) -> Result<(), Problem> {
    for mut draft in drafts {
        let path = dir.join(&draft.name);
        fs::rename(&draft.temporary, &path).map_err(|why| failed("write", &path, &why))?;
        draft.kept = true;
    }
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(|why| failed("sync", dir, &why))
}

/// A step on a file that the operating system refused.
pub fn failed(step: &str, path: &Path, why: &io::Error) -> Problem {
    let exit = match why.kind() {
        io::ErrorKind::NotFound => Exit::NotFound,
        _ => Exit::InputOutput,
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let next = match why.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            format!("df -h {}; make room", folder.display())
        }
        _ => format!("ls -ld {} {}", folder.display(), path.display()),
    };
    Problem::new(exit, format!("cannot {step} {}", path.display())).because(why).next(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_there_only_when_it_is_published() {
        let dir = tempfile::tempdir().expect("a folder");
        let listed = || fs::read_dir(dir.path()).expect("a folder").count();
        let mut draft = Draft::begin(dir.path(), "a.csv".into()).expect("a file");
        draft.write_all(b"abc").expect("bytes");
        let written = draft.finish().expect("synced");
        assert_eq!(written.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!((written.bytes, dir.path().join("a.csv").exists(), listed()), (3, false, 1));
        publish(dir.path(), vec![draft]).expect("renamed");
        assert_eq!(fs::read(dir.path().join("a.csv")).expect("there"), b"abc");
        drop(Draft::begin(dir.path(), "b.csv".into()).expect("a file"));
        assert_eq!(listed(), 1, "nothing is left of what was not published");
    }
}
