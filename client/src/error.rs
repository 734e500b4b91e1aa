//! What can go wrong without an outcome. Nothing of this kind has changed the ledger, unless it says otherwise.

use proto::status;
use proto::v1::Reason;
use tonic::{Code, Status};

/// What went wrong, and so what may be done next.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The request is malformed and never entered the log. Correct the field; sending it again cannot succeed.
    #[error("{field} {problem}")]
    Malformed {
        /// Which field: "settle.amount".
        field: String,
        /// What is wrong, as the end of a sentence that starts with the field.
        problem: String,
    },
    /// No server could be reached within the deadline: the request was certainly not done. It may be sent again.
    #[error("not sent: {cause}")]
    NotSent {
        /// What the last attempt met.
        cause: String,
    },
    /// What is asked for does not exist (at the index of the answer).
    #[error("{message}")]
    Absent {
        /// The server's words.
        message: String,
    },
    /// The log is no longer kept from the wanted index on.
    #[error("the log is no longer kept from index {wanted} on; the oldest that can be watched is {oldest}")]
    Compacted {
        /// From where it was wanted.
        wanted: u64,
        /// From where it is kept, as the server says; 0 when it does not.
        oldest: u64,
    },
    /// A question was not answered within the deadline.
    #[error("no answer in time: {cause}")]
    NoAnswer {
        /// What the last attempt met.
        cause: String,
    },
    /// The server said no, and would say so again.
    #[error("{message}")]
    Rejected {
        /// The gRPC code.
        code: Code,
        /// The reason, if the server gave one of ours.
        reason: Option<Reason>,
        /// The server's words.
        message: String,
    },
    /// An address cannot be used.
    #[error("the address {address:?} cannot be used: {cause}")]
    Address {
        /// The address.
        address: String,
        /// What is wrong with it.
        cause: String,
    },
}

impl Error {
    /// The error of a status that will not change.
    pub(crate) fn of(status: &Status) -> Error {
        if let Some((field, problem)) = status::field_of(status) {
            return Error::Malformed { field, problem };
        }
        match status.code() {
            Code::NotFound => Error::Absent { message: status.message().to_owned() },
            code => Error::Rejected {
                code,
                reason: status::reason_of(status),
                message: status.message().to_owned(),
            },
        }
    }
}

/// What may be done after a status.
pub(crate) struct Verdict {
    /// Whether another attempt may end differently.
    pub again: bool,
    /// Whether a server may have begun to do what was asked.
    pub reached: bool,
}

/// Judges a status: by the reason that it carries, else by its code.
pub(crate) fn judge(status: &Status) -> Verdict {
    if let Some(reason) = status::reason_of(status) {
        return Verdict {
            again: proto::catalogue::text(reason).retryable,
            reached: reason == Reason::OutcomeUnknown,
        };
    }
    let again = match status.code() {
        Code::Ok
        | Code::Cancelled
        | Code::Unknown
        | Code::DeadlineExceeded
        | Code::ResourceExhausted
        | Code::Aborted
        | Code::Internal
        | Code::Unavailable
        | Code::DataLoss => true,
        Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::FailedPrecondition
        | Code::OutOfRange
        | Code::Unimplemented
        | Code::Unauthenticated => false,
    };
    // Our own side says OUT_OF_RANGE, too: about an answer that is too large to take, to what was done.
    let reached = (again || status.code() == Code::OutOfRange) && !never_connected(status);
    Verdict { again, reached }
}

/// Whether a transaction that was answered with this reason in place of an outcome may be decided all the same.
pub(crate) fn may_be_decided(reason: Reason) -> bool {
    !matches!(reason, Reason::NoLeader | Reason::Overloaded | Reason::NodeStopping)
}

/// True when the connection itself could not be made: then nothing was sent.
pub(crate) fn never_connected(status: &Status) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = std::error::Error::source(status);
    while let Some(error) = cause {
        if error.is::<tonic::ConnectError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_judged_by_their_reason_first() {
        let judged = |status: Status| (judge(&status).again, judge(&status).reached);
        assert_eq!(judged(status::status(Reason::NoLeader, "")), (true, false));
        assert_eq!(judged(status::status(Reason::OutcomeUnknown, "")), (true, true));
        assert_eq!(judged(status::status(Reason::Overloaded, "")), (true, false));
        assert_eq!(judged(status::status(Reason::MessageTooLarge, "")), (false, false));
        assert_eq!(judged(status::bad_field("settle.amount", "is negative")), (false, false));
        assert_eq!(judged(Status::unavailable("broken pipe")), (true, true));
        assert_eq!(judged(Status::permission_denied("no")), (false, false));
        assert_eq!(judged(Status::out_of_range("the answer is too large")), (false, true));
    }

    #[test]
    fn a_malformed_field_is_named() {
        let error = Error::of(&status::bad_field("settle.amount", "is negative"));
        assert_eq!(error.to_string(), "settle.amount is negative");
        assert!(matches!(error, Error::Malformed { field, .. } if field == "settle.amount"));
    }
}
