//! The journal alone, through the crashes that once left it with a hole or an entry too many.

use super::*;
use crate::state::JournalEntry;
use crate::state::journal::{Journal, JournalPage};
use crate::state::trouble::Poison;

/// The journal of a state that stands there.
fn open(dir: &Path, applied: u64) -> Journal {
    Journal::open(dir, applied, &small(), Arc::new(Poison::default()), &mut Vec::new()).expect("open")
}

fn append(journal: &Journal, from: u64, to: u64) {
    for index in from..=to {
        let entry = JournalEntry { stamp: index, batch: &[7], answers: &[] };
        journal.append(index, Some(&entry)).expect("append");
    }
}

fn read(journal: &Journal, from: u64) -> JournalPage {
    journal.read(from, 1 << 20).expect("read")
}

fn indexes(page: &JournalPage) -> Vec<u64> {
    page.entries.iter().map(|entry| entry.index).collect()
}

#[test]
fn a_state_that_is_rebuilt_behind_its_journal_takes_nothing_back() {
    let root = folder();
    let journal = open(root.path(), 0);
    append(&journal, 1, 10);
    // A snapshot was installed.
    journal.gap(12).expect("gap");
    drop(journal);
    // The state has lost its checkpoint: it begins again, and makes one on the way.
    let journal = open(root.path(), 0);
    append(&journal, 1, 4);
    journal.sync(4).expect("sync");
    drop(journal);
    let journal = open(root.path(), 4);
    assert_eq!(journal.covered(), 12, "the mark went back");
    append(&journal, 5, 14);
    assert_eq!(indexes(&read(&journal, 1)), (1..=10).collect::<Vec<u64>>());
    let behind = read(&journal, 11);
    assert_eq!((behind.missing, indexes(&behind)), (Some((11, 12)), vec![13, 14]));
}

#[test]
fn a_journal_that_begins_late_names_what_it_lacks_after_a_crash_too() {
    let root = folder();
    let journal = open(root.path(), 20);
    append(&journal, 21, 21);
    // Written out, and no checkpoint.
    drop(journal);
    let journal = open(root.path(), 20);
    let page = read(&journal, 1);
    assert_eq!((page.missing, indexes(&page)), (Some((1, 20)), vec![21]));
}

#[test]
fn a_page_names_one_gap_and_ends_before_the_next() {
    let root = folder();
    let journal = open(root.path(), 5);
    append(&journal, 6, 8);
    journal.gap(12).expect("gap");
    append(&journal, 13, 15);
    let first = read(&journal, 1);
    assert_eq!((first.missing, indexes(&first), first.next), (Some((1, 5)), vec![6, 7, 8], 9));
    let plain = read(&journal, 7);
    assert_eq!((plain.missing, indexes(&plain), plain.next), (None, vec![7, 8], 9));
    let second = read(&journal, 9);
    assert_eq!((second.missing, indexes(&second), second.next), (Some((9, 12)), vec![13, 14, 15], 16));
}
