//! Crash images and flipped bits of the real log and state, in this process.

use node::raft::log::{LogSettings, LogStore};
use openraft::RaftLogReader;
use openraft::storage::{IOFlushed, RaftLogStorage};
use rand::Rng;
use rand::rngs::SmallRng;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tests::bench::{number_from_env, seed};
use tests::injury::copy_folder;
use tests::sim::command::AS_BUILT;
use tests::sim::floor::rng;
use tests::storage::check::{Broken, Found, check};
use tests::storage::flips::{Fates, flip, kind};
use tests::storage::life::{Life, NODE, entry, log_id};
use tests::storage::script::Script;
use tests::storage::tracer::{Image, Promised, Tracer};

fn memory() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder")
}

/// The line that does a test again.
fn replay(seed: u64, test: &str, number: (&str, u64)) -> String {
    let (name, number) = number;
    format!(
        "replay: GONGJI_TEST_SEED={seed} {name}={number} cargo test{AS_BUILT} -p tests --test storage {test} -- --nocapture"
    )
}

const CRASHES: &str = "a_crash_at_any_moment_leaves_what_was_promised";
const FLIPS: &str = "a_flipped_bit_of_any_file_is_told_repaired_or_harmless";

/// With more images than this every place and every kind of deed must be hit: they are of three lives at least, and of three
/// seeds in a row one installs a snapshot.
const MANY: u64 = 2_000;

/// Where crashes must fall: each is synced or written to in every life, or in every install.
const PLACES: [&str; 13] = [
    "VERSION",
    "VOTE",
    "log",
    "journal",
    "sm/redo",
    "sm/pages",
    "sm/CURRENT",
    "snap",
    "snap/part",
    "snap, installing",
    "sm/pages, installing",
    "sm/CURRENT, installing",
    "journal, installing",
];

/// What the images of a life came to.
#[derive(Clone, Debug, Default)]
struct Album {
    /// At syncs.
    images: u64,
    /// Between two syncs, by the kind of deed that came last.
    between: BTreeMap<&'static str, u64>,
    /// Of those, while the log was being purged.
    in_purges: u64,
    /// At syncs and between, by what was synced or changed there, and whether a snapshot was being installed.
    places: BTreeMap<String, u64>,
    with_loss: u64,
    noted: u64,
    pages_hurt: u64,
    rebuilt: u64,
}

impl Album {
    fn add(&mut self, other: Album) {
        self.images += other.images;
        for (kind, images) in other.between {
            *self.between.entry(kind).or_default() += images;
        }
        for (place, images) in other.places {
            *self.places.entry(place).or_default() += images;
        }
        self.in_purges += other.in_purges;
        self.with_loss += other.with_loss;
        self.noted += other.noted;
        self.pages_hurt += other.pages_hurt;
        self.rebuilt += other.rebuilt;
    }
}

/// Loses or tears what stands for sled.
fn hurt_pages(image: &Path, rng: &mut SmallRng) {
    for (name, path) in tests::sim::disk::list(&image.join("sm")).unwrap_or_default() {
        let pages = path.join("pages");
        if !name.starts_with("gen-") || !pages.exists() {
            continue;
        }
        match rng.random_range(0..3) {
            0 => std::fs::remove_file(&pages).expect("removed"),
            1 => std::fs::remove_dir_all(&path).expect("removed"),
            _ => {
                let bytes = std::fs::read(&pages).expect("read");
                std::fs::write(&pages, &bytes[..rng.random_range(0..=bytes.len())]).expect("cut");
            }
        }
    }
}

/// Watches a life in a folder; what is wrong with an image ends the test with the seed and the point.
fn watched(
    script: &Arc<Script>,
    root: &Path,
    album: &Path,
    seed: u64,
    test: &str,
) -> (Arc<Tracer>, Arc<parking_lot::Mutex<Album>>) {
    let counted = Arc::new(parking_lot::Mutex::new(Album::default()));
    let (count, script, spare) = (counted.clone(), script.clone(), album.join("hurt"));
    let mut chance = rng(seed, 3);
    // This life alone.
    let again = replay(seed, test, ("GONGJI_TEST_IMAGES", 1));
    let look = move |image: &Image<'_>| {
        let mut count = count.lock();
        match image.deed {
            Some(kind) => {
                *count.between.entry(kind).or_default() += 1;
                count.in_purges += u64::from(image.promised.purging);
            }
            None => count.images += 1,
        }
        // From when it is given to the state until that has said that it stands there.
        let installing = image.promised.installed > image.promised.checkpoint;
        let place = kind(image.place) + if installing { ", installing" } else { "" };
        *count.places.entry(place).or_default() += 1;
        count.with_loss += u64::from(image.loss != Default::default());
        if image.deed.is_none() && count.images.is_multiple_of(4) {
            copy_folder(image.path, &spare);
            hurt_pages(&spare, &mut chance);
            match check(&script, &spare, &image.promised, false) {
                Ok(Found { notes, .. }) => count.rebuilt += u64::from(!notes.is_empty()),
                Err(broken) => {
                    panic!("{}, sled lost or torn: {broken:?}; {:?}; {again}", image.point, image.promised)
                }
            }
            count.pages_hurt += 1;
            std::fs::remove_dir_all(&spare).expect("removed");
        }
        match check(&script, image.path, &image.promised, true) {
            Ok(Found { notes, .. }) => count.noted += u64::from(!notes.is_empty()),
            Err(broken) => panic!("{}: {broken:?}; {:?}; {again}", image.point, image.promised),
        }
    };
    let tracer = Tracer::over(root, album, 2, rng(seed, 2), Box::new(look)).expect("a tracer");
    (tracer, counted)
}

fn one_life(seed: u64, entries: u64) -> (Album, u64) {
    let mut chance = rng(seed, 1);
    let script = Arc::new(Script::random(entries, &mut chance));
    let (root, album) = (memory(), memory());
    let (tracer, counted) = watched(&script, root.path(), album.path(), seed, CRASHES);
    Life::begin(&script, tracer.clone(), root.path()).live(&mut chance);
    let count = counted.lock().clone();
    (count, tracer.points())
}

fn one_install(seed: u64) -> (Album, u64) {
    let mut chance = rng(seed, 4);
    let script = Arc::new(Script::random(40, &mut chance));
    // The sender lives unwatched.
    let (sender, root, album) = (memory(), memory(), memory());
    let quiet =
        Tracer::over(sender.path(), album.path(), 0, rng(seed, 5), Box::new(|_| {})).expect("a tracer");
    let mut source = Life::begin(&script, quiet, sender.path());
    source.vote((1, 1, true));
    source.append(30);
    source.apply();
    source.snapshot(0);
    let sent = source.state().current_snapshot().expect("read").expect("a snapshot");
    let (tracer, counted) = watched(&script, root.path(), album.path(), seed, CRASHES);
    let mut life = Life::begin(&script, tracer.clone(), root.path());
    life.vote((1, 1, true));
    for _ in 0..chance.random_range(0..4) {
        life.append(3);
        life.apply();
        if chance.random() {
            life.checkpoint();
        }
    }
    life.install(&sent.path, sent.applied.index());
    if chance.random() {
        life.restart();
    }
    life.append(4);
    life.apply();
    life.checkpoint();
    life.append(4);
    tracer.pause("the end");
    let count = counted.lock().clone();
    (count, tracer.points())
}

#[test]
fn a_crash_at_any_moment_leaves_what_was_promised() {
    let (seed, wanted) = (seed(), number_from_env("GONGJI_TEST_IMAGES", 400));
    eprintln!("seed {seed}; {}", replay(seed, CRASHES, ("GONGJI_TEST_IMAGES", wanted)));
    let started = Instant::now();
    let (mut all, mut points, mut lives) = (Album::default(), 0, 0);
    while all.images < wanted || (wanted > MANY && lives < 3) {
        // Each life by its own seed alone.
        let (album, passed) = match (seed + lives) % 3 {
            2 => one_install(seed + lives),
            _ => one_life(seed + lives, 40),
        };
        all.add(album);
        points += passed;
        lives += 1;
    }
    let took = started.elapsed().as_secs_f64();
    eprintln!(
        "{} crash images at {points} points of {lives} lives in {took:.1} s: {} had lost something, {} were repaired aloud; in {} more sled was lost or torn, {} were rebuilt; between syncs {:?}, {} in purges",
        all.images, all.with_loss, all.noted, all.pages_hurt, all.rebuilt, all.between, all.in_purges
    );
    eprintln!("crash images by what they hit: {:?}", all.places);
    assert!(all.with_loss * 4 > all.images && all.rebuilt > 0, "{all:?}: the crashes take nothing");
    let between = ["write", "rename"].iter().all(|kind| all.between.contains_key(kind));
    assert!(between, "{all:?}: none falls between two syncs");
    if wanted > MANY {
        assert!(all.between.len() == 4 && all.in_purges > 0, "{all:?}: none falls behind some kind of deeds");
        for place in PLACES {
            assert!(all.places.contains_key(place), "{all:?}: none hits {place}");
        }
    }
}

/// A state may be ahead of the end of a log that lost its power: then nothing may be in the log that it overruled.
#[test]
fn what_a_new_leader_overrules_does_not_come_back() {
    let script = Arc::new(Script::random(10, &mut rng(1, 1)));
    let (root, album) = (memory(), memory());
    let name = "what_a_new_leader_overrules_does_not_come_back";
    let (tracer, counted) = watched(&script, root.path(), album.path(), 1, name);
    let mut life = Life::begin(&script, tracer.clone(), root.path());
    life.vote((1, 1, true));
    life.append(3);
    life.apply();
    life.conflict(2);
    life.append(1);
    life.apply();
    life.checkpoint();
    tracer.pause("the end");
    assert!(counted.lock().with_loss > 0, "nothing was lost");
}

/// After kill -9 a log holds what was written and never synced. It is read like the rest, so it must be durable before a
/// vote is copied from it or a leader is told that an entry is there.
#[test]
fn what_an_earlier_life_wrote_is_durable_before_anything_rests_on_it() {
    let script = Arc::new(Script::random(10, &mut rng(1, 1)));
    let (root, spare) = (memory(), memory());
    let tracer = Tracer::over(root.path(), spare.path(), 0, rng(1, 2), Box::new(|_| {})).expect("a tracer");
    let mut life = Life::begin(&script, tracer, root.path());
    life.vote((1, 1, true));
    life.append(5);
    drop(life);
    std::fs::remove_file(root.path().join("VOTE")).expect("removed");
    let synced = tests::storage::life::synced_by_opening_its_log(root.path());
    let place = |name: &str| synced.iter().position(|path| path.to_string_lossy().contains(name));
    let (log, vote) = (place(".wal"), place("VOTE"));
    assert!(log.is_some() && vote.is_some() && log < vote, "{synced:?}");
    assert!(synced.iter().any(|path| path.ends_with("log")), "its names: {synced:?}");
}

/// A follower loses entries of a newer term, and gets older ones in their place: by their ids they come before what a closed
/// file of the log ended with, and raft-log takes them for entries of that file.
#[tokio::test]
async fn entries_of_an_older_term_than_those_that_were_cut_off_are_read() {
    let script = Script::random(40, &mut rng(1, 1));
    let filled = (1..=script.last()).find(|index| script.step(*index).batch.is_some()).expect("a batch");
    let of_term = |term: u64, index: u64| {
        let payload = entry(&script, 1, filled).payload;
        openraft::Entry { log_id: log_id(term, index), payload }
    };
    let root = memory();
    let folder = root.path().join("log");
    let files = || std::fs::read_dir(&folder).expect("a folder").count();
    let settings = LogSettings { cache_bytes: 1 << 10, chunk_bytes: 8 << 10 };
    let mut log = LogStore::open(&folder, NODE, settings).expect("the log opens");
    for index in 0..3 {
        log.append([of_term(1, index)], IOFlushed::noop()).await.expect("appended");
    }
    let (mut next, first) = (3, files());
    while files() == first {
        log.append([of_term(2, next)], IOFlushed::noop()).await.expect("appended");
        next += 1;
    }
    log.truncate_after(Some(log_id(1, 2))).await.expect("cut");
    let (mut next, second) = (3, files());
    while files() == second {
        log.append([of_term(1, next)], IOFlushed::noop()).await.expect("appended");
        next += 1;
        let read = log.try_get_log_entries(0..next).await.expect("read");
        assert_eq!(read.len() as u64, next);
    }
    assert!(next > 6, "too few for a file");
    log.append([of_term(3, next)], IOFlushed::noop()).await.expect("appended");
    drop(log);
    let mut log = LogStore::open(&folder, NODE, settings).expect("the log opens again");
    let read = log.try_get_log_entries(0..next + 1).await.expect("read");
    assert!(read.iter().map(|entry| entry.log_id.index).eq(0..=next));
}

/// A life without images; its folder, and what it promised.
fn at_rest(script: &Arc<Script>, root: &Path, seed: u64) -> Promised {
    let spare = memory();
    let tracer = Tracer::over(root, spare.path(), 0, rng(seed, 2), Box::new(|_| {})).expect("a tracer");
    let mut chance = rng(seed, 1);
    let mut life = Life::begin(script, tracer.clone(), root);
    life.live_quietly(&mut chance);
    tracer.promised()
}

#[test]
fn a_flipped_bit_of_any_file_is_told_repaired_or_harmless() {
    let (seed, wanted) = (seed(), number_from_env("GONGJI_TEST_FLIPS", 600));
    let replay = replay(seed, FLIPS, ("GONGJI_TEST_FLIPS", wanted));
    eprintln!("seed {seed}; {replay}");
    let started = Instant::now();
    let mut all: BTreeMap<String, Fates> = BTreeMap::new();
    let lives = 6;
    for life in 0..lives {
        let script = Arc::new(Script::random(40, &mut rng(seed + life, 1)));
        let (root, album) = (memory(), memory());
        let promised = at_rest(&script, root.path(), seed + life);
        check(&script, root.path(), &promised, true).unwrap_or_else(|broken| panic!("undamaged: {broken:?}"));
        let whole: PathBuf = album.path().join("whole");
        copy_folder(root.path(), &whole);
        let flipped =
            flip(&script, &whole, album.path(), &promised, wanted / lives, &mut rng(seed, 9 + life));
        for (kind, fates) in flipped.unwrap_or_else(|what| panic!("{what}; {promised:?}; {replay}")) {
            let sum = all.entry(kind).or_default();
            sum.told += fates.told;
            sum.repaired += fates.repaired;
            sum.harmless += fates.harmless;
        }
    }
    eprintln!("{wanted} flipped bits in {:.1} s:", started.elapsed().as_secs_f64());
    for (kind, fates) in &all {
        eprintln!("  {kind}: {} told, {} repaired, {} harmless", fates.told, fates.repaired, fates.harmless);
    }
    for kind in ["log", "journal", "snap", "sm/pages", "sm/CURRENT", "VERSION", "VOTE"] {
        let fates = all.get(kind).copied().unwrap_or_default();
        assert!(fates.told + fates.repaired > 0, "no flip in {kind} was noticed: {fates:?}");
    }
    assert!(started.elapsed() < Duration::from_secs(3_600));
}

/// The hole that the second copy closes: one bit makes the last record, a vote, look like one that was cut short.
#[test]
fn a_last_vote_that_a_flipped_bit_hides_is_told_because_of_its_copy() {
    let script = Arc::new(Script::random(10, &mut rng(1, 1)));
    let (root, album, spare) = (memory(), memory(), memory());
    let tracer = Tracer::over(root.path(), spare.path(), 0, rng(1, 2), Box::new(|_| {})).expect("a tracer");
    let mut life = Life::begin(&script, tracer.clone(), root.path());
    life.vote((1, 1, true));
    life.append(5);
    life.apply();
    life.vote((9, 1, false));
    drop(life);
    let promised = tracer.promised();
    let hurt = |name: &str| {
        let hurt = album.path().join(name);
        copy_folder(root.path(), &hurt);
        let logs = tests::sim::disk::list(&hurt.join("log")).expect("a log");
        let (_, newest) = logs.iter().rfind(|(name, _)| name.ends_with(".wal")).expect("a file of the log");
        let mut bytes = std::fs::read(newest).expect("read");
        // Type 4, vote 17, checksum 8: what was a vote is now an entry.
        let place = bytes.len() - 26;
        assert_eq!(bytes[place - 3..=place], [0; 4], "the type of a vote");
        bytes[place] ^= 1;
        std::fs::write(newest, bytes).expect("written");
        hurt
    };
    let told = check(&script, &hurt("with"), &promised, true).expect_err("it is damaged");
    assert!(matches!(&told, Broken::Told { said, .. } if said.contains("VOTE")), "{told:?}");
    let alone = hurt("without");
    std::fs::remove_file(alone.join("VOTE")).expect("removed");
    let served = check(&script, &alone, &promised, true).expect_err("it is damaged");
    assert!(matches!(&served, Broken::Silent(what) if what.contains("the vote is")), "{served:?}");
}
