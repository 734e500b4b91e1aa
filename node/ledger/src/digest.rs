//! The state digest: the same on every node at the same log index.
//!
//! Per table, the sum of a 256-bit hash of each (key, value) pair, lane by lane. A record that
//! changes takes its old hash out and puts its new one in, so the digest is kept, never recomputed;
//! recomputed over the whole state it must come out the same.

use crate::table::Table;
use serde::{Deserialize, Serialize};

/// The hash of one (key, value) pair, as four lanes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowHash([u64; 4]);

impl RowHash {
    /// The hash of a key's and a value's bytes.
    pub fn of(key: &[u8], value: &[u8]) -> RowHash {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&(key.len() as u32).to_le_bytes());
        hasher.update(key);
        hasher.update(value);
        let hash = hasher.finalize();
        let mut lanes = [0; 4];
        for (lane, bytes) in lanes.iter_mut().zip(hash.as_bytes().chunks_exact(8)) {
            *lane = u64::from_le_bytes(bytes.try_into().expect("chunks of eight"));
        }
        RowHash(lanes)
    }
}

/// The digest of a state: one sum per table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    tables: [RowHash; Table::COUNT],
}

impl Default for Digest {
    fn default() -> Digest {
        Digest { tables: [RowHash::default(); Table::COUNT] }
    }
}

impl Digest {
    /// Puts a pair in.
    pub fn add(&mut self, table: Table, hash: RowHash) {
        for (sum, lane) in self.tables[table.place()].0.iter_mut().zip(hash.0) {
            *sum = sum.wrapping_add(lane);
        }
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
        for (table, sum) in Table::ALL.iter().zip(&self.tables) {
            hasher.update(&[table.number()]);
            for lane in sum.0 {
                hasher.update(&lane.to_le_bytes());
            }
        }
        *hasher.finalize().as_bytes()
    }
}
