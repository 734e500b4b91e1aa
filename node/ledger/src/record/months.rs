//! The records of months: closed periods, their lines, funds, tallies.

use crate::command::DisputeReason;
use crate::digest::RowHash;
use crate::id::{Area, FileNumber, Position, Province};
use crate::money::{Fen, Sum};
use crate::stamp::Stamp;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// A month that is closed, or being closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeriodRecord {
    /// Where the closing began.
    pub begun: Position,
    /// When it was done; none while it is done in steps.
    pub closed: Option<Stamp>,
    /// Whether all obligations have been made lines: then the steps go over the lines, for totals and advances.
    pub posted: bool,
    /// How far the steps have come in obligations or lines: up to those of this payer and payee.
    pub reached: Option<(Area, Area)>,
    /// Obligations frozen.
    pub obligations: u32,
    /// Lines that came of them.
    pub lines: u32,
    /// The sum of the lines.
    pub total: Sum,
    /// The sum of the hashes of its obligations: never changes once closed.
    pub digest: RowHash,
    /// Per province what it owes others and is owed by others, in the order of provinces. Lines inside a province are
    /// not in it.
    pub provinces: Vec<(Province, Sum, Sum)>,
}

/// A line of a closed month: what a payer owes a payee over all uses, in full. Where the other direction came out
/// below zero it is in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClearingRecord {
    /// What is owed.
    pub amount: Sum,
    /// The payer's province has confirmed it.
    pub payer_confirmed: bool,
    /// The payee's province has confirmed it.
    pub payee_confirmed: bool,
    /// Advanced to the payee from the fund of the payer's province, at close.
    pub advanced: Sum,
    /// Paid by the payer.
    pub paid: Sum,
    /// Of what was paid, what went back into the fund: first of all what was advanced.
    pub refilled: Sum,
    /// Disputes noted: when, by which province, why, and the case number.
    pub disputes: Vec<(Stamp, Province, DisputeReason, FileNumber)>,
}

/// A province's prepayment fund (预付金): funded = balance + drawn + returned. Nobody pays in above its size; made smaller,
/// it may hold more until what was advanced is paid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrepaymentRecord {
    /// The agreed size.
    pub size: Fen,
    /// What is in it.
    pub balance: Fen,
    /// Advanced for clearings that are not paid yet.
    pub drawn: Sum,
    /// All that the province ever paid in.
    pub funded: Sum,
    /// All that ever went back to the province.
    pub returned: Sum,
}

/// Money from donors of a province to users of a province, of a scope and a use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TallyRecord {
    /// Legs paid.
    pub paid: Sum,
    /// Legs refunded.
    pub refunded: Sum,
    /// 人次.
    pub count: u64,
    /// 人次 taken back, because refunds reached the whole mutual-aid amount.
    pub count_back: u64,
}

/// What a province's areas owe those of other provinces for a month.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageRecord {
    /// Charged.
    pub charged: Sum,
    /// Refunded.
    pub refunded: Sum,
}

/// Where a day begins in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayRecord {
    /// The index of the first entry that was applied on it.
    pub index: u64,
}
