//! Inputs that are kept: files of a folder for each format, and lines of a log for those that broke a rule elsewhere.

use std::fmt::Write;
use std::path::{Path, PathBuf};

/// What a format keeps in the corpus, in bytes and in files.
const KEPT_BYTES: usize = 9 << 10;
const KEPT_FILES: usize = 24;
/// A longer input is not printed: its replay line makes it again.
const PRINTED_BYTES: usize = 64 << 10;
/// What a hash begins with.
pub const EMPTY: u64 = 0xcbf2_9ce4_8422_2325;

/// Goes on with a hash (FNV-1a).
pub fn hash(before: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(before, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Where a format's inputs are kept.
pub fn folder(format: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("corpus").join(format)
}

/// The inputs that are kept, in the order of their names.
pub fn kept(corpus: &Path) -> Vec<Vec<u8>> {
    let Ok(entries) = std::fs::read_dir(corpus) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("a folder's entry").path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).expect("a corpus file")).collect()
}

fn name(kind: &str, input: &[u8]) -> String {
    format!("{kind}-{:016x}", hash(EMPTY, input))
}

/// Keeps an input; says where.
pub fn keep(corpus: &Path, kind: &str, input: &[u8]) -> PathBuf {
    let path = corpus.join(name(kind, input));
    std::fs::create_dir_all(corpus).expect("a folder for the corpus");
    std::fs::write(&path, input).expect("a corpus file");
    path
}

/// A command that puts an input into the corpus of another machine.
pub fn printed(format: &str, input: &[u8]) -> String {
    if input.len() > PRINTED_BYTES {
        return format!("the input has {} bytes, which are too many to print", input.len());
    }
    let mut digits = String::with_capacity(2 * input.len());
    for byte in input {
        write!(digits, "{byte:02x}").expect("a String takes all");
    }
    format!("to keep the input: echo {digits} | xxd -r -p > tests/corpus/{format}/{}", name("broke", input))
}

/// Keeps small ones first, as long as there is room.
pub fn keep_some(corpus: &Path, samples: &[Vec<u8>], interesting: impl Iterator<Item = Vec<u8>>) {
    let mut found: Vec<(&str, Vec<u8>)> = interesting.map(|input| ("mutant", input)).collect();
    found.sort_by_key(|(_, input)| input.len());
    let samples = samples.iter().take(4).map(|sample| ("sample", sample.clone()));
    let mut room = KEPT_BYTES;
    for (kind, input) in samples.chain(found).take(KEPT_FILES) {
        if input.len() <= room {
            room -= input.len();
            keep(corpus, kind, &input);
        }
    }
}
