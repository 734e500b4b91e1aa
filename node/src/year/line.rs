//! A line of an exported journal, as far as counting needs it: the only place that knows how `gongji ledger export`
//! writes.

use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::BTreeMap;

/// A decided transaction.
#[derive(Clone, Debug, Deserialize)]
pub struct Line {
    /// Log index.
    pub index: String,
    /// Place within the entry.
    #[serde(default)]
    pub place: u32,
    /// Ledger time in +08:00: "2026-10-03T08:00:00.123+08:00".
    pub stamp: String,
    /// What was asked.
    pub transaction: Asked,
    /// "OUTCOME_DONE" or "OUTCOME_REFUSED".
    pub outcome: String,
    /// What happened.
    #[serde(default)]
    pub events: Vec<Event>,
}

/// What was asked.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    pub request_id: String,
    pub register_institution: Option<Institution>,
    pub settle: Option<Spend>,
    pub authorise_spend: Option<Spend>,
    pub pay_premium: Option<PayPremium>,
    pub reverse: Option<Reverse>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Institution {
    pub institution: String,
    pub kind: String,
    pub area: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Spend {
    pub beneficiary: String,
    pub institution: String,
    pub med_type: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PayPremium {
    pub beneficiary: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Reverse {
    pub original: String,
}

/// What happened: one of these is there, or none that matters here.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Event {
    pub person_enrolled: Option<Enrolled>,
    pub person_moved: Option<Moved>,
    pub transfer_applied: Option<Applied>,
    pub transfer_sent: Option<CaseStep>,
    pub transfer_received: Option<CaseStep>,
    pub transfer_completed: Option<CaseStep>,
    pub transfer_abandoned: Option<CaseStep>,
    pub transfer_failed: Option<CaseStep>,
    pub relation_proposed: Option<Proposed>,
    pub settled: Option<Settled>,
    pub refunded: Option<Refunded>,
    pub refund_undone: Option<Refunded>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Enrolled {
    pub person: String,
    pub insurance: String,
    pub area: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Moved {
    pub person: String,
    pub from: String,
    pub to: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Applied {
    pub case: String,
    pub person: String,
    pub from: String,
    pub to: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct CaseStep {
    pub case: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Proposed {
    pub relation: String,
    pub donor: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Settled {
    pub payment: String,
    pub hold: String,
    pub own: String,
    pub premium: String,
    pub legs: Vec<Leg>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Refunded {
    pub payment: String,
    pub own: String,
    pub legs: Vec<Leg>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Leg {
    pub relation: String,
    pub amount: String,
}

impl Line {
    /// Reads a line; none for the one at the end that checks the others.
    pub fn read(text: &str) -> Result<Option<Line>, serde_json::Error> {
        if text.starts_with("{\"check\":") {
            return Ok(None);
        }
        serde_json::from_str(text).map(Some)
    }

    /// The calendar month: "2026-10".
    pub fn month(&self) -> &str {
        self.stamp.get(..7).unwrap_or_default()
    }

    /// Where it was decided: what it began is named so.
    pub fn position(&self) -> String {
        format!("{}-{}", self.index, self.place)
    }

    /// Whether it was done.
    pub fn is_done(&self) -> bool {
        self.outcome == "OUTCOME_DONE"
    }
}

/// The kinds of events of a line, by their names.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Kinds {
    events: Vec<BTreeMap<String, IgnoredAny>>,
}

impl Kinds {
    /// Reads them; none of a line that cannot be read.
    pub fn read(text: &str) -> impl Iterator<Item = String> {
        let kinds: Kinds = serde_json::from_str(text).unwrap_or_default();
        kinds.events.into_iter().flat_map(BTreeMap::into_keys)
    }
}

/// The fen of an amount in yuan; nothing where none is written.
pub fn fen(text: &str) -> i128 {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    digits.parse().unwrap_or_default()
}
