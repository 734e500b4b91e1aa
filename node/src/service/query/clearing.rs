//! Obligations, lines, positions, funds and the published report.

use super::pages::{Passing, begin, page, page_rows};
use super::{QueryService, absent, bad, find};
use crate::service::unwell;
use crate::wire;
use ::ledger::table::{LedgerRecord, PeriodRecord, Use};
use ::ledger::{Area, Key, Month, Province, Row, statistics, views};
use proto::v1 as pb;
use tonic::Status;

/// The lowest area code that the scheme can have.
fn lowest() -> Area {
    Area::new(110_000).expect("Beijing is a province of the scheme")
}

fn obligations_from(month: Month) -> Key {
    Key::Obligation { month, payer: lowest(), payee: lowest(), usage: Use::Institution }
}

fn lines_from(month: Month) -> Key {
    Key::Clearing { month, payer: lowest(), payee: lowest() }
}

/// Which areas are wanted; none for all.
struct Wanted {
    payer: Option<Province>,
    payee: Option<Province>,
    either: Option<Province>,
}

impl Wanted {
    fn fits(&self, payer: Area, payee: Area) -> bool {
        let (payer, payee) = (payer.province(), payee.province());
        self.payer.is_none_or(|province| payer == province)
            && self.payee.is_none_or(|province| payee == province)
            && self.either.is_none_or(|province| payer == province || payee == province)
    }
}

impl QueryService {
    pub(super) async fn obligations(
        &self,
        asked: pb::ListObligationsRequest,
    ) -> Result<pb::ListObligationsResponse, Status> {
        let month = wire::month_from_proto("month", &asked.month).map_err(bad)?;
        let wanted = Wanted {
            payer: wire::province_if_given("payer_province", &asked.payer_province).map_err(bad)?,
            payee: wire::province_if_given("payee_province", &asked.payee_province).map_err(bad)?,
            either: None,
        };
        let filter = format!("obligations {} {} {}", asked.month, asked.payer_province, asked.payee_province);
        let (first, until) = (obligations_from(month), obligations_from(month.next()));
        let from = begin(&filter, &asked.page_token, first, until)?;
        self.shared.fresh(asked.consistency.as_ref()).await?;
        let reader = self.shared.state.reader();
        let most = page_rows(asked.page_size);
        let (obligations, next_page_token) =
            page(&reader, &filter, from, until, most, |key, row| match (*key, row) {
                (Key::Obligation { month, payer, payee, usage }, Row::Obligation(record)) => wanted
                    .fits(payer, payee)
                    .then(|| wire::obligation_to_proto(month, payer, payee, usage, record)),
                _ => None,
            })?;
        let header = Some(self.shared.reply_header(&reader));
        Ok(pb::ListObligationsResponse { header, obligations, next_page_token })
    }

    pub(super) async fn lines(
        &self,
        asked: pb::ListClearingRequest,
    ) -> Result<pb::ListClearingResponse, Status> {
        let month = wire::month_from_proto("month", &asked.month).map_err(bad)?;
        let wanted = Wanted {
            payer: wire::province_if_given("payer_province", &asked.payer_province).map_err(bad)?,
            payee: wire::province_if_given("payee_province", &asked.payee_province).map_err(bad)?,
            either: wire::province_if_given("province", &asked.province).map_err(bad)?,
        };
        let pb::ListClearingRequest { payer_province, payee_province, province, .. } = &asked;
        let filter = format!("clearing {} {payer_province} {payee_province} {province}", asked.month);
        let (first, until) = (lines_from(month), lines_from(month.next()));
        let from = begin(&filter, &asked.page_token, first, until)?;
        self.shared.fresh(asked.consistency.as_ref()).await?;
        let reader = self.shared.state.reader();
        let period = find::<PeriodRecord>(&reader, &Key::Period { month })?;
        if period.is_none_or(|period| period.closed.is_none()) {
            return Err(absent("the month is not closed: it has obligations, but no lines yet"));
        }
        let most = page_rows(asked.page_size);
        let (lines, next_page_token) =
            page(&reader, &filter, from, until, most, |key, row| match (*key, row) {
                (Key::Clearing { month, payer, payee }, Row::Clearing(record)) => {
                    wanted.fits(payer, payee).then(|| wire::line_to_proto(month, payer, payee, record))
                }
                _ => None,
            })?;
        let header = Some(self.shared.reply_header(&reader));
        Ok(pb::ListClearingResponse { header, lines, next_page_token })
    }

    pub(super) async fn positions(
        &self,
        asked: pb::ListPositionsRequest,
    ) -> Result<pb::ListPositionsResponse, Status> {
        let month = wire::month_from_proto("month", &asked.month).map_err(bad)?;
        self.shared.fresh(asked.consistency.as_ref()).await?;
        let header = self.shared.reply_header(&self.shared.state.reader());
        let found = self.at_length(move |view| views::positions(view, month)).await?;
        Ok(pb::ListPositionsResponse {
            header: Some(header),
            closed_at: found.closed.map(wire::stamp_to_proto),
            positions: found.provinces.iter().map(wire::position_to_proto).collect(),
        })
    }

    pub(super) async fn fund(&self, asked: pb::GetFundRequest) -> Result<pb::GetFundResponse, Status> {
        let province = wire::province_from_proto("province", &asked.province).map_err(bad)?;
        let month = match asked.month.as_str() {
            "" => None,
            month => Some(wire::month_from_proto("month", month).map_err(bad)?),
        };
        self.shared.fresh(asked.consistency.as_ref()).await?;
        let reader = self.shared.state.reader();
        let ledger = find::<LedgerRecord>(&reader, &Key::Ledger {})?
            .ok_or_else(|| absent("the ledger has not begun"))?;
        let month = month.unwrap_or(ledger.now.month());
        let usage = views::fund_usage(&reader, month, province).map_err(|fault| unwell(&fault))?;
        let recommended = views::recommended_fund(&reader, province).map_err(|fault| unwell(&fault))?;
        let fund = wire::fund_to_proto(province, month, &usage, &recommended);
        let header = Some(self.shared.reply_header(&reader));
        Ok(pb::GetFundResponse { header, fund: Some(fund) })
    }

    pub(super) async fn statistics(
        &self,
        asked: pb::GetStatisticsRequest,
    ) -> Result<pb::GetStatisticsResponse, Status> {
        let until = wire::month_from_proto("until", &asked.until).map_err(bad)?;
        self.shared.fresh(asked.consistency.as_ref()).await?;
        let header = self.shared.reply_header(&self.shared.state.reader());
        let report = self.at_length(move |view| statistics::report(view, until)).await?;
        let statistics = Some(wire::statistics_to_proto(&report));
        Ok(pb::GetStatisticsResponse { header: Some(header), statistics })
    }

    /// Reads at length, beside the tasks of the node and without holding up what is applied meanwhile.
    pub(super) async fn at_length<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Passing) -> Result<T, crate::fault::Fault> + Send + 'static,
    ) -> Result<T, Status> {
        let view = Passing(self.shared.state.clone());
        let reading = tokio::task::spawn_blocking(move || read(&view));
        reading
            .await
            .map_err(|problem| Status::internal(problem.to_string()))?
            .map_err(|fault| unwell(&fault))
    }
}
