//! Portability: an account goes to another province, step by step.

use super::books::Side;
use super::{Model, Pocket, Said, Why, fen};
use ledger::command::{Insurance, InsuranceStatus};
use ledger::decision::ReleaseCause;
use ledger::stamp::Day;
use ledger::table::{CaseRecord, CaseState, CaseStep, PortabilityRecord};
use ledger::{Area, CaseId, Event, Person, Position, Refusal, Stamp};

/// The first moment behind a day.
fn behind(day: Day) -> Stamp {
    Day(day.0 + 1).start()
}

impl Model {
    pub(super) fn apply_transfer(&mut self, at: Position, person: Person, to: Area) -> Said {
        let mut why = Why::new();
        why.when(!self.areas.contains_key(&to), Refusal::AreaUnknown);
        let Some(human) = self.people.get(&person) else { return why.stop(Refusal::PersonUnknown) };
        why.insured(human);
        why.when(self.party_to_holds(person) > 0, Refusal::HoldOpen);
        why.when(human.status == InsuranceStatus::Normal, Refusal::NotStopped);
        why.when(human.status == InsuranceStatus::Arrears, Refusal::InArrears);
        why.when(human.status == InsuranceStatus::Frozen, Refusal::AccountFrozen);
        why.when(human.retired, Refusal::RetireeStays);
        why.when(human.area == to, Refusal::SameArea);
        why.when(human.area.province() == to.province(), Refusal::SameProvince);
        let account = human.account.filter(|_| human.insurance == Insurance::Employee);
        why.when(account.is_none(), Refusal::AccountMissing);
        why.end()?;
        let (case, from) = (CaseId(at), human.area);
        let record = CaseRecord {
            person,
            from,
            to,
            state: CaseState::Applied,
            balance: fen(0),
            applied: self.now,
            accepted: None,
            source_due: None,
            due: None,
            ended: None,
            overdue: [false; 2],
            waiting: vec![],
        };
        let mut events = self.release_all(person, ReleaseCause::Transfer);
        self.cases.insert(case, record);
        self.human_mut(person).transfer = Some(case);
        events.push(Event::TransferApplied { case, person, from, to });
        Ok(events)
    }

    /// The case, in one of these states.
    fn case(&self, why: &mut Why, case: CaseId, states: &[CaseState]) -> Result<CaseRecord, Refusal> {
        let Some(record) = self.cases.get(&case) else { return why.stop(Refusal::CaseUnknown) };
        why.when(!states.contains(&record.state), Refusal::CaseNotInState);
        Ok(record.clone())
    }

    fn change_case(&mut self, case: CaseId, change: impl FnOnce(&mut CaseRecord)) {
        change(self.cases.get_mut(&case).expect("known"));
    }

    pub(super) fn accept_transfer(&mut self, case: CaseId) -> Said {
        let mut why = Why::new();
        self.case(&mut why, case, &[CaseState::Applied])?;
        why.end()?;
        let (now, policy) = (self.now, self.policy());
        let source_due = self.working_day(now.day(), policy.source_days);
        let due = self.working_day(now.day(), policy.transfer_days);
        self.change_case(case, |record| {
            record.state = CaseState::Accepted;
            record.accepted = Some(now);
            record.source_due = Some(source_due);
            record.due = Some(due);
        });
        Ok(vec![Event::TransferAccepted { case, source_due, due }])
    }

    pub(super) fn send_transfer(&mut self, case: CaseId) -> Said {
        let mut why = Why::new();
        let record = self.case(&mut why, case, &[CaseState::Accepted])?;
        why.when(self.human(record.person).releasing.is_some(), Refusal::ReleaseUnderWay);
        why.end()?;
        let amount = self.pour(Pocket::Available(record.person), Pocket::Transit(case));
        self.change_case(case, |record| record.state = CaseState::Sent);
        Ok(vec![Event::TransferSent { case, amount: fen(amount) }])
    }

    pub(super) fn receive_transfer(&mut self, case: CaseId) -> Said {
        let mut why = Why::new();
        let CaseRecord { person, to, .. } = self.case(&mut why, case, &[CaseState::Sent])?;
        why.end()?;
        let amount = self.pour(Pocket::Transit(case), Pocket::Available(person));
        self.change_case(case, |record| record.state = CaseState::Received);
        let human = self.human_mut(person);
        human.area = to;
        human.account = Some(to);
        Ok(vec![Event::TransferReceived { case, amount: fen(amount) }])
    }

    pub(super) fn complete_transfer(&mut self, at: Position, case: CaseId) -> Said {
        let mut why = Why::new();
        self.case(&mut why, case, &[CaseState::Received])?;
        why.end()?;
        Ok(vec![self.complete(at, case)])
    }

    pub(super) fn abandon_transfer(&mut self, at: Position, case: CaseId) -> Said {
        let mut why = Why::new();
        self.case(&mut why, case, &[CaseState::Applied, CaseState::Accepted])?;
        why.end()?;
        Ok(vec![self.abandon(at, case)])
    }

    pub(super) fn fail_transfer(&mut self, at: Position, case: CaseId) -> Said {
        let mut why = Why::new();
        self.case(&mut why, case, &[CaseState::Sent])?;
        why.end()?;
        Ok(vec![self.fail(at, case)])
    }

    /// The person died: the case ends where it stands.
    pub(super) fn cut_short(&mut self, at: Position, case: CaseId) -> Event {
        match self.cases[&case].state {
            CaseState::Sent => self.fail(at, case),
            CaseState::Received => self.complete(at, case),
            _ => self.abandon(at, case),
        }
    }

    fn complete(&mut self, at: Position, case: CaseId) -> Event {
        let (person, to) = (self.cases[&case].person, self.cases[&case].to);
        self.end_case(at, case, CaseState::Completed, to);
        let human = self.human_mut(person);
        human.status = InsuranceStatus::Normal;
        human.failed = None;
        Event::TransferCompleted { case }
    }

    fn abandon(&mut self, at: Position, case: CaseId) -> Event {
        let from = self.cases[&case].from;
        self.end_case(at, case, CaseState::Abandoned, from);
        Event::TransferAbandoned { case }
    }

    fn fail(&mut self, at: Position, case: CaseId) -> Event {
        let (person, from) = (self.cases[&case].person, self.cases[&case].from);
        let returned = self.pour(Pocket::Transit(case), Pocket::Available(person));
        self.end_case(at, case, CaseState::Failed, from);
        self.human_mut(person).failed = Some(case);
        Event::TransferFailed { case, returned: fen(returned) }
    }

    /// Lines that waited for the end of the case are owed to the area that keeps the account now.
    fn end_case(&mut self, at: Position, case: CaseId, state: CaseState, keeper: Area) {
        let (now, record) = (self.now, self.cases[&case].clone());
        let mut lines = record.waiting.clone();
        lines.retain(|(payer, ..)| *payer != keeper);
        for (payer, usage, amount) in &lines {
            self.book(Side::Charged, *payer, keeper, *usage, amount.get());
        }
        if !lines.is_empty() {
            self.portability.insert(at, PortabilityRecord { case, at: now, to: keeper, lines });
        }
        self.change_case(case, |record| {
            record.state = state;
            record.ended = Some(now);
            record.waiting.clear();
        });
        self.human_mut(record.person).transfer = None;
    }

    /// Steps that are waited for, and from when on they are overdue.
    pub fn awaited(&self, case: CaseId) -> Vec<(Stamp, CaseStep)> {
        let record = &self.cases[&case];
        let mut steps = vec![];
        let running = [CaseState::Accepted, CaseState::Sent, CaseState::Received].contains(&record.state);
        if let (CaseState::Accepted, [false, _], Some(day)) =
            (record.state, record.overdue, record.source_due)
        {
            steps.push((behind(day), CaseStep::Send));
        }
        if let (true, [_, false], Some(day)) = (running, record.overdue, record.due) {
            steps.push((behind(day), CaseStep::Complete));
        }
        steps
    }

    /// What a tick says of steps that are late.
    pub(super) fn sweep_cases(&mut self) -> Vec<Event> {
        let mut late = vec![];
        for case in self.cases.keys() {
            for (at, step) in self.awaited(*case) {
                if at <= self.now {
                    late.push((at, *case, step));
                }
            }
        }
        late.sort();
        let mut events = vec![];
        for (_, case, step) in late {
            let place = if step == CaseStep::Send { 0 } else { 1 };
            self.change_case(case, |record| record.overdue[place] = true);
            events.push(Event::TransferOverdue { case, step });
        }
        events
    }
}
