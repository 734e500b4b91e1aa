//! Watch streams are complete, in order and without gaps, whichever nodes told them.

use crate::sim::judge::Complaints;
use crate::sim::judge::second::Log;
use std::collections::BTreeMap;

/// What a watcher was told, of however many nodes one after the other.
#[derive(Clone, Debug, Default)]
pub struct Stream {
    /// Who watched.
    pub name: String,
    /// The first index that it asked for.
    pub from: u64,
    /// It was told everything before this index.
    pub next: u64,
    /// Index of each entry, how many decisions it told, and a hash of all of it.
    pub told: Vec<(u64, usize, [u8; 32])>,
}

/// Judges streams by the log.
pub fn judge(streams: &[Stream], log: &Log) -> Complaints {
    let mut complaints = Complaints::new();
    let mut hashes: BTreeMap<u64, [u8; 32]> = BTreeMap::new();
    for stream in streams {
        let name = &stream.name;
        let mut last = stream.from.saturating_sub(1);
        for (index, decisions, hash) in &stream.told {
            if *index <= last {
                complaints.push(format!("{name} was told entry {index} behind entry {last}"));
            }
            last = *index;
            let fresh =
                log.get(index).map(|record| record.answers.iter().filter(|answer| !answer.repeated).count());
            if fresh != Some(*decisions) {
                complaints.push(format!(
                    "{name} was told {decisions} decisions of entry {index}, the log has {fresh:?}"
                ));
            }
            if *hashes.entry(*index).or_insert(*hash) != *hash {
                complaints.push(format!("{name} was told another entry {index} than others"));
            }
        }
        let told: Vec<u64> = stream.told.iter().map(|(index, _, _)| *index).collect();
        let due = log.range(stream.from..stream.next.max(stream.from));
        let missing = due
            .filter(|(_, record)| record.answers.iter().any(|answer| !answer.repeated))
            .find(|(index, _)| told.binary_search(index).is_err());
        if let Some((index, _)) = missing {
            complaints.push(format!(
                "{name} was told everything from {} to {} but entry {index}",
                stream.from, stream.next
            ));
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::judge::made;

    fn stream() -> Stream {
        let told = (2..=5).map(|index| (index, 1, [index as u8; 32])).collect();
        Stream { name: "it".into(), from: 2, next: 6, told }
    }

    #[test]
    fn gaps_disorder_repetition_and_difference_are_seen() {
        let log = made::log(5);
        assert_eq!(judge(&[stream(), stream()], &log), Complaints::new());
        let bad = |change: &dyn Fn(&mut Stream)| {
            let mut bad = stream();
            change(&mut bad);
            judge(&[stream(), bad], &log)
        };
        assert!(
            !bad(&|it| {
                it.told.remove(1);
            })
            .is_empty(),
            "a gap"
        );
        assert!(
            !bad(&|it| {
                it.told.pop();
            })
            .is_empty(),
            "an end that is missing"
        );
        assert!(!bad(&|it| it.told.swap(0, 1)).is_empty(), "disorder");
        assert!(!bad(&|it| it.told.insert(1, it.told[1])).is_empty(), "a repetition");
        assert!(!bad(&|it| it.told[2].2 = [0; 32]).is_empty(), "another entry");
        assert!(!bad(&|it| it.told[2].1 = 2).is_empty(), "more decisions than there are");
        assert!(!bad(&|it| it.told.push((9, 1, [9; 32]))).is_empty(), "an entry that is not in the log");
    }
}
