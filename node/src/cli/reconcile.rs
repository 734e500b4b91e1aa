//! `gongji reconcile`: a day of an institution or an area (对账). Totals as in 3201; with the institution's own rows, the
//! differences row by row as in 3202.

#[cfg(test)]
mod fuzz;
mod theirs;

use super::connect::{Reached, reach, refused};
use super::json::Shape;
use super::{Nodes, Output, show};
use crate::places;
use crate::problem::{Exit, Problem};
use crate::statement::yuan;
use anyhow::Result;
use comfy_table::Cell;
use proto::v1;
use proto::v1::query_client::QueryClient;
use serde_json::{Value, json};
use std::path::PathBuf;
use theirs::{Compared, Parts, Row, Said, Theirs};
use tonic::Status;

/// What the verb is given.
#[derive(Debug, clap::Args)]
#[command(after_long_help = COLUMNS)]
pub struct Args {
    /// What was paid to this institution
    #[arg(long, value_name = "CODE", required_unless_present = "area", conflicts_with = "area")]
    institution: Option<String>,
    /// What was paid to this area's institutions, and premiums paid to it
    #[arg(long, value_name = "AREA")]
    area: Option<String>,
    /// The day (+08:00)
    #[arg(long, value_name = "YYYY-MM-DD")]
    day: String,
    /// The rows of the other side as csv, to be compared one by one (see --help)
    #[arg(long, value_name = "FILE")]
    theirs: Option<PathBuf>,
    /// How many differences are listed; all are counted
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    most: usize,
    #[command(flatten)]
    nodes: Nodes,
    #[arg(short, long, value_enum, default_value = "table")]
    output: Output,
}

const COLUMNS: &str = "\
Columns of --theirs, in any order, found by these names (words before them in a heading do no harm); amounts in yuan:
  setl_id          the id in the receipt, INDEX-PLACE: of the settlement, of the refund, or of the undoing of one
  psn_part_amt     the personal share; below zero for a refund
  acct_pay         of it from the own account
  acct_mulaid_pay  of it from mutual aid
  psn_cash_pay     of it in cash

The file is held in memory, at some 100 bytes a row; the ledger's rows are compared as they come. The exit code is 8 when
anything differs.";

/// Runs the verb.
pub async fn run(args: Args) -> Result<Exit> {
    use v1::reconcile_request::Who;
    let theirs = args.theirs.as_deref().map(Theirs::read).transpose()?;
    let (who, name) = match (args.institution, args.area) {
        (Some(code), _) => (Who::Institution(code.clone()), code),
        (None, area) => {
            let code = area.unwrap_or_default();
            (Who::Area(code.clone()), code)
        }
    };
    let node = reach(&args.nodes).await?;
    let request = v1::ReconcileRequest {
        who: Some(who),
        day: args.day.clone(),
        totals_only: theirs.is_none(),
        consistency: None,
    };
    let mut day =
        Day { name, day: args.day, header: v1::ReplyHeader::default(), totals: Vec::new(), compared: None };
    day.ask(&node, request, theirs, args.most).await?;
    match args.output {
        Output::Json => println!("{}", day.json()),
        Output::Table => println!("{}", day.page()),
    }
    let balanced = day.compared.as_ref().is_none_or(Compared::is_balanced);
    Ok(if balanced { Exit::Done } else { Exit::Differs })
}

/// A day, as far as it is told.
struct Day {
    name: String,
    day: String,
    header: v1::ReplyHeader,
    totals: Vec<v1::ReconcileTotal>,
    compared: Option<Compared>,
}

impl Day {
    async fn ask(
        &mut self,
        node: &Reached,
        request: v1::ReconcileRequest,
        theirs: Option<Theirs>,
        most: usize,
    ) -> Result<(), Problem> {
        let failed = |status: Status| refused(&status, &node.address, "reconcile");
        let mut client = QueryClient::new(node.channel.clone()).max_decoding_message_size(64 << 20);
        let mut stream = client.reconcile(request).await.map_err(failed)?.into_inner();
        let mut comparing = theirs.map(|theirs| theirs.compare(most));
        while let Some(part) = stream.message().await.map_err(failed)? {
            self.header = part.header.unwrap_or_default();
            for row in part.rows {
                let Some(comparing) = &mut comparing else { continue };
                let parts = row.parts.as_ref().and_then(parts);
                let parts = parts.ok_or_else(|| unread(node, "a row without its amounts"))?;
                comparing.row(
                    Row {
                        id: row.position,
                        refund: row.is_refund,
                        undone: !row.is_refund && !row.refund.is_empty(),
                    },
                    parts,
                );
            }
            if part.last {
                self.totals = part.totals;
                self.compared = comparing.map(theirs::Comparing::end);
                return Ok(());
            }
        }
        Err(failed(Status::unavailable("the day ended without its totals")))
    }

    fn page(&self) -> String {
        let mut lines = vec![format!("{} {} (+08:00)", self.name, self.day)];
        let heads = [
            "insutype",
            "clr_type",
            "",
            "refd",
            "count",
            "psn_part_amt",
            "acct_pay",
            "acct_mulaid_pay",
            "psn_cash_pay",
        ];
        let mut table = show::table(&heads);
        let (mut count, mut sum) = (0, Parts::default());
        let amounts = |parts: Parts| parts.0.map(|fen| show::number(yuan::grouped(fen)));
        for total in &self.totals {
            let parts = total.parts.as_ref().and_then(parts).unwrap_or_default();
            count += total.count;
            sum = sum.plus(parts);
            let flag = u8::from(total.is_refund);
            let mut row = vec![
                Cell::new(insurance(total.insurance())),
                Cell::new(total.clearing_type),
                Cell::new(clearing(total.clearing_type())),
                Cell::new(flag),
                show::number(total.count),
            ];
            row.extend(amounts(parts));
            table.add_row(row);
        }
        let mut row =
            vec![Cell::new("合计 net"), Cell::new(""), Cell::new(""), Cell::new(""), show::number(count)];
        row.extend(amounts(sum));
        table.add_row(row);
        lines.push(show::text(&table));
        if let Some(compared) = &self.compared {
            lines.push(compared_page(compared));
        }
        lines.push(format!(
            "as of index {}, from {}",
            self.header.index,
            places::node_label(self.header.node)
        ));
        lines.join("\n\n")
    }

    fn json(&self) -> Value {
        let total = Shape::of("ReconcileTotal");
        json!({
            "who": self.name,
            "day": self.day,
            "header": Shape::of("ReplyHeader").write(&self.header),
            "totals": self.totals.iter().map(|one| total.write(one)).collect::<Vec<_>>(),
            "compared": self.compared.as_ref().map(compared_json),
        })
    }
}

fn compared_page(compared: &Compared) -> String {
    let mut lines = Vec::new();
    let heads =
        ["setl_id", "stmt_rslt", "", "", "psn_part_amt", "acct_pay", "acct_mulaid_pay", "psn_cash_pay"];
    let mut table = show::table(&heads);
    for difference in &compared.differences {
        for (side, parts) in [("中心 centre", difference.centre), ("机构 theirs", difference.theirs)] {
            let Some(parts) = parts else { continue };
            let said = difference.said();
            let mut row = vec![
                Cell::new(format!("{}{}", difference.row.id, difference.row.kind())),
                Cell::new(said.code()),
                Cell::new(said.words()),
                Cell::new(side),
            ];
            row.extend(parts.0.map(|fen| show::number(yuan::grouped(fen))));
            table.add_row(row);
        }
    }
    if !compared.differences.is_empty() {
        lines.push(show::text(&table));
    }
    let unlisted = compared.differing() - compared.differences.len() as u64;
    if unlisted > 0 {
        lines.push(format!("and {unlisted} more: --most {} lists all", compared.differing()));
    }
    let side = |name: &str, rows: u64, parts: Parts| {
        let [amount, own, aid, cash] = parts.0.map(yuan::grouped);
        format!("{name} {rows} rows: {amount} 元 = own {own} + aid {aid} + cash {cash}")
    };
    lines.push(side("中心 centre", compared.centre.0, compared.centre.1));
    lines.push(side("机构 theirs", compared.theirs.0, compared.theirs.1));
    lines.push(match compared.is_balanced() {
        true => Said::Balanced.words().to_owned(),
        false => {
            let counted = compared.counted.iter().filter(|(_, rows)| *rows > 0);
            counted.map(|(said, rows)| format!("{} {rows}", said.words())).collect::<Vec<_>>().join(", ")
        }
    });
    lines.join("\n")
}

fn compared_json(compared: &Compared) -> Value {
    let amounts = |parts: Parts| {
        let [amount, own, aid, cash] = parts.0.map(yuan::text);
        json!({ "psn_part_amt": amount, "acct_pay": own, "acct_mulaid_pay": aid, "psn_cash_pay": cash })
    };
    let side = |(rows, parts): (u64, Parts)| json!({ "rows": rows.to_string(), "amounts": amounts(parts) });
    json!({
        "balanced": compared.is_balanced(),
        "centre": side(compared.centre),
        "theirs": side(compared.theirs),
        "counted": compared.counted.iter().map(|(said, rows)| {
            json!({ "stmt_rslt": said.code().to_string(), "words": said.words(), "rows": rows.to_string() })
        }).collect::<Vec<_>>(),
        "differences": compared.differences.iter().map(|difference| json!({
            "setl_id": difference.row.id,
            "refd_setl_flag": u8::from(difference.row.refund).to_string(),
            "stmt_rslt": difference.said().code().to_string(),
            "words": difference.said().words(),
            "centre": difference.centre.map(amounts),
            "theirs": difference.theirs.map(amounts),
        })).collect::<Vec<_>>(),
    })
}

fn parts(parts: &v1::ReconcileParts) -> Option<Parts> {
    let read = |amount: &str| yuan::parse(amount);
    Some(Parts([read(&parts.amount)?, read(&parts.own)?, read(&parts.aid)?, read(&parts.cash)?]))
}

fn unread(node: &Reached, why: &str) -> Problem {
    Problem::new(Exit::WrongCluster, format!("the answer of {} is not understood", node.address)).because(why)
}

fn insurance(insurance: v1::Insurance) -> &'static str {
    match insurance {
        v1::Insurance::Employee => "310",
        v1::Insurance::Resident => "390",
        v1::Insurance::Unspecified => "",
    }
}

fn clearing(kind: v1::ClearingType) -> &'static str {
    match kind {
        v1::ClearingType::Outpatient => "门诊 outpatient",
        v1::ClearingType::Inpatient => "住院 inpatient",
        v1::ClearingType::Pharmacy => "药店 pharmacy",
        v1::ClearingType::Deferred => "其他 deferred",
        v1::ClearingType::ResidentPremium => "居民医保缴费 resident premium",
        v1::ClearingType::CarePremium => "长护险缴费 care premium",
        v1::ClearingType::Unspecified => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::golden;

    fn total(
        insurance: v1::Insurance,
        kind: v1::ClearingType,
        is_refund: bool,
        count: u64,
        amounts: [&str; 4],
    ) -> v1::ReconcileTotal {
        let [amount, own, aid, cash] = amounts.map(str::to_owned);
        v1::ReconcileTotal {
            insurance: insurance as i32,
            clearing_type: kind as i32,
            is_refund,
            count,
            parts: Some(v1::ReconcileParts { amount, own, aid, cash }),
        }
    }

    #[test]
    fn a_day_is_printed_with_its_differences() {
        let file = "setl_id,acct_pay,acct_mulaid_pay,psn_cash_pay,psn_part_amt\n\
                    10-0,0,98.6,0,98.60\n11-0,0,5,0,5\n12-0,0,-8.60,0,-8.60\n99-0,1,2,3,6";
        let theirs = Theirs::from_reader(file.as_bytes()).expect("rows");
        let mut comparing = theirs.compare(10);
        for (id, refund, aid) in
            [("10-0", false, 9_860), ("11-0", false, 500), ("12-0", true, -861), ("13-0", false, 77)]
        {
            let row = Row { id: id.into(), refund, undone: id == "13-0" };
            comparing.row(row, Parts([aid, 0, aid, 0]));
        }
        let (resident, outpatient) = (v1::Insurance::Resident, v1::ClearingType::Outpatient);
        let day = Day {
            name: "H41010000001".into(),
            day: "2026-10-03".into(),
            header: v1::ReplyHeader { index: 1_311, age_ms: 0, node: 41_000_001 },
            totals: vec![
                total(resident, outpatient, false, 3, ["104.37", "0.00", "104.37", "0.00"]),
                total(resident, outpatient, true, 1, ["-8.61", "0.00", "-8.61", "0.00"]),
            ],
            compared: Some(comparing.end()),
        };
        golden("cli/golden/reconcile.txt", &day.page());
        let json = day.json();
        assert_eq!(json["compared"]["balanced"], false);
        assert_eq!(json["compared"]["differences"][0]["setl_id"], "12-0");
        assert_eq!(json["totals"][1]["is_refund"], true);
    }
}
