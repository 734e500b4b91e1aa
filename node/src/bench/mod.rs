//! `gongji bench`: transactions per second, latency and CPU, over the real API.

pub mod local;
pub mod process;
pub mod report;
pub mod run;
pub mod traffic;
pub mod world;

use crate::cli::Output;
use crate::cli::connect::{plain, reach_one, refused};
use crate::problem::{Exit, Problem};
use crate::scratch::Scratch;
use anyhow::Result;
use client::Client;
use client::v1::{self, cluster_client::ClusterClient};
use local::Local;
use run::{Measured, Mode, Work};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use traffic::{Habits, Mix};
use world::{Plan, World};

/// What each donor's account is credited with, and each quota, in fen: enough for hours of traffic.
const CREDIT: u64 = 10_000_000 * 100;
const QUOTA: u64 = 5_000_000 * 100;
/// The largest single payment, in fen.
const AMOUNT_MAX: u64 = 300 * 100;
/// Callers of batches, unless the user says otherwise.
const BATCH_CLIENTS: usize = 8;
/// How long the nodes may take to agree at the end.
const AGREE: Duration = Duration::from_secs(30);

/// What the verb is given.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Measure this running cluster; repeat it, or part with commas. It gets people and payments that stay: never
    /// measure a cluster in use
    #[arg(long = "addr", value_name = "HOST:PORT", value_delimiter = ',', conflicts_with = "local")]
    addresses: Vec<String>,
    /// Measure so many child processes on this machine, with real syncs in a temporary directory
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=9))]
    local: u8,
    /// How much of each kind
    #[arg(long, default_value = "settle=70,refund=20,set_quota=10")]
    mix: Mix,
    /// Callers at once [default: 256, with batches 8]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    clients: Option<u16>,
    /// Transactions per call
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=client::BATCH_MAX as i64))]
    batch: u16,
    /// How long to measure
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    seconds: u32,
    /// How long to run before measuring
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u32).range(0..=3_600))]
    warm_up: u32,
    /// unary: a Submit per transaction; stream: the SDK's batching submitter; batch: SubmitBatch with --batch
    /// transactions [default: stream, with --batch above 1 batch]
    #[arg(long, value_enum)]
    mode: Option<Mode>,
    /// Donors, each with a beneficiary
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    couples: u32,
    /// People and traffic follow from it [default: from the clock]
    #[arg(long)]
    seed: Option<u64>,
    /// Where the temporary directory is made [default: the current directory]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// A flag for the child processes, such as --node-flag=--raft-log-cache=16MiB; repeat it
    #[arg(long = "node-flag", value_name = "FLAG", allow_hyphen_values = true)]
    node_flags: Vec<String>,
    #[arg(short, long, value_enum, default_value = "table")]
    output: Output,
}

/// Runs the verb.
pub async fn run(args: Args) -> Result<Exit> {
    tokio::select! {
        measured = measure(args) => measured,
        // The children and their directory go with the future.
        _ = tokio::signal::ctrl_c() => {
            eprintln!("interrupted");
            Ok(Exit::Interrupted)
        }
    }
}

async fn measure(args: Args) -> Result<Exit> {
    let mode = match (args.mode, args.batch) {
        (Some(Mode::Unary | Mode::Stream), 2..) => {
            return Err(Problem::usage("--batch is for --mode batch")
                .next("gongji bench --mode batch --batch 100")
                .into());
        }
        (Some(mode), _) => mode,
        (None, 1) => Mode::Stream,
        (None, _) => Mode::Batch,
    };
    let clients = args.clients.map_or(if mode == Mode::Batch { BATCH_CLIENTS } else { 256 }, usize::from);
    let seed = args.seed.unwrap_or_else(|| uuid::Uuid::now_v7().as_u128() as u64);

    // Declared in this order: the children are dropped before their directory is removed.
    let scratch;
    let local = if args.addresses.is_empty() {
        let place = match args.dir {
            Some(dir) => dir,
            None => std::env::current_dir()?,
        };
        scratch = Scratch::new("gongji-bench", &[place])?;
        eprintln!("starting {} nodes in {}", args.local, scratch.path().display());
        Some(Local::start(usize::from(args.local), scratch.path(), &args.node_flags).await?)
    } else {
        None
    };
    let addresses = match &local {
        Some(local) => local.addresses(),
        None => leader_first(&args.addresses).await?,
    };
    // Lazily: it asks the first address, the leader's, as long as that answers.
    let client = Client::connect_lazy(&addresses)?.within(Duration::from_secs(30));
    let plan = Plan {
        provinces: crate::places::PROVINCES.to_vec(),
        couples: args.couples as usize,
        credit: CREDIT,
        quota: QUOTA,
        seed,
    };
    let began = Instant::now();
    world::register(&client, &plan.provinces).await?;
    let world = World::people(&client, &plan, |_| {}).await?;
    let prepared = world::transactions_for(plan.couples);
    eprintln!(
        "{} couples enrolled, credited and bound: {prepared} transactions in {:.1} s",
        plan.couples,
        began.elapsed().as_secs_f64()
    );
    eprintln!("measuring {} s after {} s of warm-up, {clients} callers", args.seconds, args.warm_up);

    let work = Work {
        mode,
        clients,
        batch: usize::from(args.batch),
        habits: Habits { mix: args.mix, amount_max: AMOUNT_MAX, all_or_nothing: 0.0 },
        warm_up: Duration::from_secs(args.warm_up.into()),
        length: Duration::from_secs(args.seconds.into()),
        seed,
        servers: local.as_ref().map(Local::processes).unwrap_or_default(),
    };
    let measured = run::run(&client, &world, &work).await?;
    let status = agreed(&addresses[0]).await?;
    let exit = exit(&measured, &status);
    match args.output {
        Output::Json => println!("{}", report::json(&work, &measured, &status)),
        Output::Table => println!("{}", report::table(&work, &measured, &status)),
    }
    Ok(exit)
}

fn exit(measured: &Measured, status: &v1::StatusResponse) -> Exit {
    match () {
        () if status.compared_index == 0 || !status.digests_equal => Exit::Differs,
        () if measured.unknown > 0 => Exit::Unknown,
        () if measured.not_sent > 0 => Exit::Unreachable,
        () => Exit::Done,
    }
}

/// The addresses with the leader's in front: what is passed on would be measured twice.
async fn leader_first(addresses: &[String]) -> Result<Vec<String>, Problem> {
    let mut all: Vec<String> = addresses.iter().map(|address| plain(address).to_owned()).collect();
    let reached = crate::cli::connect::reach(&crate::cli::Nodes { addresses: all.clone() }).await?;
    let asked = ClusterClient::new(reached.channel).status(v1::StatusRequest::default()).await;
    let status = asked.map_err(|status| refused(&status, &reached.address, "status"))?.into_inner();
    let leader =
        status.nodes.iter().find(|node| node.node == status.leader).and_then(|node| node.member.clone());
    if let Some(leader) = leader {
        match all.iter().position(|address| *address == leader.api_address) {
            Some(place) => all.swap(0, place),
            None => eprintln!(
                "the leader, {}, is not among the addresses: everything is passed on to it",
                leader.api_address
            ),
        }
    }
    Ok(all)
}

/// The state of all nodes once they hold the same, or when they had long enough for that.
pub async fn agreed(address: &str) -> Result<v1::StatusResponse, Problem> {
    let until = Instant::now() + AGREE;
    let reached = reach_one(address).await?;
    let mut client = ClusterClient::new(reached.channel);
    loop {
        let asked = client.status(v1::StatusRequest::default()).await;
        let status = asked.map_err(|status| refused(&status, address, "status"))?.into_inner();
        let level = status.nodes.windows(2).all(|two| two[0].applied_index == two[1].applied_index);
        if (level && status.compared_index > 0) || Instant::now() > until {
            return Ok(status);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
