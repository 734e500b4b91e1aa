//! `cargo run --release -p tests -- mutants`.

use crate::mutants::catch;
use crate::mutants::patch::{Catcher, Patch};
use crate::mutants::table::Table;
use crate::mutants::tree::{self, Tree};
use clap::Args;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

/// Puts bugs back, one at a time, and fails when one is not found
#[derive(Args, Debug)]
pub struct Mutants {
    /// Only these numbers, with commas between
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// The first seed of the simulation
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The source, if it is not the one that this was built from
    #[arg(long)]
    source: Option<PathBuf>,
    /// Do not look first whether what must find them is quiet without them
    #[arg(long)]
    trust: bool,
}

impl Mutants {
    /// Does it.
    pub fn run(&self) -> ExitCode {
        let built = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie in the workspace");
        match self.all(self.source.as_deref().unwrap_or(built)) {
            Ok(0) => ExitCode::SUCCESS,
            Ok(_) => ExitCode::FAILURE,
            Err(problem) => {
                println!("{problem}");
                ExitCode::FAILURE
            }
        }
    }

    /// How many were not found, or could not be put in.
    fn all(&self, root: &Path) -> Result<usize, String> {
        let patches = Patch::all(root)?;
        let wanted = |patch: &&Patch| self.only.is_empty() || self.only.contains(&patch.number);
        let chosen: Vec<&Patch> = patches.iter().filter(wanted).collect();
        let tree = Tree::copy(root)?;
        if !self.trust {
            self.quiet(&tree, &chosen)?;
        }
        let run = format!("Commit {}, first seed {}", tree::commit(root)?, self.seed);
        let mut table = Table::open(root);
        let mut bad = 0;
        for patch in &chosen {
            let began = Instant::now();
            let counts = |name: &str| patch.counts(name);
            let found =
                tree.apply(&patch.path).and_then(|()| catch::run(&tree, &patch.catcher, self.seed, &counts));
            patch.files.iter().try_for_each(|name| tree.restore(name))?;
            let seconds = began.elapsed().as_secs();
            let (found_by, seeds, said) = match found {
                Ok(catch) => {
                    let instead = catch.instead();
                    match patch.caught(&catch.by) {
                        Ok(judge) if instead.is_empty() => {
                            (found_by(&patch.catcher, judge), catch.seeds, catch.said)
                        }
                        Ok(judge) => {
                            let said = format!("{}\n   passed over before:{instead}", catch.said);
                            (found_by(&patch.catcher, judge), catch.seeds, said)
                        }
                        Err(why) => {
                            (format!("**nobody**{instead}"), catch.seeds, format!("it SURVIVES: {why}"))
                        }
                    }
                }
                Err(problem) => ("**not decided**".into(), None, problem),
            };
            bad += usize::from(found_by.starts_with("**"));
            println!(
                "{} {}: {found_by}, {} seeds, {seconds} s\n   {said}",
                patch.number,
                patch.bug,
                seeds.unwrap_or(0)
            );
            table.set(&run, patch, &found_by, seeds, seconds);
            table.write(&patches)?;
        }
        println!("{} bugs, {} not found", chosen.len(), bad);
        Ok(bad)
    }

    /// Whoever complains of nothing proves nothing: without bugs all must be quiet.
    fn quiet(&self, tree: &Tree, chosen: &[&Patch]) -> Result<(), String> {
        let seeds = chosen.iter().filter_map(|patch| match patch.catcher {
            Catcher::Sim(seeds) => Some(seeds),
            Catcher::Test(_) => None,
        });
        let tests =
            chosen.iter().map(|patch| &patch.catcher).filter(|catcher| matches!(catcher, Catcher::Test(_)));
        let mut catchers: BTreeSet<Catcher> = tests.cloned().collect();
        catchers.extend(seeds.max().map(Catcher::Sim));
        for catcher in catchers {
            let began = Instant::now();
            let found = catch::run(tree, &catcher, self.seed, &|_| true)
                .map_err(|problem| format!("without a bug: {problem}"))?;
            if !found.by.is_empty() {
                let judges = found.by.join(", ");
                return Err(format!("without a bug {catcher:?} complains: {judges}: {}", found.said));
            }
            println!("without a bug {catcher:?} is quiet, {} s", began.elapsed().as_secs());
        }
        Ok(())
    }
}

fn found_by(catcher: &Catcher, judge: &str) -> String {
    match catcher {
        Catcher::Sim(_) => format!("sim: {judge}"),
        Catcher::Test(words) => {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let after = |flag: &str| {
                words.iter().position(|word| *word == flag).and_then(|place| words.get(place + 1))
            };
            let suite = after("--test").or(after("-p")).copied().unwrap_or("cargo test");
            format!("{suite}: {judge}")
        }
    }
}
