//! `gongji year`: a year in the life of 32 provinces, on real nodes, by a clock that jumps from day to day.
//!
//! [`plan`] says what everybody asks, hour by hour, and how each request must end; [`clear`] keeps the books. [`run`]
//! sends it all to a [`desk`]. At the end [`check`] compares what the ledger tells with what its exported journal gives,
//! by the independent [`count`], and [`statements`] writes what every province is told of every month and holds it
//! against what the others are told.

mod bonds;
mod check;
mod clear;
mod count;
mod desk;
mod govern;
mod land;
mod line;
mod moves;
mod pay;
mod people;
mod plan;
mod rng;
mod run;
mod statements;
mod step;
#[cfg(test)]
mod tests;
mod told;
mod undo;
mod wrong;

use crate::bench::process;
use crate::bench::world::sdk;
use crate::cli::export;
use crate::demo::nodes::Nodes;
use crate::demo::say::Say;
use crate::places::{self, PROVINCES, Province};
use crate::problem::{Exit, Problem};
use crate::scratch::Scratch;
use anyhow::Result;
use check::Journal;
use clear::Books;
use client::Client;
use desk::Cluster;
use ledger::{Day, Month};
use node::clock::Clock;
use plan::{Plan, Size};
use run::{Desk, Runner, Tally, month_text, shown};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use step::Hour;

/// Whose nodes are there, in this order.
const FIRST: [u64; 9] = [11, 32, 41, 44, 51, 61, 33, 37, 65];
/// The most nodes that vote.
const VOTERS: usize = 5;
/// Columns of a page.
const WIDTH: usize = 110;
/// How often the leader looks whether something has run out: a day of the year is a fraction of a second.
const PULSE: Duration = Duration::from_millis(5);

/// What the verb is given.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// People and everything they do follow from it [default: from the clock]
    #[arg(long)]
    seed: Option<u64>,
    /// How many nodes
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=9))]
    nodes: u8,
    /// How many times the usual size: some 2,200 people and 130,000 transactions
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    scale: u32,
    /// Which year
    #[arg(long, default_value_t = 2026, value_parser = clap::value_parser!(u16).range(2000..=2999))]
    year: u16,
    /// Leave the exported journal and the statements here, in a new or empty directory
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Say nothing but what does not hold: the exit code tells
    #[arg(long)]
    exit_code: bool,
}

/// Runs the verb.
pub async fn run(args: Args) -> Result<Exit> {
    crate::demo::nodes::unless_interrupted(play(args)).await
}

async fn play(args: Args) -> Result<Exit> {
    let began = Instant::now();
    let seed = args.seed.unwrap_or_else(|| uuid::Uuid::now_v7().as_u128() as u64 % 1_000_000);
    let mut say = if args.exit_code { Say::quiet() } else { Say::default() };
    say.boxed(&[
        &format!("{} 年，32 个省 · a year in 32 provinces", args.year),
        "real nodes, real gRPC on loopback, real syncs; invented people, a clock that jumps",
    ]);
    // Before anything can go wrong.
    say.line(format!(
        "replay: cargo run --release -- year --seed {seed} --nodes {} --scale {} --year {}",
        args.nodes, args.scale, args.year
    ));
    let out = args.out.as_deref().map(Scratch::kept).transpose()?;
    let scratch = Scratch::new("gongji-year", &[std::env::temp_dir(), std::env::current_dir()?])?;
    let mut plan = Plan::new(seed, args.year, Size::of(args.scale));
    let mut books = Books::new(seed, args.year);

    let clock = Clock::default();
    Cluster::set_back(&clock, plan.first().start());
    let provinces: Vec<Province> =
        FIRST.iter().filter_map(|code| places::province(*code)).take(usize::from(args.nodes)).collect();
    let voters = provinces.len().min(VOTERS);
    let nodes = Nodes::start_by(clock.clone(), PULSE, &provinces, voters, scratch.path()).await?;
    let client = Client::connect(nodes.addresses()).await.map_err(|error| sdk(&error))?;
    nodes.form(&client).await?;
    say.part("The year");
    say.line(format!(
        "seed {seed}: {} people in {} areas of {} provinces, {} pairs of relatives; {} nodes",
        plan.humans.len(),
        plan.land.areas.len(),
        PROVINCES.len(),
        plan.pairs.len(),
        provinces.len()
    ));

    let mut desk = Cluster::new(&nodes, &client, clock);
    let mut runner = Runner::default();
    live(&mut plan, &mut books, &mut desk, &mut runner, began, &say).await?;
    let again = desk.again;

    let months: Vec<Month> = (1..=12).map(|month| Month { year: args.year, month }).collect();
    let folder = out.as_ref().map_or(scratch.path(), Scratch::path);
    let journal = folder.join(format!("journal-{}.jsonl", args.year));
    let exported = export::export(&export::Args::whole(nodes.addresses(), journal.clone())).await?;
    let lines = exported.map_or(0, |exported| exported.lines);
    let journal = Journal::read(&journal)?;
    say.part("What happened");
    say.line(filled(journal.happened()));
    say.part(&format!(
        "What was refused: {} of {} requests, for {} reasons",
        runner.year.refused,
        runner.year.decided,
        runner.year.reasons.len()
    ));
    say.line(filled(reasons(&runner.year)));
    if again > 0 {
        say.line(format!("{again} requests had no answer in time and were sent again"));
    }
    say.part("What is true now");
    check::all(&nodes, &client, &runner, &months, &journal, &mut say).await?;
    let statements = folder.join("statements");
    statements::all(&nodes, &client, &months, &statements, &mut say).await?;

    let (most, _) = process::memory(std::process::id());
    say.line(format!(
        "{} requests, {lines} lines of journal, {:.1} s in all, {} MiB resident at most",
        runner.year.decided,
        began.elapsed().as_secs_f64(),
        most >> 20
    ));
    if let Some(out) = &out {
        say.line(format!("{} holds the exported journal and the statements", out.path().display()));
    }
    let exit = verdict(&say);
    nodes.kill().await;
    Ok(exit)
}

/// Lives through the year, and closes its books.
async fn live(
    plan: &mut Plan,
    books: &mut Books,
    desk: &mut Cluster<'_>,
    runner: &mut Runner,
    began: Instant,
    say: &Say,
) -> Result<(), Problem> {
    say.line("  month   requests  refused     mutual aid     given back  owed between provinces   closed");
    let mut last: Option<Tally> = None;
    for day in plan.first().0..=books.last().0 {
        let day = Day(day);
        if day.civil().2 == 1 && day > plan.first() {
            last = Some(std::mem::take(&mut runner.month));
        }
        for hour in Hour::ALL {
            desk.jump(hour.of(day), hour == Hour::Morning).await?;
            let mut steps = plan.hour(day, hour);
            if hour == Hour::Books {
                steps.extend(books.today(day, desk).await?);
            }
            runner.send(desk, steps).await?;
        }
        let month = day.month().previous();
        if let Some(tally) = last.take_if(|_| day == Day(books.closes(month).0 + 1)) {
            say.line(format!(
                "{:>7} {:>10} {:>8} {:>14} {:>14} {:>23}   {}, {:.1} s",
                month_text(month),
                tally.decided,
                tally.refused,
                shown(tally.aid as i128),
                shown(tally.back as i128),
                shown(desk.owed(month).await? as i128),
                land::day_text(books.closes(month)),
                began.elapsed().as_secs_f64()
            ));
        }
    }
    Ok(())
}

/// How often each reason was given, and whether it was foreseen.
fn reasons(tally: &Tally) -> impl Iterator<Item = String> {
    tally.reasons.iter().map(|(name, (all, planned))| {
        let name = name.strip_prefix("REASON_").unwrap_or(name).to_lowercase().replace('_', " ");
        match all == planned {
            true => format!("{name} {all}"),
            false => format!("{name} {all} ({} UNFORESEEN)", all - planned),
        }
    })
}

/// Words in lines of a page's width.
fn filled(words: impl Iterator<Item = String>) -> String {
    let mut lines = vec![String::new()];
    for word in words {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(&word),
            Some(line) if line.len() + word.len() < WIDTH => {
                line.push_str(", ");
                line.push_str(&word);
            }
            Some(_) | None => lines.push(word),
        }
    }
    lines.join("\n")
}

fn verdict(say: &Say) -> Exit {
    match say.failed() {
        [] => {
            say.part(&format!("All {} checks held.", say.held()));
            Exit::Done
        }
        failed => {
            say.part(&format!("{} checks did not hold:", failed.len()));
            failed.iter().for_each(|what| say.line(format!("✗ {what}")));
            Exit::Differs
        }
    }
}
