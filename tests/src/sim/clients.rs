//! Clients: each asks one thing after another of whichever node, and again until it knows; and notes every word.

use crate::note;
use crate::sim::asks::Known;
use crate::sim::draw::Draw;
use crate::sim::history::{Attempt, Diary, Op, Read, Reply};
use crate::sim::net::Net;
use crate::sim::sites::{BEGIN, Sites};
use ledger::codec::encode_row;
use ledger::{Answer, Call, Key, Outcome, Stamp, Transaction, View};
use node::propose::Undecided;
use node::raft::NodeId;
use node::read::Freshness;
use parking_lot::Mutex;
use rand::Rng;
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long a client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long every third one waits: until nodes themselves give up, and say what they claim then.
const LONG_PATIENCE: Duration = Duration::from_secs(14);
/// How often it asks again before it leaves a transaction open.
const AGAIN_MOST: usize = 6;

/// What all clients share.
pub struct Office {
    /// The nodes.
    pub sites: Arc<Sites>,
    /// The network.
    pub net: Arc<Net>,
    /// Everything that happens.
    pub diary: Diary,
    /// What they have learned.
    pub known: Mutex<Known>,
    /// Set when they shall stop.
    pub closed: AtomicBool,
}

impl Office {
    /// What time it is for a client: a clock of its own, that is right.
    fn now(&self) -> Stamp {
        Stamp(BEGIN.0 + self.diary.now() / 1_000)
    }

    /// Sends transactions to a node, and notes what comes back.
    pub async fn send(&self, node: NodeId, ops: &[usize]) -> Option<Vec<Answer>> {
        let transactions: Vec<Transaction> =
            self.diary.history(|history| ops.iter().map(|op| history.ops[*op].transaction.clone()).collect());
        let invoked = self.diary.now();
        let patience = if ops[0].is_multiple_of(3) { LONG_PATIENCE } else { PATIENCE };
        let reply = tokio::time::timeout(patience, self.ask(node, transactions)).await;
        let reply = reply.unwrap_or(Err(Undecided::Unknown));
        let returned = self.diary.now();
        for (place, op) in ops.iter().enumerate() {
            let reply = match &reply {
                Ok(answers) => Reply::Answer(answers[place].clone()),
                Err(Undecided::Unknown) => Reply::Unknown,
                Err(_) => Reply::NotDone,
            };
            match &reply {
                Reply::Answer(answer) => {
                    let outcome = match &answer.outcome {
                        Outcome::Done(events) => format!("done, {} events", events.len()),
                        Outcome::Refused(refusal) => refusal.name().to_string(),
                    };
                    let again = if answer.repeated { " again" } else { "" };
                    note!(self.diary, "op {op} by {node} at {}: {outcome}{again}", answer.position);
                }
                Reply::Unknown => note!(self.diary, "op {op} by {node}: unknown"),
                Reply::NotDone => note!(self.diary, "op {op} by {node}: not done"),
            }
            let attempt = Attempt { node, invoked, returned, reply };
            self.diary.history(|history| history.ops[*op].attempts.push(attempt));
        }
        reply.ok()
    }

    async fn ask(&self, id: NodeId, transactions: Vec<Transaction>) -> Result<Vec<Answer>, Undecided> {
        self.travel().await;
        // Nobody there: the connection is refused.
        let Some((node, machine)) = self.sites.node(id) else { return Err(Undecided::NoLeader) };
        let proposer = node.proposer().clone();
        drop(node);
        let decided = machine.run(async move { proposer.submit(transactions).await }).await;
        self.travel().await;
        decided.unwrap_or(Err(Undecided::Unknown))
    }

    /// A message's way. One that is lost never arrives.
    async fn travel(&self) {
        match self.net.client_delay() {
            Some(delay) => tokio::time::sleep(delay).await,
            None => std::future::pending().await,
        }
    }

    /// Reads a record as it is now, and notes what was read. False if nobody answered.
    pub async fn read(&self, id: NodeId, key: Key) -> bool {
        let invoked = self.diary.now();
        let read = async {
            self.travel().await;
            let (node, machine) = self.sites.node(id)?;
            let read = async move {
                node.reads().wait(Freshness::Linearizable).await.ok()?;
                let reader = node.state().reader();
                let row = reader.get(&key).ok()?;
                Some((reader.applied().index(), row.map(|row| encode_row(&row))))
            };
            let found = machine.run(read).await??;
            self.travel().await;
            Some(found)
        };
        let Ok(Some((index, value))) = tokio::time::timeout(PATIENCE, read).await else {
            note!(self.diary, "read by {id}: no answer");
            return false;
        };
        let returned = self.diary.now();
        note!(self.diary, "read by {id} at {index}: {} bytes", value.as_ref().map_or(0, Vec::len));
        let read = Read { node: id, key, invoked, returned, index, value };
        self.diary.history(|history| history.reads.push(read));
        true
    }

    /// Notes a transaction before it is first sent.
    pub fn begin(&self, transaction: Transaction, reused: bool) -> usize {
        self.diary.history(|history| {
            history.ops.push(Op { transaction, reused, attempts: Vec::new() });
            history.ops.len() - 1
        })
    }

    /// Asks until it is known what became of these transactions, or it is enough.
    pub async fn settle(&self, rng: &mut SmallRng, ops: &[usize], most: usize) -> bool {
        for _ in 0..most {
            let up = self.sites.up();
            let Some(node) = up.choose(rng).copied() else {
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            if let Some(answers) = self.send(node, ops).await {
                let mut known = self.known.lock();
                for (op, answer) in ops.iter().zip(&answers) {
                    let transaction = self.diary.history(|history| history.ops[*op].transaction.clone());
                    if !answer.repeated {
                        known.learn(&transaction, answer);
                    }
                }
                return true;
            }
            tokio::time::sleep(Duration::from_millis(rng.random_range(10..200))).await;
        }
        false
    }

    /// Founds the ledger: every step must be done.
    ///
    /// # Panics
    /// If one is refused, or never known.
    pub async fn found(&self, rng: &mut SmallRng, draw: &Draw, cluster: [u8; 16]) {
        let steps = self.known.lock().founding(draw.policy, cluster, self.now());
        for step in steps {
            self.must(rng, step).await;
        }
        let bonds = self.known.lock().bonds();
        tokio::time::sleep(Duration::from_millis(2_100)).await;
        for step in bonds {
            self.must(rng, step).await;
        }
    }

    async fn must(&self, rng: &mut SmallRng, calls: Vec<(ledger::Caller, Call)>) {
        let now = self.now();
        let ops: Vec<usize> = calls
            .into_iter()
            .map(|(caller, call)| {
                let transaction = self.known.lock().envelope(rng, now, caller, call);
                self.begin(transaction, false)
            })
            .collect();
        assert!(self.settle(rng, &ops, 40).await, "the ledger could not be founded: nobody answers");
        self.diary.history(|history| {
            for op in ops.iter().map(|op| &history.ops[*op]) {
                let (_, answer) = op.answers().last().expect("it was answered");
                let done = matches!(answer.outcome, Outcome::Done(_));
                assert!(done, "the ledger could not be founded: {:?} {:?}", op.transaction, answer.outcome);
            }
        });
    }

    /// One client, until the office closes.
    pub async fn serve(self: Arc<Self>, mut rng: SmallRng, think: (Duration, Duration)) {
        let mut past: Vec<usize> = Vec::new();
        while !self.closed.load(Ordering::Relaxed) {
            tokio::time::sleep(rng.random_range(think.0..=think.1)).await;
            let up = self.sites.up();
            let Some(node) = up.choose(&mut rng).copied() else { continue };
            let earlier = past.choose(&mut rng).copied();
            match (rng.random_range(0..100), earlier) {
                (0..22, _) => {
                    let key = self.known.lock().question(&mut rng);
                    self.read(node, key).await;
                }
                // The same again, of anyone: the first answer must come back.
                (22..28, Some(op)) => {
                    self.send(node, &[op]).await;
                }
                // The id again with another body.
                (28..30, Some(op)) => {
                    let mut transaction = self.diary.history(|history| history.ops[op].transaction.clone());
                    transaction.not_after = Some(Stamp(transaction.not_after.map_or(0, |at| at.0) + 1));
                    let op = self.begin(transaction, true);
                    self.send(node, &[op]).await;
                }
                (30..32, Some(op)) => {
                    let of = self.diary.history(|history| history.ops[op].transaction.clone());
                    let reversal = self.known.lock().reversal(&mut rng, self.now(), &of);
                    let op = self.begin(reversal, false);
                    self.settle(&mut rng, &[op], AGAIN_MOST).await;
                }
                _ => {
                    let count = if rng.random_ratio(1, 5) { rng.random_range(2..8) } else { 1 };
                    let ops: Vec<usize> = (0..count)
                        .map(|_| {
                            let transaction = self.known.lock().ask(&mut rng, self.now());
                            self.begin(transaction, false)
                        })
                        .collect();
                    past.extend(&ops);
                    self.settle(&mut rng, &ops, AGAIN_MOST).await;
                }
            }
        }
    }
}
