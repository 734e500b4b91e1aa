//! What is done with persons and their accounts: credits, wallets, payouts, moves, suspensions.

use super::{Model, Pocket, Said, Why, fen};
use ledger::command::{Insurance, InsuranceStatus, Party, PayoutReason, SuspensionReason};
use ledger::table::{CaseState, Suspension};
use ledger::{Area, CaseId, Event, FileNumber, Person, Refusal};

impl Model {
    /// The case whose balance is under way, if the person has one.
    pub(super) fn under_way(&self, person: Person) -> Option<CaseId> {
        self.human(person).transfer.filter(|case| self.cases[case].state == CaseState::Sent)
    }

    /// Where money for a person goes.
    pub(super) fn inbox(&self, person: Person) -> Pocket {
        self.under_way(person).map_or(Pocket::Available(person), Pocket::Transit)
    }

    pub(super) fn credit(&mut self, person: Person, amount: u64) -> Said {
        let mut why = Why::new();
        why.when(amount == 0, Refusal::AmountZero);
        let Some(human) = self.people.get(&person) else { return why.stop(Refusal::PersonUnknown) };
        why.when(human.account.is_none(), Refusal::AccountMissing);
        why.when(amount > self.pocket(Pocket::Income(person)), Refusal::AmountOverflow);
        why.end()?;
        self.shift(amount, Pocket::Income(person), self.inbox(person));
        let available = fen(self.available(person));
        Ok(vec![Event::AccountCredited { person, amount: fen(amount), available }])
    }

    pub(super) fn activate(&mut self, person: Person) -> Said {
        let mut why = Why::new();
        let Some(human) = self.people.get(&person) else { return why.stop(Refusal::PersonUnknown) };
        why.when(human.status == InsuranceStatus::Deceased, Refusal::PersonDeceased);
        why.when(human.wallet, Refusal::WalletActive);
        why.end()?;
        self.human_mut(person).wallet = true;
        Ok(vec![Event::WalletActivated { person }])
    }

    pub(super) fn deactivate(&mut self, person: Person) -> Said {
        let mut why = Why::new();
        let Some(human) = self.people.get(&person) else { return why.stop(Refusal::PersonUnknown) };
        why.when(human.status == InsuranceStatus::Deceased, Refusal::PersonDeceased);
        why.when(!human.wallet, Refusal::WalletInactive);
        why.end()?;
        self.human_mut(person).wallet = false;
        Ok(vec![Event::WalletDeactivated { person }])
    }

    pub(super) fn payout(&mut self, person: Person, reason: PayoutReason, wish: Option<u64>) -> Said {
        let mut why = Why::new();
        why.when(wish == Some(0), Refusal::AmountZero);
        let Some(human) = self.people.get(&person) else { return why.stop(Refusal::PersonUnknown) };
        why.when(human.transfer.is_some(), Refusal::CaseOpen);
        let frozen = human.status == InsuranceStatus::Frozen && reason != PayoutReason::Estate;
        why.when(frozen, Refusal::AccountFrozen);
        if human.account.is_none() {
            return why.stop(Refusal::AccountMissing);
        }
        let dead = human.status == InsuranceStatus::Deceased;
        let fits = match reason {
            PayoutReason::Estate => dead,
            PayoutReason::Emigration => human.status == InsuranceStatus::Terminated,
            PayoutReason::Resettled => {
                let stays = [InsuranceStatus::Normal, InsuranceStatus::Stopped].contains(&human.status);
                human.retired && stays && human.insurance == Insurance::Employee
            }
            PayoutReason::TransferImpossible => human.failed.is_some() && !dead,
        };
        why.when(!fits, Refusal::PayoutNotAllowed);
        let available = self.available(person);
        let amount = wish.unwrap_or(available);
        why.when(available == 0 || amount > available, Refusal::PayoutExceedsBalance);
        why.when(reason == PayoutReason::Estate && amount != available, Refusal::PayoutExceedsBalance);
        why.end()?;
        self.shift(amount, Pocket::Available(person), Pocket::PaidOut(person));
        Ok(vec![Event::PaidOut { person, reason, amount: fen(amount) }])
    }

    pub(super) fn relocate(&mut self, person: Person, to: Area) -> Said {
        let mut why = Why::new();
        why.when(!self.areas.contains_key(&to), Refusal::AreaUnknown);
        let Some(human) = self.people.get(&person) else { return why.stop(Refusal::PersonUnknown) };
        let from = human.area;
        why.insured(human);
        why.when(self.party_to_holds(person) > 0, Refusal::HoldOpen);
        why.when(from == to, Refusal::SameArea);
        why.when(from.province() != to.province(), Refusal::OtherProvince);
        why.end()?;
        let human = self.human_mut(person);
        human.area = to;
        human.account = human.account.map(|kept| if kept == from { to } else { kept });
        Ok(vec![Event::PersonMoved { person, from, to }])
    }

    /// The place where a party's suspension is noted.
    fn suspension(&mut self, party: Party) -> Result<&mut Option<Suspension>, Refusal> {
        match party {
            Party::Person(person) => {
                self.people.get_mut(&person).map(|human| &mut human.suspended).ok_or(Refusal::PersonUnknown)
            }
            Party::Institution(shop) => {
                self.shops.get_mut(&shop).map(|shop| &mut shop.suspended).ok_or(Refusal::InstitutionUnknown)
            }
        }
    }

    pub(super) fn suspend(&mut self, party: Party, reason: SuspensionReason, file: FileNumber) -> Said {
        let since = self.now;
        let place = self.suspension(party)?;
        if place.is_some() {
            return Err(Refusal::AlreadySuspended);
        }
        *place = Some(Suspension { reason, file, since });
        Ok(vec![Event::Suspended { party }])
    }

    pub(super) fn lift(&mut self, party: Party) -> Said {
        let place = self.suspension(party)?;
        if place.is_none() {
            return Err(Refusal::NotSuspended);
        }
        *place = None;
        Ok(vec![Event::SuspensionLifted { party }])
    }
}
