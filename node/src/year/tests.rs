//! A small year on the contract alone: no network, no disk, the same words.

use super::check::is_whole_and_full;
use super::clear::Books;
use super::count::Count;
use super::line::Line;
use super::plan::{Plan, Size};
use super::run::{Desk, Runner, month_text, signed_fen};
use super::step::{Hour, Step};
use super::told;
use crate::cli::export::line::Lines;
use crate::problem::{Exit, Problem};
use client::{Decision, Entry, Outcome, Receipt, Refused, v1};
use ledger::{At, Call, Caller, Day, MapState, Month, Province, Stamp, Transaction, views};
use node::wire;

/// The contract, with a clock.
struct Alone {
    state: MapState,
    index: u64,
    now: Stamp,
    /// The journal goes through the export's words into the count.
    lines: Lines,
    count: Count,
}

impl Alone {
    fn new(first: Day) -> Alone {
        let (state, now, lines) = (MapState::new(), first.start(), Lines::new());
        let mut alone = Alone { state, index: 0, now, lines, count: Count::default() };
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

    fn apply(&mut self, transactions: &[Transaction]) -> Vec<Outcome> {
        self.index += 1;
        self.now = self.now.plus_ms(1);
        let answers = self.state.apply(At { index: self.index, stamp: self.now }, transactions);
        let outcomes: Vec<Outcome> =
            answers.iter().zip(transactions).map(|(answer, asked)| outcome(answer, asked)).collect();
        let told = transactions.iter().zip(&outcomes).zip(&answers).filter(|(_, answer)| !answer.repeated);
        let decisions = told.map(|((asked, outcome), _)| Decision {
            caller: client::Caller::National, // not looked at
            outcome: outcome.clone(),
            transaction: Some(wire::transaction_to_proto(asked)),
        });
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_millis(self.now.0);
        let entry = Entry { index: self.index, time, decisions: decisions.collect() };
        for line in self.lines.of(&entry).expect("whole").lines() {
            self.count.take(&Line::read(line).expect("a line").expect("not the check line"));
        }
        outcomes
    }
}

fn outcome(answer: &ledger::Answer, asked: &Transaction) -> Outcome {
    let result = wire::answer_to_proto(asked.request, answer);
    let request_id = result.request_id.parse().expect("a request id");
    let (index, place, repeated) = (result.index, result.place, result.repeated);
    match result.outcome() {
        v1::Outcome::Done => {
            Outcome::Done(Receipt { request_id, index, place, repeated, events: result.events })
        }
        _ => {
            let (reason, number) = (result.reason(), result.reason);
            Outcome::Refused(Refused { request_id, reason, number, index, place, repeated })
        }
    }
}

fn transaction(at: Stamp, place: u8, caller: Caller, call: Call) -> Transaction {
    let id = super::step::request_id(at, [place; 10]);
    let request = wire::request_id_from_proto("request_id", &id).expect("a request id");
    Transaction { request, caller, not_after: None, signature: Vec::new(), call }
}

fn bad(problem: impl std::fmt::Display) -> Problem {
    Problem::new(Exit::Bug, problem.to_string())
}

impl Desk for Alone {
    async fn decide(&mut self, batch: &[v1::Transaction]) -> Result<Vec<Outcome>, Problem> {
        let asked: Result<Vec<Transaction>, _> = batch.iter().map(wire::transaction_from_proto).collect();
        Ok(self.apply(&asked.map_err(bad)?))
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

    async fn fund(&mut self, province: &str) -> Result<v1::Fund, Problem> {
        let province = Province::new(province.parse().expect("two digits")).expect("a province");
        let month = self.now.month();
        let Ok(usage) = views::fund_usage(&self.state, month, province);
        let Ok(recommended) = views::recommended_fund(&self.state, province);
        Ok(wire::fund_to_proto(province, month, &usage, &recommended))
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
fn a_year_on_the_contract_alone_goes_as_planned_and_counts_as_told() {
    // Of 71 somebody dies whose account stayed where the insurance was before.
    let seeds = from_env("GONGJI_YEAR_SEED").map_or(vec![1, 71], |seed| vec![seed]);
    let scale = from_env("GONGJI_YEAR_SCALE");
    let size = scale.map_or(TINY, |scale| Size::of(scale as u32));
    let of_this_size = scale.map_or(String::new(), |scale| format!("GONGJI_YEAR_SCALE={scale} "));
    for seed in seeds {
        println!("replay: GONGJI_YEAR_SEED={seed} {of_this_size}cargo test -p node --bin gongji a_year_on");
        holds(block_on(play(seed, size)));
    }
}

fn from_env(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|number| number.parse().expect("a number"))
}

/// Everything that a year must come to.
fn holds((runner, mut desk): (Runner, Alone)) {
    println!("{:#?}", runner.year);
    assert!(runner.findings.is_empty(), "{} findings: {:#?}", runner.found, runner.findings);
    let audit = ledger::audit(&desk.state, None).expect("a state in memory can be read");
    assert!(audit.is_clean(), "{audit}");
    assert!(runner.year.decided > 5_000 && runner.year.aid > 0);

    for province in crate::places::PROVINCES {
        let fund = block_on(desk.fund(&province.code.to_string())).expect("a fund");
        assert!(is_whole_and_full(&fund), "{fund:?}");
    }

    // The count knows only the lines of the export.
    assert!(desk.count.lost.is_empty(), "{:?}", desk.count.lost);
    let mut owed = std::collections::BTreeMap::new();
    for month in (1..=12).map(|month| Month { year: 2026, month }) {
        let Ok(told) = ledger::statistics::report(&desk.state, month);
        let counted = desk.count.report(&month_text(month));
        let told = told::report(&wire::statistics_to_proto(&told));
        assert_eq!(told::differences(&counted, &told), Vec::<String>::new(), "{month:?}");
        let Ok(rows) = views::obligations(&desk.state, month, None, usize::MAX - 1);
        for row in rows {
            let row = wire::obligation_to_proto(month, row.payer, row.payee, row.usage, &row.record);
            let usage = told::usage(row.usage()).expect("a use");
            owed.insert((row.month, row.payer, row.payee, usage), signed_fen(&row.owed));
        }
    }
    let mut counted = desk.count.owed;
    counted.retain(|_, fen| *fen != 0);
    owed.retain(|_, fen| *fen != 0);
    assert!(counted == owed && !owed.is_empty(), "obligations differ");
}
