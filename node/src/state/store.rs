//! The pages of a checkpoint in sled. The only file that names sled.
//!
//! sled is expendable: whatever it does (hang, panic, come back older, lose keys) is found by the digest when a generation
//! is opened (`recover`), and answered by rebuilding it. What is kept in mind here (`sled.md`):
//!
//! * `flush()` is not an fsync, so [`Store::sync`] syncs the files itself afterwards.
//! * A batch blocks every reader of every database in the process, so batches are small.
//! * A tree node of sled (up to 17 values) that passes its limit goes to a file of its own that sled never syncs. Pages are
//!   small, larger ones are stored in parts, and [`Store::sync`] syncs every file it finds.

use crate::fault::Fault;
use crate::host;
use crate::state::blocks::Change;
use crate::state::directory::Directory;
use crate::state::files;
use crate::state::page::{self, Page, Record};
use crate::state::plain::Plain;
use ledger::digest::RowHash;
use ledger::{Digest, Key, Row, codec};
use parking_lot::RwLock;
use std::ops::Bound;
use std::path::{Path, PathBuf};

/// Where the marker lies: before every table.
const MARKER: &[u8] = &[0];
/// Leads the keys of a page's parts: behind every table.
const PART: u8 = 0xff;
/// A value that is not a page but says in how many parts the page is stored.
const IN_PARTS: u8 = 2;
/// The largest stored value.
const PART_BYTES: usize = 32 << 10;
/// A batch is written when it holds so many pages or bytes: readers wait for it, so it takes milliseconds at most.
const BATCH_PAGES: usize = 64;
const BATCH_BYTES: usize = 512 << 10;

/// An open generation of the state on disk.
pub(crate) struct Store {
    rows: Rows,
    dir: PathBuf,
    number: u64,
    directory: RwLock<Directory>,
}

/// Where pages and the marker lie.
enum Rows {
    Sled(sled::Db),
    /// In a simulation.
    Plain(Plain),
}

/// Takes a page's name and bytes.
type EachPage<'a> = &'a mut dyn FnMut(&[u8], &[u8]) -> Result<(), Fault>;
/// Takes a record's key, its bytes, and the value's.
type EachRecord<'a> = &'a mut dyn FnMut(Key, &[u8], &[u8]) -> Result<(), Fault>;

/// A page to be written, or removed.
struct Write {
    name: Key,
    old_parts: u16,
    records: Option<Vec<u8>>,
    last: Option<Key>,
}

impl Store {
    /// Opens or creates the database in this folder, without looking at its content ([`Store::survey`] does).
    ///
    /// May panic or hang on a damaged database: to be called where that can be borne.
    pub(crate) fn open(dir: &Path, number: u64, cache_bytes: u64) -> Result<Store, Fault> {
        let rows = if host::is_simulated() {
            Rows::Plain(Plain::open(dir)?)
        } else {
            let config = sled::Config::new().path(dir).cache_capacity(cache_bytes).flush_every_ms(None);
            Rows::Sled(config.open().map_err(|e| fault("open sled", dir, e))?)
        };
        Ok(Store { rows, dir: dir.to_path_buf(), number, directory: RwLock::default() })
    }

    /// True if this is how a database says that another one, perhaps just closed, still holds its folder.
    pub(crate) fn is_busy(fault: &Fault) -> bool {
        matches!(fault, Fault::Io { source, .. } if source.to_string().contains("could not acquire lock"))
    }

    /// The generation's number.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// The generation's folder.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The marker's bytes.
    pub(crate) fn marker(&self) -> Result<Option<Vec<u8>>, Fault> {
        let found = self.get(MARKER)?;
        Ok(found.map(|bytes| bytes.to_vec()))
    }

    /// Sets the marker. What it claims must be synced before.
    pub(crate) fn set_marker(&self, bytes: &[u8]) -> Result<(), Fault> {
        match &self.rows {
            Rows::Sled(db) => {
                db.insert(MARKER, bytes).map_err(|e| fault("write marker", &self.dir, e))?;
            }
            Rows::Plain(rows) => rows.write([(MARKER.to_vec(), Some(bytes.to_vec()))]),
        }
        Ok(())
    }

    /// Makes everything written so far durable.
    pub(crate) fn sync(&self) -> Result<(), Fault> {
        match &self.rows {
            Rows::Sled(db) => {
                db.flush().map_err(|e| fault("flush sled", &self.dir, e))?;
                files::sync_tree(&self.dir)
            }
            Rows::Plain(rows) => rows.sync(),
        }
    }

    /// True if no record lies at or behind this key: most new records are told from old ones by this alone.
    pub(crate) fn beyond(&self, key: &Key) -> bool {
        self.directory.read().beyond(key)
    }

    /// A record with its hash.
    pub(crate) fn row(&self, key: &Key) -> Result<Option<(Row, RowHash)>, Fault> {
        let directory = self.directory.read();
        if directory.beyond(key) {
            return Ok(None);
        }
        let Some(name) = directory.page_of(key) else { return Ok(None) };
        let name_bytes = codec::encode_key(&name);
        let key_bytes = codec::encode_key(key);
        let (page, _) = self.page(&name_bytes)?;
        drop(directory);
        let corrupt = |what| self.corrupt(&name_bytes, what);
        let page = Page::open(&name_bytes, &page).map_err(corrupt)?;
        match page.find(&key_bytes).map_err(corrupt)? {
            None => Ok(None),
            Some(value) => {
                let row =
                    codec::decode_row(key, value).map_err(|e| self.corrupt(&name_bytes, e.to_string()))?;
                Ok(Some((row, RowHash::of(&key_bytes, value))))
            }
        }
    }

    /// The first records, at most `most`, from the bound to before `until`, in order.
    pub(crate) fn range(&self, from: Bound<Key>, until: &Key, most: usize) -> Result<Vec<(Key, Row)>, Fault> {
        let mut found = Vec::new();
        let directory = self.directory.read();
        let first = match from {
            Bound::Included(key) | Bound::Excluded(key) => directory.pages.range(..=key).next_back(),
            Bound::Unbounded => None,
        };
        let names = match first {
            Some(first) => directory.pages.range(*first..),
            None => directory.pages.range(..),
        };
        for name in names {
            if *name >= *until || found.len() >= most {
                break;
            }
            let name = codec::encode_key(name);
            let (page, _) = self.page(&name)?;
            let corrupt = |what| self.corrupt(&name, what);
            Page::open(&name, &page).map_err(corrupt)?.each(
                |key, _, value| {
                    let behind = match from {
                        Bound::Included(from) => key >= from,
                        Bound::Excluded(from) => key > from,
                        Bound::Unbounded => true,
                    };
                    if behind && key < *until && found.len() < most {
                        let row = codec::decode_row(&key, value).map_err(|e| corrupt(e.to_string()))?;
                        found.push((key, row));
                    }
                    Ok(())
                },
                corrupt,
            )?;
        }
        Ok(found)
    }

    /// Writes sorted changes into their pages, in small batches. A crash between two batches leaves whole pages, some
    /// old and some new; writing the same changes again gives the same pages' content.
    pub(crate) fn apply(&self, changes: &[Change<'_>]) -> Result<(), Fault> {
        let mut writes = Vec::new();
        let mut bytes = 0;
        let mut start = 0;
        while start < changes.len() {
            let first = page::key(changes[start].0).map_err(|what| self.corrupt(changes[start].0, what))?;
            let (name, next) = {
                let directory = self.directory.read();
                let name = directory.page_of(&first);
                (name, directory.page_behind(&name.unwrap_or(first)))
            };
            let next_bytes = next.map(|next| codec::encode_key(&next));
            let end = changes[start..]
                .iter()
                .position(|(key, _)| {
                    key[0] != first.table().number() || next_bytes.as_deref().is_some_and(|next| *key >= next)
                })
                .map_or(changes.len(), |count| start + count);
            // A page and those split off it go into one batch: no reader ever finds a record in neither.
            for write in self.rework(first, name, next.is_none(), &changes[start..end])? {
                bytes += write.records.as_ref().map_or(0, Vec::len);
                writes.push(write);
            }
            if writes.len() >= BATCH_PAGES || bytes >= BATCH_BYTES {
                self.write(std::mem::take(&mut writes))?;
                bytes = 0;
            }
            start = end;
        }
        self.write(writes)
    }

    /// Reads every page, checks it, and gives the digest of all records; fills the directory on the way.
    /// `step` is called now and then, so that a watcher can tell slow from stuck.
    pub(crate) fn survey(&self, step: &mut dyn FnMut()) -> Result<(Digest, u64), Fault> {
        let mut digest = Digest::default();
        let mut rows = 0;
        let mut directory = Directory::default();
        let mut previous: Option<Key> = None;
        self.pages(&mut |name_bytes, page| {
            step();
            let corrupt = |what: String| self.corrupt(name_bytes, what);
            let name = page::key(name_bytes).map_err(corrupt)?;
            if previous.is_some_and(|previous| previous >= name) {
                return Err(corrupt("a page that overlaps the one before".into()));
            }
            Page::open(name_bytes, page).map_err(corrupt)?.each(
                |key, key_bytes, value| {
                    if key < name || previous.is_some_and(|previous| previous >= key) {
                        return Err(corrupt("a record out of order".into()));
                    }
                    codec::decode_row(&key, value).map_err(|e| corrupt(e.to_string()))?;
                    digest.add(key.table(), RowHash::of(key_bytes, value));
                    rows += 1;
                    previous = Some(key);
                    Ok(())
                },
                corrupt,
            )?;
            directory.pages.insert(name);
            if let Some(previous) = previous {
                directory.saw(previous);
            }
            Ok(())
        })?;
        *self.directory.write() = directory;
        Ok((digest, rows))
    }

    /// Every record in order, key and value. No checkpoint may be under way.
    pub(crate) fn each(&self, each: EachRecord<'_>) -> Result<(), Fault> {
        self.pages(&mut |name, page| {
            let corrupt = |what| self.corrupt(name, what);
            Page::open(name, page).map_err(corrupt)?.each(&mut *each, corrupt)
        })
    }

    /// How many bytes sled takes on disk.
    pub(crate) fn bytes(&self) -> u64 {
        files::tree_bytes(&self.dir)
    }

    /// How many pages there are.
    pub(crate) fn page_count(&self) -> usize {
        self.directory.read().pages.len()
    }

    /// Takes the first page away behind the directory's back: what is asked of it is a fault.
    #[cfg(test)]
    pub(crate) fn hurt(&self) {
        let Rows::Sled(db) = &self.rows else { panic!("not sled") };
        let first = db.range::<&[u8], _>(&[1u8][..]..).next().expect("a page").expect("read").0;
        db.remove(first).expect("removed");
    }

    fn pages(&self, each: EachPage<'_>) -> Result<(), Fault> {
        let mut each = |name: &[u8], value: &[u8]| match value.first() {
            Some(&IN_PARTS) => each(name, &self.parts(name, value)?.0),
            _ => each(name, value),
        };
        match &self.rows {
            Rows::Sled(db) => {
                for item in db.range::<&[u8], _>(&[1u8][..]..&[PART][..]) {
                    let (name, value) = item.map_err(|e| fault("scan sled", &self.dir, e))?;
                    each(&name, &value)?;
                }
            }
            Rows::Plain(rows) => {
                for (name, value) in rows.range(&[1], &[PART]) {
                    each(&name, &value)?;
                }
            }
        }
        Ok(())
    }

    /// The pages that stand for one page after a group of changes.
    fn rework(
        &self,
        first: Key,
        name: Option<Key>,
        last_page: bool,
        changes: &[Change<'_>],
    ) -> Result<Vec<Write>, Fault> {
        let old_name = name.map(|name| codec::encode_key(&name)).unwrap_or_default();
        let (old_bytes, old_parts) = match name {
            None => (sled::IVec::default(), 0),
            Some(_) => self.page(&old_name)?,
        };
        let corrupt = |what| self.corrupt(&old_name, what);
        let old_page = match name {
            None => None,
            Some(_) => Some(Page::open(&old_name, &old_bytes).map_err(corrupt)?),
        };
        let old = old_page.as_ref().map_or(Ok(Vec::new()), Page::collect).map_err(corrupt)?;
        let appended = last_page && old.last().is_none_or(|(last, _)| *last < &changes[0].0[1..]);
        let records = merge(old, changes);
        let kept_name = name.unwrap_or(first);
        let mut writes = Vec::new();
        if records.is_empty() && name.is_some() {
            writes.push(Write { name: kept_name, old_parts, records: None, last: None });
        }
        for (place, records) in page::cut(first.table(), records, appended).into_iter().enumerate() {
            let key_of = |record: &Record<'_>| {
                let whole = [&[first.table().number()], record.0].concat();
                page::key(&whole).map_err(|what| self.corrupt(&whole, what))
            };
            let (lowest, highest) = match (records.first(), records.last()) {
                (Some(lowest), Some(highest)) => (key_of(lowest)?, key_of(highest)?),
                _ => continue,
            };
            let (name, old_parts) = if place == 0 { (kept_name, old_parts) } else { (lowest, 0) };
            let bytes = page::encode(&codec::encode_key(&name), &records);
            if place > 0 || old_bytes != bytes {
                writes.push(Write { name, old_parts, records: Some(bytes), last: Some(highest) });
            }
        }
        Ok(writes)
    }

    fn write(&self, writes: Vec<Write>) -> Result<(), Fault> {
        if writes.is_empty() {
            return Ok(());
        }
        let mut batch: Vec<(Vec<u8>, Option<sled::IVec>)> = Vec::with_capacity(writes.len());
        for write in &writes {
            let name = codec::encode_key(&write.name);
            let mut new_parts = 0;
            let page = match &write.records {
                None => None,
                Some(page) if page.len() <= PART_BYTES => Some(page.as_slice().into()),
                Some(page) => {
                    for part in page.chunks(PART_BYTES) {
                        batch.push((part_key(&name, new_parts), Some(part.into())));
                        new_parts += 1;
                    }
                    let [low, high] = new_parts.to_le_bytes();
                    Some((&[IN_PARTS, low, high]).into())
                }
            };
            for part in new_parts..write.old_parts {
                batch.push((part_key(&name, part), None));
            }
            batch.push((name, page));
        }
        let mut directory = self.directory.write();
        match &self.rows {
            Rows::Sled(db) => {
                let mut all = sled::Batch::default();
                for (key, value) in batch {
                    match value {
                        Some(value) => all.insert(key, value),
                        None => all.remove(key),
                    }
                }
                db.apply_batch(all).map_err(|e| fault("write sled", &self.dir, e))?;
            }
            Rows::Plain(rows) => {
                rows.write(batch.into_iter().map(|(key, value)| (key, value.map(|value| value.to_vec()))));
            }
        }
        for write in writes {
            match write.records {
                None => directory.pages.remove(&write.name),
                Some(_) => directory.pages.insert(write.name),
            };
            if let Some(last) = write.last {
                directory.saw(last);
            }
        }
        Ok(())
    }

    /// A page's bytes, and in how many parts it is stored (0: in one piece).
    fn page(&self, name: &[u8]) -> Result<(sled::IVec, u16), Fault> {
        let value =
            self.get(name)?.ok_or_else(|| self.corrupt(name, "a page that was there is gone".into()))?;
        match value.first() {
            Some(&IN_PARTS) => self.parts(name, &value),
            _ => Ok((value, 0)),
        }
    }

    fn parts(&self, name: &[u8], value: &[u8]) -> Result<(sled::IVec, u16), Fault> {
        let &[_, low, high] = value else { return Err(self.corrupt(name, "a damaged list of parts".into())) };
        let count = u16::from_le_bytes([low, high]);
        let mut page = Vec::new();
        for part in 0..count {
            let bytes = self.get(&part_key(name, part))?;
            page.extend_from_slice(&bytes.ok_or_else(|| self.corrupt(name, format!("part {part} is gone")))?);
        }
        Ok((page.into(), count))
    }

    fn get(&self, key: &[u8]) -> Result<Option<sled::IVec>, Fault> {
        match &self.rows {
            Rows::Sled(db) => db.get(key).map_err(|e| fault("read sled", &self.dir, e)),
            Rows::Plain(rows) => Ok(rows.get(key).map(sled::IVec::from)),
        }
    }

    fn corrupt(&self, name: &[u8], what: String) -> Fault {
        Fault::Corrupt {
            place: format!("{}, page {}", self.dir.display(), crate::fault::hex(name)),
            what,
            hint: REBUILD.into(),
        }
    }
}

const REBUILD: &str = "start the node again: it sets this folder aside and rebuilds it from snapshot and log";

fn part_key(name: &[u8], part: u16) -> Vec<u8> {
    let mut key = vec![PART];
    key.extend_from_slice(&part.to_be_bytes());
    key.extend_from_slice(name);
    key
}

/// Old records with changes over them.
fn merge<'a>(old: Vec<Record<'a>>, changes: &[Change<'a>]) -> Vec<Record<'a>> {
    let mut merged = Vec::with_capacity(old.len() + changes.len());
    let mut old = old.into_iter().peekable();
    for (key, value) in changes {
        let suffix = &key[1..];
        while let Some(record) = old.next_if(|record| record.0 < suffix) {
            merged.push(record);
        }
        old.next_if(|record| record.0 == suffix);
        if let Some(value) = value {
            merged.push((suffix, value));
        }
    }
    merged.extend(old);
    merged
}

fn fault(step: &'static str, dir: &Path, error: sled::Error) -> Fault {
    match error {
        sled::Error::Io(e) => Fault::io(step, dir, e),
        other => Fault::Corrupt {
            place: dir.display().to_string(),
            what: format!("{step}: {other}"),
            hint: REBUILD.into(),
        },
    }
}
