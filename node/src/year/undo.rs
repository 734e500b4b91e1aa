//! What was paid is given back: soon, or long after; and requests are undone, whatever became of them.

use super::people::{Human, Status};
use super::plan::{Later, Leg, Paid, Plan, minutes_later, yuan};
use super::step::{Expect, Hour, named};
use client::v1::transaction::Call;
use client::v1::{self, Reason};
use ledger::Stamp;

impl Plan {
    /// The refunds of a day: mostly of late, some of what was paid long ago.
    pub(super) fn refunds(&mut self) {
        let people = self.humans.len() as u64;
        for _ in 0..self.rng.today(people * 2) {
            let count = self.paid.len() as u64;
            if count == 0 {
                return;
            }
            let back = if self.rng.percent(60) { count.min(600) } else { count };
            let place = (count - 1 - self.rng.below(back)) as usize;
            self.refund(place);
        }
        for _ in 0..self.rng.today(people / 12) {
            self.refund_under_way();
        }
        for _ in 0..self.rng.today(people / 20) {
            self.undo_a_refund();
        }
    }

    /// A part of a payment is given back, or all of it.
    pub(super) fn refund(&mut self, place: usize) {
        let Paid { step, who, left, unsure, .. } = self.paid[place].clone();
        if unsure {
            return;
        }
        if left == 0 {
            let call = Call::Refund(v1::Refund { payment: named(step), amount: None });
            if self.rng.percent(20) {
                self.wrong(who, call, Reason::RefundExceedsPayment);
            }
            return;
        }
        let part = (!self.rng.percent(50)).then(|| self.rng.between(1, left));
        let call =
            |amount: Option<u64>| Call::Refund(v1::Refund { payment: named(step), amount: amount.map(yuan) });
        if self.rng.percent(3) {
            self.wrong(who.clone(), call(Some(left + 1)), Reason::RefundExceedsPayment);
        }
        self.done(who, call(part));
        self.paid[place].left -= part.unwrap_or(left);
        self.freed(place);
    }

    /// A premium that was given back in full may be paid again.
    fn freed(&mut self, place: usize) {
        let Paid { beneficiary, left, premium, .. } = self.paid[place].clone();
        let Some(kind) = premium.filter(|_| left == 0) else { return };
        let human = &mut self.humans[beneficiary];
        if human.premiums.get(&kind) == Some(&place) {
            human.premiums.remove(&kind);
            let (day, again) = (ledger::Day(self.today.0 + 3), self.rng.percent(50));
            let premium = v1::Premium::try_from(kind.0);
            if let Some(premium) = premium.ok().filter(|_| again) {
                self.season.entry(day).or_default().push((beneficiary, premium));
            }
        }
    }

    /// A payment of a family some of whose money is under way to another province.
    fn refund_under_way(&mut self) {
        let sent = |human: &Human| human.case.is_some_and(|case| self.cases[case].leg == Leg::Sent);
        let families: Vec<usize> =
            self.humans.iter().filter(|human| sent(human)).map(|human| human.family).collect();
        if families.is_empty() {
            return;
        }
        let family = self.rng.pick(&families);
        let theirs: Vec<usize> = (0..self.paid.len())
            .rev()
            .filter(|place| self.humans[self.paid[*place].beneficiary].family == family)
            .filter(|place| self.paid[*place].left > 0)
            .take(30)
            .collect();
        if !theirs.is_empty() {
            let place = self.rng.pick(&theirs);
            self.refund(place);
        }
    }

    /// Whether money of the person's family is under way.
    fn is_under_way(&self, human: usize) -> bool {
        let family = self.humans[human].family;
        self.cases.iter().any(|case| case.leg == Leg::Sent && self.humans[case.person].family == family)
    }

    /// A refund that was a mistake, and is undone at once.
    fn undo_a_refund(&mut self) {
        let count = self.paid.len() as u64;
        if count == 0 {
            return;
        }
        let place = (count - 1 - self.rng.below(count.min(2_000))) as usize;
        let Paid { step, who, left, beneficiary, premium, unsure, .. } = self.paid[place].clone();
        if left == 0 || unsure {
            return;
        }
        let part = self.rng.percent(40).then(|| self.rng.between(1, left));
        let refund = Call::Refund(v1::Refund { payment: named(step), amount: part.map(yuan) });
        let refund = self.step(who.clone(), refund, Expect::Done);
        let original = refund.request.clone();
        self.push(refund);
        let reverse = Call::Reverse(v1::Reverse { original: original.clone() });
        // What went into a balance under way cannot be taken back; nobody outside knows which refunds did.
        let expect = match self.is_under_way(beneficiary) {
            true => Expect::Maybe(Reason::ReversalImpossible),
            false => Expect::Done,
        };
        if expect != Expect::Done {
            // From here on the plan does not know what is left of it.
            self.paid[place].unsure = true;
            if let Some(kind) = premium {
                self.humans[beneficiary].premiums.insert(kind, usize::MAX);
            }
        }
        self.ask(who.clone(), reverse.clone(), expect);
        if expect == Expect::Done && self.rng.percent(30) {
            // Twice does nothing more.
            self.done(who, reverse);
        }
    }

    /// Requests that are undone on the day they were made.
    pub(super) fn reversals(&mut self) {
        let people = self.humans.len() as u64;
        for _ in 0..self.rng.today(people / 5) {
            let count = self.paid.len() as u64;
            if count == 0 {
                return;
            }
            let place = (count - 1 - self.rng.below(count.min(40))) as usize;
            if self.paid[place].day == self.today {
                self.reverse_payment(place);
            }
        }
        for _ in 0..self.rng.today(people / 12) {
            if let Some(human) = self.somebody(Human::acts) {
                self.reverse_the_unknown(human);
            }
        }
        for _ in 0..self.rng.today(people / 20) {
            if let Some(human) = self.somebody(Human::acts) {
                self.reverse_a_hold(human);
            }
        }
        for _ in 0..self.rng.today(people / 40) {
            self.reverse_in_vain();
        }
    }

    /// A payment whose answer was lost, and which is undone in full.
    fn reverse_payment(&mut self, place: usize) {
        let Paid { request, who, .. } = self.paid[place].clone();
        let reverse = Call::Reverse(v1::Reverse { original: request });
        self.done(who.clone(), reverse.clone());
        self.paid[place].left = 0;
        self.freed(place);
        if self.rng.percent(20) {
            self.done(who, reverse);
        }
    }

    /// A reversal comes before what it reverses; that is kept out when it comes.
    fn reverse_the_unknown(&mut self, human: usize) {
        let Some(visit) = self.visit(human) else { return };
        let who = self.at(visit.institution);
        let settle = Call::Settle(self.settle(&visit));
        let lost = self.step(who.clone(), settle, Expect::Refused(Reason::ReversedBeforeArrival));
        self.done(who, Call::Reverse(v1::Reverse { original: lost.request.clone() }));
        if self.rng.percent(70) {
            self.later(0, Hour::Afternoon, Later::Send(Box::new(lost)));
        }
    }

    /// An authorisation that is undone.
    fn reverse_a_hold(&mut self, human: usize) {
        let Some(visit) = self.visit(human) else { return };
        let who = self.at(visit.institution);
        let hold = self.hold(visit);
        let original = self.held[hold].request.clone();
        self.held[hold].open = false;
        self.done(who.clone(), Call::Reverse(v1::Reverse { original }));
        let confirm =
            Call::ConfirmSpend(v1::ConfirmSpend { hold: named(self.held[hold].step), amount: None });
        self.wrong(who, confirm, Reason::HoldNotOpen);
    }

    /// What cannot be undone.
    fn reverse_in_vain(&mut self) {
        let Some(human) = self.somebody(|human| human.enrolled && human.status != Status::Deceased) else {
            return;
        };
        let who = self.person(human);
        match self.rng.below(3) {
            0 => {
                // Too old to be known.
                let old = self.id_at(Stamp(self.now.0 - 3 * ledger::stamp::DAY_MS));
                let reverse = Call::Reverse(v1::Reverse { original: old });
                self.wrong(who, reverse, Reason::OriginalOutOfWindow);
            }
            1 => {
                // A reversal cannot undo itself.
                let mut reverse =
                    self.step(who, Call::Tick(v1::Tick {}), Expect::Refused(Reason::NotReversible));
                reverse.call = Call::Reverse(v1::Reverse { original: reverse.request.clone() });
                self.push(reverse);
            }
            _ => {
                // Too far ahead to be kept out.
                let early = self.id_at(minutes_later(self.now, 5 * 60));
                let reverse = Call::Reverse(v1::Reverse { original: early });
                self.wrong(who, reverse, Reason::OriginalOutOfWindow);
            }
        }
    }
}
