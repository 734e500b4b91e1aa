//! The doors: what clients ([`ledger`], [`query`], [`cluster`]) and other nodes ([`peer`]) may ask.
//!
//! A door turns words into values and values into words. It decides nothing and never touches the
//! store but through a reader.

mod audit;
pub mod cluster;
pub mod ledger;
mod members;
pub mod peer;
pub mod query;
mod standing;

use crate::propose::Undecided;
use crate::read::{Freshness, ReadError};
use crate::server::Shared;
use proto::status;
use proto::v1::{self as pb, Reason};
use tonic::Status;

/// The status of a request whose transactions were not decided.
fn undecided(undecided: &Undecided) -> Status {
    match undecided {
        Undecided::Busy => status::status(Reason::Overloaded, ""),
        Undecided::NoLeader | Undecided::NotLeader(_) => status::status(Reason::NoLeader, ""),
        Undecided::Unknown => status::status(Reason::OutcomeUnknown, ""),
    }
}

fn read_error(problem: &ReadError) -> Status {
    match problem {
        ReadError::NoLeader => status::status(Reason::NoLeader, ""),
        ReadError::Behind { wanted, applied } => status::with_metadata(
            Reason::IndexNotReached,
            &problem.to_string(),
            &[("wanted", &wanted.to_string()), ("applied", &applied.to_string())],
        ),
    }
}

fn unwell(fault: &crate::fault::Fault) -> Status {
    tracing::error!(%fault, "a request could not be answered");
    status::status(Reason::NodeUnwell, "")
}

fn freshness(consistency: Option<&pb::Consistency>) -> Freshness {
    use pb::consistency::Level;
    match consistency.and_then(|consistency| consistency.level.as_ref()) {
        None | Some(Level::Linearizable(_)) => Freshness::Linearizable,
        Some(Level::AtLeast(index)) => Freshness::AtLeast(*index),
        Some(Level::Local(_)) => Freshness::Local,
    }
}

impl Shared {
    /// Waits until this node's state is as fresh as asked.
    async fn fresh(&self, consistency: Option<&pb::Consistency>) -> Result<(), Status> {
        self.reads.wait(freshness(consistency)).await.map_err(|problem| read_error(&problem))
    }
}
