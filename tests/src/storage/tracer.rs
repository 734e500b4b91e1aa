//! Hears of every sync of a storage, and of what is done between two, and looks at what a crash there would leave.

use crate::sim::disk::{Disk, Left, Loss};
use crate::storage::deeds::{Gap, Listener};
use futures::future::BoxFuture;
use node::host::{Host, Synced};
use parking_lot::Mutex;
use rand::Rng;
use rand::rngs::SmallRng;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The vote that was saved: term, node, committed.
pub type VoteSaved = (u64, u64, bool);

/// What the storage has promised, and what is under way.
#[derive(Clone, Debug, Default)]
pub struct Promised {
    /// The last vote that was acknowledged, and one that may be there.
    pub vote: Option<VoteSaved>,
    /// A vote that is being saved.
    pub vote_coming: Option<VoteSaved>,
    /// Everything in the log up to here is synced.
    pub synced: u64,
    /// Everything up to here was handed to the log.
    pub written: u64,
    /// From here on the log may hold entries that a new leader takes away.
    pub conflict: Option<u64>,
    /// They were taken away, which the next sync of the log makes durable.
    pub cut: bool,
    /// No entry behind this was applied.
    pub applied: u64,
    /// The log may have been purged up to here.
    pub purged: u64,
    /// The log is being purged: it unlinks files behind a sync of its own, so nothing before that can be lost any more.
    pub purging: bool,
    /// The state was at least here when a checkpoint ended last.
    pub checkpoint: u64,
    /// Entries up to here came by a snapshot.
    pub installed: u64,
}

/// What a crash left, and where it happened.
pub struct Image<'a> {
    /// The folder.
    pub path: &'a Path,
    /// The point: its number, and whether the sync there was lost or done.
    pub point: String,
    /// What must hold.
    pub promised: Promised,
    /// What the crash took.
    pub loss: Loss,
    /// The kind of deed that it fell behind, or into, where it was not at a sync.
    pub deed: Option<&'static str>,
    /// What is synced there, or what the deed was done to, within the storage; empty for the folder itself.
    pub place: &'a Path,
}

/// Takes an image.
pub type Look = Box<dyn FnMut(&Image<'_>) + Send>;

/// A host on which nothing runs but what is called, and whose syncs are points at which the power may be cut.
pub struct Tracer {
    inner: Mutex<Inner>,
}

struct Inner {
    root: PathBuf,
    disk: Disk,
    album: PathBuf,
    rng: SmallRng,
    promised: Promised,
    look: Option<Look>,
    /// Hears of what is done between points; not when no images of it are wanted.
    listener: Option<Listener>,
    /// Images of chance at each side of a point, and between two.
    chances: u32,
    points: u64,
    /// What a random number comes from.
    next: u64,
}

impl Tracer {
    /// Over a folder; images are put into another.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn over(
        root: &Path,
        album: &Path,
        chances: u32,
        rng: SmallRng,
        look: Look,
    ) -> io::Result<Arc<Tracer>> {
        let inner = Inner {
            root: root.to_path_buf(),
            disk: Disk::settled(root)?,
            album: album.to_path_buf(),
            rng,
            promised: Promised::default(),
            look: Some(look),
            listener: (chances > 0).then(|| Listener::to(root)).transpose()?,
            chances,
            points: 0,
            next: 0,
        };
        Ok(Arc::new(Tracer { inner: Mutex::new(inner) }))
    }

    /// Notes what is promised, or under way.
    pub fn promise(&self, note: impl FnOnce(&mut Promised)) {
        let mut inner = self.inner.lock();
        // What was done so far was done under the promises so far.
        inner.between();
        note(&mut inner.promised);
    }

    /// What is promised now.
    pub fn promised(&self) -> Promised {
        self.inner.lock().promised.clone()
    }

    /// How many points there were.
    pub fn points(&self) -> u64 {
        self.inner.lock().points
    }

    /// Takes images of how it is now.
    pub fn pause(&self, name: &str) {
        let mut inner = self.inner.lock();
        inner.reach();
        inner.images(name, Path::new(""));
    }
}

impl Inner {
    /// Comes to a point.
    fn reach(&mut self) {
        self.between();
        self.points += 1;
    }

    /// Takes images of some moments since the last point: behind a deed, or in the middle of a write.
    fn between(&mut self) {
        let Some(listener) = &mut self.listener else { return };
        let gap = listener.look().expect("the folder is looked at");
        let Some(mut look) = self.look.take() else { return };
        // Behind the last deed is the next point, but it is not in the middle of it.
        // Purges are few, and have no points within.
        let most = if self.promised.purging { 4 * self.chances } else { self.chances };
        for _ in 0..most.min(gap.deeds.len() as u32) {
            let (done, in_part) = (self.rng.random_range(1..=gap.deeds.len()), self.rng.random());
            self.image_between(&gap, done, in_part, &mut look);
        }
        self.look = Some(look);
    }

    fn image_between(&mut self, gap: &Gap, done: usize, in_part: bool, look: &mut Look) {
        let path = self.album.join("image");
        if gap.image(done, in_part, &path, &mut self.rng).expect("an image") {
            let (last, all) = (&gap.deeds[done - 1], gap.deeds.len());
            let cut = if in_part { ", in part" } else { "" };
            let point = format!("behind point {}, deed {done} of {all} ({last}{cut})", self.points);
            let promised = self.promised.clone();
            let (deed, place) = (Some(last.kind()), last.path());
            look(&Image { path: &path, point, promised, loss: Loss::default(), deed, place });
            std::fs::remove_dir_all(&path).expect("an image is removed");
        }
    }

    /// Where a sync is, within the folder: nowhere if it is that of the parent, whose new entry the folder is.
    fn place<'a>(&self, path: &'a Path) -> &'a Path {
        path.strip_prefix(&self.root).unwrap_or(Path::new(""))
    }

    fn images(&mut self, name: &str, place: &Path) {
        let Some(mut look) = self.look.take() else { return };
        let chances = if self.promised.purging { 0 } else { self.chances };
        let lefts = [Left::All, Left::Nothing].into_iter().chain((0..chances).map(|_| Left::Chance));
        let lefts = lefts.filter(|left| !self.promised.purging || *left == Left::All).collect::<Vec<_>>();
        for left in lefts {
            let path = self.album.join("image");
            let loss = self.disk.image_left(&path, left, &mut self.rng).expect("the disk is copied");
            let point = format!("point {} ({name}), {left:?}", self.points);
            look(&Image { path: &path, point, promised: self.promised.clone(), loss, deed: None, place });
            std::fs::remove_dir_all(&path).expect("an image is removed");
        }
        self.look = Some(look);
    }
}

impl Host for Tracer {
    fn spawn(&self, _task: BoxFuture<'static, ()>) -> u64 {
        unreachable!("storage starts no tasks")
    }

    fn abort(&self, _task: u64) {}

    fn random(&self) -> u64 {
        let mut inner = self.inner.lock();
        inner.next += 1;
        inner.next
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        let mut inner = self.inner.lock();
        inner.reach();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let place = inner.place(path);
        inner.images(&format!("before the sync of {name}"), place);
        inner.disk.sync(path)?;
        inner.images(&format!("after the sync of {name}"), place);
        Ok(())
    }

    fn sync_log(&self, folder: &Path, done: Synced) {
        let mut inner = self.inner.lock();
        inner.reach();
        let place = inner.place(folder);
        inner.images("before the sync of the log", place);
        let synced = Disk::log_marks(folder).and_then(|marks| inner.disk.log_synced(folder, &marks));
        if synced.is_ok() {
            inner.promised.synced = inner.promised.written;
            if inner.promised.cut {
                (inner.promised.conflict, inner.promised.cut) = (None, false);
            }
        }
        inner.images("after the sync of the log", place);
        drop(inner);
        done(synced);
    }
}

/// A host for opening an image: nothing is lost there. It remembers what was synced.
#[derive(Default)]
pub struct Calm(pub Mutex<Vec<PathBuf>>);

impl Host for Calm {
    fn spawn(&self, _task: BoxFuture<'static, ()>) -> u64 {
        unreachable!("storage starts no tasks")
    }

    fn abort(&self, _task: u64) {}

    fn random(&self) -> u64 {
        7
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        self.0.lock().push(path.to_path_buf());
        Ok(())
    }

    fn sync_log(&self, _folder: &Path, done: Synced) {
        done(Ok(()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::floor::rng;
    use std::fs;

    /// Replaces a file many times, and tells of its syncs; gives how many images lack it, at syncs and between.
    fn lacking(replace: impl Fn(&Path, &Path)) -> (u32, u32) {
        let (root, album) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let (file, new) = (root.path().join("CURRENT"), root.path().join("tmp"));
        fs::write(&file, b"gen-1").expect("written");
        let lacking = Arc::new(Mutex::new((0, 0)));
        let counted = lacking.clone();
        let look = move |image: &Image<'_>| {
            let lacks = u32::from(!image.path.join("CURRENT").exists());
            let mut counted = counted.lock();
            match image.deed {
                None => counted.0 += lacks,
                Some(_) => counted.1 += lacks,
            }
        };
        let tracer = Tracer::over(root.path(), album.path(), 2, rng(7, 2), Box::new(look)).expect("a tracer");
        for _ in 0..20 {
            fs::write(&new, b"gen-2").expect("written");
            tracer.sync(&new).expect("synced");
            replace(&new, &file);
            tracer.sync(root.path()).expect("synced");
        }
        *lacking.lock()
    }

    #[test]
    fn a_moment_that_no_sync_sees_is_seen() {
        assert_eq!(lacking(|new, file| fs::rename(new, file).expect("renamed")), (0, 0));
        let planted = lacking(|new, file| {
            fs::remove_file(file).expect("removed");
            fs::rename(new, file).expect("renamed");
        });
        assert!(planted.0 == 0 && planted.1 > 0, "{planted:?}");
    }
}
