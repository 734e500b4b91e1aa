//! What is told of a month and a province, before it is laid out.

use ledger::table::Use;
use ledger::{Area, Month, Province, Stamp};

/// All that the small pages of a statement are made of.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The month.
    pub month: Month,
    /// Whose statement it is.
    pub province: Province,
    /// The cluster's id.
    pub cluster: String,
    /// The first and the last log index that something was read at.
    pub read: (u64, u64),
    /// The digest of the whole state, in hexadecimal, and the index that it belongs to.
    pub state: (String, u64),
    /// The closed month; none for one that is open, whose statement is preliminary.
    pub closed: Option<Closed>,
    /// What the province's areas owe and are owed, by payer, payee and use.
    pub obligations: Vec<Obligation>,
    /// Whether all obligations stand at one index. Else they are no measure for the movements of an open month.
    pub still: bool,
    /// What the province owes others and is owed by others, as the ledger says, in fen.
    pub position: (i128, i128),
}

/// A closed month.
#[derive(Clone, Debug)]
pub struct Closed {
    /// When.
    pub at: Stamp,
    /// The digest of its obligations, in hexadecimal, as it was frozen.
    pub digest: String,
    /// The digest of the obligations that were read, of all provinces.
    pub digest_read: String,
    /// How many obligations were frozen.
    pub obligations: u64,
    /// How many were read, of all provinces.
    pub obligations_read: u64,
    /// The province's lines, by payer and payee.
    pub lines: Vec<Line>,
}

/// What a payer owes a payee for a use, in fen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Obligation {
    /// Who owes.
    pub payer: Area,
    /// Whom.
    pub payee: Area,
    /// What for.
    pub usage: Use,
    /// Charged.
    pub charged: i128,
    /// Refunded.
    pub refunded: i128,
}

/// A line of a closed month, in fen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// Who owes.
    pub payer: Area,
    /// Whom.
    pub payee: Area,
    /// How much.
    pub amount: i128,
    /// The payer's province has confirmed it.
    pub payer_confirmed: bool,
    /// The payee's province has confirmed it.
    pub payee_confirmed: bool,
    /// Advanced to the payee from the fund of the payer's province.
    pub advanced: i128,
    /// Paid by the payer.
    pub paid: i128,
    /// Disputes noted.
    pub disputes: u64,
}

impl Facts {
    /// The month as it is written: `2026-10`.
    pub fn month(&self) -> String {
        month(self.month)
    }

    /// The month on every line of a page: one that is open says so.
    pub fn mark(&self) -> String {
        match self.closed {
            Some(_) => self.month(),
            None => format!("{} 未关账 PRELIMINARY", self.month()),
        }
    }

    /// What the names of its files begin with.
    pub fn name(&self) -> String {
        let open = if self.closed.is_none() { "-open" } else { "" };
        format!("gongji-{}-{:02}{open}", self.month(), self.province.code())
    }
}

/// A month: `2026-10`.
pub fn month(month: Month) -> String {
    format!("{:04}-{:02}", month.year, month.month)
}

/// The day and the time of a moment in the scheme's one zone: `2026-10-03` and `23:59:58`.
pub fn clock(at: Stamp) -> (String, String) {
    let (year, month, date) = at.day().civil();
    let second = at.0.saturating_sub(at.day().start().0) / 1_000;
    let (hours, minutes, seconds) = (second / 3_600, second / 60 % 60, second % 60);
    (format!("{year:04}-{month:02}-{date:02}"), format!("{hours:02}:{minutes:02}:{seconds:02}"))
}
