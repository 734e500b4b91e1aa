//! The audit finds what is wrong: a sound state, damaged in one place, fails with the invariant that
//! the damage breaks, at the record where it shows.

mod stage;

use ledger::audit::Invariant;
use ledger::command::Insurance;
use ledger::table::{ObligationRecord, PaymentRecord, Record, RelationState, Use};
use ledger::{Area, Audit, Fen, Key, MapState, RelationId, Row, Sum, View, audit};
use stage::{Stage, person};
use std::sync::Arc;

/// Two donors, a cross-province settlement with a cash part, partly refunded, and an open proposal.
fn sound() -> Stage {
    let mut stage = Stage::new();
    let story = "world
        insure B 390 zhengzhou 0
        insure D1 310 suzhou 30000
        insure D2 310 hefei 30000
        relate R1 D1 B parent 10000
        relate R2 D2 B parent 5000
        propose as=R3 donor=D2 beneficiary=D1 kinship=sibling
        settle as=P beneficiary=B at=pharmacy amount=16000
        settle as=Q beneficiary=D1 at=hospital amount=700
        refund payment=P amount=3000";
    let lines: Vec<&str> = story.lines().map(str::trim).collect();
    stage.run(&lines).expect("the story is told");
    stage
}

fn look(state: &MapState) -> Audit {
    let Ok(audit) = audit(state, Some(state.digest()));
    audit
}

/// Damages one record, keeping the digest right; the audit must name this invariant, at this record.
fn damage<R: Record>(invariant: Invariant, key: impl Fn(&Stage) -> Key, change: impl Fn(&mut R)) {
    let mut stage = sound();
    let key = key(&stage);
    let Ok(row) = stage.state.get(&key);
    let mut record = R::of_row(&row.expect("the record is there")).expect("of its table").clone();
    change(&mut record);
    stage.state.set(key, Some(Arc::new(record.into_row())));
    let found = look(&stage.state);
    let named = found.findings.iter().any(|finding| finding.invariant == invariant);
    assert!(named, "{invariant:?} is not found broken at {key:?}:\n{found}");
}

fn fen(amount: u64) -> Fen {
    Fen::new(amount).expect("an amount")
}

fn donor(_: &Stage) -> Key {
    Key::Person { person: person("D1") }
}

fn relation(stage: &Stage) -> Key {
    Key::Relation { relation: stage.relations["R1"] }
}

fn payment(stage: &Stage) -> Key {
    Key::Payment { payment: stage.payments["P"] }
}

#[test]
fn a_sound_state_is_clean_and_everything_was_counted() {
    let stage = sound();
    let audit = look(&stage.state);
    assert!(audit.is_clean(), "{audit}");
    for (invariant, number) in &audit.counted {
        assert!(*number > 0, "nothing was checked for {invariant:?}:\n{audit}");
    }
    let Ok(empty) = ledger::audit(&MapState::new(), None);
    assert!(empty.is_clean());
}

#[test]
fn money_from_nowhere_is_found() {
    use ledger::table::PersonRecord;
    damage(Invariant::Conservation, donor, |record: &mut PersonRecord| {
        record.account.as_mut().expect("310").available = fen(20_000);
    });
    damage(Invariant::Conservation, donor, |record: &mut PersonRecord| {
        record.account.as_mut().expect("310").credited = fen(30_001);
    });
    damage(Invariant::Reserved, donor, |record: &mut PersonRecord| {
        record.account.as_mut().expect("310").reserved = fen(9);
    });
    damage(Invariant::OwnSpend, donor, |record: &mut PersonRecord| record.account = None);
    damage(Invariant::OnePair, donor, |record: &mut PersonRecord| record.insurance = Insurance::Resident);
}

#[test]
fn a_relation_that_does_not_add_up_is_found() {
    use ledger::table::RelationRecord;
    damage(Invariant::Limit, relation, |record: &mut RelationRecord| record.limit = fen(1));
    damage(Invariant::Limit, relation, |record: &mut RelationRecord| {
        record.used = fen(8_000);
        record.limit = record.used.checked_add(record.unused).expect("small");
    });
    damage(Invariant::Limit, relation, |record: &mut RelationRecord| record.raised = None);
    damage(Invariant::OnePair, relation, |record: &mut RelationRecord| {
        record.state = RelationState::Released
    });
    damage(Invariant::OnePair, relation, |record: &mut RelationRecord| record.sequence = 77);
    damage(Invariant::OnePair, relation, |record: &mut RelationRecord| record.beneficiary = record.donor);
    damage(Invariant::Attributable, relation, |record: &mut RelationRecord| record.donor = person("ghost"));
    damage(Invariant::Openness, relation, |record: &mut RelationRecord| {
        record.raised = Some(ledger::Stamp(5))
    });
}

#[test]
fn an_index_that_says_something_else_is_found() {
    use ledger::table::{LapsingRecord, PairRecord, PersonRecord};
    let beneficiary = |_: &Stage| Key::Person { person: person("B") };
    damage(Invariant::OnePair, beneficiary, |record: &mut PersonRecord| _ = record.donors.pop());
    damage(Invariant::OnePair, beneficiary, |record: &mut PersonRecord| record.donors.push(record.donors[0]));
    let pair = |_: &Stage| Key::Pair { donor: person("D1"), beneficiary: person("B") };
    damage(Invariant::OnePair, pair, |record: &mut PairRecord| record.relation.0.place += 1);

    for gone in [
        |_: RelationId, id| Key::Giving { donor: person("D1"), relation: id },
        |_: RelationId, _| Key::Pair { donor: person("D1"), beneficiary: person("B") },
    ] {
        let mut stage = sound();
        let id = stage.relations["R1"];
        stage.state.set(gone(id, id), None);
        assert!(!look(&stage.state).is_clean(), "an index entry is gone");
    }
    let mut stage = sound();
    let stray = Key::Lapsing { at: stage.now, relation: stage.relations["R1"] };
    stage.state.set(stray, Some(Arc::new(LapsingRecord.into_row())));
    assert!(look(&stage.state).findings.iter().any(|finding| finding.place == stray));
}

#[test]
fn a_settlement_that_does_not_add_up_is_found() {
    damage(Invariant::Split, payment, |record: &mut PaymentRecord| record.cash = fen(999));
    damage(Invariant::Split, payment, |record: &mut PaymentRecord| record.legs[0].amount = Fen::ZERO);
    damage(Invariant::Refunds, payment, |record: &mut PaymentRecord| record.cash_refunded = fen(1_001));
    damage(Invariant::Refunds, payment, |record: &mut PaymentRecord| record.legs[0].refunded = fen(1));
    damage(Invariant::Conservation, payment, |record: &mut PaymentRecord| record.legs[1].refunded = fen(1));
    damage(Invariant::Limit, payment, |record: &mut PaymentRecord| record.legs[1].refunded = fen(1));
    damage(Invariant::Obligations, payment, |record: &mut PaymentRecord| record.legs[1].refunded = fen(1));
    damage(Invariant::Uses, payment, |record: &mut PaymentRecord| record.usage = Use::Institution);
    damage(Invariant::Attributable, payment, |record: &mut PaymentRecord| {
        record.at = ledger::Stamp(u64::MAX)
    });
    damage(Invariant::Attributable, payment, |record: &mut PaymentRecord| {
        record.legs[0].donor = person("D2")
    });
    damage(Invariant::Openness, payment, |record: &mut PaymentRecord| {
        record.legs[0].area = Area::new(370_100).expect("jinan, never open");
    });
}

#[test]
fn an_obligation_that_is_not_the_legs_is_found() {
    let line = |stage: &Stage| {
        let month = stage.now.month();
        let (payer, payee) = (Area::new(320_500).expect("suzhou"), Area::new(410_100).expect("zhengzhou"));
        Key::Obligation { month, payer, payee, usage: Use::Pharmacy }
    };
    damage(Invariant::Obligations, line, |record: &mut ObligationRecord| record.charged = Sum::ZERO);
    damage(Invariant::Obligations, line, |record: &mut ObligationRecord| {
        record.refunded = record.refunded.plus(fen(1));
    });
    let mut stage = sound();
    stage.state.set(line(&stage), None);
    assert!(look(&stage.state).findings.iter().any(|finding| finding.invariant == Invariant::Obligations));
}

#[test]
fn a_request_with_two_effects_is_found() {
    let stage = sound();
    let requests: Vec<(Key, Row)> = stage
        .state
        .rows()
        .filter(|(key, _)| matches!(key, Key::Request { .. }))
        .map(|(key, row)| (*key, row.clone()))
        .collect();
    let mut state = stage.state.clone();
    let (first, second) = (&requests[0], &requests[1]);
    state.set(second.0, Some(Arc::new(first.1.clone())));
    assert!(look(&state).findings.iter().any(|finding| finding.invariant == Invariant::OneEffect));

    let mut state = stage.state.clone();
    state.set(payment(&stage), None);
    assert!(look(&state).findings.iter().any(|finding| finding.invariant == Invariant::OneEffect));
}

#[test]
fn a_digest_that_was_not_kept_is_found_and_persons_print_masked() {
    let stage = sound();
    let kept = stage.state.digest().clone();
    let mut state = stage.state.clone();
    state.set(donor(&stage), None);
    let Ok(found) = audit(&state, Some(&kept));
    assert!(found.findings.iter().any(|finding| finding.invariant == Invariant::Digest), "{found}");
    assert!(!found.to_string().contains("4431"), "a person's id in clear:\n{found}"); // "D1"
    assert!(!found.to_string().contains("[68, 49"), "a person's id in clear:\n{found}");
}
