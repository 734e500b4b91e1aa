//! A second, naive ledger to compare the real one with. It keeps lists of what happened and adds them
//! up anew for every question; of the contract it uses the words (ids, calls, events), never a rule.

mod money;
mod pay;
mod rules;

use ledger::command::{InstitutionKind, Insurance, Kinship, KinshipScope, Policy};
use ledger::table::Use;
use ledger::{
    Answer, Area, Caller, Institution, Outcome, PaymentId, Person, Position, Refusal, RelationId, Stamp,
    Transaction,
};

#[derive(Clone)]
pub struct Human {
    pub id: Person,
    pub insurance: Insurance,
    pub area: Area,
    pub wallet: bool,
    pub credits: Vec<u64>,
    pub preferred: Vec<RelationId>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    Waiting,
    Living,
    Dropped,
    Over,
}

#[derive(Clone)]
pub struct Bond {
    pub id: RelationId,
    pub donor: Person,
    pub user: Person,
    pub kin: Kinship,
    pub by: Person,
    pub lapses: u64,
    pub phase: Phase,
    pub number: u64,
    /// What was put in (raises) and taken out (reductions, the rest at the end) so far.
    pub put_in: Vec<u64>,
    pub taken_out: Vec<u64>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum From {
    Own,
    Bond(RelationId),
    Cash,
}

#[derive(Clone)]
pub struct Part {
    pub from: From,
    pub area: Option<Area>,
    pub amount: u64,
    pub back_to_quota: u64,
    pub back_to_account: u64,
}

/// A settlement: its parts in the order of deduction, cash last.
#[derive(Clone)]
pub struct Bill {
    pub id: PaymentId,
    pub user: Person,
    pub shop: Institution,
    pub area: Area,
    pub usage: Use,
    pub parts: Vec<Part>,
}

/// A booking between two areas.
#[derive(Clone)]
pub struct Booking {
    pub at: Stamp,
    pub payer: Area,
    pub payee: Area,
    pub usage: Use,
    pub amount: u64,
    pub back: bool,
}

#[derive(Clone)]
pub struct Shop {
    pub id: Institution,
    pub kind: InstitutionKind,
    pub area: Area,
    pub open: bool,
}

/// From and until, in the order in which they were set.
pub type Openings = Vec<(u64, Option<u64>)>;

#[derive(Clone, Default)]
pub struct Model {
    pub begun: bool,
    pub now: u64,
    pub edge: u64,
    pub policies: Vec<(u64, Policy)>,
    pub provinces: Vec<(u8, KinshipScope)>,
    pub areas: Vec<(Area, Openings)>,
    pub shops: Vec<Shop>,
    pub people: Vec<Human>,
    pub bonds: Vec<Bond>,
    pub bills: Vec<Bill>,
    pub bookings: Vec<Booking>,
    pub accepted: u64,
    pub memory: Vec<(Transaction, Answer)>,
}

impl Model {
    /// Ledger time moves on to this stamp, and the edge of forgetting with it.
    pub fn tell_time(&mut self, stamp: u64) {
        if self.begun {
            self.now = self.now.max(stamp);
            self.move_edge();
        } else {
            self.now = stamp;
        }
    }

    pub fn move_edge(&mut self) {
        self.edge = self.edge.max(self.now.saturating_sub(self.policy().request_window_ms));
    }

    pub fn policy(&self) -> Policy {
        let mut best: Option<(u64, Policy)> = None;
        for (from, policy) in &self.policies {
            if *from <= self.now && best.is_none_or(|(start, _)| *from >= start) {
                best = Some((*from, *policy));
            }
        }
        best.expect("there is a first policy").1
    }

    pub fn is_open(&self, area: Area) -> bool {
        let Some((_, openings)) = self.areas.iter().find(|(known, _)| *known == area) else { return false };
        let mut state = (0, false);
        for (from, until) in openings {
            if *from <= self.now && *from >= state.0 {
                state = (*from, until.is_none_or(|until| self.now < until));
            }
        }
        state.1
    }

    pub fn answer(&mut self, position: Position, asked: &Transaction) -> Answer {
        let refused = |why| Answer { position, outcome: Outcome::Refused(why), repeated: false };
        let same_id =
            |(sent, _): &&(Transaction, Answer)| sent.request == asked.request && sent.caller == asked.caller;
        if let Some((sent, first)) = self.memory.iter().find(same_id) {
            if sent.call != asked.call
                || sent.not_after != asked.not_after
                || sent.signature != asked.signature
            {
                return refused(Refusal::RequestReused);
            }
            return Answer { repeated: true, ..first.clone() };
        }
        if self.begun {
            if asked.request.time_ms() < self.edge {
                return refused(Refusal::RequestExpired);
            }
            if asked.request.time_ms() > self.now + self.policy().request_ahead_ms {
                return refused(Refusal::RequestTooEarly);
            }
        }
        let answer = match self.decide(position, asked) {
            Ok(events) => Answer { position, outcome: Outcome::Done(events), repeated: false },
            Err(why) => refused(why),
        };
        if self.begun {
            self.memory.push((asked.clone(), answer.clone()));
        }
        answer
    }

    pub fn human(&self, id: Person) -> Option<&Human> {
        self.people.iter().find(|human| human.id == id)
    }

    pub fn bond(&self, id: RelationId) -> Option<&Bond> {
        self.bonds.iter().find(|bond| bond.id == id)
    }

    pub fn bill(&self, id: PaymentId) -> Option<&Bill> {
        self.bills.iter().find(|bill| bill.id == id)
    }

    /// Living relations of a beneficiary, in the order in which they pay.
    pub fn donors(&self, user: Person) -> Vec<RelationId> {
        let mut living: Vec<&Bond> =
            self.bonds.iter().filter(|bond| bond.user == user && bond.phase == Phase::Living).collect();
        living.sort_by_key(|bond| bond.number);
        let preferred = self.human(user).map(|human| human.preferred.clone()).unwrap_or_default();
        let mut order: Vec<RelationId> =
            preferred.into_iter().filter(|id| living.iter().any(|bond| bond.id == *id)).collect();
        for bond in living {
            if !order.contains(&bond.id) {
                order.push(bond.id);
            }
        }
        order
    }

    /// Who would usually ask such a thing of a relation.
    pub fn donor_of(&self, id: RelationId) -> Option<Caller> {
        self.bond(id).map(|bond| Caller::Person(bond.donor))
    }

    pub fn answerer_of(&self, id: RelationId) -> Option<Caller> {
        self.bond(id).map(|bond| Caller::Person(if bond.by == bond.donor { bond.user } else { bond.donor }))
    }
}
