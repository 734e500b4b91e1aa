//! Questions, at three levels of freshness.

use crate::connect::{ANSWER_BYTES_MAX, Client};
use crate::error::Error;
use crate::retry::GaveUp;
use crate::submit::timed;
use proto::v1::consistency::Level;
use proto::v1::query_client::QueryClient;
use proto::v1::{self as pb, Side};
use std::time::Duration;
use tokio::time::Instant;
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
}

/// A list that is read page by page.
#[derive(Clone, Debug)]
#[must_use = "pages are read by `next` or `all`"]
pub struct Pages<Q> {
    client: Client,
    question: Q,
    ended: bool,
}

/// A question for a list.
pub trait PagedQuestion: Clone + Send + Sync {
    /// What the list is of.
    type Row: Send;

    #[doc(hidden)]
    fn size(&mut self, rows: u32);
    #[doc(hidden)]
    fn turn(&mut self, token: String);
    #[doc(hidden)]
    fn ask(
        self,
        channel: Channel,
        limit: Duration,
    ) -> impl Future<Output = Result<Page<Self::Row>, tonic::Status>> + Send;
}

#[doc(hidden)]
pub type Page<R> = (Option<pb::ReplyHeader>, Vec<R>, String);

macro_rules! paged {
    ($question:ident, $method:ident -> $rows:ident: $row:ident) => {
        impl PagedQuestion for pb::$question {
            type Row = pb::$row;

            fn size(&mut self, rows: u32) {
                self.page_size = rows;
            }

            fn turn(&mut self, token: String) {
                self.page_token = token;
            }

            async fn ask(self, channel: Channel, limit: Duration) -> Result<Page<pb::$row>, tonic::Status> {
                let answer = querying(channel).$method(timed(self, limit)).await?.into_inner();
                Ok((answer.header, answer.$rows, answer.next_page_token))
            }
        }
    };
}

paged!(ListRelationsRequest, list_relations -> relations: Relation);
paged!(ListObligationsRequest, list_obligations -> obligations: Obligation);

impl<Q: PagedQuestion> Pages<Q> {
    fn new(client: &Client, question: Q) -> Pages<Q> {
        Pages { client: client.clone(), question, ended: false }
    }

    /// How many rows a page should have (usual: 100).
    pub fn page_size(mut self, rows: u32) -> Pages<Q> {
        self.question.size(rows);
        self
    }

    /// The next page; none after the last.
    pub async fn next(&mut self) -> Result<Option<Read<Vec<Q::Row>>>, Error> {
        if self.ended {
            return Ok(None);
        }
        let deadline = Instant::now() + self.client.settings.deadline;
        let question = &self.question;
        let attempts =
            self.client.attempt(deadline, async |channel, limit| question.clone().ask(channel, limit).await);
        let (header, rows, token) = attempts.await.map_err(GaveUp::into_error)?;
        self.ended = token.is_empty();
        self.question.turn(token);
        Ok(Some(Read::of(header, rows)))
    }

    /// All rows of all pages.
    pub async fn all(mut self) -> Result<Vec<Q::Row>, Error> {
        let mut rows = Vec::new();
        while let Some(page) = self.next().await? {
            rows.extend(page.value);
        }
        Ok(rows)
    }
}

impl Pages<pb::ListObligationsRequest> {
    /// Only payers of this province.
    pub fn payer(mut self, province: impl Into<String>) -> Self {
        self.question.payer_province = province.into();
        self
    }

    /// Only payees of this province.
    pub fn payee(mut self, province: impl Into<String>) -> Self {
        self.question.payee_province = province.into();
        self
    }
}
