//! What may be asked: a [`Transaction`] is an envelope around one [`Call`].

use crate::id::{
    Area, CaseId, FileNumber, HoldId, Institution, MedType, OfferId, PaymentId, Person, Province, RelationId,
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

/// Insurance kinds of `insutype` that the scheme knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(u16)]
pub enum Insurance {
    /// 310 职工医保: has a personal account, may give and use.
    Employee = 310,
    /// 390 居民医保: no account, may use.
    Resident = 390,
}

/// Kinship **of the beneficiary to the donor**: the eight kinds of near relative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(u8)]
pub enum Kinship {
    /// 配偶.
    Spouse = 1,
    /// 父母: the beneficiary is a parent of the donor.
    Parent = 2,
    /// 子女.
    Child = 3,
    /// 兄弟姐妹.
    Sibling = 4,
    /// 祖父母.
    PaternalGrandparent = 5,
    /// 外祖父母.
    MaternalGrandparent = 6,
    /// 孙子女.
    SonsChild = 7,
    /// 外孙子女.
    DaughtersChild = 8,
}

/// How far near relatives reach inside one province.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u8)]
pub enum KinshipScope {
    /// Spouse, parents, children.
    Narrow = 1,
    /// All eight kinds.
    Wide = 2,
}

/// Whether an institution is a hospital or a pharmacy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(u8)]
pub enum InstitutionKind {
    /// 定点医疗机构.
    Hospital = 1,
    /// 定点零售药店.
    Pharmacy = 2,
}

/// Where a person's insurance stands (`psn_insu_stas`), as the insured person's agency says (domain.md 5b, 6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(u8)]
pub enum InsuranceStatus {
    /// 正常参保.
    #[default]
    Normal = 1,
    /// 停保: the account stays, new offers are refused (policy).
    Stopped = 2,
    /// 欠费: as stopped, and no transfer.
    Arrears = 3,
    /// 冻结: the account neither pays nor gives.
    Frozen = 4,
    /// 终止: no relation lives; set by [`Call::TerminateInsurance`] only.
    Terminated = 5,
    /// 死亡: set by [`Call::RegisterDeath`] only.
    Deceased = 6,
}

/// Why an insurance was terminated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(u8)]
pub enum Termination {
    /// 出国(境)定居.
    Emigration = 1,
    /// Any other.
    Other = 2,
}

/// Why a balance is paid out: the only ways to cash (domain.md 5b, 23).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(u8)]
pub enum PayoutReason {
    /// To the heirs of one who died: the whole balance.
    Estate = 1,
    /// To one whose insurance is terminated.
    Emigration = 2,
    /// To a retiree who settled elsewhere.
    Resettled = 3,
    /// Because a transfer has failed.
    TransferImpossible = 4,
}

/// A premium that a quota may pay (domain.md 1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u16)]
pub enum Premium {
    /// 390: 居民医保个人缴费.
    Resident = 390,
    /// 410: 长期护理保险个人缴费.
    Care = 410,
}

/// What an area asks for a premium in a year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tariff {
    /// The area does not have this insurance (410 where no tariff was ever set).
    NotOffered,
    /// Any amount (390 where no tariff was ever set).
    AnyAmount,
    /// Exactly this.
    Exactly(Fen),
}

/// The credential that was presented (`mdtrt_cert_type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u8)]
pub enum CredentialKind {
    /// 01 医保电子凭证.
    ElectronicCode = 1,
    /// 02 居民身份证.
    IdentityCard = 2,
    /// 03 社会保障卡.
    SocialSecurityCard = 3,
}

/// A credential, and whose it is: the patient's own, or it is impersonation (冒名就医).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// Which kind.
    pub kind: CredentialKind,
    /// Whose.
    pub holder: Person,
}

/// Who may be suspended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Party {
    /// An insured person.
    Person(Person),
    /// A designated institution.
    Institution(Institution),
}

/// Why a party is suspended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(u8)]
pub enum SuspensionReason {
    /// 冒名就医: another's credential.
    Impersonation = 1,
    /// 虚假结算: what was settled did not happen.
    FalseSettlement = 2,
    /// Any other.
    Other = 3,
}

/// What is wrong with a clearing line, in the eyes of one of its two provinces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(u8)]
pub enum DisputeReason {
    /// The sum differs from the own books.
    SumDiffers = 1,
    /// A settlement is not known.
    SettlementUnknown = 2,
    /// A settlement counts twice.
    CountedTwice = 3,
    /// Any other.
    Other = 4,
}

/// What becomes of a quota's expiry when it is set or raised (domain.md 5b, 10): one expiry per relation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Expiry {
    /// It stays as it is.
    Keep,
    /// The quota never expires.
    Never,
    /// The quota is unusable from this moment.
    At(Stamp),
}

/// A personal share that someone pays at an institution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spend {
    /// Who is treated.
    pub beneficiary: Person,
    /// What was presented at the counter.
    pub credential: Credential,
    /// Where.
    pub institution: Institution,
    /// What for.
    pub med_type: MedType,
    /// The personal share, to be covered by own account, quotas and cash.
    pub amount: Fen,
    /// False leaves the own account alone (`acct_used_flag` = 0).
    pub use_own_account: bool,
    /// Refuse unless nothing is left for cash.
    pub all_or_nothing: bool,
}

/// Parameters that a governance transaction sets, with an effective date (domain.md 4, ⚙). Their ranges
/// stand in [`limits`](crate::limits).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// How long a request id is remembered, in milliseconds (default 24 h).
    pub request_window_ms: u64,
    /// How far ahead of ledger time a request id may be, in milliseconds (default 1 h).
    pub request_ahead_ms: u64,
    /// After how many days a proposal lapses (default 30).
    pub proposal_days: u16,
    /// How many live relations one beneficiary may have at most (default 256).
    pub donors_max: u16,
    /// Own account before quotas (default true).
    pub own_account_first: bool,
    /// How long an authorised spending is held, in milliseconds (default 30 min).
    pub hold_ms: u64,
    /// A quota waits as an offer until the beneficiary accepts it (default false; the 2024 pilot true).
    pub offers: bool,
    /// The minute of the day (+08:00) at which offers return to their donors (default 360: 06:00).
    pub offer_return_minute: u16,
    /// A donor with an offer that waits may not make another (default false; pilot true).
    pub one_offer_at_a_time: bool,
    /// How often a donor may set or raise quotas in a calendar day; 0 for any (default 0; pilot 3).
    pub raises_per_day: u16,
    /// The most that one setting or raise may freeze; zero for any (default zero; pilot 2,000 yuan).
    pub raise_max: Fen,
    /// Quotas are not set or raised from this minute of the day (default 0; pilot 1320: 22:00) ...
    pub closed_from_minute: u16,
    /// ... until this one (default 0; pilot 360: 06:00); never closed where both are the same.
    pub closed_until_minute: u16,
    /// One whose insurance is stopped may still set quotas (default false).
    pub stopped_may_offer: bool,
    /// Changing from 390 to 310 ends the relations (default true).
    pub change_releases: bool,
    /// For how many days a payment may be refunded; 0 for ever (default 0).
    pub refund_days: u16,
    /// A clearing line is paid only after both sides confirmed it (default true).
    pub confirm_before_payment: bool,
    /// Donors of a province whose prepayment fund is used up by the running month are passed over (default false).
    pub hard_stop: bool,
    /// The recommended fund, in percent of the average month cleared (default 200: two months).
    pub prepayment_percent: u16,
    /// Over how many of the last months cleared the average runs (default 12).
    pub prepayment_months: u8,
    /// Usage of a fund, in percent, from which it is alarming: yellow (default 70) ...
    pub yellow_percent: u16,
    /// ... and red (default 90).
    pub red_percent: u16,
    /// Working days that the old place has to send a balance (default 10).
    pub source_days: u8,
    /// Working days that a whole transfer may take (default 15).
    pub transfer_days: u8,
}

impl Policy {
    /// The parameters of 2026: no caps, no closed hours, no waiting for acceptance (domain.md 5b, 9).
    pub const NATIONAL_2026: Policy = Policy {
        request_window_ms: crate::stamp::DAY_MS,
        request_ahead_ms: crate::stamp::HOUR_MS,
        proposal_days: 30,
        donors_max: 256,
        own_account_first: true,
        hold_ms: 30 * crate::stamp::MINUTE_MS,
        offers: false,
        offer_return_minute: 360,
        one_offer_at_a_time: false,
        raises_per_day: 0,
        raise_max: Fen::ZERO,
        closed_from_minute: 0,
        closed_until_minute: 0,
        stopped_may_offer: false,
        change_releases: true,
        refund_days: 0,
        confirm_before_payment: true,
        hard_stop: false,
        prepayment_percent: 200,
        prepayment_months: 12,
        yellow_percent: 70,
        red_percent: 90,
        source_days: 10,
        transfer_days: 15,
    };

    /// The parameters of the wallet's pilot: offers that wait, three a day, 2,000 yuan each, none from 22:00
    /// to 06:00, one at a time (domain.md 2.1).
    pub const PILOT_2024: Policy = Policy {
        offers: true,
        one_offer_at_a_time: true,
        raises_per_day: 3,
        raise_max: Fen::whole_yuan(2_000),
        closed_from_minute: 1_320,
        closed_until_minute: 360,
        ..Policy::NATIONAL_2026
    };
}

impl Default for Policy {
    fn default() -> Policy {
        Policy::NATIONAL_2026
    }
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
}
