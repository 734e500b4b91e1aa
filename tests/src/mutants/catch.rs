//! Builds the copy and runs what must fail there.

use crate::mutants::patch::Catcher;
use crate::mutants::tree::Tree;
use std::collections::BTreeMap;
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
/// How long one seed of the simulation may take, of many.
const SEED_MAX: Duration = Duration::from_secs(120);
/// So few seeds may take as long as this many: one that does not heal takes longer than others.
const FEW: u64 = 10;

/// What came of a catcher.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catch {
    /// Which judges, or which tests, complained; none if nobody did.
    pub by: Vec<String>,
    /// After how many seeds; none if it was no simulation.
    pub seeds: Option<u64>,
    /// What was said.
    pub said: String,
    /// Who complained in seeds that were passed over, as nobody complained there whose word counts; and in how many.
    pub passed_over: BTreeMap<String, u64>,
}

impl Catch {
    /// What was passed over, in words: ` (end: 12 seeds, healing: 3 seeds)`; empty if nothing was.
    pub fn instead(&self) -> String {
        let each = |(judge, seeds): (&String, &u64)| format!("{judge}: {seeds} seeds");
        match self.passed_over.is_empty() {
            true => String::new(),
            false => format!(" ({})", self.passed_over.iter().map(each).collect::<Vec<_>>().join(", ")),
        }
    }
}

/// Runs a catcher over the copy as it is. Seeds of the simulation in which nobody complains whose word counts are passed over.
///
/// # Errors
/// It does not compile or did not run; it did not end in time, or ended badly without a word of any judge or test: then
/// nothing is decided, least of all that a bug was found.
pub fn run(
    tree: &Tree,
    catcher: &Catcher,
    first: u64,
    counts: &dyn Fn(&str) -> bool,
) -> Result<Catch, String> {
    match catcher {
        Catcher::Sim(seeds) => {
            cargo(tree, &["build", "--release", "-p", "tests", "--bin", "tests"])?;
            hunt(first, *seeds, counts, |seed, seeds| simulate(tree, seed, seeds))
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

/// A seed of the simulation that fails.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Failed {
    seed: u64,
    /// What is wrong with it: who complains, and the whole line.
    complaints: Vec<(String, String)>,
}

/// Plays seeds until somebody complains whose word counts. `play`: from a seed on, so many, up to the first that fails.
fn hunt(
    first: u64,
    seeds: u64,
    counts: &dyn Fn(&str) -> bool,
    mut play: impl FnMut(u64, u64) -> Result<Option<Failed>, String>,
) -> Result<Catch, String> {
    let (mut next, end) = (first, first + seeds);
    let mut passed_over: BTreeMap<String, u64> = BTreeMap::new();
    while next < end {
        let Some(Failed { seed, complaints }) = play(next, end - next)? else { break };
        let mut by: Vec<String> = Vec::new();
        for (judge, _) in &complaints {
            if !by.contains(judge) {
                by.push(judge.clone());
            }
        }
        if let Some((_, said)) = complaints.into_iter().find(|(judge, _)| counts(judge)) {
            return Ok(Catch { by, seeds: Some(seed + 1 - first), said, passed_over });
        }
        for judge in by {
            *passed_over.entry(judge).or_default() += 1;
        }
        next = next.max(seed) + 1;
    }
    let by = passed_over.keys().cloned().collect();
    Ok(Catch { by, seeds: Some(seeds), said: String::new(), passed_over })
}

fn simulate(tree: &Tree, first: u64, seeds: u64) -> Result<Option<Failed>, String> {
    let (count, seed) = (seeds.to_string(), first.to_string());
    let mut command = Command::new(tree.target.join("release/tests"));
    // One at a time: the first seed that fails is the same one every time.
    command.args(["sim", "--jobs", "1", "--seeds", &count, "--seed", &seed]);
    let patience = SEED_MAX * u32::try_from(seeds.max(FEW)).unwrap_or(u32::MAX);
    simulated(&wait(tree, &mut command, patience)?)
}

/// What a run of the simulation says: the seed that fails, if one does.
fn simulated(ended: &Ended) -> Result<Option<Failed>, String> {
    if ended.well {
        return Ok(None);
    }
    let mut lines = ended.said.lines();
    let seed =
        lines.find_map(|line| line.strip_prefix("seed ")?.strip_suffix(" fails:")?.parse::<u64>().ok());
    let complaint = |line: &str| {
        let complaint = line.strip_prefix("- ")?;
        let (judge, _) = complaint.strip_prefix('[')?.split_once(']')?;
        Some((judge.to_string(), complaint.to_string()))
    };
    let complaints: Vec<(String, String)> = lines.filter_map(complaint).collect();
    match seed {
        Some(seed) if !complaints.is_empty() => Ok(Some(Failed { seed, complaints })),
        _ => Err(format!("it ends badly, and no judge complains:\n{}", tail(&ended.said))),
    }
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
    Ok(Catch { by, seeds: None, said: why.trim().into(), passed_over: BTreeMap::new() })
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
        let said =
            "\nseed 12 fails:\n  a line\n- [digests] node 3 holds another\n- [end] no end\nreplay: …\n";
        let failed = simulated(&ended(false, said)).expect("decided").expect("a seed failed");
        let judges: Vec<&str> = failed.complaints.iter().map(|(judge, _)| judge.as_str()).collect();
        assert_eq!((failed.seed, judges), (12, vec!["digests", "end"]));
        assert_eq!(failed.complaints[0].1, "[digests] node 3 holds another");
        assert_eq!(simulated(&ended(true, "40 seeds, 0 failed")), Ok(None));
        for said in ["", "memory allocation of 64 bytes failed", "seed 12 fails:\n", "seed 12 fails:\n- so"] {
            simulated(&ended(false, said)).expect_err("nobody complained");
        }
    }

    #[test]
    fn seeds_in_which_nobody_complains_who_counts_are_passed_over() {
        let failing = [(12, "end"), (13, "healing"), (17, "once")];
        let play = |seed: u64, seeds: u64| {
            let failed = failing.iter().find(|(failing, _)| (seed..seed + seeds).contains(failing));
            let complaints = |judge: &str| vec![(judge.to_string(), format!("[{judge}] so"))];
            Ok(failed.map(|(seed, judge)| Failed { seed: *seed, complaints: complaints(judge) }))
        };
        let catch = hunt(10, 40, &|judge| judge == "once", play).expect("decided");
        assert_eq!((catch.by.clone(), catch.seeds), (vec!["once".to_string()], Some(8)));
        assert_eq!(
            (catch.said.as_str(), catch.instead().as_str()),
            ("[once] so", " (end: 1 seeds, healing: 1 seeds)")
        );
        let catch = hunt(10, 40, &|judge| judge != "end", play).expect("decided");
        assert_eq!((catch.by.clone(), catch.seeds), (vec!["healing".to_string()], Some(4)));
        let catch = hunt(10, 3, &|judge| judge != "end", play).expect("decided");
        assert_eq!((catch.by.clone(), catch.seeds), (vec!["end".to_string()], Some(3)));
        let catch = hunt(20, 9, &|_| true, play).expect("decided");
        assert_eq!((catch.by.clone(), catch.instead()), (Vec::new(), String::new()));
        hunt(10, 40, &|_| true, |_, _| Err("it did not end".into())).expect_err("not decided");
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
