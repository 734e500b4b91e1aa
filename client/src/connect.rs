//! The client: a handle on the nodes of a cluster.

use crate::caller::Caller;
use crate::error::Error;
use crate::query::Consistency;
use futures::future::select_ok;
use proto::status;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tonic::Status;
use tonic::transport::{Channel, Endpoint};

/// How long to try for one connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How often an open connection is asked whether it lives, and how long it may take to say so.
const KEEP_ALIVE: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(5));
/// What may be under way on a stream and on a connection, in bytes.
const WINDOWS: (u32, u32) = (4 << 20, 16 << 20);
/// The largest answer that is taken, in bytes.
pub(crate) const ANSWER_BYTES_MAX: usize = 16 << 20;

/// A handle on the nodes of a cluster. Cheap to clone; clones share their connections.
///
/// Any node will do: nodes pass transactions on to their leader. Give several, and the client moves over to the next
/// when one does not answer.
#[derive(Clone, Debug)]
pub struct Client {
    pub(crate) endpoints: Arc<Endpoints>,
    pub(crate) caller: Option<Caller>,
    pub(crate) consistency: Consistency,
    pub(crate) settings: Settings,
}

/// How long to try.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    /// For a call with all its attempts.
    pub deadline: Duration,
    /// For one attempt, before the next node is asked.
    pub attempt: Duration,
}

impl Client {
    /// Connects to a cluster by the addresses of some of its nodes ("http://127.0.0.1:7701"). Succeeds as soon as one
    /// of them answers; the others are connected when they are needed.
    pub async fn connect<A: AsRef<str>>(addresses: impl IntoIterator<Item = A>) -> Result<Client, Error> {
        let client = Client::connect_lazy(addresses)?;
        let tries = client.endpoints.slots.iter().enumerate().map(|(slot, (endpoint, _))| {
            Box::pin(
                async move { endpoint.connect().await.map(|_| slot).map_err(|error| (slot, chain(&error))) },
            )
        });
        let answered = select_ok(tries).await.map(|(slot, _)| slot);
        match answered {
            Ok(slot) => {
                client.endpoints.preferred.store(slot, Ordering::Relaxed);
                Ok(client)
            }
            Err((slot, cause)) => {
                let address = client.endpoints.slots[slot].0.uri().to_string();
                Err(Error::NotSent {
                    cause: format!("none of the addresses answers; the last, {address}: {cause}"),
                })
            }
        }
    }

    /// The same without waiting for an answer. Connections are made when they are needed.
    pub fn connect_lazy<A: AsRef<str>>(addresses: impl IntoIterator<Item = A>) -> Result<Client, Error> {
        let slots =
            addresses.into_iter().map(|address| slot(address.as_ref())).collect::<Result<Vec<_>, _>>()?;
        if slots.is_empty() {
            return Err(Error::Address { address: String::new(), cause: "at least one is needed".into() });
        }
        Ok(Client {
            endpoints: Arc::new(Endpoints { slots, preferred: AtomicUsize::new(0) }),
            caller: None,
            consistency: Consistency::default(),
            settings: Settings { deadline: Duration::from_secs(15), attempt: Duration::from_secs(4) },
        })
    }

    /// The same connections, for one who asks. Transactions need a caller.
    pub fn acting_as(&self, caller: Caller) -> Client {
        Client { caller: Some(caller), ..self.clone() }
    }

    /// The same connections, with questions answered as fresh as this. Without it they are linearizable.
    pub fn reading(&self, consistency: Consistency) -> Client {
        Client { consistency, ..self.clone() }
    }

    /// The same connections, with a deadline for each call with all its attempts (usual: 15 s).
    pub fn within(&self, deadline: Duration) -> Client {
        let settings = Settings { deadline, ..self.settings };
        Client { settings, ..self.clone() }
    }

    /// The same connections, with a limit for one attempt, after which the next node is asked (usual: 4 s).
    pub fn attempting(&self, attempt: Duration) -> Client {
        let settings = Settings { attempt, ..self.settings };
        Client { settings, ..self.clone() }
    }

    /// The connection that is preferred at this moment, for calls that this SDK does not have: the generated clients
    /// of [`proto::v1`](crate::v1).
    pub fn channel(&self) -> Channel {
        self.endpoints.preferred().1
    }
}

/// A connection, and since when there is this one.
#[derive(Debug)]
pub(crate) struct Dialled {
    channel: Channel,
    at: Instant,
}

impl Dialled {
    fn lazily(endpoint: &Endpoint) -> Dialled {
        Dialled { channel: endpoint.connect_lazy(), at: Instant::now() }
    }
}

/// The nodes, and which of them is asked first.
#[derive(Debug)]
pub(crate) struct Endpoints {
    slots: Vec<(Endpoint, Mutex<Dialled>)>,
    preferred: AtomicUsize,
}

impl Endpoints {
    /// The node to ask.
    pub(crate) fn preferred(&self) -> (usize, Channel) {
        let slot = self.preferred.load(Ordering::Relaxed);
        (slot, self.dialled(slot).channel.clone())
    }

    fn dialled(&self, slot: usize) -> MutexGuard<'_, Dialled> {
        self.slots[slot].1.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A reply did not come in time: the next call to this node goes over a new connection. This one may hang for ever
    /// without breaking. One that is new has the time that dialling takes: it may be another caller's answer to the same.
    pub(crate) fn unanswered(&self, slot: usize) {
        let mut dialled = self.dialled(slot);
        if dialled.at.elapsed() > CONNECT_TIMEOUT {
            *dialled = Dialled::lazily(&self.slots[slot].0);
        }
    }

    /// Prefers the next node, unless another call has moved over already.
    pub(crate) fn move_over(&self, from: usize) {
        let next = (from + 1) % self.slots.len();
        let _ = self.preferred.compare_exchange(from, next, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Whether to wait after so many failures in a row, the last of which met this. The first round over the nodes goes
    /// without pauses, and so does each round of later ones: one of them may be well. But a node that answers and says why
    /// it cannot help (no leader, too much to do) speaks for all of them.
    pub(crate) fn is_pause_due(&self, failures: usize, last: &Status) -> bool {
        let nodes = self.slots.len();
        failures >= nodes && (status::reason_of(last).is_some() || failures.is_multiple_of(nodes))
    }

    /// How many nodes there are.
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }
}

/// An address with its connection, still to be made.
fn slot(address: &str) -> Result<(Endpoint, Mutex<Dialled>), Error> {
    let unusable = |cause: String| Error::Address { address: address.to_owned(), cause };
    let full = if address.contains("://") { address.to_owned() } else { format!("http://{address}") };
    let endpoint = Endpoint::from_shared(full).map_err(|error| unusable(chain(&error)))?;
    if endpoint.uri().port().is_none() {
        return Err(unusable("it names no port, as in http://127.0.0.1:7701".into()));
    }
    let endpoint = endpoint
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(KEEP_ALIVE.0)
        .keep_alive_timeout(KEEP_ALIVE.1)
        .keep_alive_while_idle(true)
        .initial_stream_window_size(WINDOWS.0)
        .initial_connection_window_size(WINDOWS.1);
    let dialled = Mutex::new(Dialled::lazily(&endpoint));
    Ok((endpoint, dialled))
}

/// An error with its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.ends_with(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}
