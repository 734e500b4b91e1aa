//! The plan of a year: what everybody asks of the ledger, hour by hour, and how each request must end. It follows from
//! the seed alone.
//!
//! A plan knows the rules as an outsider knows them. Of money it knows lower bounds: what an account or a quota has at
//! least, whatever payments were covered with. It asks for no more than that, or for far more than anybody has.

use super::land::Land;
use super::people::{Bond, Human, Nursery, Pair, Stand};
use super::rng::Rng;
use super::step::{Expect, Hour, Step, request_id};
use client::v1::caller::Who;
use client::v1::transaction::Call;
use client::v1::{self, Reason};
use ledger::stamp::{DAY_MS, MINUTE_MS};
use ledger::{Day, Stamp};
use std::collections::BTreeMap;

/// How large a year is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Families of one to eight people.
    pub families: usize,
    /// Areas of each province in which people live.
    pub areas_each: usize,
}

impl Size {
    /// So many times the usual size.
    pub fn of(scale: u32) -> Size {
        let scale = scale.max(1) as usize;
        Size { families: FAMILIES * scale, areas_each: 2 + scale.min(19) }
    }
}

/// Families of the usual year.
const FAMILIES: usize = 700;

/// What somebody paid.
#[derive(Clone, Debug)]
pub struct Paid {
    /// The step that it began with: a settlement, a premium or a confirmation.
    pub step: u32,
    /// The request of that step.
    pub request: String,
    pub who: Who,
    pub beneficiary: usize,
    /// Not refunded so far, in fen.
    pub left: u64,
    /// What is left is not known to the plan.
    pub unsure: bool,
    pub day: Day,
    /// Its premium: kind and year.
    pub premium: Option<(i32, u32)>,
}

/// Money that was authorised.
#[derive(Clone, Debug)]
pub struct Held {
    pub step: u32,
    pub request: String,
    pub institution: usize,
    pub beneficiary: usize,
    pub amount: u64,
    pub open: bool,
}

/// Where a transfer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leg {
    Applied,
    Accepted,
    Sent,
    Received,
    Ended,
}

/// A transfer to another province.
#[derive(Clone, Debug)]
pub struct Case {
    pub step: u32,
    pub person: usize,
    pub from: usize,
    pub to: usize,
    pub leg: Leg,
    /// At least so much is under way.
    pub sure: u64,
}

/// What was begun and goes on later.
#[derive(Clone, Debug)]
pub enum Later {
    Wallet(usize),
    Answer(usize),
    AnswerTooLate(usize),
    Offer { bond: usize, offer: u32 },
    Resolve(usize),
    Resolved(usize),
    Refund(usize),
    Normal(usize),
    Apply(usize),
    Case(usize, Leg),
    Abandon(usize),
    Fail(usize),
    Estate(usize),
    Emigrated(usize),
    Again(usize),
    Lift(usize),
    Reopen(usize),
    Send(Box<Step>),
}

/// The plan, as far as it was asked for.
#[derive(Clone, Debug)]
pub struct Plan {
    pub year: u16,
    pub land: Land,
    pub humans: Vec<Human>,
    pub pairs: Vec<Pair>,
    pub bonds: Vec<Bond>,
    pub paid: Vec<Paid>,
    pub held: Vec<Held>,
    pub cases: Vec<Case>,
    pub(super) rng: Rng,
    ids: Rng,
    pub(super) today: Day,
    pub(super) now: Stamp,
    /// The plan of an hour, while it is made.
    out: Vec<Step>,
    next: u32,
    due: BTreeMap<(Day, Hour), Vec<Later>>,
    /// Pairs by the day on which they are proposed.
    proposals: BTreeMap<Day, Vec<usize>>,
    /// Who is enrolled when.
    joining: BTreeMap<Day, Vec<usize>>,
    /// Quotas by the day on which they may expire.
    pub(super) expiring: BTreeMap<Day, Vec<usize>>,
    /// Who pays which premium when.
    pub(super) season: BTreeMap<Day, Vec<(usize, v1::Premium)>>,
}

impl Plan {
    /// The plan of a year.
    pub fn new(seed: u64, year: u16, size: Size) -> Plan {
        let first = day(year, 1, 1);
        let land = Land::new(size.areas_each, day(year, 7, 1).start());
        let mut nursery =
            Nursery { land: &land, rng: Rng::new(seed, 1), first, humans: Vec::new(), pairs: Vec::new() };
        (0..size.families).for_each(|family| nursery.family(family));
        let Nursery { humans, pairs, .. } = nursery;
        let mut rng = Rng::new(seed, 2);
        let (mut proposals, mut joining) = (BTreeMap::new(), BTreeMap::new());
        for (place, human) in humans.iter().enumerate() {
            joining.entry(human.joins).or_insert_with(Vec::new).push(place);
        }
        for (place, pair) in pairs.iter().enumerate() {
            let both = humans[pair.donor].joins.max(humans[pair.beneficiary].joins);
            let wait = if rng.percent(60) { rng.between(3, 25) } else { rng.between(3, 200) };
            proposals.entry(Day(both.0 + wait as u32)).or_insert_with(Vec::new).push(place);
        }
        let mut plan = Plan {
            year,
            land,
            humans,
            pairs,
            bonds: Vec::new(),
            paid: Vec::new(),
            held: Vec::new(),
            cases: Vec::new(),
            rng,
            ids: Rng::new(seed, 3),
            today: first,
            now: first.start(),
            out: Vec::new(),
            next: 0,
            due: BTreeMap::new(),
            proposals,
            joining,
            expiring: BTreeMap::new(),
            season: BTreeMap::new(),
        };
        plan.plan_season();
        plan
    }

    /// The first day.
    pub fn first(&self) -> Day {
        day(self.year, 1, 1)
    }

    /// The last day on which people live.
    pub fn last(&self) -> Day {
        day(self.year, 12, 31)
    }

    /// Whether the parameters of the pilot are in force.
    pub(super) fn is_pilot(&self) -> bool {
        self.now < day(self.year, 3, 1).start()
    }

    /// What is asked in an hour. Hours are asked for one after the other, none twice.
    pub fn hour(&mut self, today: Day, hour: Hour) -> Vec<Step> {
        if hour == Hour::Morning {
            self.today = today;
        }
        self.now = hour.of(today);
        if today > self.last() {
            return Vec::new();
        }
        if hour == Hour::Morning {
            self.swept();
            self.govern();
        }
        for later in self.due.remove(&(today, hour)).unwrap_or_default() {
            self.go_on(later);
        }
        match hour {
            Hour::Morning => {
                self.enrol();
                self.credit();
                self.moves();
                self.propose();
            }
            Hour::Books => {}
            Hour::Forenoon => {
                self.quotas();
                self.payments(40);
                self.authorise();
                self.mistakes(1);
            }
            Hour::Noon => {
                self.payments(30);
                self.reversals();
                self.mistakes(2);
            }
            Hour::Afternoon => {
                self.premiums();
                self.refunds();
                self.tidy_quotas();
                self.payments(30);
                self.mistakes(2);
            }
            Hour::Night => self.at_night(),
        }
        std::mem::take(&mut self.out)
    }

    /// Goes on with something.
    fn go_on(&mut self, later: Later) {
        match later {
            Later::Wallet(human) => self.activate(human),
            Later::Answer(bond) => self.answer(bond),
            Later::AnswerTooLate(bond) => self.answer_too_late(bond),
            Later::Offer { bond, offer } => self.answer_offer(bond, offer),
            Later::Resolve(held) => self.resolve(held),
            Later::Resolved(held) => self.resolve_too_late(held),
            Later::Refund(paid) => self.refund(paid),
            Later::Normal(human) => self.back_to_normal(human),
            Later::Apply(human) => self.apply_transfer(human),
            Later::Case(case, leg) => self.step_transfer(case, leg),
            Later::Abandon(case) => self.abandon_transfer(case),
            Later::Fail(case) => self.fail_transfer(case),
            Later::Estate(human) => self.pay_estate(human),
            Later::Emigrated(human) => self.pay_emigrant(human),
            Later::Again(human) => self.enrol_again(human),
            Later::Lift(human) => self.lift(human),
            Later::Reopen(institution) => self.reopen(institution),
            Later::Send(step) => self.out.push(*step),
        }
    }

    /// Goes on with something, so many days from now.
    pub(super) fn later(&mut self, days: u64, hour: Hour, what: Later) {
        let day = Day(self.today.0 + days as u32);
        self.due.entry((day, hour)).or_default().push(what);
    }

    /// Asks for something; tells the step.
    pub(super) fn ask(&mut self, who: Who, call: Call, expect: Expect) -> u32 {
        let step = self.step(who, call, expect);
        let number = step.number;
        self.out.push(step);
        number
    }

    /// Asks for what is done.
    pub(super) fn done(&mut self, who: Who, call: Call) -> u32 {
        self.ask(who, call, Expect::Done)
    }

    /// Asks for what is refused.
    pub(super) fn wrong(&mut self, who: Who, call: Call, reason: Reason) {
        self.ask(who, call, Expect::Refused(reason));
    }

    /// A step of this moment, not yet asked.
    pub(super) fn step(&mut self, who: Who, call: Call, expect: Expect) -> Step {
        let number = self.next;
        self.next += 1;
        let request = request_id(self.now, self.ids.bytes());
        Step { number, request, who, call, not_after: None, expect }
    }

    /// Asks with a step that was made.
    pub(super) fn push(&mut self, step: Step) {
        self.out.push(step);
    }

    /// The step asked last.
    pub(super) fn last_step(&self) -> Option<&Step> {
        self.out.last()
    }

    /// The last step of this hour that holds money.
    pub(super) fn last_authorised(&self) -> Option<u32> {
        let of = |step: &&Step| matches!(step.call, Call::AuthoriseSpend(_));
        self.out.iter().rev().find(of).map(|step| step.number)
    }

    /// A step of this hour.
    pub(super) fn some_step(&mut self) -> Option<Step> {
        let count = self.out.len() as u64;
        (count > 0).then(|| self.out[self.rng.below(count) as usize].clone())
    }

    /// A request id of another moment.
    pub(super) fn id_at(&mut self, at: Stamp) -> String {
        request_id(at, self.ids.bytes())
    }

    /// The people of a day.
    pub(super) fn joining_today(&mut self) -> Vec<usize> {
        self.joining.remove(&self.today).unwrap_or_default()
    }

    /// The pairs of a day.
    pub(super) fn proposals_today(&mut self) -> Vec<usize> {
        self.proposals.remove(&self.today).unwrap_or_default()
    }

    /// A pair is proposed again, later.
    pub(super) fn propose_later(&mut self, days: u64, pair: usize) {
        let day = Day(self.today.0 + days as u32);
        self.proposals.entry(day).or_default().push(pair);
    }

    /// Anybody.
    pub(super) fn anybody(&mut self) -> usize {
        self.rng.below(self.humans.len() as u64) as usize
    }

    /// Somebody of whom this is true, if one is found soon.
    pub(super) fn somebody(&mut self, of: impl Fn(&Human) -> bool) -> Option<usize> {
        for _ in 0..60 {
            let human = self.anybody();
            if of(&self.humans[human]) {
                return Some(human);
            }
        }
        None
    }

    /// An active relation, if one is found soon.
    pub(super) fn some_bond(&mut self, of: impl Fn(&Bond) -> bool) -> Option<usize> {
        if self.bonds.is_empty() {
            return None;
        }
        for _ in 0..40 {
            let place = self.rng.below(self.bonds.len() as u64) as usize;
            let bond = &self.bonds[place];
            if bond.stand == Stand::Active && of(bond) {
                return Some(place);
            }
        }
        None
    }

    /// What has run out since yesterday was swept by the pulse before the morning.
    fn swept(&mut self) {
        let expired: Vec<Day> = self.expiring.range(..=self.today).map(|(day, _)| *day).collect();
        for day in expired {
            for bond in self.expiring.remove(&day).unwrap_or_default() {
                let bond = &mut self.bonds[bond];
                if bond.stand == Stand::Active && bond.expires == Some(day) {
                    let back = std::mem::take(&mut bond.sure);
                    self.humans[bond.pair.donor].sure += back;
                }
            }
        }
        if self.is_pilot() || self.today.0 < day(self.year, 3, 3).0 {
            let now = self.now;
            for bond in &mut self.bonds {
                let gone = bond.offers.iter().filter(|offer| offer.until <= now);
                let back: u64 = gone.map(|offer| offer.amount).sum();
                bond.offers.retain(|offer| offer.until > now);
                self.humans[bond.pair.donor].sure += back;
            }
        }
    }
}

/// A day of a year.
pub fn day(year: u16, month: u8, date: u8) -> Day {
    Day::new(year, month, date).unwrap_or(Day::MAX)
}

/// The next 06:00 after a moment: when offers return.
pub fn next_return(at: Stamp) -> Stamp {
    at.next_at_minute(360)
}

/// So many days later.
pub fn days_later(at: Stamp, days: u64) -> Stamp {
    at.plus_ms(days * DAY_MS)
}

/// So many minutes later.
pub fn minutes_later(at: Stamp, minutes: u64) -> Stamp {
    at.plus_ms(minutes * MINUTE_MS)
}

/// An amount as the wire has it.
pub fn yuan(fen: u64) -> String {
    format!("{}.{:02}", fen / 100, fen % 100)
}

/// The national agency.
pub fn nation() -> Who {
    Who::National(v1::National {})
}
