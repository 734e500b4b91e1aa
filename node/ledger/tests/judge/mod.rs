//! The contract and the naive ledger side by side: whatever a history asks, both must say and hold the same.

mod pairs;
mod report;

pub use report::Report;

use crate::chance::{Dice, Sender, Start, Step};
use crate::model::Model;
use ledger::table::{Record, RequestRecord};
use ledger::{Answer, At, Key, MapState, Position, Row, Stamp, Transaction, View, apply, audit};

/// What differs, in words; none if nothing does.
pub type Law = Result<(), String>;

/// Entries as they went into the log.
pub type Log = Vec<(At, Vec<Transaction>)>;

/// How closely two ledgers are compared.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Care {
    /// What an entry changed, after each; everything and the audit only now and then.
    Quick,
    /// Everything, and the audit, after each entry.
    Thorough,
}

/// Entries after which a quick comparison looks at everything.
const EVERY: u64 = 400;

pub struct Pair {
    pub state: MapState,
    pub model: Model,
    pub sender: Sender,
    pub log: Log,
    pub answers: Vec<Answer>,
    care: Care,
}

impl Pair {
    pub fn new(care: Care) -> Pair {
        let (state, model, sender) = (MapState::new(), Model::new(), Sender::new());
        Pair { state, model, sender, log: vec![], answers: vec![], care }
    }

    /// Begins as told.
    pub fn start(&mut self, start: Start, report: &mut Report) -> Law {
        if start.bare {
            return Ok(());
        }
        let prelude = self.sender.prelude(start.policy);
        self.entry(prelude, report)
    }

    pub fn step(&mut self, step: &Step, report: &mut Report) -> Law {
        match step {
            Step::Wait(span) => {
                self.sender.stamp = self.sender.stamp.saturating_add_signed(*span);
                Ok(())
            }
            Step::Focus(pick) => {
                self.sender.focus = (pick % 5 > 0).then(|| crate::chance::person(*pick));
                Ok(())
            }
            Step::Flood(pick) => {
                let flood = self.sender.flood(&self.model, *pick);
                self.entry(flood, report)
            }
            Step::Entry(asks) => {
                let sender = &mut self.sender;
                let entry = asks.iter().map(|ask| sender.transaction(&self.model, ask)).collect();
                self.entry(entry, report)
            }
        }
    }

    fn entry(&mut self, transactions: Vec<Transaction>, report: &mut Report) -> Law {
        let stamp = self.sender.stamp;
        let at = At { index: self.log.len() as u64 + 1, stamp: Stamp(stamp) };
        self.log.push((at, transactions));
        let (_, transactions) = self.log.last().expect("just now");
        let Ok(applied) = apply(&self.state, at, transactions);
        self.model.open_entry(stamp);
        for (place, (asked, is)) in transactions.iter().zip(&applied.answers).enumerate() {
            let position = Position { index: at.index, place: place as u16 };
            let should = self.model.answer(position, asked);
            if *is != should {
                return Err(format!("{position} {asked:?}\n  contract: {is:?}\n  naive:    {should:?}"));
            }
            report.note(&self.model, asked, is);
        }
        self.model.close_entry(at.index);
        for (key, row) in &applied.changes {
            self.same(key, row.as_deref())?;
        }
        self.state.absorb(applied.changes);
        self.answers.extend(applied.answers);
        if self.care == Care::Thorough || at.index.is_multiple_of(EVERY) {
            self.compare()?;
        }
        Ok(())
    }

    /// Whether a row is as it should be.
    fn same(&self, key: &Key, is: Option<&Row>) -> Law {
        let should = self.model.row(key);
        let same = match (is, &should) {
            (Some(Row::Request(is)), Some(Row::Request(should))) => remembers(is, should),
            (is, should) => is == should.as_ref(),
        };
        if same { Ok(()) } else { Err(format!("{key:?}\n  is        {is:?}\n  should be {should:?}")) }
    }

    /// Compares everything, and audits.
    pub fn compare(&self) -> Law {
        for (key, row) in self.state.rows() {
            self.same(key, Some(row))?;
        }
        let keys = self.model.keys();
        if keys.len() != self.state.len() {
            let missing = keys.iter().find(|key| matches!(self.state.get(key), Ok(None)));
            return Err(format!("{missing:?} is missing"));
        }
        let Ok(audit) = audit(&self.state, Some(self.state.digest()));
        if audit.is_clean() { Ok(()) } else { Err(format!("the audit finds: {audit}")) }
    }
}

/// The fingerprint is the contract's own.
fn remembers(is: &RequestRecord, should: &RequestRecord) -> bool {
    (is.position, &is.outcome) == (should.position, &should.outcome)
}

pub fn record<R: Record>(state: &MapState, key: &Key) -> Option<R> {
    let Ok(row) = state.get(key);
    row.and_then(|row| R::of_row(&row).cloned())
}

/// Plays a history on both ledgers.
pub fn play(start: Start, steps: &[Step], care: Care, report: &mut Report) -> Result<Pair, String> {
    let mut pair = Pair::new(care);
    pair.start(start, report)?;
    for step in steps {
        pair.step(step, report)?;
    }
    pair.compare()?;
    Ok(pair)
}

/// A world played with dice until so many transactions were decided. What differs is played again with more care, and
/// cut down as far as it still differs.
pub fn play_world(seed: u64, report: &mut Report) -> Result<u64, String> {
    let mut dice = Dice::new(seed);
    let start = dice.start();
    let length = [400, 1_500, 3_000, 3_000, 6_000][(dice.throw() % 5) as usize];
    let length = if start.bare { 300 } else { length };
    let mut pair = Pair::new(Care::Quick);
    let mut steps = vec![];
    let mut law = pair.start(start, report);
    while law.is_ok() && pair.answers.len() < length {
        let step = dice.step();
        law = pair.step(&step, report);
        steps.push(step);
    }
    match law.and_then(|()| pair.compare()) {
        Ok(()) => Ok(pair.answers.len() as u64),
        Err(what) => Err(cut_down(start, steps, what)),
    }
}

/// A short world with a flood of this kind in the middle.
pub fn play_flood(kind: u8, report: &mut Report) -> Result<u64, String> {
    let mut dice = Dice::new(u64::from(kind));
    let start = Start { bare: false, policy: kind };
    let mut steps: Vec<Step> = (0..80).map(|_| dice.step()).collect();
    steps.push(Step::Flood(kind));
    steps.extend((0..80).map(|_| dice.step()));
    match play(start, &steps, Care::Quick, report) {
        Ok(pair) => Ok(pair.answers.len() as u64),
        Err(what) => Err(cut_down(start, steps, what)),
    }
}

/// The shortest history found that differs: the first step at which it does, and nothing that can be left out.
fn cut_down(start: Start, mut steps: Vec<Step>, mut what: String) -> String {
    let differs = |steps: &[Step], care| -> Option<(usize, String)> {
        let mut pair = Pair::new(care);
        let mut silent = Report::new();
        let mut law = pair.start(start, &mut silent);
        let mut done = 0;
        while law.is_ok() && done < steps.len() {
            law = pair.step(&steps[done], &mut silent);
            done += 1;
        }
        let what = law.and_then(|()| pair.compare()).err()?;
        let last = &pair.log[pair.log.len().saturating_sub(8)..];
        let last: String = last.iter().map(told).collect();
        Some((done, format!("{what}\nthe last entries:\n{last}")))
    };
    if let Some((done, again)) = differs(&steps, Care::Thorough) {
        steps.truncate(done);
        what = again;
    }
    let care = if differs(&steps, Care::Quick).is_some() { Care::Quick } else { Care::Thorough };
    let mut size = steps.len() / 2;
    while size > 0 {
        let mut from = 0;
        while from < steps.len() {
            let mut fewer = steps.clone();
            fewer.drain(from..(from + size).min(steps.len()));
            match differs(&fewer, care) {
                Some((done, again)) => {
                    steps = fewer;
                    steps.truncate(done);
                    what = again;
                }
                None => from += size,
            }
        }
        size /= 2;
    }
    format!("after {} steps: {what}", steps.len())
}

/// An entry in a few lines; a long one by its length.
fn told((at, asked): &(At, Vec<Transaction>)) -> String {
    let mut told = format!("entry {} at {}, {} transactions\n", at.index, at.stamp.0, asked.len());
    let shown = if asked.len() > 20 { 0 } else { asked.len() };
    for Transaction { request, caller, not_after, call, .. } in asked.iter().take(shown) {
        told += &format!("  {request:?} {caller:?} {call:?} until {not_after:?}\n");
    }
    told
}
