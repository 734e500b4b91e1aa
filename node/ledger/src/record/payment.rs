//! Spending: payments, holds, refunds, and what areas owe one another for them.

use crate::command::{Insurance, Premium};
use crate::id::{Area, CaseId, Institution, MedType, PaymentId, Person, RefundId, RelationId};
use crate::money::{Fen, Sum};
use crate::stamp::Stamp;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// A settlement or a premium.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentRecord {
    /// Who was treated, or insured.
    pub beneficiary: Person,
    /// The beneficiary's insurance then (`insutype`).
    pub insurance: Insurance,
    /// The beneficiary's area of insurance then: the scope of each leg is told by it.
    pub home: Area,
    /// Who was paid.
    pub payee: Payee,
    /// The payee's area.
    pub area: Area,
    /// When, by ledger time.
    pub at: Stamp,
    /// When the money was found and the areas were open: `at`, or when the hold was authorised.
    pub authorised: Stamp,
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
    /// Whether a refund of it was ever undone: then parts may have been given back out of turn.
    pub reinstated: bool,
    /// Whether its request was ever reversed: then no refund of it is undone any more.
    pub reversed: bool,
}

/// Who is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Payee {
    /// An institution, for a kind of service.
    Institution(Institution, MedType),
    /// The beneficiary's area, for a premium of a year.
    Premium(Premium, u16),
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
    /// A resident-insurance premium.
    ResidentPremium = 3,
    /// A long-term-care premium.
    CarePremium = 4,
    /// At an institution, for a kind of service that is none of the known ones there.
    Other = 5,
}

/// How far money went: the donor's area against the beneficiary's (domain.md 5b, 15).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum Scope {
    /// 同一统筹区内.
    SameArea = 1,
    /// 省内跨统筹区.
    InProvince = 2,
    /// 跨省.
    CrossProvince = 3,
}

/// An obligation, gross. What is owed = charged − refunded; it may be below zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObligationRecord {
    /// Legs settled.
    pub charged: Sum,
    /// Legs refunded.
    pub refunded: Sum,
}

/// An authorised spending: the parts as they would be paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldRecord {
    /// Who is treated.
    pub beneficiary: Person,
    /// Where.
    pub institution: Institution,
    /// What for.
    pub med_type: MedType,
    /// The institution's area.
    pub area: Area,
    /// What it is for.
    pub usage: Use,
    /// When it was authorised.
    pub at: Stamp,
    /// From when on it cannot be confirmed, and goes back.
    pub expires: Stamp,
    /// The personal share.
    pub amount: Fen,
    /// Held of the own account.
    pub own: Fen,
    /// Held of quotas, in the order of deduction.
    pub legs: Vec<HeldLeg>,
    /// To be paid in cash.
    pub cash: Fen,
    /// Whether the own account comes before the legs.
    pub own_first: bool,
    /// Where it stands.
    pub state: HoldState,
}

/// A donor's part of a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldLeg {
    /// Through which relation.
    pub relation: RelationId,
    /// Who gives.
    pub donor: Person,
    /// How much.
    pub amount: Fen,
}

/// Where a hold stands: it resolves once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HoldState {
    /// It holds.
    Held,
    /// It became a payment.
    Confirmed {
        /// Which one.
        payment: PaymentId,
    },
    /// It was given back.
    Voided,
    /// Its time ran out, and it was given back.
    TimedOut,
}

/// The payment that paid a premium.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PremiumRecord {
    /// Which one.
    pub payment: PaymentId,
}

/// A refund, or the undoing of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundRecord {
    /// Of which payment.
    pub payment: PaymentId,
    /// When.
    pub at: Stamp,
    /// How much of the personal share.
    pub amount: Fen,
    /// In cash.
    pub cash: Fen,
    /// To the own account; its `place` is 0.
    pub own: Option<RefundPart>,
    /// To donors, last deducted first.
    pub legs: Vec<RefundPart>,
    /// The refund that this one undoes: then the money went the other way.
    pub undoes: Option<RefundId>,
    /// True once it was undone.
    pub undone: bool,
}

/// A part of a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundPart {
    /// Which leg of the payment, from 0.
    pub place: u16,
    /// How much.
    pub amount: Fen,
    /// Where it went; for an undoing, where it was taken.
    pub to: Destination,
}

/// Where refunded money goes (domain.md 4, 6 and 7; 5b, 13).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Destination {
    /// Back to the quota it came from.
    Quota(
        /// The area that keeps the donor's account now.
        Area,
    ),
    /// To the account.
    Account(
        /// The area that keeps it now.
        Area,
    ),
    /// Into the balance under way; the area that it will have come to is known when the case ends.
    Transit(
        /// The case.
        CaseId,
    ),
}
