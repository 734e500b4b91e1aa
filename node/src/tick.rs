//! The leader proposes the cluster's pulse: what is forgotten or lapses does so because an entry of the
//! log says so, never because a timer rang here.

use crate::server::Shared;
use ledger::{Call, Caller, Outcome, Transaction};
use std::sync::Arc;
use std::time::Duration;

/// Pause before the next tick while there is more to do than one tick does.
const BUSY: Duration = Duration::from_millis(50);

/// Runs until the node stops.
pub(crate) async fn run(shared: Arc<Shared>) {
    let mut stopping = shared.stopping.clone();
    let pulse = shared.pulse;
    let mut pause = pulse;
    loop {
        tokio::select! {
            biased;
            _ = stopping.wait_for(|stop| *stop) => return,
            () = tokio::time::sleep(pause) => {}
        }
        pause = if shared.consensus.leads() && due(&shared) { tick(&shared).await } else { pulse };
    }
}

/// Whether a tick would do anything, by this node's copy of the ledger.
fn due(shared: &Shared) -> bool {
    ledger::tick_due(&shared.state.reader(), shared.clock.now()).unwrap_or_else(|fault| {
        tracing::error!(%fault, "cannot tell whether a tick is due");
        false
    })
}

async fn tick(shared: &Shared) -> Duration {
    let transaction = Transaction {
        request: shared.clock.request_id(),
        caller: Caller::Node,
        not_after: None,
        signature: Vec::new(),
        call: Call::Tick,
    };
    match shared.proposer.submit(vec![transaction]).await {
        Ok(answers) if answers.iter().any(|answer| matches!(answer.outcome, Outcome::Done(_))) => {
            BUSY.min(shared.pulse)
        }
        Ok(_) | Err(_) => shared.pulse,
    }
}
