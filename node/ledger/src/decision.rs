//! What can come back: an [`Outcome`] is either events that happened or a [`Refusal`].

use crate::command::{InstitutionKind, Insurance, InsuranceStatus, Party, PayoutReason, Premium};
use crate::digest::RowHash;
use crate::id::{
    Area, CaseId, HoldId, Institution, OfferId, PaymentId, Person, Position, Province, RefundId, RelationId,
    RequestId,
};
use crate::money::{Fen, Sum};
use crate::stamp::{Day, Month, Stamp};
use crate::table::CaseStep;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// The answer to one transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Where the transaction was decided. For a repeated request: where it was decided the first time.
    pub position: Position,
    /// What was decided.
    pub outcome: Outcome,
    /// True when this is the remembered answer to a request id seen before; nothing happened now.
    pub repeated: bool,
}

/// What was decided about a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It was done; this is what happened, in order.
    Done(Vec<Event>),
    /// It was refused; nothing changed but the memory of the refusal.
    Refused(Refusal),
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// The ledger began.
    LedgerBegun {
        /// The cluster's id.
        cluster: [u8; 16],
    },
    /// A province joined or changed its scope.
    ProvinceRegistered {
        /// Which.
        province: Province,
    },
    /// An area joined.
    AreaRegistered {
        /// Which.
        area: Area,
    },
    /// An opening was set.
    AreaOpeningSet {
        /// Which area.
        area: Area,
        /// Open from.
        from: Stamp,
        /// Closed from.
        until: Option<Stamp>,
    },
    /// Parameters were set.
    PolicySet {
        /// In force from.
        effective: Stamp,
    },
    /// An institution was designated or changed.
    InstitutionRegistered {
        /// Which.
        institution: Institution,
        /// Hospital or pharmacy.
        kind: InstitutionKind,
        /// Whether it accepts the wallet.
        wallet_open: bool,
    },
    /// A person was enrolled.
    PersonEnrolled {
        /// Who.
        person: Person,
        /// Insurance kind.
        insurance: Insurance,
        /// Where.
        area: Area,
    },
    /// Money was credited.
    AccountCredited {
        /// Whose account.
        person: Person,
        /// How much.
        amount: Fen,
        /// What is available afterwards.
        available: Fen,
    },
    /// A wallet was activated.
    WalletActivated {
        /// Whose.
        person: Person,
    },
    /// A relation was proposed.
    RelationProposed {
        /// Its id.
        relation: RelationId,
        /// Who gives.
        donor: Person,
        /// Who uses.
        beneficiary: Person,
    },
    /// A relation began.
    RelationAccepted {
        /// Which.
        relation: RelationId,
        /// How many relations had been accepted, this one included: the default order of deduction.
        sequence: u64,
    },
    /// A proposal ended without a relation: declined or withdrawn.
    RelationDeclined {
        /// Which.
        relation: RelationId,
    },
    /// A proposal lapsed.
    ProposalLapsed {
        /// Which.
        relation: RelationId,
    },
    /// A quota was set or raised.
    QuotaSet {
        /// Whose relation.
        relation: RelationId,
        /// By how much.
        amount: Fen,
        /// What may be spent of it now.
        unused: Fen,
        /// What the donor has left available.
        available: Fen,
        /// From when on it is unusable.
        expires: Option<Stamp>,
    },
    /// An offer waits for the beneficiary.
    OfferMade {
        /// Its id.
        offer: OfferId,
        /// For which relation.
        relation: RelationId,
        /// How much.
        amount: Fen,
        /// When it goes back if nobody accepts it.
        returns: Stamp,
        /// What the donor has left available.
        available: Fen,
    },
    /// An offer became quota.
    OfferAccepted {
        /// Which.
        offer: OfferId,
        /// For which relation.
        relation: RelationId,
        /// How much.
        amount: Fen,
        /// What may be spent of the quota now.
        unused: Fen,
        /// From when on it is unusable.
        expires: Option<Stamp>,
    },
    /// An offer was declined or withdrawn.
    OfferDeclined {
        /// Which.
        offer: OfferId,
        /// For which relation.
        relation: RelationId,
        /// What went back to the donor.
        amount: Fen,
    },
    /// An offer waited in vain.
    OfferReturned {
        /// Which.
        offer: OfferId,
        /// For which relation.
        relation: RelationId,
        /// What went back to the donor.
        amount: Fen,
    },
    /// A quota's time ran out.
    QuotaExpired {
        /// Whose relation.
        relation: RelationId,
        /// What went back to the donor.
        returned: Fen,
    },
    /// A quota was reduced.
    QuotaReduced {
        /// Whose relation.
        relation: RelationId,
        /// By how much.
        amount: Fen,
        /// What may be spent of it now.
        unused: Fen,
        /// What the donor has available now.
        available: Fen,
    },
    /// The order of donors was set.
    PrioritySet {
        /// Whose order.
        beneficiary: Person,
    },
    /// Money is held for a personal share.
    SpendAuthorised {
        /// The hold's id.
        hold: HoldId,
        /// From the own account.
        own: Fen,
        /// From donors, in the order of deduction.
        legs: Vec<LegPaid>,
        /// To be paid in cash.
        cash: Fen,
        /// Relations passed over, as for [`Event::Settled`].
        skipped: Vec<RelationId>,
        /// When it goes back if nobody confirms it.
        expires: Stamp,
    },
    /// Held money went back: the whole hold was voided or ran out, or a part was not confirmed.
    HoldReleased {
        /// Which hold.
        hold: HoldId,
        /// How much of the personal share.
        amount: Fen,
        /// To the own account.
        own: Fen,
        /// To donors, in the order of deduction.
        legs: Vec<LegRefunded>,
    },
    /// A personal share or a premium was paid.
    Settled {
        /// The payment's id.
        payment: PaymentId,
        /// The hold that it confirms.
        hold: Option<HoldId>,
        /// The premium and its year, if it is one.
        premium: Option<(Premium, u16)>,
        /// From the own account (`acct_pay`).
        own: Fen,
        /// From donors, in the order of deduction (their sum is `acct_mulaid_pay`).
        legs: Vec<LegPaid>,
        /// To be paid in cash.
        cash: Fen,
        /// Relations with money that were passed over while something was left to pay, because an area
        /// was not open or the donor may not pay now (domain.md 5b, 4 and 20).
        skipped: Vec<RelationId>,
    },
    /// A settlement was undone, in part or whole.
    Refunded {
        /// The refund's id.
        refund: RefundId,
        /// The settlement.
        payment: PaymentId,
        /// How much of the personal share.
        amount: Fen,
        /// In cash.
        cash: Fen,
        /// To the legs, in the order of the refund (last deducted first).
        legs: Vec<LegRefunded>,
        /// To the own account.
        own: Fen,
        /// True if the payment is more than a year old (domain.md 4, 9).
        late: bool,
    },
    /// A refund was undone: the money was taken again from where it had gone.
    RefundUndone {
        /// The undoing's own id.
        refund: RefundId,
        /// The refund that it undoes.
        undoes: RefundId,
        /// The settlement.
        payment: PaymentId,
        /// How much of the personal share.
        amount: Fen,
        /// In cash.
        cash: Fen,
        /// From the legs.
        legs: Vec<LegRefunded>,
        /// From the own account.
        own: Fen,
    },
    /// An earlier request was undone; what that did stands in the events before this one.
    Reversed {
        /// The request.
        original: RequestId,
        /// What had become of it.
        found: Original,
    },
    /// A relation ended.
    RelationReleased {
        /// Which.
        relation: RelationId,
        /// What went back to the donor, open offers included.
        returned: Fen,
        /// By whom or by what.
        cause: ReleaseCause,
    },
    /// Relations of a person remain to be released by ticks; none of them is usable any more.
    ReleasesUnderWay {
        /// Whose.
        person: Person,
    },
    /// The insurance status was set.
    InsuranceStatusSet {
        /// Whose.
        person: Person,
        /// To what.
        status: InsuranceStatus,
    },
    /// A person is retired or in work.
    RetiredSet {
        /// Who.
        person: Person,
        /// Retired.
        retired: bool,
    },
    /// An insurance ended.
    InsuranceTerminated {
        /// Whose.
        person: Person,
    },
    /// A person died.
    DeathRegistered {
        /// Who.
        person: Person,
    },
    /// A balance was paid out.
    PaidOut {
        /// Whose.
        person: Person,
        /// Why.
        reason: PayoutReason,
        /// How much.
        amount: Fen,
    },
    /// An insurance moved within its province.
    PersonMoved {
        /// Whose.
        person: Person,
        /// From.
        from: Area,
        /// To.
        to: Area,
    },
    /// A transfer was applied for.
    TransferApplied {
        /// Its id.
        case: CaseId,
        /// Whose.
        person: Person,
        /// From.
        from: Area,
        /// To.
        to: Area,
    },
    /// The new agency accepted a case.
    TransferAccepted {
        /// Which.
        case: CaseId,
        /// The last day for sending the balance.
        source_due: Day,
        /// The last day for the whole.
        due: Day,
    },
    /// A balance is under way.
    TransferSent {
        /// Which case.
        case: CaseId,
        /// How much.
        amount: Fen,
    },
    /// A balance has arrived.
    TransferReceived {
        /// Which case.
        case: CaseId,
        /// How much.
        amount: Fen,
    },
    /// A case is done.
    TransferCompleted {
        /// Which.
        case: CaseId,
    },
    /// A case was given up.
    TransferAbandoned {
        /// Which.
        case: CaseId,
    },
    /// A case has failed.
    TransferFailed {
        /// Which.
        case: CaseId,
        /// What came back.
        returned: Fen,
    },
    /// A case has passed a last day: an alarm, not an end.
    TransferOverdue {
        /// Which.
        case: CaseId,
        /// The step that is overdue.
        step: CaseStep,
    },
    /// A party may spend no more.
    Suspended {
        /// Who.
        party: Party,
    },
    /// A party may spend again.
    SuspensionLifted {
        /// Who.
        party: Party,
    },
    /// A tariff was set.
    TariffSet {
        /// The area.
        area: Area,
        /// Which premium.
        premium: Premium,
        /// For which year.
        year: u16,
    },
    /// A year's calendar was set.
    CalendarSet {
        /// The year.
        year: u16,
    },
    /// A month is being closed, by ticks.
    PeriodClosing {
        /// The month.
        month: Month,
    },
    /// A month is closed.
    PeriodClosed {
        /// The month.
        month: Month,
        /// How many lines.
        lines: u32,
        /// Their sum.
        total: Sum,
        /// The sum of the hashes of its obligations.
        digest: RowHash,
    },
    /// Payees' lines were advanced from a fund: one event for each fund that gave anything in this step, before
    /// [`Event::PeriodClosed`].
    PrepaymentAdvanced {
        /// For which month.
        month: Month,
        /// Whose fund.
        province: Province,
        /// How much.
        amount: Fen,
        /// What is left in it.
        balance: Fen,
    },
    /// The month's clearing uses much of a fund.
    PrepaymentAlarm {
        /// Which month.
        month: Month,
        /// Whose fund.
        province: Province,
        /// The clearing in percent of the fund's size, rounded down.
        percent: u64,
        /// From the red mark on; else from the yellow.
        red: bool,
    },
    /// A line was confirmed.
    ClearingConfirmed {
        /// The month.
        month: Month,
        /// Who owes.
        payer: Area,
        /// Whom.
        payee: Area,
        /// By the payer's province.
        by_payer: bool,
        /// By the payee's province.
        by_payee: bool,
    },
    /// A line was disputed.
    ClearingDisputed {
        /// The month.
        month: Month,
        /// Who owes.
        payer: Area,
        /// Whom.
        payee: Area,
    },
    /// A line was paid, in part or whole.
    ClearingPaid {
        /// The month.
        month: Month,
        /// Who owes.
        payer: Area,
        /// Whom.
        payee: Area,
        /// How much.
        amount: Fen,
        /// Of it, what went back into the fund.
        refilled: Fen,
        /// What is outstanding still.
        outstanding: Sum,
    },
    /// A fund was paid into.
    PrepaymentFunded {
        /// Whose.
        province: Province,
        /// How much.
        amount: Fen,
        /// What is in it now.
        balance: Fen,
    },
    /// A fund's size was agreed.
    PrepaymentAdjusted {
        /// Whose.
        province: Province,
        /// The size.
        size: Fen,
        /// What went back to the province.
        returned: Fen,
    },
    /// The cluster's pulse did something.
    Ticked {
        /// Request ids forgotten.
        forgotten: u32,
    },
}

/// Why a relation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(u8)]
pub enum ReleaseCause {
    /// The donor ended it.
    Donor = 1,
    /// The beneficiary ended it.
    Beneficiary = 2,
    /// A party's insurance moves to another province.
    Transfer = 3,
    /// A party's insurance was terminated.
    Termination = 4,
    /// A party died.
    Death = 5,
    /// A party changed from one kind of insurance to the other.
    InsuranceChange = 6,
}

/// What a reversal found of its original.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u8)]
pub enum Original {
    /// It had been done, and was undone.
    Undone = 1,
    /// It had been refused, or had been undone already: nothing to do.
    NoEffect = 2,
    /// It had not arrived: should it come, it is refused.
    NotArrived = 3,
}

/// A donor's part of a settlement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegPaid {
    /// Through which relation.
    pub relation: RelationId,
    /// How much.
    pub amount: Fen,
    /// What is left of the quota.
    pub unused: Fen,
}

/// A donor's part of a refund.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegRefunded {
    /// Through which relation it had been paid.
    pub relation: RelationId,
    /// How much.
    pub amount: Fen,
    /// True: the quota. False: the donor's account (or balance under way), the relation being gone or expired.
    pub to_quota: bool,
}

macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident = $number:literal,)*) => {
        /// Why a transaction is refused. Listed in order of precedence: where several reasons hold,
        /// the first one is given. Numbers are never reused.
        /// Stored as that number, so a new one may be listed between two old ones.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(into = "u16", try_from = "u16")]
        #[repr(u16)]
        pub enum Refusal { $($(#[$doc])* $name = $number,)* }

        impl From<Refusal> for u16 {
            fn from(refusal: Refusal) -> u16 { refusal.number() }
        }

        impl TryFrom<u16> for Refusal {
            type Error = &'static str;
            fn try_from(number: u16) -> Result<Refusal, &'static str> {
                match number {
                    $($number => Ok(Refusal::$name),)*
                    _ => Err("not the number of a refusal"),
                }
            }
        }

        impl Refusal {
            /// Every refusal, in order of precedence.
            pub const ALL: &[Refusal] = &[$(Refusal::$name,)*];

            /// The number, the same in the API's catalogue.
            pub const fn number(self) -> u16 { self as u16 }

            /// The place in the order of precedence, from 0.
            pub fn precedence(self) -> usize {
                Refusal::ALL.iter().position(|refusal| *refusal == self).expect("ALL has every refusal")
            }

            /// The name, as in scripts.
            pub const fn name(self) -> &'static str {
                match self { $(Refusal::$name => stringify!($name),)* }
            }
        }
    };
}

refusals! {
    // Identity (1xx): decided before anything is looked at.
    /// The request id is older than the window; not remembered (domain.md 5b, 3).
    RequestExpired = 101,
    /// The request id is too far ahead of ledger time; not remembered (domain.md 5b, 3).
    RequestTooEarly = 102,
    /// The request id was used before with another body; what is remembered stays.
    RequestReused = 103,
    /// The request was reversed before it arrived (domain.md 5b, 5).
    ReversedBeforeArrival = 105,
    /// Ledger time has passed the caller's `not_after`.
    DeadlinePassed = 104,
    // Right (2xx): before existence is revealed.
    /// The caller may not do this, or not to this one (domain.md 5b, 26). Given alike for what is
    /// another's and for what does not exist, so that existence is not revealed.
    NotPermitted = 201,
    // The ledger and its registers (3xx).
    /// The ledger has begun already.
    AlreadyBegun = 301,
    /// The ledger has not begun: there is no genesis yet. Not remembered: there is nothing to remember it in.
    NotBegun = 302,
    /// A date or a period lies in the past.
    EffectiveInPast = 303,
    /// An opening ends before it starts.
    PeriodEmpty = 304,
    /// A parameter of the policy is out of range.
    PolicyOutOfRange = 305,
    /// A day of the calendar is not of the year, stands twice, or is what its weekday says anyway.
    CalendarInvalid = 313,
    /// The province is not registered.
    ProvinceUnknown = 306,
    /// The area is registered already.
    AreaExists = 307,
    /// The area is not registered.
    AreaUnknown = 308,
    /// The institution's kind or area cannot change.
    InstitutionDiffers = 309,
    /// The institution is not registered.
    InstitutionUnknown = 310,
    /// An area keeps at most this many openings, and they are used up.
    OpeningsFull = 311,
    /// What is kept by effective date keeps at most this many versions, and they are used up.
    PoliciesFull = 312,
    // Clearing (7xx).
    /// The month is closed already.
    PeriodClosed = 701,
    /// The month is not the next to be closed, or is being closed just now.
    PeriodOutOfOrder = 702,
    /// Ledger time has not passed the month.
    PeriodNotOver = 703,
    /// The month is not closed yet.
    PeriodOpen = 704,
    /// There is no such line in the closed month.
    LineUnknown = 705,
    /// The amount is not that of the line.
    LineDiffers = 706,
    /// The caller's side has confirmed the line already.
    LineConfirmed = 707,
    /// The line is not confirmed by both sides.
    LineUnconfirmed = 708,
    /// The payment is more than is outstanding.
    LineExceeded = 709,
    /// A line keeps at most this many disputes, and they are used up.
    DisputesFull = 710,
    /// The fund would pass its agreed size.
    FundExceeded = 711,
    // Persons and accounts (4xx).
    /// The amount is zero.
    AmountZero = 401,
    /// The person is not enrolled.
    PersonUnknown = 403,
    /// The person died.
    PersonDeceased = 408,
    /// The person's insurance is terminated.
    InsuranceTerminated = 409,
    /// The case cannot exist: its id names a position that the log has not reached.
    CaseUnknown = 410,
    /// The case has passed this step already, or has not come to it.
    CaseNotInState = 411,
    /// The person's insurance is being transferred.
    CaseOpen = 412,
    /// Relations of the person are still being released.
    ReleaseUnderWay = 413,
    /// The person is enrolled already.
    PersonEnrolled = 402,
    /// The person is party to a spending that is authorised and not resolved.
    HoldOpen = 414,
    /// It is so already.
    StatusUnchanged = 415,
    /// A transfer needs an insurance that was stopped at the old place.
    NotStopped = 416,
    /// The insurance is in arrears.
    InArrears = 417,
    /// The account is frozen.
    AccountFrozen = 418,
    /// The insurance is stopped.
    InsuranceStopped = 419,
    /// A retiree's insurance is not transferred.
    RetireeStays = 420,
    /// The person is insured in that area already.
    SameArea = 421,
    /// The area lies in the same province: there is nothing to transfer.
    SameProvince = 422,
    /// The area lies in another province.
    OtherProvince = 423,
    /// Money is left in the account at the old place: a transfer must bring it.
    TransferNeeded = 424,
    /// The person has no personal account (only 310 has).
    AccountMissing = 404,
    /// The account, or the quota with all that was ever spent of it, would pass the largest amount.
    AmountOverflow = 405,
    /// The reason does not allow to pay out, as the person stands.
    PayoutNotAllowed = 425,
    /// The payout is more than is available, or nothing is.
    PayoutExceedsBalance = 426,
    /// The wallet is active already.
    WalletActive = 406,
    /// The wallet is not active.
    WalletInactive = 407,
    /// The person is suspended.
    PersonSuspended = 427,
    /// The party is suspended already.
    AlreadySuspended = 428,
    /// The party is not suspended.
    NotSuspended = 429,
    // Relations (5xx).
    /// Donor and beneficiary are the same person.
    SamePerson = 501,
    /// The relation cannot exist: its id names a position that the log has not reached. (An id within
    /// the log that is no relation of the caller is [`Refusal::NotPermitted`], be it there or not.)
    RelationUnknown = 502,
    /// The offer cannot exist: its id names a position that the log has not reached.
    OfferUnknown = 511,
    /// The donor is not insured with 310.
    DonorNotEligible = 503,
    /// The kinship is outside the scope (in-province: the province's; cross-province: national).
    KinshipOutOfScope = 504,
    /// The kinship contradicts the relation that exists the other way round.
    KinshipContradicts = 505,
    /// There is a live relation or a pending proposal of this pair.
    RelationExists = 506,
    /// The relation is not a pending proposal.
    RelationNotPending = 507,
    /// The relation is not active.
    RelationNotActive = 508,
    /// The offer does not wait any more.
    OfferNotOpen = 512,
    /// The beneficiary has as many donors as the policy allows.
    DonorsFull = 509,
    /// The order names something that is not an active relation of the beneficiary, or names it twice.
    OrderInvalid = 510,
    // Quotas and payments (6xx).
    /// An area is not open for cross-province aid at this time.
    AreaClosed = 601,
    /// Quotas are not set at this time of the day.
    ClosedHours = 609,
    /// The donor has set or raised quotas as often today as the policy allows.
    RaisesExhausted = 610,
    /// The policy does not allow to freeze so much at a time.
    RaiseTooLarge = 611,
    /// An offer of the donor still waits.
    OfferPending = 612,
    /// A relation, and a donor, keeps at most so many open offers, and they are used up.
    OffersFull = 613,
    /// The quota has expired: it needs a new expiry, or none.
    QuotaExpired = 608,
    /// The donor's available balance does not cover the quota.
    BalanceExceeded = 602,
    /// The unused quota does not cover the reduction.
    QuotaExceeded = 603,
    /// The institution does not accept the wallet.
    InstitutionClosed = 604,
    /// The institution is suspended.
    InstitutionSuspended = 614,
    /// The credential is another's (冒名就医).
    CredentialNotOwn = 615,
    /// The person cannot be insured with this kind here.
    PremiumNotEligible = 616,
    /// The area does not have this insurance.
    PremiumNotOffered = 617,
    /// The premium of this year is paid.
    PremiumPaid = 618,
    /// The amount is not the tariff.
    PremiumDiffers = 619,
    /// All-or-nothing was asked, and something would be left for cash.
    NotCovered = 605,
    /// The hold cannot exist: its id names a position that the log has not reached.
    HoldUnknown = 620,
    /// The hold has resolved, or its time has run out.
    HoldNotOpen = 621,
    /// More would be confirmed than was authorised.
    HoldExceeded = 622,
    /// The settlement cannot exist: its id names a position that the log has not reached. (An id within
    /// the log that is no settlement of the caller is [`Refusal::NotPermitted`], be it there or not.)
    PaymentUnknown = 606,
    /// The payment is older than the policy lets refund.
    RefundTooLate = 623,
    /// The refund is more than is left of the settlement, or all was asked and nothing is left.
    RefundExceedsPayment = 607,
    /// The original's id is too old or too early to be known or to be kept out.
    OriginalOutOfWindow = 624,
    /// What the original asked cannot be reversed.
    NotReversible = 625,
    /// The money of the refund that would be undone is no longer where it went.
    ReversalImpossible = 626,
}
