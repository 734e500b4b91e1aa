//! Durations and sizes as people write them: `250ms`, `10m`, `64MiB`.

use std::time::Duration;

/// Units of time, in milliseconds. Longer names first, so that `ms` is not read as `m`.
const TIMES: &[(&str, u64)] = &[("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// Units of size, in bytes.
const SIZES: &[(&str, u64)] = &[
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("B", 1),
];

/// A duration: digits and a unit.
///
/// # Errors
/// What a duration looks like.
pub fn duration(text: &str) -> Result<Duration, String> {
    scaled(text, TIMES)
        .map(Duration::from_millis)
        .ok_or_else(|| format!("{text:?} is not a duration; write it like 250ms, 2s, 10m, 1h"))
}

/// A size in bytes: digits and a unit.
///
/// # Errors
/// What a size looks like.
pub fn size(text: &str) -> Result<u64, String> {
    scaled(text, SIZES).ok_or_else(|| format!("{text:?} is not a size; write it like 512KiB, 64MiB, 1GiB"))
}

/// A whole number; `_` may part its digits.
///
/// # Errors
/// What a number looks like.
pub fn count(text: &str) -> Result<u64, String> {
    let digits = text.replace('_', "");
    digits.parse().map_err(|_| format!("{text:?} is not a whole number; write it like 100000"))
}

fn scaled(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '_')?;
    let (digits, unit) = text.split_at(end);
    let (_, factor) = units.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit.trim()))?;
    digits.replace('_', "").parse::<u64>().ok()?.checked_mul(*factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit() {
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(duration("10m"), Ok(Duration::from_secs(600)));
        assert_eq!(duration("1_000 s"), Ok(Duration::from_secs(1000)));
        for bad in
            ["250", "", "ms", "-1s", "1.5s", "3 weeks", "99999999999999999999s", "18446744073709551615h"]
        {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn sizes_have_a_unit() {
        assert_eq!(size("64MiB"), Ok(64 << 20));
        assert_eq!(size("64 mib"), Ok(64 << 20));
        assert_eq!(size("1GB"), Ok(1_000_000_000));
        for bad in ["64", "64M", "MiB", "-1B", "99999999999GiB"] {
            assert!(size(bad).is_err(), "{bad}");
        }
    }
}
