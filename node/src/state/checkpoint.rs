//! The checkpoint: from frozen changes in memory to a store on disk that claims no more than it holds.
//!
//! 1. The journal is made durable up to the index of the checkpoint.
//! 2. All changes go to a redo file, sorted; it is synced and renamed into place.
//! 3. The redo file is written into the store, block by block, in small batches; the store is synced.
//! 4. The marker is written and synced, then the redo file is removed.
//!
//! After a crash before 2 is complete the store is as it was; after it, the redo file is written again (`recover`).

use crate::fault::Fault;
use crate::state::blocks::{Reader, Writer};
use crate::state::files;
use crate::state::memory::Layer;
use crate::state::store::Store;
use crate::state::{Applied, Steps};
use ledger::codec;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

const MAGIC: &[u8; 8] = b"GJREDO01";

/// What a redo file leads from and to.
#[derive(Serialize, Deserialize)]
pub(crate) struct RedoHead {
    /// The generation that it belongs to.
    pub(crate) generation: u64,
    /// Where the store stood.
    pub(crate) base: Option<u64>,
    /// Where it stands afterwards.
    pub(crate) applied: Applied,
}

/// The redo file of a generation: beside its folder.
pub(crate) fn redo_path(generation: &Path) -> PathBuf {
    generation.with_extension("redo")
}

/// Writes the redo file of frozen changes.
pub(crate) fn write_redo(
    store: &Store,
    frozen: &Layer,
    head: &RedoHead,
    steps: &Steps,
) -> Result<PathBuf, Fault> {
    let path = redo_path(store.dir());
    let temporary = path.with_extension("redo-tmp");
    let mut writer = Writer::create(&temporary, MAGIC, &codec::encode(head), false)?;
    let mut key_bytes = Vec::with_capacity(48);
    for (key, slot) in frozen.sorted() {
        key_bytes.clear();
        key.write(&mut key_bytes);
        let value = slot.row.as_deref().map(codec::encode_row);
        writer.record(&key_bytes, value.as_deref())?;
    }
    writer.finish()?;
    steps.at("redo written");
    files::rename(&temporary, &path)?;
    steps.at("redo renamed");
    Ok(path)
}

/// Writes a redo file into the store, makes it durable, and then says so in the marker.
pub(crate) fn redo(store: &Store, path: &Path, steps: &Steps) -> Result<Applied, Fault> {
    let (head, mut reader) = open_redo(path)?;
    while let Some(block) = reader.block()? {
        store.apply(&block.changes())?;
        steps.at("redo block applied");
    }
    store.sync()?;
    steps.at("store synced");
    mark(store, &head.applied)?;
    steps.at("marker synced");
    Ok(head.applied)
}

/// Opens a redo file at its first block.
pub(crate) fn open_redo(path: &Path) -> Result<(RedoHead, Reader), Fault> {
    let reader = Reader::open(path, MAGIC, false, "start the node again: it rebuilds its state".into())?;
    let head = codec::decode(reader.head()).map_err(|e| reader.damaged(16, &format!("its head: {e}")))?;
    Ok((head, reader))
}

/// Reads a whole redo file and checks it.
pub(crate) fn verify_redo(path: &Path) -> Result<RedoHead, Fault> {
    let (head, mut reader) = open_redo(path)?;
    while reader.block()?.is_some() {}
    Ok(head)
}

/// Claims in the store that it holds this, durably. What is claimed must be durable already.
pub(crate) fn mark(store: &Store, applied: &Applied) -> Result<(), Fault> {
    let mut bytes = codec::encode(applied);
    bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
    store.set_marker(&bytes)?;
    store.sync()
}

/// What the store claims to hold; a reason in words if that cannot be told.
pub(crate) fn claimed(store: &Store) -> Result<Applied, String> {
    let bytes = store.marker().map_err(|fault| fault.to_string())?.ok_or("it has no marker")?;
    let (body, crc) = bytes.split_last_chunk::<4>().ok_or("its marker is cut short")?;
    if crc32fast::hash(body).to_le_bytes() != *crc {
        return Err("its marker's checksum does not match".into());
    }
    codec::decode(body).map_err(|e| format!("its marker: {e}"))
}
