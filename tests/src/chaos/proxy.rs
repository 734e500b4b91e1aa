//! What stands before every node: all its connections lead through here, and each way of each link can be injured.
//!
//! A rule is about bytes from one end to another, whoever made the connection that they travel on.

use super::who;
use crate::cluster::Processes;
use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, SocketAddrV4};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;

/// Bytes that are passed on at once.
const CHUNK: usize = 16 << 10;
/// Chunks under way on one way of a connection.
const UNDER_WAY: usize = 64;

/// One end of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    /// A node.
    Node(usize),
    /// Clients and operators.
    Outside,
}

/// What becomes of bytes from one end to another.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Rule {
    /// They pass.
    #[default]
    Pass,
    /// Connections are broken, and new ones closed at once.
    Refuse,
    /// They are held back for as long as the rule is in force: connections open, and nothing comes.
    Hold,
    /// They are lost, and with them all that comes later on connections that were open: those hang for ever, and never break.
    Lose,
    /// They come so much later.
    Late(Duration),
    /// So many come in a second.
    Slow(u32),
    /// One chunk in so many is cut in half, and its connection broken.
    Break(u32),
    /// In one chunk in so many one bit is turned over.
    Flip(u32),
}

/// All of it. Clones are one proxy, which ends with the last.
#[derive(Clone)]
pub struct Proxy {
    shared: Arc<Shared>,
    doors: Arc<Mutex<JoinSet<()>>>,
}

struct Shared {
    processes: Processes,
    rules: Mutex<HashMap<(End, End), Rule>>,
    changed: watch::Sender<()>,
    touched: AtomicU64,
    open: Mutex<Vec<(End, End, AbortHandle)>>,
    rng: Mutex<StdRng>,
}

impl Proxy {
    /// A proxy that lets everything pass.
    pub fn new(seed: u64, processes: Processes) -> Proxy {
        let shared = Shared {
            processes,
            rules: Mutex::default(),
            changed: watch::Sender::new(()),
            touched: AtomicU64::new(0),
            open: Mutex::default(),
            rng: Mutex::new(StdRng::seed_from_u64(seed)),
        };
        Proxy { shared: Arc::new(shared), doors: Arc::default() }
    }

    /// Opens a door before an address of a node, on the node's own loopback address, and says where. A door for
    /// peers lets in nobody but nodes.
    ///
    /// # Panics
    /// If there is no port.
    pub async fn stand_before(&self, place: usize, address: &str, peers: bool) -> String {
        let target: SocketAddr = address.parse().expect("a node's address");
        let door = TcpListener::bind((target.ip(), 0)).await.expect("a port of the system's choice");
        let at = door.local_addr().expect("a listener's address");
        let shared = self.shared.clone();
        self.doors.lock().spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                // None if the connection ended before it was taken.
                let Ok((stream, from)) = door.accept().await else { continue };
                connections.spawn(shared.clone().serve(stream, from, at, target, place, peers));
                while connections.try_join_next().is_some() {}
            }
        });
        at.to_string()
    }

    /// Sets a rule for these ways, in the place of others there.
    pub fn set(&self, ways: &[(End, End)], rule: Rule) {
        let mut rules = self.shared.rules.lock();
        rules.extend(ways.iter().map(|way| (*way, rule)));
        drop(rules);
        self.shared.changed.send_replace(());
    }

    /// Breaks the connections that are open between these ends, and says how many there were.
    pub fn sever(&self, ways: &[(End, End)]) -> usize {
        let mut severed = 0;
        self.shared.open.lock().retain(|(from, to, connection)| {
            let open = !connection.is_finished();
            let hit = open && (ways.contains(&(*from, *to)) || ways.contains(&(*to, *from)));
            if hit {
                connection.abort();
                severed += 1;
            }
            open && !hit
        });
        severed
    }

    /// Everything passes again.
    pub fn heal(&self) {
        self.shared.rules.lock().clear();
        self.shared.changed.send_replace(());
    }

    /// How often a rule has taken effect so far.
    pub fn touched(&self) -> u64 {
        self.shared.touched.load(Ordering::Relaxed)
    }
}

impl Shared {
    fn rule(&self, from: End, to: End) -> Rule {
        self.rules.lock().get(&(from, to)).copied().unwrap_or_default()
    }

    fn touch(&self) {
        self.touched.fetch_add(1, Ordering::Relaxed);
    }

    fn chance(&self, one_in: u32) -> bool {
        self.rng.lock().random_ratio(1, one_in)
    }

    /// A connection from its first byte to its last.
    async fn serve(
        self: Arc<Shared>,
        stream: TcpStream,
        from: SocketAddr,
        at: SocketAddr,
        target: SocketAddr,
        place: usize,
        peers: bool,
    ) {
        let (SocketAddr::V4(from), SocketAddr::V4(at)) = (from, at) else { return };
        let Some(from) = self.whose(from, at, peers).await else { return };
        let to = End::Node(place);
        if [self.rule(from, to), self.rule(to, from)].contains(&Rule::Refuse) {
            self.touch();
            return;
        }
        let Ok(onward) = TcpStream::connect(target).await else { return };
        stream.set_nodelay(true).ok();
        onward.set_nodelay(true).ok();
        let (near_read, near_write) = stream.into_split();
        let (far_read, far_write) = onward.into_split();
        let shared = self.clone();
        let mut pumps = JoinSet::new();
        let handle = pumps.spawn(async move {
            let there = shared.pump(from, to, near_read, far_write);
            let back = shared.pump(to, from, far_read, near_write);
            // An error of either way ends both: the sockets close.
            tokio::try_join!(there, back).ok();
        });
        self.open.lock().push((from, to, handle));
        // Broken or ended, it is over.
        pumps.join_next().await;
    }

    async fn whose(&self, from: SocketAddrV4, at: SocketAddrV4, peers: bool) -> Option<End> {
        const LOOKS: usize = 100;
        for _ in 0..LOOKS {
            let processes = self.processes.clone();
            let found = tokio::task::spawn_blocking(move || who::dialled(from, at, &processes)).await.ok()?;
            match found {
                Some(place) => return Some(End::Node(place)),
                None if !peers => return Some(End::Outside),
                // A node that has just been started is not known yet.
                None => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
        None
    }

    /// One way of a connection.
    async fn pump(
        &self,
        from: End,
        to: End,
        mut read: OwnedReadHalf,
        mut write: OwnedWriteHalf,
    ) -> io::Result<()> {
        let (sender, mut queue) = mpsc::channel::<(Instant, Vec<u8>)>(UNDER_WAY);
        let reading = async move {
            loop {
                let mut chunk = vec![0; CHUNK];
                let length = read.read(&mut chunk).await?;
                if length == 0 {
                    return Ok(());
                }
                chunk.truncate(length);
                let mut due = Instant::now();
                if let Rule::Late(by) = self.rule(from, to) {
                    self.touch();
                    due += by;
                }
                if sender.send((due, chunk)).await.is_err() {
                    return Ok(());
                }
            }
        };
        let writing = async move {
            let mut changed = self.changed.subscribe();
            while let Some((due, mut chunk)) = queue.recv().await {
                tokio::time::sleep_until(due).await;
                let mut held = false;
                while {
                    changed.borrow_and_update();
                    self.rule(from, to) == Rule::Hold
                } {
                    if !held {
                        self.touch();
                    }
                    held = true;
                    changed.changed().await.map_err(io::Error::other)?;
                }
                match self.rule(from, to) {
                    Rule::Pass | Rule::Late(_) | Rule::Hold => {}
                    Rule::Lose => {
                        self.touch();
                        while queue.recv().await.is_some() {}
                        return Ok(());
                    }
                    Rule::Refuse => {
                        self.touch();
                        return Err(io::ErrorKind::ConnectionReset.into());
                    }
                    Rule::Slow(rate) => {
                        self.touch();
                        let span = chunk.len() as f64 / f64::from(rate);
                        tokio::time::sleep(Duration::from_secs_f64(span)).await;
                    }
                    Rule::Break(one_in) => {
                        if chunk.len() > 1 && self.chance(one_in) {
                            self.touch();
                            write.write_all(&chunk[..chunk.len() / 2]).await?;
                            return Err(io::ErrorKind::ConnectionReset.into());
                        }
                    }
                    Rule::Flip(one_in) => {
                        if self.chance(one_in) {
                            self.touch();
                            let (at, bit) = {
                                let mut rng = self.rng.lock();
                                (rng.random_range(0..chunk.len()), rng.random_range(0..8))
                            };
                            chunk[at] ^= 1 << bit;
                        }
                    }
                }
                write.write_all(&chunk).await?;
            }
            write.shutdown().await
        };
        tokio::try_join!(reading, writing).map(drop)
    }
}
