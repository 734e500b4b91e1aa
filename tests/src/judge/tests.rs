//! Bad histories, made by hand: each judge must see what is wrong with its own, and nothing wrong with a good one.

use super::*;
use crate::history::Attempt;
use client::v1::{self, Event, Settled};
use client::{Error, Receipt, Refused};
use std::time::SystemTime;

fn caller() -> Caller {
    Caller::institution("H41010000001")
}

fn id(number: u32) -> RequestId {
    format!("01890000-0000-7000-8000-{number:012}").parse().expect("a request id")
}

pub(super) fn done(number: u32, index: u64, place: u32) -> Outcome {
    let settled = Settled { payment: format!("{index}-{place}"), ..Settled::default() };
    let events = vec![Event { kind: Some(Kind::Settled(settled)) }];
    Outcome::Done(Receipt { request_id: id(number), index, place, repeated: false, events })
}

fn refused(number: u32, reason: Reason, index: u64, place: u32) -> Outcome {
    let request_id = id(number);
    Outcome::Refused(Refused { request_id, reason, number: reason as i32, index, place, repeated: false })
}

fn repeated(mut outcome: Outcome) -> Outcome {
    match &mut outcome {
        Outcome::Done(receipt) => receipt.repeated = true,
        Outcome::Refused(refused) => refused.repeated = true,
        Outcome::Unknown(_) => {}
    }
    outcome
}

pub(super) fn op(number: u32, expect: Expect, attempts: Vec<(u64, u64, Result<Outcome, Error>)>) -> Op {
    let attempt = |(invoked, returned, reply)| Attempt {
        invoked: Duration::from_millis(invoked),
        returned: Duration::from_millis(returned),
        reply,
    };
    let transaction = v1::Transaction { request_id: id(number).to_string(), ..v1::Transaction::default() };
    let attempts = attempts.into_iter().map(attempt).collect();
    Op { caller: caller(), request: id(number), transaction, expect, attempts }
}

fn entry(index: u64, outcomes: Vec<Outcome>) -> Entry {
    let decisions = outcomes
        .into_iter()
        .map(|outcome| Decision { caller: caller(), outcome, transaction: None })
        .collect();
    Entry { index, time: SystemTime::UNIX_EPOCH, decisions }
}

fn not_sent() -> Result<Outcome, Error> {
    Err(Error::NotSent { cause: "refused".into() })
}

/// Three done, one refused, one resent and remembered, one never sent, one id reused.
fn good() -> (Vec<Op>, Vec<Entry>) {
    let ops = vec![
        op(1, Expect::Done, vec![(0, 10, Ok(done(1, 5, 0)))]),
        op(
            2,
            Expect::Done,
            vec![(0, 12, Ok(Outcome::Unknown(id(2)))), (15, 20, Ok(repeated(done(2, 5, 1))))],
        ),
        op(
            3,
            Expect::Refused(&[Reason::AmountZero]),
            vec![(11, 20, Ok(refused(3, Reason::AmountZero, 7, 0)))],
        ),
        op(4, Expect::Done, vec![(11, 20, not_sent())]),
        op(1, Expect::Reused, vec![(30, 40, Ok(refused(1, Reason::RequestReused, 9, 0)))]),
    ];
    let entries = vec![
        entry(5, vec![done(1, 5, 0), done(2, 5, 1)]),
        entry(7, vec![refused(3, Reason::AmountZero, 7, 0)]),
        entry(9, vec![refused(1, Reason::RequestReused, 9, 0)]),
    ];
    (ops, entries)
}

fn status(node: u64, index: u64, digest: &str) -> NodeStatus {
    NodeStatus { node, digest_index: index, digest: digest.into(), ..NodeStatus::default() }
}

#[track_caller]
fn complains(complaints: Complaints, about: &str) {
    assert!(complaints.iter().any(|complaint| complaint.contains(about)), "no {about:?} in {complaints:?}");
}

#[test]
fn a_good_history_has_no_complaints() {
    let (ops, entries) = good();
    assert_eq!(stream_in_order("a", &entries), Complaints::new());
    assert_eq!(streams_equal(("a", &entries), ("b", &entries), 0), Complaints::new());
    assert_eq!(acknowledged_once(&ops, &entries), Complaints::new());
    assert_eq!(nothing_from_nowhere(&ops, &entries), Complaints::new());
    assert_eq!(answers_agree(&ops), Complaints::new());
    assert_eq!(all_known(&ops), Complaints::new());
    assert_eq!(real_time(&ops), Complaints::new());
    assert_eq!(as_expected(&ops), Complaints::new());
    assert_eq!(digests_equal(&[status(1, 9, "aa"), status(2, 9, "aa")]), Complaints::new());
    assert_eq!(not_vacuous(&entries, 0, 4, &["Settled", "Refused"]), Complaints::new());
    demand(&Complaints::new());
}

#[test]
fn an_acknowledged_transaction_that_is_lost_is_seen() {
    let (ops, mut entries) = good();
    entries[0].decisions.remove(1);
    complains(acknowledged_once(&ops, &entries), "is lost");
}

#[test]
fn a_transaction_done_twice_is_seen() {
    let (ops, mut entries) = good();
    entries.push(entry(11, vec![done(2, 11, 0)]));
    complains(acknowledged_once(&ops, &entries), "2 times");
}

#[test]
fn another_outcome_than_the_acknowledged_one_is_seen() {
    let (ops, mut entries) = good();
    entries[1].decisions[0].outcome = done(3, 7, 0);
    complains(acknowledged_once(&ops, &entries), "was acknowledged as");
    let (ops, mut entries) = good();
    entries[0] = entry(6, vec![done(1, 6, 0), done(2, 6, 1)]);
    complains(acknowledged_once(&ops, &entries), "was acknowledged as");
}

#[test]
fn what_was_called_not_done_and_is_there_is_seen() {
    let (ops, mut entries) = good();
    entries.push(entry(11, vec![done(4, 11, 0)]));
    complains(acknowledged_once(&ops, &entries), "called not done");
}

#[test]
fn a_lost_refusal_of_a_reused_id_is_seen() {
    let (ops, mut entries) = good();
    entries.pop();
    complains(acknowledged_once(&ops, &entries), "is lost");
}

#[test]
fn a_transaction_that_nobody_sent_is_seen() {
    let (ops, mut entries) = good();
    entries.push(entry(11, vec![done(77, 11, 0)]));
    complains(nothing_from_nowhere(&ops, &entries), "nobody asked");
    let foreign = Decision { caller: Caller::National, outcome: done(1, 12, 0), transaction: None };
    entries[3].decisions[0] = foreign;
    complains(nothing_from_nowhere(&ops, &entries), "nobody asked");
}

#[test]
fn entries_out_of_order_or_twice_are_seen() {
    let (_, mut entries) = good();
    entries.swap(0, 1);
    complains(stream_in_order("a", &entries), "comes after");
    let (_, mut entries) = good();
    entries[0].time += Duration::from_millis(1);
    complains(stream_in_order("a", &entries), "backwards");
    let (_, mut entries) = good();
    entries.insert(1, entries[0].clone());
    complains(stream_in_order("a", &entries), "comes after");
}

#[test]
fn a_decision_at_a_wrong_place_or_told_again_is_seen() {
    let (_, mut entries) = good();
    entries[0].decisions.swap(0, 1);
    complains(stream_in_order("a", &entries), "says Some((5, 0))");
    let (_, mut entries) = good();
    entries.push(entry(11, vec![repeated(done(1, 5, 0))]));
    complains(stream_in_order("a", &entries), "told again");
}

#[test]
fn a_gap_in_one_nodes_stream_is_seen() {
    let (_, entries) = good();
    let mut gap = entries.clone();
    gap.remove(1);
    complains(streams_equal(("a", &entries), ("b", &gap), 0), "tells");
    let mut short = entries.clone();
    short.pop();
    complains(streams_equal(("a", &entries), ("b", &short), 0), "of 2 up to 7");
    assert_eq!(streams_equal(("a", &entries), ("b", &entries[1..]), 6), Complaints::new());
}

#[test]
fn different_answers_to_one_transaction_are_seen() {
    let (mut ops, _) = good();
    let late = op(1, Expect::Done, vec![(50, 60, Ok(repeated(done(1, 6, 0))))]);
    ops[0].attempts.extend(late.attempts);
    complains(answers_agree(&ops), "was answered");
}

#[test]
fn an_outcome_that_stays_unknown_is_seen() {
    let (mut ops, _) = good();
    ops[1].attempts.pop();
    complains(all_known(&ops), "still unknown");
}

#[test]
fn an_order_against_real_time_is_seen() {
    // The first was answered at 10; the second was asked at 15 and stands before it.
    let ops = vec![
        op(1, Expect::Done, vec![(0, 10, Ok(done(1, 8, 0)))]),
        op(2, Expect::Done, vec![(15, 20, Ok(done(2, 7, 0)))]),
    ];
    complains(real_time(&ops), "was answered at");
    // While they overlap, any order is right.
    let ops = vec![
        op(1, Expect::Done, vec![(0, 16, Ok(done(1, 8, 0)))]),
        op(2, Expect::Done, vec![(15, 20, Ok(done(2, 7, 0)))]),
    ];
    assert_eq!(real_time(&ops), Complaints::new());
}

#[test]
fn an_answer_of_an_unexpected_kind_is_seen() {
    let zero: &[Reason] = &[Reason::AmountZero];
    let bad = [
        (Expect::Done, Ok(refused(1, Reason::AmountZero, 7, 0))),
        (Expect::Refused(zero), Ok(done(1, 7, 0))),
        (Expect::Refused(zero), Ok(refused(1, Reason::NotPermitted, 7, 0))),
        (Expect::Either(zero), Ok(refused(1, Reason::NotPermitted, 7, 0))),
        (Expect::Reused, Ok(done(1, 7, 0))),
    ];
    for (expect, reply) in bad {
        complains(as_expected(&[op(1, expect, vec![(0, 1, reply)])]), "expected");
    }
    let malformed = Err(Error::Malformed { field: "settle.amount".into(), problem: "is negative".into() });
    complains(as_expected(&[op(1, Expect::Done, vec![(0, 1, malformed)])]), "turned away");
}

#[test]
fn states_that_differ_are_seen() {
    complains(digests_equal(&[status(1, 9, "aa"), status(2, 9, "bb")]), "holds bb");
    complains(digests_equal(&[status(1, 9, "aa"), status(2, 8, "aa")]), "different indexes");
    complains(digests_equal(&[status(1, 9, "aa"), status(2, 0, "")]), "no digest");
}

#[test]
fn a_load_that_did_nothing_is_seen() {
    let (_, entries) = good();
    assert_eq!(not_vacuous(&entries, 0, 4, &["Settled", "Refused"]), Complaints::new());
    complains(not_vacuous(&entries, 0, 100, &[]), "only 4");
    complains(not_vacuous(&entries, 0, 1, &["Refunded"]), "never happened");
}

#[test]
fn what_was_decided_before_a_load_or_by_nodes_is_no_load() {
    let (_, mut entries) = good();
    // The two that were done stand in entry 5: whoever begins behind it has seen nothing settled.
    assert_eq!(not_vacuous(&entries, 5, 2, &["Refused"]), Complaints::new());
    complains(not_vacuous(&entries, 5, 3, &[]), "only 2");
    complains(not_vacuous(&entries, 5, 2, &["Settled"]), "Settled never happened");
    entries.push(entry(11, vec![done(8, 11, 0)]));
    assert_eq!(not_vacuous(&entries, 5, 3, &["Settled"]), Complaints::new());
    entries[3].decisions[0].caller = Caller::Node;
    complains(not_vacuous(&entries, 5, 3, &[]), "only 2");
    complains(not_vacuous(&entries, 5, 2, &["Settled"]), "Settled never happened");
}

#[test]
#[should_panic(expected = "1 complaints")]
fn complaints_end_a_test() {
    demand(&vec!["something".into()]);
}
