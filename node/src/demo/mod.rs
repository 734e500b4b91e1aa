//! `gongji demo`: it all on this machine, with the real parts, told and checked.

mod audit;
mod journal;
mod load;
pub mod nodes;
pub mod say;
mod story;

use crate::bench;
use crate::bench::process;
use crate::bench::traffic::Habits;
use crate::bench::world::{self, Plan, World, hospital, sdk};
use crate::cli::status;
use crate::places::{self, PROVINCES, Province};
use crate::problem::{Exit, Problem};
use crate::scratch::Scratch;
use anyhow::Result;
use client::{Client, Outcome};
use journal::Journal;
use nodes::Nodes;
use say::Say;
use std::path::PathBuf;
use std::time::Instant;

/// Who is there, in this order, when not all are: the two of the story first.
const FIRST: [u64; 10] = [32, 41, 11, 44, 65, 51, 61, 33, 31, 37];
/// The most nodes that vote, unless the user says otherwise.
const VOTERS: usize = 7;
/// Donors of the load, and what each account and quota begins with, in fen.
const COUPLES: usize = 400;
const CREDIT: u64 = 1_000 * 100;
const QUOTA: u64 = 400 * 100;
/// The largest payment of the load, in fen.
const AMOUNT_MAX: u64 = 120 * 100;

/// What the verb is given.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How many provinces, each with its node; Jiangsu and Henan are always among them
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u8).range(3..=32))]
    provinces: u8,
    /// How many of them vote; the others are learners [default: all up to 5 provinces, else 7]
    #[arg(long, value_parser = clap::value_parser!(u8).range(3..=32))]
    voters: Option<u8>,
    /// Keep the nodes' data here, in a new or empty directory [default: a temporary one, removed at the end]
    #[arg(long)]
    dir: Option<PathBuf>,
    /// People and traffic follow from it [default: from the clock]
    #[arg(long)]
    seed: Option<u64>,
    /// End when everything is shown, instead of staying up
    #[arg(long)]
    exit: bool,
}

/// Runs the verb.
pub async fn run(args: Args) -> Result<Exit> {
    nodes::unless_interrupted(show(args)).await
}

/// The provinces of the demo, those that vote in front.
fn chosen(count: usize) -> Vec<Province> {
    let first = FIRST.iter().filter_map(|code| places::province(*code));
    let rest = PROVINCES.iter().copied().filter(|province| !FIRST.contains(&province.code));
    first.chain(rest).take(count).collect()
}

async fn show(args: Args) -> Result<Exit> {
    let count = usize::from(args.provinces);
    let voters = args.voters.map_or(if count <= 5 { count } else { VOTERS.min(count) }, usize::from);
    if voters > count {
        return Err(Problem::usage(format!("{voters} of {count} provinces cannot vote"))
            .next("gongji demo --provinces 7 --voters 5")
            .into());
    }
    let seed = args.seed.unwrap_or_else(|| uuid::Uuid::now_v7().as_u128() as u64 % 1_000_000);
    let scratch = match &args.dir {
        Some(dir) => Scratch::kept(dir)?,
        None => Scratch::new("gongji-demo", &[std::env::temp_dir(), std::env::current_dir()?])?,
    };
    let mut say = Say::default();
    say.boxed(&[
        "演示集群，不得用于生产 · DEMO, not for production",
        "real nodes, real gRPC on loopback, real syncs; invented people",
    ]);

    let provinces = chosen(count);
    let began = Instant::now();
    let mut nodes = Nodes::start(&provinces, voters, scratch.path()).await?;
    let client = Client::connect(nodes.addresses()).await.map_err(|error| sdk(&error))?;
    nodes.form(&client).await?;
    let formed = began.elapsed();
    let (_, memory) = process::memory(std::process::id());
    let names: Vec<String> =
        provinces.iter().map(|province| format!("{} {}", province.code, province.zh)).collect();
    say.part(&format!("The cluster: {count} provinces in one process"));
    say.line(format!("{} (the first {voters} vote)", names.join("  ")));
    say.line(format!(
        "formed in {:.1} s, {} MiB resident, data in {}",
        formed.as_secs_f64(),
        memory >> 20,
        scratch.path().display()
    ));

    say.part("A family's story (amounts in yuan)");
    world::register(&client, &provinces).await?;
    story::tell(&client, seed, &mut say).await?;

    say.part("A load, and the leader killed in the middle");
    let plan = Plan { provinces: provinces.clone(), couples: COUPLES, credit: CREDIT, quota: QUOTA, seed };
    let world = World::people(&client, &plan, |_| {}).await?;
    say.line(format!(
        "{COUPLES} donors and as many relatives, over all provinces, pay, refund and raise quotas"
    ));
    let mix = "settle=70,refund=20,set_quota=10".parse().map_err(Problem::usage)?;
    let habits = Habits { mix, amount_max: AMOUNT_MAX, all_or_nothing: 0.2 };
    let load = load::run(&client, &world, habits, seed, &mut nodes, &mut say).await?;

    say.part("What is true now");
    verify(&nodes, &client, &load, &mut say).await?;
    let (most, now) = process::memory(std::process::id());
    say.line(format!(
        "{} MiB resident, {} at most; {:.1} s in all",
        now >> 20,
        most >> 20,
        began.elapsed().as_secs_f64()
    ));
    say.line(format!(
        "replay: {} demo --provinces {count} --voters {voters} --seed {seed} --exit",
        program()
    ));

    let exit = verdict(&say);
    if !args.exit && exit == Exit::Done {
        stay(&nodes, &world, &say).await?;
    }
    match args.dir {
        Some(_) => nodes.stop().await,
        // Nothing of it is kept: no need for a last checkpoint.
        None => nodes.kill().await,
    }
    Ok(exit)
}

/// All checks at the end.
async fn verify(nodes: &Nodes, client: &Client, load: &load::Load, say: &mut Say) -> Result<()> {
    let index = |outcome: &Outcome| match outcome {
        Outcome::Done(receipt) => receipt.index,
        Outcome::Refused(refused) => refused.index,
        Outcome::Unknown(_) => 0,
    };
    let last = load.asked.iter().map(|asked| index(&asked.outcome)).max().unwrap_or(0);
    let found = bench::agreed(&nodes.addresses()[0]).await?;
    say.line(status::page(&found));
    let level = found.nodes.iter().all(|node| node.applied_index >= last);
    let what = format!("all {} nodes hold the same state, the killed one too", found.nodes.len());
    say.check(&what, level && found.compared_index > 0 && found.digests_equal, "see the table");

    let refused = load.asked.iter().filter(|asked| matches!(asked.outcome, Outcome::Refused(_))).count();
    say.line(format!(
        "requests: {} acknowledged, {refused} of them refused by a rule; {} unknown at first: {} had been decided, {} had not; all settled by asking again with the same id",
        load.asked.len(),
        load.had_been + load.had_not,
        load.had_been,
        load.had_not
    ));
    // The node that was killed is asked: it has the whole journal again.
    let back = Client::connect([nodes.address(load.killed)]).await.map_err(|error| sdk(&error))?;
    let journal = Journal::read(&back, last).await?;
    journal.check_answers(load, say);
    journal.check_sums(&back, last, say).await?;
    journal.check_obligations(client, say).await?;
    let killed = nodes.up().find(|node| node.id() == load.killed);
    if let Some(node) = killed {
        audit::check(node, say);
    }
    Ok(())
}

fn verdict(say: &Say) -> Exit {
    match say.failed() {
        [] => {
            say.part(&format!("All {} checks held.", say.held()));
            Exit::Done
        }
        failed => {
            say.part(&format!("{} checks did not hold:", failed.len()));
            for what in failed {
                say.line(format!("✗ {what}"));
            }
            Exit::Differs
        }
    }
}

/// Stays up for whoever wants to try, until Ctrl-C.
async fn stay(nodes: &Nodes, world: &World, say: &Say) -> Result<()> {
    let addresses = nodes.addresses();
    let address = &addresses[0];
    let program = program();
    say.part("It stays up until Ctrl-C. Try:");
    say.line(format!("{program} status --addr {address}"));
    if let Some(couple) = world.couples.first() {
        let institution = hospital(couple.area);
        let line = serde_json::json!({
            "caller": {"institution": institution},
            "settle": {"beneficiary": couple.beneficiary, "institution": institution, "amount": "12.30"},
        });
        say.line(format!("echo '{line}' | {program} submit --addr {address}"));
        say.line(format!("{program} query balances {} --addr {address}", couple.donor));
        say.line(format!(
            "{program} query obligations {} --addr {address}",
            world::month_of(node::clock::time_of_day())
        ));
    }
    say.line(format!("client addresses: {}", addresses.join(" ")));
    std::future::pending::<()>().await;
    Ok(())
}

/// How the user called this program.
fn program() -> String {
    match std::env::args().next() {
        Some(name) if !name.is_empty() => name,
        _ => "gongji".into(),
    }
}
