//! Payments, refunds and holds.

use super::super::enums::*;
use super::super::stamp_to_proto;
use super::super::text::*;
use ledger::table::{Destination, HoldRecord, HoldState, Payee, PaymentRecord, RefundPart, RefundRecord};
use ledger::{Fen, HoldId, PaymentId, RefundId};
use proto::v1::{self as pb, refund_part};

/// Who is paid, as the fields that say so.
pub(super) struct PayeeFields {
    pub institution: String,
    pub med_type: String,
    pub premium: i32,
    pub premium_year: u32,
}

impl From<&Payee> for PayeeFields {
    fn from(payee: &Payee) -> PayeeFields {
        match *payee {
            Payee::Institution(institution, med_type) => PayeeFields {
                institution: of_institution(institution),
                med_type: of_med_type(med_type),
                premium: 0,
                premium_year: 0,
            },
            Payee::Premium(premium, year) => PayeeFields {
                institution: String::new(),
                med_type: String::new(),
                premium: of_premium(premium),
                premium_year: year.into(),
            },
        }
    }
}

/// A settlement or a premium.
pub fn payment_to_proto(payment: PaymentId, record: &PaymentRecord) -> pb::Payment {
    let PayeeFields { institution, med_type, premium, premium_year } = (&record.payee).into();
    let refunded = record.amount.checked_sub(record.left()).unwrap_or(Fen::ZERO);
    pb::Payment {
        payment: of_payment(payment),
        beneficiary: of_person(record.beneficiary),
        institution,
        area: of_area(record.area),
        at: Some(stamp_to_proto(record.at)),
        usage: of_use(record.usage),
        amount: of_yuan(record.amount),
        own: Some(pb::OwnPart {
            area: of_area(record.own.area),
            amount: of_yuan(record.own.amount),
            refunded: of_yuan(record.own.refunded),
        }),
        legs: record
            .legs
            .iter()
            .map(|leg| pb::Leg {
                relation: of_relation(leg.relation),
                donor: of_person(leg.donor),
                area: of_area(leg.area),
                amount: of_yuan(leg.amount),
                refunded: of_yuan(leg.refunded),
            })
            .collect(),
        cash: of_yuan(record.cash),
        cash_refunded: of_yuan(record.cash_refunded),
        own_first: record.own_first,
        med_type,
        premium,
        premium_year,
        insurance: of_insurance(record.insurance),
        home: of_area(record.home),
        authorised_at: Some(stamp_to_proto(record.authorised)),
        reinstated: record.reinstated,
        refunded: of_yuan(refunded),
    }
}

/// A refund, or the undoing of one.
pub fn refund_to_proto(refund: RefundId, record: &RefundRecord) -> pb::RefundRecord {
    pb::RefundRecord {
        refund: of_refund(refund),
        payment: of_payment(record.payment),
        at: Some(stamp_to_proto(record.at)),
        amount: of_yuan(record.amount),
        cash: of_yuan(record.cash),
        own: record.own.as_ref().map(part_to_proto),
        legs: record.legs.iter().map(part_to_proto).collect(),
        undoes: record.undoes.map(of_refund).unwrap_or_default(),
        undone: record.undone,
    }
}

fn part_to_proto(part: &RefundPart) -> pb::RefundPart {
    pb::RefundPart {
        leg: part.place.into(),
        amount: of_yuan(part.amount),
        to: Some(match part.to {
            Destination::Quota(area) => refund_part::To::Quota(of_area(area)),
            Destination::Account(area) => refund_part::To::Account(of_area(area)),
            Destination::Transit(case) => refund_part::To::Transit(of_case(case)),
        }),
    }
}

/// An authorised spending.
pub fn hold_to_proto(hold: HoldId, record: &HoldRecord) -> pb::Hold {
    let (state, payment) = match record.state {
        HoldState::Held => (pb::HoldState::Held, None),
        HoldState::Confirmed { payment } => (pb::HoldState::Confirmed, Some(payment)),
        HoldState::Voided => (pb::HoldState::Voided, None),
        HoldState::TimedOut => (pb::HoldState::TimedOut, None),
    };
    pb::Hold {
        hold: of_hold(hold),
        beneficiary: of_person(record.beneficiary),
        institution: of_institution(record.institution),
        med_type: of_med_type(record.med_type),
        area: of_area(record.area),
        usage: of_use(record.usage),
        at: Some(stamp_to_proto(record.at)),
        expires_at: Some(stamp_to_proto(record.expires)),
        amount: of_yuan(record.amount),
        own: of_yuan(record.own),
        legs: record
            .legs
            .iter()
            .map(|leg| pb::HeldLeg {
                relation: of_relation(leg.relation),
                donor: of_person(leg.donor),
                amount: of_yuan(leg.amount),
            })
            .collect(),
        cash: of_yuan(record.cash),
        own_first: record.own_first,
        state: state as i32,
        payment: payment.map(of_payment).unwrap_or_default(),
    }
}
