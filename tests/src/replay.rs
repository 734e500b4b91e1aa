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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Expect;
    use crate::storage::script::Script;
    use client::v1;
    use ledger::command::{Insurance, KinshipScope};
    use ledger::table::{PersonRecord, Record};
    use ledger::{Answer, Area, Call, Changes, Fen, Key, Person, Policy, Province, Row, View};
    use node::state::{Entry, JournalEntry, LogMark};
    use rand::SeedableRng;
    use rand::rngs::SmallRng;
    use std::sync::Arc;
    use tempfile::TempDir;

    const ENTRIES: u64 = 40;

    fn script() -> Script {
        Script::random(ENTRIES, &mut SmallRng::seed_from_u64(7))
    }

    /// What a stopped node leaves: a journal of the script's entries, with these answers.
    fn journal(script: &Script, settings: StateSettings, answers: impl Fn(u64) -> Vec<Answer>) -> TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        let state = State::open(folder.path(), settings).expect("a fresh state");
        for index in 1..=script.last() {
            let answers = answers(index);
            let journal = script.step(index).batch.as_ref().map(|batch| {
                let stamp = batch.content().expect("made by the script").0.0;
                JournalEntry { stamp, batch: batch.bytes(), answers: &answers }
            });
            let log = LogMark { term: 1, node: 32_000_001, index };
            // The replay reads the journal only.
            let entry = Entry { log, membership: None, changes: Changes::new(), journal };
            state.absorb(entry).expect("absorbed");
        }
        state.checkpoint().expect("the journal is durable");
        state.close();
        folder
    }

    fn whole(script: &Script) -> TempDir {
        journal(script, StateSettings::default(), |index| script.step(index).answers.clone())
    }

    fn hex(root: [u8; 32]) -> String {
        root.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn a_good_journal_makes_the_same_ledger_at_every_index() {
        let script = script();
        let folder = whole(&script);
        for until in [1, ENTRIES / 2, ENTRIES] {
            let replayed = replay(folder.path(), until, |_, _| {}).expect("replayed");
            assert_eq!(replayed.complaints, Vec::<String>::new());
            assert_eq!(replayed.audit(), Vec::<String>::new());
            assert_eq!(replayed.digest(), hex(script.step(until).root), "at {until}");
            assert!(replayed.transactions >= replayed.asked.len() as u64 && replayed.asked.len() >= 4);
        }
    }

    #[test]
    fn an_answer_that_the_ledger_does_not_give_is_seen() {
        let script = script();
        let asked = |index: &u64| script.step(*index).batch.is_some();
        let wrong = (2..ENTRIES).find(asked).expect("an entry");
        let folder = journal(&script, StateSettings::default(), |index| {
            let mut answers = script.step(index).answers.clone();
            if index == wrong {
                answers[0].repeated = true;
            }
            answers
        });
        let complaints = replay(folder.path(), ENTRIES, |_, _| {}).expect("replayed").complaints;
        assert_eq!(complaints.len(), 1, "{complaints:?}");
        assert!(complaints[0].starts_with(&format!("entry {wrong}: applied again")), "{complaints:?}");
    }

    #[test]
    fn a_journal_that_lacks_something_is_no_journal() {
        let script = script();
        let short = replay(whole(&script).path(), ENTRIES + 1, |_, _| {}).expect_err("it ends before");
        assert!(short.contains(&format!("the journal ends at {ENTRIES}")), "{short}");
        // Its beginning was thrown away.
        let settings = StateSettings {
            journal_segment_bytes: 2_000,
            journal_keep_bytes: Some(2_000),
            ..StateSettings::default()
        };
        let folder = journal(&script, settings, |index| script.step(index).answers.clone());
        let late = replay(folder.path(), ENTRIES, |_, _| {}).expect_err("it begins late");
        assert!(late.starts_with("entries 1 to ") && late.contains("missing"), "{late}");
    }

    #[test]
    fn a_transaction_that_is_decided_twice_is_seen() {
        let script = script();
        let mut replayed = replay(whole(&script).path(), 1, |_, _| {}).expect("replayed");
        let (index, batch) =
            (2..).find_map(|index| Some((index, script.step(index).batch.clone()?))).expect("one");
        let (stamp, transactions) = batch.content().expect("made by the script");
        // As if it had been decided before, and the ledger had forgotten it.
        let first = transactions[0].clone();
        replayed.asked.insert((first.request, first.caller), first);
        replayed.entry(index, *stamp, transactions, &script.step(index).answers);
        assert_eq!(replayed.complaints.len(), 1, "{:?}", replayed.complaints);
        assert!(replayed.complaints[0].contains("is decided twice"), "{:?}", replayed.complaints);
    }

    #[test]
    fn money_out_of_nothing_is_seen() {
        let (stamp, area) = (Stamp(1_772_323_200_000), Area::new(320_500).expect("Suzhou"));
        let somebody = Person([7; 16]);
        let province = Province::new(32).expect("Jiangsu");
        let calls = [
            (ledger::Caller::National, Call::Genesis { cluster: [9; 16], policy: Policy::PILOT_2024 }),
            (
                ledger::Caller::National,
                Call::RegisterProvince { province, kinship: KinshipScope::Wide, effective: None },
            ),
            (ledger::Caller::National, Call::RegisterArea { area }),
            (
                ledger::Caller::Agency(area),
                Call::EnrolPerson { person: somebody, insurance: Insurance::Employee, area, retired: false },
            ),
        ];
        let transactions: Vec<Transaction> = (0..)
            .zip(calls)
            .map(|(place, (caller, call))| {
                let mut id = [0; 16];
                id[..6].copy_from_slice(&stamp.0.to_be_bytes()[2..]);
                id[6..].copy_from_slice(&[0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, place]);
                let request = ledger::RequestId(id);
                Transaction { request, caller, not_after: None, signature: Vec::new(), call }
            })
            .collect();
        let mut state = MapState::new();
        let answers = state.apply(At { index: 1, stamp }, &transactions);
        let done = |answer: &Answer| matches!(answer.outcome, Outcome::Done(_));
        assert!(answers.iter().all(done), "{answers:?}");
        let mut replayed =
            Replayed { state, asked: BTreeMap::new(), transactions: 4, complaints: Vec::new() };
        assert_eq!(replayed.audit(), Vec::<String>::new());
        let key = Key::Person { person: somebody };
        let Ok(row) = replayed.state.get(&key);
        let mut person = PersonRecord::of_row(&row.expect("the person")).expect("a person").clone();
        let account = person.account.as_mut().expect("an account");
        let fen = Fen::new(1).expect("a fen");
        account.available = account.available.checked_add(fen).expect("no more than money");
        replayed.state.set(key, Some(Arc::new(Row::Person(person))));
        let complaints = replayed.audit();
        assert!(complaints.len() == 1 && complaints[0].contains("not clean"), "{complaints:?}");
    }

    #[test]
    fn a_body_that_nobody_sent_is_seen() {
        let request = RequestId::fresh();
        let op = |area: &str| Op {
            caller: Caller::National,
            request,
            transaction: v1::Transaction {
                request_id: request.to_string(),
                caller: Some(v1::Caller::from(&Caller::National)),
                call: Some(v1::transaction::Call::RegisterArea(v1::RegisterArea { area: area.into() })),
                ..Default::default()
            },
            expect: Expect::Done,
            attempts: Vec::new(),
        };
        let held = wire::transaction_from_proto(&op("320500").transaction).expect("well-formed");
        let asked = BTreeMap::from([((held.request, held.caller), held)]);
        let replayed = Replayed { state: MapState::new(), asked, transactions: 1, complaints: Vec::new() };
        let same =
            |areas: &[&str]| replayed.same_bodies(&areas.iter().map(|area| op(area)).collect::<Vec<_>>());
        assert_eq!(same(&["320500"]), Vec::<String>::new());
        assert_eq!(same(&["320600", "320500"]), Vec::<String>::new(), "one of two under the same id");
        let complaints = same(&["320600"]);
        assert!(complaints.len() == 1 && complaints[0].contains("another body"), "{complaints:?}");
        assert_eq!(same(&["320600", "320700"]).len(), 1);
    }
}
