//! Names of things. Each is its own type: no function takes two bare integers.

use core::fmt;
use serde::{Deserialize, Serialize};

/// A province-level code, the first two digits of GB/T 2260 (XPCC is 66).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8")]
pub struct Province(u8);

impl TryFrom<u8> for Province {
    type Error = &'static str;

    fn try_from(code: u8) -> Result<Province, &'static str> {
        Province::new(code).ok_or("not a province of the scheme")
    }
}

impl Province {
    /// The 32 provinces of the scheme (domain.md 3), in ascending order of code.
    pub const ALL: [u8; 32] = [
        11, 12, 13, 14, 15, 21, 22, 23, 31, 32, 33, 34, 35, 36, 37, 41, 42, 43, 44, 45, 46, 50, 51, 52, 53,
        54, 61, 62, 63, 64, 65, 66,
    ];

    pub(crate) const MIN: Province = Province(11);
    pub(crate) const MAX: Province = Province(66);

    /// The province of this code, if it belongs to the scheme.
    pub fn new(code: u8) -> Option<Province> {
        Self::ALL.binary_search(&code).ok().map(|_| Province(code))
    }

    /// The two-digit code.
    pub const fn code(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Province {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A pooling area (统筹区): six digits, usually a prefecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32")]
pub struct Area(u32);

impl TryFrom<u32> for Area {
    type Error = &'static str;

    fn try_from(code: u32) -> Result<Area, &'static str> {
        Area::new(code).ok_or("not an area of the scheme")
    }
}

impl Area {
    pub(crate) const MIN: Area = Area(110_000);
    pub(crate) const MAX: Area = Area(669_999);

    /// The area of this code, if its first two digits name a province of the scheme.
    pub fn new(code: u32) -> Option<Area> {
        let province = u8::try_from(code / 10_000).ok()?;
        (code <= 999_999).then_some(())?;
        Province::new(province).map(|_| Area(code))
    }

    /// The six-digit code.
    pub const fn code(self) -> u32 {
        self.0
    }

    /// The province that the area lies in.
    pub fn province(self) -> Province {
        Province((self.0 / 10_000) as u8)
    }
}

impl fmt::Display for Area {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:06}", self.0)
    }
}

/// An insured person: an opaque id of 16 bytes (a UUID outside). Names and certificate numbers stay outside.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Person(#[serde(with = "crate::codec::sixteen")] pub [u8; 16]);

impl fmt::Debug for Person {
    /// Masked: a person is never printed whole, not even by accident.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Person(..{:02x}{:02x})", self.0[14], self.0[15])
    }
}

/// A designated institution (定点医药机构): `fixmedins_code`, a letter (H hospital, P pharmacy) and 11 digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "(u64, u32)", into = "(u64, u32)")]
pub struct Institution([u8; 12]);

/// Stored as its twelve bytes, written in two pieces.
impl From<Institution> for (u64, u32) {
    fn from(Institution(code): Institution) -> (u64, u32) {
        let [a, b, c, d, e, f, g, h, i, j, k, l] = code;
        (u64::from_le_bytes([a, b, c, d, e, f, g, h]), u32::from_le_bytes([i, j, k, l]))
    }
}

impl TryFrom<(u64, u32)> for Institution {
    type Error = &'static str;

    fn try_from((head, tail): (u64, u32)) -> Result<Institution, &'static str> {
        let mut code = [0; 12];
        code[..8].copy_from_slice(&head.to_le_bytes());
        code[8..].copy_from_slice(&tail.to_le_bytes());
        let code = core::str::from_utf8(&code).map_err(|_| "an institution code that is not ASCII")?;
        Institution::new(code).ok_or("not the form of an institution code")
    }
}

impl Institution {
    pub(crate) const MIN: Institution = Institution(*b"H00000000000");
    pub(crate) const MAX: Institution = Institution(*b"P99999999999");

    /// The institution of this code, if it has the form of one.
    pub fn new(code: &str) -> Option<Institution> {
        let bytes: [u8; 12] = code.as_bytes().try_into().ok()?;
        let letter = matches!(bytes[0], b'H' | b'P');
        let digits = bytes[1..].iter().all(u8::is_ascii_digit);
        (letter && digits).then_some(Institution(bytes))
    }

    /// The code as text.
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).expect("checked to be ASCII when made")
    }

    /// The code as bytes, for keys.
    pub const fn bytes(&self) -> &[u8; 12] {
        &self.0
    }
}

/// Where a transaction stands in the log: the entry's index, and its place within the entry.
/// What a transaction creates is named by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position {
    /// Log index of the entry.
    pub index: u64,
    /// Place within the entry, from 0.
    pub place: u16,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.index, self.place)
    }
}

/// A mutual-aid relation, named by the position of its proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RelationId(pub Position);

/// A settlement, named by its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PaymentId(pub Position);

/// An offer of a quota that waits for the beneficiary (policy), named by its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OfferId(pub Position);

/// An authorised spending that waits for its confirmation, named by its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct HoldId(pub Position);

/// A refund, or its undoing, named by its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RefundId(pub Position);

/// A case of portability (转移接续), named by the position of its application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CaseId(pub Position);

/// A reference to a file kept outside (the case number of a suspension or a dispute): 1 to 24 ASCII letters, digits
/// and hyphens, padded with zeros. Never a name or a certificate number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "[u8; 24]")]
pub struct FileNumber([u8; 24]);

impl TryFrom<[u8; 24]> for FileNumber {
    type Error = &'static str;

    fn try_from(bytes: [u8; 24]) -> Result<FileNumber, &'static str> {
        FileNumber::new(padded(&bytes))
            .filter(|number| number.0 == bytes)
            .ok_or("not the form of a file number")
    }
}

impl FileNumber {
    /// The number, if it has the form of one.
    pub fn new(text: &str) -> Option<FileNumber> {
        let fits = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        pad(text).filter(|_| fits && !text.is_empty()).map(FileNumber)
    }

    /// The number as text.
    pub fn as_str(&self) -> &str {
        padded(&self.0)
    }
}

/// A kind of medical service (`med_type`): 2 to 8 digits. Provinces extend the national two-digit kinds (2101, 140104),
/// so the first two digits say the class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct MedType([u8; 8]);

/// Stored as its eight bytes, written in one piece.
impl From<MedType> for u64 {
    fn from(MedType(bytes): MedType) -> u64 {
        u64::from_le_bytes(bytes)
    }
}

impl TryFrom<u64> for MedType {
    type Error = &'static str;

    fn try_from(bytes: u64) -> Result<MedType, &'static str> {
        let bytes = bytes.to_le_bytes();
        MedType::new(padded(&bytes)).filter(|kind| kind.0 == bytes).ok_or("not the form of a med_type")
    }
}

impl MedType {
    /// 11 普通门诊.
    pub const OUTPATIENT: MedType = MedType(*b"11\0\0\0\0\0\0");
    /// 41 药店购药.
    pub const PHARMACY: MedType = MedType(*b"41\0\0\0\0\0\0");

    /// The kind, if it has the form of one.
    pub fn new(text: &str) -> Option<MedType> {
        let fits = text.len() >= 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        pad(text).filter(|_| fits).map(MedType)
    }

    /// The kind as text.
    pub fn as_str(&self) -> &str {
        padded(&self.0)
    }

    /// The national kind that it belongs to: its first two digits.
    pub fn class(&self) -> u8 {
        (self.0[0] - b'0') * 10 + (self.0[1] - b'0')
    }
}

/// Text behind which zeros fill the rest, if it fits.
fn pad<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    bytes.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
    Some(bytes)
}

/// The text before the zeros; empty if it is none.
fn padded(bytes: &[u8]) -> &str {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    core::str::from_utf8(&bytes[..end]).unwrap_or_default()
}

/// A request id: a UUIDv7 chosen by the caller before the first send. Its first 48 bits are its time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RequestId(#[serde(with = "crate::codec::sixteen")] pub [u8; 16]);

impl RequestId {
    /// The latest time that an id can carry: it has 48 bits for it.
    pub const TIME_MS_MAX: u64 = (1 << 48) - 1;

    /// The smallest id that carries this time, or the latest possible time if it is beyond.
    pub fn earliest_at(time_ms: u64) -> RequestId {
        let mut id = [0; 16];
        id[..6].copy_from_slice(&time_ms.min(Self::TIME_MS_MAX).to_be_bytes()[2..]);
        RequestId(id)
    }

    /// The time that the id carries, in milliseconds since 1970.
    pub fn time_ms(&self) -> u64 {
        self.0[..6].iter().fold(0, |time, byte| time << 8 | u64::from(*byte))
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, byte) in self.0.iter().enumerate() {
            if matches!(i, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}
