//! Asks about insured persons.

use super::world::{PERSONS, amount, area, person};
use super::{Ask, Sender, Verb};
use crate::model::{Human, Model};
use ledger::command::{Insurance, InsuranceStatus, PayoutReason, Termination};
use ledger::table::CaseState;
use ledger::{Area, Call, Caller, CaseId, Person, Position, Stamp};

/// Areas of the same province stand side by side.
fn beside(place: Area, pick: u8) -> Area {
    let found: Vec<u8> = (0..10).filter(|number| area(*number).province() == place.province()).collect();
    if found.is_empty() { area(pick) } else { area(found[usize::from(pick) % found.len()]) }
}

impl Sender {
    pub(super) fn insure(&mut self, model: &Model, ask: &Ask) -> (Caller, Call) {
        let [a, b, c, d, ..] = ask.pick;
        match ask.verb {
            Verb::EnrolPerson => return self.enrol(model, ask),
            Verb::AcceptTransfer => return self.case(model, ask, CaseState::Applied),
            Verb::SendTransfer => return self.case(model, ask, CaseState::Accepted),
            Verb::ReceiveTransfer => return self.case(model, ask, CaseState::Sent),
            Verb::CompleteTransfer => return self.case(model, ask, CaseState::Received),
            Verb::AbandonTransfer => return self.case(model, ask, CaseState::Applied),
            Verb::FailTransfer => return self.case(model, ask, CaseState::Sent),
            _ => {}
        }
        let mut person = self.someone(model, a);
        let mut wish = |pick: u8, holds: &dyn Fn(&Human) -> bool| {
            if let (0..190, Some(found)) =
                (pick, self.someone_who(model, a, |model, id| holds(model.human(id))))
            {
                person = found;
            }
        };
        match ask.verb {
            Verb::ActivateWallet => wish(b, &|human| !human.wallet),
            Verb::SetInsuranceStatus => wish(b, &|human| {
                let waits = [InsuranceStatus::Stopped, InsuranceStatus::Arrears, InsuranceStatus::Frozen];
                waits.contains(&human.status) && human.transfer.is_none() || b > 100 && human.lasts()
            }),
            Verb::ApplyTransfer => wish(b, &|human| {
                human.status == InsuranceStatus::Stopped
                    && human.insurance == Insurance::Employee
                    && human.transfer.is_none()
                    && !human.retired
            }),
            Verb::Payout => wish(b, &|human| {
                human.retired
                    || human.failed.is_some()
                    || matches!(human.status, InsuranceStatus::Terminated | InsuranceStatus::Deceased)
            }),
            _ => {}
        }
        let human = model.people.get(&person);
        let place = human.map_or(area(0), |human| human.area);
        let agency = match d {
            0..40 => Caller::Province(place.province()),
            _ => Caller::Agency(place),
        };
        let call = match ask.verb {
            Verb::CreditAccount => {
                Call::CreditAccount { person, amount: amount(b), period: Stamp(self.stamp).month() }
            }
            Verb::ActivateWallet => return (Caller::Person(person), Call::ActivateWallet { person }),
            Verb::DeactivateWallet => return (Caller::Person(person), Call::DeactivateWallet { person }),
            Verb::SetInsuranceStatus => {
                let status = match c {
                    0..90 => InsuranceStatus::Normal,
                    90..180 => InsuranceStatus::Stopped,
                    180..210 => InsuranceStatus::Arrears,
                    210..248 => InsuranceStatus::Frozen,
                    248..252 => InsuranceStatus::Terminated,
                    252.. => InsuranceStatus::Deceased,
                };
                Call::SetInsuranceStatus { person, status }
            }
            Verb::SetRetired => Call::SetRetired { person, retired: c.is_multiple_of(2) },
            Verb::TerminateInsurance => {
                let reason = if c < 128 { Termination::Emigration } else { Termination::Other };
                Call::TerminateInsurance { person, reason }
            }
            Verb::RegisterDeath => Call::RegisterDeath { person },
            Verb::Payout => self.payout(model, person, ask),
            Verb::MoveWithinProvince => {
                let to = if b < 200 { beside(place, c) } else { area(c) };
                Call::MoveWithinProvince { person, to }
            }
            Verb::ApplyTransfer => {
                let to = if c < 235 { area(c % 8) } else { area(c) };
                let by = if d < 128 { Caller::Person(person) } else { agency };
                return (by, Call::ApplyTransfer { person, to });
            }
            other => panic!("{other:?} is no verb of persons"),
        };
        (agency, call)
    }

    fn enrol(&mut self, model: &Model, ask: &Ask) -> (Caller, Call) {
        let [a, b, c, d, e, ..] = ask.pick;
        let strangers: Vec<Person> =
            (0..PERSONS).map(person).filter(|id| !model.people.contains_key(id)).collect();
        let over = |model: &Model, id: Person| {
            let human = model.human(id);
            matches!(human.status, InsuranceStatus::Terminated | InsuranceStatus::Stopped)
                || human.insurance == Insurance::Resident
        };
        let person = match d {
            0..60 if !strangers.is_empty() => strangers[usize::from(a) % strangers.len()],
            60..170 => self.someone_who(model, a, over).unwrap_or(person(a)),
            _ => self.someone(model, a),
        };
        let known = model.people.get(&person);
        let place = match known {
            Some(human) if c < 140 => human.area,
            _ if e < 245 => area(c % 8),
            _ => area(c),
        };
        let insurance = if b < 150 { Insurance::Employee } else { Insurance::Resident };
        // A resident who is employed where the insurance is may keep the relations, as the policy says.
        let employed = |model: &Model, id: Person| {
            let human = model.human(id);
            human.insurance == Insurance::Resident && !model.donors(id).is_empty()
        };
        if let (200.., Some(person)) = (d, self.someone_who(model, a, employed)) {
            let area = model.human(person).area;
            let insurance = Insurance::Employee;
            return (Caller::Agency(area), Call::EnrolPerson { person, insurance, area, retired: false });
        }
        (
            Caller::Agency(place),
            Call::EnrolPerson { person, insurance, area: place, retired: e.is_multiple_of(6) },
        )
    }

    fn payout(&self, model: &Model, person: Person, ask: &Ask) -> Call {
        let [_, _, c, _, e, f, ..] = ask.pick;
        let status = model.people.get(&person).map(|human| (human.status, human.failed.is_some()));
        let fitting = match status {
            Some((InsuranceStatus::Deceased, _)) => PayoutReason::Estate,
            Some((InsuranceStatus::Terminated, _)) => PayoutReason::Emigration,
            Some((_, true)) => PayoutReason::TransferImpossible,
            Some(_) | None => PayoutReason::Resettled,
        };
        let any = [
            PayoutReason::Estate,
            PayoutReason::Emigration,
            PayoutReason::Resettled,
            PayoutReason::TransferImpossible,
        ];
        let reason = if c < 190 { fitting } else { any[usize::from(c) % 4] };
        let amount = (e > 100).then(|| self.part(model.available(person), f));
        Call::Payout { person, reason, amount }
    }

    /// A step of a case: mostly of one that waits for it.
    fn case(&mut self, model: &Model, ask: &Ask, state: CaseState) -> (Caller, Call) {
        let [a, b, c, ..] = ask.pick;
        let states = match ask.verb {
            Verb::AbandonTransfer => [CaseState::Applied, CaseState::Accepted],
            _ => [state, state],
        };
        let waiting = model.cases.iter().filter(|(_, case)| states.contains(&case.state));
        let waiting: Vec<CaseId> = waiting.map(|(id, _)| *id).collect();
        let recent: Vec<CaseId> = model.cases.keys().rev().take(6).copied().collect();
        let case = match a {
            0..215 if !waiting.is_empty() => waiting[usize::from(b) % waiting.len()],
            0..248 if !recent.is_empty() => recent[usize::from(b) % recent.len()],
            0..252 => CaseId(Position { index: u64::MAX, place: 0 }),
            252.. => CaseId(Position { index: 0, place: 0 }),
        };
        let known = model.cases.get(&case);
        let (from, to) = known.map_or((area(0), area(4)), |case| (case.from, case.to));
        let who = known.map_or(person(0), |case| case.person);
        let office = |place: Area| match c {
            0..60 => Caller::Province(place.province()),
            _ => Caller::Agency(place),
        };
        match ask.verb {
            Verb::AcceptTransfer => (office(to), Call::AcceptTransfer { case }),
            Verb::SendTransfer => (office(from), Call::SendTransfer { case }),
            Verb::ReceiveTransfer => (office(to), Call::ReceiveTransfer { case }),
            Verb::CompleteTransfer => (office(to), Call::CompleteTransfer { case }),
            Verb::AbandonTransfer if c > 150 => (Caller::Person(who), Call::AbandonTransfer { case }),
            Verb::AbandonTransfer => (office(from), Call::AbandonTransfer { case }),
            Verb::FailTransfer => (office(if c > 150 { from } else { to }), Call::FailTransfer { case }),
            other => panic!("{other:?} is no step of a case"),
        }
    }
}
