//! The reconciliation of a day, as a stream of its rows that ends with the totals.

use super::pages::Passing;
use super::{QueryService, bad};
use crate::service::unwell;
use crate::wire;
use ::ledger::reconcile::{Page, Totals, Who, page};
use ::ledger::{Day, Position};
use futures::StreamExt;
use futures::stream::BoxStream;
use proto::v1::{self as pb, reconcile_request};
use tokio::sync::mpsc;
use tonic::Status;

/// Payments and refunds of anybody that are looked at in one step.
const STEP: usize = 1_000;

type Answers = mpsc::Sender<Result<pb::ReconcileResponse, Status>>;

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
            None => return Err(bad(wire::BadField::new("who", "is missing: give institution or area"))),
        };
        let day = wire::day_from_proto("day", &asked.day).map_err(bad)?;
        self.shared.fresh(asked.consistency.as_ref()).await?;
        let (answers, heard) = mpsc::channel(4);
        let header = self.shared.reply_header(&self.shared.state.reader());
        let task = Reconciling {
            view: Passing(self.shared.state.clone()),
            header,
            who,
            day,
            totals_only: asked.totals_only,
        };
        // A thread of its own: a large day takes long, and whoever asked may read slowly.
        tokio::task::spawn_blocking(move || task.run(&answers));
        Ok(tokio_stream::wrappers::ReceiverStream::new(heard).boxed())
    }
}

struct Reconciling {
    view: Passing,
    header: pb::ReplyHeader,
    who: Who,
    day: Day,
    totals_only: bool,
}

impl Reconciling {
    fn run(mut self, answers: &Answers) {
        let mut totals = Totals::new();
        let mut after: Option<Position> = None;
        loop {
            self.header.index = self.view.0.reader().applied().index();
            let Page { rows, next } = match page(&self.view, self.who, self.day, after, STEP) {
                Ok(page) => page,
                Err(fault) => {
                    // Who has gone does not hear why.
                    answers.blocking_send(Err(unwell(&fault))).ok();
                    return;
                }
            };
            for row in &rows {
                totals.entry(row.group).or_default().add(row);
            }
            let last = next.is_none();
            let shown = if self.totals_only { &[][..] } else { &rows[..] };
            if (last || !shown.is_empty())
                && answers.blocking_send(Ok(self.answer(shown, last, &totals))).is_err()
            {
                return;
            }
            if last || answers.is_closed() {
                return;
            }
            after = next;
        }
    }

    fn answer(
        &self,
        rows: &[::ledger::reconcile::Detail],
        last: bool,
        totals: &Totals,
    ) -> pb::ReconcileResponse {
        let totals = totals.iter().filter(|_| last).map(|(group, total)| wire::total_to_proto(group, total));
        pb::ReconcileResponse {
            header: Some(self.header),
            rows: rows.iter().map(wire::detail_to_proto).collect(),
            totals: totals.collect(),
            last,
        }
    }
}
