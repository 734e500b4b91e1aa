//! The field's own words that calls are made of: kinds, reasons, and what is presented at a counter.

use crate::id::{Institution, MedType, Person};
use crate::money::Fen;
use crate::stamp::Stamp;
use serde::{Deserialize, Serialize};

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
