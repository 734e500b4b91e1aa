//! Each node's journal, read from its beginning in small pages, tells all that was decided up to what the node has applied, but
//! for what it names as missing; and that it names only where a snapshot or a damaged file took its place.

use crate::sim::judge::Complaints;
use crate::sim::judge::second::Log;
use node::fault::Fault;
use node::state::JournalPage;
use std::collections::BTreeSet;

/// What a node's journal may lack, and why.
pub struct Excuse<'a> {
    /// Whether the node was sent a snapshot at this index: what is missing may end there.
    pub was_sent: &'a dyn Fn(u64) -> bool,
    /// What lies up to here was moved aside with a damaged file; 0: nothing.
    pub aside: u64,
    /// A bit of the journal was flipped, and may be so still.
    pub damaged: bool,
    /// What it has told since it started.
    pub told: BTreeSet<u64>,
}

/// Judges a journal by the log and by what its node has applied. `read` gives a page from an index on.
pub fn judge(
    name: &str,
    log: &Log,
    applied: u64,
    excuse: &Excuse<'_>,
    mut read: impl FnMut(u64) -> Result<JournalPage, Fault>,
) -> Complaints {
    let mut next = 1;
    loop {
        let page = match read(next) {
            Ok(page) => page,
            // It says so: that is all that it can do.
            Err(Fault::Corrupt { place, .. }) if excuse.damaged && place.contains("journal") => {
                return Complaints::new();
            }
            Err(fault) => return vec![format!("{name} does not tell its journal from {next} on: {fault}")],
        };
        if let Some(problem) = missing(next, &page, excuse) {
            return vec![format!("{name} {problem}")];
        }
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
        if page.next > page.covered {
            let short = page.covered < applied;
            let said = format!("{name} tells entries up to {}, and has applied {applied}", page.covered);
            return short.then_some(said).into_iter().collect();
        }
        if page.next <= next {
            return vec![format!("{name} tells nothing from {next} on, and covers up to {}", page.covered)];
        }
        next = page.next;
    }
}

/// What is wrong with what a page from an index on names as missing.
fn missing(asked: u64, page: &JournalPage, excuse: &Excuse<'_>) -> Option<String> {
    let (from, to) = page.missing?;
    let what = format!("names {from} to {to} as missing");
    if from != asked || to < from || to > page.covered {
        return Some(format!("{what}, asked from {asked} on, and covers up to {}", page.covered));
    }
    if let Some(index) = excuse.told.range(from..=to).next() {
        return Some(format!("{what}, and told {index} before"));
    }
    let explained = to <= excuse.aside || (excuse.was_sent)(to);
    (!explained).then(|| format!("{what}, and was sent no snapshot that ends there"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::judge::made;
    use std::io;
    use std::path::Path;

    /// Nothing may be missing.
    fn nothing() -> Excuse<'static> {
        Excuse { was_sent: &|_| false, aside: 0, damaged: false, told: BTreeSet::new() }
    }

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
            judge("it", &log, 5, &nothing(), |from| {
                let mut page = page(&log, from, 0);
                change(&mut page);
                Ok(page)
            })
        };
        assert_eq!(told(&|_| ()), Complaints::new());
        assert_eq!(told(&|page| drop(page.entries.pop())).len(), 1);
        assert_eq!(told(&|page| page.next += 1).len(), 1);
        assert_eq!(told(&|page| page.entries.insert(0, page.entries[0].clone())).len(), 1);
        assert_eq!(told(&|page| page.entries[0].stamp += 1).len(), 1);
    }

    #[test]
    fn a_journal_that_ends_early_or_goes_nowhere_is_seen() {
        let log = made::log(5);
        let ends_at = |covered: u64, applied: u64| {
            judge("it", &log, applied, &nothing(), |from| {
                let mut page = page(&log, from, 0);
                page.entries.retain(|record| record.index <= covered);
                (page.next, page.covered) = (page.next.min(covered + 1).max(from), covered);
                Ok(page)
            })
        };
        assert_eq!(ends_at(5, 5), Complaints::new());
        assert_eq!(ends_at(4, 5).len(), 1);
        assert_eq!(ends_at(0, 5).len(), 1);
        let stuck = |from| Ok(JournalPage { next: from, covered: 5, ..JournalPage::default() });
        assert_eq!(judge("it", &log, 5, &nothing(), stuck).len(), 1);
    }

    #[test]
    fn a_gap_is_explained_by_a_snapshot_or_by_a_journal_that_was_moved_aside() {
        let log = made::log(5);
        let gap_to_3 = |excuse: &Excuse<'_>| judge("it", &log, 5, excuse, |from| Ok(page(&log, from, 3)));
        assert_eq!(gap_to_3(&nothing()).len(), 1);
        assert_eq!(gap_to_3(&Excuse { was_sent: &|index| index == 3, ..nothing() }), Complaints::new());
        assert_eq!(gap_to_3(&Excuse { was_sent: &|index| index == 4, ..nothing() }).len(), 1);
        assert_eq!(gap_to_3(&Excuse { aside: 3, ..nothing() }), Complaints::new());
        assert_eq!(gap_to_3(&Excuse { aside: 2, ..nothing() }).len(), 1);
        // A bit that was flipped explains an error, not a gap.
        assert_eq!(gap_to_3(&Excuse { damaged: true, ..nothing() }).len(), 1);
        // What it has told since it started cannot be missing.
        let told = |index| Excuse { aside: 3, told: BTreeSet::from([index]), ..nothing() };
        assert_eq!((gap_to_3(&told(3)).len(), gap_to_3(&told(4)).len()), (1, 0));
        // Nor what nobody asked for, or what is not yet decided.
        for missing in [(2, 3), (1, 6), (1, 0)] {
            let named = |from| Ok(JournalPage { missing: Some(missing), ..page(&log, from, 3) });
            let excuse = Excuse { aside: 9, ..nothing() };
            assert_eq!(judge("it", &log, 5, &excuse, named).len(), 1, "{missing:?}");
        }
    }

    #[test]
    fn an_error_is_seen_unless_it_tells_of_a_flipped_bit() {
        let log = made::log(5);
        let corrupt = || Fault::Corrupt {
            place: "/journal/1.seg at byte 9".into(),
            what: "a record's checksum does not match".into(),
            hint: "mv it".into(),
        };
        let ends = |damaged: bool, fault: &dyn Fn() -> Fault| {
            judge("it", &log, 5, &Excuse { damaged, ..nothing() }, |from| match from {
                3 => Err(fault()),
                _ => Ok(page(&log, from, 0)),
            })
        };
        assert_eq!(ends(false, &corrupt).len(), 1);
        assert_eq!(ends(true, &corrupt), Complaints::new());
        let io =
            || Fault::io("read journal", Path::new("/journal/1.seg"), io::ErrorKind::UnexpectedEof.into());
        assert_eq!(ends(true, &io).len(), 1);
    }
}
