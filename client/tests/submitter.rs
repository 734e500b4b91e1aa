//! Many callers over one stream.

mod support;

use client::{Caller, Client, Error, Outcome, Prepared, Reason, TRANSACTION_BYTES_MAX};
use proto::status;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use support::{Act, Book, Fake, nobody, sized, still, until};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tonic::Status;

const FATHER: &str = "6f9619ff-8b86-4011-b42d-00c04fc964ff";
const HOSPITAL: &str = "H41010000001";

fn quick(addresses: &[&str]) -> Client {
    let client = Client::connect_lazy(addresses).expect("addresses");
    client
        .acting_as(Caller::institution(HOSPITAL))
        .within(Duration::from_secs(5))
        .attempting(Duration::from_millis(300))
}

fn payment(client: &Client) -> Prepared {
    client.settle(FATHER, HOSPITAL, "98.60".parse().expect("an amount")).prepare()
}

/// Submits so many payments at once; gives back the outcomes.
async fn crowd(client: &Client, callers: usize) -> Vec<Result<Outcome, Error>> {
    let submitter = client.submitter();
    let mut tasks = JoinSet::new();
    for _ in 0..callers {
        let (submitter, call) = (submitter.clone(), payment(client));
        tasks.spawn(async move { submitter.submit(call).await });
    }
    tasks.join_all().await
}

#[tokio::test]
async fn many_callers_share_a_few_messages() {
    let book = Arc::new(Book::default());
    let server = Fake::start(&book, []).await;
    let outcomes = crowd(&quick(&[&server.address]), 5000).await;
    let ids: HashSet<_> =
        outcomes.into_iter().map(|done| done.expect("answered").done().expect("done").request_id).collect();
    assert_eq!(ids.len(), 5000);
    assert_eq!(book.len(), 5000);
    assert!(server.calls() <= 100, "gathered into batches: {}", server.calls());
}

#[tokio::test(start_paused = true)]
async fn a_lone_caller_does_not_wait_for_others() {
    let server = Fake::start(&Arc::default(), []).await;
    let client = quick(&[&server.address]);
    let submitter = client.submitter();
    // No lingering: no moment is waited for.
    still(async {
        for _ in 0..20 {
            submitter.submit(payment(&client)).await.expect("answered").done().expect("done");
        }
    })
    .await;
}

#[tokio::test]
async fn a_broken_stream_is_resent_with_the_same_bytes_and_paid_once() {
    let book = Arc::new(Book::default());
    let first = Fake::start(&book, [Act::Break, Act::Lose]).await;
    let second = Fake::start(&book, [Act::Say(Status::unavailable("no")), Act::Break]).await;
    let outcomes = crowd(&quick(&[&first.address, &second.address]), 300).await;
    let mut repeated = 0;
    for outcome in outcomes {
        let receipt = outcome.expect("answered").done().expect("done");
        repeated += usize::from(receipt.repeated);
        let sent = book.bytes_of(&receipt.request_id.to_string());
        assert!(sent.iter().all(|bytes| *bytes == sent[0]), "the same bytes");
    }
    assert!(repeated > 0, "some had been decided on a stream that broke");
    assert_eq!(book.len(), 300, "each once");
}

#[tokio::test]
async fn undecided_ones_are_asked_again_within_the_deadline() {
    let book = Arc::new(Book::default());
    let unknown = || Act::Unknown(Reason::NoLeader);
    let server = Fake::start(&book, [unknown(), unknown(), unknown()]).await;
    for outcome in crowd(&quick(&[&server.address]), 10).await {
        outcome.expect("answered").done().expect("done");
    }
    assert_eq!(book.len(), 10);
}

#[tokio::test]
async fn each_gets_its_own_answer() {
    let book = Arc::new(Book::default());
    let server = Fake::start(&book, [Act::Refuse(Reason::AreaClosed)]).await;
    let client = quick(&[&server.address]);
    let submitter = client.submitter();
    let malformed = client.settle(FATHER, "", "98.60".parse().expect("an amount"));
    let error = submitter.submit(malformed).await.expect_err("malformed");
    assert!(matches!(error, Error::Malformed { field, .. } if field == "settle.institution"));
    let call = client.settle(FATHER, HOSPITAL, "98.60".parse().expect("an amount"));
    let receipt = submitter.submit(&call).await.expect("answered").done().expect("done");
    assert_eq!(receipt.request_id, call.request_id());
}

#[tokio::test(start_paused = true)]
async fn a_deadline_makes_it_unknown_and_the_others_go_on() {
    let book = Arc::new(Book::default());
    let server = Fake::start(&book, [Act::Lose]).await;
    let client =
        quick(&[&server.address]).within(Duration::from_millis(100)).attempting(Duration::from_secs(1));
    let submitter = client.submitter();
    let call = payment(&client);
    let begun = Instant::now();
    let asked = tokio::spawn({
        let (submitter, call) = (submitter.clone(), call.clone());
        async move { submitter.submit(call).await }
    });
    // It is done, and nobody says so.
    still(until(|| book.len() == 1)).await;
    let outcome = asked.await.expect("it does not panic").expect("no error");
    assert_eq!(outcome, Outcome::Unknown(call.request_id()));
    let took = begun.elapsed().as_millis();
    assert!((100..=120).contains(&took), "deadlines are looked at every 20 ms: {took}");
    // The stream stalls behind the lost batch, is given up, and a later caller is served.
    sleep(Duration::from_millis(1100)).await;
    still(submitter.submit(payment(&client))).await.expect("answered").done().expect("done");
}

#[tokio::test]
async fn what_reached_nobody_is_an_error_and_not_unknown() {
    let dead = nobody().await;
    let client = quick(&[&dead]).within(Duration::from_secs(1));
    let begun = Instant::now();
    let error = client.submitter().submit(payment(&client)).await.expect_err("nobody there");
    assert!(matches!(&error, Error::NotSent { cause } if cause.contains("Unavailable")), "{error:?}");
    assert!(begun.elapsed() < Duration::from_secs(60), "the deadline holds: {:?}", begun.elapsed());
}

/// Who is hung up on waits before dialling again, and longer each time.
#[tokio::test]
async fn a_node_that_hangs_up_is_not_dialled_without_pause() {
    let door = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}", door.local_addr().expect("an address"));
    let dialled = Arc::new(AtomicUsize::new(0));
    let counted = dialled.clone();
    let hanging_up = tokio::spawn(async move {
        while door.accept().await.is_ok() {
            counted.fetch_add(1, Ordering::Relaxed);
        }
    });
    let client = quick(&[&address]).within(Duration::from_secs(1));
    let ended = client.submitter().submit(payment(&client)).await;
    assert!(matches!(ended, Ok(Outcome::Unknown(_)) | Err(Error::NotSent { .. })), "{ended:?}");
    hanging_up.abort();
    let dialled = dialled.load(Ordering::Relaxed);
    // Ten pauses of at least 5, 10, 20 ms and so on are more than the deadline.
    assert!((2..=20).contains(&dialled), "dialled {dialled} times in a second");
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_makes_callers_wait_and_nobody_wait_for_ever() {
    let server = Fake::start(&Arc::default(), (0..50).map(|_| Act::Lose)).await;
    let client =
        quick(&[&server.address]).within(Duration::from_millis(300)).attempting(Duration::from_secs(60));
    let submitter = client.submitter_of(4);
    let mut tasks = JoinSet::new();
    for _ in 0..200 {
        let (submitter, call) = (submitter.clone(), payment(&client));
        tasks.spawn(async move { submitter.submit(call).await });
    }
    let begun = Instant::now();
    for outcome in tasks.join_all().await {
        assert!(matches!(outcome, Ok(Outcome::Unknown(_)) | Err(Error::NotSent { .. })), "{outcome:?}");
    }
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_mistaken_answer_is_not_believed() {
    let book = Arc::new(Book::default());
    let server = Fake::start(&book, [Act::Mistake]).await;
    for outcome in crowd(&quick(&[&server.address]), 20).await {
        outcome.expect("answered").done().expect("done");
    }
    assert_eq!(book.len(), 20);
}

#[tokio::test]
async fn idle_and_ended_servers_are_found_again() {
    let book = Arc::new(Book::default());
    let going = Act::Say(status::status(Reason::NodeStopping, ""));
    let first = Fake::start(&book, [going]).await;
    let second = Fake::start(&book, []).await;
    let client = quick(&[&first.address, &second.address]);
    let submitter = client.submitter();
    for _ in 0..3 {
        submitter.submit(payment(&client)).await.expect("answered").done().expect("done");
    }
    assert_eq!((first.calls(), second.calls()), (1, 3));
}

/// Submits payments one after the other, each in a batch of its own, without waiting for answers: `sent` waits until so many
/// are gone.
async fn row(
    client: &Client,
    callers: usize,
    sent: impl AsyncFn(usize),
) -> JoinSet<(Prepared, Result<Outcome, Error>)> {
    let submitter = client.submitter();
    let mut tasks = JoinSet::new();
    for number in 1..=callers {
        let (submitter, call) = (submitter.clone(), payment(client));
        tasks.spawn(async move { (call.clone(), submitter.submit(call).await) });
        sent(number).await;
    }
    tasks
}

#[tokio::test(start_paused = true)]
async fn what_was_on_a_stream_that_broke_is_never_called_not_sent() {
    // Whatever ends the stream, and with whatever reason: it is not about the batches before.
    let ends = [
        Status::out_of_range("decoded message length too large"),
        Status::invalid_argument("no"),
        Status::failed_precondition("no"),
        Status::permission_denied("no"),
        status::status(Reason::NodeStopping, ""),
        status::status(Reason::NoLeader, ""),
        status::bad_field("transactions", "1001 in one message, at most 1000"),
    ];
    for end in ends {
        let book = Arc::new(Book::default());
        // The last of them ends the stream, and nobody says anything of use about the others afterwards.
        let no_leader = || Act::Say(status::status(Reason::NoLeader, ""));
        let acts = (0..7).map(|_| Act::Mute).chain([Act::Say(end.clone())]);
        let server = Fake::start(&book, acts.chain((0..1000).map(|_| no_leader()))).await;
        let client =
            quick(&[&server.address]).within(Duration::from_secs(10)).attempting(Duration::from_secs(60));
        let sent = async |number| still(until(|| server.calls() == number)).await;
        for (call, outcome) in row(&client, 8, sent).await.join_all().await {
            assert_eq!(outcome.expect("may be done"), Outcome::Unknown(call.request_id()), "{end:?}");
        }
        assert_eq!(book.len(), 7, "done, all but the last");
        assert!(server.calls() > 8, "asked again after {end:?}");
    }
}

#[tokio::test]
async fn what_was_never_on_a_connection_is_not_sent() {
    let (one, other) = (nobody().await, nobody().await);
    let client = quick(&[&one, &other]).within(Duration::from_millis(200));
    let apart = async |_| sleep(Duration::from_millis(10)).await;
    for (_, outcome) in row(&client, 8, apart).await.join_all().await {
        assert!(matches!(outcome, Err(Error::NotSent { .. })), "{outcome:?}");
    }
}

#[tokio::test]
async fn one_that_is_too_large_is_malformed_and_does_not_break_the_stream() {
    let book = Arc::new(Book::default());
    let server = Fake::start(&book, []).await;
    let client = quick(&[&server.address]);
    let submitter = client.submitter();
    let mut tasks = JoinSet::new();
    for bytes in [200, TRANSACTION_BYTES_MAX + 1, 5 << 20, TRANSACTION_BYTES_MAX, 200] {
        let (submitter, call) = (submitter.clone(), sized(&client, bytes));
        tasks.spawn(async move { (bytes, submitter.submit(call).await) });
    }
    for (bytes, outcome) in tasks.join_all().await {
        if bytes <= TRANSACTION_BYTES_MAX {
            assert!(!outcome.expect("answered").done().expect("done").repeated, "the stream held");
            continue;
        }
        let error = outcome.expect_err("too large");
        assert!(matches!(&error, Error::Malformed { field, .. } if field == "transaction"), "{error:?}");
        assert!(error.to_string().contains("at most 1048576"), "{error}");
    }
    assert_eq!(book.len(), 3);
}

#[tokio::test]
async fn a_full_batch_stays_below_what_a_server_takes() {
    let book = Arc::new(Book::default());
    let server = Fake::start(&book, []).await;
    let client = quick(&[&server.address]);
    let submitter = client.submitter();
    let mut tasks = JoinSet::new();
    for _ in 0..40 {
        let (submitter, call) = (submitter.clone(), sized(&client, 300 << 10));
        tasks.spawn(async move { submitter.submit(call).await });
    }
    for outcome in tasks.join_all().await {
        assert!(!outcome.expect("answered").done().expect("done").repeated, "the stream held");
    }
    assert_eq!(book.len(), 40);
}
