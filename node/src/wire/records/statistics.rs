//! The published report, and the reconciliation of a day.

use super::super::enums::*;
use super::super::stamp_to_proto;
use super::super::text::*;
use super::spending::PayeeFields;
use ledger::Month;
use ledger::reconcile::{ClearingType, Detail, Group, Parts, Total};
use ledger::statistics::{Figure, Line, Report};
use proto::v1 as pb;

/// The report of a year until a month.
pub fn statistics_to_proto(report: &Report) -> pb::Statistics {
    let line = |line: &Line| Some(line_to_proto(line));
    let provinces = report.provinces.iter().map(|(province, figures)| pb::StatisticsProvince {
        province: of_province(*province),
        line: line(figures),
    });
    pb::Statistics {
        from: of_month(Month { month: 1, ..report.until }),
        until: of_month(report.until),
        total: line(&report.total),
        same_area: line(&report.same_area),
        in_province: line(&report.in_province),
        cross_province: line(&report.cross_province),
        institution: line(&report.institution),
        pharmacy: line(&report.pharmacy),
        premium: line(&report.premium),
        other: line(&report.other),
        residual: line(&report.residual),
        provinces: provinces.collect(),
        top_by_count: report.top_by_count.iter().copied().map(of_province).collect(),
        top_by_amount: report.top_by_amount.iter().copied().map(of_province).collect(),
    }
}

fn line_to_proto(line: &Line) -> pb::StatisticsLine {
    pb::StatisticsLine { sum: Some(figure_to_proto(&line.sum)), growth: Some(figure_to_proto(&line.growth)) }
}

fn figure_to_proto(figure: &Figure) -> pb::Figure {
    pb::Figure {
        // Nobody counts so far; what cannot be written is the most that can.
        count: i64::try_from(figure.count).unwrap_or(if figure.count < 0 { i64::MIN } else { i64::MAX }),
        amount: of_fen(figure.fen),
        count_in_wan: figure.count_in_wan().to_string(),
        count_in_yi: figure.count_in_yi().to_string(),
        amount_in_wan: figure.amount_in_wan().to_string(),
        amount_in_yi: figure.amount_in_yi().to_string(),
    }
}

/// A row of a day.
pub fn detail_to_proto(detail: &Detail) -> pb::ReconcileRow {
    let PayeeFields { institution, med_type, premium, premium_year } = (&detail.payee).into();
    pb::ReconcileRow {
        position: of_position(detail.position),
        payment: of_payment(detail.payment),
        refund: detail.refund.map(of_refund).unwrap_or_default(),
        at: Some(stamp_to_proto(detail.at)),
        institution,
        med_type,
        premium,
        premium_year,
        insurance: of_insurance(detail.group.insurance),
        clearing_type: of_clearing_type(detail.group.clearing),
        is_refund: detail.group.refund,
        parts: Some(parts_to_proto(&detail.parts)),
    }
}

/// A total of a day.
pub fn total_to_proto(group: &Group, total: &Total) -> pb::ReconcileTotal {
    pb::ReconcileTotal {
        insurance: of_insurance(group.insurance),
        clearing_type: of_clearing_type(group.clearing),
        is_refund: group.refund,
        count: total.count,
        parts: Some(parts_to_proto(&total.parts)),
    }
}

fn parts_to_proto(parts: &Parts) -> pb::ReconcileParts {
    pb::ReconcileParts {
        amount: of_fen(parts.amount),
        own: of_fen(parts.own),
        aid: of_fen(parts.aid),
        cash: of_fen(parts.cash),
    }
}

fn of_clearing_type(clearing: ClearingType) -> i32 {
    (match clearing {
        ClearingType::Outpatient => pb::ClearingType::Outpatient,
        ClearingType::Inpatient => pb::ClearingType::Inpatient,
        ClearingType::Pharmacy => pb::ClearingType::Pharmacy,
        ClearingType::Deferred => pb::ClearingType::Deferred,
        ClearingType::ResidentPremium => pb::ClearingType::ResidentPremium,
        ClearingType::CarePremium => pb::ClearingType::CarePremium,
    }) as i32
}
