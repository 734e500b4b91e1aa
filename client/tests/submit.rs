//! One transaction at a time: the same id and the same bytes until its outcome is known.

mod support;

use client::{Call, Caller, Client, Error, Outcome, Prepared, Reason, RequestId, v1 as pb};
use proto::status;
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::{Act, Book, Fake, nobody};
use tonic::Status;

const FATHER: &str = "6f9619ff-8b86-4011-b42d-00c04fc964ff";
const HOSPITAL: &str = "H41010000001";

fn quick(addresses: &[&str]) -> Client {
    let client = Client::connect_lazy(addresses).expect("addresses");
    client
        .acting_as(Caller::institution(HOSPITAL))
        .within(Duration::from_secs(5))
        .attempting(Duration::from_millis(200))
}

fn payment(client: &Client) -> Call<pb::Settle> {
    client.settle(FATHER, HOSPITAL, "98.60".parse().expect("an amount")).all_or_nothing()
}

#[tokio::test]
async fn a_lost_reply_is_asked_for_with_the_same_id_and_the_same_bytes() {
    let book = Arc::new(Book::default());
    let first = Fake::start(&book, [Act::Lose]).await;
    let second = Fake::start(&book, [Act::Break, Act::Say(Status::unavailable("no"))]).await;
    let client = quick(&[&first.address, &second.address]);
    let call = payment(&client);
    let written_down = call.request_id();
    let receipt = call.send().await.expect("answered").done().expect("done");
    assert_eq!(receipt.request_id, written_down);
    assert!(receipt.repeated, "it had been decided by the attempt whose reply was lost");
    assert_eq!(book.len(), 1, "paid once");
    let sent = book.bytes_of(&written_down.to_string());
    assert!(sent.len() >= 3, "both servers were asked: {}", sent.len());
    assert!(sent.iter().all(|bytes| *bytes == sent[0]), "the same bytes");
}

#[tokio::test]
async fn sending_a_call_again_never_pays_twice() {
    let book = Arc::new(Book::default());
    let server = Fake::start(&book, []).await;
    let client = quick(&[&server.address]);
    let call = payment(&client);
    let first = call.send().await.expect("answered").done().expect("done");
    let second = call.send().await.expect("answered").done().expect("done");
    assert_eq!((first.index, first.repeated), (1, false));
    assert_eq!((second.index, second.repeated), (1, true));
    payment(&client).send().await.expect("answered").done().expect("another payment is another request");
    assert_eq!(book.len(), 2);
}

#[tokio::test]
async fn a_refusal_is_final_and_has_words() {
    let book = Arc::new(Book::default());
    let server = Fake::start(&book, [Act::Refuse(Reason::NotCovered)]).await;
    let client = quick(&[&server.address]);
    let Outcome::Refused(no) = payment(&client).send().await.expect("answered") else {
        panic!("not refused")
    };
    assert_eq!((no.reason, no.number, no.index), (Reason::NotCovered, 605, 1));
    assert_eq!(no.zh(), "账户和共济额度不足以全额支付");
    assert!(no.to_string().contains("REASON_NOT_COVERED"), "{no}");
    assert_eq!(server.calls(), 1, "not retried");
}

#[tokio::test]
async fn a_malformed_field_is_named_and_not_retried() {
    let server = Fake::start(&Arc::default(), []).await;
    let client = quick(&[&server.address]);
    let error =
        client.settle(FATHER, "", "98.60".parse().expect("an amount")).send().await.expect_err("malformed");
    assert!(matches!(&error, Error::Malformed { field, .. } if field == "settle.institution"), "{error:?}");
    assert_eq!(error.to_string(), "settle.institution is empty");
    assert_eq!(server.calls(), 1, "not retried");
}

#[tokio::test]
async fn no_leader_is_waited_for() {
    let book = Arc::new(Book::default());
    let no_leader = || Act::Say(status::status(Reason::NoLeader, ""));
    let server = Fake::start(&book, [no_leader(), no_leader(), no_leader()]).await;
    let receipt = payment(&quick(&[&server.address])).send().await.expect("answered").done().expect("done");
    assert!(!receipt.repeated);
    assert_eq!(server.calls(), 4);
}

#[tokio::test]
async fn after_the_deadline_it_is_unknown_and_may_be_asked_for() {
    let book = Arc::new(Book::default());
    let server = Fake::start(&book, [Act::Lose, Act::Lose, Act::Lose, Act::Lose]).await;
    let client = quick(&[&server.address]);
    let call = payment(&client).within(Duration::from_millis(300));
    let begun = Instant::now();
    let outcome = call.send().await.expect("no error");
    assert_eq!(outcome, Outcome::Unknown(call.request_id()));
    assert!(begun.elapsed() < Duration::from_secs(2), "the deadline holds");
    // It was decided all the same: asking tells so, and so does sending again. (The script may have a step left.)
    let server = Fake::start(&book, []).await;
    let client = quick(&[&server.address]);
    let found = client.ask_again(call.request_id()).await.expect("answered").done().expect("done");
    assert!(found.repeated);
    assert_eq!(book.len(), 1);
}

#[tokio::test]
async fn an_id_that_nobody_knows_stays_unknown() {
    let server = Fake::start(&Arc::default(), [Act::Say(Status::unavailable("no"))]).await;
    let client = quick(&[&server.address]);
    let id = RequestId::fresh();
    assert_eq!(client.receipt(id).await.expect("answered"), None);
    let soon = client.within(Duration::from_millis(100));
    assert_eq!(soon.ask_again(id).await.expect("answered"), Outcome::Unknown(id));
}

#[tokio::test]
async fn what_reached_nobody_is_an_error_and_not_unknown() {
    let nobody = nobody().await;
    let client = quick(&[&nobody]).within(Duration::from_millis(300));
    let error = payment(&client).send().await.expect_err("nobody there");
    assert!(matches!(error, Error::NotSent { .. }), "{error:?}");
    let error = Client::connect([&nobody]).await.expect_err("nobody there");
    assert!(error.to_string().contains(&nobody[7..]), "names the address: {error}");
}

#[tokio::test]
async fn a_dead_address_costs_no_call() {
    let book = Arc::new(Book::default());
    let server = Fake::start(&book, []).await;
    let dead = nobody().await;
    let client = Client::connect([dead.as_str(), &server.address]).await.expect("one answers");
    let client = client.acting_as(Caller::National);
    payment(&client).send().await.expect("answered").done().expect("done");
    let client = quick(&[&dead, &server.address]);
    let begun = Instant::now();
    payment(&client).send().await.expect("answered").done().expect("done");
    assert!(begun.elapsed() < Duration::from_millis(500), "moved over at once");
}

#[tokio::test]
async fn a_server_that_does_not_allow_it_is_not_asked_again() {
    let server = Fake::start(&Arc::default(), [Act::Say(Status::permission_denied("not you"))]).await;
    let error = payment(&quick(&[&server.address])).send().await.expect_err("rejected");
    assert!(matches!(error, Error::Rejected { code: tonic::Code::PermissionDenied, .. }), "{error:?}");
    // But after an attempt that may have been heard, it is unknown.
    let acts = [Act::Break, Act::Say(Status::permission_denied("not you"))];
    let server = Fake::start(&Arc::default(), acts).await;
    let call = payment(&quick(&[&server.address]));
    assert_eq!(call.send().await.expect("no error"), Outcome::Unknown(call.request_id()));
}

#[tokio::test]
async fn an_answer_about_another_transaction_is_not_believed() {
    let book = Arc::new(Book::default());
    let server = Fake::start(&book, [Act::Mistake]).await;
    let call = payment(&quick(&[&server.address]));
    let receipt = call.send().await.expect("answered").done().expect("done");
    assert_eq!(receipt.request_id, call.request_id());
    assert_eq!(book.len(), 1);
}

#[tokio::test]
async fn a_batch_answers_each_for_itself() {
    let book = Arc::new(Book::default());
    let server = Fake::start(&book, [Act::Unknown(Reason::OutcomeUnknown), Act::Break]).await;
    let client = quick(&[&server.address]);
    let calls =
        [payment(&client), client.settle(FATHER, "", "1.00".parse().expect("an amount")), payment(&client)];
    let batch: Vec<Prepared> = calls.iter().map(Prepared::from).collect();
    let results = client.submit_batch(&batch).await;
    assert!(matches!(&results[0], Ok(Outcome::Done(receipt)) if receipt.request_id == calls[0].request_id()));
    assert!(matches!(&results[1], Err(Error::Malformed { field, .. }) if field == "settle.institution"));
    assert!(matches!(&results[2], Ok(Outcome::Done(receipt)) if receipt.request_id == calls[2].request_id()));
    assert_eq!(book.len(), 2);
    for call in &calls {
        let sent = book.bytes_of(&call.request_id().to_string());
        assert_eq!(sent.len(), 3);
        assert!(sent.iter().all(|bytes| *bytes == sent[0]), "the same bytes");
    }
}

#[test]
fn addresses_are_checked() {
    for bad in ["", "http://", "http://127.0.0.1", "not an address"] {
        let error = Client::connect_lazy([bad]).expect_err("not usable");
        assert!(matches!(error, Error::Address { .. }), "{bad:?}: {error:?}");
    }
    assert!(Client::connect_lazy(Vec::<String>::new()).is_err());
}
