//! Relations: proposed, accepted, declined, ordered, released.

use super::{Bond, Human, Model, Phase, Pocket, Said, Why, fen, in_force};
use ledger::command::{Insurance, Kinship, KinshipScope};
use ledger::decision::ReleaseCause;
use ledger::stamp::DAY_MS;
use ledger::table::OfferState;
use ledger::{Caller, Event, Person, Position, Refusal, RelationId};

/// Relations and proposals that one step ends.
pub const RELEASES: usize = 256;

/// Pairs of kinships that are the same seen from both sides.
const MIRROR: [(Kinship, Kinship); 5] = [
    (Kinship::Spouse, Kinship::Spouse),
    (Kinship::Sibling, Kinship::Sibling),
    (Kinship::Parent, Kinship::Child),
    (Kinship::PaternalGrandparent, Kinship::SonsChild),
    (Kinship::MaternalGrandparent, Kinship::DaughtersChild),
];

fn mirrored(one: Kinship, other: Kinship) -> bool {
    MIRROR.contains(&(one, other)) || MIRROR.contains(&(other, one))
}

impl Model {
    pub(super) fn waits(&self, bond: &Bond) -> bool {
        bond.phase == Phase::Waiting && self.now < bond.lapses
    }

    /// Both parties let it live: while one's relations are being released it counts as ended.
    pub(super) fn is_alive(&self, bond: &Bond) -> bool {
        let ending = |id: Person| self.human(id).releasing.is_some();
        bond.phase == Phase::Living && !ending(bond.donor) && !ending(bond.user)
    }

    fn out_of_scope(&self, giver: &Human, taker: &Human, kin: Kinship) -> bool {
        let province = giver.area.province();
        if province != taker.area.province() {
            return false;
        }
        let scopes = self.provinces.get(&province);
        let wide = scopes.and_then(|scopes| in_force(scopes, self.now)) == Some(&KinshipScope::Wide);
        !wide && ![Kinship::Spouse, Kinship::Parent, Kinship::Child].contains(&kin)
    }

    /// What speaks against a relation between the two, besides itself.
    fn suits(
        &self,
        why: &mut Why,
        donor: Person,
        user: Person,
        kin: Kinship,
        itself: Option<RelationId>,
    ) -> Result<(), Refusal> {
        let (Some(giver), Some(taker)) = (self.people.get(&donor), self.people.get(&user)) else {
            return why.stop(Refusal::PersonUnknown);
        };
        why.acting(giver);
        why.acting(taker);
        why.when(donor == user, Refusal::SamePerson);
        why.when(giver.insurance != Insurance::Employee, Refusal::DonorNotEligible);
        why.when(self.out_of_scope(giver, taker, kin), Refusal::KinshipOutOfScope);
        for (id, bond) in &self.bonds {
            if bond.phase != Phase::Living && !self.waits(bond) {
                continue;
            }
            if bond.donor == user && bond.user == donor {
                why.when(!mirrored(bond.kin, kin), Refusal::KinshipContradicts);
            }
            if bond.donor == donor && bond.user == user && Some(*id) != itself {
                why.when(true, Refusal::RelationExists);
            }
        }
        let full = self.donors(user).len() >= usize::from(self.policy().donors_max);
        why.when(full, Refusal::DonorsFull);
        Ok(())
    }

    pub(super) fn propose(
        &mut self,
        at: Position,
        caller: &Caller,
        donor: Person,
        user: Person,
        kin: Kinship,
    ) -> Said {
        let mut why = Why::new();
        self.suits(&mut why, donor, user, kin, None)?;
        why.end()?;
        let mut events = vec![];
        for (id, bond) in &mut self.bonds {
            if bond.donor == donor && bond.user == user && bond.phase == Phase::Waiting {
                bond.phase = Phase::Dropped;
                events.push(Event::ProposalLapsed { relation: *id });
            }
        }
        let relation = RelationId(at);
        let bond = Bond {
            donor,
            user,
            kin,
            by: if *caller == Caller::Person(donor) { donor } else { user },
            lapses: self.now.plus_ms(u64::from(self.policy().proposal_days) * DAY_MS),
            phase: Phase::Waiting,
            number: 0,
            expires: None,
            swept: false,
            raised: None,
            used: 0,
        };
        self.bonds.insert(relation, bond);
        events.push(Event::RelationProposed { relation, donor, beneficiary: user });
        Ok(events)
    }

    pub(super) fn accept(&mut self, id: RelationId) -> Said {
        let mut why = Why::new();
        let Some(bond) = self.bonds.get(&id) else { return why.stop(Refusal::RelationUnknown) };
        why.when(!self.waits(bond), Refusal::RelationNotPending);
        self.suits(&mut why, bond.donor, bond.user, bond.kin, Some(id))?;
        why.end()?;
        self.accepted += 1;
        let number = self.accepted;
        let bond = self.bond_mut(id);
        bond.phase = Phase::Living;
        bond.number = number;
        Ok(vec![Event::RelationAccepted { relation: id, sequence: number }])
    }

    pub(super) fn decline(&mut self, id: RelationId) -> Said {
        let mut why = Why::new();
        let Some(bond) = self.bonds.get(&id) else { return why.stop(Refusal::RelationUnknown) };
        why.when(!self.waits(bond), Refusal::RelationNotPending);
        why.end()?;
        self.bond_mut(id).phase = Phase::Dropped;
        Ok(vec![Event::RelationDeclined { relation: id }])
    }

    pub(super) fn set_priority(&mut self, user: Person, order: Vec<RelationId>) -> Said {
        let mut why = Why::new();
        if !self.people.contains_key(&user) {
            return why.stop(Refusal::PersonUnknown);
        }
        let living = self.donors(user);
        for (place, id) in order.iter().enumerate() {
            let alive = living.contains(id) && self.is_alive(&self.bonds[id]);
            why.when(!alive || order[..place].contains(id), Refusal::OrderInvalid);
        }
        why.end()?;
        self.human_mut(user).preferred = order;
        Ok(vec![Event::PrioritySet { beneficiary: user }])
    }

    pub(super) fn release(&mut self, caller: &Caller, id: RelationId) -> Said {
        let mut why = Why::new();
        let Some(bond) = self.bonds.get(&id) else { return why.stop(Refusal::RelationUnknown) };
        why.when(!self.is_alive(bond), Refusal::RelationNotActive);
        why.end()?;
        let by_donor = *caller == Caller::Person(bond.donor);
        let cause = if by_donor { ReleaseCause::Donor } else { ReleaseCause::Beneficiary };
        Ok(vec![self.end_bond(id, cause)])
    }

    /// What is unused and what waits goes back to the donor; what is held stays where it is.
    fn end_bond(&mut self, id: RelationId, cause: ReleaseCause) -> Event {
        let account = Pocket::Available(self.bonds[&id].donor);
        let mut returned = self.pour(Pocket::Quota(id), account);
        for offer in self.open_offers(id) {
            returned += self.pour(Pocket::Offer(offer), account);
            self.offers.get_mut(&offer).expect("known").state = OfferState::Released;
        }
        self.bond_mut(id).phase = Phase::Over(cause);
        Event::RelationReleased { relation: id, returned: fen(returned), cause }
    }

    /// Ends the first relations and proposals of a person: those received, then those given.
    fn release_some(&mut self, person: Person, cause: ReleaseCause) -> (Vec<Event>, bool) {
        let stands = |bond: &Bond| matches!(bond.phase, Phase::Living | Phase::Waiting);
        let standing: Vec<(RelationId, Person)> =
            self.bonds.iter().filter(|(_, bond)| stands(bond)).map(|(id, bond)| (*id, bond.user)).collect();
        let received = standing.iter().filter(|(_, user)| *user == person);
        let given = standing.iter().filter(|(id, _)| self.bonds[id].donor == person);
        let all: Vec<RelationId> = received.chain(given).map(|(id, _)| *id).collect();
        let mut events = vec![];
        for id in all.iter().take(RELEASES) {
            if self.bonds[id].phase == Phase::Living {
                events.push(self.end_bond(*id, cause));
            } else {
                self.bond_mut(*id).phase = Phase::Dropped;
                events.push(Event::ProposalLapsed { relation: *id });
            }
        }
        (events, all.len() > RELEASES)
    }

    pub(super) fn release_all(&mut self, person: Person, cause: ReleaseCause) -> Vec<Event> {
        let (mut events, more) = self.release_some(person, cause);
        self.human_mut(person).releasing = more.then_some(cause);
        if more {
            events.push(Event::ReleasesUnderWay { person });
        }
        events
    }

    /// A tick goes on with those whose relations are being released.
    pub(super) fn sweep_releases(&mut self) -> Vec<Event> {
        let mut events = vec![];
        let people = self.people.iter();
        let under_way: Vec<(Person, ReleaseCause)> =
            people.filter_map(|(id, human)| Some((*id, human.releasing?))).collect();
        for (person, cause) in under_way {
            if events.len() >= RELEASES {
                break;
            }
            let (some, more) = self.release_some(person, cause);
            self.human_mut(person).releasing = more.then_some(cause);
            events.extend(some);
        }
        events
    }
}
