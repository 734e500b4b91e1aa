//! A cluster under load with a watcher, and the verdict over it: all judges at once.

use crate::bench::{rng, wait_for};
use crate::cluster::{CALM_MAX, Cluster, Options};
use crate::history::History;
use crate::judge::reads::{Question, reads_not_past};
use crate::judge::shown::Shown;
use crate::judge::{self, Complaints};
use crate::replay;
use crate::traffic::{Load, Pace};
use crate::world::{Desk, World};
use client::{Client, Entry, Error, Outcome};
use rand::rngs::StdRng;
use std::collections::BTreeSet;
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Kinds of event that a load must have seen happen.
const KINDS: &[&str] = &["Settled", "Refunded", "QuotaSet", "QuotaReduced", "AccountCredited", "Refused"];
/// How long it may take to read everything that was decided.
const STREAM_MAX: Duration = Duration::from_secs(120);

/// A cluster, a world in it, and everything that was asked.
#[derive(Debug)]
pub struct Trial {
    /// The seed of it all.
    pub seed: u64,
    /// The nodes.
    pub cluster: Cluster,
    /// What was asked and answered.
    pub history: History,
    /// What the load works with.
    pub world: World,
    /// Where the world's founding ends in the log: nothing up to there is anything that a load did.
    pub founded: u64,
    /// Random numbers for the faults.
    pub rng: StdRng,
    /// Who has followed from the beginning.
    pub follower: Follower,
}

/// What a verdict was given on.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// What is wrong.
    pub complaints: Complaints,
    /// The index that everything was compared at.
    pub index: u64,
    /// Transactions in the ledger.
    pub transactions: u64,
    /// Transactions whose outcome was unknown for a while.
    pub settled_later: usize,
}

impl Trial {
    /// Starts a cluster, founds a world in it, and starts to follow what is decided.
    ///
    /// # Panics
    /// If any of it does not work.
    pub async fn begin(seed: u64, options: Options) -> Trial {
        Trial::around(seed, Cluster::start(options).await).await
    }

    /// Founds a world in a cluster, and starts to follow what is decided.
    ///
    /// # Panics
    /// If any of it does not work.
    pub async fn around(seed: u64, cluster: Cluster) -> Trial {
        let started = Instant::now();
        let history = History::new();
        let desk = Desk::new(&cluster.client(0), &history);
        let world = World::found(&desk, seed).await;
        let founded = history.last_index();
        let follower = Follower::start(&cluster.client(0));
        eprintln!(
            "the world of a cluster of {} in {:.1} s",
            cluster.nodes.len(),
            started.elapsed().as_secs_f64()
        );
        Trial { seed, cluster, history, world, founded, rng: rng(seed, 2), follower }
    }

    /// Starts a load, spread over all nodes. `part` makes its random numbers its own.
    pub fn load(&self, part: u64, pace: &Pace) -> Load {
        let clients: Vec<Client> =
            (0..self.cluster.nodes.len()).map(|place| self.cluster.client(place)).collect();
        Load::start(self.seed.wrapping_add(part << 32), pace, &clients, &self.history, &self.world)
    }

    /// Waits until so many more calls were begun: the load gets through.
    pub async fn progress(&self, calls: usize) {
        let wanted = self.history.len() + calls;
        let what = format!("{calls} more calls under load");
        wait_for(CALM_MAX, what, async || (self.history.len() >= wanted).then_some(())).await;
    }

    /// Stops a load once so many transactions were decided since the world was founded, and every kind of event happened:
    /// how much is done in a while is the machine's affair, and a verdict must rest on all of it.
    pub async fn stop(&self, load: Load, transactions: usize) {
        let what = format!("{transactions} transactions and every kind of event under load");
        wait_for(CALM_MAX, what, async || {
            self.follower.lacks(self.founded, transactions).is_empty().then_some(())
        })
        .await;
        load.stop().await;
    }

    /// Judges everything: what was acknowledged, what the nodes tell, what they hold, and what a second ledger makes of
    /// the journal of one of them, which is stopped for that. All nodes must run, and no load.
    ///
    /// # Panics
    /// If the nodes cannot be asked.
    pub async fn judge(&mut self, transactions: usize) -> Verdict {
        self.judge_with(transactions, &[]).await
    }

    /// Judges what was read as well.
    ///
    /// # Panics
    /// If the nodes cannot be asked.
    pub async fn judge_with(&mut self, transactions: usize, reads: &[Question]) -> Verdict {
        let mut verdict = Verdict { settled_later: self.settle_unknown().await, ..Verdict::default() };
        let nodes = self.cluster.calm().await;
        verdict.note("digests equal", judge::digests_equal(&nodes));
        let digest = nodes[0].digest.clone();
        verdict.index = nodes[0].digest_index;
        let index = verdict.index;

        // One stream is held, and the others against it, one after the other.
        let mut whole = None;
        for place in self.cluster.running() {
            let stream = read_stream(&self.cluster.client_of(place), index).await;
            if stream.from <= 1 {
                whole = Some((place, stream));
                break;
            }
        }
        let (keeper, whole) = whole.expect("a node keeps the whole journal");
        let known = (format!("node {keeper}"), whole);
        verdict.note("stream in order", judge::stream_in_order(&known.0, &known.1.entries));
        for place in self.cluster.running().into_iter().filter(|place| *place != keeper) {
            let stream = read_stream(&self.cluster.client_of(place), index).await;
            verdict.compare(&known, &(format!("node {place}"), stream));
        }
        verdict.compare(&known, &("the follower".into(), self.follower.entries(index).await));
        let ops = self.history.ops();
        let entries = &known.1.entries;
        verdict.note("acknowledged once", judge::acknowledged_once(&ops, entries));
        verdict.note("nothing from nowhere", judge::nothing_from_nowhere(&ops, entries));
        verdict.note("answers agree", judge::answers_agree(&ops));
        verdict.note("all known", judge::all_known(&ops));
        verdict.note("real time", judge::real_time(&ops));
        verdict.note("as expected", judge::as_expected(&ops));
        verdict.note("not vacuous", judge::not_vacuous(entries, self.founded, transactions, KINDS));
        verdict.transactions = entries.iter().map(|entry| entry.decisions.len() as u64).sum();

        drop(known);
        let mut shown = Shown::of(reads);
        verdict.note("second ledger", self.replay(keeper, index, &digest, &mut shown).await);
        verdict.note("reads show", shown.complaints);
        verdict.note("reads not past", reads_not_past(&ops, reads));
        verdict
    }

    /// A second ledger replays a node's journal.
    async fn replay(&mut self, place: usize, index: u64, digest: &str, shown: &mut Shown<'_>) -> Complaints {
        // A snapshot makes the journal durable up to its index; what lies behind it is in the log only.
        let snapshot = self.cluster.snapshot(place).await;
        self.cluster.terminate(place).await;
        let copy = self.cluster.copy_data(place, &format!("replayed-{place}-{index}"));
        self.cluster.start_node(place).await;
        let replayed = match replay::replay(&copy, index.min(snapshot.index), |index, ledger| {
            shown.before(index, ledger)
        }) {
            Ok(replayed) => replayed,
            Err(problem) => {
                return vec![format!("the journal of node {place} cannot be replayed: {problem}")];
            }
        };
        let mut complaints = replayed.complaints.clone();
        if replayed.digest() != digest {
            let second = replayed.digest();
            complaints.push(format!("at index {index} the nodes hold {digest}, a second ledger {second}"));
        }
        complaints.extend(replayed.audit());
        complaints.extend(replayed.same_bodies(&self.history.ops()));
        complaints
    }

    /// Sends again what nobody knows the outcome of, until it is known.
    async fn settle_unknown(&self) -> usize {
        let client = self.cluster.client(0);
        let unknown = self.history.unknown();
        for op in &unknown {
            wait_for(CALM_MAX, "an outcome to be known", async || {
                let reply = self.history.attempt(*op, async |prepared| client.submit(&prepared).await).await;
                matches!(reply, Ok(Outcome::Done(_) | Outcome::Refused(_))).then_some(())
            })
            .await;
        }
        unknown.len()
    }
}

impl Drop for Trial {
    /// What was asked and answered stays beside the nodes' data when a test fails, wherever it does.
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Err(problem) = self.history.save(&self.cluster.path().join("history.txt"))
        {
            eprintln!("the history could not be saved: {problem}");
        }
    }
}

impl Verdict {
    /// Notes what a stream tells out of order, or unlike the whole one.
    fn compare(&mut self, whole: &(String, Stream), other: &(String, Stream)) {
        let (ours, theirs) =
            ((whole.0.as_str(), &whole.1.entries[..]), (other.0.as_str(), &other.1.entries[..]));
        self.note("stream in order", judge::stream_in_order(theirs.0, theirs.1));
        self.note("streams equal", judge::streams_equal(ours, theirs, other.1.from));
    }

    /// Notes what a judge complains about: the first few, and how many more there are.
    pub fn note(&mut self, judge: &str, complaints: Complaints) {
        const SHOWN: usize = 4;
        let more = complaints.len().saturating_sub(SHOWN);
        self.complaints
            .extend(complaints.into_iter().take(SHOWN).map(|complaint| format!("[{judge}] {complaint}")));
        if more > 0 {
            self.complaints.push(format!("[{judge}] and {more} more"));
        }
    }

    /// Says in one line what was judged, and ends the test if a promise was not kept.
    ///
    /// # Panics
    /// If one was not.
    pub fn demand(&self, what: &str) {
        eprintln!(
            "{what}: {} transactions up to index {}, {} unknown and then known, {} complaints",
            self.transactions,
            self.index,
            self.settled_later,
            self.complaints.len()
        );
        judge::demand(&self.complaints);
    }
}

/// Entries, from an index on.
#[derive(Clone, Debug, Default)]
pub struct Stream {
    /// The first index that the node could tell of.
    pub from: u64,
    /// What it told.
    pub entries: Vec<Entry>,
}

/// Reads all that a node tells from the beginning, or from where it still can, up to an index.
///
/// # Panics
/// If it does not get there.
pub async fn read_stream(client: &Client, index: u64) -> Stream {
    let read = async {
        let mut stream = Stream { from: 1, entries: Vec::new() };
        let mut watch = client.watch(stream.from);
        while watch.next_index().is_none_or(|next| next <= index) {
            match tokio::time::timeout(Duration::from_millis(50), watch.next()).await {
                Ok(Ok(entry)) => stream.entries.push(entry),
                Ok(Err(Error::Compacted { oldest, .. })) if oldest > stream.from => {
                    stream = Stream { from: oldest, entries: Vec::new() };
                    watch = client.watch(oldest);
                }
                Ok(Err(error)) => panic!("watch: {error}"),
                Err(_) => {}
            }
        }
        stream.entries.retain(|entry| entry.index <= index);
        stream
    };
    let read = tokio::time::timeout(STREAM_MAX, read).await;
    read.unwrap_or_else(|_| panic!("the stream does not reach index {index}"))
}

/// Follows what is decided, over all failures of nodes.
#[derive(Debug)]
pub struct Follower {
    task: JoinHandle<()>,
    seen: watch::Receiver<(u64, Vec<Entry>)>,
}

impl Follower {
    /// Starts to follow from the beginning.
    pub fn start(client: &Client) -> Follower {
        let mut watch = client.watch(1);
        let (sender, seen) = watch::channel((0, Vec::new()));
        let task = tokio::spawn(async move {
            loop {
                let told = tokio::time::timeout(Duration::from_millis(50), watch.next()).await;
                let next = watch.next_index().unwrap_or_default();
                match told {
                    Ok(Ok(entry)) => sender.send_modify(|(reached, entries)| {
                        *reached = next;
                        entries.push(entry);
                    }),
                    Err(_) => sender.send_modify(|(reached, _)| *reached = next),
                    // What it has seen so far will be too little, and judged as that.
                    Ok(Err(error)) => {
                        eprintln!("the follower ends: {error}");
                        return;
                    }
                }
            }
        });
        Follower { task, seen }
    }

    /// How far ledger time runs ahead of the time of day in the newest entry, in milliseconds; below zero behind it.
    pub fn ahead_ms(&self) -> Option<i64> {
        let seen = self.seen.borrow();
        let time = seen.1.last()?.time;
        let now = SystemTime::now();
        let ms = |span: Duration| i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        Some(time.duration_since(now).map_or_else(|behind| -ms(behind.duration()), ms))
    }

    /// How many different times the newest entries have, of so many; none is seen yet of fewer.
    pub fn times_of_last(&self, entries: usize) -> usize {
        let seen = self.seen.borrow();
        let times = seen.1.iter().rev().take(entries).map(|entry| entry.time);
        if seen.1.len() < entries { 0 } else { times.collect::<BTreeSet<_>>().len() }
    }

    /// What a load has not done yet behind an index, as far as was seen.
    fn lacks(&self, behind: u64, transactions: usize) -> Complaints {
        judge::not_vacuous(&self.seen.borrow().1, behind, transactions, KINDS)
    }

    /// Everything up to an index, once it is there.
    ///
    /// # Panics
    /// If it does not come.
    pub async fn entries(&self, index: u64) -> Stream {
        let mut seen = self.seen.clone();
        let reached = tokio::time::timeout(STREAM_MAX, seen.wait_for(|(reached, _)| *reached > index)).await;
        match reached {
            Ok(Ok(seen)) => {
                let entries = seen.1.iter().filter(|entry| entry.index <= index).cloned().collect();
                Stream { from: 1, entries }
            }
            Ok(Err(_)) | Err(_) => {
                panic!("the follower did not reach index {index}: it is at {}", self.seen.borrow().0)
            }
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.task.abort();
    }
}
