//! The ledger's own invariants hold: in the second ledger at intervals, and in every node's state at the end.

use crate::sim::judge::Complaints;
use ledger::{Digest, MapState, View};

/// How many entries lie between two audits of the second ledger.
const INTERVAL: u64 = 100;

/// Audits a state.
pub fn judge<V: View>(name: &str, state: &V, kept: Option<&Digest>) -> Complaints
where
    V::Fault: std::fmt::Display,
{
    match ledger::audit(state, kept) {
        Ok(audit) if audit.is_clean() => Complaints::new(),
        Ok(audit) => vec![format!("{name}: {}", audit.to_string().replace('\n', "; "))],
        Err(fault) => vec![format!("{name} cannot be read: {fault}")],
    }
}

/// Audits the second ledger now and then.
#[derive(Debug, Default)]
pub struct Intervals {
    entries: u64,
    /// What is wrong so far.
    pub complaints: Complaints,
}

impl Intervals {
    /// The state after an entry.
    pub fn see(&mut self, index: u64, state: &MapState) {
        self.entries += 1;
        if self.entries.is_multiple_of(INTERVAL) {
            let found = judge(&format!("the ledger after entry {index}"), state, Some(state.digest()));
            self.complaints.extend(found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::judge::{made, second};
    use ledger::table::{ObligationRecord, Use};
    use ledger::{Key, Row, Sum};
    use std::sync::Arc;

    #[test]
    fn a_state_that_was_tampered_with_is_seen() {
        let (mut state, _) = second::replay(&made::log(5), |_, _| ());
        assert_eq!(judge("it", &state, Some(state.digest())), Complaints::new());
        let before = state.digest().clone();
        // A debt that comes of no payment.
        let [payer, payee] = [110_002, 110_003].map(|code| ledger::Area::new(code).expect("a code"));
        let month = ledger::Stamp(1_796_090_400_000).month();
        let debt = ObligationRecord { charged: Sum::new(500), refunded: Sum::ZERO };
        state.set(
            Key::Obligation { month, payer, payee, usage: Use::Institution },
            Some(Arc::new(Row::Obligation(debt))),
        );
        assert_eq!(judge("it", &state, None).len(), 1);
        assert_eq!(judge("it", &state, Some(&before)).len(), 1);
        let mut intervals = Intervals::default();
        (1..=INTERVAL).for_each(|index| intervals.see(index, &state));
        assert_eq!(intervals.complaints.len(), 1);
    }
}
