//! What governance asks in the course of a year: registers, openings in two stages, parameters, tariffs, the calendar.

use super::land::{CARE_TARIFF, RESIDENT_TARIFF, day_text, holidays};
use super::plan::{Plan, day, days_later, minutes_later, nation, yuan};
use super::step::moment;
use crate::scheme::{self, Stage};
use client::v1::caller::Who;
use client::v1::set_tariff::Tariff;
use client::v1::transaction::Call;
use client::v1::{self, InstitutionKind, KinshipScope, Premium, Reason};
use ledger::{Day, Policy, Stamp};

impl Plan {
    /// What governance asks today, in the morning.
    pub(super) fn govern(&mut self) {
        let (_, month, date) = self.today.civil();
        match (month, date) {
            (1, 1) => self.begin(),
            (1, 2) => self.wrong_governance(),
            (3, 16) => self.second_stage(),
            (5, 11) => self.open_second_places(),
            (6, 10) => self.widen(),
            (8, 5) => self.close_an_area(),
            (8, 20) => self.tariffs(),
            (8, 25) => self.open_it_again(),
            (12, 1) => self.calendar(self.year + 1),
            _ => {}
        }
    }

    fn begin(&mut self) {
        let soon = minutes_later(self.now, 30);
        let pilot = node::wire::policy_to_proto(&Policy::PILOT_2024);
        let national = node::wire::policy_to_proto(&Policy::NATIONAL_2026);
        let first_of_march = day(self.year, 3, 1).start();
        self.done(nation(), policy(soon, pilot));
        self.done(nation(), policy(first_of_march, national));
        for (area, _) in scheme::areas() {
            self.done(nation(), Call::RegisterArea(v1::RegisterArea { area: area.into() }));
        }
        for (area, _) in scheme::areas().filter(|(area, _)| Stage::February2025.opens(area)) {
            self.done(nation(), opening(area, soon, None));
        }
        let [first, _] = self.land.stages();
        first.into_iter().for_each(|area| self.land.open(area, soon, None));
        for place in 0..self.land.institutions.len() {
            self.designate(place);
        }
        self.calendar(self.year);
    }

    fn second_stage(&mut self) {
        let from = day(self.year, 4, 1).start();
        for (area, _) in scheme::areas().filter(|(area, _)| !Stage::February2025.opens(area)) {
            self.done(nation(), opening(area, from, None));
        }
        let [_, second] = self.land.stages();
        second.into_iter().for_each(|area| self.land.open(area, from, None));
    }

    /// Designates an institution, or says again whether it accepts the wallet.
    fn designate(&mut self, place: usize) {
        let there = &self.land.institutions[place];
        let call = v1::RegisterInstitution {
            institution: there.code.clone(),
            kind: there.kind.into(),
            area: self.land.code(there.area).into(),
            wallet_open: there.open,
        };
        let province = self.land.province(there.area).to_owned();
        self.done(Who::Province(province), Call::RegisterInstitution(call));
    }

    fn open_second_places(&mut self) {
        for place in 0..self.land.institutions.len() {
            if !self.land.institutions[place].open {
                self.land.institutions[place].open = true;
                self.designate(place);
            }
        }
    }

    /// Guangdong takes all near relatives in, from July on.
    fn widen(&mut self) {
        let call = v1::RegisterProvince {
            province: "44".into(),
            kinship: KinshipScope::Wide.into(),
            effective: Some(moment(self.land.widening)),
        };
        self.done(nation(), Call::RegisterProvince(call));
    }

    /// An area where many work closes for three weeks.
    fn close_an_area(&mut self) {
        let area = self.closing_area();
        let (from, until) = (day(self.year, 8, 10).start(), day(self.year, 8, 12).start());
        self.done(nation(), opening(self.land.code(area), from, Some(until)));
        self.land.open(area, from, Some(until));
    }

    fn open_it_again(&mut self) {
        let area = self.closing_area();
        let from = day(self.year, 9, 1).start();
        self.done(nation(), opening(self.land.code(area), from, None));
        self.land.open(area, from, None);
    }

    fn closing_area(&self) -> usize {
        (0..self.land.areas.len()).find(|area| self.land.province(*area) == "32").unwrap_or_default()
    }

    /// What premiums of the next year cost, from September on.
    fn tariffs(&mut self) {
        let from = moment(day(self.year, 9, 1).start());
        for area in 0..self.land.areas.len() {
            let mut asked = Vec::new();
            asked.push(match self.land.has_resident_tariff(area) {
                true => (Premium::Resident, Tariff::Exactly(yuan(RESIDENT_TARIFF))),
                false => (Premium::Resident, Tariff::AnyAmount(v1::AnyAmount {})),
            });
            asked.push(match self.land.has_care(area) {
                true => (Premium::Care, Tariff::Exactly(yuan(CARE_TARIFF))),
                false => (Premium::Care, Tariff::NotOffered(v1::NotOffered {})),
            });
            for (premium, tariff) in asked {
                let call = v1::SetTariff {
                    area: self.land.code(area).into(),
                    premium: premium.into(),
                    year: u32::from(self.year) + 1,
                    effective: Some(from),
                    tariff: Some(tariff),
                };
                self.done(nation(), Call::SetTariff(call));
            }
        }
    }

    fn calendar(&mut self, year: u16) {
        let (free, worked) = holidays(year);
        self.done(nation(), calendar(year, &free, &worked));
    }

    /// What nobody may ask, or not so.
    fn wrong_governance(&mut self) {
        let (yesterday, tomorrow) = (Stamp(self.now.0 - 1), days_later(self.now, 1));
        let beijing = self.land.code(0);
        let other = self.land.far_away(0, &mut self.rng);
        let again = Call::RegisterArea(v1::RegisterArea { area: beijing.into() });
        self.wrong(nation(), again, Reason::AreaExists);
        self.wrong(nation(), opening(beijing, yesterday, None), Reason::EffectiveInPast);
        self.wrong(nation(), opening(beijing, tomorrow, Some(tomorrow)), Reason::PeriodEmpty);
        self.wrong(nation(), opening("119900", tomorrow, None), Reason::AreaUnknown);
        let province = || Who::Province("11".into());
        self.wrong(province(), opening(beijing, tomorrow, None), Reason::NotPermitted);
        let mut wide = node::wire::policy_to_proto(&Policy::NATIONAL_2026);
        wide.donors_max = 1_000;
        self.wrong(nation(), policy(tomorrow, wide), Reason::PolicyOutOfRange);
        let (mut free, worked) = holidays(self.year);
        let present = Call::SetCalendar(calendar_of(self.year, &free, &worked));
        free.push(day(self.year, 12, 25));
        free.push(weekend_after(day(self.year, 12, 25)));
        self.wrong(nation(), calendar(self.year, &free, &worked), Reason::CalendarInvalid);
        self.done(nation(), present);
        let hospital = self.land.institutions[0].code.clone();
        let mut moved = v1::RegisterInstitution {
            institution: hospital,
            kind: InstitutionKind::Pharmacy.into(),
            area: beijing.into(),
            wallet_open: true,
        };
        self.wrong(province(), Call::RegisterInstitution(moved.clone()), Reason::InstitutionDiffers);
        moved.area = self.land.code(other).into();
        self.wrong(province(), Call::RegisterInstitution(moved), Reason::NotPermitted);
    }
}

fn policy(effective: Stamp, policy: v1::Policy) -> Call {
    Call::SetPolicy(v1::SetPolicy { effective: Some(moment(effective)), policy: Some(policy) })
}

fn opening(area: &str, from: Stamp, until: Option<Stamp>) -> Call {
    Call::SetAreaOpen(v1::SetAreaOpen {
        area: area.into(),
        from: Some(moment(from)),
        until: until.map(moment),
    })
}

fn calendar(year: u16, free: &[Day], worked: &[Day]) -> Call {
    Call::SetCalendar(calendar_of(year, free, worked))
}

fn calendar_of(year: u16, free: &[Day], worked: &[Day]) -> v1::SetCalendar {
    let texts = |days: &[Day]| days.iter().map(|day| day_text(*day)).collect();
    v1::SetCalendar { year: u32::from(year), holidays: texts(free), workdays: texts(worked) }
}

fn weekend_after(day: Day) -> Day {
    let mut day = day.next();
    while !day.is_weekend() {
        day = day.next();
    }
    day
}
