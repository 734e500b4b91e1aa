//! A copy of the source, in `target/mutants/tree`, with build results of its own beside it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The copy.
pub struct Tree {
    source: PathBuf,
    /// Where it lies.
    pub root: PathBuf,
    /// Where its build results lie.
    pub target: PathBuf,
}

impl Tree {
    /// Where the copy of a source lies.
    pub(super) fn at(source: &Path) -> Tree {
        let place = source.join("target/mutants");
        Tree { source: source.into(), root: place.join("tree"), target: place.join("target") }
    }

    /// Copies what is tracked of the source, as it lies there now; files that are the same already keep their time, so that
    /// little is built again.
    ///
    /// # Errors
    /// What the operating system or git says.
    pub fn copy(source: &Path) -> Result<Tree, String> {
        let tree = Tree::at(source);
        let listed = git(source, &["ls-files", "-z"])?;
        let names: BTreeSet<&str> = listed.split('\0').filter(|name| !name.is_empty()).collect();
        for name in &names {
            tree.restore(name)?;
        }
        tree.tidy(&tree.root.clone(), &names)?;
        Ok(tree)
    }

    /// Makes one file what it is in the source.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn restore(&self, name: &str) -> Result<(), String> {
        let (from, to) = (self.source.join(name), self.root.join(name));
        let said = |problem: std::io::Error| format!("copy {name}: {problem}");
        // Deleted and not committed yet.
        let Ok(bytes) = fs::read(&from) else { return Ok(()) };
        if fs::read(&to).is_ok_and(|there| there == bytes) {
            return Ok(());
        }
        to.parent().map_or(Ok(()), fs::create_dir_all).map_err(said)?;
        fs::write(&to, bytes).map_err(said)
    }

    /// Removes what is not in the source.
    fn tidy(&self, folder: &Path, names: &BTreeSet<&str>) -> Result<(), String> {
        let said = |problem: std::io::Error| format!("tidy {}: {problem}", folder.display());
        for entry in fs::read_dir(folder).map_err(said)? {
            let path = entry.map_err(said)?.path();
            let name = path.strip_prefix(&self.root).unwrap_or(&path).to_string_lossy().into_owned();
            if path.is_dir() {
                self.tidy(&path, names)?;
            } else if !names.contains(name.as_str()) {
                fs::remove_file(&path).map_err(said)?;
            }
        }
        Ok(())
    }

    /// Puts a patch in.
    ///
    /// # Errors
    /// It does not apply.
    pub fn apply(&self, patch: &Path) -> Result<(), String> {
        // Outside of any repository as far as git can tell: the copy lies in an ignored folder of one.
        let path = patch.display().to_string();
        apply(&self.root, &["apply", &path])
    }
}

/// Which commit a source is at, and whether it differs from it: the table that a run writes does not count.
///
/// # Errors
/// What git says.
pub fn commit(source: &Path) -> Result<String, String> {
    let commit = git(source, &["rev-parse", "--short", "HEAD"])?;
    let changed = ["status", "--porcelain", "--untracked-files=no", "--", ".", ":(exclude)tests/mutants.md"];
    let and = if git(source, &changed)?.trim().is_empty() { "" } else { " and changes to it" };
    Ok(format!("{}{and}", commit.trim()))
}

/// Whether a patch can be put into a source.
///
/// # Errors
/// It cannot; what git says.
pub fn check(source: &Path, patch: &Path) -> Result<(), String> {
    apply(source, &["apply", "--check", &patch.display().to_string()])
}

fn apply(folder: &Path, words: &[&str]) -> Result<(), String> {
    // git apply leaves out, silently, what lies outside of the folder that it takes for the repository's: none here.
    let ceiling = folder.parent().unwrap_or(folder).display().to_string();
    let mut command = Command::new("git");
    command.current_dir(folder).env("GIT_CEILING_DIRECTORIES", ceiling).env("GIT_DIR", "/nonexistent");
    run(command.args(words)).map(drop)
}

fn git(folder: &Path, words: &[&str]) -> Result<String, String> {
    run(Command::new("git").current_dir(folder).args(words))
}

fn run(command: &mut Command) -> Result<String, String> {
    let done = command.stdin(Stdio::null()).output().map_err(|problem| format!("git: {problem}"))?;
    match done.status.success() {
        true => Ok(String::from_utf8_lossy(&done.stdout).into_owned()),
        false => Err(String::from_utf8_lossy(&done.stderr).trim().to_string()),
    }
}
