//! What happened, in words, with the names of the stage.

use super::Stage;
use super::names::{AREAS, INSTITUTIONS};
use ledger::command::{Party, Premium};
use ledger::decision::{LegPaid, LegRefunded, ReleaseCause};
use ledger::{Area, Day, Event, Fen, Institution, Month, Person, Position, Stamp};
use std::fmt::Write;

pub fn name(person: Person) -> String {
    let bytes: Vec<u8> = person.0.iter().copied().take_while(|byte| *byte != 0).collect();
    String::from_utf8(bytes).expect("test persons are named in ASCII")
}

pub fn place(area: Area) -> String {
    AREAS.iter().find(|(_, code)| *code == area.code()).map_or(area.to_string(), |(name, _)| name.to_string())
}

pub fn shop(institution: Institution) -> String {
    let known = INSTITUTIONS.iter().find(|(_, code)| *code == institution.as_str());
    known.map_or(institution.as_str(), |(name, _)| name).to_string()
}

/// What a transaction made, by its name if it has one.
pub fn made(stage: &Stage, position: Position) -> String {
    let known = stage.named.iter().find(|(_, known)| **known == position);
    known.map_or(position.to_string(), |(name, _)| name.clone())
}

pub fn date(day: Day) -> String {
    let (year, month, date) = day.civil();
    format!("{year}-{month:02}-{date:02}")
}

/// A moment, to the minute; to the millisecond where it is no whole minute.
pub fn clock(stamp: Stamp) -> String {
    let past = stamp.0 % 60_000;
    let rest = if past == 0 { String::new() } else { format!(" and {past} ms") };
    format!("{} {:02}:{:02}{rest}", date(stamp.day()), stamp.minute() / 60, stamp.minute() % 60)
}

pub fn span_of(month: Month) -> String {
    format!("{}-{:02}", month.year, month.month)
}

/// Who is suspended.
pub fn party(party: Party) -> String {
    match party {
        Party::Person(person) => name(person),
        Party::Institution(institution) => shop(institution),
    }
}

pub fn lower(what: impl std::fmt::Debug) -> String {
    format!("{what:?}").to_lowercase()
}

pub fn cause(cause: ReleaseCause) -> &'static str {
    match cause {
        ReleaseCause::Donor => "by the donor",
        ReleaseCause::Beneficiary => "by the beneficiary",
        ReleaseCause::Transfer => "by a transfer",
        ReleaseCause::Termination => "by a termination",
        ReleaseCause::Death => "by a death",
        ReleaseCause::InsuranceChange => "by a change of insurance",
    }
}

fn moment(stage: &Stage, stamp: Stamp) -> String {
    match stamp.0.checked_sub(stage.now.0) {
        Some(0) => "now".to_string(),
        Some(ahead) => format!("+{}m", ahead / 60_000),
        None => format!("-{}m", (stage.now.0 - stamp.0) / 60_000),
    }
}

fn until(expires: Option<Stamp>) -> String {
    expires.map_or(String::new(), |expires| format!(", expires {}", clock(expires)))
}

/// `own 0, R1 10000 (left 0), cash 0, skipped R2`.
fn split(stage: &Stage, own: Fen, legs: &[LegPaid], cash: Fen, skipped: &[ledger::RelationId]) -> String {
    let mut text = format!("own {}", own.get());
    for leg in legs {
        let (amount, unused) = (leg.amount.get(), leg.unused.get());
        write!(text, ", {} {amount} (left {unused})", made(stage, leg.relation.0)).expect("text");
    }
    write!(text, ", cash {}", cash.get()).expect("text");
    for id in skipped {
        write!(text, ", skipped {}", made(stage, id.0)).expect("text");
    }
    text
}

/// `, R2 2000 to quota, R1 1000 to account`.
fn back(stage: &Stage, legs: &[LegRefunded], way: &str) -> String {
    let mut text = String::new();
    for leg in legs {
        let place = if leg.to_quota { "quota" } else { "account" };
        write!(text, ", {} {} {way} {place}", made(stage, leg.relation.0), leg.amount.get()).expect("text");
    }
    text
}

fn kind(premium: &Option<(Premium, u16)>) -> String {
    premium.map_or(String::new(), |(premium, year)| format!(" {} of {year}", premium as u16))
}

/// `suzhou owes zhengzhou for 2026-03`.
fn line(month: Month, payer: Area, payee: Area) -> String {
    format!("{} to {} for {}", place(payer), place(payee), span_of(month))
}

pub fn event(stage: &Stage, event: &Event) -> String {
    let made = |position| made(stage, position);
    match event {
        Event::LedgerBegun { .. } => "ledger begun".to_string(),
        Event::ProvinceRegistered { province } => format!("province {province} registered"),
        Event::AreaRegistered { area } => format!("area {} registered", place(*area)),
        Event::AreaOpeningSet { area, from, until } => {
            let until = until.map_or("no end".to_string(), |until| moment(stage, until));
            format!("area {} open from {} until {until}", place(*area), moment(stage, *from))
        }
        Event::PolicySet { effective } => format!("policy set from {}", moment(stage, *effective)),
        Event::TariffSet { area, premium, year } => {
            format!("tariff of {} for {} of {year} set", place(*area), *premium as u16)
        }
        Event::CalendarSet { year } => format!("calendar of {year} set"),
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
        Event::WalletDeactivated { person } => format!("{} closed the wallet", name(*person)),
        Event::InsuranceStatusSet { person, status } => {
            format!("{} is now {}", name(*person), lower(status))
        }
        Event::RetiredSet { person, retired } => {
            format!("{} is now {}", name(*person), if *retired { "retired" } else { "in work" })
        }
        Event::InsuranceTerminated { person } => format!("{}'s insurance is terminated", name(*person)),
        Event::DeathRegistered { person } => format!("{} died", name(*person)),
        Event::PaidOut { person, reason, amount } => {
            format!("{} paid out {} ({})", name(*person), amount.get(), lower(reason))
        }
        Event::PersonMoved { person, from, to } => {
            format!("{} moved from {} to {}", name(*person), place(*from), place(*to))
        }
        Event::TransferApplied { case, person, from, to } => {
            format!("{} applied for: {} from {} to {}", made(case.0), name(*person), place(*from), place(*to))
        }
        Event::TransferAccepted { case, source_due, due } => {
            format!("{} accepted, to be sent by {}, done by {}", made(case.0), date(*source_due), date(*due))
        }
        Event::TransferSent { case, amount } => format!("{} sent {}", made(case.0), amount.get()),
        Event::TransferReceived { case, amount } => format!("{} received {}", made(case.0), amount.get()),
        Event::TransferCompleted { case } => format!("{} completed", made(case.0)),
        Event::TransferAbandoned { case } => format!("{} abandoned", made(case.0)),
        Event::TransferFailed { case, returned } => {
            format!("{} failed, {} returned", made(case.0), returned.get())
        }
        Event::TransferOverdue { case, step } => format!("{} is overdue to {}", made(case.0), lower(step)),
        Event::Suspended { party: who } => format!("{} suspended", party(*who)),
        Event::SuspensionLifted { party: who } => format!("{} suspended no more", party(*who)),
        Event::RelationProposed { relation, donor, beneficiary } => {
            format!("{} proposed: {} for {}", made(relation.0), name(*donor), name(*beneficiary))
        }
        Event::RelationAccepted { relation, sequence } => {
            format!("{} accepted, the {sequence}. relation", made(relation.0))
        }
        Event::RelationDeclined { relation } => format!("{} declined", made(relation.0)),
        Event::ProposalLapsed { relation } => format!("{} lapsed", made(relation.0)),
        Event::RelationReleased { relation, returned, cause: why } => {
            format!("{} released {}, {} returned", made(relation.0), cause(*why), returned.get())
        }
        Event::ReleasesUnderWay { person } => format!("{}'s relations are being released", name(*person)),
        Event::QuotaSet { relation, amount, unused, available, expires } => {
            let (amount, unused, available) = (amount.get(), unused.get(), available.get());
            let until = until(*expires);
            format!("{} quota +{amount}, unused {unused}, donor has {available}{until}", made(relation.0))
        }
        Event::OfferMade { offer, relation, amount, returns, available } => {
            let (amount, available, returns) = (amount.get(), available.get(), clock(*returns));
            let relation = made(relation.0);
            format!(
                "{} offers {amount} for {relation}, returns {returns}, donor has {available}",
                made(offer.0)
            )
        }
        Event::OfferAccepted { offer, relation, amount, unused, expires } => {
            let (amount, unused, until) = (amount.get(), unused.get(), until(*expires));
            format!(
                "{} accepted: {} quota +{amount}, unused {unused}{until}",
                made(offer.0),
                made(relation.0)
            )
        }
        Event::OfferDeclined { offer, relation, amount } => {
            format!("{} for {} declined, {} returned", made(offer.0), made(relation.0), amount.get())
        }
        Event::OfferReturned { offer, relation, amount } => {
            format!("{} for {} not accepted, {} returned", made(offer.0), made(relation.0), amount.get())
        }
        Event::QuotaExpired { relation, returned } => {
            format!("{} quota expired, {} returned", made(relation.0), returned.get())
        }
        Event::QuotaReduced { relation, amount, unused, available } => {
            let (amount, unused, available) = (amount.get(), unused.get(), available.get());
            format!("{} quota -{amount}, unused {unused}, donor has {available}", made(relation.0))
        }
        Event::PrioritySet { beneficiary } => format!("{} ordered the donors", name(*beneficiary)),
        Event::SpendAuthorised { hold, own, legs, cash, skipped, expires } => {
            let split = split(stage, *own, legs, *cash, skipped);
            format!("{} holds: {split}, until {}", made(hold.0), clock(*expires))
        }
        Event::HoldReleased { hold, amount, own, legs } => {
            let legs = back(stage, legs, "to");
            format!("{} frees {}: own {}{legs}", made(hold.0), amount.get(), own.get())
        }
        Event::Settled { payment, hold, premium, own, legs, cash, skipped } => {
            let held = hold.map_or(String::new(), |hold| format!(" {}", made(hold.0)));
            let split = split(stage, *own, legs, *cash, skipped);
            format!("{} settled{held}{}: {split}", made(payment.0), kind(premium))
        }
        Event::Refunded { refund, payment, amount, cash, legs, own, late } => {
            let (legs, late) = (back(stage, legs, "to"), if *late { ", late" } else { "" });
            let known = stage.named.values().any(|known| *known == refund.0);
            let known = if known { format!("{}: ", made(refund.0)) } else { String::new() };
            let (amount, cash, own) = (amount.get(), cash.get(), own.get());
            format!("{known}{} refunded {amount}: cash {cash}{legs}, own {own}{late}", made(payment.0))
        }
        Event::RefundUndone { refund: _, undoes, payment, amount, cash, legs, own } => {
            let (legs, amount, cash, own) = (back(stage, legs, "from"), amount.get(), cash.get(), own.get());
            let (undoes, payment) = (made(undoes.0), made(payment.0));
            format!("{undoes} undone: {payment} paid again {amount}: cash {cash}{legs}, own {own}")
        }
        Event::Reversed { original, found } => {
            let known = stage.ids.iter().find(|(_, id)| *id == original);
            let original = known.map_or(format!("{original:?}"), |(name, _)| name.clone());
            format!("{original} reversed: {}", lower(found))
        }
        Event::PeriodClosing { month } => format!("{} is being closed", span_of(*month)),
        Event::PeriodClosed { month, lines, total, digest: _ } => {
            format!("{} closed: {lines} lines, {}", span_of(*month), total.get())
        }
        Event::PrepaymentAdvanced { month, province, amount, balance } => {
            let (amount, balance) = (amount.get(), balance.get());
            format!("fund of {province} advanced {amount} for {}, {balance} left", span_of(*month))
        }
        Event::PrepaymentAlarm { month, province, percent, red } => {
            let colour = if *red { "red" } else { "yellow" };
            format!("fund of {province} {colour}: {percent} percent used by {}", span_of(*month))
        }
        Event::ClearingConfirmed { month, payer, payee, by_payer, by_payee } => {
            let sides = match (by_payer, by_payee) {
                (true, true) => "both sides",
                (true, false) => "the payer",
                (false, true) => "the payee",
                (false, false) => "nobody",
            };
            format!("{} confirmed by {sides}", line(*month, *payer, *payee))
        }
        Event::ClearingDisputed { month, payer, payee } => {
            format!("{} disputed", line(*month, *payer, *payee))
        }
        Event::ClearingPaid { month, payer, payee, amount, refilled, outstanding } => {
            let (amount, refilled, outstanding) = (amount.get(), refilled.get(), outstanding.get());
            let line = line(*month, *payer, *payee);
            format!("{line} paid {amount}, {refilled} of it to the fund, {outstanding} outstanding")
        }
        Event::PrepaymentFunded { province, amount, balance } => {
            format!("fund of {province} +{}, balance {}", amount.get(), balance.get())
        }
        Event::PrepaymentAdjusted { province, size, returned } => {
            format!("fund of {province} sized {}, {} returned", size.get(), returned.get())
        }
        Event::Ticked { forgotten } => format!("tick: {forgotten} forgotten"),
    }
}
