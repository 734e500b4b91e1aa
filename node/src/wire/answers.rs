//! To the wire: what was decided.

use super::*;
use ledger::{Answer, Outcome};

/// The result of a decided transaction.
pub fn answer_to_proto(request: RequestId, answer: &Answer) -> pb::Result {
    let (outcome, reason, events) = match &answer.outcome {
        Outcome::Done(events) => (pb::Outcome::Done, 0, events.iter().map(event_to_proto).collect()),
        Outcome::Refused(refusal) => (pb::Outcome::Refused, i32::from(refusal.number()), Vec::new()),
    };
    pb::Result {
        request_id: of_request_id(request),
        outcome: outcome as i32,
        reason,
        index: answer.position.index,
        place: u32::from(answer.position.place),
        repeated: answer.repeated,
        events,
        field: String::new(),
        problem: String::new(),
    }
}

/// The result of a malformed transaction of a batch.
pub fn malformed_to_proto(request_id: String, bad: BadField) -> pb::Result {
    pb::Result {
        request_id,
        outcome: pb::Outcome::Malformed as i32,
        reason: pb::Reason::InvalidArgument as i32,
        field: bad.field,
        problem: bad.problem,
        ..pb::Result::default()
    }
}

/// The result of a transaction of a batch that could not be decided, or not be heard of, in time.
pub fn unknown_to_proto(request: RequestId, reason: pb::Reason) -> pb::Result {
    pb::Result {
        request_id: of_request_id(request),
        outcome: pb::Outcome::Unknown as i32,
        reason: reason as i32,
        ..pb::Result::default()
    }
}

/// What a watch tells of a decided transaction.
pub fn decision_to_proto(caller: Caller, request: RequestId, answer: &Answer) -> pb::Decision {
    pb::Decision {
        caller: Some(caller_to_proto(caller)),
        result: Some(answer_to_proto(request, answer)),
        transaction: None,
    }
}
