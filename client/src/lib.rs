//! The SDK of gongji (共济), the ledger of who may spend whose medical-insurance account.
//!
//! ```no_run
//! use client::{Caller, Client, Kinship, Outcome, Yuan};
//!
//! # async fn story() -> Result<(), Box<dyn std::error::Error>> {
//! # let (daughter, father) = ("6f9619ff-8b86-4011-b42d-00c04fc964ff", "6f9619ff-8b86-4011-b42d-00c04fc96400");
//! // Any nodes of the cluster will do.
//! let client = Client::connect(["http://127.0.0.1:7701", "http://127.0.0.1:7702"]).await?;
//!
//! // A daughter lets her father use 500 yuan of her account.
//! let hers = client.acting_as(Caller::person(daughter));
//! let his = client.acting_as(Caller::person(father));
//! let proposed = hers.propose_relation(daughter, father, Kinship::Parent).send().await?.done()?;
//! let relation = proposed.relation().expect("a proposal names its relation");
//! his.accept_relation(relation).send().await?.done()?;
//! hers.set_quota(relation, "500.00".parse()?).send().await?.done()?;
//!
//! // He pays at a hospital. The request id exists before anything is sent: write it down.
//! let hospital = client.acting_as(Caller::institution("H41010000001"));
//! let payment = hospital.settle(father, "H41010000001", "98.60".parse()?).all_or_nothing();
//! println!("request {}", payment.request_id());
//! match payment.send().await? {
//!     Outcome::Done(receipt) => println!("paid, at log index {}", receipt.index),
//!     Outcome::Refused(no) => println!("{}: {}", no.zh(), no.text().hint_zh),
//!     // The reply was lost. Send it again: it is never done twice. Or reverse it, if it is no longer wanted.
//!     Outcome::Unknown(id) => println!("{id}: {:?}", payment.send().await?),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What can come back
//!
//! [`Outcome::Done`] and [`Outcome::Refused`] are final: the same on every node, remembered under the request id. But
//! a few refusals are not remembered ([`Refused::is_final`]). [`Outcome::Unknown`] says that the deadline passed after
//! the transaction was sent. An [`Error`] says that nothing was done: it is malformed, or could not be sent, or is not
//! allowed.
//!
//! # Many callers
//!
//! A [`Submitter`] gathers the transactions of many concurrent callers into batches on one stream. A [`Watch`]
//! follows what is decided. Questions are answered at three levels of freshness ([`Consistency`]).
#![deny(missing_docs)]

mod amount;
mod call;
mod caller;
mod connect;
mod error;
mod outcome;
mod query;
mod request;
mod retry;
mod submit;
mod submitter;
mod verbs;
mod watch;

pub use amount::{NotYuan, Yuan};
pub use call::{Call, Verb};
pub use caller::Caller;
pub use connect::Client;
pub use error::Error;
pub use outcome::{NotDone, Outcome, Receipt, Refused};
pub use proto::catalogue::ReasonText;
/// The messages of the API, for calls that this SDK does not have.
pub use proto::v1;
pub use proto::v1::{
    CredentialKind, DisputeReason, InstitutionKind, Insurance, InsuranceStatus, Kinship, KinshipScope,
    PayoutReason, Premium, Reason, Side, SuspensionReason, Termination,
};
pub use query::{Consistency, PagedQuestion, Pages, Payee, Read, Reconciliation};
pub use request::{Prepared, RequestId, TRANSACTION_BYTES_MAX};
pub use submit::BATCH_MAX;
pub use submitter::Submitter;
pub use watch::{Decision, Entry, Watch};
