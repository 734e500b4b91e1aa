//! `cargo run --release -p tests -- sim`.

use crate::sim::coverage::{Counts, table};
use crate::sim::history::Keep;
use crate::sim::shrink::{Less, shrink};
use crate::sim::trial::{Report, play_less};
use clap::Args;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::num::NonZero;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// How many of a failing seed's last lines are printed when many seeds are played.
const LINES_OF_MANY: usize = 12;
/// How long one seed may be played by the clock on the wall: it takes a second. What goes on then never ends.
const PLAY_MOST: Duration = Duration::from_secs(1_200);

/// What cargo must be told so that it builds as this was built: some assertions are in debug builds only.
pub const AS_BUILT: &str = if cfg!(debug_assertions) { "" } else { " --release" };

/// Plays seeds of the simulation
#[derive(Args, Debug)]
pub struct Sim {
    /// How many seeds to play
    #[arg(long, default_value_t = 100)]
    seeds: u64,
    /// The first seed
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Stop after so many minutes
    #[arg(long)]
    minutes: Option<u64>,
    /// How many seeds to play at once, each in a thread of its own [default: one a processor]
    #[arg(long)]
    jobs: Option<usize>,
    #[command(flatten)]
    less: Less,
    /// Leave out of a seed that fails whatever can be left out while it still fails the same way
    #[arg(long)]
    shrink: bool,
    /// Print everything that happens
    #[arg(long)]
    all: bool,
    /// Go on after a seed that fails
    #[arg(long)]
    go_on: bool,
    /// Fail when a fault never took effect in some phase
    #[arg(long)]
    strict: bool,
}

/// Sums over seeds.
#[derive(Default)]
struct Totals {
    seeds: u64,
    failed: Vec<u64>,
    transactions: u64,
    reads: u64,
    unknown: u64,
    faults: Counts,
    messages: u64,
    digests: u64,
    simulated: Duration,
    polls: u64,
}

impl Sim {
    /// Plays them.
    pub fn run(&self) -> ExitCode {
        // A task that panics is a node's fault like any other: said in a line, judged later.
        std::panic::set_hook(Box::new(|panic| {
            eprintln!("{panic}\n{}", std::backtrace::Backtrace::capture())
        }));
        let began = Instant::now();
        let before = cpu();
        let until = self.minutes.map(|minutes| began + Duration::from_secs(minutes * 60));
        let keep = if self.all { Keep::Print } else { Keep::Last };
        let jobs = if self.all { 1 } else { self.jobs.unwrap_or_else(processors) };
        let (next, stopped) = (AtomicU64::new(self.seed), AtomicBool::new(false));
        let (sender, reports) = mpsc::channel();
        let mut totals = Totals::default();
        let (played, all_played) = mpsc::channel::<()>();
        let under_way = Mutex::new(BTreeMap::new());
        thread::scope(|scope| {
            let under_way = &under_way;
            scope.spawn(move || self.time(under_way, &all_played));
            for sender in vec![sender; jobs.max(1)] {
                scope.spawn(|| {
                    let sender = sender;
                    while !stopped.load(Ordering::Relaxed) && until.is_none_or(|until| Instant::now() < until)
                    {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        if seed - self.seed >= self.seeds {
                            break;
                        }
                        under_way.lock().insert(seed, Instant::now());
                        let report = play_less(seed, keep, &self.less);
                        under_way.lock().remove(&seed);
                        if sender.send(report).is_err() {
                            break;
                        }
                    }
                });
            }
            for report in reports {
                totals.add(&report);
                if self.seeds == 1 {
                    println!("seed {}: {} lines, hash {}", report.seed, report.lines, report.hash);
                }
                if !report.complaints.is_empty() {
                    stopped.store(!self.go_on, Ordering::Relaxed);
                    self.tell(&report);
                }
            }
            drop(played);
        });
        let empty = totals.tell(began.elapsed(), cpu().saturating_sub(before));
        let good = totals.failed.is_empty() && (empty == 0 || !self.strict);
        if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    /// Ends everything when a seed does not end, as no panic would: tasks that never wait, a lock that is never free.
    fn time(&self, under_way: &Mutex<BTreeMap<u64, Instant>>, all_played: &mpsc::Receiver<()>) {
        while all_played.recv_timeout(Duration::from_secs(1)) == Err(mpsc::RecvTimeoutError::Timeout) {
            let endless =
                under_way.lock().iter().find(|(_, began)| began.elapsed() > PLAY_MOST).map(|(seed, _)| *seed);
            if let Some(seed) = endless {
                println!("\nseed {seed} fails:\n- [end] no end after {} s", PLAY_MOST.as_secs());
                println!("{}{}", again(seed), self.less);
                std::process::exit(1);
            }
        }
    }

    /// Says what went wrong, and how to see it again.
    fn tell(&self, report: &Report) {
        println!("\nseed {} fails:", report.seed);
        // One seed is played to be read; of many, the end of each must do.
        let shown = if self.seeds == 1 { report.last.len() } else { LINES_OF_MANY };
        for line in &report.last[report.last.len().saturating_sub(shown)..] {
            println!("  {line}");
        }
        for complaint in &report.complaints {
            println!("- {complaint}");
        }
        let again = again(report.seed);
        println!("{again}{}", self.less);
        if self.shrink {
            let (least, played) = shrink(report, self.less.clone());
            println!("smaller, after {played} more plays; {again}{least}");
        }
        println!();
    }
}

fn again(seed: u64) -> String {
    format!("replay: cargo run{AS_BUILT} -p tests -- sim --seeds 1 --seed {seed}")
}

fn processors() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// Processor time of this process so far.
fn cpu() -> Duration {
    let at = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(at.tv_sec as u64, at.tv_nsec as u32)
}

impl Totals {
    fn add(&mut self, report: &Report) {
        self.seeds += 1;
        if !report.complaints.is_empty() {
            self.failed.push(report.seed);
        }
        self.transactions += report.transactions;
        self.reads += report.reads;
        self.unknown += report.unknown;
        self.messages += report.messages;
        self.digests += report.digests;
        self.simulated += report.simulated;
        self.polls += report.polls;
        for (cell, count) in &report.faults {
            *self.faults.entry(*cell).or_default() += count;
        }
    }

    fn tell(&self, took: Duration, cpu: Duration) -> usize {
        let (table, empty) = table(&self.faults);
        let faults: u64 = self.faults.values().sum();
        let per = |count: u64| count as f64 / cpu.as_secs_f64().max(0.001);
        println!("{table}");
        println!(
            "{} seeds, {} failed {:?}; {:.1} seeds a minute; {:.0} s simulated in {:.1} s, {:.1} s of CPU",
            self.seeds,
            self.failed.len(),
            self.failed,
            self.seeds as f64 * 60.0 / took.as_secs_f64(),
            self.simulated.as_secs_f64(),
            took.as_secs_f64(),
            cpu.as_secs_f64(),
        );
        println!(
            "{} transactions ({:.0} a second of CPU), {} reads, {} unknown at first; {faults} faults took effect ({:.0} a second of CPU)",
            self.transactions,
            per(self.transactions),
            self.reads,
            self.unknown,
            per(faults),
        );
        println!(
            "{} messages carried, {} digests compared, {} polls; {empty} cells of the table are empty",
            self.messages, self.digests, self.polls
        );
        empty
    }
}
