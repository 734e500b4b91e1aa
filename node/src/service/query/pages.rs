//! Lists, a page at a time.

use super::super::unwell;
use crate::state::{Reader, State};
use ::ledger::{Key, Row, View};
use proto::status;
use proto::v1::Reason;
use std::sync::Arc;
use tonic::Status;

/// The most rows of one page, and how many when none are asked for.
const PAGE_MAX: u32 = 1_000;
const PAGE_USUAL: u32 = 100;
/// Rows that one call looks at, at most, to fill a page, and in one step.
const SCAN_MAX: usize = 20_000;
const SCAN_STEP: usize = 500;

/// How many rows a page has.
pub fn page_rows(asked: u32) -> usize {
    (if asked == 0 { PAGE_USUAL } else { asked.min(PAGE_MAX) }) as usize
}

/// A page token is the key to go on from, and a hash of what was asked: a token of another question is refused.
pub fn make_token(filter: &str, next: &Key) -> String {
    let key = ::ledger::codec::encode_key(next);
    let mut token = format!("{:08x}", crc32fast::hash(filter.as_bytes()));
    for byte in key {
        token.push_str(&format!("{byte:02x}"));
    }
    token
}

/// The key that a token leads to; none without a token.
pub fn read_token(filter: &str, token: &str) -> Result<Option<Key>, Status> {
    if token.is_empty() {
        return Ok(None);
    }
    let (check, key) = token.split_at_checked(8).ok_or_else(token_invalid)?;
    if check != format!("{:08x}", crc32fast::hash(filter.as_bytes())) || !key.is_ascii() {
        return Err(token_invalid());
    }
    let digits =
        |pair: &[u8]| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok());
    let bytes: Option<Vec<u8>> = key.as_bytes().chunks(2).map(digits).collect();
    bytes.and_then(|bytes| Key::read(&bytes)).map(Some).ok_or_else(token_invalid)
}

/// A token of another question, or of nobody's.
pub fn token_invalid() -> Status {
    status::status(Reason::PageTokenInvalid, "")
}

/// Where a page begins: the token comes from outside, and may lead nowhere but between the first key and the end.
pub fn begin(filter: &str, token: &str, first: Key, until: Key) -> Result<Key, Status> {
    let from = read_token(filter, token)?.unwrap_or(first);
    if from < first || from >= until { Err(token_invalid()) } else { Ok(from) }
}

/// The next rows that are wanted, at most `most`, from a key on, and the token of the page behind them.
pub fn page<T>(
    reader: &Reader<'_>,
    filter: &str,
    mut from: Key,
    until: Key,
    most: usize,
    wanted: impl Fn(&Key, &Row) -> Option<T>,
) -> Result<(Vec<T>, String), Status> {
    let mut found = Vec::new();
    // A range has no exclusive start: each read begins with the last key of the one before.
    let (mut seen, mut scanned) = (None, 0);
    loop {
        let rows = reader.range(&from, &until, SCAN_STEP).map_err(|fault| unwell(&fault))?;
        let full = rows.len() == SCAN_STEP;
        for (key, row) in rows {
            if seen == Some(key) {
                continue;
            }
            scanned += 1;
            // A full page, or enough looked at for one call: the rest is the next page's.
            if found.len() == most || scanned > SCAN_MAX {
                return Ok((found, make_token(filter, &key)));
            }
            (seen, from) = (Some(key), key);
            found.extend(wanted(&key, &row));
        }
        if !full {
            return Ok((found, String::new()));
        }
    }
}

/// The state as it passes by: each read sees it anew, so that a long one holds nobody up. For what is only ever added to,
/// and for sums over rows that are each right by themselves.
pub struct Passing(pub State);

impl View for Passing {
    type Fault = crate::fault::Fault;

    fn get(&self, key: &Key) -> Result<Option<Arc<Row>>, Self::Fault> {
        self.0.reader().get(key)
    }

    fn range(&self, from: &Key, until: &Key, most: usize) -> Result<Vec<(Key, Arc<Row>)>, Self::Fault> {
        self.0.reader().range(from, until, most)
    }
}
