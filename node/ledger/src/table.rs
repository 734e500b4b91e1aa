//! The state's table of contents: every table, its number, its key and its record.
//!
//! A key is ordered bytes: the table's number, then the parts big-endian, so that the order of keys
//! is the order of their bytes. Numbers are never reused.

pub use crate::record::*;

use crate::command::{Caller, Premium};
use crate::id::{
    Area, CaseId, HoldId, Institution, OfferId, PaymentId, Person, Position, Province, RefundId, RelationId,
    RequestId,
};
use crate::key::Part;
use crate::stamp::{Day, Month, Stamp};
use alloc::vec::Vec;

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
    /// A beneficiary's live relations and pending proposals.
    14 Receiving(beneficiary: Person, relation: RelationId) => ReceivingRecord,
    /// Quotas by the time they expire.
    15 Expiring(at: Stamp, relation: RelationId) => ExpiringRecord,
    /// Offers of quotas, open and closed.
    16 Offer(offer: OfferId) => OfferRecord,
    /// Open offers by the time they return.
    17 Returning(at: Stamp, offer: OfferId) => ReturningRecord,
    /// Authorised spending, held and resolved.
    18 Hold(hold: HoldId) => HoldRecord,
    /// Holds by the time they run out.
    19 Resolving(at: Stamp, hold: HoldId) => ResolvingRecord,
    /// Which payment paid a person's premium of a year; gone when it is refunded in full.
    20 Premium(person: Person, premium: Premium, year: u16) => PremiumRecord,
    /// Refunds and their undoing.
    21 Refund(refund: RefundId) => RefundRecord,
    /// Persons whose relations are being released, a bounded number at a time.
    22 Releasing(person: Person) => ReleasingRecord,
    /// Cases of portability.
    23 Case(case: CaseId) => CaseRecord,
    /// Steps of open cases by the moment they are overdue.
    24 Due(at: Stamp, case: CaseId) => DueRecord,
    /// Holidays and extra working days of a year.
    25 Calendar(year: u16) => CalendarRecord,
    /// What an area asks for a premium of a year.
    26 Tariff(area: Area, premium: Premium, year: u16) => TariffRecord,
    /// Months that are closed, or being closed.
    27 Period(month: Month) => PeriodRecord,
    /// What a closed month comes to between two areas.
    28 Clearing(month: Month, payer: Area, payee: Area) => ClearingRecord,
    /// Provinces' prepayment funds.
    29 Prepayment(province: Province) => PrepaymentRecord,
    /// What was paid from donors to users, for the statistics.
    30 Tally(month: Month, giving: Province, using: Province, scope: Scope, usage: Use) => TallyRecord,
    /// What a province's areas owe those of others for a month, so far: the live usage of its fund.
    31 Usage(month: Month, province: Province) => UsageRecord,
    /// The first log index of each day on which something was decided: payments of a day are found by it.
    32 Day(day: Day) => DayRecord,
    /// A donor's open offers by the time they return.
    33 Offering(donor: Person, at: Stamp, offer: OfferId) => OfferingRecord,
    /// What was posted when a case of portability ended, by where that was decided.
    34 Portability(position: Position) => PortabilityRecord,
}
