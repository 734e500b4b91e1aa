//! The state's table of contents: every table, its number, its key and its record.
//!
//! A key is ordered bytes: the table's number, then the parts big-endian, so that the order of keys
//! is the order of their bytes. Numbers are never reused.

use crate::command::Caller;
use crate::command::{InstitutionKind, Insurance, Kinship, KinshipScope, Policy};
use crate::decision::Outcome;
use crate::id::{Area, Institution, PaymentId, Person, Position, Province, RelationId, RequestId};
use crate::key::Part;
use crate::money::{Fen, Sum};
use crate::stamp::{Month, Stamp};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

macro_rules! tables {
    ($($(#[$doc:meta])* $number:literal $name:ident ( $($part:ident : $kind:ty),* ) => $record:ident,)*) => {
        /// A table of the state.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Table { $($(#[$doc])* $name = $number,)* }

        impl Table {
            /// Every table, in the order of its number.
            pub const ALL: &[Table] = &[$(Table::$name,)*];
            /// How many tables there are.
            pub const COUNT: usize = Table::ALL.len();
            /// The number that starts each of its keys.
            pub const fn number(self) -> u8 { self as u8 }
            /// The place among [`Table::ALL`]: numbers go from 1 without gaps, as a retired table keeps its own.
            pub const fn place(self) -> usize { self as usize - 1 }
            /// The table of this number.
            pub fn from_number(number: u8) -> Option<Table> {
                Table::ALL.iter().copied().find(|table| table.number() == number)
            }
            /// The name, in statistics and reports.
            pub const fn name(self) -> &'static str {
                match self { $(Table::$name => stringify!($name),)* }
            }
            /// The smallest key that the table can have.
            pub fn first(self) -> Key {
                match self { $(Table::$name => Key::$name { $($part: <$kind as Part>::MIN),* },)* }
            }
            /// The largest key that the table can have.
            pub fn last(self) -> Key {
                match self { $(Table::$name => Key::$name { $($part: <$kind as Part>::MAX),* },)* }
            }
        }

        /// The name of a record: its table and the parts of its key.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Key { $($(#[$doc])* $name { $(#[allow(missing_docs)] $part: $kind),* },)* }

        /// A record of any table.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Row { $($(#[$doc])* $name($record),)* }

        impl Key {
            /// The table that the key belongs to.
            pub const fn table(&self) -> Table {
                match self { $(Key::$name { .. } => Table::$name,)* }
            }
            /// Appends the key's ordered bytes.
            pub fn write(&self, out: &mut Vec<u8>) {
                out.push(self.table().number());
                match self { $(Key::$name { $($part),* } => { $($part.write(out);)* })* }
            }
            /// The key of these bytes; none if they are not exactly one key.
            pub fn read(bytes: &[u8]) -> Option<Key> {
                let (number, mut rest) = bytes.split_first()?;
                let key = match Table::from_number(*number)? {
                    $(Table::$name => Key::$name { $($part: Part::read(&mut rest)?),* },)*
                };
                rest.is_empty().then_some(key)
            }
        }

        impl Row {
            /// The table that the record belongs to.
            pub const fn table(&self) -> Table {
                match self { $(Row::$name(_) => Table::$name,)* }
            }
            /// Appends the record's bytes, without its version.
            pub(crate) fn encode(&self, out: &mut Vec<u8>) {
                match self { $(Row::$name(record) => crate::codec::append(record, out),)* }
            }
            /// The record of these bytes.
            pub(crate) fn decode(table: Table, bytes: &[u8]) -> Result<Row, crate::codec::DecodeError> {
                Ok(match table { $(Table::$name => Row::$name(crate::codec::from_bytes(bytes)?),)* })
            }
        }

        $(impl Record for $record {
            fn into_row(self) -> Row { Row::$name(self) }
            fn of_row(row: &Row) -> Option<&$record> {
                match row { Row::$name(record) => Some(record), _ => None }
            }
            fn of_row_mut(row: &mut Row) -> Option<&mut $record> {
                match row { Row::$name(record) => Some(record), _ => None }
            }
        })*
    };
}

/// A typed record: knows which [`Row`] it is.
pub trait Record: Clone {
    /// The record as a row of its table.
    fn into_row(self) -> Row;
    /// The record in this row, if the row is of its table.
    fn of_row(row: &Row) -> Option<&Self>;
    /// The record in this row, to be changed.
    fn of_row_mut(row: &mut Row) -> Option<&mut Self>;
}

tables! {
    /// What the ledger knows of itself: one record.
    1 Ledger() => LedgerRecord,
    /// The policies, past and to come: one record.
    2 Policy() => PolicyRecord,
    /// Provinces of the scheme.
    3 Province(province: Province) => ProvinceRecord,
    /// Pooling areas and their openings.
    4 Area(area: Area) => AreaRecord,
    /// Designated institutions.
    5 Institution(institution: Institution) => InstitutionRecord,
    /// Insured persons with their personal accounts.
    6 Person(person: Person) => PersonRecord,
    /// Relations, from proposal to end.
    7 Relation(relation: RelationId) => RelationRecord,
    /// The live relation or pending proposal of an ordered pair.
    8 Pair(donor: Person, beneficiary: Person) => PairRecord,
    /// A donor's live relations and pending proposals.
    9 Giving(donor: Person, relation: RelationId) => GivingRecord,
    /// Pending proposals by the time they lapse.
    10 Lapsing(at: Stamp, relation: RelationId) => LapsingRecord,
    /// Settlements, with what was paid and refunded.
    11 Payment(payment: PaymentId) => PaymentRecord,
    /// What a payer's area owes a payee's area for a month and a use.
    12 Obligation(month: Month, payer: Area, payee: Area, usage: Use) => ObligationRecord,
    /// Answers remembered under their request id and caller, oldest id first.
    13 Request(request: RequestId, caller: Caller) => RequestRecord,
}

/// Says no more than its key: this donor has this relation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivingRecord;

/// Says no more than its key: this proposal lapses at that time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LapsingRecord;

/// What the ledger knows of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerRecord {
    /// The cluster's id, from genesis.
    pub cluster: [u8; 16],
    /// Ledger time: the latest stamp seen.
    pub now: Stamp,
    /// When genesis was applied; its month is the first to be cleared.
    pub begun: Stamp,
    /// Relations accepted so far.
    pub accepted: u64,
    /// Request ids with an earlier time than this, in milliseconds, are expired unless still
    /// remembered. The latest that `now` less the window has ever been: it never runs backwards, so an
    /// id that was forgotten stays expired even when a policy makes the window longer again.
    pub forgotten_before_ms: u64,
}

/// All policies in the order of their effective dates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyRecord {
    /// Effective from, and the parameters; in the order of the dates, later set ones behind.
    pub versions: Vec<(Stamp, Policy)>,
}

/// A province of the scheme.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvinceRecord {
    /// In-province kinship scope.
    pub kinship: KinshipScope,
}

/// A pooling area.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AreaRecord {
    /// Openings for cross-province aid: from, and until; in the order of `from`, later set ones behind.
    pub openings: Vec<(Stamp, Option<Stamp>)>,
}

/// A designated institution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstitutionRecord {
    /// Hospital or pharmacy.
    pub kind: InstitutionKind,
    /// Where it lies.
    pub area: Area,
    /// Whether it accepts the wallet.
    pub wallet_open: bool,
}

/// An insured person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonRecord {
    /// Insurance kind.
    pub insurance: Insurance,
    /// Area of insurance.
    pub area: Area,
    /// Whether the wallet is active.
    pub wallet_active: bool,
    /// The personal account, if insured with 310.
    pub account: Option<Account>,
    /// As beneficiary: active relations in the order of deduction.
    pub donors: Vec<RelationId>,
}

/// A personal account (个人账户).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// What the owner may spend or freeze.
    pub available: Fen,
    /// Frozen for relations: the sum of their unused quotas.
    pub reserved: Fen,
    /// All that was ever credited from contributions and interest.
    pub credited: Fen,
}

/// Where a relation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RelationState {
    /// Proposed by one party; the other has not answered.
    Proposed {
        /// Who proposed.
        by: Person,
        /// When the proposal lapses.
        lapses: Stamp,
    },
    /// Both agreed.
    Active,
    /// Declined, withdrawn or lapsed.
    Closed,
    /// Ended by either party.
    Released,
}

/// A mutual-aid relation and its quota: limit = used + unused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelationRecord {
    /// Who gives.
    pub donor: Person,
    /// Who uses.
    pub beneficiary: Person,
    /// Kinship of the beneficiary to the donor.
    pub kinship: Kinship,
    /// Where it stands.
    pub state: RelationState,
    /// The how-manieth accepted relation it is; 0 before.
    pub sequence: u64,
    /// The quota as a whole.
    pub limit: Fen,
    /// Spent of it.
    pub used: Fen,
    /// Left of it: frozen in the donor's account.
    pub unused: Fen,
    /// When the quota was last set or raised.
    pub raised: Option<Stamp>,
}

/// The live relation or pending proposal of an ordered pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairRecord {
    /// Which one.
    pub relation: RelationId,
}

/// A settlement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentRecord {
    /// Who was treated.
    pub beneficiary: Person,
    /// Where.
    pub institution: Institution,
    /// The payee's area.
    pub area: Area,
    /// When, by ledger time.
    pub at: Stamp,
    /// What it was for.
    pub usage: Use,
    /// The personal share.
    pub amount: Fen,
    /// The own account's part.
    pub own: OwnPart,
    /// The donors' parts, in the order of deduction.
    pub legs: Vec<Leg>,
    /// Paid in cash.
    pub cash: Fen,
    /// Given back in cash.
    pub cash_refunded: Fen,
    /// Whether the own account was deducted before the legs; a refund goes the other way round.
    pub own_first: bool,
}

/// The own account's part of a settlement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnPart {
    /// The area that the account was kept in.
    pub area: Area,
    /// Paid.
    pub amount: Fen,
    /// Given back.
    pub refunded: Fen,
}

/// A donor's part of a settlement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leg {
    /// Through which relation.
    pub relation: RelationId,
    /// Who gave.
    pub donor: Person,
    /// The area that the donor's account was kept in.
    pub area: Area,
    /// Paid.
    pub amount: Fen,
    /// Given back.
    pub refunded: Fen,
}

/// What money was used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum Use {
    /// At a medical institution.
    Institution = 1,
    /// At a retail pharmacy.
    Pharmacy = 2,
}

/// An obligation, gross. What is owed = charged − refunded; it may be below zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObligationRecord {
    /// Legs settled.
    pub charged: Sum,
    /// Legs refunded.
    pub refunded: Sum,
}

/// A remembered answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestRecord {
    /// Which body the id was used with.
    pub fingerprint: [u8; 16],
    /// Where it was decided.
    pub position: Position,
    /// What was decided.
    pub outcome: Outcome,
}
