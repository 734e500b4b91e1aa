//! How the ledger's small values are written on the wire: parsers that say what is wrong, and printers.
//!
//! They stand on the path of every transaction, so they work on the bytes at hand and allocate nothing but the text
//! they give back. Each value has one way to be written; any other is turned away, so equal requests are equal bytes.

use ledger::money::Sum;
use ledger::{
    Area, Fen, Institution, Month, PaymentId, Person, Position, Province, RelationId, RequestId, Stamp,
};

/// What is wrong with a text, as the end of a sentence that starts with the field's name.
pub type Problem = &'static str;

/// The digits before the point of the largest amount.
const YUAN_DIGITS_MAX: usize = 14;
/// The last second of the year 9999, the last that a timestamp can be written in.
const SECONDS_MAX: u64 = 253_402_300_799;

/// Reads an amount: "98.60".
pub fn yuan(text: &str) -> Result<Fen, Problem> {
    const FORM: Problem = "is not an amount in yuan with exactly two decimals, such as \"98.60\"";
    let bytes = text.as_bytes();
    match bytes {
        [] => return Err("is empty"),
        [b'-', ..] => return Err("is negative"),
        _ => {}
    }
    let point = bytes.iter().position(|byte| *byte == b'.').ok_or(FORM)?;
    let (whole, decimals) = (&bytes[..point], &bytes[point + 1..]);
    let digits = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
    if whole.is_empty() || !digits(whole) || !digits(decimals) {
        return Err(FORM);
    }
    let &[tens, ones] = decimals else {
        return Err(if decimals.len() > 2 { "has more than two decimals" } else { FORM });
    };
    if whole.len() > 1 && whole[0] == b'0' {
        return Err("starts with a zero too many");
    }
    if whole.len() > YUAN_DIGITS_MAX {
        return Err("is above 99999999999999.99, the largest amount");
    }
    let add = |sum: u64, digit: &u8| sum * 10 + u64::from(digit - b'0');
    let fen = [tens, ones].iter().fold(whole.iter().fold(0, add), add);
    Fen::new(fen).ok_or("is above 99999999999999.99, the largest amount")
}

/// Writes an amount.
pub fn of_yuan(amount: Fen) -> String {
    // 14 digits, the point and two more.
    let mut buffer = [0_u8; 17];
    let (whole, decimals) = (amount.get() / 100, amount.get() % 100);
    buffer[14] = b'.';
    buffer[15] = b'0' + (decimals / 10) as u8;
    buffer[16] = b'0' + (decimals % 10) as u8;
    let at = digits_before(&mut buffer, 14, whole);
    ascii(&buffer[at..])
}

/// Writes a sum of amounts.
pub fn of_sum(sum: Sum) -> String {
    format!("{}.{:02}", sum.get() / 100, sum.get() % 100)
}

/// Writes what is left of a sum after another; it may be below zero.
pub fn of_difference(sum: Sum, less: Sum) -> String {
    let fen = sum.get().abs_diff(less.get());
    let sign = if sum < less { "-" } else { "" };
    format!("{sign}{}.{:02}", fen / 100, fen % 100)
}

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

/// Reads a place in the log: "1311-0".
fn position(text: &str) -> Result<Position, Problem> {
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
fn of_position(position: Position) -> String {
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

/// Reads a relation.
pub fn relation(text: &str) -> Result<RelationId, Problem> {
    position(text).map(RelationId)
}

/// Writes a relation.
pub fn of_relation(relation: RelationId) -> String {
    of_position(relation.0)
}

/// Reads a payment.
pub fn payment(text: &str) -> Result<PaymentId, Problem> {
    position(text).map(PaymentId)
}

/// Writes a payment.
pub fn of_payment(payment: PaymentId) -> String {
    of_position(payment.0)
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

/// Reads a month: "2026-10".
pub fn month(text: &str) -> Result<Month, Problem> {
    const FORM: Problem = "is not a month, such as \"2026-10\"";
    if text.is_empty() {
        return Err("is empty");
    }
    let (year, month) = text.split_once('-').ok_or(FORM)?;
    let (year, month) = (digits(year, 4, FORM)?, digits(month, 2, FORM)?);
    let (year, month) = (u16::try_from(year).map_err(|_| FORM)?, u8::try_from(month).map_err(|_| FORM)?);
    Month::new(year, month).ok_or("is not a month: there are twelve in a year")
}

/// Writes a month.
pub fn of_month(month: Month) -> String {
    format!("{:04}-{:02}", month.year, month.month)
}

/// Reads a moment; what is finer than a millisecond is dropped.
pub fn stamp(seconds: i64, nanos: i32) -> Result<Stamp, Problem> {
    let seconds = u64::try_from(seconds).map_err(|_| "lies before 1970")?;
    if seconds > SECONDS_MAX {
        return Err("lies after the year 9999");
    }
    match u32::try_from(nanos) {
        Ok(nanos) if nanos < 1_000_000_000 => Ok(Stamp(seconds * 1000 + u64::from(nanos / 1_000_000))),
        _ => Err("has nanoseconds outside 0 to 999999999"),
    }
}

/// A moment as seconds and nanoseconds. One after the year 9999 cannot be written: the last that can stands for it.
pub fn of_stamp(stamp: Stamp) -> (i64, i32) {
    let ms = stamp.0.min(SECONDS_MAX * 1000 + 999);
    ((ms / 1000) as i64, (ms % 1000) as i32 * 1_000_000)
}
