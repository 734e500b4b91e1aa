//! Small steps on files, each with a fault that names the step and the place.

use crate::fault::Fault;
use crate::host;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Makes a folder's entries durable: a rename or a new file is not there after a power cut before this.
pub(crate) fn sync_dir(dir: &Path) -> Result<(), Fault> {
    File::open(dir).and_then(|file| host::sync_all(&file, dir)).map_err(|e| Fault::io("sync folder", dir, e))
}

/// Makes a folder, and its entry in its parent, durable.
pub(crate) fn make_dir(dir: &Path) -> Result<(), Fault> {
    match fs::create_dir(dir) {
        Ok(()) => dir.parent().map_or(Ok(()), sync_dir),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(e) => Err(Fault::io("create folder", dir, e)),
    }
}

/// Replaces a small file so that after a crash there is either the old one or the new one, whole.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), Fault> {
    let temporary = path.with_extension("tmp");
    let write = || -> io::Result<()> {
        let mut file = File::create(&temporary)?;
        file.write_all(bytes)?;
        host::sync_all(&file, &temporary)
    };
    write().map_err(|e| Fault::io("write file", &temporary, e))?;
    rename(&temporary, path)
}

/// Renames a file within or between folders and makes it durable.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<(), Fault> {
    fs::rename(from, to).map_err(|e| Fault::io("rename file", from, e))?;
    match (from.parent(), to.parent()) {
        (Some(old), Some(new)) if old != new => {
            sync_dir(new)?;
            sync_dir(old)
        }
        (_, Some(new)) => sync_dir(new),
        _ => Ok(()),
    }
}

/// A file's bytes; none if there is no such file.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>, Fault> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Fault::io("read file", path, e)),
    }
}

/// Removes a file; fine if it is gone already.
pub(crate) fn remove(path: &Path) -> Result<(), Fault> {
    match fs::remove_file(path) {
        Ok(()) => Ok(()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(Fault::io("remove file", path, e)),
    }
}

/// Everything in a folder with its name as text, sorted; empty if there is no such folder.
pub(crate) fn list(dir: &Path) -> Result<Vec<(String, PathBuf)>, Fault> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(Fault::io("list folder", dir, e)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|e| Fault::io("list folder", dir, e))?;
        found.push((entry.file_name().to_string_lossy().into_owned(), entry.path()));
    }
    found.sort();
    Ok(found)
}

/// Makes every file below a folder durable, and the folders themselves.
pub(crate) fn sync_tree(dir: &Path) -> Result<(), Fault> {
    for (_, path) in list(dir)? {
        // A file may be deleted by its owner while we walk: then there is nothing to make durable.
        let meta = match fs::symlink_metadata(&path) {
            Ok(meta) => meta,
            Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
            Err(e) => return Err(Fault::io("look at file", &path, e)),
        };
        if meta.is_dir() {
            sync_tree(&path)?;
        } else {
            match File::open(&path) {
                Ok(file) => host::sync_data(&file, &path).map_err(|e| Fault::io("sync file", &path, e))?,
                Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                Err(e) => return Err(Fault::io("open file", &path, e)),
            }
        }
    }
    sync_dir(dir)
}

/// Bytes of all files below a folder. Files that vanish meanwhile count as nothing.
pub(crate) fn tree_bytes(dir: &Path) -> u64 {
    let Ok(entries) = list(dir) else { return 0 };
    entries
        .iter()
        .map(|(_, path)| match fs::symlink_metadata(path) {
            Ok(meta) if meta.is_dir() => tree_bytes(path),
            Ok(meta) => meta.len(),
            Err(_) => 0,
        })
        .sum()
}
