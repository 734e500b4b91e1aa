//! Runs every file of `tests/scripts`: commands, then exactly what happened.
//!
//! A script starts with a comment, whose first line marks the rules that it fixes and says so in a sentence
//! (`RULES.md` is written from these lines). Then come blocks: command lines, `---`, and the output, ended by an
//! empty line. `UPDATE_GOLDENFILES=1` writes what happens now as what must happen. The commands are described in `stage/mod.rs`. After
//! every transaction the whole state is audited.
//! `SCRIPT=part-of-a-name` plays only those of that name.

mod rules;
mod stage;

use ledger::Refusal;
use stage::Stage;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn scripts() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");
    let mut found: Vec<PathBuf> = fs::read_dir(folder)
        .expect("the folder is there")
        .map(|file| file.expect("readable").path())
        .collect();
    found.retain(|path| path.extension().is_some_and(|ending| ending == "script"));
    if let Ok(part) = std::env::var("SCRIPT") {
        found.retain(|path| path.to_string_lossy().contains(&part));
    }
    found.sort();
    assert!(!found.is_empty(), "no scripts at all");
    found
}

/// What a script says now: the same text, with the output of each block as it really is.
fn replay(name: &str, text: &str) -> String {
    let mut stage = Stage::new();
    let mut out = String::new();
    let mut commands: Vec<&str> = Vec::new();
    let mut in_output = false;
    for (number, line) in text.lines().chain([""]).enumerate() {
        let line = line.trim_end();
        if line == "---" {
            out += "---\n";
            let block = std::mem::take(&mut commands);
            out += &stage
                .run(&block)
                .unwrap_or_else(|why| panic!("{name}, block before line {}: {why}", number + 1));
            in_output = true;
        } else if in_output {
            if line.is_empty() {
                in_output = false;
                out += "\n";
            }
        } else {
            if !line.is_empty() && !line.starts_with('#') {
                commands.push(line);
            }
            out += line;
            out += "\n";
        }
    }
    assert!(commands.is_empty(), "{name}: the last commands have no `---` behind them");
    out.trim_end().to_string() + "\n"
}

#[test]
fn every_script_says_what_happens() {
    let update = std::env::var_os("UPDATE_GOLDENFILES").is_some();
    let mut differing = Vec::new();
    for path in scripts() {
        let name = path.file_name().expect("a file").to_string_lossy().to_string();
        let text = fs::read_to_string(&path).expect("readable");
        let now = replay(&name, &text);
        if now == text {
            continue;
        }
        if update {
            fs::write(&path, &now).expect("writable");
            continue;
        }
        for (number, (said, is)) in
            text.lines().zip(now.lines()).enumerate().filter(|(_, (a, b))| a != b).take(3)
        {
            println!("{name}:{}\n  script: {said}\n  now:    {is}", number + 1);
        }
        differing.push(name);
    }
    assert!(differing.is_empty(), "scripts that say something else: {differing:?}");
}

#[test]
fn every_rule_is_fixed_and_the_rule_book_is_up_to_date() {
    let mut fixed = rules::Fixed::new();
    for path in scripts() {
        let text = fs::read_to_string(&path).expect("readable");
        let name = path.file_stem().expect("a file").to_string_lossy().to_string();
        let marks = rules::marks(&text).unwrap_or_else(|| panic!("{name}: no `# [rule] sentence` first"));
        for mark in marks {
            fixed.entry(mark.to_string()).or_default().push(name.clone());
        }
    }
    let now = rules::book(fixed);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("RULES.md");
    if std::env::var_os("UPDATE_GOLDENFILES").is_some() {
        fs::write(&path, &now).expect("writable");
    }
    let said = fs::read_to_string(&path).expect("readable");
    let differing = said.lines().zip(now.lines()).find(|(said, now)| said != now);
    assert!(said == now, "RULES.md is not up to date: {differing:?}");
}

#[test]
fn every_refusal_ends_a_script() {
    let mut missing: BTreeSet<&str> = Refusal::ALL.iter().map(|refusal| refusal.name()).collect();
    for path in scripts() {
        let text = fs::read_to_string(path).expect("readable");
        if let Some((_, refusal)) = text.lines().last().and_then(|line| line.split_once("refused ")) {
            missing.remove(refusal);
        }
    }
    assert!(missing.is_empty(), "refusals that end no script: {missing:?}");
}
