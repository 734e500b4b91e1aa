//! Compares this node's digest with the others', all the time: a node that differs takes itself out.
//!
//! The digest of a state is the same on every node at the same index. Now and then each node asks the
//! others for theirs at an index it has applied; if more of them hold another digest than hold its
//! own, and they are a majority of those that answered, it is this node that is wrong.

use crate::fault::Fault;
use crate::server::Shared;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How often digests are compared.
const ROUND: Duration = Duration::from_secs(2);
/// Compared at an index this far back, so that the others are likely to have applied it.
const BACK: u64 = 64;

/// Runs until this node differs from the others; the fault says where.
pub(crate) async fn run(shared: Arc<Shared>) -> Fault {
    loop {
        tokio::time::sleep(ROUND).await;
        if let Some(fault) = compare(&shared).await {
            return fault;
        }
    }
}

async fn compare(shared: &Arc<Shared>) -> Option<Fault> {
    let index = shared.applied.borrow().saturating_sub(BACK).max(1);
    let ours = shared.state.digest_at(index)?;
    let standing = shared.consensus.standing();
    let asked = standing.members.iter().filter(|(node, _)| **node != standing.node).map(|(node, member)| {
        let shared = shared.clone();
        async move { shared.ask_status(*node, member, index, true).await.ok() }
    });
    let mut held: BTreeMap<Vec<u8>, usize> = BTreeMap::from([(ours.to_vec(), 1)]);
    for reply in futures::future::join_all(asked).await.into_iter().flatten() {
        if reply.digest_index == index && !reply.digest.is_empty() {
            *held.entry(reply.digest.to_vec()).or_default() += 1;
        }
    }
    let answered: usize = held.values().sum();
    let (theirs, count) =
        held.iter().filter(|(digest, _)| **digest != ours).max_by_key(|(_, count)| **count)?;
    tracing::error!(index, nodes = count, answered, "other nodes hold another state than this one");
    let theirs: [u8; 32] = theirs.as_slice().try_into().ok()?;
    (count * 2 > answered).then_some(Fault::Diverged { index, ours, theirs })
}
