//! Power cuts of a real node: its data lies on an ext4 in a file, and a cut is a copy of that file while the node is stopped.
//!
//! What the node did not sync is in the page cache of the inner file system and not in the file, so it is not in the copy.
//! kill -9 cannot show that: there the page cache survives. One voter alone: whatever it acknowledged is on its own disk.
//! Needs root, loop devices and `mkfs.ext4`; without them it says so and counts as skipped.

use crate::bench::{rng, seed, within};
use crate::cluster::{Cluster, Options};
use crate::judge;
use crate::traffic::Pace;
use crate::trial::Trial;
use clap::Args;
use futures::FutureExt;
use rand::Rng;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

/// What a run ends with that could not be made here.
const SKIPPED: u8 = 77;
/// No run takes longer, without its cuts ...
const RUN_MAX: Duration = Duration::from_secs(300);
/// ... nor any of these.
const CUT_MAX: Duration = Duration::from_secs(120);
/// How many transactions a run rests on.
const TRANSACTIONS: usize = 100;
/// The size of the disk.
const DISK_MIB: u64 = 192;

/// Cuts the power of a node under load, and judges what is left.
#[derive(Args, Clone, Debug)]
pub struct Power {
    /// Repeats a run as far as the timing of processes allows
    #[arg(long)]
    seed: Option<u64>,
    /// How many cuts
    #[arg(long, default_value_t = 5)]
    cuts: u32,
    /// Syncs are answered without being made (strace): what was acknowledged must be found missing
    #[arg(long)]
    lie: bool,
}

/// Where the disk lies. Removed when dropped; after a panic it stays.
struct Folder(Option<tempfile::TempDir>);

impl Folder {
    /// In memory, where there is a file system for that.
    fn new() -> Folder {
        let folder = tempfile::Builder::new().prefix("gongji-power-").tempdir_in("/dev/shm");
        Folder(Some(folder.or_else(|_| tempfile::tempdir()).expect("a temporary folder")))
    }

    fn path(&self) -> &Path {
        self.0.as_ref().expect("it is taken only when the folder is dropped").path()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Some(folder) = self.0.take()
        {
            eprintln!("the disk (mount -o loop shows it) stays in {}", folder.keep().display());
        }
    }
}

/// A file with a file system in it, mounted. Unmounted, and its loop device let go, when dropped.
struct Mounted {
    place: PathBuf,
}

impl Mounted {
    fn at(place: &Path, image: &Path) -> Result<Mounted, String> {
        ran("mount", &["-o", "loop", path(image), path(place)])?;
        Ok(Mounted { place: place.to_path_buf() })
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // Whoever was killed may hold it for a moment: then it goes when they have gone.
        let place = path(&self.place);
        if ran("umount", &[place]).is_err()
            && let Err(why) = ran("umount", &["-l", place])
        {
            eprintln!("{place} stays mounted: {why}");
        }
    }
}

fn path(path: &Path) -> &str {
    path.to_str().expect("temporary folders have plain names")
}

fn ran(program: &str, arguments: &[&str]) -> Result<(), String> {
    let output = Command::new(program).args(arguments).output();
    let output = output.map_err(|why| format!("{program}: {why}"))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!(
            "{program} {}: {}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr).trim()
        )),
    }
}

/// A copy of the disk as it is at one moment: a stopped node's file system may still be writing back.
fn copied(image: &Path, to: &Path) -> Result<(), String> {
    for _ in 0..20 {
        ran("cp", &["--sparse=always", path(image), path(to)])?;
        // Equal to what it is now, so nothing changed in the middle of copying.
        if ran("cmp", &["-s", path(image), path(to)]).is_ok() {
            return Ok(());
        }
    }
    Err("the disk never stands still".into())
}

impl Power {
    /// Runs it.
    pub fn run(self) -> ExitCode {
        let seed = self.seed.unwrap_or_else(seed);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.expect("a runtime needs two threads");
        let lie = if self.lie { " --lie" } else { "" };
        let replay = format!("seed {seed}; replay: scripts/power.sh {seed} {}{lie}", self.cuts);
        println!("{replay}");
        let limit = RUN_MAX + CUT_MAX * self.cuts;
        let run = AssertUnwindSafe(within(limit, "the run", self.cut(seed))).catch_unwind();
        runtime.block_on(async {
            // Ctrl-C drops everything, in good order.
            tokio::select! {
                // What was wrong, and where it is kept, has been said.
                ended = run => ended.unwrap_or_else(|_| {
                    println!("FAILED; {replay}");
                    ExitCode::FAILURE
                }),
                _ = tokio::signal::ctrl_c() => ExitCode::from(130),
            }
        })
    }

    /// Makes the disk, and cuts. Whatever fails panics, so that nothing is removed.
    async fn cut(&self, seed: u64) -> ExitCode {
        let folder = Folder::new();
        let place = folder.path().join("disk");
        std::fs::create_dir(&place).expect("a folder to mount at");
        let mut image = folder.path().join("image-0");
        let made = std::fs::File::create(&image).and_then(|file| file.set_len(DISK_MIB << 20));
        made.expect("a file for the disk");
        let mounted =
            ran("mkfs.ext4", &["-q", "-F", path(&image)]).and_then(|()| Mounted::at(&place, &image));
        let mut disk = match mounted {
            Ok(disk) => Some(disk),
            Err(why) => {
                println!("skipped: no disk of its own: {why}");
                return ExitCode::from(SKIPPED);
            }
        };
        let started = Instant::now();
        // Declared behind the disk: its processes end before the disk goes.
        let options = Options { voters: 1, snapshot_entries: 150, keep_entries: 30, ..Options::default() };
        let mut cluster = Cluster::apart(options);
        cluster.nodes[0].data = place.join("node");
        let mut trial = Trial::around(seed, cluster.formed().await).await;
        if self.lie {
            trial.cluster.lie();
            trial.cluster.terminate(0).await;
            trial.cluster.start_node(0).await;
        }
        let mut chance = rng(seed, 77);
        let load = trial.load(0, &Pace::default());
        let mut unstartable = None;
        for cut in 1..=self.cuts {
            trial.progress(chance.random_range(60..300)).await;
            trial.cluster.pause(0);
            let copy = folder.path().join(format!("image-{cut}"));
            let copied = copied(&image, &copy);
            trial.cluster.kill(0);
            copied.expect("the disk is copied");
            drop(disk.take());
            std::fs::remove_file(&image).expect("the old disk goes");
            image = copy;
            disk = Some(Mounted::at(&place, &image).expect("what is left of the disk is mounted"));
            if let Err(ended) = trial.cluster.try_start_node(0).await {
                let said = ended.stderr.lines().last().unwrap_or_default();
                unstartable = Some(format!("cut {cut}: the node ends with {:?}: {said}", ended.code));
                break;
            }
            println!("cut {cut} after {} calls", trial.history.len());
        }
        let complaints = match unstartable {
            Some(complaint) => vec![complaint],
            None => {
                trial.progress(100).await;
                trial.stop(load, TRANSACTIONS).await;
                let verdict = trial.judge(TRANSACTIONS).await;
                println!("{} transactions stand at index {}", verdict.transactions, verdict.index);
                verdict.complaints
            }
        };
        let (cuts, took) = (self.cuts, started.elapsed().as_secs_f64());
        if self.lie {
            assert!(!complaints.is_empty(), "{cuts} cuts without syncs, and nothing is found missing");
            complaints.iter().take(8).for_each(|complaint| println!("{complaint}"));
            println!("{cuts} cuts without syncs, {} complaints, {took:.0} s", complaints.len());
        } else {
            judge::demand(&complaints);
            println!("{cuts} cuts, nothing lost, {took:.0} s");
        }
        ExitCode::SUCCESS
    }
}
