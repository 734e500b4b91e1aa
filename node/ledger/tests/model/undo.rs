//! Refunds, their undoing, and reversals.

use super::books::{Side, aid_is_back};
use super::{Model, Pocket, Said, Why, fen};
use ledger::decision::{LegRefunded, Original};
use ledger::stamp::{DAY_MS, Day};
use ledger::table::{Destination, HoldState, Payee, PaymentRecord, RefundPart, RefundRecord};
use ledger::{
    Answer, Area, Caller, Event, HoldId, Outcome, PaymentId, Person, Position, RefundId, Refusal, RelationId,
    RequestId, Stamp,
};

/// The same moment a calendar year on.
fn year_on(at: Stamp) -> Stamp {
    let day = at.day();
    let (year, month, date) = day.civil();
    let then = Day::new(year + 1, month, date).or(Day::new(year + 1, 3, 1)).expect("a date");
    Stamp(then.start().0 + (at.0 - day.start().0))
}

fn left(bill: &PaymentRecord) -> u64 {
    let legs: u64 = bill.legs.iter().map(|leg| leg.amount.get() - leg.refunded.get()).sum();
    let own = bill.own.amount.get() - bill.own.refunded.get();
    own + legs + bill.cash.get() - bill.cash_refunded.get()
}

/// A part of a payment: cash, the own account, a leg by its place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Cash,
    Own,
    Leg(usize),
}

impl Model {
    pub(super) fn refund(&mut self, at: Position, id: PaymentId, wish: Option<u64>) -> Said {
        let mut why = Why::new();
        why.when(wish == Some(0), Refusal::AmountZero);
        let Some(bill) = self.bills.get(&id) else { return why.stop(Refusal::PaymentUnknown) };
        let days = u64::from(self.policy().refund_days);
        why.when(days > 0 && self.now.0 > bill.at.0 + days * DAY_MS, Refusal::RefundTooLate);
        let left = left(bill);
        why.when(left == 0 || wish.is_some_and(|wish| wish > left), Refusal::RefundExceedsPayment);
        why.end()?;
        Ok(vec![self.give_back(at, id, wish.unwrap_or(left))])
    }

    /// Cash first, then what was deducted last.
    fn give_back(&mut self, at: Position, id: PaymentId, amount: u64) -> Event {
        let bill = self.bills[&id].clone();
        let mut order: Vec<Part> = (0..bill.legs.len()).map(Part::Leg).collect();
        order.insert(if bill.own_first { 0 } else { order.len() }, Part::Own);
        order.push(Part::Cash);
        let mut rest = amount;
        let (mut cash, mut own, mut parts, mut said) = (0, None, vec![], vec![]);
        for part in order.into_iter().rev() {
            let bill = &self.bills[&id];
            let (paid, back) = match part {
                Part::Cash => (bill.cash, bill.cash_refunded),
                Part::Own => (bill.own.amount, bill.own.refunded),
                Part::Leg(place) => (bill.legs[place].amount, bill.legs[place].refunded),
            };
            let share = rest.min(paid.get() - back.get());
            rest -= share;
            if share == 0 {
                continue;
            }
            match part {
                Part::Cash => cash = share,
                Part::Own => {
                    let (area, pocket) = (bill.own.area, Pocket::Spent(id, None));
                    let to = self.back_to_account(bill.beneficiary, area, &bill.clone(), share, pocket);
                    own = Some(RefundPart { place: 0, amount: fen(share), to });
                }
                Part::Leg(place) => {
                    let to = self.back_to_leg(id, place, share);
                    let relation = self.bills[&id].legs[place].relation;
                    let to_quota = matches!(to, Destination::Quota(_));
                    parts.push(RefundPart { place: place as u16, amount: fen(share), to });
                    said.push(LegRefunded { relation, amount: fen(share), to_quota });
                }
            }
            self.note_back(id, part, share as i128);
        }
        let refund = RefundId(at);
        let own_sum = own.map_or(fen(0), |part| part.amount);
        let record = RefundRecord {
            payment: id,
            at: self.now,
            amount: fen(amount),
            cash: fen(cash),
            own,
            legs: parts.clone(),
            undoes: None,
            undone: false,
        };
        self.refunds.insert(refund, record);
        let bill = self.bills[&id].clone();
        let legs: Vec<(usize, u64)> =
            parts.iter().map(|part| (usize::from(part.place), part.amount.get())).collect();
        self.tally_legs(&bill, &legs, 1);
        if !legs.is_empty() && aid_is_back(&bill) {
            self.tally_count(&bill, 3);
        }
        if let (0, Payee::Premium(premium, year)) = (left(&bill), bill.payee) {
            self.premiums.remove(&(bill.beneficiary, premium, year));
        }
        let late = self.now >= year_on(bill.at);
        let cash = fen(cash);
        Event::Refunded { refund, payment: id, amount: fen(amount), cash, legs: said, own: own_sum, late }
    }

    /// More, or less, of a part counts as given back.
    fn note_back(&mut self, id: PaymentId, part: Part, more: i128) {
        let bill = self.bills.get_mut(&id).expect("known");
        let back = match part {
            Part::Cash => &mut bill.cash_refunded,
            Part::Own => &mut bill.own.refunded,
            Part::Leg(place) => &mut bill.legs[place].refunded,
        };
        *back = fen((i128::from(back.get()) + more) as u64);
    }

    /// Back to the quota if that very relation still has it, else to the account of the donor.
    fn back_to_leg(&mut self, id: PaymentId, place: usize, share: u64) -> Destination {
        let bill = self.bills[&id].clone();
        let leg = bill.legs[place];
        let pocket = Pocket::Spent(id, Some(leg.relation));
        if !self.quota_lives(leg.relation) {
            return self.back_to_account(leg.donor, leg.area, &bill, share, pocket);
        }
        self.shift(share, pocket, Pocket::Quota(leg.relation));
        self.bond_mut(leg.relation).used -= share;
        let keeper = self.human(leg.donor).account.expect("a donor has an account");
        self.book(Side::Refunded, leg.area, bill.area, bill.usage, share);
        self.book(Side::Charged, leg.area, keeper, bill.usage, share);
        Destination::Quota(keeper)
    }

    fn quota_lives(&self, relation: RelationId) -> bool {
        let bond = &self.bonds[&relation];
        self.is_alive(bond) && !self.is_expired(bond)
    }

    fn back_to_account(
        &mut self,
        owner: Person,
        paid: Area,
        bill: &PaymentRecord,
        share: u64,
        pocket: Pocket,
    ) -> Destination {
        self.book(Side::Refunded, paid, bill.area, bill.usage, share);
        self.shift(share, pocket, self.inbox(owner));
        if let Some(id) = self.under_way(owner) {
            // The line waits for the end of the case; lines of the same area and use are one.
            let waiting = &mut self.cases.get_mut(&id).expect("known").waiting;
            match waiting.iter_mut().find(|(area, usage, _)| (*area, *usage) == (paid, bill.usage)) {
                Some((_, _, sum)) => *sum = fen(sum.get() + share),
                None => waiting.push((paid, bill.usage, fen(share))),
            }
            waiting.sort();
            return Destination::Transit(id);
        }
        let keeper = self.human(owner).account.expect("who paid has an account");
        self.book(Side::Charged, paid, keeper, bill.usage, share);
        Destination::Account(keeper)
    }

    /// Whether every part of a refund is still where it went.
    fn is_there(&self, record: &RefundRecord) -> bool {
        let bill = &self.bills[&record.payment];
        let in_account =
            |owner: Person, amount: u64| self.under_way(owner).is_none() && self.available(owner) >= amount;
        let legs = record.legs.iter().all(|part| {
            let leg = bill.legs[usize::from(part.place)];
            match part.to {
                Destination::Quota(_) => {
                    self.quota_lives(leg.relation) && self.unused(leg.relation) >= part.amount.get()
                }
                _ => in_account(leg.donor, part.amount.get()),
            }
        });
        legs && record.own.is_none_or(|part| in_account(bill.beneficiary, part.amount.get()))
    }

    fn undo_refund(&mut self, at: Position, id: RefundId) -> Result<Option<Event>, Refusal> {
        let first = self.refunds[&id].clone();
        if first.undone {
            return Ok(None);
        }
        let bill = self.bills[&first.payment].clone();
        if bill.reversed {
            return Ok(None);
        }
        let slot = match bill.payee {
            Payee::Premium(premium, year) if left(&bill) == 0 => Some((bill.beneficiary, premium, year)),
            _ => None,
        };
        let taken = slot.is_some_and(|slot| self.premiums.contains_key(&slot));
        if taken || !self.is_there(&first) {
            return Err(Refusal::ReversalImpossible);
        }
        let was_back = aid_is_back(&bill);
        let (mut legs, mut said) = (vec![], vec![]);
        for part in &first.legs {
            let place = usize::from(part.place);
            let (leg, share) = (bill.legs[place], part.amount.get());
            let keeper = self.human(leg.donor).account.expect("a donor has an account");
            let to_quota = matches!(part.to, Destination::Quota(_));
            let (from, to) = match to_quota {
                true => (Pocket::Quota(leg.relation), Destination::Quota(keeper)),
                false => (Pocket::Available(leg.donor), Destination::Account(keeper)),
            };
            self.shift(share, from, Pocket::Spent(first.payment, Some(leg.relation)));
            if to_quota {
                self.bond_mut(leg.relation).used += share;
            }
            self.book(Side::Charged, leg.area, bill.area, bill.usage, share);
            self.book(Side::Refunded, leg.area, keeper, bill.usage, share);
            self.note_back(first.payment, Part::Leg(place), -(share as i128));
            legs.push(RefundPart { to, ..*part });
            said.push(LegRefunded { relation: leg.relation, amount: part.amount, to_quota });
        }
        let own = first.own.map(|part| {
            let share = part.amount.get();
            let keeper = self.human(bill.beneficiary).account.expect("who paid has an account");
            self.shift(share, Pocket::Available(bill.beneficiary), Pocket::Spent(first.payment, None));
            self.book(Side::Charged, bill.own.area, bill.area, bill.usage, share);
            self.book(Side::Refunded, bill.own.area, keeper, bill.usage, share);
            self.note_back(first.payment, Part::Own, -(share as i128));
            RefundPart { to: Destination::Account(keeper), ..part }
        });
        self.note_back(first.payment, Part::Cash, -i128::from(first.cash.get()));
        self.bills.get_mut(&first.payment).expect("known").reinstated = true;
        self.refunds.get_mut(&id).expect("known").undone = true;
        if let Some(slot) = slot {
            self.premiums.insert(slot, first.payment);
        }
        let bill = self.bills[&first.payment].clone();
        let again: Vec<(usize, u64)> =
            legs.iter().map(|part| (usize::from(part.place), part.amount.get())).collect();
        self.tally_legs(&bill, &again, 0);
        if !again.is_empty() && was_back {
            self.tally_count(&bill, 2);
        }
        let record =
            RefundRecord { at: self.now, own, legs, undoes: Some(id), undone: false, ..first.clone() };
        let refund = RefundId(at);
        self.refunds.insert(refund, record);
        Ok(Some(Event::RefundUndone {
            refund,
            undoes: id,
            payment: first.payment,
            amount: first.amount,
            cash: first.cash,
            legs: said,
            own: own.map_or(fen(0), |part| part.amount),
        }))
    }

    pub(super) fn reverse(
        &mut self,
        at: Position,
        caller: &Caller,
        request: RequestId,
        original: RequestId,
    ) -> Said {
        if original == request {
            return Err(Refusal::NotReversible);
        }
        let Some((_, first)) = self.memory.get(&(original, *caller)).cloned() else {
            let latest = self.now.0 + self.policy().request_ahead_ms;
            let mut why = Why::new();
            why.when(original.time_ms() < self.edge, Refusal::OriginalOutOfWindow);
            why.when(original.time_ms() > latest, Refusal::OriginalOutOfWindow);
            why.end()?;
            let outcome = Outcome::Refused(Refusal::ReversedBeforeArrival);
            let stone = Answer { position: at, outcome, repeated: false };
            self.memory.insert((original, *caller), (None, stone));
            return Ok(vec![Event::Reversed { original, found: Original::NotArrived }]);
        };
        let mut undone: Vec<Event> = vec![];
        if let Outcome::Done(events) = &first.outcome {
            // The deed is what the request did last; a reversal says so last.
            undone = match events.last().expect("what is done has an event") {
                Event::Settled { payment, .. } => self.unpay(at, *payment),
                Event::SpendAuthorised { hold, .. } => self.unhold(*hold)?,
                Event::Refunded { refund, .. } => self.undo_refund(at, *refund)?.into_iter().collect(),
                _ => return Err(Refusal::NotReversible),
            };
        }
        let found = if undone.is_empty() { Original::NoEffect } else { Original::Undone };
        undone.push(Event::Reversed { original, found });
        Ok(undone)
    }

    fn unpay(&mut self, at: Position, payment: PaymentId) -> Vec<Event> {
        let events = match left(&self.bills[&payment]) {
            0 => vec![],
            left => vec![self.give_back(at, payment, left)],
        };
        self.bills.get_mut(&payment).expect("known").reversed = true;
        events
    }

    fn unhold(&mut self, hold: HoldId) -> Result<Vec<Event>, Refusal> {
        let record = &self.holds[&hold];
        match record.state {
            HoldState::Confirmed { .. } => Err(Refusal::NotReversible),
            HoldState::Held if self.now < record.expires => {
                let amount = record.amount.get();
                Ok(self.give_back_hold(hold, amount, HoldState::Voided))
            }
            _ => Ok(vec![]),
        }
    }
}
