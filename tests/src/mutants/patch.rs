//! A bug: a unified diff with a head of lines `word: text` above it.
//!
//! ```text
//! bug: a follower says that it has an entry before it is durable
//! caught by: sim                       or a command: cargo test -p ledger --test scripts
//! seeds: 40                            how many seeds to try at most; for sim only
//! ```

use std::fs;
use std::path::{Path, PathBuf};

/// What must find a bug.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Catcher {
    /// The simulation, within so many seeds.
    Sim(u64),
    /// `cargo test` with these words behind it.
    Test(Vec<String>),
}

/// One bug.
#[derive(Clone, Debug)]
pub struct Patch {
    /// Its number: what its file's name begins with.
    pub number: String,
    /// What it is, in a line.
    pub bug: String,
    /// What must find it.
    pub catcher: Catcher,
    /// Its file.
    pub path: PathBuf,
    /// The files that it changes, from the root of the source.
    pub files: Vec<String>,
}

impl Patch {
    /// Reads a patch file.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn read(path: &Path) -> Result<Patch, String> {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let wrong = |what: &str| format!("{}: {what}", path.display());
        let text = fs::read_to_string(path).map_err(|problem| wrong(&problem.to_string()))?;
        let number = name.split('-').next().filter(|number| number.parse::<u32>().is_ok());
        let number = number.ok_or_else(|| wrong("its name does not begin with a number"))?;
        let word = |word: &str| {
            let head = text.lines().take_while(|line| !line.starts_with("--- "));
            head.filter_map(|line| line.split_once(": "))
                .find(|(found, _)| *found == word)
                .map(|(_, text)| text.trim())
        };
        let bug = word("bug").ok_or_else(|| wrong("no line `bug: …`"))?;
        let catcher = match word("caught by").ok_or_else(|| wrong("no line `caught by: …`"))? {
            "sim" => {
                let seeds = word("seeds").and_then(|seeds| seeds.parse().ok());
                Catcher::Sim(seeds.ok_or_else(|| wrong("no line `seeds: N`"))?)
            }
            command => {
                let words = command
                    .strip_prefix("cargo test ")
                    .ok_or_else(|| wrong("caught by neither sim nor cargo test"))?;
                Catcher::Test(words.split_whitespace().map(str::to_string).collect())
            }
        };
        let files: Vec<String> =
            text.lines().filter_map(|line| line.strip_prefix("--- a/")).map(str::to_string).collect();
        if files.is_empty() {
            return Err(wrong("it changes no file"));
        }
        Ok(Patch { number: number.into(), bug: bug.into(), catcher, path: path.to_path_buf(), files })
    }

    /// All patches below the root of the source, in order.
    ///
    /// # Errors
    /// What is wrong with one of them, in words.
    pub fn all(root: &Path) -> Result<Vec<Patch>, String> {
        let folder = root.join("tests/mutants");
        let entries = fs::read_dir(&folder).map_err(|problem| format!("{}: {problem}", folder.display()))?;
        let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        let mut paths: Vec<PathBuf> =
            paths.filter(|path| path.extension().is_some_and(|end| end == "patch")).collect();
        paths.sort();
        paths.iter().map(|path| Patch::read(path)).collect()
    }

    /// The place of the bug, short: `raft/log`, `ledger/refund`.
    pub fn room(&self) -> String {
        let short = |file: &String| {
            let file = file.trim_end_matches(".rs");
            file.replacen("node/ledger/src/", "ledger/", 1).replacen("node/src/", "", 1)
        };
        self.files.iter().map(short).collect::<Vec<_>>().join(", ")
    }
}
