//! `gongji statement`: a province's statement of a month, and the comparison of two.

mod fetch;

pub use fetch::Fetch;

use super::connect::reach;
use super::{Nodes, Output, show};
use crate::problem::{Exit, Problem};
use crate::statement::diff::{self, Diff, Line, Page};
use crate::statement::{Report, facts, yuan};
use crate::{places, scheme};
use anyhow::Result;
use ledger::{Month, Province};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// What can be done with statements.
#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// Writes a province's statement of a closed month: a workbook, and its pages as csv
    Build(Build),
    /// Compares a statement with another copy of it, or with a counterparty's, whose receivable is our payable
    Diff(Compare),
}

/// What `build` is given.
#[derive(Debug, clap::Args)]
pub struct Build {
    /// The month, such as 2026-10
    #[arg(value_name = "YYYY-MM", value_parser = month)]
    month: Month,
    /// Whose statement: two digits, such as 44
    #[arg(long, value_name = "NN", value_parser = province)]
    province: Province,
    /// The folder that it is written to; made if it is not there
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
    /// A preliminary statement of a month that is not closed; every page says so
    #[arg(long)]
    open: bool,
    #[command(flatten)]
    nodes: Nodes,
    #[arg(short, long, value_enum, default_value = "table")]
    output: Output,
}

/// What `diff` is given.
///
/// Rows are compared by their names as they are read: no file is held, whatever its size, but one whose rows are not in
/// order, at some 100 bytes a row.
#[derive(Debug, clap::Args)]
pub struct Compare {
    /// Our details csv, our summary csv, or the folder of our statement
    ours: PathBuf,
    /// Theirs: of the same province, or of a counterparty
    theirs: PathBuf,
    /// How many differences of a page are listed; all are counted
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    most: usize,
    #[arg(short, long, value_enum, default_value = "table")]
    output: Output,
}

/// Reads `2026-10`.
pub fn month(text: &str) -> Result<Month, String> {
    node::wire::month_from_proto("month", text).map_err(|bad| bad.problem)
}

fn province(text: &str) -> Result<Province, String> {
    node::wire::province_from_proto("province", text).map_err(|bad| bad.problem)
}

/// Runs the verb.
pub async fn run(verb: Verb) -> Result<Exit> {
    match verb {
        Verb::Build(args) => build(args).await,
        Verb::Diff(args) => compare(&args),
    }
}

async fn build(args: Build) -> Result<Exit> {
    let node = reach(&args.nodes).await?;
    let (facts, report) = Fetch::new(node, args.month, args.province).build(args.open, &args.out).await?;
    match args.output {
        Output::Json => println!("{}", built_json(&facts, &report, &args.out)),
        Output::Table => println!("{}", built(&facts, &report, &args.out)),
    }
    if report.agrees() {
        return Ok(Exit::Done);
    }
    let mut problem = Problem::new(Exit::Differs, "sums of the statement do not agree")
        .next("gongji audit, and the check page of the statement");
    for item in report.items.iter().filter(|item| item.agrees() == Some(false)) {
        let should = item.should.as_deref().unwrap_or_default();
        problem.why.push(format!("{}: {}, should be {should}", item.name, item.found));
    }
    Err(problem.into())
}

/// What was written, for people.
fn built(facts: &facts::Facts, report: &Report, dir: &Path) -> String {
    let (code, province) = (facts.province.code(), name(facts.province));
    let status = match &facts.closed {
        Some(closed) => {
            let (day, time) = facts::clock(closed.at);
            format!("closed {day} {time} +08:00")
        }
        None => "PRELIMINARY: the month is open".to_owned(),
    };
    let (payable, receivable) = report.across;
    let reach = report.tally.reach.map_or_else(String::new, |(first, last)| format!(", {first} to {last}"));
    let compared = report.items.iter().filter(|item| item.agrees().is_some()).count();
    let agree = report.items.iter().filter(|item| item.agrees() == Some(true)).count();
    let mut lines = vec![
        format!("{} {province} ({code:02}): {status}, read at index {}", facts.month(), facts.read.0),
        format!(
            " payable {} 元   receivable {} 元   net {} 元   {} areas of other provinces",
            yuan::grouped(payable),
            yuan::grouped(receivable),
            yuan::grouped(receivable - payable),
            report.counterparties
        ),
        format!(" between areas of the province {} 元", yuan::grouped(report.inside)),
        format!(" {} movements{reach}", report.tally.rows),
        format!(" {agree} of {compared} checks agree"),
    ];
    for file in &report.files {
        lines.push(format!(
            "wrote {} ({} bytes, sha-256 {})",
            dir.join(&file.name).display(),
            file.bytes,
            file.sha256
        ));
    }
    lines.join("\n")
}

fn built_json(facts: &facts::Facts, report: &Report, dir: &Path) -> Value {
    let (payable, receivable) = report.across;
    let (digest, digest_index) = &facts.state;
    json!({
        "month": facts.month(),
        "province": format!("{:02}", facts.province.code()),
        "closed": facts.closed.is_some(),
        "read_from_index": facts.read.0.to_string(),
        "read_to_index": facts.read.1.to_string(),
        "state_digest": digest,
        "state_digest_index": digest_index.to_string(),
        "period_digest": facts.closed.as_ref().map(|closed| &closed.digest),
        "payable": yuan::text(payable),
        "receivable": yuan::text(receivable),
        "net": yuan::text(receivable - payable),
        "inside": yuan::text(report.inside),
        "counterparties": report.counterparties,
        "movements": report.tally.rows.to_string(),
        "agrees": report.agrees(),
        "checks": report.items.iter().filter_map(|item| {
            item.agrees().map(|agrees| json!({
                "name": item.name, "found": item.found, "should_be": item.should, "agrees": agrees,
            }))
        }).collect::<Vec<_>>(),
        "files": report.files.iter().map(|file| json!({
            "path": dir.join(&file.name).display().to_string(),
            "bytes": file.bytes.to_string(),
            "sha256": file.sha256,
        })).collect::<Vec<_>>(),
    })
}

fn compare(args: &Compare) -> Result<Exit> {
    let found = diff::diff(&args.ours, &args.theirs, args.most)?;
    match args.output {
        Output::Json => println!("{}", json!({ "pages": found.iter().map(diff_json).collect::<Vec<_>>() })),
        Output::Table => println!("{}", found.iter().map(differences).collect::<Vec<_>>().join("\n\n")),
    }
    Ok(if found.iter().all(Diff::is_equal) { Exit::Done } else { Exit::Differs })
}

/// A comparison for people.
fn differences(diff: &Diff) -> String {
    let page = match diff.page {
        Page::Summary => "summary",
        Page::Details => "details",
    };
    let whose = |copy: &diff::Copy| {
        let month = copy.identity.month.clone().unwrap_or_default();
        let province = copy
            .identity
            .province
            .map_or_else(String::new, |province| format!(" {:02} {}", province.code(), name(province)));
        let open = if copy.identity.preliminary { ", PRELIMINARY" } else { "" };
        format!("{month}{province}{open} ({})", copy.path.display())
    };
    let mut lines = vec![format!("{page}: ours {}, theirs {}", whose(&diff.ours), whose(&diff.theirs))];
    if diff.between.is_some() {
        let (ours, theirs) = (diff.ours.passed_over, diff.theirs.passed_over);
        lines.push(format!(
            "rows between the two provinces only; {ours} of ours and {theirs} of theirs are with others"
        ));
    }
    if !diff.lines.is_empty() {
        let heads = ["row", "what", "payer", "", "payee", "", "use", "ours", "theirs", "difference"];
        let mut table = show::table(&heads);
        for line in &diff.lines {
            let difference = line.ours.unwrap_or_default() - line.theirs.unwrap_or_default();
            table.add_row(vec![
                comfy_table::Cell::new(&line.row),
                comfy_table::Cell::new(what(line)),
                comfy_table::Cell::new(line.payer),
                comfy_table::Cell::new(area(line.payer)),
                comfy_table::Cell::new(line.payee),
                comfy_table::Cell::new(area(line.payee)),
                comfy_table::Cell::new(line.usage.map_or("all", usage)),
                show::number(diff::amount(line.ours)),
                show::number(diff::amount(line.theirs)),
                show::number(yuan::grouped(difference)),
            ]);
        }
        lines.push(show::text(&table));
    }
    let all = diff.only_ours.rows + diff.only_theirs.rows + diff.different.rows;
    let unlisted = all - diff.lines.len() as u64;
    if unlisted > 0 {
        lines.push(format!("and {unlisted} more: --most {all} lists all"));
    }
    let sum = |copy: &diff::Copy| format!("{} rows, {} 元", copy.rows, yuan::grouped(copy.fen));
    let count = |count: &diff::Count| format!("{} ({} 元)", count.rows, yuan::grouped(count.fen));
    lines.push(format!(
        "ours {}; theirs {}; difference {} 元",
        sum(&diff.ours),
        sum(&diff.theirs),
        yuan::grouped(diff.ours.fen - diff.theirs.fen)
    ));
    lines.push(match diff.is_equal() {
        true => "equal".to_owned(),
        false => format!(
            "only ours {}, only theirs {}, different {}",
            count(&diff.only_ours),
            count(&diff.only_theirs),
            count(&diff.different)
        ),
    });
    lines.join("\n")
}

/// What is wrong with a row, in words.
fn what(line: &Line) -> String {
    match (line.ours, line.theirs) {
        (Some(_), None) => "only ours".to_owned(),
        (None, _) => "only theirs".to_owned(),
        (Some(ours), Some(theirs)) => {
            let mut said: Vec<String> = Vec::new();
            if ours != theirs {
                said.push("amount".to_owned());
            }
            said.extend(line.also.iter().map(|(column, _, theirs)| format!("{column} (theirs {theirs})")));
            said.join(", ")
        }
    }
}

fn diff_json(diff: &Diff) -> Value {
    let copy = |copy: &diff::Copy| {
        json!({
            "path": copy.path.display().to_string(),
            "month": copy.identity.month,
            "province": copy.identity.province.map(|province| format!("{:02}", province.code())),
            "preliminary": copy.identity.preliminary,
            "rows": copy.rows.to_string(),
            "amount": yuan::text(copy.fen),
            "passed_over": copy.passed_over.to_string(),
        })
    };
    let count =
        |count: &diff::Count| json!({ "rows": count.rows.to_string(), "amount": yuan::text(count.fen) });
    let line = |line: &Line| {
        json!({
            "row": line.row,
            "payer": line.payer.to_string(),
            "payee": line.payee.to_string(),
            "use": line.usage.map(usage),
            "ours": line.ours.map(yuan::text),
            "theirs": line.theirs.map(yuan::text),
            "also": line.also.iter().map(|(column, ours, theirs)| {
                json!({ "column": column, "ours": ours, "theirs": theirs })
            }).collect::<Vec<_>>(),
        })
    };
    json!({
        "page": match diff.page { Page::Summary => "summary", Page::Details => "details" },
        "equal": diff.is_equal(),
        "ours": copy(&diff.ours),
        "theirs": copy(&diff.theirs),
        "only_ours": count(&diff.only_ours),
        "only_theirs": count(&diff.only_theirs),
        "different": count(&diff.different),
        "differences": diff.lines.iter().map(line).collect::<Vec<_>>(),
    })
}

fn name(province: Province) -> &'static str {
    places::province(u64::from(province.code())).map_or("", |known| known.zh)
}

fn area(area: ledger::Area) -> &'static str {
    scheme::area_name(&area.to_string()).unwrap_or_default()
}

fn usage(usage: ledger::table::Use) -> &'static str {
    use ledger::table::Use;
    match usage {
        Use::Institution => "institution",
        Use::Pharmacy => "pharmacy",
        Use::ResidentPremium => "resident premium",
        Use::CarePremium => "care premium",
        Use::Other => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::golden;
    use crate::statement::diff::{Copy, Count, Identity};
    use ledger::Area;
    use ledger::table::Use;

    fn copy(province: u8, rows: u64, fen: i128) -> Copy {
        let identity = Identity {
            month: Some("2026-10".into()),
            province: Province::new(province),
            preliminary: province == 51,
        };
        let path = PathBuf::from(format!("gongji-2026-10-{province}-details.csv"));
        Copy { path, identity, rows, fen, passed_over: u64::from(province) }
    }

    #[test]
    fn differences_are_printed_in_the_order_of_rows() {
        let area = |code| Area::new(code).expect("an area");
        let line = |row: &str, ours, theirs| Line {
            row: row.into(),
            payer: area(440_100),
            payee: area(510_100),
            usage: Some(Use::Pharmacy),
            ours,
            theirs,
            also: Vec::new(),
        };
        let also = vec![("payee", "510100".to_owned(), "510300".to_owned())];
        let mut diff = Diff {
            page: Page::Details,
            ours: copy(44, 4, 8_841_000),
            theirs: copy(51, 4, 8_839_800),
            between: Province::new(44).zip(Province::new(51)),
            only_ours: Count { rows: 1, fen: 1_200 },
            only_theirs: Count { rows: 2, fen: -40 },
            different: Count { rows: 2, fen: 1_001 },
            lines: vec![
                line("9-0-0", Some(1_200), None),
                line("10-0-0", Some(1_234_501), Some(1_233_500)),
                Line { also, ..line("10-0-1", Some(50), Some(50)) },
                line("11-3-0", None, Some(-20)),
            ],
        };
        let shown = differences(&diff);
        golden("cli/golden/statement-diff.txt", &shown);
        assert!(shown.contains("and 1 more: --most 5 lists all"), "{shown}");
        let json = diff_json(&diff);
        assert_eq!(json["differences"][2]["also"][0]["theirs"], "510300");
        assert_eq!(
            (json["theirs"]["preliminary"].as_bool(), json["equal"].as_bool()),
            (Some(true), Some(false))
        );
        (diff.lines, diff.between) = (Vec::new(), None);
        (diff.only_ours, diff.only_theirs, diff.different) = Default::default();
        assert!(differences(&diff).ends_with("difference 12.00 元\nequal"));
    }

    #[test]
    fn a_month_and_a_province_are_told_as_they_are_written() {
        assert_eq!(month("2026-10"), Ok(Month { year: 2026, month: 10 }));
        assert!(month("2026-13").is_err() && month("10-2026").is_err());
        assert_eq!(province("44").map(Province::code), Ok(44));
        assert!(province("99").is_err() && province("").is_err());
    }
}
