//! Every most and least of the contract, in one place. All are part of the rules: changing one changes
//! what a log means.

use crate::stamp::{DAY_MS, HOUR_MS};

/// Transactions of one log entry: a place is two bytes.
pub const ENTRY_TRANSACTIONS_MAX: usize = 1 << 16;

/// Request ids that one tick forgets.
pub const REQUESTS_PER_TICK: usize = 10_000;

/// Proposals that one tick lapses.
pub const PROPOSALS_PER_TICK: usize = 1_000;

/// Quotas that one tick finds expired.
pub const QUOTAS_PER_TICK: usize = 1_000;

/// Offers that one tick returns.
pub const OFFERS_PER_TICK: usize = 1_000;

/// Holds that one tick finds run out.
pub const HOLDS_PER_TICK: usize = 1_000;

/// Legs of holds after which one tick gives back no further hold.
pub const HELD_LEGS_PER_TICK: usize = 4_096;

/// Overdue steps that one tick reports.
pub const CASES_PER_TICK: usize = 1_000;

/// Relations and pending proposals of one person that one transaction or tick ends, on both sides together.
pub const RELEASES_PER_STEP: usize = 256;

/// Obligations that one transaction or tick freezes when a month is closed.
pub const OBLIGATIONS_PER_STEP: usize = 4_096;

/// Open offers of one relation.
pub const OFFERS_MAX: usize = 16;

/// Open offers of one donor, over all relations: an account counts them in two bytes.
pub const OFFERS_OF_DONOR_MAX: u16 = u16::MAX;

/// Disputes that one clearing line keeps.
pub const DISPUTES_MAX: usize = 16;

/// The longest time that a spending may be held, in milliseconds.
pub const HOLD_MS_MAX: u64 = 30 * DAY_MS;

/// Minutes of a day.
pub const MINUTES_PER_DAY: u16 = 1_440;

/// The largest fund that is ever recommended, in percent of the average month.
pub const PREPAYMENT_PERCENT_MAX: u16 = 10_000;

/// The longest time that the average of a recommended fund may run over, in months.
pub const PREPAYMENT_MONTHS_MAX: u8 = 60;

/// The longest time that a transfer may be given, in working days.
pub const TRANSFER_DAYS_MAX: u8 = 100;

/// Days that a year's calendar may name of a kind.
pub const CALENDAR_DAYS_MAX: usize = 366;

/// Days over which the last working day of a step is looked for: [`TRANSFER_DAYS_MAX`] working days are within it unless
/// most weekdays of a year are holidays.
pub const WORKING_DAY_SEARCH_DAYS: usize = 400;

/// Openings that one area keeps. None is ever dropped: they prove what was open when.
pub const OPENINGS_MAX: usize = 256;

/// Versions that the policy, a scope or a tariff keeps. None is ever dropped.
pub const POLICIES_MAX: usize = 256;

/// The shortest window of remembered request ids, in milliseconds.
pub const REQUEST_WINDOW_MS_MIN: u64 = 1_000;

/// The longest window of remembered request ids, in milliseconds.
pub const REQUEST_WINDOW_MS_MAX: u64 = 30 * DAY_MS;

/// The furthest that a request id may be ahead of ledger time, in milliseconds.
pub const REQUEST_AHEAD_MS_MAX: u64 = 24 * HOUR_MS;

/// The longest time that a proposal may wait, in days.
pub const PROPOSAL_DAYS_MAX: u16 = 365;

/// The most relations that a policy may allow one beneficiary: it bounds the work of one settlement.
pub const DONORS_MAX: u16 = 256;

/// Rows that the audit reads at a time.
pub const AUDIT_PAGE_ROWS: usize = 1_024;

/// Accounts, relations or requests that the audit compares in one pass: it bounds its memory.
pub const AUDIT_PASS_ROWS: usize = 1 << 20;

/// Findings that an audit keeps; further ones are only counted.
pub const FINDINGS_MAX: usize = 1_000;
