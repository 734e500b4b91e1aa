//! Every province's statement of every month, written as its agency would write it, and held against the others'.

use super::check::province;
use super::run::{month_text, shown, signed_fen};
use crate::bench::world::sdk;
use crate::cli::connect::{self, Reached};
use crate::cli::statement::Fetch;
use crate::demo::nodes::Nodes;
use crate::demo::say::Say;
use crate::places::PROVINCES;
use crate::problem::Problem;
use crate::statement::Report;
use crate::statement::diff::{self, Page};
use client::Client;
use ledger::{Month, Province};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Lines of a page.
const PAGE: u32 = 1_000;
/// Findings that are told of each kind.
const TOLD: usize = 5;

/// What was found in all months.
#[derive(Default)]
struct Found {
    written: usize,
    compared: usize,
    /// Statements that are not there, or do not agree with themselves.
    wrong: Vec<String>,
    owed: i128,
    /// Months and provinces whose sums are not those of the lines.
    unbalanced: Vec<String>,
    pairs: usize,
    movements: u64,
    /// Pages of two provinces that differ.
    differ: Vec<String>,
}

/// Writes the statements into a folder, and checks them.
pub async fn all(
    nodes: &Nodes,
    client: &Client,
    months: &[Month],
    folder: &Path,
    say: &mut Say,
) -> Result<(), Problem> {
    let began = Instant::now();
    let node = connect::reach_one(&nodes.addresses()[0]).await?;
    let mut found = Found::default();
    for month in months {
        let across = found.write(&node, *month, folder).await;
        let text = month_text(*month);
        found.balance(&text, &across, &lines(client, &text).await?);
        found.compare(&text, folder);
    }
    let number = months.len() * PROVINCES.len();
    say.check(
        &format!(
            "{} statements of {} provinces and {} months agree with their own checks ({} sums compared)",
            found.written,
            PROVINCES.len(),
            months.len(),
            found.compared
        ),
        found.wrong.is_empty() && found.written == number,
        told(&found.wrong),
    );
    say.check(
        &format!(
            "by the statements of each month payables equal receivables ({} between provinces), each province's as the lines say",
            shown(found.owed)
        ),
        found.unbalanced.is_empty() && found.owed > 0,
        told(&found.unbalanced),
    );
    say.check(
        &format!(
            "the statements of every two provinces agree row by row: {} pairs, {} movements told by both",
            found.pairs, found.movements
        ),
        found.differ.is_empty() && found.movements > 0,
        told(&found.differ),
    );
    say.line(format!("{} statements took {:.1} s", found.written, began.elapsed().as_secs_f64()));
    Ok(())
}

impl Found {
    /// Writes a month's statements; gives what each province owes and is owed by its own.
    async fn write(&mut self, node: &Reached, month: Month, folder: &Path) -> BTreeMap<String, (i128, i128)> {
        let mut across = BTreeMap::new();
        for place in PROVINCES {
            let name = format!("{} {}", month_text(month), place.code);
            let Some(province) = Province::new(place.code as u8) else { continue };
            match Fetch::new(node.clone(), month, province).build(false, folder).await {
                Ok((_, report)) => {
                    self.agrees(&name, &report);
                    across.insert(place.code.to_string(), report.across);
                }
                Err(problem) => self.wrong.push(format!("{name}: {}", problem.what)),
            }
        }
        across
    }

    /// A statement's own checks.
    fn agrees(&mut self, name: &str, report: &Report) {
        self.written += 1;
        for item in &report.items {
            let Some(agrees) = item.agrees() else { continue };
            self.compared += 1;
            if !agrees {
                let should = item.should.as_deref().unwrap_or_default();
                self.wrong.push(format!("{name}: {} {}, should be {should}", item.name, item.found));
            }
        }
    }

    /// Payables against receivables, and each province's against the lines.
    fn balance(
        &mut self,
        month: &str,
        across: &BTreeMap<String, (i128, i128)>,
        lines: &BTreeMap<String, (i128, i128)>,
    ) {
        let payable: i128 = across.values().map(|(payable, _)| payable).sum();
        let receivable: i128 = across.values().map(|(_, receivable)| receivable).sum();
        self.owed += payable;
        if payable != receivable {
            let what = format!("{month}: payable {}, receivable {}", shown(payable), shown(receivable));
            self.unbalanced.push(what);
        }
        for code in PROVINCES.iter().map(|place| place.code.to_string()) {
            let [stated, due] = [across, lines].map(|sums| sums.get(&code).copied().unwrap_or_default());
            if stated != due {
                let sums = [stated.0, stated.1, due.0, due.1].map(shown);
                let [payable, receivable, owes, owed] = sums;
                self.unbalanced.push(format!(
                    "{month} {code}: payable {payable}, receivable {receivable}; by the lines {owes} and {owed}"
                ));
            }
        }
    }

    /// The pages of every two provinces, of one month.
    fn compare(&mut self, month: &str, folder: &Path) {
        for (place, ours) in PROVINCES.iter().enumerate() {
            for theirs in &PROVINCES[place + 1..] {
                self.pairs += 1;
                for page in ["summary", "details"] {
                    let path =
                        |code: u64| -> PathBuf { folder.join(format!("gongji-{month}-{code}-{page}.csv")) };
                    match diff::diff(&path(ours.code), &path(theirs.code), 1) {
                        Ok(pages) => pages.iter().for_each(|found| {
                            if found.page == Page::Details {
                                self.movements += found.ours.rows;
                            }
                            if !found.is_equal() {
                                self.differ
                                    .push(format!("{month} {page} of {} and {}", ours.code, theirs.code));
                            }
                        }),
                        Err(problem) => self.differ.push(problem.to_string()),
                    }
                }
            }
        }
    }
}

/// What each province owes and is owed over its border, by the lines of a month.
async fn lines(client: &Client, month: &str) -> Result<BTreeMap<String, (i128, i128)>, Problem> {
    let lines = client.clearing(month).page_size(PAGE).all().await.map_err(|error| sdk(&error))?;
    let mut sums: BTreeMap<String, (i128, i128)> = BTreeMap::new();
    for line in &lines {
        let (payer, payee) = (province(&line.payer), province(&line.payee));
        if payer != payee {
            sums.entry(payer).or_default().0 += signed_fen(&line.amount);
            sums.entry(payee).or_default().1 += signed_fen(&line.amount);
        }
    }
    Ok(sums)
}

/// The first findings.
fn told(findings: &[String]) -> String {
    let first: Vec<&str> = findings.iter().take(TOLD).map(String::as_str).collect();
    format!("{}: {}", findings.len(), first.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statement::check::Item;
    use crate::statement::details::Tally;
    use std::fs;

    #[test]
    fn a_statement_that_does_not_agree_with_itself_is_told() {
        let item = |should: &str| Item { name: "sum", found: "5.00".into(), should: Some(should.into()) };
        let report = |items| Report {
            files: Vec::new(),
            items,
            across: (0, 0),
            inside: 0,
            counterparties: 0,
            tally: Tally::default(),
        };
        let mut found = Found::default();
        found.agrees("2026-01 11", &report(vec![item("5.00")]));
        assert!(found.wrong.is_empty());
        found.agrees("2026-01 11", &report(vec![item("5.00"), item("5.01")]));
        assert_eq!(found.wrong, ["2026-01 11: sum 5.00, should be 5.01"]);
        assert_eq!((found.written, found.compared), (2, 3));
    }

    #[test]
    fn sums_that_are_not_those_of_the_others_are_told() {
        let sums = |payable| BTreeMap::from([("11".into(), (payable, 0)), ("12".into(), (0, 500))]);
        let mut found = Found::default();
        found.balance("2026-01", &sums(500), &sums(500));
        assert!(found.unbalanced.is_empty() && found.owed == 500);
        found.balance("2026-02", &sums(501), &sums(500));
        let by_lines = "2026-02 11: payable 5.01, receivable 0.00; by the lines 5.00 and 0.00";
        assert_eq!(found.unbalanced, ["2026-02: payable 5.01, receivable 5.00", by_lines]);
    }

    #[test]
    fn a_movement_that_only_one_side_has_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let page = |code: u64, page: &str, text: &str| {
            let name = format!("gongji-2026-01-{code}-{page}.csv");
            fs::write(folder.path().join(name), text).expect("written");
        };
        let heads = "row,payer,payee,use,amount\n";
        for place in PROVINCES {
            page(place.code, "summary", "our area,their area,payable,receivable\n");
            page(place.code, "details", heads);
        }
        let row = format!("{heads}9-0-0,110100,120100,医疗机构 institution,5.00\n");
        let compared = || {
            let mut found = Found::default();
            found.compare("2026-01", folder.path());
            found
        };
        page(11, "details", &row);
        assert_eq!(compared().differ, ["2026-01 details of 11 and 12"]);
        page(12, "details", &row);
        let found = compared();
        assert_eq!((found.differ.len(), found.movements, found.pairs), (0, 1, 32 * 31 / 2));
    }
}
