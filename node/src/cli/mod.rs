//! The verbs of the program, one file each.

pub mod audit;
pub mod cluster;
pub mod config;
pub mod connect;
pub mod export;
pub mod json;
pub mod query;
pub mod reconcile;
pub mod show;
pub mod start;
pub mod statement;
pub mod statistics;
pub mod status;
pub mod submit;

use crate::problem::Exit;
use crate::{bench, demo, scheme, year};
use clap::{Parser, Subcommand, ValueEnum};
use std::future::Future;
use std::io;
use tokio::runtime::Builder;

/// Gongji (共济): a replicated ledger of mutual aid between personal medical-insurance accounts, across provinces.
#[derive(Debug, Parser)]
#[command(name = "gongji", version, max_term_width = 110, after_help = AFTER_HELP)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

const AFTER_HELP: &str = "\
See it run:    gongji demo
A cluster:     gongji start …, then gongji cluster init …, then gongji status

Exit codes: 0 done · 1 bug · 2 usage · 3 refused · 4 not found · 5 cannot reach, or no leader (safe to try again) ·
6 outcome unknown (send again with the same request id) · 7 not allowed · 8 a check differs · 9 wrong cluster or node ·
10 input/output fault · 130 interrupted";

#[derive(Debug, Subcommand)]
enum Verb {
    /// Shows it all on this machine: five provinces, a family's story, a load, a leader killed
    Demo(demo::Args),
    /// Plays a year of 32 provinces on this machine, closes its twelve months, and checks everything
    Year(year::Args),
    /// Runs a node until SIGTERM or Ctrl-C
    Start(start::Args),
    /// Checks and shows settings
    #[command(subcommand)]
    Config(config::Verb),
    /// Forms a cluster and changes its members
    #[command(subcommand)]
    Cluster(cluster::Verb),
    /// Shows the nodes: who leads, how many may fail, whether all hold the same state
    Status(status::Args),
    /// Reads the ledger
    Query(query::Args),
    /// Copies what the ledger has decided
    #[command(subcommand)]
    Ledger(export::Verb),
    /// Checks every sum that must hold over a node's state
    Audit(audit::Args),
    /// Sends transactions: one JSON object a line
    Submit(submit::Args),
    /// Writes a province's statement of a month, and compares two
    #[command(subcommand)]
    Statement(statement::Verb),
    /// Compares a day of an institution or an area with its own rows (对账)
    Reconcile(reconcile::Args),
    /// Prints the published report: person-times and amounts from January until a month
    Statistics(statistics::Args),
    /// Prints what was published about the scheme as transactions to submit: areas, openings, parameters
    #[command(subcommand)]
    Scheme(scheme::Verb),
    /// Measures transactions per second, latency and CPU
    Bench(bench::Args),
}

/// How answers are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    Table,
    /// For programs: proto3 JSON with original field names; 64-bit numbers as strings.
    Json,
}

/// Which nodes to ask.
#[derive(Clone, Debug, clap::Args)]
pub struct Nodes {
    /// A node's client address; repeat it, or part with commas, for nodes to fall back on
    #[arg(
        long = "addr",
        value_name = "HOST:PORT",
        env = "GONGJI_ADDR",
        value_delimiter = ',',
        default_value = "127.0.0.1:7701",
        global = true
    )]
    pub addresses: Vec<String>,
}

/// Runs what the command line asks for.
///
/// # Errors
/// A [`crate::problem::Problem`] with its exit code, or a bug.
pub fn run() -> anyhow::Result<Exit> {
    match Cli::parse().verb {
        Verb::Demo(args) => block_on(demo::run(args)),
        Verb::Year(args) => block_on(year::run(args)),
        Verb::Start(args) => start::run(args),
        Verb::Config(verb) => config::run(verb),
        Verb::Cluster(verb) => block_on(cluster::run(verb)),
        Verb::Status(args) => block_on(status::run(args)),
        Verb::Query(args) => block_on(query::run(args)),
        Verb::Ledger(verb) => block_on(export::run(verb)),
        Verb::Audit(args) => audit::run(args),
        Verb::Submit(args) => block_on(submit::run(args)),
        Verb::Statement(verb) => block_on(statement::run(verb)),
        Verb::Reconcile(args) => block_on(reconcile::run(args)),
        Verb::Statistics(args) => block_on(statistics::run(args)),
        Verb::Scheme(verb) => scheme::run(verb),
        Verb::Bench(args) => block_on(bench::run(args)),
    }
}

/// Runs a verb on a new runtime.
pub(crate) fn block_on<T>(verb: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(verb);
    // Tasks that still run hold nothing that must be kept: what was acknowledged is on disk.
    runtime.shutdown_background();
    result
}

/// Sends log lines to stderr: `filter` says which, `json` how they look.
pub(crate) fn log_to_stderr(filter: &str, json: bool) -> Result<(), String> {
    let filter = tracing_subscriber::EnvFilter::try_new(node::raft::without_chatter(filter))
        .map_err(|problem| problem.to_string())?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    let installed = if json { lines.json().try_init() } else { lines.with_ansi(false).try_init() };
    installed.map_err(|problem| problem.to_string())
}
