//! What happens to people: insurance stops and begins, accounts move, people retire, are suspended, and die.

use super::people::{Human, Status};
use super::plan::{Case, Later, Leg, Plan, yuan};
use super::step::{Hour, named};
use client::v1::caller::Who;
use client::v1::transaction::Call;
use client::v1::{self, InsuranceStatus, PayoutReason, Reason, SuspensionReason, Termination};

impl Plan {
    /// What happens to people today.
    pub(super) fn moves(&mut self) {
        let people = self.humans.len() as u64;
        for (in_a_year, what) in [
            (people / 50, Plan::dies as fn(&mut Plan)),
            (people / 16, Plan::stops_for_a_transfer),
            (people / 25, Plan::moves_nearby),
            (people / 70, Plan::terminates),
            (people / 80, Plan::changes_insurance),
            (people / 30, Plan::falls_behind),
            (people / 60, Plan::retires),
            (people / 60, Plan::is_suspended),
            (12, Plan::suspends_an_institution),
        ] {
            for _ in 0..self.rng.today(in_a_year) {
                what(self);
            }
        }
    }

    /// Sets an insurance status.
    fn set_status(&mut self, human: usize, to: Status) {
        let status = match to {
            Status::Normal => InsuranceStatus::Normal,
            Status::Stopped => InsuranceStatus::Stopped,
            Status::Arrears => InsuranceStatus::Arrears,
            Status::Frozen => InsuranceStatus::Frozen,
            // These have verbs of their own.
            Status::Terminated | Status::Deceased => return,
        };
        let call = v1::SetInsuranceStatus { person: self.humans[human].id.clone(), status: status.into() };
        let call = Call::SetInsuranceStatus(call);
        let who = self.agency(human);
        self.done(who.clone(), call.clone());
        self.humans[human].status = to;
        if self.rng.percent(5) {
            self.wrong(who, call, Reason::StatusUnchanged);
        }
    }

    fn dies(&mut self) {
        let Some(human) = self.somebody(|human| human.enrolled && human.status != Status::Deceased) else {
            return;
        };
        let id = self.humans[human].id.clone();
        let death = Call::RegisterDeath(v1::RegisterDeath { person: id });
        let who = self.agency(human);
        self.done(who.clone(), death.clone());
        if let Some(case) = self.humans[human].case {
            self.end_case(case);
        }
        self.end_bonds(human);
        self.humans[human].status = Status::Deceased;
        if self.rng.percent(10) {
            self.wrong(who, death, Reason::PersonDeceased);
        }
        if self.humans[human].account.is_some() {
            let days = self.rng.between(5, 40);
            self.later(days, Hour::Morning, Later::Estate(human));
            let last = self.paid.iter().rposition(|paid| paid.beneficiary == human);
            if let Some(last) = last.filter(|_| self.rng.percent(60)) {
                // Something is given back after the estate was paid, and paid out again.
                self.later(days + 3, Hour::Afternoon, Later::Refund(last));
                self.later(days + 5, Hour::Morning, Later::Estate(human));
            }
        }
    }

    /// The balance goes to the heirs.
    pub(super) fn pay_estate(&mut self, human: usize) {
        let sure = std::mem::take(&mut self.humans[human].sure);
        let (call, who) = (self.payout(human, PayoutReason::Estate, None), self.keeper(human));
        if sure == 0 {
            self.ask(who, call, super::step::Expect::Maybe(Reason::PayoutExceedsBalance));
            return;
        }
        if self.rng.percent(20) {
            let part = self.payout(human, PayoutReason::Estate, Some(u64::MAX / 100_000));
            self.wrong(who.clone(), part, Reason::PayoutExceedsBalance);
        }
        self.done(who, call);
    }

    fn payout(&self, human: usize, reason: PayoutReason, amount: Option<u64>) -> Call {
        Call::Payout(v1::Payout {
            person: self.humans[human].id.clone(),
            reason: reason.into(),
            amount: amount.map(yuan),
        })
    }

    fn terminates(&mut self) {
        let Some(human) = self.somebody(Human::insured) else { return };
        let emigrates = self.rng.percent(40);
        let reason = if emigrates { Termination::Emigration } else { Termination::Other };
        let call = v1::TerminateInsurance { person: self.humans[human].id.clone(), reason: reason.into() };
        let who = self.agency(human);
        if emigrates && self.humans[human].account.is_some() {
            let early = self.payout(human, PayoutReason::Emigration, None);
            if self.rng.percent(30) && self.humans[human].status != Status::Frozen {
                self.wrong(self.keeper(human), early, Reason::PayoutNotAllowed);
            }
        }
        self.done(who, Call::TerminateInsurance(call));
        self.end_bonds(human);
        self.humans[human].status = Status::Terminated;
        let days = self.rng.between(5, 30);
        match emigrates {
            true if self.humans[human].account.is_some() => {
                self.later(days, Hour::Morning, Later::Emigrated(human));
            }
            true => {}
            false => self.later(days, Hour::Morning, Later::Again(human)),
        }
    }

    /// Who emigrated gets the balance.
    pub(super) fn pay_emigrant(&mut self, human: usize) {
        if self.humans[human].status != Status::Terminated {
            return;
        }
        let sure = std::mem::take(&mut self.humans[human].sure);
        let (call, who) = (self.payout(human, PayoutReason::Emigration, None), self.keeper(human));
        match sure {
            0 => self.ask(who, call, super::step::Expect::Maybe(Reason::PayoutExceedsBalance)),
            _ => self.done(who, call),
        };
    }

    /// Insured anew after a termination: as a resident anywhere, with the account where it was.
    pub(super) fn enrol_again(&mut self, human: usize) {
        if self.humans[human].status != Status::Terminated {
            return;
        }
        let elsewhere = self.rng.percent(40);
        let area = if elsewhere { self.land.anywhere(&mut self.rng) } else { self.humans[human].area };
        let person = &mut self.humans[human];
        person.employee = person.employee && !elsewhere;
        person.retired = false;
        person.area = area;
        person.status = Status::Normal;
        let call = self.enrolment(human, area);
        let who = self.agency(human);
        self.done(who.clone(), call.clone());
        self.wrong(who, call, Reason::PersonEnrolled);
    }

    /// From 310 to 390 in the same area, or the other way round.
    fn changes_insurance(&mut self) {
        let Some(human) = self.somebody(Human::insured) else { return };
        // An account that stayed elsewhere would have to be moved here first.
        let person = &self.humans[human];
        if !person.employee && person.account.is_some_and(|keeper| keeper != person.area) {
            return;
        }
        let area = person.area;
        let person = &mut self.humans[human];
        person.employee = !person.employee;
        person.retired = false;
        person.status = Status::Normal;
        if person.employee {
            person.account = Some(area);
        }
        let call = self.enrolment(human, area);
        self.done(self.agency(human), call);
        self.end_bonds(human);
    }

    fn moves_nearby(&mut self) {
        let Some(human) = self.somebody(Human::insured) else { return };
        let area = self.humans[human].area;
        let far = self.land.far_away(area, &mut self.rng);
        let call = |plan: &Plan, to: usize| {
            let person = plan.humans[human].id.clone();
            Call::MoveWithinProvince(v1::MoveWithinProvince { person, to: plan.land.code(to).into() })
        };
        let who = self.agency(human);
        match self.rng.below(100) {
            0..6 => return self.wrong(who, call(self, far), Reason::OtherProvince),
            6..12 => return self.wrong(who, call(self, area), Reason::SameArea),
            _ => {}
        }
        let Some(to) = self.land.nearby(area, &mut self.rng) else { return };
        self.done(who, call(self, to));
        let person = &mut self.humans[human];
        person.area = to;
        if person.account == Some(area) {
            person.account = Some(to);
        }
    }

    /// Arrears, or a frozen account, for a while.
    fn falls_behind(&mut self) {
        let Some(human) = self.somebody(|human| human.insured() && human.status == Status::Normal) else {
            return;
        };
        let to = self.rng.pick(&[Status::Arrears, Status::Frozen, Status::Stopped]);
        self.set_status(human, to);
        let days = self.rng.between(4, 45);
        self.later(days, Hour::Morning, Later::Normal(human));
    }

    pub(super) fn back_to_normal(&mut self, human: usize) {
        let person = &self.humans[human];
        let lapsed = matches!(person.status, Status::Stopped | Status::Arrears | Status::Frozen);
        if person.insured() && lapsed {
            self.set_status(human, Status::Normal);
        }
    }

    fn retires(&mut self) {
        let found = self.somebody(|human| human.insured() && human.employee && !human.retired);
        let Some(human) = found else { return };
        let call = Call::SetRetired(v1::SetRetired { person: self.humans[human].id.clone(), retired: true });
        let who = self.agency(human);
        self.done(who.clone(), call.clone());
        self.humans[human].retired = true;
        let person = &self.humans[human];
        if !matches!(person.status, Status::Normal) || person.sure < 20_000 {
            return self.wrong(who, call, Reason::StatusUnchanged);
        }
        if self.rng.percent(50) {
            let amount = self.rng.between(10_000, person.sure);
            let call = self.payout(human, PayoutReason::Resettled, Some(amount));
            self.done(self.keeper(human), call);
            self.humans[human].sure -= amount;
        }
    }

    fn is_suspended(&mut self) {
        let Some(human) = self.somebody(|human| human.insured() && !human.suspended) else { return };
        let who = match self.rng.percent(50) {
            true => super::plan::nation(),
            false => Who::Province(self.land.province(self.humans[human].area).into()),
        };
        let file = format!("S-{}-{human}", self.today.0);
        let party = v1::Party { who: Some(v1::party::Who::Person(self.humans[human].id.clone())) };
        let call = Call::Suspend(v1::Suspend {
            party: Some(party),
            reason: SuspensionReason::Impersonation.into(),
            file,
        });
        self.done(who.clone(), call.clone());
        self.humans[human].suspended = true;
        if self.rng.percent(20) {
            self.wrong(who, call, Reason::AlreadySuspended);
        }
        let days = self.rng.between(3, 60);
        self.later(days, Hour::Morning, Later::Lift(human));
    }

    pub(super) fn lift(&mut self, human: usize) {
        if !self.humans[human].suspended {
            return;
        }
        let who = v1::party::Who::Person(self.humans[human].id.clone());
        let call = Call::LiftSuspension(v1::LiftSuspension {
            party: Some(v1::Party { who: Some(who) }),
            file: format!("L-{}-{human}", self.today.0),
        });
        self.done(super::plan::nation(), call.clone());
        self.humans[human].suspended = false;
        if self.rng.percent(10) {
            self.wrong(super::plan::nation(), call, Reason::NotSuspended);
        }
    }

    fn suspends_an_institution(&mut self) {
        let place = self.rng.below(self.land.institutions.len() as u64) as usize;
        let there = &mut self.land.institutions[place];
        if there.suspended || !there.open {
            return;
        }
        there.suspended = true;
        let call = v1::Suspend {
            party: Some(v1::Party { who: Some(v1::party::Who::Institution(there.code.clone())) }),
            reason: SuspensionReason::FalseSettlement.into(),
            file: format!("I-{}-{place}", self.today.0),
        };
        let province = self.land.province(self.land.institutions[place].area);
        self.done(Who::Province(province.into()), Call::Suspend(call));
        let days = self.rng.between(5, 40);
        self.later(days, Hour::Morning, Later::Reopen(place));
    }

    pub(super) fn reopen(&mut self, place: usize) {
        let there = &mut self.land.institutions[place];
        there.suspended = false;
        let call = v1::LiftSuspension {
            party: Some(v1::Party { who: Some(v1::party::Who::Institution(there.code.clone())) }),
            file: format!("J-{}-{place}", self.today.0),
        };
        self.done(super::plan::nation(), Call::LiftSuspension(call));
    }

    /// Who will work in another province is stopped at the old place, and applies in the next days.
    fn stops_for_a_transfer(&mut self) {
        let found = self.somebody(|human| {
            human.insured() && human.employee && !human.retired && human.status == Status::Normal
        });
        let Some(human) = found else { return };
        if self.humans[human].account != Some(self.humans[human].area) {
            return;
        }
        self.set_status(human, Status::Stopped);
        let days = self.rng.between(1, 3);
        self.later(days, Hour::Morning, Later::Apply(human));
    }

    pub(super) fn apply_transfer(&mut self, human: usize) {
        let person = &self.humans[human];
        let (from, retired) = (person.area, person.retired);
        if !person.insured() || !person.employee || person.status != Status::Stopped {
            return;
        }
        let to = self.land.far_away(from, &mut self.rng);
        let who = if self.rng.percent(60) { self.person(human) } else { self.agency(human) };
        let call = |plan: &Plan, to: usize| {
            let person = plan.humans[human].id.clone();
            Call::ApplyTransfer(v1::ApplyTransfer { person, to: plan.land.code(to).into() })
        };
        if retired {
            return self.wrong(who, call(self, to), Reason::RetireeStays);
        }
        if self.rng.percent(5)
            && let Some(near) = self.land.nearby(from, &mut self.rng)
        {
            self.wrong(who.clone(), call(self, near), Reason::SameProvince);
        }
        let step = self.done(who.clone(), call(self, to));
        self.end_bonds(human);
        let case = self.cases.len();
        self.cases.push(Case { step, person: human, from, to, leg: Leg::Applied, sure: 0 });
        self.humans[human].case = Some(case);
        if self.rng.percent(5) {
            self.wrong(who, call(self, to), Reason::CaseOpen);
        }
        let days = self.rng.between(1, 3);
        match self.rng.below(100) {
            0..7 => self.later(days, Hour::Morning, Later::Abandon(case)),
            _ => self.later(days, Hour::Morning, Later::Case(case, Leg::Accepted)),
        }
    }

    /// The next step of a case; some are slow.
    pub(super) fn step_transfer(&mut self, case: usize, leg: Leg) {
        let Case { step, person, from, to, leg: stands, .. } = self.cases[case].clone();
        let named = named(step);
        let (old, new) =
            (Who::Agency(self.land.code(from).into()), Who::Province(self.land.province(to).into()));
        let slow = self.rng.percent(15);
        match (stands, leg) {
            (Leg::Applied, Leg::Accepted) => {
                if self.rng.percent(10) {
                    let early = Call::SendTransfer(v1::SendTransfer { case: named.clone() });
                    self.wrong(old, early, Reason::CaseNotInState);
                }
                self.done(new, Call::AcceptTransfer(v1::AcceptTransfer { case: named }));
                let days = if slow { self.rng.between(18, 26) } else { self.rng.between(2, 9) };
                match self.rng.below(100) {
                    0..7 => self.later(days, Hour::Morning, Later::Abandon(case)),
                    _ => self.later(days, Hour::Morning, Later::Case(case, Leg::Sent)),
                }
            }
            (Leg::Accepted, Leg::Sent) => {
                self.done(old, Call::SendTransfer(v1::SendTransfer { case: named }));
                self.cases[case].sure = std::mem::take(&mut self.humans[person].sure);
                let amount = self.rng.between(10_000, 40_000);
                self.cases[case].leg = Leg::Sent;
                if self.rng.percent(60) {
                    self.book(person, amount);
                }
                let days = if slow { self.rng.between(15, 24) } else { self.rng.between(2, 6) };
                match self.rng.below(100) {
                    0..14 => self.later(days, Hour::Morning, Later::Fail(case)),
                    _ => self.later(days, Hour::Morning, Later::Case(case, Leg::Received)),
                }
            }
            (Leg::Sent, Leg::Received) => {
                self.done(new, Call::ReceiveTransfer(v1::ReceiveTransfer { case: named }));
                let sure = std::mem::take(&mut self.cases[case].sure);
                let owner = &mut self.humans[person];
                owner.sure += sure;
                owner.area = to;
                owner.account = Some(to);
                let days = self.rng.between(1, 3);
                self.later(days, Hour::Morning, Later::Case(case, Leg::Ended));
            }
            (Leg::Received, Leg::Ended) => {
                let complete = Call::CompleteTransfer(v1::CompleteTransfer { case: named });
                self.done(new.clone(), complete.clone());
                let owner = &mut self.humans[person];
                owner.case = None;
                owner.failed = false;
                owner.status = Status::Normal;
                if self.rng.percent(10) {
                    self.wrong(new, complete, Reason::CaseNotInState);
                }
            }
            // The case has ended otherwise.
            _ => return,
        }
        self.cases[case].leg = leg;
    }

    /// Given up before the balance was sent.
    pub(super) fn abandon_transfer(&mut self, case: usize) {
        let Case { step, person, leg, .. } = self.cases[case].clone();
        if !matches!(leg, Leg::Applied | Leg::Accepted) {
            return;
        }
        let abandon = Call::AbandonTransfer(v1::AbandonTransfer { case: named(step) });
        let who = if self.rng.percent(50) { self.person(person) } else { self.agency(person) };
        self.done(who, abandon);
        self.end_case(case);
        let days = self.rng.between(2, 20);
        self.later(days, Hour::Morning, Later::Normal(person));
    }

    /// The balance comes back, and may be paid out.
    pub(super) fn fail_transfer(&mut self, case: usize) {
        let Case { step, person, leg, to, .. } = self.cases[case].clone();
        if leg != Leg::Sent {
            return;
        }
        let fail = Call::FailTransfer(v1::FailTransfer { case: named(step) });
        self.done(Who::Agency(self.land.code(to).into()), fail);
        self.end_case(case);
        if self.humans[person].sure > 0 && self.rng.percent(50) {
            let all = self.payout(person, PayoutReason::TransferImpossible, None);
            self.done(self.keeper(person), all);
            self.humans[person].sure = 0;
        }
        match self.rng.percent(50) {
            true => self.later(8, Hour::Morning, Later::Apply(person)),
            false => self.later(8, Hour::Morning, Later::Normal(person)),
        }
    }

    /// A case ends where it stands.
    fn end_case(&mut self, case: usize) {
        let Case { person, leg, sure, .. } = self.cases[case];
        self.cases[case].leg = Leg::Ended;
        self.cases[case].sure = 0;
        let owner = &mut self.humans[person];
        owner.case = None;
        match leg {
            Leg::Applied | Leg::Accepted | Leg::Ended => {}
            Leg::Sent => {
                owner.sure += sure;
                owner.failed = true;
            }
            Leg::Received => owner.status = Status::Normal,
        }
    }
}
