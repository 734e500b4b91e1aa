//! Writes the journal's segments and its MARK. See `journal`.

use crate::fault::Fault;
use crate::host;
use crate::state::files;
use crate::state::journal::{Blob, Shared};
use crate::state::segment::{
    HEAD, MAGIC, MARK, Mark, POINT_EVERY, RECORD_HEAD, Segment, add_gap, segment_path,
};
use ledger::codec;
use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Smaller entries are not worth compressing.
const COMPRESS_FROM: usize = 1 << 10;
/// zstd's level: with 1 the journal takes a third of its raw bytes at some 400 MB/s.
const LEVEL: i32 = 1;

/// Writes segments. Lives in the journal's thread.
pub(crate) struct Writer {
    shared: Arc<Shared>,
    segment_bytes: u64,
    packer: zstd::bulk::Compressor<'static>,
    open: Option<Open>,
    /// A gap was named: the next entry starts a segment of its own.
    fresh: bool,
    /// The last index that was handed in or is known to be missing.
    reached: u64,
}

struct Open {
    segment: Arc<Segment>,
    file: BufWriter<File>,
    length: u64,
}

impl Writer {
    pub(crate) fn new(shared: Arc<Shared>, segment_bytes: u64) -> Result<Writer, Fault> {
        let packer =
            zstd::bulk::Compressor::new(LEVEL).map_err(|e| Fault::io("start zstd", &shared.dir, e))?;
        let last = shared.segments.read().last().cloned();
        let reached = shared.covered();
        let mut writer = Writer { shared, segment_bytes, packer, open: None, fresh: false, reached };
        if let Some(segment) = last {
            let fail = |e| Fault::io("open journal", &segment.path, e);
            let mut file = File::options().write(true).open(&segment.path).map_err(fail)?;
            let length = segment.length();
            file.seek(SeekFrom::Start(length)).map_err(fail)?;
            writer.open = Some(Open { segment: segment.clone(), file: buffered(file), length });
        }
        Ok(writer)
    }

    pub(crate) fn append(&mut self, blob: &Blob) -> Result<(), Fault> {
        let full = self.open.as_ref().is_none_or(|open| open.length >= self.segment_bytes);
        if full || self.fresh {
            self.rotate(blob.index)?;
        }
        let packed = match blob.raw.len() >= COMPRESS_FROM {
            true => self
                .packer
                .compress(&blob.raw)
                .map_err(|e| Fault::io("compress entry", &self.shared.dir, e))?,
            false => Vec::new(),
        };
        let body = if packed.is_empty() || packed.len() >= blob.raw.len() { &blob.raw } else { &packed };
        let mut head = [0; RECORD_HEAD];
        let length = u32::try_from(RECORD_HEAD - 8 + body.len()).expect("an entry is far below 4 GiB");
        let raw_length = u32::try_from(blob.raw.len()).expect("an entry is far below 4 GiB");
        head[..4].copy_from_slice(&length.to_le_bytes());
        head[8..16].copy_from_slice(&blob.index.to_le_bytes());
        head[16..24].copy_from_slice(&blob.stamp.to_le_bytes());
        head[24..].copy_from_slice(&raw_length.to_le_bytes());
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&head[..4]);
        hasher.update(&head[8..]);
        hasher.update(body);
        head[4..8].copy_from_slice(&hasher.finalize().to_le_bytes());
        let open = self.open.as_mut().expect("rotate() opens a segment");
        let write = open.file.write_all(&head).and_then(|()| open.file.write_all(body));
        write.map_err(|e| Fault::io("write journal", &open.segment.path, e))?;
        if let Some(points) = open.segment.points.lock().as_mut()
            && points.last().is_none_or(|(_, at)| open.length >= at + POINT_EVERY)
        {
            points.push((blob.index, open.length));
        }
        open.length += (RECORD_HEAD + body.len()) as u64;
        self.reached = blob.index;
        Ok(())
    }

    /// Hands everything to the operating system, where readers find it.
    pub(crate) fn flush(&mut self) -> Result<(), Fault> {
        let Some(open) = &mut self.open else { return Ok(()) };
        open.file.flush().map_err(|e| Fault::io("write journal", &open.segment.path, e))?;
        open.segment.length.store(open.length, Ordering::Release);
        Ok(())
    }

    /// Makes everything durable and says so in MARK.
    pub(crate) fn sync(&mut self, covered: u64) -> Result<(), Fault> {
        self.sync_file()?;
        let pruned = self.prunable();
        let segments = self.shared.segments.read().clone();
        let oldest = segments.get(pruned).map_or(0, |segment| segment.first);
        if let Some(kept) = segments.get(pruned).filter(|_| pruned > 0) {
            let mut gaps = self.shared.gaps.write();
            gaps.retain(|(_, to)| *to >= kept.first);
            gaps.insert(0, (1, kept.first - 1));
        }
        // A state that is rebuilt stands behind its journal for a while: what the journal covers never goes back, else its
        // entries would be written again behind themselves.
        self.write_mark(covered.max(self.reached), oldest)?;
        if pruned > 0 {
            self.shared.segments.write().drain(..pruned);
            for segment in &segments[..pruned] {
                files::remove(&segment.path)?;
            }
        }
        Ok(())
    }

    /// Names what lies between the last entry and `upto` as missing.
    pub(crate) fn gap(&mut self, upto: u64) -> Result<(), Fault> {
        self.sync_file()?;
        add_gap(&mut self.shared.gaps.write(), self.shared.covered() + 1, upto);
        self.fresh = true;
        self.reached = upto;
        let oldest = self.shared.segments.read().first().map_or(0, |segment| segment.first);
        self.write_mark(upto, oldest)
    }

    fn sync_file(&mut self) -> Result<(), Fault> {
        self.flush()?;
        let Some(open) = &self.open else { return Ok(()) };
        host::sync_data(open.file.get_ref(), &open.segment.path)
            .map_err(|e| Fault::io("sync journal", &open.segment.path, e))
    }

    /// How many of the oldest segments lie beyond what is to be kept.
    fn prunable(&self) -> usize {
        let Some(keep) = self.shared.keep_bytes else { return 0 };
        let segments = self.shared.segments.read();
        let mut kept = 0;
        let newest_first = segments.iter().rev().skip(1);
        let within = newest_first.take_while(|segment| {
            kept += segment.length();
            kept <= keep
        });
        segments.len().saturating_sub(1 + within.count())
    }

    fn write_mark(&self, covered: u64, oldest: u64) -> Result<(), Fault> {
        let (segment, length) = self.open.as_ref().map_or((0, 0), |open| (open.segment.first, open.length));
        let mark = Mark { segment, length, covered, oldest, gaps: self.shared.gaps.read().clone() };
        let mut bytes = codec::encode(&mark);
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
        files::replace(&self.shared.dir.join(MARK), &bytes)
    }

    fn rotate(&mut self, first: u64) -> Result<(), Fault> {
        self.sync_file()?;
        self.fresh = false;
        let (before, before_length) =
            self.open.as_ref().map_or((0, 0), |open| (open.segment.first, open.length));
        let path = segment_path(&self.shared.dir, first);
        let mut head = Vec::with_capacity(HEAD);
        head.extend_from_slice(MAGIC);
        for word in [first, before, before_length] {
            head.extend_from_slice(&word.to_le_bytes());
        }
        head.extend_from_slice(&crc32fast::hash(&head).to_le_bytes());
        let file = File::create(&path).and_then(|mut file| file.write_all(&head).map(|()| file));
        let file = file.map_err(|e| Fault::io("create journal", &path, e))?;
        files::sync_dir(&self.shared.dir)?;
        let segment = Arc::new(Segment {
            path,
            first,
            length: AtomicU64::new(HEAD as u64),
            points: parking_lot::Mutex::new(Some(Vec::new())),
        });
        self.shared.segments.write().push(segment.clone());
        self.open = Some(Open { segment, file: buffered(file), length: HEAD as u64 });
        Ok(())
    }
}

fn buffered(file: File) -> BufWriter<File> {
    BufWriter::with_capacity(256 << 10, file)
}
