//! Bytes of stored records: bincode, fixed-width and canonical, behind a leading version byte.
//!
//! The only file that names bincode. Every value has exactly one encoding, and decoding checks that
//! all bytes were used.

use crate::table::{Key, Row};
use alloc::vec::Vec;
use bincode::config::{Configuration, Fixint, Limit, LittleEndian};
use core::fmt;
use serde::{Serialize, de::DeserializeOwned};

/// The version that leads every stored value. It is never reused for another layout.
pub const VERSION: u8 = 2;

/// The largest value that is decoded, in bytes.
pub const VALUE_MAX: usize = 16 << 20;

const CONFIG: Configuration<LittleEndian, Fixint, Limit<VALUE_MAX>> =
    bincode::config::legacy().with_limit::<VALUE_MAX>();

/// Bytes that are not a value of the expected kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// No bytes at all, or a version that this binary does not know.
    Version(Option<u8>),
    /// Not the layout that the version promises.
    Layout,
    /// Bytes left over behind the value.
    Trailing(usize),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DecodeError::Version(None) => write!(f, "an empty value"),
            DecodeError::Version(Some(version)) => {
                write!(f, "format version {version}, this binary reads version {VERSION}")
            }
            DecodeError::Layout => write!(f, "a value that does not decode"),
            DecodeError::Trailing(bytes) => write!(f, "{bytes} bytes too many behind a value"),
        }
    }
}

impl core::error::Error for DecodeError {}

/// Appends a value's bytes, without a version.
pub(crate) fn append<T: Serialize>(value: &T, out: &mut Vec<u8>) {
    bincode::serde::encode_into_writer(value, Tail(out), bincode::config::legacy())
        .expect("records are plain data, which always encodes");
}

/// Writes straight behind what is there: no second buffer.
struct Tail<'a>(&'a mut Vec<u8>);

impl bincode::enc::write::Writer for Tail<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), bincode::error::EncodeError> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

/// Sixteen bytes as one number: what is stored is the same as for one after another, and costs a fraction.
pub(crate) mod sixteen {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8; 16], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u128(u128::from_le_bytes(*bytes))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<[u8; 16], D::Error> {
        u128::deserialize(from).map(u128::to_le_bytes)
    }
}

/// A value from exactly these bytes, without a version.
pub(crate) fn from_bytes<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    let (value, used) = bincode::serde::decode_from_slice(bytes, CONFIG).map_err(|_| DecodeError::Layout)?;
    match bytes.len() - used {
        0 => Ok(value),
        rest => Err(DecodeError::Trailing(rest)),
    }
}

/// A value's bytes behind the version byte.
pub fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    let mut out = Vec::with_capacity(64);
    out.push(VERSION);
    append(value, &mut out);
    out
}

/// A value from exactly these bytes, the version byte first.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    from_bytes(versioned(bytes)?)
}

/// Appends a row's bytes behind the version byte: for those who encode many.
pub fn append_row(row: &Row, out: &mut Vec<u8>) {
    out.push(VERSION);
    row.encode(out);
}

/// A row's bytes behind the version byte.
pub fn encode_row(row: &Row) -> Vec<u8> {
    let mut out = Vec::with_capacity(96);
    append_row(row, &mut out);
    out
}

/// The row stored under this key.
pub fn decode_row(key: &Key, bytes: &[u8]) -> Result<Row, DecodeError> {
    Row::decode(key.table(), versioned(bytes)?)
}

/// The key's ordered bytes.
pub fn encode_key(key: &Key) -> Vec<u8> {
    let mut out = Vec::with_capacity(40);
    key.write(&mut out);
    out
}

fn versioned(bytes: &[u8]) -> Result<&[u8], DecodeError> {
    match bytes.split_first() {
        Some((&VERSION, rest)) => Ok(rest),
        other => Err(DecodeError::Version(other.map(|(version, _)| *version))),
    }
}
