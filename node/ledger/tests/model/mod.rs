//! A second, naive ledger to compare the real one with, written from the rulings a second time. It keeps plain maps of
//! what there is and moves money from pocket to pocket; what can be added up is never stored. Of the contract it uses
//! the words (ids, calls, events, records), never a rule.
//!
//! A verb lists every reason that speaks against it, in any order, and the one that is published first is given
//! ([`Why`]). Nothing else decides the precedence.

mod bonds;
mod books;
mod cases;
mod clearing;
mod enrolment;
mod people;
mod pockets;
mod quotas;
mod registers;
mod rights;
mod rows;
mod spending;
mod tick;
mod undo;
mod verbs;
mod why;

use ledger::command::{Insurance, InsuranceStatus, Kinship, KinshipScope, Policy, Premium, Tariff};
use ledger::decision::ReleaseCause;
use ledger::stamp::{Day, Month};
use ledger::table::{
    CalendarRecord, CaseRecord, ClearingRecord, HoldRecord, InstitutionRecord, OfferRecord, PaymentRecord,
    PeriodRecord, PortabilityRecord, PrepaymentRecord, RefundRecord, Suspension,
};
use ledger::{
    Answer, Area, CaseId, Event, Fen, HoldId, Institution, OfferId, Outcome, PaymentId, Person, Position,
    Province, RefundId, Refusal, RelationId, Stamp, Transaction,
};
use ledger::{Caller, RequestId};
use std::collections::BTreeMap;

pub use books::{Books, Tallies};
pub use pockets::Pocket;
pub use why::Why;

/// What a verb comes to.
pub type Said = Result<Vec<Event>, Refusal>;

pub fn fen(amount: u64) -> Fen {
    Fen::new(amount).expect("within the range")
}

#[derive(Clone)]
pub struct Human {
    pub insurance: Insurance,
    pub area: Area,
    pub status: InsuranceStatus,
    pub retired: bool,
    pub wallet: bool,
    pub suspended: Option<Suspension>,
    pub transfer: Option<CaseId>,
    pub failed: Option<CaseId>,
    pub releasing: Option<ReleaseCause>,
    /// Where the account is kept, for one who ever had 310.
    pub account: Option<Area>,
    /// The days on which quotas were set or raised, once for each time.
    pub raises: Vec<Day>,
    /// The order of donors that the person wished for last.
    pub preferred: Vec<RelationId>,
}

impl Human {
    /// Insured: neither terminated nor deceased.
    pub fn lasts(&self) -> bool {
        !matches!(self.status, InsuranceStatus::Terminated | InsuranceStatus::Deceased)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    Waiting,
    Living,
    Dropped,
    Over(ReleaseCause),
}

#[derive(Clone)]
pub struct Bond {
    pub donor: Person,
    pub user: Person,
    pub kin: Kinship,
    pub by: Person,
    pub lapses: Stamp,
    pub phase: Phase,
    pub number: u64,
    pub expires: Option<Stamp>,
    /// Whether a tick has found the quota expired since its expiry was set.
    pub swept: bool,
    pub raised: Option<Stamp>,
    /// What was spent through it and not given back to it.
    pub used: u64,
}

/// From and until, in the order in which they were set.
pub type Openings = Vec<(Stamp, Option<Stamp>)>;

/// What is remembered of a request; the transaction is none for one that was reversed before it arrived.
pub type Memory = BTreeMap<(RequestId, Caller), (Option<Transaction>, Answer)>;

#[derive(Clone)]
pub struct Model {
    pub begun: Option<Stamp>,
    pub cluster: [u8; 16],
    pub now: Stamp,
    pub edge: u64,
    pub day: Day,
    pub days: BTreeMap<Day, u64>,
    pub clearing: Month,
    pub policies: Vec<(Stamp, Policy)>,
    pub provinces: BTreeMap<Province, Vec<(Stamp, KinshipScope)>>,
    pub areas: BTreeMap<Area, Openings>,
    pub shops: BTreeMap<Institution, InstitutionRecord>,
    pub tariffs: BTreeMap<(Area, Premium, u16), Vec<(Stamp, Tariff)>>,
    pub calendars: BTreeMap<u16, CalendarRecord>,
    pub people: BTreeMap<Person, Human>,
    pub bonds: BTreeMap<RelationId, Bond>,
    pub offers: BTreeMap<OfferId, OfferRecord>,
    pub holds: BTreeMap<HoldId, HoldRecord>,
    pub bills: BTreeMap<PaymentId, PaymentRecord>,
    pub refunds: BTreeMap<RefundId, RefundRecord>,
    pub premiums: BTreeMap<(Person, Premium, u16), PaymentId>,
    pub cases: BTreeMap<CaseId, CaseRecord>,
    /// What was posted when cases ended.
    pub portability: BTreeMap<Position, PortabilityRecord>,
    pub periods: BTreeMap<Month, PeriodRecord>,
    pub lines: BTreeMap<(Month, Area, Area), ClearingRecord>,
    pub funds: BTreeMap<Province, PrepaymentRecord>,
    pub books: Books,
    pub tallies: Tallies,
    pub pockets: BTreeMap<Pocket, u64>,
    pub accepted: u64,
    pub memory: Memory,
}

impl Model {
    pub fn new() -> Model {
        Model {
            begun: None,
            cluster: [0; 16],
            now: Stamp(0),
            edge: 0,
            day: Day(0),
            days: BTreeMap::new(),
            clearing: Month { year: 1970, month: 1 },
            policies: vec![],
            provinces: BTreeMap::new(),
            areas: BTreeMap::new(),
            shops: BTreeMap::new(),
            tariffs: BTreeMap::new(),
            calendars: BTreeMap::new(),
            people: BTreeMap::new(),
            bonds: BTreeMap::new(),
            offers: BTreeMap::new(),
            holds: BTreeMap::new(),
            bills: BTreeMap::new(),
            refunds: BTreeMap::new(),
            premiums: BTreeMap::new(),
            cases: BTreeMap::new(),
            portability: BTreeMap::new(),
            periods: BTreeMap::new(),
            lines: BTreeMap::new(),
            funds: BTreeMap::new(),
            books: Books::new(),
            tallies: Tallies::new(),
            pockets: BTreeMap::new(),
            accepted: 0,
            memory: Memory::new(),
        }
    }

    /// An entry begins: ledger time moves on to its stamp, and the edge of forgetting with it.
    pub fn open_entry(&mut self, stamp: u64) {
        if self.begun.is_some() {
            self.now = self.now.max(Stamp(stamp));
            self.move_edge();
        } else {
            self.now = Stamp(stamp);
        }
    }

    /// An entry ends: the first of a day is noted.
    pub fn close_entry(&mut self, index: u64) {
        if self.begun.is_some() && self.now.day() > self.day {
            self.day = self.now.day();
            self.days.insert(self.day, index);
        }
    }

    fn move_edge(&mut self) {
        self.edge = self.edge.max(self.now.0.saturating_sub(self.policy().request_window_ms));
    }

    pub fn policy(&self) -> Policy {
        *in_force(&self.policies, self.now).expect("there is a first policy")
    }

    /// One transaction, from its identity to its answer.
    pub fn answer(&mut self, position: Position, asked: &Transaction) -> Answer {
        let refused = |why| Answer { position, outcome: Outcome::Refused(why), repeated: false };
        let id = (asked.request, asked.caller);
        if let Some((sent, first)) = self.memory.get(&id) {
            let other = sent.as_ref().is_some_and(|sent| {
                (&sent.call, &sent.not_after, &sent.signature)
                    != (&asked.call, &asked.not_after, &asked.signature)
            });
            return if other {
                refused(Refusal::RequestReused)
            } else {
                Answer { repeated: true, ..first.clone() }
            };
        }
        if self.begun.is_some() {
            if asked.request.time_ms() < self.edge {
                return refused(Refusal::RequestExpired);
            }
            if asked.request.time_ms() > self.now.0 + self.policy().request_ahead_ms {
                return refused(Refusal::RequestTooEarly);
            }
        }
        let answer = match self.decide(position, asked) {
            Ok(events) => Answer { position, outcome: Outcome::Done(events), repeated: false },
            Err(why) => refused(why),
        };
        if self.begun.is_some() {
            self.memory.insert(id, (Some(asked.clone()), answer.clone()));
        }
        answer
    }

    pub fn human(&self, id: Person) -> &Human {
        &self.people[&id]
    }

    fn human_mut(&mut self, id: Person) -> &mut Human {
        self.people.get_mut(&id).expect("known")
    }

    fn bond_mut(&mut self, id: RelationId) -> &mut Bond {
        self.bonds.get_mut(&id).expect("known")
    }
}

/// Of what is kept by date: that with the latest date up to now, and of the same date that set later.
fn in_force<T>(versions: &[(Stamp, T)], now: Stamp) -> Option<&T> {
    let mut best: Option<&(Stamp, T)> = None;
    for version in versions {
        if version.0 <= now && best.is_none_or(|best| version.0 >= best.0) {
            best = Some(version);
        }
    }
    best.map(|(_, value)| value)
}

/// The same list, as it is kept: in the order of the dates, of the same date as they were set.
fn by_date<T: Clone>(versions: &[(Stamp, T)]) -> Vec<(Stamp, T)> {
    let mut sorted = versions.to_vec();
    sorted.sort_by_key(|(from, _)| *from);
    sorted
}
