//! What a server of a script answers to questions: few are asked, and most find nothing.

use super::{Act, Fake};
use client::v1 as pb;
use proto::status;
use proto::v1::Reason;
use proto::v1::query_server::Query;
use std::pin::Pin;
use tokio_stream::Stream;
use tonic::{Request, Response, Status};

#[tonic::async_trait]
impl Query for Fake {
    async fn get_person(
        &self,
        request: Request<pb::GetPersonRequest>,
    ) -> Result<Response<pb::GetPersonResponse>, Status> {
        let request = request.into_inner();
        self.asked.lock().expect("not poisoned").extend(request.consistency);
        match self.act() {
            Some(Act::Say(status)) => Err(status),
            _ => {
                let header = pb::ReplyHeader { index: 1311, age_ms: 20, node: 32_000_001 };
                let person = pb::Person { person: request.person, ..pb::Person::default() };
                Ok(Response::new(pb::GetPersonResponse { header: Some(header), person: Some(person) }))
            }
        }
    }

    async fn get_balances(
        &self,
        _: Request<pb::GetBalancesRequest>,
    ) -> Result<Response<pb::GetBalancesResponse>, Status> {
        Err(status::status(Reason::RecordUnknown, "no such person"))
    }

    async fn get_relation(
        &self,
        _: Request<pb::GetRelationRequest>,
    ) -> Result<Response<pb::GetRelationResponse>, Status> {
        Err(status::status(Reason::RecordUnknown, "no such relation"))
    }

    async fn list_relations(
        &self,
        request: Request<pb::ListRelationsRequest>,
    ) -> Result<Response<pb::ListRelationsResponse>, Status> {
        // Seven relations, in pages of the size that is asked for; the token is where the next page starts.
        let request = request.into_inner();
        let start: u64 = request.page_token.parse().unwrap_or(0);
        let end = (start + u64::from(request.page_size.max(1))).min(7);
        let relation =
            |index: u64| pb::Relation { relation: format!("{index}-0"), ..pb::Relation::default() };
        Ok(Response::new(pb::ListRelationsResponse {
            header: None,
            relations: (start..end).map(relation).collect(),
            next_page_token: if end < 7 { end.to_string() } else { String::new() },
        }))
    }

    async fn get_payment(
        &self,
        _: Request<pb::GetPaymentRequest>,
    ) -> Result<Response<pb::GetPaymentResponse>, Status> {
        Err(status::status(Reason::RecordUnknown, "no such settlement"))
    }

    async fn list_obligations(
        &self,
        _: Request<pb::ListObligationsRequest>,
    ) -> Result<Response<pb::ListObligationsResponse>, Status> {
        Ok(Response::new(pb::ListObligationsResponse::default()))
    }

    async fn list_movements(
        &self,
        _: Request<pb::ListMovementsRequest>,
    ) -> Result<Response<pb::ListMovementsResponse>, Status> {
        Ok(Response::new(pb::ListMovementsResponse::default()))
    }

    async fn get_institution(
        &self,
        _: Request<pb::GetInstitutionRequest>,
    ) -> Result<Response<pb::GetInstitutionResponse>, Status> {
        Err(status::status(Reason::RecordUnknown, "no such institution"))
    }

    async fn get_policy(
        &self,
        _: Request<pb::GetPolicyRequest>,
    ) -> Result<Response<pb::GetPolicyResponse>, Status> {
        Err(status::status(Reason::RecordUnknown, "no such policy"))
    }

    async fn get_province(
        &self,
        _: Request<pb::GetProvinceRequest>,
    ) -> Result<Response<pb::GetProvinceResponse>, Status> {
        Err(status::status(Reason::RecordUnknown, "no such province"))
    }

    async fn get_area(
        &self,
        _: Request<pb::GetAreaRequest>,
    ) -> Result<Response<pb::GetAreaResponse>, Status> {
        Err(status::status(Reason::RecordUnknown, "no such area"))
    }

    async fn get_tariff(
        &self,
        _: Request<pb::GetTariffRequest>,
    ) -> Result<Response<pb::GetTariffResponse>, Status> {
        Err(status::status(Reason::RecordUnknown, "no such tariff"))
    }

    async fn get_calendar(
        &self,
        _: Request<pb::GetCalendarRequest>,
    ) -> Result<Response<pb::GetCalendarResponse>, Status> {
        Err(status::status(Reason::RecordUnknown, "no such calendar"))
    }

    async fn get_offer(
        &self,
        _: Request<pb::GetOfferRequest>,
    ) -> Result<Response<pb::GetOfferResponse>, Status> {
        Err(status::status(Reason::RecordUnknown, "no such offer"))
    }

    async fn get_hold(
        &self,
        _: Request<pb::GetHoldRequest>,
    ) -> Result<Response<pb::GetHoldResponse>, Status> {
        Err(status::status(Reason::RecordUnknown, "no such hold"))
    }

    async fn get_refund(
        &self,
        _: Request<pb::GetRefundRequest>,
    ) -> Result<Response<pb::GetRefundResponse>, Status> {
        Err(status::status(Reason::RecordUnknown, "no such refund"))
    }

    async fn get_case(
        &self,
        _: Request<pb::GetCaseRequest>,
    ) -> Result<Response<pb::GetCaseResponse>, Status> {
        Err(status::status(Reason::RecordUnknown, "no such case"))
    }

    async fn get_period(
        &self,
        _: Request<pb::GetPeriodRequest>,
    ) -> Result<Response<pb::GetPeriodResponse>, Status> {
        Err(status::status(Reason::RecordUnknown, "no such period"))
    }

    async fn list_clearing(
        &self,
        _: Request<pb::ListClearingRequest>,
    ) -> Result<Response<pb::ListClearingResponse>, Status> {
        Err(status::status(Reason::RecordUnknown, "not closed"))
    }

    async fn list_positions(
        &self,
        _: Request<pb::ListPositionsRequest>,
    ) -> Result<Response<pb::ListPositionsResponse>, Status> {
        Err(status::status(Reason::RecordUnknown, "no positions"))
    }

    async fn get_fund(
        &self,
        _: Request<pb::GetFundRequest>,
    ) -> Result<Response<pb::GetFundResponse>, Status> {
        Err(status::status(Reason::RecordUnknown, "no such fund"))
    }

    async fn get_statistics(
        &self,
        _: Request<pb::GetStatisticsRequest>,
    ) -> Result<Response<pb::GetStatisticsResponse>, Status> {
        Err(status::status(Reason::RecordUnknown, "no report"))
    }

    type ReconcileStream = Pin<Box<dyn Stream<Item = Result<pb::ReconcileResponse, Status>> + Send>>;

    async fn reconcile(
        &self,
        request: Request<pb::ReconcileRequest>,
    ) -> Result<Response<Self::ReconcileStream>, Status> {
        // A day of three rows in two messages; the first stream breaks before the totals.
        let row = |index: u64| pb::ReconcileRow { payment: format!("{index}-0"), ..Default::default() };
        let rows_wanted = !request.into_inner().totals_only;
        let first = pb::ReconcileResponse {
            rows: (1..=2).filter(|_| rows_wanted).map(row).collect(),
            ..Default::default()
        };
        let last = pb::ReconcileResponse {
            header: Some(pb::ReplyHeader { index: 1311, age_ms: 0, node: 32_000_001 }),
            rows: (3..=3).filter(|_| rows_wanted).map(row).collect(),
            totals: vec![pb::ReconcileTotal { count: 3, ..Default::default() }],
            last: true,
        };
        let messages = match self.act() {
            Some(Act::Say(status)) => vec![Ok(first), Err(status)],
            Some(_) => vec![Ok(first)],
            None => vec![Ok(first), Ok(last)],
        };
        Ok(Response::new(Box::pin(tokio_stream::iter(messages))))
    }

    async fn forecast(
        &self,
        request: Request<pb::ForecastRequest>,
    ) -> Result<Response<pb::ForecastResponse>, Status> {
        let transaction = request.into_inner().transaction.unwrap_or_default();
        let result = pb::Result {
            request_id: transaction.request_id,
            outcome: pb::Outcome::Refused as i32,
            reason: pb::Reason::NotCovered as i32,
            ..pb::Result::default()
        };
        Ok(Response::new(pb::ForecastResponse { header: None, result: Some(result) }))
    }
}
