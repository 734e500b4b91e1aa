//! What the nation sets, and what provinces register.

use crate::amount::Yuan;
use crate::call::Call;
use crate::connect::Client;
use prost_types::Timestamp;
use proto::v1::{self as pb, InstitutionKind, KinshipScope, Premium, SuspensionReason, party, set_tariff};
use std::time::SystemTime;

impl Client {
    /// A province joins the scheme, or changes its in-province kinship scope: at once, or see
    /// [`Call::effective`].
    pub fn register_province(
        &self,
        province: impl Into<String>,
        kinship: KinshipScope,
    ) -> Call<pb::RegisterProvince> {
        let province = province.into();
        Call::new(self, pb::RegisterProvince { province, kinship: kinship as i32, effective: None })
    }

    /// A pooling area joins the scheme, closed until opened.
    pub fn register_area(&self, area: impl Into<String>) -> Call<pb::RegisterArea> {
        Call::new(self, pb::RegisterArea { area: area.into() })
    }

    /// An area opens for cross-province aid. See [`Call::until`].
    pub fn set_area_open(&self, area: impl Into<String>, from: SystemTime) -> Call<pb::SetAreaOpen> {
        Call::new(self, pb::SetAreaOpen { area: area.into(), from: Some(Timestamp::from(from)), until: None })
    }

    /// Parameters that take effect at a date.
    pub fn set_policy(&self, effective: SystemTime, policy: pb::Policy) -> Call<pb::SetPolicy> {
        Call::new(self, pb::SetPolicy { effective: Some(Timestamp::from(effective)), policy: Some(policy) })
    }

    /// What an area asks for a premium in a year, from a date on: any amount, unless [`Call::exactly`] or
    /// [`Call::not_offered`] says otherwise.
    pub fn set_tariff(
        &self,
        area: impl Into<String>,
        premium: Premium,
        year: u16,
        effective: SystemTime,
    ) -> Call<pb::SetTariff> {
        let tariff = pb::SetTariff {
            area: area.into(),
            premium: premium as i32,
            year: year.into(),
            effective: Some(Timestamp::from(effective)),
            tariff: Some(set_tariff::Tariff::AnyAmount(pb::AnyAmount {})),
        };
        Call::new(self, tariff)
    }

    /// The holidays on weekdays and the working days on weekends of a year ("2026-10-01"), whole and in order.
    pub fn set_calendar<D: Into<String>>(
        &self,
        year: u16,
        holidays: impl IntoIterator<Item = D>,
        workdays: impl IntoIterator<Item = D>,
    ) -> Call<pb::SetCalendar> {
        let holidays = holidays.into_iter().map(Into::into).collect();
        let workdays = workdays.into_iter().map(Into::into).collect();
        Call::new(self, pb::SetCalendar { year: year.into(), holidays, workdays })
    }

    /// An institution is designated, or changes whether it accepts the wallet.
    pub fn register_institution(
        &self,
        institution: impl Into<String>,
        kind: InstitutionKind,
        area: impl Into<String>,
        wallet_open: bool,
    ) -> Call<pb::RegisterInstitution> {
        let (institution, area) = (institution.into(), area.into());
        Call::new(self, pb::RegisterInstitution { institution, kind: kind as i32, area, wallet_open })
    }

    /// A person may spend no more. `file` is the case number: letters, digits and hyphens.
    pub fn suspend_person(
        &self,
        person: impl Into<String>,
        reason: SuspensionReason,
        file: impl Into<String>,
    ) -> Call<pb::Suspend> {
        self.suspend(party::Who::Person(person.into()), reason, file.into())
    }

    /// Nobody may spend at an institution any more. `file` is the case number: letters, digits and hyphens.
    pub fn suspend_institution(
        &self,
        institution: impl Into<String>,
        reason: SuspensionReason,
        file: impl Into<String>,
    ) -> Call<pb::Suspend> {
        self.suspend(party::Who::Institution(institution.into()), reason, file.into())
    }

    fn suspend(&self, who: party::Who, reason: SuspensionReason, file: String) -> Call<pb::Suspend> {
        let party = Some(pb::Party { who: Some(who) });
        Call::new(self, pb::Suspend { party, reason: reason as i32, file })
    }

    /// A person may spend again. `file` is the case number of the decision.
    pub fn lift_person(
        &self,
        person: impl Into<String>,
        file: impl Into<String>,
    ) -> Call<pb::LiftSuspension> {
        let party = Some(pb::Party { who: Some(party::Who::Person(person.into())) });
        Call::new(self, pb::LiftSuspension { party, file: file.into() })
    }

    /// An institution may be paid again. `file` is the case number of the decision.
    pub fn lift_institution(
        &self,
        institution: impl Into<String>,
        file: impl Into<String>,
    ) -> Call<pb::LiftSuspension> {
        let party = Some(pb::Party { who: Some(party::Who::Institution(institution.into())) });
        Call::new(self, pb::LiftSuspension { party, file: file.into() })
    }
}

impl Call<pb::RegisterProvince> {
    /// In force from this moment.
    pub fn effective(mut self, moment: SystemTime) -> Call<pb::RegisterProvince> {
        self.verb.effective = Some(Timestamp::from(moment));
        self
    }
}

impl Call<pb::SetAreaOpen> {
    /// Closes the area again at this moment.
    pub fn until(mut self, moment: SystemTime) -> Call<pb::SetAreaOpen> {
        self.verb.until = Some(Timestamp::from(moment));
        self
    }
}

impl Call<pb::SetTariff> {
    /// Exactly this much.
    pub fn exactly(mut self, amount: Yuan) -> Call<pb::SetTariff> {
        self.verb.tariff = Some(set_tariff::Tariff::Exactly(amount.to_string()));
        self
    }

    /// The area does not have this insurance.
    pub fn not_offered(mut self) -> Call<pb::SetTariff> {
        self.verb.tariff = Some(set_tariff::Tariff::NotOffered(pb::NotOffered {}));
        self
    }
}
