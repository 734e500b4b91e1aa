//! Statements of small histories: golden files, workbooks read back, planted differences.

#[path = "../../ledger/tests/stage/mod.rs"]
mod stage;

use super::diff::{Count, diff};
use super::facts::{Closed, Facts, Line, Obligation};
use super::{Report, Statement, book, yuan};
use crate::golden::golden;
use calamine::{Data, Range, Reader, Xlsx, open_workbook};
use ledger::codec::{encode_key, encode_row};
use ledger::digest::{Digest, RowHash};
use ledger::movements::{Most, page};
use ledger::table::{PeriodRecord, Record};
use ledger::{Key, MapState, Month, Province, Table, View, views};
use stage::Stage;
use std::fs;
use std::path::Path;

const OCTOBER: Month = Month { year: 2026, month: 10 };
const EVERYTHING: Most = Most { looked: usize::MAX - 1, rows: usize::MAX };

/// A family of four provinces: payments of several uses, refunds, one undone, a move within a province, a move to
/// another; then the month is closed, advanced, confirmed and partly paid.
const STORY: &str = "at 2026-10-02 09:00
    world
    insure mother 390 zhengzhou 0
    insure son 310 suzhou 500000
    insure daughter 310 hefei 500000
    insure uncle 310 luoyang 500000
    relate R1 son mother parent 100000
    relate R2 daughter mother parent 50000
    relate R3 uncle mother sibling 20000
    adjust-fund province=32 size=900000
    fund province=32 amount=60000
    at 2026-10-03 10:22
    settle as=P1 beneficiary=mother at=hospital amount=120000
    settle as=P2 beneficiary=mother at=pharmacy amount=33333
    premium as=P3 beneficiary=mother kind=390 year=2027 amount=1000
    at 2026-10-12 23:59
    settle as=P4 beneficiary=uncle at=clinic amount=4510
    settle as=P5 beneficiary=son at=drugstore amount=6005
    settle as=P9 beneficiary=daughter at=hospital amount=800
    refund as=F1 id=F1 payment=P1 amount=25000
    refund as=F2 id=F2 payment=P2 amount=333
    reverse as=U2 original=F2
    settle as=P7 beneficiary=mother at=hospital amount=1000
    settle as=P8 beneficiary=mother at=pharmacy amount=2000
    at 2026-10-20 08:00
    move person=uncle to=zhengzhou
    refund as=F4 payment=P4 amount=10
    set-status person=daughter status=stopped
    apply-transfer as=C person=daughter to=suzhou
    accept-transfer case=C
    send-transfer case=C
    refund as=F5 payment=P9 amount=300
    receive-transfer case=C
    complete-transfer as=E case=C
    at 2026-11-02 09:00
    settle as=P6 beneficiary=mother at=hospital amount=700";

const CLOSE: &str = "close month=2026-10
    confirm-line month=2026-10 payer=suzhou payee=zhengzhou amount=98000 by=32
    confirm-line month=2026-10 payer=suzhou payee=zhengzhou amount=98000 by=41
    pay-line month=2026-10 payer=suzhou payee=zhengzhou amount=70000";

fn play(stage: &mut Stage, story: &str) {
    for line in story.lines().map(str::trim) {
        let out = stage.run(&[line]).unwrap_or_else(|why| panic!("{line}: {why}"));
        assert!(!out.contains("refused"), "{line}: {out}");
    }
}

fn stage(stories: &[&str]) -> Stage {
    let mut stage = Stage::new();
    stories.iter().for_each(|story| play(&mut stage, story));
    stage
}

fn whole(sum: ledger::Sum) -> i128 {
    i128::try_from(sum.get()).expect("small")
}

/// What a node would tell.
fn facts(state: &MapState, province: u8) -> Facts {
    let province = Province::new(province).expect("a province");
    let Ok(all) = views::obligations(state, OCTOBER, None, usize::MAX - 1);
    let mut digest = Digest::default();
    for (key, row) in state.rows().filter(|(key, _)| matches!(key, Key::Obligation { month: OCTOBER, .. })) {
        digest.add(Table::Obligation, RowHash::of(&encode_key(key), &encode_row(row)));
    }
    let hex = |hash: RowHash| hash.bytes().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let Ok(positions) = views::positions(state, OCTOBER);
    let position = positions.provinces.iter().find(|position| position.province == province);
    let Ok(period) = state.get(&Key::Period { month: OCTOBER });
    let closed = period.as_deref().and_then(PeriodRecord::of_row).map(|period| {
        let Ok(lines) = views::lines(state, OCTOBER, None, usize::MAX - 1);
        let concerns =
            |line: &&views::Line| [line.payer.province(), line.payee.province()].contains(&province);
        Closed {
            at: period.closed.expect("closed in one step"),
            digest: hex(period.digest),
            digest_read: hex(digest.table(Table::Obligation)),
            obligations: u64::from(period.obligations),
            obligations_read: all.len() as u64,
            lines: lines
                .iter()
                .filter(concerns)
                .map(|line| Line {
                    payer: line.payer,
                    payee: line.payee,
                    amount: whole(line.record.amount),
                    payer_confirmed: line.record.payer_confirmed,
                    payee_confirmed: line.record.payee_confirmed,
                    advanced: whole(line.record.advanced),
                    paid: whole(line.record.paid),
                    disputes: line.record.disputes.len() as u64,
                })
                .collect(),
        }
    });
    let own = all.iter().filter(|one| [one.payer.province(), one.payee.province()].contains(&province));
    Facts {
        month: OCTOBER,
        province,
        cluster: "7c1e0000-0000-4000-8000-000000000001".into(),
        read: (100, 100),
        state: ("5b".repeat(32), 100),
        closed,
        obligations: own
            .map(|one| Obligation {
                payer: one.payer,
                payee: one.payee,
                usage: one.usage,
                charged: whole(one.record.charged),
                refunded: whole(one.record.refunded),
            })
            .collect(),
        still: true,
        position: position.map_or((0, 0), |position| (whole(position.owes), whole(position.owed))),
    }
}

fn write(state: &MapState, facts: Facts, dir: &Path, details_max: u64) -> Report {
    let Ok(movements) = page(state, OCTOBER, Some(facts.province), None, EVERYTHING);
    let mut statement = Statement::begin(facts, dir).expect("files begin");
    statement.details_max = details_max;
    for movement in &movements.rows {
        statement.movement(movement).expect("a row is written");
    }
    statement.end().expect("files are written")
}

fn build(state: &MapState, province: u8, dir: &Path) -> Report {
    write(state, facts(state, province), dir, book::DETAILS_MAX)
}

fn read(dir: &Path, name: &str) -> String {
    fs::read_to_string(dir.join(name)).unwrap_or_else(|why| panic!("{name}: {why}"))
}

#[test]
fn a_closed_month_is_stated_to_the_byte() {
    let stage = stage(&[STORY, CLOSE]);
    let dir = tempfile::tempdir().expect("a folder");
    let report = build(&stage.state, 32, dir.path());
    for item in &report.items {
        assert_ne!(item.agrees(), Some(false), "{item:?}");
    }
    assert!(report.agrees() && report.items.iter().filter(|item| item.agrees() == Some(true)).count() == 10);
    let mut listed: Vec<String> = fs::read_dir(dir.path())
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    listed.sort();
    let names = ["check.csv", "details.csv", "provinces.csv", "summary.csv"];
    let mut should: Vec<String> = names.iter().map(|name| format!("gongji-2026-10-32-{name}")).collect();
    should.push("gongji-2026-10-32.xlsx".into());
    assert_eq!(listed, should, "nothing else is left");
    for name in &listed[..4] {
        golden(&format!("statement/golden/{name}"), &read(dir.path(), name));
    }
    // Once more, elsewhere: the same bytes, the workbook's among them.
    let again = tempfile::tempdir().expect("a folder");
    build(&stage.state, 32, again.path());
    for name in listed {
        assert_eq!(fs::read(dir.path().join(&name)).ok(), fs::read(again.path().join(&name)).ok(), "{name}");
    }
}

#[test]
fn an_open_month_says_so_on_every_page() {
    let stage = stage(&[STORY]);
    let dir = tempfile::tempdir().expect("a folder");
    let report = build(&stage.state, 41, dir.path());
    assert!(report.agrees(), "{:?}", report.items);
    let summary = read(dir.path(), "gongji-2026-10-41-open-summary.csv");
    golden("statement/golden/gongji-2026-10-41-open-summary.csv", &summary);
    for name in ["summary", "provinces", "details", "check"] {
        let page = read(dir.path(), &format!("gongji-2026-10-41-open-{name}.csv"));
        assert!(page.contains("未关账 PRELIMINARY"), "{name}: {page}");
        // All rows do, but those of the check page.
        let rows =
            page.lines().skip(1).filter(|line| name == "check" || line.contains("PRELIMINARY")).count();
        assert_eq!(rows, page.lines().count() - 1, "{name}");
    }
    let mut book: Xlsx<_> =
        open_workbook(dir.path().join("gongji-2026-10-41-open.xlsx")).expect("a workbook");
    for sheet in book.sheet_names() {
        let cells = book.worksheet_range(&sheet).expect("a sheet");
        assert!(cells.get((0, 0)).expect("a title").to_string().contains("PRELIMINARY"), "{sheet}");
    }
    // While it goes on, sums of two moments are told and not compared.
    let facts = Facts { still: false, ..facts(&stage.state, 41) };
    let moving = write(&stage.state, facts, dir.path(), book::DETAILS_MAX);
    let compared = moving.items.iter().filter(|item| item.should.is_some()).count();
    assert_eq!(compared, 1, "{:?}", moving.items);
}

/// The cells below the headings, with the column of an English heading.
fn column<'a>(cells: &'a Range<Data>, name: &str) -> Vec<&'a Data> {
    let place = cells.rows().nth(3).and_then(|heads| heads.iter().position(|head| *head == *name));
    let place = place.unwrap_or_else(|| panic!("no column {name}"));
    cells.rows().skip(4).map(|row| &row[place]).collect()
}

#[test]
fn the_workbook_has_text_ids_and_the_sums_of_the_pages() {
    let stage = stage(&[STORY, CLOSE]);
    let dir = tempfile::tempdir().expect("a folder");
    let report = build(&stage.state, 32, dir.path());
    let mut book: Xlsx<_> = open_workbook(dir.path().join("gongji-2026-10-32.xlsx")).expect("a workbook");
    assert_eq!(book.sheet_names(), ["汇总 Summary", "分省 Provinces", "明细 Details", "核对 Check"]);

    let details = book.worksheet_range("明细 Details").expect("details");
    for name in ["row", "transaction", "payer", "payee", "payment", "relation", "province"] {
        for cell in column(&details, name) {
            assert!(matches!(cell, Data::String(_) | Data::Empty), "{name}: {cell:?}");
        }
    }
    assert!(column(&details, "day").iter().all(|cell| matches!(cell, Data::DateTime(_))));
    let fen = |cell: &Data| match cell {
        Data::Float(yuan) => (yuan * 100.0).round() as i128,
        Data::Int(yuan) => i128::from(*yuan) * 100,
        Data::Empty => 0,
        other => panic!("{other:?} is no amount"),
    };
    let sum = |cells: Vec<&Data>| cells.into_iter().map(fen).sum::<i128>();
    let lines = report.tally.lines.values();
    assert_eq!(column(&details, "amount").len() as u64, report.tally.rows);
    assert_eq!(sum(column(&details, "amount")), lines.map(|(charged, refunded)| charged - refunded).sum());

    let summary = book.worksheet_range("汇总 Summary").expect("summary");
    // Pairs, their total, and the total inside the province.
    assert_eq!(
        sum(column(&summary, "payable")),
        2 * report.across.0 + 2 * column_inside(&summary, "payable")
    );
    let provinces = book.worksheet_range("分省 Provinces").expect("provinces");
    let nets = sum(column(&provinces, "net"));
    assert_eq!(nets, 2 * (report.across.1 - report.across.0), "inside the province nothing is left");
    assert!(matches!(column(&provinces, "their province")[0], Data::String(_)));

    let check = book.worksheet_range("核对 Check").expect("check");
    let words: Vec<String> = column(&check, "agrees").iter().map(ToString::to_string).collect();
    assert!(
        words.contains(&"是 yes".to_owned()) && !words.iter().any(|word| word.contains("NO")),
        "{words:?}"
    );
}

fn column_inside(summary: &Range<Data>, name: &str) -> i128 {
    let scopes = column(summary, "scope");
    let inside = |(scope, _): &(&&Data, &Data)| scope.to_string() == "省内 inside";
    let found = scopes.iter().zip(column(summary, name)).filter(inside);
    found.map(|(_, cell)| (cell.to_string().parse::<f64>().expect("an amount") * 100.0).round() as i128).sum()
}

#[test]
fn details_beyond_what_a_sheet_takes_are_in_the_csv_only() {
    let stage = stage(&[STORY, CLOSE]);
    let dir = tempfile::tempdir().expect("a folder");
    let report = write(&stage.state, facts(&stage.state, 32), dir.path(), 3);
    assert!(report.tally.rows > 3);
    let mut book: Xlsx<_> = open_workbook(dir.path().join("gongji-2026-10-32.xlsx")).expect("a workbook");
    let details = book.worksheet_range("明细 Details").expect("details");
    let note = details.get((4, 0)).expect("a note").to_string();
    assert!(note.contains("gongji-2026-10-32-details.csv") && details.height() == 5, "{note}");
}

#[test]
fn amounts_beyond_what_a_spreadsheet_keeps_are_text() {
    let stage = stage(&[STORY, CLOSE]);
    let dir = tempfile::tempdir().expect("a folder");
    let mut large = facts(&stage.state, 32);
    large.obligations[0].charged += yuan::NUMBER_MAX;
    let report = write(&stage.state, large, dir.path(), book::DETAILS_MAX);
    assert!(!report.agrees(), "what was changed is noticed");
    let mut book: Xlsx<_> = open_workbook(dir.path().join("gongji-2026-10-32.xlsx")).expect("a workbook");
    let summary = book.worksheet_range("汇总 Summary").expect("summary");
    let large = column(&summary, "payable").into_iter().find(|cell| matches!(cell, Data::String(_)));
    let said = large.expect("an amount as text").to_string();
    assert!(yuan::parse(&said).is_some_and(|fen| fen > yuan::NUMBER_MAX), "{said}");
}

#[test]
fn what_does_not_agree_is_told() {
    let stage = stage(&[STORY, CLOSE]);
    let dir = tempfile::tempdir().expect("a folder");
    type Spoil = fn(&mut Facts);
    let spoils: [(usize, Spoil); 6] = [
        (3, |facts| facts.obligations[0].charged += 1), // the sum, the obligation itself, and its line
        (1, |facts| facts.position.0 += 1),
        (1, |facts| facts.closed.as_mut().expect("closed").digest_read = "00".into()),
        (1, |facts| facts.closed.as_mut().expect("closed").obligations_read += 1),
        (1, |facts| facts.closed.as_mut().expect("closed").lines[0].amount += 1),
        (1, |facts| facts.closed.as_mut().expect("closed").lines[0].paid += 1_000_000),
    ];
    for (number, spoil) in spoils {
        let mut wrong = facts(&stage.state, 32);
        spoil(&mut wrong);
        let report = write(&stage.state, wrong, dir.path(), book::DETAILS_MAX);
        let found: Vec<_> = report.items.iter().filter(|item| item.agrees() == Some(false)).collect();
        assert_eq!(found.len(), number, "{found:?}");
    }
    // A movement that is missing.
    let mut statement = Statement::begin(facts(&stage.state, 32), dir.path()).expect("files begin");
    let Ok(all) = page(&stage.state, OCTOBER, Some(Province::new(32).expect("Jiangsu")), None, EVERYTHING);
    for movement in &all.rows[1..] {
        statement.movement(movement).expect("a row is written");
    }
    assert!(!statement.end().expect("files are written").agrees());
}

/// The statements of Jiangsu and Henan.
fn two() -> (tempfile::TempDir, tempfile::TempDir) {
    let stage = stage(&[STORY, CLOSE]);
    let (ours, theirs) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    build(&stage.state, 32, ours.path());
    build(&stage.state, 41, theirs.path());
    (ours, theirs)
}

#[test]
fn a_counterparty_s_statement_is_ours_from_the_other_side() {
    let (ours, theirs) = two();
    let found = diff(ours.path(), theirs.path(), 10).expect("two statements");
    assert!(found.iter().all(super::diff::Diff::is_equal), "{found:?}");
    let [summary, details] = &found[..] else { panic!("two pages") };
    assert!(summary.between.is_some() && details.between.is_some());
    assert!(details.ours.rows == 6 && details.ours.rows == details.theirs.rows);
    assert_eq!(details.ours.fen, details.theirs.fen);
    assert!(details.theirs.passed_over > 0, "Henan deals with Anhui, too");
    // The same province's, too.
    let same = diff(ours.path(), ours.path(), 10).expect("two statements");
    assert!(same.iter().all(|diff| diff.is_equal() && diff.between.is_none() && diff.ours.passed_over == 0));
}

#[test]
fn planted_differences_are_found_whatever_the_order_of_rows() {
    let (ours, theirs) = two();
    let (our_file, their_file) = (
        ours.path().join("gongji-2026-10-32-details.csv"),
        theirs.path().join("gongji-2026-10-41-details.csv"),
    );
    let text = fs::read_to_string(&their_file).expect("details");
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let both = |line: &str| line.contains("\"320500\t\"") && line.contains("\"410100\t\"");
    let places: Vec<usize> = (0..lines.len()).filter(|place| both(&lines[*place])).collect();
    let row = |line: &str| line.split(',').nth(2).expect("a name").trim_matches(['"', '\t']).to_owned();
    // One is added, one has another amount, one is paid by another area, one is gone.
    let added = lines[places[3]].replacen(&format!("\"{}\t\"", row(&lines[places[3]])), "\"99999-0-0\t\"", 1);
    lines.push(added);
    lines[places[1]] = lines[places[1]].replacen(".", "9.", 1);
    lines[places[2]] = lines[places[2]].replace("\"320500\t\"", "\"320700\t\"");
    let gone = lines.remove(places[0]);
    for reversed in [false, true] {
        let mut shown = lines.clone();
        if reversed {
            shown[1..].reverse();
        }
        fs::write(&their_file, shown.join("\n")).expect("kept");
        let found = diff(&our_file, &their_file, 10).expect("two pages");
        let [found] = &found[..] else { panic!("one page") };
        assert!(!found.is_equal());
        assert_eq!(
            (found.only_ours.rows, found.only_theirs.rows, found.different.rows),
            (1, 1, 2),
            "{found:#?}"
        );
        assert_eq!(found.lines.len(), 4);
        assert_eq!(found.lines[0].row, row(&gone));
        let also: Vec<_> = found.lines.iter().flat_map(|line| &line.also).collect();
        assert_eq!(also, [&("payer", "320500".to_owned(), "320700".to_owned())]);
        assert_eq!(found.only_ours.fen, found.lines[0].ours.expect("ours"));
    }
    let few = diff(&our_file, &their_file, 1).expect("two pages");
    assert_eq!((few[0].lines.len(), few[0].different.rows), (1, 2), "counted, though not listed");
}

#[test]
fn a_pair_that_differs_is_found_by_use_where_its_sum_is_the_same() {
    let (ours, theirs) = two();
    let (our_file, their_file) = (
        ours.path().join("gongji-2026-10-32-summary.csv"),
        theirs.path().join("gongji-2026-10-41-summary.csv"),
    );
    let text = fs::read_to_string(&their_file).expect("a summary");
    let line = text.lines().find(|line| line.contains("\"320500\t\"")).expect("a pair").to_owned();
    let cells: Vec<&str> = line.split(',').collect();
    let change = |changes: &[(usize, i128)]| {
        let mut cells: Vec<String> = cells.iter().map(|cell| (*cell).to_owned()).collect();
        for (place, fen) in changes {
            cells[*place] = yuan::text(yuan::parse(&cells[*place]).expect("an amount") + fen);
        }
        fs::write(&their_file, text.replace(&line, &cells.join(","))).expect("kept");
        diff(&our_file, &their_file, 10).expect("two pages").remove(0)
    };
    let (receivable, institutions, pharmacies) = (9, 11, 12);
    assert!(change(&[]).is_equal());
    let found = change(&[(receivable, 1)]);
    assert_eq!(found.different, Count { rows: 1, fen: -1 });
    let found = change(&[(institutions, 5), (pharmacies, -5)]);
    assert_eq!(found.different, Count { rows: 2, fen: 0 }, "{found:#?}");
    assert!(found.lines.iter().all(|line| line.usage.is_some()));
}

#[test]
fn what_cannot_be_compared_says_why() {
    let (ours, theirs) = two();
    let details = ours.path().join("gongji-2026-10-32-details.csv");
    let summary = theirs.path().join("gongji-2026-10-41-summary.csv");
    let problem = |ours: &Path, theirs: &Path| diff(ours, theirs, 10).expect_err("no").to_string();
    assert!(problem(&details, &summary).contains("different pages"));
    assert!(problem(&details, theirs.path()).contains("is a folder"));
    assert!(
        problem(&details, &ours.path().join("gongji-2026-10-32.xlsx")).contains("no page of a statement")
    );
    assert!(problem(&details, &ours.path().join("none.csv")).contains("cannot read"));
    let text = fs::read_to_string(&details).expect("details");
    let changed = theirs.path().join("changed.csv");
    fs::write(&changed, text.replace("2026-10\t", "2026-09\t")).expect("kept");
    assert!(problem(&details, &changed).contains("one statement is of 2026-10, the other of 2026-09"));
    fs::write(&changed, text.replace(".00,", ".001,")).expect("kept");
    assert!(problem(&details, &changed).contains("column \"amount\""), "{}", problem(&details, &changed));
}
