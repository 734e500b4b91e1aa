//! The state digest: the same on every node at the same log index.
//!
//! Per table, the sum of a 256-bit hash of each (key, value) pair, lane by lane. A record that
//! changes takes its old hash out and puts its new one in, so the digest is kept, never recomputed;
//! recomputed over the whole state it must come out the same.

use crate::table::Table;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// The hash of one (key, value) pair, as four lanes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowHash([u64; 4]);

/// Pairs up to so many bytes are hashed in one piece, which is cheaper: nearly all of them.
const ROOM: usize = 256;

impl RowHash {
    /// The hash of a key's and a value's bytes.
    pub fn of(key: &[u8], value: &[u8]) -> RowHash {
        let length = (key.len() as u32).to_le_bytes();
        let parts = [&length, key, value];
        let hash = if parts.iter().map(|part| part.len()).sum::<usize>() <= ROOM {
            let (mut room, mut end) = ([0; ROOM], 0);
            for part in parts {
                room[end..end + part.len()].copy_from_slice(part);
                end += part.len();
            }
            blake3::hash(&room[..end])
        } else {
            let mut hasher = blake3::Hasher::new();
            for part in parts {
                hasher.update(part);
            }
            hasher.finalize()
        };
        let mut lanes = [0; 4];
        for (lane, bytes) in lanes.iter_mut().zip(hash.as_bytes().chunks_exact(8)) {
            *lane = u64::from_le_bytes(bytes.try_into().expect("chunks of eight"));
        }
        RowHash(lanes)
    }

    /// The hash in 32 bytes.
    pub fn bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (chunk, lane) in bytes.chunks_exact_mut(8).zip(self.0) {
            chunk.copy_from_slice(&lane.to_le_bytes());
        }
        bytes
    }

    /// The sum of two, lane by lane.
    pub fn plus(self, other: RowHash) -> RowHash {
        let mut lanes = self.0;
        for (sum, lane) in lanes.iter_mut().zip(other.0) {
            *sum = sum.wrapping_add(lane);
        }
        RowHash(lanes)
    }
}

/// The digest of a state: one sum per table.
///
/// Stored as the sums that are not zero, each behind its table's number, so that a table added later
/// changes neither the layout nor the root of a state that does not use it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Vec<(u8, RowHash)>", try_from = "Vec<(u8, RowHash)>")]
pub struct Digest {
    tables: [RowHash; Table::COUNT],
}

impl Default for Digest {
    fn default() -> Digest {
        Digest { tables: [RowHash::default(); Table::COUNT] }
    }
}

impl From<Digest> for Vec<(u8, RowHash)> {
    fn from(digest: Digest) -> Self {
        digest.sums().map(|(table, sum)| (table.number(), sum)).collect()
    }
}

impl TryFrom<Vec<(u8, RowHash)>> for Digest {
    type Error = &'static str;

    fn try_from(sums: Vec<(u8, RowHash)>) -> Result<Digest, Self::Error> {
        if !sums.is_sorted_by(|a, b| a.0 < b.0) {
            return Err("a digest whose tables are out of order");
        }
        let mut digest = Digest::default();
        for (number, sum) in sums {
            let table =
                Table::from_number(number).ok_or("a digest of a table that this binary does not know")?;
            if sum == RowHash::default() {
                return Err("a digest that names an empty table");
            }
            digest.tables[table.place()] = sum;
        }
        Ok(digest)
    }
}

impl Digest {
    /// The sums that are not zero, in the order of their tables' numbers.
    fn sums(&self) -> impl Iterator<Item = (Table, RowHash)> + '_ {
        let all = Table::ALL.iter().copied().zip(self.tables);
        all.filter(|(_, sum)| *sum != RowHash::default())
    }

    /// Puts a pair in.
    pub fn add(&mut self, table: Table, hash: RowHash) {
        let sum = &mut self.tables[table.place()];
        *sum = sum.plus(hash);
    }

    /// Takes a pair out.
    pub fn remove(&mut self, table: Table, hash: RowHash) {
        for (sum, lane) in self.tables[table.place()].0.iter_mut().zip(hash.0) {
            *sum = sum.wrapping_sub(lane);
        }
    }

    /// One table's sum: two states that differ can be told apart table by table.
    pub fn table(&self, table: Table) -> RowHash {
        self.tables[table.place()]
    }

    /// The whole digest in 32 bytes.
    pub fn root(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        for (table, sum) in self.sums() {
            hasher.update(&[table.number()]);
            for lane in sum.0 {
                hasher.update(&lane.to_le_bytes());
            }
        }
        *hasher.finalize().as_bytes()
    }
}
