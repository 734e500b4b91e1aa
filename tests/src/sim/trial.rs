//! One simulation from its seed: a cluster is founded, clients ask, blows fall; then everything is whole again, and the
//! cluster must heal, serve and agree; then the judges.

mod heal;
mod observe;
mod verdict;

use crate::note;
use crate::sim::asks::Known;
use crate::sim::blows::Dealer;
use crate::sim::clients::Office;
use crate::sim::coverage::{Counts, Coverage};
use crate::sim::draw::Draw;
use crate::sim::floor::{Floor, rng, run};
use crate::sim::history::{Diary, Keep};
use crate::sim::judge::Complaints;
use crate::sim::judge::digests::Digests;
use crate::sim::judge::second::Log;
use crate::sim::judge::streams::Stream;
use crate::sim::machine::{DiskTemper, Machine};
use crate::sim::net::{Net, Weather};
use crate::sim::shrink::Less;
use crate::sim::sites::{CLUSTER, Sites};
use node::raft::NodeId;
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// How long a cluster may take to heal once nothing is wrong any more.
const HEAL_MOST: Duration = Duration::from_secs(60);
/// How long a node may be asked for a linearizable read then, again and again.
const ANSWER_MOST: Duration = Duration::from_secs(20);
/// How long all of it may take.
const SIMULATED_MOST: Duration = Duration::from_secs(420);
/// How many complaints of one judge are kept.
const COMPLAINTS_MOST: usize = 5;
/// How long the cluster serves after it has healed.
const SERVE: Duration = Duration::from_secs(2);
/// How much of a journal is read at once.
const PAGE: usize = 1 << 20;

/// What came of a simulation.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Its seed.
    pub seed: u64,
    /// What is wrong; empty when nothing is.
    pub complaints: Complaints,
    /// A hash of everything that happened, in order.
    pub hash: String,
    /// How many lines that is.
    pub lines: u64,
    /// The last of them.
    pub last: Vec<String>,
    /// All of them, if they were kept.
    pub all: Option<String>,
    /// Transactions that the log decided.
    pub transactions: u64,
    /// Reads that were answered.
    pub reads: u64,
    /// Transactions whose outcome a client was not told at least once.
    pub unknown: u64,
    /// Faults that took effect.
    pub faults: Counts,
    /// Messages carried.
    pub messages: u64,
    /// Digests compared.
    pub digests: u64,
    /// How much time passed in it.
    pub simulated: Duration,
    /// How many times a task was polled.
    pub polls: u64,
}

/// Plays a seed.
pub fn play(seed: u64, keep: Keep) -> Report {
    play_less(seed, keep, &Less::default())
}

/// Plays a seed without something that it draws.
pub fn play_less(seed: u64, keep: Keep, less: &Less) -> Report {
    let mut draw = Draw::of(seed);
    less.of(&mut draw);
    let draw = Arc::new(draw);
    let folder = Folder::new(seed);
    let floor = Arc::new(Floor::default());
    let outside = Machine::outside(&floor, seed);
    let place = folder.0.clone();
    let of_main = floor.clone();
    let told: Arc<Mutex<Option<Diary>>> = Arc::default();
    let tell = told.clone();
    let complaints: Arc<Mutex<Complaints>> = Arc::default();
    let of_trial = complaints.clone();
    let ended = catch_unwind(AssertUnwindSafe(|| {
        run(&floor, seed, outside.clone(), async move {
            let diary = Diary::begin(keep);
            *tell.lock() = Some(diary.clone());
            let simulated =
                tokio::time::timeout(SIMULATED_MOST, simulate(of_main, draw, diary, of_trial, &place)).await;
            simulated.unwrap_or_else(|_| panic!("no end after {} s", SIMULATED_MOST.as_secs()))
        })
    }));
    let diary = told.lock().take();
    let mut report = ended.unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<String>().cloned();
        let said = said.or_else(|| panic.downcast_ref::<&str>().map(|said| (*said).to_string()));
        let said = said.unwrap_or_else(|| "a panic without words".into());
        // What was said before it broke off says more.
        let mut complaints = std::mem::take(&mut *complaints.lock());
        complaints.push(format!("[end] {said}"));
        Report { complaints, ..Report::default() }
    });
    report.seed = seed;
    report.polls = floor.polls();
    if let Some(diary) = diary {
        (report.hash, report.lines, report.last, report.all) =
            (diary.hash(), diary.lines(), diary.last(), diary.all());
    }
    report
}

/// A folder in memory, gone afterwards.
struct Folder(PathBuf);

impl Folder {
    fn new(seed: u64) -> Folder {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let memory = Path::new("/dev/shm");
        let root = if memory.is_dir() { memory.to_path_buf() } else { std::env::temp_dir() };
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = root.join(format!("gongji-sim-{}-{seed}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

/// Everything that the parts of one simulation share.
struct Trial {
    office: Arc<Office>,
    dealer: Arc<Dealer>,
    log: Mutex<Log>,
    cursors: Mutex<BTreeMap<NodeId, u64>>,
    digests: Mutex<Digests>,
    complaints: Arc<Mutex<Complaints>>,
    streams: Mutex<Vec<Stream>>,
    /// Where stretches begin that a node named as missing.
    gaps: Mutex<BTreeSet<(NodeId, u64)>>,
    /// Which entries a node told in which life.
    told: Mutex<BTreeMap<(NodeId, u32), BTreeSet<u64>>>,
    /// Nodes that do not hear that their log was not synced.
    deaf: Mutex<BTreeSet<NodeId>>,
    stopped: AtomicBool,
}

async fn simulate(
    floor: Arc<Floor>,
    draw: Arc<Draw>,
    diary: Diary,
    complaints: Arc<Mutex<Complaints>>,
    folder: &Path,
) -> Report {
    let seed = draw.seed;
    note!(diary, "{draw:?}");
    let coverage = Coverage::default();
    let net = Net::new(seed, &coverage);
    net.set_weather(Weather { delay: draw.weather.delay, ..Weather::default() });
    let (sites, news, cuts) = Sites::new(&floor, &net, &diary, &coverage, &draw, folder);
    sites.set_temper(DiskTemper { sync: draw.disk.sync, ..DiskTemper::default() });
    let known = Mutex::new(Known::default());
    let closed = AtomicBool::new(false);
    let office =
        Arc::new(Office { sites: sites.clone(), net: net.clone(), diary: diary.clone(), known, closed });
    let dealer = Arc::new(Dealer {
        sites: sites.clone(),
        net: net.clone(),
        diary: diary.clone(),
        coverage: coverage.clone(),
        draw: draw.clone(),
        changing: AtomicUsize::new(0),
        over: AtomicBool::new(false),
        turned: Mutex::default(),
    });
    let trial = Arc::new(Trial {
        office,
        dealer,
        log: Mutex::default(),
        cursors: Mutex::default(),
        digests: Mutex::default(),
        complaints,
        streams: Mutex::default(),
        gaps: Mutex::default(),
        told: Mutex::default(),
        deaf: Mutex::default(),
        stopped: AtomicBool::new(false),
    });
    node::host::spawn(trial.clone().keep(news, cuts));
    node::host::spawn(trial.clone().observe());
    trial.form().await;
    trial.office.found(&mut rng(seed, 10), &draw, CLUSTER).await;
    for number in 0..2 {
        node::host::spawn(trial.clone().watch(number));
    }
    let mut clients = Vec::new();
    for number in 0..draw.clients as u64 {
        clients.push(node::host::spawn(trial.office.clone().serve(rng(seed, 100 + number), draw.think)));
    }
    note!(diary, "the storm begins");
    net.set_weather(draw.weather);
    sites.set_temper(draw.disk);
    trial.dealer.clone().deal(rng(seed, 11), Instant::now() + draw.storm).await;
    note!(diary, "the storm is over");
    coverage.end();
    net.cut(Default::default());
    net.set_weather(Weather { delay: draw.weather.delay, ..Weather::default() });
    sites.set_temper(DiskTemper { sync: draw.disk.sync, ..DiskTemper::default() });
    sites.make_room(true);
    for node in sites.all() {
        sites.site(node, |site| {
            site.away_until = None;
            site.clock.set_ahead_ms(0);
        });
    }
    note!(diary, "{} messages were carried, {} streams begun", net.carried(), net.streams());
    trial.heal().await;
    trial.count_members().await;
    tokio::time::sleep(SERVE).await;
    trial.office.closed.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.unwrap_or_else(|problem| panic!("a client: {problem}"));
    }
    trial.all_answer().await;
    let last = trial.settle().await;
    let mut report = trial.judge(last).await;
    report.faults = coverage.counts();
    report.messages = net.carried();
    report.simulated = Duration::from_micros(diary.now());
    sites.leave();
    report
}

impl Trial {
    fn sites(&self) -> &Sites {
        &self.office.sites
    }

    fn diary(&self) -> &Diary {
        &self.office.diary
    }

    fn complain(&self, judge: &str, complaint: &str) {
        let complaint = format!("[{judge}] {complaint}");
        note!(self.diary(), "WRONG: {complaint}");
        let mut complaints = self.complaints.lock();
        // A node that starts again and again says the same again and again.
        if complaints.iter().filter(|said| said.starts_with(&format!("[{judge}]"))).count() < COMPLAINTS_MOST
        {
            complaints.push(complaint);
        }
    }

    /// Forms the cluster.
    async fn form(&self) {
        let draw = &self.dealer.draw;
        let nodes: Vec<NodeId> = (0..draw.voters + draw.learners).map(|_| self.sites().found()).collect();
        for node in &nodes {
            assert!(self.sites().start(*node).await, "a new node does not start");
        }
        let (first, machine) = self.sites().node(nodes[0]).expect("it was started");
        let voters = nodes[..draw.voters].iter().map(|node| (*node, Sites::member(*node))).collect();
        let formed = machine.run(async move {
            first.join(CLUSTER).map_err(|fault| fault.to_string())?;
            first.consensus().initialize(voters).await
        });
        let formed = formed.await;
        assert_eq!(formed, Some(Ok(())), "the cluster could not be formed");
        for learner in &nodes[draw.voters..] {
            for _ in 0..200 {
                tokio::time::sleep(Duration::from_millis(50)).await;
                let Some((leader, machine)) =
                    self.sites().leader().and_then(|leader| self.sites().node(leader))
                else {
                    continue;
                };
                let (consensus, id) = (leader.consensus().clone(), *learner);
                let added =
                    machine.run(async move { consensus.add_learner(id, Sites::member(id)).await }).await;
                if matches!(added, Some(Ok(_))) {
                    break;
                }
            }
        }
    }
}
