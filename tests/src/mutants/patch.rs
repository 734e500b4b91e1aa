//! A bug: a unified diff with a head of lines `word: text` above it.
//!
//! ```text
//! bug: a follower says that it has an entry before it is durable
//! caught by: sim                       or a command: cargo test -p ledger --test scripts
//! seeds: 40                            how many seeds to try at most; for sim only
//! fails: once                          who must complain: the test that fails, or a judge of sim; without it, any judge
//! why: …                               why it is that one; with `fails: end` it must be said
//! ```

use std::fs;
use std::path::{Path, PathBuf};

/// What the simulation says when it broke off: a panic of its own, or no end in time. No judge said that, and a seed that only
/// ends so decides nothing, unless the bug's head says that just this must happen.
pub const END: &str = "end";

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
    /// The test that must fail, or the judge of the simulation that must complain; none if any judge will do.
    pub fails: Option<String>,
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
        let fails = word("fails").map(str::to_string);
        match (&catcher, fails.as_deref()) {
            (Catcher::Test(_), None) => return Err(wrong("no line `fails: TEST`")),
            (Catcher::Sim(_), Some(END)) if word("why").is_none() => {
                return Err(wrong("no line `why: …`, though the end of patience is nobody's judgement"));
            }
            (Catcher::Test(_), Some(_)) | (Catcher::Sim(_), _) => {}
        }
        let files: Vec<String> =
            text.lines().filter_map(|line| line.strip_prefix("--- a/")).map(str::to_string).collect();
        if files.is_empty() {
            return Err(wrong("it changes no file"));
        }
        let (number, bug, path) = (number.into(), bug.into(), path.to_path_buf());
        Ok(Patch { number, bug, catcher, fails, path, files })
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

    /// Whether it is found when this judge complains, or this test fails.
    pub fn counts(&self, name: &str) -> bool {
        match &self.fails {
            None => name != END,
            Some(fails) => name == fails,
        }
    }

    /// Who found it, of those who complained: whoever must.
    ///
    /// # Errors
    /// Nobody did, or others: they may have failed for any reason.
    pub fn caught<'a>(&self, complained: &'a [String]) -> Result<&'a str, String> {
        if complained.is_empty() {
            return Err("nobody complains".into());
        }
        let found = complained.iter().find(|name| self.counts(name)).map(String::as_str);
        let whoever = self.fails.as_deref().unwrap_or("any judge");
        found.ok_or_else(|| format!("{whoever} does not fail; what does: {}", complained.join(", ")))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn patch(head: &str) -> Result<Patch, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("07-name.patch");
        fs::write(&path, format!("bug: it\n{head}\n--- a/node/src/x.rs\n+++ b/node/src/x.rs\n"))
            .expect("written");
        Patch::read(&path)
    }

    #[test]
    fn only_the_test_that_must_fail_finds_a_bug() {
        let tested = patch("caught by: cargo test -p ledger\nfails: one::two").expect("a good head");
        assert_eq!(tested.caught(&["zero".into(), "one::two".into()]), Ok("one::two"));
        for others in [vec![], vec!["zero".to_string(), "two".to_string()]] {
            tested.caught(&others).expect_err("it did not fail");
        }
        let simulated = patch("caught by: sim\nseeds: 3").expect("a good head");
        assert_eq!(simulated.caught(&["digests".into()]), Ok("digests"));
        simulated.caught(&[]).expect_err("nobody complained");
    }

    #[test]
    fn the_end_of_patience_finds_only_what_it_must() {
        let (end, healing) = ("end".to_string(), "healing".to_string());
        let any = patch("caught by: sim\nseeds: 3").expect("a good head");
        any.caught(std::slice::from_ref(&end)).expect_err("no judge complained");
        assert_eq!(any.caught(&[end.clone(), healing.clone()]), Ok("healing"));
        let one = patch("caught by: sim\nseeds: 3\nfails: once").expect("a good head");
        one.caught(&[end.clone(), healing.clone()]).expect_err("another judge complained");
        let endless =
            patch("caught by: sim\nseeds: 3\nfails: end\nwhy: it never waits").expect("a good head");
        assert_eq!(endless.caught(&[healing.clone(), end]), Ok("end"));
        endless.caught(&[healing]).expect_err("it came to an end");
    }

    #[test]
    fn a_head_that_lacks_something_is_refused() {
        let endless = "caught by: sim\nseeds: 3\nfails: end";
        for head in ["caught by: cargo test -p ledger", "caught by: sim", endless, ""] {
            patch(head).expect_err(head);
        }
    }
}
