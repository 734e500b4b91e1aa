//! Lists that are read page by page.

use super::{Read, querying};
use crate::connect::Client;
use crate::error::Error;
use crate::retry::GaveUp;
use crate::submit::timed;
use proto::v1 as pb;
use std::time::Duration;
use tokio::time::Instant;
use tonic::transport::Channel;

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
paged!(ListClearingRequest, list_clearing -> lines: ClearingLine);
paged!(ListMovementsRequest, list_movements -> movements: Movement);

impl<Q: PagedQuestion> Pages<Q> {
    pub(super) fn new(client: &Client, question: Q) -> Pages<Q> {
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

/// Lists that may be narrowed down to who owes and who is owed.
macro_rules! owed {
    ($($question:ident)*) => {$(
        impl Pages<pb::$question> {
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
    )*};
}

owed! { ListObligationsRequest ListClearingRequest }

impl Pages<pb::ListClearingRequest> {
    /// Only lines that an area of this province pays or is paid.
    pub fn province(mut self, province: impl Into<String>) -> Self {
        self.question.province = province.into();
        self
    }
}

impl Pages<pb::ListMovementsRequest> {
    /// Only movements of which payer or payee lies in this province.
    pub fn province(mut self, province: impl Into<String>) -> Self {
        self.question.province = province.into();
        self
    }
}
