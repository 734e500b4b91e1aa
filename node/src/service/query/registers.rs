//! What governance has set.

use super::{QueryService, absent, bad, find};
use crate::state::Reader;
use crate::wire;
use ::ledger::table::{AreaRecord, CalendarRecord, LedgerRecord, PolicyRecord, ProvinceRecord, TariffRecord};
use ::ledger::{Key, Stamp};
use proto::v1 as pb;
use tonic::Status;

/// Ledger time; 0 before genesis.
pub(super) fn now(reader: &Reader<'_>) -> Result<Stamp, Status> {
    let ledger = find::<LedgerRecord>(reader, &Key::Ledger {})?;
    Ok(ledger.map_or(Stamp(0), |ledger| ledger.now))
}

impl QueryService {
    pub(super) async fn policy(&self, asked: pb::GetPolicyRequest) -> Result<pb::GetPolicyResponse, Status> {
        self.shared.fresh(asked.consistency.as_ref()).await?;
        let reader = self.shared.state.reader();
        let record = find::<PolicyRecord>(&reader, &Key::Policy {})?;
        let record = record.ok_or_else(|| absent("the ledger has not begun"))?;
        let policy = Some(wire::policy_to_proto(&record.in_force(now(&reader)?)));
        let header = Some(self.shared.reply_header(&reader));
        Ok(pb::GetPolicyResponse { header, policy, versions: wire::policies_to_proto(&record) })
    }

    pub(super) async fn province(
        &self,
        asked: pb::GetProvinceRequest,
    ) -> Result<pb::GetProvinceResponse, Status> {
        let province = wire::province_from_proto("province", &asked.province).map_err(bad)?;
        self.shared.fresh(asked.consistency.as_ref()).await?;
        let reader = self.shared.state.reader();
        let record = find::<ProvinceRecord>(&reader, &Key::Province { province })?;
        let record = record.ok_or_else(|| absent("the province is not registered"))?;
        let found = Some(wire::province_to_proto(province, &record, now(&reader)?));
        let header = Some(self.shared.reply_header(&reader));
        Ok(pb::GetProvinceResponse { header, province: found })
    }

    pub(super) async fn area(&self, asked: pb::GetAreaRequest) -> Result<pb::GetAreaResponse, Status> {
        let area = wire::area_from_proto("area", &asked.area).map_err(bad)?;
        self.shared.fresh(asked.consistency.as_ref()).await?;
        let reader = self.shared.state.reader();
        let record = find::<AreaRecord>(&reader, &Key::Area { area })?;
        let record = record.ok_or_else(|| absent("the area is not registered"))?;
        let found = Some(wire::area_to_proto(area, &record, now(&reader)?));
        Ok(pb::GetAreaResponse { header: Some(self.shared.reply_header(&reader)), area: found })
    }

    pub(super) async fn tariff(&self, asked: pb::GetTariffRequest) -> Result<pb::GetTariffResponse, Status> {
        let area = wire::area_from_proto("area", &asked.area).map_err(bad)?;
        let premium = wire::premium_from_proto("premium", asked.premium).map_err(bad)?;
        let year = wire::year_from_proto("year", asked.year).map_err(bad)?;
        self.shared.fresh(asked.consistency.as_ref()).await?;
        let reader = self.shared.state.reader();
        let record = find::<TariffRecord>(&reader, &Key::Tariff { area, premium, year })?;
        // None set is an answer, too: it has a meaning for either premium.
        let (current, versions) = match record {
            Some(record) => wire::tariffs_to_proto(&record, now(&reader)?),
            None => (None, Vec::new()),
        };
        Ok(pb::GetTariffResponse { header: Some(self.shared.reply_header(&reader)), current, versions })
    }

    pub(super) async fn calendar(
        &self,
        asked: pb::GetCalendarRequest,
    ) -> Result<pb::GetCalendarResponse, Status> {
        let year = wire::year_from_proto("year", asked.year).map_err(bad)?;
        let unset = "no calendar of this year is set: Monday to Friday are working days";
        let (header, record) =
            self.one::<CalendarRecord>(asked.consistency, &Key::Calendar { year }, unset).await?;
        Ok(pb::GetCalendarResponse { header, calendar: Some(wire::calendar_to_proto(year, &record)) })
    }
}
