//! A node that cannot read its state stops: whichever read fails, `apply` gives the fault back and
//! nothing else, and never panics on a record that only seems to be missing.

// The laws use the rest of these.
#[allow(dead_code)]
mod chance;
#[allow(dead_code)]
mod judge;
#[allow(dead_code)]
mod model;

use chance::{Dice, Start, Verb};
use judge::{Care, Pair, Report};
use ledger::{At, Key, MapState, Outcome, Row, Stamp, Transaction, View, apply, audit, tick_due};
use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Fails at the read of this number.
struct Failing<'a> {
    state: &'a MapState,
    reads: Cell<u64>,
    fails_at: u64,
}

#[derive(Debug, PartialEq, Eq)]
struct Broken;

impl Failing<'_> {
    fn read(&self) -> Result<(), Broken> {
        self.reads.set(self.reads.get() + 1);
        if self.reads.get() == self.fails_at { Err(Broken) } else { Ok(()) }
    }
}

impl View for Failing<'_> {
    type Fault = Broken;

    fn get(&self, key: &Key) -> Result<Option<Arc<Row>>, Broken> {
        self.read()?;
        let Ok(row) = self.state.get(key);
        Ok(row)
    }

    fn range(&self, from: &Key, until: &Key, most: usize) -> Result<Vec<(Key, Arc<Row>)>, Broken> {
        self.read()?;
        let Ok(rows) = self.state.range(from, until, most);
        Ok(rows)
    }
}

/// Fails each read once, or every so manieth; tells how many there are and what comes of it when none fails.
fn fail_each<T>(state: &MapState, step: u64, does: impl Fn(&Failing<'_>) -> Result<T, Broken>) -> (u64, T) {
    let mut fails_at = 1;
    loop {
        let view = Failing { state, reads: Cell::new(0), fails_at };
        match does(&view) {
            Err(fault) => assert_eq!(fault, Broken),
            Ok(whole) => {
                assert!(view.reads.get() < fails_at, "a fault was swallowed at read {fails_at}");
                return (view.reads.get(), whole);
            }
        }
        fails_at += step;
    }
}

/// Histories in which every verb is done: each read of each of their entries fails once.
#[test]
fn whichever_read_fails_the_fault_comes_back() {
    let mut verbs: BTreeSet<Verb> = BTreeSet::new();
    let mut reads = 0;
    for seed in 0..10 {
        let mut dice = Dice::new(seed);
        let mut pair = Pair::new(Care::Quick);
        let start = Start { bare: false, policy: seed as u8 };
        pair.start(start, &mut Report::new()).expect("the beginning is agreed on");
        while pair.answers.len() < 1_500 {
            pair.step(&dice.step(), &mut Report::new()).expect("both ledgers agree");
        }
        let mut state = MapState::new();
        let mut answers = pair.answers.iter();
        for (at, transactions) in &pair.log {
            let one = |view: &Failing<'_>| apply(view, *at, transactions);
            // The long entries are many small ones: what fails in them fails in others, too.
            let step = if transactions.len() > 20 { 97 } else { 1 };
            let (more, applied) = fail_each(&state, step, one);
            reads += more;
            assert!(applied.answers.iter().eq(answers.by_ref().take(transactions.len())));
            for (transaction, answer) in transactions.iter().zip(&applied.answers) {
                if let Outcome::Done(_) = answer.outcome {
                    verbs.insert(Verb::of(&transaction.call));
                }
            }
            state.absorb(applied.changes);
            reads += fail_each(&state, 1, |view| tick_due(view, Stamp(at.stamp.0 + 1))).0;
        }
        // The audit reads everything: a few hundred of its reads fail.
        let size = state.len() as u64;
        let (_, audit) = fail_each(&state, 1 + size / 100, |view| audit(view, Some(state.digest())));
        assert!(audit.is_clean(), "{audit}");
    }
    let missing: Vec<_> = Verb::ALL.iter().filter(|(verb, _)| !verbs.contains(verb)).collect();
    assert!(missing.is_empty(), "never done: {missing:?}");
    assert!(reads > 20_000, "only {reads} reads: this tests little");
}

/// The first entry of a log, where there is nothing to be read yet.
#[test]
fn before_genesis_too() {
    let pair = {
        let mut pair = Pair::new(Care::Thorough);
        pair.start(Start { bare: false, policy: 0 }, &mut Report::new()).expect("the beginning is agreed on");
        pair
    };
    let (at, transactions): &(At, Vec<Transaction>) = &pair.log[0];
    let (reads, applied) = fail_each(&MapState::new(), 1, |view| apply(view, *at, transactions));
    assert!(reads > 100, "only {reads} reads");
    assert_eq!(applied.answers, pair.answers);
}
