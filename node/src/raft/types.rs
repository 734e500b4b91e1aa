//! The type configuration, and the bytes of everything Raft stores or sends.
//!
//! openraft's own serialization is not a stable format, so none of it is used: each type has a plain
//! mirror here, written by `ledger::codec` behind its version byte. A log entry is a small head and
//! the batch's bytes as they are, so a batch is encoded once for the disk and for every peer.

use bytes::Bytes;
use ledger::{Answer, Stamp, Transaction, codec};
use openraft::EntryPayload;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::Read as _;
use std::sync::{Arc, OnceLock};

use crate::state::LogMark;

/// A node's id: province code × 1 000 000 + incarnation. Never reused: a rebuilt machine gets a new one.
pub type NodeId = u64;

/// The types that openraft works with here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct TypeConfig;

impl openraft::RaftTypeConfig for TypeConfig {
    type D = Batch;
    type R = Answers;
    type NodeId = NodeId;
    type Node = Member;
    type Term = u64;
    type LeaderId = openraft::impls::leader_id_adv::LeaderId<u64, NodeId>;
    type Vote = openraft::impls::Vote<Self::LeaderId>;
    type Payload = EntryPayload<Batch, NodeId, Member>;
    type Entry = openraft::Entry<<Self::LeaderId as openraft::vote::RaftLeaderId>::Committed, Self::Payload>;
    type AsyncRuntime = super::runtime::Runtime;
    type Responder<T: openraft::OptionalSend + 'static> = Waiter<T>;
    type Batch<T: openraft::OptionalSend + 'static> = openraft::impls::InlineBatch<T>;
    type ErrorSource = openraft::impls::BoxedErrorSource;
}

pub(super) type LogId = openraft::alias::LogIdOf<TypeConfig>;
pub(super) type Entry = openraft::alias::EntryOf<TypeConfig>;
pub(super) type Vote = openraft::alias::VoteOf<TypeConfig>;
pub(super) type StoredMembership = openraft::alias::StoredMembershipOf<TypeConfig>;
pub(super) type SnapshotMeta = openraft::alias::SnapshotMetaOf<TypeConfig>;

/// What the cluster knows of a member.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// `host:port` that other nodes reach it at.
    pub peer: String,
    /// `host:port` that clients reach it at.
    pub api: String,
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (clients {})", self.peer, self.api)
    }
}

/// One log entry's transactions: encoded once, decoded at most once per node.
#[derive(Clone)]
pub struct Batch(Arc<BatchInner>);

struct BatchInner {
    bytes: Bytes,
    decoded: OnceLock<(Stamp, Vec<Transaction>)>,
}

impl Batch {
    /// A batch of transactions stamped by the leader.
    pub fn new(stamp: Stamp, transactions: Vec<Transaction>) -> Batch {
        let content = (stamp, transactions);
        let bytes = Bytes::from(codec::encode(&content));
        Batch(Arc::new(BatchInner { bytes, decoded: OnceLock::from(content) }))
    }

    /// A batch as it was stored or sent.
    pub fn from_bytes(bytes: Bytes) -> Batch {
        Batch(Arc::new(BatchInner { bytes, decoded: OnceLock::new() }))
    }

    /// The bytes that are stored and sent.
    pub fn bytes(&self) -> &Bytes {
        &self.0.bytes
    }

    /// Stamp and transactions.
    pub fn content(&self) -> Result<&(Stamp, Vec<Transaction>), codec::DecodeError> {
        if let Some(content) = self.0.decoded.get() {
            return Ok(content);
        }
        let content = codec::decode(&self.0.bytes)?;
        Ok(self.0.decoded.get_or_init(|| content))
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Batch({} bytes)", self.0.bytes.len())
    }
}

impl fmt::Display for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl PartialEq for Batch {
    fn eq(&self, other: &Batch) -> bool {
        self.0.bytes == other.0.bytes
    }
}

impl Eq for Batch {}

/// The answers to a batch, one per transaction in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers(pub Arc<Vec<Answer>>);

impl fmt::Display for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} answers", self.0.len())
    }
}

/// Who waits for a write: called once with what became of it.
pub struct Waiter<T>(Box<dyn FnOnce(T) + Send>);

impl<T> Waiter<T> {
    /// Calls `done` with the result.
    pub fn new(done: impl FnOnce(T) + Send + 'static) -> Waiter<T> {
        Waiter(Box::new(done))
    }
}

impl<T: openraft::OptionalSend + 'static> openraft::raft::responder::Responder<TypeConfig, T> for Waiter<T> {
    fn on_complete(self, result: T) {
        (self.0)(result);
    }
}

/// Bytes that do not decode, with what they should have been.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {problem}")]
pub struct BadBytes {
    what: &'static str,
    problem: String,
}

impl From<BadBytes> for std::io::Error {
    fn from(bad: BadBytes) -> Self {
        std::io::Error::new(std::io::ErrorKind::InvalidData, bad)
    }
}

pub(super) fn bad(what: &'static str, problem: impl fmt::Display) -> BadBytes {
    BadBytes { what, problem: problem.to_string() }
}

pub(super) fn decode<T: serde::de::DeserializeOwned>(
    what: &'static str,
    bytes: &[u8],
) -> Result<T, BadBytes> {
    codec::decode(bytes).map_err(|problem| bad(what, problem))
}

/// A log id as ours.
pub(super) fn mark(id: &LogId) -> LogMark {
    LogMark { term: id.leader_id.term, node: id.leader_id.node_id, index: id.index }
}

/// A log id as openraft's.
pub(super) fn log_id(mark: LogMark) -> LogId {
    LogId::new(openraft::impls::leader_id_adv::LeaderId { term: mark.term, node_id: mark.node }, mark.index)
}

/// A vote, as stored and sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct VoteBytes {
    pub term: u64,
    pub node: u64,
    pub committed: bool,
}

impl From<&Vote> for VoteBytes {
    fn from(vote: &Vote) -> Self {
        VoteBytes { term: vote.leader_id.term, node: vote.leader_id.node_id, committed: vote.committed }
    }
}

impl From<VoteBytes> for Vote {
    fn from(vote: VoteBytes) -> Self {
        if vote.committed {
            Vote::new_committed(vote.term, vote.node)
        } else {
            Vote::new(vote.term, vote.node)
        }
    }
}

/// A membership, as stored and sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct MembershipBytes {
    log: Option<LogMark>,
    configs: Vec<BTreeSet<NodeId>>,
    members: BTreeMap<NodeId, Member>,
}

impl From<&StoredMembership> for MembershipBytes {
    fn from(stored: &StoredMembership) -> Self {
        MembershipBytes::of(stored.log_id().as_ref(), stored.membership())
    }
}

impl MembershipBytes {
    pub fn of(log: Option<&LogId>, membership: &openraft::Membership<NodeId, Member>) -> Self {
        MembershipBytes {
            log: log.map(mark),
            configs: membership.get_joint_config().clone(),
            members: membership.nodes().map(|(id, member)| (*id, member.clone())).collect(),
        }
    }

    pub fn into_stored(self) -> Result<StoredMembership, BadBytes> {
        let log = self.log.map(log_id);
        Ok(StoredMembership::new(log, self.into_membership()?))
    }

    pub fn into_membership(self) -> Result<openraft::Membership<NodeId, Member>, BadBytes> {
        if self.configs.is_empty() {
            return Ok(openraft::Membership::default());
        }
        openraft::Membership::new(self.configs, self.members).map_err(|problem| bad("a membership", problem))
    }
}

/// A stored membership's bytes; empty bytes stand for none yet.
pub(super) fn membership_from(bytes: &[u8]) -> Result<StoredMembership, BadBytes> {
    if bytes.is_empty() {
        return Ok(StoredMembership::default());
    }
    decode::<MembershipBytes>("a membership", bytes)?.into_stored()
}

/// The head of a log entry; the batch's bytes follow it.
#[derive(Serialize, Deserialize)]
struct EntryHead {
    log: LogMark,
    kind: EntryKind,
}

#[derive(Serialize, Deserialize)]
enum EntryKind {
    Blank,
    Normal { bytes: u32, crc: u32 },
    Membership(MembershipBytes),
}

/// A log entry's length on disk and on the wire, roughly, for limits and caches.
pub(super) fn entry_size(entry: &Entry) -> usize {
    match &entry.payload {
        EntryPayload::Normal(batch) => 96 + batch.bytes().len(),
        EntryPayload::Blank | EntryPayload::Membership(_) => 256,
    }
}

const HEAD_MAX: usize = 1 << 20;
/// The largest batch that is read back, in bytes. Proposals stay far below it.
const BATCH_MAX: usize = 64 << 20;

/// Appends a log entry: `head length, its complement, head checksum, head, batch`.
///
/// Every length is checked before it is believed, so that a damaged one is told apart from a file that
/// ends early: a flipped bit must never look like a torn tail, which recovery may cut.
pub(super) fn write_entry(entry: &Entry, out: &mut Vec<u8>) {
    let (kind, batch) = match &entry.payload {
        EntryPayload::Blank => (EntryKind::Blank, None),
        EntryPayload::Normal(batch) => {
            let bytes = batch.bytes();
            let kind = EntryKind::Normal { bytes: bytes.len() as u32, crc: crc32fast::hash(bytes) };
            (kind, Some(bytes))
        }
        EntryPayload::Membership(membership) => {
            (EntryKind::Membership(MembershipBytes::of(Some(&entry.log_id), membership)), None)
        }
    };
    let head = codec::encode(&EntryHead { log: mark(&entry.log_id), kind });
    let length = head.len() as u32;
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&(!length).to_le_bytes());
    out.extend_from_slice(&crc32fast::hash(&head).to_le_bytes());
    out.extend_from_slice(&head);
    if let Some(batch) = batch {
        out.extend_from_slice(batch);
    }
}

/// So many bytes. Memory grows with those that are there, whatever the length claims: it may come from another node.
fn read_bytes(from: &mut impl std::io::Read, length: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(length.min(1 << 20));
    let found = from.take(length as u64).read_to_end(&mut bytes)?;
    if found < length {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes)
}

/// Reads a log entry. `UnexpectedEof` means that the bytes end early and that nothing read so far was
/// damaged; everything else that is wrong is `InvalidData`.
pub(super) fn read_entry(mut from: impl std::io::Read) -> std::io::Result<Entry> {
    let mut prefix = [0; 12];
    from.read_exact(&mut prefix)?;
    let word = |at: usize| u32::from_le_bytes(prefix[at..at + 4].try_into().expect("four bytes"));
    let (length, complement, crc) = (word(0), word(4), word(8));
    if length != !complement || length as usize > HEAD_MAX {
        return Err(bad("a log entry", "its head's length is damaged").into());
    }
    let mut head = vec![0; length as usize];
    from.read_exact(&mut head)?;
    if crc32fast::hash(&head) != crc {
        return Err(bad("a log entry", "its head does not match its checksum").into());
    }
    let head_bytes = head;
    let head: EntryHead = decode("a log entry's head", &head_bytes)?;
    let payload = match head.kind {
        EntryKind::Blank => EntryPayload::Blank,
        EntryKind::Membership(given) => {
            let membership = given.into_membership()?;
            // Maps in another order, or a log id of its own, would be other bytes for the same entry.
            let ours = MembershipBytes::of(Some(&log_id(head.log)), &membership);
            let again = EntryHead { log: head.log, kind: EntryKind::Membership(ours) };
            if codec::encode(&again) != head_bytes {
                return Err(bad("a log entry", "its membership is not written as such").into());
            }
            EntryPayload::Membership(membership)
        }
        EntryKind::Normal { bytes, crc } => {
            let length = bytes as usize;
            if length > BATCH_MAX {
                return Err(bad("a log entry", "its batch is larger than any that is written").into());
            }
            let batch = read_bytes(&mut from, length)?;
            if crc32fast::hash(&batch) != crc {
                return Err(bad("a log entry", "its batch does not match its checksum").into());
            }
            EntryPayload::Normal(Batch::from_bytes(Bytes::from(batch)))
        }
    };
    Ok(Entry { log_id: log_id(head.log), payload })
}
