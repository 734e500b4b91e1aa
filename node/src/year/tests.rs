//! A small year on the contract alone: no network, no disk, the same words.

use super::clear::Books;
use super::plan::{Plan, Size};
use super::run::{Desk, Runner, fen, month_text};
use super::step::{Hour, Step};
use crate::problem::{Exit, Problem};
use client::{Outcome, Receipt, Refused, v1};
use ledger::{At, Call, Caller, Day, MapState, Month, Province, Stamp, Transaction, views};
use node::wire;

/// The contract, with a clock.
struct Alone {
    state: MapState,
    index: u64,
    now: Stamp,
}

impl Alone {
    fn new(first: Day) -> Alone {
        let mut alone = Alone { state: MapState::new(), index: 0, now: first.start() };
        let mut calls = vec![Call::Genesis { cluster: [7; 16], policy: ledger::Policy::NATIONAL_2026 }];
        for province in crate::places::PROVINCES {
            let kinship = match province.wide {
                true => ledger::command::KinshipScope::Wide,
                false => ledger::command::KinshipScope::Narrow,
            };
            let province = Province::new(province.code as u8).expect("a province");
            calls.push(Call::RegisterProvince { province, kinship, effective: None });
        }
        let asked: Vec<Transaction> = calls
            .into_iter()
            .enumerate()
            .map(|(place, call)| transaction(alone.now, place as u8, Caller::National, call))
            .collect();
        alone.apply(&asked);
        alone
    }

    fn apply(&mut self, transactions: &[Transaction]) -> Vec<ledger::Answer> {
        self.index += 1;
        self.now = self.now.plus_ms(1);
        self.state.apply(At { index: self.index, stamp: self.now }, transactions)
    }
}

fn transaction(at: Stamp, place: u8, caller: Caller, call: Call) -> Transaction {
    let mut request = ledger::id::RequestId::earliest_at(at.0);
    request.0[15] = place;
    Transaction { request, caller, not_after: None, signature: Vec::new(), call }
}

fn bad(problem: impl std::fmt::Display) -> Problem {
    Problem::new(Exit::Bug, problem.to_string())
}

impl Desk for Alone {
    async fn decide(&mut self, batch: &[v1::Transaction]) -> Result<Vec<Outcome>, Problem> {
        let asked: Result<Vec<Transaction>, _> = batch.iter().map(wire::transaction_from_proto).collect();
        let asked = asked.map_err(bad)?;
        let answers = self.apply(&asked);
        let outcomes = answers.iter().zip(asked).map(|(answer, asked)| {
            let result = wire::answer_to_proto(asked.request, answer);
            let request_id = result.request_id.parse().map_err(bad)?;
            let (index, place, repeated) = (result.index, result.place, result.repeated);
            Ok(match result.outcome() {
                v1::Outcome::Done => {
                    Outcome::Done(Receipt { request_id, index, place, repeated, events: result.events })
                }
                _ => Outcome::Refused(Refused {
                    request_id,
                    reason: result.reason(),
                    number: result.reason,
                    index,
                    place,
                    repeated,
                }),
            })
        });
        outcomes.collect()
    }

    async fn jump(&mut self, to: Stamp, swept: bool) -> Result<(), Problem> {
        self.now = self.now.max(to);
        while swept && ledger::tick_due(&self.state, self.now).unwrap_or_default() {
            let tick = transaction(self.now, 0, Caller::Node, Call::Tick);
            self.apply(&[tick]);
        }
        Ok(())
    }

    async fn lines(&mut self, month: Month) -> Result<Vec<v1::ClearingLine>, Problem> {
        let Ok(lines) = views::lines(&self.state, month, None, usize::MAX - 1);
        let shown = |line: &views::Line| v1::ClearingLine {
            month: month_text(month),
            payer: line.payer.to_string(),
            payee: line.payee.to_string(),
            amount: super::run::shown(line.record.amount.get() as i128),
            ..v1::ClearingLine::default()
        };
        Ok(lines.iter().map(shown).collect())
    }

    async fn fund(&mut self, _: &str) -> Result<v1::Fund, Problem> {
        Ok(v1::Fund::default())
    }

    async fn owed(&mut self, _: Month) -> Result<u128, Problem> {
        Ok(0)
    }
}

const TINY: Size = Size { families: 60, areas_each: 2 };

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
}

/// Plays a year; tells what came of it.
async fn play(seed: u64, size: Size) -> (Runner, Alone) {
    let mut plan = Plan::new(seed, 2026, size);
    let mut books = Books::new(seed, 2026);
    let mut desk = Alone::new(plan.first());
    let mut runner = Runner::default();
    for day in plan.first().0..=books.last().0 {
        for hour in Hour::ALL {
            let mut steps: Vec<Step> = plan.hour(Day(day), hour);
            desk.jump(hour.of(Day(day)), hour == Hour::Morning).await.expect("jumped");
            if hour == Hour::Books {
                steps.extend(books.today(Day(day), &mut desk).await.expect("the books are read"));
            }
            runner.send(&mut desk, steps).await.expect("sent");
        }
    }
    (runner, desk)
}

#[test]
fn the_same_seed_gives_the_same_plan() {
    let plan = |seed| {
        let mut plan = Plan::new(seed, 2026, TINY);
        let mut steps = Vec::new();
        for day in plan.first().0..plan.first().0 + 60 {
            for hour in Hour::ALL {
                steps.extend(plan.hour(Day(day), hour));
            }
        }
        format!("{steps:?}")
    };
    let first = plan(11);
    assert!(first == plan(11), "two plans of one seed differ");
    assert!(first != plan(12), "two seeds gave one plan");
}

#[test]
fn a_year_on_the_contract_alone_goes_as_planned() {
    let seed = std::env::var("GONGJI_YEAR_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let (runner, desk) = block_on(play(seed, TINY));
    println!("{:#?}", runner.year);
    assert!(runner.findings.is_empty(), "{} findings: {:#?}", runner.found, runner.findings);
    let audit = ledger::audit(&desk.state, None).expect("a state in memory can be read");
    assert!(audit.is_clean(), "{audit}");
    assert!(runner.year.decided > 5_000 && runner.year.aid > 0);
    let _ = fen;
}
