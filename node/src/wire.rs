//! The words on the wire and the types of the contract: the only place that converts between them.
//!
//! Towards the ledger a conversion either succeeds or names the field and what is wrong with it ([`BadField`]): the
//! request is turned away at the door and never enters the log. From the ledger every conversion succeeds.

mod answers;
mod records;
mod text;

#[cfg(test)]
mod tests;

pub use answers::*;
pub use records::*;

use ledger::command::{InstitutionKind, Insurance, Kinship, KinshipScope, Policy};
use ledger::{
    Area, Call, Caller, Month, PaymentId, Person, Province, RelationId, RequestId, Stamp, Transaction,
};
use prost_types::Timestamp;
use proto::v1::{self as pb, caller::Who, transaction::Call as PbCall};
use text::{
    Problem, of_area, of_institution, of_month, of_payment, of_person, of_province, of_relation,
    of_request_id, of_uuid, of_yuan,
};

/// The longest signature, in bytes.
pub const SIGNATURE_BYTES_MAX: usize = 512;
/// The most relations that one order of donors may name.
pub const ORDER_MAX: usize = 256;

/// A malformed request: which field, and what is wrong with it. The text never repeats what was given: it might be
/// somebody's identity number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {problem}")]
pub struct BadField {
    /// The way to the field: "settle.amount".
    pub field: String,
    /// What is wrong, as the end of a sentence that starts with the field.
    pub problem: String,
}

impl BadField {
    /// A malformed field.
    pub fn new(field: impl Into<String>, problem: impl Into<String>) -> BadField {
        BadField { field: field.into(), problem: problem.into() }
    }

    /// The same field, seen from further out: `bad.within("transactions[3]")`.
    pub fn within(mut self, outer: &str) -> BadField {
        self.field.insert(0, '.');
        self.field.insert_str(0, outer);
        self
    }
}

impl From<BadField> for tonic::Status {
    fn from(bad: BadField) -> tonic::Status {
        proto::status::bad_field(&bad.field, &bad.problem)
    }
}

/// Says which field a problem belongs to.
fn at<T>(field: &str, value: Result<T, Problem>) -> Result<T, BadField> {
    value.map_err(|problem| BadField::new(field, problem))
}

/// A part of a message that must be there.
fn given<'a, T>(field: &str, part: &'a Option<T>) -> Result<&'a T, BadField> {
    part.as_ref().ok_or_else(|| BadField::new(field, "is missing"))
}

// ---- From the wire ------------------------------------------------------------------------------------------------

/// A transaction as the ledger takes it.
pub fn transaction_from_proto(transaction: &pb::Transaction) -> Result<Transaction, BadField> {
    if transaction.signature.len() > SIGNATURE_BYTES_MAX {
        return Err(BadField::new("signature", format!("is longer than {SIGNATURE_BYTES_MAX} bytes")));
    }
    Ok(Transaction {
        request: at("request_id", text::request_id(&transaction.request_id))?,
        caller: caller_from_proto(transaction.caller.as_ref())?,
        not_after: stamp_if_given("not_after", &transaction.not_after)?,
        signature: transaction.signature.to_vec(),
        call: call_from_proto(given("call", &transaction.call)?)?,
    })
}

/// A request id, of a field.
pub fn request_id_from_proto(field: &str, id: &str) -> Result<RequestId, BadField> {
    at(field, text::request_id(id))
}

/// A person, of a field.
pub fn person_from_proto(field: &str, person: &str) -> Result<Person, BadField> {
    at(field, text::person(person))
}

/// A relation, of a field.
pub fn relation_from_proto(field: &str, relation: &str) -> Result<RelationId, BadField> {
    at(field, text::relation(relation))
}

/// A payment, of a field.
pub fn payment_from_proto(field: &str, payment: &str) -> Result<PaymentId, BadField> {
    at(field, text::payment(payment))
}

/// A month, of a field.
pub fn month_from_proto(field: &str, month: &str) -> Result<Month, BadField> {
    at(field, text::month(month))
}

/// A province to choose by, of a field; none for an empty one.
pub fn province_if_given(field: &str, province: &str) -> Result<Option<Province>, BadField> {
    if province.is_empty() { Ok(None) } else { at(field, text::province(province)).map(Some) }
}

/// A cluster's id, of a field.
pub fn cluster_from_proto(field: &str, cluster: &str) -> Result<[u8; 16], BadField> {
    at(field, text::uuid(cluster))
}

/// Who asks, of the field `caller`.
pub fn caller_from_proto(caller: Option<&pb::Caller>) -> Result<Caller, BadField> {
    let caller = caller.ok_or_else(|| BadField::new("caller", "is missing"))?;
    Ok(match given("caller", &caller.who)? {
        Who::National(pb::National {}) => Caller::National,
        Who::Province(code) => Caller::Province(at("caller.province", text::province(code))?),
        Who::Agency(code) => Caller::Agency(at("caller.agency", text::area(code))?),
        Who::Institution(code) => Caller::Institution(at("caller.institution", text::institution(code))?),
        Who::Person(id) => Caller::Person(at("caller.person", text::person(id))?),
        Who::Auditor(pb::Auditor {}) => Caller::Auditor,
        Who::Node(pb::Node {}) => Caller::Node,
    })
}

/// A policy, of a field. Whether its numbers make sense is the ledger's to say.
pub fn policy_from_proto(field: &str, policy: &pb::Policy) -> Result<Policy, BadField> {
    let small = |name: &str, number: u32| {
        u16::try_from(number).map_err(|_| BadField::new(format!("{field}.{name}"), "is above 65535"))
    };
    Ok(Policy {
        request_window_ms: policy.request_window_ms,
        request_ahead_ms: policy.request_ahead_ms,
        proposal_days: small("proposal_days", policy.proposal_days)?,
        donors_max: small("donors_max", policy.donors_max)?,
        own_account_first: policy.own_account_first,
    })
}

fn stamp_from_proto(field: &str, stamp: &Timestamp) -> Result<Stamp, BadField> {
    at(field, text::stamp(stamp.seconds, stamp.nanos))
}

fn stamp_if_given(field: &str, stamp: &Option<Timestamp>) -> Result<Option<Stamp>, BadField> {
    stamp.as_ref().map(|stamp| stamp_from_proto(field, stamp)).transpose()
}

/// An enum of the wire and its twin in the ledger, both ways. A number that is not known or not given is malformed.
macro_rules! twins {
    ($($from:ident, $to:ident: $kind:ident { $($name:ident),* $(,)? })*) => {$(
        fn $from(field: &str, number: i32) -> Result<$kind, BadField> {
            match pb::$kind::try_from(number) {
                $(Ok(pb::$kind::$name) => Ok($kind::$name),)*
                Ok(pb::$kind::Unspecified) => Err(BadField::new(field, "is not given")),
                Err(_) => Err(BadField::new(field, format!("is unknown: {number}"))),
            }
        }

        fn $to(kind: $kind) -> i32 {
            (match kind { $($kind::$name => pb::$kind::$name),* }) as i32
        }
    )*};
}

twins! {
    insurance, of_insurance: Insurance { Employee, Resident }
    kinship, of_kinship: Kinship {
        Spouse, Parent, Child, Sibling, PaternalGrandparent, MaternalGrandparent, SonsChild, DaughtersChild,
    }
    kinship_scope, of_kinship_scope: KinshipScope { Narrow, Wide }
    institution_kind, of_institution_kind: InstitutionKind { Hospital, Pharmacy }
}

fn call_from_proto(call: &PbCall) -> Result<Call, BadField> {
    Ok(match call {
        PbCall::Genesis(it) => Call::Genesis {
            cluster: cluster_from_proto("genesis.cluster", &it.cluster)?,
            policy: policy_from_proto("genesis.policy", given("genesis.policy", &it.policy)?)?,
        },
        PbCall::RegisterProvince(it) => Call::RegisterProvince {
            province: at("register_province.province", text::province(&it.province))?,
            kinship: kinship_scope("register_province.kinship", it.kinship)?,
        },
        PbCall::RegisterArea(it) => {
            Call::RegisterArea { area: at("register_area.area", text::area(&it.area))? }
        }
        PbCall::SetAreaOpen(it) => Call::SetAreaOpen {
            area: at("set_area_open.area", text::area(&it.area))?,
            from: stamp_from_proto("set_area_open.from", given("set_area_open.from", &it.from)?)?,
            until: stamp_if_given("set_area_open.until", &it.until)?,
        },
        PbCall::SetPolicy(it) => Call::SetPolicy {
            effective: stamp_from_proto(
                "set_policy.effective",
                given("set_policy.effective", &it.effective)?,
            )?,
            policy: policy_from_proto("set_policy.policy", given("set_policy.policy", &it.policy)?)?,
        },
        PbCall::RegisterInstitution(it) => Call::RegisterInstitution {
            institution: at("register_institution.institution", text::institution(&it.institution))?,
            kind: institution_kind("register_institution.kind", it.kind)?,
            area: at("register_institution.area", text::area(&it.area))?,
            wallet_open: it.wallet_open,
        },
        PbCall::EnrolPerson(it) => Call::EnrolPerson {
            person: at("enrol_person.person", text::person(&it.person))?,
            insurance: insurance("enrol_person.insurance", it.insurance)?,
            area: at("enrol_person.area", text::area(&it.area))?,
        },
        PbCall::CreditAccount(it) => Call::CreditAccount {
            person: at("credit_account.person", text::person(&it.person))?,
            amount: at("credit_account.amount", text::yuan(&it.amount))?,
            period: at("credit_account.period", text::month(&it.period))?,
        },
        PbCall::ActivateWallet(it) => {
            Call::ActivateWallet { person: at("activate_wallet.person", text::person(&it.person))? }
        }
        PbCall::ProposeRelation(it) => Call::ProposeRelation {
            donor: at("propose_relation.donor", text::person(&it.donor))?,
            beneficiary: at("propose_relation.beneficiary", text::person(&it.beneficiary))?,
            kinship: kinship("propose_relation.kinship", it.kinship)?,
        },
        PbCall::AcceptRelation(it) => {
            Call::AcceptRelation { relation: at("accept_relation.relation", text::relation(&it.relation))? }
        }
        PbCall::DeclineRelation(it) => {
            Call::DeclineRelation { relation: at("decline_relation.relation", text::relation(&it.relation))? }
        }
        PbCall::SetQuota(it) => Call::SetQuota {
            relation: at("set_quota.relation", text::relation(&it.relation))?,
            amount: at("set_quota.amount", text::yuan(&it.amount))?,
        },
        PbCall::ReduceQuota(it) => Call::ReduceQuota {
            relation: at("reduce_quota.relation", text::relation(&it.relation))?,
            amount: at("reduce_quota.amount", text::yuan(&it.amount))?,
        },
        PbCall::SetPriority(it) => Call::SetPriority {
            beneficiary: at("set_priority.beneficiary", text::person(&it.beneficiary))?,
            order: order_from_proto(&it.order)?,
        },
        PbCall::Settle(it) => Call::Settle {
            beneficiary: at("settle.beneficiary", text::person(&it.beneficiary))?,
            institution: at("settle.institution", text::institution(&it.institution))?,
            amount: at("settle.amount", text::yuan(&it.amount))?,
            use_own_account: it.use_own_account.unwrap_or(true),
            all_or_nothing: it.all_or_nothing,
        },
        PbCall::Refund(it) => Call::Refund {
            payment: at("refund.payment", text::payment(&it.payment))?,
            amount: it.amount.as_deref().map(|amount| at("refund.amount", text::yuan(amount))).transpose()?,
        },
        PbCall::ReleaseRelation(it) => {
            Call::ReleaseRelation { relation: at("release_relation.relation", text::relation(&it.relation))? }
        }
        PbCall::Tick(pb::Tick {}) => Call::Tick,
    })
}

fn order_from_proto(order: &[String]) -> Result<Vec<RelationId>, BadField> {
    if order.len() > ORDER_MAX {
        return Err(BadField::new("set_priority.order", format!("names more than {ORDER_MAX} relations")));
    }
    let read = |(i, id): (usize, &String)| {
        text::relation(id).map_err(|problem| BadField::new(format!("set_priority.order[{i}]"), problem))
    };
    order.iter().enumerate().map(read).collect()
}

// ---- To the wire: transactions --------------------------------------------------------------------------------------

/// A transaction on the wire.
pub fn transaction_to_proto(transaction: &Transaction) -> pb::Transaction {
    pb::Transaction {
        request_id: of_request_id(transaction.request),
        caller: Some(caller_to_proto(transaction.caller)),
        not_after: transaction.not_after.map(stamp_to_proto),
        signature: transaction.signature.clone().into(),
        call: Some(call_to_proto(&transaction.call)),
    }
}

/// Who asks.
pub fn caller_to_proto(caller: Caller) -> pb::Caller {
    let who = match caller {
        Caller::National => Who::National(pb::National {}),
        Caller::Province(province) => Who::Province(of_province(province)),
        Caller::Agency(area) => Who::Agency(of_area(area)),
        Caller::Institution(institution) => Who::Institution(of_institution(institution)),
        Caller::Person(person) => Who::Person(of_person(person)),
        Caller::Auditor => Who::Auditor(pb::Auditor {}),
        Caller::Node => Who::Node(pb::Node {}),
    };
    pb::Caller { who: Some(who) }
}

/// A moment.
pub fn stamp_to_proto(stamp: Stamp) -> Timestamp {
    let (seconds, nanos) = text::of_stamp(stamp);
    Timestamp { seconds, nanos }
}

/// A policy.
pub fn policy_to_proto(policy: &Policy) -> pb::Policy {
    pb::Policy {
        request_window_ms: policy.request_window_ms,
        request_ahead_ms: policy.request_ahead_ms,
        proposal_days: policy.proposal_days.into(),
        donors_max: policy.donors_max.into(),
        own_account_first: policy.own_account_first,
    }
}

/// A cluster's id.
pub fn cluster_to_proto(cluster: [u8; 16]) -> String {
    of_uuid(cluster)
}

fn call_to_proto(call: &Call) -> PbCall {
    match call {
        Call::Genesis { cluster, policy } => {
            PbCall::Genesis(pb::Genesis { cluster: of_uuid(*cluster), policy: Some(policy_to_proto(policy)) })
        }
        Call::RegisterProvince { province, kinship } => PbCall::RegisterProvince(pb::RegisterProvince {
            province: of_province(*province),
            kinship: of_kinship_scope(*kinship),
        }),
        Call::RegisterArea { area } => PbCall::RegisterArea(pb::RegisterArea { area: of_area(*area) }),
        Call::SetAreaOpen { area, from, until } => PbCall::SetAreaOpen(pb::SetAreaOpen {
            area: of_area(*area),
            from: Some(stamp_to_proto(*from)),
            until: until.map(stamp_to_proto),
        }),
        Call::SetPolicy { effective, policy } => PbCall::SetPolicy(pb::SetPolicy {
            effective: Some(stamp_to_proto(*effective)),
            policy: Some(policy_to_proto(policy)),
        }),
        Call::RegisterInstitution { institution, kind, area, wallet_open } => {
            PbCall::RegisterInstitution(pb::RegisterInstitution {
                institution: of_institution(*institution),
                kind: of_institution_kind(*kind),
                area: of_area(*area),
                wallet_open: *wallet_open,
            })
        }
        Call::EnrolPerson { person, insurance, area } => PbCall::EnrolPerson(pb::EnrolPerson {
            person: of_person(*person),
            insurance: of_insurance(*insurance),
            area: of_area(*area),
        }),
        Call::CreditAccount { person, amount, period } => PbCall::CreditAccount(pb::CreditAccount {
            person: of_person(*person),
            amount: of_yuan(*amount),
            period: of_month(*period),
        }),
        Call::ActivateWallet { person } => {
            PbCall::ActivateWallet(pb::ActivateWallet { person: of_person(*person) })
        }
        Call::ProposeRelation { donor, beneficiary, kinship } => {
            PbCall::ProposeRelation(pb::ProposeRelation {
                donor: of_person(*donor),
                beneficiary: of_person(*beneficiary),
                kinship: of_kinship(*kinship),
            })
        }
        Call::AcceptRelation { relation } => {
            PbCall::AcceptRelation(pb::AcceptRelation { relation: of_relation(*relation) })
        }
        Call::DeclineRelation { relation } => {
            PbCall::DeclineRelation(pb::DeclineRelation { relation: of_relation(*relation) })
        }
        Call::SetQuota { relation, amount } => {
            PbCall::SetQuota(pb::SetQuota { relation: of_relation(*relation), amount: of_yuan(*amount) })
        }
        Call::ReduceQuota { relation, amount } => PbCall::ReduceQuota(pb::ReduceQuota {
            relation: of_relation(*relation),
            amount: of_yuan(*amount),
        }),
        Call::SetPriority { beneficiary, order } => PbCall::SetPriority(pb::SetPriority {
            beneficiary: of_person(*beneficiary),
            order: order.iter().copied().map(of_relation).collect(),
        }),
        Call::Settle { beneficiary, institution, amount, use_own_account, all_or_nothing } => {
            PbCall::Settle(pb::Settle {
                beneficiary: of_person(*beneficiary),
                institution: of_institution(*institution),
                amount: of_yuan(*amount),
                use_own_account: Some(*use_own_account),
                all_or_nothing: *all_or_nothing,
            })
        }
        Call::Refund { payment, amount } => {
            PbCall::Refund(pb::Refund { payment: of_payment(*payment), amount: amount.map(of_yuan) })
        }
        Call::ReleaseRelation { relation } => {
            PbCall::ReleaseRelation(pb::ReleaseRelation { relation: of_relation(*relation) })
        }
        Call::Tick => PbCall::Tick(pb::Tick {}),
    }
}
