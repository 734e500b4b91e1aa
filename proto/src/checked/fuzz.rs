//! Mutated messages between nodes: refused, or read the same again when they are written.

use super::*;
use crate::v1 as pb;
use ::fuzz::{Format, INPUTS, Read};
use prost::bytes::Bytes;

fn read<T: Message + Default>(kind: u8, bytes: &[u8]) -> Read {
    match checked::<T>(&mut Bytes::copy_from_slice(bytes)) {
        Ok(message) => Read::Alike(sealed(kind, &message)),
        Err(status) => Read::Refused(status.message().to_owned()),
    }
}

/// Which message, the message, and its checksum.
fn sealed(kind: u8, message: &impl Message) -> Vec<u8> {
    let body = message.encode_to_vec();
    [&[kind], body.as_slice(), &crc32fast::hash(&body).to_le_bytes()].concat()
}

fn seal(bytes: &mut [u8]) {
    if let Some(end) = bytes.len().checked_sub(4).filter(|end| *end > 0) {
        let crc = crc32fast::hash(&bytes[1..end]);
        bytes[end..].copy_from_slice(&crc.to_le_bytes());
    }
}

/// Both sides of every call of service `Peer`; those that have the same fields are one kind.
#[test]
fn fuzz_between_nodes() {
    let header =
        || Some(pb::PeerHeader { cluster: Bytes::from_static(&[7; 16]), from: 11_000_001, to: 32_000_001 });
    let body = Bytes::from_static(b"a body");
    let chunk = Bytes::from_static(&[5; 300]);
    let samples = vec![
        sealed(0, &pb::VoteRequest { header: header(), body: body.clone() }),
        sealed(1, &pb::AppendStreamRequest { header: header(), sequence: 300, body: body.clone() }),
        sealed(2, &pb::SnapshotOffsetRequest { header: header(), snapshot: "0000-0001".into() }),
        sealed(3, &pb::SnapshotOffsetResponse { header: header(), offset: 1 << 40 }),
        sealed(
            4,
            &pb::InstallSnapshotRequest {
                header: header(),
                snapshot: "0000-0001".into(),
                body: body.clone(),
                total_bytes: 900,
                offset: 300,
                crc32: crc32fast::hash(&chunk),
                chunk,
                last: true,
            },
        ),
        sealed(5, &pb::ProposeRequest { header: header(), hops: 1, transactions: body.clone() }),
        sealed(
            6,
            &pb::ProposeResponse { header: header(), answers: body, unknown: true, leader: 12_000_001 },
        ),
        sealed(7, &pb::ReadIndexRequest { header: header() }),
        sealed(8, &pb::ReadIndexResponse { header: header(), index: 77, leader: 12_000_001 }),
        sealed(9, &pb::NodeStatusRequest { header: header(), digest_index: 70, digest_only: true }),
        sealed(
            10,
            &pb::NodeStatusResponse {
                header: header(),
                status: Some(pb::NodeStatus::default()),
                digest: Bytes::from_static(&[9; 32]),
                digest_index: 70,
            },
        ),
    ];
    let words: &[&[u8]] = &[&[0xff; 10], &[0x0a], &[0x0b], &[0x80; 5]];
    let format = Format {
        name: "between-nodes",
        test: "-p proto --lib fuzz_between_nodes",
        samples,
        words,
        seal: Some(&seal),
        inputs: INPUTS,
    };
    ::fuzz::run(&format, |bytes| match bytes.split_first() {
        // Append, PreVote, TransferLeader, and the answers to them and to InstallSnapshot are the same.
        Some((0, rest)) => read::<pb::VoteRequest>(0, rest),
        Some((1, rest)) => read::<pb::AppendStreamRequest>(1, rest),
        Some((2, rest)) => read::<pb::SnapshotOffsetRequest>(2, rest),
        Some((3, rest)) => read::<pb::SnapshotOffsetResponse>(3, rest),
        Some((4, rest)) => read::<pb::InstallSnapshotRequest>(4, rest),
        Some((5, rest)) => read::<pb::ProposeRequest>(5, rest),
        Some((6, rest)) => read::<pb::ProposeResponse>(6, rest),
        Some((7, rest)) => read::<pb::ReadIndexRequest>(7, rest),
        Some((8, rest)) => read::<pb::ReadIndexResponse>(8, rest),
        Some((9, rest)) => read::<pb::NodeStatusRequest>(9, rest),
        Some((10, rest)) => read::<pb::NodeStatusResponse>(10, rest),
        _ => Read::Refused("no such message".into()),
    });
}
