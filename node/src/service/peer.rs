//! The door for other nodes: Raft's messages, passed-on proposals, read indexes, digests.

use crate::clock;
use crate::host;
use crate::propose::Undecided;
use crate::raft::handle::PeerError;
use crate::server::Shared;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use ledger::{Transaction, codec};
use proto::status;
use proto::v1::{self as pb, Reason};
use std::collections::HashSet;
use std::io::{Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tonic::{Request, Response, Status, Streaming};

/// `gongji.v1.Peer`.
pub struct PeerService {
    shared: Arc<Shared>,
    /// Snapshots that are being received, so that two streams never write one file.
    receiving: Arc<parking_lot::Mutex<HashSet<String>>>,
}

impl PeerService {
    pub(crate) fn new(shared: Arc<Shared>) -> PeerService {
        PeerService { shared, receiving: Arc::default() }
    }

    /// Checks that a message comes from this cluster and is meant for this node. A node that belongs
    /// to no cluster yet joins the one that first speaks to it.
    fn check(&self, header: Option<&pb::PeerHeader>) -> Result<pb::PeerHeader, Status> {
        let shared = &self.shared;
        let header = header.ok_or_else(|| status::bad_field("header", "is missing"))?;
        let ours = shared.links.node();
        if header.to != ours {
            return Err(status::status(
                Reason::WrongNode,
                &format!("this is node {ours}, not {}", header.to),
            ));
        }
        let cluster: [u8; 16] = header
            .cluster
            .as_ref()
            .try_into()
            .map_err(|_| status::status(Reason::WrongCluster, "the message names no cluster"))?;
        if shared.links.cluster().is_none() {
            // Durable before anything of that cluster is answered.
            shared.set_cluster(cluster)?;
        }
        if !shared.links.join(cluster) {
            return Err(status::status(Reason::WrongCluster, "this node belongs to another cluster"));
        }
        Ok(shared.links.header(header.from))
    }
}

/// The turn of one stream to write a snapshot.
struct Turn {
    receiving: Arc<parking_lot::Mutex<HashSet<String>>>,
    snapshot: String,
}

impl Turn {
    fn take(receiving: &Arc<parking_lot::Mutex<HashSet<String>>>, snapshot: &str) -> Option<Turn> {
        let free = receiving.lock().insert(snapshot.to_string());
        free.then(|| Turn { receiving: receiving.clone(), snapshot: snapshot.to_string() })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.receiving.lock().remove(&self.snapshot);
    }
}

fn refused(problem: PeerError) -> Status {
    match problem {
        PeerError::Bad(bad) => Status::invalid_argument(bad.to_string()),
        PeerError::Failed(reason) => status::status(Reason::NodeStopping, &reason),
    }
}

#[tonic::async_trait]
impl pb::peer_server::Peer for PeerService {
    async fn append(
        &self,
        request: Request<pb::AppendRequest>,
    ) -> Result<Response<pb::AppendResponse>, Status> {
        let asked = request.into_inner();
        let header = Some(self.check(asked.header.as_ref())?);
        self.shared.heard.store(clock::now().0, Ordering::Relaxed);
        let body = self.shared.consensus.on_append(&asked.body).await.map_err(refused)?;
        Ok(Response::new(pb::AppendResponse { header, body: body.into() }))
    }

    type AppendStreamStream = BoxStream<'static, Result<pb::AppendStreamResponse, Status>>;

    async fn append_stream(
        &self,
        request: Request<Streaming<pb::AppendStreamRequest>>,
    ) -> Result<Response<Self::AppendStreamStream>, Status> {
        let mut incoming = request.into_inner();
        let Some(first) = incoming.message().await? else {
            return Ok(Response::new(futures::stream::empty().boxed()));
        };
        let header = self.check(first.header.as_ref())?;
        let shared = self.shared.clone();
        let bodies = futures::stream::once(futures::future::ready(Ok(first)))
            // The leader keeps the stream open for ever: a node that stops takes no more from it.
            .chain(incoming.take_until(crate::server::until_stop(self.shared.stopping.clone())))
            // A broken stream ends here; the leader makes it anew.
            .take_while(|message| futures::future::ready(message.is_ok()))
            .filter_map(|message| futures::future::ready(message.ok()))
            .map(move |message: pb::AppendStreamRequest| {
                shared.heard.store(clock::now().0, Ordering::Relaxed);
                message.body
            });
        let mut sequence = 0;
        let replies = self.shared.consensus.on_append_stream(bodies).map(move |reply| {
            sequence += 1;
            match reply {
                Ok(body) => {
                    Ok(pb::AppendStreamResponse { header: Some(header.clone()), sequence, body: body.into() })
                }
                Err(fault) => Err(status::status(Reason::NodeStopping, &fault.to_string())),
            }
        });
        Ok(Response::new(replies.boxed()))
    }

    async fn vote(&self, request: Request<pb::VoteRequest>) -> Result<Response<pb::VoteResponse>, Status> {
        let asked = request.into_inner();
        let header = Some(self.check(asked.header.as_ref())?);
        let body = self.shared.consensus.on_vote(&asked.body, false).await.map_err(refused)?;
        Ok(Response::new(pb::VoteResponse { header, body: body.into() }))
    }

    async fn pre_vote(
        &self,
        request: Request<pb::PreVoteRequest>,
    ) -> Result<Response<pb::PreVoteResponse>, Status> {
        let asked = request.into_inner();
        let header = Some(self.check(asked.header.as_ref())?);
        let body = self.shared.consensus.on_vote(&asked.body, true).await.map_err(refused)?;
        Ok(Response::new(pb::PreVoteResponse { header, body: body.into() }))
    }

    async fn transfer_leader(
        &self,
        request: Request<pb::TransferLeaderRequest>,
    ) -> Result<Response<pb::TransferLeaderResponse>, Status> {
        let asked = request.into_inner();
        let header = Some(self.check(asked.header.as_ref())?);
        let body = self.shared.consensus.on_transfer(&asked.body).await.map_err(refused)?;
        Ok(Response::new(pb::TransferLeaderResponse { header, body: body.into() }))
    }

    async fn snapshot_offset(
        &self,
        request: Request<pb::SnapshotOffsetRequest>,
    ) -> Result<Response<pb::SnapshotOffsetResponse>, Status> {
        let asked = request.into_inner();
        let header = Some(self.check(asked.header.as_ref())?);
        let path = receive_path(&self.shared, &asked.snapshot)?;
        let offset = std::fs::metadata(path).map_or(0, |found| found.len());
        Ok(Response::new(pb::SnapshotOffsetResponse { header, offset }))
    }

    async fn install_snapshot(
        &self,
        request: Request<Streaming<pb::InstallSnapshotRequest>>,
    ) -> Result<Response<pb::InstallSnapshotResponse>, Status> {
        let mut pieces = request.into_inner();
        let first =
            pieces.message().await?.ok_or_else(|| Status::invalid_argument("a snapshot without a piece"))?;
        let header = Some(self.check(first.header.as_ref())?);
        let path = receive_path(&self.shared, &first.snapshot)?;
        // Held to the end, however this call ends: two streams never write one file, nor one that is being verified.
        let Some(_turn) = Turn::take(&self.receiving, &first.snapshot) else {
            return Err(Status::already_exists("this snapshot is being received already"));
        };
        let vote = first.body.clone();
        let path = receive(first, &mut pieces, path).await?;
        let state = self.shared.state.clone();
        let verified = host::blocking(move || {
            let verified = state.received(&path);
            if verified.is_err() {
                // Not to be gone on from: the next offer starts at its beginning.
                state.discard_received(&path);
            }
            verified
        });
        let verified = verified.await.map_err(|problem| Status::internal(problem.to_string()))?;
        let snapshot = verified.map_err(|fault| Status::data_loss(fault.to_string()))?;
        let body = self.shared.consensus.on_snapshot(&vote, snapshot).await.map_err(refused)?;
        Ok(Response::new(pb::InstallSnapshotResponse { header, body: body.into() }))
    }

    async fn propose(
        &self,
        request: Request<pb::ProposeRequest>,
    ) -> Result<Response<pb::ProposeResponse>, Status> {
        let asked = request.into_inner();
        let header = Some(self.check(asked.header.as_ref())?);
        let transactions: Vec<Transaction> = codec::decode(&asked.transactions)
            .map_err(|problem| Status::invalid_argument(problem.to_string()))?;
        let mut reply = pb::ProposeResponse { header, ..Default::default() };
        match self.shared.proposer.submit_passed_on(transactions).await {
            Ok(answers) => reply.answers = codec::encode(&answers).into(),
            Err(Undecided::Unknown) => reply.unknown = true,
            Err(Undecided::NotLeader(leader)) => reply.leader = leader.unwrap_or(0),
            Err(Undecided::NoLeader) => {}
            Err(Undecided::Busy) => return Err(status::status(Reason::Overloaded, "")),
        }
        Ok(Response::new(reply))
    }

    async fn read_index(
        &self,
        request: Request<pb::ReadIndexRequest>,
    ) -> Result<Response<pb::ReadIndexResponse>, Status> {
        let header = Some(self.check(request.get_ref().header.as_ref())?);
        let (index, leader) = match self.shared.consensus.read_index().await {
            Ok(index) => (index, 0),
            Err(not_leader) => (0, not_leader.leader.map_or(0, |(node, _)| node)),
        };
        Ok(Response::new(pb::ReadIndexResponse { header, index, leader }))
    }

    async fn node_status(
        &self,
        request: Request<pb::NodeStatusRequest>,
    ) -> Result<Response<pb::NodeStatusResponse>, Status> {
        let asked = request.into_inner();
        let header = Some(self.check(asked.header.as_ref())?);
        // Nodes compare digests all the time: without the rest, which looks into files.
        let status = (!asked.digest_only).then(|| self.shared.node_status());
        let newest = || self.shared.state.applied().index();
        let digest_index = if asked.digest_index == 0 { newest() } else { asked.digest_index };
        let digest = self.shared.state.digest_at(digest_index);
        let digest = digest.map(|digest| Bytes::copy_from_slice(&digest)).unwrap_or_default();
        Ok(Response::new(pb::NodeStatusResponse { header, status, digest, digest_index }))
    }
}

/// Where a snapshot of this name grows; names come from outside and are checked.
fn receive_path(shared: &Shared, name: &str) -> Result<PathBuf, Status> {
    let plain = !name.is_empty()
        && name.len() <= 128
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if !plain {
        return Err(status::bad_field("snapshot", "is not the name of a snapshot"));
    }
    Ok(shared.state.receive_path(name))
}

/// Writes the pieces where they belong; returns the whole file, synced.
async fn receive(
    first: pb::InstallSnapshotRequest,
    pieces: &mut Streaming<pb::InstallSnapshotRequest>,
    path: PathBuf,
) -> Result<PathBuf, Status> {
    let disk = |problem: std::io::Error| Status::internal(format!("write a received snapshot: {problem}"));
    let mut file =
        std::fs::OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(disk)?;
    let mut piece = first;
    loop {
        if crc32fast::hash(&piece.chunk) != piece.crc32 {
            return Err(Status::data_loss("a piece of the snapshot does not match its checksum"));
        }
        let (at, last, total) = (piece.offset, piece.last, piece.total_bytes);
        let chunk = piece.chunk;
        let place = path.clone();
        let written = host::blocking(move || {
            file.seek(SeekFrom::Start(at))?;
            file.write_all(&chunk)?;
            if last {
                file.set_len(total)?;
                host::sync_all(&file, &place)?;
            }
            Ok::<_, std::io::Error>(file)
        });
        file = written.await.map_err(|problem| Status::internal(problem.to_string()))?.map_err(disk)?;
        if last {
            return Ok(path);
        }
        piece = pieces.message().await?.ok_or_else(|| Status::aborted("the snapshot ended early"))?;
    }
}
