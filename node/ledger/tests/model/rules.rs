//! The naive ledger's rules, written from the rulings a second time.

use super::{Bond, Human, Model, Phase, Shop};
use ledger::command::{Insurance, Kinship, KinshipScope, Policy};
use ledger::stamp::{DAY_MS, HOUR_MS};
use ledger::{
    Area, Call, Caller, Event, Fen, Person, Position, Refusal, RelationId, RequestId, Stamp, Transaction,
};

pub(super) type Said = Result<Vec<Event>, Refusal>;

pub(super) fn fen(amount: u64) -> Fen {
    Fen::new(amount).expect("within the range")
}

pub(super) fn refuse_if(wrong: bool, why: Refusal) -> Result<(), Refusal> {
    if wrong { Err(why) } else { Ok(()) }
}

/// Where money of one area may be spent in another.
fn same_province(one: Area, other: Area) -> bool {
    one.code() / 10_000 == other.code() / 10_000
}

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

fn sound(policy: &Policy) -> bool {
    policy.request_window_ms >= 1_000
        && policy.request_window_ms <= 30 * DAY_MS
        && policy.request_ahead_ms <= 24 * HOUR_MS
        && policy.proposal_days >= 1
        && policy.proposal_days <= 365
        && policy.donors_max >= 1
        && policy.donors_max <= 256
}

impl Model {
    pub fn decide(&mut self, position: Position, asked: &Transaction) -> Said {
        refuse_if(asked.not_after.is_some_and(|Stamp(end)| self.now > end), Refusal::DeadlinePassed)?;
        refuse_if(!self.kind_may(&asked.caller, &asked.call), Refusal::NotPermitted)?;
        if !self.begun && !matches!(asked.call, Call::Genesis { .. }) {
            return Err(Refusal::NotBegun);
        }
        refuse_if(!self.concerns(position, &asked.caller, &asked.call), Refusal::NotPermitted)?;
        match &asked.call {
            Call::Genesis { cluster, policy } => {
                refuse_if(self.begun, Refusal::AlreadyBegun)?;
                refuse_if(!sound(policy), Refusal::PolicyOutOfRange)?;
                self.begun = true;
                self.policies.push((self.now, *policy));
                self.move_edge();
                Ok(vec![Event::LedgerBegun { cluster: *cluster }])
            }
            Call::RegisterProvince { province, kinship } => {
                self.provinces.retain(|(code, _)| *code != province.code());
                self.provinces.push((province.code(), *kinship));
                Ok(vec![Event::ProvinceRegistered { province: *province }])
            }
            Call::RegisterArea { area } => {
                let known = self.provinces.iter().any(|(code, _)| u32::from(*code) == area.code() / 10_000);
                refuse_if(!known, Refusal::ProvinceUnknown)?;
                refuse_if(self.areas.iter().any(|(known, _)| known == area), Refusal::AreaExists)?;
                self.areas.push((*area, vec![]));
                Ok(vec![Event::AreaRegistered { area: *area }])
            }
            Call::SetAreaOpen { area, from, until } => {
                refuse_if(from.0 < self.now, Refusal::EffectiveInPast)?;
                refuse_if(until.is_some_and(|until| until.0 <= from.0), Refusal::PeriodEmpty)?;
                let found = self.areas.iter_mut().find(|(known, _)| known == area);
                let (_, openings) = found.ok_or(Refusal::AreaUnknown)?;
                refuse_if(openings.len() >= 256, Refusal::OpeningsFull)?;
                openings.push((from.0, until.map(|until| until.0)));
                Ok(vec![Event::AreaOpeningSet { area: *area, from: *from, until: *until }])
            }
            Call::SetPolicy { effective, policy } => {
                refuse_if(effective.0 < self.now, Refusal::EffectiveInPast)?;
                refuse_if(!sound(policy), Refusal::PolicyOutOfRange)?;
                refuse_if(self.policies.len() >= 256, Refusal::PoliciesFull)?;
                self.policies.push((effective.0, *policy));
                self.move_edge();
                Ok(vec![Event::PolicySet { effective: *effective }])
            }
            Call::RegisterInstitution { institution, kind, area, wallet_open } => {
                refuse_if(!self.areas.iter().any(|(known, _)| known == area), Refusal::AreaUnknown)?;
                let (kind, area, open) = (*kind, *area, *wallet_open);
                match self.shops.iter_mut().find(|shop| shop.id == *institution) {
                    Some(shop) if shop.kind != kind || shop.area != area => {
                        return Err(Refusal::InstitutionDiffers);
                    }
                    Some(shop) => shop.open = open,
                    None => self.shops.push(Shop { id: *institution, kind, area, open }),
                }
                Ok(vec![Event::InstitutionRegistered { institution: *institution, kind, wallet_open: open }])
            }
            Call::EnrolPerson { person, insurance, area } => {
                refuse_if(!self.areas.iter().any(|(known, _)| known == area), Refusal::AreaUnknown)?;
                refuse_if(self.human(*person).is_some(), Refusal::PersonEnrolled)?;
                let (id, insurance, area) = (*person, *insurance, *area);
                self.people.push(Human {
                    id,
                    insurance,
                    area,
                    wallet: false,
                    credits: vec![],
                    preferred: vec![],
                });
                Ok(vec![Event::PersonEnrolled { person: id, insurance, area }])
            }
            Call::CreditAccount { person, amount, .. } => {
                refuse_if(amount.get() == 0, Refusal::AmountZero)?;
                let insured = self.human(*person).ok_or(Refusal::PersonUnknown)?.insurance;
                refuse_if(insured != Insurance::Employee, Refusal::AccountMissing)?;
                let sum = self.credited(*person) + u128::from(amount.get());
                refuse_if(sum > u128::from(Fen::MAX.get()), Refusal::AmountOverflow)?;
                self.human_mut(*person).credits.push(amount.get());
                let available = fen(self.available(*person));
                Ok(vec![Event::AccountCredited { person: *person, amount: *amount, available }])
            }
            Call::ActivateWallet { person } => {
                let active = self.human(*person).ok_or(Refusal::PersonUnknown)?.wallet;
                refuse_if(active, Refusal::WalletActive)?;
                self.human_mut(*person).wallet = true;
                Ok(vec![Event::WalletActivated { person: *person }])
            }
            Call::ProposeRelation { donor, beneficiary, kinship } => {
                self.propose(position, &asked.caller, *donor, *beneficiary, *kinship)
            }
            Call::AcceptRelation { relation } => self.accept(*relation),
            Call::DeclineRelation { relation } => {
                let bond = self.bond(*relation).ok_or(Refusal::RelationUnknown)?;
                refuse_if(!self.waits(bond), Refusal::RelationNotPending)?;
                self.bond_mut(*relation).phase = Phase::Dropped;
                Ok(vec![Event::RelationDeclined { relation: *relation }])
            }
            Call::SetQuota { relation, amount } => {
                refuse_if(amount.get() == 0, Refusal::AmountZero)?;
                let bond = self.bond(*relation).ok_or(Refusal::RelationUnknown)?.clone();
                refuse_if(bond.phase != Phase::Living, Refusal::RelationNotActive)?;
                let (giver, user) = (self.area_of(bond.donor), self.area_of(bond.user));
                refuse_if(!self.passes(giver, user), Refusal::AreaClosed)?;
                refuse_if(amount.get() > self.available(bond.donor), Refusal::BalanceExceeded)?;
                self.bond_mut(*relation).put_in.push(amount.get());
                let (unused, available) = (fen(self.unused(*relation)), fen(self.available(bond.donor)));
                Ok(vec![Event::QuotaSet { relation: *relation, amount: *amount, unused, available }])
            }
            Call::ReduceQuota { relation, amount } => {
                refuse_if(amount.get() == 0, Refusal::AmountZero)?;
                let bond = self.bond(*relation).ok_or(Refusal::RelationUnknown)?.clone();
                refuse_if(bond.phase != Phase::Living, Refusal::RelationNotActive)?;
                refuse_if(amount.get() > self.unused(*relation), Refusal::QuotaExceeded)?;
                self.bond_mut(*relation).taken_out.push(amount.get());
                let (unused, available) = (fen(self.unused(*relation)), fen(self.available(bond.donor)));
                Ok(vec![Event::QuotaReduced { relation: *relation, amount: *amount, unused, available }])
            }
            Call::SetPriority { beneficiary, order } => {
                refuse_if(self.human(*beneficiary).is_none(), Refusal::PersonUnknown)?;
                let living = self.donors(*beneficiary);
                for (place, id) in order.iter().enumerate() {
                    refuse_if(!living.contains(id) || order[..place].contains(id), Refusal::OrderInvalid)?;
                }
                self.human_mut(*beneficiary).preferred = order.clone();
                Ok(vec![Event::PrioritySet { beneficiary: *beneficiary }])
            }
            Call::Settle { .. } => self.settle(position, &asked.call),
            Call::Refund { payment, amount } => self.refund(*payment, amount.map(Fen::get)),
            Call::ReleaseRelation { relation } => {
                let bond = self.bond(*relation).ok_or(Refusal::RelationUnknown)?;
                refuse_if(bond.phase != Phase::Living, Refusal::RelationNotActive)?;
                let returned = self.unused(*relation);
                let bond = self.bond_mut(*relation);
                bond.taken_out.push(returned);
                bond.phase = Phase::Over;
                Ok(vec![Event::RelationReleased { relation: *relation, returned: fen(returned) }])
            }
            Call::Tick => {
                let before = self.memory.len();
                let edge = self.edge;
                self.memory.retain(|(sent, _)| sent.request.time_ms() >= edge.min(RequestId::TIME_MS_MAX));
                let forgotten = (before - self.memory.len()) as u32;
                let mut lapsed: Vec<(u64, RelationId)> = vec![];
                for bond in &self.bonds {
                    if bond.phase == Phase::Waiting && bond.lapses <= self.now {
                        lapsed.push((bond.lapses, bond.id));
                    }
                }
                lapsed.sort();
                let mut events = vec![];
                for (_, relation) in lapsed {
                    self.bond_mut(relation).phase = Phase::Dropped;
                    events.push(Event::ProposalLapsed { relation });
                }
                events.push(Event::Ticked { forgotten });
                Ok(events)
            }
        }
    }

    /// domain.md 5b, 26: whose business such a call can be at all.
    fn kind_may(&self, caller: &Caller, call: &Call) -> bool {
        match (call, caller) {
            (Call::Genesis { .. } | Call::RegisterProvince { .. }, Caller::National) => true,
            (Call::RegisterArea { .. } | Call::SetAreaOpen { .. }, Caller::National) => true,
            (Call::SetPolicy { .. }, Caller::National) => true,
            (Call::RegisterInstitution { area, .. }, Caller::Province(province)) => {
                area.province() == *province
            }
            (Call::EnrolPerson { area, .. }, Caller::Province(province)) => area.province() == *province,
            (Call::EnrolPerson { area, .. }, Caller::Agency(agency)) => area == agency,
            (Call::CreditAccount { .. }, Caller::Province(_) | Caller::Agency(_)) => true,
            (Call::ActivateWallet { person }, Caller::Person(who)) => person == who,
            (Call::ProposeRelation { donor, beneficiary, .. }, Caller::Person(who)) => {
                donor == who || beneficiary == who
            }
            (Call::AcceptRelation { .. } | Call::DeclineRelation { .. }, Caller::Person(_)) => true,
            (Call::SetQuota { .. } | Call::ReduceQuota { .. }, Caller::Person(_)) => true,
            (Call::ReleaseRelation { .. }, Caller::Person(_)) => true,
            (Call::SetPriority { beneficiary, .. }, Caller::Person(who)) => beneficiary == who,
            (Call::Settle { institution, .. }, Caller::Institution(shop)) => institution == shop,
            (Call::Refund { .. }, Caller::Institution(_)) => true,
            (Call::Tick, Caller::Node) => true,
            _ => false,
        }
    }

    /// The same, for this very person, relation or payment.
    fn concerns(&self, position: Position, caller: &Caller, call: &Call) -> bool {
        match call {
            Call::CreditAccount { person, .. } => match (self.human(*person), caller) {
                (Some(human), Caller::Agency(area)) => human.area == *area,
                (Some(human), Caller::Province(province)) => human.area.province() == *province,
                _ => false,
            },
            Call::AcceptRelation { relation }
            | Call::DeclineRelation { relation }
            | Call::ReleaseRelation { relation }
            | Call::SetQuota { relation, .. }
            | Call::ReduceQuota { relation, .. } => {
                let Some(bond) = self.bond(*relation) else { return relation.0 >= position };
                let Caller::Person(who) = caller else { return false };
                let asks_donor = matches!(call, Call::SetQuota { .. } | Call::ReduceQuota { .. });
                let own = matches!(call, Call::AcceptRelation { .. })
                    && bond.phase == Phase::Waiting
                    && bond.by == *who;
                !own && (bond.donor == *who || bond.user == *who && !asks_donor)
            }
            Call::Refund { payment, .. } => match self.bill(*payment) {
                Some(bill) => *caller == Caller::Institution(bill.shop),
                None => payment.0 >= position,
            },
            _ => true,
        }
    }

    fn human_mut(&mut self, id: Person) -> &mut Human {
        self.people.iter_mut().find(|human| human.id == id).expect("known")
    }

    fn bond_mut(&mut self, id: RelationId) -> &mut Bond {
        self.bonds.iter_mut().find(|bond| bond.id == id).expect("known")
    }

    pub(super) fn area_of(&self, id: Person) -> Area {
        self.human(id).expect("known").area
    }

    pub(super) fn passes(&self, one: Area, other: Area) -> bool {
        same_province(one, other) || (self.is_open(one) && self.is_open(other))
    }

    fn waits(&self, bond: &Bond) -> bool {
        bond.phase == Phase::Waiting && self.now < bond.lapses
    }

    /// The checks that a proposal and its acceptance share, up to RelationExists.
    fn suits(
        &self,
        donor: Person,
        user: Person,
        kin: Kinship,
        but: Option<RelationId>,
    ) -> Result<(), Refusal> {
        let giver = self.human(donor).ok_or(Refusal::PersonUnknown)?;
        let taker = self.human(user).ok_or(Refusal::PersonUnknown)?;
        refuse_if(!giver.wallet || !taker.wallet, Refusal::WalletInactive)?;
        refuse_if(donor == user, Refusal::SamePerson)?;
        refuse_if(giver.insurance != Insurance::Employee, Refusal::DonorNotEligible)?;
        if same_province(giver.area, taker.area) {
            let code = giver.area.province().code();
            let narrow = self.provinces.contains(&(code, KinshipScope::Narrow));
            let close = [Kinship::Spouse, Kinship::Parent, Kinship::Child].contains(&kin);
            refuse_if(narrow && !close, Refusal::KinshipOutOfScope)?;
        }
        let stands = |bond: &&Bond| bond.phase == Phase::Living || self.waits(bond);
        let mut reverse =
            self.bonds.iter().filter(stands).filter(|bond| bond.donor == user && bond.user == donor);
        refuse_if(reverse.any(|bond| !mirrored(bond.kin, kin)), Refusal::KinshipContradicts)?;
        let mut same =
            self.bonds.iter().filter(stands).filter(|bond| bond.donor == donor && bond.user == user);
        refuse_if(same.any(|bond| Some(bond.id) != but), Refusal::RelationExists)
    }

    fn propose(
        &mut self,
        place: Position,
        caller: &Caller,
        donor: Person,
        user: Person,
        kin: Kinship,
    ) -> Said {
        self.suits(donor, user, kin, None)?;
        refuse_if(self.donors(user).len() >= usize::from(self.policy().donors_max), Refusal::DonorsFull)?;
        let mut events = vec![];
        for bond in &mut self.bonds {
            if bond.donor == donor && bond.user == user && bond.phase == Phase::Waiting {
                bond.phase = Phase::Dropped;
                events.push(Event::ProposalLapsed { relation: bond.id });
            }
        }
        let id = RelationId(place);
        let by = if *caller == Caller::Person(donor) { donor } else { user };
        let lapses = self.now + u64::from(self.policy().proposal_days) * 24 * HOUR_MS;
        let (put_in, taken_out) = (vec![], vec![]);
        let phase = Phase::Waiting;
        self.bonds.push(Bond { id, donor, user, kin, by, lapses, phase, number: 0, put_in, taken_out });
        events.push(Event::RelationProposed { relation: id, donor, beneficiary: user });
        Ok(events)
    }

    fn accept(&mut self, id: RelationId) -> Said {
        let bond = self.bond(id).ok_or(Refusal::RelationUnknown)?.clone();
        self.suits(bond.donor, bond.user, bond.kin, Some(id))?;
        refuse_if(!self.waits(&bond), Refusal::RelationNotPending)?;
        refuse_if(
            self.donors(bond.user).len() >= usize::from(self.policy().donors_max),
            Refusal::DonorsFull,
        )?;
        self.accepted += 1;
        let number = self.accepted;
        let bond = self.bond_mut(id);
        bond.phase = Phase::Living;
        bond.number = number;
        Ok(vec![Event::RelationAccepted { relation: id, sequence: number }])
    }
}
