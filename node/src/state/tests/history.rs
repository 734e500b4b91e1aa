//! The journal by itself: order, gaps, pruning, torn ends.

use super::*;

const SHAPE: Shape = Shape { entries: 300, persons: 20, changes: 2 };

#[test]
fn pages_of_any_size_tell_the_same_history() {
    let log = TestLog::random(41, SHAPE);
    let root = folder();
    let state = State::open(root.path(), small()).expect("open");
    log.replay(&state, 300).expect("absorb");
    assert!(files::list(&root.path().join("journal")).expect("journal").len() > 4, "several segments");
    let expected: Vec<JournalRecord> = log.entries.iter().filter_map(TestEntry::record).collect();
    for most in [1, 3_000, 1 << 30] {
        for from in [0, 1, 2, 77, 299, 300, 301] {
            let (mut next, mut told) = (from, Vec::new());
            while next <= 300 {
                let page = state.journal_read(next, most).expect("journal");
                assert!(page.missing.is_none() && page.covered == 300 && page.next > next);
                told.extend(page.entries);
                next = page.next;
            }
            let wanted: Vec<JournalRecord> =
                expected.iter().filter(|entry| entry.index >= from).cloned().collect();
            assert!(told == wanted, "from {from}, at most {most}: {} of {}", told.len(), wanted.len());
        }
    }
}

#[test]
fn what_is_not_kept_is_named() {
    let log = TestLog::random(42, SHAPE);
    let root = folder();
    let settings = || StateSettings { journal_keep_bytes: Some(60_000), ..small() };
    let state = State::open(root.path(), settings()).expect("open");
    for upto in [100, 200, 300] {
        log.replay(&state, upto).expect("absorb");
        state.checkpoint().expect("checkpoint");
    }
    assert!(state.sizes().journal_bytes < 150_000, "{}", state.sizes().journal_bytes);
    let page = state.journal_read(1, 1).expect("journal");
    let (from, to) = page.missing.expect("pruned");
    assert!(from == 1 && to > 20 && to < 290, "{to}");
    assert!(page.entries.first().is_some_and(|entry| entry.index > to));
    state.close();
    let next = folder();
    copy_dir(root.path(), next.path());
    let again = State::open(next.path(), settings()).expect("open");
    assert_eq!(again.journal_read(1, 1).expect("journal"), page);
    // A segment that should be there.
    let journal = next.path().join("journal");
    drop(again);
    for (name, path) in
        files::list(&journal).expect("journal").into_iter().filter(|(name, _)| name.ends_with(".seg"))
    {
        let hurt = folder();
        copy_dir(root.path(), hurt.path());
        std::fs::remove_file(hurt.path().join("journal").join(&name)).expect("removed");
        let fault =
            State::open(hurt.path(), settings()).err().unwrap_or_else(|| panic!("{name} is not missed"));
        assert!(fault.to_string().contains(".seg"), "{fault} {path:?}");
    }
}

#[test]
fn a_journal_torn_at_any_byte_is_cut_behind_the_mark_and_refused_before_it() {
    let log = TestLog::random(43, Shape { entries: 60, ..SHAPE });
    let root = folder();
    let settings = || StateSettings { journal_segment_bytes: 20_000, ..small() };
    let state = State::open(root.path(), settings()).expect("open");
    log.replay(&state, 40).expect("absorb");
    state.checkpoint().expect("checkpoint");
    log.replay(&state, 60).expect("absorb");
    state.journal_read(1, 1).expect("written out");
    let journal = root.path().join("journal");
    let durable = segment::durable(&journal).expect("mark");
    let mut rng = SmallRng::seed_from_u64(2);
    let (mut cut, mut refused) = (0, 0);
    for (name, path) in
        files::list(&journal).expect("journal").into_iter().filter(|(name, _)| name.ends_with(".seg"))
    {
        let length = std::fs::metadata(&path).expect("segment").len();
        let whole = durable.get(&path).copied().unwrap_or(0);
        let samples: Vec<u64> =
            (0..25).map(|_| rng.random_range(0..length)).chain([whole, whole.saturating_sub(1)]).collect();
        for at in samples.into_iter().filter(|at| *at < length) {
            let hurt = folder();
            copy_dir(root.path(), hurt.path());
            let file = std::fs::File::options().write(true).open(hurt.path().join("journal").join(&name));
            file.and_then(|file| file.set_len(at)).expect("cut");
            let what = format!("{name} cut at {at}, durable {whole}");
            match State::open(hurt.path(), settings()) {
                Ok(state) => {
                    assert!(at >= whole, "{what}: damage before the mark went unseen");
                    log.must_lead_to_the_end(&state, &what);
                    log.must_be_told_by(&state, &what).unwrap_or_else(|fault| panic!("{what}: {fault}"));
                    cut += 1;
                }
                Err(fault) => {
                    assert!(at < whole, "{what}: {fault}");
                    refused += 1;
                }
            }
        }
    }
    assert!(cut > 10 && refused > 10, "{cut} cut, {refused} refused");
}
