//! Questions, at three levels of freshness.

mod pages;
mod reconcile;
mod registers;

pub use pages::{PagedQuestion, Pages};
pub use reconcile::{Payee, Reconciliation};

use crate::connect::{ANSWER_BYTES_MAX, Client};
use crate::error::Error;
use crate::outcome::{self, Outcome, Said};
use crate::request::Prepared;
use crate::retry::GaveUp;
use crate::submit::timed;
use proto::v1::consistency::Level;
use proto::v1::query_client::QueryClient;
use proto::v1::{self as pb, Side};
use std::time::Duration;
use tokio::time::Instant;
use tonic::Status;
use tonic::transport::Channel;

/// How fresh an answer must be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Consistency {
    /// As fresh as everything acknowledged before the question.
    #[default]
    Linearizable,
    /// At least as fresh as this log index. With the index of a receipt: read your own writes.
    AtLeast(u64),
    /// As fresh as the node happens to be.
    Local,
}

impl From<Consistency> for Option<pb::Consistency> {
    fn from(consistency: Consistency) -> Option<pb::Consistency> {
        let level = match consistency {
            Consistency::Linearizable => Level::Linearizable(pb::Linearizable {}),
            Consistency::AtLeast(index) => Level::AtLeast(index),
            Consistency::Local => Level::Local(pb::Local {}),
        };
        Some(pb::Consistency { level: Some(level) })
    }
}

/// An answer, and where it comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Read<T> {
    /// The answer.
    pub value: T,
    /// The log index that it shows.
    pub index: u64,
    /// For how long the node had not heard from the leader.
    pub age: Duration,
    /// The node that answered.
    pub node: u64,
}

/// The index in a header; 0 without one.
pub(crate) fn reply_index(header: Option<&pb::ReplyHeader>) -> u64 {
    header.map_or(0, |header| header.index)
}

impl<T> Read<T> {
    fn of(header: Option<pb::ReplyHeader>, value: T) -> Read<T> {
        let header = header.unwrap_or_default();
        Read { value, index: header.index, age: Duration::from_millis(header.age_ms), node: header.node }
    }
}

/// One question: which method, what of the answer.
macro_rules! ask {
    ($client:expr, $method:ident($question:expr) -> $part:ident or $absent:literal) => {{
        let deadline = Instant::now() + $client.settings.deadline;
        let question = $question;
        let attempts = $client.attempt(deadline, async |channel, limit| {
            Ok(querying(channel).$method(timed(question.clone(), limit)).await?.into_inner())
        });
        let answer = attempts.await.map_err(GaveUp::into_error)?;
        match answer.$part {
            Some(value) => Ok(Read::of(answer.header, value)),
            None => Err(Error::Absent { message: $absent.to_owned() }),
        }
    }};
}

use ask;

/// Questions to one node.
fn querying(channel: Channel) -> QueryClient<Channel> {
    QueryClient::new(channel).max_decoding_message_size(ANSWER_BYTES_MAX)
}

impl Client {
    /// A person's insurance, wallet and account.
    pub async fn person(&self, person: impl Into<String>) -> Result<Read<pb::Person>, Error> {
        let question = pb::GetPersonRequest { person: person.into(), consistency: self.consistency.into() };
        ask!(self, get_person(question) -> person or "no such person")
    }

    /// The sums that belong to a person.
    pub async fn balances(&self, person: impl Into<String>) -> Result<Read<pb::Balances>, Error> {
        let question = pb::GetBalancesRequest { person: person.into(), consistency: self.consistency.into() };
        ask!(self, get_balances(question) -> balances or "no such person")
    }

    /// A relation with its quota.
    pub async fn relation(&self, relation: impl Into<String>) -> Result<Read<pb::Relation>, Error> {
        let question =
            pb::GetRelationRequest { relation: relation.into(), consistency: self.consistency.into() };
        ask!(self, get_relation(question) -> relation or "no such relation")
    }

    /// A settlement, with what was paid and refunded.
    pub async fn payment(&self, payment: impl Into<String>) -> Result<Read<pb::Payment>, Error> {
        let question =
            pb::GetPaymentRequest { payment: payment.into(), consistency: self.consistency.into() };
        ask!(self, get_payment(question) -> payment or "no such settlement")
    }

    /// A designated institution.
    pub async fn institution(&self, code: impl Into<String>) -> Result<Read<pb::Institution>, Error> {
        let question =
            pb::GetInstitutionRequest { institution: code.into(), consistency: self.consistency.into() };
        ask!(self, get_institution(question) -> institution or "no such institution")
    }

    /// An offer of a quota.
    pub async fn offer(&self, offer: impl Into<String>) -> Result<Read<pb::Offer>, Error> {
        let question = pb::GetOfferRequest { offer: offer.into(), consistency: self.consistency.into() };
        ask!(self, get_offer(question) -> offer or "no such offer")
    }

    /// An authorised spending.
    pub async fn hold(&self, hold: impl Into<String>) -> Result<Read<pb::Hold>, Error> {
        let question = pb::GetHoldRequest { hold: hold.into(), consistency: self.consistency.into() };
        ask!(self, get_hold(question) -> hold or "no such hold")
    }

    /// A refund, or the undoing of one: where each part went.
    pub async fn refund_record(&self, refund: impl Into<String>) -> Result<Read<pb::RefundRecord>, Error> {
        let question = pb::GetRefundRequest { refund: refund.into(), consistency: self.consistency.into() };
        ask!(self, get_refund(question) -> refund or "no such refund")
    }

    /// A case of portability.
    pub async fn case(&self, case: impl Into<String>) -> Result<Read<pb::Case>, Error> {
        let question = pb::GetCaseRequest { case: case.into(), consistency: self.consistency.into() };
        ask!(self, get_case(question) -> case or "no such case")
    }

    /// A month ("2026-10") that is closed or being closed.
    pub async fn period(&self, month: impl Into<String>) -> Result<Read<pb::Period>, Error> {
        let question = pb::GetPeriodRequest { month: month.into(), consistency: self.consistency.into() };
        ask!(self, get_period(question) -> period or "no such period")
    }

    /// What provinces owe and are owed over the border for a month: as closed, or so far. The answer says which.
    pub async fn positions(
        &self,
        month: impl Into<String>,
    ) -> Result<Read<Vec<pb::ProvincePosition>>, Error> {
        let question = pb::ListPositionsRequest { month: month.into(), consistency: self.consistency.into() };
        let deadline = Instant::now() + self.settings.deadline;
        let attempts = self.attempt(deadline, async |channel, limit| {
            Ok(querying(channel).list_positions(timed(question.clone(), limit)).await?.into_inner())
        });
        let answer = attempts.await.map_err(GaveUp::into_error)?;
        Ok(Read::of(answer.header, answer.positions))
    }

    /// A province's prepayment fund, with how much of it the running month uses.
    pub async fn fund(&self, province: impl Into<String>) -> Result<Read<pb::Fund>, Error> {
        self.fund_of(province.into(), String::new()).await
    }

    /// A province's prepayment fund, with how much of it this month ("2026-10") uses.
    pub async fn fund_in(
        &self,
        province: impl Into<String>,
        month: impl Into<String>,
    ) -> Result<Read<pb::Fund>, Error> {
        self.fund_of(province.into(), month.into()).await
    }

    async fn fund_of(&self, province: String, month: String) -> Result<Read<pb::Fund>, Error> {
        let question = pb::GetFundRequest { province, month, consistency: self.consistency.into() };
        ask!(self, get_fund(question) -> fund or "no such fund")
    }

    /// The published report, from January until this month ("2024-10").
    pub async fn statistics(&self, until: impl Into<String>) -> Result<Read<pb::Statistics>, Error> {
        let question = pb::GetStatisticsRequest { until: until.into(), consistency: self.consistency.into() };
        ask!(self, get_statistics(question) -> statistics or "no report")
    }

    /// How a transaction would end if it were decided now (预结算); nothing changes, and nothing is promised. See
    /// [`Call::forecast`](crate::Call::forecast).
    pub async fn forecast(&self, prepared: &Prepared) -> Result<Read<Outcome>, Error> {
        prepared.check_size()?;
        let transaction = prost::Message::decode(prepared.bytes.clone()).map_err(|problem| {
            Error::Malformed { field: "transaction".into(), problem: problem.to_string() }
        })?;
        let question =
            pb::ForecastRequest { transaction: Some(transaction), consistency: self.consistency.into() };
        let deadline = Instant::now() + self.settings.deadline;
        let attempts = self.attempt(deadline, async |channel, limit| {
            let answer = querying(channel).forecast(timed(question.clone(), limit)).await?.into_inner();
            match answer.result.and_then(|result| outcome::read(prepared.request, result)) {
                Some(Said::Final(outcome)) => Ok(Read::of(answer.header, outcome)),
                _ => Err(Status::unknown("the answer is not about this transaction")),
            }
        });
        attempts.await.map_err(GaveUp::into_error)
    }

    /// The relations of a person, page by page. A page reads one index; the next one may read a later index.
    pub fn relations(&self, person: impl Into<String>, side: Side) -> Pages<pb::ListRelationsRequest> {
        Pages::new(
            self,
            pb::ListRelationsRequest {
                person: person.into(),
                side: side as i32,
                page_size: 0,
                page_token: String::new(),
                consistency: self.consistency.into(),
            },
        )
    }

    /// What areas owe one another for a month ("2026-10"), page by page.
    pub fn obligations(&self, month: impl Into<String>) -> Pages<pb::ListObligationsRequest> {
        Pages::new(
            self,
            pb::ListObligationsRequest {
                month: month.into(),
                payer_province: String::new(),
                payee_province: String::new(),
                page_size: 0,
                page_token: String::new(),
                consistency: self.consistency.into(),
            },
        )
    }

    /// The movements that a month's ("2026-10") obligations are made of, page by page. Pages may be empty though more
    /// follow.
    pub fn movements(&self, month: impl Into<String>) -> Pages<pb::ListMovementsRequest> {
        Pages::new(
            self,
            pb::ListMovementsRequest {
                month: month.into(),
                province: String::new(),
                page_size: 0,
                page_token: String::new(),
                consistency: self.consistency.into(),
            },
        )
    }

    /// The lines of a closed month ("2026-10"), page by page.
    pub fn clearing(&self, month: impl Into<String>) -> Pages<pb::ListClearingRequest> {
        Pages::new(
            self,
            pb::ListClearingRequest {
                month: month.into(),
                payer_province: String::new(),
                payee_province: String::new(),
                province: String::new(),
                page_size: 0,
                page_token: String::new(),
                consistency: self.consistency.into(),
            },
        )
    }
}
