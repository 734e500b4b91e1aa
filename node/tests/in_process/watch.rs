//! Watching with transactions: what was asked, as the journal has it.

use crate::one::{One, sent};
use client::v1::transaction::Call;
use client::{Outcome, Reason, Watch};
use node::wire::transaction_from_proto;
use std::time::Duration;
use tokio::time::timeout;

/// Every decision up to an index.
async fn decisions(mut watch: Watch, last: u64) -> Vec<client::Decision> {
    let mut found = Vec::new();
    let read = async {
        while let Some(entry) = watch.next_until(last).await.expect("the journal can be read") {
            found.extend(entry.decisions);
        }
    };
    timeout(Duration::from_secs(20), read).await.expect("the journal comes");
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_tells_what_was_asked_when_it_is_wanted() {
    let dir = tempfile::tempdir().expect("a folder");
    let one = One::formed(dir.path()).await;
    let call = one.national().register_area("320500");
    let asked = call.transaction();
    assert!(matches!(sent(call.clone()).await, Outcome::Done(_)));
    // The same request again is no decision; the same wish under another id is a refusal.
    assert!(matches!(sent(call).await, Outcome::Done(receipt) if receipt.repeated));
    let refused = sent(one.national().register_area("320500")).await;
    assert!(matches!(&refused, Outcome::Refused(refused) if refused.reason == Reason::AreaExists));

    let last = one.index();
    let plain = decisions(one.client.watch(1), last).await;
    assert!(plain.iter().all(|decision| decision.transaction.is_none()), "off unless asked for");
    let whole = decisions(one.client.watch(1).with_transactions(), last).await;
    assert_eq!(whole.len(), plain.len());
    for (with, without) in whole.iter().zip(&plain) {
        assert_eq!((&with.caller, &with.outcome), (&without.caller, &without.outcome));
        let transaction = with.transaction.as_ref().expect("what was asked");
        assert_eq!(transaction.request_id, with.outcome.request_id().to_string());
        transaction_from_proto(transaction).expect("what the journal holds is well-formed");
    }
    assert!(matches!(whole[0].transaction.as_ref().and_then(|it| it.call.as_ref()), Some(Call::Genesis(_))));
    let of =
        |id: &str| whole.iter().filter(|decision| decision.outcome.request_id().to_string() == id).count();
    assert_eq!(of(&asked.request_id), 1, "decided once");
    assert!(whole.iter().any(|decision| decision.transaction.as_ref() == Some(&asked)));
    assert_eq!(of(&refused.request_id().to_string()), 1, "a refusal is told, too");
    one.node.shutdown().await;
}
