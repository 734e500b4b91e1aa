//! `tests/mutants.md`: which bug was found by whom, and how soon.

use crate::mutants::patch::Patch;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

const HEAD: &str = "# Mutants

Bugs put back on purpose, one at a time: `tests/mutants/NN-name.patch`. `cargo run --release -p tests -- mutants` puts each into a
copy of the source, runs what must find it there, and writes this table; it fails when one survives.

| number | bug | where | found by | after seeds | seconds |
|---|---|---|---|---|---|
";

/// The table, by the numbers of the bugs.
pub struct Table {
    path: PathBuf,
    lines: BTreeMap<String, String>,
}

impl Table {
    /// The table as it is.
    pub fn open(root: &Path) -> Table {
        let path = root.join("tests/mutants.md");
        let text = fs::read_to_string(&path).unwrap_or_default();
        let number = |line: &str| {
            line.strip_prefix("| ")?
                .split(' ')
                .next()?
                .parse::<u32>()
                .ok()
                .map(|number| format!("{number:02}"))
        };
        let lines = text.lines().filter_map(|line| Some((number(line)?, line.to_string()))).collect();
        Table { path, lines }
    }

    /// Whether the line of a bug says that nobody found it.
    pub fn has_escaped(&self, number: &str) -> bool {
        self.lines.get(number).is_some_and(|line| line.contains(" **"))
    }

    /// The numbers that have a line.
    pub fn numbers(&self) -> impl Iterator<Item = &String> {
        self.lines.keys()
    }

    /// Sets a bug's line.
    pub fn set(&mut self, patch: &Patch, found_by: &str, seeds: Option<u64>, seconds: u64) {
        let seeds = seeds.map_or("–".to_string(), |seeds| seeds.to_string());
        let Patch { number, bug, .. } = patch;
        let line = format!("| {number} | {bug} | {} | {found_by} | {seeds} | {seconds} |", patch.room());
        self.lines.insert(number.clone(), line);
    }

    /// Writes it, without the lines of bugs that are no more.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn write(&self, patches: &[Patch]) -> Result<(), String> {
        let known = |number: &String| patches.iter().any(|patch| patch.number == *number);
        let lines: Vec<&str> =
            self.lines.iter().filter(|(number, _)| known(number)).map(|(_, line)| line.as_str()).collect();
        let text = format!("{HEAD}{}\n", lines.join("\n"));
        fs::write(&self.path, text).map_err(|problem| format!("{}: {problem}", self.path.display()))
    }
}
