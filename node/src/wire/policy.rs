//! The parameters of the policy, both ways.

use super::text::{self, of_yuan};
use super::{BadField, at};
use ledger::{Fen, Policy};
use proto::v1 as pb;

/// A policy, of a field. Whether its numbers make sense is the ledger's to say.
pub fn policy_from_proto(field: &str, policy: &pb::Policy) -> Result<Policy, BadField> {
    let small = |name: &str, number: u32| {
        u16::try_from(number).map_err(|_| BadField::new(format!("{field}.{name}"), "is above 65535"))
    };
    let tiny = |name: &str, number: u32| {
        u8::try_from(number).map_err(|_| BadField::new(format!("{field}.{name}"), "is above 255"))
    };
    let raise_max = match policy.raise_max.as_str() {
        "" => Fen::ZERO,
        amount => at("raise_max", text::yuan(amount)).map_err(|bad| bad.within(field))?,
    };
    Ok(Policy {
        request_window_ms: policy.request_window_ms,
        request_ahead_ms: policy.request_ahead_ms,
        proposal_days: small("proposal_days", policy.proposal_days)?,
        donors_max: small("donors_max", policy.donors_max)?,
        own_account_first: policy.own_account_first,
        hold_ms: policy.hold_ms,
        offers: policy.offers,
        offer_return_minute: small("offer_return_minute", policy.offer_return_minute)?,
        one_offer_at_a_time: policy.one_offer_at_a_time,
        raises_per_day: small("raises_per_day", policy.raises_per_day)?,
        raise_max,
        closed_from_minute: small("closed_from_minute", policy.closed_from_minute)?,
        closed_until_minute: small("closed_until_minute", policy.closed_until_minute)?,
        stopped_may_offer: policy.stopped_may_offer,
        change_releases: policy.change_releases,
        refund_days: small("refund_days", policy.refund_days)?,
        confirm_before_payment: policy.confirm_before_payment,
        hard_stop: policy.hard_stop,
        prepayment_percent: small("prepayment_percent", policy.prepayment_percent)?,
        prepayment_months: tiny("prepayment_months", policy.prepayment_months)?,
        yellow_percent: small("yellow_percent", policy.yellow_percent)?,
        red_percent: small("red_percent", policy.red_percent)?,
        source_days: tiny("source_days", policy.source_days)?,
        transfer_days: tiny("transfer_days", policy.transfer_days)?,
    })
}

/// A policy.
pub fn policy_to_proto(policy: &Policy) -> pb::Policy {
    pb::Policy {
        request_window_ms: policy.request_window_ms,
        request_ahead_ms: policy.request_ahead_ms,
        proposal_days: policy.proposal_days.into(),
        donors_max: policy.donors_max.into(),
        own_account_first: policy.own_account_first,
        hold_ms: policy.hold_ms,
        offers: policy.offers,
        offer_return_minute: policy.offer_return_minute.into(),
        one_offer_at_a_time: policy.one_offer_at_a_time,
        raises_per_day: policy.raises_per_day.into(),
        raise_max: of_yuan(policy.raise_max),
        closed_from_minute: policy.closed_from_minute.into(),
        closed_until_minute: policy.closed_until_minute.into(),
        stopped_may_offer: policy.stopped_may_offer,
        change_releases: policy.change_releases,
        refund_days: policy.refund_days.into(),
        confirm_before_payment: policy.confirm_before_payment,
        hard_stop: policy.hard_stop,
        prepayment_percent: policy.prepayment_percent.into(),
        prepayment_months: policy.prepayment_months.into(),
        yellow_percent: policy.yellow_percent.into(),
        red_percent: policy.red_percent.into(),
        source_days: policy.source_days.into(),
        transfer_days: policy.transfer_days.into(),
    }
}
