//! The contract: who may spend whose medical-insurance account, and how much of it.
//!
//! This crate is a pure function folded over a log. [`apply`] takes the state as a [`View`], the
//! position and time of a log entry, and the entry's transactions; it gives back one [`Outcome`] per
//! transaction and the [`Changes`] to the state. It has no clock, no random numbers, no input or
//! output, no threads and no floats; it is `no_std`, so the compiler keeps it that way. The same log
//! gives the same bytes of state on every node.
//!
//! The laws every rule follows:
//!
//! * A rule checks everything first, in the published order of [`Refusal`], then writes, and never
//!   refuses after a write.
//! * Money is [`Fen`], whole and checked. Nothing is created or destroyed ([`audit()`] proves it).
//! * A [`Refusal`] is a result like any other: decided in the log, remembered under the request id.
//! * Time is the [`Stamp`] of the entry, which never runs backwards.
#![no_std]
#![deny(missing_docs)]

extern crate alloc;

mod account;
mod apply;
pub mod audit;
mod calendar;
mod changes;
mod clearing;
pub mod codec;
pub mod command;
pub mod decision;
pub mod digest;
mod enrol;
mod entry;
mod event;
mod hold;
pub mod id;
mod insurance;
mod key;
mod kinship;
pub mod limits;
mod map;
pub mod money;
pub mod movements;
mod obligation;
mod offer;
mod parameters;
mod payout;
mod period;
mod policy;
mod premium;
mod prepayment;
mod priority;
mod quota;
pub mod reconcile;
mod record;
mod refund;
mod refusal;
mod register;
mod relation;
mod release;
mod relocate;
mod reverse;
mod rights;
mod settle;
mod spend;
pub mod stamp;
pub mod statistics;
mod suspend;
pub mod table;
mod tally;
mod tariff;
mod tick;
mod transfer;
mod undo;
pub mod view;
pub mod views;
mod words;

pub use apply::{Applied, At, apply, forecast};
pub use audit::{Audit, audit};
pub use changes::Changes;
pub use command::{Call, Caller, Policy, Transaction};
pub use decision::{Answer, Event, Outcome, Refusal};
pub use digest::Digest;
pub use id::{
    Area, CaseId, FileNumber, HoldId, Institution, MedType, OfferId, PaymentId, Person, Position, Province,
    RefundId, RelationId, RequestId,
};
pub use map::MapState;
pub use money::{Fen, Sum};
pub use prepayment::Level;
pub use stamp::{Day, Month, Stamp};
pub use table::{Key, Row, Table};
pub use tick::tick_due;
pub use view::{Draft, Found, View};
