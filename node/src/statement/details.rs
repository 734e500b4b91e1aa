//! The movements of a month, a row each: too many to be held, so they pass by.

use super::facts::{Facts, clock};
use super::sheet::{Cell, Column, Kind, column, text};
use super::words;
use ledger::movements::Movement;
use ledger::table::Use;
use ledger::{Area, Position};
use std::collections::BTreeMap;

/// Headings of the movements.
pub const DETAILS: &[Column] = &[
    column("月份", "month", Kind::Id, 10),
    column("省份", "province", Kind::Id, 6),
    column("行号", "row", Kind::Id, 16),
    column("业务号", "transaction", Kind::Id, 14),
    column("日期", "day", Kind::Day, 11),
    column("时间", "time", Kind::Words, 9),
    column("类型", "kind", Kind::Words, 20),
    column("方向", "direction", Kind::Words, 14),
    column("付方统筹区", "payer", Kind::Id, 10),
    column("付方名称", "payer name", Kind::Words, 12),
    column("收方统筹区", "payee", Kind::Id, 10),
    column("收方名称", "payee name", Kind::Words, 12),
    column("用途", "use", Kind::Words, 24),
    column("金额", "amount", Kind::Money, 16),
    column("结算号", "payment", Kind::Id, 14),
    column("共济关系", "relation", Kind::Id, 14),
    column("转移接续案号", "case", Kind::Id, 14),
];

/// The row of a movement. It is named by its transaction and its place in it, alike in every province's statement.
pub fn row(facts: &Facts, movement: &Movement) -> Vec<Cell> {
    let (day, time) = clock(movement.at);
    let id = |position: Option<Position>| position.map_or(Cell::Blank, |position| text(position.to_string()));
    vec![
        text(facts.mark()),
        text(format!("{:02}", facts.province.code())),
        text(format!("{}-{}", movement.position, movement.line)),
        text(movement.position.to_string()),
        text(day),
        text(time),
        text(words::kind(movement.kind)),
        text(words::direction(movement.payer, movement.payee, facts.province)),
        text(movement.payer.to_string()),
        text(words::area(movement.payer)),
        text(movement.payee.to_string()),
        text(words::area(movement.payee)),
        text(words::usage(movement.usage)),
        Cell::Money(i128::from(movement.fen)),
        id(movement.payment.map(|payment| payment.0)),
        id(movement.relation.map(|relation| relation.0)),
        id(movement.case.map(|case| case.0)),
    ]
}

/// What the movements come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many there are.
    pub rows: u64,
    /// The transactions of the first and the last.
    pub reach: Option<(Position, Position)>,
    /// Charged and refunded, in fen, by payer, payee and use.
    pub lines: BTreeMap<(Area, Area, Use), (i128, i128)>,
}

impl Tally {
    /// Counts a movement in.
    pub fn add(&mut self, movement: &Movement) {
        self.rows += 1;
        let first = self.reach.map_or(movement.position, |(first, _)| first);
        self.reach = Some((first, movement.position));
        let (charged, refunded) =
            self.lines.entry((movement.payer, movement.payee, movement.usage)).or_default();
        let side = if movement.fen < 0 { refunded } else { charged };
        *side += i128::from(movement.fen).abs();
    }
}
