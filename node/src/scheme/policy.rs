//! The parameters as published, in the words of the API.

use clap::ValueEnum;
use ledger::Policy;
use serde_json::{Value, json};

/// Whose parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Stage {
    /// The wallet's pilot: offers that wait until 06:00, three a day, 2,000.00 each, none from 22:00 to 06:00
    #[value(name = "2024-12")]
    Pilot,
    /// 2026: no caps, no closed hours
    #[value(name = "2026")]
    Nation,
}

/// The parameters as a `gongji.v1.Policy`.
pub fn json(stage: Stage) -> Value {
    let Policy {
        request_window_ms,
        request_ahead_ms,
        proposal_days,
        donors_max,
        own_account_first,
        hold_ms,
        offers,
        offer_return_minute,
        one_offer_at_a_time,
        raises_per_day,
        raise_max,
        closed_from_minute,
        closed_until_minute,
        stopped_may_offer,
        change_releases,
        refund_days,
        confirm_before_payment,
        hard_stop,
        prepayment_percent,
        prepayment_months,
        yellow_percent,
        red_percent,
        source_days,
        transfer_days,
    } = match stage {
        Stage::Pilot => Policy::PILOT_2024,
        Stage::Nation => Policy::NATIONAL_2026,
    };
    json!({
        "request_window_ms": request_window_ms.to_string(),
        "request_ahead_ms": request_ahead_ms.to_string(),
        "proposal_days": proposal_days,
        "donors_max": donors_max,
        "own_account_first": own_account_first,
        "hold_ms": hold_ms.to_string(),
        "offers": offers,
        "offer_return_minute": offer_return_minute,
        "one_offer_at_a_time": one_offer_at_a_time,
        "raises_per_day": raises_per_day,
        "raise_max": format!("{}.{:02}", raise_max.get() / 100, raise_max.get() % 100),
        "closed_from_minute": closed_from_minute,
        "closed_until_minute": closed_until_minute,
        "stopped_may_offer": stopped_may_offer,
        "change_releases": change_releases,
        "refund_days": refund_days,
        "confirm_before_payment": confirm_before_payment,
        "hard_stop": hard_stop,
        "prepayment_percent": prepayment_percent,
        "prepayment_months": prepayment_months,
        "yellow_percent": yellow_percent,
        "red_percent": red_percent,
        "source_days": source_days,
        "transfer_days": transfer_days,
    })
}
