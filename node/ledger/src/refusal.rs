//! Why a transaction is refused: every reason, its number, and its place in the order of precedence.

use serde::{Deserialize, Serialize};

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
