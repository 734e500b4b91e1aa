//! Many people pay at once, and the leader is killed in the middle.

use super::nodes::Nodes;
use super::say::{Progress, Say};
use crate::bench::traffic::{Habits, Traffic};
use crate::bench::world::World;
use crate::places;
use crate::problem::{Exit, Problem};
use client::{Client, Error, Outcome, Prepared, Submitter};
use futures::stream::{self, StreamExt};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Callers at once.
const CALLERS: usize = 128;
/// After so long without an answer a caller calls the outcome unknown. Short, so that a killed leader shows.
const DEADLINE: Duration = Duration::from_millis(800);
/// How long to ask again, later, for what was unknown.
const SETTLE: Duration = Duration::from_secs(30);
/// How many are asked again at once.
const SETTLE_AT_ONCE: usize = 64;
/// The load's parts: before the kill, then with the new leader alone, then with the killed node again.
const BEFORE: Duration = Duration::from_millis(2_000);
const WITHOUT: Duration = Duration::from_millis(1_500);
const AFTER: Duration = Duration::from_millis(1_500);
/// What an election takes, for the length of the bar.
const ELECTION: Duration = Duration::from_millis(1_500);
/// How often the bar moves.
const TICK: Duration = Duration::from_millis(100);

/// A request and how it ended.
pub struct Asked {
    /// The request.
    pub prepared: Prepared,
    /// Done or refused; nothing else is left at the end.
    pub outcome: Outcome,
}

/// What the load came to.
pub struct Load {
    /// Every request, each with its final outcome.
    pub asked: Vec<Asked>,
    /// How many of them were answered at the first try.
    pub at_once: usize,
    /// How many were unknown at first and had been done or refused already.
    pub had_been: usize,
    /// How many were unknown at first and were decided only when they were sent again.
    pub had_not: usize,
    /// The node that was killed and came back.
    pub killed: u64,
}

/// How a request ended at the first try.
type First = (Prepared, Result<Outcome, Error>);

/// What all callers see.
struct Shared {
    stop: AtomicBool,
    decided: AtomicU64,
    refused: AtomicU64,
}

/// Runs the load, kills the leader, brings it back, and settles what was unknown.
pub async fn run(
    client: &Client,
    world: &World,
    habits: Habits,
    seed: u64,
    nodes: &mut Nodes,
    say: &mut Say,
) -> Result<Load, Problem> {
    let shared = Arc::new(Shared {
        stop: AtomicBool::new(false),
        decided: AtomicU64::new(0),
        refused: AtomicU64::new(0),
    });
    let submitter = client.within(DEADLINE).submitter();
    let mut callers = JoinSet::new();
    for number in 0..CALLERS {
        let traffic = Traffic::new(world.couples.clone(), habits, seed, number);
        callers.spawn(call(submitter.clone(), traffic, shared.clone()));
    }
    let mut progress = Progress::new(BEFORE + ELECTION + WITHOUT + AFTER);
    let began = Instant::now();
    watch(&mut progress, began, BEFORE, &shared).await;

    let killed = nodes
        .kill_leader()
        .await
        .ok_or_else(|| Problem::new(Exit::Unreachable, "nobody leads, so nobody can be killed"))?;
    progress.line(&format!("{} leads and is killed", places::node_label(killed)));
    let (leader, time) = nodes.new_leader().await.ok_or_else(|| {
        Problem::new(Exit::Unreachable, "no new leader was elected").next("gongji demo, on a quieter machine")
    })?;
    progress.line(&format!("{} leads after {} ms", places::node_label(leader), time.as_millis()));
    watch(&mut progress, began, WITHOUT, &shared).await;

    let time = nodes.restart(killed).await?;
    progress.line(&format!(
        "{} is started again on its directory ({} ms) and catches up",
        places::node_label(killed),
        time.as_millis()
    ));
    watch(&mut progress, began, AFTER, &shared).await;
    shared.stop.store(true, Ordering::Relaxed);
    let mut first: Vec<First> = Vec::new();
    while let Some(asked) = callers.join_next().await {
        first.extend(
            asked.map_err(|problem| Problem::new(Exit::Bug, format!("a caller ended early: {problem}")))?,
        );
    }
    progress.end();
    let load = settle(client, first, killed).await?;
    say.line(format!(
        "{} requests in {:.1} s: {} answered at once, {} unknown at first because the leader died",
        load.asked.len(),
        began.elapsed().as_secs_f64(),
        load.at_once,
        load.had_been + load.had_not
    ));
    Ok(load)
}

/// One caller: asks, waits for the answer, asks again.
async fn call(submitter: Submitter, mut traffic: Traffic, shared: Arc<Shared>) -> Vec<First> {
    let mut asked = Vec::new();
    while !shared.stop.load(Ordering::Relaxed) {
        let ask = traffic.ask();
        let prepared = ask.prepared.clone();
        let answer = submitter.submit(prepared.clone()).await;
        match &answer {
            Ok(outcome @ (Outcome::Done(_) | Outcome::Refused(_))) => {
                shared.decided.fetch_add(1, Ordering::Relaxed);
                shared
                    .refused
                    .fetch_add(u64::from(matches!(outcome, Outcome::Refused(_))), Ordering::Relaxed);
                traffic.answered(ask, outcome);
            }
            Ok(Outcome::Unknown(_)) | Err(_) => {}
        }
        asked.push((prepared, answer));
    }
    asked
}

/// Lets the load run for a while, and shows how far it is.
async fn watch(progress: &mut Progress, began: Instant, length: Duration, shared: &Shared) {
    let until = Instant::now() + length;
    while Instant::now() < until {
        tokio::time::sleep(TICK).await;
        let (decided, refused) =
            (shared.decided.load(Ordering::Relaxed), shared.refused.load(Ordering::Relaxed));
        progress.at(began.elapsed(), format!("{decided} decided, {refused} of them refused by a rule"));
    }
}

/// Sends again, with the same request ids, whatever has no answer.
async fn settle(client: &Client, first: Vec<First>, killed: u64) -> Result<Load, Problem> {
    let mut load =
        Load { asked: Vec::with_capacity(first.len()), at_once: 0, had_been: 0, had_not: 0, killed };
    let mut open = Vec::new();
    for (prepared, answer) in first {
        match answer {
            Ok(outcome @ (Outcome::Done(_) | Outcome::Refused(_))) => {
                load.at_once += 1;
                load.asked.push(Asked { prepared, outcome });
            }
            Ok(Outcome::Unknown(_)) | Err(Error::NotSent { .. }) => open.push(prepared),
            Err(error) => return Err(crate::bench::world::sdk(&error)),
        }
    }
    let client = client.within(SETTLE);
    let again = stream::iter(open).map(|prepared| async {
        let answer = client.submit(&prepared).await;
        (prepared, answer)
    });
    let mut again = again.buffer_unordered(SETTLE_AT_ONCE);
    while let Some((prepared, answer)) = again.next().await {
        let outcome = answer.map_err(|error| crate::bench::world::sdk(&error))?;
        match &outcome {
            Outcome::Done(receipt) if receipt.repeated => load.had_been += 1,
            Outcome::Refused(refused) if refused.repeated => load.had_been += 1,
            Outcome::Done(_) | Outcome::Refused(_) => load.had_not += 1,
            Outcome::Unknown(request) => {
                return Err(Problem::new(
                    Exit::Unknown,
                    format!("how request {request} ended is still unknown after {} s", SETTLE.as_secs()),
                ));
            }
        }
        load.asked.push(Asked { prepared, outcome });
    }
    Ok(load)
}
