//! Opening: from whatever a crash, a bad disk or an operator left behind to a state that is known to be whole.
//!
//! sled can come back stale, rolled back, with lost keys, or hang. So a generation is opened in a thread of its own, watched for
//! progress, and believed only if the digest over all its records is the one that its marker names. On any doubt it is moved to
//! `quarantine/`, loudly, and the newest snapshot is loaded into a new generation; the log replays the rest.

use crate::fault::Fault;
use crate::host;
use crate::state::checkpoint::{self, claimed, mark, redo_path};
use crate::state::files;
use crate::state::snapshot::{self, Snapshot};
use crate::state::store::Store;
use crate::state::{Applied, StateSettings, Steps};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// Quarantined generations that are kept; older ones are removed.
const QUARANTINE_MOST: usize = 4;
/// How long another holder of the same database, perhaps just closing, is waited for.
const BUSY_WAIT: Duration = Duration::from_secs(10);
/// sled needs a while before it shows progress: it reads its whole file first.
const BYTES_PER_STALL: u64 = 1 << 30;
const REBUILT: &str = "rebuilt from the newest snapshot and the log";

/// What opening gives.
pub(crate) struct Recovered {
    pub(crate) store: Arc<Store>,
    pub(crate) applied: Applied,
    pub(crate) snapshots: Vec<Snapshot>,
}

/// Opens the state below a data directory.
pub(crate) fn open(
    dir: &Path,
    settings: &StateSettings,
    notes: &mut Vec<String>,
) -> Result<Recovered, Fault> {
    for folder in ["snap", "sm", "quarantine"] {
        files::make_dir(&dir.join(folder))?;
    }
    let snapshots = snapshot::list(&dir.join("snap"), settings.cluster)?;
    let current = current(dir)?;
    // Without CURRENT a generation is one whose building was cut off, or CURRENT has been lost.
    let doubtful = matches!(current, Current::None);
    let kept = match current {
        Current::None => {
            if !snapshots.is_empty() {
                let sm = dir.join("sm");
                notes.push(format!("{}/ is gone: {REBUILT}", sm.display()));
            }
            None
        }
        Current::Damaged(what) => {
            notes.push(format!("{} {what}: {REBUILT}", dir.join("sm").join("CURRENT").display()));
            None
        }
        Current::Generation(number) => match believe(dir, number, settings) {
            Ok(kept) => Some(kept),
            Err(Doubt::Fault(fault)) => return Err(fault),
            Err(Doubt::Rebuild(why)) => {
                let place = generation_dir(dir, number);
                notes.push(format!("{} is not believed ({why}): {REBUILT}", place.display()));
                None
            }
        },
    };
    let newest = snapshots.first();
    let (store, applied) = match (kept, newest) {
        (Some((store, applied)), Some(newest)) if applied.index() < newest.applied.index() => {
            // An install was cut off, or sled came back older but whole: the log may have been purged up to the snapshot.
            notes.push(format!(
                "{} stands at {} and {} at {}: rebuilt from the snapshot",
                store.dir().display(),
                applied.index(),
                newest.path.display(),
                newest.applied.index()
            ));
            drop(store);
            build(dir, Some(newest), settings)?
        }
        (Some(kept), _) => kept,
        (None, newest) => build(dir, newest, settings)?,
    };
    for note in notes.iter() {
        tracing::error!(dir = %dir.display(), "{note}");
    }
    tidy(dir, store.number(), doubtful || !notes.is_empty())?;
    Ok(Recovered { store: Arc::new(store), applied, snapshots })
}

/// The folder of a generation.
pub(crate) fn generation_dir(dir: &Path, number: u64) -> PathBuf {
    dir.join("sm").join(format!("gen-{number}"))
}

/// A number that no generation has or had, in quarantine included: a path of sled's is never used twice.
pub(crate) fn next_number(dir: &Path) -> Result<u64, Fault> {
    let mut highest = 0;
    for folder in ["sm", "quarantine"] {
        for (name, _) in files::list(&dir.join(folder))? {
            highest = highest.max(number_of(&name).unwrap_or(0));
        }
    }
    Ok(highest + 1)
}

/// Builds a new generation from a snapshot, or empty, durable but not current yet.
pub(crate) fn generation(
    dir: &Path,
    from: Option<&Path>,
    settings: &StateSettings,
) -> Result<(Store, Applied), Fault> {
    let number = next_number(dir)?;
    let place = generation_dir(dir, number);
    files::make_dir(&place)?;
    let store = Store::open(&place, number, settings.store_cache_bytes)?;
    let applied = match from {
        Some(path) => snapshot::load(path, settings.cluster, &store)?,
        None => Applied::default(),
    };
    store.sync()?;
    mark(&store, &applied)?;
    Ok((store, applied))
}

/// Makes a generation the current one: the moment at which a rebuild or an install counts.
pub(crate) fn make_current(dir: &Path, number: u64) -> Result<(), Fault> {
    let name = format!("gen-{number}");
    let text = format!("{name} {:08x}\n", crc32fast::hash(name.as_bytes()));
    files::replace(&dir.join("sm").join("CURRENT"), text.as_bytes())
}

fn build(dir: &Path, from: Option<&Snapshot>, settings: &StateSettings) -> Result<(Store, Applied), Fault> {
    let (store, applied) = generation(dir, from.map(|snapshot| snapshot.path.as_path()), settings)?;
    settings.steps.at("generation built");
    make_current(dir, store.number())?;
    settings.steps.at("generation current");
    Ok((store, applied))
}

pub(crate) enum Current {
    None,
    Damaged(&'static str),
    Generation(u64),
}

pub(crate) fn current(dir: &Path) -> Result<Current, Fault> {
    let Some(bytes) = files::read(&dir.join("sm").join("CURRENT"))? else {
        return Ok(Current::None);
    };
    let text = String::from_utf8_lossy(&bytes);
    let Some((name, crc)) = text.strip_suffix('\n').and_then(|line| line.split_once(' ')) else {
        return Ok(Current::Damaged("is not one line"));
    };
    let Some(number) = number_of(name).filter(|_| format!("{:08x}", crc32fast::hash(name.as_bytes())) == crc)
    else {
        return Ok(Current::Damaged("has a wrong checksum"));
    };
    if !generation_dir(dir, number).is_dir() {
        return Ok(Current::Damaged("names a generation that is gone"));
    }
    Ok(Current::Generation(number))
}

fn number_of(name: &str) -> Option<u64> {
    name.strip_prefix("gen-")?.split('.').next()?.parse().ok()
}

enum Doubt {
    /// Not a doubt about the data: the node cannot go on.
    Fault(Fault),
    Rebuild(String),
}

/// Opens a generation where it can do no harm, and believes it only if its digest is right.
fn believe(dir: &Path, number: u64, settings: &StateSettings) -> Result<(Store, Applied), Doubt> {
    let place = generation_dir(dir, number);
    let progress = Arc::new(AtomicU64::new(0));
    if host::is_simulated() {
        return examine(&place, number, settings.store_cache_bytes, &progress, &settings.steps);
    }
    let (report, result) = channel();
    let thread = {
        let (place, progress, steps) = (place.clone(), progress.clone(), settings.steps.clone());
        let cache = settings.store_cache_bytes;
        std::thread::Builder::new().name("open-state".into()).spawn(move || {
            let opened = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                examine(&place, number, cache, &progress, &steps)
            }));
            // If nobody waits any more, the generation was given up as hanging.
            let _ = report.send(opened.unwrap_or_else(|_| Err(Doubt::Rebuild("sled panicked".into()))));
        })
    };
    thread.map_err(|e| Doubt::Fault(Fault::io("start thread", &place, e)))?;
    let patience = settings.open_stall * (1 + (files::tree_bytes(&place) / BYTES_PER_STALL) as u32);
    let mut seen = 0;
    let mut moved = Instant::now();
    loop {
        match result.recv_timeout(Duration::from_millis(200)) {
            Ok(opened) => return opened,
            Err(RecvTimeoutError::Disconnected) => return Err(Doubt::Rebuild("its thread ended".into())),
            Err(RecvTimeoutError::Timeout) => {
                let now = progress.load(Ordering::Relaxed);
                if now != seen {
                    (seen, moved) = (now, Instant::now());
                } else if moved.elapsed() > patience {
                    return Err(Doubt::Rebuild(format!("no progress for {} s", patience.as_secs())));
                }
            }
        }
    }
}

fn examine(
    place: &Path,
    number: u64,
    cache: u64,
    progress: &AtomicU64,
    steps: &Steps,
) -> Result<(Store, Applied), Doubt> {
    let doubt = |fault: Fault| Doubt::Rebuild(fault.to_string());
    let mut step = || {
        progress.fetch_add(1, Ordering::Relaxed);
    };
    let started = Instant::now();
    let store = loop {
        match Store::open(place, number, cache) {
            Ok(store) => break store,
            Err(fault) if Store::is_busy(&fault) && started.elapsed() < BUSY_WAIT => {
                step();
                std::thread::sleep(Duration::from_millis(50));
            }
            Err(fault) if Store::is_busy(&fault) => return Err(Doubt::Fault(fault)),
            Err(fault) => return Err(doubt(fault)),
        }
    };
    let redo = redo_path(place);
    let mut applied = claimed(&store).map_err(Doubt::Rebuild)?;
    // The directory of pages is filled by a survey, and writing needs it.
    let (mut digest, _) = store.survey(&mut step).map_err(doubt)?;
    if redo.exists() {
        match checkpoint::verify_redo(&redo) {
            Ok(head) if head.generation == number && head.base == applied.log.map(|log| log.index) => {
                applied = checkpoint::redo(&store, &redo, steps).map_err(doubt)?;
                (digest, _) = store.survey(&mut step).map_err(doubt)?;
            }
            // Written already; or damaged, and then the digest tells whether any of it had been written.
            Ok(_) => {}
            Err(fault) => tracing::warn!(%fault, "a redo file is left out"),
        }
    }
    if digest != applied.digest {
        return Err(Doubt::Rebuild(format!(
            "its records do not have the digest of index {}",
            applied.index()
        )));
    }
    files::remove(&redo).map_err(Doubt::Fault)?;
    Ok((store, applied))
}

/// Moves every generation but the current one out of the way, and keeps the quarantine small.
fn tidy(dir: &Path, number: u64, doubtful: bool) -> Result<(), Fault> {
    let keep = format!("gen-{number}");
    let quarantine = dir.join("quarantine");
    for (name, path) in files::list(&dir.join("sm"))? {
        if name == keep || name == "CURRENT" || name == format!("{keep}.redo") {
            continue;
        }
        match number_of(&name) {
            // Evidence of a doubt is kept; what a cut-off build or a finished install left over is not.
            Some(_) if doubtful => files::rename(&path, &quarantine.join(&name))?,
            _ if path.is_dir() => {
                std::fs::remove_dir_all(&path).map_err(|e| Fault::io("remove folder", &path, e))?
            }
            _ => files::remove(&path)?,
        }
    }
    let mut kept: Vec<(u64, PathBuf)> = files::list(&quarantine)?
        .into_iter()
        .filter_map(|(name, path)| number_of(&name).filter(|_| path.is_dir()).map(|number| (number, path)))
        .collect();
    kept.sort();
    let surplus = kept.len().saturating_sub(QUARANTINE_MOST);
    for (_, path) in kept.drain(..surplus) {
        tracing::warn!(path = %path.display(), "removing the oldest quarantined generation");
        std::fs::remove_dir_all(&path).map_err(|e| Fault::io("remove folder", &path, e))?;
    }
    Ok(())
}
