//! An append request in bytes: a head, and the entries behind it as they lie in the log.

use super::types::{self, BadBytes, Entry, TypeConfig, VoteBytes};
use crate::state::LogMark;
use bytes::{Buf, Bytes};
use ledger::codec;
use openraft::raft::AppendEntriesRequest;
use serde::{Deserialize, Serialize};

/// The head of an append request; its entries follow.
#[derive(Serialize, Deserialize)]
struct AppendHead {
    vote: VoteBytes,
    prev: Option<LogMark>,
    commit: Option<LogMark>,
    entries: u32,
}

pub(super) fn write_append(request: &AppendEntriesRequest<TypeConfig>) -> Bytes {
    let head = codec::encode(&AppendHead {
        vote: VoteBytes::from(&request.vote),
        prev: request.prev_log_id.as_ref().map(types::mark),
        commit: request.leader_commit.as_ref().map(types::mark),
        entries: request.entries.len() as u32,
    });
    let size: usize = request.entries.iter().map(types::entry_size).sum();
    let mut out = Vec::with_capacity(4 + head.len() + size);
    out.extend_from_slice(&(head.len() as u32).to_le_bytes());
    out.extend_from_slice(&head);
    for entry in &request.entries {
        types::write_entry(entry, &mut out);
    }
    Bytes::from(out)
}

/// The append request in these bytes.
pub(super) fn read_append(bytes: &[u8]) -> Result<AppendEntriesRequest<TypeConfig>, BadBytes> {
    const WHAT: &str = "an append request";
    let mut rest = bytes;
    if rest.len() < 4 {
        return Err(types::bad(WHAT, "it is too short"));
    }
    let head_len = rest.get_u32_le() as usize;
    if rest.len() < head_len {
        return Err(types::bad(WHAT, "its head is cut off"));
    }
    let (head, mut rest) = rest.split_at(head_len);
    let head: AppendHead = types::decode(WHAT, head)?;
    let mut entries: Vec<Entry> = Vec::new();
    for _ in 0..head.entries {
        entries.push(types::read_entry(&mut rest).map_err(|problem| types::bad(WHAT, problem))?);
    }
    if !rest.is_empty() {
        return Err(types::bad(WHAT, "bytes are left over behind its entries"));
    }
    Ok(AppendEntriesRequest {
        vote: head.vote.into(),
        prev_log_id: head.prev.map(types::log_id),
        leader_commit: head.commit.map(types::log_id),
        entries,
    })
}
