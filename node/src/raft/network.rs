//! What nodes say to one another: Raft's messages as bytes over gRPC.

use super::append::write_append;
use super::handle::{AppendReply, Transfer, VoteAsked, VoteGiven};
use super::links::{Lane, Line, Links};
use super::log::LogStore;
use super::types::{self, Member, NodeId, TypeConfig, Vote, VoteBytes};
use crate::host;
use crate::state::Snapshot;
use bytes::Bytes;
use futures::{Stream, StreamExt};
use ledger::codec;
use openraft::errors::{NetworkError, RPCError, ReplicationClosed, StreamingError, Unreachable};
use openraft::network::{RPCOption, RaftNetworkV2};
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, StreamAppendError, StreamAppendResult,
    TransferLeaderRequest, TransferLeaderResponse, VoteRequest, VoteResponse,
};
use openraft::{LogIdOptionExt, OptionalSend, RaftNetworkFactory};
use proto::v1::peer_client::PeerClient;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

type BoxFuture<'a, T> = futures::future::BoxFuture<'a, T>;
type BoxStream<'a, T> = futures::stream::BoxStream<'a, T>;

/// Size of the pieces that a snapshot is sent in.
const SNAPSHOT_CHUNK: usize = 512 << 10;
/// How long an append may wait for its answer before the stream is given up and made anew.
const APPEND_PATIENCE: Duration = Duration::from_secs(5);
/// How long a piece of a snapshot may wait to be taken before the transfer is given up; the next goes on from there.
const SNAPSHOT_PATIENCE: Duration = Duration::from_secs(30);

/// Makes a link for each peer that openraft talks to.
pub struct Factory {
    links: Arc<Links>,
    log: LogStore,
}

impl Factory {
    /// Links over these connections, for entries of this log.
    pub fn new(links: Arc<Links>, log: LogStore) -> Factory {
        Factory { links, log }
    }
}

impl RaftNetworkFactory<TypeConfig> for Factory {
    type Network = Link;

    async fn new_client(&mut self, to: NodeId, member: &Member) -> Link {
        Link { links: self.links.clone(), log: self.log.clone(), to, address: member.peer.clone() }
    }
}

/// A link to one peer.
pub struct Link {
    links: Arc<Links>,
    log: LogStore,
    to: NodeId,
    address: String,
}

type RpcError = RPCError<TypeConfig>;

/// The peer could not be spoken to: openraft waits a little before it tries again.
fn unreachable(problem: &(impl std::error::Error + 'static)) -> RpcError {
    RPCError::Unreachable(Unreachable::new(problem))
}

/// The peer answered with an error, or with something that is no answer.
fn failed(problem: &(impl std::error::Error + 'static)) -> RpcError {
    RPCError::Network(NetworkError::new(problem))
}

impl Link {
    fn client(&self, lane: Lane) -> Result<PeerClient<Line>, RpcError> {
        self.links.peer(&self.address, lane).map_err(|problem| unreachable(&problem))
    }

    fn header(&self) -> Option<proto::v1::PeerHeader> {
        Some(self.links.header(self.to))
    }

    /// One request to the peer, bounded by openraft's deadline.
    async fn ask<T>(
        &self,
        option: &RPCOption,
        call: impl Future<Output = Result<tonic::Response<T>, tonic::Status>>,
    ) -> Result<T, RpcError> {
        match tokio::time::timeout(option.hard_ttl(), call).await {
            Ok(Ok(answer)) => Ok(answer.into_inner()),
            Ok(Err(status)) => Err(unreachable(&status)),
            Err(elapsed) => Err(unreachable(&elapsed)),
        }
    }

    /// One append request and its answer.
    async fn append(
        &self,
        request: &AppendEntriesRequest<TypeConfig>,
        option: &RPCOption,
    ) -> Result<StreamAppendResult<TypeConfig>, RpcError> {
        let (header, body) = (self.header(), write_append(request));
        let mut client = self.client(Lane::Control)?;
        let body = self.ask(option, client.append(proto::v1::AppendRequest { header, body })).await?.body;
        let reply: AppendReply =
            types::decode("an append's answer", &body).map_err(|problem| failed(&problem))?;
        Ok(reply.into_result())
    }

    /// Whether a stream of entries goes on with a request. After an error openraft 0.10.0-alpha.37 can take up a stream
    /// again that it had given up for a snapshot; it would then read on behind the purge, find nothing, and send nothing
    /// for ever. Whoever sends nothing from before the purge a second time ends, and asks what there is to do by now.
    fn goes_on(
        &self,
    ) -> impl FnMut(&AppendEntriesRequest<TypeConfig>) -> futures::future::Ready<bool> + use<> {
        let (log, mut sent) = (self.log.clone(), 0_u64);
        move |request| {
            sent += 1;
            let behind = request.prev_log_id.next_index() <= log.purged();
            futures::future::ready(sent == 1 || !request.entries.is_empty() || !behind)
        }
    }

    async fn vote_or_pre(
        &self,
        request: VoteRequest<TypeConfig>,
        option: RPCOption,
        pre: bool,
    ) -> Result<VoteResponse<TypeConfig>, RpcError> {
        let asked = VoteAsked {
            vote: VoteBytes::from(&request.vote),
            last: request.last_log_id.as_ref().map(types::mark),
            transfer: request.leadership_transfer,
        };
        let (header, body) = (self.header(), Bytes::from(codec::encode(&asked)));
        let mut client = self.client(Lane::Control)?;
        let body = if pre {
            self.ask(&option, client.pre_vote(proto::v1::PreVoteRequest { header, body })).await?.body
        } else {
            self.ask(&option, client.vote(proto::v1::VoteRequest { header, body })).await?.body
        };
        let given: VoteGiven = types::decode("a vote", &body).map_err(|problem| failed(&problem))?;
        Ok(given.into())
    }

    async fn send_snapshot(
        &self,
        vote: Vote,
        snapshot: Snapshot,
    ) -> Result<SnapshotResponse<TypeConfig>, RpcError> {
        let mut client = self.client(Lane::Snapshot)?;
        let name = snapshot.id.clone();
        let asked = proto::v1::SnapshotOffsetRequest { header: self.header(), snapshot: name.clone() };
        let asked = tokio::time::timeout(SNAPSHOT_PATIENCE, client.snapshot_offset(asked)).await;
        let answer = asked.map_err(|elapsed| unreachable(&elapsed))?;
        let offset = answer.map_err(|status| unreachable(&status))?.into_inner().offset;
        let (header, total) = (self.header(), snapshot.bytes);
        let body = Bytes::from(codec::encode(&VoteBytes::from(&vote)));
        let (sender, pieces) = tokio::sync::mpsc::channel(4);
        let path = snapshot.path.clone();
        let reading = async move {
            let mut at = offset.min(total);
            loop {
                let (path, length) = (path.clone(), SNAPSHOT_CHUNK.min((total - at) as usize));
                let chunk = host::blocking(move || read_at(&path, at, length)).await??;
                let next = at + chunk.len() as u64;
                let piece = proto::v1::InstallSnapshotRequest {
                    header: header.clone(),
                    snapshot: name.clone(),
                    body: body.clone(),
                    total_bytes: total,
                    offset: at,
                    crc32: crc32fast::hash(&chunk),
                    chunk: Bytes::from(chunk),
                    last: next == total,
                };
                let sent = tokio::time::timeout(SNAPSHOT_PATIENCE, sender.send(piece)).await?;
                // A closed channel means that the peer ended the call: its answer says why.
                if sent.is_err() || next == total {
                    return Ok::<(), std::io::Error>(());
                }
                at = next;
            }
        };
        let call = client.install_snapshot(tokio_stream::wrappers::ReceiverStream::new(pieces));
        let call = async { call.await.map_err(|status| unreachable(&status)) };
        let reading = async { reading.await.map_err(|problem| failed(&problem)) };
        let (answer, ()) = futures::try_join!(call, reading)?;
        let body = answer.into_inner().body;
        let vote: VoteBytes =
            types::decode("a snapshot's answer", &body).map_err(|problem| failed(&problem))?;
        Ok(SnapshotResponse { vote: vote.into() })
    }
}

impl RaftNetworkV2<TypeConfig> for Link {
    type SnapshotData = Snapshot;

    async fn append_entries(
        &mut self,
        request: AppendEntriesRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<AppendEntriesResponse<TypeConfig>, RpcError> {
        Ok(match self.append(&request, &option).await? {
            Ok(_) => AppendEntriesResponse::Success,
            Err(StreamAppendError::Conflict(_)) => AppendEntriesResponse::Conflict,
            Err(StreamAppendError::HigherVote(vote)) => AppendEntriesResponse::HigherVote(vote),
        })
    }

    fn stream_append<'s, S>(
        &'s mut self,
        input: S,
        option: RPCOption,
    ) -> BoxFuture<'s, Result<BoxStream<'s, Result<StreamAppendResult<TypeConfig>, RpcError>>, RpcError>>
    where
        S: Stream<Item = AppendEntriesRequest<TypeConfig>> + OptionalSend + Unpin + 'static,
    {
        Box::pin(async move {
            let mut input = input;
            // openraft 0.10.0-alpha.37 sends a heartbeat as a stream of one: it must not wait behind entries.
            if input.size_hint().1 == Some(1) {
                let answer = match input.next().await {
                    Some(heartbeat) => Some(self.append(&heartbeat, &option).await),
                    None => None,
                };
                let answers: BoxStream<'s, _> = Box::pin(futures::stream::iter(answer));
                return Ok(answers);
            }
            let mut client = self.client(Lane::Entries)?;
            // Behind this openraft keeps its pause after an error. A call that fails before it asks for a request
            // would be made again at once, and again: a leader would spin as long as a follower is down.
            let Some(first) = input.next().await else {
                let nothing: BoxStream<'s, _> = Box::pin(futures::stream::empty());
                return Ok(nothing);
            };
            let input = futures::stream::once(futures::future::ready(first)).chain(input);
            let input = input.take_while(self.goes_on());
            let header = self.header();
            let waiting = Arc::new(AtomicU64::new(0));
            let sent = waiting.clone();
            let mut sequence = 0;
            let requests = input.map(move |request| {
                sequence += 1;
                sent.fetch_add(1, Ordering::Relaxed);
                proto::v1::AppendStreamRequest {
                    header: header.clone(),
                    sequence,
                    body: write_append(&request),
                }
            });
            let call = client.append_stream(requests);
            let answers = match tokio::time::timeout(APPEND_PATIENCE, call).await {
                Ok(Ok(answers)) => answers.into_inner(),
                Ok(Err(status)) => return Err(unreachable(&status)),
                Err(elapsed) => return Err(unreachable(&elapsed)),
            };
            let replies = futures::stream::unfold(Some((answers, waiting)), next_reply);
            let replies: BoxStream<'s, _> = Box::pin(replies);
            Ok(replies)
        })
    }

    async fn vote(
        &mut self,
        request: VoteRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<VoteResponse<TypeConfig>, RpcError> {
        self.vote_or_pre(request, option, false).await
    }

    async fn pre_vote(
        &mut self,
        request: VoteRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<VoteResponse<TypeConfig>, RpcError> {
        self.vote_or_pre(request, option, true).await
    }

    async fn full_snapshot(
        &mut self,
        vote: Vote,
        snapshot: super::machine::RaftSnapshot,
        cancel: impl Future<Output = ReplicationClosed> + OptionalSend + 'static,
        option: RPCOption,
    ) -> Result<SnapshotResponse<TypeConfig>, StreamingError<TypeConfig>> {
        tokio::select! {
            biased;
            closed = cancel => Err(StreamingError::Closed(closed)),
            sent = tokio::time::timeout(option.hard_ttl(), self.send_snapshot(vote, snapshot.snapshot)) => match sent {
                Ok(Ok(answer)) => Ok(answer),
                Ok(Err(RPCError::Network(problem))) => Err(StreamingError::Network(problem)),
                Ok(Err(problem)) => Err(StreamingError::Unreachable(Unreachable::new(&problem))),
                Err(elapsed) => Err(StreamingError::Unreachable(Unreachable::new(&elapsed))),
            }
        }
    }

    async fn transfer_leader(
        &mut self,
        request: TransferLeaderRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<TransferLeaderResponse<TypeConfig>, RpcError> {
        let asked = Transfer {
            from: VoteBytes::from(request.from_leader()),
            to: *request.to_node_id(),
            last: request.last_log_id().map(types::mark),
        };
        let (header, body) = (self.header(), Bytes::from(codec::encode(&asked)));
        let mut client = self.client(Lane::Control)?;
        let message = proto::v1::TransferLeaderRequest { header, body };
        let body = self.ask(&option, client.transfer_leader(message)).await?.body;
        let accepted: bool =
            types::decode("a transfer's answer", &body).map_err(|problem| failed(&problem))?;
        let refused = openraft::raft::TransferLeaderError::VoteChanged {
            expected: *request.from_leader(),
            actual: *request.from_leader(),
        };
        Ok(if accepted { Ok(()) } else { Err(refused) })
    }
}

type Replies = (tonic::Streaming<proto::v1::AppendStreamResponse>, Arc<AtomicU64>);

/// The next answer on an append stream. While something is sent and not answered, silence longer than
/// [`APPEND_PATIENCE`] ends the stream, so that a peer that hangs is told apart from one with nothing to say.
async fn next_reply(
    open: Option<Replies>,
) -> Option<(Result<StreamAppendResult<TypeConfig>, RpcError>, Option<Replies>)> {
    let (mut answers, waiting) = open?;
    let answer = loop {
        match tokio::time::timeout(APPEND_PATIENCE, answers.message()).await {
            Ok(answer) => break answer,
            Err(elapsed) if waiting.load(Ordering::Relaxed) > 0 => {
                return Some((Err(unreachable(&elapsed)), None));
            }
            Err(_) => {}
        }
    };
    match answer {
        Ok(Some(answer)) => {
            waiting.fetch_sub(1, Ordering::Relaxed);
            match types::decode::<AppendReply>("an append's answer", &answer.body) {
                Ok(reply) => Some((Ok(reply.into_result()), Some((answers, waiting)))),
                Err(problem) => Some((Err(failed(&problem)), None)),
            }
        }
        Ok(None) => None,
        Err(status) => Some((Err(unreachable(&status)), None)),
    }
}

/// A piece of a file.
fn read_at(path: &Path, at: u64, length: usize) -> std::io::Result<Vec<u8>> {
    let mut file = std::fs::File::open(path)?;
    file.seek(SeekFrom::Start(at))?;
    let mut piece = vec![0; length];
    file.read_exact(&mut piece)?;
    Ok(piece)
}

#[cfg(test)]
mod tests {
    use super::super::links::{Carried, Carrier, Request};
    use super::super::log::LogSettings;
    use super::*;
    use parking_lot::Mutex;
    use tonic::Status;

    /// Brings nothing anywhere, and remembers by which lane it went.
    #[derive(Default)]
    struct Nowhere(Mutex<Vec<(Lane, String)>>);

    impl Carrier for Nowhere {
        fn carry(&self, _: NodeId, _: &str, lane: Lane, request: Request) -> BoxFuture<'static, Carried> {
            self.0.lock().push((lane, request.uri().path().to_string()));
            Box::pin(std::future::ready(Err(Status::unavailable("nowhere").into())))
        }
    }

    #[tokio::test]
    async fn heartbeats_do_not_wait_behind_entries() {
        let folder = tempfile::tempdir().expect("a folder");
        let settings = LogSettings { cache_bytes: 1 << 20, chunk_bytes: 1 << 20 };
        let log = LogStore::open(folder.path(), 1, settings).expect("a log");
        let nowhere = Arc::new(Nowhere::default());
        let links = Arc::new(Links::new(1, None).carried_by(nowhere.clone()));
        let member = Member { peer: "2".into(), api: String::new() };
        let mut link = Factory::new(links, log).new_client(2, &member).await;
        let request = || AppendEntriesRequest {
            vote: VoteBytes { term: 1, node: 1, committed: true }.into(),
            prev_log_id: None,
            leader_commit: None,
            entries: Vec::new(),
        };
        // As openraft's heartbeats and its replication hand them over.
        let heartbeat = Box::pin(futures::stream::once(async move { request() }));
        let unfolded = futures::stream::unfold((), move |()| async move { Some((request(), ())) });
        let entries: BoxStream<'static, _> = Box::pin(unfolded);
        let option = RPCOption::new(Duration::from_secs(1));
        let beaten = link.stream_append(heartbeat, option.clone()).await.expect("a stream").next().await;
        assert!(matches!(beaten, Some(Err(_))), "nobody answers");
        assert!(link.stream_append(entries, option).await.is_err(), "nobody answers");
        let went = nowhere.0.lock().clone();
        let wanted = [(Lane::Control, "Append"), (Lane::Entries, "AppendStream")];
        assert_eq!(went, wanted.map(|(lane, call)| (lane, format!("/gongji.v1.Peer/{call}"))));
    }
}
