//! A second copy of the vote, in a file beside the log.
//!
//! raft-log cuts a tail that ends early, and a flipped bit in the very last record, or a last file that is gone, can look like
//! one. Entries that are lost so are those of a minority; a vote that is lost so is cast twice. So the vote is also here,
//! written behind every sync of the log that saved it and before it counts, and a log that remembers less is damaged.

use super::types::VoteBytes;
use crate::fault::Fault;
use crate::state::files;
use ledger::codec;
use std::path::{Path, PathBuf};

/// The file.
#[derive(Clone, Debug)]
pub(super) struct VoteCopy {
    path: PathBuf,
}

impl VoteCopy {
    /// The copy that belongs to the log in a folder.
    pub(super) fn beside(log: &Path) -> VoteCopy {
        VoteCopy { path: log.with_file_name("VOTE") }
    }

    /// Holds the log's vote against the copy, and brings the copy up to it.
    pub(super) fn compare(&self, log: &Path, found: Option<VoteBytes>) -> Result<(), Fault> {
        let known = self.read()?;
        // None is less than any.
        if known > found {
            let place = log.display();
            return Err(Fault::Corrupt {
                place: place.to_string(),
                what: format!(
                    "the Raft log remembers less than the vote in {}: its end is lost",
                    self.path.display()
                ),
                hint: format!(
                    "mount or restore {place}; if it is lost, replace this node under a new node id: it may have voted"
                ),
            });
        }
        match found {
            Some(found) if known != Some(found) => self.write(found),
            _ => Ok(()),
        }
    }

    /// Makes a vote durable here.
    pub(super) fn write(&self, vote: VoteBytes) -> Result<(), Fault> {
        files::replace(&self.path, &encode(vote))
    }

    fn read(&self) -> Result<Option<VoteBytes>, Fault> {
        let Some(bytes) = files::read(&self.path)? else { return Ok(None) };
        decode(&bytes).map(Some).map_err(|what| {
            let aside = self.path.with_file_name("quarantine");
            Fault::Corrupt {
                place: self.path.display().to_string(),
                what: what.into(),
                hint: format!(
                    "mv {} {}/; start again: the log has the vote, too",
                    self.path.display(),
                    aside.display()
                ),
            }
        })
    }
}

pub(super) fn encode(vote: VoteBytes) -> Vec<u8> {
    let mut bytes = codec::encode(&vote);
    bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
    bytes
}

pub(super) fn decode(bytes: &[u8]) -> Result<VoteBytes, &'static str> {
    let (body, crc) = bytes.split_last_chunk::<4>().ok_or("it is cut short")?;
    if crc32fast::hash(body).to_le_bytes() != *crc {
        return Err("its checksum does not match");
    }
    codec::decode(body).map_err(|_| "it is no vote")
}
