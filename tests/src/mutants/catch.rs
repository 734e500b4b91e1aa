//! Builds the copy and runs what must fail there.

use crate::mutants::patch::Catcher;
use crate::mutants::tree::Tree;
use std::fs::File;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A cheap build that is still quick enough for the simulation. The same checks as in production: no debug assertions.
const PROFILE: [(&str, &str); 4] = [
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
    ("CARGO_PROFILE_RELEASE_INCREMENTAL", "true"),
    ("CARGO_PROFILE_RELEASE_DEBUG", "0"),
];
/// What changes with every bug is compiled in small pieces, of which few are compiled again.
const PIECES: [&str; 3] = ["ledger", "node", "tests"];
/// How long a build or a test may take: longer than any does on a busy machine. One that takes longer has decided nothing.
const PATIENCE: Duration = Duration::from_secs(3_600);
/// How long one seed of the simulation may take.
const SEED_MAX: Duration = Duration::from_secs(120);

/// What came of a catcher.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catch {
    /// Which judge, or which tests, complained; none if nobody did.
    pub by: Vec<String>,
    /// After how many seeds; none if it was no simulation.
    pub seeds: Option<u64>,
    /// What was said.
    pub said: String,
}

/// Runs a catcher over the copy as it is.
///
/// # Errors
/// It does not compile or did not run; it did not end in time, or ended badly without a word of any judge or test: then
/// nothing is decided, least of all that a bug was found.
pub fn run(tree: &Tree, catcher: &Catcher, first: u64) -> Result<Catch, String> {
    match catcher {
        Catcher::Sim(seeds) => {
            cargo(tree, &["build", "--release", "-p", "tests", "--bin", "tests"])?;
            simulate(tree, *seeds, first)
        }
        Catcher::Test(words) => {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let (before, behind) =
                words.split_at(words.iter().position(|word| *word == "--").unwrap_or(words.len()));
            cargo(tree, &[&["test", "--release", "--no-run"], before].concat())?;
            test(tree, &[&["test", "--release", "--no-fail-fast"], before, behind].concat())
        }
    }
}

fn simulate(tree: &Tree, seeds: u64, first: u64) -> Result<Catch, String> {
    let (count, seed) = (seeds.to_string(), first.to_string());
    let mut command = Command::new(tree.target.join("release/tests"));
    // One at a time: the first seed that fails is the same one every time.
    command.args(["sim", "--jobs", "1", "--seeds", &count, "--seed", &seed]);
    let patience = SEED_MAX * u32::try_from(seeds).unwrap_or(u32::MAX);
    simulated(&wait(tree, &mut command, patience)?, seeds, first)
}

/// What a run of the simulation says.
fn simulated(ended: &Ended, seeds: u64, first: u64) -> Result<Catch, String> {
    if ended.well {
        return Ok(Catch { by: Vec::new(), seeds: Some(seeds), said: String::new() });
    }
    let lines = || ended.said.lines();
    let failed =
        lines().find_map(|line| line.strip_prefix("seed ")?.strip_suffix(" fails:")?.parse::<u64>().ok());
    let complaint = lines().find_map(|line| line.strip_prefix("- "));
    let (Some(failed), Some(complaint)) = (failed, complaint) else {
        return Err(format!("it ends badly, and no judge complains:\n{}", tail(&ended.said)));
    };
    let judge = complaint
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'))
        .map_or("healing", |(judge, _)| judge);
    Ok(Catch { by: vec![judge.into()], seeds: Some(failed + 1 - first), said: complaint.into() })
}

fn test(tree: &Tree, words: &[&str]) -> Result<Catch, String> {
    let mut command = Command::new("cargo");
    prepare(tree, &mut command);
    tested(&wait(tree, command.args(words), PATIENCE)?)
}

/// What a run of tests says.
fn tested(ended: &Ended) -> Result<Catch, String> {
    let lines = || ended.said.lines();
    let by: Vec<String> = lines()
        .filter_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"))
        .map(str::to_string)
        .collect();
    if by.is_empty() != ended.well {
        return Err(format!("it ends badly, and no test fails:\n{}", tail(&ended.said)));
    }
    let why = lines().skip_while(|line| !line.contains("panicked at")).nth(1).unwrap_or_default();
    Ok(Catch { by, seeds: None, said: why.trim().into() })
}

fn prepare(tree: &Tree, command: &mut Command) {
    command
        .current_dir(&tree.root)
        .env("CARGO_TARGET_DIR", &tree.target)
        .env_remove("RUST_LOG")
        .envs(PROFILE);
    for package in PIECES {
        command.args(["--config", &format!("profile.release.package.{package}.codegen-units=256")]);
    }
}

fn cargo(tree: &Tree, words: &[&str]) -> Result<(), String> {
    let run = |words: &[&str]| {
        let mut command = Command::new("cargo");
        prepare(tree, &mut command);
        wait(tree, command.arg("--quiet").args(words), PATIENCE)
    };
    let mut ended = run(words)?;
    if !ended.well && ended.said.contains("error: linking with") {
        // An incremental build that was interrupted leaves pieces that do not fit: whole ones are made, once.
        let pieces = PIECES.iter().flat_map(|piece| ["-p", piece]);
        run(&["clean", "--release"].into_iter().chain(pieces).collect::<Vec<_>>())?;
        ended = run(words)?;
    }
    if ended.well { Ok(()) } else { Err(format!("it does not compile:\n{}", tail(&ended.said))) }
}

struct Ended {
    well: bool,
    said: String,
}

/// Runs a command to its end; all that it says goes to a file.
fn wait(tree: &Tree, command: &mut Command, patience: Duration) -> Result<Ended, String> {
    let path: PathBuf = tree.target.with_file_name("said");
    let file = File::create(&path).and_then(|file| Ok((file.try_clone()?, file)));
    let (out, err) = file.map_err(|problem| format!("{}: {problem}", path.display()))?;
    let spawned = command.stdin(Stdio::null()).stdout(out).stderr(err).spawn();
    let mut child = spawned.map_err(|problem| format!("{command:?}: {problem}"))?;
    let begun = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if begun.elapsed() > patience => {
                child.kill().and_then(|()| child.wait()).map(drop).unwrap_or_default();
                return Err(format!("not decided: {command:?} did not end within {} s", patience.as_secs()));
            }
            Ok(None) => std::thread::sleep(Duration::from_millis(50)),
            Err(found) => return Err(format!("it cannot be waited for: {found}")),
        }
    };
    let said = String::from_utf8_lossy(&std::fs::read(&path).unwrap_or_default()).into_owned();
    Ok(Ended { well: status.success(), said })
}

fn tail(said: &str) -> String {
    let lines: Vec<&str> = said.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(well: bool, said: &str) -> Ended {
        Ended { well, said: said.into() }
    }

    #[test]
    fn a_seed_that_fails_is_a_catch_and_a_crash_is_not() {
        let said = "\nseed 12 fails:\n  a line\n- [digests] node 3 holds another\nreplay: …\n";
        let catch = simulated(&ended(false, said), 40, 10).expect("decided");
        assert_eq!((catch.by, catch.seeds), (vec!["digests".to_string()], Some(3)));
        let catch = simulated(&ended(true, "40 seeds, 0 failed"), 40, 10).expect("decided");
        assert_eq!((catch.by, catch.seeds), (vec![], Some(40)));
        for said in ["", "memory allocation of 64 bytes failed", "seed 12 fails:\n"] {
            simulated(&ended(false, said), 40, 10).expect_err("nobody complained");
        }
    }

    #[test]
    fn a_test_that_fails_is_a_catch_and_a_broken_build_is_not() {
        let said = "test one ... ok\ntest two::three ... FAILED\ntest four ... FAILED\n\
                    thread 'x' panicked at a.rs:1:2:\n  too much\n";
        let catch = tested(&ended(false, said)).expect("decided");
        assert_eq!((catch.by, catch.said.as_str()), (vec!["two::three".into(), "four".into()], "too much"));
        assert!(tested(&ended(true, "test one ... ok")).expect("decided").by.is_empty());
        for said in ["error: could not compile `node`", "test one ... ok\nSIGKILL", ""] {
            tested(&ended(false, said)).expect_err("no test failed");
        }
    }

    #[test]
    fn what_does_not_end_in_time_is_not_decided() {
        let folder = tempfile::tempdir().expect("a folder");
        let tree = Tree::at(folder.path());
        std::fs::create_dir_all(&tree.target).expect("made");
        let problem = wait(&tree, Command::new("sleep").arg("600"), Duration::ZERO).map(|_| ());
        assert!(problem.is_err_and(|problem| problem.contains("not decided")));
        assert!(
            wait(&tree, &mut Command::new("true"), Duration::from_secs(600)).is_ok_and(|ended| ended.well)
        );
    }
}
