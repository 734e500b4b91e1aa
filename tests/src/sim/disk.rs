//! A simulated disk over a real folder: it knows what was made durable, and what a power cut may leave of the rest.
//!
//! Nodes write their files as ever, and tell of each sync instead of making it. A crash copies the folder as the cut may
//! have left it: what was not synced is there, or lost, or there in part, or there as zeros; a file or a name that no sync
//! of its folder covered may be missing; one that was replaced or removed may be back.
//!
//! Of what a sync was refused for want of room, nobody knows what got onto the disk: a part of what was written, a new file
//! or a rename or none. Whoever looks at it afterwards, even where no power was cut, finds what chance left of it.

use rand::Rng;
use rand::rngs::SmallRng;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What of a file is durable. The open file keeps what was removed since.
struct Durable {
    file: File,
    length: u64,
}

/// A folder, and what of it is durable.
pub struct Disk {
    root: PathBuf,
    /// Files by inode.
    files: BTreeMap<u64, Durable>,
    /// Names of folders, by folder, with their inodes.
    names: BTreeMap<PathBuf, BTreeMap<String, u64>>,
    /// Files, by inode, and folders whose last sync was refused.
    refused: BTreeSet<u64>,
}

/// How much of what was not synced a crash leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// All of it: kill -9.
    All,
    /// Nothing of it.
    Nothing,
    /// Whatever chance leaves, also parts of files.
    Chance,
}

/// What a crash did to a disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loss {
    /// Unsynced bytes of the log that are gone.
    pub log_bytes: u64,
    /// Unsynced bytes of other files that are gone.
    pub other_bytes: u64,
    /// Bytes that have become zeros.
    pub zeros: u64,
    /// Names that are missing or back.
    pub names: u64,
}

/// A log's files and lengths, as they were handed to the operating system.
pub type LogMarks = Vec<(PathBuf, u64)>;

impl Disk {
    /// A disk on which everything that is there is durable.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn settled(root: &Path) -> io::Result<Disk> {
        let mut disk = Disk {
            root: root.to_path_buf(),
            files: BTreeMap::new(),
            names: BTreeMap::new(),
            refused: BTreeSet::new(),
        };
        disk.settle(root)?;
        Ok(disk)
    }

    fn settle(&mut self, folder: &Path) -> io::Result<()> {
        self.sync(folder)?;
        for (_, path) in list(folder)? {
            if path.is_dir() {
                self.settle(&path)?;
            } else {
                self.sync(&path)?;
            }
        }
        Ok(())
    }

    /// Makes a file, or the names in a folder, durable.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn sync(&mut self, path: &Path) -> io::Result<()> {
        let meta = fs::metadata(path)?;
        self.refused.remove(&meta.ino());
        if meta.is_dir() {
            let mut names = BTreeMap::new();
            for (name, path) in list(path)? {
                names.insert(name, fs::symlink_metadata(&path)?.ino());
            }
            self.names.insert(path.to_path_buf(), names);
        } else {
            self.files.insert(meta.ino(), Durable { file: File::open(path)?, length: meta.len() });
        }
        Ok(())
    }

    /// There is no room for what was written to a file, or for the names in a folder, since the last sync: of the log's folder
    /// its files are meant.
    pub fn refuse(&mut self, path: &Path) {
        // What is gone needs no room.
        self.refused.extend(fs::metadata(path).map(|meta| meta.ino()));
    }

    /// The log's files as they are now.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn log_marks(folder: &Path) -> io::Result<LogMarks> {
        let mut marks = LogMarks::new();
        for (_, path) in list(folder)? {
            let length = fs::metadata(&path)?.len();
            marks.push((path, length));
        }
        Ok(marks)
    }

    /// What was handed in up to these marks is durable, and so are the folder's names: raft-log syncs those itself.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn log_synced(&mut self, folder: &Path, marks: &LogMarks) -> io::Result<()> {
        self.refused.remove(&fs::metadata(folder)?.ino());
        let mut names = BTreeMap::new();
        for (path, length) in marks {
            // Removed since: then a later flush covers it.
            let Ok(meta) = fs::metadata(path) else { continue };
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            names.insert(name, meta.ino());
            match self.files.get_mut(&meta.ino()) {
                Some(durable) => durable.length = durable.length.max(*length),
                None => {
                    self.files.insert(meta.ino(), Durable { file: File::open(path)?, length: *length });
                }
            }
        }
        self.names.insert(folder.to_path_buf(), names);
        Ok(())
    }

    /// Copies the folder as a power cut may leave it. With `gentle` the operating system lives on, and nothing is lost
    /// that was handed to it: kill -9.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn image(&self, to: &Path, gentle: bool, rng: &mut SmallRng) -> io::Result<Loss> {
        self.image_left(to, if gentle { Left::All } else { Left::Chance }, rng)
    }

    /// Copies the folder with so much left of what was not synced.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn image_left(&self, to: &Path, left: Left, rng: &mut SmallRng) -> io::Result<Loss> {
        let mut loss = Loss::default();
        self.copy_folder(&self.root.clone(), to, left, rng, &mut loss)?;
        Ok(loss)
    }

    fn copy_folder(
        &self,
        from: &Path,
        to: &Path,
        left: Left,
        rng: &mut SmallRng,
        loss: &mut Loss,
    ) -> io::Result<()> {
        fs::create_dir_all(to)?;
        let nothing = BTreeMap::new();
        let durable = self.names.get(from).unwrap_or(&nothing);
        let now: BTreeMap<String, PathBuf> = list(from)?.into_iter().collect();
        let names: BTreeSet<&String> = durable.keys().chain(now.keys()).collect();
        let is_log = from.file_name().is_some_and(|name| name == "log");
        let folder_refused = self.refused.contains(&fs::metadata(from)?.ino());
        // What kill -9 leaves whole, a refused sync does not.
        let left_of = |refused: bool| if refused && left == Left::All { Left::Chance } else { left };
        // raft-log writes to a new file only behind the sync of the one before.
        let mut begun = None;
        for (name, path) in &now {
            if is_log && fs::metadata(path)?.len() > 0 {
                begun = begun.max(Some(name));
            }
        }
        for name in names {
            let place = to.join(name);
            let new = match now.get(name) {
                Some(path) => Some((fs::symlink_metadata(path)?, path)),
                None => None,
            };
            let same = durable.get(name).copied() == new.as_ref().map(|(meta, _)| meta.ino());
            // raft-log syncs its folder whenever a file comes or goes.
            let left_of_name = left_of(folder_refused);
            let kept = left_of_name == Left::All || (left_of_name == Left::Chance && rng.random());
            let as_now = same || is_log || kept;
            if !as_now {
                loss.names += 1;
            }
            match (as_now, new, durable.get(name)) {
                (true, Some((meta, path)), _) if meta.is_dir() => {
                    self.copy_folder(path, &place, left, rng, loss)?;
                }
                (true, Some((meta, path)), _) => {
                    let bytes = fs::read(path)?;
                    let kept = match begun > Some(name) {
                        true => meta.len(),
                        false => self.files.get(&meta.ino()).map_or(0, |durable| durable.length),
                    };
                    let left = left_of(self.refused.contains(&meta.ino()) || (is_log && folder_refused));
                    let bytes =
                        if left == Left::All { bytes } else { cut(bytes, kept, (left, is_log), rng, loss) };
                    fs::write(&place, bytes)?;
                }
                (false, _, Some(old)) => {
                    if let Some(durable) = self.files.get(old) {
                        fs::write(&place, read_whole(durable)?)?;
                    }
                }
                (true, None, _) | (false, _, None) => {}
            }
        }
        Ok(())
    }
}

/// What is left of a file of which so many bytes are durable.
fn cut(
    mut bytes: Vec<u8>,
    kept: u64,
    (left, is_log): (Left, bool),
    rng: &mut SmallRng,
    loss: &mut Loss,
) -> Vec<u8> {
    let kept = kept.min(bytes.len() as u64) as usize;
    let unsynced = bytes.len() - kept;
    if unsynced == 0 {
        return bytes;
    }
    let left = match rng.random_range(0..4) {
        _ if left == Left::Nothing => 0,
        0 => 0,
        1 => unsynced,
        _ => rng.random_range(0..=unsynced),
    };
    let lost = (unsynced - left) as u64;
    // Some file systems leave the length and no bytes. The log's are on one that does not.
    if !is_log && lost > 0 && rng.random_ratio(1, 4) {
        bytes[kept + left..].fill(0);
        loss.zeros += lost;
    } else {
        bytes.truncate(kept + left);
        *(if is_log { &mut loss.log_bytes } else { &mut loss.other_bytes }) += lost;
    }
    bytes
}

fn read_whole(durable: &Durable) -> io::Result<Vec<u8>> {
    let mut file = &durable.file;
    file.seek(SeekFrom::Start(0))?;
    let mut bytes = Vec::new();
    file.take(durable.length).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What is in a folder, by name.
///
/// # Errors
/// What the operating system says.
pub fn list(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        found.push((entry.file_name().to_string_lossy().into_owned(), entry.path()));
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::floor::rng;

    #[test]
    fn what_was_synced_stays_and_the_rest_may_go() {
        let root = tempfile::tempdir().expect("a folder");
        let (from, to) = (root.path().join("from"), root.path().join("to"));
        fs::create_dir(&from).expect("made");
        fs::write(from.join("a"), b"synced").expect("written");
        fs::write(from.join("old"), b"old").expect("written");
        let mut disk = Disk::settled(&from).expect("settled");
        fs::write(from.join("a"), b"synced and more").expect("written");
        fs::write(from.join("b"), b"new").expect("written");
        fs::remove_file(from.join("old")).expect("removed");
        let (mut cut, mut missing, mut back, mut all) = (0, 0, 0, 0);
        for seed in 0..200 {
            let loss = disk.image(&to, false, &mut rng(seed, 0)).expect("copied");
            let a = fs::read(to.join("a")).expect("it was synced");
            assert!(a.starts_with(b"synced"), "{a:?}");
            cut += u32::from(a.len() < 15);
            missing += u32::from(!to.join("b").exists());
            back += u32::from(to.join("old").exists());
            all += u32::from(loss == Loss::default());
            fs::remove_dir_all(&to).expect("removed");
        }
        assert!([cut, missing, back, all].iter().all(|count| *count > 0), "{cut} {missing} {back} {all}");
        disk.sync(&from.join("a")).expect("synced");
        disk.sync(&from.join("b")).expect("synced");
        disk.sync(&from).expect("synced");
        for seed in 0..20 {
            assert_eq!(disk.image(&to, false, &mut rng(seed, 0)).expect("copied"), Loss::default());
            assert_eq!(fs::read(to.join("a")).expect("there"), b"synced and more");
            assert!(to.join("b").exists() && !to.join("old").exists());
            fs::remove_dir_all(&to).expect("removed");
        }
    }

    #[test]
    fn of_what_a_sync_was_refused_a_part_may_be_gone_though_no_power_was_cut() {
        let root = tempfile::tempdir().expect("a folder");
        let (from, to) = (root.path().join("from"), root.path().join("to"));
        fs::create_dir(&from).expect("made");
        fs::write(from.join("a"), b"synced").expect("written");
        fs::write(from.join("b"), b"old").expect("written");
        let mut disk = Disk::settled(&from).expect("settled");
        fs::write(from.join("a"), b"synced and more").expect("written");
        fs::write(from.join("new"), b"new").expect("written");
        fs::rename(from.join("new"), from.join("b")).expect("renamed");
        let gentle = |disk: &Disk, seed: u64| {
            let loss = disk.image(&to, true, &mut rng(seed, 0)).expect("copied");
            let read = |name: &str| fs::read(to.join(name)).expect("there");
            let found = (read("a"), read("b"), loss);
            fs::remove_dir_all(&to).expect("removed");
            found
        };
        let whole = (b"synced and more".to_vec(), b"new".to_vec(), Loss::default());
        assert_eq!(gentle(&disk, 1), whole);
        disk.refuse(&from.join("a"));
        disk.refuse(&from);
        let (mut half, mut back, mut all) = (0, 0, 0);
        for seed in 0..200 {
            let found = gentle(&disk, seed);
            assert!(found.0.starts_with(b"synced"), "{found:?}");
            half += u32::from(found.0.len() < 15);
            back += u32::from(found.1 == b"old");
            all += u32::from(found == whole);
        }
        assert!([half, back, all].iter().all(|count| *count > 0), "{half} {back} {all}");
        // There is room again.
        disk.sync(&from.join("a")).expect("synced");
        disk.sync(&from).expect("synced");
        assert_eq!(gentle(&disk, 1), whole);
    }
}
