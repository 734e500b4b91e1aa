//! `gongji audit`, over a running node and over the files of a stopped one.

use crate::one::{NODE, One, gongji, sent};
use client::v1::{self, audit_response::Kind};
use client::{Insurance, Outcome, Reason};
use ledger::table::{PersonRecord, Record, Row};
use ledger::{Audit, Key, Person, View};
use node::state::{Entry, LogMark, State, StateSettings};
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Only what hangs takes that long.
const HANG: Duration = Duration::from_secs(60);

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of ASCII")
}

/// A person with an account, and 500 yuan on it.
async fn enrol(one: &One) -> Person {
    let id = uuid::Uuid::now_v7();
    let agency = one.client.acting_as(client::Caller::agency("320500"));
    let done = |outcome: Outcome| assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
    done(sent(one.national().register_area("320500")).await);
    done(sent(agency.enrol_person(id.to_string(), Insurance::Employee, "320500")).await);
    done(sent(agency.credit_account(id.to_string(), "500.00".parse().expect("yuan"), "2026-10")).await);
    Person(id.into_bytes())
}

/// Makes money out of nothing, and keeps the digest right: no hash finds it.
fn forge(state: &State, person: Person) {
    let key = Key::Person { person };
    let row = state.reader().get(&key).expect("a state").expect("the person");
    let mut record = PersonRecord::of_row(&row).cloned().expect("a person");
    let account = record.account.as_mut().expect("an account");
    account.available =
        account.available.checked_add(ledger::Fen::new(1).expect("a fen")).expect("no more than money");
    let last = state.applied().log.expect("an entry");
    let changes = [(key, Some(Arc::new(Row::Person(record))))].into_iter().collect();
    let log = LogMark { index: last.index + 1, ..last };
    state.absorb(Entry { log, membership: None, changes, journal: None }).expect("absorbed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_node_is_audited_and_what_is_wrong_is_found() {
    let dir = tempfile::tempdir().expect("a folder");
    let one = One::formed(dir.path()).await;
    let person = enrol(&one).await;
    let index = one.index();
    let ran = one.gongji(["audit"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.starts_with(&format!("state of {NODE} 江苏 at index {index}, digest ")), "{ran:?}");
    let rows =
        ran.out.lines().filter(|line| line.trim_start().starts_with(|c: char| c.is_ascii_digit())).count();
    assert_eq!(rows, Audit::default().counted.len(), "{}", ran.out);
    assert!(ran.out.trim_end().ends_with("all 19 invariants hold"), "{ran:?}");
    let json: Value = serde_json::from_str(&one.gongji(["audit", "-o", "json"]).await.out).expect("JSON");
    assert_eq!(json["index"], index.to_string());
    assert_eq!(json["invariants"].as_array().map(Vec::len), Some(19));
    let checked =
        |number: usize| json["invariants"][number - 1]["checked"].as_str().expect("a number") != "0";
    assert!(checked(1) && checked(18), "persons and the digest were looked at: {json}");

    forge(one.node.state(), person);
    let ran = one.gongji(["audit"]).await;
    assert_eq!(ran.code, 8, "{ran:?}");
    assert!(ran.out.contains("FINDINGS") && ran.out.contains("Person(.."), "{ran:?}");
    assert!(!ran.out.contains(&uuid::Uuid::from_bytes(person.0).to_string()), "nobody is named: {ran:?}");
    one.node.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_node_is_audited_from_its_files_and_a_running_one_is_not() {
    let dir = tempfile::tempdir().expect("a folder");
    let data = dir.path().join("node");
    let one = One::formed(&data).await;
    let person = enrol(&one).await;
    let index = one.index();
    let busy = gongji(["audit", "--data-dir", text(&data)]).await;
    assert!(
        busy.code == 9 && busy.err.contains("in use") && busy.err.contains("gongji audit --addr"),
        "{busy:?}"
    );
    one.node.shutdown().await;

    let ran = gongji(["audit", "--data-dir", text(&data)]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.out.contains(&format!("at index {index}")) && ran.out.contains("all 19 invariants hold"),
        "{ran:?}"
    );
    // The node starts again from what was audited.
    let state = State::open(&data, StateSettings::default()).expect("opened");
    assert_eq!((state.applied().index(), state.recovery_notes().len()), (index, 0));
    forge(&state, person);
    state.checkpoint().expect("written");
    state.close();
    drop(state);
    let ran = gongji(["audit", "--data-dir", text(&data), "-o", "json"]).await;
    assert_eq!(ran.code, 8, "{ran:?}");
    let json: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(
        (&json["node"], &json["findings"][0]["invariant"]),
        (&NODE.to_string().into(), &1.into()),
        "{json}"
    );

    let nobody = gongji(["audit", "--data-dir", text(dir.path())]).await;
    assert!(nobody.code == 9 && nobody.err.contains("no VERSION file"), "{nobody:?}");
    let nothing = gongji(["audit", "--data-dir", text(&dir.path().join("none"))]).await;
    assert!(nothing.code == 10 && !dir.path().join("none").exists(), "{nothing:?}");
}

/// A state of some thousand records.
async fn many(one: &One) {
    let agency = one.client.acting_as(client::Caller::agency("320500"));
    sent(one.national().register_area("320500")).await.done().expect("done");
    for _ in 0..8 {
        let calls: Vec<client::Prepared> = (0..1_000)
            .map(|_| {
                agency.enrol_person(uuid::Uuid::now_v7().to_string(), Insurance::Employee, "320500").into()
            })
            .collect();
        for outcome in one.client.submit_batch(&calls).await {
            outcome.expect("sent").done().expect("enrolled");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn audits_take_turns_end_with_their_caller_and_keep_nobody_waiting() {
    let dir = tempfile::tempdir().expect("a folder");
    let one = One::formed(dir.path()).await;
    many(&one).await;
    let mut door = v1::cluster_client::ClusterClient::new(one.client.channel());
    // Whoever keeps the state still keeps an audit waiting: it is under way for as long as this test wants.
    let still = one.node.state().still().expect("a state");
    let first = door.audit(v1::AuditRequest {}).await.expect("begun").into_inner();
    let second = door.audit(v1::AuditRequest {}).await.expect_err("one at a time");
    assert_eq!(proto::status::reason_of(&second), Some(Reason::AuditUnderWay), "{second}");
    // The node serves meanwhile.
    sent(one.national().register_area("320600")).await.done().expect("done");
    // Nobody listens to the first any more: there is room for another.
    drop(first);
    drop(still);
    let again = async {
        loop {
            match door.audit(v1::AuditRequest {}).await {
                Ok(steps) => return steps.into_inner(),
                Err(status) => {
                    assert_eq!(proto::status::reason_of(&status), Some(Reason::AuditUnderWay), "{status}");
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            }
        }
    };
    let mut steps = tokio::time::timeout(HANG, again).await.expect("room again");
    let report = loop {
        match steps.message().await.expect("a step").and_then(|step| step.kind) {
            Some(Kind::Report(report)) => break report,
            Some(Kind::Progress(_)) => {}
            None => panic!("no report"),
        }
    };
    assert!(report.findings.is_empty() && report.invariants[0].checked >= 8_000, "{report:?}");
    // A node that stops does not wait for an audit.
    let _under_way = door.audit(v1::AuditRequest {}).await.expect("begun");
    tokio::time::timeout(HANG, one.node.shutdown()).await.expect("it stops");
}
