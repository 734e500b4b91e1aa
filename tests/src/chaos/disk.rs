//! What is done to disks, files and syncs.

use super::fault::Fault;
use super::net::between;
use super::pass::{Done, Pass, SERVE_MAX};
use super::proxy::Rule;
use crate::bench::wait_for;
use crate::injury::{self, copy_folder};
use crate::program;
use rand::Rng;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio::time::{Instant, sleep};

/// Room on a small disk beyond what a node holds.
const ROOM: u64 = 24 << 20;
/// How many bytes are flipped until one is noticed.
const FLIPS: usize = 12;

/// A small disk, mounted over a folder. Gone when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path, bytes: u64) -> Result<SmallDisk, String> {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={bytes}"), "tmpfs"]).arg(at);
        let ran = mount.output().map_err(|problem| format!("mount: {problem}"))?;
        match ran.status.success() {
            true => Ok(SmallDisk(at.to_path_buf())),
            false => Err(format!("no mounts here: {}", String::from_utf8_lossy(&ran.stderr).trim())),
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // What a failed run leaves must outlive the disk. A node that still runs may take files away meanwhile.
        if std::thread::panicking() {
            std::panic::catch_unwind(|| copy_folder(&self.0, &self.0.with_extension("full"))).ok();
        }
        // Lazily: a node that is being killed may still hold it.
        Command::new("umount").arg("-l").arg(&self.0).status().ok();
    }
}

/// strace, that injures the syncs of a process. Detached when dropped.
struct Strace {
    child: Child,
    lines: PathBuf,
}

impl Strace {
    /// Whether processes can be injured here at all: looked at once, on one that does nothing. Later on it is no excuse.
    async fn possible() -> Result<(), String> {
        static POSSIBLE: OnceCell<Result<(), String>> = OnceCell::const_new();
        let tried = POSSIBLE.get_or_init(|| async {
            let mut idle = Command::new("sleep");
            let mut idle = idle.arg("60").spawn().map_err(|problem| format!("sleep: {problem}"))?;
            let folder = tempfile::tempdir().map_err(|problem| format!("a folder: {problem}"))?;
            let attached =
                Strace::attach(idle.id(), "inject=fsync:retval=0", folder.path().join("lines")).await;
            let tried = attached.map(drop);
            idle.kill().ok();
            idle.wait().ok();
            tried
        });
        tried.await.clone()
    }

    /// Attaches to all threads of a process.
    async fn attach(id: u32, inject: &str, lines: PathBuf) -> Result<Strace, String> {
        let mut command = Command::new("strace");
        command.args(["-f", "-q", "-e", "trace=fsync,fdatasync", "-e", inject, "-p", &id.to_string(), "-o"]);
        command.arg(&lines).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let child = command.spawn().map_err(|problem| format!("strace: {problem}"))?;
        let mut strace = Strace { child, lines };
        let begun = Instant::now();
        let ended = loop {
            if traced(id) || strace.injured() > 0 {
                break false;
            }
            if matches!(strace.child.try_wait(), Ok(Some(_))) {
                break true;
            }
            if begun.elapsed() > SERVE_MAX {
                return Err(format!("strace does not attach to process {id} within {SERVE_MAX:?}"));
            }
            sleep(Duration::from_millis(10)).await;
        };
        // One that has injected something may have ended with its node already.
        if !ended || strace.injured() > 0 {
            return Ok(strace);
        }
        let mut said = String::new();
        if let Some(mut stderr) = strace.child.stderr.take() {
            std::io::Read::read_to_string(&mut stderr, &mut said).ok();
        }
        Err(format!("strace cannot attach: {}", said.trim()))
    }

    /// Waits until a sync was injured.
    async fn injures(&self) {
        wait_for(SERVE_MAX, "a sync that is injured", async || (self.injured() > 0).then_some(())).await;
    }

    /// How many syncs were injured so far.
    fn injured(&self) -> u64 {
        let text = std::fs::read_to_string(&self.lines).unwrap_or_default();
        text.lines().filter(|line| line.contains("INJECTED") || line.contains("DELAYED")).count() as u64
    }
}

/// Whether every thread of a process is traced.
fn traced(id: u32) -> bool {
    let tasks = Path::new("/proc").join(id.to_string()).join("task");
    let Ok(tasks) = std::fs::read_dir(tasks) else { return false };
    tasks.flatten().all(|task| {
        let status = std::fs::read_to_string(task.path().join("status")).unwrap_or_default();
        status.lines().any(|line| line.starts_with("TracerPid:") && !line.ends_with("\t0"))
    })
}

impl Drop for Strace {
    fn drop(&mut self) {
        program::kill(self.child.id(), rustix::process::Signal::INT);
        self.child.wait().ok();
    }
}

impl Pass {
    /// A follower on a small disk that is filled to its last byte.
    pub(super) async fn full_disk(&mut self) -> Done {
        let place = self.victim().await;
        let data = self.trial.cluster.nodes[place].data.clone();
        let aside = data.with_extension("aside");
        self.trial.cluster.terminate(place).await;
        std::fs::rename(&data, &aside).expect("moved aside");
        std::fs::create_dir(&data).expect("a folder to mount at");
        let holds: u64 = injury::files(&aside).iter().map(|(_, length)| length).sum();
        let disk = match SmallDisk::mount(&data, holds + ROOM) {
            Ok(disk) => disk,
            Err(why) => {
                std::fs::remove_dir(&data).expect("it is empty");
                std::fs::rename(&aside, &data).expect("moved back");
                self.back(place).await;
                return Err(why);
            }
        };
        copy_folder(&aside, &data);
        self.back(place).await;
        self.serving().await;
        let struck = self.monitor.doing();
        fill(&data.join("ballast"));
        let ended = self.trial.cluster.server(place).wait(SERVE_MAX).await;
        assert_eq!(ended.code, Some(10), "a full disk is a fault:\n{}", ended.stderr);
        assert!(
            ended.stderr.contains("os error 28"),
            "it does not say that the disk is full:\n{}",
            ended.stderr
        );
        self.trial.cluster.kill(place);
        let force = self.monitor.force(Fault::FullDisk, struck);
        self.served(50, "without the node whose disk is full").await;
        self.unrest(Fault::FullDisk, &self.trial.cluster.running()).await;
        drop(force);
        // With room again it starts where it was.
        std::fs::remove_file(data.join("ballast")).expect("removed");
        self.back(place).await;
        self.trial.cluster.terminate(place).await;
        std::fs::remove_dir_all(&aside).expect("removed");
        copy_folder(&data, &aside);
        drop(disk);
        std::fs::remove_dir(&data).expect("nothing is mounted there");
        std::fs::rename(&aside, &data).expect("moved back");
        self.back(place).await;
        Ok(())
    }

    /// Bytes flipped in the files of a stopped node, until one is noticed. Meanwhile nobody hears it: it is to come back with
    /// what it had, and must have promised nothing since.
    pub(super) async fn file_flip(&mut self) -> Done {
        let place = self.victim().await;
        let others: Vec<usize> =
            self.trial.cluster.running().into_iter().filter(|other| *other != place).collect();
        self.serving().await;
        let struck = self.monitor.doing();
        self.proxy.set(&between(&[place], &others), Rule::Refuse);
        self.trial.cluster.kill(place);
        let data = self.trial.cluster.nodes[place].data.clone();
        let whole = self.trial.cluster.copy_data(place, &format!("whole-{place}"));
        let mut noticed = false;
        for _ in 0..FLIPS {
            let kinds: Vec<PathBuf> = ["log", "journal", "sm"].iter().map(|kind| data.join(kind)).collect();
            let files = injury::files(&kinds[self.rng.random_range(0..kinds.len())]);
            let flip = injury::flip(&files, &mut self.rng);
            noticed = self.starts_injured(place, &flip.to_string()).await;
            if self.trial.cluster.runs(place) {
                self.trial.cluster.kill(place);
            }
            if noticed {
                let _force = self.monitor.force(Fault::FileFlip, struck);
                self.unrest(Fault::FileFlip, &others).await;
            }
            std::fs::remove_dir_all(&data).expect("removed");
            copy_folder(&whole, &data);
            if noticed {
                break;
            }
        }
        assert!(noticed, "none of {FLIPS} flipped bytes of node {place} was noticed");
        std::fs::remove_dir_all(&whole).expect("removed");
        self.proxy.heal();
        self.back(place).await;
        Ok(())
    }

    /// Whether a node with a flipped byte notices: it refuses to serve, or says what it repaired.
    async fn starts_injured(&mut self, place: usize, flip: &str) -> bool {
        let ended = match self.trial.cluster.try_start_node(place).await {
            Err(ended) => Some(ended),
            // What a node finds while it starts it says before its doors open; the rest it finds when it is asked.
            Ok(()) => {
                self.trial.cluster.status(place).await;
                self.trial.cluster.server(place).ended()
            }
        };
        if let Some(ended) = ended {
            let said = &ended.stderr;
            assert!(matches!(ended.code, Some(8..=10)), "with {flip} it ends with {:?}:\n{said}", ended.code);
            return true;
        }
        let status = self.trial.cluster.status(place).await;
        status.is_some_and(|status| !status.trouble.is_empty())
    }

    async fn strace(&mut self, place: usize, inject: &str) -> Result<Strace, String> {
        Strace::possible().await?;
        let lines = self.trial.cluster.path().join("strace.txt");
        std::fs::remove_file(&lines).ok();
        let attached = Strace::attach(self.trial.cluster.process(place), inject, lines).await;
        Ok(attached.unwrap_or_else(|why| panic!("node {place}: {why}")))
    }

    pub(super) async fn slow_sync(&mut self) -> Done {
        let leader = self.trial.cluster.leader().await;
        let strace = self.strace(leader, "inject=fsync,fdatasync:delay_exit=400000").await?;
        strace.injures().await;
        let _force = self.monitor.force(Fault::SlowSync, self.monitor.doing());
        sleep(Duration::from_secs(2)).await;
        self.unrest(Fault::SlowSync, &self.trial.cluster.running()).await;
        Ok(())
    }

    pub(super) async fn failed_sync(&mut self) -> Done {
        let victim = self.victim().await;
        let struck = self.monitor.doing();
        let strace = self.strace(victim, "inject=fsync,fdatasync:error=EIO:when=3+").await?;
        let ended = self.trial.cluster.server(victim).wait(SERVE_MAX).await;
        assert_eq!(ended.code, Some(10), "a sync that fails is a fault:\n{}", ended.stderr);
        assert!(strace.injured() > 0, "node {victim} has ended, and no sync of it failed");
        drop(strace);
        self.trial.cluster.kill(victim);
        let _force = self.monitor.force(Fault::FailedSync, struck);
        self.served(50, "without the node whose sync failed").await;
        self.unrest(Fault::FailedSync, &self.trial.cluster.running()).await;
        self.back(victim).await;
        Ok(())
    }

    /// A kill takes nothing that was handed to the system: syncs that lie must not be missed then.
    pub(super) async fn lying_sync(&mut self) -> Done {
        let victim = self.victim().await;
        let strace = self.strace(victim, "inject=fsync,fdatasync:retval=0").await?;
        strace.injures().await;
        let force = self.monitor.force(Fault::LyingSync, self.monitor.doing());
        self.served(100, "while syncs are not made").await;
        self.unrest(Fault::LyingSync, &self.trial.cluster.running()).await;
        drop(force);
        self.trial.cluster.kill(victim);
        drop(strace);
        self.back(victim).await;
        Ok(())
    }
}

/// Writes until there is no room.
fn fill(ballast: &Path) {
    let mut file = std::fs::File::create(ballast).expect("room for a name");
    for size in [1 << 20, 4 << 10, 1] {
        let piece = vec![1; size];
        while file.write_all(&piece).is_ok() {}
    }
}
