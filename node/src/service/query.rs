//! The door for reads.

mod clearing;
mod movements;
mod pages;
mod reconcile;
mod registers;
mod relations;

use super::unwell;
use crate::server::Shared;
use crate::state::Reader;
use crate::wire;
use ::ledger::table::{
    CaseRecord, HoldRecord, InstitutionRecord, OfferRecord, PaymentRecord, PeriodRecord, PersonRecord,
    Record, RefundRecord, RelationRecord,
};
use ::ledger::{Answer, At, Draft, Found, Key, Position};
use futures::stream::BoxStream;
use proto::status;
use proto::v1::{self as pb, Reason};
use std::sync::Arc;
use tonic::{Request, Response, Status};

/// `gongji.v1.Query`.
pub struct QueryService {
    shared: Arc<Shared>,
}

impl QueryService {
    pub(crate) fn new(shared: Arc<Shared>) -> QueryService {
        QueryService { shared }
    }

    /// The record of a key, as fresh as asked.
    async fn one<R: Record>(
        &self,
        consistency: Option<pb::Consistency>,
        key: &Key,
        absent_text: &str,
    ) -> Result<(Option<pb::ReplyHeader>, Found<R>), Status> {
        self.shared.fresh(consistency.as_ref()).await?;
        let reader = self.shared.state.reader();
        let record = find::<R>(&reader, key)?.ok_or_else(|| absent(absent_text))?;
        Ok((Some(self.shared.reply_header(&reader)), record))
    }

    async fn forecast_of(&self, asked: pb::ForecastRequest) -> Result<pb::ForecastResponse, Status> {
        let mut message = asked.transaction.ok_or_else(|| status::bad_field("transaction", "is missing"))?;
        if message.request_id.is_empty() {
            message.request_id = wire::request_id_to_proto(self.shared.clock.request_id());
        }
        let transaction = wire::transaction_from_proto(&message)
            .map_err(|bad| status::bad_field(&format!("transaction.{}", bad.field), &bad.problem))?;
        self.shared.fresh(asked.consistency.as_ref()).await?;
        let reader = self.shared.state.reader();
        let at = At { index: reader.applied().index() + 1, stamp: self.shared.clock.now() };
        let outcome = ::ledger::forecast(&reader, at, &transaction).map_err(|fault| unwell(&fault))?;
        let position = Position { index: at.index, place: 0 };
        let answer = Answer { position, outcome, repeated: false };
        let mut result = wire::answer_to_proto(transaction.request, &answer);
        (result.index, result.place) = (0, 0); // it stands nowhere in the log
        Ok(pb::ForecastResponse { header: Some(self.shared.reply_header(&reader)), result: Some(result) })
    }
}

fn bad(bad: wire::BadField) -> Status {
    status::bad_field(&bad.field, &bad.problem)
}

fn absent(what: &str) -> Status {
    status::status(Reason::RecordUnknown, what)
}

fn find<R: Record>(reader: &Reader<'_>, key: &Key) -> Result<Option<Found<R>>, Status> {
    Draft::new(reader).find(key).map_err(|fault| unwell(&fault))
}

#[tonic::async_trait]
impl pb::query_server::Query for QueryService {
    async fn get_person(
        &self,
        request: Request<pb::GetPersonRequest>,
    ) -> Result<Response<pb::GetPersonResponse>, Status> {
        let asked = request.into_inner();
        let person = wire::person_from_proto("person", &asked.person).map_err(bad)?;
        let key = Key::Person { person };
        let (header, record) =
            self.one::<PersonRecord>(asked.consistency, &key, "the person is not enrolled").await?;
        let person = Some(wire::person_to_proto(person, &record));
        Ok(Response::new(pb::GetPersonResponse { header, person }))
    }

    async fn get_balances(
        &self,
        request: Request<pb::GetBalancesRequest>,
    ) -> Result<Response<pb::GetBalancesResponse>, Status> {
        self.balances(request.into_inner()).await.map(Response::new)
    }

    async fn get_relation(
        &self,
        request: Request<pb::GetRelationRequest>,
    ) -> Result<Response<pb::GetRelationResponse>, Status> {
        let asked = request.into_inner();
        let relation = wire::relation_from_proto("relation", &asked.relation).map_err(bad)?;
        let key = Key::Relation { relation };
        let (header, record) =
            self.one::<RelationRecord>(asked.consistency, &key, "there is no such relation").await?;
        let relation = Some(wire::relation_to_proto(relation, &record));
        Ok(Response::new(pb::GetRelationResponse { header, relation }))
    }

    async fn list_relations(
        &self,
        request: Request<pb::ListRelationsRequest>,
    ) -> Result<Response<pb::ListRelationsResponse>, Status> {
        self.relations(request.into_inner()).await.map(Response::new)
    }

    async fn get_payment(
        &self,
        request: Request<pb::GetPaymentRequest>,
    ) -> Result<Response<pb::GetPaymentResponse>, Status> {
        let asked = request.into_inner();
        let payment = wire::payment_from_proto("payment", &asked.payment).map_err(bad)?;
        let key = Key::Payment { payment };
        let (header, record) =
            self.one::<PaymentRecord>(asked.consistency, &key, "there is no such settlement").await?;
        let payment = Some(wire::payment_to_proto(payment, &record));
        Ok(Response::new(pb::GetPaymentResponse { header, payment }))
    }

    async fn list_obligations(
        &self,
        request: Request<pb::ListObligationsRequest>,
    ) -> Result<Response<pb::ListObligationsResponse>, Status> {
        self.obligations(request.into_inner()).await.map(Response::new)
    }

    async fn list_movements(
        &self,
        request: Request<pb::ListMovementsRequest>,
    ) -> Result<Response<pb::ListMovementsResponse>, Status> {
        self.movements(request.into_inner()).await.map(Response::new)
    }

    async fn get_institution(
        &self,
        request: Request<pb::GetInstitutionRequest>,
    ) -> Result<Response<pb::GetInstitutionResponse>, Status> {
        let asked = request.into_inner();
        let institution = wire::institution_from_proto("institution", &asked.institution).map_err(bad)?;
        let key = Key::Institution { institution };
        let (header, record) = self
            .one::<InstitutionRecord>(asked.consistency, &key, "the institution is not registered")
            .await?;
        let institution = Some(wire::institution_to_proto(institution, &record));
        Ok(Response::new(pb::GetInstitutionResponse { header, institution }))
    }

    async fn get_policy(
        &self,
        request: Request<pb::GetPolicyRequest>,
    ) -> Result<Response<pb::GetPolicyResponse>, Status> {
        self.policy(request.into_inner()).await.map(Response::new)
    }

    async fn get_province(
        &self,
        request: Request<pb::GetProvinceRequest>,
    ) -> Result<Response<pb::GetProvinceResponse>, Status> {
        self.province(request.into_inner()).await.map(Response::new)
    }

    async fn get_area(
        &self,
        request: Request<pb::GetAreaRequest>,
    ) -> Result<Response<pb::GetAreaResponse>, Status> {
        self.area(request.into_inner()).await.map(Response::new)
    }

    async fn get_tariff(
        &self,
        request: Request<pb::GetTariffRequest>,
    ) -> Result<Response<pb::GetTariffResponse>, Status> {
        self.tariff(request.into_inner()).await.map(Response::new)
    }

    async fn get_calendar(
        &self,
        request: Request<pb::GetCalendarRequest>,
    ) -> Result<Response<pb::GetCalendarResponse>, Status> {
        self.calendar(request.into_inner()).await.map(Response::new)
    }

    async fn get_offer(
        &self,
        request: Request<pb::GetOfferRequest>,
    ) -> Result<Response<pb::GetOfferResponse>, Status> {
        let asked = request.into_inner();
        let offer = wire::offer_from_proto("offer", &asked.offer).map_err(bad)?;
        let key = Key::Offer { offer };
        let (header, record) =
            self.one::<OfferRecord>(asked.consistency, &key, "there is no such offer").await?;
        let offer = Some(wire::offer_to_proto(offer, &record));
        Ok(Response::new(pb::GetOfferResponse { header, offer }))
    }

    async fn get_hold(
        &self,
        request: Request<pb::GetHoldRequest>,
    ) -> Result<Response<pb::GetHoldResponse>, Status> {
        let asked = request.into_inner();
        let hold = wire::hold_from_proto("hold", &asked.hold).map_err(bad)?;
        let key = Key::Hold { hold };
        let (header, record) =
            self.one::<HoldRecord>(asked.consistency, &key, "there is no such hold").await?;
        let hold = Some(wire::hold_to_proto(hold, &record));
        Ok(Response::new(pb::GetHoldResponse { header, hold }))
    }

    async fn get_refund(
        &self,
        request: Request<pb::GetRefundRequest>,
    ) -> Result<Response<pb::GetRefundResponse>, Status> {
        let asked = request.into_inner();
        let refund = wire::refund_from_proto("refund", &asked.refund).map_err(bad)?;
        let key = Key::Refund { refund };
        let (header, record) =
            self.one::<RefundRecord>(asked.consistency, &key, "there is no such refund").await?;
        let refund = Some(wire::refund_to_proto(refund, &record));
        Ok(Response::new(pb::GetRefundResponse { header, refund }))
    }

    async fn get_case(
        &self,
        request: Request<pb::GetCaseRequest>,
    ) -> Result<Response<pb::GetCaseResponse>, Status> {
        let asked = request.into_inner();
        let case = wire::case_from_proto("case", &asked.case).map_err(bad)?;
        let key = Key::Case { case };
        let (header, record) =
            self.one::<CaseRecord>(asked.consistency, &key, "there is no such case").await?;
        let case = Some(wire::case_to_proto(case, &record));
        Ok(Response::new(pb::GetCaseResponse { header, case }))
    }

    async fn get_period(
        &self,
        request: Request<pb::GetPeriodRequest>,
    ) -> Result<Response<pb::GetPeriodResponse>, Status> {
        let asked = request.into_inner();
        let month = wire::month_from_proto("month", &asked.month).map_err(bad)?;
        let key = Key::Period { month };
        let (header, record) = self
            .one::<PeriodRecord>(asked.consistency, &key, "the month is neither closed nor being closed")
            .await?;
        let period = Some(wire::period_to_proto(month, &record));
        Ok(Response::new(pb::GetPeriodResponse { header, period }))
    }

    async fn list_clearing(
        &self,
        request: Request<pb::ListClearingRequest>,
    ) -> Result<Response<pb::ListClearingResponse>, Status> {
        self.lines(request.into_inner()).await.map(Response::new)
    }

    async fn list_positions(
        &self,
        request: Request<pb::ListPositionsRequest>,
    ) -> Result<Response<pb::ListPositionsResponse>, Status> {
        self.positions(request.into_inner()).await.map(Response::new)
    }

    async fn get_fund(
        &self,
        request: Request<pb::GetFundRequest>,
    ) -> Result<Response<pb::GetFundResponse>, Status> {
        self.fund(request.into_inner()).await.map(Response::new)
    }

    async fn get_statistics(
        &self,
        request: Request<pb::GetStatisticsRequest>,
    ) -> Result<Response<pb::GetStatisticsResponse>, Status> {
        self.statistics(request.into_inner()).await.map(Response::new)
    }

    type ReconcileStream = BoxStream<'static, Result<pb::ReconcileResponse, Status>>;

    async fn reconcile(
        &self,
        request: Request<pb::ReconcileRequest>,
    ) -> Result<Response<Self::ReconcileStream>, Status> {
        self.reconciliation(request.into_inner()).await.map(Response::new)
    }

    async fn forecast(
        &self,
        request: Request<pb::ForecastRequest>,
    ) -> Result<Response<pb::ForecastResponse>, Status> {
        self.forecast_of(request.into_inner()).await.map(Response::new)
    }
}
