//! When nothing is wrong any more: the cluster heals, members are counted, what is open is settled.

use super::{ANSWER_MOST, HEAL_MOST, Trial};
use crate::note;
use crate::sim::floor::rng;
use crate::sim::sites::Sites;
use node::raft::{Member, NodeId};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

impl Trial {
    /// Waits until every node that is not lost is up and follows one leader.
    pub(super) async fn heal(&self) {
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
    pub(super) async fn count_members(&self) {
        let begun = Instant::now();
        loop {
            if begun.elapsed() > HEAL_MOST {
                self.complain(
                    "healing",
                    &format!("members not settled within {} s: {}", HEAL_MOST.as_secs(), self.standings()),
                );
                return;
            }
            // A leader that was deposed a moment ago still answers for nobody: then there is someone to wait for.
            let Some((leader, machine)) = self.sites().leader().and_then(|leader| self.sites().node(leader))
            else {
                tokio::time::sleep(Duration::from_millis(200)).await;
                continue;
            };
            let consensus = leader.consensus().clone();
            let members = consensus.standing().members;
            let Some(who) = self.sites().up().into_iter().find(|node| !members.contains_key(node)) else {
                // A leader that was cut off may know of members that nobody else has heard of, and never will.
                if self
                    .sites()
                    .up()
                    .into_iter()
                    .all(|id| self.members_of(id).is_some_and(|known| known == members))
                {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(200)).await;
                continue;
            };
            if self.sites().site(who, |site| site.leaving) == Some(true) {
                note!(self.diary(), "node {who} has left");
                self.sites().site(who, |site| site.lost = true);
                self.sites().crash(who, true).await;
                continue;
            }
            let added =
                machine.run(async move { consensus.add_learner(who, Sites::member(who)).await }).await;
            note!(self.diary(), "node {who} is added again: {added:?}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Nothing is wrong: every node must answer a linearizable read. What the answers show, the judges of reads see.
    pub(super) async fn all_answer(self: &Arc<Self>) {
        let there = |node: &NodeId| self.sites().site(*node, |site| !site.lost) == Some(true);
        let nodes: Vec<NodeId> = self.sites().all().into_iter().filter(there).collect();
        let asked = nodes.into_iter().map(|node| {
            let (this, mut chance) = (self.clone(), rng(self.dealer.draw.seed, 30 << 32 | node));
            node::host::spawn(async move {
                let begun = Instant::now();
                loop {
                    let key = this.office.known.lock().question(&mut chance);
                    if this.office.read(node, key).await {
                        return;
                    }
                    if begun.elapsed() > ANSWER_MOST {
                        let (most, at) = (ANSWER_MOST.as_secs(), this.standings());
                        let said = format!("node {node} answers no linearizable read within {most} s: {at}");
                        this.complain("reads", &said);
                        return;
                    }
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            })
        });
        for asked in asked.collect::<Vec<_>>() {
            asked.await.unwrap_or_else(|problem| panic!("a reader: {problem}"));
        }
    }

    fn members_of(&self, id: NodeId) -> Option<BTreeMap<NodeId, Member>> {
        Some(self.sites().node(id)?.0.consensus().standing().members)
    }

    pub(super) fn is_healed(&self) -> bool {
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

    pub(super) fn standings(&self) -> String {
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
    pub(super) async fn settle(&self) -> u64 {
        let mut chance = rng(self.dealer.draw.seed, 13);
        let open: Vec<usize> = self.diary().history(|history| {
            let ops = history.ops.iter().enumerate();
            ops.filter(|(_, op)| op.answers().next().is_none()).map(|(number, _)| number).collect()
        });
        note!(self.diary(), "{} transactions are open", open.len());
        // Of a cluster that has not healed nobody expects an answer any more.
        let healed = !self.complaints.lock().iter().any(|said| said.starts_with("[healing]"));
        let asks = if healed { 40 } else { 3 };
        for op in open {
            if !self.office.settle(&mut chance, &[op], asks).await {
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

    pub(super) fn applied(&self) -> (usize, Vec<u64>) {
        let up = self.sites().up();
        let applied =
            up.iter().filter_map(|id| self.sites().node(*id)).map(|(node, _)| node.state().applied().index());
        (up.len(), applied.collect())
    }
}
