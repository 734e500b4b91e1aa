//! Amounts of money.

use super::{Problem, ascii, digits_before};
use ledger::{Fen, Sum};

/// The digits before the point of the largest amount.
const YUAN_DIGITS_MAX: usize = 14;
/// The most digits before the point of a sum: its fen fit into 128 bits.
const SUM_DIGITS_MAX: usize = 36;
/// How an amount looks.
const FORM: Problem = "is not an amount in yuan with exactly two decimals, such as \"98.60\"";

/// Reads an amount: "98.60".
pub fn yuan(text: &str) -> Result<Fen, Problem> {
    const LARGE: Problem = "is above 99999999999999.99, the largest amount";
    let (whole, decimals) = parts(text)?;
    if whole.len() > YUAN_DIGITS_MAX {
        return Err(LARGE);
    }
    let add = |sum: u64, digit: &u8| sum * 10 + u64::from(digit - b'0');
    let fen = decimals.iter().fold(whole.iter().fold(0, add), add);
    Fen::new(fen).ok_or(LARGE)
}

/// Reads a sum of amounts: as an amount, and longer.
pub fn sum(text: &str) -> Result<Sum, Problem> {
    let (whole, decimals) = parts(text)?;
    if whole.len() > SUM_DIGITS_MAX {
        return Err("is longer than any sum");
    }
    let add = |sum: u128, digit: &u8| sum * 10 + u128::from(digit - b'0');
    Ok(Sum::new(decimals.iter().fold(whole.iter().fold(0, add), add)))
}

/// The digits before and behind the point.
fn parts(text: &str) -> Result<(&[u8], &[u8; 2]), Problem> {
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
    let decimals: &[u8; 2] = decimals
        .try_into()
        .map_err(|_| if decimals.len() > 2 { "has more than two decimals" } else { FORM })?;
    if whole.len() > 1 && whole[0] == b'0' {
        return Err("starts with a zero too many");
    }
    Ok((whole, decimals))
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
    signed(sum < less, fen)
}

/// Writes fen that may be below zero.
pub fn of_fen(fen: i128) -> String {
    signed(fen < 0, fen.unsigned_abs())
}

fn signed(below_zero: bool, fen: u128) -> String {
    let sign = if below_zero { "-" } else { "" };
    format!("{sign}{}.{:02}", fen / 100, fen % 100)
}
