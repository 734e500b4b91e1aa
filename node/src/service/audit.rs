//! The operators' door for audits: one at a time, told of as it goes, ended when nobody listens any more.

use super::unwell;
use crate::audit::{self, Ended, Run};
use crate::server::Shared;
use proto::status;
use proto::v1::{self as pb, Reason, audit_response::Kind};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinError;
use tonic::Status;

/// How often an audit says how far it is.
const BEAT: Duration = Duration::from_secs(1);

/// One step of an audit, or why there are no more.
pub(super) type Step = Result<pb::AuditResponse, Status>;

/// Starts an audit, unless one is under way; gives its steps, the report last.
pub(super) fn start(shared: &Arc<Shared>, room: &Arc<Semaphore>) -> Result<mpsc::Receiver<Step>, Status> {
    let permit = room.clone().try_acquire_owned().map_err(|_| status::status(Reason::AuditUnderWay, ""))?;
    let run = Arc::new(Run::default());
    let (state, node) = (shared.state.clone(), shared.links.node());
    let mut work = tokio::task::spawn_blocking({
        let run = run.clone();
        move || {
            let ended = audit::audit(&state, node, &run);
            // Only now is there room for another: until here the state was kept still.
            drop(permit);
            ended
        }
    });
    let (sender, steps) = mpsc::channel(4);
    let stopping = shared.stopping.clone();
    tokio::spawn(async move {
        let stop = crate::server::until_stop(stopping.clone());
        tokio::pin!(stop);
        let ended = loop {
            tokio::select! {
                ended = &mut work => break ended,
                () = &mut stop => {
                    run.stop();
                    break work.await;
                }
                () = sender.closed() => {
                    run.stop();
                    break work.await;
                }
                () = tokio::time::sleep(BEAT) => {
                    let progress = pb::AuditProgress { records_read: run.records_read() };
                    // One who reads slowly misses some of them.
                    sender.try_send(Ok(step(Kind::Progress(progress)))).ok();
                }
            }
        };
        // Whoever has gone does not hear it.
        sender.send(last(ended)).await.ok();
    });
    Ok(steps)
}

fn step(kind: Kind) -> pb::AuditResponse {
    pb::AuditResponse { kind: Some(kind) }
}

fn last(ended: Result<Result<pb::AuditReport, Ended>, JoinError>) -> Step {
    match ended {
        Ok(Ok(report)) => Ok(step(Kind::Report(report))),
        Ok(Err(Ended::Stopped)) => Err(status::status(Reason::NodeStopping, "")),
        Ok(Err(gave_way @ Ended::GaveWay)) => Err(status::status(Reason::Overloaded, &gave_way.to_string())),
        Ok(Err(Ended::Fault(fault))) => Err(unwell(&fault)),
        Err(problem) => Err(Status::internal(problem.to_string())),
    }
}
