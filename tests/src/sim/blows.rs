//! What is done to a cluster: one blow after another, by lot, as long as the storm goes on.

use crate::note;
use crate::sim::coverage::{Coverage, Fault, Phase};
use crate::sim::draw::Draw;
use crate::sim::floor;
use crate::sim::history::Diary;
use crate::sim::net::Net;
use crate::sim::sites::{Flip, Sites};
use node::raft::NodeId;
use parking_lot::Mutex;
use rand::Rng;
use rand::rngs::SmallRng;
use rand::seq::{IndexedRandom, IteratorRandom};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// A kind of blow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blow {
    /// kill -9 of a node.
    Kill,
    /// kill -9 of the leader.
    KillLeader,
    /// A node loses its power.
    PowerCut,
    /// All nodes lose their power at once.
    PowerCutAll,
    /// Some nodes are cut off from the others.
    Split,
    /// Some nodes are not heard by the others, or do not hear them.
    OneWay,
    /// The leader is cut off.
    Isolate,
    /// All links are whole again.
    Mend,
    /// A node stays away until the log is purged behind it.
    Absence,
    /// A node that is down loses its checkpoint.
    LoseCheckpoint,
    /// A bit of a node that is down is flipped.
    Flip,
    /// A disk is full for a while.
    Fill,
    /// A clock, the leader's as a rule, jumps.
    Jump,
    /// A clock, the leader's as a rule, drifts for a while.
    Drift,
    /// A new learner.
    Add,
    /// A learner votes.
    Promote,
    /// A voter does not vote any more.
    Demote,
    /// A learner leaves, or one that is lost.
    Remove,
    /// The leader hands over.
    HandOver,
}

/// All of them.
pub const BLOWS: [Blow; 19] = [
    Blow::Kill,
    Blow::KillLeader,
    Blow::PowerCut,
    Blow::PowerCutAll,
    Blow::Split,
    Blow::OneWay,
    Blow::Isolate,
    Blow::Mend,
    Blow::Absence,
    Blow::LoseCheckpoint,
    Blow::Flip,
    Blow::Fill,
    Blow::Jump,
    Blow::Drift,
    Blow::Add,
    Blow::Promote,
    Blow::Demote,
    Blow::Remove,
    Blow::HandOver,
];

/// Those that change who is in the cluster, who votes or who leads.
const CHANGES: [Blow; 5] = [Blow::Add, Blow::Promote, Blow::Demote, Blow::Remove, Blow::HandOver];

/// The most nodes, lost ones not counted.
const NODES_MOST: usize = 9;
/// How long a change of membership may take before nobody waits for it.
const CHANGE_MOST: Duration = Duration::from_secs(12);
/// The most rounds of tasks, within one moment, that a crash waits for: between what a message wakes and its answer lie fewer.
const ROUNDS_MOST: u32 = 40;

/// Who deals the blows.
pub struct Dealer {
    /// The nodes.
    pub sites: Arc<Sites>,
    /// The network.
    pub net: Arc<Net>,
    /// Everything that happens.
    pub diary: Diary,
    /// What took effect.
    pub coverage: Coverage,
    /// How this simulation is set up.
    pub draw: Arc<Draw>,
    /// Changes of membership under way.
    pub changing: AtomicUsize,
    /// Nothing is done any more.
    pub over: AtomicBool,
    /// Leaders' clocks that were turned: it takes effect when their node stamps an entry.
    pub turned: Mutex<Vec<Turned>>,
}

/// A leader's clock that was turned.
#[derive(Clone, Copy, Debug)]
pub struct Turned {
    /// Whose.
    pub node: NodeId,
    /// The term in which it led.
    pub term: u64,
    /// The last entry of its log: what comes behind it in this term, it stamps.
    pub last_log: u64,
    /// How it was turned.
    pub fault: Fault,
    /// What the cluster was doing.
    pub phase: Phase,
}

impl Dealer {
    /// Deals blows until it is enough.
    pub async fn deal(self: Arc<Self>, mut rng: SmallRng, until: Instant) {
        while Instant::now() < until {
            tokio::time::sleep(rng.random_range(self.draw.pause.0..=self.draw.pause.1)).await;
            let Some(blow) = self.lot(&BLOWS, &mut rng) else { continue };
            self.strike(blow, &mut rng).await;
        }
        self.over.store(true, Ordering::Relaxed);
    }

    /// One of these by its weight, if any of them has one.
    fn lot(&self, among: &[Blow], rng: &mut SmallRng) -> Option<Blow> {
        let weights = BLOWS.iter().copied().zip(self.draw.weights.iter().copied());
        let among: Vec<(Blow, u32)> =
            weights.filter(|(blow, weight)| *weight > 0 && among.contains(blow)).collect();
        among.choose_weighted(rng, |(_, weight)| *weight).ok().map(|(blow, _)| *blow)
    }

    fn victim(&self, rng: &mut SmallRng) -> Option<NodeId> {
        self.sites.up().choose(rng).copied()
    }

    /// The leader as a rule, else anyone.
    fn leader_or_any(&self, rng: &mut SmallRng) -> Option<NodeId> {
        let leader = self.sites.leader().filter(|_| rng.random_ratio(4, 5));
        leader.or_else(|| self.victim(rng))
    }

    async fn strike(self: &Arc<Self>, blow: Blow, rng: &mut SmallRng) {
        let ms =
            |rng: &mut SmallRng, least: u64, most: u64| Duration::from_millis(rng.random_range(least..=most));
        if matches!(blow, Blow::Kill | Blow::KillLeader | Blow::PowerCut) {
            // Timers end in the first round of a moment: what messages wake is at work in later ones.
            for _ in 0..rng.random_range(0..ROUNDS_MOST) {
                floor::round().await;
            }
        }
        match blow {
            Blow::Kill => {
                let Some(node) = self.victim(rng) else { return };
                self.down(node, true, ms(rng, 0, 3_000)).await;
            }
            Blow::KillLeader => {
                let Some(node) = self.sites.leader() else { return };
                // Often it is back at once, before anyone else stood for election.
                let away = if rng.random() { ms(rng, 0, 5) } else { ms(rng, 100, 4_000) };
                self.down(node, true, away).await;
            }
            Blow::PowerCut => {
                let Some(node) = self.leader_or_any(rng) else { return };
                self.down(node, false, ms(rng, 0, 3_000)).await;
            }
            Blow::PowerCutAll => {
                note!(self.diary, "all lose their power");
                for node in self.sites.up() {
                    self.down(node, false, ms(rng, 0, 1_000)).await;
                }
            }
            Blow::Split | Blow::OneWay | Blow::Isolate => self.cut(blow, rng),
            Blow::Mend => {
                note!(self.diary, "all links are whole");
                self.net.cut(BTreeSet::new());
            }
            Blow::Absence => {
                let Some(node) = self.victim(rng) else { return };
                self.down(node, rng.random(), ms(rng, 4_000, 9_000)).await;
            }
            Blow::LoseCheckpoint => {
                let Some(node) = self.victim(rng) else { return };
                self.down(node, true, ms(rng, 50, 500)).await;
                self.lose_checkpoint(node, rng);
            }
            Blow::Flip => self.flip(rng).await,
            Blow::Fill => {
                let Some(node) = self.leader_or_any(rng) else { return };
                note!(self.diary, "the disk of node {node} is full");
                self.sites.fill(node, Instant::now() + ms(rng, 300, 3_000));
            }
            Blow::Jump => {
                let Some(node) = self.leader_or_any(rng) else { return };
                let by = [-3_600_000, -60_000, -2_000, 2_000, 60_000, 600_000][rng.random_range(0..6)];
                note!(self.diary, "the clock of node {node} jumps to {by} ms ahead");
                self.turn(node, by, Fault::ClockJump);
            }
            Blow::Drift => {
                let Some(node) = self.leader_or_any(rng) else { return };
                let (rate, steps) = (rng.random_range(-40..=40) * 5, rng.random_range(5..40));
                note!(self.diary, "the clock of node {node} drifts by {rate} ms in 100");
                let this = self.clone();
                node::host::spawn(async move {
                    for step in 1..=steps {
                        if this.over.load(Ordering::Relaxed) {
                            return;
                        }
                        this.turn(node, rate * step, Fault::ClockDrift);
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                });
            }
            Blow::Add | Blow::Promote | Blow::Demote | Blow::Remove | Blow::HandOver => {
                self.change(blow, rng);
                // Two operators at once: a change takes some milliseconds, and by lot alone they would hardly ever meet.
                if rng.random_ratio(1, 3)
                    && let Some(second) = self.lot(&CHANGES, rng)
                {
                    tokio::time::sleep(ms(rng, 0, 20)).await;
                    self.change(second, rng);
                }
            }
        }
    }

    /// Takes a node down, and keeps it away for so long.
    async fn down(&self, node: NodeId, gentle: bool, away: Duration) {
        let how = if gentle { "killed" } else { "cut from its power" };
        note!(self.diary, "node {node} is {how} for {} ms", away.as_millis());
        self.sites.site(node, |site| site.away_until = Some(Instant::now() + away));
        let phase = self.coverage.phase();
        if self.sites.crash(node, gentle).await.is_some() && gentle {
            self.coverage.hit_in(Fault::Kill, phase);
        }
    }

    fn cut(&self, blow: Blow, rng: &mut SmallRng) {
        let all = self.sites.all();
        let side: BTreeSet<NodeId> = match blow {
            Blow::Isolate => self.sites.leader().into_iter().collect(),
            _ => all.iter().copied().filter(|_| rng.random_ratio(2, 5)).collect(),
        };
        let one_way = match blow {
            Blow::OneWay => Some(rng.random::<bool>()),
            Blow::Isolate if rng.random_ratio(1, 3) => Some(rng.random()),
            _ => None,
        };
        let mut links = BTreeSet::new();
        for from in &all {
            for to in &all {
                let (inside, outside) = (side.contains(from), side.contains(to));
                let cut = match one_way {
                    None => inside != outside,
                    Some(true) => inside && !outside,
                    Some(false) => !inside && outside,
                };
                if cut {
                    links.insert((*from, *to));
                }
            }
        }
        note!(self.diary, "cut off: {side:?}, one way: {one_way:?}");
        self.net.cut(links);
    }

    fn lose_checkpoint(&self, node: NodeId, rng: &mut SmallRng) {
        let Some(folder) = self.sites.site(node, |site| site.folder.join("sm")) else { return };
        let pages: Vec<_> =
            self.sites.files(node, "sm").into_iter().filter(|path| path.ends_with("pages")).collect();
        let lost = match (rng.random_range(0..3), pages.choose(rng)) {
            (0, _) => std::fs::remove_dir_all(folder).is_ok(),
            (1, _) => std::fs::remove_file(folder.join("CURRENT")).is_ok(),
            (_, Some(pages)) => std::fs::remove_file(pages).is_ok(),
            (_, None) => false,
        };
        if lost {
            note!(self.diary, "node {node} has lost its checkpoint");
            let phase = self.coverage.phase();
            self.sites.site(node, |site| site.done_to.push((Fault::LostCheckpoint, phase)));
        }
    }

    /// Flips a bit of one node: never of two that have not caught up since, and of a voter only if the others can do without.
    async fn flip(&self, rng: &mut SmallRng) {
        let hurt = |node: &NodeId| self.sites.site(*node, |site| site.hurt || site.lost) == Some(true);
        if self.sites.all().iter().any(hurt) || !self.spare() {
            return;
        }
        let Some(node) = self.victim(rng) else { return };
        self.down(node, true, Duration::from_millis(rng.random_range(50..500))).await;
        let folder = ["log", "journal", "snap", "sm"][rng.random_range(0..4)];
        let files = self.sites.files(node, folder);
        let worth = files.into_iter().filter(|path| std::fs::metadata(path).is_ok_and(|meta| meta.len() > 0));
        let Some(path) = worth.choose(rng) else { return };
        let Ok(mut bytes) = std::fs::read(&path) else { return };
        let at = rng.random_range(0..bytes.len());
        bytes[at] ^= 1 << rng.random_range(0..8);
        let byte = bytes[at];
        if std::fs::write(&path, bytes).is_ok() {
            note!(
                self.diary,
                "node {node}: a bit is flipped at byte {at} of {}",
                self.sites.plain(&path.display().to_string())
            );
            let phase = self.coverage.phase();
            self.sites.site(node, |site| {
                let file = path.strip_prefix(&site.folder).unwrap_or(&path).to_path_buf();
                site.hurt = true;
                site.flips.push(Flip { file, at, byte });
                site.done_to.push((Fault::BitFlip, phase));
            });
        }
    }

    /// Whether the cluster can do without one more voter for ever.
    fn spare(&self) -> bool {
        let Some((node, _)) = self.sites.leader().and_then(|leader| self.sites.node(leader)) else {
            return false;
        };
        let voters = node.consensus().standing().voters;
        let lost = |voter: &&NodeId| self.sites.site(**voter, |site| site.lost) != Some(false);
        voters.len() >= 3 && voters.iter().filter(lost).count() == 0
    }

    fn turn(&self, node: NodeId, ahead: i64, fault: Fault) {
        self.sites.site(node, |site| site.clock.set_ahead_ms(ahead));
        if self.sites.leader() == Some(node)
            && let Some((leader, _)) = self.sites.node(node)
        {
            let (standing, phase) = (leader.consensus().standing(), self.coverage.phase());
            let (term, last_log) = (standing.term, standing.last_log);
            self.turned.lock().push(Turned { node, term, last_log, fault, phase });
        }
    }

    /// Changes the membership, or who leads, beside everything else.
    fn change(self: &Arc<Self>, blow: Blow, rng: &mut SmallRng) {
        let Some((node, machine)) = self.sites.leader().and_then(|leader| self.sites.node(leader)) else {
            return;
        };
        let others = self.changing.load(Ordering::Relaxed) > 0;
        let phase = if others { Phase::Changing } else { self.coverage.phase() };
        let standing = node.consensus().standing();
        let learners: Vec<NodeId> =
            standing.members.keys().copied().filter(|member| !standing.voters.contains(member)).collect();
        let is_lost = |node: &NodeId| self.sites.site(*node, |site| site.lost) != Some(false);
        let (lost, learners): (Vec<NodeId>, Vec<NodeId>) = learners.into_iter().partition(is_lost);
        let there = standing.members.len() - lost.len();
        let lost_voter = standing.voters.iter().copied().find(is_lost);
        let (who, fault) = match blow {
            Blow::Add if there < NODES_MOST => (Some(self.sites.found()), Fault::LearnerAdded),
            Blow::Promote if standing.voters.len() < 7 => (learners.choose(rng).copied(), Fault::Promoted),
            Blow::Demote if lost_voter.is_some() => (lost_voter, Fault::Demoted),
            Blow::Demote if standing.voters.len() > 3 => {
                (standing.voters.iter().copied().choose(rng), Fault::Demoted)
            }
            Blow::Remove => (lost.first().or(learners.choose(rng)).copied(), Fault::Removed),
            Blow::HandOver => (Some(standing.node), Fault::HandOver),
            _ => (None, Fault::Removed),
        };
        let Some(who) = who else { return };
        note!(self.diary, "{blow:?} of node {who} is asked of node {}", standing.node);
        let this = self.clone();
        self.changing.fetch_add(1, Ordering::Relaxed);
        node::host::spawn(async move {
            match blow {
                Blow::Add => {
                    this.sites.start(who).await;
                }
                Blow::Remove => this.sites.site(who, |site| site.leaving = true).unwrap_or_default(),
                _ => {}
            }
            let consensus = node.consensus().clone();
            drop(node);
            let led = consensus.clone();
            let change = machine.run(async move {
                match blow {
                    Blow::Add => consensus.add_learner(who, Sites::member(who)).await,
                    Blow::Promote => consensus.promote(who, &consensus.standing()).await,
                    Blow::Demote => consensus.demote(who, &consensus.standing()).await,
                    Blow::Remove => consensus.remove(who, &consensus.standing()).await,
                    _ => consensus.hand_over(None, Duration::from_secs(2)).await,
                }
            });
            let changed = tokio::time::timeout(CHANGE_MOST, change).await.ok().flatten();
            let handed_over = || led.standing().leader.is_some_and(|leader| leader != who);
            let took_effect = match (&changed, blow) {
                (Some(Ok(_)), Blow::HandOver) => handed_over(),
                (Some(Ok(_)), _) => true,
                _ => false,
            };
            note!(
                this.diary,
                "{blow:?} of node {who}: {}",
                match changed {
                    Some(Ok(_)) => "done".to_string(),
                    Some(Err(problem)) => this.sites.plain(&problem),
                    None => "no answer".to_string(),
                }
            );
            if took_effect {
                this.coverage.hit_in(fault, phase);
            }
            this.changing.fetch_sub(1, Ordering::Relaxed);
            if took_effect && blow == Blow::Remove {
                this.sites.site(who, |site| site.lost = true);
                this.sites.crash(who, true).await;
            }
        });
    }
}
