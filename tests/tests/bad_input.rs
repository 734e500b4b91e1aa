//! Whatever is sent to the doors: a clear error with its place, and the cluster goes on serving everybody else.

use client::v1::ledger_client::LedgerClient;
use client::v1::peer_client::PeerClient;
use client::v1::transaction::Call;
use client::v1::{self, SubmitBatchRequest, SubmitRequest, Transaction};
use client::{Caller, Reason, RequestId};
use proto::status::{field_of, reason_of};
use rand::{Rng, RngCore};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;
use tests::bench::{rng, run};
use tests::cluster::{CALM_MAX, Options};
use tests::history::Expect;
use tests::traffic::{Load, Pace};
use tests::trial::Trial;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};

const HOSPITAL: &str = "H32050000001";
const SOMEBODY: &str = "6f9619ff-8b86-4011-b42d-00c04fc964ff";

/// A cluster under a light load, that must not notice anything.
async fn served(seed: u64) -> (Trial, Load) {
    let trial = Trial::begin(seed, Options::default()).await;
    // So patient that whoever hears nothing was forgotten, and not only waiting for a slow machine.
    let load = trial.load(0, &Pace { callers: 4, patience: CALM_MAX, ..Pace::default() });
    trial.progress(50).await;
    (trial, load)
}

/// The load still gets through, nobody was disturbed, and no node has fallen.
async fn undisturbed(mut trial: Trial, load: Load, what: &str) {
    trial.progress(100).await;
    trial.stop(load, 150).await;
    for place in 0..3 {
        assert!(trial.cluster.server(place).ended().is_none(), "node {place} has fallen");
        let said = trial.cluster.server(place).stderr();
        assert!(!said.contains("panicked"), "node {place} panicked:\n{said}");
    }
    assert!(trial.history.unknown().is_empty(), "somebody else's transaction had no answer");
    trial.judge(150).await.demand(what);
}

async fn channel(address: &str) -> Channel {
    Endpoint::from_shared(format!("http://{address}")).expect("an address").connect().await.expect("a node")
}

fn envelope(call: Option<Call>) -> Transaction {
    let caller = v1::Caller::from(&Caller::institution(HOSPITAL));
    Transaction {
        request_id: RequestId::fresh().to_string(),
        caller: Some(caller),
        not_after: None,
        signature: Default::default(),
        call,
    }
}

fn settle(beneficiary: &str, institution: &str, amount: &str) -> Transaction {
    envelope(Some(Call::Settle(v1::Settle {
        beneficiary: beneficiary.into(),
        institution: institution.into(),
        amount: amount.into(),
        use_own_account: None,
        all_or_nothing: false,
        ..v1::Settle::default()
    })))
}

/// Malformed transactions, each with the field that must be named.
fn malformed() -> Vec<(Transaction, &'static str)> {
    let good = || settle(SOMEBODY, HOSPITAL, "1.00");
    let mut cases = Vec::new();
    for amount in [
        "-1.00",
        "1.000",
        "100000000000000000",
        "100000000000000000.00",
        "",
        "1",
        "1.0",
        "+1.00",
        " 1.00",
        "1.00 ",
        "01.00",
        "1e2",
        "NaN",
        "1,00",
        "１.００",
        "0x10",
        ".50",
        "1.",
        "99999999999999999999999999999999999.00",
    ] {
        cases.push((settle(SOMEBODY, HOSPITAL, amount), "settle.amount"));
    }
    for person in ["", " ", "410105196001010011", "not-a-uuid", "6f9619ff8b864011b42d00c04fc964ff"] {
        cases.push((settle(person, HOSPITAL, "1.00"), "settle.beneficiary"));
    }
    for institution in ["", "H3205", "X32050000001", "H3205000000１", "H320500000012"] {
        cases.push((settle(SOMEBODY, institution, "1.00"), "settle.institution"));
    }
    for id in ["", "7", "6f9619ff-8b86-4011-b42d-00c04fc964ff", "{01890000-0000-7000-8000-000000000001}"] {
        cases.push((Transaction { request_id: id.into(), ..good() }, "request_id"));
    }
    for relation in ["", "-", "1", "1-", "-1", "1-65536", "18446744073709551616-0", "1-0-0", "a-b", "01-0"] {
        let call = Call::AcceptRelation(v1::AcceptRelation { relation: relation.into() });
        cases.push((envelope(Some(call)), "accept_relation.relation"));
    }
    for kinship in [0, 9, 99, -1, i32::MAX] {
        let (donor, beneficiary) = (SOMEBODY.into(), SOMEBODY.into());
        let call = Call::ProposeRelation(v1::ProposeRelation { donor, beneficiary, kinship });
        cases.push((envelope(Some(call)), "propose_relation.kinship"));
    }
    for insurance in [0, 1, 311, -310] {
        let (person, area) = (SOMEBODY.into(), "320500".into());
        let call = Call::EnrolPerson(v1::EnrolPerson { person, insurance, area, retired: false });
        cases.push((envelope(Some(call)), "enrol_person.insurance"));
    }
    for area in ["", "99", "000000", "3205000", "３２０５００", "990000"] {
        let call = Call::EnrolPerson(v1::EnrolPerson {
            person: SOMEBODY.into(),
            insurance: 310,
            area: area.into(),
            retired: false,
        });
        cases.push((envelope(Some(call)), "enrol_person.area"));
    }
    for period in ["", "2026", "2026-13", "2026-00", "2026-1", "26-01"] {
        let (person, amount) = (SOMEBODY.into(), "1.00".into());
        let call = Call::CreditAccount(v1::CreditAccount { person, amount, period: period.into() });
        cases.push((envelope(Some(call)), "credit_account.period"));
    }
    cases.push((envelope(None), "call"));
    cases.push((Transaction { caller: None, ..good() }, "caller"));
    cases.push((Transaction { caller: Some(v1::Caller { who: None }), ..good() }, "caller"));
    cases.push((Transaction { signature: vec![7; 513].into(), ..good() }, "signature"));
    cases
}

/// The status must be a refusal at the door that names the field.
fn names_field(status: &Status, field: &str, what: &str) {
    assert_eq!(status.code(), Code::InvalidArgument, "{what}: {status:?}");
    assert_eq!(reason_of(status), Some(Reason::InvalidArgument), "{what}: {status:?}");
    let (found, problem) = field_of(status).unwrap_or_else(|| panic!("{what}: no field in {status:?}"));
    assert!(
        found.ends_with(field) || found.contains(&format!(".{field}.")),
        "{what}: names {found}, not {field}"
    );
    assert!(!problem.is_empty() && status.message().contains(&problem), "{what}: {status:?}");
}

#[test]
fn malformed_transactions_are_turned_away_by_field() {
    run("bad_input", "malformed_transactions_are_turned_away_by_field", async |seed| {
        let (trial, load) = served(seed).await;
        let mut door = LedgerClient::new(channel(&trial.cluster.nodes[0].clients).await);
        for (transaction, field) in malformed() {
            let what = format!("{:?}", transaction.call);
            let asked = door.submit(SubmitRequest { transaction: Some(transaction.clone()) }).await;
            let status = asked.expect_err(&what);
            names_field(&status, field, &what);
            // In a batch it does not keep the others back: those reach the ledger, which does not know the person.
            let good = [settle(SOMEBODY, HOSPITAL, "1.00"), settle(SOMEBODY, HOSPITAL, "2.00")];
            for transaction in &good {
                let caller = Caller::institution(HOSPITAL);
                trial.history.begin(&caller, transaction.clone(), Expect::Refused(&[Reason::PersonUnknown]));
            }
            let [first, last] = good;
            let batch = vec![first, transaction, last];
            let asked = door.submit_batch(SubmitBatchRequest { transactions: batch }).await;
            let results = asked.expect("a batch has an answer").into_inner().results;
            let outcomes: Vec<v1::Outcome> = results.iter().map(v1::Result::outcome).collect();
            assert_eq!(
                outcomes,
                [v1::Outcome::Refused, v1::Outcome::Malformed, v1::Outcome::Refused],
                "{what}"
            );
            assert_eq!(results[0].reason(), Reason::PersonUnknown, "{what}");
            assert!(
                results[1].field.ends_with(field) && !results[1].problem.is_empty(),
                "{what}: {:?}",
                results[1]
            );
        }
        let status = door.submit(SubmitRequest { transaction: None }).await.expect_err("nothing is asked");
        names_field(&status, "transaction", "an empty request");
        undisturbed(trial, load, "malformed transactions").await;
    });
}

#[test]
fn messages_that_are_too_large_are_turned_away() {
    run("bad_input", "messages_that_are_too_large_are_turned_away", async |seed| {
        let (trial, load) = served(seed).await;
        let mut door = LedgerClient::new(channel(&trial.cluster.nodes[1].clients).await);
        let huge = Transaction { signature: vec![7; 5 << 20].into(), ..settle(SOMEBODY, HOSPITAL, "1.00") };
        let status = door.submit(SubmitRequest { transaction: Some(huge) }).await.expect_err("5 MiB");
        assert!(matches!(status.code(), Code::OutOfRange | Code::ResourceExhausted), "{status:?}");
        assert!(status.message().contains("large") && status.message().contains("4194304"), "{status:?}");
        let many = vec![settle("", "", ""); 1_001];
        let status = door.submit_batch(SubmitBatchRequest { transactions: many }).await.expect_err("1001");
        names_field(&status, "transactions", "1001 transactions");
        assert!(status.message().contains("1001") && status.message().contains("1000"), "{status:?}");
        // The same connection is still good.
        let status = door.submit(SubmitRequest { transaction: None }).await.expect_err("nothing is asked");
        names_field(&status, "transaction", "an empty request");
        undisturbed(trial, load, "large messages").await;
    });
}

/// What somebody may send to a port, and whether the sender stays connected.
fn garbage(seed: u64) -> Vec<Vec<u8>> {
    let mut random = vec![0; 64 << 10];
    rng(seed, 3).fill_bytes(&mut random);
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let mut frames = preface.to_vec();
    frames.extend(&random[..4_096]);
    // A SETTINGS frame, then a HEADERS frame that claims sixteen megabytes.
    let mut oversize = preface.to_vec();
    oversize.extend([0, 0, 0, 4, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 1, 4, 0, 0, 0, 1]);
    vec![
        Vec::new(),
        vec![0],
        random,
        b"GET / HTTP/1.1\r\nHost: gongji\r\n\r\n".to_vec(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
        preface[..10].to_vec(),
        frames,
        oversize,
        "医保钱包\n".as_bytes().repeat(1_000),
    ]
}

#[test]
fn garbage_on_both_ports_disturbs_nobody() {
    run("bad_input", "garbage_on_both_ports_disturbs_nobody", async |seed| {
        let (trial, load) = served(seed).await;
        let mut half_open = Vec::new();
        for node in &trial.cluster.nodes {
            for address in [&node.clients, &node.peers] {
                for bytes in garbage(seed) {
                    let mut stream = TcpStream::connect(address).expect("a port");
                    stream.set_read_timeout(Some(Duration::from_millis(20))).expect("a limit above zero");
                    // It may hang up in the middle, which is a good answer.
                    stream.write_all(&bytes).ok();
                    let mut answer = [0; 1];
                    stream.read_exact(&mut answer).ok();
                    half_open.push(stream);
                }
            }
        }
        // Bytes that are well-formed gRPC and nonsense inside.
        let mut random = rng(seed, 4);
        for node in &trial.cluster.nodes {
            let mut peers = PeerClient::new(channel(&node.peers).await);
            let (from, to) = (trial.cluster.nodes[0].id, node.id);
            let ours = uuid::Uuid::parse_str(&trial.cluster.id).expect("a cluster's id");
            for _ in 0..8 {
                let mut body = vec![0; random.random_range(0..512)];
                random.fill_bytes(&mut body);
                let header = v1::PeerHeader { cluster: ours.as_bytes().to_vec().into(), from, to };
                let vote = v1::VoteRequest { header: Some(header), body: body.into() };
                let status = peers.vote(vote).await.expect_err("no vote request");
                assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
            }
            let cases: [(v1::PeerHeader, Reason); 2] = [
                (v1::PeerHeader { cluster: vec![7; 16].into(), from, to }, Reason::WrongCluster),
                (
                    v1::PeerHeader { cluster: ours.as_bytes().to_vec().into(), from, to: to + 1 },
                    Reason::WrongNode,
                ),
            ];
            for (header, reason) in cases {
                let asked =
                    v1::NodeStatusRequest { header: Some(header), digest_index: 0, digest_only: false };
                let status = peers.node_status(asked).await.expect_err("not for this node");
                assert_eq!(reason_of(&status), Some(reason), "{status:?}");
            }
            // A client at the wrong door hears that it is one.
            let mut lost = LedgerClient::new(channel(&node.peers).await);
            let status = lost.submit(SubmitRequest { transaction: None }).await.expect_err("the peers' door");
            assert_eq!(status.code(), Code::Unimplemented, "{status:?}");
        }
        undisturbed(trial, load, "garbage on both ports").await;
        drop(half_open);
    });
}
