//! Crashes: at every step of writing, the directory as it is then must open, stand where the log was once, and lead to its end.

use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Copies the directory at the steps it is told of, at most so many per name.
struct Photographer {
    dir: PathBuf,
    album: PathBuf,
    taken: Mutex<BTreeMap<&'static str, usize>>,
    most: usize,
    seen: AtomicUsize,
}

impl Photographer {
    fn new(dir: &Path, album: &Path, most: usize) -> Arc<Photographer> {
        Arc::new(Photographer {
            dir: dir.to_path_buf(),
            album: album.to_path_buf(),
            taken: Mutex::default(),
            most,
            seen: AtomicUsize::new(0),
        })
    }

    fn steps(self: &Arc<Self>) -> Steps {
        let this = self.clone();
        Steps::new(move |step| this.take(step))
    }

    fn take(&self, step: &'static str) {
        // The journal's thread is at work while others write: a copy then is of no one moment.
        if step == "journal order" {
            return;
        }
        let seen = self.seen.fetch_add(1, Ordering::Relaxed);
        // Steps that happen by the thousand are taken at random moments.
        if step == "snapshot record" && !seen.is_multiple_of(997) {
            return;
        }
        let mut taken = self.taken.lock();
        let count = taken.entry(step).or_default();
        if *count < self.most {
            *count += 1;
            copy_dir(&self.dir, &self.album.join(format!("{}-{count}", step.replace(' ', "-"))));
        }
    }

    fn album(&self) -> Vec<(String, PathBuf)> {
        files::list(&self.album).expect("an album")
    }
}

const SHAPE: Shape = Shape { entries: 120, persons: 300, changes: 30 };

#[test]
fn a_crash_at_any_step_of_checkpoint_and_snapshot_loses_nothing() {
    let log = TestLog::random(21, SHAPE);
    let (root, album) = (folder(), folder());
    let photographer = Photographer::new(root.path(), album.path(), 3);
    let settings = StateSettings { steps: photographer.steps(), ..small() };
    let state = State::open(root.path(), settings).expect("open");
    for (round, upto) in [40, 70, 95, 110].into_iter().enumerate() {
        log.replay(&state, upto).expect("absorb");
        match round % 2 {
            0 => state.checkpoint().expect("checkpoint"),
            _ => drop(state.build_snapshot().expect("snapshot")),
        }
    }
    let names: Vec<&str> = photographer.taken.lock().keys().copied().collect();
    for step in [
        "frozen",
        "redo written",
        "redo renamed",
        "journal synced",
        "redo block applied",
        "store synced",
        "marker synced",
        "redo removed",
        "snapshot record",
        "snapshot written",
        "snapshot renamed",
    ] {
        assert!(names.contains(&step), "no crash at {step}: {names:?}");
    }
    for (name, image) in photographer.album() {
        let state = State::open(&image, small()).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        assert_eq!(
            state.recovery_notes(),
            Vec::<String>::new(),
            "{name}: an ordinary crash needs no rebuilding"
        );
        log.must_lead_to_the_end(&state, &name);
        log.must_be_told_by(&state, &name).unwrap_or_else(|fault| panic!("{name}: {fault}"));
    }
}

#[test]
fn a_crash_while_a_crash_is_repaired_loses_nothing() {
    let log = TestLog::random(22, SHAPE);
    let (root, album, second) = (folder(), folder(), folder());
    let photographer = Photographer::new(root.path(), album.path(), 1);
    let state =
        State::open(root.path(), StateSettings { steps: photographer.steps(), ..small() }).expect("open");
    log.replay(&state, 60).expect("absorb");
    state.checkpoint().expect("checkpoint");
    let image = album.path().join("redo-renamed-1");
    let again = Photographer::new(&image, second.path(), 2);
    drop(State::open(&image, StateSettings { steps: again.steps(), ..small() }).expect("open"));
    let album = again.album();
    assert!(album.len() >= 3, "{album:?}");
    for (name, image) in album {
        let state = State::open(&image, small()).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        assert_eq!(state.applied().index(), 60, "{name}: the redo file was complete");
        log.must_lead_to_the_end(&state, &name);
    }
}

#[test]
fn a_crash_at_any_step_of_an_install_leaves_the_old_state_or_the_new() {
    let log = TestLog::random(23, SHAPE);
    let (leader, behind, album) = (folder(), folder(), folder());
    let source = State::open(leader.path(), small()).expect("open");
    log.replay(&source, 100).expect("absorb");
    let sent = source.build_snapshot().expect("snapshot");

    let photographer = Photographer::new(behind.path(), album.path(), 2);
    let state =
        State::open(behind.path(), StateSettings { steps: photographer.steps(), ..small() }).expect("open");
    log.replay(&state, 30).expect("absorb");
    state.checkpoint().expect("checkpoint");
    log.replay(&state, 35).expect("absorb");
    let part = state.receive_path(&sent.id);
    std::fs::copy(&sent.path, &part).expect("received");
    let installed = state.install_snapshot(&part).expect("install");
    assert_eq!(installed.applied, sent.applied);
    assert_eq!(state.applied(), sent.applied);
    assert!(!part.exists() && installed.path.exists());
    assert_eq!(state.current_snapshot().expect("snapshot").map(|s| s.id), Some(sent.id.clone()));
    assert_eq!(state.digest_at(100), Some(log.roots[100]));
    let page = state.journal_read(30, 1 << 20).expect("journal");
    assert_eq!(page.entries.first().map(|entry| entry.index >= 30 && entry.index <= 35), Some(true));
    let page = state.journal_read(36, 1 << 20).expect("journal");
    assert_eq!((page.missing, page.next), (Some((36, 100)), 101));
    let album = photographer.album();
    log.must_lead_to_the_end(&state, "the installed state");
    assert_eq!(files::list(&behind.path().join("sm")).expect("sm").len(), 2, "the old generation is gone");

    let names: Vec<&str> = photographer.taken.lock().keys().copied().collect();
    for step in ["install loaded", "install snapshot kept", "install current"] {
        assert!(names.contains(&step), "no crash at {step}: {names:?}");
    }
    for (name, image) in album {
        let state = State::open(&image, small()).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        let index = state.applied().index();
        assert!([0, 30, 100].contains(&index), "{name}: {index}");
        let kept = state.current_snapshot().expect("snapshot").map_or(0, |snapshot| snapshot.applied.index());
        assert!(kept <= index, "{name}: a snapshot ahead of the state");
        log.must_lead_to_the_end(&state, &name);
    }
}

#[test]
fn what_a_power_cut_leaves_of_unsynced_files_is_repaired() {
    let log = TestLog::random(24, SHAPE);
    let (root, album) = (folder(), folder());
    let photographer = Photographer::new(root.path(), album.path(), 2);
    let state =
        State::open(root.path(), StateSettings { steps: photographer.steps(), ..small() }).expect("open");
    for upto in [30, 60, 90] {
        log.replay(&state, upto).expect("absorb");
        state.journal_read(1, 1).expect("written out");
        state.build_snapshot().expect("snapshot");
    }
    log.replay(&state, 115).expect("absorb");
    state.journal_read(1, 1).expect("journal");
    photographer.take("at rest");
    let mut rng = SmallRng::seed_from_u64(1);
    let (mut rebuilt, mut cut) = (0, 0);
    for (name, image) in photographer.album() {
        for round in 0..4 {
            // Files as a cut leaves them that were never synced since they grew: shorter, or with zeros at their end.
            let torn = folder();
            copy_dir(&image, torn.path());
            let temporary = |name: &str| name.ends_with("tmp") || name.ends_with("redo-tmp");
            let sm = files::list(&torn.path().join("sm")).expect("sm");
            let mut victims: Vec<PathBuf> =
                sm.iter().filter(|(name, _)| temporary(name)).map(|(_, p)| p.clone()).collect();
            let snap = files::list(&torn.path().join("snap")).expect("snap");
            victims.extend(snap.into_iter().filter(|(name, _)| temporary(name)).map(|(_, path)| path));
            if rng.random() {
                victims.extend(sm.iter().filter(|(_, path)| path.is_dir()).map(|(_, path)| path.join("db")));
            }
            let journal = torn.path().join("journal");
            let mark = segment::durable(&journal).expect("mark");
            for (_, path) in
                files::list(&journal).expect("journal").iter().filter(|(name, _)| name.ends_with(".seg"))
            {
                let length = std::fs::metadata(path).expect("segment").len();
                let durable = mark.get(path).copied().unwrap_or(0);
                let kept = rng.random_range(durable.min(length)..=length);
                damage_end(path, kept, if round % 2 == 0 { kept } else { length });
                cut += usize::from(kept < length);
            }
            for path in victims.iter().filter(|path| path.exists()) {
                let length = std::fs::metadata(path).expect("file").len();
                let kept = rng.random_range(length / 2..=length);
                damage_end(path, kept, if round % 2 == 0 { kept } else { length });
            }
            let what = format!("{name}, round {round}");
            let state = State::open(torn.path(), small()).unwrap_or_else(|fault| panic!("{what}: {fault}"));
            rebuilt += usize::from(!state.recovery_notes().is_empty());
            log.must_lead_to_the_end(&state, &what);
            log.must_be_told_by(&state, &what).unwrap_or_else(|fault| panic!("{what}: {fault}"));
        }
    }
    assert!(rebuilt > 10 && cut > 10, "{rebuilt} rebuilt, {cut} journals cut: the test hurts nothing");
}

/// Keeps a file's first bytes and makes the rest, up to a length, zeros.
fn damage_end(path: &Path, kept: u64, length: u64) {
    let file = std::fs::File::options().write(true).open(path).expect("a file");
    file.set_len(kept).expect("cut");
    file.set_len(length).expect("filled");
}
