//! Damage at rest: a flipped bit anywhere is reported or harmless, never a wrong record; lost folders are rebuilt.

use super::*;

const SHAPE: Shape = Shape { entries: 100, persons: 300, changes: 25 };

/// A directory with a bit of everything: two snapshots, a checkpoint, a redo file, journal segments.
fn at_rest(log: &TestLog, copied_at: &'static str) -> tempfile::TempDir {
    let (root, image) = (folder(), folder());
    let (from, to) = (root.path().to_path_buf(), image.path().to_path_buf());
    let armed = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let told = armed.clone();
    let steps = Steps::new(move |step| {
        if step == copied_at && told.swap(false, std::sync::atomic::Ordering::Relaxed) {
            copy_dir(&from, &to);
        }
    });
    let state = State::open(root.path(), StateSettings { steps, ..small() }).expect("open");
    for upto in [30, 60, 80] {
        log.replay(&state, upto).expect("absorb");
        if upto == 80 {
            state.checkpoint().expect("checkpoint");
        } else {
            state.build_snapshot().expect("snapshot");
        }
    }
    log.replay(&state, 95).expect("absorb");
    armed.store(true, std::sync::atomic::Ordering::Relaxed);
    state.checkpoint().expect("checkpoint");
    image
}

fn all_files(dir: &Path, out: &mut Vec<PathBuf>) {
    for (_, path) in files::list(dir).expect("a folder") {
        if path.is_dir() { all_files(&path, out) } else { out.push(path) }
    }
}

#[derive(Default, Debug)]
struct Tally {
    harmless: usize,
    rebuilt: usize,
    refused: usize,
    told_when_read: usize,
}

/// Opens a hurt directory. Whatever is served must be right.
fn judge(log: &TestLog, dir: &Path, what: &str, tally: &mut Tally) {
    let state = match State::open(dir, small()) {
        Ok(state) => state,
        Err(fault) => {
            let text = fault.to_string();
            assert!(matches!(fault, Fault::Corrupt { .. } | Fault::WrongDirectory { .. }), "{what}: {text}");
            assert!(text.contains(&*dir.to_string_lossy()) && text.contains("next: "), "{what}: {text}");
            tally.refused += 1;
            return;
        }
    };
    match state.recovery_notes().is_empty() {
        true => tally.harmless += 1,
        false => tally.rebuilt += 1,
    }
    log.must_lead_to_the_end(&state, what);
    if let Err(fault) = log.must_be_told_by(&state, what) {
        assert!(matches!(fault, Fault::Corrupt { .. }), "{what}: {fault}");
        tally.told_when_read += 1;
    }
}

#[test]
fn a_flipped_bit_is_reported_or_harmless() {
    let log = TestLog::random(31, SHAPE);
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    for copied_at in ["redo block applied", "store synced", "redo removed"] {
        flip_everywhere(&log, at_rest(&log, copied_at).path(), &mut tallies);
    }
    println!("{tallies:#?}");
    let snap = &tallies["snap"];
    assert_eq!((snap.harmless, snap.rebuilt), (0, 0), "a damaged snapshot is always reported");
    let journal = &tallies["journal"];
    assert!(journal.refused > 0 && journal.told_when_read > 0, "{journal:?}");
    assert!(tallies["sm/gen-1.redo"].rebuilt > 0, "a damaged redo file, half of it written");
}

fn flip_everywhere(log: &TestLog, image: &Path, tallies: &mut BTreeMap<String, Tally>) {
    let mut paths = Vec::new();
    all_files(image, &mut paths);
    let mut rng = SmallRng::seed_from_u64(4);
    for path in &paths {
        let relative = path.strip_prefix(image).expect("within").to_path_buf();
        let length = std::fs::metadata(path).expect("file").len();
        let kind = relative.components().next().expect("a folder").as_os_str().to_string_lossy().into_owned();
        let name = relative.to_string_lossy().into_owned();
        let flips = if name.ends_with("/db") { 24 } else { 10 };
        for _ in 0..flips.min(length * 8) {
            let (at, bit) = (rng.random_range(0..length), rng.random_range(0..8));
            let hurt = folder();
            copy_dir(image, hurt.path());
            let mut bytes = std::fs::read(path).expect("file");
            bytes[at as usize] ^= 1 << bit;
            std::fs::write(hurt.path().join(&relative), bytes).expect("written");
            let what = format!("{name}, byte {at} of {length}, bit {bit}");
            let file = if kind == "sm" { name.clone() } else { kind.clone() };
            judge(log, hurt.path(), &what, tallies.entry(file).or_default());
        }
    }
}

#[test]
fn a_lost_folder_is_rebuilt() {
    let log = TestLog::random(32, SHAPE);
    let image = at_rest(&log, "store synced");
    let lose = |what: &dyn Fn(&Path)| {
        let hurt = folder();
        copy_dir(image.path(), hurt.path());
        what(hurt.path());
        let state = State::open(hurt.path(), small()).expect("open");
        let (notes, index) = (state.recovery_notes(), state.applied().index());
        log.must_lead_to_the_end(&state, "rebuilt");
        (notes.join("\n"), index)
    };
    let remove = |path: PathBuf| std::fs::remove_dir_all(path).expect("removed");
    let (notes, index) = lose(&|dir| remove(dir.join("sm")));
    assert!(notes.contains("sm/ is gone") && index == 60, "{index} {notes}");
    let (notes, index) = lose(&|dir| {
        remove(dir.join("sm"));
        remove(dir.join("snap"));
    });
    assert!(index == 0, "{index} {notes}");
    let (notes, index) = lose(&|dir| remove(dir.join("sm").join("gen-1")));
    assert!(notes.contains("gone") && index == 60, "{index} {notes}");
    let (notes, index) =
        lose(&|dir| std::fs::write(dir.join("sm").join("CURRENT"), "gen-1\n").expect("written"));
    assert!(notes.contains("CURRENT") && index == 60, "{index} {notes}");
    let (notes, index) = lose(&|dir| remove(dir.join("journal")));
    assert_eq!(index, 95, "{notes}");
    // Older but whole: the snapshot is ahead, and the log may be gone up to it.
    let old = folder();
    let state = State::open(old.path(), small()).expect("open");
    log.replay(&state, 20).expect("absorb");
    state.checkpoint().expect("checkpoint");
    state.close();
    let (notes, index) = lose(&|dir| {
        remove(dir.join("sm"));
        copy_dir(&old.path().join("sm"), &dir.join("sm"));
    });
    assert!(notes.contains("sm/gen-1 stands at 20") && notes.contains(".snap at 60"), "{notes}");
    assert_eq!(index, 60, "{notes}");
}

/// Every page is whole, and together they are not what was written: a lost write, a page of another day.
#[test]
fn records_without_the_digest_that_is_kept_are_not_believed() {
    let log = TestLog::random(37, SHAPE);
    let root = folder();
    let state = State::open(root.path(), small()).expect("open");
    log.replay(&state, 60).expect("absorb");
    state.build_snapshot().expect("snapshot");
    log.replay(&state, 80).expect("absorb");
    state.checkpoint().expect("checkpoint");
    state.close();
    drop(state);
    let generation = recover::generation_dir(root.path(), 1);
    let store = store::Store::open(&generation, 1, small().store_cache_bytes).expect("open");
    store.survey(&mut || {}).expect("whole pages");
    let mut first = None;
    let found = store.each(&mut |_, key, _| {
        first.get_or_insert_with(|| key.to_vec());
        Ok(())
    });
    found.expect("records");
    store.apply(&[(&first.expect("a record"), None)]).expect("taken out");
    store.sync().expect("synced");
    drop(store);
    let state = State::open(root.path(), small()).expect("open");
    let notes = state.recovery_notes().join("\n");
    assert!(notes.contains("do not have the digest of index 80"), "{notes}");
    assert_eq!(state.applied().index(), 60, "rebuilt from the snapshot: {notes}");
    log.must_lead_to_the_end(&state, "rebuilt");
}

#[test]
fn a_snapshot_that_is_damaged_or_of_another_cluster_is_not_installed() {
    let log = TestLog::random(33, SHAPE);
    let (leader, behind) = (folder(), folder());
    let source = State::open(leader.path(), small()).expect("open");
    log.replay(&source, 50).expect("absorb");
    let sent = source.build_snapshot().expect("snapshot");
    let state = State::open(behind.path(), small()).expect("open");
    log.replay(&state, 10).expect("absorb");
    let bytes = std::fs::read(&sent.path).expect("snapshot");
    let mut rng = SmallRng::seed_from_u64(9);
    let part = state.receive_path("../../../etc/passwd");
    assert_eq!(part.parent(), Some(behind.path().join("snap").as_path()), "an id never leaves the folder");
    for _ in 0..300 {
        let mut hurt = bytes.clone();
        match rng.random_range(0..4) {
            0 => hurt.truncate(rng.random_range(0..bytes.len())),
            1 => hurt.push(0),
            _ => {
                let at = rng.random_range(0..bytes.len());
                hurt[at] ^= 1 << rng.random_range(0..8);
            }
        }
        std::fs::write(&part, hurt).expect("received");
        let fault = state.install_snapshot(&part).expect_err("a damaged snapshot");
        assert!(matches!(fault, Fault::Corrupt { .. }), "{fault}");
    }
    std::fs::write(&part, &bytes).expect("received");
    let stranger =
        State::open(folder().path(), StateSettings { cluster: Some([8; 16]), ..small() }).expect("open");
    let fault = stranger.install_snapshot(&part).expect_err("another cluster's");
    assert!(matches!(fault, Fault::WrongDirectory { .. }), "{fault}");
    assert_eq!(state.applied().digest.root(), log.roots[10], "nothing was changed");
    state.install_snapshot(&part).expect("the whole one");
    log.must_lead_to_the_end(&state, "installed");
}

#[test]
fn after_a_write_fault_nothing_more_is_accepted() {
    let log = TestLog::random(34, SHAPE);
    let root = folder();
    let state = State::open(root.path(), small()).expect("open");
    log.replay(&state, 20).expect("absorb");
    state.checkpoint().expect("checkpoint");
    log.replay(&state, 30).expect("absorb");
    let obstacle = root.path().join("sm").join("gen-1.redo-tmp");
    std::fs::create_dir(&obstacle).expect("an obstacle");
    let first = state.checkpoint().expect_err("the redo file cannot be written");
    assert!(matches!(first, Fault::Io { .. }) && first.to_string().contains("gen-1.redo-tmp"), "{first}");
    std::fs::remove_dir(&obstacle).expect("removed");
    for again in [
        state.checkpoint().expect_err("poisoned"),
        log.replay(&state, 31).expect_err("poisoned"),
        state.build_snapshot().expect_err("poisoned"),
        state.current_snapshot().expect_err("poisoned"),
    ] {
        assert_eq!(again.to_string(), first.to_string());
    }
    let next = folder();
    copy_dir(root.path(), next.path());
    log.must_lead_to_the_end(&State::open(next.path(), small()).expect("open"), "after a restart");
}

/// Needs the right to mount: `cargo test --release -p node state::tests::damage::a_full_disk -- --ignored`.
#[test]
#[ignore = "mounts a small tmpfs"]
fn a_full_disk_is_reported_and_loses_nothing() {
    let log = TestLog::random(35, Shape { entries: 100, persons: 2000, changes: 400 });
    let root = folder();
    let mounted = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"])
        .arg(root.path())
        .status();
    assert!(mounted.is_ok_and(|status| status.success()), "no right to mount");
    let mut filled = None;
    {
        let state = State::open(root.path(), small()).expect("open");
        for upto in (10..=100).step_by(10) {
            let done = log.replay(&state, upto).and_then(|()| state.build_snapshot().map(drop));
            if let Err(fault) = done {
                filled = Some(fault);
                break;
            }
        }
        let again = state.checkpoint().expect_err("poisoned");
        assert_eq!(filled.as_ref().map(ToString::to_string), Some(again.to_string()));
    }
    let next = folder();
    copy_dir(root.path(), next.path());
    drop(std::process::Command::new("umount").arg(root.path()).status());
    let text = filled.expect("2 MiB are not enough").to_string();
    assert!(text.contains("next: df -h"), "{text}");
    println!("{text}");
    let state = State::open(next.path(), small()).expect("open with room");
    println!("stands at {}, {:?}", state.applied().index(), state.recovery_notes());
    log.must_lead_to_the_end(&state, "with room again");
}

#[test]
fn a_directory_can_be_opened_again_in_the_same_process() {
    let log = TestLog::random(36, SHAPE);
    let root = folder();
    for upto in [30, 60, 100] {
        let state = State::open(root.path(), small()).expect("open");
        assert_eq!(state.recovery_notes(), Vec::<String>::new(), "at {upto}");
        log.replay(&state, upto).expect("absorb");
        state.checkpoint().expect("checkpoint");
    }
    log.must_lead_to_the_end(&State::open(root.path(), small()).expect("open"), "after three lives");
}
