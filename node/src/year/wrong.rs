//! What people ask by mistake, each with the reason for which it must be refused.

use super::bonds::{RAISE_MAX, RAISES_PER_DAY, proposal, quota};
use super::people::{Bond, Expiry, Human, Stand, Status};
use super::plan::{Plan, minutes_later, yuan};
use super::step::{Expect, request_id};
use client::v1::caller::Who;
use client::v1::transaction::Call;
use client::v1::{self, Credential, CredentialKind, Kinship, Reason};
use ledger::Stamp;
use ledger::stamp::DAY_MS;

/// More than anybody has, in fen.
const FAR_TOO_MUCH: u64 = 9_000_000 * 100;
/// A place that the log never reaches.
const BEYOND: &str = "4000000000-0";

impl Plan {
    /// Some mistakes of the hour.
    pub(super) fn mistakes(&mut self, often: u64) {
        let people = self.humans.len() as u64;
        const KINDS: [fn(&mut Plan); 14] = [
            Plan::pays_with_anothers_card,
            Plan::pays_but_may_not,
            Plan::pays_where_one_cannot,
            Plan::is_not_covered,
            Plan::refunds_anothers,
            Plan::proposes_wrongly,
            Plan::sets_a_quota_wrongly,
            Plan::sends_it_again,
            Plan::reuses_an_id,
            Plan::is_out_of_time,
            Plan::names_what_is_not_there,
            Plan::enrols_wrongly,
            Plan::moves_while_held,
            Plan::is_not_allowed,
        ];
        for _ in 0..self.rng.today(people * often / 3) {
            let mistake = self.rng.pick(&KINDS);
            mistake(self);
        }
    }

    fn pays_with_anothers_card(&mut self) {
        let Some(human) = self.somebody(Human::acts) else { return };
        let Some(mut visit) = self.visit(human) else { return };
        let holder = self.humans[self.rng.below(self.humans.len() as u64) as usize].id.clone();
        if holder == self.humans[human].id {
            return;
        }
        visit.credential = Some(Credential { kind: CredentialKind::SocialSecurityCard.into(), holder });
        let call = Call::Settle(self.settle(&visit));
        self.wrong(self.at(visit.institution), call, Reason::CredentialNotOwn);
    }

    /// Why somebody may not spend.
    fn why_not(&self, human: usize) -> Option<Reason> {
        let human = &self.humans[human];
        match () {
            () if !human.enrolled => Some(Reason::PersonUnknown),
            () if human.status == Status::Deceased => Some(Reason::PersonDeceased),
            () if human.status == Status::Terminated => Some(Reason::InsuranceTerminated),
            () if human.case.is_some() => Some(Reason::CaseOpen),
            () if !human.wallet => Some(Reason::WalletInactive),
            () if human.suspended => Some(Reason::PersonSuspended),
            () => None,
        }
    }

    fn pays_but_may_not(&mut self) {
        let Some(human) = self.somebody(|human| !human.acts()) else { return };
        let Some(visit) = self.visit(human) else { return };
        let Some(reason) = self.why_not(human) else { return };
        let call = Call::Settle(self.settle(&visit));
        self.wrong(self.at(visit.institution), call, reason);
    }

    fn pays_where_one_cannot(&mut self) {
        let Some(human) = self.somebody(Human::acts) else { return };
        let Some(mut visit) = self.visit(human) else { return };
        let shut = |place: usize| {
            let there = &self.land.institutions[place];
            match (there.open, there.suspended) {
                (false, _) => Some(Reason::InstitutionClosed),
                (true, true) => Some(Reason::InstitutionSuspended),
                (true, false) => None,
            }
        };
        let found: Vec<(usize, Reason)> = (0..self.land.institutions.len())
            .filter_map(|place| shut(place).map(|reason| (place, reason)))
            .collect();
        if found.is_empty() || self.rng.percent(20) {
            let mut settle = self.settle(&visit);
            settle.institution = "H11000099999".into();
            let who = Who::Institution(settle.institution.clone());
            return self.wrong(who, Call::Settle(settle), Reason::InstitutionUnknown);
        }
        let (place, reason) = self.rng.pick(&found);
        visit.institution = place;
        let call = Call::Settle(self.settle(&visit));
        self.wrong(self.at(place), call, reason);
    }

    fn is_not_covered(&mut self) {
        let found =
            self.somebody(|human| human.acts() && human.account.is_none() && human.receiving.is_empty());
        let Some(human) = found else { return };
        let Some(mut visit) = self.visit(human) else { return };
        visit.all = true;
        let call = Call::Settle(self.settle(&visit));
        self.wrong(self.at(visit.institution), call, Reason::NotCovered);
    }

    fn refunds_anothers(&mut self) {
        let Some(paid) = self.paid.last().cloned() else { return };
        let place = self.rng.below(self.land.institutions.len() as u64) as usize;
        if self.at(place) == paid.who {
            return;
        }
        let payment = super::step::named(paid.step);
        // In the hour in which it was paid its id is not known yet.
        if paid.day == self.today {
            return;
        }
        let call = Call::Refund(v1::Refund { payment, amount: None });
        self.wrong(self.at(place), call, Reason::NotPermitted);
    }

    fn proposes_wrongly(&mut self) {
        match self.rng.below(3) {
            0 => {
                let Some(human) = self.somebody(|human| human.acts()) else { return };
                let id = self.humans[human].id.clone();
                let call = proposal((id.clone(), id), Kinship::Spouse);
                self.wrong(self.person(human), call, Reason::SamePerson);
            }
            1 => {
                let Some(donor) = self.somebody(|human| human.acts() && !human.employee) else { return };
                let Some(user) = self.somebody(Human::acts).filter(|user| *user != donor) else { return };
                let both = (self.humans[donor].id.clone(), self.humans[user].id.clone());
                self.wrong(self.person(donor), proposal(both, Kinship::Spouse), Reason::DonorNotEligible);
            }
            _ => {
                let Some(bond) = self.some_bond(|_| true) else { return };
                let pair = self.bonds[bond].pair;
                let (giver, user) = (&self.humans[pair.donor], &self.humans[pair.beneficiary]);
                if !giver.acts() || !user.acts() || !user.employee {
                    return;
                }
                let both = (user.id.clone(), giver.id.clone());
                let kinship = if pair.kinship == Kinship::Spouse { Kinship::Parent } else { Kinship::Spouse };
                let call = proposal(both, kinship);
                self.wrong(self.person(pair.beneficiary), call, Reason::KinshipContradicts);
            }
        }
    }

    fn sets_a_quota_wrongly(&mut self) {
        let Some(place) = self.some_bond(|_| true) else { return };
        let Bond { pair, step, expires, .. } = self.bonds[place].clone();
        let (donor, user) = (&self.humans[pair.donor], &self.humans[pair.beneficiary]);
        if !donor.acts() || !user.insured() || !user.wallet || !donor.employee {
            return;
        }
        let who = self.person(pair.donor);
        let small = quota(step, 3_000, Expiry::Keep);
        let reason = match donor.status {
            Status::Arrears => Some(Reason::InArrears),
            Status::Frozen => Some(Reason::AccountFrozen),
            Status::Stopped => Some(Reason::InsuranceStopped),
            Status::Normal | Status::Terminated | Status::Deceased => None,
        };
        if let Some(reason) = reason {
            return self.wrong(who, small, reason);
        }
        if !self.land.passes(donor.area, user.area, self.now) {
            return self.wrong(who, small, Reason::AreaClosed);
        }
        let raises = if donor.raises.0 == self.today { donor.raises.1 } else { 0 };
        let waits = donor.offering_until > self.now;
        let expired = expires.is_some_and(|day| day <= self.today);
        if self.is_pilot() {
            match () {
                () if raises >= RAISES_PER_DAY => self.wrong(who, small, Reason::RaisesExhausted),
                () if waits && self.rng.percent(60) => self.wrong(who, small, Reason::OfferPending),
                () => self.wrong(who, quota(step, RAISE_MAX + 1, Expiry::Keep), Reason::RaiseTooLarge),
            }
        } else if expired {
            self.wrong(who, small, Reason::QuotaExpired);
        } else {
            let yesterday = Expiry::From(ledger::Day(self.today.0 - 1));
            match self.rng.percent(70) {
                true => self.wrong(who, quota(step, FAR_TOO_MUCH, Expiry::Keep), Reason::BalanceExceeded),
                false => self.wrong(who, quota(step, 3_000, yesterday), Reason::EffectiveInPast),
            }
        }
    }

    /// The line dropped, and the same bytes are sent again.
    fn sends_it_again(&mut self) {
        let Some(first) = self.some_step() else { return };
        if first.expect != Expect::Done {
            return;
        }
        let number = first.number;
        let spare = self.step(first.who.clone(), first.call.clone(), Expect::Again(number));
        self.push(super::step::Step { number: spare.number, expect: Expect::Again(number), ..first });
    }

    /// Another request under an id that was used.
    fn reuses_an_id(&mut self) {
        let Some(first) = self.some_step() else { return };
        let Call::Settle(settle) = &first.call else { return };
        if first.expect != Expect::Done {
            return;
        }
        let mut settle = settle.clone();
        settle.amount = yuan(FAR_TOO_MUCH);
        let mut other =
            self.step(first.who.clone(), Call::Settle(settle), Expect::Refused(Reason::RequestReused));
        other.request = first.request;
        self.push(other);
    }

    /// Too old, too early, too late.
    fn is_out_of_time(&mut self) {
        let Some(human) = self.somebody(Human::acts) else { return };
        let Some(visit) = self.visit(human) else { return };
        let call = Call::Settle(self.settle(&visit));
        let mut step = self.step(self.at(visit.institution), call, Expect::Done);
        let at = match self.rng.below(3) {
            0 => {
                step.expect = Expect::Refused(Reason::RequestExpired);
                Stamp(self.now.0 - DAY_MS - 3_600_000)
            }
            1 => {
                step.expect = Expect::Refused(Reason::RequestTooEarly);
                minutes_later(self.now, 5 * 60)
            }
            _ => {
                step.expect = Expect::Refused(Reason::DeadlinePassed);
                step.not_after = Some(Stamp(self.now.0 - 60_000));
                self.now
            }
        };
        step.request = request_id(at, self.rng.bytes());
        self.push(step);
    }

    fn names_what_is_not_there(&mut self) {
        let Some(human) = self.somebody(Human::acts) else { return };
        let place = self.rng.below(self.land.institutions.len() as u64) as usize;
        let (person, there, agency) = (self.person(human), self.at(place), self.agency(human));
        let id = || BEYOND.to_owned();
        let (who, call, reason) = match self.rng.below(5) {
            0 => (there, Call::Refund(v1::Refund { payment: id(), amount: None }), Reason::PaymentUnknown),
            1 => (there, Call::VoidSpend(v1::VoidSpend { hold: id() }), Reason::HoldUnknown),
            2 => {
                (person, Call::AcceptRelation(v1::AcceptRelation { relation: id() }), Reason::RelationUnknown)
            }
            3 => (person, Call::AcceptOffer(v1::AcceptOffer { offer: id() }), Reason::OfferUnknown),
            _ => (agency, Call::AcceptTransfer(v1::AcceptTransfer { case: id() }), Reason::CaseUnknown),
        };
        self.wrong(who, call, reason);
    }

    fn enrols_wrongly(&mut self) {
        let Some(human) = self.somebody(Human::insured) else { return };
        let person = &self.humans[human];
        let far = self.land.far_away(person.area, &mut self.rng);
        let held = self.held.iter().rev().take(400).any(|held| held.beneficiary == human && held.open);
        let (id, status, sure) = (person.id.clone(), person.status, person.sure);
        let there = Who::Agency(self.land.code(far).into());
        match self.rng.below(4) {
            0 if person.account.is_none() => {
                let call = v1::CreditAccount { person: id, amount: yuan(100), period: "2020-01".into() };
                self.wrong(self.agency(human), Call::CreditAccount(call), Reason::AccountMissing);
            }
            1 if person.employee
                && status == Status::Normal
                && !person.retired
                && !self.may_be_held(human) =>
            {
                let to = self.land.code(far).into();
                let call = Call::ApplyTransfer(v1::ApplyTransfer { person: id, to });
                self.wrong(self.person(human), call, Reason::NotStopped);
            }
            2 if person.employee
                && status == Status::Stopped
                && sure > 0
                && !held
                && !self.may_be_held(human) =>
            {
                let call = self.enrolment(human, far);
                self.wrong(there, call, Reason::TransferNeeded);
            }
            3 if !(person.employee && status == Status::Stopped) => {
                let call = self.enrolment(human, far);
                self.wrong(there, call, Reason::PersonEnrolled);
            }
            _ => {}
        }
    }

    /// Whether the person may be party to a hold of today: as a beneficiary, or with a quota.
    fn may_be_held(&self, human: usize) -> bool {
        let givers = |bond: &usize| self.bonds[*bond].pair.beneficiary;
        let with: Vec<usize> = self.humans[human].giving.iter().map(givers).chain([human]).collect();
        self.held.iter().rev().take(600).any(|held| with.contains(&held.beneficiary))
    }

    /// A person for whom money is held does not move.
    fn moves_while_held(&mut self) {
        let Some(held) = self.held.last().filter(|held| held.open).cloned() else { return };
        let human = held.beneficiary;
        let authorised_now = self.last_authorised() == Some(held.step);
        if !authorised_now || !self.humans[human].insured() {
            return;
        }
        let to = self.land.anywhere(&mut self.rng);
        let call =
            v1::MoveWithinProvince { person: self.humans[human].id.clone(), to: self.land.code(to).into() };
        self.wrong(self.agency(human), Call::MoveWithinProvince(call), Reason::HoldOpen);
    }

    fn is_not_allowed(&mut self) {
        let Some(human) = self.somebody(Human::insured) else { return };
        let far = self.land.far_away(self.humans[human].area, &mut self.rng);
        let id = self.humans[human].id.clone();
        let stranger = Who::Agency(self.land.code(far).into());
        let death = Call::RegisterDeath(v1::RegisterDeath { person: id.clone() });
        match self.rng.below(3) {
            0 => self.wrong(stranger, death, Reason::NotPermitted),
            1 => self.wrong(Who::Auditor(v1::Auditor {}), death, Reason::NotPermitted),
            _ => {
                let call = Call::ActivateWallet(v1::ActivateWallet { person: id });
                self.wrong(stranger, call, Reason::NotPermitted);
            }
        }
    }

    /// In the pilot nobody sets quotas at night.
    pub(super) fn at_night(&mut self) {
        if !self.is_pilot() || !self.today.0.is_multiple_of(5) {
            return;
        }
        for _ in 0..3 {
            let Some(place) = self.some_bond(|_| true) else { return };
            let Bond { pair, step, stand, .. } = self.bonds[place].clone();
            let (donor, user) = (&self.humans[pair.donor], &self.humans[pair.beneficiary]);
            let may = stand == Stand::Active && donor.gives() && user.insured() && user.wallet;
            if may && self.land.passes(donor.area, user.area, self.now) {
                let call = quota(step, 3_000, Expiry::Keep);
                self.wrong(self.person(pair.donor), call, Reason::ClosedHours);
            }
        }
    }
}
