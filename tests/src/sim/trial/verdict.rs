//! The judges, all of them, over what came of a simulation.

use super::{Report, Trial};
use crate::note;
use crate::sim::history::Reply;
use crate::sim::judge::linear::{Reads, real_time};
use crate::sim::judge::{Complaints, audit, journals, once, present, second, streams};
use std::sync::atomic::Ordering;

/// How much of a journal is read at once when all of it is read again: many pages.
const SMALL_PAGE: usize = 5_000;

impl Trial {
    /// Judges everything, once all is over. `last`: where every node is.
    pub(super) async fn judge(&self, last: u64) -> Report {
        self.stopped.store(true, Ordering::Relaxed);
        for id in self.sites().up() {
            let Some((node, _)) = self.sites().node(id) else { continue };
            self.look_at(id, &node);
        }
        let history = self.diary().history(|history| history.clone());
        let log = self.log.lock().clone();
        let mut complaints = Complaints::new();
        let mut reads = Reads::of(&history);
        let mut audits = audit::Intervals::default();
        let mut digests = self.digests.lock().clone();
        let mut before = ledger::MapState::new();
        let (second, found) = second::replay(&log, |index, state| {
            reads.before(index, &before);
            audits.see(index, state);
            digests.second(index, state.digest().root());
            before = state.clone();
        });
        reads.before(u64::MAX, &before);
        let mut add = |judge: &str, found: Complaints| {
            let plain = |complaint: &String| format!("[{judge}] {}", self.sites().plain(complaint));
            complaints.extend(found.iter().take(5).map(plain));
        };
        add("second ledger", found);
        add("reads", reads.complaints);
        add("real time", real_time(&history));
        add("once", once::judge(&history, &log));
        add("audit", audits.complaints);
        add("audit", audit::judge("the second ledger", &second, Some(second.digest())));
        add("digests", digests.judge());
        add("streams", streams::judge(&self.streams.lock(), &log));
        add("present", present::judge("the second ledger", &history, &second));
        for id in self.sites().all() {
            let unexplained = self.sites().site(id, |site| std::mem::take(&mut site.unexplained));
            add("nodes", unexplained.unwrap_or_default());
        }
        let mut members = None;
        for id in self.sites().up() {
            let Some((node, _)) = self.sites().node(id) else { continue };
            let name = format!("node {id}");
            let applied = node.state().applied();
            let was_sent = |index| self.office.net.sent_snapshot(id, index);
            let (life, aside, damaged) = self
                .sites()
                .site(id, |site| (site.life, site.aside_upto, site.has_flip_in("journal")))
                .unwrap_or_default();
            let told = self.told.lock().get(&(id, life)).cloned().unwrap_or_default();
            let excuse = journals::Excuse { was_sent: &was_sent, aside, damaged, told };
            let read = |from| node.state().journal_read(from, SMALL_PAGE);
            add("journals", journals::judge(&name, &log, applied.index(), &excuse, read));
            let standing = node.consensus().standing();
            let known = (standing.voters, standing.members);
            let same = applied.index() != last || *members.get_or_insert(known.clone()) == known;
            let said = (!same).then(|| format!("{name} knows {known:?}, another {members:?}"));
            add("members", said.into_iter().collect());
            if applied.index() == last && applied.digest.root() != second.digest().root() {
                add("digests", vec![format!("{name} ends with another state than a second ledger")]);
            }
            let reader = node.state().reader();
            add("present", present::judge(&name, &history, &reader));
            add("audit", audit::judge(&name, &reader, Some(&applied.digest)));
        }
        for complaint in &complaints {
            note!(self.diary(), "WRONG: {complaint}");
        }
        complaints.splice(0..0, self.complaints.lock().iter().cloned());
        let unknown =
            history.ops.iter().filter(|op| op.attempts.iter().any(|attempt| attempt.reply == Reply::Unknown));
        Report {
            transactions: log.values().map(|record| record.answers.len() as u64).sum(),
            reads: history.reads.len() as u64,
            unknown: unknown.count() as u64,
            digests: digests.count() as u64,
            complaints,
            ..Report::default()
        }
    }
}
