//! One simulation from its seed: a cluster is founded, clients ask, blows fall; then everything is whole again, and the
//! cluster must heal, serve and agree; then the judges.

mod verdict;

use crate::note;
use crate::sim::asks::Known;
use crate::sim::blows::Dealer;
use crate::sim::clients::Office;
use crate::sim::coverage::{Counts, Coverage, Fault};
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
use crate::sim::sites::{CLUSTER, News, Sites};
use futures::StreamExt;
use node::raft::NodeId;
use parking_lot::Mutex;
use proto::v1::ledger_server::Ledger;
use proto::v1::watch_response::Kind;
use rand::Rng;
use rand::seq::IndexedRandom;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// How long a cluster may take to heal once nothing is wrong any more.
const HEAL_MOST: Duration = Duration::from_secs(60);
/// How long all of it may take.
const SIMULATED_MOST: Duration = Duration::from_secs(300);
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
    let ended = catch_unwind(AssertUnwindSafe(|| {
        run(&floor, seed, outside.clone(), async move {
            let diary = Diary::begin(keep);
            *tell.lock() = Some(diary.clone());
            let simulated =
                tokio::time::timeout(SIMULATED_MOST, simulate(of_main, draw, diary, &place)).await;
            simulated.unwrap_or_else(|_| panic!("no end after {} s", SIMULATED_MOST.as_secs()))
        })
    }));
    let diary = told.lock().take();
    let mut report = ended.unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<String>().cloned();
        let said = said.or_else(|| panic.downcast_ref::<&str>().map(|said| (*said).to_string()));
        let said = said.unwrap_or_else(|| "a panic without words".into());
        Report { complaints: vec![format!("[end] {said}")], ..Report::default() }
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
    complaints: Mutex<Complaints>,
    streams: Mutex<Vec<Stream>>,
    /// Stretches of the log that a node was sent as a snapshot.
    gaps: Mutex<BTreeSet<(NodeId, u64)>>,
    /// Nodes that do not hear that their log was not synced.
    deaf: Mutex<BTreeSet<NodeId>>,
    stopped: AtomicBool,
}

async fn simulate(floor: Arc<Floor>, draw: Arc<Draw>, diary: Diary, folder: &Path) -> Report {
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
        turned: Mutex::default(),
    });
    let trial = Arc::new(Trial {
        office,
        dealer,
        log: Mutex::default(),
        cursors: Mutex::default(),
        digests: Mutex::default(),
        complaints: Mutex::default(),
        streams: Mutex::default(),
        gaps: Mutex::default(),
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
        self.complaints.lock().push(complaint);
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
                if added == Some(Ok(())) {
                    break;
                }
            }
        }
    }

    /// Starts what is down and may be up, takes down what has fallen, and writes down what the cluster does.
    async fn keep(
        self: Arc<Self>,
        mut news: mpsc::UnboundedReceiver<News>,
        mut cuts: mpsc::UnboundedReceiver<u64>,
    ) {
        let mut chance = rng(self.dealer.draw.seed, 12);
        loop {
            tokio::select! {
                biased;
                Some(machine) = cuts.recv() => {
                    if let Some(node) = self.sites().whose(machine) {
                        note!(self.diary(), "node {node} lost its power while it wrote");
                        self.dealer.coverage.hit(Fault::PowerCut);
                        self.sites().crash(node, false).await;
                    }
                }
                Some(News::Fell(node, machine, fault)) = news.recv() => {
                    if self.sites().whose(machine) == Some(node) {
                        note!(self.diary(), "node {node} stops: {}", self.sites().plain(&fault.to_string()));
                        self.fell(node, &fault);
                        self.sites().crash(node, true).await;
                    }
                }
                () = tokio::time::sleep(Duration::from_millis(20)) => {}
            }
            self.sites().make_room(false);
            for node in self.sites().up() {
                let deaf = self.sites().node(node).is_some_and(|(_, machine)| machine.is_deaf());
                if deaf && self.deaf.lock().insert(node) {
                    self.complain("nodes", &format!("node {node} goes on though its log was not synced"));
                }
            }
            let changing = self.dealer.changing.load(Ordering::Relaxed) > 0;
            self.dealer.coverage.enter(self.sites().phase(changing));
            for node in self.sites().down() {
                let away = self
                    .sites()
                    .site(node, |site| site.away_until.is_some_and(|until| Instant::now() < until));
                // Not all at one moment.
                if away == Some(false) && chance.random_ratio(1, 3) {
                    let this = self.clone();
                    node::host::spawn(async move { this.sites().start(node).await });
                }
            }
        }
    }

    /// A node may stop because its disk is full or was damaged; anything else is a complaint.
    fn fell(&self, node: NodeId, fault: &node::fault::Fault) {
        use node::fault::Fault as F;
        let hurt = self.sites().site(node, |site| site.flipped) == Some(true);
        let why = fault.to_string();
        let full =
            why.contains("no storage space") || why.contains("StorageFull") || why.contains("storage full");
        match fault {
            F::Diverged { .. } => self.complain("digests", &format!("node {node}: {fault}")),
            _ if full || hurt => {}
            _ => {
                let why = self.sites().plain(&why);
                self.complain(
                    "nodes",
                    &format!("node {node} stopped though nothing was wrong with its disk: {why}"),
                );
            }
        }
    }

    /// Reads the nodes' journals and digests as they go on.
    async fn observe(self: Arc<Self>) {
        while !self.stopped.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(100)).await;
            for id in self.sites().up() {
                let Some((node, machine)) = self.sites().node(id) else { continue };
                let this = self.clone();
                machine.run(async move { this.look_at(id, &node) }).await;
            }
        }
    }

    fn look_at(&self, id: NodeId, node: &node::Node) {
        let mut next = self.cursors.lock().get(&id).copied().unwrap_or(1);
        loop {
            // A node that is unwell says so itself.
            let Ok(page) = node.state().journal_read(next, PAGE) else { return };
            let mut log = self.log.lock();
            for record in page.entries {
                match log.get(&record.index) {
                    Some(known) if *known != record => {
                        let index = record.index;
                        drop(log);
                        self.complain(
                            "journals",
                            &format!("node {id} tells another entry {index} than others did"),
                        );
                        return;
                    }
                    Some(_) => {}
                    None => drop(log.insert(record.index, record)),
                }
            }
            drop(log);
            if let Some((from, _)) = page.missing
                && self.gaps.lock().insert((id, from))
            {
                self.dealer.coverage.hit(Fault::LongAbsence);
            }
            let more = page.next > next && page.next <= page.covered;
            next = next.max(page.next);
            if !more {
                break;
            }
        }
        self.cursors.lock().insert(id, next);
        let applied = node.state().applied().index();
        let reached = self.log.lock().last_key_value().map_or(0, |(index, _)| *index);
        if applied + 10 > reached {
            self.sites().site(id, |site| site.hurt = false);
        }
        let before = applied.saturating_sub(applied % 16);
        for index in [applied, before] {
            if let Some(root) = node.state().digest_at(index) {
                let complaints = self.digests.lock().node(id, index, root);
                complaints.iter().for_each(|complaint| self.complain("digests", complaint));
            }
        }
        for (turned, fault, phase) in std::mem::take(&mut *self.dealer.turned.lock()) {
            if turned == id && node.consensus().leads() {
                self.dealer.coverage.hit_in(fault, phase);
            }
        }
    }

    /// Watches from the beginning, of one node after another.
    async fn watch(self: Arc<Self>, number: usize) {
        let mut chance = rng(self.dealer.draw.seed, 20 + number as u64);
        let place = {
            let mut streams = self.streams.lock();
            streams.push(Stream { name: format!("watcher {number}"), from: 1, next: 1, told: Vec::new() });
            streams.len() - 1
        };
        while !self.stopped.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(chance.random_range(20..200))).await;
            let up = self.sites().up();
            let Some((node, machine)) = up.choose(&mut chance).and_then(|id| self.sites().node(*id)) else {
                continue;
            };
            let from = self.streams.lock()[place].next;
            let this = self.clone();
            let life = Duration::from_millis(chance.random_range(100..4_000));
            let watching = async move {
                let asked = proto::v1::WatchRequest { from_index: Some(from), with_transactions: false };
                let Ok(stream) = node.ledger_service().watch(tonic::Request::new(asked)).await else {
                    return;
                };
                drop(node);
                let mut stream = stream.into_inner();
                while let Some(Ok(told)) = stream.next().await {
                    this.told(place, told);
                }
            };
            // Its time is up there, not here: two that write into one place would tell everything twice.
            machine.run(tokio::time::timeout(life, watching)).await;
        }
    }

    fn told(&self, place: usize, told: proto::v1::WatchResponse) {
        use prost::Message;
        let stream = &mut self.streams.lock()[place];
        match told.kind {
            Some(Kind::Entry(entry)) => {
                let hash = *blake3::hash(&entry.encode_to_vec()).as_bytes();
                stream.told.push((entry.index, entry.decisions.len(), hash));
                stream.next = entry.index + 1;
            }
            Some(Kind::Heartbeat(beat)) => stream.next = stream.next.max(beat.next),
            None => {}
        }
    }

    /// Waits until every node that is not lost is up and follows one leader.
    async fn heal(&self) {
        let begun = Instant::now();
        loop {
            if self.is_healed() {
                note!(self.diary(), "healed after {} ms", begun.elapsed().as_millis());
                return;
            }
            if begun.elapsed() > HEAL_MOST {
                self.complain(
                    "healing",
                    &format!("not healed after {} s: {}", HEAL_MOST.as_secs(), self.standings()),
                );
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// What an operator does when all is whole: who was to join and is no member is added again; who was to leave and is
    /// none is switched off.
    async fn count_members(&self) {
        let begun = Instant::now();
        loop {
            let leader = self.sites().leader().and_then(|leader| self.sites().node(leader));
            let stranger = leader.and_then(|(leader, machine)| {
                let members = leader.consensus().standing().members;
                let who = self.sites().up().into_iter().find(|node| !members.contains_key(node))?;
                Some((leader.consensus().clone(), machine, who))
            });
            let Some((consensus, machine, who)) = stranger else { return };
            if self.sites().site(who, |site| site.leaving) == Some(true) {
                note!(self.diary(), "node {who} has left");
                self.sites().site(who, |site| site.lost = true);
                self.sites().crash(who, true).await;
                continue;
            }
            let added =
                machine.run(async move { consensus.add_learner(who, Sites::member(who)).await }).await;
            note!(self.diary(), "node {who} is added again: {added:?}");
            if begun.elapsed() > HEAL_MOST {
                self.complain(
                    "healing",
                    &format!("node {who} cannot be added within {} s", HEAL_MOST.as_secs()),
                );
                return;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    fn is_healed(&self) -> bool {
        if !self.sites().down().is_empty() {
            return false;
        }
        let Some((leader, _)) = self.sites().leader().and_then(|leader| self.sites().node(leader)) else {
            return false;
        };
        let standing = leader.consensus().standing();
        standing.members.keys().all(|member| {
            let lost = self.sites().site(*member, |site| site.lost) != Some(false);
            let follows = self.sites().node(*member).is_some_and(|(node, _)| {
                let theirs = node.consensus().standing();
                theirs.leader == Some(standing.node) && theirs.applied + 50 >= standing.applied
            });
            lost || follows
        })
    }

    fn standings(&self) -> String {
        let each = self.sites().all().into_iter().map(|id| match self.sites().node(id) {
            None => format!("{id} is not up"),
            Some((node, _)) => {
                let at = node.consensus().standing();
                format!(
                    "{id} {:?} term {} leader {:?} log {} applied {} voters {:?}",
                    at.role, at.term, at.leader, at.last_log, at.applied, at.voters
                )
            }
        });
        each.collect::<Vec<_>>().join("; ")
    }

    /// Asks for what is unknown until it is known, and waits until everyone has everything. Gives the last index.
    async fn settle(&self) -> u64 {
        let mut chance = rng(self.dealer.draw.seed, 13);
        let open: Vec<usize> = self.diary().history(|history| {
            let ops = history.ops.iter().enumerate();
            ops.filter(|(_, op)| op.answers().next().is_none()).map(|(number, _)| number).collect()
        });
        note!(self.diary(), "{} transactions are open", open.len());
        for op in open {
            if !self.office.settle(&mut chance, &[op], 40).await {
                self.complain(
                    "healing",
                    &format!("nobody says what became of op {op}, though nothing is wrong any more"),
                );
                break;
            }
        }
        let begun = Instant::now();
        loop {
            tokio::time::sleep(Duration::from_millis(150)).await;
            let (up, applied) = self.applied();
            let last = applied.iter().copied().max().unwrap_or(0);
            let watched = self.streams.lock().iter().all(|stream| stream.next > last);
            if watched && applied.iter().all(|index| *index == last) && self.is_healed() {
                note!(self.diary(), "{up} nodes are at {last}");
                return last;
            }
            if begun.elapsed() > HEAL_MOST {
                let standings = self.standings();
                self.complain(
                    "healing",
                    &format!("not everyone has everything after {} s: {standings}", HEAL_MOST.as_secs()),
                );
                return last;
            }
        }
    }

    fn applied(&self) -> (usize, Vec<u64>) {
        let up = self.sites().up();
        let applied =
            up.iter().filter_map(|id| self.sites().node(*id)).map(|(node, _)| node.state().applied().index());
        (up.len(), applied.collect())
    }
}
