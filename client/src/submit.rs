//! Sending transactions one by one or in batches, and asking how they ended.

use crate::caller::Caller;
use crate::connect::{ANSWER_BYTES_MAX, Client};
use crate::error::{Error, may_be_decided};
use crate::outcome::{self, Outcome, Said};
use crate::query::reply_index;
use crate::request::{Prepared, RequestId, TRANSACTION_BYTES_MAX};
use crate::retry::{Backoff, GaveUp, describe};
use bytes::Bytes;
use proto::v1 as pb;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic::{Request, Status};
use tonic_prost::ProstCodec;

/// The most transactions of one message.
pub const BATCH_MAX: usize = 1000;
/// The most bytes of the transactions of one message: at least one of any size that is sent.
pub(crate) const BATCH_BYTES_MAX: usize = TRANSACTION_BYTES_MAX;

/// `SubmitRequest`, with the transaction already encoded: on the wire it is the same.
#[derive(Clone, PartialEq, prost::Message)]
struct EncodedRequest {
    #[prost(bytes = "bytes", tag = "1")]
    transaction: Bytes,
}

/// `SubmitBatchRequest`, with the transactions already encoded.
#[derive(Clone, PartialEq, prost::Message)]
struct EncodedBatch {
    #[prost(bytes = "bytes", repeated, tag = "1")]
    transactions: Vec<Bytes>,
}

impl Client {
    /// Sends a transaction, again and again with the same bytes and over all nodes, until its outcome is known or the
    /// deadline passes. One larger than [`TRANSACTION_BYTES_MAX`] is malformed, and is not sent.
    pub async fn submit(&self, prepared: &Prepared) -> Result<Outcome, Error> {
        prepared.check_size()?;
        let deadline = Instant::now() + self.settings.deadline;
        let request = prepared.request;
        let bytes = &prepared.bytes;
        let sent = self.attempt(deadline, async |channel, limit| {
            let message = EncodedRequest { transaction: bytes.clone() };
            let answer: pb::SubmitResponse =
                unary(channel, "/gongji.v1.Ledger/Submit", message, limit).await?;
            match answer.result.and_then(|result| outcome::read(request, result)) {
                Some(said) => Ok(said),
                None => Err(Status::unknown("the answer is not about this transaction")),
            }
        });
        match sent.await {
            Ok(Said::Final(outcome)) => Ok(outcome),
            Ok(Said::Malformed(error)) => Err(error),
            Ok(Said::Again(_)) => Ok(Outcome::Unknown(request)),
            Err(gave_up) => unsent(request, gave_up),
        }
    }

    /// Sends several transactions in as few messages as hold them (at most [`BATCH_MAX`] each), and those that are not
    /// decided again with the same bytes. One result a transaction, in the same order: none affects another. One
    /// larger than [`TRANSACTION_BYTES_MAX`] is malformed, and is not sent.
    pub async fn submit_batch(&self, batch: &[Prepared]) -> Vec<Result<Outcome, Error>> {
        let deadline = Instant::now() + self.settings.deadline;
        let mut results: Vec<Option<Result<Outcome, Error>>> =
            batch.iter().map(|prepared| prepared.check_size().err().map(Err)).collect();
        let mut reached = false;
        let mut backoff = Backoff::new();
        let cause = loop {
            let open = message_of(batch, (0..batch.len()).filter(|i| results[*i].is_none()));
            if open.is_empty() {
                break String::new();
            }
            match self.send_batch(deadline, batch, &open).await {
                Ok(answers) => {
                    let mut undecided = false;
                    for (i, said) in open.into_iter().zip(answers) {
                        match said {
                            Said::Final(outcome) => results[i] = Some(Ok(outcome)),
                            Said::Malformed(error) => results[i] = Some(Err(error)),
                            Said::Again(reason) => {
                                undecided = true;
                                reached |= may_be_decided(reason);
                            }
                        }
                    }
                    if undecided {
                        let pause = backoff.pause();
                        if Instant::now() + pause >= deadline {
                            break "no decision in time".to_owned();
                        }
                        sleep(pause).await;
                    }
                }
                Err(gave_up) if gave_up.settled && !reached && !gave_up.reached => {
                    let error = Error::of(&gave_up.status);
                    return results.into_iter().map(|result| result.unwrap_or(Err(error.clone()))).collect();
                }
                Err(gave_up) => {
                    reached |= gave_up.reached;
                    break describe(&gave_up.status);
                }
            }
        };
        let rest = |request| match reached {
            true => Ok(Outcome::Unknown(request)),
            false => Err(Error::NotSent { cause: cause.clone() }),
        };
        let each = results.into_iter().zip(batch);
        each.map(|(result, prepared)| result.unwrap_or_else(|| rest(prepared.request))).collect()
    }

    async fn send_batch(
        &self,
        deadline: Instant,
        batch: &[Prepared],
        open: &[usize],
    ) -> Result<Vec<Said>, GaveUp> {
        let attempts = self.attempt(deadline, async |channel, limit| {
            let transactions = open.iter().map(|i| batch[*i].bytes.clone()).collect();
            let message = EncodedBatch { transactions };
            let answer: pb::SubmitBatchResponse =
                unary(channel, "/gongji.v1.Ledger/SubmitBatch", message, limit).await?;
            let requests = open.iter().map(|i| batch[*i].request);
            match read_all(requests, answer.results) {
                Some(said) => Ok(said),
                None => Err(Status::unknown("the answer is not about this batch")),
            }
        });
        attempts.await
    }

    /// The remembered result of a request id of this client's caller; none if nothing is remembered. Then it was not
    /// decided so far, or so long ago that it is forgotten; a copy still under way may be decided later.
    pub async fn receipt(&self, request: RequestId) -> Result<Option<Outcome>, Error> {
        let deadline = Instant::now() + self.settings.deadline;
        self.look_up(request, deadline).await
    }

    /// Asks until the outcome of a request id is known or the deadline passes: for a program that kept the id and
    /// lost the rest. Whoever still has the call should rather send it again.
    pub async fn ask_again(&self, request: RequestId) -> Result<Outcome, Error> {
        let deadline = Instant::now() + self.settings.deadline;
        let mut backoff = Backoff::new();
        loop {
            if let Some(outcome) = self.look_up(request, deadline).await? {
                return Ok(outcome);
            }
            let pause = backoff.pause();
            if Instant::now() + pause >= deadline {
                return Ok(Outcome::Unknown(request));
            }
            sleep(pause).await;
        }
    }

    async fn look_up(&self, request: RequestId, deadline: Instant) -> Result<Option<Outcome>, Error> {
        let question = pb::GetReceiptRequest {
            request_id: request.to_string(),
            caller: self.caller.as_ref().map(pb::Caller::from),
            consistency: self.consistency.into(),
        };
        let asked = self.attempt(deadline, async |channel, limit| {
            let mut client = pb::ledger_client::LedgerClient::new(channel);
            let answer = client.get_receipt(timed(question.clone(), limit)).await?.into_inner();
            match answer.result.map(|result| outcome::read(request, result)) {
                None => Ok(None),
                Some(Some(Said::Final(outcome))) => Ok(Some(outcome)),
                Some(_) => Err(Status::unknown(format!(
                    "the answer at index {} is not about this request",
                    reply_index(answer.header.as_ref())
                ))),
            }
        });
        asked.await.map_err(GaveUp::into_error)
    }

    /// Who asks, if it was said.
    pub fn caller(&self) -> Option<&Caller> {
        self.caller.as_ref()
    }
}

/// What it means for a transaction that no attempt brought an answer.
fn unsent(request: RequestId, gave_up: GaveUp) -> Result<Outcome, Error> {
    let error = Error::of(&gave_up.status);
    match error {
        // Malformed bytes are malformed on every node: no attempt can have brought them into the log.
        Error::Malformed { .. } if gave_up.settled => Err(error),
        _ if gave_up.reached => Ok(Outcome::Unknown(request)),
        _ if gave_up.settled => Err(error),
        _ => Err(Error::NotSent { cause: describe(&gave_up.status) }),
    }
}

/// As many of those that are open as go into one message.
fn message_of(batch: &[Prepared], open: impl Iterator<Item = usize>) -> Vec<usize> {
    let mut bytes = 0;
    let fits = |i: &usize| {
        bytes += batch[*i].bytes.len();
        bytes <= BATCH_BYTES_MAX
    };
    open.take(BATCH_MAX).take_while(fits).collect()
}

/// Reads the results of a batch; none if they do not fit it.
fn read_all(
    requests: impl ExactSizeIterator<Item = RequestId>,
    results: Vec<pb::Result>,
) -> Option<Vec<Said>> {
    if requests.len() != results.len() {
        return None;
    }
    requests.zip(results).map(|(request, result)| outcome::read(request, result)).collect()
}

/// A request that tells the server how long its answer is wanted.
pub(crate) fn timed<T>(message: T, limit: Duration) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(limit);
    request
}

/// One call with a message of our own.
async fn unary<M, R>(channel: Channel, path: &'static str, message: M, limit: Duration) -> Result<R, Status>
where
    M: prost::Message + 'static,
    R: prost::Message + Default + 'static,
{
    let mut grpc = Grpc::new(channel).max_decoding_message_size(ANSWER_BYTES_MAX);
    grpc.ready().await.map_err(|error| Status::from_error(error.into()))?;
    let codec = ProstCodec::<M, R>::default();
    Ok(grpc.unary(timed(message, limit), PathAndQuery::from_static(path), codec).await?.into_inner())
}
