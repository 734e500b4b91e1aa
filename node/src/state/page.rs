//! How records lie in a stored page.
//!
//! A page is a run of neighbouring records of one table, named by a key that is not above its first
//! record: a record is in the page with the greatest name not above its key. Pages split when they grow past
//! their table's room. So a table that is appended to (payments, remembered requests) is written as few, full pages, and
//! the cost of a write, which is per page and not per byte, is shared by many records.
//!
//! ```text
//! page    1 | crc32 of format, name and body | body = records, ascending
//!         3 | crc32 of format, name and body | body = length of the records u32 | the records packed by zstd
//! record  key length u8 | key without its table's number | value length u32 | value
//! ```
//! A page too large for one stored value (one record alone may be) is stored in parts; see `store`.

use crate::fault::Fault;
use crate::state::blocks;
use ledger::{Key, Table};
use std::borrow::Cow;
use std::cell::RefCell;

/// Leads a page stored as it is. 2 is taken: see `store`.
const PLAIN: u8 = 1;
/// Leads a page whose body is the raw length and zstd's bytes.
const PACKED: u8 = 3;
/// Smaller bodies are stored as they are.
const PACK_FROM: usize = 4 << 10;
const PACK_LEVEL: i32 = 1;
/// One largest value (16 MiB) among neighbours.
const BODY_MAX: usize = 17 << 20;
const HEAD: usize = 5;

/// How many bytes a page of this table may grow to before it is split. Measured (`tests/speed.rs`): writing a page to sled costs
/// some 20 us up to 2 KiB and grows with the bytes from there. Records that change one by one lie in small pages, stored
/// as they are; records that are appended and seldom looked at again lie in large ones, which pack four to one.
pub(crate) fn room(table: Table) -> usize {
    match table {
        Table::Payment | Table::Request | Table::Refund | Table::Portability => 16 << 10,
        Table::Ledger
        | Table::Policy
        | Table::Province
        | Table::Area
        | Table::Institution
        | Table::Person
        | Table::Relation
        | Table::Pair
        | Table::Giving
        | Table::Lapsing
        | Table::Obligation
        | Table::Receiving
        | Table::Expiring
        | Table::Offer
        | Table::Returning
        | Table::Hold
        | Table::Resolving
        | Table::Premium
        | Table::Releasing
        | Table::Case
        | Table::Due
        | Table::Calendar
        | Table::Tariff
        | Table::Period
        | Table::Clearing
        | Table::Prepayment
        | Table::Tally
        | Table::Usage
        | Table::Day
        | Table::Offering => 2 << 10,
    }
}

/// A record of a page: the key's bytes behind its table's number, and the value's.
pub(crate) type Record<'a> = (&'a [u8], &'a [u8]);

/// What one record takes in a page.
pub(crate) fn weight(record: &Record<'_>) -> usize {
    record.0.len() + record.1.len() + 5
}

/// The page's bytes.
pub(crate) fn encode(name: &[u8], records: &[Record<'_>]) -> Vec<u8> {
    let mut body = Vec::with_capacity(records.iter().map(weight).sum::<usize>());
    for (suffix, value) in records {
        body.push(u8::try_from(suffix.len()).expect("a key has at most 41 bytes"));
        body.extend_from_slice(suffix);
        body.extend_from_slice(&u32::try_from(value.len()).expect("a value is at most 16 MiB").to_le_bytes());
        body.extend_from_slice(value);
    }
    let (format, body) = match (body.len() >= PACK_FROM).then(|| pack(&body)).flatten() {
        Some(packed) => (PACKED, packed),
        None => (PLAIN, body),
    };
    let mut out = Vec::with_capacity(HEAD + body.len());
    out.push(format);
    out.extend_from_slice(&checksum(format, name, &body).to_le_bytes());
    out.extend_from_slice(&body);
    out
}

/// A stored page, checked and unpacked.
pub(crate) struct Page<'a> {
    /// The table's number, which leads every key.
    table: u8,
    body: Cow<'a, [u8]>,
}

impl<'a> Page<'a> {
    /// Opens a page stored under this name.
    ///
    /// # Errors
    /// What is wrong with the bytes, in words.
    pub(crate) fn open(name: &[u8], bytes: &'a [u8]) -> Result<Page<'a>, String> {
        let (Some(&table), Some((head, body))) = (name.first(), bytes.split_first_chunk::<HEAD>()) else {
            return Err(format!("a page of {} bytes", bytes.len()));
        };
        if !matches!(head[0], PLAIN | PACKED) {
            return Err(format!("page format {}, this binary reads {PLAIN} and {PACKED}", head[0]));
        }
        let stored = u32::from_le_bytes([head[1], head[2], head[3], head[4]]);
        if stored != checksum(head[0], name, body) {
            return Err("the page's checksum does not match".into());
        }
        let body = if head[0] == PLAIN { Cow::Borrowed(body) } else { Cow::Owned(unpack(body)?) };
        Ok(Page { table, body })
    }

    /// The value of one key, if the page has it.
    pub(crate) fn find(&self, key: &[u8]) -> Result<Option<&[u8]>, String> {
        let mut records = self.records();
        while let Some((suffix, value)) = records.next()? {
            match suffix.cmp(&key[1..]) {
                std::cmp::Ordering::Less => continue,
                std::cmp::Ordering::Equal => return Ok(Some(value)),
                std::cmp::Ordering::Greater => return Ok(None),
            }
        }
        Ok(None)
    }

    /// All records.
    pub(crate) fn collect(&self) -> Result<Vec<Record<'_>>, String> {
        let mut records = self.records();
        let mut all = Vec::new();
        while let Some(record) = records.next()? {
            all.push(record);
        }
        Ok(all)
    }

    /// Shows every record with its whole key, and the key read.
    pub(crate) fn each(
        &self,
        mut each: impl FnMut(Key, &[u8], &[u8]) -> Result<(), Fault>,
        corrupt: impl Fn(String) -> Fault,
    ) -> Result<(), Fault> {
        let mut records = self.records();
        let mut key_bytes = Vec::with_capacity(48);
        while let Some((suffix, value)) = records.next().map_err(&corrupt)? {
            key_bytes.clear();
            key_bytes.push(self.table);
            key_bytes.extend_from_slice(suffix);
            each(key(&key_bytes).map_err(&corrupt)?, &key_bytes, value)?;
        }
        Ok(())
    }

    fn records(&self) -> Records<'_> {
        Records { rest: &self.body }
    }
}

struct Records<'a> {
    rest: &'a [u8],
}

impl<'a> Records<'a> {
    /// The next record: the key's bytes without its table's number, and the value's.
    fn next(&mut self) -> Result<Option<Record<'a>>, String> {
        let Some((&length, rest)) = self.rest.split_first() else { return Ok(None) };
        let cut = || "a record cut short".to_string();
        let (suffix, rest) = rest.split_at_checked(usize::from(length)).ok_or_else(cut)?;
        let (length, rest) = rest.split_first_chunk::<4>().ok_or_else(cut)?;
        let length = u32::from_le_bytes(*length) as usize;
        let (value, rest) = rest.split_at_checked(length).ok_or_else(cut)?;
        self.rest = rest;
        Ok(Some((suffix, value)))
    }
}

thread_local! {
    /// zstd's tables are large: made once per thread, not once per page.
    static PACKER: RefCell<Option<zstd::bulk::Compressor<'static>>> = const { RefCell::new(None) };
    static UNPACKER: RefCell<Option<zstd::bulk::Decompressor<'static>>> = const { RefCell::new(None) };
}

/// The body packed, if that makes it smaller; how long it was comes first.
fn pack(body: &[u8]) -> Option<Vec<u8>> {
    PACKER.with_borrow_mut(|packer| {
        if packer.is_none() {
            *packer = zstd::bulk::Compressor::new(PACK_LEVEL).ok();
        }
        let packed = packer.as_mut()?.compress(body).ok()?;
        let mut out = Vec::with_capacity(packed.len() + 4);
        out.extend_from_slice(&u32::try_from(body.len()).ok()?.to_le_bytes());
        out.extend_from_slice(&packed);
        (out.len() < body.len()).then_some(out)
    })
}

fn unpack(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let (length, packed) = bytes.split_first_chunk::<4>().ok_or("a packed page cut short")?;
    let length = u32::from_le_bytes(*length) as usize;
    if length > BODY_MAX || !blocks::says_length(packed, length) {
        return Err("a packed page of an impossible length".into());
    }
    UNPACKER.with_borrow_mut(|unpacker| {
        if unpacker.is_none() {
            *unpacker = Some(zstd::bulk::Decompressor::new().map_err(|e| e.to_string())?);
        }
        let unpacker = unpacker.as_mut().expect("made just now");
        let body =
            unpacker.decompress(packed, length).map_err(|e| format!("a page that does not unpack: {e}"))?;
        if body.len() == length { Ok(body) } else { Err("a page that unpacks to another length".into()) }
    })
}

/// The key of these bytes.
pub(crate) fn key(bytes: &[u8]) -> Result<Key, String> {
    Key::read(bytes).ok_or_else(|| format!("{} bytes that are not a key", bytes.len()))
}

/// Cuts the records of one page, after a change, into pages.
///
/// `appended`: everything new lies behind the last old record. Then pages are filled from the left, so that the old page
/// stays as it is and the next ones are full; otherwise the records are spread evenly, leaving room on both sides.
pub(crate) fn cut(table: Table, records: Vec<Record<'_>>, appended: bool) -> Vec<Vec<Record<'_>>> {
    let room = room(table);
    let total: usize = records.iter().map(weight).sum();
    if total <= room {
        return if records.is_empty() { Vec::new() } else { vec![records] };
    }
    let target = if appended {
        room
    } else {
        let pages = total.div_ceil(room * 17 / 20).max(2);
        total.div_ceil(pages)
    };
    let mut pages = Vec::new();
    let mut page: Vec<Record<'_>> = Vec::new();
    let mut filled = 0;
    for record in records {
        let weight = weight(&record);
        if !page.is_empty() && filled + weight > target {
            pages.push(std::mem::take(&mut page));
            filled = 0;
        }
        filled += weight;
        page.push(record);
    }
    pages.push(page);
    pages
}

fn checksum(format: u8, name: &[u8], body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&[format]);
    hasher.update(name);
    hasher.update(body);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    type Owned = Vec<(Vec<u8>, Vec<u8>)>;

    fn record(number: u8, bytes: usize) -> (Vec<u8>, Vec<u8>) {
        (vec![number], vec![number; bytes])
    }

    fn lent(records: &Owned) -> Vec<Record<'_>> {
        records.iter().map(|(key, value)| (key.as_slice(), value.as_slice())).collect()
    }

    #[test]
    fn a_page_gives_back_what_was_put_in_and_notices_every_flipped_bit() {
        for long in [1, 40] {
            flip_each_bit((0..20).map(|n| record(n * 2, usize::from(n) * long)).collect(), long == 40);
        }
    }

    fn flip_each_bit(owned: Owned, packed: bool) {
        let page = encode(&[6, 0], &lent(&owned));
        assert_eq!(page[0] == PACKED, packed);
        let open = Page::open(&[6, 0], &page).expect("a page");
        assert_eq!(open.collect(), Ok(lent(&owned)));
        assert_eq!(open.find(&[6, 8]), Ok(Some(&owned[4].1[..])));
        assert_eq!(open.find(&[6, 9]), Ok(None));
        assert_eq!(open.find(&[6, 200]), Ok(None));
        assert!(Page::open(&[6, 1], &page).is_err(), "a page under another name");
        for bit in 0..page.len() * 8 {
            let mut damaged = page.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(Page::open(&[6, 0], &damaged).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn cutting_keeps_every_record_in_order_and_every_page_within_its_room() {
        for appended in [false, true] {
            for count in [1, 5, 60, 250] {
                let all: Owned = (0..count).map(|n| record(n, 90)).collect();
                let pages = cut(Table::Person, lent(&all), appended);
                assert!(pages.iter().all(|p| p.iter().map(weight).sum::<usize>() <= room(Table::Person)));
                assert!(pages.iter().all(|p| !p.is_empty()));
                assert_eq!(pages.concat(), lent(&all));
            }
        }
        let huge = vec![record(1, 10), record(2, 100_000), record(3, 10)];
        assert_eq!(cut(Table::Person, lent(&huge), false).concat(), lent(&huge));
    }
}
