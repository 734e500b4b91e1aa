//! Makes transactions of steps, and remembers what it sent.

use super::world::{PERSONS, amount, area, person, policy, prelude, shop};
use super::{Ask, Verb};
use crate::model::{Model, Phase};
use ledger::command::{InsuranceStatus, Policy};
use ledger::stamp::{DAY_MS, HOUR_MS};
use ledger::{Call, Caller, Fen, Person, Position, RelationId, RequestId, Stamp, Transaction};

pub struct Sender {
    pub stamp: u64,
    pub focus: Option<Person>,
    made: u64,
    sent: Vec<Transaction>,
    /// Ids that were reversed before they were sent: some are sent after all.
    stones: Vec<(RequestId, Caller)>,
}

/// From which moment, before or after now.
const WHEN: [i64; 6] = [0, 0, 0, HOUR_MS as i64, DAY_MS as i64, -1];

impl Sender {
    /// The clock starts on 2026-03-01 08:00 in +08:00.
    pub fn new() -> Sender {
        Sender { stamp: 1_772_323_200_000, focus: None, made: 0, sent: vec![], stones: vec![] }
    }

    fn fresh(&mut self, time: u64) -> RequestId {
        self.made += 1;
        let mut id = RequestId::earliest_at(time);
        id.0[8..].copy_from_slice(&self.made.to_be_bytes());
        id
    }

    pub fn plain(&mut self, caller: Caller, call: Call) -> Transaction {
        let request = self.fresh(self.stamp);
        self.send(Transaction { request, caller, not_after: None, signature: vec![], call })
    }

    fn send(&mut self, made: Transaction) -> Transaction {
        if self.sent.len() > 400 {
            self.sent.drain(..200);
        }
        self.sent.push(made.clone());
        made
    }

    pub fn prelude(&mut self, first_policy: u8) -> Vec<Transaction> {
        let calls = prelude(Stamp(self.stamp), first_policy);
        calls.into_iter().map(|(caller, call)| self.plain(caller, call)).collect()
    }

    fn anyone(&self, number: u8, pick: u8) -> Caller {
        match number % 8 {
            0 => Caller::National,
            1 => Caller::Province(area(pick).province()),
            2 => Caller::Agency(area(pick)),
            3 => Caller::Institution(shop(pick)),
            4 | 5 => Caller::Person(person(pick)),
            6 => Caller::Auditor,
            _ => Caller::Node,
        }
    }

    /// Mostly one who lives, often the one in focus; sometimes one whom nobody knows.
    pub(super) fn someone(&self, model: &Model, pick: u8) -> Person {
        if let (0..70, Some(focus)) = (pick, self.focus) {
            return focus;
        }
        if pick >= 240 || model.people.is_empty() {
            return person(pick);
        }
        self.someone_who(model, pick, |model, id| model.human(id).status != InsuranceStatus::Deceased)
            .unwrap_or(person(pick))
    }

    /// One of the persons of whom something holds.
    pub(super) fn someone_who(
        &self,
        model: &Model,
        pick: u8,
        holds: impl Fn(&Model, Person) -> bool,
    ) -> Option<Person> {
        let fitting: Vec<Person> = (0..PERSONS)
            .map(person)
            .filter(|id| model.people.contains_key(id) && holds(model, *id))
            .collect();
        (!fitting.is_empty()).then(|| fitting[usize::from(pick) % fitting.len()])
    }

    /// Mostly a living relation, else a recent one; sometimes one that cannot be, or never was.
    pub(super) fn relation(&self, model: &Model, pick: u8) -> RelationId {
        let all = &model.bonds;
        let living = all.iter().filter(|(_, bond)| bond.phase == Phase::Living).map(|(id, _)| *id);
        let mine = |id: &RelationId| {
            let bond = &all[id];
            self.focus.is_none_or(|focus| bond.donor == focus || bond.user == focus)
        };
        let living: Vec<RelationId> = match pick {
            0..80 => living.filter(mine).collect(),
            _ => living.collect(),
        };
        match pick {
            0..170 if !living.is_empty() => living[usize::from(pick) % living.len()],
            0..247 if !all.is_empty() => {
                let back = usize::from(pick) % all.len().min(12);
                *all.keys().rev().nth(back).expect("within the list")
            }
            0..252 => RelationId(Position { index: u64::MAX, place: 0 }),
            252.. => RelationId(Position { index: 0, place: 0 }),
        }
    }

    pub(super) fn moment(&self, pick: u8) -> Stamp {
        Stamp(self.stamp.saturating_add_signed(WHEN[usize::from(pick) % WHEN.len()]))
    }

    /// One of the policies with a few changes; seldom one that is out of range.
    pub(super) fn policy(&self, pick: [u8; 8]) -> Policy {
        let [a, b, c, d, e, f, g, wrong] = pick;
        let windows = [DAY_MS, DAY_MS, 3 * DAY_MS, HOUR_MS, DAY_MS];
        let donors = [256, 256, 3, 2, 1];
        let mut policy = Policy {
            request_window_ms: windows[usize::from(b) % 5],
            donors_max: donors[usize::from(c) % 5],
            proposal_days: [30, 30, 1, 20][usize::from(d) % 4],
            own_account_first: !e.is_multiple_of(3),
            stopped_may_offer: f.is_multiple_of(4),
            change_releases: g.is_multiple_of(2),
            ..policy(a)
        };
        match wrong {
            0..6 => policy.request_window_ms = 999,
            6..10 => policy.proposal_days = 0,
            10..14 => policy.donors_max = 257,
            14..18 => policy.hold_ms = 0,
            18..22 => policy.closed_until_minute = 1_440,
            22..26 => policy.red_percent = policy.yellow_percent - 1,
            26..30 => policy.source_days = policy.transfer_days + 1,
            30..34 => policy.prepayment_percent = 0,
            34..38 => policy.prepayment_months = 61,
            38..42 => policy.hold_ms = 30 * DAY_MS + 1,
            42.. => {}
        }
        policy
    }

    /// A part of a sum, or one beside it.
    pub(super) fn part(&self, whole: u64, pick: u8) -> Fen {
        let parts = [whole, whole / 2, whole.saturating_sub(1), whole + 1, 1, 0, whole / 3];
        let one = parts[usize::from(pick) % parts.len()];
        if pick < 200 { Fen::new(one).unwrap_or(Fen::MAX) } else { amount(pick) }
    }

    /// A request of before: mostly one that can be undone.
    pub(super) fn original(&mut self, model: &Model, pick: [u8; 8]) -> (Caller, RequestId) {
        let [a, b, c, ..] = pick;
        let undoable = |sent: &&Transaction| {
            use Verb::{AuthoriseSpend, ConfirmSpend, PayPremium, Refund, Settle};
            let kinds = [Settle, PayPremium, ConfirmSpend, AuthoriseSpend, Refund];
            kinds.contains(&Verb::of(&sent.call)) && model.memory.contains_key(&(sent.request, sent.caller))
        };
        let recent = self.sent.iter().rev().take(120);
        let found: Vec<&Transaction> =
            if a < 200 { recent.filter(undoable).take(20).collect() } else { recent.take(20).collect() };
        if let (0..244, false) = (a, found.is_empty()) {
            let sent = found[usize::from(b) % found.len()];
            let caller = if c < 245 { sent.caller } else { self.anyone(c, b) };
            return (caller, sent.request);
        }
        let age = [0, 0, 0, 25 * HOUR_MS, 100 * DAY_MS][usize::from(b) % 5];
        let ahead = if b == 77 || b == 78 { 2 * HOUR_MS } else { 0 };
        let id = self.fresh(self.stamp - age + ahead);
        let caller = if c < 128 { Caller::Institution(shop(c % 6)) } else { Caller::Person(person(c)) };
        self.stones.push((id, caller));
        (caller, id)
    }

    /// What the step asks, given what the ledger knows.
    pub fn transaction(&mut self, model: &Model, ask: &Ask) -> Transaction {
        let strange = ask.id.saturating_sub(210);
        let old = (!self.sent.is_empty()).then(|| {
            let back = usize::from(ask.pick[7]) % self.sent.len().min(40);
            self.sent[self.sent.len() - 1 - back].clone()
        });
        if let (1..=10, Some(old)) = (strange, &old) {
            return old.clone();
        }
        let (usual, mut call) = self.call(model, ask);
        let caller = match ask.caller {
            0..238 => usual,
            number => self.anyone(number, ask.pick[7]),
        };
        let stone = self.stones.iter().rev().take(6).find(|(_, by)| *by == caller).copied();
        let (request, caller) = match (strange, old, stone) {
            (11..=18, Some(old), _) => (old.request, old.caller),
            (19..=22, ..) => (self.fresh(self.stamp - 25 * HOUR_MS), caller),
            (23..=25, ..) => (self.fresh(self.stamp + 61 * 60_000), caller),
            (26..=29, ..) => (self.fresh(self.stamp - 2 * HOUR_MS), caller),
            (30.., _, Some(stone)) => stone,
            _ => (self.fresh(self.stamp), caller),
        };
        if let (Call::Reverse { original }, 250..) = (&mut call, ask.pick[3]) {
            *original = request; // itself
        }
        let not_after = match ask.deadline {
            0..220 => None,
            220..250 => Some(Stamp(self.stamp)),
            250.. => Some(Stamp(self.stamp - 1)),
        };
        self.send(Transaction { request, caller, not_after, signature: vec![], call })
    }
}
