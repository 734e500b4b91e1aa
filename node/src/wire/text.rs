//! How the ledger's small values are written on the wire: parsers that say what is wrong, and printers.
//!
//! They stand on the path of every transaction, so they work on the bytes at hand and allocate nothing but the text
//! they give back. Each value has one way to be written; any other is turned away, so equal requests are equal bytes.

mod money;
mod time;

pub use money::*;
pub use time::*;

use ledger::digest::RowHash;
use ledger::{
    Area, CaseId, FileNumber, HoldId, Institution, MedType, OfferId, PaymentId, Person, Position, Province,
    RefundId, RelationId, RequestId,
};

/// What is wrong with a text, as the end of a sentence that starts with the field's name.
pub type Problem = &'static str;

/// The value of each hexadecimal digit; 0xff for a byte that is none.
const HEX: [u8; 256] = {
    let mut table = [0xff_u8; 256];
    let mut digit = 0;
    while digit < 16 {
        table[b"0123456789abcdef"[digit] as usize] = digit as u8;
        table[b"0123456789ABCDEF"[digit] as usize] = digit as u8;
        digit += 1;
    }
    table
};

/// Reads a UUID of 36 characters.
pub fn uuid(text: &str) -> Result<[u8; 16], Problem> {
    const FORM: Problem = "is not a UUID of 36 characters";
    // Where the two digits of each byte stand: 8-4-4-4-12.
    const AT: [usize; 16] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];
    let bytes: &[u8; 36] = match text.as_bytes() {
        [] => return Err("is empty"),
        bytes => bytes.try_into().map_err(|_| FORM)?,
    };
    if [bytes[8], bytes[13], bytes[18], bytes[23]] != *b"----" {
        return Err(FORM);
    }
    let mut id = [0; 16];
    let mut bad = 0;
    for (byte, at) in id.iter_mut().zip(AT) {
        let (high, low) = (HEX[usize::from(bytes[at])], HEX[usize::from(bytes[at + 1])]);
        bad |= high | low;
        *byte = high << 4 | low & 0x0f;
    }
    if bad > 0x0f { Err(FORM) } else { Ok(id) }
}

/// Writes a UUID.
pub fn of_uuid(id: [u8; 16]) -> String {
    let mut buffer = [0; uuid::fmt::Hyphenated::LENGTH];
    uuid::Uuid::from_bytes(id).hyphenated().encode_lower(&mut buffer).to_owned()
}

/// Reads a request id: a UUIDv7.
pub fn request_id(text: &str) -> Result<RequestId, Problem> {
    let id = uuid(text)?;
    if id[6] >> 4 != 7 || id[8] >> 6 != 0b10 {
        return Err("is not a UUIDv7");
    }
    Ok(RequestId(id))
}

/// Writes a request id.
pub fn of_request_id(request: RequestId) -> String {
    of_uuid(request.0)
}

/// Reads a person: a UUID, and never an identity number.
pub fn person(text: &str) -> Result<Person, Problem> {
    match uuid(text) {
        Ok([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]) => Err("is the empty UUID"),
        Ok(id) => Ok(Person(id)),
        Err(_) if looks_like_identity_number(text.trim()) => {
            Err("looks like an identity number; the ledger takes opaque UUIDs only")
        }
        Err(problem) => Err(problem),
    }
}

/// Writes a person.
pub fn of_person(person: Person) -> String {
    of_uuid(person.0)
}

/// True for 17 digits and a digit or X, and for the 15 digits of old numbers.
fn looks_like_identity_number(text: &str) -> bool {
    let bytes = text.as_bytes();
    match bytes {
        [digits @ .., last] if bytes.len() == 18 => {
            digits.iter().all(u8::is_ascii_digit) && (last.is_ascii_digit() || matches!(last, b'X' | b'x'))
        }
        _ => bytes.len() == 15 && bytes.iter().all(u8::is_ascii_digit),
    }
}

/// Writes a hash in hexadecimal digits.
pub fn of_hash(hash: RowHash) -> String {
    crate::fault::hex(&hash.bytes())
}

/// Reads a place in the log: "1311-0".
pub fn position(text: &str) -> Result<Position, Problem> {
    const FORM: Problem = "is not of the form INDEX-PLACE, such as \"1311-0\"";
    if text.is_empty() {
        return Err("is empty");
    }
    let (index, place) = text.split_once('-').ok_or(FORM)?;
    let canonical = |part: &str| {
        let digits = part.bytes().all(|byte| byte.is_ascii_digit());
        !part.is_empty() && digits && (part.len() == 1 || !part.starts_with('0'))
    };
    if !canonical(index) || !canonical(place) {
        return Err(FORM);
    }
    Ok(Position { index: index.parse().map_err(|_| FORM)?, place: place.parse().map_err(|_| FORM)? })
}

/// Writes a place in the log.
pub fn of_position(position: Position) -> String {
    // 20 digits of an index, the hyphen and 5 digits of a place.
    let mut buffer = [0_u8; 26];
    let mut at = digits_before(&mut buffer, 26, u64::from(position.place));
    at -= 1;
    buffer[at] = b'-';
    let at = digits_before(&mut buffer, at, position.index);
    ascii(&buffer[at..])
}

/// Writes a number so that it ends before a place of the buffer; gives back where it starts.
fn digits_before(buffer: &mut [u8], end: usize, number: u64) -> usize {
    let (mut at, mut rest) = (end, number);
    loop {
        at -= 1;
        buffer[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            return at;
        }
    }
}

/// Bytes that were written here as text.
fn ascii(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).expect("only ASCII was written").to_owned()
}

/// What is named by its place in the log: a reader and a writer each.
macro_rules! places {
    ($($read:ident, $write:ident: $id:ident;)*) => {$(
        #[doc = concat!("Reads the place in the log that is a `", stringify!($id), "`.")]
        pub fn $read(text: &str) -> Result<$id, Problem> {
            position(text).map($id)
        }

        #[doc = concat!("Writes a `", stringify!($id), "` as its place in the log.")]
        pub fn $write(id: $id) -> String {
            of_position(id.0)
        }
    )*};
}

places! {
    relation, of_relation: RelationId;
    payment, of_payment: PaymentId;
    offer, of_offer: OfferId;
    hold, of_hold: HoldId;
    refund, of_refund: RefundId;
    case, of_case: CaseId;
}

/// Reads a number of exactly so many digits.
fn digits(text: &str, count: usize, form: Problem) -> Result<u32, Problem> {
    if text.is_empty() {
        return Err("is empty");
    }
    if text.len() != count || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(form);
    }
    text.parse().map_err(|_| form)
}

/// Reads a province: "32".
pub fn province(text: &str) -> Result<Province, Problem> {
    let code = digits(text, 2, "is not a province of two digits, such as \"32\"")?;
    u8::try_from(code).ok().and_then(Province::new).ok_or("is not a province of the scheme")
}

/// Writes a province.
pub fn of_province(province: Province) -> String {
    province.to_string()
}

/// Reads an area: "320500".
pub fn area(text: &str) -> Result<Area, Problem> {
    let code = digits(text, 6, "is not a pooling area of six digits, such as \"320500\"")?;
    Area::new(code).ok_or("does not start with a province of the scheme")
}

/// Writes an area.
pub fn of_area(area: Area) -> String {
    area.to_string()
}

/// Reads an institution: "H41010000001".
pub fn institution(text: &str) -> Result<Institution, Problem> {
    if text.is_empty() {
        return Err("is empty");
    }
    Institution::new(text).ok_or("is not an institution code: H or P and eleven digits")
}

/// Writes an institution.
pub fn of_institution(institution: Institution) -> String {
    institution.as_str().to_owned()
}

/// Reads a kind of medical service: "11", "140104".
pub fn med_type(text: &str) -> Result<MedType, Problem> {
    MedType::new(text).ok_or("is not a med_type of 2 to 8 digits, such as \"11\"")
}

/// Writes a kind of medical service.
pub fn of_med_type(kind: MedType) -> String {
    kind.as_str().to_owned()
}

/// Reads a case number, and never an identity number.
pub fn file(text: &str) -> Result<FileNumber, Problem> {
    if text.is_empty() {
        return Err("is empty");
    }
    if is_identity_number(text) {
        return Err("is an identity number; the ledger takes case numbers only");
    }
    FileNumber::new(text).ok_or("is not a case number: 1 to 24 letters, digits and hyphens")
}

/// Writes a case number.
pub fn of_file(file: FileNumber) -> String {
    file.as_str().to_owned()
}

/// True for 18 characters that look like an identity number, and whose last one checks the others (GB 11643). Case
/// numbers may well be as long, so the looks alone do not tell.
fn is_identity_number(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() != 18 || !looks_like_identity_number(text) {
        return false;
    }
    // The weight of the last character is 1, of each one before it twice as much, modulo 11.
    let value = |byte: u8| if byte.is_ascii_digit() { u32::from(byte - b'0') } else { 10 };
    let (sum, _) =
        bytes.iter().rev().fold((0, 1), |(sum, weight), byte| (sum + value(*byte) * weight, weight * 2 % 11));
    sum % 11 == 1
}
