//! The records of the tables: what each row holds.

pub use crate::months::*;

use crate::command::{
    Expiry, InstitutionKind, Insurance, InsuranceStatus, Kinship, KinshipScope, Policy, Premium,
    SuspensionReason, Tariff,
};
use crate::decision::{Outcome, ReleaseCause};
use crate::id::{
    Area, CaseId, FileNumber, Institution, MedType, OfferId, PaymentId, Person, Position, RefundId,
    RelationId,
};
use crate::money::{Fen, Sum};
use crate::stamp::{Day, Month, Stamp};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Says no more than its key: this donor has this relation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivingRecord;

/// Says no more than its key: this proposal lapses at that time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LapsingRecord;

/// Says no more than its key: this beneficiary has this relation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceivingRecord;

/// Says no more than its key: this quota expires at that time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpiringRecord;

/// Says no more than its key: this offer returns at that time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturningRecord;

/// Says no more than its key: this offer of this donor returns at that time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferingRecord;

/// Says no more than its key: this hold runs out at that time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResolvingRecord;

/// What the ledger knows of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerRecord {
    /// The cluster's id, from genesis.
    #[serde(with = "crate::codec::sixteen")]
    pub cluster: [u8; 16],
    /// Ledger time: the latest stamp seen.
    pub now: Stamp,
    /// When genesis was applied; its month is the first to be cleared.
    pub begun: Stamp,
    /// The month to be closed next: the first is that of genesis.
    pub clearing: Month,
    /// The day (+08:00) of the last entry.
    pub day: Day,
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
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvinceRecord {
    /// In-province kinship scopes: in force from, and which; in the order of the dates, later set ones behind.
    pub scopes: Vec<(Stamp, KinshipScope)>,
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
    /// Suspended by a supervisor.
    pub suspended: Option<Suspension>,
}

/// Why a party may spend no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspension {
    /// Why.
    pub reason: SuspensionReason,
    /// The case number.
    pub file: FileNumber,
    /// Since when.
    pub since: Stamp,
}

/// An insured person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonRecord {
    /// Insurance kind.
    pub insurance: Insurance,
    /// Area of insurance.
    pub area: Area,
    /// Where the insurance stands.
    pub status: InsuranceStatus,
    /// Retired, not in work.
    pub retired: bool,
    /// Whether the wallet is active.
    pub wallet_active: bool,
    /// Suspended by a supervisor.
    pub suspended: Option<Suspension>,
    /// The open case of portability.
    pub transfer: Option<CaseId>,
    /// A case that failed, until the person is insured again: the balance may be paid out.
    pub failed_transfer: Option<CaseId>,
    /// Set while relations are still being released, with their cause: none of them is usable any more.
    pub releasing: Option<ReleaseCause>,
    /// Holds that have not resolved and that the person is party to: as beneficiary, and once for each leg.
    pub holds: u32,
    /// The personal account, if ever insured with 310.
    pub account: Option<Account>,
    /// As beneficiary: active relations in the order of deduction.
    pub donors: Vec<RelationId>,
}

/// A personal account (个人账户).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The area that keeps it: the person's, but for one who changed to 390 elsewhere.
    pub area: Area,
    /// What the owner may spend or freeze.
    pub available: Fen,
    /// Frozen for relations: what is unused and held of their quotas, and open offers.
    pub reserved: Fen,
    /// Held of the owner's own money for authorised spending.
    pub held: Fen,
    /// All that was ever credited from contributions and interest.
    pub credited: Fen,
    /// All that was ever paid out.
    pub paid_out: Fen,
    /// The day of the last setting or raise of a quota.
    pub raised_on: Day,
    /// How many there were on that day, returned offers included.
    pub raises: u16,
    /// Open offers.
    pub offers: u16,
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
    /// Ended.
    Released {
        /// By whom or by what.
        cause: ReleaseCause,
    },
}

/// A mutual-aid relation and its quota: limit = used + held + unused.
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
    /// Held of it for authorised spending: frozen in the donor's account.
    pub held: Fen,
    /// Left of it: frozen in the donor's account.
    pub unused: Fen,
    /// From when on the quota is unusable. Stays when a tick has swept it, until it is set anew.
    pub expires: Option<Stamp>,
    /// Open offers, frozen in the donor's account beside the limit.
    pub offers: Vec<OfferId>,
    /// When the quota was last set or raised, an offer accepted included.
    pub raised: Option<Stamp>,
}

/// An offer of a quota that waits for the beneficiary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferRecord {
    /// For which relation.
    pub relation: RelationId,
    /// How much.
    pub amount: Fen,
    /// What becomes of the quota's expiry on acceptance.
    pub expiry: Expiry,
    /// When it was made.
    pub made: Stamp,
    /// From when on it cannot be accepted, and goes back.
    pub returns: Stamp,
    /// Where it stands.
    pub state: OfferState,
}

/// Where an offer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u8)]
pub enum OfferState {
    /// It waits.
    Open = 1,
    /// It became quota.
    Accepted = 2,
    /// Declined by the beneficiary or withdrawn by the donor.
    Declined = 3,
    /// It waited in vain.
    Returned = 4,
    /// Its relation ended.
    Released = 5,
}

/// The live relation or pending proposal of an ordered pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairRecord {
    /// Which one.
    pub relation: RelationId,
}

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

/// A remembered answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestRecord {
    /// Which body the id was used with; zeros for one that was reversed before it arrived, whatever its body.
    #[serde(with = "crate::codec::sixteen")]
    pub fingerprint: [u8; 16],
    /// Where it was decided.
    pub position: Position,
    /// What was decided.
    pub outcome: Outcome,
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

/// Relations of this person are still to be released.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleasingRecord {
    /// Why.
    pub cause: ReleaseCause,
}

/// A case of portability (转移接续). The balance is with the account until `Sent`, here while `Sent`, with the account
/// again from `Received` on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseRecord {
    /// Whose.
    pub person: Person,
    /// The old area.
    pub from: Area,
    /// The new area.
    pub to: Area,
    /// Where it stands.
    pub state: CaseState,
    /// The balance under way.
    pub balance: Fen,
    /// When it was applied for.
    pub applied: Stamp,
    /// When the new agency accepted it.
    pub accepted: Option<Stamp>,
    /// The last working day for the old place to send the balance.
    pub source_due: Option<Day>,
    /// The last working day for the whole case.
    pub due: Option<Day>,
    /// When it ended.
    pub ended: Option<Stamp>,
    /// Steps that were overdue: sending, completing.
    pub overdue: [bool; 2],
    /// Refunds that came since the balance was sent, by the area and the use of the leg that they correct: what these
    /// areas owe the one that the balance comes to (domain.md 5b, 13).
    pub waiting: Vec<(Area, Use, Fen)>,
}

/// Portability lines: what was charged when a case ended, for refunds that had travelled with its balance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortabilityRecord {
    /// The case.
    pub case: CaseId,
    /// When it ended.
    pub at: Stamp,
    /// The area that has the balance in the end: it is owed.
    pub to: Area,
    /// Who owes it, for what, and how much; the area itself is not among them.
    pub lines: Vec<(Area, Use, Fen)>,
}

/// Where a case stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(u8)]
pub enum CaseState {
    /// Applied for; relations are released.
    Applied = 1,
    /// Accepted by the new agency.
    Accepted = 2,
    /// The old agency has sent the balance: it is under way.
    Sent = 3,
    /// The new agency has the balance.
    Received = 4,
    /// The account is open at the new place.
    Completed = 5,
    /// Given up before anything was sent.
    Abandoned = 6,
    /// The balance came back.
    Failed = 7,
}

/// A step that has a last day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(u8)]
pub enum CaseStep {
    /// The old place sends the balance.
    Send = 1,
    /// The case is completed.
    Complete = 2,
}

/// What a case is due for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DueRecord {
    /// The step.
    pub step: CaseStep,
}

/// Days of a year that are not as their weekday says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarRecord {
    /// Weekdays that are holidays, in order.
    pub holidays: Vec<Day>,
    /// Days of weekends that are worked, in order.
    pub workdays: Vec<Day>,
}

/// What an area asks for a premium, by effective date.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TariffRecord {
    /// Effective from, and what; in the order of the dates, later set ones behind.
    pub versions: Vec<(Stamp, Tariff)>,
}
