//! What may be asked: a [`Transaction`] is an envelope around one [`Call`].

use crate::id::{Area, Institution, PaymentId, Person, Province, RelationId, RequestId};
use crate::money::Fen;
use crate::stamp::Stamp;
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
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            request_window_ms: crate::stamp::DAY_MS,
            request_ahead_ms: crate::stamp::HOUR_MS,
            proposal_days: 30,
            donors_max: 256,
            own_account_first: true,
        }
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
    },
    /// Contributions or interest are booked to a personal account.
    CreditAccount {
        /// The account's owner.
        person: Person,
        /// How much.
        amount: Fen,
        /// The month that the contribution is for.
        period: crate::stamp::Month,
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
    /// The donor freezes more of the account for the relation.
    SetQuota {
        /// The relation.
        relation: RelationId,
        /// How much more.
        amount: Fen,
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
    /// The beneficiary pays a personal share at an institution.
    Settle {
        /// Who is treated, with their own credential.
        beneficiary: Person,
        /// Where.
        institution: Institution,
        /// The personal share, to be covered by own account, quotas and cash.
        amount: Fen,
        /// False leaves the own account alone (`acct_used_flag` = 0).
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
    /// Either party ends the relation.
    ReleaseRelation {
        /// The relation.
        relation: RelationId,
    },
    /// The cluster's own pulse: forgets old request ids and lapses old proposals, a bounded number at a time.
    Tick,
}
