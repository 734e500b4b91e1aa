//! The words on the wire and the types of the contract: the only place that converts between them.
//!
//! Towards the ledger a conversion either succeeds or names the field and what is wrong with it ([`BadField`]): the
//! request is turned away at the door and never enters the log. From the ledger every conversion succeeds.

mod answers;
mod calls;
mod enums;
mod events;
mod movements;
mod policy;
mod records;
mod text;

#[cfg(test)]
mod tests;

pub use answers::*;
pub use calls::{CALENDAR_DAYS_MAX, ORDER_MAX};
pub use events::event_to_proto;
pub use movements::*;
pub use policy::{policy_from_proto, policy_to_proto};
pub use records::*;

use calls::{call_from_proto, call_to_proto};
use ledger::command::Premium;
use ledger::{
    Area, Caller, CaseId, Day, HoldId, Institution, Month, OfferId, PaymentId, Person, Province, RefundId,
    RelationId, RequestId, Stamp, Transaction,
};
use prost_types::Timestamp;
use proto::v1::{self as pb, caller::Who};
use text::{Problem, of_area, of_institution, of_person, of_province, of_request_id, of_uuid};

/// The longest signature, in bytes.
pub const SIGNATURE_BYTES_MAX: usize = 512;

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

/// Values that questions name, each of a field.
macro_rules! of_field {
    ($($name:ident, $read:ident: $kind:ident;)*) => {$(
        #[doc = concat!("A `", stringify!($kind), "`, of a field.")]
        pub fn $name(field: &str, value: &str) -> Result<$kind, BadField> {
            at(field, text::$read(value))
        }
    )*};
}

of_field! {
    request_id_from_proto, request_id: RequestId;
    person_from_proto, person: Person;
    relation_from_proto, relation: RelationId;
    payment_from_proto, payment: PaymentId;
    offer_from_proto, offer: OfferId;
    hold_from_proto, hold: HoldId;
    refund_from_proto, refund: RefundId;
    case_from_proto, case: CaseId;
    institution_from_proto, institution: Institution;
    province_from_proto, province: Province;
    area_from_proto, area: Area;
    month_from_proto, month: Month;
    day_from_proto, day: Day;
}

/// A year, of a field.
pub fn year_from_proto(field: &str, year: u32) -> Result<u16, BadField> {
    at(field, text::year(year))
}

/// A premium, of a field.
pub fn premium_from_proto(field: &str, number: i32) -> Result<Premium, BadField> {
    enums::premium(field, number)
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

fn stamp_from_proto(field: &str, stamp: &Timestamp) -> Result<Stamp, BadField> {
    at(field, text::stamp(stamp.seconds, stamp.nanos))
}

fn stamp_if_given(field: &str, stamp: &Option<Timestamp>) -> Result<Option<Stamp>, BadField> {
    stamp.as_ref().map(|stamp| stamp_from_proto(field, stamp)).transpose()
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

/// A request id.
pub fn request_id_to_proto(request: RequestId) -> String {
    of_request_id(request)
}

/// A cluster's id.
pub fn cluster_to_proto(cluster: [u8; 16]) -> String {
    of_uuid(cluster)
}
