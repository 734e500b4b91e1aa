//! What no history reaches in the time of a test: a counter at its end, the last key of a table. Such a state is made by
//! hand, so it is not audited.

mod stage;

use ledger::command::Expiry;
use ledger::decision::ReleaseCause;
use ledger::table::{PersonRecord, Record, ReleasingRecord};
use ledger::{
    At, Call, Caller, Key, Outcome, Person, Refusal, RelationId, Stamp, Table, Transaction, View, tick_due,
};
use stage::Stage;
use stage::names::{moment, person};
use std::sync::Arc;

fn play(story: &str) -> Stage {
    let mut stage = Stage::new();
    let lines: Vec<&str> = story.lines().map(str::trim).collect();
    let out = stage.run(&lines).expect("the story is told");
    assert!(!out.contains("refused"), "{out}");
    stage
}

/// Applies one call to a state that was changed by hand.
fn ask(stage: &mut Stage, index: u64, caller: Caller, call: Call) -> Outcome {
    let request = stage.request(None, stage.now.0);
    let transaction = Transaction { request, caller, not_after: None, signature: vec![], call };
    let answers = stage.state.apply(At { index, stamp: stage.now }, &[transaction]);
    answers[0].outcome.clone()
}

fn record(stage: &Stage, person: Person) -> PersonRecord {
    let Ok(row) = stage.state.get(&Key::Person { person });
    row.and_then(|row| PersonRecord::of_row(&row).cloned()).expect("enrolled")
}

fn put(stage: &mut Stage, person: Person, record: PersonRecord) {
    stage.state.set(Key::Person { person }, Some(Arc::new(record.into_row())));
}

#[test]
fn a_donor_has_no_more_offers_than_the_account_counts() {
    let mut stage = play(
        "world
        set-policy from=now offers=yes
        insure A 310 suzhou 1000
        insure B 390 zhengzhou 0
        relate R A B parent 0",
    );
    let donor = person("A");
    let relation = RelationId(stage.position("R").expect("a relation"));
    let quota =
        || Call::SetQuota { relation, amount: ledger::Fen::new(1).expect("a fen"), expiry: Expiry::Keep };
    let counted = |stage: &Stage| record(stage, donor).account.expect("310").offers;
    let mut full = record(&stage, donor);
    full.account.as_mut().expect("310").offers = u16::MAX - 1;
    put(&mut stage, donor, full);

    assert!(matches!(ask(&mut stage, 1_000, Caller::Person(donor), quota()), Outcome::Done(_)));
    assert_eq!(counted(&stage), u16::MAX);
    let refused = ask(&mut stage, 1_001, Caller::Person(donor), quota());
    assert_eq!(refused, Outcome::Refused(Refusal::OffersFull));
    assert_eq!(counted(&stage), u16::MAX);
}

#[test]
fn the_relations_of_the_last_person_are_released_too() {
    let mut stage = play("world\ninsure A 310 suzhou 1000");
    let last = Person([0xff; 16]);
    assert_eq!(Table::Releasing.last(), Key::Releasing { person: last });
    let cause = ReleaseCause::Termination;
    let under_way = PersonRecord { releasing: Some(cause), ..record(&stage, person("A")) };
    put(&mut stage, last, under_way);
    stage.state.set(Table::Releasing.last(), Some(Arc::new(ReleasingRecord { cause }.into_row())));

    let now: Stamp = moment("2026-03-01", "08:00").expect("a date");
    assert_eq!(tick_due(&stage.state, now), Ok(true));
    assert!(matches!(ask(&mut stage, 1_000, Caller::Node, Call::Tick), Outcome::Done(_)));
    assert_eq!(record(&stage, last).releasing, None);
    assert_eq!(tick_due(&stage.state, now), Ok(false));
}
