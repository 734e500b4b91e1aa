//! Each rule is broken here on purpose, by a toy decoder: a rule that cannot complain fails.

use super::*;

const TIME: Duration = Duration::from_millis(300);

/// A length, so many bytes, and their sum.
fn sound(bytes: &[u8]) -> Read {
    let refused = |why: &str| Read::Refused(why.into());
    let Some((&length, rest)) = bytes.split_first() else { return refused("empty") };
    let Some((body, sum)) = rest.split_at_checked(usize::from(length)) else { return refused("short") };
    if sum != [sum_of(body)] {
        return refused("sum");
    }
    Read::Same(bytes.to_vec())
}

fn sum_of(body: &[u8]) -> u8 {
    body.iter().fold(0, |sum: u8, byte| sum.wrapping_add(*byte))
}

fn seal(bytes: &mut [u8]) {
    if let Some(length) = bytes.first().map(|length| usize::from(*length))
        && bytes.len() == length + 2
    {
        bytes[length + 1] = sum_of(&bytes[1..=length]);
    }
}

fn tried(decode: impl Fn(&[u8]) -> Read) -> Result<Tally, String> {
    let samples = vec![vec![3, 1, 2, 3, 6], vec![0, 0]];
    let format = Format { name: "toy", test: "-p fuzz", samples, words: &[b"word"], seal: Some(&seal) };
    explore(&format, decode, 7, TIME, Path::new("nowhere")).map_err(|(_, what)| what)
}

#[test]
fn a_sound_decoder_passes_and_is_really_tried() {
    let tally = tried(sound).expect("it keeps the rules");
    assert!(tally.tried > 1_000 && tally.accepted > 100 && tally.reasons == 3, "{tally:?}");
}

#[test]
fn a_panic_is_seen() {
    let what = tried(|bytes| {
        assert!(bytes.first() != Some(&0xff), "planted");
        sound(bytes)
    });
    assert_eq!(what, Err("the decoder panics".into()));
}

#[test]
fn a_length_that_is_believed_is_seen() {
    let what = tried(|bytes| {
        if let Some(word) = bytes.first_chunk::<4>() {
            let believed: Vec<u8> = Vec::with_capacity(u32::from_le_bytes(*word) as usize % (64 << 20));
            std::hint::black_box(&believed);
        }
        sound(bytes)
    });
    assert!(what.as_ref().is_err_and(|what| what.starts_with("the decoder takes")), "{what:?}");
}

#[test]
fn two_encodings_of_one_value_are_seen() {
    let what = tried(|bytes| match bytes {
        // The sum of nothing is not looked at.
        [0, _] => Read::Same(vec![0, 0]),
        _ => sound(bytes),
    });
    assert!(what.as_ref().is_err_and(|what| what.contains("other bytes are written")), "{what:?}");
}

#[test]
fn what_does_not_read_back_is_seen() {
    let what = tried(|bytes| match sound(bytes) {
        Read::Same(mut again) if again.len() > 4 => {
            again[1] ^= 1;
            Read::Alike(again)
        }
        Read::Same(again) => Read::Alike(again),
        refused => refused,
    });
    assert!(what.as_ref().is_err_and(|what| what.contains("not read as itself")), "{what:?}");
}

#[test]
fn a_decoder_that_refuses_its_samples_is_seen() {
    let what = tried(|_| Read::Refused("everything".into()));
    assert_eq!(what, Err("a good sample is refused: everything".into()));
}
