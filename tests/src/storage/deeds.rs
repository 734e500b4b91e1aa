//! Hears of every write, new name, rename and removal in a folder, in their order, and puts together what there was between
//! two of them: what kill -9 leaves there, or a power cut on a disk that keeps the order.
//!
//! The system tells (inotify) which file was written to, and not how much: of a file with more writes to come, any part of
//! what they bring may be there. What is heard must lead from what was there to what is there, else it is worth nothing.

use rand::Rng;
use rand::rngs::SmallRng;
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What was done to a folder. Paths are relative to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Something was written to a file, or it was cut.
    Write(PathBuf),
    /// A file or folder came to be, empty.
    New(PathBuf),
    /// It has another name, and what had that name is gone.
    Rename(PathBuf, PathBuf),
    /// It is gone.
    Remove(PathBuf),
}

impl Deed {
    /// Its kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Deed::Write(_) => "write",
            Deed::New(_) => "new name",
            Deed::Rename(..) => "rename",
            Deed::Remove(_) => "removal",
        }
    }

    /// What it was done to, as it is called behind it.
    pub fn path(&self) -> &Path {
        match self {
            Deed::Write(path) | Deed::New(path) | Deed::Rename(_, path) | Deed::Remove(path) => path,
        }
    }
}

impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Deed::Write(path) | Deed::New(path) | Deed::Remove(path) => {
                write!(f, "{} of {}", self.kind(), path.display())
            }
            Deed::Rename(from, to) => write!(f, "rename of {} to {}", from.display(), to.display()),
        }
    }
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Thing {
    Folder,
    /// By its inode.
    File(u64),
    /// It came to be since the last look: the deed that made it.
    Fresh(usize),
}

type Names = BTreeMap<PathBuf, Thing>;

/// By inode.
type Files = BTreeMap<u64, Held>;

/// A file that is open, so that it can be read when it has no name any more; and how long it was at the last look.
struct Held {
    file: File,
    length: u64,
}

/// What is there.
struct Moment {
    names: Names,
    held: Files,
    /// Of all files that have a name now or had one at the last look, by inode.
    contents: BTreeMap<u64, Vec<u8>>,
}

/// A folder that is listened to.
pub struct Listener {
    root: PathBuf,
    ears: OwnedFd,
    /// Folders by watch.
    watched: BTreeMap<i32, PathBuf>,
    names: Names,
    held: Files,
}

/// What was done between two looks.
pub struct Gap {
    /// In order.
    pub deeds: Vec<Deed>,
    /// The names behind each of them, from none to all.
    names: Vec<Names>,
    files: BTreeMap<Thing, Filled>,
}

/// A file in a gap.
struct Filled {
    bytes: Vec<u8>,
    /// How long it was before.
    before: usize,
    /// The deeds that wrote to it.
    writes: Vec<usize>,
}

impl Listener {
    /// Listens to a folder from now on.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn to(root: &Path) -> io::Result<Listener> {
        let ears = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        let (watched, names, held) = Default::default();
        let mut listener = Listener { root: root.to_path_buf(), ears, watched, names, held };
        listener.watch()?;
        (listener.names, listener.held) = listener.scan()?;
        Ok(listener)
    }

    /// What was done since the last look.
    ///
    /// # Panics
    /// If what was heard does not lead to what is there.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn look(&mut self) -> io::Result<Gap> {
        let (mut deeds, Moment { names: now, held, mut contents }) = self.still()?;
        let mut names = vec![self.names.clone()];
        for (number, deed) in deeds.iter().enumerate() {
            names.push(after(names.last().expect("the first"), deed, number));
        }
        // What came to be in a new folder, before it was listened to.
        for path in now.keys() {
            let last = names.last().expect("the first");
            if !last.contains_key(path) {
                let deed = Deed::New(path.clone());
                names.push(after(last, &deed, deeds.len()));
                deeds.push(deed);
            }
        }
        let last = names.last().expect("the first").clone();
        let paths = |names: &Names| names.keys().cloned().collect::<Vec<_>>();
        assert_eq!(paths(&last), paths(&now), "what is there does not come of {deeds:?}");
        // A fresh thing is what bears its last name now; what no name is left of cannot be read.
        let known: BTreeMap<Thing, Thing> =
            last.into_iter().map(|(path, thing)| (thing, now[&path])).collect();
        for thing in names.iter_mut().flat_map(|names| names.values_mut()) {
            if matches!(thing, Thing::Fresh(_)) {
                *thing = known.get(thing).copied().unwrap_or(*thing);
            }
        }
        let mut files = BTreeMap::new();
        let things: BTreeSet<Thing> = names.iter().flat_map(|names| names.values().copied()).collect();
        for thing in things {
            let Thing::File(inode) = thing else { continue };
            let before = self.held.get(&inode).map_or(0, |held| held.length as usize);
            let bytes = contents.remove(&inode).expect("it had a name at one of the looks");
            let writes = deeds.iter().enumerate().filter(|(number, deed)| match deed {
                Deed::Write(path) => names[*number].get(path) == Some(&thing),
                Deed::New(_) | Deed::Rename(..) | Deed::Remove(_) => false,
            });
            let writes = writes.map(|(number, _)| number).collect();
            files.insert(thing, Filled { bytes, before, writes });
        }
        (self.names, self.held) = (now, held);
        Ok(Gap { deeds, names, files })
    }

    /// What was done, and what is there. Threads of their own write, so it is looked at again until nothing was done meanwhile.
    fn still(&mut self) -> io::Result<(Vec<Deed>, Moment)> {
        let mut deeds = self.heard()?;
        loop {
            let there = self.watch().and_then(|()| self.there());
            let meanwhile = self.heard()?;
            match there {
                Ok(moment) if meanwhile.is_empty() => return Ok((deeds, moment)),
                Err(problem) if problem.kind() != io::ErrorKind::NotFound => return Err(problem),
                _ => deeds.extend(meanwhile),
            }
        }
    }

    /// What is there.
    fn there(&self) -> io::Result<Moment> {
        let (names, held) = self.scan()?;
        let mut contents = BTreeMap::new();
        for (inode, Held { file, .. }) in self.held.iter().chain(&held) {
            let (mut file, mut bytes) = (file, Vec::new());
            file.seek(SeekFrom::Start(0))?;
            file.read_to_end(&mut bytes)?;
            contents.insert(*inode, bytes);
        }
        Ok(Moment { names, held, contents })
    }

    /// Takes in what the system tells.
    fn heard(&mut self) -> io::Result<Vec<Deed>> {
        let mut deeds = Vec::new();
        let mut room = [MaybeUninit::uninit(); 16 << 10];
        let mut reader = inotify::Reader::new(self.ears.as_fd(), &mut room);
        let mut from: Option<(u32, PathBuf)> = None;
        loop {
            let event = match reader.next() {
                Ok(event) => event,
                Err(Errno::WOULDBLOCK) => {
                    deeds.extend(from.map(|(_, old)| Deed::Remove(old)));
                    return Ok(deeds);
                }
                Err(problem) => return Err(problem.into()),
            };
            let what = event.events();
            // It went to where nobody listens yet: a new folder.
            if let Some((_, old)) = from.take_if(|(cookie, _)| *cookie != event.cookie()) {
                deeds.push(Deed::Remove(old));
            }
            assert!(!what.contains(ReadFlags::QUEUE_OVERFLOW), "too much was done between two looks");
            if what.contains(ReadFlags::IGNORED) {
                self.watched.remove(&event.wd());
                continue;
            }
            let Some(folder) = self.watched.get(&event.wd()) else { continue };
            let name = event.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let path = folder.join(name);
            if what.contains(ReadFlags::MODIFY) {
                deeds.push(Deed::Write(path));
            } else if what.contains(ReadFlags::CREATE) {
                deeds.push(Deed::New(path));
            } else if what.contains(ReadFlags::DELETE) {
                deeds.push(Deed::Remove(path));
            } else if what.contains(ReadFlags::MOVED_FROM) {
                from = Some((event.cookie(), path));
            } else if what.contains(ReadFlags::MOVED_TO) {
                let Some((_, old)) = from.take() else {
                    deeds.push(Deed::New(path));
                    continue;
                };
                for folder in self.watched.values_mut() {
                    if let Ok(rest) = folder.strip_prefix(&old) {
                        *folder = path.join(rest);
                    }
                }
                deeds.push(Deed::Rename(old, path));
            }
        }
    }

    /// Listens to folders that are new.
    fn watch(&mut self) -> io::Result<()> {
        let all = WatchFlags::CREATE | WatchFlags::MODIFY | WatchFlags::DELETE | WatchFlags::MOVE;
        let mut folders = vec![PathBuf::new()];
        while let Some(folder) = folders.pop() {
            let place = self.root.join(&folder);
            let number = inotify::add_watch(&self.ears, &place, all | WatchFlags::ONLYDIR)?;
            self.watched.insert(number, folder.clone());
            for entry in fs::read_dir(&place)? {
                let entry = entry?;
                if entry.file_type()?.is_dir() {
                    folders.push(folder.join(entry.file_name()));
                }
            }
        }
        Ok(())
    }

    fn scan(&self) -> io::Result<(Names, Files)> {
        let (mut names, mut held) = (Names::new(), BTreeMap::new());
        let mut folders = vec![PathBuf::new()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(self.root.join(&folder))? {
                let entry = entry?;
                let (path, meta) = (folder.join(entry.file_name()), entry.metadata()?);
                if meta.is_dir() {
                    folders.push(path.clone());
                    names.insert(path, Thing::Folder);
                } else {
                    let file = File::open(entry.path())?;
                    held.insert(meta.ino(), Held { file, length: meta.len() });
                    names.insert(path, Thing::File(meta.ino()));
                }
            }
        }
        Ok((names, held))
    }
}

/// The names behind a deed.
fn after(names: &Names, deed: &Deed, number: usize) -> Names {
    let mut names = names.clone();
    match deed {
        Deed::Write(_) => {}
        Deed::New(path) => drop(names.insert(path.clone(), Thing::Fresh(number))),
        Deed::Remove(path) => names.retain(|name, _| !name.starts_with(path)),
        Deed::Rename(from, to) => {
            names.retain(|name, _| !name.starts_with(to));
            names = names
                .into_iter()
                .map(|(name, thing)| match name.strip_prefix(from) {
                    // An empty rest would end the name with a slash.
                    Ok(rest) if rest.as_os_str().is_empty() => (to.clone(), thing),
                    Ok(rest) => (to.join(rest), thing),
                    Err(_) => (name, thing),
                })
                .collect();
        }
    }
    names
}

impl Gap {
    /// Puts together what there was behind the first so many deeds, the last of them done in part if it is a write. False if
    /// that cannot be known: a file came and went.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn image(&self, done: usize, in_part: bool, to: &Path, rng: &mut SmallRng) -> io::Result<bool> {
        let names = &self.names[done];
        if names.values().any(|thing| matches!(thing, Thing::Fresh(_))) {
            return Ok(false);
        }
        fs::create_dir_all(to)?;
        // A folder's name is before those in it.
        for (name, thing) in names {
            let place = to.join(name);
            let Some(Filled { bytes, before, writes }) = self.files.get(thing) else {
                fs::create_dir_all(&place)?;
                continue;
            };
            let (before, end) = ((*before).min(bytes.len()), bytes.len());
            let first = writes.first().is_none_or(|first| *first >= done);
            let last = writes.last().is_none_or(|last| *last < done);
            let cut = in_part && writes.contains(&(done.wrapping_sub(1)));
            let length = match (first, last) {
                (_, true) if !cut => end,
                (true, _) => before,
                _ => rng.random_range(before..=end),
            };
            fs::write(place, &bytes[..length])?;
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::floor::rng;
    use std::io::Write;

    fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
        let found = crate::sim::disk::list(folder).expect("listed");
        found.into_iter().map(|(name, path)| (name, fs::read(path).expect("read"))).collect()
    }

    #[test]
    fn what_was_between_two_deeds_is_put_together() {
        let root = tempfile::tempdir().expect("a folder");
        let (from, to) = (root.path().join("from"), root.path().join("to"));
        fs::create_dir(&from).expect("made");
        fs::write(from.join("log"), b"old.").expect("written");
        fs::write(from.join("purged"), b"kept open").expect("written");
        let mut listener = Listener::to(&from).expect("listens");
        let mut log = File::options().append(true).open(from.join("log")).expect("open");
        log.write_all(b"new").expect("written");
        fs::write(from.join("tmp"), b"whole").expect("written");
        fs::rename(from.join("tmp"), from.join("CURRENT")).expect("renamed");
        fs::remove_file(from.join("purged")).expect("removed");
        let gap = listener.look().expect("heard");
        let kinds: Vec<&str> = gap.deeds.iter().map(Deed::kind).collect();
        assert_eq!(kinds, ["write", "new name", "write", "rename", "removal"], "{:?}", gap.deeds);
        let seen = |done, in_part| {
            assert!(gap.image(done, in_part, &to, &mut rng(1, done as u64)).expect("put together"));
            let found = files(&to);
            fs::remove_dir_all(&to).expect("removed");
            found
        };
        assert_eq!(seen(0, false)["log"], b"old.");
        assert_eq!(seen(1, false)["log"], b"old.new");
        assert_eq!(seen(2, false)["tmp"], b"");
        assert!(b"whole".starts_with(&seen(3, true)["tmp"]));
        assert!(seen(3, false)["tmp"] == b"whole" && !seen(3, false).contains_key("CURRENT"));
        assert!(seen(4, false)["CURRENT"] == b"whole" && seen(4, false)["purged"] == b"kept open");
        assert_eq!(seen(5, false), files(&from));
        assert!(listener.look().expect("heard").deeds.is_empty());
    }

    #[test]
    fn folders_that_come_and_move_are_followed() {
        let root = tempfile::tempdir().expect("a folder");
        let mut listener = Listener::to(root.path()).expect("listens");
        fs::create_dir(root.path().join("gen-1")).expect("made");
        fs::write(root.path().join("gen-1").join("early"), b"e").expect("written");
        assert_eq!(listener.look().expect("heard").deeds.len(), 2);
        fs::rename(root.path().join("gen-1"), root.path().join("gen-2")).expect("renamed");
        fs::write(root.path().join("gen-2").join("late"), b"l").expect("written");
        let gap = listener.look().expect("heard");
        assert_eq!(gap.deeds.last(), Some(&Deed::Write("gen-2/late".into())), "{:?}", gap.deeds);
        let to = tempfile::tempdir().expect("a folder");
        assert!(gap.image(1, false, to.path(), &mut rng(1, 1)).expect("put together"));
        assert_eq!(fs::read(to.path().join("gen-2").join("early")).expect("moved"), b"e");
        fs::remove_dir_all(root.path().join("gen-2")).expect("removed");
        assert!(matches!(listener.look().expect("heard").deeds.last(), Some(Deed::Remove(_))));
    }

    /// A look at a moment that never was would find faults that nobody made: here, a second file with something in it before
    /// the first has what was written earlier.
    #[test]
    fn what_is_written_while_one_looks_keeps_its_order() {
        let (root, album) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let mut listener = Listener::to(root.path()).expect("listens");
        let folder = root.path().to_path_buf();
        let (first, second) = (folder.join("first"), folder.join("second"));
        let writer = std::thread::spawn(move || {
            let (mut first, mut second) = (File::create(first)?, File::create(second)?);
            for _ in 0..5_000 {
                first.write_all(b".")?;
                second.write_all(b".")?;
            }
            Ok::<(), io::Error>(())
        });
        let (mut looks, mut ended) = (0, false);
        while !ended {
            ended = writer.is_finished();
            let gap = listener.look().expect("heard");
            let to = album.path().join(format!("{looks}"));
            assert!(gap.image(gap.deeds.len(), false, &to, &mut rng(1, looks)).expect("put together"));
            let length = |name| fs::read(to.join(name)).map_or(0, |bytes| bytes.len());
            let (first, second) = (length("first"), length("second"));
            assert!(first == second || first == second + 1, "look {looks}: {first} and {second} bytes");
            looks += 1;
        }
        writer.join().expect("ended").expect("written");
    }

    #[test]
    fn a_file_that_came_and_went_is_not_made_up() {
        let root = tempfile::tempdir().expect("a folder");
        let mut listener = Listener::to(root.path()).expect("listens");
        fs::write(root.path().join("a"), b"a").expect("written");
        fs::remove_file(root.path().join("a")).expect("removed");
        let gap = listener.look().expect("heard");
        let to = tempfile::tempdir().expect("a folder");
        assert!(!gap.image(1, false, to.path(), &mut rng(1, 1)).expect("nothing"));
        assert!(gap.image(0, false, to.path(), &mut rng(1, 1)).expect("put together"));
    }
}
