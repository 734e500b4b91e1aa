//! How a transaction ended.

use crate::error::Error;
use crate::request::RequestId;
use proto::catalogue::{self, ReasonText};
use proto::v1::event::Kind;
use proto::v1::{self as pb, Reason};
use std::fmt;

/// How a transaction ended.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "a transaction may have been refused, or its outcome may be unknown"]
pub enum Outcome {
    /// It was done. Final.
    Done(Receipt),
    /// It was refused by a rule, the same on every node; nothing changed. Final, but for three reasons that the
    /// ledger does not remember ([`Refused::is_final`]). With them, this sending did nothing, and nothing is said of
    /// others under the same id:
    ///
    /// - `RequestTooEarly`: this machine's clock was ahead when the id was made. A copy that was sent earlier and is
    ///   still under way may be done once ledger time comes near the id. As with [`Outcome::Unknown`]: send the same
    ///   call again, later, and no other call in its stead. It is never done twice.
    /// - `RequestExpired`: the id is older than ids are remembered. An earlier copy may have been done.
    /// - `NotBegun`: there is no genesis yet. A copy still under way may be done after it.
    Refused(Refused),
    /// It was sent, and no reply came in time: it may have been done or not. Send the same call again, or
    /// [`ask_again`](crate::Client::ask_again) with the id; it is never done twice. If it is no
    /// longer wanted, [`reverse`](crate::Client::reverse) it.
    Unknown(RequestId),
}

/// What is not done: refused or unknown.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum NotDone {
    /// It was refused.
    #[error("{0}")]
    Refused(Refused),
    /// How it ended is unknown.
    #[error("how request {0} ended is unknown: send it again with the same id, or ask for its receipt")]
    Unknown(RequestId),
}

impl Outcome {
    /// The receipt, if it was done.
    pub fn done(self) -> Result<Receipt, NotDone> {
        match self {
            Outcome::Done(receipt) => Ok(receipt),
            Outcome::Refused(refused) => Err(NotDone::Refused(refused)),
            Outcome::Unknown(request) => Err(NotDone::Unknown(request)),
        }
    }

    /// The transaction's request id.
    pub fn request_id(&self) -> RequestId {
        match self {
            Outcome::Done(receipt) => receipt.request_id,
            Outcome::Refused(refused) => refused.request_id,
            Outcome::Unknown(request) => *request,
        }
    }
}

/// What was done, where in the log, and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Receipt {
    /// The transaction's request id.
    pub request_id: RequestId,
    /// The log index of the entry that did it. Read with [`Consistency::AtLeast`](crate::Consistency) of it to
    /// see one's own writes.
    pub index: u64,
    /// Its place within the entry, from 0.
    pub place: u32,
    /// True when this is the remembered answer to an id seen before.
    pub repeated: bool,
    /// What happened, in order.
    pub events: Vec<pb::Event>,
}

impl Receipt {
    fn first<'a, T>(&'a self, pick: impl Fn(&'a Kind) -> Option<&'a T>) -> Option<&'a T> {
        self.events.iter().filter_map(|event| event.kind.as_ref()).find_map(pick)
    }

    /// The id of the relation that was proposed.
    pub fn relation(&self) -> Option<&str> {
        self.first(|kind| match kind {
            Kind::RelationProposed(event) => Some(&event.relation),
            _ => None,
        })
        .map(String::as_str)
    }

    /// The id of the offer that was made.
    pub fn offer(&self) -> Option<&str> {
        self.first(|kind| match kind {
            Kind::OfferMade(event) => Some(&event.offer),
            _ => None,
        })
        .map(String::as_str)
    }

    /// The id of the case that was applied for.
    pub fn case(&self) -> Option<&str> {
        self.first(|kind| match kind {
            Kind::TransferApplied(event) => Some(&event.case),
            _ => None,
        })
        .map(String::as_str)
    }

    /// The hold: its id, and who would pay how much.
    pub fn authorised(&self) -> Option<&pb::SpendAuthorised> {
        self.first(|kind| match kind {
            Kind::SpendAuthorised(event) => Some(event),
            _ => None,
        })
    }

    /// The reversal: what it found of its original.
    pub fn reversed(&self) -> Option<&pb::Reversed> {
        self.first(|kind| match kind {
            Kind::Reversed(event) => Some(event),
            _ => None,
        })
    }

    /// The settlement: its id, and who paid how much.
    pub fn settled(&self) -> Option<&pb::Settled> {
        self.first(|kind| match kind {
            Kind::Settled(event) => Some(event),
            _ => None,
        })
    }

    /// The refund: who got how much back.
    pub fn refunded(&self) -> Option<&pb::Refunded> {
        self.first(|kind| match kind {
            Kind::Refunded(event) => Some(event),
            _ => None,
        })
    }
}

/// A refusal: which reason, and where in the log it was decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Refused {
    /// The transaction's request id.
    pub request_id: RequestId,
    /// Why. [`Reason::Unspecified`] for a number that this version of the SDK does not know yet.
    pub reason: Reason,
    /// The reason's number in the catalogue.
    pub number: i32,
    /// The log index of the entry that refused it.
    pub index: u64,
    /// Its place within the entry, from 0.
    pub place: u32,
    /// True when this is the remembered answer to an id seen before.
    pub repeated: bool,
}

impl Refused {
    /// Whether the same call will never be done, and was not: true but for `RequestTooEarly`, `RequestExpired` and
    /// `NotBegun`, which the ledger does not remember. See [`Outcome::Refused`].
    pub const fn is_final(&self) -> bool {
        !matches!(self.reason, Reason::RequestTooEarly | Reason::RequestExpired | Reason::NotBegun)
    }

    /// What the catalogue says: what is the matter and what to do, in Chinese and in English.
    pub fn text(&self) -> &'static ReasonText {
        catalogue::text(self.reason)
    }

    /// What is the matter, in Chinese.
    pub fn zh(&self) -> &'static str {
        self.text().zh
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.text();
        write!(f, "refused ({} {}): {}. {}", self.number, text.name, text.en, text.hint_en)
    }
}

/// What a server said about one transaction of a batch.
pub(crate) enum Said {
    /// It is decided.
    Final(Outcome),
    /// It is malformed, and never entered the log.
    Malformed(Error),
    /// It is not known to be decided, for this reason: ask again.
    Again(Reason),
}

/// Reads a result; none if it answers another request or says nothing that this version understands.
pub(crate) fn read(request: RequestId, result: pb::Result) -> Option<Said> {
    let mut buffer = [0; uuid::fmt::Hyphenated::LENGTH];
    if result.request_id != *request.uuid().hyphenated().encode_lower(&mut buffer) {
        return None;
    }
    Some(match result.outcome() {
        pb::Outcome::Done => Said::Final(Outcome::Done(Receipt {
            request_id: request,
            index: result.index,
            place: result.place,
            repeated: result.repeated,
            events: result.events,
        })),
        pb::Outcome::Refused => Said::Final(Outcome::Refused(Refused {
            request_id: request,
            reason: result.reason(),
            number: result.reason,
            index: result.index,
            place: result.place,
            repeated: result.repeated,
        })),
        pb::Outcome::Malformed => {
            Said::Malformed(Error::Malformed { field: result.field, problem: result.problem })
        }
        pb::Outcome::Unknown => Said::Again(result.reason()),
        pb::Outcome::Unspecified => return None,
    })
}
