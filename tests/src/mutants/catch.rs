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
/// How long a catcher may take. One that takes longer has found something, too: something hangs.
const PATIENCE: Duration = Duration::from_secs(1_200);

/// What came of a catcher.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catch {
    /// Which judge or test complained; none if nobody did.
    pub judge: Option<String>,
    /// After how many seeds; none if it was no simulation.
    pub seeds: Option<u64>,
    /// What was said.
    pub said: String,
}

/// Runs a catcher over the copy as it is.
///
/// # Errors
/// It does not compile, or did not run.
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
    let Ended { well, said } = wait(tree, &mut command)?;
    if well {
        return Ok(Catch { judge: None, seeds: Some(seeds), said: String::new() });
    }
    let failed = said
        .lines()
        .find_map(|line| line.strip_prefix("seed ")?.strip_suffix(" fails:")?.parse::<u64>().ok());
    let complaint = said.lines().find_map(|line| line.strip_prefix("- "));
    let seeds = failed.map_or(seeds, |failed| failed + 1 - first);
    let Some(complaint) = complaint else {
        return Ok(Catch { judge: Some("it crashes".into()), seeds: Some(seeds), said: tail(&said) });
    };
    let judge = complaint
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'))
        .map_or("healing", |(judge, _)| judge);
    Ok(Catch { judge: Some(judge.into()), seeds: Some(seeds), said: complaint.into() })
}

fn test(tree: &Tree, words: &[&str]) -> Result<Catch, String> {
    let mut command = Command::new("cargo");
    prepare(tree, &mut command);
    let Ended { well, said } = wait(tree, command.args(words))?;
    let failed = said.lines().find_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"));
    let why = said.lines().skip_while(|line| !line.contains("panicked at")).nth(1).unwrap_or_default();
    let judge = (!well).then(|| failed.unwrap_or("it crashes").to_string());
    Ok(Catch { judge, seeds: None, said: why.trim().into() })
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
    let mut command = Command::new("cargo");
    prepare(tree, &mut command);
    let Ended { well, said } = wait(tree, command.arg("--quiet").args(words))?;
    if well { Ok(()) } else { Err(format!("it does not compile:\n{}", tail(&said))) }
}

struct Ended {
    well: bool,
    said: String,
}

/// Runs a command to its end, or to the end of patience; all that it says goes to a file.
fn wait(tree: &Tree, command: &mut Command) -> Result<Ended, String> {
    let path: PathBuf = tree.target.with_file_name("said");
    let file = File::create(&path).and_then(|file| Ok((file.try_clone()?, file)));
    let (out, err) = file.map_err(|problem| format!("{}: {problem}", path.display()))?;
    let spawned = command.stdin(Stdio::null()).stdout(out).stderr(err).spawn();
    let mut child = spawned.map_err(|problem| format!("{command:?}: {problem}"))?;
    let begun = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break Some(status),
            Ok(None) if begun.elapsed() > PATIENCE => {
                child.kill().and_then(|()| child.wait()).map(drop).unwrap_or_default();
                break None;
            }
            Ok(None) => std::thread::sleep(Duration::from_millis(50)),
            Err(found) => return Err(format!("it cannot be waited for: {found}")),
        }
    };
    let mut said = String::from_utf8_lossy(&std::fs::read(&path).unwrap_or_default()).into_owned();
    if status.is_none() {
        said.push_str("\n- [time limit] no end\n");
    }
    Ok(Ended { well: status.is_some_and(|status| status.success()), said })
}

fn tail(said: &str) -> String {
    let lines: Vec<&str> = said.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}
