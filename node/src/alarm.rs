//! The one bell that stops a node: whatever is wrong with it, from wherever, is told here.

use crate::fault::Fault;
use crate::host::{self, Task};
use std::future::Future;
use tokio::sync::watch;

/// Rings when the node must stop. The first fault is kept.
#[derive(Clone)]
pub struct Alarm {
    rung: watch::Sender<Option<Fault>>,
}

impl Default for Alarm {
    fn default() -> Alarm {
        Alarm { rung: watch::Sender::new(None) }
    }
}

impl Alarm {
    /// The node must stop, for this reason.
    pub fn ring(&self, fault: Fault) {
        self.rung.send_if_modified(|rung| {
            let first = rung.is_none();
            if first {
                tracing::error!(%fault, "this node stops");
                *rung = Some(fault);
            }
            first
        });
    }

    /// Returns the fault when the bell has rung.
    pub async fn heard(&self) -> Fault {
        let mut rung = self.rung.subscribe();
        let told = rung.wait_for(Option::is_some).await;
        let fault = told.ok().and_then(|fault| fault.clone());
        fault.unwrap_or_else(|| Fault::Stopped { reason: "nobody is left to ring the alarm".into() })
    }

    /// Runs a task that the node cannot do without: if it panics, the bell rings.
    pub fn guard(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) -> Task<()> {
        let (alarm, task) = (self.clone(), AbortOnDrop(host::spawn(task)));
        host::spawn(async move {
            if let Some(problem) = task.ended().await {
                alarm.ring(Fault::Stopped { reason: format!("{name}: {problem}") });
            }
        })
    }
}

/// A task that ends with whoever waits for it.
struct AbortOnDrop(Task<()>);

impl AbortOnDrop {
    /// Why the task ended, if it did not end by itself or by an abort.
    async fn ended(mut self) -> Option<String> {
        match (&mut self.0).await {
            Err(problem) if problem.is_panic() => Some(problem.to_string()),
            Ok(()) | Err(_) => None,
        }
    }
}

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_rings_and_an_end_does_not() {
        let alarm = Alarm::default();
        alarm.guard("a task that ends", async {}).await.expect("the guard itself does not panic");
        assert!(alarm.rung.borrow().is_none());
        alarm.guard("a task that panics", async { panic!("on purpose") });
        assert!(alarm.heard().await.to_string().contains("a task that panics"));
        alarm.ring(Fault::Stopped { reason: "later".into() });
        assert!(!alarm.heard().await.to_string().contains("later"), "the first fault is kept");
    }
}
