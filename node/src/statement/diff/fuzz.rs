//! Mutated pages of a statement, compared with the pages that they were: the differences, or why they cannot be told.

use super::diff;
use fuzz::{Format, Read};
use std::path::Path;

#[test]
fn fuzz_statements() {
    let golden = |page: &str| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/statement/golden");
        folder.join(format!("gongji-2026-10-32-{page}.csv"))
    };
    // The headings, and some rows: what is mutated should mostly not be names of columns.
    let begun = |page: &str| {
        let text = std::fs::read_to_string(golden(page)).expect("a golden file");
        text.split_inclusive('\n').take(3).collect::<String>().into_bytes()
    };
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder");
    let place = folder.path().join("theirs.csv");
    let words: &[&[u8]] = &[b"\"", b",", b"\r\n", b"-", b"320500", b"24-0-0", b"9999999999999999999999.99"];
    let test = "-p node --bin gongji fuzz_statements";
    let samples = vec![begun("summary"), begun("details")];
    let format = Format { name: "statement", test, samples, words, seal: None, inputs: 6_000 };
    fuzz::run(&format, |bytes| {
        std::fs::write(&place, bytes).expect("written");
        let compared = ["summary", "details"].map(|page| diff(&golden(page), &place, 5));
        match compared {
            [Err(one), Err(_)] => {
                Read::Refused(one.to_string().replace(&*folder.path().to_string_lossy(), ""))
            }
            _ => Read::Same(bytes.to_vec()),
        }
    });
}
