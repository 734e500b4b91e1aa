//! Pages in one plain file: what stands for sled where there are no threads. See [`crate::host`].
//!
//! All of it is in memory, and written anew at every sync: for small states only.

use crate::fault::Fault;
use crate::state::files;
use ledger::codec;
use parking_lot::RwLock;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const FILE: &str = "pages";

type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

/// A table of rows.
pub(crate) struct Plain {
    path: PathBuf,
    rows: RwLock<Rows>,
}

impl Plain {
    pub(crate) fn open(dir: &Path) -> Result<Plain, Fault> {
        let path = dir.join(FILE);
        let rows = match files::read(&path)? {
            None => Rows::new(),
            Some(bytes) => read(&bytes).ok_or_else(|| Fault::Corrupt {
                place: path.display().to_string(),
                what: "it does not match its checksum".into(),
                hint: "start the node again: it rebuilds its state".into(),
            })?,
        };
        Ok(Plain { path, rows: RwLock::new(rows) })
    }

    pub(crate) fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.rows.read().get(key).cloned()
    }

    pub(crate) fn write(&self, rows: impl IntoIterator<Item = (Vec<u8>, Option<Vec<u8>>)>) {
        let mut held = self.rows.write();
        for (key, value) in rows {
            match value {
                Some(value) => held.insert(key, value),
                None => held.remove(&key),
            };
        }
    }

    /// Rows from a key to before another.
    pub(crate) fn range(&self, from: &[u8], until: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
        let rows = self.rows.read();
        let range = rows.range(from.to_vec()..until.to_vec());
        range.map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    /// Writes everything to the file, durably.
    pub(crate) fn sync(&self) -> Result<(), Fault> {
        let mut bytes = codec::encode(&*self.rows.read());
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
        files::replace(&self.path, &bytes)
    }
}

fn read(bytes: &[u8]) -> Option<Rows> {
    let (body, crc) = bytes.split_last_chunk::<4>()?;
    (crc32fast::hash(body).to_le_bytes() == *crc).then(|| codec::decode(body).ok()).flatten()
}
