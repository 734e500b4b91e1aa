//! Asks of the nation and the provinces.

use super::world::{AREAS, SHOPS, amount, area, kind, province, shop};
use super::{Ask, Sender, Verb};
use crate::model::Model;
use ledger::command::{InstitutionKind, KinshipScope, Party, Premium, SuspensionReason, Tariff};
use ledger::stamp::{Day, HOUR_MS};
use ledger::{Call, Caller, FileNumber};

impl Sender {
    pub(super) fn nation(&mut self, model: &Model, ask: &Ask) -> (Caller, Call) {
        let [a, b, c, d, e, ..] = ask.pick;
        let call = match ask.verb {
            Verb::Genesis => Call::Genesis { cluster: [7; 16], policy: self.policy(ask.pick) },
            Verb::RegisterProvince => {
                let kinship = if b.is_multiple_of(2) { KinshipScope::Wide } else { KinshipScope::Narrow };
                let effective = (c > 128).then(|| self.moment(d));
                let number = if e > 250 { 9 } else { a % 9 };
                Call::RegisterProvince { province: province(number), kinship, effective }
            }
            Verb::RegisterArea => Call::RegisterArea { area: area(a) },
            Verb::SetAreaOpen => {
                let from = self.moment(b);
                let until = match c % 12 {
                    0 => Some(from.plus_ms(HOUR_MS)),
                    1 if d < 60 => Some(from),
                    _ => None,
                };
                Call::SetAreaOpen { area: area(a), from, until }
            }
            Verb::SetPolicy => {
                Call::SetPolicy { effective: self.moment(ask.pick[6]), policy: self.policy(ask.pick) }
            }
            Verb::RegisterInstitution => {
                let (institution, mut place) = (shop(a), area(SHOPS[usize::from(a) % SHOPS.len()].1));
                let mut kind = kind(institution);
                match b {
                    0..200 => {}
                    200..228 => place = area(c),
                    228.. if kind == InstitutionKind::Hospital => kind = InstitutionKind::Pharmacy,
                    228.. => kind = InstitutionKind::Hospital,
                }
                let wallet_open = d.is_multiple_of(4) || a % 7 != 3;
                let call = Call::RegisterInstitution { institution, kind, area: place, wallet_open };
                return (Caller::Province(place.province()), call);
            }
            Verb::Suspend | Verb::LiftSuspension => return self.supervise(model, ask),
            Verb::SetTariff => {
                let premium = if b.is_multiple_of(2) { Premium::Resident } else { Premium::Care };
                let tariff = match c % 4 {
                    0 => Tariff::NotOffered,
                    1 => Tariff::Exactly(amount(d)),
                    _ => Tariff::AnyAmount,
                };
                let (year, effective) = (2026 + u16::from(e % 2), self.moment(ask.pick[5]));
                Call::SetTariff { area: area(a), premium, year, effective, tariff }
            }
            Verb::SetCalendar => self.calendar(model, ask),
            other => panic!("{other:?} is no verb of the nation"),
        };
        (Caller::National, call)
    }

    fn supervise(&mut self, model: &Model, ask: &Ask) -> (Caller, Call) {
        let [a, b, c, d, ..] = ask.pick;
        let lifts = ask.verb == Verb::LiftSuspension;
        let suspended = self.someone_who(model, a, |model, id| model.human(id).suspended.is_some());
        let closed = model.shops.iter().find(|(_, shop)| shop.suspended.is_some()).map(|(id, _)| *id);
        let party = match (b, suspended) {
            (0..90, _) if lifts && closed.is_some() => Party::Institution(closed.expect("just seen")),
            (0..50, _) => Party::Institution(shop(a)),
            (_, Some(person)) if lifts => Party::Person(person),
            _ => Party::Person(self.someone(model, a)),
        };
        let place = match party {
            Party::Person(person) => model.people.get(&person).map(|human| human.area),
            Party::Institution(shop) => model.shops.get(&shop).map(|shop| shop.area),
        };
        let by = match place {
            Some(place) if c < 100 => Caller::Province(place.province()),
            _ => Caller::National,
        };
        let file = FileNumber::new("2026-17").expect("a number");
        let reasons =
            [SuspensionReason::Impersonation, SuspensionReason::FalseSettlement, SuspensionReason::Other];
        let reason = reasons[usize::from(d) % 3];
        (by, if lifts { Call::LiftSuspension { party, file } } else { Call::Suspend { party, reason, file } })
    }

    /// Mostly the present calendar with another day in it; sometimes a wrong one.
    fn calendar(&mut self, model: &Model, ask: &Ask) -> Call {
        let [a, b, c, d, ..] = ask.pick;
        let today = model.now.day();
        let year = today.civil().0 + u16::from(c > 240);
        let mut record = model.calendars.get(&year).cloned().unwrap_or_default();
        // Within the next days mostly, so that working days of cases hang on it.
        let mut day = Day((today.0 + 1 + u32::from(a) % 30).saturating_sub(if b > 235 { 31 } else { 0 }));
        if c > 240 {
            day = Day::new(year, 1 + a % 12, 1 + b % 28).expect("a date");
        }
        let weekend = matches!(day.0 % 7, 2 | 3);
        let list = if weekend != (d > 240) { &mut record.workdays } else { &mut record.holidays };
        match list.iter().position(|one| *one == day) {
            Some(place) => _ = list.remove(place),
            None => list.push(day),
        }
        if d < 225 {
            list.sort();
        }
        Call::SetCalendar { year, holidays: record.holidays, workdays: record.workdays }
    }
}

const _: () =
    assert!(AREAS.len() == 10, "RegisterProvince picks the last for a province that is not yet known");
