//! Messages of a watch.

use client::v1 as pb;

pub fn heartbeat(committed: u64, next: u64) -> pb::WatchResponse {
    let heartbeat = pb::Heartbeat { committed, next };
    pb::WatchResponse { kind: Some(pb::watch_response::Kind::Heartbeat(heartbeat)) }
}

/// The entry with a transaction beside each decision.
pub fn with_transactions(mut entry: pb::Entry) -> pb::Entry {
    for decision in &mut entry.decisions {
        let request_id = decision.result.as_ref().map(|result| result.request_id.clone()).unwrap_or_default();
        let call = Some(pb::transaction::Call::Tick(pb::Tick {}));
        let caller = decision.caller.clone();
        decision.transaction = Some(pb::Transaction { request_id, caller, call, ..Default::default() });
    }
    entry
}

/// An entry with one decision.
pub fn entry(index: u64) -> pb::Entry {
    let result = pb::Result {
        request_id: client::RequestId::fresh().to_string(),
        outcome: pb::Outcome::Done as i32,
        index,
        ..pb::Result::default()
    };
    let caller = Some(pb::Caller { who: Some(pb::caller::Who::National(pb::National {})) });
    pb::Entry {
        index,
        stamp: None,
        decisions: vec![pb::Decision { caller, result: Some(result), transaction: None }],
    }
}
