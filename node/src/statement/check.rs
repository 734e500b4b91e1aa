//! The page that lets everything else be checked: where the figures come from, which sums must agree and whether they do,
//! and the hash of each file.

use super::details::Tally;
use super::facts::{Closed, Facts, clock};
use super::files::Written;
use super::sheet::{Cell, Column, Kind, Sheet, column, text};
use super::summary::Pair;
use super::{words, yuan};
use std::collections::BTreeMap;

/// Headings of the page.
pub const CHECK: &[Column] = &[
    column("项目", "item", Kind::Words, 64),
    column("内容", "found", Kind::Id, 70),
    column("应为", "should be", Kind::Id, 70),
    column("相符", "agrees", Kind::Words, 12),
];

/// One line of the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What it is about, in both languages.
    pub name: &'static str,
    /// What was found.
    pub found: String,
    /// What it should be; none for what is only told.
    pub should: Option<String>,
}

impl Item {
    fn told(name: &'static str, found: impl ToString) -> Item {
        Item { name, found: found.to_string(), should: None }
    }

    fn compared(name: &'static str, found: impl ToString, should: impl ToString) -> Item {
        Item { name, found: found.to_string(), should: Some(should.to_string()) }
    }

    /// Whether it is as it should be; none for what is only told.
    pub fn agrees(&self) -> Option<bool> {
        self.should.as_ref().map(|should| *should == self.found)
    }
}

/// All that is told and compared. `files` are those written before the page.
pub fn items(facts: &Facts, pairs: &[Pair], tally: &Tally, files: &[Written]) -> Vec<Item> {
    let mut items = told(facts, tally);
    let sums = facts.obligations.iter().fold((0, 0), |(charged, refunded), obligation| {
        (charged + obligation.charged, refunded + obligation.refunded)
    });
    let (charged, refunded) = tally.lines.values().fold((0, 0), |sum, line| (sum.0 + line.0, sum.1 + line.1));
    // An open month goes on between one page and the next: only what was read at one index can be compared.
    if facts.closed.is_some() || facts.still {
        let compare = |name, found, should| Item::compared(name, yuan::text(found), yuan::text(should));
        items.push(compare(
            "明细计费合计＝应付关系计费 movements charged = obligations charged",
            charged,
            sums.0,
        ));
        items.push(compare(
            "明细退费合计＝应付关系退费 movements refunded = obligations refunded",
            refunded,
            sums.1,
        ));
        items.push(Item::compared(
            "与应付关系逐条不符的条数 lines whose movements differ from their obligation",
            differing(facts, tally),
            0,
        ));
    } else {
        items
            .push(Item::told("明细计费合计（未核对） movements charged (not compared)", yuan::text(charged)));
        items.push(Item::told(
            "明细退费合计（未核对） movements refunded (not compared)",
            yuan::text(refunded),
        ));
    }
    items.extend(positions(facts, pairs));
    if let Some(closed) = &facts.closed {
        items.extend(closing(closed, pairs));
    }
    items.extend(files.iter().map(|file| Item {
        name: "文件 SHA-256 sha-256 of a file",
        found: format!("{} {}", file.sha256, file.name),
        should: None,
    }));
    items
}

fn told(facts: &Facts, tally: &Tally) -> Vec<Item> {
    let code = facts.province.code();
    let status = match &facts.closed {
        Some(closed) => {
            let (day, time) = clock(closed.at);
            format!("已关账 closed {day} {time}")
        }
        None => "未关账 PRELIMINARY: the month is open".to_owned(),
    };
    let reach = tally.reach.map_or("–".to_owned(), |(first, last)| format!("{first} … {last}"));
    let (first, last) = facts.read;
    let (digest, index) = &facts.state;
    let mut items = vec![
        Item::told("月份 month", facts.month()),
        Item::told("状态 status", status),
        Item::told("省份 province", format!("{code:02} {}", words::province(facts.province))),
        Item::told("金额单位 amounts in", "元 CNY"),
        Item::told("集群 cluster", &facts.cluster),
        Item::told(
            "取数索引 read at index",
            if first == last { first.to_string() } else { format!("{first} … {last}") },
        ),
        Item::told("全账状态摘要 digest of the whole state", digest),
        Item::told("状态摘要所在索引 index of that digest", index),
        Item::told("明细业务号范围 transactions of the movements", reach),
        Item::told("明细行数 movements", tally.rows),
    ];
    if let Some(closed) = &facts.closed {
        items.push(Item::told("期间摘要 digest of the month", &closed.digest));
    }
    items
}

/// Lines whose movements are not what the ledger has kept.
fn differing(facts: &Facts, tally: &Tally) -> usize {
    let mut sums = tally.lines.clone();
    let wrong = |obligation: &&super::facts::Obligation| {
        let name = (obligation.payer, obligation.payee, obligation.usage);
        sums.remove(&name).unwrap_or_default() != (obligation.charged, obligation.refunded)
    };
    facts.obligations.iter().filter(wrong).count() + sums.len()
}

/// The province's place among the others.
fn positions(facts: &Facts, pairs: &[Pair]) -> Vec<Item> {
    let across = || pairs.iter().filter(|pair| !pair.is_inside());
    let payable: i128 = across().map(|pair| pair.payable.amount).sum();
    let receivable: i128 = across().map(|pair| pair.receivable.amount).sum();
    let by_use: i128 = across().flat_map(|pair| pair.by_use).sum();
    let (owes, owed) = facts.position;
    let name = [
        "跨省应付合计＝省级应付 payable across = what the province owes",
        "跨省应收合计＝省级应收 receivable across = what the province is owed",
    ];
    let mut items = match facts.closed.is_some() || facts.still {
        true => vec![
            Item::compared(name[0], yuan::text(payable), yuan::text(owes)),
            Item::compared(name[1], yuan::text(receivable), yuan::text(owed)),
        ],
        false => vec![Item::told(name[0], yuan::text(payable)), Item::told(name[1], yuan::text(receivable))],
    };
    items.push(Item::compared(
        "分用途净额合计＝应收－应付 net by use = receivable - payable",
        yuan::text(by_use),
        yuan::text(receivable - payable),
    ));
    items
}

/// The lines that are to be paid, and the digest that was frozen.
fn closing(closed: &Closed, pairs: &[Pair]) -> Vec<Item> {
    let sides: BTreeMap<_, _> = pairs
        .iter()
        .flat_map(|pair| {
            [((pair.ours, pair.theirs), &pair.payable), ((pair.theirs, pair.ours), &pair.receivable)]
        })
        .collect();
    let wrong = sides.values().filter(|side| side.line.map_or(0, |line| line.amount) != side.amount).count();
    let over =
        closed.lines.iter().filter(|line| line.paid > line.amount || line.advanced > line.amount).count();
    vec![
        Item::compared("与清分行不符的条数 lines that differ from their obligations", wrong, 0),
        Item::compared("超付或超垫的条数 lines paid or advanced beyond their amount", over, 0),
        Item::compared(
            "全国应付关系条数＝关账时条数 obligations of all provinces = those frozen",
            closed.obligations_read,
            closed.obligations,
        ),
        Item::compared(
            "全国应付关系重算摘要＝期间摘要 digest of all obligations = digest of the month",
            &closed.digest_read,
            &closed.digest,
        ),
    ]
}

/// The page.
pub fn sheet(items: &[Item]) -> Sheet {
    let row = |item: &Item| {
        let agrees = item.agrees().map(|agrees| if agrees { "是 yes" } else { "否 NO" });
        vec![
            text(item.name),
            text(item.found.clone()),
            item.should.clone().map_or(Cell::Blank, text),
            agrees.map_or(Cell::Blank, text),
        ]
    };
    Sheet {
        name: "核对 Check",
        file: "check",
        columns: CHECK,
        frozen: 1,
        rows: items.iter().map(row).collect(),
        totals: Vec::new(),
    }
}
