//! The measurement: callers that ask, wait for the answer, and ask again.

use super::process;
use super::traffic::{Ask, Habits, Traffic};
use super::world::World;
use crate::problem::Problem;
use client::v1::Reason;
use client::{Client, Error, Outcome, Prepared, Submitter};
use hdrhistogram::Histogram;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// How transactions are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Mode {
    /// One `Submit` per transaction.
    Unary,
    /// One transaction per call of the SDK's batching submitter, which sends what waits over one stream.
    Stream,
    /// `SubmitBatch`.
    Batch,
}

/// What is measured.
#[derive(Clone, Debug)]
pub struct Work {
    /// How transactions are sent.
    pub mode: Mode,
    /// Callers at once.
    pub clients: usize,
    /// Transactions per call.
    pub batch: usize,
    /// What is asked.
    pub habits: Habits,
    /// Before measuring.
    pub warm_up: Duration,
    /// Measuring.
    pub length: Duration,
    /// Of the traffic.
    pub seed: u64,
    /// The processes of the nodes, where they are known.
    pub servers: Vec<u32>,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Measured {
    /// For how long.
    pub time: Duration,
    /// Transactions done.
    pub done: u64,
    /// Transactions refused, by reason.
    pub refused: BTreeMap<&'static str, u64>,
    /// Transactions whose outcome stayed unknown.
    pub unknown: u64,
    /// Transactions that could not be sent, or were malformed.
    pub not_sent: u64,
    /// The first of those, in words.
    pub trouble: Option<String>,
    /// Of calls, in microseconds.
    pub latency: Histogram<u64>,
    /// CPU of all nodes.
    pub cpu_servers: Duration,
    /// CPU of this process.
    pub cpu_client: Duration,
    /// The most memory of one node, and of this process, in bytes.
    pub memory: (u64, u64),
}

impl Measured {
    /// Transactions decided.
    pub fn decided(&self) -> u64 {
        self.done + self.refused.values().sum::<u64>()
    }

    /// Transactions per second.
    pub fn per_second(&self) -> f64 {
        self.decided() as f64 / self.time.as_secs_f64()
    }

    /// CPU per transaction, in microseconds.
    pub fn per_transaction(&self, cpu: Duration) -> f64 {
        cpu.as_secs_f64() * 1e6 / (self.decided().max(1)) as f64
    }
}

/// The longest latency that is told apart, in microseconds.
const LATENCY_MAX: u64 = 600_000_000;

/// What callers see: warm up, measure, stop.
const WARM_UP: u8 = 0;
const MEASURE: u8 = 1;
const STOP: u8 = 2;

/// What one caller counted.
#[derive(Default)]
struct Counted {
    done: u64,
    refused: BTreeMap<&'static str, u64>,
    unknown: u64,
    not_sent: u64,
    trouble: Option<String>,
    /// Of calls, in microseconds.
    latencies: Vec<u32>,
}

/// Lets the callers work, and counts.
pub async fn run(client: &Client, world: &World, work: &Work) -> Result<Measured, Problem> {
    let phase = Arc::new(AtomicU8::new(WARM_UP));
    let submitter = client.submitter();
    let mut callers = JoinSet::new();
    // Each caller has couples of its own where there are enough: two callers rarely meet at one account in life.
    for number in 0..work.clients {
        let traffic = Traffic::new(world.couples.clone(), work.habits, work.seed, number);
        let caller =
            Caller { client: client.clone(), traffic, phase: phase.clone(), counted: Counted::default() };
        match work.mode {
            Mode::Unary => callers.spawn(caller.unary()),
            Mode::Stream => callers.spawn(caller.stream(submitter.clone())),
            Mode::Batch => callers.spawn(caller.batches(work.batch)),
        };
    }
    tokio::time::sleep(work.warm_up).await;
    let own = std::process::id();
    let cpu = |processes: &[u32]| processes.iter().map(|process| process::cpu(*process)).sum::<Duration>();
    let (servers, this) = (cpu(&work.servers), process::cpu(own));
    let began = Instant::now();
    phase.store(MEASURE, Ordering::Relaxed);
    tokio::time::sleep(work.length).await;
    phase.store(STOP, Ordering::Relaxed);
    let time = began.elapsed();
    let (cpu_servers, cpu_client) =
        (cpu(&work.servers).saturating_sub(servers), process::cpu(own).saturating_sub(this));
    let most = work.servers.iter().map(|process| process::memory(*process).0).max().unwrap_or(0);

    let mut measured = Measured {
        time,
        done: 0,
        refused: BTreeMap::new(),
        unknown: 0,
        not_sent: 0,
        trouble: None,
        latency: Histogram::new_with_bounds(1, LATENCY_MAX, 3).expect("the bounds are well-formed"),
        cpu_servers,
        cpu_client,
        memory: (most, process::memory(own).0),
    };
    while let Some(counted) = callers.join_next().await {
        let counted =
            counted.map_err(|problem| Problem::usage(format!("a caller ended early: {problem}")))?;
        measured.done += counted.done;
        measured.unknown += counted.unknown;
        measured.not_sent += counted.not_sent;
        measured.trouble = measured.trouble.or(counted.trouble);
        for (reason, number) in counted.refused {
            *measured.refused.entry(reason).or_default() += number;
        }
        for latency in counted.latencies {
            measured.latency.saturating_record(u64::from(latency).max(1));
        }
    }
    Ok(measured)
}

/// One caller.
struct Caller {
    client: Client,
    traffic: Traffic,
    phase: Arc<AtomicU8>,
    counted: Counted,
}

impl Caller {
    async fn unary(mut self) -> Counted {
        while self.phase() != STOP {
            let ask = self.traffic.ask();
            let asked = Instant::now();
            let answer = self.client.submit(&ask.prepared).await;
            self.answered(asked);
            self.heard(ask, answer);
        }
        self.counted
    }

    async fn stream(mut self, submitter: Submitter) -> Counted {
        while self.phase() != STOP {
            let ask = self.traffic.ask();
            let asked = Instant::now();
            let answer = submitter.submit(ask.prepared.clone()).await;
            self.answered(asked);
            self.heard(ask, answer);
        }
        self.counted
    }

    async fn batches(mut self, size: usize) -> Counted {
        while self.phase() != STOP {
            let asks: Vec<Ask> = (0..size).map(|_| self.traffic.ask()).collect();
            let batch: Vec<Prepared> = asks.iter().map(|ask| ask.prepared.clone()).collect();
            let asked = Instant::now();
            let answers = self.client.submit_batch(&batch).await;
            self.answered(asked);
            for (ask, answer) in asks.into_iter().zip(answers) {
                self.heard(ask, answer);
            }
        }
        self.counted
    }

    fn phase(&self) -> u8 {
        self.phase.load(Ordering::Relaxed)
    }

    fn answered(&mut self, asked: Instant) {
        if self.phase() == MEASURE {
            self.counted.latencies.push(u32::try_from(asked.elapsed().as_micros()).unwrap_or(u32::MAX));
        }
    }

    fn heard(&mut self, ask: Ask, answer: Result<Outcome, Error>) {
        let measuring = self.phase() == MEASURE;
        let counted = &mut self.counted;
        match &answer {
            Ok(Outcome::Done(_)) if measuring => counted.done += 1,
            Ok(Outcome::Refused(refused)) if measuring => {
                *counted.refused.entry(name(refused.reason)).or_default() += 1;
            }
            Ok(Outcome::Unknown(_)) => counted.unknown += 1,
            Ok(_) => {}
            Err(error) => {
                counted.not_sent += 1;
                counted.trouble.get_or_insert_with(|| error.to_string());
            }
        }
        if let Ok(outcome) = &answer {
            self.traffic.answered(ask, outcome);
        }
    }
}

fn name(reason: Reason) -> &'static str {
    reason.as_str_name()
}
