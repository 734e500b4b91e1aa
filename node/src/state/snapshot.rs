//! Snapshot files: a whole state in one file of our own, that checks itself.
//!
//! `snap/<id>.snap` is a container of `blocks` whose head names the cluster, the applied position, the membership and the digest. A
//! file under that name was synced, read back and verified first. It is verified again when the node starts and before it is
//! installed; a damaged one is reported, never served and never deleted silently.

use crate::fault::{Fault, hex};
use crate::state::blocks::{Change, Reader, Writer};
use crate::state::files;
use crate::state::page;
use crate::state::store::Store;
use crate::state::{Applied, Steps};
use ledger::digest::RowHash;
use ledger::{Digest, codec};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

const MAGIC: &[u8; 8] = b"GJSNAP01";

/// A snapshot on this node's disk.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Its name: index, term, node, and the start of the digest.
    pub id: String,
    /// What it holds.
    pub applied: Applied,
    /// Its file.
    pub path: PathBuf,
    /// The file's length.
    pub bytes: u64,
}

#[derive(Serialize, Deserialize)]
struct Head {
    /// Zeros if the cluster's id was not known yet.
    cluster: [u8; 16],
    applied: Applied,
}

/// The id of a snapshot of this state.
pub(crate) fn id(applied: &Applied) -> String {
    let (index, term, node) = applied.log.map_or((0, 0, 0), |log| (log.index, log.term, log.node));
    format!("{index:020}-{term}-{node}-{}", hex(&applied.digest.root()[..4]))
}

/// The file of this snapshot.
pub(crate) fn path_of(dir: &Path, id: &str) -> PathBuf {
    dir.join(format!("{id}.snap"))
}

/// Writes the state in a store, which stands at `applied`, to a file: under a temporary name, synced, read back and verified, then
/// renamed.
pub(crate) fn write(
    dir: &Path,
    cluster: [u8; 16],
    applied: &Applied,
    store: &Store,
    steps: &Steps,
) -> Result<Snapshot, Fault> {
    let id = id(applied);
    let temporary = dir.join(format!("{id}.tmp"));
    let head = codec::encode(&Head { cluster, applied: applied.clone() });
    let mut writer = Writer::create(&temporary, MAGIC, &head, true)?;
    store.each(&mut |_, key, value| {
        steps.at("snapshot record");
        writer.record(key, Some(value))
    })?;
    writer.finish()?;
    steps.at("snapshot written");
    read(&temporary, Some(cluster), &mut |_| {
        steps.at("snapshot block verified");
        Ok(())
    })?;
    let path = path_of(dir, &id);
    files::rename(&temporary, &path)?;
    steps.at("snapshot renamed");
    describe(&path, applied.clone())
}

/// Reads a whole file and checks everything in it: checksums, order, every record, the digest, the cluster.
pub(crate) fn verify(path: &Path, cluster: Option<[u8; 16]>) -> Result<Snapshot, Fault> {
    let applied = read(path, cluster, &mut |_| Ok(()))?;
    describe(path, applied)
}

/// Loads a file into an empty store. Checks as much as [`verify`] does.
pub(crate) fn load(path: &Path, cluster: Option<[u8; 16]>, store: &Store) -> Result<Applied, Fault> {
    read(path, cluster, &mut |block| store.apply(block))
}

/// All snapshots of a node, newest first, each verified. What was being written or received is removed: after a power cut such a
/// file can have its length and holes inside.
pub(crate) fn list(dir: &Path, cluster: Option<[u8; 16]>) -> Result<Vec<Snapshot>, Fault> {
    let mut found = Vec::new();
    for (name, path) in files::list(dir)? {
        if name.ends_with(".snap") {
            found.push(verify(&path, cluster)?);
        } else if name.ends_with(".tmp") || name.ends_with(".part") {
            tracing::debug!(path = %path.display(), "removing an unfinished snapshot");
            files::remove(&path)?;
        }
    }
    found.sort_by_key(|snapshot| std::cmp::Reverse(snapshot.applied.index()));
    Ok(found)
}

fn read(
    path: &Path,
    cluster: Option<[u8; 16]>,
    take: &mut dyn FnMut(&[Change<'_>]) -> Result<(), Fault>,
) -> Result<Applied, Fault> {
    let mut reader = Reader::open(path, MAGIC, true, hint(path))?;
    let head: Head =
        codec::decode(reader.head()).map_err(|e| reader.damaged(16, &format!("its head: {e}")))?;
    if let Some(ours) =
        cluster.filter(|ours| *ours != head.cluster && *ours != [0; 16] && head.cluster != [0; 16])
    {
        return Err(Fault::WrongDirectory {
            path: path.to_path_buf(),
            what: format!(
                "it is a snapshot of cluster {}, this node is of {}",
                hex(&head.cluster),
                hex(&ours)
            ),
            hint: format!("move {} elsewhere; check which peers this node is given", path.display()),
        });
    }
    let mut digest = Digest::default();
    let mut last: Vec<u8> = Vec::new();
    let mut at = reader.at();
    while let Some(block) = reader.block()? {
        let changes = block.changes();
        for (key_bytes, value) in &changes {
            let damaged = |what: &str| reader.damaged(at, what);
            let key = page::key(key_bytes).map_err(|what| damaged(&what))?;
            let value = value.ok_or_else(|| damaged("a removed record"))?;
            if *key_bytes <= last.as_slice() {
                return Err(damaged("a record out of order"));
            }
            codec::decode_row(&key, value).map_err(|e| damaged(&format!("a record: {e}")))?;
            digest.add(key.table(), RowHash::of(key_bytes, value));
            last.clear();
            last.extend_from_slice(key_bytes);
        }
        take(&changes)?;
        at = reader.at();
    }
    if digest != head.applied.digest {
        return Err(reader.damaged(at, "its records do not have the digest that its head names"));
    }
    Ok(head.applied)
}

fn describe(path: &Path, applied: Applied) -> Result<Snapshot, Fault> {
    let bytes = std::fs::metadata(path).map_err(|e| Fault::io("look at file", path, e))?.len();
    Ok(Snapshot { id: id(&applied), applied, path: path.to_path_buf(), bytes })
}

/// Moving it aside is safe only while the state itself opens, or another snapshot or the whole log is there; the next start says so.
fn hint(path: &Path) -> String {
    let aside = path.parent().map(|snap| snap.with_file_name("quarantine")).unwrap_or_default();
    format!(
        "mv {} {}/; start again: the node goes on from its state, or a peer sends a snapshot",
        path.display(),
        aside.display()
    )
}
