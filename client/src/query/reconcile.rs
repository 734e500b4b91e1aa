//! The reconciliation of a day (对账).

use super::{Read, querying};
use crate::connect::{Client, Settings};
use crate::error::Error;
use crate::retry::GaveUp;
use crate::submit::timed;
use proto::v1::{self as pb, reconcile_request};
use tokio::time::Instant;
use tonic::Status;

/// Whose takings are reconciled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payee {
    /// An institution's, by its code.
    Institution(String),
    /// Those of an area's institutions, and premiums paid to the area, by its six digits.
    Area(String),
}

/// What was paid and given back on a day.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reconciliation {
    /// Payments, refunds and undone refunds, in the order of the log.
    pub rows: Vec<pb::ReconcileRow>,
    /// Their totals, by insurance, clearing type and flag.
    pub totals: Vec<pb::ReconcileTotal>,
}

impl Client {
    /// What was paid and given back on a day ("2026-10-03"), with its totals (对明细账). Large days take longer than the
    /// usual deadline: see [`Client::within`].
    pub async fn reconcile(
        &self,
        payee: Payee,
        day: impl Into<String>,
    ) -> Result<Read<Reconciliation>, Error> {
        self.reconciliation(payee, day.into(), false).await
    }

    /// The totals of a day ("2026-10-03") alone (对总账).
    pub async fn reconcile_totals(
        &self,
        payee: Payee,
        day: impl Into<String>,
    ) -> Result<Read<Vec<pb::ReconcileTotal>>, Error> {
        let Read { value, index, age, node } = self.reconciliation(payee, day.into(), true).await?;
        Ok(Read { value: value.totals, index, age, node })
    }

    async fn reconciliation(
        &self,
        payee: Payee,
        day: String,
        totals_only: bool,
    ) -> Result<Read<Reconciliation>, Error> {
        let who = match payee {
            Payee::Institution(code) => reconcile_request::Who::Institution(code),
            Payee::Area(area) => reconcile_request::Who::Area(area),
        };
        let question =
            pb::ReconcileRequest { who: Some(who), day, totals_only, consistency: self.consistency.into() };
        let deadline = Instant::now() + self.settings.deadline;
        // A day is read whole: an attempt may take all the time there is.
        let patient = Client {
            settings: Settings { attempt: self.settings.deadline, ..self.settings },
            ..self.clone()
        };
        let attempts = patient.attempt(deadline, async |channel, limit| {
            let mut stream = querying(channel).reconcile(timed(question.clone(), limit)).await?.into_inner();
            let mut whole = Reconciliation::default();
            while let Some(part) = stream.message().await? {
                whole.rows.extend(part.rows);
                if part.last {
                    whole.totals = part.totals;
                    return Ok(Read::of(part.header, whole));
                }
            }
            Err(Status::unavailable("the day ended without totals"))
        });
        attempts.await.map_err(GaveUp::into_error)
    }
}
