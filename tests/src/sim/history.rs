//! What clients asked and were told, with times; and everything that happened, in one line each.

use ledger::{Answer, Key, Transaction};
use node::raft::NodeId;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::fmt;
use std::fmt::Write;
use std::sync::Arc;
use tokio::time::Instant;

/// Microseconds since the beginning.
pub type Moment = u64;

/// What came back of a sending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It was decided.
    Answer(Answer),
    /// The node says that it may or may not have been done; or nothing came back in time.
    Unknown,
    /// The node says that nothing was proposed.
    NotDone,
}

/// One sending of a transaction.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// To whom.
    pub node: NodeId,
    /// When it was sent.
    pub invoked: Moment,
    /// When something came back, or nothing was waited for any longer.
    pub returned: Moment,
    /// What.
    pub reply: Reply,
}

/// A transaction and all its sendings.
#[derive(Clone, Debug)]
pub struct Op {
    /// Word for word.
    pub transaction: Transaction,
    /// Another transaction had this id and caller before, with another body.
    pub reused: bool,
    /// Its sendings.
    pub attempts: Vec<Attempt>,
}

impl Op {
    /// The answers that came back.
    pub fn answers(&self) -> impl Iterator<Item = (&Attempt, &Answer)> {
        self.attempts.iter().filter_map(|attempt| match &attempt.reply {
            Reply::Answer(answer) => Some((attempt, answer)),
            Reply::Unknown | Reply::NotDone => None,
        })
    }
}

/// A linearizable read of one record.
#[derive(Clone, Debug)]
pub struct Read {
    /// Whom.
    pub node: NodeId,
    /// What.
    pub key: Key,
    /// When it was asked.
    pub invoked: Moment,
    /// When it was answered.
    pub returned: Moment,
    /// The index that the node had applied.
    pub index: u64,
    /// The record's bytes; none if there is no such record.
    pub value: Option<Vec<u8>>,
}

/// Everything that clients saw.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// Transactions, in the order in which they were first sent.
    pub ops: Vec<Op>,
    /// Reads, in the order in which they were answered.
    pub reads: Vec<Read>,
}

/// What becomes of the lines of a diary, beside their hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// The last of them are kept.
    Last,
    /// All of them are kept.
    All,
    /// They are printed as they come.
    Print,
}

const LAST_EVENTS: usize = 200;

/// What happens, as it happens: hashed whole, the last of it kept in words.
#[derive(Clone)]
pub struct Diary(Arc<Mutex<Pages>>);

struct Pages {
    began: Instant,
    hash: blake3::Hasher,
    last: VecDeque<String>,
    all: Option<String>,
    live: bool,
    count: u64,
    history: History,
}

impl Diary {
    /// An empty one that begins now.
    pub fn begin(keep: Keep) -> Diary {
        Diary(Arc::new(Mutex::new(Pages {
            began: Instant::now(),
            hash: blake3::Hasher::new(),
            last: VecDeque::new(),
            all: (keep == Keep::All).then(String::new),
            live: keep == Keep::Print,
            count: 0,
            history: History::default(),
        })))
    }

    /// The time.
    pub fn now(&self) -> Moment {
        self.0.lock().began.elapsed().as_micros() as Moment
    }

    /// Notes that something happened.
    pub fn note(&self, what: fmt::Arguments<'_>) {
        let mut pages = self.0.lock();
        let pages = &mut *pages;
        let at = pages.began.elapsed().as_micros() as Moment;
        let mut line = String::with_capacity(120);
        write!(line, "{:>4}.{:06} {what}", at / 1_000_000, at % 1_000_000).ok();
        pages.hash.update(line.as_bytes());
        pages.hash.update(b"\n");
        pages.count += 1;
        if pages.live {
            println!("{line}");
        }
        if let Some(all) = &mut pages.all {
            all.push_str(&line);
            all.push('\n');
        }
        if pages.last.len() == LAST_EVENTS {
            pages.last.pop_front();
        }
        pages.last.push_back(line);
    }

    /// Works on what clients saw.
    pub fn history<T>(&self, work: impl FnOnce(&mut History) -> T) -> T {
        work(&mut self.0.lock().history)
    }

    /// The hash of every line so far.
    pub fn hash(&self) -> String {
        self.0.lock().hash.finalize().to_hex()[..16].to_string()
    }

    /// How many lines there are.
    pub fn lines(&self) -> u64 {
        self.0.lock().count
    }

    /// The last lines.
    pub fn last(&self) -> Vec<String> {
        self.0.lock().last.iter().cloned().collect()
    }

    /// Every line, if they were kept.
    pub fn all(&self) -> Option<String> {
        self.0.lock().all.clone()
    }
}

/// Notes in the diary what happened, as `format!` would say it.
#[macro_export]
macro_rules! note {
    ($diary:expr, $($what:tt)*) => { $diary.note(format_args!($($what)*)) };
}
