//! Every call and reply, with times: what clients were told, to be judged by what the ledger holds.

use client::{Caller, Error, Outcome, Prepared, Reason, RequestId, v1};
use parking_lot::Mutex;
use std::fmt::Write;
use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// What kind of answer a call must get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// It must be done.
    Done,
    /// It must be refused, for one of these reasons.
    Refused(&'static [Reason]),
    /// It is done, or refused for one of these reasons: others race with it.
    Either(&'static [Reason]),
    /// Its id was used before with another body: it must be refused for that, and is not remembered.
    Reused,
}

/// One sending of a transaction, from a client's side.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// When it was handed to the SDK, since the history began.
    pub invoked: Duration,
    /// When the SDK came back.
    pub returned: Duration,
    /// With what.
    pub reply: Result<Outcome, Error>,
}

/// One transaction and all its sendings.
#[derive(Clone, Debug)]
pub struct Op {
    /// Who asked.
    pub caller: Caller,
    /// Its id.
    pub request: RequestId,
    /// What was asked, word for word.
    pub transaction: v1::Transaction,
    /// What kind of answer it must get.
    pub expect: Expect,
    /// Its sendings, in the order in which they came back.
    pub attempts: Vec<Attempt>,
}

impl Op {
    /// The answers that are final: done or refused.
    pub fn answers(&self) -> impl Iterator<Item = &Outcome> {
        self.attempts.iter().filter_map(|attempt| match &attempt.reply {
            Ok(outcome @ (Outcome::Done(_) | Outcome::Refused(_))) => Some(outcome),
            Ok(Outcome::Unknown(_)) | Err(_) => None,
        })
    }

    /// True while nobody knows how it ended.
    pub fn is_unknown(&self) -> bool {
        let unknown = |attempt: &Attempt| matches!(attempt.reply, Ok(Outcome::Unknown(_)));
        self.answers().next().is_none() && self.attempts.iter().any(unknown)
    }

    /// True if the client was told that it certainly was not done, and nothing else.
    pub fn is_not_done(&self) -> bool {
        !self.attempts.is_empty() && self.attempts.iter().all(|attempt| attempt.reply.is_err())
    }
}

/// Every call and reply of a test.
#[derive(Clone, Debug)]
pub struct History {
    started: Instant,
    ops: Arc<Mutex<Vec<Op>>>,
    answered: Arc<AtomicUsize>,
}

/// Which operation of a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpId(usize);

impl Default for History {
    fn default() -> History {
        History::new()
    }
}

impl History {
    /// An empty one, that begins now.
    pub fn new() -> History {
        History { started: Instant::now(), ops: Arc::default(), answered: Arc::default() }
    }

    /// Notes a transaction before it is first sent.
    ///
    /// # Panics
    /// If it has no caller or no good id: tests of bad input are none of a history's business.
    pub fn begin(&self, caller: &Caller, transaction: v1::Transaction, expect: Expect) -> OpId {
        let request = transaction.request_id.parse().expect("a good request id");
        let op = Op { caller: caller.clone(), request, transaction, expect, attempts: Vec::new() };
        let mut ops = self.ops.lock();
        ops.push(op);
        OpId(ops.len() - 1)
    }

    /// Sends a transaction that was noted, by `send`, and notes what comes back.
    pub async fn attempt<F, Fut>(&self, op: OpId, send: F) -> Result<Outcome, Error>
    where
        F: FnOnce(Prepared) -> Fut,
        Fut: Future<Output = Result<Outcome, Error>>,
    {
        let prepared = {
            let ops = self.ops.lock();
            Prepared::new(&ops[op.0].transaction).expect("its id was read before")
        };
        let invoked = self.started.elapsed();
        let reply = send(prepared).await;
        if matches!(reply, Ok(Outcome::Done(_) | Outcome::Refused(_))) {
            self.answered.fetch_add(1, Ordering::Relaxed);
        }
        let attempt = Attempt { invoked, returned: self.started.elapsed(), reply: reply.clone() };
        self.ops.lock()[op.0].attempts.push(attempt);
        reply
    }

    /// The id of an operation.
    pub fn request_of(&self, op: OpId) -> RequestId {
        self.ops.lock()[op.0].request
    }

    /// The operations whose outcome nobody knows.
    pub fn unknown(&self) -> Vec<OpId> {
        let ops = self.ops.lock();
        ops.iter().enumerate().filter(|(_, op)| op.is_unknown()).map(|(place, _)| OpId(place)).collect()
    }

    /// All of it, as it stands.
    pub fn ops(&self) -> Vec<Op> {
        self.ops.lock().clone()
    }

    /// How many operations were begun.
    pub fn len(&self) -> usize {
        self.ops.lock().len()
    }

    /// How many sendings got a final answer.
    pub fn answered(&self) -> usize {
        self.answered.load(Ordering::Relaxed)
    }

    /// The last place in the log that an answer names; 0 before the first.
    pub fn last_index(&self) -> u64 {
        let ops = self.ops.lock();
        let answers = ops.iter().flat_map(Op::answers);
        let indexes = answers.map(|answer| match answer {
            Outcome::Done(receipt) => receipt.index,
            Outcome::Refused(refused) => refused.index,
            Outcome::Unknown(_) => 0,
        });
        indexes.max().unwrap_or_default()
    }

    /// How long it has been going on.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// True before the first.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes it to a file, a line an attempt, to be read beside the nodes' stderr.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn save(&self, path: &Path) -> std::io::Result<()> {
        let mut text = String::new();
        for op in self.ops.lock().iter() {
            let what = op.transaction.call.as_ref();
            writeln!(text, "{} {:?} expects {:?}: {what:?}", op.request, op.caller, op.expect).ok();
            for attempt in &op.attempts {
                let (from, to) = (attempt.invoked.as_secs_f64(), attempt.returned.as_secs_f64());
                writeln!(text, "  {from:.6} to {to:.6} {:?}", attempt.reply).ok();
            }
        }
        std::fs::write(path, text)
    }
}
