//! A node that cannot read its state stops: whichever read fails, `apply` gives the fault back and
//! nothing else, and never panics on a record that only seems to be missing.

mod stage;

use ledger::{At, Fen, Key, MapState, RelationId, Row, Stamp, View, apply};
use ledger::{Call, Caller, Institution, RequestId, Transaction};
use stage::{Stage, person};
use std::cell::Cell;
use std::sync::Arc;

/// Fails at the read of this number.
struct Failing<'a> {
    state: &'a MapState,
    reads: Cell<u32>,
    fails_at: u32,
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

#[test]
fn whichever_read_fails_the_fault_comes_back() {
    let mut stage = Stage::new();
    let story = [
        "world",
        "insure B 390 zhengzhou 0",
        "insure D 310 suzhou 30000",
        "relate R D B parent 10000",
        "settle as=P beneficiary=B at=pharmacy amount=6000",
    ];
    stage.run(&story).expect("the story is told");
    let relation: RelationId = stage.relations["R"];
    let payment = stage.payments["P"];
    let institution = Institution::new("P41010000002").expect("the pharmacy");
    let (donor, beneficiary) = (person("D"), person("B"));
    let amount = Fen::new(100).expect("an amount");
    let settle =
        Call::Settle { beneficiary, institution, amount, use_own_account: true, all_or_nothing: false };
    let calls = [
        (Caller::Person(donor), Call::SetQuota { relation, amount }),
        (Caller::Institution(institution), settle),
        (Caller::Institution(institution), Call::Refund { payment, amount: None }),
        (Caller::Person(beneficiary), Call::SetPriority { beneficiary, order: vec![] }),
        (Caller::Node, Call::Tick),
        (Caller::Person(donor), Call::ReleaseRelation { relation }),
    ];
    let time = stage.now.0 + 25 * ledger::stamp::HOUR_MS;
    let transactions: Vec<Transaction> = calls
        .into_iter()
        .zip(1..)
        .map(|((caller, call), number)| {
            let mut request = RequestId::earliest_at(time);
            request.0[15] = number;
            Transaction { request, caller, not_after: None, signature: vec![], call }
        })
        .collect();
    let at = At { index: 1_000, stamp: Stamp(time) };
    let mut fails_at = 1;
    loop {
        let view = Failing { state: &stage.state, reads: Cell::new(0), fails_at };
        match apply(&view, at, &transactions) {
            Err(fault) => assert_eq!(fault, Broken),
            Ok(applied) => {
                assert!(view.reads.get() < fails_at, "a fault was swallowed at read {fails_at}");
                assert_eq!(applied.answers.len(), transactions.len());
                break;
            }
        }
        fails_at += 1;
    }
    assert!(fails_at > 20, "only {fails_at} reads: this tests little");
}
