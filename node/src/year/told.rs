//! What the ledger reports, in the words of the independent count, so that the two can be compared.

use super::count::{Figure, Report, Row, Use};
use super::run::signed_fen;
use client::v1;
use std::collections::BTreeMap;

/// The ledger's report.
pub fn report(told: &v1::Statistics) -> Report {
    let lines = [
        ("total", &told.total),
        ("same area", &told.same_area),
        ("in province", &told.in_province),
        ("cross province", &told.cross_province),
        ("institution", &told.institution),
        ("pharmacy", &told.pharmacy),
        ("premium", &told.premium),
        ("other", &told.other),
        ("residual", &told.residual),
    ];
    let mut rows: BTreeMap<String, Row> =
        lines.into_iter().map(|(name, line)| (name.to_owned(), row(line.as_ref()))).collect();
    for province in &told.provinces {
        rows.insert(format!("province {}", province.province), row(province.line.as_ref()));
    }
    rows.retain(|_, row| *row != Row::default());
    Report { rows, top_by_count: told.top_by_count.clone(), top_by_amount: told.top_by_amount.clone() }
}

fn row(line: Option<&v1::StatisticsLine>) -> Row {
    let figure = |figure: Option<&v1::Figure>| {
        figure.map_or(Figure::default(), |figure| Figure {
            count: i128::from(figure.count),
            fen: signed_fen(&figure.amount),
        })
    };
    line.map_or(Row::default(), |line| Row {
        sum: figure(line.sum.as_ref()),
        growth: figure(line.growth.as_ref()),
    })
}

/// What an obligation is for.
pub fn usage(told: v1::Use) -> Option<Use> {
    Some(match told {
        v1::Use::Institution => Use::Institution,
        v1::Use::Pharmacy => Use::Pharmacy,
        v1::Use::ResidentPremium => Use::ResidentPremium,
        v1::Use::CarePremium => Use::CarePremium,
        v1::Use::Other => Use::Other,
        v1::Use::Unspecified => return None,
    })
}

/// Where two reports differ, by name; nowhere if they are the same.
pub fn differences(counted: &Report, told: &Report) -> Vec<String> {
    let mut names: Vec<&String> = counted.rows.keys().chain(told.rows.keys()).collect();
    names.sort();
    names.dedup();
    let of = |report: &Report, name: &String| report.rows.get(name).copied().unwrap_or_default();
    let mut found: Vec<String> = names
        .into_iter()
        .filter(|name| of(counted, name) != of(told, name))
        .map(|name| format!("{name}: counted {:?}, told {:?}", of(counted, name), of(told, name)))
        .collect();
    if counted.top_by_count != told.top_by_count {
        found.push(format!("top by 人次: counted {:?}, told {:?}", counted.top_by_count, told.top_by_count));
    }
    if counted.top_by_amount != told.top_by_amount {
        found.push(format!(
            "top by amount: counted {:?}, told {:?}",
            counted.top_by_amount, told.top_by_amount
        ));
    }
    found
}
