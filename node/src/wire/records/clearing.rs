//! Obligations, months, lines, positions and funds.

use super::super::enums::*;
use super::super::stamp_to_proto;
use super::super::text::*;
use ledger::table::{ClearingRecord, ObligationRecord, PeriodRecord, Use};
use ledger::views::{FundUsage, Position, Recommended};
use ledger::{Area, Level, Month, Province};
use proto::v1 as pb;

/// What a payer's area owes a payee's area for a month and a use.
pub fn obligation_to_proto(
    month: Month,
    payer: Area,
    payee: Area,
    usage: Use,
    record: &ObligationRecord,
) -> pb::Obligation {
    pb::Obligation {
        month: of_month(month),
        payer: of_area(payer),
        payee: of_area(payee),
        usage: of_use(usage),
        charged: of_sum(record.charged),
        refunded: of_sum(record.refunded),
        owed: of_difference(record.charged, record.refunded),
    }
}

/// A month that is closed, or being closed.
pub fn period_to_proto(month: Month, record: &PeriodRecord) -> pb::Period {
    pb::Period {
        month: of_month(month),
        begun: of_position(record.begun),
        closed_at: record.closed.map(stamp_to_proto),
        obligations: record.obligations,
        lines: record.lines,
        total: of_sum(record.total),
        digest: of_hash(record.digest),
    }
}

/// A line of a closed month.
pub fn line_to_proto(month: Month, payer: Area, payee: Area, record: &ClearingRecord) -> pb::ClearingLine {
    let disputes = record.disputes.iter().map(|(at, province, reason, file)| pb::Dispute {
        at: Some(stamp_to_proto(*at)),
        province: of_province(*province),
        reason: of_dispute_reason(*reason),
        file: of_file(*file),
    });
    pb::ClearingLine {
        month: of_month(month),
        payer: of_area(payer),
        payee: of_area(payee),
        amount: of_sum(record.amount),
        payer_confirmed: record.payer_confirmed,
        payee_confirmed: record.payee_confirmed,
        advanced: of_sum(record.advanced),
        paid: of_sum(record.paid),
        refilled: of_sum(record.refilled),
        outstanding: of_sum(record.outstanding()),
        disputes: disputes.collect(),
    }
}

/// What a province owes and is owed over the border.
pub fn position_to_proto(position: &Position) -> pb::ProvincePosition {
    pb::ProvincePosition {
        province: of_province(position.province),
        owes: of_sum(position.owes),
        is_owed: of_sum(position.owed),
        net: of_fen(position.net()),
    }
}

/// A province's prepayment fund.
pub fn fund_to_proto(
    province: Province,
    month: Month,
    usage: &FundUsage,
    recommended: &Recommended,
) -> pb::Fund {
    let level = match usage.level {
        Level::Normal => pb::FundLevel::Normal,
        Level::Yellow => pb::FundLevel::Yellow,
        Level::Red => pb::FundLevel::Red,
    };
    pb::Fund {
        province: of_province(province),
        size: of_yuan(usage.fund.size),
        balance: of_yuan(usage.fund.balance),
        drawn: of_sum(usage.fund.drawn),
        funded: of_sum(usage.fund.funded),
        returned: of_sum(usage.fund.returned),
        month: of_month(month),
        used: of_sum(usage.used),
        percent: usage.percent,
        level: level as i32,
        recommended: of_sum(recommended.size),
        recommended_months: recommended.months.into(),
    }
}
