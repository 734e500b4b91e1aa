//! What can come back: an [`Outcome`] is either events that happened or a [`Refusal`].

use crate::command::{InstitutionKind, Insurance};
use crate::id::{Area, Institution, PaymentId, Person, Position, Province, RelationId};
use crate::money::Fen;
use crate::stamp::Stamp;
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
    /// A personal share was paid.
    Settled {
        /// The settlement's id.
        payment: PaymentId,
        /// From the own account (`acct_pay`).
        own: Fen,
        /// From donors, in the order of deduction (their sum is `acct_mulaid_pay`).
        legs: Vec<LegPaid>,
        /// To be paid in cash.
        cash: Fen,
        /// Relations with money that were passed over while something was left to pay, because an area
        /// was not open (domain.md 5b, 4).
        skipped: Vec<RelationId>,
    },
    /// A settlement was undone, in part or whole.
    Refunded {
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
    },
    /// A relation ended.
    RelationReleased {
        /// Which.
        relation: RelationId,
        /// What went back to the donor.
        returned: Fen,
    },
    /// The cluster's pulse did something.
    Ticked {
        /// Request ids forgotten.
        forgotten: u32,
    },
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
    /// True: back to the quota. False: to the donor's account, the relation being gone.
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
    /// The policy keeps at most this many versions, and they are used up.
    PoliciesFull = 312,
    // Persons and accounts (4xx).
    /// The amount is zero.
    AmountZero = 401,
    /// The person is enrolled already.
    PersonEnrolled = 402,
    /// The person is not enrolled.
    PersonUnknown = 403,
    /// The person has no personal account (only 310 has).
    AccountMissing = 404,
    /// The account would pass the largest amount.
    AmountOverflow = 405,
    /// The wallet is active already.
    WalletActive = 406,
    /// The wallet is not active.
    WalletInactive = 407,
    // Relations (5xx).
    /// Donor and beneficiary are the same person.
    SamePerson = 501,
    /// The relation cannot exist: its id names a position that the log has not reached. (An id within
    /// the log that is no relation of the caller is [`Refusal::NotPermitted`], be it there or not.)
    RelationUnknown = 502,
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
    /// The beneficiary has as many donors as the policy allows.
    DonorsFull = 509,
    /// The order names something that is not an active relation of the beneficiary, or names it twice.
    OrderInvalid = 510,
    // Quotas and payments (6xx).
    /// An area is not open for cross-province aid at this time.
    AreaClosed = 601,
    /// The donor's available balance does not cover the quota.
    BalanceExceeded = 602,
    /// The unused quota does not cover the reduction.
    QuotaExceeded = 603,
    /// The institution does not accept the wallet.
    InstitutionClosed = 604,
    /// All-or-nothing was asked, and something would be left for cash.
    NotCovered = 605,
    /// The settlement cannot exist: its id names a position that the log has not reached. (An id within
    /// the log that is no settlement of the caller is [`Refusal::NotPermitted`], be it there or not.)
    PaymentUnknown = 606,
    /// The refund is more than is left of the settlement, or all was asked and nothing is left.
    RefundExceedsPayment = 607,
}
