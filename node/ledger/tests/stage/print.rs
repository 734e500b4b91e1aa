//! What happened, in words, with the names of the stage.

use super::{AREAS, INSTITUTIONS, Result, Stage, person};
use ledger::table::{Record, RelationState};
use ledger::view::scan;
use ledger::{Area, Event, Institution, Key, PaymentId, Person, RelationId, Row, Stamp, Table, View};
use std::fmt::Write;

fn name(person: Person) -> String {
    let bytes: Vec<u8> = person.0.iter().copied().take_while(|byte| *byte != 0).collect();
    String::from_utf8(bytes).expect("test persons are named in ASCII")
}

fn place(area: Area) -> String {
    AREAS.iter().find(|(_, code)| *code == area.code()).map_or(area.to_string(), |(name, _)| name.to_string())
}

fn shop(institution: Institution) -> String {
    let known = INSTITUTIONS.iter().find(|(_, code)| *code == institution.as_str());
    known.map_or(institution.as_str(), |(name, _)| name).to_string()
}

fn moment(stage: &Stage, stamp: Stamp) -> String {
    match stamp.0.checked_sub(stage.now.0) {
        Some(0) => "now".to_string(),
        Some(ahead) => format!("+{}m", ahead / 60_000),
        None => format!("-{}m", (stage.now.0 - stamp.0) / 60_000),
    }
}

fn relation(stage: &Stage, id: RelationId) -> String {
    let known = stage.relations.iter().find(|(_, known)| **known == id);
    known.map_or(id.0.to_string(), |(name, _)| name.clone())
}

fn payment(stage: &Stage, id: PaymentId) -> String {
    let known = stage.payments.iter().find(|(_, known)| **known == id);
    known.map_or(id.0.to_string(), |(name, _)| name.clone())
}

pub fn event(stage: &Stage, event: &Event) -> String {
    match event {
        Event::LedgerBegun { .. } => "ledger begun".to_string(),
        Event::ProvinceRegistered { province } => format!("province {province} registered"),
        Event::AreaRegistered { area } => format!("area {} registered", place(*area)),
        Event::AreaOpeningSet { area, from, until } => {
            let until = until.map_or("no end".to_string(), |until| moment(stage, until));
            format!("area {} open from {} until {until}", place(*area), moment(stage, *from))
        }
        Event::PolicySet { effective } => format!("policy set from {}", moment(stage, *effective)),
        Event::InstitutionRegistered { institution, kind, wallet_open } => {
            format!("{kind:?} {} registered, wallet {wallet_open}", shop(*institution))
        }
        Event::PersonEnrolled { person, insurance, area } => {
            format!("{} enrolled, {} in {}", name(*person), *insurance as u16, place(*area))
        }
        Event::AccountCredited { person, amount, available } => {
            format!("{} credited {}, available {}", name(*person), amount.get(), available.get())
        }
        Event::WalletActivated { person } => format!("{} activated the wallet", name(*person)),
        Event::RelationProposed { relation: id, donor, beneficiary } => {
            format!("{} proposed: {} for {}", relation(stage, *id), name(*donor), name(*beneficiary))
        }
        Event::RelationAccepted { relation: id, sequence } => {
            format!("{} accepted, the {sequence}. relation", relation(stage, *id))
        }
        Event::RelationDeclined { relation: id } => format!("{} declined", relation(stage, *id)),
        Event::ProposalLapsed { relation: id } => format!("{} lapsed", relation(stage, *id)),
        Event::QuotaSet { relation: id, amount, unused, available } => {
            let (amount, unused, available) = (amount.get(), unused.get(), available.get());
            format!("{} quota +{amount}, unused {unused}, donor has {available}", relation(stage, *id))
        }
        Event::QuotaReduced { relation: id, amount, unused, available } => {
            let (amount, unused, available) = (amount.get(), unused.get(), available.get());
            format!("{} quota -{amount}, unused {unused}, donor has {available}", relation(stage, *id))
        }
        Event::PrioritySet { beneficiary } => format!("{} ordered the donors", name(*beneficiary)),
        Event::Settled { payment: id, own, legs, cash, skipped } => {
            let mut text = format!("{} settled: own {}", payment(stage, *id), own.get());
            for leg in legs {
                let (amount, unused) = (leg.amount.get(), leg.unused.get());
                write!(text, ", {} {amount} (left {unused})", relation(stage, leg.relation)).expect("text");
            }
            write!(text, ", cash {}", cash.get()).expect("text");
            for id in skipped {
                write!(text, ", skipped {}", relation(stage, *id)).expect("text");
            }
            text
        }
        Event::Refunded { payment: id, amount, cash, legs, own } => {
            let mut text = format!("{} refunded {}: cash {}", payment(stage, *id), amount.get(), cash.get());
            for leg in legs {
                let to = if leg.to_quota { "quota" } else { "account" };
                write!(text, ", {} {} to {to}", relation(stage, leg.relation), leg.amount.get())
                    .expect("text");
            }
            write!(text, ", own {}", own.get()).expect("text");
            text
        }
        Event::RelationReleased { relation: id, returned } => {
            format!("{} released, {} returned", relation(stage, *id), returned.get())
        }
        Event::Ticked { forgotten } => format!("tick: {forgotten} forgotten"),
    }
}

pub fn show(stage: &Stage, what: &str, out: &mut String) -> Result<()> {
    let key = match (stage.relations.get(what), stage.payments.get(what)) {
        (Some(relation), _) => Key::Relation { relation: *relation },
        (_, Some(payment)) => Key::Payment { payment: *payment },
        (None, None) => Key::Person { person: person(what) },
    };
    let Ok(row) = stage.state.get(&key);
    let row = row.ok_or_else(|| format!("nothing is called `{what}`"))?;
    let line = match &*row {
        Row::Person(record) => {
            let mut line = format!("{what}: {} in {}", record.insurance as u16, place(record.area));
            if let Some(account) = &record.account {
                let (available, reserved) = (account.available.get(), account.reserved.get());
                write!(line, ", available {available}, reserved {reserved}").expect("text");
            }
            let donors: Vec<String> = record.donors.iter().map(|id| relation(stage, *id)).collect();
            if !donors.is_empty() {
                write!(line, ", donors {}", donors.join(" ")).expect("text");
            }
            line
        }
        Row::Relation(record) => {
            let state = match record.state {
                RelationState::Proposed { .. } => "proposed",
                RelationState::Active => "active",
                RelationState::Closed => "closed",
                RelationState::Released => "released",
            };
            let (limit, used, unused) = (record.limit.get(), record.used.get(), record.unused.get());
            format!("{what}: {state}, limit {limit} = used {used} + unused {unused}")
        }
        Row::Payment(record) => {
            let own = format!("own {}-{}", record.own.amount.get(), record.own.refunded.get());
            let mut line = format!("{what}: {} {:?}, {own}", record.amount.get(), record.usage);
            for leg in &record.legs {
                let (amount, back) = (leg.amount.get(), leg.refunded.get());
                write!(line, ", {} {amount}-{back} of {}", relation(stage, leg.relation), place(leg.area))
                    .expect("text");
            }
            write!(line, ", cash {}-{}", record.cash.get(), record.cash_refunded.get()).expect("text");
            line
        }
        other => return Err(format!("{} is not shown", other.table().name())),
    };
    writeln!(out, "{line}").expect("strings take text");
    Ok(())
}

pub fn owed(stage: &Stage, out: &mut String) {
    let Ok(()) = scan(&stage.state, Table::Obligation, 16, |key, row| {
        if let (Key::Obligation { month, payer, payee, usage }, Row::Obligation(record)) = (key, row) {
            let (charged, refunded) = (record.charged.get(), record.refunded.get());
            let pair = format!("{} owes {}", place(*payer), place(*payee));
            let month = format!("{}-{:02}", month.year, month.month);
            writeln!(out, "{month} {pair} ({usage:?}): {charged} - {refunded}").expect("strings take text");
        }
        Ok(())
    });
}

pub fn remembered(stage: &Stage, out: &mut String) {
    let mut answers = 0;
    let Ok(()) = scan(&stage.state, Table::Request, 16, |_, row| {
        answers += usize::from(ledger::table::RequestRecord::of_row(row).is_some());
        Ok(())
    });
    writeln!(out, "{answers} answers remembered").expect("strings take text");
}
