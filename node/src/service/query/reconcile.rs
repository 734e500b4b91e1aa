//! The reconciliation of a day, as a stream of its rows that ends with the totals.

use super::pages::Passing;
use super::{QueryService, bad};
use crate::server::Shared;
use crate::service::unwell;
use crate::wire;
use ::ledger::Day;
use ::ledger::reconcile::{Detail, Page, Totals, Who, page};
use futures::StreamExt;
use futures::stream::BoxStream;
use proto::status;
use proto::v1::{self as pb, Reason, reconcile_request};
use std::sync::Arc;
use tokio::sync::mpsc;
use tonic::Status;

/// Payments and refunds of anybody that are looked at in one step.
const STEP: usize = 1_000;

type Asker = mpsc::Sender<Result<pb::ReconcileResponse, Status>>;

/// What is asked.
#[derive(Clone, Copy)]
struct Question {
    who: Who,
    day: Day,
    totals_only: bool,
}

impl QueryService {
    pub(super) async fn reconciliation(
        &self,
        asked: pb::ReconcileRequest,
    ) -> Result<BoxStream<'static, Result<pb::ReconcileResponse, Status>>, Status> {
        let who = match &asked.who {
            Some(reconcile_request::Who::Institution(code)) => {
                Who::Institution(wire::institution_from_proto("institution", code).map_err(bad)?)
            }
            Some(reconcile_request::Who::Area(code)) => {
                Who::Area(wire::area_from_proto("area", code).map_err(bad)?)
            }
            None => return Err(status::bad_field("who", "is missing: give institution or area")),
        };
        let day = wire::day_from_proto("day", &asked.day).map_err(bad)?;
        self.shared.fresh(asked.consistency.as_ref()).await?;
        let question = Question { who, day, totals_only: asked.totals_only };
        let (asker, answers) = mpsc::channel(4);
        let shared = self.shared.clone();
        tokio::spawn(async move {
            if let Err(status) = tell(&shared, question, &asker).await {
                // An asker that has gone does not hear why.
                asker.send(Err(status)).await.ok();
            }
        });
        Ok(tokio_stream::wrappers::ReceiverStream::new(answers).boxed())
    }
}

/// Tells the rows of the day, a step at a time, then the totals.
async fn tell(shared: &Shared, question: Question, asker: &Asker) -> Result<(), Status> {
    let Question { who, day, totals_only } = question;
    let view = Arc::new(Passing(shared.state.clone()));
    let (mut totals, mut after) = (Totals::new(), None);
    loop {
        if *shared.stopping.borrow() {
            return Err(status::status(Reason::NodeStopping, ""));
        }
        // Beside the tasks of the node: rows may have to come from the disk.
        let header = shared.reply_header(&shared.state.reader());
        let state = view.clone();
        let reading = tokio::task::spawn_blocking(move || page(&*state, who, day, after, STEP));
        let read = reading.await.map_err(|problem| Status::internal(problem.to_string()))?;
        let Page { rows, next } = read.map_err(|fault| unwell(&fault))?;
        for row in &rows {
            totals.entry(row.group).or_default().add(row);
        }
        let shown: &[Detail] = if totals_only { &[] } else { &rows };
        let last = next.is_none();
        let ended = totals.iter().filter(|_| last).map(|(group, total)| wire::total_to_proto(group, total));
        let answer = pb::ReconcileResponse {
            header: Some(header),
            rows: shown.iter().map(wire::detail_to_proto).collect(),
            totals: ended.collect(),
            last,
        };
        let worth_telling = last || !shown.is_empty();
        let gone = if worth_telling { asker.send(Ok(answer)).await.is_err() } else { asker.is_closed() };
        if last || gone {
            return Ok(());
        }
        after = next;
    }
}
