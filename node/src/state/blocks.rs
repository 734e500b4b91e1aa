//! The container of redo files and snapshots: a head, blocks of sorted records, a foot; every part with a checksum.
//!
//! ```text
//! magic 8 | head length u32 | head crc32 | head
//! block   1 | stored length u32 | raw length u32 | crc32 of lengths and bytes | bytes (zstd if the lengths differ)
//! foot    2 | records u64 | blake3 of everything before the foot, 32 (zeros in a redo file) | crc32
//! record  key length u16 | key | 0, or 1 and value length u32 and value        0 = removed
//! ```

use crate::fault::Fault;
use crate::host;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

/// A block is closed when its records pass this many bytes.
const BLOCK: usize = 256 << 10;
/// No block is larger than one largest value (16 MiB) behind almost a full block.
const BLOCK_MAX: usize = (17 << 20) + BLOCK;
const HEAD_MAX: usize = 1 << 20;
const BLOCK_TAG: u8 = 1;
const FOOT_TAG: u8 = 2;

/// Writes a container.
pub(crate) struct Writer {
    path: PathBuf,
    file: BufWriter<File>,
    hasher: Option<blake3::Hasher>,
    block: Vec<u8>,
    compress: Option<zstd::bulk::Compressor<'static>>,
    records: u64,
    bytes: u64,
}

impl Writer {
    /// A new file with this head. An older file of that name is overwritten. One that is `kept` is compressed and has a hash
    /// over the whole; one that is soon read back and removed does with its checksums.
    pub(crate) fn create(path: &Path, magic: &[u8; 8], head: &[u8], kept: bool) -> Result<Writer, Fault> {
        let fail = |e| Fault::io("create file", path, e);
        let file = File::create(path).map_err(fail)?;
        let compress = match kept {
            true => Some(zstd::bulk::Compressor::new(1).map_err(fail)?),
            false => None,
        };
        let mut writer = Writer {
            path: path.to_path_buf(),
            file: BufWriter::with_capacity(1 << 20, file),
            hasher: kept.then(blake3::Hasher::new),
            block: Vec::with_capacity(BLOCK + (8 << 10)),
            compress,
            records: 0,
            bytes: 0,
        };
        writer.put(magic)?;
        writer.put(&length(head.len()))?;
        writer.put(&crc32fast::hash(head).to_le_bytes())?;
        writer.put(head)?;
        Ok(writer)
    }

    /// Appends a record; no value: the key is removed. Keys must come in ascending order.
    pub(crate) fn record(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<(), Fault> {
        let key_length = u16::try_from(key.len()).expect("a key has at most 41 bytes");
        self.block.extend_from_slice(&key_length.to_le_bytes());
        self.block.extend_from_slice(key);
        match value {
            None => self.block.push(0),
            Some(value) => {
                self.block.push(1);
                self.block.extend_from_slice(&length(value.len()));
                self.block.extend_from_slice(value);
            }
        }
        self.records += 1;
        if self.block.len() >= BLOCK { self.close_block() } else { Ok(()) }
    }

    /// Writes the foot and makes the file durable. Gives the number of records and the file's length.
    pub(crate) fn finish(mut self) -> Result<(u64, u64), Fault> {
        self.close_block()?;
        let mut foot = vec![FOOT_TAG];
        foot.extend_from_slice(&self.records.to_le_bytes());
        foot.extend_from_slice(&hash_of(self.hasher.as_ref()));
        foot.extend_from_slice(&crc32fast::hash(&foot).to_le_bytes());
        self.put(&foot)?;
        let path = self.path;
        let file = self.file.into_inner().map_err(|e| Fault::io("write file", &path, e.into_error()))?;
        host::sync_all(&file, &path).map_err(|e| Fault::io("sync file", &path, e))?;
        Ok((self.records, self.bytes))
    }

    fn close_block(&mut self) -> Result<(), Fault> {
        if self.block.is_empty() {
            return Ok(());
        }
        let raw = std::mem::take(&mut self.block);
        let packed = match &mut self.compress {
            None => None,
            Some(packer) => {
                let packed = packer.compress(&raw).map_err(|e| Fault::io("compress block", &self.path, e))?;
                (packed.len() < raw.len()).then_some(packed)
            }
        };
        let stored = packed.as_deref().unwrap_or(&raw);
        let (stored_length, raw_length) = (length(stored.len()), length(raw.len()));
        let crc = block_crc(&stored_length, &raw_length, stored);
        self.put(&[BLOCK_TAG])?;
        self.put(&stored_length)?;
        self.put(&raw_length)?;
        self.put(&crc.to_le_bytes())?;
        self.put(stored)?;
        self.block = raw;
        self.block.clear();
        Ok(())
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        if let Some(hasher) = &mut self.hasher {
            hasher.update(bytes);
        }
        self.bytes += bytes.len() as u64;
        self.file.write_all(bytes).map_err(|e| Fault::io("write file", &self.path, e))
    }
}

/// Reads a container from front to back, checking everything on the way.
pub(crate) struct Reader {
    path: PathBuf,
    file: BufReader<File>,
    hasher: Option<blake3::Hasher>,
    head: Vec<u8>,
    records: u64,
    at: u64,
    hint: String,
    whole: bool,
}

/// A record: its key's bytes, and its value's unless it is removed.
pub(crate) type Change<'a> = (&'a [u8], Option<&'a [u8]>);

/// A block as read and checked.
pub(crate) struct Block(Vec<u8>);

impl Block {
    /// Its records.
    pub(crate) fn changes(&self) -> Vec<Change<'_>> {
        split(&self.0).expect("a block is split once when it is read")
    }
}

impl Reader {
    /// Opens a file and reads its head. `hint` is the next command if the file is damaged.
    pub(crate) fn open(path: &Path, magic: &[u8; 8], kept: bool, hint: String) -> Result<Reader, Fault> {
        let file = File::open(path).map_err(|e| Fault::io("open file", path, e))?;
        let mut reader = Reader {
            path: path.to_path_buf(),
            file: BufReader::with_capacity(1 << 20, file),
            hasher: kept.then(blake3::Hasher::new),
            head: Vec::new(),
            records: 0,
            at: 0,
            hint,
            whole: false,
        };
        let found: [u8; 8] = reader.take()?;
        if found != *magic {
            return Err(reader.damaged(0, "it does not start as such a file does"));
        }
        let head_length = u32::from_le_bytes(reader.take()?) as usize;
        let crc = u32::from_le_bytes(reader.take()?);
        if head_length > HEAD_MAX {
            return Err(reader.damaged(8, "its head has an impossible length"));
        }
        let head = reader.take_many(head_length)?;
        if crc32fast::hash(&head) != crc {
            return Err(reader.damaged(16, "the head's checksum does not match"));
        }
        reader.head = head;
        Ok(reader)
    }

    /// The head's bytes.
    pub(crate) fn head(&self) -> &[u8] {
        &self.head
    }

    /// How far the file has been read.
    pub(crate) fn at(&self) -> u64 {
        self.at
    }

    /// The next block's records; none behind the last, when foot, total hash and end of file have been checked too.
    pub(crate) fn block(&mut self) -> Result<Option<Block>, Fault> {
        if self.whole {
            return Ok(None);
        }
        let start = self.at;
        // The foot's own bytes do not belong to the hash that it holds.
        let before = self.hasher.clone();
        let [tag] = self.take()?;
        match tag {
            BLOCK_TAG => self.read_block(start).map(Some),
            FOOT_TAG => self.read_foot(start, before.as_ref()).map(|()| None),
            _ => Err(self.damaged(start, "neither a block nor the end")),
        }
    }

    /// The fault of a file that is damaged at this byte.
    pub(crate) fn damaged(&self, at: u64, what: &str) -> Fault {
        Fault::Corrupt {
            place: format!("{} at byte {at}", self.path.display()),
            what: what.into(),
            hint: self.hint.clone(),
        }
    }

    fn read_block(&mut self, start: u64) -> Result<Block, Fault> {
        let stored_length: [u8; 4] = self.take()?;
        let raw_length: [u8; 4] = self.take()?;
        let crc = u32::from_le_bytes(self.take()?);
        let (stored, raw) =
            (u32::from_le_bytes(stored_length) as usize, u32::from_le_bytes(raw_length) as usize);
        if stored > raw || raw > BLOCK_MAX {
            return Err(self.damaged(start, "a block of an impossible length"));
        }
        let bytes = self.take_many(stored)?;
        if block_crc(&stored_length, &raw_length, &bytes) != crc {
            return Err(self.damaged(start, "a block's checksum does not match"));
        }
        let bytes = if stored == raw {
            bytes
        } else {
            says_length(&bytes, raw)
                .then(|| zstd::bulk::decompress(&bytes, raw).ok())
                .flatten()
                .filter(|bytes| bytes.len() == raw)
                .ok_or_else(|| self.damaged(start, "a block that does not decompress"))?
        };
        let changes = split(&bytes).ok_or_else(|| self.damaged(start, "a block whose records do not fit"))?;
        self.records += changes.len() as u64;
        Ok(Block(bytes))
    }

    fn read_foot(&mut self, start: u64, before: Option<&blake3::Hasher>) -> Result<(), Fault> {
        let records: [u8; 8] = self.take()?;
        let hash: [u8; 32] = self.take()?;
        let crc: [u8; 4] = self.take()?;
        let mut foot = vec![FOOT_TAG];
        foot.extend_from_slice(&records);
        foot.extend_from_slice(&hash);
        if crc32fast::hash(&foot).to_le_bytes() != crc {
            return Err(self.damaged(start, "the end's checksum does not match"));
        }
        if u64::from_le_bytes(records) != self.records {
            return Err(self.damaged(start, "the number of records does not match"));
        }
        if hash_of(before) != hash {
            return Err(self.damaged(start, "the hash of the whole does not match"));
        }
        match self.file.read(&mut [0]) {
            Ok(0) => {}
            Ok(_) => return Err(self.damaged(self.at, "bytes behind the end")),
            Err(e) => return Err(Fault::io("read file", &self.path, e)),
        }
        self.whole = true;
        Ok(())
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn take_many(&mut self, count: usize) -> Result<Vec<u8>, Fault> {
        // Memory grows with what is there, whatever the length claims.
        let mut bytes = Vec::with_capacity(count.min(BLOCK));
        let read = self.file.by_ref().take(count as u64).read_to_end(&mut bytes);
        if read.map_err(|e| Fault::io("read file", &self.path, e))? < count {
            return Err(self.damaged(self.at, "it ends too early"));
        }
        self.count(&bytes);
        Ok(bytes)
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), Fault> {
        match self.file.read_exact(bytes) {
            Ok(()) => {}
            Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => {
                return Err(self.damaged(self.at, "it ends too early"));
            }
            Err(e) => return Err(Fault::io("read file", &self.path, e)),
        }
        self.count(bytes);
        Ok(())
    }

    fn count(&mut self, bytes: &[u8]) {
        if let Some(hasher) = &mut self.hasher {
            hasher.update(bytes);
        }
        self.at += bytes.len() as u64;
    }
}

/// Whether what zstd packed says itself that it was so long: memory is taken for no other claim.
pub(crate) fn says_length(packed: &[u8], length: usize) -> bool {
    zstd::zstd_safe::get_frame_content_size(packed).is_ok_and(|says| says == Some(length as u64))
}

fn split(mut bytes: &[u8]) -> Option<Vec<Change<'_>>> {
    let mut changes = Vec::new();
    while !bytes.is_empty() {
        let (key_length, rest) = bytes.split_first_chunk::<2>()?;
        let (key, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*key_length)))?;
        let (kind, rest) = rest.split_first()?;
        bytes = match kind {
            0 => {
                changes.push((key, None));
                rest
            }
            1 => {
                let (value_length, rest) = rest.split_first_chunk::<4>()?;
                let (value, rest) = rest.split_at_checked(u32::from_le_bytes(*value_length) as usize)?;
                changes.push((key, Some(value)));
                rest
            }
            _ => return None,
        };
    }
    Some(changes)
}

fn hash_of(hasher: Option<&blake3::Hasher>) -> [u8; 32] {
    hasher.map_or([0; 32], |hasher| *hasher.finalize().as_bytes())
}

fn length(bytes: usize) -> [u8; 4] {
    u32::try_from(bytes).expect("blocks and values are below 32 MiB").to_le_bytes()
}

fn block_crc(stored_length: &[u8; 4], raw_length: &[u8; 4], bytes: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(stored_length);
    hasher.update(raw_length);
    hasher.update(bytes);
    hasher.finalize()
}
