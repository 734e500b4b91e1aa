//! The cluster's nodes: where each stands, started, crashed, damaged and started again.

mod harm;

pub use harm::Flip;

use crate::note;
use crate::sim::coverage::{Coverage, Fault, Phase};
use crate::sim::disk::{Loss, list};
use crate::sim::draw::Draw;
use crate::sim::floor::{Floor, Owner};
use crate::sim::history::Diary;
use crate::sim::machine::{DiskTemper, Machine};
use crate::sim::net::{Net, Post};
use ledger::Stamp;
use node::clock::Clock;
use node::raft::handle::Role;
use node::raft::{Member, NodeId};
use node::{Node, Settings};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// The cluster's id.
pub const CLUSTER: [u8; 16] = [0x67; 16];
/// When a simulation begins: 2026-12-01 10:00 in Beijing.
pub const BEGIN: Stamp = Stamp(1_796_090_400_000);
/// Provinces of the nodes.
const PROVINCES: [u64; 6] = [32, 41, 37, 34, 44, 51];

/// Something that nobody did on purpose.
#[derive(Debug)]
pub enum News {
    /// A node stopped by itself, and why.
    Fell(NodeId, Owner, node::fault::Fault),
    /// The power was cut in the middle of writing.
    Cut(Owner),
}

/// A node's place.
pub struct Site {
    /// Where its data is.
    pub folder: PathBuf,
    /// Its clock.
    pub clock: Clock,
    /// How many times it was started.
    pub life: u32,
    /// Its machine and, once it is up, itself.
    machine: Option<Arc<Machine>>,
    node: Option<Arc<Node>>,
    /// It will never come back.
    pub lost: bool,
    /// Its removal was asked for, and nobody knows yet whether it took place.
    pub leaving: bool,
    /// Its disk has no room until then.
    full_until: Option<Instant>,
    /// It is kept away until then.
    pub away_until: Option<Instant>,
    /// A bit of it was flipped, and it has not caught up since.
    pub hurt: bool,
    /// Bits that were flipped, and may have been on its disk still when it was last started: it may find them much later.
    pub flips: Vec<Flip>,
    /// What was done to its files while it was down: it counts when it starts.
    pub done_to: Vec<(Fault, Phase)>,
    /// Its journal was moved aside, and it has not started since.
    journal_aside: bool,
    /// How far its journal may name as missing what was moved aside: where its state stood when it started without.
    pub aside_upto: u64,
    /// Faults that nothing explains.
    pub unexplained: Vec<String>,
}

/// All nodes.
pub struct Sites {
    floor: Arc<Floor>,
    net: Arc<Net>,
    diary: Diary,
    coverage: Coverage,
    draw: Arc<Draw>,
    folder: PathBuf,
    news: mpsc::UnboundedSender<News>,
    cuts: mpsc::UnboundedSender<Owner>,
    inner: Mutex<Inner>,
}

struct Inner {
    sites: BTreeMap<NodeId, Site>,
    machines: Owner,
    temper: DiskTemper,
    made: u64,
}

impl Sites {
    /// A place for nodes. Give the news to whoever keeps the cluster.
    pub fn new(
        floor: &Arc<Floor>,
        net: &Arc<Net>,
        diary: &Diary,
        coverage: &Coverage,
        draw: &Arc<Draw>,
        folder: &Path,
    ) -> (Arc<Sites>, mpsc::UnboundedReceiver<News>, mpsc::UnboundedReceiver<Owner>) {
        let (news, heard) = mpsc::unbounded_channel();
        let (cuts, cut) = mpsc::unbounded_channel();
        let inner = Inner { sites: BTreeMap::new(), machines: 0, temper: DiskTemper::default(), made: 0 };
        let sites = Sites {
            floor: floor.clone(),
            net: net.clone(),
            diary: diary.clone(),
            coverage: coverage.clone(),
            draw: draw.clone(),
            folder: folder.to_path_buf(),
            news,
            cuts,
            inner: Mutex::new(inner),
        };
        (Arc::new(sites), heard, cut)
    }

    /// Makes room for a new node. Its id was never used before.
    ///
    /// # Panics
    /// If there is no room.
    pub fn found(&self) -> NodeId {
        let mut inner = self.inner.lock();
        let number = inner.made;
        inner.made += 1;
        let places = PROVINCES.len() as u64;
        let id = PROVINCES[(number % places) as usize] * 1_000_000 + 1 + number / places;
        let folder = self.folder.join(format!("{id}-0"));
        std::fs::create_dir_all(&folder).expect("a folder");
        let site = Site {
            folder,
            clock: Clock::counting_from(BEGIN),
            life: 0,
            machine: None,
            node: None,
            lost: false,
            leaving: false,
            full_until: None,
            away_until: None,
            hurt: false,
            flips: Vec::new(),
            done_to: Vec::new(),
            journal_aside: false,
            aside_upto: 0,
            unexplained: Vec::new(),
        };
        inner.sites.insert(id, site);
        id
    }

    /// How a node is spoken of in memberships.
    pub fn member(id: NodeId) -> Member {
        Member { peer: id.to_string(), api: id.to_string() }
    }

    /// How disks behave from the next start on, and those of nodes that are up from now on.
    pub fn set_temper(&self, temper: DiskTemper) {
        let mut inner = self.inner.lock();
        inner.temper = temper;
        inner
            .sites
            .values()
            .filter_map(|site| site.machine.as_ref())
            .for_each(|machine| machine.set_temper(temper));
    }

    /// Starts a node. False if it did not come up; the diary says why.
    ///
    /// # Panics
    /// If its folder cannot be read.
    pub async fn start(&self, id: NodeId) -> bool {
        let (machine, settings, life) = {
            let mut inner = self.inner.lock();
            let inner = &mut *inner;
            let Some(site) = inner.sites.get_mut(&id).filter(|site| !site.lost && site.machine.is_none())
            else {
                return false;
            };
            inner.machines += 1;
            let plate = (&*site.folder, inner.temper, self.cuts.clone(), self.coverage.clone());
            let machine = Machine::over(&self.floor, inner.machines, self.draw.seed, plate).expect("a disk");
            machine.set_full(site.full_until.is_some_and(|until| Instant::now() < until));
            site.machine = Some(machine.clone());
            site.life += 1;
            site.flips.retain(|flip| flip.is_in(&site.folder));
            for (fault, phase) in site.done_to.drain(..) {
                self.coverage.hit_in(fault, phase);
            }
            (machine, self.settings(id, site), site.life)
        };
        note!(self.diary, "node {id} starts, life {life}");
        let post = Arc::new(Post(self.net.clone()));
        match machine.run(Node::start_carried(settings, post)).await {
            Some(Ok(node)) => {
                self.came_up(id, node, &machine);
                true
            }
            Some(Err(fault)) => {
                note!(self.diary, "node {id} does not start: {}", self.plain(&fault.to_string()));
                self.explain(id, &machine, &fault, "did not start");
                // It may have been taken down meanwhile, and be up again.
                if self.whose(machine.number) == Some(id) {
                    self.crash(id, true).await;
                    self.obey(id, &fault);
                }
                false
            }
            // The power was cut while it started.
            None => false,
        }
    }

    fn came_up(&self, id: NodeId, node: Node, machine: &Arc<Machine>) {
        // It may have crashed while the news of its start was on the way.
        if self.whose(machine.number) != Some(id) {
            return;
        }
        let node = Arc::new(node);
        for repaired in node.state().recovery_notes() {
            note!(self.diary, "node {id}: {}", self.plain(&repaired));
        }
        self.net.plug_in(id, node.peer_service(), machine.clone());
        let (news, watched, number) = (self.news.clone(), node.clone(), machine.number);
        machine.spawn(async move {
            let fault = watched.failed().await;
            news.send(News::Fell(id, number, fault)).ok();
        });
        if let Some(site) = self.inner.lock().sites.get_mut(&id) {
            if std::mem::take(&mut site.journal_aside) {
                site.aside_upto = node.state().applied().index();
            }
            site.node = Some(node);
        }
    }

    fn settings(&self, id: NodeId, site: &Site) -> Settings {
        Settings {
            node: id,
            data_dir: site.folder.clone(),
            listen_peer: String::new(),
            listen_api: String::new(),
            raft: self.draw.raft.clone(),
            log: self.draw.log,
            state: self.draw.state.clone(),
            clock: site.clock.clone(),
            pulse: Duration::from_millis(500),
        }
    }

    /// Kills a node's process (`gentle`), or cuts its power.
    pub async fn crash(&self, id: NodeId, gentle: bool) -> Option<Loss> {
        let (machine, to) = {
            let mut inner = self.inner.lock();
            let site = inner.sites.get_mut(&id)?;
            site.node = None;
            let machine = site.machine.take()?;
            let to = self.folder.join(format!("{id}-{}", site.life));
            site.folder = to.clone();
            (machine, to)
        };
        self.net.unplug(id);
        let loss = machine.crash(&to, gentle).await;
        note!(self.diary, "node {id} is down, lost {loss:?}");
        let (log, others) = (loss.log_bytes > 0, loss.other_bytes + loss.zeros + loss.names > 0);
        // Where no power was cut, it is what had no room.
        let torn = [
            (log && !gentle, Fault::TornLog),
            (others && !gentle, Fault::TornFile),
            ((log || others) && gentle, Fault::HalfWrite),
        ];
        for (_, fault) in torn.into_iter().filter(|(took_effect, _)| *took_effect) {
            self.coverage.hit(fault);
        }
        Some(loss)
    }

    /// Lets go of everything, at the end: nodes hold the network, and the network holds nodes.
    pub fn leave(&self) {
        for id in self.all() {
            self.net.unplug(id);
            self.site(id, |site| (site.node, site.machine) = (None, None));
        }
    }

    /// Which node has this machine.
    pub fn whose(&self, machine: Owner) -> Option<NodeId> {
        let inner = self.inner.lock();
        let has = |site: &Site| site.machine.as_ref().is_some_and(|found| found.number == machine);
        inner.sites.iter().find(|(_, site)| has(site)).map(|(id, _)| *id)
    }

    /// A running node and its machine.
    pub fn node(&self, id: NodeId) -> Option<(Arc<Node>, Arc<Machine>)> {
        let inner = self.inner.lock();
        let site = inner.sites.get(&id)?;
        Some((site.node.clone()?, site.machine.clone()?))
    }

    /// The running nodes.
    pub fn up(&self) -> Vec<NodeId> {
        let inner = self.inner.lock();
        inner.sites.iter().filter(|(_, site)| site.node.is_some()).map(|(id, _)| *id).collect()
    }

    /// The nodes that are down and not lost.
    pub fn down(&self) -> Vec<NodeId> {
        let inner = self.inner.lock();
        let down = |site: &Site| site.machine.is_none() && !site.lost;
        inner.sites.iter().filter(|(_, site)| down(site)).map(|(id, _)| *id).collect()
    }

    /// All that were ever made.
    pub fn all(&self) -> Vec<NodeId> {
        self.inner.lock().sites.keys().copied().collect()
    }

    /// Looks at, or changes, a node's place.
    pub fn site<T>(&self, id: NodeId, work: impl FnOnce(&mut Site) -> T) -> Option<T> {
        self.inner.lock().sites.get_mut(&id).map(work)
    }

    /// The node that leads in the highest term, as far as it knows.
    pub fn leader(&self) -> Option<NodeId> {
        let inner = self.inner.lock();
        let standings = inner
            .sites
            .values()
            .filter_map(|site| site.node.as_ref())
            .map(|node| node.consensus().standing());
        standings.filter(|at| at.role == Role::Leader).max_by_key(|at| at.term).map(|at| at.node)
    }

    /// Fills a node's disk until then.
    pub fn fill(&self, id: NodeId, until: Instant) {
        let mut inner = self.inner.lock();
        if let Some(site) = inner.sites.get_mut(&id) {
            site.full_until = Some(until);
            if let Some(machine) = &site.machine {
                machine.set_full(true);
            }
        }
    }

    /// Makes room again where it is time, or everywhere.
    pub fn make_room(&self, everywhere: bool) {
        let mut inner = self.inner.lock();
        for site in inner.sites.values_mut() {
            if site.full_until.is_some_and(|until| everywhere || Instant::now() >= until) {
                site.full_until = None;
                if let Some(machine) = &site.machine {
                    machine.set_full(false);
                }
            }
        }
    }

    /// What the cluster is doing now. `changing`: a change of its members, or of who leads, is asked for.
    pub fn phase(&self, changing: bool) -> Phase {
        let inner = self.inner.lock();
        let nodes: Vec<&Arc<Node>> = inner.sites.values().filter_map(|site| site.node.as_ref()).collect();
        let mut leaders = nodes.iter().map(|node| node.consensus().leader().map(|(leader, _)| leader));
        let first = leaders.next().flatten();
        let agreed = first.is_some() && leaders.all(|leader| leader == first);
        if changing {
            return Phase::Changing;
        }
        if !agreed {
            return Phase::Electing;
        }
        let applied = nodes.iter().map(|node| node.state().applied().index());
        let (least, most) = applied.fold((u64::MAX, 0), |(least, most), at| (least.min(at), most.max(at)));
        let missing = inner.sites.values().any(|site| site.node.is_none() && !site.lost);
        if missing || most - least.min(most) > 30 { Phase::Mending } else { Phase::Serving }
    }

    /// Files of a node that is down, below one of its folders.
    ///
    /// # Panics
    /// If its folder cannot be read.
    pub fn files(&self, id: NodeId, folder: &str) -> Vec<PathBuf> {
        let Some(root) = self.site(id, |site| site.folder.join(folder)) else { return Vec::new() };
        let mut found = Vec::new();
        let mut folders = vec![root];
        while let Some(folder) = folders.pop() {
            let Ok(entries) = list(&folder) else { continue };
            for (_, path) in entries {
                if path.is_dir() { folders.push(path) } else { found.push(path) }
            }
        }
        found.sort();
        found
    }

    /// Words of a node without the folder of this run: the same seed says the same.
    pub fn plain(&self, words: &str) -> String {
        words.replace(&self.folder.display().to_string(), "").replace('\n', " ")
    }
}
