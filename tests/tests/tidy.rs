//! The house rules, read by a machine. Each test names the rule it keeps.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie in the workspace").to_path_buf()
}

/// Every file with this ending under a folder of the workspace.
fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in
            fs::read_dir(&folder).unwrap_or_else(|problem| panic!("read {}: {problem}", folder.display()))
        {
            let path = entry.expect("a folder's entry").path();
            if path.is_dir() {
                if !path.ends_with("target") {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|found| found == ending) {
                found.push(path);
            }
        }
    }
    assert!(!found.is_empty(), "no .{ending} files under {folder}: has the layout moved?");
    found
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|problem| panic!("read {}: {problem}", path.display()))
}

/// A line of code without its comment.
fn code(line: &str) -> &str {
    line.split("//").next().unwrap_or_default()
}

/// Files whose code names a word.
fn naming(folder: &str, word: &str) -> Vec<String> {
    let names = |path: &PathBuf| read(path).lines().any(|line| code(line).contains(word));
    let short = |path: PathBuf| path.strip_prefix(root()).expect("under the root").display().to_string();
    let mut found: Vec<String> = files(folder, "rs").into_iter().filter(names).map(short).collect();
    found.sort();
    found
}

fn dependencies(manifest: &str) -> Vec<String> {
    let text = read(&root().join(manifest));
    let section = text.split("[dependencies]").nth(1).expect("a section of dependencies");
    let lines = section.lines().take_while(|line| !line.starts_with('['));
    lines.filter_map(|line| line.split_once('=')).map(|(name, _)| name.trim().to_string()).collect()
}

#[test]
fn the_contract_is_pure_by_the_compiler() {
    let lib = read(&root().join("node/ledger/src/lib.rs"));
    assert!(lib.contains("#![no_std]"), "node/ledger/src/lib.rs must be #![no_std]");
    let mut found = dependencies("node/ledger/Cargo.toml");
    found.sort();
    assert_eq!(found, ["bincode", "blake3", "serde"], "data crates only, each with its reason");
    for word in ["f32", "f64", "HashMap", "HashSet", "extern crate std"] {
        assert_eq!(naming("node/ledger/src", word), Vec::<String>::new(), "`{word}` in the contract");
    }
}

#[test]
fn each_outside_word_has_one_room() {
    assert_eq!(naming("node", "sled::"), ["node/src/state/store.rs"]);
    assert_eq!(naming("node", "bincode::"), ["node/ledger/src/codec.rs"]);
    for path in naming("node/src", "openraft::") {
        assert!(path.starts_with("node/src/raft/"), "openraft in {path}");
    }
    for path in
        naming("node/src", "SystemTime::now").into_iter().chain(naming("client/src", "SystemTime::now"))
    {
        assert!(path == "node/src/clock.rs" || path.starts_with("client/"), "the time is asked in {path}");
    }
}

#[test]
fn crates_know_only_what_lies_below_them() {
    let knows = |manifest: &str, name: &str| dependencies(manifest).iter().any(|found| found == name);
    assert!(!knows("proto/Cargo.toml", "ledger"), "proto must not know the ledger");
    assert!(!knows("node/ledger/Cargo.toml", "proto"), "the ledger must not know proto");
    assert!(!knows("client/Cargo.toml", "ledger"), "an SDK must not change because a rule did");
    assert!(!knows("client/Cargo.toml", "node"), "the client must not know the node");
}

/// The refusals of the contract: name and number, in their order.
fn refusals() -> Vec<(String, u16)> {
    let text = read(&root().join("node/ledger/src/refusal.rs"));
    let list = text.split("\nrefusals! {").nth(1).expect("the list of refusals");
    let line = |line: &str| {
        let (name, number) = code(line).trim().trim_end_matches(',').split_once(" = ")?;
        Some((name.to_string(), number.parse().ok()?))
    };
    list.lines().filter_map(line).collect()
}

fn screaming(name: &str) -> String {
    let mut out = String::from("REASON");
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(letter.to_ascii_uppercase());
    }
    out
}

#[test]
fn every_refusal_stands_in_the_catalogue_with_its_number_and_in_its_order() {
    let refusals = refusals();
    assert!(refusals.len() > 30, "the list of refusals was not found");
    let text = read(&root().join("proto/gongji/v1/reason.proto"));
    let line = |line: &str| {
        let (name, rest) = code(line).trim().split_once(" = ")?;
        let number: u16 = rest.split([' ', ';', '[']).next()?.parse().ok()?;
        (name.starts_with("REASON_") && (1..9_000).contains(&number)).then(|| (name.to_string(), number))
    };
    let catalogue: Vec<(String, u16)> = text.lines().filter_map(line).collect();
    let wanted: Vec<(String, u16)> =
        refusals.into_iter().map(|(name, number)| (screaming(&name), number)).collect();
    assert_eq!(catalogue, wanted);
}

#[test]
fn every_refusal_ends_a_script() {
    let scripts: String =
        files("node/ledger/tests/scripts", "script").iter().map(|path| read(path)).collect();
    for (name, _) in refusals() {
        assert!(scripts.contains(&format!("refused {name}")), "no script ends with {name}");
    }
}

#[test]
fn every_path_in_the_map_exists() {
    let map = read(&root().join("ARCHITECTURE.md"));
    let mut count = 0;
    for word in map.split('`').skip(1).step_by(2) {
        let path = word.split([':', ' ']).next().unwrap_or_default();
        let is_path =
            path.contains('/') && (path.ends_with('/') || path.contains('.')) && !path.contains("::");
        let ours =
            ["node/", "client/", "proto/", "tests/", "scripts/"].iter().any(|start| path.starts_with(start));
        if is_path && ours && !path.contains(['*', '<', 'N']) {
            count += 1;
            assert!(root().join(path).exists(), "ARCHITECTURE.md names `{path}`, which does not exist");
        }
    }
    assert!(count > 20, "ARCHITECTURE.md names too few paths to be a map: {count}");
}

#[test]
fn nothing_is_left_unfinished() {
    for folder in ["node", "client", "proto", "tests"] {
        for word in ["todo!(", "unimplemented!(", "dbg!("] {
            let found = naming(folder, word);
            let found: Vec<&String> = found.iter().filter(|path| !path.ends_with("tidy.rs")).collect();
            assert!(found.is_empty(), "`{word}` in {found:?}");
        }
    }
}

#[test]
fn files_are_about_one_thing() {
    let mut long = Vec::new();
    for folder in ["node", "client", "proto", "tests"] {
        for path in files(folder, "rs") {
            let lines = read(&path).lines().count();
            if lines > 600 {
                long.push(format!("{} has {lines} lines", path.display()));
            }
        }
    }
    assert!(long.is_empty(), "which second word moved in? {long:#?}");
}
