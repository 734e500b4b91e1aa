//! Laws of the contract, tried on random histories.
//!
//! Every history runs through the contract and through a second, naive ledger (`model`); answers and
//! balances must be the same, and the state must pass the audit after every entry. What differs is
//! shrunk. `LAWS_SEED` chooses the histories, `LAWS_CASES` how many; a failure prints the line that
//! replays it.

mod chance;
mod model;

use chance::{Sender, Step, history, name, persons, verbs};
use ledger::codec::{decode, decode_row, encode, encode_key, encode_row};
use ledger::table::{ObligationRecord, PersonRecord, Record, RelationRecord, RelationState};
use ledger::{
    Answer, At, Call, Event, Key, MapState, Outcome, PaymentId, Position, Refusal, RelationId, Row, Stamp,
    Table, Transaction, View, audit,
};
use model::{Model, Phase};
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestRunner};
use std::cell::RefCell;
use std::collections::BTreeMap;

type Law = Result<(), TestCaseError>;

macro_rules! hold {
    ($holds:expr, $($what:tt)*) => {
        if !$holds {
            return Err(TestCaseError::fail(format!($($what)*)));
        }
    };
}

/// Entries as they went into the log.
type Log = Vec<(At, Vec<Transaction>)>;

/// The contract and the naive ledger side by side.
struct Pair {
    state: MapState,
    model: Model,
    log: Log,
    answers: Vec<Answer>,
}

impl Pair {
    fn entry(&mut self, stamp: u64, transactions: Vec<Transaction>) -> Law {
        let at = At { index: self.log.len() as u64 + 1, stamp: Stamp(stamp) };
        let answers = self.state.apply(at, &transactions);
        self.model.tell_time(stamp);
        for (place, (asked, is)) in transactions.iter().zip(&answers).enumerate() {
            let position = Position { index: at.index, place: place as u16 };
            let should = self.model.answer(position, asked);
            hold!(*is == should, "{position} {asked:?}\n  contract: {is:?}\n  naive:    {should:?}");
        }
        let Ok(audit) = audit(&self.state, Some(self.state.digest()));
        hold!(audit.is_clean(), "after entry {}: {audit}", at.index);
        self.log.push((at, transactions));
        self.answers.extend(answers);
        self.balances()
    }

    fn balances(&self) -> Law {
        for person in persons() {
            let record = record::<PersonRecord>(&self.state, &Key::Person { person });
            hold!(
                record.is_some() == self.model.human(person).is_some(),
                "{person:?} is enrolled in one only"
            );
            let Some(record) = record else { continue };
            hold!(record.donors == self.model.donors(person), "{person:?}: the order of donors differs");
            let Some(account) = record.account else { continue };
            let is = (account.available.get(), account.reserved.get(), u128::from(account.credited.get()));
            let should =
                (self.model.available(person), self.model.reserved(person), self.model.credited(person));
            hold!(is == should, "{person:?}: available, reserved, credited are {is:?}, should be {should:?}");
        }
        for bond in &self.model.bonds {
            let record = record::<RelationRecord>(&self.state, &Key::Relation { relation: bond.id });
            let Some(record) = record else { return Err(TestCaseError::fail("a relation is missing")) };
            let phase = match record.state {
                RelationState::Proposed { .. } => Phase::Waiting,
                RelationState::Active => Phase::Living,
                RelationState::Closed => Phase::Dropped,
                RelationState::Released => Phase::Over,
            };
            let is = (record.limit.get(), record.used.get(), record.unused.get(), record.sequence);
            let used = self.model.used(bond.id);
            let should = (self.model.limit(bond.id), used, self.model.unused(bond.id), bond.number);
            hold!(
                phase == bond.phase && is == should,
                "{:?}: {phase:?} {is:?}, should be {should:?}",
                bond.id
            );
        }
        for booking in &self.model.bookings {
            let (month, payer, payee, usage) =
                (booking.at.month(), booking.payer, booking.payee, booking.usage);
            let key = Key::Obligation { month, payer, payee, usage };
            let record = record::<ObligationRecord>(&self.state, &key).unwrap_or_default();
            let is = (record.charged.get(), record.refunded.get());
            let should = self.model.owed(month, payer, payee, usage);
            hold!(is == should, "{key:?} is {is:?}, should be {should:?}");
        }
        Ok(())
    }
}

fn record<R: Record>(state: &MapState, key: &Key) -> Option<R> {
    let Ok(row) = state.get(key);
    row.and_then(|row| R::of_row(&row).cloned())
}

/// Plays a history on both ledgers.
fn play(bare: bool, steps: &[Step]) -> Result<Pair, TestCaseError> {
    let mut sender = Sender::new();
    let mut pair = Pair { state: MapState::new(), model: Model::default(), log: vec![], answers: vec![] };
    if !bare {
        let prelude = sender.prelude();
        pair.entry(sender.stamp, prelude)?;
    }
    for step in steps {
        match step {
            Step::Wait(span) => sender.stamp = sender.stamp.saturating_add_signed(*span),
            Step::Flood { policies } => {
                let flood = sender.flood(*policies);
                pair.entry(sender.stamp, flood)?;
            }
            Step::Entry(asks) => {
                let entry = asks.iter().map(|ask| sender.transaction(&pair.model, ask)).collect();
                pair.entry(sender.stamp, entry)?;
            }
        }
    }
    Ok(pair)
}

/// Runs a law over as many histories as asked; says how to replay a failure.
fn over_histories(test: &str, cases: u32, law: impl Fn(bool, Vec<Step>) -> Law) {
    let number =
        |name: &str, usual| std::env::var(name).map_or(usual, |text| text.parse().expect("a number"));
    let seed = number("LAWS_SEED", 20_260_109);
    let cases = number("LAWS_CASES", u64::from(cases)) as u32;
    println!("replay: LAWS_SEED={seed} LAWS_CASES={cases} cargo test -p ledger --test laws {test}");
    let config = Config {
        cases,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        max_shrink_iters: 20_000,
        ..Config::default()
    };
    let outcome = TestRunner::new(config).run(&history(), |(bare, steps)| law(bare, steps));
    if let Err(failure) = outcome {
        panic!(
            "{failure}\nreplay: LAWS_SEED={seed} LAWS_CASES={cases} cargo test -p ledger --test laws {test}"
        );
    }
}

#[test]
fn the_naive_ledger_agrees() {
    let verbs_done: RefCell<BTreeMap<&str, u64>> = RefCell::new(verbs().map(|verb| (verb, 0)).collect());
    let refusals: RefCell<BTreeMap<&str, u64>> =
        RefCell::new(Refusal::ALL.iter().map(|refusal| (refusal.name(), 0)).collect());
    let repeated = RefCell::new(0);
    over_histories("the_naive_ledger_agrees", 1_500, |bare, steps| {
        let pair = play(bare, &steps)?;
        let asked = pair.log.iter().flat_map(|(_, transactions)| transactions);
        for (transaction, answer) in asked.zip(&pair.answers) {
            match &answer.outcome {
                _ if answer.repeated => *repeated.borrow_mut() += 1,
                Outcome::Done(_) => *verbs_done.borrow_mut().entry(name(&transaction.call)).or_default() += 1,
                Outcome::Refused(refusal) => *refusals.borrow_mut().entry(refusal.name()).or_default() += 1,
            }
        }
        Ok(())
    });
    println!(
        "done {:?}\nrefused {:?}\nrepeated {}",
        verbs_done.borrow(),
        refusals.borrow(),
        repeated.borrow()
    );
    if std::env::var_os("LAWS_CASES").is_some() {
        return; // fewer cases need not show everything
    }
    let never: Vec<_> =
        verbs_done.take().into_iter().chain(refusals.take()).filter(|(_, times)| *times == 0).collect();
    assert!(never.is_empty(), "never happened in the whole run: {never:?}");
    assert!(repeated.take() > 0, "no request was ever repeated");
}

#[test]
fn the_same_log_gives_the_same_state() {
    over_histories("the_same_log_gives_the_same_state", 150, |bare, steps| {
        let pair = play(bare, &steps)?;
        let mut replica = MapState::new();
        let mut answers = vec![];
        for (at, transactions) in &pair.log {
            let transactions: Vec<Transaction> = transactions
                .iter()
                .map(|one| decode(&encode(one)).expect("what was encoded decodes"))
                .collect();
            answers.extend(replica.apply(*at, &transactions));
        }
        hold!(answers == pair.answers, "the answers differ");
        hold!(replica.digest().root() == pair.state.digest().root(), "the digests differ");
        hold!(replica.rows().eq(pair.state.rows()), "the rows differ");
        Ok(())
    });
}

#[test]
fn how_transactions_are_batched_changes_no_balance() {
    over_histories("how_transactions_are_batched_changes_no_balance", 150, |bare, steps| {
        let pair = play(bare, &steps)?;
        // The same transactions, each in an entry of its own: what is named by a position is renamed.
        let mut moved: BTreeMap<Position, Position> = BTreeMap::new();
        let mut alone = MapState::new();
        let mut answers = pair.answers.iter();
        for (at, transactions) in &pair.log {
            for (place, transaction) in transactions.iter().enumerate() {
                let index = moved.len() as u64 + 1;
                moved.insert(Position { index: at.index, place: place as u16 }, Position { index, place: 0 });
                let mut transaction = transaction.clone();
                rename(&mut transaction.call, &moved);
                let is = alone.apply(At { index, ..*at }, &[transaction]).remove(0);
                let was = answers.next().expect("an answer each");
                hold!(is.repeated == was.repeated, "repeated only in one");
                hold!(kind(&is.outcome) == kind(&was.outcome), "{was:?}\nalone: {is:?}");
            }
        }
        for (key, row) in pair.state.rows() {
            let same = match (*key, row) {
                (Key::Person { .. }, Row::Person(was)) => {
                    let Some(is) = record::<PersonRecord>(&alone, key) else { continue };
                    (is.account, is.donors.len()) == (was.account, was.donors.len())
                }
                (Key::Relation { relation }, Row::Relation(was)) => {
                    let relation = RelationId(moved[&relation.0]);
                    let is = record::<RelationRecord>(&alone, &Key::Relation { relation });
                    is.as_ref() == Some(was)
                }
                (Key::Obligation { .. }, Row::Obligation(was)) => {
                    record::<ObligationRecord>(&alone, key).as_ref() == Some(was)
                }
                _ => continue,
            };
            hold!(same, "{key:?} differs");
        }
        Ok(())
    });
}

/// What came of it, without positions.
fn kind(outcome: &Outcome) -> Result<usize, Refusal> {
    match outcome {
        Outcome::Done(events) => {
            Ok(events.iter().filter(|event| !matches!(event, Event::Ticked { .. })).count())
        }
        Outcome::Refused(refusal) => Err(*refusal),
    }
}

fn rename(call: &mut Call, moved: &BTreeMap<Position, Position>) {
    let new = |position: Position| moved.get(&position).copied().unwrap_or(position);
    match call {
        Call::AcceptRelation { relation }
        | Call::DeclineRelation { relation }
        | Call::ReleaseRelation { relation }
        | Call::SetQuota { relation, .. }
        | Call::ReduceQuota { relation, .. } => *relation = RelationId(new(relation.0)),
        Call::SetPriority { order, .. } => order.iter_mut().for_each(|id| *id = RelationId(new(id.0))),
        Call::Refund { payment, .. } => *payment = PaymentId(new(payment.0)),
        _ => {}
    }
}

#[test]
fn what_is_encoded_decodes_and_keys_sort_as_bytes() {
    over_histories("what_is_encoded_decodes_and_keys_sort_as_bytes", 60, |bare, steps| {
        let pair = play(bare, &steps)?;
        let mut before: Option<Vec<u8>> = None;
        for (key, row) in pair.state.rows() {
            let bytes = encode_key(key);
            hold!(Key::read(&bytes) == Some(*key), "{key:?} does not read back");
            hold!(before.is_none_or(|before| before < bytes), "{key:?} is out of order");
            hold!(decode_row(key, &encode_row(row)).as_ref() == Ok(row), "{key:?}: the row does not decode");
            hold!(
                decode_row(key, &[&encode_row(row)[..], &[0]].concat()).is_err(),
                "{key:?}: a byte too many"
            );
            let (first, last) = (key.table().first(), key.table().last());
            hold!(first <= *key && *key <= last, "{key:?} is outside of its table");
            before = Some(bytes);
        }
        for transaction in pair.log.iter().flat_map(|(_, transactions)| transactions) {
            let back = decode::<Transaction>(&encode(transaction));
            hold!(back.as_ref() == Ok(transaction), "{transaction:?} does not decode");
        }
        Ok(())
    });
    for pair in Table::ALL.windows(2) {
        assert!(encode_key(&pair[0].last()) < encode_key(&pair[1].first()), "tables overlap");
    }
}
