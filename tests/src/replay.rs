//! A second ledger, in memory and without a network, that is fed the journal of a stopped node.

use crate::history::Op;
use client::{Caller, RequestId};
use ledger::{At, Digest, MapState, Outcome, Refusal, Stamp, Transaction};
use node::raft::Batch;
use node::state::{State, StateSettings};
use node::wire;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// How many bytes of journal are read at once.
const PAGE_BYTES: usize = 4 << 20;

/// What replaying a journal came to.
#[derive(Debug)]
pub struct Replayed {
    /// The ledger, rebuilt.
    pub state: MapState,
    /// Every transaction of the journal that was decided for the first time there, by its identity.
    pub asked: BTreeMap<(ledger::RequestId, ledger::Caller), Transaction>,
    /// How many transactions there were, repeated ones included.
    pub transactions: u64,
    /// What did not fit.
    pub complaints: Vec<String>,
}

/// Replays the journal in a copy of a stopped node's data, up to an index. `before` sees the ledger as it is until each entry,
/// and at the end.
///
/// # Errors
/// The journal is damaged, or does not reach from the beginning to the index.
pub fn replay(data: &Path, until: u64, mut before: impl FnMut(u64, &MapState)) -> Result<Replayed, String> {
    let state = State::open(data, StateSettings::default()).map_err(|fault| fault.to_string())?;
    let mut replayed =
        Replayed { state: MapState::new(), asked: BTreeMap::new(), transactions: 0, complaints: Vec::new() };
    let mut next = 1;
    while next <= until {
        let page = state.journal_read(next, PAGE_BYTES).map_err(|fault| fault.to_string())?;
        if let Some((from, to)) = page.missing {
            return Err(format!("entries {from} to {to} are missing in this journal"));
        }
        if page.covered < until {
            return Err(format!("the journal ends at {}, wanted {until}", page.covered));
        }
        for record in page.entries.iter().filter(|record| record.index <= until) {
            let batch = Batch::from_bytes(record.batch.clone().into());
            let (stamp, transactions) = batch.content().map_err(|problem| problem.to_string())?;
            before(record.index, &replayed.state);
            replayed.entry(record.index, *stamp, transactions, &record.answers);
        }
        if page.next <= next {
            return Err(format!("reading the journal does not get on from {next}"));
        }
        next = page.next;
    }
    before(until + 1, &replayed.state);
    state.close();
    Ok(replayed)
}

impl Replayed {
    fn entry(&mut self, index: u64, stamp: Stamp, transactions: &[Transaction], answers: &[ledger::Answer]) {
        let again = self.state.apply(At { index, stamp }, transactions);
        if again != answers {
            self.complaints.push(format!(
                "entry {index}: applied again it gives {again:?}, the journal says {answers:?}"
            ));
        }
        for (transaction, answer) in transactions.iter().zip(&again) {
            self.transactions += 1;
            let other_body = answer.outcome == Outcome::Refused(Refusal::RequestReused);
            if !answer.repeated && !other_body {
                let identity = (transaction.request, transaction.caller);
                if self.asked.insert(identity, transaction.clone()).is_some() {
                    self.complaints
                        .push(format!("entry {index}: {:?} is decided twice", transaction.request));
                }
            }
        }
    }

    /// The ledger's digest, as Status writes it.
    pub fn digest(&self) -> String {
        self.state.digest().root().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// What the ledger's own audit finds.
    pub fn audit(&self) -> Vec<String> {
        let kept: Option<&Digest> = Some(self.state.digest());
        let Ok(audit) = ledger::audit(&self.state, kept);
        if audit.is_clean() { Vec::new() } else { vec![format!("the audit is not clean:\n{audit}")] }
    }

    /// Compares what clients asked, word for word, with what the log holds under the same identity.
    pub fn same_bodies(&self, ops: &[Op]) -> Vec<String> {
        let mut complaints = Vec::new();
        let mut bodies: HashMap<(RequestId, &Caller), Vec<&Op>> = HashMap::new();
        for op in ops {
            bodies.entry((op.request, &op.caller)).or_default().push(op);
        }
        for ((request, _), ops) in bodies {
            let asked: Vec<Transaction> =
                ops.iter().filter_map(|op| wire::transaction_from_proto(&op.transaction).ok()).collect();
            let Some(first) = asked.first() else { continue };
            let held = self.asked.get(&(first.request, first.caller));
            if let Some(held) = held.filter(|held| !asked.contains(held)) {
                complaints
                    .push(format!("{request}: the log holds another body than any that was sent: {held:?}"));
            }
        }
        complaints
    }
}
