//! Segment files of the journal: their layout, opening and reading. See `journal`.

use crate::fault::Fault;
use crate::host;
use crate::state::blocks;
use crate::state::files;
use crate::state::journal::{Blob, Shared};
use ledger::codec;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub(crate) const MARK: &str = "MARK";
pub(crate) const MAGIC: &[u8; 8] = b"GJJOURN1";
pub(crate) const HEAD: usize = 36;
pub(crate) const RECORD_HEAD: usize = 28;
/// No entry is larger (the proposer's most is far below).
pub(crate) const RAW_MAX: usize = 256 << 20;
/// An index point is kept in memory for every so many bytes of a segment.
pub(crate) const POINT_EVERY: u64 = 256 << 10;

/// What is durable, and what is missing.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Mark {
    /// The segment that was being written, by its first index; 0 if there was none.
    pub(crate) segment: u64,
    /// Its durable length.
    pub(crate) length: u64,
    /// The last index covered.
    pub(crate) covered: u64,
    /// The oldest segment kept.
    pub(crate) oldest: u64,
    /// Stretches, from and to inclusive, that this node does not have.
    pub(crate) gaps: Vec<(u64, u64)>,
}

/// One file.
pub(crate) struct Segment {
    pub(crate) path: PathBuf,
    pub(crate) first: u64,
    /// Bytes that readers may look at.
    pub(crate) length: AtomicU64,
    /// Index and offset of some records, in order; none as long as nobody has read a segment that was closed before this start.
    pub(crate) points: Mutex<Option<Vec<(u64, u64)>>>,
}

impl Segment {
    pub(crate) fn length(&self) -> u64 {
        self.length.load(Ordering::Acquire)
    }
}

/// The fault of a damaged journal.
pub(crate) fn corrupt(place: String, what: String, dir: &Path) -> Fault {
    let aside = dir.with_file_name("quarantine").join("journal");
    let hint = format!(
        "mv {} {}; start again: history before this is then read from another node",
        dir.display(),
        aside.display()
    );
    Fault::Corrupt { place, what, hint }
}

/// Adds a stretch to the missing ones, joining it with the last if they touch.
pub(crate) fn add_gap(gaps: &mut Vec<(u64, u64)>, from: u64, to: u64) {
    match gaps.last_mut() {
        Some((_, last)) if *last + 1 >= from => *last = to.max(*last),
        _ => gaps.push((from, to)),
    }
}

/// What opening found.
pub(crate) struct Opened {
    pub(crate) mark: Mark,
    pub(crate) segments: Vec<Segment>,
    pub(crate) covered: u64,
}

/// Opens every segment. Closed ones are checked by their chain of lengths, what lies from the mark on by its content;
/// everything else is checked when it is read.
pub(crate) fn open_all(dir: &Path, notes: &mut Vec<String>) -> Result<Opened, Fault> {
    let mark = read_mark(dir)?;
    let mut segments = Vec::new();
    let mut covered = mark.covered;
    let mut before: Option<(u64, u64)> = None;
    let mut torn = false;
    for (first, path) in segment_files(dir, &mark)? {
        let place = path.display().to_string();
        let length = std::fs::metadata(&path).map_err(|e| Fault::io("look at file", &path, e))?.len();
        // Everything in a segment begun after the mark can be torn.
        let whole = if first < mark.segment {
            length
        } else if first == mark.segment {
            mark.length
        } else {
            0
        };
        if torn {
            // The one before ends early, so this one was never synced either: the log has it all.
            notes.push(format!("journal: {place} lies behind a torn end and is dropped; the log replays it"));
            files::remove(&path)?;
            continue;
        }
        if length < whole {
            let what = format!("{length} bytes, but {whole} were durable");
            return Err(corrupt(format!("{place} at byte {length}"), what, dir));
        }
        let head = read_head(&path, length)?;
        let chained = head.is_some_and(|head| {
            head.first == first && before.is_none_or(|before| before == (head.before, head.before_length))
        });
        if !chained && whole == 0 {
            notes.push(format!("journal: {place} was begun but not written; dropped, the log replays it"));
            files::remove(&path)?;
            torn = true;
            continue;
        }
        if !chained {
            let what = "its head is damaged, or a file before it is missing or has another length";
            return Err(corrupt(format!("{place} at byte 0"), what.into(), dir));
        }
        if first < mark.segment {
            before = Some((first, length));
            segments.push(Segment { path, first, length: AtomicU64::new(length), points: Mutex::new(None) });
            continue;
        }
        let walked = walk(&path, length)?;
        if let Some((at, what)) = walked.damage {
            if at < whole {
                return Err(corrupt(format!("{place} at byte {at}"), what.into(), dir));
            }
            notes.push(format!("journal: {place} is cut at byte {at} ({what}); the log replays the rest"));
            truncate(&path, at)?;
            torn = true;
        }
        covered = covered.max(walked.last);
        before = Some((first, walked.length));
        let points = Mutex::new(Some(walked.points));
        segments.push(Segment { path, first, length: AtomicU64::new(walked.length), points });
    }
    files::sync_dir(dir)?;
    Ok(Opened { mark, segments, covered })
}

/// Segment files in order. One that the mark knows and that is not there is damage.
fn segment_files(dir: &Path, mark: &Mark) -> Result<Vec<(u64, PathBuf)>, Fault> {
    let mut found = Vec::new();
    for (name, path) in files::list(dir)? {
        match name.strip_suffix(".seg").and_then(|digits| digits.parse().ok()) {
            Some(first) => found.push((first, path)),
            None if name == MARK => {}
            None if name == "MARK.tmp" => files::remove(&path)?,
            None => {
                return Err(Fault::WrongDirectory {
                    path: dir.to_path_buf(),
                    what: format!("it holds {name}, which is no part of a journal"),
                    hint: format!("move {} elsewhere", path.display()),
                });
            }
        }
    }
    let known = |first: u64| first == 0 || found.iter().any(|(other, _)| *other == first);
    for first in [mark.oldest, mark.segment] {
        if !known(first) {
            return Err(corrupt(
                segment_path(dir, first).display().to_string(),
                "the file is gone".into(),
                dir,
            ));
        }
    }
    // Older ones were being pruned when the node stopped.
    for (_, path) in found.iter().filter(|(first, _)| *first < mark.oldest) {
        files::remove(path)?;
    }
    found.retain(|(first, _)| *first >= mark.oldest);
    Ok(found)
}

struct SegmentHead {
    first: u64,
    before: u64,
    before_length: u64,
}

fn read_head(path: &Path, length: u64) -> Result<Option<SegmentHead>, Fault> {
    if length < HEAD as u64 {
        return Ok(None);
    }
    let mut bytes = [0; HEAD];
    File::open(path)
        .and_then(|mut f| f.read_exact(&mut bytes))
        .map_err(|e| Fault::io("read journal", path, e))?;
    let (body, crc) = bytes.split_at(HEAD - 4);
    if crc32fast::hash(body).to_le_bytes() != crc || !body.starts_with(MAGIC) {
        return Ok(None);
    }
    let word = |at: usize| u64::from_le_bytes(body[at..at + 8].try_into().expect("eight bytes"));
    Ok(Some(SegmentHead { first: word(8), before: word(16), before_length: word(24) }))
}

struct Walked {
    last: u64,
    pub(crate) length: u64,
    points: Vec<(u64, u64)>,
    /// Where reading had to stop, and why.
    damage: Option<(u64, &'static str)>,
}

/// Reads a segment's records from front to back, checking each.
fn walk(path: &Path, length: u64) -> Result<Walked, Fault> {
    let mut records = Records::open(path, HEAD as u64, length)?;
    let mut walked = Walked { last: 0, length: HEAD as u64, points: Vec::new(), damage: None };
    loop {
        let at = records.at;
        match records.next()? {
            Step::End => return Ok(walked),
            Step::Damage(what) => {
                walked.damage = Some((at, what));
                return Ok(walked);
            }
            Step::Record { index, .. } if index <= walked.last => {
                walked.damage = Some((at, "an index that does not ascend"));
                return Ok(walked);
            }
            Step::Record { index, .. } => {
                if walked.points.last().is_none_or(|(_, point)| at >= point + POINT_EVERY) {
                    walked.points.push((index, at));
                }
                walked.last = index;
                walked.length = records.at;
            }
        }
    }
}

struct Records {
    file: BufReader<File>,
    path: PathBuf,
    at: u64,
    pub(crate) length: u64,
}

enum Step {
    Record { index: u64, stamp: u64, raw_length: usize, body: Vec<u8> },
    End,
    Damage(&'static str),
}

impl Records {
    fn open(path: &Path, at: u64, length: u64) -> Result<Records, Fault> {
        let mut file = File::open(path).map_err(|e| Fault::io("open journal", path, e))?;
        file.seek(SeekFrom::Start(at)).map_err(|e| Fault::io("read journal", path, e))?;
        Ok(Records { file: BufReader::with_capacity(256 << 10, file), path: path.to_path_buf(), at, length })
    }

    fn next(&mut self) -> Result<Step, Fault> {
        let left = self.length - self.at;
        if left == 0 {
            return Ok(Step::End);
        }
        if left < RECORD_HEAD as u64 {
            return Ok(Step::Damage("a record cut short"));
        }
        let mut head = [0; RECORD_HEAD];
        self.fill(&mut head)?;
        let word = |at: usize| u32::from_le_bytes(head[at..at + 4].try_into().expect("four bytes"));
        let (length, crc, raw_length) = (word(0) as usize, word(4), word(24) as usize);
        let Some(body_length) = length.checked_sub(RECORD_HEAD - 8) else {
            return Ok(Step::Damage("a record of an impossible length"));
        };
        if raw_length > RAW_MAX || body_length > raw_length || body_length as u64 > left - RECORD_HEAD as u64
        {
            return Ok(Step::Damage("a record of an impossible length"));
        }
        let mut body = vec![0; body_length];
        self.fill(&mut body)?;
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&head[..4]);
        hasher.update(&head[8..]);
        hasher.update(&body);
        if hasher.finalize() != crc {
            return Ok(Step::Damage("a record's checksum does not match"));
        }
        self.at += (RECORD_HEAD + body_length) as u64;
        let long = |at: usize| u64::from_le_bytes(head[at..at + 8].try_into().expect("eight bytes"));
        Ok(Step::Record { index: long(8), stamp: long(16), raw_length, body })
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), Fault> {
        self.file.read_exact(bytes).map_err(|e| Fault::io("read journal", &self.path, e))
    }
}

/// Reads entries between two indexes until there are so many raw bytes.
pub(crate) fn read(
    shared: &Shared,
    from: u64,
    until: u64,
    most: usize,
    out: &mut Vec<Arc<Blob>>,
    bytes: &mut usize,
) -> Result<(), Fault> {
    let segments: Vec<Arc<Segment>> = shared.segments.read().clone();
    let start = segments.partition_point(|segment| segment.first <= from).saturating_sub(1);
    for segment in segments.iter().skip(start).take_while(|segment| segment.first <= until) {
        let length = segment.length();
        let mut records = Records::open(&segment.path, offset_of(shared, segment, from)?, length)?;
        loop {
            let at = records.at;
            match records.next()? {
                Step::End => break,
                Step::Damage(what) => return Err(damaged(shared, segment, at, what)),
                Step::Record { index, .. } if index < from => {}
                Step::Record { index, .. } if index > until => return Ok(()),
                Step::Record { index, stamp, raw_length, body } => {
                    let raw = unpacked(body, raw_length)
                        .ok_or_else(|| damaged(shared, segment, at, "a record that does not decompress"))?;
                    *bytes += raw.len();
                    out.push(Arc::new(Blob { index, stamp, raw }));
                    if *bytes >= most {
                        return Ok(());
                    }
                }
            }
        }
    }
    Ok(())
}

/// A record's bytes as they were handed in.
pub(crate) fn unpacked(body: Vec<u8>, raw_length: usize) -> Option<Vec<u8>> {
    if body.len() == raw_length {
        return Some(body);
    }
    if !blocks::says_length(&body, raw_length) {
        return None;
    }
    zstd::bulk::decompress(&body, raw_length).ok().filter(|raw| raw.len() == raw_length)
}

fn damaged(shared: &Shared, segment: &Segment, at: u64, what: &str) -> Fault {
    corrupt(format!("{} at byte {at}", segment.path.display()), what.into(), &shared.dir)
}

/// Where to start reading for an index: the last known point not behind it.
fn offset_of(shared: &Shared, segment: &Segment, index: u64) -> Result<u64, Fault> {
    let mut points = segment.points.lock();
    if points.is_none() {
        let walked = walk(&segment.path, segment.length())?;
        if let Some((at, what)) = walked.damage {
            return Err(damaged(shared, segment, at, what));
        }
        *points = Some(walked.points);
    }
    let points = points.as_deref().unwrap_or_default();
    let place = points.partition_point(|(first, _)| *first <= index);
    Ok(place.checked_sub(1).map_or(HEAD as u64, |place| points[place].1))
}

pub(crate) fn segment_path(dir: &Path, first: u64) -> PathBuf {
    dir.join(format!("{first:020}.seg"))
}

fn truncate(path: &Path, length: u64) -> Result<(), Fault> {
    let cut = File::options().write(true).open(path).and_then(|file| {
        file.set_len(length)?;
        host::sync_all(&file, path)
    });
    cut.map_err(|e| Fault::io("cut journal", path, e))
}

pub(crate) fn read_mark(dir: &Path) -> Result<Mark, Fault> {
    let path = dir.join(MARK);
    let Some(bytes) = files::read(&path)? else { return Ok(Mark::default()) };
    let damaged = |what: &str| corrupt(path.display().to_string(), what.into(), dir);
    let (body, crc) = bytes.split_last_chunk::<4>().ok_or_else(|| damaged("it is cut short"))?;
    if crc32fast::hash(body).to_le_bytes() != *crc {
        return Err(damaged("its checksum does not match"));
    }
    codec::decode(body).map_err(|e| damaged(&e.to_string()))
}

/// How much of each segment the mark says to be durable.
#[cfg(test)]
pub(crate) fn durable(dir: &Path) -> Result<std::collections::BTreeMap<PathBuf, u64>, Fault> {
    let mark = read_mark(dir)?;
    let mut durable = std::collections::BTreeMap::new();
    for (first, path) in segment_files(dir, &mark)? {
        let length = std::fs::metadata(&path).map_err(|e| Fault::io("look at file", &path, e))?.len();
        let whole = if first < mark.segment {
            length
        } else if first == mark.segment {
            mark.length
        } else {
            0
        };
        durable.insert(path, whole);
    }
    Ok(durable)
}
