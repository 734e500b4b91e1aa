//! Each node's journal, read from its beginning in small pages, tells all that was decided, but for what it names as missing.

use crate::sim::judge::Complaints;
use crate::sim::judge::second::Log;
use node::state::JournalPage;

/// Judges a journal by the log. `read` gives a page from an index on; none where the node finds it damaged.
pub fn judge(name: &str, log: &Log, mut read: impl FnMut(u64) -> Option<JournalPage>) -> Complaints {
    let mut next = 1;
    while let Some(page) = read(next) {
        let missing = page.missing.map_or(0, |(_, to)| to);
        let due = log.range(next.max(missing + 1)..page.next.max(next));
        let due: Vec<u64> = due.map(|(index, _)| *index).collect();
        let told: Vec<u64> = page.entries.iter().map(|record| record.index).collect();
        if due != told {
            return vec![format!(
                "{name} tells entries {told:?} from {next} to before {}, the log has {due:?}",
                page.next
            )];
        }
        if let Some(other) = page.entries.iter().find(|record| log.get(&record.index) != Some(*record)) {
            return vec![format!("{name} tells another entry {} than others did", other.index)];
        }
        if page.next <= next || page.next > page.covered {
            break;
        }
        next = page.next;
    }
    Complaints::new()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::judge::made;

    /// Pages of two indexes each.
    fn page(log: &Log, from: u64, missing: u64) -> JournalPage {
        let start = from.max(missing + 1);
        let next = (start + 2).min(6);
        let entries = log.range(start..next).map(|(_, record)| record.clone()).collect();
        JournalPage { entries, missing: (missing >= from).then_some((from, missing)), next, covered: 5 }
    }

    #[test]
    fn entries_left_out_told_twice_and_others_are_seen() {
        let log = made::log(5);
        let told = |change: &dyn Fn(&mut JournalPage)| {
            judge("it", &log, |from| {
                let mut page = page(&log, from, 0);
                change(&mut page);
                Some(page)
            })
        };
        assert_eq!(told(&|_| ()), Complaints::new());
        assert_eq!(judge("it", &log, |from| Some(page(&log, from, 3))), Complaints::new());
        assert_eq!(told(&|page| drop(page.entries.pop())).len(), 1);
        assert_eq!(told(&|page| page.next += 1).len(), 1);
        assert_eq!(told(&|page| page.entries.insert(0, page.entries[0].clone())).len(), 1);
        assert_eq!(told(&|page| page.entries[0].stamp += 1).len(), 1);
    }
}
