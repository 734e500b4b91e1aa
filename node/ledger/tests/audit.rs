//! The audit finds what is wrong: a sound state, damaged in one place, fails with the invariant that
//! the damage breaks, at the record where it shows.

mod stage;

use ledger::audit::Invariant;
use ledger::command::{Insurance, InsuranceStatus, Premium};
use ledger::table::{
    CaseRecord, CaseState, ClearingRecord, HoldRecord, HoldState, ObligationRecord, OfferRecord, OfferState,
    PaymentRecord, PeriodRecord, PersonRecord, PortabilityRecord, PrepaymentRecord, Record, RefundRecord,
    RelationState, TallyRecord, UsageRecord, Use,
};
use ledger::{
    Area, Audit, CaseId, Fen, HoldId, Key, MapState, Month, OfferId, PaymentId, Province, RefundId,
    RelationId, Row, Sum, Table, View, audit,
};
use stage::{Stage, names::person};
use std::sync::Arc;

/// A ledger in which everything occurs: payments of all kinds, refunds, holds, offers, premiums, a transfer under way, a
/// month closed, advanced and partly paid.
fn sound() -> Stage {
    let mut stage = Stage::new();
    let story = "at 2026-02-10 08:00
        world
        insure B 390 zhengzhou 0
        insure D1 310 suzhou 30000
        insure D2 310 hefei 30000
        insure D3 310 suzhou 5000
        insure M 310 suzhou 4000
        relate R1 D1 B parent 10000
        relate R2 D2 B parent 5000
        set-quota relation=R2 amount=100 expiry=+90d
        adjust-fund province=32 size=900000
        fund province=32 amount=3000
        settle as=P0 beneficiary=B at=pharmacy amount=4000
        at 2026-03-02 08:00
        close month=2026-02
        confirm-line month=2026-02 payer=suzhou payee=zhengzhou amount=4000 by=32
        confirm-line month=2026-02 payer=suzhou payee=zhengzhou amount=4000 by=41
        pay-line month=2026-02 payer=suzhou payee=zhengzhou amount=2500
        propose as=R3 donor=D2 beneficiary=D1 kinship=sibling
        settle as=P beneficiary=B at=pharmacy amount=16000
        settle as=Q beneficiary=D1 at=hospital amount=700
        refund as=F payment=P amount=7000
        relate R4 D3 B parent 2000
        authorise as=H beneficiary=B at=hospital amount=500
        authorise as=H0 beneficiary=D1 at=hospital amount=50
        confirm hold=H0 amount=30
        premium as=Y beneficiary=B kind=390 year=2026 amount=300
        insure W 310 suzhou 5000
        settle as=V beneficiary=W at=hospital amount=900
        set-status person=W status=stopped
        apply-transfer as=U person=W to=hefei
        accept-transfer case=U
        send-transfer case=U
        refund payment=V amount=60
        receive-transfer case=U
        complete-transfer as=E case=U
        set-policy from=now offers=yes
        set-quota as=O relation=R4 amount=400
        set-status person=M status=stopped
        apply-transfer as=T person=M to=zhengzhou
        accept-transfer case=T
        send-transfer case=T";
    for line in story.lines().map(str::trim) {
        stage.run(&[line]).unwrap_or_else(|why| panic!("{line}: {why}"));
    }
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
    Key::Relation { relation: RelationId(stage.named["R1"]) }
}

fn payment(stage: &Stage) -> Key {
    Key::Payment { payment: PaymentId(stage.named["P"]) }
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
        record.state = RelationState::Released { cause: ledger::decision::ReleaseCause::Donor }
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
        let id = RelationId(stage.named["R1"]);
        stage.state.set(gone(id, id), None);
        assert!(!look(&stage.state).is_clean(), "an index entry is gone");
    }
    let mut stage = sound();
    let stray = Key::Lapsing { at: stage.now, relation: RelationId(stage.named["R1"]) };
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
    damage(Invariant::Limit, payment, |record: &mut PaymentRecord| record.legs[1].amount = fen(1));
    damage(Invariant::Obligations, payment, |record: &mut PaymentRecord| record.legs[1].amount = fen(1));
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
fn a_portability_line_that_did_not_travel_is_found() {
    let line = || named("E", |position| Key::Portability { position });
    damage(Invariant::Obligations, line(), |record: &mut PortabilityRecord| record.lines[0].2 = fen(61));
    damage(Invariant::Obligations, line(), |record: &mut PortabilityRecord| record.lines.clear());
    damage(Invariant::Obligations, line(), |record: &mut PortabilityRecord| record.at = ledger::Stamp(9));
}

fn named<K>(name: &'static str, key: impl Fn(ledger::Position) -> K) -> impl Fn(&Stage) -> K {
    move |stage| key(stage.named[name])
}

#[test]
fn what_is_held_offered_or_given_back_wrongly_is_found() {
    let hold = || named("H", |at| Key::Hold { hold: HoldId(at) });
    damage(Invariant::Split, hold(), |record: &mut HoldRecord| record.cash = fen(77));
    damage(Invariant::OneEffect, hold(), |record: &mut HoldRecord| record.state = HoldState::Voided);
    damage(Invariant::Limit, hold(), |record: &mut HoldRecord| record.state = HoldState::TimedOut);
    damage(Invariant::Reserved, hold(), |record: &mut HoldRecord| record.legs.clear());
    let confirmed = || named("H0", |at| Key::Hold { hold: HoldId(at) });
    damage(Invariant::OneEffect, confirmed(), |record: &mut HoldRecord| record.state = HoldState::Held);
    damage(Invariant::OneEffect, confirmed(), |record: &mut HoldRecord| record.beneficiary = person("D2"));
    let offer = || named("O", |at| Key::Offer { offer: OfferId(at) });
    damage(Invariant::OneEffect, offer(), |record: &mut OfferRecord| record.state = OfferState::Returned);
    damage(Invariant::Reserved, offer(), |record: &mut OfferRecord| record.amount = fen(399));
    damage(Invariant::OneEffect, offer(), |record: &mut OfferRecord| record.returns = ledger::Stamp(9));
    let refund = || named("F", |at| Key::Refund { refund: RefundId(at) });
    damage(Invariant::Refunds, refund(), |record: &mut RefundRecord| record.amount = fen(1));
    damage(Invariant::Refunds, refund(), |record: &mut RefundRecord| record.legs[0].amount = fen(1));
    damage(Invariant::Limit, refund(), |record: &mut RefundRecord| {
        record.legs[0].to = ledger::table::Destination::Account(Area::new(320_500).expect("suzhou"));
    });
    damage(Invariant::Obligations, refund(), |record: &mut RefundRecord| {
        record.legs[0].to = ledger::table::Destination::Quota(Area::new(110_000).expect("beijing"));
    });
    damage(Invariant::OneEffect, refund(), |record: &mut RefundRecord| {
        record.undoes = Some(RefundId(ledger::Position { index: 1, place: 0 }));
    });
    damage(Invariant::Attributable, refund(), |record: &mut RefundRecord| {
        record.payment = PaymentId(ledger::Position { index: 1, place: 0 });
    });
    let premium = || named("Y", |at| Key::Payment { payment: PaymentId(at) });
    damage(Invariant::Uses, premium(), |record: &mut PaymentRecord| record.usage = Use::CarePremium);
    damage(Invariant::Uses, premium(), |record: &mut PaymentRecord| {
        record.payee = ledger::table::Payee::Premium(Premium::Resident, 2027);
    });
}

#[test]
fn a_person_in_two_minds_is_found() {
    let mover = |_: &Stage| Key::Person { person: person("M") };
    damage(Invariant::Cases, mover, |record: &mut PersonRecord| record.transfer = None);
    damage(Invariant::Cases, mover, |record: &mut PersonRecord| {
        record.account.as_mut().expect("310").available = fen(4_000);
    });
    damage(Invariant::NoSurvivors, donor, |record: &mut PersonRecord| {
        record.status = InsuranceStatus::Deceased;
    });
    damage(Invariant::NoSurvivors, donor, |record: &mut PersonRecord| {
        record.releasing = Some(ledger::decision::ReleaseCause::Death);
    });
    damage(Invariant::Reserved, donor, |record: &mut PersonRecord| record.holds += 1);
    damage(Invariant::Reserved, donor, |record: &mut PersonRecord| {
        record.account.as_mut().expect("310").offers += 1;
    });
    damage(Invariant::Conservation, donor, |record: &mut PersonRecord| {
        record.account.as_mut().expect("310").paid_out = fen(1);
    });
    damage(Invariant::Cases, donor, |record: &mut PersonRecord| {
        record.account.as_mut().expect("310").area = Area::new(410_100).expect("zhengzhou");
    });
    let case = || named("T", |at| Key::Case { case: CaseId(at) });
    damage(Invariant::Cases, case(), |record: &mut CaseRecord| record.state = CaseState::Completed);
    damage(Invariant::Cases, case(), |record: &mut CaseRecord| record.state = CaseState::Received);
    damage(Invariant::Cases, case(), |record: &mut CaseRecord| record.due = None);
    damage(Invariant::Conservation, case(), |record: &mut CaseRecord| record.balance = fen(3_999));
}

#[test]
fn a_closed_month_that_changed_is_found() {
    let (suzhou, zhengzhou) = (Area::new(320_500).expect("suzhou"), Area::new(410_100).expect("zhengzhou"));
    let month = Month::new(2026, 2).expect("February");
    let jiangsu = Province::new(32).expect("Jiangsu");
    let obligation =
        move |_: &Stage| Key::Obligation { month, payer: suzhou, payee: zhengzhou, usage: Use::Pharmacy };
    damage(Invariant::Closed, obligation, |record: &mut ObligationRecord| {
        record.charged = record.charged.plus(fen(1));
    });
    let line = move |_: &Stage| Key::Clearing { month, payer: suzhou, payee: zhengzhou };
    damage(Invariant::Closed, line, |record: &mut ClearingRecord| record.amount = record.amount.plus(fen(1)));
    damage(Invariant::Closed, line, |record: &mut ClearingRecord| record.paid = Sum::new(4_001));
    damage(Invariant::Closed, line, |record: &mut ClearingRecord| record.refilled = Sum::new(2_000));
    damage(Invariant::Positions, line, |record: &mut ClearingRecord| record.advanced = Sum::new(3_001));
    let period = move |_: &Stage| Key::Period { month };
    damage(Invariant::Closed, period, |record: &mut PeriodRecord| record.lines = 2);
    damage(Invariant::Closed, period, |record: &mut PeriodRecord| record.digest = Default::default());
    damage(Invariant::Positions, period, |record: &mut PeriodRecord| record.provinces.truncate(1));
    let fund = move |_: &Stage| Key::Prepayment { province: jiangsu };
    damage(Invariant::Positions, fund, |record: &mut PrepaymentRecord| record.balance = fen(1));
    let usage = move |_: &Stage| Key::Usage { month, province: jiangsu };
    damage(Invariant::Positions, usage, |record: &mut UsageRecord| record.charged = Sum::ZERO);
    let tally = |stage: &Stage| {
        let mut rows = stage.state.rows();
        *rows.find(|(key, _)| key.table() == Table::Tally).expect("a tally").0
    };
    damage(Invariant::Statistics, tally, |record: &mut TallyRecord| record.count += 1);
    damage(Invariant::Statistics, tally, |record: &mut TallyRecord| record.paid = Sum::ZERO);
}

/// Every row but those that stand for themselves says something that other rows say, too.
#[test]
fn a_row_that_is_gone_is_found() {
    let whole = sound();
    let alone = [Table::Policy, Table::Calendar, Table::Tariff, Table::Day, Table::Province, Table::Ledger];
    for (key, _) in whole.state.rows().filter(|(key, _)| !alone.contains(&key.table())) {
        if let Key::Request { .. } | Key::Institution { .. } | Key::Area { .. } = key {
            continue; // forgotten by rule; or nobody has been there
        }
        let mut state = whole.state.clone();
        state.set(*key, None);
        assert!(!look(&state).is_clean(), "{key:?} is gone, and nobody misses it");
    }
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
