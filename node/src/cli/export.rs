//! `gongji ledger export`: the journal as JSON lines, one a decided transaction, with a check line at the end.

mod file;
pub mod line;

use super::Nodes;
use super::connect::{Reached, plain, reach, refused};
use crate::problem::{Exit, Problem};
use anyhow::Result;
use client::{Client, Error, Watch};
use file::{Export, Target};
use indicatif::{ProgressBar, ProgressStyle};
use line::{Check, Lines};
use proto::v1;
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::timeout;

/// How long the journal may be silent while more of it must come.
const SILENCE: Duration = Duration::from_secs(30);

/// What can be copied.
#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// Writes the journal as JSON lines: what was asked, by whom, and what came of it
    Export(Args),
}

/// What the verb is given.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    nodes: Nodes,
    /// Where to: a new file, or a folder, in which the file is named by its range of indexes
    #[arg(long, value_name = "DIR|FILE")]
    out: PathBuf,
    /// The first log index; to go on after an earlier export, the one behind its last
    #[arg(long, value_name = "INDEX", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    from: u64,
    /// The last log index; left out, the last one that the asked node has when the export begins
    #[arg(long, value_name = "INDEX")]
    until: Option<u64>,
}

/// What is exported, as the node told it at the beginning.
struct Plan {
    cluster: String,
    from: u64,
    until: u64,
    /// The digest of the state at `until`; empty when the node does not remember it.
    digest: String,
}

/// An export that is there.
#[derive(Debug)]
pub struct Exported {
    /// Its file.
    pub path: PathBuf,
    /// How many transactions it holds.
    pub lines: u64,
    /// The first log index.
    pub from: u64,
    /// The last.
    pub until: u64,
    /// Where to the next one may go, as `--out` takes it.
    pub again: String,
}

impl Args {
    /// All that the first of these nodes has, to a file or into a folder.
    pub fn whole(addresses: Vec<String>, out: PathBuf) -> Args {
        Args { nodes: Nodes { addresses }, out, from: 1, until: None }
    }
}

/// Runs the verb.
pub async fn run(Verb::Export(args): Verb) -> Result<Exit> {
    if let Some(Exported { path, lines, from, until, again }) = export(&args).await? {
        println!("{lines} transactions, indexes {from} to {until}: {}", path.display());
        println!("next time: gongji ledger export --from {} --out {again}", until + 1);
    }
    Ok(Exit::Done)
}

/// Exports; none if there is nothing new.
pub async fn export(args: &Args) -> Result<Option<Exported>> {
    if let Some(until) = args.until.filter(|until| args.from > *until) {
        let what = format!("--from {} lies behind --until {until}", args.from);
        return Err(Problem::usage(what).next(format!("--from 1 --until {until}")).into());
    }
    let target = Target::new(&args.out)?;
    let node = reach(&args.nodes).await?;
    let plan = plan(args, &node).await?;
    if plan.from > plan.until {
        eprintln!("nothing new: {} has decided up to index {}", node.address, plan.until);
        return Ok(None);
    }
    let mut export = Export::begin(&target, plan.from, plan.until)?;
    let others = args.nodes.addresses.iter().map(|address| plain(address));
    let addresses =
        std::iter::once(node.address.as_str()).chain(others.filter(|other| *other != node.address));
    let mut watch = Client::connect_lazy(addresses)?.watch(plan.from).with_transactions();
    let bar = bar(&plan);
    let copied = tokio::select! {
        copied = copy(&mut watch, &plan, &mut export, &bar) => copied,
        () = interrupted() => Err(Stop::Problem(Problem::new(Exit::Interrupted, "the export was interrupted"))),
    };
    bar.finish_and_clear();
    let check = |until, digest| Check { cluster: &plan.cluster, from: plan.from, until, digest };
    match copied {
        Ok(()) => {
            let lines = export.lines();
            let path = export.finish(&check(plan.until, &plan.digest), None)?;
            let again = target.again();
            Ok(Some(Exported { path, lines, from: plan.from, until: plan.until, again }))
        }
        // What was written goes with the export: there may be no room even for a check line.
        Err(Stop::NotWritten(problem)) => Err(problem.into()),
        Err(Stop::Problem(problem)) => {
            // Everything below the next index has been written: so far the export is good.
            let reached = export.reached();
            if reached < plan.from {
                return Err(problem.into());
            }
            let path = export.finish(&check(reached, ""), Some(reached))?;
            let so_far = format!("indexes {} to {reached} are in {}", plan.from, path.display());
            let (from, until, again) = (reached + 1, plan.until, target.again());
            let next = format!("gongji ledger export --from {from} --until {until} --out {again}");
            Err(problem.because(so_far).next(next).into())
        }
    }
}

/// Asks the node what there is to export.
async fn plan(args: &Args, node: &Reached) -> Result<Plan, Problem> {
    let mut client = v1::cluster_client::ClusterClient::new(node.channel.clone());
    let asked = v1::StatusRequest { local: true, digest_index: args.until.unwrap_or(0) };
    let asked = client.status(asked).await;
    let reply = asked.map_err(|status| refused(&status, &node.address, "export"))?.into_inner();
    let Some(status) = reply.nodes.first().filter(|_| !reply.cluster.is_empty()) else {
        let what = format!("the node at {} belongs to no cluster yet", node.address);
        return Err(Problem::new(Exit::WrongCluster, what).next("gongji cluster init"));
    };
    let reached = status.applied_index;
    let until = args.until.unwrap_or(reached);
    if until > reached || args.from > reached + 1 {
        let beyond = until.max(args.from);
        let what =
            format!("index {beyond} is not decided yet: the node at {} has up to {reached}", node.address);
        return Err(Problem::usage(what).next(format!("gongji status --addr {}", node.address)));
    }
    if status.version != env!("CARGO_PKG_VERSION") {
        eprintln!(
            "warning: the node has version {}, this program {}: what only the node knows is left out",
            status.version,
            env!("CARGO_PKG_VERSION")
        );
    }
    Ok(Plan { cluster: reply.cluster.clone(), from: args.from, until, digest: status.digest.clone() })
}

/// Why copying ended before its end.
enum Stop {
    /// It could not be written.
    NotWritten(Problem),
    /// It could not be read, or somebody stopped it.
    Problem(Problem),
}

async fn copy(
    watch: &mut Watch,
    plan: &Plan,
    export: &mut Export<'_>,
    bar: &ProgressBar,
) -> Result<(), Stop> {
    let lines = Lines::new();
    loop {
        let next = watch.next_index().unwrap_or(plan.from);
        let entry = match timeout(SILENCE, watch.next_until(plan.until)).await {
            Ok(entry) => entry.map_err(|error| Stop::Problem(unreadable(&error)))?,
            Err(_) => return Err(Stop::Problem(silent(next))),
        };
        let Some(entry) = entry else { return Ok(()) };
        let written = lines.of(&entry).map_err(Stop::Problem)?;
        export.write(entry.index, &written).map_err(Stop::NotWritten)?;
        bar.set_position(entry.index + 1 - plan.from);
        bar.set_message(export.lines().to_string());
    }
}

fn silent(next: u64) -> Problem {
    let what = format!("no node tells what was decided from index {next} on");
    Problem::new(Exit::Unreachable, what)
        .because(format!("nothing came for {} s", SILENCE.as_secs()))
        .next("gongji status")
}

fn unreadable(error: &Error) -> Problem {
    match error {
        Error::Compacted { wanted, oldest } => {
            let what = format!("none of the asked nodes keeps what was decided from index {wanted} on");
            Problem::new(Exit::NotFound, what)
                .because(format!("the oldest that is kept has index {oldest}"))
                .next(format!("ask a node that has been there from the beginning, or --from {oldest}"))
        }
        error => Problem::new(Exit::Unreachable, "the journal cannot be read on")
            .because(error)
            .next("gongji status"),
    }
}

/// Waits for Ctrl-C.
async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

fn bar(plan: &Plan) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{wide_bar} {percent}%  {msg} transactions  {eta} to go");
    ProgressBar::new(plan.until + 1 - plan.from).with_style(style.expect("the template is well-formed"))
}
