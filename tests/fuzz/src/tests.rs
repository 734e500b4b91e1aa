//! Each rule is broken here on purpose, by a toy decoder: a rule that cannot complain fails.

use super::*;

/// Each planted bug is found by fewer.
const TRIES: u64 = 5_000;
const SEED: u64 = 7;

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

fn explored(seed: u64, inputs: u64, decode: impl Fn(&[u8]) -> Read) -> Result<Tally, Broken> {
    let samples = vec![vec![3, 1, 2, 3, 6], vec![0, 0]];
    let words: &[&[u8]] = &[b"word"];
    let format = Format { name: "toy", test: "-p fuzz", samples, words, seal: Some(&seal), inputs: TRIES };
    explore(&format, decode, seed, inputs, Path::new("nowhere"))
}

fn tried(decode: impl Fn(&[u8]) -> Read) -> Result<Tally, String> {
    explored(SEED, TRIES, decode).map_err(|broken| broken.what)
}

#[test]
fn a_sound_decoder_passes_and_is_really_tried() {
    let tally = tried(sound).expect("it keeps the rules");
    assert!(tally.tried == TRIES && tally.accepted > 100 && tally.reasons == 3, "{tally:?}");
}

#[test]
fn a_seed_and_a_number_are_the_same_run() {
    let trace = |seed| explored(seed, TRIES, sound).expect("it keeps the rules").trace;
    assert_eq!(trace(SEED), trace(SEED));
    assert_ne!(trace(SEED), trace(SEED + 1));
    let found = |inputs| {
        explored(SEED, inputs, |bytes| {
            assert!(bytes.last() != Some(&0xff), "planted");
            sound(bytes)
        })
    };
    let broken = found(TRIES).expect_err("it is planted");
    assert!(broken.number > 2, "no sample has it: {broken:?}");
    assert_eq!(found(broken.number), Err(broken.clone()), "the replay line's run");
    assert!(found(broken.number - 1).is_ok(), "one input less");
}

#[test]
fn what_is_quoted_makes_no_reason_of_its_own() {
    assert_eq!(plain("line 12: \"a1\" is no `word` of 3"), plain("line 7: \"b c\" is no `x` of 44"));
    assert_ne!(plain("line 12: \"a\" is no word"), plain("line 12: \"a\" is no number"));
}

#[test]
fn an_input_that_broke_a_rule_is_printed_so_that_it_can_be_kept() {
    let line = corpus::printed("toy", &[0, 0xff, 0x1a]);
    assert!(line.contains("echo 00ff1a | xxd -r -p > tests/corpus/toy/broke-"), "{line}");
    let long = corpus::printed("toy", &vec![1; 1 << 20]);
    assert!(long.len() < 100 && long.contains("1048576 bytes"), "{long}");
    let folder = std::env::temp_dir().join(format!("gongji-fuzz-{}", std::process::id()));
    let kept = corpus::keep(&folder, "broke", &[0, 0xff, 0x1a]);
    assert!(line.ends_with(&*kept.file_name().expect("a name").to_string_lossy()), "{line}");
    assert_eq!(corpus::kept(&folder), [[0, 0xff, 0x1a]]);
    std::fs::remove_dir_all(&folder).expect("removed");
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
