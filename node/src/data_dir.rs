//! The node's data directory: whose it is, and that nobody else works in it.
//!
//! `VERSION` names the format, the node and, once known, the cluster; `LOCK` is held as long as the process lives. A directory of another
//! cluster or node, of an older or newer format, or of something else altogether is refused before anything is touched.

use crate::fault::{Fault, hex};
use crate::host;
use parking_lot::Mutex;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The layout of a data directory and of all that lies in it. Raised when an older binary could not read what a newer one
/// writes. 2: stored values and log entries of the whole rule book ([`ledger::codec::VERSION`] 2).
const FORMAT: u32 = 2;
const VERSION: &str = "VERSION";
const LOCK: &str = "LOCK";
/// What may lie in a directory whose first VERSION was not written because of a crash.
const OURS: [&str; 3] = [LOCK, "VERSION.tmp", "lost+found"];

/// An open, locked data directory.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    node: u64,
    cluster: Mutex<Option<[u8; 16]>>,
    _lock: File,
}

struct Version {
    format: u32,
    node: u64,
    cluster: Option<[u8; 16]>,
}

impl DataDir {
    /// Opens a node's directory, or makes it. `cluster`: the one that the node belongs to, if its settings say so.
    pub fn create_or_open(path: &Path, cluster: Option<[u8; 16]>, node: u64) -> Result<DataDir, Fault> {
        fs::create_dir_all(path).map_err(|e| Fault::io("create data directory", path, e))?;
        let version_path = path.join(VERSION);
        let version = match read_version(&version_path)? {
            Some(version) => {
                refuse_foreign(path, &version, cluster, node)?;
                Some(version)
            }
            None => {
                refuse_used(path)?;
                None
            }
        };
        let lock = lock(path)?;
        let known = version.as_ref().and_then(|version| version.cluster);
        let dir = DataDir { path: path.to_path_buf(), node, cluster: Mutex::new(known), _lock: lock };
        if version.is_none() || (known.is_none() && cluster.is_some()) {
            dir.write_version(cluster)?;
            if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
                sync_dir(parent)?;
            }
        }
        Ok(dir)
    }

    /// Opens the directory of a node that is stopped, whosever it is. Makes none.
    pub fn open(path: &Path) -> Result<DataDir, Fault> {
        let Some(version) = read_version(&path.join(VERSION))? else {
            let listed = fs::read_dir(path).map_err(|e| Fault::io("open data directory", path, e));
            return Err(listed.err().unwrap_or_else(|| Fault::WrongDirectory {
                path: path.to_path_buf(),
                what: "it has no VERSION file".into(),
                hint: format!("ls -la {}; give the data_dir of a node's settings", path.display()),
            }));
        };
        refuse_foreign(path, &version, version.cluster, version.node)?;
        let lock = lock(path)?;
        Ok(DataDir {
            path: path.to_path_buf(),
            node: version.node,
            cluster: Mutex::new(version.cluster),
            _lock: lock,
        })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The node that it belongs to.
    pub fn node(&self) -> u64 {
        self.node
    }

    /// The cluster that it belongs to, once known.
    pub fn cluster(&self) -> Option<[u8; 16]> {
        *self.cluster.lock()
    }

    /// Binds the directory to a cluster, durably: at the cluster's beginning, or at first contact with it.
    pub fn set_cluster(&self, cluster: [u8; 16]) -> Result<(), Fault> {
        match self.cluster() {
            Some(known) if known == cluster => Ok(()),
            Some(known) => Err(other_cluster(&self.path, known, cluster)),
            None => self.write_version(Some(cluster)),
        }
    }

    fn write_version(&self, cluster: Option<[u8; 16]>) -> Result<(), Fault> {
        let mut text = format!("format {FORMAT}\nnode {}\n", self.node);
        if let Some(cluster) = cluster {
            text += &format!("cluster {}\n", uuid(&cluster));
        }
        text += &check_line(&text);
        let (path, temporary) = (self.path.join(VERSION), self.path.join("VERSION.tmp"));
        let write = || -> io::Result<()> {
            let mut file = File::create(&temporary)?;
            file.write_all(text.as_bytes())?;
            host::sync_all(&file, &temporary)?;
            fs::rename(&temporary, &path)
        };
        write().map_err(|e| Fault::io("write VERSION", &path, e))?;
        sync_dir(&self.path)?;
        *self.cluster.lock() = cluster;
        Ok(())
    }
}

/// The last line of VERSION: so a flipped bit does not make it another node's, or another cluster's.
fn check_line(text: &str) -> String {
    format!("check {:08x}\n", crc32fast::hash(text.as_bytes()))
}

fn sync_dir(path: &Path) -> Result<(), Fault> {
    File::open(path).and_then(|dir| host::sync_all(&dir, path)).map_err(|e| Fault::io("sync folder", path, e))
}

fn lock(path: &Path) -> Result<File, Fault> {
    let place = path.join(LOCK);
    let file = File::options().create(true).truncate(false).write(true).open(&place);
    let file = file.map_err(|e| Fault::io("open lock file", &place, e))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Fault::InUse { path: path.to_path_buf() }),
        Err(TryLockError::Error(e)) => Err(Fault::io("lock data directory", &place, e)),
    }
}

fn read_version(path: &Path) -> Result<Option<Version>, Fault> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Fault::io("read VERSION", path, e)),
    };
    let damaged = |what: String| Fault::Corrupt {
        place: path.display().to_string(),
        what,
        hint: format!(
            "restore it: three lines, \"format {FORMAT}\", \"node <id>\", \"cluster <uuid>\", as other nodes have; \"check\" may be left out"
        ),
    };
    let text = String::from_utf8(bytes).map_err(|_| damaged("it is not text".into()))?;
    let (mut format, mut node, mut cluster) = (None, None, None);
    for line in text.lines() {
        let wrong = || damaged(format!("line {line:?} is not understood"));
        let (word, value) = line.split_once(' ').ok_or_else(wrong)?;
        match word {
            "format" if format.is_none() => format = Some(value.parse().map_err(|_| wrong())?),
            "node" if node.is_none() => node = Some(value.parse().map_err(|_| wrong())?),
            "cluster" if cluster.is_none() => cluster = Some(parse_uuid(value).ok_or_else(wrong)?),
            "check" => {
                match text.strip_suffix(&check_line(text.split("check ").next().unwrap_or_default())) {
                    Some(_) => {}
                    None => return Err(damaged("its checksum does not match".into())),
                }
            }
            // A newer format may say more: then its number, the first line, is what is complained about.
            _ if format.is_some_and(|format: u32| format > FORMAT) => {}
            _ => return Err(wrong()),
        }
    }
    match (format, node) {
        (Some(format), Some(node)) => Ok(Some(Version { format, node, cluster })),
        _ => Err(damaged("it names no format or no node".into())),
    }
}

fn refuse_foreign(path: &Path, found: &Version, cluster: Option<[u8; 16]>, node: u64) -> Result<(), Fault> {
    let wrong =
        |what: String, hint: String| Err(Fault::WrongDirectory { path: path.to_path_buf(), what, hint });
    if found.format > FORMAT {
        return wrong(
            format!("its format is {}, this binary reads {FORMAT}", found.format),
            "start it with the newer gongji that wrote it".into(),
        );
    }
    if found.format < FORMAT {
        return wrong(
            format!("its format is {}, this binary reads {FORMAT}", found.format),
            format!(
                "start it with the older gongji that wrote it; to begin anew in format {FORMAT}, give an empty directory"
            ),
        );
    }
    if found.node != node {
        return wrong(
            format!("it belongs to node {}, not to node {node}", found.node),
            format!("set the data directory of node {node}, or start this one as node {}", found.node),
        );
    }
    match (found.cluster, cluster) {
        (Some(theirs), Some(ours)) if theirs != ours => Err(other_cluster(path, theirs, ours)),
        _ => Ok(()),
    }
}

fn other_cluster(path: &Path, theirs: [u8; 16], ours: [u8; 16]) -> Fault {
    Fault::WrongDirectory {
        path: path.to_path_buf(),
        what: format!("it belongs to cluster {}, not to cluster {}", uuid(&theirs), uuid(&ours)),
        hint: "give an empty data directory, or the peers of that cluster".into(),
    }
}

/// A directory without VERSION must be empty: better to stop than to mix with something else's files.
fn refuse_used(path: &Path) -> Result<(), Fault> {
    let entries = fs::read_dir(path).map_err(|e| Fault::io("list data directory", path, e))?;
    for entry in entries {
        let name = entry.map_err(|e| Fault::io("list data directory", path, e))?.file_name();
        if !OURS.iter().any(|ours| name == *ours) {
            return Err(Fault::WrongDirectory {
                path: path.to_path_buf(),
                what: format!("it has no VERSION file but holds {:?}", name.to_string_lossy()),
                hint: format!("ls -la {}; give an empty directory", path.display()),
            });
        }
    }
    Ok(())
}

/// A cluster's id as people write it.
fn uuid(bytes: &[u8; 16]) -> String {
    let text = hex(bytes);
    format!("{}-{}-{}-{}-{}", &text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..])
}

fn parse_uuid(text: &str) -> Option<[u8; 16]> {
    let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b'-').collect();
    if digits.len() != 32 || text.len() != 36 {
        return None;
    }
    let mut bytes = [0; 16];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    (uuid(&bytes) == text).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: [u8; 16] = [0xa1; 16];
    const B: [u8; 16] = [0xb2; 16];

    fn refused(path: &Path, cluster: Option<[u8; 16]>, node: u64) -> String {
        let fault = DataDir::create_or_open(path, cluster, node).expect_err("it must be refused");
        let text = fault.to_string();
        assert!(text.contains(&*path.to_string_lossy()), "no place in: {text}");
        assert!(text.contains("next: "), "no next command in: {text}");
        text
    }

    #[test]
    fn a_directory_opens_again_as_what_it_was_and_as_nothing_else() {
        let temporary = tempfile::tempdir().expect("a temporary folder");
        let path = temporary.path().join("deep").join("node");
        drop(DataDir::create_or_open(&path, None, 11_000_001).expect("made"));
        let dir = DataDir::create_or_open(&path, None, 11_000_001).expect("opened");
        assert_eq!(dir.cluster(), None);
        dir.set_cluster(A).expect("bound");
        dir.set_cluster(A).expect("bound to the same");
        assert!(dir.set_cluster(B).is_err());
        drop(dir);
        assert_eq!(DataDir::create_or_open(&path, None, 11_000_001).expect("opened").cluster(), Some(A));
        assert!(refused(&path, Some(B), 11_000_001).contains("cluster a1a1a1a1-"));
        assert!(refused(&path, Some(A), 31_000_001).contains("node 11000001"));
        let version = path.join(VERSION);
        assert_eq!(
            fs::read_to_string(&version).expect("VERSION"),
            "format 2\nnode 11000001\ncluster a1a1a1a1-a1a1-a1a1-a1a1-a1a1a1a1a1a1\ncheck 13a4e25b\n"
        );
        fs::write(&version, "format 3\nnode 11000001\nshape round\n").expect("written");
        assert!(refused(&path, None, 11_000_001).contains("its format is 3, this binary reads 2"));
        fs::write(&version, "format 1\nnode 11000001\n").expect("written");
        let old = refused(&path, None, 11_000_001);
        assert!(
            old.contains("its format is 1, this binary reads 2") && old.contains("older gongji"),
            "{old}"
        );
        for damage in [
            "",
            "format 2\n",
            "format 2\nnode x\n",
            "format 2\nnode 1\nhello\n",
            "format 2\nnode 1\ncluster 12\n",
        ] {
            fs::write(&version, damage).expect("written");
            assert!(refused(&path, None, 11_000_001).contains("damaged data in"), "{damage:?}");
        }
    }

    #[test]
    fn fuzz_version() {
        let text = "format 2\nnode 11000001\ncluster a1a1a1a1-a1a1-a1a1-a1a1-a1a1a1a1a1a1\n";
        let samples = vec![
            text.into(),
            text.lines().take(2).map(|line| format!("{line}\n")).collect::<String>().into(),
        ];
        let words: &[&[u8]] = &[b"format ", b"node ", b"cluster ", b"\n", b"+", b"18446744073709551615"];
        let test = "-p node --lib fuzz_version";
        let format = fuzz::Format { name: "version", test, samples, words, seal: None, inputs: fuzz::INPUTS };
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join(VERSION);
        fuzz::run(&format, |bytes| {
            fs::write(&path, bytes).expect("written");
            match read_version(&path) {
                Ok(Some(Version { format, node, cluster })) => {
                    let cluster = cluster.map(|id| format!("cluster {}\n", uuid(&id))).unwrap_or_default();
                    fuzz::Read::Alike(format!("format {format}\nnode {node}\n{cluster}").into())
                }
                Ok(None) => panic!("it is there"),
                Err(Fault::Corrupt { what, .. }) => fuzz::Read::Refused(what),
                Err(other) => panic!("damage is called something else: {other}"),
            }
        });
    }

    #[test]
    fn a_directory_is_used_by_one_process_at_a_time() {
        let temporary = tempfile::tempdir().expect("a temporary folder");
        let first = DataDir::create_or_open(temporary.path(), Some(A), 1).expect("made");
        assert!(refused(temporary.path(), Some(A), 1).contains("in use"));
        drop(first);
        DataDir::create_or_open(temporary.path(), Some(A), 1).expect("free again");
    }

    #[test]
    fn a_stopped_nodes_directory_is_opened_as_whosever_it_is_and_never_made() {
        let temporary = tempfile::tempdir().expect("a temporary folder");
        let path = temporary.path().join("node");
        let refused = |path: &Path| DataDir::open(path).expect_err("it must be refused").to_string();
        assert!(refused(&path).contains("open data directory"), "{}", refused(&path));
        assert!(!path.exists(), "nothing was made");
        assert!(refused(temporary.path()).contains("no VERSION file"));
        let made = DataDir::create_or_open(&path, Some(A), 11_000_001).expect("made");
        assert!(refused(&path).contains("in use"));
        drop(made);
        let opened = DataDir::open(&path).expect("opened");
        assert_eq!((opened.node(), opened.cluster()), (11_000_001, Some(A)));
    }

    #[test]
    fn something_elses_directory_is_left_alone() {
        let temporary = tempfile::tempdir().expect("a temporary folder");
        fs::write(temporary.path().join("photos.zip"), "x").expect("written");
        assert!(refused(temporary.path(), None, 1).contains("photos.zip"));
        let names: Vec<_> =
            fs::read_dir(temporary.path()).expect("listed").flatten().map(|e| e.file_name()).collect();
        assert_eq!(names, ["photos.zip"], "nothing was added");
        let file = temporary.path().join("photos.zip");
        assert!(refused(&file, None, 1).contains("create data directory"));
        // Nobody may create a file here, not even root.
        assert!(refused(Path::new("/proc/self"), None, 1).contains("VERSION file"));
        assert!(refused(Path::new("/proc/none"), None, 1).contains("create data directory"));
    }
}
