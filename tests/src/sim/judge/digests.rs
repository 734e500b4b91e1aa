//! Digests are equal at equal index: on every node, at any time, and on a second ledger.

use crate::sim::judge::Complaints;
use node::raft::NodeId;
use std::collections::BTreeMap;

/// A state's digest.
pub type Root = [u8; 32];

/// What the second ledger says, and everyone else.
#[derive(Clone, Debug, Default)]
pub struct Digests {
    second: BTreeMap<u64, Root>,
    seen: BTreeMap<(u64, NodeId), Root>,
}

impl Digests {
    /// A node said this.
    pub fn node(&mut self, node: NodeId, index: u64, root: Root) -> Complaints {
        match self.seen.insert((index, node), root) {
            Some(before) if before != root => {
                vec![format!("node {node} held two states at index {index}")]
            }
            _ => Complaints::new(),
        }
    }

    /// The second ledger stands so after the entry at this index, until the next.
    pub fn second(&mut self, index: u64, root: Root) {
        self.second.insert(index, root);
    }

    /// How many were compared.
    pub fn count(&self) -> usize {
        self.seen.len()
    }

    /// Judges all of them.
    pub fn judge(&self) -> Complaints {
        let mut complaints = Complaints::new();
        for ((index, node), root) in &self.seen {
            let Some((at, second)) = self.second.range(..=index).next_back() else { continue };
            if second != root {
                complaints.push(format!(
                    "node {node} at index {index} does not hold what a second ledger holds after entry {at}"
                ));
            }
        }
        complaints
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_digest_is_seen() {
        let mut digests = Digests::default();
        digests.second(1, [1; 32]);
        digests.second(4, [4; 32]);
        for (node, index, root) in [(7, 1, 1), (7, 3, 1), (8, 4, 4), (7, 9, 4)] {
            assert_eq!(digests.node(node, index, [root; 32]), Complaints::new());
        }
        assert_eq!(digests.judge(), Complaints::new());
        assert_eq!(digests.node(7, 3, [9; 32]).len(), 1);
        assert_eq!(digests.judge().len(), 1);
        digests.node(9, 4, [1; 32]);
        assert_eq!(digests.judge().len(), 2);
    }
}
