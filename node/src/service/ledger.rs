//! The door for writes, receipts and watchers.

use super::{undecided, unwell};
use crate::host;
use crate::propose::{BATCH_MAX, Undecided};
use crate::raft::Batch;
use crate::server::Shared;
use crate::state::{JournalPage, JournalRecord};
use crate::wire;
use ::ledger::{Key, RequestId, Row, Transaction, View};
use futures::stream::BoxStream;
use futures::{Stream, StreamExt};
use proto::status;
use proto::v1::{self as pb, Reason};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tonic::{Request, Response, Status, Streaming};

/// Messages of one submit stream that may be under way at once.
const STREAM_UNDER_WAY_MAX: usize = 16;
/// Bytes of journal that a watcher is sent at a time, roughly.
const WATCH_PAGE_BYTES: usize = 1 << 20;
/// A watcher hears the committed index at least this often.
const WATCH_HEARTBEAT: Duration = Duration::from_secs(2);

/// `gongji.v1.Ledger`.
pub struct LedgerService {
    shared: Arc<Shared>,
}

impl LedgerService {
    pub(crate) fn new(shared: Arc<Shared>) -> LedgerService {
        LedgerService { shared }
    }
}

/// What each transaction of a message came to before the log: a place among those to be decided, or
/// the field that turned it away.
enum Slot {
    Proposed(RequestId),
    Malformed(String, wire::BadField),
}

/// Decides the transactions of one message; a malformed one does not keep the others back.
async fn decide(shared: &Shared, transactions: &[pb::Transaction]) -> Result<Vec<pb::Result>, Undecided> {
    let mut slots = Vec::with_capacity(transactions.len());
    let mut proposed: Vec<Transaction> = Vec::with_capacity(transactions.len());
    for message in transactions {
        match wire::transaction_from_proto(message) {
            Ok(transaction) => {
                slots.push(Slot::Proposed(transaction.request));
                proposed.push(transaction);
            }
            Err(bad) => slots.push(Slot::Malformed(message.request_id.clone(), bad)),
        }
    }
    let answers = shared.proposer.submit(proposed).await;
    if let (Err(undecided), true) = (&answers, slots.iter().all(|slot| matches!(slot, Slot::Proposed(_)))) {
        return Err(undecided.clone());
    }
    let mut answers = answers.map(Vec::into_iter);
    let results = slots.into_iter().map(|slot| match slot {
        Slot::Malformed(request_id, bad) => wire::malformed_to_proto(request_id, bad),
        Slot::Proposed(request) => match &mut answers {
            Ok(answers) => {
                let answer = answers.next().expect("one answer per transaction");
                wire::answer_to_proto(request, &answer)
            }
            Err(why) => unknown(request, why),
        },
    });
    Ok(results.collect())
}

/// A result that is not known here; nothing is claimed about it.
fn unknown(request: RequestId, why: &Undecided) -> pb::Result {
    let reason = match why {
        Undecided::Busy => Reason::Overloaded,
        Undecided::NoLeader | Undecided::NotLeader(_) => Reason::NoLeader,
        Undecided::Unknown => Reason::OutcomeUnknown,
    };
    wire::unknown_to_proto(request, reason)
}

fn check_count(count: usize) -> Result<(), Status> {
    if count > BATCH_MAX {
        return Err(status::bad_field(
            "transactions",
            &format!("{count} in one message, at most {BATCH_MAX}"),
        ));
    }
    Ok(())
}

#[tonic::async_trait]
impl pb::ledger_server::Ledger for LedgerService {
    async fn submit(
        &self,
        request: Request<pb::SubmitRequest>,
    ) -> Result<Response<pb::SubmitResponse>, Status> {
        let message =
            request.into_inner().transaction.ok_or_else(|| status::bad_field("transaction", "is missing"))?;
        let transaction = wire::transaction_from_proto(&message)
            .map_err(|bad| status::bad_field(&format!("transaction.{}", bad.field), &bad.problem))?;
        let request = transaction.request;
        let answers = self.shared.proposer.submit(vec![transaction]).await.map_err(|why| undecided(&why))?;
        let answer = answers.first().ok_or_else(|| undecided(&Undecided::Unknown))?;
        Ok(Response::new(pb::SubmitResponse { result: Some(wire::answer_to_proto(request, answer)) }))
    }

    async fn submit_batch(
        &self,
        request: Request<pb::SubmitBatchRequest>,
    ) -> Result<Response<pb::SubmitBatchResponse>, Status> {
        let transactions = request.into_inner().transactions;
        check_count(transactions.len())?;
        let results = decide(&self.shared, &transactions).await.map_err(|why| undecided(&why))?;
        Ok(Response::new(pb::SubmitBatchResponse { results }))
    }

    type SubmitStreamStream = BoxStream<'static, Result<pb::SubmitStreamResponse, Status>>;

    async fn submit_stream(
        &self,
        request: Request<Streaming<pb::SubmitStreamRequest>>,
    ) -> Result<Response<Self::SubmitStreamStream>, Status> {
        let shared = self.shared.clone();
        // A client keeps its stream open for ever: a node that stops takes no more from it, and the client moves over.
        let stop = crate::server::until_stop(shared.stopping.clone());
        let replies = request
            .into_inner()
            .take_until(stop)
            .map(move |message| {
                let shared = shared.clone();
                async move {
                    let message = message?;
                    check_count(message.transactions.len())?;
                    let results = match decide(&shared, &message.transactions).await {
                        Ok(results) => results,
                        Err(why) => {
                            let ids = message.transactions.iter().map(wire::transaction_from_proto);
                            ids.flatten().map(|transaction| unknown(transaction.request, &why)).collect()
                        }
                    };
                    Ok(pb::SubmitStreamResponse { sequence: message.sequence, results })
                }
            })
            .buffer_unordered(STREAM_UNDER_WAY_MAX);
        Ok(Response::new(replies.boxed()))
    }

    async fn get_receipt(
        &self,
        request: Request<pb::GetReceiptRequest>,
    ) -> Result<Response<pb::GetReceiptResponse>, Status> {
        let asked = request.into_inner();
        let bad = |bad: wire::BadField| status::bad_field(&bad.field, &bad.problem);
        let request = wire::request_id_from_proto("request_id", &asked.request_id).map_err(bad)?;
        let caller = wire::caller_from_proto(asked.caller.as_ref()).map_err(bad)?;
        self.shared.fresh(asked.consistency.as_ref()).await?;
        let reader = self.shared.state.reader();
        let row = reader.get(&Key::Request { request, caller }).map_err(|fault| unwell(&fault))?;
        // Nothing remembered is an answer, too: the header says up to which index.
        let result = match row.as_deref() {
            Some(Row::Request(record)) => {
                let (position, outcome) = (record.position, record.outcome.clone());
                Some(wire::answer_to_proto(request, &::ledger::Answer { position, outcome, repeated: true }))
            }
            _ => None,
        };
        Ok(Response::new(pb::GetReceiptResponse { result, header: Some(self.shared.reply_header(&reader)) }))
    }

    type WatchStream = BoxStream<'static, Result<pb::WatchResponse, Status>>;

    async fn watch(&self, request: Request<pb::WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let applied = *self.shared.applied.borrow();
        let asked = request.into_inner();
        let from = asked.from_index.unwrap_or(applied + 1);
        let (sender, watched) = mpsc::channel(4);
        let shared = self.shared.clone();
        host::spawn(async move {
            if let Err(status) = follow(&shared, from, asked.with_transactions, &sender).await {
                // A watcher that has gone does not hear why.
                sender.send(Err(status)).await.ok();
            }
        });
        Ok(Response::new(stream_of(watched).boxed()))
    }
}

fn stream_of<T: Send + 'static>(receiver: mpsc::Receiver<T>) -> impl Stream<Item = T> + Send + 'static {
    tokio_stream::wrappers::ReceiverStream::new(receiver)
}

type Watcher = mpsc::Sender<Result<pb::WatchResponse, Status>>;

/// Sends every committed entry from `next` on, in order and without a gap: a cursor over the journal. `whole`: with what
/// was asked.
async fn follow(shared: &Shared, mut next: u64, whole: bool, watcher: &Watcher) -> Result<(), Status> {
    let mut applied = shared.applied.clone();
    // The first word is a heartbeat: the watcher knows at once that it is heard.
    let reached = *applied.borrow();
    if !beat(watcher, reached, next).await {
        return Ok(());
    }
    loop {
        let reached = *applied.borrow_and_update();
        while next <= reached {
            let page = read_page(shared, next).await?;
            if let Some((_, missing)) = page.missing {
                let oldest = (missing + 1).to_string();
                let text = format!("entries before {oldest} are not kept here: ask another node");
                return Err(status::with_metadata(Reason::IndexCompacted, &text, &[("oldest", &oldest)]));
            }
            for blob in page.entries {
                let entry = entry_to_proto(blob, whole)?;
                if entry.decisions.is_empty() {
                    continue;
                }
                if watcher
                    .send(Ok(pb::WatchResponse { kind: Some(pb::watch_response::Kind::Entry(entry)) }))
                    .await
                    .is_err()
                {
                    return Ok(());
                }
            }
            if page.next <= next {
                break;
            }
            next = page.next;
        }
        if !beat(watcher, reached, next).await {
            return Ok(());
        }
        match tokio::time::timeout(WATCH_HEARTBEAT, applied.changed()).await {
            Ok(Ok(())) | Err(_) => {}
            Ok(Err(_)) => return Err(status::status(Reason::NodeStopping, "")),
        }
        if *shared.stopping.borrow() {
            return Err(status::status(Reason::NodeStopping, ""));
        }
    }
}

/// Tells a watcher how far the ledger is; false when the watcher has gone.
async fn beat(watcher: &Watcher, committed: u64, next: u64) -> bool {
    let kind = Some(pb::watch_response::Kind::Heartbeat(pb::Heartbeat { committed, next }));
    watcher.send(Ok(pb::WatchResponse { kind })).await.is_ok()
}

/// A journal record as watchers see it: what was decided earlier and only answered again is left out. `whole`: with
/// what was asked.
fn entry_to_proto(blob: JournalRecord, whole: bool) -> Result<pb::Entry, Status> {
    let batch = Batch::from_bytes(blob.batch.into());
    let damaged =
        |problem: ::ledger::codec::DecodeError| Status::data_loss(format!("entry {}: {problem}", blob.index));
    let (_, transactions) = batch.content().map_err(damaged)?;
    let time = ::ledger::Stamp(blob.stamp);
    let first = transactions.iter().zip(&blob.answers).filter(|(_, answer)| !answer.repeated);
    let decisions = first.map(|(transaction, answer)| pb::Decision {
        transaction: whole.then(|| wire::transaction_to_proto(transaction)),
        ..wire::decision_to_proto(transaction.caller, transaction.request, answer)
    });
    Ok(pb::Entry {
        index: blob.index,
        stamp: Some(wire::stamp_to_proto(time)),
        decisions: decisions.collect(),
    })
}

async fn read_page(shared: &Shared, from: u64) -> Result<JournalPage, Status> {
    let state = shared.state.clone();
    let read = host::blocking(move || state.journal_read(from, WATCH_PAGE_BYTES));
    read.await.map_err(|problem| Status::internal(problem.to_string()))?.map_err(|fault| unwell(&fault))
}
