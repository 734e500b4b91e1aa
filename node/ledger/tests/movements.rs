//! What is shown of a month movement by movement adds up to its obligations, whatever happened; and pages change nothing.

mod stage;

use ledger::movements::{Kind, Most, Movement, page};
use ledger::table::{Key, ObligationRecord, Record, Use};
use ledger::{Area, MapState, Month, Position, Province, Table};
use stage::Stage;
use std::collections::{BTreeMap, BTreeSet};

const MANY: Most = Most { looked: 1_000_000, rows: 1_000_000 };

/// Charged and refunded by payer, payee and use.
type Lines = BTreeMap<(Area, Area, Use), (u128, u128)>;

fn obligations(state: &MapState, month: Month) -> Lines {
    let mut lines = Lines::new();
    for (key, row) in state.rows() {
        let (Key::Obligation { month: of, payer, payee, usage }, Some(record)) =
            (*key, ObligationRecord::of_row(row))
        else {
            continue;
        };
        if of == month {
            lines.insert((payer, payee, usage), (record.charged.get(), record.refunded.get()));
        }
    }
    lines
}

fn sums(rows: &[Movement]) -> Lines {
    let mut lines = Lines::new();
    for row in rows {
        let (charged, refunded) = lines.entry((row.payer, row.payee, row.usage)).or_default();
        match row.fen {
            0.. => *charged += u128::from(row.fen.unsigned_abs()),
            _ => *refunded += u128::from(row.fen.unsigned_abs()),
        }
    }
    lines
}

fn movements(state: &MapState, month: Month, province: Option<Province>, most: Most) -> Vec<Movement> {
    let (mut rows, mut after) = (Vec::new(), None::<Position>);
    loop {
        let Ok(found) = page(state, month, province, after, most);
        rows.extend(found.rows);
        assert!(found.next.is_none() || found.next > after, "a page goes on");
        after = found.next;
        if after.is_none() {
            return rows;
        }
    }
}

/// All that must hold of every month.
fn check(state: &MapState, months: &BTreeSet<Month>) -> Vec<Movement> {
    let mut whole = Vec::new();
    for month in months {
        let all = movements(state, *month, None, MANY);
        assert_eq!(sums(&all), obligations(state, *month), "{month:?}");
        let names: Vec<_> = all.iter().map(|row| (row.position, row.line)).collect();
        assert!(names.is_sorted_by(|a, b| a < b), "in the order of the log, each name once");
        assert!(all.iter().all(|row| row.at.month() == *month && row.payer != row.payee && row.fen != 0));
        for looked in [1, 2, 3, 7] {
            for rows in [1, 4, 1_000] {
                assert!(
                    movements(state, *month, None, Most { looked, rows }) == all,
                    "{looked} looked at, {rows} rows"
                );
            }
        }
        for code in [32, 34, 37, 41] {
            let province = Province::new(code).expect("a province");
            let own = movements(state, *month, Some(province), Most { looked: 5, rows: 3 });
            let should: Vec<Movement> = all.iter().filter(|row| row.concerns(province)).copied().collect();
            assert_eq!(own, should, "of {code}");
        }
        whole.extend(all);
    }
    whole
}

/// Chance from a fixed start.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }

    fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.roll(of.len())]
    }
}

/// People of four provinces who pay and are paid for, move, and change their minds.
fn beginning() -> Stage {
    let mut stage = Stage::new();
    let story = "world
        insure B 390 zhengzhou 0
        insure C 310 luoyang 20000
        insure D1 310 suzhou 90000
        insure D2 310 lianyungang 90000
        insure D3 310 hefei 90000
        insure D4 310 zhengzhou 90000
        relate R1 D1 B parent 30000
        relate R2 D2 B parent 20000
        relate R3 D3 B parent 20000
        relate R4 D4 B parent 20000
        relate R5 D1 C parent 9000
        relate R6 C D1 child 5000";
    let lines: Vec<&str> = story.lines().map(str::trim).collect();
    let out = stage.run(&lines).expect("the story begins");
    assert!(!out.contains("refused"), "{out}");
    stage
}

/// Something to do. What it names may be long over: then it is refused, and nothing moves.
fn chance(dice: &mut Dice, stage: &Stage, number: usize) -> Vec<String> {
    let persons = ["B", "C", "D1", "D2", "D3", "D4"];
    let person = *dice.one(&persons);
    let shop = dice.one(&["hospital", "pharmacy", "clinic", "drugstore"]);
    let amount = 1 + dice.roll(4_000);
    let letter = *dice.one(&['F', 'F', 'F', 'F', 'P']);
    let some = |dice: &mut Dice, letter: char| {
        let known: Vec<&String> = stage.named.keys().filter(|name| name.starts_with(letter)).collect();
        (!known.is_empty()).then(|| (*dice.one(&known)).clone())
    };
    let one = match dice.roll(100) {
        0..35 => format!("settle as=P{number} id=P{number} beneficiary={person} at={shop} amount={amount}"),
        35..38 => format!(
            "premium as=P{number} id=P{number} beneficiary={person} kind=390 year={} amount={amount}",
            2000 + number
        ),
        38..58 => match some(dice, 'P') {
            Some(payment) => {
                format!("refund as=F{number} id=F{number} payment={payment} amount={}", amount / 2 + 1)
            }
            None => "tick".into(),
        },
        58..68 => match some(dice, letter) {
            Some(original) => format!("reverse as=U{number} original={original}"),
            None => "tick".into(),
        },
        68..72 => format!(
            "move person={person} to={}",
            dice.one(&["suzhou", "lianyungang", "zhengzhou", "luoyang"])
        ),
        72..76 => {
            let to = dice.one(&["suzhou", "zhengzhou", "hefei", "jinan"]);
            return vec![
                format!("set-status person={person} status=stopped"),
                format!("apply-transfer as=T{number} person={person} to={to}"),
                format!("quietly accept-transfer case=T{number}"),
                format!("quietly send-transfer case=T{number}"),
            ];
        }
        76..92 => match some(dice, 'T') {
            Some(case) => {
                let verb = dice.one(&["receive", "complete", "complete", "fail", "abandon"]);
                format!("{verb}-transfer case={case}")
            }
            None => "tick".into(),
        },
        92..94 => {
            let donor = dice.one(&persons[2..]);
            return vec![
                format!("propose as=R{number} donor={donor} beneficiary=B kinship=parent"),
                format!("quietly accept relation=R{number}"),
                format!("quietly set-quota relation=R{number} amount={amount}"),
            ];
        }
        94 => format!("release relation={}", some(dice, 'R').expect("some")),
        95 if number > 150 => format!("death person={person}"),
        95.. => format!("wait {}h", 1 + dice.roll(200)),
    };
    vec![one]
}

#[test]
fn movements_add_up_to_the_obligations_of_every_month() {
    let mut kinds: BTreeMap<(Kind, bool, bool), u32> = BTreeMap::new();
    for seed in 0..12 {
        let mut dice = Dice(seed);
        let mut stage = beginning();
        let mut months = BTreeSet::from([stage.now.month(), stage.now.month().previous()]);
        for number in 0..220 {
            let lines = chance(&mut dice, &stage, number);
            for line in lines {
                // What was refused as a step is missed by those behind it.
                if stage.run(&[&line]).is_err() {
                    break;
                }
            }
            months.insert(stage.now.month());
        }
        for row in check(&stage.state, &months) {
            *kinds.entry((row.kind, row.fen > 0, row.case.is_some())).or_default() += 1;
        }
        let carried = stage.state.rows().filter(|(key, _)| key.table() == Table::Portability).count();
        println!("seed {seed}: {} months, {carried} cases carried lines", months.len());
    }
    println!("{kinds:?}");
    use Kind::{Payment, Portability, Refund, Undoing};
    let seen: Vec<_> = kinds.into_keys().collect();
    let should = [
        (Payment, true, false),
        (Refund, false, false),
        (Undoing, true, false),
        (Portability, false, false),
        (Portability, true, false),
        (Portability, true, true),
    ];
    assert_eq!(seen, should, "all kinds came up, each on its side");
}

#[test]
fn a_row_says_where_its_money_went() {
    let mut stage = Stage::new();
    let story = "world
        insure son 310 suzhou 50000
        insure mother 390 zhengzhou 0
        relate R son mother parent 1000
        settle as=P beneficiary=mother at=hospital amount=600
        settle as=Q beneficiary=son at=hospital amount=300
        set-status person=son status=stopped
        apply-transfer as=C person=son to=jinan
        accept-transfer case=C
        send-transfer case=C
        at 2026-04-02 09:00
        refund as=F1 payment=P amount=20
        refund as=F2 payment=Q amount=30
        at 2026-05-01 00:00
        receive-transfer case=C
        refund as=F3 payment=P amount=40
        complete-transfer as=E case=C
        at 2026-06-01 09:00
        refund as=F4 id=F4 payment=P amount=50
        reverse as=U original=F4";
    let lines: Vec<&str> = story.lines().map(str::trim).collect();
    let out = stage.run(&lines).expect("the story is told");
    assert!(!out.contains("refused"), "{out}");
    let months: BTreeSet<Month> = (2..=7).map(|month| Month::new(2026, month).expect("a month")).collect();
    let rows = check(&stage.state, &months);
    let name = |position: Position| {
        let found = stage.named.iter().find(|(_, named)| **named == position);
        found.map_or_else(|| position.to_string(), |(name, _)| name.clone())
    };
    let said: Vec<String> = rows
        .iter()
        .map(|row| {
            let of = row.payment.map_or_else(|| name(row.case.expect("of one of them").0), |id| name(id.0));
            let through = row.relation.map_or_else(String::new, |id| format!(" through {}", name(id.0)));
            let (_, month, date) = row.at.day().civil();
            format!(
                "{month}-{date} {}.{} {:?} of {of}: {} to {} {}{through}",
                name(row.position),
                row.line,
                row.kind,
                row.payer,
                row.payee,
                row.fen
            )
        })
        .collect();
    assert_eq!(
        said,
        [
            "3-1 P.0 Payment of P: 320500 to 410100 600 through R",
            "3-1 Q.0 Payment of Q: 320500 to 410100 300",
            "4-2 F1.0 Refund of P: 320500 to 410100 -20 through R",
            "4-2 F2.0 Refund of Q: 320500 to 410100 -30",
            "5-1 F3.0 Refund of P: 320500 to 410100 -40 through R",
            "5-1 F3.1 Portability of P: 320500 to 370100 40 through R",
            "5-1 E.0 Portability of C: 320500 to 370100 50",
            "6-1 F4.0 Refund of P: 320500 to 410100 -50 through R",
            "6-1 F4.1 Portability of P: 320500 to 370100 50 through R",
            "6-1 U.0 Undoing of P: 320500 to 410100 50 through R",
            "6-1 U.1 Portability of P: 320500 to 370100 -50 through R",
        ]
    );
    // A day without entries has no row; a month without any has no rows.
    let Ok(none) = page(&stage.state, Month::new(2026, 2).expect("a month"), None, None, MANY);
    assert!(none.rows.is_empty() && none.next.is_none());
}
