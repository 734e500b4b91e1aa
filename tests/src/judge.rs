//! What must be true of a history and of what the nodes tell. Each judge names what is wrong; no complaints means that
//! the promise was kept. Each is proved able to complain by a bad history in `judge/tests.rs`.

pub mod reads;
pub mod shown;
#[cfg(test)]
mod tests;

use crate::history::{Expect, Op};
use client::v1::NodeStatus;
use client::v1::event::Kind;
use client::{Caller, Decision, Entry, Outcome, Reason, RequestId};
use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, SystemTime};

/// What is wrong, in words; empty when nothing is.
pub type Complaints = Vec<String>;

/// The identity of a transaction.
type Identity = (Caller, RequestId);

/// An outcome without the note that it was remembered: the first answer and every later one are equal.
fn first_answer(outcome: &Outcome) -> Outcome {
    let mut outcome = outcome.clone();
    match &mut outcome {
        Outcome::Done(receipt) => receipt.repeated = false,
        Outcome::Refused(refused) => refused.repeated = false,
        Outcome::Unknown(_) => {}
    }
    outcome
}

/// Where in the log an outcome was decided.
fn position(outcome: &Outcome) -> Option<(u64, u32)> {
    match outcome {
        Outcome::Done(receipt) => Some((receipt.index, receipt.place)),
        Outcome::Refused(refused) => Some((refused.index, refused.place)),
        Outcome::Unknown(_) => None,
    }
}

fn is_repeated(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Done(receipt) => receipt.repeated,
        Outcome::Refused(refused) => refused.repeated,
        Outcome::Unknown(_) => false,
    }
}

/// A refusal because the id was used with another body. It is not remembered under the id.
fn is_reuse(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Refused(refused) if refused.reason == Reason::RequestReused)
}

/// A stream of entries is in the order of the log and of ledger time, each decision stands where it says, and none is
/// told twice.
pub fn stream_in_order(name: &str, entries: &[Entry]) -> Complaints {
    let mut complaints = Complaints::new();
    let mut last = 0;
    let mut time = SystemTime::UNIX_EPOCH;
    for entry in entries {
        if entry.index <= last {
            complaints.push(format!("{name}: entry {} comes after entry {last}", entry.index));
        }
        if entry.time < time {
            complaints
                .push(format!("{name}: ledger time runs backwards from entry {last} to {}", entry.index));
        }
        (last, time) = (entry.index, entry.time);
        let mut next_place = 0;
        for Decision { outcome, .. } in &entry.decisions {
            let request = outcome.request_id();
            if is_repeated(outcome) {
                complaints.push(format!("{name}: {request} is told again in entry {}", entry.index));
            }
            match position(outcome) {
                Some((index, place)) if index == entry.index && place >= next_place => next_place = place + 1,
                found => {
                    complaints.push(format!("{name}: {request} in entry {} says {found:?}", entry.index))
                }
            }
        }
    }
    complaints
}

/// Streams from different nodes are equal, from the first index on that the later one has.
pub fn streams_equal(first: (&str, &[Entry]), second: (&str, &[Entry]), from: u64) -> Complaints {
    let behind = |entries: &[Entry]| entries.partition_point(|entry| entry.index < from);
    let (ours, theirs) = (&first.1[behind(first.1)..], &second.1[behind(second.1)..]);
    if let Some((ours, theirs)) = ours.iter().zip(theirs).find(|(ours, theirs)| ours != theirs) {
        return vec![format!("{} tells {ours:?}, {} tells {theirs:?}", first.0, second.0)];
    }
    if ours.len() != theirs.len() {
        let last = |entries: &[Entry]| entries.last().map_or(0, |entry| entry.index);
        return vec![format!(
            "{} tells of {} entries up to {}, {} of {} up to {}",
            first.0,
            ours.len(),
            last(ours),
            second.0,
            theirs.len(),
            last(theirs)
        )];
    }
    Complaints::new()
}

/// Every acknowledged transaction is in the ledger exactly once with the outcome that was acknowledged; whatever was
/// called not done is not in it.
pub fn acknowledged_once(ops: &[Op], entries: &[Entry]) -> Complaints {
    let mut complaints = Complaints::new();
    let mut held: HashMap<Identity, Vec<&Outcome>> = HashMap::new();
    let mut reuses: HashMap<(u64, u32), &Outcome> = HashMap::new();
    for Decision { caller, outcome, .. } in entries.iter().flat_map(|entry| &entry.decisions) {
        if is_reuse(outcome) {
            reuses.extend(position(outcome).map(|position| (position, outcome)));
        } else {
            held.entry((caller.clone(), outcome.request_id())).or_default().push(outcome);
        }
    }
    for ((caller, request), outcomes) in held.iter().filter(|(_, outcomes)| outcomes.len() > 1) {
        complaints
            .push(format!("{request} of {caller:?} is in the ledger {} times: {outcomes:?}", outcomes.len()));
    }
    for op in ops {
        let found = held.get(&(op.caller.clone(), op.request)).and_then(|outcomes| outcomes.first());
        for answer in op.answers() {
            let answer = first_answer(answer);
            let told = match position(&answer).filter(|_| is_reuse(&answer)) {
                Some(position) => reuses.get(&position),
                None => found,
            };
            match told {
                None => complaints.push(format!("{} was acknowledged and is lost: {answer:?}", op.request)),
                Some(told) if first_answer(told) != answer => {
                    complaints.push(format!(
                        "{} was acknowledged as {answer:?}, the ledger says {told:?}",
                        op.request
                    ));
                }
                Some(_) => {}
            }
        }
        if let Some(found) = found.filter(|_| op.is_not_done() && op.expect != Expect::Reused) {
            complaints.push(format!("{} was called not done, and is in the ledger: {found:?}", op.request));
        }
    }
    complaints
}

/// Nothing is in the ledger that nobody asked for, but what the cluster does itself.
pub fn nothing_from_nowhere(ops: &[Op], entries: &[Entry]) -> Complaints {
    let asked: HashMap<Identity, ()> = ops.iter().map(|op| ((op.caller.clone(), op.request), ())).collect();
    let own = |Decision { caller, outcome, .. }: &Decision| match (caller, outcome) {
        (Caller::Node, _) => true,
        (Caller::National, Outcome::Done(receipt)) => receipt
            .events
            .iter()
            .all(|event| matches!(event.kind, Some(Kind::LedgerBegun(_) | Kind::ProvinceRegistered(_)))),
        _ => false,
    };
    let decisions = entries.iter().flat_map(|entry| &entry.decisions);
    let strange = decisions.filter(|decision| {
        !own(decision) && !asked.contains_key(&(decision.caller.clone(), decision.outcome.request_id()))
    });
    strange.map(|decision| format!("nobody asked for {decision:?}")).collect()
}

/// All answers to one transaction are the same.
pub fn answers_agree(ops: &[Op]) -> Complaints {
    let mut complaints = Complaints::new();
    for op in ops.iter().filter(|op| op.expect != Expect::Reused) {
        let mut answers = op.answers().map(first_answer);
        let Some(first) = answers.next() else { continue };
        for other in answers.filter(|other| *other != first) {
            complaints.push(format!("{} was answered {first:?} and {other:?}", op.request));
        }
    }
    complaints
}

/// Every outcome is known by now.
pub fn all_known(ops: &[Op]) -> Complaints {
    let unknown = ops.iter().filter(|op| op.is_unknown());
    unknown.map(|op| format!("how {} ended is still unknown", op.request)).collect()
}

/// The order of the log is the order of real time: what had been answered before another was asked stands before it.
pub fn real_time(ops: &[Op]) -> Complaints {
    let mut decided: Vec<((u64, u32), Duration, Duration, RequestId)> = Vec::new();
    for op in ops {
        let Some(invoked) = op.attempts.iter().map(|attempt| attempt.invoked).min() else { continue };
        let answered = op
            .attempts
            .iter()
            .filter_map(|attempt| Some((position(attempt.reply.as_ref().ok()?)?, attempt.returned)));
        if let Some((position, returned)) = answered.min_by_key(|(_, returned)| *returned) {
            decided.push((position, invoked, returned, op.request));
        }
    }
    decided.sort();
    let mut complaints = Complaints::new();
    let mut latest: Option<(Duration, RequestId)> = None;
    for (position, invoked, returned, request) in decided {
        if let Some((before, earlier)) = latest.filter(|(before, _)| returned < *before) {
            complaints.push(format!(
                "{request} at {position:?} was answered at {returned:?}, before {earlier}, which stands before it, was asked at {before:?}"
            ));
        }
        if latest.is_none_or(|(before, _)| invoked > before) {
            latest = Some((invoked, request));
        }
    }
    complaints
}

/// Every answer is of the kind that was expected.
pub fn as_expected(ops: &[Op]) -> Complaints {
    let mut complaints = Complaints::new();
    for op in ops {
        for attempt in &op.attempts {
            let reason = match &attempt.reply {
                Ok(Outcome::Done(_)) => None,
                Ok(Outcome::Refused(refused)) => Some(refused.reason),
                Ok(Outcome::Unknown(_)) | Err(client::Error::NotSent { .. }) => continue,
                Err(error) => {
                    complaints.push(format!("{} was turned away: {error}", op.request));
                    continue;
                }
            };
            let fits = match (op.expect, reason) {
                (Expect::Done | Expect::Either(_), None) => true,
                (Expect::Refused(reasons) | Expect::Either(reasons), Some(reason)) => {
                    reasons.contains(&reason)
                }
                (Expect::Reused, Some(reason)) => reason == Reason::RequestReused,
                (Expect::Done, Some(_)) | (Expect::Refused(_) | Expect::Reused, None) => false,
            };
            if !fits {
                let (request, expect, what) = (op.request, op.expect, &op.transaction.call);
                complaints
                    .push(format!("{request}: expected {expect:?}, got {:?} for {what:?}", attempt.reply));
            }
        }
    }
    complaints
}

/// Nodes that stand at the same index hold the same state.
pub fn digests_equal(nodes: &[NodeStatus]) -> Complaints {
    let mut complaints = Complaints::new();
    let mut held: BTreeMap<u64, &NodeStatus> = BTreeMap::new();
    for node in nodes {
        if node.digest_index == 0 || node.digest.is_empty() {
            complaints.push(format!("node {} tells no digest", node.node));
            continue;
        }
        let first = held.entry(node.digest_index).or_insert(node);
        if first.digest != node.digest {
            complaints.push(format!(
                "at index {} node {} holds {} and node {} holds {}",
                node.digest_index, first.node, first.digest, node.node, node.digest
            ));
        }
    }
    if held.len() > 1 {
        complaints
            .push(format!("the nodes stand at different indexes: {:?}", held.keys().collect::<Vec<_>>()));
    }
    complaints
}

/// The load was a load: behind an index clients had so many transactions decided, and each of these kinds of event
/// happened. A test that did nothing proves nothing; what founded its world, and what nodes ask by themselves as time goes
/// by, is nothing done.
pub fn not_vacuous(entries: &[Entry], behind: u64, transactions: usize, kinds: &[&str]) -> Complaints {
    let mut complaints = Complaints::new();
    let asked: Vec<&Decision> = entries
        .iter()
        .filter(|entry| entry.index > behind)
        .flat_map(|entry| &entry.decisions)
        .filter(|decision| decision.caller != Caller::Node)
        .collect();
    let decided = asked.len();
    if decided < transactions {
        complaints
            .push(format!("only {decided} transactions were decided behind {behind}, wanted {transactions}"));
    }
    let happened = happened(&asked);
    for kind in kinds.iter().filter(|kind| !happened.contains_key(**kind)) {
        complaints.push(format!("{kind} never happened behind {behind}; what did: {happened:?}"));
    }
    complaints
}

/// How often each kind of event happened; a refusal counts as one.
fn happened(decisions: &[&Decision]) -> BTreeMap<String, u64> {
    let mut happened = BTreeMap::new();
    for decision in decisions {
        match &decision.outcome {
            Outcome::Done(receipt) => {
                for event in receipt.events.iter().filter_map(|event| event.kind.as_ref()) {
                    let text = format!("{event:?}");
                    let name = text.split('(').next().unwrap_or_default().to_owned();
                    *happened.entry(name).or_default() += 1;
                }
            }
            Outcome::Refused(_) => *happened.entry("Refused".into()).or_default() += 1,
            Outcome::Unknown(_) => {}
        }
    }
    happened
}

/// Ends a test whose promises were not kept.
///
/// # Panics
/// If there are complaints.
pub fn demand(complaints: &Complaints) {
    const SHOWN: usize = 20;
    if complaints.is_empty() {
        return;
    }
    let shown: Vec<String> =
        complaints.iter().take(SHOWN).map(|complaint| complaint.chars().take(2_000).collect()).collect();
    panic!("{} complaints:\n- {}", complaints.len(), shown.join("\n- "));
}
