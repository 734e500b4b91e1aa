//! What is done to disks, files and syncs.

use super::fault::Fault;
use super::net::between;
use super::pass::{Done, Pass, SERVE_MAX};
use super::proxy::Rule;
use crate::injury::{self, copy_folder};
use crate::program;
use rand::Rng;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tokio::time::sleep;

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
        // What a failed run leaves must outlive the disk.
        if std::thread::panicking() {
            copy_folder(&self.0, &self.0.with_extension("full"));
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
    async fn attach(id: u32, inject: &str, lines: PathBuf) -> Result<Strace, String> {
        let mut command = Command::new("strace");
        command.args(["-f", "-q", "-e", "trace=fsync,fdatasync", "-e", inject, "-p", &id.to_string(), "-o"]);
        command.arg(&lines).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|problem| format!("strace: {problem}"))?;
        sleep(Duration::from_millis(500)).await;
        let ended = !matches!(child.try_wait(), Ok(None));
        let mut strace = Strace { child, lines };
        // One that has injected something may have ended with its node already.
        match ended && strace.injured() == 0 {
            false => Ok(strace),
            true => {
                let mut said = String::new();
                if let Some(mut stderr) = strace.child.stderr.take() {
                    std::io::Read::read_to_string(&mut stderr, &mut said).ok();
                }
                Err(format!("strace cannot attach: {}", said.trim()))
            }
        }
    }

    /// How many syncs were injured so far.
    fn injured(&self) -> u64 {
        let text = std::fs::read_to_string(&self.lines).unwrap_or_default();
        text.lines().filter(|line| line.contains("INJECTED") || line.contains("DELAYED")).count() as u64
    }
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
        fill(&data.join("ballast"));
        let ended = self.trial.cluster.server(place).wait(SERVE_MAX).await;
        assert_eq!(ended.code, Some(10), "a full disk is a fault:\n{}", ended.stderr);
        assert!(
            ended.stderr.contains("os error 28"),
            "it does not say that the disk is full:\n{}",
            ended.stderr
        );
        self.trial.cluster.kill(place);
        self.seen(Fault::FullDisk);
        self.served(50, "without the node whose disk is full").await;
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
        self.proxy.set(&between(&[place], &others), Rule::Refuse);
        self.trial.cluster.kill(place);
        let data = self.trial.cluster.nodes[place].data.clone();
        let whole = self.trial.cluster.copy_data(place, &format!("whole-{place}"));
        for _ in 0..FLIPS {
            let kinds: Vec<PathBuf> = ["log", "journal", "sm"].iter().map(|kind| data.join(kind)).collect();
            let files = injury::files(&kinds[self.rng.random_range(0..kinds.len())]);
            let flip = injury::flip(&files, &mut self.rng);
            let noticed = self.starts_injured(place, &flip.to_string()).await;
            if self.trial.cluster.runs(place) {
                self.trial.cluster.kill(place);
            }
            std::fs::remove_dir_all(&data).expect("removed");
            copy_folder(&whole, &data);
            if noticed {
                self.seen(Fault::FileFlip);
                break;
            }
        }
        std::fs::remove_dir_all(&whole).expect("removed");
        self.proxy.heal();
        self.back(place).await;
        Ok(())
    }

    /// Whether a node with a flipped byte notices: it refuses to serve, or says what it repaired.
    async fn starts_injured(&mut self, place: usize, flip: &str) -> bool {
        let ended = match self.trial.cluster.try_start_node(place).await {
            Err(ended) => Some(ended),
            Ok(()) => {
                sleep(Duration::from_millis(500)).await;
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
        let lines = self.trial.cluster.path().join("strace.txt");
        std::fs::remove_file(&lines).ok();
        let id = self.trial.cluster.server(place).id();
        Strace::attach(id, inject, lines).await
    }

    pub(super) async fn slow_sync(&mut self) -> Done {
        let leader = self.trial.cluster.leader().await;
        let strace = self.strace(leader, "inject=fsync,fdatasync:delay_exit=400000").await?;
        sleep(Duration::from_secs(3)).await;
        self.table.lock().hit(Fault::SlowSync, self.monitor.phase(), strace.injured());
        Ok(())
    }

    pub(super) async fn failed_sync(&mut self) -> Done {
        let victim = self.victim().await;
        let strace = self.strace(victim, "inject=fsync,fdatasync:error=EIO:when=3+").await?;
        let ended = self.trial.cluster.server(victim).wait(SERVE_MAX).await;
        assert_eq!(ended.code, Some(10), "a sync that fails is a fault:\n{}", ended.stderr);
        self.table.lock().hit(Fault::FailedSync, self.monitor.phase(), strace.injured());
        drop(strace);
        self.trial.cluster.kill(victim);
        self.served(50, "without the node whose sync failed").await;
        self.back(victim).await;
        Ok(())
    }

    /// A kill takes nothing that was handed to the system: syncs that lie must not be missed then.
    pub(super) async fn lying_sync(&mut self) -> Done {
        let victim = self.victim().await;
        let strace = self.strace(victim, "inject=fsync,fdatasync:retval=0").await?;
        sleep(Duration::from_secs(2)).await;
        self.trial.cluster.kill(victim);
        self.table.lock().hit(Fault::LyingSync, self.monitor.phase(), strace.injured());
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
