//! People pay: at hospitals and pharmacies all year, premiums in autumn.

use super::land::{CARE_TARIFF, RESIDENT_TARIFF};
use super::people::{Human, Stand, Status};
use super::plan::{Held, Later, Paid, Plan, day, yuan};
use super::step::{Hour, named};
use client::v1::caller::Who;
use client::v1::transaction::Call;
use client::v1::{self, Credential, CredentialKind, InstitutionKind, Premium, Reason};
use ledger::Day;

/// Payments of a day for each hundred people.
const PAYMENTS: u64 = 8;

/// Kinds of service at a hospital, by weight, with the least and the most that a personal share is, in yuan.
const AT_HOSPITAL: [((&str, u64, u64), u64); 11] = [
    (("", 20, 400), 46),
    (("11", 20, 400), 14),
    (("12", 10, 60), 5),
    (("13", 50, 900), 6),
    (("14", 30, 500), 6),
    (("140104", 30, 500), 4),
    (("21", 400, 4_500), 8),
    (("2101", 400, 4_500), 4),
    (("51", 100, 2_000), 2),
    (("9903", 20, 300), 4),
    (("41", 20, 200), 1),
];
/// And at a pharmacy.
const AT_PHARMACY: [((&str, u64, u64), u64); 4] =
    [(("", 10, 180), 70), (("41", 10, 180), 20), (("4101", 10, 180), 6), (("11", 10, 180), 4)];

/// A visit that is paid.
#[derive(Clone, Debug)]
pub struct Visit {
    pub human: usize,
    pub institution: usize,
    pub med_type: &'static str,
    pub amount: u64,
    pub own: bool,
    pub all: bool,
    pub credential: Option<Credential>,
}

impl Plan {
    /// Some of the day's payments: so many percent.
    pub(super) fn payments(&mut self, percent: u64) {
        let people = self.humans.iter().filter(|human| human.enrolled).count() as u64;
        let hundredths = people * PAYMENTS * percent / 100;
        let often = hundredths / 100 + u64::from(self.rng.below(100) < hundredths % 100);
        for _ in 0..often {
            // Those with donors pay more often: this is a play about mutual aid.
            let aided = self.rng.percent(60);
            if let Some(human) =
                self.somebody(|human| human.acts() && (!aided || !human.receiving.is_empty()))
            {
                self.pay(human);
            }
        }
    }

    /// Somebody pays somewhere.
    pub(super) fn pay(&mut self, human: usize) {
        let Some(visit) = self.visit(human) else { return };
        let call = Call::Settle(self.settle(&visit));
        self.pay_visit(&visit, call);
    }

    fn pay_visit(&mut self, visit: &Visit, call: Call) -> usize {
        let who = self.at(visit.institution);
        let step = self.step(who.clone(), call, super::step::Expect::Done);
        let paid = Paid {
            step: step.number,
            request: step.request.clone(),
            who,
            beneficiary: visit.human,
            left: visit.amount,
            unsure: false,
            day: self.today,
            premium: None,
        };
        self.push(step);
        self.spent(visit.human, visit.amount, visit.own);
        self.paid.push(paid);
        self.paid.len() - 1
    }

    /// A visit at a place near home, or near the family's.
    pub(super) fn visit(&mut self, human: usize) -> Option<Visit> {
        let home = self.humans[human].area;
        let area = match self.rng.below(100) {
            0..72 => home,
            72..84 => self.land.nearby(home, &mut self.rng).unwrap_or(home),
            _ => {
                let family = self.humans[human].family;
                let near = (human.saturating_sub(4)..(human + 5).min(self.humans.len()))
                    .filter(|other| self.humans[*other].family == family)
                    .map(|other| self.humans[other].area)
                    .collect::<Vec<_>>();
                self.rng.pick(&near)
            }
        };
        let hospital = self.rng.percent(58);
        let kind = if hospital { InstitutionKind::Hospital } else { InstitutionKind::Pharmacy };
        let institution = self.land.institution(area, kind, &mut self.rng)?;
        let (med_type, least, most) = match hospital {
            true => self.rng.weighed(&AT_HOSPITAL),
            false => self.rng.weighed(&AT_PHARMACY),
        };
        let amount = self.rng.between(least * 100, most * 100);
        let own = !self.rng.percent(15);
        let all = self.rng.percent(6) && self.surely_covers(human, institution, amount, own);
        let kinds = [CredentialKind::ElectronicCode, CredentialKind::IdentityCard];
        let credential = self.rng.percent(25).then(|| Credential {
            kind: self.rng.pick(&kinds).into(),
            holder: self.humans[human].id.clone(),
        });
        Some(Visit { human, institution, med_type, amount, own, all, credential })
    }

    /// Whether own account and quotas certainly cover a payment.
    fn surely_covers(&self, human: usize, institution: usize, amount: u64, own: bool) -> bool {
        let person = &self.humans[human];
        let own = if own && person.status != Status::Frozen { person.sure } else { 0 };
        let payee = self.land.institutions[institution].area;
        let usable = |bond: &&usize| {
            let bond = &self.bonds[**bond];
            let donor = &self.humans[bond.pair.donor];
            let pays = donor.insured()
                && donor.status != Status::Frozen
                && !donor.suspended
                && donor.employee
                && donor.account.is_some_and(|keeper| self.land.passes(keeper, payee, self.now));
            bond.stand == Stand::Active && bond.expires.is_none_or(|day| self.today < day) && pays
        };
        let quotas: u64 = person.receiving.iter().filter(usable).map(|bond| self.bonds[*bond].sure).sum();
        own + quotas >= amount
    }

    /// What a payment leaves at least.
    pub(super) fn spent(&mut self, human: usize, amount: u64, own: bool) {
        let person = &mut self.humans[human];
        if own {
            person.sure = person.sure.saturating_sub(amount);
        }
        for bond in &self.humans[human].receiving {
            let bond = &mut self.bonds[*bond];
            bond.sure = bond.sure.saturating_sub(amount);
        }
    }

    /// An institution.
    pub(super) fn at(&self, institution: usize) -> Who {
        Who::Institution(self.land.institutions[institution].code.clone())
    }

    pub(super) fn settle(&self, visit: &Visit) -> v1::Settle {
        v1::Settle {
            beneficiary: self.humans[visit.human].id.clone(),
            institution: self.land.institutions[visit.institution].code.clone(),
            amount: yuan(visit.amount),
            use_own_account: if visit.own { None } else { Some(false) },
            all_or_nothing: visit.all,
            credential: visit.credential.clone(),
            med_type: visit.med_type.into(),
        }
    }

    /// Some payments are authorised first: to be confirmed, voided, or left to run out.
    pub(super) fn authorise(&mut self) {
        let people = self.humans.len() as u64;
        for _ in 0..self.rng.today(people * 3) {
            let Some(human) = self.somebody(Human::acts) else { continue };
            let Some(visit) = self.visit(human) else { continue };
            self.hold(visit);
        }
    }

    /// Money for a visit is held. Tells which hold.
    pub(super) fn hold(&mut self, visit: Visit) -> usize {
        let v1::Settle {
            beneficiary,
            institution,
            amount,
            use_own_account,
            all_or_nothing,
            credential,
            med_type,
        } = self.settle(&visit);
        let call = v1::AuthoriseSpend {
            beneficiary,
            institution,
            amount,
            use_own_account,
            all_or_nothing,
            credential,
            med_type,
        };
        let who = self.at(visit.institution);
        let step = self.step(who, Call::AuthoriseSpend(call), super::step::Expect::Done);
        let (number, request) = (step.number, step.request.clone());
        self.push(step);
        self.spent(visit.human, visit.amount, visit.own);
        let (institution, beneficiary, amount) = (visit.institution, visit.human, visit.amount);
        self.held.push(Held { step: number, request, institution, beneficiary, amount, open: true });
        let place = self.held.len() - 1;
        match self.rng.below(100) {
            0..92 => self.later(0, Hour::Noon, Later::Resolve(place)),
            _ => self.later(0, Hour::Afternoon, Later::Resolved(place)),
        }
        place
    }

    /// What is held is confirmed, in part or whole, or voided.
    pub(super) fn resolve(&mut self, place: usize) {
        let Held { step, institution, beneficiary, amount, open, .. } = self.held[place].clone();
        if !open {
            return;
        }
        self.held[place].open = false;
        let who = self.at(institution);
        let void = Call::VoidSpend(v1::VoidSpend { hold: named(step) });
        let confirm = |amount: Option<u64>| {
            Call::ConfirmSpend(v1::ConfirmSpend { hold: named(step), amount: amount.map(yuan) })
        };
        if self.rng.percent(3) {
            self.wrong(who.clone(), confirm(Some(amount + 1)), Reason::HoldExceeded);
        }
        if self.rng.percent(14) {
            self.done(who.clone(), void.clone());
            if self.rng.percent(15) {
                self.wrong(who, void, Reason::HoldNotOpen);
            }
            return;
        }
        let part = self.rng.percent(25).then(|| self.rng.between(1, amount));
        let confirmation = self.step(who.clone(), confirm(part), super::step::Expect::Done);
        let paid = Paid {
            step: confirmation.number,
            request: confirmation.request.clone(),
            who,
            beneficiary,
            left: part.unwrap_or(amount),
            unsure: false,
            day: self.today,
            premium: None,
        };
        self.push(confirmation);
        self.paid.push(paid);
    }

    /// A hold that nobody resolved in time.
    pub(super) fn resolve_too_late(&mut self, place: usize) {
        let Held { step, institution, open, .. } = self.held[place].clone();
        if !open {
            return;
        }
        self.held[place].open = false;
        let confirm = Call::ConfirmSpend(v1::ConfirmSpend { hold: named(step), amount: None });
        self.wrong(self.at(institution), confirm, Reason::HoldNotOpen);
    }

    /// Who pays which premium, and when: decided with the seed.
    pub(super) fn plan_season(&mut self) {
        let (from, until) = (day(self.year, 9, 1).0, day(self.year, 12, 29).0);
        for human in 0..self.humans.len() {
            for (premium, chance) in [(Premium::Resident, 85), (Premium::Care, 45)] {
                if self.rng.percent(chance) {
                    let on = Day(self.rng.between(u64::from(from), u64::from(until)) as u32);
                    self.season.entry(on).or_default().push((human, premium));
                }
            }
        }
    }

    /// The premiums of today.
    pub(super) fn premiums(&mut self) {
        for (human, premium) in self.season.remove(&self.today).unwrap_or_default() {
            if self.humans[human].acts() {
                self.premium(human, premium);
            }
        }
    }

    /// What a premium costs somebody, if it is to be had and may be any amount, any.
    fn price(&mut self, human: usize, premium: Premium) -> Option<u64> {
        let person = &self.humans[human];
        let area = person.area;
        match premium {
            Premium::Resident if person.employee => None,
            Premium::Resident if self.land.has_resident_tariff(area) => Some(RESIDENT_TARIFF),
            Premium::Resident => Some(self.rng.between(38_000, 42_000)),
            Premium::Care => self.land.has_care(area).then_some(CARE_TARIFF),
            Premium::Unspecified => None,
        }
    }

    /// Somebody pays a premium of the next year, once.
    pub(super) fn premium(&mut self, human: usize, premium: Premium) {
        let year = u32::from(self.year) + 1;
        let who = self.person(human);
        let own = !self.rng.percent(10);
        let call = |amount: u64, person: &Human| {
            Call::PayPremium(v1::PayPremium {
                beneficiary: person.id.clone(),
                premium: premium.into(),
                year,
                amount: yuan(amount),
                use_own_account: if own { None } else { Some(false) },
                all_or_nothing: false,
            })
        };
        let Some(price) = self.price(human, premium) else {
            if self.rng.percent(4) {
                let reason = match premium {
                    Premium::Resident => Reason::PremiumNotEligible,
                    Premium::Care | Premium::Unspecified => Reason::PremiumNotOffered,
                };
                let call = call(RESIDENT_TARIFF, &self.humans[human]);
                self.wrong(who, call, reason);
            }
            return;
        };
        let call = |price| call(price, &self.humans[human]);
        let (right, off) = (call(price), call(price + 1));
        let fixed = premium == Premium::Care || self.land.has_resident_tariff(self.humans[human].area);
        if self.humans[human].premiums.contains_key(&(premium.into(), year)) {
            return self.wrong(who, right, Reason::PremiumPaid);
        }
        if fixed && self.rng.percent(3) {
            self.wrong(who.clone(), off, Reason::PremiumDiffers);
        }
        let step = self.step(who.clone(), right.clone(), super::step::Expect::Done);
        let kind = (premium.into(), year);
        self.humans[human].premiums.insert(kind, self.paid.len());
        self.paid.push(Paid {
            step: step.number,
            request: step.request.clone(),
            who: who.clone(),
            beneficiary: human,
            left: price,
            unsure: false,
            day: self.today,
            premium: Some(kind),
        });
        self.push(step);
        self.spent(human, price, own);
        if self.rng.percent(3) {
            self.wrong(who, right, Reason::PremiumPaid);
        }
    }
}
