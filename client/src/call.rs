//! One transaction in the making: which verb, which id, how long it is wanted.

use crate::connect::Client;
use crate::error::Error;
use crate::outcome::Outcome;
use crate::query::Read;
use crate::request::{Prepared, RequestId};
use prost_types::Timestamp;
use proto::v1 as pb;
use proto::v1::transaction::Call as PbCall;
use std::time::{Duration, SystemTime};

/// A transaction in the making. Its request id exists before it is sent, so it can be written down first. Sending it
/// again sends the same id and the same bytes, and is never done twice.
#[derive(Clone, Debug)]
#[must_use = "a call does nothing until it is sent"]
pub struct Call<V> {
    client: Client,
    request: RequestId,
    not_after: Option<SystemTime>,
    pub(crate) verb: V,
}

/// What can be asked of the ledger: the messages of [`v1::transaction::Call`](pb::transaction::Call).
pub trait Verb: Clone {
    /// The call on the wire.
    fn into_call(self) -> PbCall;
}

impl<V: Verb> Call<V> {
    pub(crate) fn new(client: &Client, verb: V) -> Call<V> {
        Call { client: client.clone(), request: RequestId::fresh(), not_after: None, verb }
    }

    /// The transaction's identity, for a journal of one's own.
    pub const fn request_id(&self) -> RequestId {
        self.request
    }

    /// Takes an id that was made and written down earlier.
    pub fn with_request_id(mut self, request: RequestId) -> Call<V> {
        self.request = request;
        self
    }

    /// Refused after this moment of ledger time. Then a lost reply cannot become a late payment.
    pub fn not_after(mut self, moment: SystemTime) -> Call<V> {
        self.not_after = Some(moment);
        self
    }

    /// How long to try (usual: as the client says).
    pub fn within(mut self, deadline: Duration) -> Call<V> {
        self.client = self.client.within(deadline);
        self
    }

    /// The transaction on the wire.
    pub fn transaction(&self) -> pb::Transaction {
        pb::Transaction {
            request_id: self.request.to_string(),
            caller: self.client.caller.as_ref().map(pb::Caller::from),
            not_after: self.not_after.map(Timestamp::from),
            signature: bytes::Bytes::new(),
            call: Some(self.verb.clone().into_call()),
        }
    }

    /// The transaction's exact bytes, for a [`Submitter`](crate::Submitter).
    pub fn prepare(&self) -> Prepared {
        Prepared::of(self.request, &self.transaction())
    }

    /// Sends the transaction, again and again with the same bytes and over all nodes, until its outcome is known or
    /// the deadline passes.
    pub async fn send(&self) -> Result<Outcome, Error> {
        self.client.submit(&self.prepare()).await
    }

    /// How it would end if it were decided now (预结算): what would be paid by whom, or why not. Nothing changes, and
    /// nothing is promised; it may end otherwise when it is sent. Ids and places in the answer are not those to come.
    pub async fn forecast(&self) -> Result<Read<Outcome>, Error> {
        self.client.forecast(&self.prepare()).await
    }
}

impl<V: Verb> From<Call<V>> for Prepared {
    fn from(call: Call<V>) -> Prepared {
        call.prepare()
    }
}

impl<V: Verb> From<&Call<V>> for Prepared {
    fn from(call: &Call<V>) -> Prepared {
        call.prepare()
    }
}

macro_rules! verbs {
    ($($name:ident)*) => {$(
        impl Verb for pb::$name {
            fn into_call(self) -> PbCall {
                PbCall::$name(self)
            }
        }
    )*};
}

verbs! {
    Genesis Tick
    RegisterProvince RegisterArea SetAreaOpen SetPolicy SetTariff SetCalendar RegisterInstitution Suspend LiftSuspension
    EnrolPerson CreditAccount SetInsuranceStatus SetRetired TerminateInsurance RegisterDeath Payout MoveWithinProvince
    ApplyTransfer AcceptTransfer SendTransfer ReceiveTransfer CompleteTransfer AbandonTransfer FailTransfer
    ActivateWallet DeactivateWallet
    ProposeRelation AcceptRelation DeclineRelation SetQuota AcceptOffer DeclineOffer ReduceQuota
    SetPriority PayPremium ReleaseRelation
    Settle AuthoriseSpend ConfirmSpend VoidSpend Refund Reverse
    ClosePeriod ConfirmClearing DisputeClearing PayClearing FundPrepayment AdjustPrepayment
}
