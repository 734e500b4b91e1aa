//! What goes on beside the clients: nodes that fall are started again, journals and digests are read, watchers watch.

use super::{PAGE, Trial};
use crate::note;
use crate::sim::coverage::Fault;
use crate::sim::floor::rng;
use crate::sim::judge::streams::Stream;
use crate::sim::sites::News;
use futures::StreamExt;
use node::raft::NodeId;
use node::raft::handle::Role;
use proto::v1::ledger_server::Ledger;
use proto::v1::watch_response::Kind;
use rand::Rng;
use rand::seq::IndexedRandom;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

impl Trial {
    /// Starts what is down and may be up, takes down what has fallen, and writes down what the cluster does.
    pub(super) async fn keep(
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
                        if let node::fault::Fault::Diverged { .. } = fault {
                            self.complain("digests", &format!("node {node}: {fault}"));
                        } else if let Some((_, machine)) = self.sites().node(node) {
                            self.sites().explain(node, &machine, &fault, "stopped");
                        }
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
            for node in self.sites().all() {
                let unexplained = self.sites().site(node, |site| std::mem::take(&mut site.unexplained));
                for said in unexplained.unwrap_or_default() {
                    self.complain("nodes", &said);
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

    /// Reads the nodes' journals and digests as they go on.
    pub(super) async fn observe(self: Arc<Self>) {
        while !self.stopped.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(100)).await;
            for id in self.sites().up() {
                let Some((node, machine)) = self.sites().node(id) else { continue };
                let this = self.clone();
                machine.run(async move { this.look_at(id, &node) }).await;
            }
        }
    }

    pub(super) fn look_at(&self, id: NodeId, node: &node::Node) {
        let mut next = self.cursors.lock().get(&id).copied().unwrap_or(1);
        let life = self.sites().site(id, |site| site.life).unwrap_or_default();
        loop {
            // A node that is unwell says so itself.
            let Ok(page) = node.state().journal_read(next, PAGE) else { return };
            let mut log = self.log.lock();
            self.told
                .lock()
                .entry((id, life))
                .or_default()
                .extend(page.entries.iter().map(|entry| entry.index));
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
            // Who was never there was not away; what was moved aside with a damaged journal, nobody had to send.
            if let Some((from, upto)) = page.missing
                && self.gaps.lock().insert((id, from))
                && from > 1
                && self.office.net.sent_snapshot(id, upto)
                && self.sites().site(id, |site| site.aside_upto) < Some(upto)
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
        self.count_stamps(id, node, applied);
    }

    /// Counts the turned clocks by which a leader has stamped an entry that is applied.
    fn count_stamps(&self, id: NodeId, node: &node::Node, applied: u64) {
        let standing = node.consensus().standing();
        let log = self.log.lock();
        self.dealer.turned.lock().retain(|turned| {
            if turned.node != id {
                return true;
            }
            // As long as it leads in that term nobody else adds to its log.
            let leads = standing.role == Role::Leader && standing.term == turned.term;
            let stamped = log.range(turned.last_log + 1..).next().is_some_and(|(index, _)| *index <= applied);
            if leads && stamped {
                self.dealer.coverage.hit_in(turned.fault, turned.phase);
            }
            leads && !stamped
        });
    }

    /// Watches from the beginning, of one node after another.
    pub(super) async fn watch(self: Arc<Self>, number: usize) {
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
}
