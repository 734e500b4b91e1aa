//! What stands in the state, in words, with the names of the stage.

use super::Stage;
use super::names::{Result, person};
use super::print::{cause, clock, date, lower, made, name, place, shop, span_of};
use ledger::command::InsuranceStatus;
use ledger::table::{
    CaseRecord, Destination, HoldRecord, HoldState, OfferRecord, Payee, PaymentRecord, PersonRecord,
    RefundPart, RefundRecord, RelationRecord, RelationState,
};
use ledger::view::scan;
use ledger::{CaseId, HoldId, Key, OfferId, PaymentId, RefundId, RelationId, Row, Table, View};
use std::fmt::Write;

/// Commands that show every row of some tables.
pub const LISTS: &[&str] =
    &["owed", "lines", "funds", "periods", "tallies", "usages", "waiting", "premiums", "remembered"];

pub fn show(stage: &Stage, what: &str, out: &mut String) -> Result<()> {
    let keys = match stage.position(what) {
        Ok(at) => vec![
            Key::Relation { relation: RelationId(at) },
            Key::Offer { offer: OfferId(at) },
            Key::Hold { hold: HoldId(at) },
            Key::Payment { payment: PaymentId(at) },
            Key::Refund { refund: RefundId(at) },
            Key::Case { case: CaseId(at) },
        ],
        Err(_) => vec![Key::Person { person: person(what) }],
    };
    let mut rows = keys.iter().filter_map(|key| {
        let Ok(row) = stage.state.get(key);
        row
    });
    let row = rows.next().ok_or_else(|| format!("nothing is called `{what}`"))?;
    let line = match &*row {
        Row::Person(record) => insured(stage, record),
        Row::Relation(record) => relation(stage, record),
        Row::Offer(record) => offer(stage, record),
        Row::Hold(record) => hold(stage, record),
        Row::Payment(record) => payment(stage, record),
        Row::Refund(record) => refund(stage, record),
        Row::Case(record) => case(record),
        other => return Err(format!("{} is not shown", other.table().name())),
    };
    writeln!(out, "{what}: {line}").expect("strings take text");
    Ok(())
}

fn insured(stage: &Stage, record: &PersonRecord) -> String {
    let mut line = format!("{} in {}", record.insurance as u16, place(record.area));
    let mut add = |text: String| line += &format!(", {text}");
    if record.status != InsuranceStatus::Normal {
        add(lower(record.status));
    }
    if record.retired {
        add("retired".to_string());
    }
    if let Some(account) = &record.account {
        if account.area != record.area {
            add(format!("account in {}", place(account.area)));
        }
        add(format!("available {}, reserved {}", account.available.get(), account.reserved.get()));
        for (what, amount) in [("held", account.held), ("paid out", account.paid_out)] {
            if !amount.is_zero() {
                add(format!("{what} {}", amount.get()));
            }
        }
        if account.offers > 0 {
            add(format!("{} offers open", account.offers));
        }
    }
    if record.holds > 0 {
        add(format!("party to {} holds", record.holds));
    }
    if let Some(suspension) = &record.suspended {
        add(format!("suspended for {} ({})", lower(suspension.reason), suspension.file.as_str()));
    }
    if let Some(case) = record.transfer {
        add(format!("transfer {}", made(stage, case.0)));
    }
    if let Some(case) = record.failed_transfer {
        add(format!("failed transfer {}", made(stage, case.0)));
    }
    if let Some(why) = record.releasing {
        add(format!("releasing {}", cause(why)));
    }
    if !record.donors.is_empty() {
        let donors: Vec<String> = record.donors.iter().map(|id| made(stage, id.0)).collect();
        add(format!("donors {}", donors.join(" ")));
    }
    line
}

fn relation(stage: &Stage, record: &RelationRecord) -> String {
    let state = match record.state {
        RelationState::Proposed { .. } => "proposed".to_string(),
        RelationState::Active => "active".to_string(),
        RelationState::Closed => "closed".to_string(),
        RelationState::Released { cause: why } => format!("released {}", cause(why)),
    };
    let (limit, used, unused) = (record.limit.get(), record.used.get(), record.unused.get());
    let held = if record.held.is_zero() { String::new() } else { format!(" + held {}", record.held.get()) };
    let mut line = format!("{state}, limit {limit} = used {used}{held} + unused {unused}");
    if let Some(expires) = record.expires {
        line += &format!(", expires {}", clock(expires));
    }
    if !record.offers.is_empty() {
        let offers: Vec<String> = record.offers.iter().map(|id| made(stage, id.0)).collect();
        line += &format!(", offers {}", offers.join(" "));
    }
    line
}

fn offer(stage: &Stage, record: &OfferRecord) -> String {
    let (relation, returns) = (made(stage, record.relation.0), clock(record.returns));
    format!("{} of {} for {relation}, returns {returns}", lower(record.state), record.amount.get())
}

fn hold(stage: &Stage, record: &HoldRecord) -> String {
    let state = match record.state {
        HoldState::Held => "held".to_string(),
        HoldState::Confirmed { payment } => format!("confirmed as {}", made(stage, payment.0)),
        HoldState::Voided => "voided".to_string(),
        HoldState::TimedOut => "timed out".to_string(),
    };
    let (at, amount, own) = (shop(record.institution), record.amount.get(), record.own.get());
    let mut line = format!("{state}, {amount} at {at} ({:?}), own {own}", record.usage);
    for leg in &record.legs {
        write!(line, ", {} {}", made(stage, leg.relation.0), leg.amount.get()).expect("text");
    }
    write!(line, ", cash {}, until {}", record.cash.get(), clock(record.expires)).expect("text");
    line
}

fn payment(stage: &Stage, record: &PaymentRecord) -> String {
    let kind = match record.payee {
        Payee::Institution(..) => format!("{:?}", record.usage),
        Payee::Premium(premium, year) => format!("premium {} of {year}", premium as u16),
    };
    let own = format!("own {}-{}", record.own.amount.get(), record.own.refunded.get());
    let mut line = format!("{} {kind}, {own}", record.amount.get());
    for leg in &record.legs {
        let (amount, back) = (leg.amount.get(), leg.refunded.get());
        write!(line, ", {} {amount}-{back} of {}", made(stage, leg.relation.0), place(leg.area))
            .expect("text");
    }
    write!(line, ", cash {}-{}", record.cash.get(), record.cash_refunded.get()).expect("text");
    line
}

fn refund(stage: &Stage, record: &RefundRecord) -> String {
    let paid = made(stage, record.payment.0);
    let verb = record
        .undoes
        .map_or(format!("refunds {paid}"), |undone| format!("undoes {} of {paid}", made(stage, undone.0)));
    let mut line = format!("{verb}, {}: cash {}", record.amount.get(), record.cash.get());
    let part = |part: &RefundPart| {
        let where_to = match part.to {
            Destination::Quota(area) => format!("quota in {}", place(area)),
            Destination::Account(area) => format!("account in {}", place(area)),
            Destination::Transit(case) => format!("balance of {}", made(stage, case.0)),
        };
        format!("{} {where_to}", part.amount.get())
    };
    for leg in &record.legs {
        write!(line, ", leg {}: {}", leg.place + 1, part(leg)).expect("text");
    }
    if let Some(own) = &record.own {
        write!(line, ", own: {}", part(own)).expect("text");
    }
    if record.undone {
        line += ", undone";
    }
    line
}

fn case(record: &CaseRecord) -> String {
    let (who, from, to) = (name(record.person), place(record.from), place(record.to));
    let mut line =
        format!("{}, {who} from {from} to {to}, under way {}", lower(record.state), record.balance.get());
    for (area, usage, amount) in &record.waiting {
        write!(line, ", {} of {} ({usage:?}) to post", amount.get(), place(*area)).expect("text");
    }
    for (overdue, step) in record.overdue.iter().zip(["send", "complete"]) {
        if *overdue {
            write!(line, ", overdue to {step}").expect("text");
        }
    }
    line
}

pub fn calendar(stage: &Stage, year: &str, out: &mut String) -> Result<()> {
    let year: u16 = year.parse().map_err(|_| "not a year")?;
    let Ok(row) = stage.state.get(&Key::Calendar { year });
    let Some(Row::Calendar(record)) = row.as_deref() else { return Err(format!("{year} has no calendar")) };
    for (what, days) in [("holidays", &record.holidays), ("workdays", &record.workdays)] {
        let days: Vec<String> = days.iter().map(|day| date(*day)).collect();
        writeln!(out, "{year} {what}: {}", days.join(" ")).expect("strings take text");
    }
    Ok(())
}

pub fn list(stage: &Stage, what: &str, out: &mut String) {
    let tables: &[Table] = match what {
        "owed" => &[Table::Obligation],
        "lines" => &[Table::Clearing],
        "funds" => &[Table::Prepayment],
        "periods" => &[Table::Period],
        "tallies" => &[Table::Tally],
        "usages" => &[Table::Usage],
        "premiums" => &[Table::Premium],
        "remembered" => {
            let mut answers = 0;
            let Ok(()) = scan(&stage.state, Table::Request, 16, |_, _| {
                answers += 1;
                Ok(())
            });
            return writeln!(out, "{answers} answers remembered").expect("strings take text");
        }
        _ => &[
            Table::Lapsing,
            Table::Expiring,
            Table::Returning,
            Table::Resolving,
            Table::Releasing,
            Table::Due,
        ],
    };
    let before = out.len();
    for table in tables {
        let Ok(()) = scan(&stage.state, *table, 16, |key, row| {
            writeln!(out, "{}", listed(stage, key, row)).expect("strings take text");
            Ok(())
        });
    }
    if out.len() == before {
        writeln!(out, "nothing").expect("strings take text");
    }
}

fn listed(stage: &Stage, key: &Key, row: &Row) -> String {
    let made = |position| made(stage, position);
    match (*key, row) {
        (Key::Obligation { month, payer, payee, usage }, Row::Obligation(record)) => {
            let (charged, refunded) = (record.charged.get(), record.refunded.get());
            let pair = format!("{} owes {}", place(payer), place(payee));
            format!("{} {pair} ({usage:?}): {charged} - {refunded}", span_of(month))
        }
        (Key::Clearing { month, payer, payee }, Row::Clearing(record)) => {
            let (amount, paid, advanced) = (record.amount.get(), record.paid.get(), record.advanced.get());
            let mut line = format!("{} {} owes {}: {amount}", span_of(month), place(payer), place(payee));
            line += &format!(", advanced {advanced}, paid {paid}, refilled {}", record.refilled.get());
            for (confirmed, side) in [(record.payer_confirmed, "payer"), (record.payee_confirmed, "payee")] {
                if confirmed {
                    line += &format!(", confirmed by {side}");
                }
            }
            for (_, province, reason, file) in &record.disputes {
                line += &format!(", disputed by {province} for {} ({})", lower(reason), file.as_str());
            }
            line
        }
        (Key::Prepayment { province }, Row::Prepayment(record)) => {
            let (size, balance, drawn) = (record.size.get(), record.balance.get(), record.drawn.get());
            let (funded, returned) = (record.funded.get(), record.returned.get());
            format!(
                "fund of {province}: size {size}, balance {balance}, drawn {drawn}, in {funded}, back {returned}"
            )
        }
        (Key::Period { month }, Row::Period(record)) => {
            let state = if record.closed.is_some() { "closed" } else { "being closed" };
            let (lines, total) = (record.lines, record.total.get());
            let mut line = format!("{} {state}: {} obligations", span_of(month), record.obligations);
            line += &format!(", {lines} lines, {total}");
            for (province, owes, owed) in &record.provinces {
                line += &format!(", {province} owes {} and is owed {}", owes.get(), owed.get());
            }
            line
        }
        (Key::Tally { month, giving, using, scope, usage }, Row::Tally(record)) => {
            let (paid, refunded) = (record.paid.get(), record.refunded.get());
            let (count, back) = (record.count, record.count_back);
            let row = format!("{} {giving} for {using}, {scope:?}, {usage:?}", span_of(month));
            format!("{row}: {paid} - {refunded}, count {count} - {back}")
        }
        (Key::Usage { month, province }, Row::Usage(record)) => {
            let (charged, refunded) = (record.charged.get(), record.refunded.get());
            format!("{} {province} owes other provinces {charged} - {refunded}", span_of(month))
        }
        (Key::Premium { person, premium, year }, Row::Premium(record)) => {
            format!("{} {} of {year} paid by {}", name(person), premium as u16, made(record.payment.0))
        }
        (Key::Lapsing { at, relation }, _) => format!("{} lapses {}", made(relation.0), clock(at)),
        (Key::Expiring { at, relation }, _) => format!("{} expires {}", made(relation.0), clock(at)),
        (Key::Returning { at, offer }, _) => format!("{} returns {}", made(offer.0), clock(at)),
        (Key::Resolving { at, hold }, _) => format!("{} runs out {}", made(hold.0), clock(at)),
        (Key::Releasing { person }, Row::Releasing(record)) => {
            format!("{}'s relations are released {}", name(person), cause(record.cause))
        }
        (Key::Due { at, case }, Row::Due(record)) => {
            format!("{} overdue to {} {}", made(case.0), lower(record.step), clock(at))
        }
        (key, _) => format!("{} is not listed", key.table().name()),
    }
}
