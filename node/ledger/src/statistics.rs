//! The published report (domain.md 1.10), summed up from the tallies of its months: cumulative from January on, whole
//! numbers only. It is rounded when it is printed, never before.

use crate::id::{Area, Province};
use crate::stamp::Month;
use crate::table::{Key, Row, Scope, TallyRecord, Use};
use crate::view::{View, scan_between};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::fmt;
use core::ops::{Add, AddAssign, Sub};

/// Rows that are read at a time.
const PAGE_ROWS: usize = 1_024;
/// How many provinces are named for their 人次, and for their amount.
const TOP: usize = 5;
/// 万, ten thousand.
const WAN: i128 = 10_000;
/// 亿, a hundred million.
const YI: i128 = 100_000_000;
/// Fen of one yuan.
const YUAN: i128 = 100;

/// A count and an amount, net of refunds: both may be below zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Figure {
    /// 人次.
    pub count: i128,
    /// The amount, in fen.
    pub fen: i128,
}

/// A line of the report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// Cumulative from January on.
    pub sum: Figure,
    /// Of it, what came since the cumulative report until the month before. January's has none before it in its year:
    /// there it is the whole.
    pub growth: Figure,
}

/// The report of a year until a month. The scope lines add up to the total; so do the use lines with the residual.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// From January of this year until this month, both included.
    pub until: Month,
    /// 总计.
    pub total: Line,
    /// 同一统筹区内.
    pub same_area: Line,
    /// 省内跨统筹区.
    pub in_province: Line,
    /// 跨省.
    pub cross_province: Line,
    /// 定点医疗机构.
    pub institution: Line,
    /// 定点零售药店.
    pub pharmacy: Line,
    /// 居民医保等个人缴费: 390 and 410 (domain.md 4, 44).
    pub premium: Line,
    /// Services that are none of the known ones where they were given.
    pub other: Line,
    /// The total less all uses: nothing in this ledger, but the published layout has it.
    pub residual: Line,
    /// By the donor's province, in the order of codes.
    pub provinces: Vec<(Province, Line)>,
    /// The five provinces with the most 人次, of equal ones the smaller code first.
    pub top_by_count: Vec<Province>,
    /// The five provinces with the largest amounts.
    pub top_by_amount: Vec<Province>,
}

/// The report from January of the month's year until it.
///
/// # Errors
/// The view's own fault.
pub fn report<V: View>(view: &V, until: Month) -> Result<Report, V::Fault> {
    let mut uses: BTreeMap<Use, Line> = BTreeMap::new();
    let mut scopes: BTreeMap<Scope, Line> = BTreeMap::new();
    let mut provinces: BTreeMap<Province, Line> = BTreeMap::new();
    let mut total = Line::default();
    visit(view, until, |month, giving, scope, usage, record| {
        let figure = record.net();
        let growth = if month == until { figure } else { Figure::default() };
        let line = Line { sum: figure, growth };
        total += line;
        *uses.entry(usage).or_default() += line;
        *scopes.entry(scope).or_default() += line;
        *provinces.entry(giving).or_default() += line;
    })?;
    let by_use = |usage| uses.get(&usage).copied().unwrap_or_default();
    let by_scope = |scope| scopes.get(&scope).copied().unwrap_or_default();
    let provinces: Vec<(Province, Line)> = provinces.into_iter().collect();
    let (institution, pharmacy) = (by_use(Use::Institution), by_use(Use::Pharmacy));
    let premium = by_use(Use::ResidentPremium) + by_use(Use::CarePremium);
    let other = by_use(Use::Other);
    Ok(Report {
        until,
        total,
        same_area: by_scope(Scope::SameArea),
        in_province: by_scope(Scope::InProvince),
        cross_province: by_scope(Scope::CrossProvince),
        institution,
        pharmacy,
        premium,
        other,
        residual: total - (institution + pharmacy + premium + other),
        top_by_count: top(&provinces, |figure| figure.count),
        top_by_amount: top(&provinces, |figure| figure.fen),
        provinces,
    })
}

/// Shows the tallies of the months from January until this one.
fn visit<V: View>(
    view: &V,
    until: Month,
    mut each: impl FnMut(Month, Province, Scope, Use, &TallyRecord),
) -> Result<(), V::Fault> {
    let first = |month| Key::Tally {
        month,
        giving: Area::MIN.province(),
        using: Area::MIN.province(),
        scope: Scope::SameArea,
        usage: Use::Institution,
    };
    let (from, end) = (first(Month { year: until.year, month: 1 }), first(until.next()));
    scan_between(view, from, end, PAGE_ROWS, |key, row| {
        if let (Key::Tally { month, giving, scope, usage, .. }, Row::Tally(record)) = (*key, row) {
            each(month, giving, scope, usage, record);
        }
        Ok(())
    })
}

fn top(provinces: &[(Province, Line)], by: impl Fn(Figure) -> i128) -> Vec<Province> {
    let mut some: Vec<(i128, Province)> =
        provinces.iter().map(|(province, line)| (by(line.sum), *province)).collect();
    some.retain(|(value, _)| *value > 0);
    some.sort_by_key(|(value, province)| (core::cmp::Reverse(*value), *province));
    some.into_iter().take(TOP).map(|(_, province)| province).collect()
}

impl TallyRecord {
    /// What is left of it without what was taken back.
    pub fn net(&self) -> Figure {
        Figure {
            count: i128::from(self.count) - i128::from(self.count_back),
            fen: self.paid.get() as i128 - self.refunded.get() as i128,
        }
    }
}

impl Report {
    /// The report of a ledger that would be so many times larger: for demonstrations at a stated scale.
    pub fn scaled(&self, factor: u32) -> Report {
        let scale = |line: &Line| line.scaled(factor);
        Report {
            until: self.until,
            total: scale(&self.total),
            same_area: scale(&self.same_area),
            in_province: scale(&self.in_province),
            cross_province: scale(&self.cross_province),
            institution: scale(&self.institution),
            pharmacy: scale(&self.pharmacy),
            premium: scale(&self.premium),
            other: scale(&self.other),
            residual: scale(&self.residual),
            provinces: self.provinces.iter().map(|(province, line)| (*province, scale(line))).collect(),
            top_by_count: self.top_by_count.clone(),
            top_by_amount: self.top_by_amount.clone(),
        }
    }
}

impl Figure {
    /// The 人次 in 亿.
    pub fn count_in_yi(&self) -> Hundredths {
        Hundredths::of(self.count, YI)
    }

    /// The 人次 in 万.
    pub fn count_in_wan(&self) -> Hundredths {
        Hundredths::of(self.count, WAN)
    }

    /// The amount in 亿元.
    pub fn amount_in_yi(&self) -> Hundredths {
        Hundredths::of(self.fen, YI * YUAN)
    }

    /// The amount in 万元.
    pub fn amount_in_wan(&self) -> Hundredths {
        Hundredths::of(self.fen, WAN * YUAN)
    }
}

/// A number as it is published: with two decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hundredths(
    /// A hundred times the number.
    pub i128,
);

impl Hundredths {
    /// The value in a unit, rounded half up (domain.md 4, 31).
    fn of(value: i128, unit: i128) -> Hundredths {
        let grain = unit / 100; // both units that are used have hundredths
        Hundredths((value + grain / 2).div_euclid(grain))
    }
}

impl fmt::Display for Hundredths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let magnitude = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:02}", magnitude / 100, magnitude % 100)
    }
}

impl Line {
    fn scaled(&self, factor: u32) -> Line {
        Line { sum: self.sum.scaled(factor), growth: self.growth.scaled(factor) }
    }
}

impl Figure {
    fn scaled(self, factor: u32) -> Figure {
        let factor = i128::from(factor);
        Figure { count: self.count * factor, fen: self.fen * factor }
    }
}

impl Add for Figure {
    type Output = Figure;

    fn add(self, other: Figure) -> Figure {
        Figure { count: self.count + other.count, fen: self.fen + other.fen }
    }
}

impl Sub for Figure {
    type Output = Figure;

    fn sub(self, other: Figure) -> Figure {
        Figure { count: self.count - other.count, fen: self.fen - other.fen }
    }
}

impl Add for Line {
    type Output = Line;

    fn add(self, other: Line) -> Line {
        Line { sum: self.sum + other.sum, growth: self.growth + other.growth }
    }
}

impl Sub for Line {
    type Output = Line;

    fn sub(self, other: Line) -> Line {
        Line { sum: self.sum - other.sum, growth: self.growth - other.growth }
    }
}

impl AddAssign for Line {
    fn add_assign(&mut self, other: Line) {
        *self = *self + other;
    }
}
