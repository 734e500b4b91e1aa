//! What must be true at the end of a year, whatever happened in it.

use super::count::{Count, Debt};
use super::line::{Kinds, Line};
use super::run::{Runner, fen, month_text, shown, signed_fen};
use super::told;
use crate::bench;
use crate::bench::world::sdk;
use crate::cli::status;
use crate::demo::nodes::Nodes;
use crate::demo::say::Say;
use crate::places::{self, PROVINCES};
use crate::problem::{Exit, Problem};
use client::{Client, v1};
use ledger::Month;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// Lines and obligations of a page.
const PAGE: u32 = 1_000;
/// Differences that are told of each kind.
const TOLD: usize = 5;

/// The journal, read from its export.
pub struct Journal {
    /// Each decision: where, of which request, whether done.
    decisions: HashMap<(u64, u32), (String, bool)>,
    /// How many decisions a request has.
    requests: HashMap<String, u32>,
    /// Each reversal: where, and of which request.
    reversals: HashMap<(u64, u32), String>,
    /// What the journal gives.
    pub count: Count,
    /// How often what happened, by the names of events.
    kinds: BTreeMap<String, u64>,
}

impl Journal {
    /// Reads an exported journal.
    pub fn read(path: &Path) -> Result<Journal, Problem> {
        let bad = |why: String| {
            Problem::new(Exit::Differs, format!("the export {} cannot be read", path.display())).because(why)
        };
        let file = File::open(path).map_err(|why| bad(why.to_string()))?;
        let mut journal = Journal {
            decisions: HashMap::new(),
            requests: HashMap::new(),
            reversals: HashMap::new(),
            count: Count::default(),
            kinds: BTreeMap::new(),
        };
        for (number, text) in BufReader::with_capacity(1 << 20, file).lines().enumerate() {
            let text = text.map_err(|why| bad(why.to_string()))?;
            let line = Line::read(&text).map_err(|why| bad(format!("line {}: {why}", number + 1)))?;
            if let Some(line) = line {
                journal.take(&line);
                Kinds::read(&text).for_each(|kind| *journal.kinds.entry(kind).or_default() += 1);
            }
        }
        Ok(journal)
    }

    /// What happened, and how often.
    pub fn happened(&self) -> impl Iterator<Item = String> {
        self.kinds.iter().map(|(kind, times)| format!("{} {times}", kind.replace('_', " ")))
    }

    /// Takes a line in.
    fn take(&mut self, line: &Line) {
        self.count.take(line);
        let place = (line.index.parse().unwrap_or_default(), line.place);
        let request = line.transaction.request_id.clone();
        *self.requests.entry(request.clone()).or_default() += 1;
        self.decisions.insert(place, (request, line.is_done()));
        if let Some(reverse) = &line.transaction.reverse {
            self.reversals.insert(place, reverse.original.clone());
        }
    }

    /// Whether every answer that was given stands in the journal, once, where the answer said.
    fn check_answers(&self, runner: &Runner, say: &mut Say) {
        let (mut missing, mut other, mut repeated, mut kept_out) = (0, 0, 0, 0);
        let mut answered: HashMap<String, u32> = HashMap::new();
        for end in runner.ended.values() {
            let request = end.request.to_string();
            if end.kept_out {
                kept_out += 1;
                let stood = self.reversals.get(&(end.index, end.place)) == Some(&request);
                other += usize::from(!stood || self.requests.contains_key(&request));
                continue;
            }
            match self.decisions.get(&(end.index, end.place)) {
                None => missing += 1,
                Some(found) if *found != (request.clone(), end.done) => other += 1,
                Some(_) => {}
            }
            match end.repeated {
                true => repeated += 1,
                false => *answered.entry(request).or_default() += 1,
            }
        }
        let twice = answered.iter().filter(|(id, times)| self.requests.get(*id) != Some(*times)).count();
        let ours: u32 = answered.values().sum();
        let what = format!(
            "each of the {} acknowledged requests stands in the journal exactly once, where its answer said ({repeated} were asked again and got the first answer, {kept_out} came after their reversal and got that)",
            runner.ended.len()
        );
        say.check(
            &what,
            missing + other + twice == 0,
            format!("{missing} missing, {other} another, {twice} not once"),
        );
        say.line(format!(
            "{} decisions in the journal: {ours} of ours, the others the cluster's own beginning and pulse",
            self.decisions.len()
        ));
    }
}

/// The clearing of a month, as the ledger tells it.
struct Cleared {
    month: String,
    period: v1::Period,
    positions: Vec<v1::ProvincePosition>,
    lines: Vec<v1::ClearingLine>,
    obligations: Vec<v1::Obligation>,
}

impl Cleared {
    async fn read(client: &Client, month: &str) -> Result<Cleared, Problem> {
        let failed = |error: client::Error| sdk(&error);
        Ok(Cleared {
            month: month.to_owned(),
            period: client.period(month).await.map_err(failed)?.value,
            positions: client.positions(month).await.map_err(failed)?.value,
            lines: client.clearing(month).page_size(PAGE).all().await.map_err(failed)?,
            obligations: client.obligations(month).page_size(PAGE).all().await.map_err(failed)?,
        })
    }

    /// The lines that the obligations come to: all uses of a pair, and what is below zero the other way round.
    fn lines_of_obligations(&self) -> BTreeMap<(String, String), i128> {
        let mut pairs: BTreeMap<(String, String), i128> = BTreeMap::new();
        for row in &self.obligations {
            *pairs.entry((row.payer.clone(), row.payee.clone())).or_default() += signed_fen(&row.owed);
        }
        let mut lines: BTreeMap<(String, String), i128> = BTreeMap::new();
        for ((payer, payee), net) in pairs {
            let pair = if net < 0 { (payee, payer) } else { (payer, payee) };
            if net != 0 {
                *lines.entry(pair).or_default() += net.abs();
            }
        }
        lines
    }

    fn lines_told(&self) -> BTreeMap<(String, String), i128> {
        let told =
            |line: &v1::ClearingLine| ((line.payer.clone(), line.payee.clone()), signed_fen(&line.amount));
        self.lines.iter().map(told).collect()
    }

    /// What each province owes and is owed over its border, by the lines.
    fn provinces(&self) -> BTreeMap<String, (i128, i128)> {
        let mut found: BTreeMap<String, (i128, i128)> = BTreeMap::new();
        for line in &self.lines {
            let (payer, payee) = (province(&line.payer), province(&line.payee));
            if payer != payee {
                found.entry(payer).or_default().0 += signed_fen(&line.amount);
                found.entry(payee).or_default().1 += signed_fen(&line.amount);
            }
        }
        found
    }

    fn is_balanced(&self) -> bool {
        let by_lines = self.provinces();
        let told = |position: &v1::ProvincePosition| {
            (position.province.clone(), (signed_fen(&position.owes), signed_fen(&position.is_owed)))
        };
        let positions: BTreeMap<String, (i128, i128)> = self.positions.iter().map(told).collect();
        let payable: i128 = by_lines.values().map(|(owes, _)| owes).sum();
        let receivable: i128 = by_lines.values().map(|(_, owed)| owed).sum();
        let net: i128 = self.positions.iter().map(|position| signed_fen(&position.net)).sum();
        positions == by_lines && payable == receivable && net == 0
    }

    fn is_whole(&self) -> bool {
        let total: u128 = self.lines.iter().map(|line| fen(&line.amount)).sum();
        self.period.closed_at.is_some()
            && self.period.lines as usize == self.lines.len()
            && self.period.obligations as usize == self.obligations.len()
            && fen(&self.period.total) == total
            && self.lines_of_obligations() == self.lines_told()
    }

    fn is_paid(&self) -> bool {
        self.lines.iter().all(|line| {
            line.payer_confirmed
                && line.payee_confirmed
                && line.paid == line.amount
                && signed_fen(&line.outstanding) == 0
                && line.refilled == line.advanced
        })
    }

    /// The obligations, as the count names them.
    fn debts(&self) -> BTreeMap<Debt, i128> {
        let mut debts = BTreeMap::new();
        for row in &self.obligations {
            if let Some(usage) = told::usage(row.usage()) {
                let debt = (row.month.clone(), row.payer.clone(), row.payee.clone(), usage);
                *debts.entry(debt).or_default() += signed_fen(&row.owed);
            }
        }
        debts.retain(|_, fen| *fen != 0);
        debts
    }
}

/// The province that an area lies in, by its code.
pub fn province(area: &str) -> String {
    area.get(..2).unwrap_or_default().to_owned()
}

/// All checks of the end.
pub async fn all(
    nodes: &Nodes,
    client: &Client,
    runner: &Runner,
    months: &[Month],
    journal: &Journal,
    say: &mut Say,
) -> anyhow::Result<()> {
    planned(runner, say);
    same(nodes, say).await?;
    audits(nodes, say);
    journal.check_answers(runner, say);
    clearing(client, &journal.count, months, say).await?;
    funds(client, say).await?;
    statistics(client, &journal.count, months, say).await?;
    Ok(())
}

fn planned(runner: &Runner, say: &mut Say) {
    let what = format!(
        "each of the {} requests ended as planned: {} done, {} refused for the reason foreseen",
        runner.year.decided,
        runner.year.decided - runner.year.refused,
        runner.year.refused
    );
    say.check(&what, runner.found == 0, format!("{} did not", runner.found));
    for finding in &runner.findings {
        say.line(finding);
    }
}

async fn same(nodes: &Nodes, say: &mut Say) -> Result<(), Problem> {
    let found = bench::agreed(&nodes.addresses()[0]).await?;
    say.line(status::page(&found));
    let level = found.nodes.windows(2).all(|two| two[0].applied_index == two[1].applied_index);
    let what = format!("all {} nodes hold the same state", found.nodes.len());
    say.check(&what, level && found.compared_index > 0 && found.digests_equal, "see the table");
    Ok(())
}

fn audits(nodes: &Nodes, say: &mut Say) {
    for node in nodes.up() {
        let name = places::node_label(node.id());
        // The state must stand still while it is read.
        match node.state().still().map(|still| ledger::audit(&still, None)) {
            Ok(Ok(audit)) => {
                let counted: u64 = audit.counted.iter().map(|(_, number)| number).sum();
                let what = format!(
                    "the ledger's own audit of {name} finds nothing wrong ({} invariants, {counted} things checked)",
                    audit.counted.len()
                );
                say.check(&what, audit.is_clean(), audit.to_string());
            }
            Ok(Err(fault)) | Err(fault) => {
                say.check(&format!("the state of {name} can be audited"), false, fault.to_string());
            }
        }
    }
}

/// Twelve months, balanced, whole, paid, and what the journal gives.
async fn clearing(client: &Client, count: &Count, months: &[Month], say: &mut Say) -> Result<(), Problem> {
    let mut cleared = Vec::with_capacity(months.len());
    for month in months {
        cleared.push(Cleared::read(client, &month_text(*month)).await?);
    }
    let wrong = |holds: fn(&Cleared) -> bool| {
        let months: Vec<&str> =
            cleared.iter().filter(|month| !holds(month)).map(|month| month.month.as_str()).collect();
        months.join(" ")
    };
    let lines: usize = cleared.iter().map(|month| month.lines.len()).sum();
    let total: u128 = cleared.iter().map(|month| fen(&month.period.total)).sum();
    let owed: i128 =
        cleared.iter().flat_map(|month| month.provinces().into_values()).map(|(owes, _)| owes).sum();
    let number = months.len();
    let found = wrong(Cleared::is_whole);
    let what = format!(
        "{number} months are closed: {lines} lines of {} come of their obligations",
        shown(total as i128)
    );
    say.check(&what, found.is_empty(), &found);
    let found = wrong(Cleared::is_balanced);
    let what = format!(
        "in each month payables equal receivables ({} between provinces), and the provinces' positions add up to nothing",
        shown(owed)
    );
    say.check(&what, found.is_empty(), &found);
    let found = wrong(Cleared::is_paid);
    say.check("every line is confirmed by both sides and paid to the fen", found.is_empty(), &found);
    let told: BTreeMap<Debt, i128> = cleared.iter().flat_map(Cleared::debts).collect();
    let mut counted = count.owed.clone();
    counted.retain(|_, fen| *fen != 0);
    let differ: Vec<String> = told
        .keys()
        .chain(counted.keys())
        .filter(|debt| told.get(*debt) != counted.get(*debt))
        .take(TOLD)
        .map(|debt| format!("{debt:?}: counted {:?}, told {:?}", counted.get(debt), told.get(debt)))
        .collect();
    let what = format!("all {} obligations are what the exported journal alone gives", told.len());
    say.check(&what, differ.is_empty() && count.lost.is_empty(), differ.join("; "));
    Ok(())
}

/// What went into the funds is in them, or went back.
async fn funds(client: &Client, say: &mut Say) -> Result<(), Problem> {
    let (mut broken, mut inside, mut funded) = (Vec::new(), 0, 0);
    for province in PROVINCES {
        let fund = client.fund(province.code.to_string()).await.map_err(|error| sdk(&error))?.value;
        if !is_whole_and_full(&fund) {
            broken.push(format!("{} {fund:?}", province.code));
        }
        inside += fen(&fund.balance);
        funded += fen(&fund.funded);
    }
    let what = format!(
        "{} prepayment funds are whole and full: {} was paid in, {} is there, the rest went back",
        PROVINCES.len(),
        shown(funded as i128),
        shown(inside as i128)
    );
    say.check(&what, broken.is_empty(), broken.join("; "));
    Ok(())
}

/// Whether nothing of a fund is lost or drawn, and it holds what was agreed.
pub fn is_whole_and_full(fund: &v1::Fund) -> bool {
    let (balance, drawn) = (fen(&fund.balance), fen(&fund.drawn));
    fen(&fund.funded) == balance + drawn + fen(&fund.returned) && drawn == 0 && balance == fen(&fund.size)
}

/// The statistics of every month against the independent count.
async fn statistics(client: &Client, count: &Count, months: &[Month], say: &mut Say) -> Result<(), Problem> {
    let (mut differ, mut cells) = (Vec::new(), 0);
    for month in months {
        let month = month_text(*month);
        let told = client.statistics(&month).await.map_err(|error| sdk(&error))?.value;
        let (counted, told) = (count.report(&month), told::report(&told));
        cells += told.rows.len() + told.top_by_count.len() + told.top_by_amount.len();
        differ.extend(told::differences(&counted, &told).into_iter().map(|what| format!("{month} {what}")));
    }
    let what = format!(
        "the reports of all {} months, {cells} lines and places, are what the exported journal alone gives",
        months.len()
    );
    let seen: Vec<String> = differ.iter().take(TOLD).cloned().collect();
    say.check(&what, differ.is_empty(), format!("{} differ: {}", differ.len(), seen.join("; ")));
    Ok(())
}
