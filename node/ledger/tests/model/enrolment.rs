//! Who is insured with what and where: enrolment, status, the end of an insurance.

use super::{Human, Model, Said, Why};
use ledger::command::{Insurance, InsuranceStatus};
use ledger::decision::ReleaseCause;
use ledger::{Area, Event, Person, Position, Refusal};

impl Model {
    /// Whether something is in the account: available, frozen or held.
    fn has_money(&self, person: Person) -> bool {
        self.available(person) + self.reserved(person) + self.held_own(person) > 0
    }

    pub(super) fn enrol(&mut self, person: Person, insurance: Insurance, area: Area, retired: bool) -> Said {
        let mut why = Why::new();
        why.when(!self.areas.contains_key(&area), Refusal::AreaUnknown);
        why.end()?;
        let new_account = (insurance == Insurance::Employee).then_some(area);
        let said = Event::PersonEnrolled { person, insurance, area };
        let Some(human) = self.people.get(&person).cloned() else {
            let fresh = Human {
                insurance,
                area,
                status: InsuranceStatus::Normal,
                retired,
                wallet: false,
                suspended: None,
                transfer: None,
                failed: None,
                releasing: None,
                account: new_account,
                raises: vec![],
                preferred: vec![],
            };
            self.people.insert(person, fresh);
            return Ok(vec![said]);
        };
        let (moves, ended) = (human.area != area, human.status == InsuranceStatus::Terminated);
        let money = human.account.is_some() && self.has_money(person);
        why.when(human.status == InsuranceStatus::Deceased, Refusal::PersonDeceased);
        why.when(human.transfer.is_some(), Refusal::CaseOpen);
        why.when(human.releasing.is_some(), Refusal::ReleaseUnderWay);
        why.when(self.party_to_holds(person) > 0, Refusal::HoldOpen);
        let stopped = human.insurance == Insurance::Employee && human.status == InsuranceStatus::Stopped;
        let stands = if moves { !stopped } else { human.insurance == insurance };
        why.when(!ended && stands, Refusal::PersonEnrolled);
        // Money is left elsewhere. Only one whose insurance is over may leave it there, and only for 390; in the same
        // area 390 leaves it where it is.
        let elsewhere = money && human.account != Some(area);
        let may_leave_it = insurance == Insurance::Resident && (ended || !moves);
        why.when(elsewhere && !may_leave_it, Refusal::TransferNeeded);
        why.end()?;

        let turns_to_resident = human.insurance == Insurance::Employee && insurance == Insurance::Resident;
        let turns_to_employee = human.insurance == Insurance::Resident && insurance == Insurance::Employee;
        let mut events = vec![];
        if moves || turns_to_resident || turns_to_employee && self.policy().change_releases {
            events = self.release_all(person, ReleaseCause::InsuranceChange);
        }
        let human = self.human_mut(person);
        human.insurance = insurance;
        human.area = area;
        human.status = InsuranceStatus::Normal;
        human.failed = None;
        human.retired = retired;
        human.account = new_account.or(human.account);
        events.push(said);
        Ok(events)
    }

    /// What speaks against saying anything of a person's insurance.
    fn lasting(&self, person: Person) -> Result<(Why, Human), Refusal> {
        let mut why = Why::new();
        let Some(human) = self.people.get(&person).cloned() else { return why.stop(Refusal::PersonUnknown) };
        why.when(human.status == InsuranceStatus::Deceased, Refusal::PersonDeceased);
        why.when(human.status == InsuranceStatus::Terminated, Refusal::InsuranceTerminated);
        why.when(human.transfer.is_some(), Refusal::CaseOpen);
        Ok((why, human))
    }

    pub(super) fn set_status(&mut self, person: Person, status: InsuranceStatus) -> Said {
        let (mut why, human) = self.lasting(person)?;
        why.when(human.status == status, Refusal::StatusUnchanged);
        why.end()?;
        let human = self.human_mut(person);
        human.status = status;
        if status == InsuranceStatus::Normal {
            human.failed = None;
        }
        Ok(vec![Event::InsuranceStatusSet { person, status }])
    }

    pub(super) fn set_retired(&mut self, person: Person, retired: bool) -> Said {
        let (mut why, human) = self.lasting(person)?;
        why.when(human.retired == retired, Refusal::StatusUnchanged);
        why.end()?;
        self.human_mut(person).retired = retired;
        Ok(vec![Event::RetiredSet { person, retired }])
    }

    pub(super) fn terminate(&mut self, person: Person) -> Said {
        let (why, _) = self.lasting(person)?;
        why.end()?;
        let mut events = self.release_all(person, ReleaseCause::Termination);
        self.human_mut(person).status = InsuranceStatus::Terminated;
        events.push(Event::InsuranceTerminated { person });
        Ok(events)
    }

    pub(super) fn death(&mut self, at: Position, person: Person) -> Said {
        let mut why = Why::new();
        let Some(human) = self.people.get(&person) else { return why.stop(Refusal::PersonUnknown) };
        why.when(human.status == InsuranceStatus::Deceased, Refusal::PersonDeceased);
        why.end()?;
        let mut events = vec![];
        if let Some(case) = human.transfer {
            events.push(self.cut_short(at, case));
        }
        events.extend(self.release_all(person, ReleaseCause::Death));
        self.human_mut(person).status = InsuranceStatus::Deceased;
        events.push(Event::DeathRegistered { person });
        Ok(events)
    }
}
