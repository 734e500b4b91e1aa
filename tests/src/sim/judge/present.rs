//! Acknowledged is present: after everything, each answered transaction stands in the state of every node, under its id,
//! with the outcome that was told.

use crate::sim::history::History;
use crate::sim::judge::Complaints;
use ledger::{Key, Outcome, Refusal, Row, View};

/// Judges a history by a state.
pub fn judge<V: View>(name: &str, history: &History, state: &V) -> Complaints {
    let mut complaints = Complaints::new();
    for (number, op) in history.ops.iter().enumerate() {
        // One answer is as good as all: that they agree is another judge's part.
        let Some((_, answer)) = op.answers().next() else { continue };
        let unremembered =
            [Refusal::RequestReused, Refusal::RequestExpired, Refusal::RequestTooEarly, Refusal::NotBegun];
        if matches!(answer.outcome, Outcome::Refused(refusal) if unremembered.contains(&refusal)) {
            continue;
        }
        // Before it there is no memory.
        if matches!(op.transaction.call, ledger::Call::Genesis { .. }) {
            continue;
        }
        let key = Key::Request { request: op.transaction.request, caller: op.transaction.caller };
        let row = match state.get(&key) {
            Ok(row) => row,
            Err(_) => return vec![format!("{name} cannot be read")],
        };
        match row.as_deref() {
            Some(Row::Request(held))
                if (held.position, &held.outcome) == (answer.position, &answer.outcome) => {}
            Some(_) => complaints
                .push(format!("{name} holds another outcome of op {number} than was told: {answer:?}")),
            None => {
                complaints.push(format!("{name} does not hold op {number}, which was answered {answer:?}"))
            }
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::history::Reply;
    use crate::sim::judge::{made, second};

    #[test]
    fn what_is_lost_or_different_is_seen() {
        let log = made::log(5);
        let mut history = made::history(&log);
        let (state, _) = second::replay(&log, |_, _| ());
        assert_eq!(judge("it", &history, &state), Complaints::new());
        let (shorter, _) = second::replay(&made::log(4), |_, _| ());
        assert_eq!(judge("it", &history, &shorter).len(), 1);
        history.ops[3].attempts[0].reply = Reply::Answer(made::refused(4, Refusal::AreaExists));
        assert_eq!(judge("it", &history, &state).len(), 1);
        history.ops[3].attempts[0].reply = Reply::Unknown;
        assert_eq!(judge("it", &history, &state), Complaints::new());
    }
}
