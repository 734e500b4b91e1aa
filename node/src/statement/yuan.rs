//! Money as people write it: yuan with two digits. Inside it is whole fen, of either sign.

/// Spreadsheets keep fifteen digits of a number. The double that holds so many fen as yuan is also exact beyond that, up
/// to 2^53 fen, but it would be shown and saved with its last digits gone: larger amounts are text there.
pub const NUMBER_MAX: i128 = 999_999_999_999_999;

/// Whether a spreadsheet keeps the amount as a number.
pub fn is_number(fen: i128) -> bool {
    fen.abs() <= NUMBER_MAX
}

/// The amount with two digits: `-3.20`.
pub fn text(fen: i128) -> String {
    let sign = if fen < 0 { "-" } else { "" };
    let fen = fen.unsigned_abs();
    format!("{sign}{}.{:02}", fen / 100, fen % 100)
}

/// The amount with commas between thousands, for the eye: `-1,234.50`.
pub fn grouped(fen: i128) -> String {
    let plain = text(fen);
    let (whole, cents) = plain.split_at(plain.len() - 3);
    let (sign, digits) = whole.split_at(whole.len() - whole.trim_start_matches('-').len());
    let mut out = sign.to_owned();
    for (place, digit) in digits.char_indices() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out + cents
}

/// Reads an amount as a person or a spreadsheet may have written it: `1,234.5`, `-3`, `+0.20`. None for anything else,
/// and for parts of a fen.
pub fn parse(written: &str) -> Option<i128> {
    let written = written.trim();
    let (negative, digits) = match written.as_bytes().first()? {
        b'-' => (true, &written[1..]),
        b'+' => (false, &written[1..]),
        _ => (false, written),
    };
    let (whole, cents) = digits.split_once('.').unwrap_or((digits, ""));
    let whole = whole.replace(',', "");
    let cents = cents.trim_end_matches('0');
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    // More digits than any sum of the ledger has would not be an amount, and might not fit.
    if whole.is_empty() || whole.len() > 30 || cents.len() > 2 || !is_digits(&whole) || !is_digits(cents) {
        return None;
    }
    let fen: i128 = format!("{whole}{cents:0<2}").parse().ok()?;
    Some(if negative { -fen } else { fen })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        for fen in [0, 1, -1, 99, 100, -320, 123_456_789, NUMBER_MAX, i128::from(u64::MAX) * 1_000] {
            assert_eq!(parse(&text(fen)), Some(fen));
            assert_eq!(parse(&grouped(fen)), Some(fen));
        }
        assert_eq!((text(-320).as_str(), text(5).as_str()), ("-3.20", "0.05"));
        assert_eq!(grouped(-123_456_700), "-1,234,567.00");
        assert_eq!(grouped(99_999), "999.99");
    }

    #[test]
    fn what_a_spreadsheet_made_of_it_is_read() {
        for (written, fen) in
            [("1,234.5", 123_450), (" 7 ", 700), ("+0.20", 20), ("-3", -300), ("4.500", 450)]
        {
            assert_eq!(parse(written), Some(fen), "{written}");
        }
        for wrong in [
            "",
            "-",
            ".",
            ".5",
            "1.005",
            "1e5",
            "12 3",
            "--1",
            "1.2.3",
            "十",
            "1234567890123456789012345678901",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_number_in_a_spreadsheet_shows_every_fen() {
        for fen in [1_i64, 10_001, 123_456_789_012_345, NUMBER_MAX as i64] {
            let number = fen as f64 / 100.0;
            assert_eq!(format!("{number:.2}"), text(i128::from(fen)));
            // Fifteen digits are all that a spreadsheet saves.
            let saved: f64 = format!("{number:.14e}").parse().expect("a number");
            assert_eq!(saved, number);
        }
        assert!(is_number(NUMBER_MAX) && !is_number(NUMBER_MAX + 1) && !is_number(-NUMBER_MAX - 1));
    }
}
