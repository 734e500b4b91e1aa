//! How records lie in a stored page.
//!
//! A page is a run of neighbouring records of one table, named by a key that is not above its first
//! record: a record is in the page with the greatest name not above its key. Pages split when they grow past
//! their table's room. So a table that is appended to (payments, remembered requests) is written as few, full pages, and
//! the cost of a write, which is per page and not per byte, is shared by many records.
//!
//! ```text
//! page    version u8 = 1 | crc32 of name and body | body = records, ascending
//! record  key length u8 | key without its table's number | value length u32 | value
//! ```
//! A page too large for one stored value (one record alone may be) is stored in parts; see `store`.

use ledger::{Key, Table};

/// The version that leads every stored page.
const VERSION: u8 = 1;
const HEAD: usize = 5;

/// How many bytes a page of this table may grow to before it is split. Measured (`examples/state_speed`): a
/// write costs about the same up to 1 KiB; above, it grows with the bytes. Records that change one by one lie in small
/// pages, records that are appended and seldom touched again in large ones.
pub(crate) fn room(table: Table) -> usize {
    match table {
        Table::Payment | Table::Request => 8 << 10,
        Table::Giving | Table::Lapsing | Table::Pair | Table::Obligation => 2 << 10,
        Table::Ledger
        | Table::Policy
        | Table::Province
        | Table::Area
        | Table::Institution
        | Table::Person
        | Table::Relation => 1 << 10,
    }
}

/// A record of a page: the key's bytes and the value's.
pub(crate) type Record = (Vec<u8>, Vec<u8>);

/// What one record takes in a page.
pub(crate) fn weight(record: &Record) -> usize {
    record.0.len() + record.1.len() + 4
}

/// The page's bytes.
pub(crate) fn encode(name: &[u8], records: &[Record]) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEAD + records.iter().map(weight).sum::<usize>());
    out.push(VERSION);
    out.extend_from_slice(&[0; 4]);
    for (key, value) in records {
        let suffix = &key[1..];
        out.push(u8::try_from(suffix.len()).expect("a key has at most 41 bytes"));
        out.extend_from_slice(suffix);
        out.extend_from_slice(&u32::try_from(value.len()).expect("a value is at most 16 MiB").to_le_bytes());
        out.extend_from_slice(value);
    }
    let crc = checksum(name, &out[HEAD..]);
    out[1..HEAD].copy_from_slice(&crc.to_le_bytes());
    out
}

/// The records of a page, checked against its name.
pub(crate) struct Records<'a> {
    table: u8,
    rest: &'a [u8],
}

/// Opens a page.
///
/// # Errors
/// What is wrong with the bytes, in words.
pub(crate) fn records<'a>(name: &[u8], bytes: &'a [u8]) -> Result<Records<'a>, String> {
    let (Some(&table), Some((head, body))) = (name.first(), bytes.split_first_chunk::<HEAD>()) else {
        return Err(format!("a page of {} bytes", bytes.len()));
    };
    if head[0] != VERSION {
        return Err(format!("page format {}, this binary reads {VERSION}", head[0]));
    }
    let stored = u32::from_le_bytes([head[1], head[2], head[3], head[4]]);
    if stored != checksum(name, body) {
        return Err("the page's checksum does not match".into());
    }
    Ok(Records { table, rest: body })
}

impl<'a> Records<'a> {
    /// The next record: the key's bytes without its table's number, and the value's.
    pub(crate) fn next(&mut self) -> Result<Option<(&'a [u8], &'a [u8])>, String> {
        let Some((&length, rest)) = self.rest.split_first() else { return Ok(None) };
        let cut = || "a record cut short".to_string();
        let (suffix, rest) = rest.split_at_checked(usize::from(length)).ok_or_else(cut)?;
        let (length, rest) = rest.split_first_chunk::<4>().ok_or_else(cut)?;
        let length = u32::from_le_bytes(*length) as usize;
        let (value, rest) = rest.split_at_checked(length).ok_or_else(cut)?;
        self.rest = rest;
        Ok(Some((suffix, value)))
    }

    /// All that is left, with whole keys.
    pub(crate) fn collect(mut self) -> Result<Vec<Record>, String> {
        let mut all = Vec::new();
        while let Some((suffix, value)) = self.next()? {
            let mut key = Vec::with_capacity(suffix.len() + 1);
            key.push(self.table);
            key.extend_from_slice(suffix);
            all.push((key, value.to_vec()));
        }
        Ok(all)
    }
}

/// The value of one key in a page.
pub(crate) fn find<'a>(name: &[u8], bytes: &'a [u8], key: &[u8]) -> Result<Option<&'a [u8]>, String> {
    let mut records = records(name, bytes)?;
    while let Some((suffix, value)) = records.next()? {
        match suffix.cmp(&key[1..]) {
            std::cmp::Ordering::Less => continue,
            std::cmp::Ordering::Equal => return Ok(Some(value)),
            std::cmp::Ordering::Greater => return Ok(None),
        }
    }
    Ok(None)
}

/// The key of these bytes.
pub(crate) fn key(bytes: &[u8]) -> Result<Key, String> {
    Key::read(bytes).ok_or_else(|| format!("{} bytes that are not a key", bytes.len()))
}

/// Cuts the records of one page, after a change, into pages.
///
/// `appended`: everything new lies behind the last old record. Then pages are filled from the left, so that the old page
/// stays as it is and the next ones are full; otherwise the records are spread evenly, leaving room on both sides.
pub(crate) fn cut(table: Table, records: Vec<Record>, appended: bool) -> Vec<Vec<Record>> {
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
    let mut page: Vec<Record> = Vec::new();
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

fn checksum(name: &[u8], body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(name);
    hasher.update(body);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(number: u8, bytes: usize) -> Record {
        (vec![6, number], vec![number; bytes])
    }

    #[test]
    fn a_page_gives_back_what_was_put_in_and_notices_every_flipped_bit() {
        let records_in: Vec<Record> = (0..20).map(|n| record(n * 2, usize::from(n))).collect();
        let page = encode(&[6, 0], &records_in);
        assert_eq!(records(&[6, 0], &page).and_then(Records::collect), Ok(records_in));
        assert_eq!(find(&[6, 0], &page, &[6, 8]), Ok(Some(&[8u8; 4][..])));
        assert_eq!(find(&[6, 0], &page, &[6, 9]), Ok(None));
        assert_eq!(find(&[6, 0], &page, &[6, 200]), Ok(None));
        assert!(records(&[6, 1], &page).is_err(), "a page under another name");
        for bit in 0..page.len() * 8 {
            let mut damaged = page.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(records(&[6, 0], &damaged).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn cutting_keeps_every_record_in_order_and_every_page_within_its_room() {
        for appended in [false, true] {
            for count in [1, 5, 60, 250] {
                let all: Vec<Record> = (0..count).map(|n| record(n, 90)).collect();
                let pages = cut(Table::Person, all.clone(), appended);
                assert!(pages.iter().all(|p| p.iter().map(weight).sum::<usize>() <= room(Table::Person)));
                assert!(pages.iter().all(|p| !p.is_empty()));
                assert_eq!(pages.concat(), all);
            }
        }
        let huge = vec![record(1, 10), record(2, 100_000), record(3, 10)];
        assert_eq!(cut(Table::Person, huge.clone(), false).concat(), huge);
    }
}
