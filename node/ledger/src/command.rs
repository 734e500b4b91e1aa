//! What may be asked: a [`Transaction`] is an envelope around one [`Call`].

pub use crate::parameters::Policy;
pub use crate::words::{
    Credential, CredentialKind, DisputeReason, Expiry, InstitutionKind, Insurance, InsuranceStatus, Kinship,
    KinshipScope, Party, PayoutReason, Premium, Spend, SuspensionReason, Tariff, Termination,
};

use crate::id::{
    Area, CaseId, FileNumber, HoldId, Institution, OfferId, PaymentId, Person, Province, RelationId,
    RequestId,
};
use crate::money::{Fen, Sum};
use crate::stamp::{Day, Month, Stamp};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// One request to the ledger, as it travels in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transaction {
    /// Chosen by the caller; with the caller it is the transaction's identity.
    pub request: RequestId,
    /// Who asks.
    pub caller: Caller,
    /// After this moment of ledger time the transaction is refused.
    pub not_after: Option<Stamp>,
    /// Room for a signature over the exact bytes that the caller sent; empty until signing is switched on.
    pub signature: Vec<u8>,
    /// What is asked.
    pub call: Call,
}

/// Who asks, and for whom they may speak (domain.md 5b, 26).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Caller {
    /// The national agency.
    National,
    /// A province's agency.
    Province(Province),
    /// The agency of one pooling area.
    Agency(Area),
    /// A designated institution.
    Institution(Institution),
    /// The platform (app), for the person who authenticated.
    Person(Person),
    /// An auditor: reads everything, writes nothing.
    Auditor,
    /// A node of the cluster itself.
    Node,
}

/// What is asked. One variant a verb; each has the file of its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Call {
    /// The cluster's first entry: names the cluster and its first policy.
    Genesis {
        /// The cluster's id.
        cluster: [u8; 16],
        /// Parameters in force from now on.
        policy: Policy,
    },
    /// A province joins the scheme, or changes its in-province kinship scope.
    RegisterProvince {
        /// The province.
        province: Province,
        /// Its in-province kinship scope.
        kinship: KinshipScope,
        /// In force from this moment, not in the past; none for at once.
        effective: Option<Stamp>,
    },
    /// A pooling area joins the scheme (closed until opened).
    RegisterArea {
        /// The area.
        area: Area,
    },
    /// An area opens for cross-province aid at a date, and perhaps closes at a later one. From its start
    /// on it stands in place of every opening that started before: to end one, set one from now until
    /// the date of the end.
    SetAreaOpen {
        /// The area.
        area: Area,
        /// Open from this moment; not in the past.
        from: Stamp,
        /// Closed again from this moment.
        until: Option<Stamp>,
    },
    /// Parameters that take effect at a date.
    SetPolicy {
        /// In force from this moment; not in the past.
        effective: Stamp,
        /// The parameters, whole.
        policy: Policy,
    },
    /// An institution is designated, or changes whether it accepts the wallet.
    RegisterInstitution {
        /// Its code.
        institution: Institution,
        /// Hospital or pharmacy.
        kind: InstitutionKind,
        /// Where it lies.
        area: Area,
        /// Whether it accepts the wallet (`businessLvWlt`).
        wallet_open: bool,
    },
    /// A person is enrolled (参保); one insured with 310 gets a personal account.
    EnrolPerson {
        /// The person.
        person: Person,
        /// Insurance kind.
        insurance: Insurance,
        /// Area of insurance.
        area: Area,
        /// Retired (`psn_type` 12xx), not in work (11xx).
        retired: bool,
    },
    /// Contributions or interest are booked to a personal account.
    CreditAccount {
        /// The account's owner.
        person: Person,
        /// How much.
        amount: Fen,
        /// The month that the contribution is for.
        period: Month,
    },
    /// The person activates the wallet (医保钱包).
    ActivateWallet {
        /// Whose wallet.
        person: Person,
    },
    /// One party proposes a relation; the other accepts or declines.
    ProposeRelation {
        /// Who gives (共济人).
        donor: Person,
        /// Who uses (被共济人).
        beneficiary: Person,
        /// Kinship of the beneficiary to the donor.
        kinship: Kinship,
    },
    /// The other party accepts.
    AcceptRelation {
        /// The proposal.
        relation: RelationId,
    },
    /// The other party declines, or the proposer withdraws.
    DeclineRelation {
        /// The proposal.
        relation: RelationId,
    },
    /// The donor freezes more of the account for the relation: at once, or as an offer that waits (policy).
    SetQuota {
        /// The relation.
        relation: RelationId,
        /// How much more.
        amount: Fen,
        /// What becomes of the quota's expiry.
        expiry: Expiry,
    },
    /// The beneficiary accepts an offer: it becomes quota.
    AcceptOffer {
        /// The offer.
        offer: OfferId,
    },
    /// The beneficiary declines an offer, or the donor withdraws it.
    DeclineOffer {
        /// The offer.
        offer: OfferId,
    },
    /// The donor takes back a part of the quota that is not used.
    ReduceQuota {
        /// The relation.
        relation: RelationId,
        /// How much less.
        amount: Fen,
    },
    /// The beneficiary orders the donors.
    SetPriority {
        /// Whose order.
        beneficiary: Person,
        /// The beneficiary's active relations, each once, first to be spent first. Those left out
        /// follow behind in the order of their relation sequence.
        order: Vec<RelationId>,
    },
    /// The beneficiary pays a personal share at an institution: authorised and confirmed in one.
    Settle(Spend),
    /// Money for a personal share is held until it is confirmed, voided, or its time runs out.
    AuthoriseSpend(Spend),
    /// What was held is paid.
    ConfirmSpend {
        /// The hold.
        hold: HoldId,
        /// The personal share in the end, at most what was authorised; none for all of it.
        amount: Option<Fen>,
    },
    /// What was held is given back.
    VoidSpend {
        /// The hold.
        hold: HoldId,
    },
    /// The beneficiary pays a yearly premium: 390 as a resident, 410 where the area has it.
    PayPremium {
        /// Whose premium.
        beneficiary: Person,
        /// Which.
        premium: Premium,
        /// For which year.
        year: u16,
        /// How much.
        amount: Fen,
        /// False leaves the own account alone.
        use_own_account: bool,
        /// Refuse unless nothing is left for cash.
        all_or_nothing: bool,
    },
    /// A part or all of a settlement is undone.
    Refund {
        /// The settlement.
        payment: PaymentId,
        /// How much of the personal share; none for all that is left.
        amount: Option<Fen>,
    },
    /// An earlier request of the same caller is undone, whatever became of it (冲正): done, refused or never arrived.
    Reverse {
        /// The request to undo.
        original: RequestId,
    },
    /// Either party ends the relation.
    ReleaseRelation {
        /// The relation.
        relation: RelationId,
    },
    /// The agency says where a person's insurance stands; not terminated nor deceased, which have verbs of their own.
    SetInsuranceStatus {
        /// Who.
        person: Person,
        /// Normal, stopped, arrears or frozen.
        status: InsuranceStatus,
    },
    /// The agency says whether a person is retired.
    SetRetired {
        /// Who.
        person: Person,
        /// Retired, or in work.
        retired: bool,
    },
    /// The insurance ends, and with it all relations.
    TerminateInsurance {
        /// Whose.
        person: Person,
        /// Why.
        reason: Termination,
    },
    /// The person died: relations end, the account is frozen.
    RegisterDeath {
        /// Who.
        person: Person,
    },
    /// A balance is paid to a bank account.
    Payout {
        /// Whose.
        person: Person,
        /// Why.
        reason: PayoutReason,
        /// How much of what is available; none for all of it, as always for an estate.
        amount: Option<Fen>,
    },
    /// The insurance moves to another area of the same province: account, relations and quotas stay.
    MoveWithinProvince {
        /// Who.
        person: Person,
        /// Where to.
        to: Area,
    },
    /// A transfer to another province is applied for: all relations end, the account is closed.
    ApplyTransfer {
        /// Who.
        person: Person,
        /// Where to.
        to: Area,
    },
    /// The new agency accepts the case: the working days begin to count.
    AcceptTransfer {
        /// The case.
        case: CaseId,
    },
    /// The old agency sends the balance.
    SendTransfer {
        /// The case.
        case: CaseId,
    },
    /// The new agency has received the balance.
    ReceiveTransfer {
        /// The case.
        case: CaseId,
    },
    /// The new agency opens the account again.
    CompleteTransfer {
        /// The case.
        case: CaseId,
    },
    /// The case is given up before the balance was sent.
    AbandonTransfer {
        /// The case.
        case: CaseId,
    },
    /// The case has failed after the balance was sent: it comes back.
    FailTransfer {
        /// The case.
        case: CaseId,
    },
    /// A person or an institution may spend no more.
    Suspend {
        /// Who.
        party: Party,
        /// Why.
        reason: SuspensionReason,
        /// The case number.
        file: FileNumber,
    },
    /// The suspension is lifted.
    LiftSuspension {
        /// Whose.
        party: Party,
        /// The case number of the decision to lift.
        file: FileNumber,
    },
    /// What an area asks for a premium in a year.
    SetTariff {
        /// The area.
        area: Area,
        /// Which premium.
        premium: Premium,
        /// For which year.
        year: u16,
        /// In force from this moment; not in the past.
        effective: Stamp,
        /// What is asked.
        tariff: Tariff,
    },
    /// The holidays and extra working days of a year, whole. Days up to today stay as they were.
    SetCalendar {
        /// The year.
        year: u16,
        /// Working days that are holidays, in order.
        holidays: Vec<Day>,
        /// Days of weekends that are worked, in order.
        workdays: Vec<Day>,
    },
    /// A month's obligations are frozen and cleared (清分).
    ClosePeriod {
        /// The month: the one after the last closed, and over.
        month: Month,
    },
    /// A province confirms a line of a closed month, by its exact amount.
    ConfirmClearing {
        /// The month.
        month: Month,
        /// Who owes.
        payer: Area,
        /// Whom.
        payee: Area,
        /// The amount of the line.
        amount: Sum,
    },
    /// A province notes that a line is wrong in its eyes.
    DisputeClearing {
        /// The month.
        month: Month,
        /// Who owes.
        payer: Area,
        /// Whom.
        payee: Area,
        /// What is wrong.
        reason: DisputeReason,
        /// The case number.
        file: FileNumber,
    },
    /// The payer's province pays a line, in part or whole (清算).
    PayClearing {
        /// The month.
        month: Month,
        /// Who owes.
        payer: Area,
        /// Whom.
        payee: Area,
        /// How much; at most what is outstanding.
        amount: Fen,
    },
    /// A province pays into its prepayment fund (预付金).
    FundPrepayment {
        /// Which province.
        province: Province,
        /// How much.
        amount: Fen,
    },
    /// The agreed size of a province's fund; what is in it above that goes back.
    AdjustPrepayment {
        /// Which province.
        province: Province,
        /// The size.
        size: Fen,
    },
    /// The cluster's own pulse: sweeps what has run out, and goes on with what is done in steps, a bounded number
    /// at a time.
    Tick,
    /// The person closes the wallet (注销医保钱包).
    DeactivateWallet {
        /// Whose wallet.
        person: Person,
    },
}
