//! Client history is linearizable: the order of the log is an order of real time, and each read shows what the log has made
//! of its record up to the index at which it was made.
//!
//! A transaction takes effect at its position in the log, a read at the index that its node had applied. Going up that
//! order, nothing may have been answered before something that stands before it was asked. Which records change at which
//! position the second ledger tells. Timeouts are unknown: they constrain nothing until the log shows them.

use crate::sim::history::{History, Moment};
use crate::sim::judge::Complaints;
use ledger::codec::{encode, encode_row};
use ledger::{MapState, Outcome, Refusal, View};
use std::collections::BTreeMap;

/// Where something took effect: a read comes behind the entry that it shows.
type Place = (u64, u32);

/// The order of the log is the order of real time.
pub fn real_time(history: &History) -> Complaints {
    let mut effects: Vec<(Place, Moment, Moment, String)> = Vec::new();
    // An id that is used again with the same body is the same request: it took effect for whoever asked first.
    let mut first: BTreeMap<Vec<u8>, Moment> = BTreeMap::new();
    for op in &history.ops {
        for asked in op.attempts.iter().map(|attempt| attempt.invoked) {
            let known = first.entry(encode(&op.transaction)).or_insert(asked);
            *known = asked.min(*known);
        }
    }
    for (number, op) in history.ops.iter().enumerate() {
        // A refusal that is not remembered stands where that sending was decided.
        let answered =
            op.answers().map(|(attempt, answer)| (answer.position, attempt.returned, attempt.invoked));
        let mut by_position: BTreeMap<Place, (Moment, Moment)> = BTreeMap::new();
        for (position, returned, invoked) in answered {
            let place = (position.index, u32::from(position.place));
            let found = by_position.entry(place).or_insert((returned, invoked));
            *found = (found.0.min(returned), found.1.min(invoked));
        }
        let alone = by_position.len() == 1;
        let reversed = Outcome::Refused(Refusal::ReversedBeforeArrival);
        let kept_out = op.answers().any(|(_, answer)| answer.outcome == reversed);
        for (place, (returned, invoked)) in by_position {
            // Decided once: by its first sending, perhaps. One that was reversed before it arrived stands where its
            // reversal does, and constrains nothing behind that.
            let invoked = match alone {
                _ if kept_out => 0,
                true => first.get(&encode(&op.transaction)).copied().unwrap_or(invoked),
                false => invoked,
            };
            effects.push((place, invoked, returned, format!("op {number}")));
        }
    }
    for (number, read) in history.reads.iter().enumerate() {
        effects.push(((read.index, u32::MAX), read.invoked, read.returned, format!("read {number}")));
    }
    effects.sort();
    let mut complaints = Complaints::new();
    let mut latest: Option<(Moment, String)> = None;
    let mut at = 0;
    while at < effects.len() {
        // Reads at one index are at one place.
        let together = effects[at..].iter().take_while(|effect| effect.0 == effects[at].0).count();
        let group = &effects[at..at + together];
        for (place, _, returned, who) in group {
            if let Some((asked, earlier)) = latest.as_ref().filter(|(asked, _)| returned < asked) {
                complaints.push(format!(
                    "{who} at {place:?} was answered at {returned}, before {earlier}, which stands before it, was asked at {asked}"
                ));
            }
        }
        for (_, invoked, _, who) in group {
            if latest.as_ref().is_none_or(|(asked, _)| invoked > asked) {
                latest = Some((*invoked, who.clone()));
            }
        }
        at += together;
    }
    complaints
}

/// Compares reads with what a second ledger holds at their index.
pub struct Reads<'a> {
    history: &'a History,
    /// By index, in order.
    order: Vec<usize>,
    next: usize,
    /// What is wrong so far.
    pub complaints: Complaints,
}

impl<'a> Reads<'a> {
    /// The reads of a history.
    pub fn of(history: &'a History) -> Reads<'a> {
        let mut order: Vec<usize> = (0..history.reads.len()).collect();
        order.sort_by_key(|read| history.reads[*read].index);
        Reads { history, order, next: 0, complaints: Complaints::new() }
    }

    /// The state as it is until the entry at this index: every read before it must show this.
    pub fn before(&mut self, index: u64, state: &MapState) {
        while let Some(read) = self.order.get(self.next).map(|read| &self.history.reads[*read]) {
            if read.index >= index {
                return;
            }
            let Ok(row) = state.get(&read.key);
            let held = row.map(|row| encode_row(&row));
            if held != read.value {
                self.complaints.push(format!(
                    "read {} of {:?} by node {} at index {} does not show what the log has made of it",
                    self.order[self.next], read.key, read.node, read.index
                ));
            }
            self.next += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::history::{Read, Reply};
    use crate::sim::judge::{made, second};
    use ledger::Key;

    fn read(index: u64, invoked: Moment, value: Option<Vec<u8>>) -> Read {
        let area = ledger::Area::new(110_002).expect("a code");
        Read { node: 1, key: Key::Area { area }, invoked, returned: invoked + 10, index, value }
    }

    fn judge(history: &History) -> Complaints {
        let mut reads = Reads::of(history);
        let mut states = Vec::new();
        second::replay(&made::log(5), |index, state| states.push((index, state.clone())));
        let mut before = MapState::new();
        for (index, state) in states {
            reads.before(index, &before);
            before = state;
        }
        reads.before(u64::MAX, &before);
        reads.complaints
    }

    #[test]
    fn a_good_history_is_good() {
        let mut history = made::history(&made::log(5));
        let (state, _) = second::replay(&made::log(5), |_, _| ());
        let area = ledger::Area::new(110_002).expect("a code");
        let Ok(row) = state.get(&Key::Area { area });
        let there = row.map(|row| encode_row(&row));
        assert!(there.is_some());
        history.reads = vec![read(2, 250, None), read(3, 360, there.clone()), read(5, 600, there)];
        assert_eq!(real_time(&history), Complaints::new());
        assert_eq!(judge(&history), Complaints::new());
    }

    #[test]
    fn a_stale_read_is_seen() {
        let mut history = made::history(&made::log(5));
        // Entry 3 was answered at 350; this one was asked later and shows entry 2.
        history.reads = vec![read(2, 400, None)];
        assert_eq!(real_time(&history).len(), 1);
    }

    #[test]
    fn a_read_from_the_future_is_seen() {
        let mut history = made::history(&made::log(5));
        history.reads = vec![read(4, 310, None)];
        assert!(!real_time(&history).is_empty());
    }

    #[test]
    fn two_reads_in_the_wrong_order_are_seen() {
        let history = History { reads: vec![read(5, 100, None), read(4, 200, None)], ..History::default() };
        assert_eq!(real_time(&history).len(), 1);
    }

    #[test]
    fn what_came_after_its_reversal_may_come_late() {
        let mut history = made::history(&made::log(5));
        // It stands at entry 2, where the reversal does, and was asked when all the others were answered.
        let late = |refusal| vec![made::attempt(900, 950, Reply::Answer(made::refused(2, refusal)))];
        history.ops[1].attempts = late(Refusal::ReversedBeforeArrival);
        assert_eq!(real_time(&history), Complaints::new());
        history.ops[1].attempts = late(Refusal::AreaExists);
        assert!(!real_time(&history).is_empty());
    }

    #[test]
    fn an_id_that_is_used_again_with_its_body_is_one_request() {
        let log = made::log(5);
        let mut history = made::history(&log);
        let (mut again, mut other) = (history.ops[1].clone(), history.ops[1].clone());
        // Long after those behind it were answered.
        again.attempts = vec![made::attempt(5_000, 5_050, Reply::Answer(log[&2].answers[0].clone()))];
        other.attempts = again.attempts.clone();
        history.ops.push(again);
        assert!(real_time(&history).is_empty());
        // With another body it is another request, and what it was told is not its own.
        other.transaction = made::transaction(9);
        history.ops.push(other);
        assert!(!real_time(&history).is_empty());
    }

    #[test]
    fn writes_in_the_wrong_order_are_seen() {
        let mut history = made::history(&made::log(5));
        let (first, second) = (history.ops[1].attempts.clone(), history.ops[3].attempts.clone());
        history.ops[1].attempts[0].reply = second[0].reply.clone();
        history.ops[3].attempts[0].reply = first[0].reply.clone();
        assert!(!real_time(&history).is_empty());
    }

    #[test]
    fn a_value_that_never_was_is_seen() {
        let mut history = made::history(&made::log(5));
        history.reads = vec![read(4, 460, Some(vec![1, 2, 3]))];
        assert_eq!(judge(&history).len(), 1);
        history.reads = vec![read(4, 460, None)];
        assert_eq!(judge(&history).len(), 1);
    }
}
