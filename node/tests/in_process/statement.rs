//! A finance clerk's month, with the program against a node: stated while it is open, closed, stated by both provinces,
//! compared; a day reconciled, and the report printed.

use crate::family::{DAUGHTER, FATHER, HOSPITAL, ZHENGZHOU, furnish, propose, yuan};
use crate::one::{NODE, One, Ran, gongji, set, settings};
use client::Caller;
use node::Settings;
use proto::v1 as pb;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// 2026-10-03 10:00 and 2026-11-02 09:00, +08:00.
const OCTOBER: u64 = 1_790_992_800_000;
const NOVEMBER: u64 = 1_793_581_200_000;

/// A cluster of one in October 2026.
async fn open(dir: &Path) -> One {
    // No tick between two builds of a month: the check page tells the index that it was read at.
    let settings = Settings { pulse: Duration::from_secs(3_600), ..settings(NODE, dir) };
    set(&settings.clock, OCTOBER);
    One::with(settings).await
}

async fn gongji_json(one: &One, arguments: &[&str], code: i32) -> Value {
    json(one.gongji([arguments, &["-o", "json"]].concat()).await, code)
}

async fn diff_json(ours: &str, theirs: &str, code: i32) -> Value {
    json(gongji(["statement", "diff", ours, theirs, "-o", "json"]).await, code)
}

fn json(ran: Ran, code: i32) -> Value {
    assert_eq!(ran.code, code, "{ran:?}");
    serde_json::from_str(&ran.out).unwrap_or_else(|problem| panic!("{problem}: {}", ran.out))
}

/// What was paid, in the order of the log: three settlements and a refund.
async fn spend(one: &One) -> Vec<String> {
    furnish(one, yuan("5000.00")).await;
    let relation = propose(one).await;
    one.done(one.acting_as(Caller::person(FATHER)).accept_relation(&relation)).await;
    let hers = one.acting_as(Caller::person(DAUGHTER));
    one.done(hers.set_quota(&relation, yuan("2000.00"))).await;
    let hospital = one.acting_as(Caller::institution(HOSPITAL));
    let mut ids = Vec::new();
    for (person, amount) in [(FATHER, "98.60"), (FATHER, "50.00"), (DAUGHTER, "7.00")] {
        let settled = one.done(hospital.settle(person, HOSPITAL, yuan(amount))).await;
        ids.push(settled.settled().expect("a settlement").payment.clone());
    }
    let refunded = one.done(hospital.refund(&ids[0]).only(yuan("8.60"))).await;
    ids.push(refunded.refunded().expect("a refund").refund.clone());
    ids
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_month_is_stated_closed_and_compared() {
    let dir = tempfile::tempdir().expect("a folder");
    let one = open(&dir.path().join("node")).await;
    let ids = spend(&one).await;
    let folder = |name: &str| dir.path().join(name).display().to_string();

    // The SDK's pages, however small, and of a province that has nothing to do with it.
    let movements = one.client.movements("2026-10").page_size(1).all().await.expect("answered");
    let told: Vec<(&str, &str)> =
        movements.iter().map(|row| (row.position.as_str(), row.amount.as_str())).collect();
    let expected = [(&ids[0], "98.60"), (&ids[1], "50.00"), (&ids[2], "7.00"), (&ids[3], "-8.60")];
    assert_eq!(told, expected.map(|(id, amount)| (id.as_str(), amount)));
    assert_eq!(movements[3].kind(), pb::MovementKind::Refund);
    assert_eq!(movements[3].payment, ids[0]);
    assert!(one.client.movements("2026-10").province("44").all().await.expect("answered").is_empty());
    let bad = one.client.movements("2026-13").all().await;
    assert!(matches!(bad, Err(client::Error::Malformed { field, .. }) if field == "month"));
    let mut door = pb::query_client::QueryClient::new(one.client.channel());
    let asked = pb::ListMovementsRequest { month: "2026-10".into(), page_size: 1, ..Default::default() };
    let page = door.list_movements(asked.clone()).await.expect("a page").into_inner();
    let other =
        pb::ListMovementsRequest { month: "2026-11".into(), page_token: page.next_page_token, ..asked };
    let status = door.list_movements(other).await.expect_err("a token of another month");
    assert_eq!(proto::status::reason_of(&status), Some(pb::Reason::PageTokenInvalid));

    // An open month is stated only when that is wanted, and says so.
    let build = ["statement", "build", "2026-10", "--province", "32", "--out"];
    let Ran { code, err, .. } = one.gongji([&build[..], &[&folder("32")]].concat()).await;
    assert_eq!(code, 3, "{err}");
    assert!(
        err.contains("2026-10 is not closed") && err.contains("close_period") && err.contains("--open"),
        "{err}"
    );
    assert!(!dir.path().join("32").exists(), "nothing is begun");
    let open = gongji_json(&one, &[&build[..], &[&folder("open"), "--open"]].concat(), 0).await;
    assert_eq!((open["closed"].as_bool(), open["payable"].as_str()), (Some(false), Some("147.00")));
    assert!(read(&dir.path().join("open/gongji-2026-10-32-open-details.csv")).contains("PRELIMINARY"));

    // Closed, and stated by both sides; once more, the same bytes.
    one.set_clock(NOVEMBER);
    let national = one.national();
    one.done(national.close_period("2026-10")).await;
    for province in ["32", "41"] {
        for copy in ["", "again"] {
            let out = folder(&format!("{province}{copy}"));
            let told = ["statement", "build", "2026-10", "--province", province, "--out", &out];
            let told = gongji_json(&one, &told, 0).await;
            assert_eq!(
                (told["agrees"].as_bool(), told["movements"].as_str()),
                (Some(true), Some("4")),
                "{told}"
            );
            assert_eq!(told["checks"].as_array().map(Vec::len), Some(10), "{told}");
            assert_eq!(told["state_digest"].as_str().map(str::len), Some(64), "{told}");
            assert_eq!(told["state_digest_index"], told["read_to_index"], "{told}");
        }
        for page in ["summary.csv", "provinces.csv", "details.csv", "check.csv", "summary.csv"] {
            let name = format!("gongji-2026-10-{province}-{page}");
            let [one, other] =
                ["", "again"].map(|copy| read(&dir.path().join(format!("{province}{copy}/{name}"))));
            assert_eq!(one, other);
        }
        let name = format!("gongji-2026-10-{province}.xlsx");
        let [one, other] =
            ["", "again"].map(|copy| fs::read(dir.path().join(format!("{province}{copy}/{name}"))).ok());
        assert!(one.is_some() && one == other, "a workbook is the same bytes, too");
    }
    let Ran { code, out, err } = one.gongji([&build[..], &[&folder("32")]].concat()).await;
    assert_eq!(code, 0, "{err}");
    assert!(
        out.contains("payable 147.00 元")
            && out.contains("4 movements")
            && out.contains("10 of 10 checks agree"),
        "{out}"
    );

    // Their receivable is our payable; until somebody changes a fen.
    let Ran { code, out, err } = gongji(["statement", "diff", &folder("32"), &folder("41")]).await;
    assert_eq!(code, 0, "{out}{err}");
    assert_eq!(out.matches("\nequal").count(), 2, "{out}");
    let theirs = dir.path().join("41/gongji-2026-10-41-details.csv");
    fs::write(&theirs, read(&theirs).replace(",50.00,", ",51.00,")).expect("kept");
    let Ran { code, out, .. } = gongji(["statement", "diff", &folder("32"), &folder("41")]).await;
    assert_eq!(code, 8);
    let row = format!("{}-0", ids[1]);
    assert!(
        out.lines().any(|line| line.contains(&row) && line.contains("amount") && line.contains("-1.00")),
        "{out}"
    );
    let details = diff_json(&folder("32"), &folder("41"), 8).await["pages"][1].clone();
    assert_eq!(
        (details["equal"].as_bool(), details["different"]["amount"].as_str()),
        (Some(false), Some("-1.00"))
    );
    assert_eq!(
        (details["differences"][0]["ours"].as_str(), details["ours"]["rows"].as_str()),
        (Some("50.00"), Some("4"))
    );
    one.node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_is_reconciled_and_the_report_is_printed() {
    let dir = tempfile::tempdir().expect("a folder");
    let one = open(&dir.path().join("node")).await;
    let ids = spend(&one).await;

    let day = ["reconcile", "--institution", HOSPITAL, "--day", "2026-10-03"];
    let Ran { code, out, err } = one.gongji(day).await;
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("合计 net") && out.contains("147.00") && out.contains("-8.60"), "{out}");
    let area = gongji_json(&one, &["reconcile", "--area", ZHENGZHOU, "--day", "2026-10-03"], 0).await;
    assert_eq!(
        (area["totals"].as_array().map(Vec::len), area["compared"].is_null()),
        (Some(3), true),
        "{area}"
    );

    let file = dir.path().join("theirs.csv");
    let write = |rows: &[(&str, &str, &str)]| {
        let mut text = "setl_id,psn_part_amt,acct_pay,acct_mulaid_pay,psn_cash_pay\n".to_owned();
        for (id, own, aid) in rows {
            let sum = if *own == "0" { aid } else { own };
            text += &format!("{id},{sum},{own},{aid},0\n");
        }
        fs::write(&file, text).expect("kept");
    };
    let [first, second, third, back] = [0, 1, 2, 3].map(|place| ids[place].as_str());
    let with = [&day[..], &["--theirs", file.to_str().expect("a path")]].concat();
    write(&[(first, "0", "98.60"), (second, "0", "50.00"), (third, "7.00", "0"), (back, "0", "-8.60")]);
    let equal = gongji_json(&one, &with, 0).await;
    assert_eq!(equal["compared"]["balanced"], true, "{equal}");
    // The refund is unknown to them, one amount is another, and they have one more.
    write(&[(first, "0", "98.60"), (second, "0", "50.01"), (third, "7.00", "0"), ("999999-0", "0", "1.00")]);
    let differ = gongji_json(&one, &with, 8).await["compared"].clone();
    let said = differ["differences"].as_array().expect("differences").iter();
    let said: Vec<_> = said.map(|one| (one["setl_id"].as_str(), one["stmt_rslt"].as_str())).collect();
    assert_eq!(said, [(Some(second), Some("3")), (Some(back), Some("1")), (Some("999999-0"), Some("2"))]);
    let Ran { out, .. } = one.gongji(&with).await;
    assert!(out.contains("平 balanced 2") && out.contains("中心多 centre has more 1"), "{out}");

    let Ran { code, out, err } = one.gongji(["statistics", "--until", "2026-10", "--scale", "1000000"]).await;
    assert_eq!(code, 0, "{err}");
    assert!(
        out.contains("2026年1–10月") && out.contains("1000000 times") && out.contains("1.40 亿元"),
        "{out}"
    );
    let told = gongji_json(&one, &["statistics", "--until", "2026-10"], 0).await;
    assert_eq!(told["statistics"]["total"]["sum"]["amount"], "140.00", "{told}");
    assert_eq!(told["scale"], 1);
    one.node.shutdown().await;
}
