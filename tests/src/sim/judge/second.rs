//! A second ledger in memory replays the log that the nodes tell: every answer must be the same.

use crate::sim::judge::Complaints;
use ledger::{At, MapState, Stamp, Transaction};
use node::raft::Batch;
use node::state::JournalRecord;
use std::collections::BTreeMap;

/// What was decided, by index, as the nodes' journals tell it.
pub type Log = BTreeMap<u64, JournalRecord>;

/// The transactions of an entry.
///
/// # Errors
/// They do not decode.
pub fn transactions(record: &JournalRecord) -> Result<(Stamp, Vec<Transaction>), String> {
    let batch = Batch::from_bytes(record.batch.clone().into());
    batch.content().cloned().map_err(|problem| format!("entry {} does not decode: {problem}", record.index))
}

/// Replays a log. `see` is shown the state after each entry.
pub fn replay(log: &Log, mut see: impl FnMut(u64, &MapState)) -> (MapState, Complaints) {
    let mut state = MapState::new();
    let mut complaints = Complaints::new();
    let mut time = 0;
    for record in log.values() {
        if record.stamp < time {
            complaints.push(format!(
                "ledger time goes back in entry {}, from {time} to {}",
                record.index, record.stamp
            ));
        }
        time = record.stamp;
        let (stamp, transactions) = match transactions(record) {
            Ok(content) => content,
            Err(problem) => {
                complaints.push(problem);
                break;
            }
        };
        let again = state.apply(At { index: record.index, stamp }, &transactions);
        if again != record.answers {
            let first = again.iter().zip(&record.answers).find(|(again, told)| again != told);
            complaints.push(format!("entry {}: a second ledger answers {:?}", record.index, first));
        }
        see(record.index, &state);
    }
    (state, complaints)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::judge::made;
    use ledger::Refusal;

    #[test]
    fn a_good_log_is_good() {
        let log = made::log(5);
        let mut seen = Vec::new();
        assert_eq!(replay(&log, |index, _| seen.push(index)).1, Complaints::new());
        assert_eq!(seen, [1, 2, 3, 4, 5]);
    }

    #[test]
    fn another_answer_an_entry_out_of_place_and_damage_are_seen() {
        let mut log = made::log(5);
        log.get_mut(&3).expect("there").answers = vec![made::refused(3, Refusal::AreaExists)];
        assert_eq!(replay(&log, |_, _| ()).1.len(), 1);
        let mut log = made::log(5);
        let moved = log.remove(&1).expect("there");
        log.insert(9, moved);
        assert!(!replay(&log, |_, _| ()).1.is_empty());
        let mut log = made::log(5);
        log.get_mut(&2).expect("there").batch.truncate(9);
        assert!(replay(&log, |_, _| ()).1[0].contains("entry 2"));
        let mut log = made::log(5);
        log.get_mut(&4).expect("there").stamp = 1;
        assert_eq!(replay(&log, |_, _| ()).1.len(), 1);
    }
}
