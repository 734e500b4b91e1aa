//! What may be read of the clearing: obligations, lines, the positions of provinces, and the use of their funds. Each is
//! a pure function of a state; those that list take a page at a time.

use crate::command::Policy;
use crate::id::{Area, Province};
use crate::money::Sum;
use crate::prepayment::Level;
use crate::stamp::{Month, Stamp};
use crate::table::{
    ClearingRecord, Key, LedgerRecord, ObligationRecord, PeriodRecord, PolicyRecord, PrepaymentRecord,
    Record, UsageRecord, Use,
};
use crate::view::{Found, View, find};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// Obligations that a sum over a month reads at a time.
const PAGE_ROWS: usize = 1_024;

/// What a payer's area owes a payee's for a month and a use, gross.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Obligation {
    /// Who owes.
    pub payer: Area,
    /// Whom.
    pub payee: Area,
    /// What for.
    pub usage: Use,
    /// How much.
    pub record: ObligationRecord,
}

/// A line of a closed month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Who owes.
    pub payer: Area,
    /// Whom.
    pub payee: Area,
    /// How much, and what has become of it.
    pub record: ClearingRecord,
}

/// How a month stands between provinces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Positions {
    /// When the month was closed; none for one that is open or being closed, whose positions are those of the
    /// obligations so far.
    pub closed: Option<Stamp>,
    /// The provinces that owe or are owed anything, in the order of their codes.
    pub provinces: Vec<Position>,
}

/// What a province's areas owe and are owed over the border. Lines inside the province are not in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The province.
    pub province: Province,
    /// What it owes others.
    pub owes: Sum,
    /// What others owe it.
    pub owed: Sum,
}

impl Position {
    /// What it comes to: below zero, the province owes. All positions of a month add up to nothing.
    pub fn net(&self) -> i128 {
        self.owed.get() as i128 - self.owes.get() as i128
    }
}

/// How much of its fund a province's clearing of a month uses (domain.md 5b, 16).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FundUsage {
    /// What the province owes others: of a closed month by its lines, else by what was charged and refunded so far.
    pub used: Sum,
    /// The fund; one of nothing where none was ever agreed.
    pub fund: PrepaymentRecord,
    /// `used` in percent of the fund's size, rounded down; none without a fund.
    pub percent: Option<u64>,
    /// Where that stands against the marks in force.
    pub level: Level,
}

/// What a province's fund should be (domain.md 2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recommended {
    /// Over how many of the last closed months the average runs; with none there is nothing to recommend.
    pub months: u8,
    /// What the province owed others in them.
    pub cleared: Sum,
    /// The average month, times the percentage of the policy, rounded half up to whole fen.
    pub size: Sum,
}

/// The first obligations of a month, at most `most`, behind `after`, in the order of payer, payee and use.
///
/// # Errors
/// The view's own fault.
pub fn obligations<V: View>(
    view: &V,
    month: Month,
    after: Option<(Area, Area, Use)>,
    most: usize,
) -> Result<Vec<Obligation>, V::Fault> {
    let (payer, payee, usage) = after.unwrap_or((Area::MIN, Area::MIN, Use::Institution));
    let from = Key::Obligation { month, payer, payee, usage };
    let until =
        Key::Obligation { month: month.next(), payer: Area::MIN, payee: Area::MIN, usage: Use::Institution };
    let rows = view.range(&from, &until, most.saturating_add(1))?;
    let found = rows.iter().filter_map(|(key, row)| match (*key, ObligationRecord::of_row(row)) {
        (Key::Obligation { payer, payee, usage, .. }, Some(record)) => {
            Some(Obligation { payer, payee, usage, record: *record })
        }
        _ => None,
    });
    Ok(found.filter(|found| after != Some((found.payer, found.payee, found.usage))).take(most).collect())
}

/// The first lines of a closed month, at most `most`, behind `after`, in the order of payer and payee. None while the
/// month is open or being closed.
///
/// # Errors
/// The view's own fault.
pub fn lines<V: View>(
    view: &V,
    month: Month,
    after: Option<(Area, Area)>,
    most: usize,
) -> Result<Vec<Line>, V::Fault> {
    if closed(view, month)?.is_none() {
        return Ok(Vec::new());
    }
    let (payer, payee) = after.unwrap_or((Area::MIN, Area::MIN));
    let from = Key::Clearing { month, payer, payee };
    let until = Key::Clearing { month: month.next(), payer: Area::MIN, payee: Area::MIN };
    let rows = view.range(&from, &until, most.saturating_add(1))?;
    let found = rows.iter().filter_map(|(key, row)| match (*key, ClearingRecord::of_row(row)) {
        (Key::Clearing { payer, payee, .. }, Some(record)) => {
            Some(Line { payer, payee, record: record.clone() })
        }
        _ => None,
    });
    Ok(found.filter(|found| after != Some((found.payer, found.payee))).take(most).collect())
}

/// How a month stands between provinces: as closed, or by the sum of its obligations so far.
///
/// # Errors
/// The view's own fault.
pub fn positions<V: View>(view: &V, month: Month) -> Result<Positions, V::Fault> {
    if let Some(period) = closed(view, month)? {
        let provinces = period.provinces.iter();
        let provinces = provinces.map(|(province, owes, owed)| Position {
            province: *province,
            owes: *owes,
            owed: *owed,
        });
        return Ok(Positions { closed: period.closed, provinces: provinces.collect() });
    }
    let mut sums: BTreeMap<Province, (Sum, Sum)> = BTreeMap::new();
    let mut post = |payer: Area, payee: Area, net: i128| {
        let (payer, payee) = if net < 0 { (payee, payer) } else { (payer, payee) };
        let (payer, payee, amount) = (payer.province(), payee.province(), Sum::new(net.unsigned_abs()));
        if payer != payee && net != 0 {
            let (owes, _) = sums.entry(payer).or_default();
            *owes = owes.and(amount);
            let (_, owed) = sums.entry(payee).or_default();
            *owed = owed.and(amount);
        }
    };
    // Over all uses of a pair first, as the close does: below zero it is owed the other way round.
    let mut pair: Option<(Area, Area, i128)> = None;
    let mut after = None;
    loop {
        let page = obligations(view, month, after, PAGE_ROWS)?;
        for Obligation { payer, payee, usage, record } in &page {
            after = Some((*payer, *payee, *usage));
            match &mut pair {
                Some((same, other, net)) if (&*same, &*other) == (payer, payee) => *net += record.net(),
                Some(_) | None => {
                    if let Some((payer, payee, net)) = pair.replace((*payer, *payee, record.net())) {
                        post(payer, payee, net);
                    }
                }
            }
        }
        if page.len() < PAGE_ROWS {
            break;
        }
    }
    if let Some((payer, payee, net)) = pair {
        post(payer, payee, net);
    }
    let provinces = sums.into_iter().map(|(province, (owes, owed))| Position { province, owes, owed });
    Ok(Positions { closed: None, provinces: provinces.collect() })
}

/// How much of its fund a province's clearing of a month uses.
///
/// # Errors
/// The view's own fault.
pub fn fund_usage<V: View>(view: &V, month: Month, province: Province) -> Result<FundUsage, V::Fault> {
    let used = match closed(view, month)? {
        Some(period) => owes(&period, province),
        None => {
            let usage = find::<V, UsageRecord>(view, &Key::Usage { month, province })?;
            let net = usage.map_or(0, |usage| usage.net());
            Sum::new(u128::try_from(net).unwrap_or(0)) // below zero, nothing of the fund is used
        }
    };
    let fund = find::<V, PrepaymentRecord>(view, &Key::Prepayment { province })?;
    let fund = fund.map_or_else(PrepaymentRecord::default, |fund| *fund);
    let percent = fund.percent(used);
    let level = match (percent, policy(view)?) {
        (Some(percent), Some((_, policy))) => policy.level(percent),
        (Some(_), None) | (None, _) => Level::Normal,
    };
    Ok(FundUsage { used, fund, percent, level })
}

/// What a province's fund should be: the average of the last months closed, as the policy in force says.
///
/// # Errors
/// The view's own fault.
pub fn recommended_fund<V: View>(view: &V, province: Province) -> Result<Recommended, V::Fault> {
    let mut recommended = Recommended { months: 0, cleared: Sum::ZERO, size: Sum::ZERO };
    let Some((ledger, policy)) = policy(view)? else { return Ok(recommended) };
    let mut month = ledger.clearing;
    while recommended.months < policy.prepayment_months {
        month = month.previous();
        let Some(period) = closed(view, month)? else { break };
        recommended.months += 1;
        recommended.cleared = recommended.cleared.and(owes(&period, province));
    }
    let parts = 100 * u128::from(recommended.months);
    let whole = recommended.cleared.get() * u128::from(policy.prepayment_percent);
    recommended.size = Sum::new((whole + parts / 2).checked_div(parts).unwrap_or(0)); // `parts` is even
    Ok(recommended)
}

fn owes(period: &PeriodRecord, province: Province) -> Sum {
    let place = period.provinces.binary_search_by_key(&province, |(other, ..)| *other);
    place.map_or(Sum::ZERO, |place| period.provinces[place].1)
}

/// The month's record, once it is closed.
fn closed<V: View>(view: &V, month: Month) -> Result<Option<Found<PeriodRecord>>, V::Fault> {
    let period = find::<V, PeriodRecord>(view, &Key::Period { month })?;
    Ok(period.filter(|period| period.closed.is_some()))
}

/// What the ledger knows of itself, and the parameters in force; none before genesis.
fn policy<V: View>(view: &V) -> Result<Option<(Found<LedgerRecord>, Policy)>, V::Fault> {
    let ledger = find::<V, LedgerRecord>(view, &Key::Ledger {})?;
    let policy = find::<V, PolicyRecord>(view, &Key::Policy {})?;
    Ok(ledger.zip(policy).map(|(ledger, policy)| {
        let in_force = policy.in_force(ledger.now);
        (ledger, in_force)
    }))
}
