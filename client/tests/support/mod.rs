//! Servers that do as a script says: real gRPC on 127.0.0.1, several of them over one book, so that what one decided
//! is remembered by all. And a clock that stands still, in tests that begin with it paused.
#![allow(dead_code)] // each test file uses a part of it

mod clock;
mod messages;
mod queries;

#[allow(unused_imports)] // not every test file asks for the time
pub use clock::{still, until};
#[allow(unused_imports)] // not every test file watches
pub use messages::entry;

use client::v1 as pb;
use messages::{heartbeat, with_transactions};
use prost::Message;
use proto::status;
use proto::v1::Reason;
use proto::v1::ledger_server::{Ledger, LedgerServer};
use proto::v1::query_server::QueryServer;
use proto::v1::transaction::Call;
use std::collections::{HashMap, VecDeque};
use std::future::pending;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tokio_stream::{Stream, StreamExt};
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming};

/// What a server does with the next call (or the next batch of a stream).
#[derive(Clone, Debug)]
pub enum Act {
    /// Decides and never answers.
    Lose,
    /// Decides and breaks the call or the stream.
    Break,
    /// Does not decide, and says this.
    Say(Status),
    /// Refuses, and remembers it.
    Refuse(Reason),
    /// Answers that it does not know, without deciding. For batches.
    Unknown(Reason),
    /// Answers about another transaction.
    Mistake,
    /// Decides, does not answer, and takes the next batch of the stream.
    Mute,
    /// Decides, and answers with more than a client takes.
    Bloat,
    /// Has it wait until [`Book::catch_up`], and never answers.
    Delay,
}

/// What a cluster remembers.
#[derive(Default)]
pub struct Book {
    decided: Mutex<HashMap<String, pb::Result>>,
    /// The bytes of every transaction that arrived, in order.
    pub arrived: Mutex<Vec<(String, Vec<u8>)>>,
    /// Entries to watch.
    pub entries: Mutex<Vec<pb::Entry>>,
    /// What is under way to be decided.
    delayed: Mutex<Vec<pb::Transaction>>,
}

impl Book {
    /// How many transactions were decided.
    pub fn len(&self) -> usize {
        self.decided.lock().expect("not poisoned").len()
    }

    /// The bytes that arrived under this id.
    pub fn bytes_of(&self, request: &str) -> Vec<Vec<u8>> {
        let arrived = self.arrived.lock().expect("not poisoned");
        arrived.iter().filter(|(id, _)| id == request).map(|(_, bytes)| bytes.clone()).collect()
    }

    fn arrive(&self, transaction: &pb::Transaction) {
        let bytes = transaction.encode_to_vec();
        self.arrived.lock().expect("not poisoned").push((transaction.request_id.clone(), bytes));
    }

    fn decide(&self, transaction: &pb::Transaction, refuse: Option<Reason>) -> pb::Result {
        let mut decided = self.decided.lock().expect("not poisoned");
        if let Some(result) = decided.get(&transaction.request_id) {
            return pb::Result { repeated: true, ..result.clone() };
        }
        let outcome = if refuse.is_some() { pb::Outcome::Refused } else { pb::Outcome::Done };
        let result = pb::Result {
            request_id: transaction.request_id.clone(),
            outcome: outcome as i32,
            reason: refuse.map_or(0, |reason| reason as i32),
            index: decided.len() as u64 + 1,
            ..pb::Result::default()
        };
        // As in the ledger: what is refused for the time of its id, or before genesis, is not remembered.
        if !matches!(refuse, Some(Reason::RequestTooEarly | Reason::RequestExpired | Reason::NotBegun)) {
            decided.insert(transaction.request_id.clone(), result.clone());
        }
        result
    }

    /// Decides what was delayed.
    pub fn catch_up(&self) {
        for transaction in self.delayed.lock().expect("not poisoned").drain(..) {
            self.decide(&transaction, None);
        }
    }
}

/// How a watch of a server goes.
#[derive(Clone, Debug, Default)]
pub struct WatchScript {
    /// After so many entries the stream breaks; each watch takes one number, the last one none.
    pub break_after: VecDeque<usize>,
    /// Starts so many entries too early.
    pub repeat: u64,
    /// Entries below are not kept.
    pub oldest: u64,
}

/// One server.
#[derive(Clone)]
pub struct Fake {
    pub address: String,
    pub book: Arc<Book>,
    acts: Arc<Mutex<VecDeque<Act>>>,
    pub watch: Arc<Mutex<WatchScript>>,
    /// The questions that arrived.
    pub asked: Arc<Mutex<Vec<pb::Consistency>>>,
    /// How many calls or batches arrived.
    pub calls: Arc<Mutex<usize>>,
    /// How many connections were made.
    pub dialled: Arc<AtomicUsize>,
}

impl Fake {
    /// Starts a server over a book.
    pub async fn start(book: &Arc<Book>, acts: impl IntoIterator<Item = Act>) -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("bound"));
        let fake = Fake {
            address,
            book: book.clone(),
            acts: Arc::new(Mutex::new(acts.into_iter().collect())),
            watch: Arc::default(),
            asked: Arc::default(),
            calls: Arc::default(),
            dialled: Arc::default(),
        };
        let dialled = fake.dialled.clone();
        let dials = TcpListenerStream::new(listener).map(move |dial| {
            dialled.fetch_add(1, Ordering::Relaxed);
            dial
        });
        let server = Server::builder()
            .add_service(LedgerServer::new(fake.clone()))
            .add_service(QueryServer::new(fake.clone()))
            .serve_with_incoming(dials);
        tokio::spawn(server);
        fake
    }

    fn act(&self) -> Option<Act> {
        *self.calls.lock().expect("not poisoned") += 1;
        self.acts.lock().expect("not poisoned").pop_front()
    }

    pub fn calls(&self) -> usize {
        *self.calls.lock().expect("not poisoned")
    }

    fn each(&self, transactions: &[pb::Transaction], refuse: Option<Reason>) -> Vec<pb::Result> {
        let one = |transaction: &pb::Transaction| match &transaction.call {
            // What a real server finds malformed: enough of it for these tests.
            Some(Call::Settle(settle)) if settle.institution.is_empty() => pb::Result {
                request_id: transaction.request_id.clone(),
                outcome: pb::Outcome::Malformed as i32,
                reason: Reason::InvalidArgument as i32,
                field: "settle.institution".into(),
                problem: "is empty".into(),
                ..pb::Result::default()
            },
            _ => self.book.decide(transaction, refuse),
        };
        transactions.iter().map(one).collect()
    }

    /// Does as the script says; a broken call is none.
    async fn batch(&self, transactions: &[pb::Transaction]) -> Option<Result<Vec<pb::Result>, Status>> {
        for transaction in transactions {
            self.book.arrive(transaction);
        }
        match self.act() {
            None => Some(Ok(self.each(transactions, None))),
            Some(Act::Refuse(reason)) => Some(Ok(self.each(transactions, Some(reason)))),
            Some(Act::Say(status)) => Some(Err(status)),
            Some(Act::Lose) => {
                self.each(transactions, None);
                pending().await
            }
            Some(Act::Break) => {
                self.each(transactions, None);
                None
            }
            Some(Act::Mute) => {
                self.each(transactions, None);
                Some(Ok(vec![]))
            }
            Some(Act::Bloat) => {
                let mut results = self.each(transactions, None);
                results[0].problem = "x".repeat(17 << 20);
                Some(Ok(results))
            }
            Some(Act::Delay) => {
                self.book.delayed.lock().expect("not poisoned").extend_from_slice(transactions);
                pending().await
            }
            Some(Act::Unknown(reason)) => {
                let unknown = |transaction: &pb::Transaction| pb::Result {
                    request_id: transaction.request_id.clone(),
                    outcome: pb::Outcome::Unknown as i32,
                    reason: reason as i32,
                    ..pb::Result::default()
                };
                Some(Ok(transactions.iter().map(unknown).collect()))
            }
            Some(Act::Mistake) => {
                let mut results = self.each(transactions, None);
                for result in &mut results {
                    result.request_id = "0193f5a0-0000-7000-8000-000000000001".into();
                }
                Some(Ok(results))
            }
        }
    }
}

/// A payment that has exactly so many bytes.
pub fn sized(client: &client::Client, bytes: usize) -> client::Prepared {
    let amount = "98.60".parse().expect("an amount");
    let of = |institution: String| client.settle("father", institution, amount).transaction();
    // The lengths within grow with what is in them: this takes a few steps.
    let mut fill = bytes;
    loop {
        let transaction = of("x".repeat(fill));
        match transaction.encoded_len() {
            length if length == bytes => return client::Prepared::new(&transaction).expect("an id"),
            length => fill = fill + bytes - length,
        }
    }
}

/// An address where nobody answers.
pub async fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    format!("http://{}", listener.local_addr().expect("bound"))
}

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl Ledger for Fake {
    async fn submit(
        &self,
        request: Request<pb::SubmitRequest>,
    ) -> Result<Response<pb::SubmitResponse>, Status> {
        let transaction = request.into_inner().transaction.expect("a transaction");
        match self.batch(&[transaction]).await {
            Some(Ok(mut results)) => {
                let result = results.pop().expect("one");
                if result.outcome() == pb::Outcome::Malformed {
                    return Err(status::bad_field(&result.field, &result.problem));
                }
                Ok(Response::new(pb::SubmitResponse { result: Some(result) }))
            }
            Some(Err(status)) => Err(status),
            None => Err(Status::unavailable("the connection broke")),
        }
    }

    async fn submit_batch(
        &self,
        request: Request<pb::SubmitBatchRequest>,
    ) -> Result<Response<pb::SubmitBatchResponse>, Status> {
        match self.batch(&request.into_inner().transactions).await {
            Some(results) => Ok(Response::new(pb::SubmitBatchResponse { results: results? })),
            None => Err(Status::unavailable("the connection broke")),
        }
    }

    type SubmitStreamStream = Answers<pb::SubmitStreamResponse>;

    async fn submit_stream(
        &self,
        request: Request<Streaming<pb::SubmitStreamRequest>>,
    ) -> Result<Response<Self::SubmitStreamStream>, Status> {
        let mut batches = request.into_inner();
        let (answers, stream) = mpsc::channel(16);
        let fake = self.clone();
        tokio::spawn(async move {
            while let Some(batch) = batches.next().await {
                // As a real server does: what cannot be read ends the stream with the status of that.
                let batch = match batch {
                    Ok(batch) => batch,
                    Err(status) => {
                        let _ = answers.send(Err(status)).await;
                        return;
                    }
                };
                let answer = match fake.batch(&batch.transactions).await {
                    Some(Ok(results)) if results.is_empty() => continue,
                    Some(Ok(results)) => Ok(pb::SubmitStreamResponse { sequence: batch.sequence, results }),
                    Some(Err(status)) => Err(status),
                    None => return,
                };
                if answers.send(answer).await.is_err() {
                    return;
                }
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(stream))))
    }

    async fn get_receipt(
        &self,
        request: Request<pb::GetReceiptRequest>,
    ) -> Result<Response<pb::GetReceiptResponse>, Status> {
        if let Some(Act::Say(status)) = self.act() {
            return Err(status);
        }
        let decided = self.book.decided.lock().expect("not poisoned");
        let result = decided.get(&request.into_inner().request_id).cloned();
        let result = result.map(|result| pb::Result { repeated: true, ..result });
        Ok(Response::new(pb::GetReceiptResponse { result, header: None }))
    }

    type WatchStream = Answers<pb::WatchResponse>;

    async fn watch(&self, request: Request<pb::WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        self.act();
        let mut script = self.watch.lock().expect("not poisoned");
        let asked = request.into_inner();
        let from = asked.from_index.unwrap_or(1);
        if from < script.oldest {
            let oldest = script.oldest.to_string();
            return Err(status::with_metadata(Reason::IndexCompacted, "", &[("oldest", &oldest)]));
        }
        let entries = self.book.entries.lock().expect("not poisoned");
        let start = from.saturating_sub(script.repeat);
        let mut messages: Vec<Result<pb::WatchResponse, Status>> =
            vec![Ok(heartbeat(entries.len() as u64, from))];
        messages.extend(
            entries
                .iter()
                .filter(|entry| entry.index >= start)
                .cloned()
                .map(|entry| if asked.with_transactions { with_transactions(entry) } else { entry })
                .map(|entry| Ok(pb::WatchResponse { kind: Some(pb::watch_response::Kind::Entry(entry)) })),
        );
        match script.break_after.pop_front() {
            Some(most) => {
                messages.truncate(most + 1);
                messages.push(Err(Status::unavailable("the connection broke")));
                Ok(Response::new(Box::pin(tokio_stream::iter(messages))))
            }
            None => Ok(Response::new(Box::pin(tokio_stream::iter(messages).chain(tokio_stream::pending())))),
        }
    }
}
