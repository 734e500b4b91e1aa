//! What may be read of the state, in words: the report, a day's reconciliation, positions and funds of a month.

use super::Stage;
use super::names::{Result, area, day, institution, month, province};
use super::print::{lower, made, span_of};
use ledger::reconcile::{Parts, Who, reconcile};
use ledger::statistics::{Line, report};
use ledger::views::{fund_usage, positions, recommended_fund};
use std::fmt::Write;

/// Commands that read, with how many words follow.
pub const VIEWS: &[(&str, usize)] = &[("report", 1), ("reconcile", 2), ("positions", 1), ("usage", 2)];

pub fn view(stage: &Stage, words: &[&str], out: &mut String) -> Result<()> {
    match words {
        ["report", until] => published(stage, until, out),
        ["reconcile", who, date] => reconciled(stage, who, date, out),
        ["positions", of] => {
            let Ok(found) = positions(&stage.state, month(of)?);
            let state = if found.closed.is_some() { "closed" } else { "so far" };
            for position in &found.provinces {
                let (province, net) = (position.province, position.net());
                let (owes, owed) = (position.owes.get(), position.owed.get());
                writeln!(out, "{of} {state}: {province} owes {owes}, is owed {owed}, net {net}")
                    .expect("text");
            }
            let sum: i128 = found.provinces.iter().map(|position| position.net()).sum();
            writeln!(out, "{of} {state}: net of all {sum}").expect("text");
            Ok(())
        }
        ["usage", of, span] => {
            let (province, month) = (province(of)?, month(span)?);
            let Ok(usage) = fund_usage(&stage.state, month, province);
            let Ok(recommended) = recommended_fund(&stage.state, province);
            let percent = usage.percent.map_or("no fund".to_string(), |percent| format!("{percent} percent"));
            write!(out, "{of} uses {} for {span}, {percent}, {}", usage.used.get(), lower(usage.level))
                .expect("text");
            let (size, months) = (recommended.size.get(), recommended.months);
            writeln!(out, "; recommended {size} after {months} months").expect("text");
            Ok(())
        }
        _ => Err("no such view".to_string()),
    }
}

fn published(stage: &Stage, until: &str, out: &mut String) -> Result<()> {
    let Ok(report) = report(&stage.state, month(until)?);
    let lines = [
        ("total", report.total),
        ("same area", report.same_area),
        ("in the province", report.in_province),
        ("across provinces", report.cross_province),
        ("institutions", report.institution),
        ("pharmacies", report.pharmacy),
        ("premiums", report.premium),
        ("other", report.other),
        ("residual", report.residual),
    ];
    writeln!(out, "until {}", span_of(report.until)).expect("text");
    let say = |name: &str, line: &Line, out: &mut String| {
        let (sum, growth) = (line.sum, line.growth);
        writeln!(out, "{name}: {} for {} (+{} for {})", sum.count, sum.fen, growth.count, growth.fen)
            .expect("text");
    };
    for (name, line) in &lines {
        say(name, line, out);
    }
    for (province, line) in &report.provinces {
        say(&province.to_string(), line, out);
    }
    let top = |provinces: &[ledger::Province]| {
        let codes: Vec<String> = provinces.iter().map(|province| province.to_string()).collect();
        codes.join(" ")
    };
    let (count, amount) = (top(&report.top_by_count), top(&report.top_by_amount));
    writeln!(out, "top by count: {count}; by amount: {amount}").expect("text");
    Ok(())
}

fn reconciled(stage: &Stage, who: &str, date: &str, out: &mut String) -> Result<()> {
    let asker = match (institution(who), area(who)) {
        (Ok(institution), _) => Who::Institution(institution),
        (Err(_), area) => Who::Area(area?),
    };
    let parts = |parts: &Parts| {
        format!("{} = own {} + aid {} + cash {}", parts.amount, parts.own, parts.aid, parts.cash)
    };
    // Pages of two rows: the totals are the same however the day is cut.
    let Ok(totals) = reconcile(&stage.state, asker, day(date)?, 2, |row| {
        let what = row.refund.map_or("settled".to_string(), |refund| {
            let verb = if row.group.refund { "refunded" } else { "paid again" };
            format!("{verb} by {}", made(stage, refund.0))
        });
        writeln!(out, "{} {what}: {}", made(stage, row.payment.0), parts(&row.parts)).expect("text");
        Ok(())
    });
    for (group, total) in &totals {
        let kind = if group.refund { "refunds" } else { "payments" };
        let (insurance, clearing) = (group.insurance as u16, group.clearing as u16);
        write!(out, "{who} {date}: {insurance}, cleared as {clearing}, {kind}: {} rows, ", total.count)
            .expect("text");
        writeln!(out, "{}", parts(&total.parts)).expect("text");
    }
    if totals.is_empty() {
        writeln!(out, "{who} {date}: nothing").expect("text");
    }
    Ok(())
}
