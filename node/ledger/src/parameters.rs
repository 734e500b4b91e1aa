//! The parameters of the scheme, as a policy sets them.

use crate::money::Fen;
use serde::{Deserialize, Serialize};

/// Parameters that a governance transaction sets, with an effective date (domain.md 4, ⚙). Their ranges
/// stand in [`limits`](crate::limits).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// How long a request id is remembered, in milliseconds (default 24 h).
    pub request_window_ms: u64,
    /// How far ahead of ledger time a request id may be, in milliseconds (default 1 h).
    pub request_ahead_ms: u64,
    /// After how many days a proposal lapses (default 30).
    pub proposal_days: u16,
    /// How many live relations one beneficiary may have at most (default 256).
    pub donors_max: u16,
    /// Own account before quotas (default true).
    pub own_account_first: bool,
    /// How long an authorised spending is held, in milliseconds (default 30 min).
    pub hold_ms: u64,
    /// A quota waits as an offer until the beneficiary accepts it (default false; the 2024 pilot true).
    pub offers: bool,
    /// The minute of the day (+08:00) at which offers return to their donors (default 360: 06:00).
    pub offer_return_minute: u16,
    /// A donor with an offer that waits may not make another (default false; pilot true).
    pub one_offer_at_a_time: bool,
    /// How often a donor may set or raise quotas in a calendar day; 0 for any (default 0; pilot 3).
    pub raises_per_day: u16,
    /// The most that one setting or raise may freeze; zero for any (default zero; pilot 2,000 yuan).
    pub raise_max: Fen,
    /// Quotas are not set or raised from this minute of the day (default 0; pilot 1320: 22:00) ...
    pub closed_from_minute: u16,
    /// ... until this one (default 0; pilot 360: 06:00); never closed where both are the same.
    pub closed_until_minute: u16,
    /// One whose insurance is stopped may still set quotas (default false).
    pub stopped_may_offer: bool,
    /// Changing from 390 to 310 ends the relations (default true).
    pub change_releases: bool,
    /// For how many days a payment may be refunded; 0 for ever (default 0).
    pub refund_days: u16,
    /// A clearing line is paid only after both sides confirmed it (default true).
    pub confirm_before_payment: bool,
    /// Donors of a province whose prepayment fund is used up by the running month are passed over (default false).
    pub hard_stop: bool,
    /// The recommended fund, in percent of the average month cleared (default 200: two months).
    pub prepayment_percent: u16,
    /// Over how many of the last months cleared the average runs (default 12).
    pub prepayment_months: u8,
    /// Usage of a fund, in percent, from which it is alarming: yellow (default 70) ...
    pub yellow_percent: u16,
    /// ... and red (default 90).
    pub red_percent: u16,
    /// Working days that the old place has to send a balance (default 10).
    pub source_days: u8,
    /// Working days that a whole transfer may take (default 15).
    pub transfer_days: u8,
}

impl Policy {
    /// The parameters of 2026: no caps, no closed hours, no waiting for acceptance (domain.md 5b, 9).
    pub const NATIONAL_2026: Policy = Policy {
        request_window_ms: crate::stamp::DAY_MS,
        request_ahead_ms: crate::stamp::HOUR_MS,
        proposal_days: 30,
        donors_max: 256,
        own_account_first: true,
        hold_ms: 30 * crate::stamp::MINUTE_MS,
        offers: false,
        offer_return_minute: 360,
        one_offer_at_a_time: false,
        raises_per_day: 0,
        raise_max: Fen::ZERO,
        closed_from_minute: 0,
        closed_until_minute: 0,
        stopped_may_offer: false,
        change_releases: true,
        refund_days: 0,
        confirm_before_payment: true,
        hard_stop: false,
        prepayment_percent: 200,
        prepayment_months: 12,
        yellow_percent: 70,
        red_percent: 90,
        source_days: 10,
        transfer_days: 15,
    };

    /// The parameters of the wallet's pilot: offers that wait, three a day, 2,000 yuan each, none from 22:00
    /// to 06:00, one at a time (domain.md 2.1).
    pub const PILOT_2024: Policy = Policy {
        offers: true,
        one_offer_at_a_time: true,
        raises_per_day: 3,
        raise_max: Fen::whole_yuan(2_000),
        closed_from_minute: 1_320,
        closed_until_minute: 360,
        ..Policy::NATIONAL_2026
    };
}

impl Default for Policy {
    fn default() -> Policy {
        Policy::NATIONAL_2026
    }
}
