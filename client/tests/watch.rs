//! Following what is decided, and asking questions.

mod support;

use client::{Caller, Client, Consistency, Error, Outcome, Payee, Reason, Side};
use futures::StreamExt;
use proto::status;
use proto::v1::consistency::Level;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use support::{Act, Book, Fake, WatchScript, entry};
use tokio::time::timeout;
use tonic::Status;

fn book_of(indexes: impl IntoIterator<Item = u64>) -> Arc<Book> {
    let book = Arc::new(Book::default());
    *book.entries.lock().expect("not poisoned") = indexes.into_iter().map(entry).collect();
    book
}

fn script(fake: &Fake, break_after: impl Into<VecDeque<usize>>, repeat: u64, oldest: u64) {
    *fake.watch.lock().expect("not poisoned") =
        WatchScript { break_after: break_after.into(), repeat, oldest };
}

fn quick(servers: &[&Fake]) -> Client {
    let client = Client::connect_lazy(servers.iter().map(|server| &server.address)).expect("addresses");
    client.within(Duration::from_secs(5)).attempting(Duration::from_millis(300))
}

#[tokio::test]
async fn a_watch_resumes_over_nodes_without_gap_or_repetition() {
    let indexes: Vec<u64> = (1..=100).filter(|index| index % 7 != 0).collect();
    let book = book_of(indexes.clone());
    let first = Fake::start(&book, []).await;
    let second = Fake::start(&book, []).await;
    // Streams break after a few entries, right at the start, and start too early.
    script(&first, [3, 0, 10], 5, 0);
    script(&second, [1, 20], 2, 0);
    let mut watch = quick(&[&first, &second]).watch(1);
    let mut seen = Vec::new();
    while seen.len() < indexes.len() {
        let entry = timeout(Duration::from_secs(5), watch.next()).await.expect("goes on").expect("no error");
        assert!(
            matches!(&entry.decisions[0].outcome, Outcome::Done(receipt) if receipt.index == entry.index)
        );
        seen.push(entry.index);
    }
    assert_eq!(seen, indexes);
    assert_eq!(watch.next_index(), Some(101));
    assert!(first.calls() + second.calls() >= 6, "it did break");
}

#[tokio::test]
async fn a_watch_starts_where_it_is_told() {
    let book = book_of(1..=20);
    let server = Fake::start(&book, []).await;
    let watch = quick(&[&server]).watch(15);
    let entries: Vec<_> =
        watch.into_stream().take(6).map(|entry| entry.expect("no error").index).collect().await;
    assert_eq!(entries, [15, 16, 17, 18, 19, 20]);
}

#[tokio::test]
async fn a_watch_carries_transactions_when_asked_to() {
    let book = book_of(1..=3);
    let (first, second) = (Fake::start(&book, []).await, Fake::start(&book, []).await);
    let mut plain = quick(&[&first]).watch(1);
    assert_eq!(plain.next().await.expect("an entry").decisions[0].transaction, None);
    // The next node is asked for them, too.
    script(&first, [1], 0, 0);
    let mut watch = quick(&[&first, &second]).watch(1).with_transactions();
    for index in 1..=3 {
        let entry = timeout(Duration::from_secs(5), watch.next()).await.expect("goes on").expect("no error");
        let decision = &entry.decisions[0];
        let asked = decision.transaction.as_ref().expect("what was asked");
        assert_eq!((entry.index, &asked.request_id), (index, &decision.outcome.request_id().to_string()));
    }
}

#[tokio::test]
async fn a_watch_ends_behind_an_index_and_goes_on_from_there() {
    let book = book_of([1, 2, 5, 6]);
    let server = Fake::start(&book, []).await;
    let mut watch = quick(&[&server]).watch(1);
    let mut seen = Vec::new();
    while let Some(entry) = watch.next_until(3).await.expect("no error") {
        seen.push(entry.index);
    }
    assert_eq!((seen, watch.next_index()), (vec![1, 2], Some(5)));
    assert_eq!(watch.next_until(3).await.expect("no error"), None);
    assert_eq!(watch.next().await.expect("no error").index, 5);
}

#[tokio::test]
async fn what_one_node_no_longer_keeps_another_may() {
    let book = book_of(1..=20);
    let first = Fake::start(&book, []).await;
    let second = Fake::start(&book, []).await;
    script(&first, [], 0, 10);
    let mut watch = quick(&[&first, &second]).watch(5);
    assert_eq!(watch.next().await.expect("the second keeps it").index, 5);
    script(&second, [], 0, 12);
    let error = quick(&[&first, &second]).watch(5).next().await.expect_err("nobody keeps it");
    assert!(matches!(error, Error::Compacted { wanted: 5, oldest: 10 | 12 }), "{error:?}");
}

#[tokio::test]
async fn questions_carry_their_freshness_and_move_over() {
    let no = Act::Say(status::status(Reason::IndexNotReached, ""));
    let first = Fake::start(&Arc::default(), [no]).await;
    let second = Fake::start(&Arc::default(), [Act::Say(Status::unavailable("no"))]).await;
    let client = quick(&[&first, &second]);
    let read = client.reading(Consistency::AtLeast(1311)).person("somebody").await.expect("answered");
    assert_eq!((read.index, read.node, read.age), (1311, 32_000_001, Duration::from_millis(20)));
    assert_eq!(read.value.person, "somebody");
    client.reading(Consistency::Local).person("somebody").await.expect("answered");
    client.person("somebody").await.expect("answered");
    let levels: Vec<Level> =
        first.asked.lock().expect("not poisoned").iter().filter_map(|asked| asked.level).collect();
    assert!(levels.contains(&Level::AtLeast(1311)));
    assert!(matches!(levels.last(), Some(Level::Linearizable(_))));
    let error = client.balances("nobody").await.expect_err("absent");
    assert!(matches!(error, Error::Absent { .. }), "{error:?}");
}

#[tokio::test]
async fn a_question_without_an_answer_says_so() {
    let server = Fake::start(&Arc::default(), (0..100).map(|_| Act::Say(Status::unavailable("no")))).await;
    let client = quick(&[&server]).within(Duration::from_millis(100));
    let error = client.person("somebody").await.expect_err("no answer");
    assert!(matches!(error, Error::NoAnswer { .. }), "{error:?}");
}

#[tokio::test]
async fn pages_are_read_to_the_end() {
    let server = Fake::start(&Arc::default(), []).await;
    let client = quick(&[&server]);
    let mut pages = client.relations("somebody", Side::Donor).page_size(3);
    let mut sizes = Vec::new();
    while let Some(page) = pages.next().await.expect("answered") {
        sizes.push(page.value.len());
    }
    assert_eq!(sizes, [3, 3, 1]);
    let all = client.relations("somebody", Side::Donor).page_size(2).all().await.expect("answered");
    assert_eq!(all.last().map(|relation| relation.relation.as_str()), Some("6-0"));
    assert_eq!(all.len(), 7);
    assert!(client.obligations("2026-10").payer("32").payee("41").all().await.expect("answered").is_empty());
}

#[tokio::test]
async fn a_day_without_totals_is_read_again() {
    let server = Fake::start(&Arc::default(), [Act::Say(Status::unavailable("no")), Act::Break]).await;
    let client = quick(&[&server]);
    let payee = Payee::Institution("H41010000001".into());
    let day = client.reconcile(payee.clone(), "2026-10-03").await.expect("answered");
    let payments: Vec<&str> = day.value.rows.iter().map(|row| row.payment.as_str()).collect();
    assert_eq!(payments, ["1-0", "2-0", "3-0"], "nothing of the broken answers is left");
    assert_eq!((day.value.totals[0].count, day.index), (3, 1311));
    let totals = client.reconcile_totals(payee, "2026-10-03").await.expect("answered");
    assert_eq!(totals.value, day.value.totals);
}

#[tokio::test]
async fn a_forecast_is_an_outcome_that_sends_nothing() {
    let server = Fake::start(&Arc::default(), []).await;
    let client = quick(&[&server]).acting_as(Caller::institution("H41010000001"));
    let payment = client.settle("somebody", "H41010000001", "98.60".parse().expect("an amount"));
    let outcome = payment.forecast().await.expect("answered").value;
    assert!(matches!(outcome, Outcome::Refused(no) if no.reason == Reason::NotCovered));
    assert_eq!(server.book.len(), 0);
}
