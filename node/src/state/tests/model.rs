//! Reads, digest and checkpoints against a plain map.

use super::*;

fn compare_reads(state: &State, model: &Model, rng: &mut SmallRng, shape: Shape, index: u64, what: &str) {
    let reader = state.reader();
    for _ in 0..60 {
        let key = match model.len() {
            0 => random_change(rng, index, 0, shape).0,
            len if rng.random() => *model.keys().nth(rng.random_range(0..len)).expect("within"),
            _ => random_change(rng, index, 0, shape).0,
        };
        assert_eq!(reader.get(&key).expect("read"), model.get(&key).cloned(), "{what}: {key:?}");
    }
    for _ in 0..12 {
        let (a, b) = (random_change(rng, index, 0, shape).0, random_change(rng, index, 0, shape).0);
        let (from, until) = (a.min(b), a.max(b));
        let most = *[1, 7, 40, 5_000].get(rng.random_range(0..4usize)).expect("four");
        let found = reader.range(&from, &until, most).expect("read");
        let expected: Vec<(Key, Arc<Row>)> =
            model.range(from..until).take(most).map(|(key, row)| (*key, row.clone())).collect();
        assert_eq!(found.len(), expected.len(), "{what}: {from:?} to {until:?}, at most {most}");
        assert!(found == expected, "{what}: {from:?} to {until:?}, at most {most}");
    }
    assert!(reader.range(&Table::Lapsing.last(), &Table::Giving.first(), 5).expect("read").is_empty());
}

#[test]
fn reads_digests_and_reopenings_are_those_of_a_plain_map() {
    let shape = Shape { entries: 220, persons: 400, changes: 30 };
    for seed in 0..6 {
        let log = TestLog::random(seed, shape);
        let root = folder();
        let mut generation = 0;
        let mut dir = root.path().join("0");
        std::fs::create_dir(&dir).expect("a folder");
        let settings =
            || StateSettings { checkpoint_changes: if seed % 2 == 0 { 300 } else { usize::MAX }, ..small() };
        let mut state = State::open(&dir, settings()).expect("open");
        let mut rng = SmallRng::seed_from_u64(seed ^ 77);
        let mut model = Model::new();
        for entry in &log.entries {
            let index = entry.log.index;
            entry.absorb(&state).expect("absorb");
            for (key, row) in &entry.changes {
                match row {
                    Some(row) => model.insert(*key, row.clone()),
                    None => model.remove(key),
                };
            }
            assert_eq!(
                state.applied().digest.root(),
                log.roots[index as usize],
                "seed {seed}, index {index}"
            );
            let what = format!("seed {seed}, index {index}");
            match rng.random_range(0..14) {
                0 => state.checkpoint().expect("checkpoint"),
                1 => compare_reads(&state, &model, &mut rng, shape, index, &what),
                2 => assert!(state.check().expect("check").holds(), "{what}"),
                3 => {
                    let built = state.build_snapshot().expect("snapshot");
                    assert_eq!(built.applied, state.applied(), "{what}");
                }
                4 => {
                    // Stop, and go on with what is on disk; the log replays the rest.
                    state.close();
                    drop(state);
                    generation += 1;
                    let next = root.path().join(generation.to_string());
                    copy_dir(&dir, &next);
                    dir = next;
                    state = State::open(&dir, settings()).expect("open");
                    assert_eq!(state.recovery_notes(), Vec::<String>::new(), "{what}");
                    let stands = state.applied();
                    assert_eq!(stands.digest.root(), log.roots[stands.index() as usize], "{what}");
                    let members = stands.index() / 40 * 40;
                    let expected = if members == 0 { String::new() } else { format!("members at {members}") };
                    assert_eq!(String::from_utf8_lossy(&stands.membership), expected, "{what}");
                    log.replay(&state, index).expect("replay");
                }
                _ => {}
            }
        }
        compare_reads(&state, &model, &mut rng, shape, shape.entries, "at the end");
        log.must_be_told_by(&state, "at the end").expect("journal");
        log.must_lead_to_the_end(&state, &format!("seed {seed}"));
        let still = state.still().expect("still");
        assert_eq!(
            still.range(&Table::Ledger.first(), &Table::Request.last(), usize::MAX).expect("scan").len(),
            model.len()
        );
    }
}

#[test]
fn many_read_while_one_absorbs_and_checkpoints_run() {
    let shape = Shape { entries: 400, persons: 200, changes: 40 };
    let log = TestLog::random(5, shape);
    let root = folder();
    let state = State::open(root.path(), StateSettings { checkpoint_changes: 150, ..small() }).expect("open");
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for number in 0..3 {
            let (state, log, done) = (&state, &log, &done);
            scope.spawn(move || {
                let mut rng = SmallRng::seed_from_u64(number);
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    // A view is of one index, and the whole of it: its records have the digest of that index.
                    let reader = state.reader();
                    let rows = reader
                        .range(&Table::Ledger.first(), &Table::Request.last(), usize::MAX)
                        .expect("read");
                    let model: Model = rows.into_iter().collect();
                    let index = reader.applied().index();
                    assert_eq!(digest_of(&model).root(), log.roots[index as usize], "at {index}");
                    if let Some((key, row)) = model.iter().nth(rng.random_range(0..model.len().max(1))) {
                        assert_eq!(reader.get(key).expect("read").as_ref(), Some(row));
                    }
                }
            });
        }
        for entry in &log.entries {
            entry.absorb(&state).expect("absorb");
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    assert!(state.sizes().checkpoint_index > 0, "checkpoints ran by themselves");
    log.must_lead_to_the_end(&state, "with readers");
}

#[test]
fn keys_sort_as_their_bytes_do() {
    let mut rng = SmallRng::seed_from_u64(3);
    let shape = Shape { entries: 1, persons: 1000, changes: 1 };
    let mut keys: Vec<Key> = (0..3000).map(|n| random_change(&mut rng, 1 + n, n as u16, shape).0).collect();
    keys.extend(Table::ALL.iter().flat_map(|table| [table.first(), table.last()]));
    keys.sort();
    let bytes: Vec<Vec<u8>> = keys.iter().map(codec::encode_key).collect();
    assert!(bytes.is_sorted());
}

#[test]
fn the_last_digests_are_remembered() {
    let log = TestLog::random(8, Shape { entries: 50, persons: 50, changes: 5 });
    let root = folder();
    let state = State::open(root.path(), small()).expect("open");
    log.replay(&state, 50).expect("absorb");
    assert_eq!(state.digest_at(20), Some(log.roots[20]));
    assert_eq!(state.digest_at(50), Some(log.roots[50]));
    assert_eq!(state.digest_at(51), None);
    let again = log.entries[49].absorb(&state).expect_err("an entry twice");
    assert!(again.to_string().contains("log entry 50"), "{again}");
    assert!(state.checkpoint().is_err(), "after a fault nothing is written any more");
}
