//! Trouble: what panics, hangs or cannot be read ends the state, tells whoever watches, and loses nothing.

use super::*;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

const SHAPE: Shape = Shape { entries: 60, persons: 200, changes: 20 };

/// Panics at this step, once armed.
fn panicking(at: &'static str) -> (Arc<AtomicBool>, Steps) {
    let armed = Arc::new(AtomicBool::new(false));
    let told = armed.clone();
    let steps = Steps::new(move |step| {
        assert!(step != at || !told.load(Ordering::Relaxed), "struck at {step}");
    });
    (armed, steps)
}

/// Waits until the watcher is told.
fn told(watcher: &mut watch::Receiver<Option<Fault>>) -> Fault {
    let begun = Instant::now();
    loop {
        if let Some(fault) = watcher.borrow_and_update().clone() {
            return fault;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "nobody was told");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// After a fault every way in gives it, the directory opens, and the log's end is reached.
fn must_be_over(log: &TestLog, state: &State, dir: &Path, fault: &Fault, what: &str) {
    let next = log.entries[state.applied().index() as usize].absorb(state).expect_err(what);
    let key = *log.last.keys().next().expect("a record");
    for again in [
        next,
        state.checkpoint().expect_err(what),
        state.checkpoint().expect_err(what),
        state.build_snapshot().expect_err(what),
        state.current_snapshot().expect_err(what),
        state.reader().get(&key).expect_err(what),
        state.reader().range(&key, &Table::Request.last(), 5).expect_err(what),
    ] {
        assert_eq!(again.to_string(), fault.to_string(), "{what}");
    }
    assert!(state.troubled().has_changed().expect("the state lives"), "{what}: who watches late is told too");
    let next = folder();
    copy_dir(dir, next.path());
    log.must_lead_to_the_end(&State::open(next.path(), small()).expect("open"), what);
}

#[test]
fn a_panic_in_the_checkpoint_thread_ends_the_state() {
    let log = TestLog::random(41, SHAPE);
    for at in ["frozen", "redo written", "redo renamed", "redo block applied", "store synced", "redo removed"]
    {
        let root = folder();
        let (armed, steps) = panicking(at);
        let settings = StateSettings { steps, checkpoint_changes: 100, changes_most: 150, ..small() };
        let state = State::open(root.path(), settings).expect("open");
        let mut watcher = state.troubled();
        log.replay(&state, 5).expect("absorb");
        state.checkpoint().expect("checkpoint");
        armed.store(true, Ordering::Relaxed);
        let refused = log.replay(&state, 50).expect_err("nothing is written any more");
        let fault = told(&mut watcher);
        assert_eq!(fault.to_string(), refused.to_string(), "{at}");
        let text = fault.to_string();
        assert!(text.contains("write checkpoint") && text.contains(&format!("struck at {at}")), "{text}");
        armed.store(false, Ordering::Relaxed);
        must_be_over(&log, &state, root.path(), &fault, at);
    }
}

#[test]
fn nothing_is_frozen_over_rows_that_are_in_no_store() {
    let log = TestLog::random(42, SHAPE);
    let root = folder();
    let state = State::open(root.path(), small()).expect("open");
    log.replay(&state, 30).expect("absorb");
    let rows = {
        let mut memory = state.inner.memory.write();
        let changes = std::mem::replace(&mut memory.changes, Layer::with_hash(state.inner.hash));
        let rows = changes.rows.clone();
        memory.frozen = Some(Arc::new(changes));
        rows
    };
    log.replay(&state, 31).expect("absorb");
    let fault = state.checkpoint().expect_err("the one before is unfinished");
    assert!(fault.to_string().contains("unfinished"), "{fault}");
    let memory = state.inner.memory.read();
    for (key, row) in &rows {
        let found = memory.slot(&state.inner.cache, key).expect("found");
        let newer = log.entries[30].changes.get(key).cloned();
        assert_eq!(found.row, newer.unwrap_or_else(|| row.row.clone()));
    }
    drop(memory);
    must_be_over(&log, &state, root.path(), &fault, "unfinished");
}

/// Limits of patience, in milliseconds, one after the other. A disk or a machine may stand still for longer than one of them
/// by itself: then the state ends rightly, and the next one is tried.
const STALLS_MS: [u64; 5] = [600, 1_200, 2_400, 4_800, 9_600];

#[test]
fn a_slow_checkpoint_does_not_end_the_state() {
    let log = TestLog::random(43, SHAPE);
    let moves = STALLS_MS.into_iter().map(Duration::from_millis).any(|write_stall| {
        let root = folder();
        // When the last step was, and the longest time between two.
        let last = Arc::new(Mutex::new((Instant::now(), Duration::ZERO)));
        let seen = last.clone();
        let look = |seen: &Mutex<(Instant, Duration)>| {
            let mut last = seen.lock();
            *last = (Instant::now(), last.1.max(last.0.elapsed()));
            last.1
        };
        // Some steps together take longer than patience lasts, none alone does. Two checkpoints of that are enough.
        let slow = AtomicUsize::new(16);
        let steps = Steps::new(move |step| {
            look(&seen);
            let take = |left: usize| left.checked_sub(1);
            if step != "journal order"
                && slow.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
            {
                std::thread::sleep(write_stall / 5);
            }
        });
        let settings =
            StateSettings { steps, write_stall, checkpoint_changes: 100, changes_most: 150, ..small() };
        let state = State::open(root.path(), settings).expect("open");
        let begun = Instant::now();
        match log.replay(&state, 60) {
            Ok(()) => {
                assert!(begun.elapsed() > 2 * write_stall, "nothing was slow");
                assert_eq!(state.troubled().borrow().as_ref().map(ToString::to_string), None);
                true
            }
            Err(fault) => {
                let longest = look(&last);
                assert!(
                    longest >= write_stall,
                    "it moved within {longest:?}, and ended all the same: {fault}"
                );
                false
            }
        }
    });
    assert!(moves, "this machine stands still for seconds: nothing was decided");
}

#[test]
fn a_checkpoint_that_is_stuck_ends_the_state() {
    let log = TestLog::random(43, SHAPE);
    let told_at_its_step = STALLS_MS.into_iter().map(Duration::from_millis).any(|write_stall| {
        let root = folder();
        let released = Arc::new(AtomicBool::new(false));
        let wait = released.clone();
        let steps = Steps::new(move |step| {
            while step == "journal synced" && !wait.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        let settings =
            StateSettings { steps, write_stall, checkpoint_changes: 100, changes_most: 150, ..small() };
        let state = State::open(root.path(), settings).expect("open");
        let refused = log.replay(&state, 60).expect_err("stuck");
        let begun = Instant::now();
        state.close();
        assert!(begun.elapsed() < Duration::from_secs(60), "closing does not hang either");
        released.store(true, Ordering::Relaxed);
        must_be_over(&log, &state, root.path(), &told(&mut state.troubled()), "stuck");
        let text = refused.to_string();
        assert!(text.contains("write checkpoint") && text.contains("last step: "), "{text}");
        text.contains("last step: journal synced")
    });
    assert!(told_at_its_step, "it never says where it is stuck");
}

#[test]
fn a_panic_in_the_journal_thread_ends_the_state() {
    let log = TestLog::random(44, SHAPE);
    for asked in [false, true] {
        let root = folder();
        let (armed, steps) = panicking("journal order");
        let state = State::open(root.path(), StateSettings { steps, ..small() }).expect("open");
        let mut watcher = state.troubled();
        log.replay(&state, 20).expect("absorb");
        state.checkpoint().expect("checkpoint");
        armed.store(true, Ordering::Relaxed);
        let first = match asked {
            true => Some(state.journal_read(1, 10).expect_err("nobody to ask")),
            false => log.replay(&state, 50).err(),
        };
        let fault = told(&mut watcher);
        assert!(fault.to_string().contains("write journal"), "{fault}");
        assert!(fault.to_string().contains("struck at journal order"), "{fault}");
        assert_eq!(first.map_or(fault.to_string(), |first| first.to_string()), fault.to_string());
        let state_left = state.applied().index();
        assert!(state_left < 60);
        must_be_over(&log, &state, root.path(), &fault, "journal");
    }
}

#[test]
fn a_reader_that_hits_a_fault_ends_the_state() {
    let log = TestLog::random(45, SHAPE);
    for ranged in [false, true] {
        let root = folder();
        let state = State::open(root.path(), small()).expect("open");
        log.replay(&state, 50).expect("absorb");
        state.checkpoint().expect("checkpoint");
        state.close();
        drop(state);
        let copy = folder();
        copy_dir(root.path(), copy.path());
        let state = State::open(root.path(), small()).expect("open again, nothing cached");
        let key = *log.last.keys().find(|key| !matches!(key, Key::Ledger { .. })).expect("a record");
        state.inner.memory.read().store.hurt();
        let mut watcher = state.troubled();
        let fault = match ranged {
            false => state.reader().get(&key).map(drop),
            true => state.reader().range(&key, &key.table().last(), 5).map(drop),
        };
        let fault = fault.expect_err("a page is gone");
        assert_eq!(told(&mut watcher).to_string(), fault.to_string());
        must_be_over(&log, &state, copy.path(), &fault, "read");
    }
}

#[test]
fn whoever_finds_a_fault_can_end_the_state() {
    let log = TestLog::random(46, SHAPE);
    let root = folder();
    let state = State::open(root.path(), small()).expect("open");
    log.replay(&state, 10).expect("absorb");
    let mut watcher = state.troubled();
    assert!(watcher.borrow().is_none() && !watcher.has_changed().expect("it lives"));
    let found = Fault::Stopped { reason: "found by a query".into() };
    state.poison(found.clone());
    state.poison(Fault::Stopped { reason: "a later one".into() });
    assert_eq!(told(&mut watcher).to_string(), found.to_string());
    must_be_over(&log, &state, root.path(), &found, "found");
}

#[test]
fn partly_received_snapshots_do_not_outlive_the_process() {
    let log = TestLog::random(47, SHAPE);
    let root = folder();
    let state = State::open(root.path(), small()).expect("open");
    log.replay(&state, 20).expect("absorb");
    let kept = state.build_snapshot().expect("snapshot");
    let parts = ["00000000000000000050-1-2-aabbccdd", "x"].map(|id| state.receive_path(id));
    parts.iter().for_each(|part| std::fs::write(part, [0; 1000]).expect("received"));
    let elsewhere = root.path().join("journal").join("x.part");
    std::fs::write(&elsewhere, b"not received").expect("written");
    state.discard_received(&parts[0]);
    state.discard_received(&parts[0]);
    state.discard_received(&kept.path);
    state.discard_received(&elsewhere);
    state.discard_received(&root.path().join("snap").join("..").join("journal").join("x.part"));
    assert!(!parts[0].exists() && parts[1].exists() && kept.path.exists() && elsewhere.exists());
    std::fs::remove_file(elsewhere).expect("removed");
    state.close();
    drop(state);
    let state = State::open(root.path(), small()).expect("open");
    assert!(!parts[1].exists() && kept.path.exists(), "a torn file would be taken for a good beginning");
    assert_eq!(state.recovery_notes(), Vec::<String>::new());
    log.must_lead_to_the_end(&state, "without parts");
}

#[test]
fn an_older_snapshot_is_not_installed() {
    let log = TestLog::random(48, SHAPE);
    let root = folder();
    let state = State::open(root.path(), small()).expect("open");
    log.replay(&state, 20).expect("absorb");
    let old = state.build_snapshot().expect("snapshot");
    log.replay(&state, 21).expect("absorb");
    let part = state.receive_path("old");
    std::fs::copy(&old.path, &part).expect("received");
    let fault = state.install_snapshot(&part).expect_err("older");
    assert!(matches!(fault, Fault::Corrupt { .. }), "{fault}");
    assert!(fault.to_string().contains("a snapshot at 20, but entries up to 21"), "{fault}");
    assert_eq!(state.applied().digest.root(), log.roots[21], "nothing was changed");
    let same = state.build_snapshot().expect("snapshot");
    std::fs::copy(&same.path, &part).expect("received");
    state.install_snapshot(&part).expect("the same state once more");
    // As new as ours, but of another history.
    let (other_log, other_root) = (TestLog::random(49, SHAPE), folder());
    let other = State::open(other_root.path(), small()).expect("open");
    other_log.replay(&other, 21).expect("absorb");
    std::fs::copy(other.build_snapshot().expect("snapshot").path, &part).expect("received");
    let fault = state.install_snapshot(&part).expect_err("another history");
    assert!(matches!(fault, Fault::Diverged { index: 21, .. }), "{fault}");
    log.must_lead_to_the_end(&state, "after refusals");
}
