//! Sends a plan, hour by hour, and remembers how everything ended.

use super::step::{Expect, Step};
use crate::problem::{Exit, Problem};
use client::v1::event::Kind;
use client::v1::{self, Reason};
use client::{BATCH_MAX, Outcome, RequestId};
use ledger::{Month, Stamp};
use std::collections::{BTreeMap, HashSet};

/// Findings that are told; further ones are only counted.
const FINDINGS_MAX: usize = 20;

/// What a plan is sent to: a cluster, or in tests the contract alone.
pub trait Desk {
    /// Decides transactions, in order.
    async fn decide(&mut self, batch: &[v1::Transaction]) -> Result<Vec<Outcome>, Problem>;
    /// It is a moment now. With `swept`, what has run out by then has been swept.
    async fn jump(&mut self, to: Stamp, swept: bool) -> Result<(), Problem>;
    /// The lines of a closed month.
    async fn lines(&mut self, month: Month) -> Result<Vec<v1::ClearingLine>, Problem>;
    /// A province's fund.
    async fn fund(&mut self, province: &str) -> Result<v1::Fund, Problem>;
    /// What provinces owe one another for a month, in fen.
    async fn owed(&mut self, month: Month) -> Result<u128, Problem>;
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// The request's identity.
    pub request: RequestId,
    /// Where in the log.
    pub index: u64,
    /// Where in the entry.
    pub place: u32,
    /// Done, or refused.
    pub done: bool,
    /// A remembered answer.
    pub repeated: bool,
    /// Came after its own reversal: the answer is at the place of that.
    pub kept_out: bool,
}

/// What came of a month, or of the year.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Requests that were decided.
    pub decided: u64,
    /// Of them, refused.
    pub refused: u64,
    /// By reason: all, and those that were planned.
    pub reasons: BTreeMap<String, (u64, u64)>,
    /// Mutual aid that was paid, in fen.
    pub aid: u128,
    /// Mutual aid that was given back, in fen.
    pub back: u128,
}

/// Sends steps and keeps how they ended.
#[derive(Debug, Default)]
pub struct Runner {
    /// By step.
    pub ended: BTreeMap<u32, End>,
    /// Of the month at hand.
    pub month: Tally,
    /// Of the whole year.
    pub year: Tally,
    /// What ended otherwise than planned.
    pub findings: Vec<String>,
    /// How many findings there are.
    pub found: u64,
}

impl Runner {
    /// Sends the steps of an hour, in order, in as few batches as their ids allow.
    pub async fn send<D: Desk>(&mut self, desk: &mut D, steps: Vec<Step>) -> Result<(), Problem> {
        let mut waiting: Vec<Step> = Vec::with_capacity(steps.len());
        let mut numbers: HashSet<u32> = HashSet::new();
        for step in steps {
            let builds_on_waiting = step.builds_on().iter().any(|number| numbers.contains(number));
            if builds_on_waiting || waiting.len() == BATCH_MAX {
                self.batch(desk, std::mem::take(&mut waiting)).await?;
                numbers.clear();
            }
            numbers.insert(step.number);
            waiting.push(step);
        }
        self.batch(desk, waiting).await
    }

    async fn batch<D: Desk>(&mut self, desk: &mut D, steps: Vec<Step>) -> Result<(), Problem> {
        let mut ready = Vec::with_capacity(steps.len());
        let mut transactions = Vec::with_capacity(steps.len());
        for step in steps {
            match step.transaction(|number| self.id_of(number)) {
                Some(transaction) => {
                    transactions.push(transaction);
                    ready.push(step);
                }
                None => self.finding(&step, "what it builds on did not begin"),
            }
        }
        if ready.is_empty() {
            return Ok(());
        }
        let outcomes = desk.decide(&transactions).await?;
        for (step, outcome) in ready.iter().zip(outcomes) {
            self.take(step, outcome)?;
        }
        Ok(())
    }

    /// The id of what a step began.
    fn id_of(&self, number: u32) -> Option<String> {
        let end = self.ended.get(&number).filter(|end| end.done)?;
        Some(format!("{}-{}", end.index, end.place))
    }

    /// Remembers how a step ended, and compares it with the plan.
    fn take(&mut self, step: &Step, outcome: Outcome) -> Result<(), Problem> {
        let (index, place, repeated, refused) = match &outcome {
            Outcome::Done(receipt) => (receipt.index, receipt.place, receipt.repeated, None),
            Outcome::Refused(no) => (no.index, no.place, no.repeated, Some(no.reason)),
            Outcome::Unknown(request) => {
                return Err(Problem::new(Exit::Unknown, format!("how request {request} ended is unknown")));
            }
        };
        let request = outcome.request_id();
        let kept_out = refused == Some(Reason::ReversedBeforeArrival);
        let end = End { request, index, place, done: refused.is_none(), repeated, kept_out };
        let planned = match (step.expect, refused) {
            (Expect::Done | Expect::Maybe(_), None) => !repeated,
            (Expect::Refused(reason) | Expect::Maybe(reason), Some(found)) => reason == found,
            (Expect::Again(first), _) => self.ended.get(&first).is_some_and(|first| {
                repeated && (first.index, first.place, first.done) == (index, place, end.done)
            }),
            (Expect::Done, Some(_)) | (Expect::Refused(_), None) => false,
        };
        if !planned {
            let seen = match refused {
                Some(reason) => reason.as_str_name().to_owned(),
                None if repeated => "a remembered answer".into(),
                None => "done".into(),
            };
            self.finding(step, &seen);
        }
        for tally in [&mut self.month, &mut self.year] {
            tally.count(refused, planned, &outcome);
        }
        self.ended.insert(step.number, end);
        Ok(())
    }

    fn finding(&mut self, step: &Step, seen: &str) {
        self.found += 1;
        if self.findings.len() < FINDINGS_MAX {
            let Step { number, who, call, expect, .. } = step;
            self.findings.push(format!("step {number}, {expect:?}, ended as {seen}: {who:?} {call:?}"));
        }
    }
}

impl Tally {
    fn count(&mut self, refused: Option<Reason>, planned: bool, outcome: &Outcome) {
        self.decided += 1;
        if let Some(reason) = refused {
            self.refused += 1;
            let (all, as_planned) = self.reasons.entry(reason.as_str_name().to_owned()).or_default();
            *all += 1;
            *as_planned += u64::from(planned);
        }
        let Outcome::Done(receipt) = outcome else { return };
        if receipt.repeated {
            return;
        }
        for kind in receipt.events.iter().filter_map(|event| event.kind.as_ref()) {
            match kind {
                Kind::Settled(event) => {
                    self.aid += event.legs.iter().map(|leg| fen(&leg.amount)).sum::<u128>()
                }
                Kind::Refunded(event) => {
                    self.back += event.legs.iter().map(|leg| fen(&leg.amount)).sum::<u128>();
                }
                Kind::RefundUndone(event) => {
                    self.aid += event.legs.iter().map(|leg| fen(&leg.amount)).sum::<u128>();
                }
                _ => {}
            }
        }
    }
}

/// The fen of an amount that is not below zero; nothing for an empty text.
pub fn fen(text: &str) -> u128 {
    signed_fen(text).unsigned_abs()
}

/// The fen of an amount.
pub fn signed_fen(text: &str) -> i128 {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let whole: String = digits.chars().filter(char::is_ascii_digit).collect();
    sign * whole.parse::<i128>().unwrap_or_default()
}

/// An amount for people.
pub fn shown(fen: i128) -> String {
    let sign = if fen < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", fen.unsigned_abs() / 100, fen.unsigned_abs() % 100)
}

/// A month as the wire has it.
pub fn month_text(month: Month) -> String {
    format!("{:04}-{:02}", month.year, month.month)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_may_be_below_zero() {
        assert_eq!((signed_fen("-3.20"), signed_fen("98.60"), fen("")), (-320, 9_860, 0));
        assert_eq!((shown(-5), shown(123_456)), ("-0.05".to_owned(), "1234.56".to_owned()));
    }
}
