//! `tests/mutants.md`: which bug was found by whom, and how soon.

use crate::mutants::patch::Patch;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const HEAD: &str = "# Mutants

Bugs put back on purpose, one at a time: `tests/mutants/NN-name.patch`. `cargo run --release -p tests -- mutants` puts each into a
copy of the source, runs what must find it there, and writes this table; it fails when one survives.

| number | bug | where | found by | after seeds | seconds |
|---|---|---|---|---|---|
";

/// What a line below the table says when a run wrote all of it.
const ALL: &str = "all";

/// The table, by the numbers of the bugs.
pub struct Table {
    path: PathBuf,
    lines: BTreeMap<String, String>,
    /// Which lines are of which run: `Commit 1234567, first seed 1`.
    runs: BTreeMap<String, BTreeSet<String>>,
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
        let lines: BTreeMap<String, String> =
            text.lines().filter_map(|line| Some((number(line)?, line.to_string()))).collect();
        let run = |line: &str| {
            let (run, numbers) = line.strip_suffix('.')?.split_once(": ")?;
            let of_run: BTreeSet<String> = match numbers {
                ALL => lines.keys().cloned().collect(),
                some => some.split(", ").map(str::to_string).collect(),
            };
            run.starts_with("Commit ").then(|| (run.to_string(), of_run))
        };
        let runs = text.lines().filter_map(run).collect();
        Table { path, lines, runs }
    }

    /// Whether the line of a bug says that nobody found it.
    pub fn has_escaped(&self, number: &str) -> bool {
        self.lines.get(number).is_some_and(|line| line.contains(" **"))
    }

    /// The numbers that have a line.
    pub fn numbers(&self) -> impl Iterator<Item = &String> {
        self.lines.keys()
    }

    /// Sets a bug's line, and of which run it is.
    pub fn set(&mut self, run: &str, patch: &Patch, found_by: &str, seeds: Option<u64>, seconds: u64) {
        let seeds = seeds.map_or("–".to_string(), |seeds| seeds.to_string());
        let Patch { number, bug, .. } = patch;
        let line = format!("| {number} | {bug} | {} | {found_by} | {seeds} | {seconds} |", patch.room());
        self.lines.insert(number.clone(), line);
        for of_run in self.runs.values_mut() {
            of_run.remove(number);
        }
        self.runs.entry(run.to_string()).or_default().insert(number.clone());
    }

    /// Writes it, without the lines of bugs that are no more.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn write(&self, patches: &[Patch]) -> Result<(), String> {
        let known = |number: &String| patches.iter().any(|patch| patch.number == *number);
        let lines: Vec<&str> =
            self.lines.iter().filter(|(number, _)| known(number)).map(|(_, line)| line.as_str()).collect();
        let mut text = format!("{HEAD}{}\n", lines.join("\n"));
        for (run, of_run) in &self.runs {
            let numbers: Vec<&str> =
                of_run.iter().filter(|number| known(number)).map(String::as_str).collect();
            let numbers = if numbers.len() == lines.len() { ALL.to_string() } else { numbers.join(", ") };
            if !numbers.is_empty() {
                text.push_str(&format!("\n{run}: {numbers}.\n"));
            }
        }
        fs::write(&self.path, text).map_err(|problem| format!("{}: {problem}", self.path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mutants::patch::Catcher;

    fn patch(number: &str) -> Patch {
        Patch {
            number: number.into(),
            bug: "a bug".into(),
            catcher: Catcher::Sim(3),
            fails: None,
            path: PathBuf::new(),
            files: vec!["node/src/raft/log.rs".into()],
        }
    }

    #[test]
    fn each_line_says_of_which_run_it_is() {
        let root = tempfile::tempdir().expect("a folder");
        fs::create_dir(root.path().join("tests")).expect("made");
        let patches = ["01", "02", "03"].map(patch);
        let write = |run: &str, numbers: &[usize]| {
            let mut table = Table::open(root.path());
            for number in numbers {
                table.set(run, &patches[*number], "sim: once", Some(1), 2);
            }
            table.write(&patches).expect("written");
            let text = fs::read_to_string(root.path().join("tests/mutants.md")).expect("it was written");
            text.lines().filter(|line| line.starts_with("Commit ")).map(str::to_string).collect::<Vec<_>>()
        };
        let (one, two) = ("Commit 1111111, first seed 1", "Commit 2222222, first seed 7");
        assert_eq!(write(one, &[0, 1, 2]), [format!("{one}: all.")]);
        assert_eq!(write(two, &[1]), [format!("{one}: 01, 03."), format!("{two}: 02.")]);
        assert_eq!(write(two, &[0, 2]), [format!("{two}: all.")]);
        assert_eq!(Table::open(root.path()).numbers().count(), 3);
    }
}
