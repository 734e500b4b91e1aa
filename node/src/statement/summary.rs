//! What a province's areas owe and are owed, by counterparty: as pairs of areas, and by province.

use super::facts::{Facts, Line};
use super::sheet::{Cell, Column, Kind, Sheet, column, text};
use super::words;
use ledger::table::Use;
use ledger::{Area, Province};
use std::collections::BTreeMap;

/// An area of the province and one that it deals with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The province's own area; of two of its own, the one with the smaller code.
    pub ours: Area,
    /// The other area.
    pub theirs: Area,
    /// What ours owes.
    pub payable: Side,
    /// What ours is owed.
    pub receivable: Side,
    /// What comes to ours by use, less what goes: adds up to the net.
    pub by_use: [i128; USES],
}

/// One direction of a pair, in fen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Side {
    /// How much, by the obligations.
    pub amount: i128,
    /// The line of the closed month; none where nothing is owed.
    pub line: Option<Line>,
}

const USES: usize = words::USES.len();

impl Pair {
    /// Whether both areas lie in the province.
    pub fn is_inside(&self) -> bool {
        self.ours.province() == self.theirs.province()
    }

    /// What comes, less what goes.
    pub fn net(&self) -> i128 {
        self.receivable.amount - self.payable.amount
    }
}

impl Side {
    fn paid(&self) -> i128 {
        self.line.map_or(0, |line| line.paid)
    }

    fn advanced(&self) -> i128 {
        self.line.map_or(0, |line| line.advanced)
    }

    fn outstanding(&self) -> i128 {
        self.amount - self.paid()
    }
}

/// All pairs with anything between them: those over the border by our area and theirs, then those inside.
pub fn pairs(facts: &Facts) -> Vec<Pair> {
    let mut nets: BTreeMap<(Area, Area), [i128; USES]> = BTreeMap::new();
    for obligation in &facts.obligations {
        let net = nets.entry((obligation.payer, obligation.payee)).or_default();
        net[place(obligation.usage)] += obligation.charged - obligation.refunded;
    }
    let lines = facts.closed.iter().flat_map(|closed| &closed.lines);
    let lines: BTreeMap<(Area, Area), Line> = lines.map(|line| ((line.payer, line.payee), *line)).collect();
    let mut names: Vec<(bool, Area, Area)> = nets
        .keys()
        .chain(lines.keys())
        .map(|(payer, payee)| {
            let inside = payer.province() == payee.province();
            let payer_is_ours = if inside { payer < payee } else { payer.province() == facts.province };
            let (ours, theirs) = if payer_is_ours { (*payer, *payee) } else { (*payee, *payer) };
            (inside, ours, theirs)
        })
        .collect();
    names.sort_unstable();
    names.dedup();
    let pair = |(_, ours, theirs): (bool, Area, Area)| {
        let out = nets.get(&(ours, theirs)).copied().unwrap_or_default();
        let back = nets.get(&(theirs, ours)).copied().unwrap_or_default();
        let (out_sum, back_sum): (i128, i128) = (out.iter().sum(), back.iter().sum());
        // What came out below zero over all uses is owed the other way round, as the close has it.
        let payable = out_sum.max(0) + (-back_sum).max(0);
        let receivable = back_sum.max(0) + (-out_sum).max(0);
        let side = |amount, line: Option<&Line>| Side { amount, line: line.copied() };
        Pair {
            ours,
            theirs,
            payable: side(payable, lines.get(&(ours, theirs))),
            receivable: side(receivable, lines.get(&(theirs, ours))),
            by_use: std::array::from_fn(|place| back[place] - out[place]),
        }
    };
    names.into_iter().map(pair).collect()
}

fn place(usage: Use) -> usize {
    words::USES.iter().position(|known| *known == usage).expect("all uses are named")
}

/// Headings of the pairs.
pub const SUMMARY: &[Column] = &[
    column("月份", "month", Kind::Id, 10),
    column("省份", "province", Kind::Id, 6),
    column("范围", "scope", Kind::Words, 12),
    column("本方统筹区", "our area", Kind::Id, 10),
    column("本方名称", "our name", Kind::Words, 12),
    column("对方统筹区", "their area", Kind::Id, 10),
    column("对方名称", "their name", Kind::Words, 12),
    column("对方省份", "their province", Kind::Words, 10),
    column("应付", "payable", Kind::Money, 16),
    column("应收", "receivable", Kind::Money, 16),
    column("净额", "net", Kind::Money, 16),
    column("其中：医疗机构", "net institutions", Kind::Money, 16),
    column("其中：零售药店", "net pharmacies", Kind::Money, 16),
    column("其中：居民医保费", "net resident premiums", Kind::Money, 16),
    column("其中：长护险费", "net care premiums", Kind::Money, 16),
    column("其中：其他", "net other", Kind::Money, 16),
    column("应付：付方已确认", "payable confirmed by us", Kind::Words, 10),
    column("应付：收方已确认", "payable confirmed by them", Kind::Words, 10),
    column("应付：预付金垫付", "payable advanced", Kind::Money, 16),
    column("应付：已付", "payable paid", Kind::Money, 16),
    column("应付：未付", "payable outstanding", Kind::Money, 16),
    column("应收：付方已确认", "receivable confirmed by them", Kind::Words, 10),
    column("应收：收方已确认", "receivable confirmed by us", Kind::Words, 10),
    column("应收：预付金垫付", "receivable advanced", Kind::Money, 16),
    column("应收：已收", "receivable paid", Kind::Money, 16),
    column("应收：未收", "receivable outstanding", Kind::Money, 16),
    column("异议", "disputes", Kind::Count, 8),
];

/// The page of pairs.
pub fn summary(facts: &Facts, pairs: &[Pair]) -> Sheet {
    let row = |pair: &Pair| {
        let scope = if pair.is_inside() { "省内 inside" } else { "跨省 across" };
        let mut row = vec![
            text(facts.mark()),
            text(format!("{:02}", facts.province.code())),
            text(scope),
            text(pair.ours.to_string()),
            text(words::area(pair.ours)),
            text(pair.theirs.to_string()),
            text(words::area(pair.theirs)),
            text(words::province(pair.theirs.province())),
            Cell::Money(pair.payable.amount),
            Cell::Money(pair.receivable.amount),
            Cell::Money(pair.net()),
        ];
        row.extend(pair.by_use.map(Cell::Money));
        row.extend(standing(&pair.payable, facts.closed.is_some()));
        row.extend(standing(&pair.receivable, facts.closed.is_some()));
        let lines = [pair.payable.line, pair.receivable.line].into_iter().flatten();
        row.push(Cell::Count(lines.map(|line| line.disputes).sum()));
        row
    };
    let of =
        |inside: bool| -> Vec<&Pair> { pairs.iter().filter(|pair| pair.is_inside() == inside).collect() };
    let totals = [(false, "跨省合计 total across"), (true, "省内合计 total inside")]
        .into_iter()
        .filter(|(inside, _)| !inside || !of(true).is_empty())
        .map(|(inside, name)| total(name, &of(inside), facts.closed.is_some()));
    Sheet {
        name: "汇总 Summary",
        file: "summary",
        columns: SUMMARY,
        frozen: 7,
        rows: pairs.iter().map(row).collect(),
        totals: totals.collect(),
    }
}

/// What has become of a line: nothing is said of an open month, and nothing of what is not owed.
fn standing(side: &Side, closed: bool) -> [Cell; 5] {
    match side.line {
        Some(line) if closed => [
            text(words::yes(line.payer_confirmed)),
            text(words::yes(line.payee_confirmed)),
            Cell::Money(side.advanced()),
            Cell::Money(side.paid()),
            Cell::Money(side.outstanding()),
        ],
        Some(_) | None => [const { Cell::Blank }; 5],
    }
}

fn total(name: &'static str, pairs: &[&Pair], closed: bool) -> Vec<Cell> {
    let sum = |amount: &dyn Fn(&Pair) -> i128| Cell::Money(pairs.iter().map(|pair| amount(pair)).sum());
    let mut row = vec![Cell::Blank, Cell::Blank, text(name)];
    row.resize(8, Cell::Blank);
    row.push(sum(&|pair| pair.payable.amount));
    row.push(sum(&|pair| pair.receivable.amount));
    row.push(sum(&Pair::net));
    row.extend((0..USES).map(|place| sum(&move |pair| pair.by_use[place])));
    for side in [|pair: &Pair| pair.payable, |pair: &Pair| pair.receivable] {
        row.extend([Cell::Blank, Cell::Blank]);
        let sums = [
            sum(&|pair| side(pair).advanced()),
            sum(&|pair| side(pair).paid()),
            sum(&|pair| side(pair).outstanding()),
        ];
        row.extend(if closed { sums } else { [const { Cell::Blank }; 3] });
    }
    row.push(Cell::Blank);
    row
}

/// Headings of the provinces.
pub const PROVINCES: &[Column] = &[
    column("月份", "month", Kind::Id, 10),
    column("省份", "province", Kind::Id, 6),
    column("对方省份", "their province", Kind::Id, 8),
    column("对方名称", "their name", Kind::Words, 22),
    column("应付", "payable", Kind::Money, 18),
    column("应收", "receivable", Kind::Money, 18),
    column("净额", "net", Kind::Money, 18),
    column("应付：预付金垫付", "payable advanced", Kind::Money, 18),
    column("应付：已付", "payable paid", Kind::Money, 18),
    column("应付：未付", "payable outstanding", Kind::Money, 18),
    column("应收：预付金垫付", "receivable advanced", Kind::Money, 18),
    column("应收：已收", "receivable paid", Kind::Money, 18),
    column("应收：未收", "receivable outstanding", Kind::Money, 18),
];

/// The page of provinces. What is owed inside the province stands in its own row, once as payable and once as receivable.
pub fn provinces(facts: &Facts, pairs: &[Pair]) -> Sheet {
    let mut by_province: BTreeMap<Province, Vec<&Pair>> = BTreeMap::new();
    for pair in pairs {
        by_province.entry(pair.theirs.province()).or_default().push(pair);
    }
    let closed = facts.closed.is_some();
    let row = |(province, pairs): (&Province, &Vec<&Pair>)| {
        let inside = *province == facts.province;
        let name = words::province(*province);
        let name = if inside { format!("{name}（省内 inside）") } else { name.to_owned() };
        let mut row = vec![
            text(facts.mark()),
            text(format!("{:02}", facts.province.code())),
            text(format!("{:02}", province.code())),
            text(name),
        ];
        row.extend(amounts(pairs, inside, closed));
        row
    };
    let across: Vec<&Pair> = pairs.iter().filter(|pair| !pair.is_inside()).collect();
    let mut total = vec![Cell::Blank, Cell::Blank, Cell::Blank, text("跨省合计 total across")];
    total.extend(amounts(&across, false, closed));
    Sheet {
        name: "分省 Provinces",
        file: "provinces",
        columns: PROVINCES,
        frozen: 4,
        rows: by_province.iter().map(row).collect(),
        totals: vec![total],
    }
}

/// Payable, receivable, net, and what has become of them. Inside a province each line is both.
fn amounts(pairs: &[&Pair], inside: bool, closed: bool) -> Vec<Cell> {
    let sum = |ours: bool, amount: fn(&Side) -> i128| -> i128 {
        let sides = pairs.iter().flat_map(|pair| [(true, &pair.payable), (false, &pair.receivable)]);
        sides.filter(|(payable, _)| inside || *payable == ours).map(|(_, side)| amount(side)).sum()
    };
    let (payable, receivable) = (sum(true, |side| side.amount), sum(false, |side| side.amount));
    let mut cells = vec![Cell::Money(payable), Cell::Money(receivable), Cell::Money(receivable - payable)];
    for ours in [true, false] {
        let sums = [sum(ours, Side::advanced), sum(ours, Side::paid), sum(ours, Side::outstanding)];
        cells.extend(if closed { sums.map(Cell::Money) } else { [const { Cell::Blank }; 3] });
    }
    cells
}
