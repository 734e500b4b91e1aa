//! What an audit comes to: what was counted for each invariant, and what was found wrong.

use crate::limits::FINDINGS_MAX;
use crate::table::Key;
use alloc::vec::Vec;
use core::fmt;

macro_rules! invariants {
    ($($number:literal $name:ident $what:literal,)*) => {
        /// An invariant of domain.md 5, by its number there.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Invariant { $(#[doc = $what] $name = $number,)* }

        impl Invariant {
            /// Those that an audit checks.
            pub const ALL: &[Invariant] = &[$(Invariant::$name,)*];
            /// Its number in domain.md 5.
            pub const fn number(self) -> u8 { self as u8 }
            /// What was counted for it.
            pub const fn counts(self) -> &'static str {
                match self { $(Invariant::$name => $what,)* }
            }
        }
    };
}

invariants! {
    1 Conservation "persons whose credits equal what is available, reserved, held, under way, spent and paid out",
    2 NoneNegative "amounts within their range",
    3 Reserved "accounts whose reserve and holds equal their quotas, offers and holds",
    4 Limit "relations whose limit is used, held and unused, and each of them is what payments and holds say",
    5 OwnSpend "own parts paid from an account that bears them",
    6 Split "payments and holds whose parts make the personal share",
    7 Refunds "parts refunded within what was paid, and by as much as their refunds say",
    8 OneEffect "requests, holds and offers with one effect each",
    9 OnePair "relations, pairs, orders and indexes that agree with one another",
    10 NoSurvivors "persons whose insurance ended or moves, and who have no usable relation",
    11 Openness "quotas and legs across provinces while both areas were open",
    12 Uses "payments for what the payee is designated for, each premium once",
    13 Obligations "obligations that equal the legs and refunds between areas",
    14 Closed "lines of closed months that equal their obligations, paid within what is owed",
    15 Positions "provinces' positions and funds that equal their lines",
    16 Statistics "tallies that equal the legs of payments",
    17 Cases "cases in one state, their balance in one place",
    18 Digest "rows whose hashes make the kept digest",
    19 Attributable "records whose persons, places and times are known",
}

/// Something that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which invariant is broken.
    pub invariant: Invariant,
    /// The record where it shows. Persons in it print masked.
    pub place: Key,
    /// What is wrong, in words.
    pub what: &'static str,
}

/// The result of an audit.
#[derive(Clone, Debug)]
pub struct Audit {
    /// For each invariant how many things were checked.
    pub counted: Vec<(Invariant, u64)>,
    /// What does not hold, the first [`FINDINGS_MAX`].
    pub findings: Vec<Finding>,
    /// How many more findings there were.
    pub more: u64,
}

impl Default for Audit {
    fn default() -> Audit {
        let counted = Invariant::ALL.iter().map(|invariant| (*invariant, 0)).collect();
        Audit { counted, findings: Vec::new(), more: 0 }
    }
}

impl Audit {
    /// True if everything holds.
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    /// Counts one thing checked, and notes it if it does not hold.
    pub(super) fn check(&mut self, invariant: Invariant, place: &Key, holds: bool, what: &'static str) {
        self.count(invariant);
        self.expect(invariant, place, holds, what);
    }

    /// Notes what does not hold, as a part of something that was counted.
    pub(super) fn expect(&mut self, invariant: Invariant, place: &Key, holds: bool, what: &'static str) {
        if holds {
            return;
        }
        match self.findings.len() < FINDINGS_MAX {
            true => self.findings.push(Finding { invariant, place: *place, what }),
            false => self.more += 1,
        }
    }

    /// Counts one thing checked.
    pub(super) fn count(&mut self, invariant: Invariant) {
        if let Some((_, number)) = self.counted.iter_mut().find(|(known, _)| *known == invariant) {
            *number += 1;
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invariant {}: {} at {:?}", self.invariant.number(), self.what, self.place)
    }
}

impl fmt::Display for Audit {
    /// One line an invariant, then one line a finding.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (invariant, number) in &self.counted {
            writeln!(f, "{:>2}  {number:>9}  {}", invariant.number(), invariant.counts())?;
        }
        for finding in &self.findings {
            writeln!(f, "{finding}")?;
        }
        match self.more {
            0 => Ok(()),
            more => writeln!(f, "and {more} more findings"),
        }
    }
}
