//! `chaos`: passes over all faults, each on a cluster of its own.

use super::fault::{FAULTS, Fault, Table};
use super::pass::Pass;
use crate::bench;
use clap::Args;
use futures::FutureExt;
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};

/// How often faults that were not seen in everything are tried once more: what they meet is chance, and the machine's speed.
const AGAIN: u32 = 2;

/// Real processes under every fault.
#[derive(Args)]
pub struct Chaos {
    /// What everything is drawn from; of this moment if none is given
    seed: Option<u64>,
    /// Begin passes until so many minutes are over, each with a seed of its own
    #[arg(long, default_value_t = 0)]
    minutes: u64,
    /// Fail if a fault was never seen while the cluster served, elected, mended, or changed its members, not even when only such
    /// faults were tried twice more
    #[arg(long)]
    strict: bool,
    /// Only these faults, for looking into one; nothing is missed then
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
}

impl Chaos {
    /// Runs it.
    pub fn run(self) -> ExitCode {
        let only: Vec<Fault> =
            FAULTS.into_iter().filter(|fault| self.only.contains(&format!("{fault:?}"))).collect();
        if only.len() < self.only.len() {
            eprintln!("--only knows {FAULTS:?}");
            return ExitCode::from(2);
        }
        let _turn = bench::turn();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.expect("a runtime needs two threads");
        let whole = runtime.block_on(async {
            let mut terminate = signal(SignalKind::terminate()).expect("signals can be waited for");
            tokio::select! {
                whole = self.passes(&only) => whole,
                _ = tokio::signal::ctrl_c() => { eprintln!("stopped by hand"); false }
                _ = terminate.recv() => { eprintln!("stopped by SIGTERM"); false }
            }
        });
        runtime.shutdown_timeout(Duration::from_secs(1));
        if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    async fn passes(&self, only: &[Fault]) -> bool {
        let mut seed = self.seed.unwrap_or_else(bench::seed);
        let started = Instant::now();
        let mut all = Table::default();
        let (mut passes, mut transactions, mut reads, mut took) = (0, 0, 0, Duration::ZERO);
        let mut leaderless = Duration::ZERO;
        let (mut these, mut again) = (only.to_vec(), 0);
        loop {
            let names: Vec<String> = these.iter().map(|fault| format!("{fault:?}")).collect();
            let only_these =
                if these.is_empty() { String::new() } else { format!(" --only {}", names.join(",")) };
            let replay = format!("seed {seed}; replay: scripts/chaos.sh {seed}{only_these}");
            eprintln!("{replay}");
            // What hangs ends by a panic, which leaves what the nodes have written.
            let ended = match AssertUnwindSafe(Pass::play(seed, &these)).catch_unwind().await {
                Ok(ended) => ended,
                // What was wrong has been said.
                Err(_) => {
                    println!("FAILED; {replay}");
                    return false;
                }
            };
            passes += 1;
            transactions += ended.verdict.transactions;
            reads += ended.reads;
            took += ended.took;
            leaderless = leaderless.max(ended.leaderless);
            all.add(&ended.table);
            if started.elapsed() >= Duration::from_secs(60 * self.minutes) {
                let missed = all.missed();
                if !self.strict || !only.is_empty() || missed.is_empty() || again == AGAIN {
                    break;
                }
                again += 1;
                println!("not seen so far, tried once more: {missed:?}");
                these = missed.into_iter().map(|(fault, _)| fault).collect();
                these.dedup();
            }
            seed = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(1);
        }
        println!("{all}");
        let minutes = took.as_secs_f64() / 60.0;
        println!(
            "{passes} passes in {:.0} s: {transactions} transactions, {:.0}/s under faults; {reads} reads; {} faults, {:.1} a minute; without a leader for at most {leaderless:.1?}; no complaint",
            started.elapsed().as_secs_f64(),
            transactions as f64 / took.as_secs_f64(),
            all.faults(),
            all.faults() as f64 / minutes,
        );
        if !all.skipped().is_empty() {
            println!("{} faults skipped: {:?}", all.skipped().len(), all.skipped());
        }
        let missed = all.missed();
        if only.is_empty() && !missed.is_empty() {
            println!("{} cells of the table are empty: {missed:?}", missed.len());
        }
        !(self.strict && only.is_empty() && !missed.is_empty())
    }
}
