//! What can have happened: the events of a transaction that was done.

use crate::command::{InstitutionKind, Insurance, InsuranceStatus, Party, PayoutReason, Premium};
use crate::digest::RowHash;
use crate::id::{
    Area, CaseId, HoldId, Institution, OfferId, PaymentId, Person, Province, RefundId, RelationId, RequestId,
};
use crate::money::{Fen, Sum};
use crate::stamp::{Day, Month, Stamp};
use crate::table::CaseStep;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

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
    /// A wallet was closed.
    WalletDeactivated {
        /// Whose.
        person: Person,
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
