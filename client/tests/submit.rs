//! One transaction at a time: the same id and the same bytes until its outcome is known.

mod support;

use client::{
    Call, Caller, Client, Error, Outcome, Prepared, Reason, RequestId, TRANSACTION_BYTES_MAX, v1 as pb,
};
use proto::status;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use support::{Act, Book, Fake, nobody, sized, still, until};
use tokio::time::Instant;
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

/// A connection can hang for ever without breaking.
#[tokio::test]
async fn a_connection_without_a_reply_in_time_is_made_anew() {
    let book = Arc::new(Book::default());
    // More than there are attempts in the two seconds that a new connection is given.
    let server = Fake::start(&book, vec![Act::Lose; 9]).await;
    let client = quick(&[&server.address]).within(Duration::from_secs(60));
    payment(&client).send().await.expect("answered").done().expect("done");
    assert!(server.dialled.load(Ordering::Relaxed) > 1, "it was asked again where nothing had been heard");
    let server = Fake::start(&book, vec![Act::Mute; 9]).await;
    let client = quick(&[&server.address]).within(Duration::from_secs(60));
    client.submitter().submit(payment(&client)).await.expect("answered").done().expect("done");
    assert!(server.dialled.load(Ordering::Relaxed) > 1, "it was asked again where nothing had been heard");
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

#[tokio::test(start_paused = true)]
async fn after_the_deadline_it_is_unknown_and_may_be_asked_for() {
    let book = Arc::new(Book::default());
    let server = Fake::start(&book, [Act::Lose, Act::Lose, Act::Lose, Act::Lose]).await;
    let client = quick(&[&server.address]);
    let call = payment(&client).within(Duration::from_millis(300));
    let begun = Instant::now();
    // The clock stands still until it is decided, which nobody hears.
    let decided = still(until(|| book.len() == 1));
    let (outcome, ()) = futures::join!(call.send(), decided);
    assert_eq!(outcome.expect("no error"), Outcome::Unknown(call.request_id()));
    assert!(begun.elapsed() < Duration::from_secs(2), "the deadline holds: {:?}", begun.elapsed());
    // It was decided all the same: asking tells so, and so does sending again. (The script may have a step left.)
    let server = Fake::start(&book, []).await;
    let client = quick(&[&server.address]);
    let found = still(client.ask_again(call.request_id())).await.expect("answered").done().expect("done");
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
    // On a slow machine the deadline can be there before the refusal is: then nobody knows.
    let refused = async {
        loop {
            match payment(&client).send().await {
                Ok(Outcome::Unknown(_)) => {}
                known => return known,
            }
        }
    };
    let error = tokio::time::timeout(Duration::from_secs(60), refused).await.expect("never refused");
    assert!(matches!(error, Err(Error::NotSent { .. })), "{error:?}");
    let error = Client::connect([&nobody]).await.expect_err("nobody there");
    assert!(error.to_string().contains(&nobody[7..]), "names the address: {error}");
}

#[tokio::test(start_paused = true)]
async fn a_dead_address_costs_no_call() {
    let book = Arc::new(Book::default());
    let server = Fake::start(&book, []).await;
    let dead = nobody().await;
    let connected = still(Client::connect([dead.as_str(), &server.address])).await.expect("one answers");
    for client in [connected.acting_as(Caller::National), quick(&[&dead, &server.address])] {
        // Moved over at once, without a pause.
        still(payment(&client).send()).await.expect("answered").done().expect("done");
    }
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

#[tokio::test]
async fn one_that_is_too_large_is_malformed_and_not_sent() {
    let book = Arc::new(Book::default());
    let server = Fake::start(&book, []).await;
    let client = quick(&[&server.address]);
    for bytes in [TRANSACTION_BYTES_MAX + 1, 5 << 20] {
        let error = client.submit(&sized(&client, bytes)).await.expect_err("too large");
        assert!(matches!(&error, Error::Malformed { field, .. } if field == "transaction"), "{error:?}");
        assert_eq!(error.to_string(), format!("transaction has {bytes} bytes, at most 1048576"));
    }
    assert_eq!(server.calls(), 0, "not sent");
    let largest = sized(&client, TRANSACTION_BYTES_MAX);
    client.submit(&largest).await.expect("answered").done().expect("done");
}

#[tokio::test]
async fn a_batch_of_many_bytes_goes_in_several_messages() {
    let book = Arc::new(Book::default());
    let server = Fake::start(&book, []).await;
    let client = quick(&[&server.address]);
    let mut batch: Vec<Prepared> = (0..12).map(|_| sized(&client, 500 << 10)).collect();
    batch.insert(5, sized(&client, TRANSACTION_BYTES_MAX + 1));
    batch.insert(9, sized(&client, TRANSACTION_BYTES_MAX));
    let results = client.submit_batch(&batch).await;
    for (i, result) in results.into_iter().enumerate() {
        if i == 5 {
            assert!(matches!(&result, Err(Error::Malformed { field, .. }) if field == "transaction"));
        } else {
            let receipt = result.expect("answered").done().expect("done");
            assert_eq!(receipt.request_id, batch[i].request_id());
        }
    }
    assert_eq!(book.len(), 13);
    assert_eq!(server.calls(), 4 + 1 + 2, "two by two, but the largest alone");
}

#[tokio::test]
async fn an_answer_that_is_too_large_to_take_leaves_it_unknown() {
    let book = Arc::new(Book::default());
    let server = Fake::start(&book, [Act::Bloat, Act::Bloat]).await;
    let client = quick(&[&server.address]).attempting(Duration::from_secs(5));
    let call = payment(&client);
    assert_eq!(call.send().await.expect("no error"), Outcome::Unknown(call.request_id()));
    let other = payment(&client).prepare();
    let results = client.submit_batch(std::slice::from_ref(&other)).await;
    assert!(matches!(&results[0], Ok(Outcome::Unknown(id)) if *id == other.request_id()), "{results:?}");
    assert_eq!(book.len(), 2, "both were done");
}

#[tokio::test]
async fn too_early_is_not_final() {
    let book = Arc::new(Book::default());
    // The first copy is delayed; the second one is refused for an id that is ahead, at once and not until the deadline.
    let first = Fake::start(&book, [Act::Delay]).await;
    let second = Fake::start(&book, [Act::Refuse(Reason::RequestTooEarly)]).await;
    let client = quick(&[&first.address, &second.address]);
    let call = payment(&client);
    let Outcome::Refused(no) = call.send().await.expect("answered") else { panic!("not refused") };
    assert_eq!(no.reason, Reason::RequestTooEarly);
    assert!(!no.is_final(), "a copy is still under way");
    assert_eq!(client.receipt(call.request_id()).await.expect("answered"), None, "it is not remembered");
    // The delayed copy is done after all: the same call, sent again, says so and pays nothing more.
    book.catch_up();
    assert!(call.send().await.expect("answered").done().expect("done").repeated);
    assert_eq!(book.len(), 1, "paid once");
    assert_eq!((first.calls(), second.calls()), (1, 3), "not sent again by itself");
}

#[tokio::test]
async fn refusals_are_final_but_for_those_that_are_not_remembered() {
    let book = Arc::new(Book::default());
    for reason in proto::catalogue::CATALOGUE.iter().map(|text| text.number).filter(|number| *number < 9000) {
        let reason = Reason::try_from(reason).expect("of the catalogue");
        let server = Fake::start(&book, [Act::Refuse(reason)]).await;
        let outcome = payment(&quick(&[&server.address])).send().await.expect("answered");
        let Outcome::Refused(no) = outcome else { panic!("not refused: {outcome:?}") };
        let remembered =
            !matches!(reason, Reason::RequestTooEarly | Reason::RequestExpired | Reason::NotBegun);
        assert_eq!(no.is_final(), remembered, "{reason:?}");
    }
}
