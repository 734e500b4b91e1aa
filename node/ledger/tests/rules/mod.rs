//! The rule book as a table: which script fixes which rule. `RULES.md` is written from it.

mod list;
mod rights;

use list::{CALLS, DEFAULTS, ELSEWHERE, RULINGS};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// What scripts fix which rule, by the marks in their first lines: `# [4.16, 5b.4] A sentence.`
pub type Fixed = BTreeMap<String, Vec<String>>;

/// The marks of a script's first line; none if it has no such line.
pub fn marks(text: &str) -> Option<Vec<&str>> {
    let (marks, sentence) = text.lines().next()?.strip_prefix("# [")?.split_once("] ")?;
    (sentence.len() > 10).then(|| marks.split(", ").collect())
}

/// The whole of `RULES.md`.
pub fn book(mut fixed: Fixed) -> String {
    for (rule, file, test) in ELSEWHERE {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(file);
        let text = fs::read_to_string(path).expect("readable");
        assert!(text.contains(&format!("fn {test}()")), "{file} has no test {test}");
        fixed.entry(rule.to_string()).or_default().push(format!("`{test}` in tests/{file}"));
    }
    let mut out = String::from(INTRODUCTION);
    for (title, rules) in [("Defaults", DEFAULTS), ("Rulings", RULINGS), ("Calls", CALLS)] {
        write!(out, "\n## {title}\n\n| Rule | What it says | Fixed by |\n|---|---|---|\n").expect("text");
        for (rule, sentence) in rules {
            let by = fixed.remove(*rule).unwrap_or_else(|| panic!("nothing fixes {rule}: {sentence}"));
            writeln!(out, "| {rule} | {sentence} | {} |", by.join(", ")).expect("strings take text");
        }
    }
    assert!(fixed.is_empty(), "marks of no rule: {fixed:?}");
    write!(out, "\n## Rights\n\n{RIGHTS}\n{}", rights::table()).expect("strings take text");
    out
}

const INTRODUCTION: &str = "# Rules of the ledger

Every rule in one sentence, with the scripts in [tests/scripts](tests/scripts) that fix it: a script is a conversation
with the ledger, and says exactly what happens. This file is written by `tests/scripts.rs` from the marks in the first
lines of the scripts; `UPDATE_GOLDENFILES=1` rewrites it.
";

const RIGHTS: &str = "Who may ask what, found out by asking: every call by every kind of caller, on a stage where all that is \
meant exists. A word says which one of its kind; an empty cell is refused as not permitted. A province may do what the \
agencies of its areas may; a reversal is of the caller's own requests.
";
