//! What of a stream arrives, and when: in order and whole.

use super::{Fate, Net, SEND_AGAIN};
use crate::sim::coverage::Fault;
use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use node::raft::NodeId;
use prost::Message;
use proto::v1::InstallSnapshotRequest;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tonic::Status;
use tonic::body::Body;

/// How long a stream may be silent before it is broken.
const BROKEN_AFTER: Duration = Duration::from_secs(8);
const LOOK: Duration = Duration::from_millis(50);

impl Net {
    /// The receiving end of a body that is read here and travels there. The reading belongs to this machine and ends with it.
    pub(super) fn pipe(self: &Arc<Self>, from: NodeId, to: NodeId, mut body: Body, snapshot: bool) -> Body {
        let (sender, pieces) = mpsc::unbounded_channel();
        let net = self.clone();
        node::host::spawn(async move {
            let mut last = Instant::now();
            loop {
                let piece: Piece = tokio::select! {
                    biased;
                    () = sender.closed() => return,
                    frame = body.frame() => frame.transpose(),
                };
                let ends = !matches!(piece, Ok(Some(_)));
                if snapshot
                    && let Ok(Some(frame)) = &piece
                    && let Some(index) = snapshot_in(frame)
                {
                    net.inner.lock().snapshots.insert((to, index));
                }
                let (after, late) = match net.fate(from, to) {
                    Fate::Comes(way) => (way.after, way.late),
                    Fate::Lost => (SEND_AGAIN, false),
                };
                last = last.max(Instant::now() + after);
                if sender.send((last, late, piece)).is_err() || ends {
                    return;
                }
            }
        });
        let first = next_piece(self.clone(), pieces, from, to).boxed();
        Body::new(StreamBody::new(unfold(first, from, to)))
    }
}

/// A piece of a body, none at its end.
type Piece = Result<Option<Frame<Bytes>>, Status>;
/// When it arrives, and whether it is late.
type Pieces = mpsc::UnboundedReceiver<(Instant, bool, Piece)>;
/// What arrives, and what more may.
type Step = Option<(Result<Frame<Bytes>, Status>, Option<(Arc<Net>, Pieces)>)>;

/// The pieces as they arrive, one after the other.
fn unfold(
    first: BoxFuture<'static, Step>,
    from: NodeId,
    to: NodeId,
) -> impl futures::Stream<Item = Result<Frame<Bytes>, Status>> + Send + 'static {
    futures::stream::unfold(Some(first), move |step| async move {
        let (piece, rest) = step?.await?;
        let next = rest.map(|(net, pieces)| next_piece(net, pieces, from, to).boxed());
        Some((piece, next))
    })
}

async fn next_piece(net: Arc<Net>, mut pieces: Pieces, from: NodeId, to: NodeId) -> Step {
    let Some((due, late, piece)) = pieces.recv().await else {
        return Some((Err(Status::unavailable("connection reset")), None));
    };
    tokio::time::sleep_until(due).await;
    let mut patience = BROKEN_AFTER;
    while net.is_cut(from, to) {
        if patience.is_zero() {
            return Some((Err(Status::unavailable("connection broken")), None));
        }
        tokio::time::sleep(LOOK).await;
        patience = patience.saturating_sub(LOOK);
    }
    if late {
        net.coverage.hit(Fault::Delay);
    }
    match piece {
        Ok(Some(frame)) => Some((Ok(frame), Some((net, pieces)))),
        Ok(None) => None,
        Err(status) => Some((Err(status), None)),
    }
}

/// The index of the snapshot of which this frame carries a piece.
fn snapshot_in(frame: &Frame<Bytes>) -> Option<u64> {
    // Before each message stand gRPC's flag and its length, behind it its checksum.
    let (length, message) = frame.data_ref()?.get(1..)?.split_first_chunk::<4>()?;
    let message = message.get(..(u32::from_be_bytes(*length) as usize).checked_sub(4)?)?;
    let piece = InstallSnapshotRequest::decode(message).ok()?;
    piece.snapshot.split('-').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_of_a_snapshot_names_its_index() {
        let name = "00000000000000000042-3-32000001-a1b2c3d4";
        let piece = InstallSnapshotRequest { snapshot: name.into(), ..InstallSnapshotRequest::default() };
        let mut message = piece.encode_to_vec();
        message.extend([0; 4]);
        let mut frame = vec![0];
        frame.extend((message.len() as u32).to_be_bytes());
        frame.extend(&message);
        assert_eq!(snapshot_in(&Frame::data(Bytes::from(frame.clone()))), Some(42));
        frame.truncate(20);
        assert_eq!(snapshot_in(&Frame::data(Bytes::from(frame))), None);
    }
}
