//! Obligations and their movements, both ways: a statement of a month is made from what a node answers.

use super::enums::{of_use, usage};
use super::text::{self, of_area, of_case, of_fen, of_payment, of_position, of_relation};
use super::{BadField, at, given, stamp_from_proto, stamp_to_proto};
use ledger::Month;
use ledger::movements::{Kind, Movement};
use ledger::table::ObligationRecord;
use ledger::views::Obligation;
use proto::v1 as pb;

/// A movement.
pub fn movement_to_proto(movement: &Movement) -> pb::Movement {
    let kind = match movement.kind {
        Kind::Payment => pb::MovementKind::Payment,
        Kind::Refund => pb::MovementKind::Refund,
        Kind::Undoing => pb::MovementKind::Undoing,
        Kind::Portability => pb::MovementKind::Portability,
    };
    pb::Movement {
        position: of_position(movement.position),
        line: movement.line.into(),
        at: Some(stamp_to_proto(movement.at)),
        kind: kind as i32,
        payment: movement.payment.map(of_payment).unwrap_or_default(),
        case: movement.case.map(of_case).unwrap_or_default(),
        payer: of_area(movement.payer),
        payee: of_area(movement.payee),
        usage: of_use(movement.usage),
        amount: of_fen(movement.fen.into()),
        relation: movement.relation.map(of_relation).unwrap_or_default(),
    }
}

/// A movement that a node told.
pub fn movement_from_proto(movement: &pb::Movement) -> Result<Movement, BadField> {
    let kind = match movement.kind() {
        pb::MovementKind::Payment => Kind::Payment,
        pb::MovementKind::Refund => Kind::Refund,
        pb::MovementKind::Undoing => Kind::Undoing,
        pb::MovementKind::Portability => Kind::Portability,
        pb::MovementKind::Unspecified => return Err(BadField::new("kind", "is not given")),
    };
    let line = u16::try_from(movement.line).map_err(|_| BadField::new("line", "is too large"))?;
    let (negative, amount) = match movement.amount.strip_prefix('-') {
        Some(amount) => (true, amount),
        None => (false, movement.amount.as_str()),
    };
    let fen = at("amount", text::yuan(amount))?.get() as i64; // below 2^63
    Ok(Movement {
        position: at("position", text::position(&movement.position))?,
        line,
        at: stamp_from_proto("at", given("at", &movement.at)?)?,
        kind,
        payment: if_given("payment", &movement.payment, text::payment)?,
        case: if_given("case", &movement.case, text::case)?,
        payer: at("payer", text::area(&movement.payer))?,
        payee: at("payee", text::area(&movement.payee))?,
        usage: usage("usage", movement.usage)?,
        fen: if negative { -fen } else { fen },
        relation: if_given("relation", &movement.relation, text::relation)?,
    })
}

fn if_given<T>(
    field: &str,
    value: &str,
    read: impl Fn(&str) -> Result<T, text::Problem>,
) -> Result<Option<T>, BadField> {
    if value.is_empty() { Ok(None) } else { at(field, read(value)).map(Some) }
}

/// An obligation that a node told, and its month.
pub fn obligation_from_proto(obligation: &pb::Obligation) -> Result<(Month, Obligation), BadField> {
    let record = ObligationRecord {
        charged: at("charged", text::sum(&obligation.charged))?,
        refunded: at("refunded", text::sum(&obligation.refunded))?,
    };
    let told = Obligation {
        payer: at("payer", text::area(&obligation.payer))?,
        payee: at("payee", text::area(&obligation.payee))?,
        usage: usage("usage", obligation.usage)?,
        record,
    };
    Ok((at("month", text::month(&obligation.month))?, told))
}
