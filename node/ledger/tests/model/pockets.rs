//! Where money is. It only ever moves from one pocket to another: no fen comes from nowhere.

use super::{Model, Phase};
use ledger::table::{HoldState, OfferState};
use ledger::{CaseId, Fen, HoldId, OfferId, PaymentId, Person, RelationId};

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Pocket {
    /// Outside, before it was credited to this person: holds what may still be.
    Income(Person),
    /// What a person may spend or freeze.
    Available(Person),
    /// What is unused of a quota.
    Quota(RelationId),
    /// What waits in an offer.
    Offer(OfferId),
    /// What a hold holds of the own account.
    HeldOwn(HoldId),
    /// What a hold holds of a quota.
    HeldLeg(HoldId, RelationId),
    /// What a payment took: of the own account (none), of a quota.
    Spent(PaymentId, Option<RelationId>),
    /// What is under way from one place to another.
    Transit(CaseId),
    /// Outside, on the bank account of this person.
    PaidOut(Person),
}

impl Model {
    pub fn pocket(&self, pocket: Pocket) -> u64 {
        self.pockets.get(&pocket).copied().unwrap_or(match pocket {
            Pocket::Income(_) => Fen::MAX.get(),
            _ => 0,
        })
    }

    pub(super) fn shift(&mut self, amount: u64, from: Pocket, to: Pocket) {
        if amount > 0 {
            let left = self.pocket(from).checked_sub(amount).expect("nobody pays what is not there");
            self.pockets.insert(from, left);
            self.pockets.insert(to, self.pocket(to) + amount);
        }
    }

    /// Empties one pocket into another; tells how much was in it.
    pub(super) fn pour(&mut self, from: Pocket, to: Pocket) -> u64 {
        let amount = self.pocket(from);
        self.shift(amount, from, to);
        amount
    }

    pub fn available(&self, person: Person) -> u64 {
        self.pocket(Pocket::Available(person))
    }

    pub fn credited(&self, person: Person) -> u64 {
        Fen::MAX.get() - self.pocket(Pocket::Income(person))
    }

    pub fn unused(&self, bond: RelationId) -> u64 {
        self.pocket(Pocket::Quota(bond))
    }

    /// What open holds hold of a quota.
    pub fn held(&self, bond: RelationId) -> u64 {
        self.open_holds().map(|hold| self.pocket(Pocket::HeldLeg(hold, bond))).sum()
    }

    /// What open holds hold of a person's own account.
    pub fn held_own(&self, person: Person) -> u64 {
        let own = self.open_holds().filter(|hold| self.holds[hold].beneficiary == person);
        own.map(|hold| self.pocket(Pocket::HeldOwn(hold))).sum()
    }

    /// Frozen for all that a person gives.
    pub fn reserved(&self, donor: Person) -> u64 {
        let mut sum = 0;
        for (id, bond) in &self.bonds {
            if bond.donor == donor {
                sum += self.unused(*id) + self.held(*id);
            }
        }
        for (id, offer) in &self.offers {
            if offer.state == OfferState::Open && self.bonds[&offer.relation].donor == donor {
                sum += self.pocket(Pocket::Offer(*id));
            }
        }
        sum
    }

    /// Holds that have not resolved: young ones, so they are looked for from behind.
    pub fn open_holds(&self) -> impl Iterator<Item = HoldId> {
        self.holds.iter().filter(|(_, hold)| hold.state == HoldState::Held).map(|(id, _)| *id)
    }

    /// How often a person is party to a hold that has not resolved.
    pub fn party_to_holds(&self, person: Person) -> u32 {
        let mut times = 0;
        for id in self.open_holds() {
            let hold = &self.holds[&id];
            times += u32::from(hold.beneficiary == person);
            times += hold.legs.iter().filter(|leg| leg.donor == person).count() as u32;
        }
        times
    }

    /// Open offers of a relation, as they were made.
    pub fn open_offers(&self, bond: RelationId) -> Vec<OfferId> {
        let open = self.offers.iter().filter(|(_, offer)| offer.state == OfferState::Open);
        open.filter(|(_, offer)| offer.relation == bond).map(|(id, _)| *id).collect()
    }

    /// Living relations of a beneficiary, in the order in which they pay.
    pub fn donors(&self, user: Person) -> Vec<RelationId> {
        let living = self.bonds.iter().filter(|(_, bond)| bond.user == user && bond.phase == Phase::Living);
        let mut living: Vec<(u64, RelationId)> = living.map(|(id, bond)| (bond.number, *id)).collect();
        living.sort();
        let Some(human) = self.people.get(&user) else { return vec![] };
        let stands = |id: &RelationId| living.iter().any(|(_, one)| one == id);
        let mut order: Vec<RelationId> = human.preferred.iter().copied().filter(stands).collect();
        for (_, id) in living {
            if !order.contains(&id) {
                order.push(id);
            }
        }
        order
    }
}
