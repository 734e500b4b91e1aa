//! The registers, the policy and the calendar.

use super::super::Stage;
use super::super::names::{Result, area, day, institution, minute, province, span};
use super::{Args, Known, choice, fen, number, take, yes};
use ledger::command::{InstitutionKind, KinshipScope, Policy, Premium, Tariff};
use ledger::{Call, Caller, Day};

pub const PREMIUMS: &[(&str, Premium)] = &[("390", Premium::Resident), ("410", Premium::Care)];

const SCOPES: &[(&str, KinshipScope)] = &[("wide", KinshipScope::Wide), ("narrow", KinshipScope::Narrow)];

const KINDS: &[(&str, InstitutionKind)] =
    &[("hospital", InstitutionKind::Hospital), ("pharmacy", InstitutionKind::Pharmacy)];

pub fn call(stage: &mut Stage, verb: &str, args: &mut Args<'_>) -> Known {
    let mut caller = Caller::National;
    let call = match verb {
        "genesis" => Call::Genesis { cluster: *b"a test cluster..", policy: policy(args)? },
        "register-province" => Call::RegisterProvince {
            province: province(take(args, "province")?)?,
            kinship: choice(SCOPES, take(args, "kinship")?)?,
            effective: args.remove("from").map(|from| stage.stamp(from)).transpose()?,
        },
        "register-area" => Call::RegisterArea { area: area(take(args, "area")?)? },
        "open" => Call::SetAreaOpen {
            area: area(take(args, "area")?)?,
            from: stage.stamp(take(args, "from")?)?,
            until: args.remove("until").map(|until| stage.stamp(until)).transpose()?,
        },
        "set-policy" => {
            let effective = stage.stamp(take(args, "from")?)?;
            Call::SetPolicy { effective, policy: policy(args)? }
        }
        "set-tariff" => Call::SetTariff {
            area: area(take(args, "area")?)?,
            premium: choice(PREMIUMS, take(args, "premium")?)?,
            year: number(take(args, "year")?)?,
            effective: stage.stamp(args.remove("from").unwrap_or("now"))?,
            tariff: match take(args, "tariff")? {
                "none" => Tariff::NotOffered,
                "any" => Tariff::AnyAmount,
                amount => Tariff::Exactly(fen(amount)?),
            },
        },
        "set-calendar" => Call::SetCalendar {
            year: number(take(args, "year")?)?,
            holidays: days(args.remove("holidays").unwrap_or_default())?,
            workdays: days(args.remove("workdays").unwrap_or_default())?,
        },
        "register-institution" => {
            let area = area(take(args, "area")?)?;
            caller = Caller::Province(area.province());
            Call::RegisterInstitution {
                institution: institution(take(args, "institution")?)?,
                kind: choice(KINDS, take(args, "kind")?)?,
                area,
                wallet_open: yes(take(args, "wallet")?)?,
            }
        }
        "tick" => {
            caller = Caller::Node;
            Call::Tick
        }
        _ => return Ok(None),
    };
    Ok(Some((caller, call)))
}

fn days(list: &str) -> Result<Vec<Day>> {
    list.split(',').filter(|text| !text.is_empty()).map(day).collect()
}

/// The default policy (`base=pilot`: that of the pilot) but for what is given.
fn policy(args: &mut Args<'_>) -> Result<Policy> {
    let mut policy = match args.remove("base") {
        None => Policy::default(),
        Some("pilot") => Policy::PILOT_2024,
        Some(other) => return Err(format!("no policy `{other}`")),
    };
    let p = &mut policy;
    set(args, "window", &mut p.request_window_ms, span)?;
    set(args, "ahead-max", &mut p.request_ahead_ms, span)?;
    set(args, "proposal-days", &mut p.proposal_days, number)?;
    set(args, "donors-max", &mut p.donors_max, number)?;
    set(args, "own-first", &mut p.own_account_first, yes)?;
    set(args, "hold", &mut p.hold_ms, span)?;
    set(args, "offers", &mut p.offers, yes)?;
    set(args, "offers-return", &mut p.offer_return_minute, minute)?;
    set(args, "one-offer", &mut p.one_offer_at_a_time, yes)?;
    set(args, "raises", &mut p.raises_per_day, number)?;
    set(args, "raise-max", &mut p.raise_max, fen)?;
    set(args, "closed-from", &mut p.closed_from_minute, minute)?;
    set(args, "closed-until", &mut p.closed_until_minute, minute)?;
    set(args, "stopped-may-offer", &mut p.stopped_may_offer, yes)?;
    set(args, "change-releases", &mut p.change_releases, yes)?;
    set(args, "refund-days", &mut p.refund_days, number)?;
    set(args, "confirm-first", &mut p.confirm_before_payment, yes)?;
    set(args, "hard-stop", &mut p.hard_stop, yes)?;
    set(args, "fund-percent", &mut p.prepayment_percent, number)?;
    set(args, "fund-months", &mut p.prepayment_months, number)?;
    set(args, "yellow", &mut p.yellow_percent, number)?;
    set(args, "red", &mut p.red_percent, number)?;
    set(args, "source-days", &mut p.source_days, number)?;
    set(args, "transfer-days", &mut p.transfer_days, number)?;
    Ok(policy)
}

fn set<T>(args: &mut Args<'_>, name: &str, place: &mut T, read: fn(&str) -> Result<T>) -> Result<()> {
    if let Some(text) = args.remove(name) {
        *place = read(text)?;
    }
    Ok(())
}
