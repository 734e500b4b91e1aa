//! The bugs in `tests/mutants/` can still be put back, and each has been: whoever changes what a patch changes mends the patch.

use std::collections::BTreeSet;
use std::path::Path;
use tests::mutants::patch::{Catcher, END, Patch};
use tests::mutants::{table::Table, tree};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie in the workspace")
}

/// All code below a folder.
fn source(folder: &Path) -> String {
    let entries = std::fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path());
    let code = entries.map(|path| match path.is_dir() {
        true => source(&path),
        false if path.extension().is_some_and(|end| end == "rs") => {
            std::fs::read_to_string(&path).expect("a file of text")
        }
        false => String::new(),
    });
    code.collect()
}

#[test]
fn every_bug_can_be_put_back() {
    if std::process::Command::new("git").arg("--version").output().is_err() {
        eprintln!("NOT TESTED: there is no git here to look whether the patches in tests/mutants/ apply");
        return;
    }
    let patches = Patch::all(root()).expect("patches with good heads");
    let stale: Vec<String> = patches
        .iter()
        .filter_map(|patch| {
            Some(format!("{}: {}", patch.path.display(), tree::check(root(), &patch.path).err()?))
        })
        .collect();
    assert!(stale.is_empty(), "{stale:#?}");
}

#[test]
fn there_are_enough_of_them_and_each_has_its_line() {
    let patches = Patch::all(root()).expect("patches with good heads");
    let simulated = patches.iter().filter(|patch| matches!(patch.catcher, Catcher::Sim(_))).count();
    assert!(
        patches.len() >= 35 && simulated >= 22,
        "{} bugs, {simulated} of them for the simulation",
        patches.len()
    );
    let numbers: BTreeSet<&String> = patches.iter().map(|patch| &patch.number).collect();
    assert_eq!(numbers.len(), patches.len(), "a number for each");
    let table = Table::open(root());
    let lines: BTreeSet<&String> = table.numbers().collect();
    assert_eq!(lines, numbers, "lines of tests/mutants.md, and patches");
    let escaped: Vec<&String> = table.numbers().filter(|number| table.has_escaped(number)).collect();
    assert!(escaped.is_empty(), "tests/mutants.md says that nobody found {escaped:?}");
    let sources: String =
        ["node", "proto", "tests"].iter().map(|folder| source(&root().join(folder))).collect();
    for (patch, who) in patches.iter().filter_map(|patch| Some((patch, patch.fails.as_ref()?))) {
        let name = who.rsplit("::").next().unwrap_or(who);
        let known = match patch.catcher {
            Catcher::Test(_) => sources.contains(&format!("fn {name}(")),
            Catcher::Sim(_) => who == END || sources.contains(&format!("\"{who}\",")),
        };
        assert!(known, "{}: neither test nor judge: {who}", patch.path.display());
    }
    // A bug that changes nothing but the tests proves nothing.
    for patch in &patches {
        assert!(
            patch.files.iter().all(|file| file.starts_with("node/") || file.starts_with("proto/src/")),
            "{}",
            patch.path.display()
        );
    }
}
