//! A machine that a node runs on: its tasks, its chance, its disk.

use crate::sim::coverage::{Coverage, Fault};
use crate::sim::disk::{Disk, Loss};
use crate::sim::floor::{Floor, Owner, rng};
use futures::FutureExt;
use futures::future::BoxFuture;
use node::host::{Host, Synced};
use parking_lot::Mutex;
use rand::Rng;
use rand::rngs::SmallRng;
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

/// How a disk behaves.
#[derive(Clone, Copy, Debug, Default)]
pub struct DiskTemper {
    /// How long a sync of the log takes at least and at most.
    pub sync: (Duration, Duration),
    /// One in so many syncs takes a hundred times as long; 0: none.
    pub slow_one_in: u32,
    /// One in so many syncs of state files is where the power is cut; 0: none.
    pub cut_one_in: u32,
}

/// A machine: of a node from start to crash, or of the world outside (clients, faults, the network).
pub struct Machine {
    /// Its number. A node that starts again gets a new machine over the same disk.
    pub number: Owner,
    floor: Arc<Floor>,
    this: Weak<Machine>,
    chance: Mutex<SmallRng>,
    disk: Option<Mutex<Plate>>,
}

/// What room there is on a disk.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Room {
    Enough,
    /// The log has what it needs. Of other files some find room, and some do not.
    Scarce,
    No,
}

struct Plate {
    disk: Disk,
    root: PathBuf,
    temper: DiskTemper,
    rng: SmallRng,
    /// Syncs of the log come one after the other.
    log_free_at: Instant,
    room: Room,
    /// A sync of the log was refused: raft-log ends what syncs at the first, so there is no other.
    log_ended: bool,
    /// Anything was refused.
    was_full: bool,
    /// Since when syncs of the log were refused, and how often.
    refused: Option<(Instant, u32)>,
    coverage: Coverage,
    /// Where the disk is copied to when the power is cut.
    cut_to: PathBuf,
    cut: Option<Loss>,
    /// Told when the power is cut in the middle of something.
    on_cut: mpsc::UnboundedSender<Owner>,
}

impl Machine {
    /// The world outside.
    pub fn outside(floor: &Arc<Floor>, seed: u64) -> Arc<Machine> {
        Arc::new_cyclic(|this| Machine {
            number: 0,
            floor: floor.clone(),
            this: this.clone(),
            chance: Mutex::new(rng(seed, 1)),
            disk: None,
        })
    }

    /// A machine with what is in a folder on its disk. Give also how the disk behaves, who is told when its power is cut in
    /// the middle of something, and where its faults are counted.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn over(
        floor: &Arc<Floor>,
        number: Owner,
        seed: u64,
        (root, temper, on_cut, coverage): (&Path, DiskTemper, mpsc::UnboundedSender<Owner>, Coverage),
    ) -> io::Result<Arc<Machine>> {
        let plate = Plate {
            disk: Disk::settled(root)?,
            root: root.to_path_buf(),
            temper,
            rng: rng(seed, number << 8 | 2),
            log_free_at: Instant::now(),
            room: Room::Enough,
            log_ended: false,
            was_full: false,
            refused: None,
            coverage,
            cut_to: root.with_extension("cut"),
            cut: None,
            on_cut,
        };
        Ok(Arc::new_cyclic(|this| Machine {
            number,
            floor: floor.clone(),
            this: this.clone(),
            chance: Mutex::new(rng(seed, number << 8 | 1)),
            disk: Some(Mutex::new(plate)),
        }))
    }

    /// Runs a task here.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let host = self.this.upgrade().expect("whoever calls holds it");
        self.floor.spawn(self.number, host, task.boxed());
    }

    /// Runs a task here, and gives its result; none if the machine crashes before.
    pub async fn run<T: Send + 'static>(&self, task: impl Future<Output = T> + Send + 'static) -> Option<T> {
        let (sender, result) = oneshot::channel();
        self.spawn(async move {
            // Whoever waited may have gone.
            sender.send(task.await).ok();
        });
        result.await.ok()
    }

    /// Cuts the power, or kills the process: every task is dropped, and the disk as it is then is copied to a new folder.
    ///
    /// # Panics
    /// If the operating system refuses, or it is the world outside.
    pub async fn crash(&self, to: &Path, gentle: bool) -> Loss {
        let loss = {
            let mut plate = self.plate().lock();
            let plate = &mut *plate;
            match plate.cut.take() {
                // The power had been cut a while ago, in the middle of something.
                Some(loss) => {
                    std::fs::rename(&plate.cut_to, to).expect("the copy is moved");
                    loss
                }
                None => plate.disk.image(to, gentle, &mut plate.rng).expect("the disk is copied"),
            }
        };
        self.floor.crash(self.number).await;
        let root = self.plate().lock().root.clone();
        std::fs::remove_dir_all(root).ok();
        loss
    }

    /// From now on the disk takes nothing more, or no more than this and that; or takes everything again.
    pub fn set_full(&self, full: bool) {
        let mut plate = self.plate().lock();
        plate.room = match full {
            true if plate.rng.random() => Room::Scarce,
            true => Room::No,
            false => Room::Enough,
        };
    }

    /// Whether anything was refused because there was no room.
    pub fn was_full(&self) -> bool {
        self.plate().lock().was_full
    }

    /// Whether the log was refused its syncs for a while, and the node goes on as if nothing had been. A purge alone may be
    /// refused: what it takes away is there again after a crash.
    pub fn is_deaf(&self) -> bool {
        const LONG: Duration = Duration::from_secs(2);
        const OFTEN: u32 = 4;
        self.plate().lock().refused.is_some_and(|(since, times)| times >= OFTEN && since.elapsed() > LONG)
    }

    /// From now on the disk behaves so.
    pub fn set_temper(&self, temper: DiskTemper) {
        self.plate().lock().temper = temper;
    }

    fn plate(&self) -> &Mutex<Plate> {
        self.disk.as_ref().expect("a node's machine has a disk")
    }
}

impl Plate {
    /// There is no room for what a sync is asked for.
    fn refuse(&mut self, path: &Path) -> io::Error {
        self.was_full = true;
        self.coverage.hit(Fault::DiskFull);
        self.disk.refuse(path);
        io::Error::from(io::ErrorKind::StorageFull)
    }
}

impl Host for Machine {
    fn spawn(&self, task: BoxFuture<'static, ()>) -> u64 {
        let host = self.this.upgrade().expect("its tasks hold it");
        self.floor.spawn(self.number, host, task)
    }

    fn abort(&self, task: u64) {
        self.floor.abort(task);
    }

    fn random(&self) -> u64 {
        self.chance.lock().random()
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        let mut plate = self.plate().lock();
        let plate = &mut *plate;
        let refused = plate.room == Room::No || (plate.room == Room::Scarce && plate.rng.random());
        if refused {
            return Err(plate.refuse(path));
        }
        let cut = plate.temper.cut_one_in;
        if cut > 0 && plate.cut.is_none() && plate.rng.random_ratio(1, cut) {
            plate.cut = Some(plate.disk.image(&plate.cut_to, false, &mut plate.rng)?);
            // What it does from here on until the poll returns, nobody else sees.
            self.floor.condemn(self.number);
            plate.on_cut.send(self.number).ok();
        }
        plate.disk.sync(path)
    }

    fn sync_log(&self, folder: &Path, done: Synced) {
        let (due, slow, refused) = {
            let mut plate = self.plate().lock();
            let plate = &mut *plate;
            let (least, most) = plate.temper.sync;
            let mut takes = plate.rng.random_range(least..=most);
            let slow = plate.temper.slow_one_in > 0 && plate.rng.random_ratio(1, plate.temper.slow_one_in);
            if slow {
                takes *= 100;
            }
            plate.log_free_at = plate.log_free_at.max(Instant::now()) + takes;
            plate.log_ended |= plate.room == Room::No;
            if plate.log_ended {
                let (_, times) = plate.refused.get_or_insert((Instant::now(), 0));
                *times += 1;
            }
            (plate.log_free_at, slow, plate.log_ended)
        };
        let marks = Disk::log_marks(folder);
        let (this, folder) = (self.this.upgrade().expect("its tasks hold it"), folder.to_path_buf());
        let of_task = this.clone();
        this.spawn(async move {
            tokio::time::sleep_until(due).await;
            let synced = {
                let mut plate = of_task.plate().lock();
                if slow {
                    plate.coverage.hit(Fault::SlowDisk);
                }
                match (marks, refused) {
                    (Ok(_), true) => Err(plate.refuse(&folder)),
                    (Ok(marks), false) => plate.disk.log_synced(&folder, &marks),
                    (Err(problem), _) => Err(problem),
                }
            };
            done(synced);
        });
    }
}
