//! Many callers, one stream: gathers whatever waits into batches, several of them under way at once.
//!
//! One task serves all callers. It sends at once what it finds waiting (no lingering when idle), and while the server
//! is busy with the batches under way, the next one grows. When the stream breaks, what has no answer is sent again
//! with the same bytes, to the next node.

use crate::connect::{ANSWER_BYTES_MAX, Client};
use crate::error::{Error, may_be_decided, never_connected};
use crate::outcome::{self, Outcome, Said};
use crate::request::Prepared;
use crate::retry::{Backoff, describe};
use crate::submit::{BATCH_BYTES_MAX, BATCH_MAX};
use bytes::Bytes;
use proto::catalogue;
use proto::v1::SubmitStreamResponse;
use std::collections::VecDeque;
use std::pin::pin;
use std::time::Duration;
use tokio::select;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use tokio::task::yield_now;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout_at};
use tokio_stream::wrappers::ReceiverStream;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic::{Request, Status, Streaming};
use tonic_prost::ProstCodec;

/// The most batches under way at once.
const FLIGHTS_MAX: usize = 8;
/// The most transactions that wait for a place in a batch (usual). Further callers wait for room.
const QUEUE_MAX: usize = 16 * BATCH_MAX;
/// How often deadlines are looked at.
const CHECK_EVERY: Duration = Duration::from_millis(20);

/// Submits for many concurrent callers over one stream. Cheap to clone. Its task ends when the last clone is dropped
/// and everything submitted is answered.
#[derive(Clone, Debug)]
pub struct Submitter {
    queue: mpsc::Sender<Job>,
    deadline: Duration,
}

/// A transaction that somebody waits for.
#[derive(Debug)]
struct Job {
    prepared: Prepared,
    deadline: Instant,
    /// True once it may have reached a server.
    reached: bool,
    reply: oneshot::Sender<Result<Outcome, Error>>,
}

/// A batch under way. Jobs whose deadline has passed are answered already, and gone.
struct Flight {
    sequence: u64,
    sent_at: Instant,
    jobs: Vec<Option<Job>>,
}

/// `SubmitStreamRequest`, with the transactions already encoded: on the wire it is the same.
#[derive(Clone, PartialEq, prost::Message)]
struct EncodedBatch {
    #[prost(uint64, tag = "1")]
    sequence: u64,
    #[prost(bytes = "bytes", repeated, tag = "2")]
    transactions: Vec<Bytes>,
}

impl Client {
    /// Starts a task that submits for many concurrent callers. Needs a tokio runtime.
    pub fn submitter(&self) -> Submitter {
        self.submitter_of(QUEUE_MAX)
    }

    /// The same, with room for so many waiting transactions.
    pub fn submitter_of(&self, queue_max: usize) -> Submitter {
        let queue_max = queue_max.max(1);
        let (queue, jobs) = mpsc::channel(queue_max);
        let driver = Driver {
            client: self.clone(),
            jobs,
            queue_max,
            gathered: Vec::with_capacity(BATCH_MAX),
            waiting: VecDeque::new(),
            flights: VecDeque::new(),
            sequence: 0,
            hold: None,
            backoff: Backoff::new(),
            failures: 0,
            last: "no attempt was made".to_owned(),
        };
        tokio::spawn(driver.run());
        Submitter { queue, deadline: self.settings.deadline }
    }
}

impl Submitter {
    /// Submits one transaction and waits for its outcome, at most as long as the client's deadline. Then it is
    /// [`Outcome::Unknown`] if it may have reached a server, and [`Error::NotSent`] if it certainly did not. One
    /// larger than [`TRANSACTION_BYTES_MAX`](crate::TRANSACTION_BYTES_MAX) is malformed, and is not sent.
    pub async fn submit(&self, call: impl Into<Prepared>) -> Result<Outcome, Error> {
        let prepared = call.into();
        prepared.check_size()?;
        let request = prepared.request;
        let deadline = Instant::now() + self.deadline;
        let (reply, answer) = oneshot::channel();
        match self.queue.try_send(Job { prepared, deadline, reached: false, reply }) {
            Ok(()) => {}
            Err(TrySendError::Full(job)) => match timeout_at(deadline, self.queue.send(job)).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Err(stopped()),
                Err(_) => return Err(Error::NotSent { cause: "too many transactions were waiting".into() }),
            },
            Err(TrySendError::Closed(_)) => return Err(stopped()),
        }
        // The task goes without an answer only if the runtime ends it.
        answer.await.unwrap_or(Ok(Outcome::Unknown(request)))
    }
}

fn stopped() -> Error {
    Error::NotSent { cause: "the submitter has stopped".into() }
}

impl Job {
    fn answer(self, result: Result<Outcome, Error>) {
        // Nobody listens when the caller gave up waiting; that is the caller's choice.
        let _ = self.reply.send(result);
    }

    fn expire(self, last: &str) {
        let result = match self.reached {
            true => Ok(Outcome::Unknown(self.prepared.request)),
            false => Err(Error::NotSent { cause: last.to_owned() }),
        };
        self.answer(result);
    }
}

/// How a stream ended.
enum End {
    /// All callers are gone and answered.
    Finished,
    /// It broke.
    Broken(Status),
    /// No answer came on it in time.
    Silent(Status),
}

/// The task behind a submitter.
struct Driver {
    client: Client,
    jobs: mpsc::Receiver<Job>,
    queue_max: usize,
    gathered: Vec<Job>,
    /// To be sent next, before anything from the queue.
    waiting: VecDeque<Job>,
    flights: VecDeque<Flight>,
    sequence: u64,
    /// Nothing is sent before this moment.
    hold: Option<Instant>,
    backoff: Backoff,
    /// Streams that broke in a row.
    failures: usize,
    /// What the last failure was.
    last: String,
}

impl Driver {
    async fn run(mut self) {
        loop {
            // While nobody wants anything, no stream is kept trying.
            if self.waiting.is_empty() && self.jobs.recv_many(&mut self.gathered, BATCH_MAX).await == 0 {
                return;
            }
            self.waiting.extend(self.gathered.drain(..));
            let (slot, channel) = self.client.endpoints.preferred();
            match self.stream(channel).await {
                End::Finished => return,
                End::Broken(status) => self.broken(slot, &status),
                End::Silent(status) => {
                    self.client.endpoints.unanswered(slot);
                    self.broken(slot, &status);
                }
            }
        }
    }

    /// Serves callers over one stream, for as long as it holds.
    async fn stream(&mut self, channel: Channel) -> End {
        let (sender, receiver) = mpsc::channel(FLIGHTS_MAX);
        let mut opening = pin!(open(channel, receiver));
        let mut answers: Option<Streaming<SubmitStreamResponse>> = None;
        let mut check = interval(CHECK_EVERY);
        check.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut closed = false;
        loop {
            let hold = self.hold.filter(|until| *until > Instant::now());
            let room = self.flights.len() < FLIGHTS_MAX && hold.is_none();
            if room && !self.waiting.is_empty() {
                if let Err(status) = self.send(&sender) {
                    return End::Broken(status);
                }
                continue;
            }
            if closed && self.waiting.is_empty() && self.flights.is_empty() {
                return End::Finished;
            }
            let busy = !self.waiting.is_empty() || !self.flights.is_empty();
            select! {
                biased;
                // Whoever was hung up on does not dial at once.
                opened = &mut opening, if answers.is_none() && hold.is_none() => match opened {
                    Ok(stream) => answers = Some(stream),
                    Err(status) => return End::Broken(status),
                },
                answer = next(&mut answers), if answers.is_some() => match answer {
                    Ok(answer) => {
                        if let Err(status) = self.landed(answer) {
                            return End::Broken(status);
                        }
                        // Those just answered run first: what they ask next shares one message. No clock is
                        // waited for; with nobody else to run this comes back at once.
                        yield_now().await;
                    }
                    Err(status) => return End::Broken(status),
                },
                found = self.jobs.recv_many(&mut self.gathered, BATCH_MAX), if room && !closed => {
                    closed = found == 0;
                    self.waiting.extend(self.gathered.drain(..));
                }
                () = wait(hold), if hold.is_some() => {}
                _ = check.tick(), if busy => if let Err(status) = self.check() {
                    return End::Silent(status);
                },
            }
        }
    }

    /// Sends the next batch of what waits.
    fn send(&mut self, sender: &mpsc::Sender<EncodedBatch>) -> Result<(), Status> {
        let mut jobs = Vec::with_capacity(self.waiting.len().min(BATCH_MAX));
        let mut transactions = Vec::with_capacity(jobs.capacity());
        let mut bytes = 0;
        while let Some(job) = self.waiting.front() {
            let full = jobs.len() == BATCH_MAX || bytes + job.prepared.bytes.len() > BATCH_BYTES_MAX;
            if full && !jobs.is_empty() {
                break;
            }
            let Some(job) = self.waiting.pop_front() else { break };
            if job.reply.is_closed() {
                continue; // whoever asked does not want it any more
            }
            bytes += job.prepared.bytes.len();
            transactions.push(job.prepared.bytes.clone());
            jobs.push(Some(job));
        }
        if jobs.is_empty() {
            return Ok(());
        }
        self.sequence += 1;
        let sequence = self.sequence;
        self.flights.push_back(Flight { sequence, sent_at: Instant::now(), jobs });
        let sent = sender.try_send(EncodedBatch { sequence, transactions });
        sent.map_err(|_| Status::unavailable("the stream takes no more batches"))
    }

    /// Answers the callers of a batch; those that must be asked again wait for another one.
    fn landed(&mut self, answer: SubmitStreamResponse) -> Result<(), Status> {
        let found = self.flights.iter().position(|flight| flight.sequence == answer.sequence);
        let Some(flight) = found.and_then(|at| self.flights.remove(at)) else {
            return Err(Status::unknown("an answer to a batch that was not sent"));
        };
        if flight.jobs.len() != answer.results.len() {
            self.flights.push_front(flight);
            return Err(Status::unknown("an answer that does not fit its batch"));
        }
        let mut undecided = false;
        let mut misfit = false;
        for (job, result) in flight.jobs.into_iter().zip(answer.results) {
            let Some(mut job) = job else { continue };
            match outcome::read(job.prepared.request, result) {
                Some(Said::Final(outcome)) => job.answer(Ok(outcome)),
                Some(Said::Malformed(error)) => job.answer(Err(error)),
                Some(Said::Again(reason)) => {
                    catalogue::text(reason).en.clone_into(&mut self.last);
                    job.reached |= may_be_decided(reason);
                    self.waiting.push_back(job);
                    undecided = true;
                }
                None => {
                    job.reached = true;
                    self.waiting.push_back(job);
                    misfit = true;
                }
            }
        }
        if misfit {
            return Err(Status::unknown("an answer about another transaction"));
        }
        if undecided {
            self.hold = Some(Instant::now() + self.backoff.pause());
        } else {
            self.backoff.reset();
            self.failures = 0;
        }
        Ok(())
    }

    /// Looks at deadlines: of callers, and of the batch that is longest under way.
    fn check(&mut self) -> Result<(), Status> {
        let now = Instant::now();
        for job in self.flights.iter_mut().flat_map(|flight| &mut flight.jobs) {
            if let Some(mut late) = job.take_if(|job| job.deadline <= now) {
                late.reached = true;
                late.expire(&self.last);
            }
        }
        self.expire_waiting(now);
        match self.flights.front() {
            Some(flight) if now.duration_since(flight.sent_at) > self.client.settings.attempt => {
                Err(Status::unavailable("no answer on the stream in time"))
            }
            _ => Ok(()),
        }
    }

    /// Takes the queue in, so that nobody waits there past a deadline, and answers those who waited too long.
    fn expire_waiting(&mut self, now: Instant) {
        while self.waiting.len() < self.queue_max {
            match self.jobs.try_recv() {
                Ok(job) => self.waiting.push_back(job),
                Err(_) => break,
            }
        }
        if self.waiting.iter().all(|job| job.deadline > now) {
            return;
        }
        for job in std::mem::take(&mut self.waiting) {
            if job.deadline <= now { job.expire(&self.last) } else { self.waiting.push_back(job) }
        }
    }

    /// Takes back what has no answer, to be sent again at the next node.
    fn broken(&mut self, slot: usize, status: &Status) {
        self.last = describe(status);
        // A status ends the stream, not each batch on it: the server may have begun to do any of them, whatever it
        // has to say about one.
        let reached = !never_connected(status);
        let flights = std::mem::take(&mut self.flights);
        for mut job in flights.into_iter().rev().flat_map(|flight| flight.jobs.into_iter().rev()).flatten() {
            job.reached |= reached;
            self.waiting.push_front(job);
        }
        self.client.endpoints.move_over(slot);
        self.failures += 1;
        if self.client.endpoints.is_pause_due(self.failures, status) {
            self.hold = Some(Instant::now() + self.backoff.pause());
        }
        self.expire_waiting(Instant::now());
    }
}

/// Opens a stream. Batches may be handed over before the server has answered.
async fn open(
    channel: Channel,
    batches: mpsc::Receiver<EncodedBatch>,
) -> Result<Streaming<SubmitStreamResponse>, Status> {
    let mut grpc = Grpc::new(channel).max_decoding_message_size(ANSWER_BYTES_MAX);
    grpc.ready().await.map_err(|error| Status::from_error(error.into()))?;
    let codec = ProstCodec::<EncodedBatch, SubmitStreamResponse>::default();
    let path = PathAndQuery::from_static("/gongji.v1.Ledger/SubmitStream");
    Ok(grpc.streaming(Request::new(ReceiverStream::new(batches)), path, codec).await?.into_inner())
}

/// The next answer of a stream that is open.
async fn next(answers: &mut Option<Streaming<SubmitStreamResponse>>) -> Result<SubmitStreamResponse, Status> {
    match answers {
        Some(stream) => {
            stream.message().await?.ok_or_else(|| Status::unavailable("the server ended the stream"))
        }
        None => std::future::pending().await,
    }
}

/// Waits until a moment; without one, for ever.
async fn wait(until: Option<Instant>) {
    match until {
        Some(until) => sleep_until(until).await,
        None => std::future::pending().await,
    }
}
