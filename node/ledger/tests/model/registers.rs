//! What the nation and the provinces set: policy, areas, openings, tariffs, calendars, institutions.

use super::{Model, Openings, Said, Why, in_force};
use ledger::command::{InstitutionKind, KinshipScope, Policy, Premium, Tariff};
use ledger::stamp::{DAY_MS, Day, HOUR_MS};
use ledger::table::{CalendarRecord, InstitutionRecord};
use ledger::{Area, Event, Institution, Province, Refusal, Stamp};

/// How many openings an area keeps, and how many versions anything that is kept by date.
const VERSIONS: usize = 256;

fn sound(policy: &Policy) -> bool {
    let minutes = [policy.offer_return_minute, policy.closed_from_minute, policy.closed_until_minute];
    [
        policy.request_window_ms >= 1_000,
        policy.request_window_ms <= 30 * DAY_MS,
        policy.request_ahead_ms <= 24 * HOUR_MS,
        policy.proposal_days >= 1,
        policy.proposal_days <= 365,
        policy.donors_max >= 1,
        policy.donors_max <= 256,
        policy.hold_ms >= 1,
        policy.hold_ms <= 30 * DAY_MS,
        minutes.iter().all(|minute| *minute <= 23 * 60 + 59),
        policy.prepayment_percent >= 1,
        policy.prepayment_percent <= 10_000,
        policy.prepayment_months >= 1,
        policy.prepayment_months <= 60,
        policy.yellow_percent >= 1,
        policy.red_percent >= policy.yellow_percent,
        policy.source_days >= 1,
        policy.transfer_days >= policy.source_days,
        policy.transfer_days <= 100,
    ]
    .iter()
    .all(|holds| *holds)
}

impl Model {
    pub(super) fn genesis(&mut self, cluster: [u8; 16], policy: Policy) -> Said {
        let mut why = Why::new();
        why.when(self.begun.is_some(), Refusal::AlreadyBegun);
        why.when(!sound(&policy), Refusal::PolicyOutOfRange);
        why.end()?;
        self.begun = Some(self.now);
        self.cluster = cluster;
        self.clearing = self.now.month();
        self.policies.push((self.now, policy));
        self.move_edge();
        Ok(vec![Event::LedgerBegun { cluster }])
    }

    pub(super) fn register_province(
        &mut self,
        province: Province,
        kinship: KinshipScope,
        effective: Option<Stamp>,
    ) -> Said {
        let from = effective.unwrap_or(self.now);
        let mut why = Why::new();
        why.when(from < self.now, Refusal::EffectiveInPast);
        let known = self.provinces.get(&province).map_or(0, Vec::len);
        why.when(known >= VERSIONS, Refusal::PoliciesFull);
        why.end()?;
        self.provinces.entry(province).or_default().push((from, kinship));
        Ok(vec![Event::ProvinceRegistered { province }])
    }

    pub(super) fn register_area(&mut self, area: Area) -> Said {
        let mut why = Why::new();
        why.when(!self.provinces.contains_key(&area.province()), Refusal::ProvinceUnknown);
        why.when(self.areas.contains_key(&area), Refusal::AreaExists);
        why.end()?;
        self.areas.insert(area, Openings::new());
        Ok(vec![Event::AreaRegistered { area }])
    }

    pub(super) fn open_area(&mut self, area: Area, from: Stamp, until: Option<Stamp>) -> Said {
        let mut why = Why::new();
        why.when(from < self.now, Refusal::EffectiveInPast);
        why.when(until.is_some_and(|until| until <= from), Refusal::PeriodEmpty);
        why.when(!self.areas.contains_key(&area), Refusal::AreaUnknown);
        why.when(self.areas.get(&area).is_some_and(|known| known.len() >= VERSIONS), Refusal::OpeningsFull);
        why.end()?;
        self.areas.get_mut(&area).expect("known").push((from, until));
        Ok(vec![Event::AreaOpeningSet { area, from, until }])
    }

    pub fn is_open(&self, area: Area) -> bool {
        let Some(openings) = self.areas.get(&area) else { return false };
        match in_force(openings, self.now) {
            Some(Some(until)) => self.now < *until,
            Some(None) => true,
            None => false,
        }
    }

    /// Whether money may pass between two areas now.
    pub fn passes(&self, one: Area, other: Area) -> bool {
        one.province() == other.province() || self.is_open(one) && self.is_open(other)
    }

    pub(super) fn set_policy(&mut self, effective: Stamp, policy: Policy) -> Said {
        let mut why = Why::new();
        why.when(effective < self.now, Refusal::EffectiveInPast);
        why.when(!sound(&policy), Refusal::PolicyOutOfRange);
        why.when(self.policies.len() >= VERSIONS, Refusal::PoliciesFull);
        why.end()?;
        self.policies.push((effective, policy));
        self.move_edge();
        Ok(vec![Event::PolicySet { effective }])
    }

    pub(super) fn set_tariff(&mut self, key: (Area, Premium, u16), effective: Stamp, tariff: Tariff) -> Said {
        let (area, premium, year) = key;
        let mut why = Why::new();
        why.when(effective < self.now, Refusal::EffectiveInPast);
        why.when(!self.areas.contains_key(&area), Refusal::AreaUnknown);
        why.when(self.tariffs.get(&key).map_or(0, Vec::len) >= VERSIONS, Refusal::PoliciesFull);
        why.end()?;
        self.tariffs.entry(key).or_default().push((effective, tariff));
        Ok(vec![Event::TariffSet { area, premium, year }])
    }

    pub fn tariff(&self, area: Area, premium: Premium, year: u16) -> Tariff {
        let versions = self.tariffs.get(&(area, premium, year));
        let usual = match premium {
            Premium::Resident => Tariff::AnyAmount,
            Premium::Care => Tariff::NotOffered,
        };
        versions.and_then(|versions| in_force(versions, self.now)).copied().unwrap_or(usual)
    }

    pub(super) fn set_calendar(&mut self, year: u16, holidays: Vec<Day>, workdays: Vec<Day>) -> Said {
        let present = self.calendars.get(&year).cloned().unwrap_or_default();
        let today = self.now.day();
        let past = |days: &[Day]| days.iter().copied().filter(|day| *day <= today).collect::<Vec<Day>>();
        let ascends = |days: &[Day]| days.windows(2).all(|pair| pair[0].0 < pair[1].0);
        let belongs = |day: &Day| *day <= Day::MAX && day.civil().0 == year;
        // 1970-01-01, day 0, was a Thursday.
        let weekend = |day: &Day| matches!(day.0 % 7, 2 | 3);
        let mut why = Why::new();
        let stays = past(&present.holidays) == past(&holidays) && past(&present.workdays) == past(&workdays);
        why.when(!stays, Refusal::EffectiveInPast);
        why.when(!holidays.iter().chain(&workdays).all(belongs), Refusal::CalendarInvalid);
        why.when(!ascends(&holidays) || !ascends(&workdays), Refusal::CalendarInvalid);
        why.when(holidays.iter().any(weekend), Refusal::CalendarInvalid);
        why.when(!workdays.iter().all(weekend), Refusal::CalendarInvalid);
        why.end()?;
        self.calendars.insert(year, CalendarRecord { holidays, workdays });
        Ok(vec![Event::CalendarSet { year }])
    }

    /// The n-th working day behind a day.
    pub(super) fn working_day(&self, day: Day, n: u8) -> Day {
        let mut day = day;
        let mut left = n;
        while left > 0 {
            day = Day(day.0 + 1);
            let special = self.calendars.get(&day.civil().0);
            let week = !matches!(day.0 % 7, 2 | 3);
            let works = match (week, special) {
                (true, Some(special)) => !special.holidays.contains(&day),
                (false, Some(special)) => special.workdays.contains(&day),
                (week, None) => week,
            };
            left -= u8::from(works);
        }
        day
    }

    pub(super) fn register_shop(
        &mut self,
        institution: Institution,
        kind: InstitutionKind,
        area: Area,
        wallet_open: bool,
    ) -> Said {
        let known = self.shops.get(&institution);
        let mut why = Why::new();
        why.when(!self.areas.contains_key(&area), Refusal::AreaUnknown);
        why.when(
            known.is_some_and(|shop| shop.kind != kind || shop.area != area),
            Refusal::InstitutionDiffers,
        );
        why.end()?;
        let suspended = known.and_then(|shop| shop.suspended);
        self.shops.insert(institution, InstitutionRecord { kind, area, wallet_open, suspended });
        Ok(vec![Event::InstitutionRegistered { institution, kind, wallet_open }])
    }
}
