//! Exactly once: under one id and caller the log decides one transaction, one that somebody asked for, and everyone who
//! asks for it hears that decision.

use crate::sim::history::{History, Moment, Op, Reply};
use crate::sim::judge::Complaints;
use crate::sim::judge::second::{Log, transactions};
use ledger::decision::Original;
use ledger::{Answer, Call, Caller, Event, Outcome, Refusal, RequestId, Transaction};
use std::collections::BTreeMap;

type Identity = (RequestId, Caller);

/// What the log decided under an id, and where else it stands.
struct Decided {
    transaction: Transaction,
    answer: Answer,
}

/// A refusal that is not remembered: the id is free, or holds another body.
fn is_unremembered(answer: &Answer) -> bool {
    let unremembered = [Refusal::RequestReused, Refusal::RequestExpired, Refusal::RequestTooEarly];
    matches!(answer.outcome, Outcome::Refused(refusal) if unremembered.contains(&refusal))
}

/// The request that a reversal keeps out: it had not arrived. Its own answer stands where the reversal's does.
fn keeps_out(answer: &Answer) -> Option<RequestId> {
    let Outcome::Done(events) = &answer.outcome else { return None };
    events.iter().find_map(|event| match event {
        Event::Reversed { original, found: Original::NotArrived } => Some(*original),
        _ => None,
    })
}

/// When somebody had first been told of an entry, or of one behind it.
fn seen(history: &History, index: u64) -> Option<Moment> {
    let answers = history
        .ops
        .iter()
        .flat_map(Op::answers)
        .map(|(attempt, answer)| (answer.position.index, attempt.returned));
    let reads = history.reads.iter().map(|read| (read.index, read.returned));
    answers.chain(reads).filter(|(at, _)| *at >= index).map(|(_, returned)| returned).min()
}

/// Judges a history by the log.
pub fn judge(history: &History, log: &Log) -> Complaints {
    let mut complaints = Complaints::new();
    let mut decided: BTreeMap<Identity, Decided> = BTreeMap::new();
    let mut kept_out: BTreeMap<Identity, Answer> = BTreeMap::new();
    let mut passing: BTreeMap<(Identity, u64, u16), Answer> = BTreeMap::new();
    for record in log.values() {
        let Ok((_, asked)) = transactions(record) else {
            complaints.push(format!("entry {} does not decode", record.index));
            continue;
        };
        for (transaction, answer) in asked.into_iter().zip(&record.answers) {
            let identity = (transaction.request, transaction.caller);
            if is_unremembered(answer) {
                passing.insert((identity, answer.position.index, answer.position.place), answer.clone());
            } else if !answer.repeated {
                let (request, index) = (transaction.request, record.index);
                if let Some(original) = keeps_out(answer) {
                    let refused = Outcome::Refused(Refusal::ReversedBeforeArrival);
                    kept_out.insert(
                        (original, transaction.caller),
                        Answer { outcome: refused, ..answer.clone() },
                    );
                }
                if kept_out.contains_key(&identity) {
                    complaints.push(format!(
                        "{request:?} was reversed before it arrived, and is decided in entry {index}"
                    ));
                }
                let first = decided.insert(identity, Decided { transaction, answer: answer.clone() });
                if let Some(first) = first {
                    complaints.push(format!(
                        "{request:?} is decided twice: at {} and in entry {index}",
                        first.answer.position
                    ));
                }
            }
        }
    }
    let mut asked: BTreeMap<Identity, Vec<&Transaction>> = BTreeMap::new();
    for (number, op) in history.ops.iter().enumerate() {
        let identity = (op.transaction.request, op.transaction.caller);
        asked.entry(identity).or_default().push(&op.transaction);
        let first = decided.get(&identity);
        for (_, answer) in op.answers() {
            let told = if is_unremembered(answer) {
                passing.get(&(identity, answer.position.index, answer.position.place)).cloned()
            } else {
                let first =
                    first.filter(|first| first.transaction == op.transaction).map(|first| &first.answer);
                first.or(kept_out.get(&identity)).cloned()
            };
            match told {
                None => {
                    complaints.push(format!("op {number} was answered {answer:?}, the log has no such thing"))
                }
                Some(told) if (told.position, &told.outcome) != (answer.position, &answer.outcome) => {
                    complaints.push(format!("op {number} was answered {answer:?}, the log says {told:?}"));
                }
                Some(_) => {}
            }
        }
        // Until then every sending was called not done.
        let undone = op
            .attempts
            .iter()
            .filter(|attempt| attempt.reply != Reply::NotDone)
            .map(|attempt| attempt.invoked)
            .min();
        let called = op.attempts.iter().any(|attempt| attempt.reply == Reply::NotDone);
        let stands = first
            .filter(|first| called && first.transaction == op.transaction)
            .map(|first| first.answer.position);
        if let Some(position) = stands
            && undone.is_none_or(|undone| seen(history, position.index).is_some_and(|seen| seen < undone))
        {
            complaints.push(format!("op {number} was called not done, the log has it at {position}"));
        }
    }
    for (identity, first) in &decided {
        let own = identity.1 == Caller::Node && first.transaction.call == Call::Tick;
        let known = asked.get(identity).is_some_and(|asked| asked.contains(&&first.transaction));
        if !own && !known {
            complaints
                .push(format!("nobody asked for what stands at {}: {:?}", first.answer.position, identity.0));
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::judge::made;
    use ledger::Position;

    #[test]
    fn a_good_history_is_good() {
        let log = made::log(5);
        let mut history = made::history(&log);
        // Asked again: the first answer, marked as such.
        let mut again = history.ops[2].attempts[0].clone();
        if let Reply::Answer(answer) = &mut again.reply {
            answer.repeated = true;
        }
        history.ops[2].attempts.push(again);
        history.ops[3].attempts[0].reply = Reply::Unknown;
        assert_eq!(judge(&history, &log), Complaints::new());
    }

    #[test]
    fn decided_twice_is_seen() {
        let mut log = made::log(5);
        let mut twice = log[&3].clone();
        twice.index = 9;
        log.insert(9, twice);
        let history = made::history(&made::log(5));
        assert!(judge(&history, &log).iter().any(|complaint| complaint.contains("decided twice")));
    }

    #[test]
    fn another_answer_and_a_lost_one_are_seen() {
        let log = made::log(5);
        let mut history = made::history(&log);
        history.ops[2].attempts[0].reply = Reply::Answer(made::refused(3, Refusal::AreaExists));
        assert_eq!(judge(&history, &log).len(), 1);
        let mut log = made::log(5);
        log.remove(&5);
        assert_eq!(judge(&made::history(&made::log(5)), &log).len(), 1);
    }

    #[test]
    fn what_came_after_its_reversal_is_answered_there_and_decided_nowhere() {
        let mut log = made::log(5);
        let original = made::transaction(9).request;
        let reversed = Event::Reversed { original, found: Original::NotArrived };
        log.get_mut(&3).expect("an entry").answers[0].outcome = Outcome::Done(vec![reversed]);
        let mut history = made::history(&log);
        let kept_out = made::refused(3, Refusal::ReversedBeforeArrival);
        let attempts = vec![made::attempt(900, 950, Reply::Answer(kept_out))];
        let op =
            |attempts| crate::sim::history::Op { transaction: made::transaction(9), reused: false, attempts };
        history.ops.push(op(attempts));
        assert_eq!(judge(&history, &log), Complaints::new());
        let elsewhere = made::refused(4, Refusal::ReversedBeforeArrival);
        history.ops[5] = op(vec![made::attempt(900, 950, Reply::Answer(elsewhere))]);
        assert_eq!(judge(&history, &log).len(), 1);
        let mut arrived = made::log(10)[&10].clone();
        arrived.index = 6;
        log.insert(6, arrived);
        assert!(
            judge(&history, &log).iter().any(|complaint| complaint.contains("reversed before it arrived"))
        );
    }

    #[test]
    fn another_position_is_seen() {
        let log = made::log(5);
        let mut history = made::history(&log);
        if let Reply::Answer(answer) = &mut history.ops[4].attempts[0].reply {
            answer.position = Position { index: 4, place: 0 };
        }
        assert_eq!(judge(&history, &log).len(), 1);
    }

    #[test]
    fn what_nobody_asked_and_what_was_called_not_done_are_seen() {
        let log = made::log(5);
        let mut history = made::history(&log);
        history.ops.pop();
        assert_eq!(judge(&history, &log).len(), 1);
        let mut history = made::history(&log);
        history.ops[2].attempts[0].reply = Reply::NotDone;
        assert_eq!(judge(&history, &log).len(), 1);
        // Sent again, and answered then: the first sending had done it if the next entry was seen before.
        let mut again = made::history(&log).ops[2].attempts[0].clone();
        (again.invoked, again.returned) = (310, 360);
        history.ops[2].attempts.push(again.clone());
        assert_eq!(judge(&history, &log), Complaints::new());
        (again.invoked, again.returned) = (460, 510);
        history.ops[2].attempts[1] = again;
        assert_eq!(judge(&history, &log).len(), 1);
    }
}
