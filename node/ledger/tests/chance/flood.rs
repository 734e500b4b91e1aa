//! So many transactions of one kind that the place for them runs out.

use super::Sender;
use super::world::{area, province};
use crate::model::{Model, Phase};
use ledger::command::{
    DisputeReason, Expiry, Insurance, InsuranceStatus, Kinship, KinshipScope, Policy, Premium, Tariff,
    Termination,
};
use ledger::stamp::DAY_MS;
use ledger::{Call, Caller, Fen, FileNumber, Person, Stamp, Transaction};

impl Sender {
    pub fn flood(&mut self, model: &Model, pick: u8) -> Vec<Transaction> {
        let effective = Stamp(self.stamp + 1_000 * DAY_MS);
        let call = match pick % 16 {
            0 => Call::SetPolicy { effective, policy: Policy::default() },
            1 => Call::SetAreaOpen { area: area(7), from: effective, until: None },
            2 => {
                let (premium, tariff) = (Premium::Care, Tariff::AnyAmount);
                Call::SetTariff { area: area(3), premium, year: 2030, effective, tariff }
            }
            3 => {
                let (province, kinship) = (province(6), KinshipScope::Wide);
                Call::RegisterProvince { province, kinship, effective: Some(effective) }
            }
            4..7 => return self.offers(model, pick),
            7..9 => return self.disputes(model, pick),
            _ => return self.relatives(model, pick),
        };
        (0..257).map(|_| self.plain(Caller::National, call.clone())).collect()
    }

    /// Small quotas of one relation: as offers, they run out of place.
    fn offers(&mut self, model: &Model, pick: u8) -> Vec<Transaction> {
        let living = model.bonds.iter().filter(|(_, bond)| bond.phase == Phase::Living);
        let living: Vec<_> = living.map(|(id, bond)| (*id, bond.donor)).collect();
        let Some((relation, donor)) = living.get(usize::from(pick) % living.len().max(1)).copied() else {
            return vec![];
        };
        let (amount, expiry) = (Fen::new(1).expect("an amount"), Expiry::Keep);
        let mut sent = vec![];
        if !model.policy().offers && model.begun.is_some() {
            let policy = Policy { offers: true, ..model.policy() };
            let effective = model.now.max(Stamp(self.stamp));
            sent.push(self.plain(Caller::National, Call::SetPolicy { effective, policy }));
        }
        let call = Call::SetQuota { relation, amount, expiry };
        sent.extend((0..17).map(|_| self.plain(Caller::Person(donor), call.clone())));
        sent
    }

    fn disputes(&mut self, model: &Model, pick: u8) -> Vec<Transaction> {
        let (month, payer, payee) = self.line(model, pick, 0, |_| true);
        let (reason, file) = (DisputeReason::CountedTwice, FileNumber::new("D-2").expect("a number"));
        let call = Call::DisputeClearing { month, payer, payee, reason, file };
        (0..17).map(|_| self.plain(Caller::Province(payee.province()), call.clone())).collect()
    }

    /// One person proposes to so many that the end of the insurance ends their relations in steps; then it ends.
    fn relatives(&mut self, model: &Model, pick: u8) -> Vec<Transaction> {
        let acts = |model: &Model, id: Person| {
            let human = model.human(id);
            let lasts = matches!(human.status, InsuranceStatus::Normal | InsuranceStatus::Stopped);
            let free = human.transfer.is_none() && human.releasing.is_none() && human.suspended.is_none();
            lasts && free && human.wallet && human.insurance == Insurance::Employee
        };
        let Some(donor) = self.someone_who(model, pick, acts) else { return vec![] };
        let place = model.human(donor).area;
        let mut sent = vec![];
        for number in 0..260_u16 {
            let mut id = [0x60; 16];
            id[14..].copy_from_slice(&number.to_be_bytes());
            let (beneficiary, insurance) = (Person(id), Insurance::Resident);
            let kinship = Kinship::Child;
            if !model.people.contains_key(&beneficiary) {
                let enrol = Call::EnrolPerson { person: beneficiary, insurance, area: place, retired: false };
                sent.push(self.plain(Caller::Agency(place), enrol));
                sent.push(
                    self.plain(Caller::Person(beneficiary), Call::ActivateWallet { person: beneficiary }),
                );
            }
            let propose = Call::ProposeRelation { donor, beneficiary, kinship };
            sent.push(self.plain(Caller::Person(donor), propose));
        }
        let agency = Caller::Agency(place);
        let stopped = Call::SetInsuranceStatus { person: donor, status: InsuranceStatus::Stopped };
        let end = match pick / 16 % 8 {
            0 => Call::RegisterDeath { person: donor },
            1 => Call::TerminateInsurance { person: donor, reason: Termination::Other },
            2..6 => {
                let (insurance, area) = (Insurance::Resident, place);
                Call::EnrolPerson { person: donor, insurance, area, retired: false }
            }
            _ => {
                sent.push(self.plain(agency, stopped));
                let far = (0..8).map(area).find(|one| one.province() != place.province());
                Call::ApplyTransfer { person: donor, to: far.expect("another province") }
            }
        };
        sent.push(self.plain(agency, end));
        self.focus = Some(donor);
        sent
    }
}
