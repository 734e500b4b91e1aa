//! Random histories: steps as proptest makes and shrinks them, and what they mean to a ledger at hand.
//! A step names relations, payments and persons by small numbers, so that it keeps a meaning while
//! others around it are shrunk away.

mod call;

use crate::model::Model;
use ledger::command::{InstitutionKind, Insurance, Kinship, KinshipScope, Policy};
use ledger::stamp::{DAY_MS, HOUR_MS};
use ledger::{
    Area, Call, Caller, Fen, Institution, Person, Position, Province, RelationId, RequestId, Stamp,
    Transaction,
};
use proptest::prelude::*;

/// Registered in the prelude but for the last two, of which one is of no known province.
pub const AREAS: [u32; 8] = [320500, 320700, 340100, 340200, 410100, 370100, 370200, 420100];
const SHOPS: [(&str, usize); 6] = [
    ("H32050000001", 0),
    ("P32070000002", 1),
    ("H41010000003", 4),
    ("P34010000004", 2),
    ("H37010000005", 5),
    ("H32050000009", 0),
];
/// Insurance and area; the last two are not enrolled in the prelude.
const PERSONS: [(Insurance, usize); 9] = [
    (Insurance::Employee, 0),
    (Insurance::Employee, 1),
    (Insurance::Resident, 0),
    (Insurance::Employee, 4),
    (Insurance::Employee, 2),
    (Insurance::Employee, 3),
    (Insurance::Employee, 5),
    (Insurance::Resident, 4),
    (Insurance::Employee, 4),
];
const AMOUNTS: [u64; 10] = [0, 1, 7, 30, 100, 100, 1_000, 2_500, 20_000, 9_999_999_999_999_999];
const KINSHIPS: [Kinship; 8] = [
    Kinship::Spouse,
    Kinship::Parent,
    Kinship::Child,
    Kinship::Sibling,
    Kinship::PaternalGrandparent,
    Kinship::MaternalGrandparent,
    Kinship::SonsChild,
    Kinship::DaughtersChild,
];
/// From which moment, before or after now.
const WHEN: [i64; 6] = [0, 0, 0, 3_600_000, 86_400_000, -1];

pub fn person(number: u8) -> Person {
    let mut id = [0x50; 16];
    id[15] = number % PERSONS.len() as u8;
    Person(id)
}

pub fn persons() -> impl Iterator<Item = Person> {
    (0..PERSONS.len() as u8).map(person)
}

fn area(number: u8) -> Area {
    Area::new(AREAS[usize::from(number) % AREAS.len()]).expect("an area")
}

fn shop(number: u8) -> Institution {
    Institution::new(SHOPS[usize::from(number) % SHOPS.len()].0).expect("an institution")
}

fn amount(number: u8) -> Fen {
    Fen::new(AMOUNTS[usize::from(number) % AMOUNTS.len()]).expect("an amount")
}

#[derive(Clone, Debug)]
pub enum Step {
    /// The next stamp is that much later, or earlier.
    Wait(i64),
    /// Transactions of one entry.
    Entry(Vec<Ask>),
    /// So many settings of one kind that the place for them runs out.
    Flood { policies: bool },
}

#[derive(Clone, Debug)]
pub struct Ask {
    verb: u8,
    pick: [u8; 5],
    /// Below 235 the usual caller, else anyone.
    caller: u8,
    /// Below 200 a fresh id, else one of the strange ones.
    id: u8,
    deadline: u8,
}

/// Verbs and how often they come.
const VERBS: [(u8, &str); 19] = [
    (1, "Genesis"),
    (3, "RegisterProvince"),
    (2, "RegisterArea"),
    (8, "SetAreaOpen"),
    (4, "SetPolicy"),
    (5, "RegisterInstitution"),
    (5, "EnrolPerson"),
    (14, "CreditAccount"),
    (6, "ActivateWallet"),
    (26, "ProposeRelation"),
    (26, "AcceptRelation"),
    (7, "DeclineRelation"),
    (26, "SetQuota"),
    (10, "ReduceQuota"),
    (12, "SetPriority"),
    (46, "Settle"),
    (30, "Refund"),
    (14, "ReleaseRelation"),
    (10, "Tick"),
];

pub fn verbs() -> impl Iterator<Item = &'static str> {
    VERBS.iter().map(|(_, name)| *name)
}

pub fn name(call: &Call) -> &'static str {
    let place = match call {
        Call::Genesis { .. } => 0,
        Call::RegisterProvince { .. } => 1,
        Call::RegisterArea { .. } => 2,
        Call::SetAreaOpen { .. } => 3,
        Call::SetPolicy { .. } => 4,
        Call::RegisterInstitution { .. } => 5,
        Call::EnrolPerson { .. } => 6,
        Call::CreditAccount { .. } => 7,
        Call::ActivateWallet { .. } => 8,
        Call::ProposeRelation { .. } => 9,
        Call::AcceptRelation { .. } => 10,
        Call::DeclineRelation { .. } => 11,
        Call::SetQuota { .. } => 12,
        Call::ReduceQuota { .. } => 13,
        Call::SetPriority { .. } => 14,
        Call::Settle { .. } => 15,
        Call::Refund { .. } => 16,
        Call::ReleaseRelation { .. } => 17,
        Call::Tick => 18,
    };
    VERBS[place].1
}

fn ask() -> impl Strategy<Value = Ask> {
    let total = VERBS.iter().map(|(weight, _)| u16::from(*weight)).sum::<u16>();
    let parts = (0..total, any::<[u8; 5]>(), any::<u8>(), any::<u8>(), any::<u8>());
    parts.prop_map(|(weight, pick, caller, id, deadline)| {
        let mut rest = weight;
        let verb = VERBS.iter().position(|(weight, _)| {
            let here = rest < u16::from(*weight);
            rest = rest.saturating_sub(u16::from(*weight));
            here
        });
        Ask { verb: verb.expect("within the total") as u8, pick, caller, id, deadline }
    })
}

/// A history, and whether it starts before genesis.
pub fn history() -> impl Strategy<Value = (bool, Vec<Step>)> {
    let spans = [1, 1_000, 60_000, HOUR_MS as i64, 9 * HOUR_MS as i64, 10 * DAY_MS as i64, -5_000];
    let step = prop_oneof![
        12 => prop::collection::vec(ask(), 1..5).prop_map(Step::Entry),
        4 => prop::sample::select(spans.to_vec()).prop_map(Step::Wait),
    ];
    let step = prop_oneof![200 => step, 1 => any::<bool>().prop_map(|policies| Step::Flood { policies })];
    (prop::bool::weighted(0.05), prop::collection::vec(step, 1..60))
}

/// Makes transactions of steps, and remembers what it sent.
pub struct Sender {
    pub stamp: u64,
    made: u64,
    sent: Vec<Transaction>,
}

impl Sender {
    pub fn new() -> Sender {
        Sender { stamp: 1_772_323_200_000, made: 0, sent: vec![] }
    }

    fn fresh(&mut self, time: u64) -> RequestId {
        self.made += 1;
        let mut id = RequestId::earliest_at(time);
        id.0[8..].copy_from_slice(&self.made.to_be_bytes());
        id
    }

    pub fn plain(&mut self, caller: Caller, call: Call) -> Transaction {
        let request = self.fresh(self.stamp);
        let made = Transaction { request, caller, not_after: None, signature: vec![], call };
        self.sent.push(made.clone());
        made
    }

    /// A ledger in which most things can happen.
    pub fn prelude(&mut self) -> Vec<Transaction> {
        let mut calls =
            vec![(Caller::National, Call::Genesis { cluster: [7; 16], policy: Policy::default() })];
        for (code, kinship) in [
            (32, KinshipScope::Wide),
            (34, KinshipScope::Narrow),
            (37, KinshipScope::Wide),
            (41, KinshipScope::Wide),
        ] {
            let province = Province::new(code).expect("a province");
            calls.push((Caller::National, Call::RegisterProvince { province, kinship }));
        }
        for number in 0..6 {
            calls.push((Caller::National, Call::RegisterArea { area: area(number) }));
        }
        for number in 0..5 {
            let call = Call::SetAreaOpen { area: area(number), from: Stamp(self.stamp), until: None };
            calls.push((Caller::National, call));
        }
        for number in 0..5 {
            let (code, place) = SHOPS[usize::from(number)];
            let kind =
                if code.starts_with('H') { InstitutionKind::Hospital } else { InstitutionKind::Pharmacy };
            let (institution, area) = (shop(number), area(place as u8));
            let call = Call::RegisterInstitution { institution, kind, area, wallet_open: number != 3 };
            calls.push((Caller::Province(area.province()), call));
        }
        for number in 0..7 {
            let (insurance, place) = PERSONS[usize::from(number)];
            let (person, area) = (person(number), area(place as u8));
            calls.push((Caller::Agency(area), Call::EnrolPerson { person, insurance, area }));
            if insurance == Insurance::Employee {
                let amount = Fen::new(30_000).expect("an amount");
                let period = Stamp(self.stamp).month();
                calls.push((Caller::Agency(area), Call::CreditAccount { person, amount, period }));
            }
            if number != 6 {
                calls.push((Caller::Person(person), Call::ActivateWallet { person }));
            }
        }
        // Four relations, named by where their proposals will stand in the first entry.
        for (giver, user, kinship) in [
            (0, 2, Kinship::Parent),
            (3, 2, Kinship::Parent),
            (0, 3, Kinship::Sibling),
            (4, 0, Kinship::Spouse),
        ] {
            let (donor, beneficiary) = (person(giver), person(user));
            let relation = RelationId(Position { index: 1, place: calls.len() as u16 });
            calls.push((Caller::Person(donor), Call::ProposeRelation { donor, beneficiary, kinship }));
            calls.push((Caller::Person(beneficiary), Call::AcceptRelation { relation }));
            let amount = Fen::new(3_000).expect("an amount");
            calls.push((Caller::Person(donor), Call::SetQuota { relation, amount }));
        }
        calls.into_iter().map(|(caller, call)| self.plain(caller, call)).collect()
    }

    pub fn flood(&mut self, policies: bool) -> Vec<Transaction> {
        let effective = Stamp(self.stamp + 1_000 * DAY_MS);
        let call = match policies {
            true => Call::SetPolicy { effective, policy: Policy::default() },
            false => Call::SetAreaOpen { area: area(0), from: effective, until: None },
        };
        (0..257).map(|_| self.plain(Caller::National, call.clone())).collect()
    }

    /// What the step asks, given what the ledger knows.
    pub fn transaction(&mut self, model: &Model, ask: &Ask) -> Transaction {
        let strange = ask.id.saturating_sub(200);
        let old = (!self.sent.is_empty()).then(|| {
            self.sent[self.sent.len() - 1 - usize::from(ask.pick[4]) % self.sent.len().min(40)].clone()
        });
        if let (1..=20, Some(old)) = (strange, &old) {
            return old.clone();
        }
        let (usual, call) = self.call(model, ask);
        let caller = match ask.caller {
            0..235 => usual,
            number => self.anyone(number, ask.pick[4]),
        };
        let (request, caller) = match (strange, old) {
            (21..=30, Some(old)) => (old.request, old.caller),
            (31..=36, _) => (self.fresh(self.stamp - 25 * HOUR_MS), caller),
            (37..=40, _) => (self.fresh(self.stamp + 61 * 60_000), caller),
            (41..=46, _) => (self.fresh(self.stamp - 2 * HOUR_MS), caller),
            _ => (self.fresh(self.stamp), caller),
        };
        let not_after = match ask.deadline {
            0..220 => None,
            220..248 => Some(Stamp(self.stamp)),
            248.. => Some(Stamp(self.stamp - 1)),
        };
        let made = Transaction { request, caller, not_after, signature: vec![], call };
        self.sent.push(made.clone());
        made
    }
}
