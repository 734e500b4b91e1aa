//! What governance has set.

use super::{Read, ask, querying};
use crate::connect::Client;
use crate::error::Error;
use crate::retry::GaveUp;
use crate::submit::timed;
use proto::v1::{self as pb, Premium};
use tokio::time::Instant;

impl Client {
    /// The parameters of the policy in force. They are always set whole: change what you read, and
    /// [`set_policy`](Client::set_policy) it.
    pub async fn policy(&self) -> Result<Read<pb::Policy>, Error> {
        let question = pb::GetPolicyRequest { consistency: self.consistency.into() };
        ask!(self, get_policy(question) -> policy or "no policy")
    }

    /// A province with its in-province kinship scope.
    pub async fn province(&self, province: impl Into<String>) -> Result<Read<pb::Province>, Error> {
        let question =
            pb::GetProvinceRequest { province: province.into(), consistency: self.consistency.into() };
        ask!(self, get_province(question) -> province or "no such province")
    }

    /// A pooling area with its openings.
    pub async fn area(&self, area: impl Into<String>) -> Result<Read<pb::Area>, Error> {
        let question = pb::GetAreaRequest { area: area.into(), consistency: self.consistency.into() };
        ask!(self, get_area(question) -> area or "no such area")
    }

    /// What an area asks for a premium of a year. None before the first tariff: then a resident premium may be of any
    /// amount, and care is not offered.
    pub async fn tariff(
        &self,
        area: impl Into<String>,
        premium: Premium,
        year: u16,
    ) -> Result<Read<Option<pb::TariffVersion>>, Error> {
        let question = pb::GetTariffRequest {
            area: area.into(),
            premium: premium as i32,
            year: year.into(),
            consistency: self.consistency.into(),
        };
        let deadline = Instant::now() + self.settings.deadline;
        let attempts = self.attempt(deadline, async |channel, limit| {
            Ok(querying(channel).get_tariff(timed(question.clone(), limit)).await?.into_inner())
        });
        let answer = attempts.await.map_err(GaveUp::into_error)?;
        Ok(Read::of(answer.header, answer.current))
    }

    /// The holidays and extra working days of a year.
    pub async fn calendar(&self, year: u16) -> Result<Read<pb::Calendar>, Error> {
        let question = pb::GetCalendarRequest { year: year.into(), consistency: self.consistency.into() };
        ask!(self, get_calendar(question) -> calendar or "no calendar")
    }
}
