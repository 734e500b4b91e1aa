//! The ledger's own audit, over the state of a node.

use super::say::Say;
use node::Node;

/// Checks every invariant over a node's state.
pub fn check(node: &Node, say: &mut Say) {
    let state = node.state().clone();
    let what = "the ledger's own audit finds nothing wrong";
    // The state must stand still while it is read.
    match state.still().map(|still| ledger::audit::audit(&still, None)) {
        Ok(Ok(audit)) => {
            let counted: u64 = audit.counted.iter().map(|(_, number)| number).sum();
            let told = format!("{what} ({} invariants, {counted} things checked)", audit.counted.len());
            say.check(&told, audit.is_clean(), audit.to_string());
        }
        Ok(Err(fault)) | Err(fault) => say.check(what, false, fault.to_string()),
    }
}
