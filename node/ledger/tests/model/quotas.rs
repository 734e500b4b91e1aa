//! Quotas and offers.

use super::{Bond, Model, Pocket, Said, Why, fen};
use ledger::command::{Expiry, Policy};
use ledger::stamp::{DAY_MS, HOUR_MS, MINUTE_MS};
use ledger::table::{OfferRecord, OfferState};
use ledger::{Event, Fen, OfferId, Person, Position, Refusal, RelationId, Stamp};

/// Open offers of one relation.
const OFFERS: usize = 16;

/// The minute of the day in +08:00.
fn minute(at: Stamp) -> u64 {
    (at.0 + 8 * HOUR_MS) % DAY_MS / MINUTE_MS
}

/// The first moment behind this one at which a day is that many minutes old.
fn next_at(at: Stamp, minute: u16) -> Stamp {
    let since_midnight = (at.0 + 8 * HOUR_MS) % DAY_MS;
    let wanted = u64::from(minute) * MINUTE_MS;
    let wait =
        if wanted > since_midnight { wanted - since_midnight } else { wanted + DAY_MS - since_midnight };
    Stamp(at.0 + wait)
}

fn is_closed(policy: &Policy, now: Stamp) -> bool {
    let (from, until) = (u64::from(policy.closed_from_minute), u64::from(policy.closed_until_minute));
    let now = minute(now);
    if from <= until { from <= now && now < until } else { from <= now || now < until }
}

impl Model {
    pub fn is_expired(&self, bond: &Bond) -> bool {
        bond.expires.is_some_and(|expires| expires <= self.now)
    }

    fn offer_waits(&self, offer: &OfferRecord) -> bool {
        offer.state == OfferState::Open && self.now < offer.returns
    }

    /// Whether a quota would pass the largest amount, with all that was ever spent of it.
    fn overflows(&self, id: RelationId, more: u64) -> bool {
        self.bonds[&id].used + self.held(id) + self.unused(id) + more > Fen::MAX.get()
    }

    /// What a new offer of the donor runs into.
    fn room(&self, why: &mut Why, donor: Person, relation: RelationId) {
        let waiting: Vec<&OfferRecord> =
            self.offers.values().filter(|offer| self.offer_waits(offer)).collect();
        let any = waiting.iter().any(|offer| self.bonds[&offer.relation].donor == donor);
        why.when(any && self.policy().one_offer_at_a_time, Refusal::OfferPending);
        let here = waiting.iter().filter(|offer| offer.relation == relation).count();
        why.when(here >= OFFERS, Refusal::OffersFull);
    }

    pub(super) fn set_quota(&mut self, at: Position, id: RelationId, amount: u64, expiry: Expiry) -> Said {
        let (policy, now) = (self.policy(), self.now);
        let mut why = Why::new();
        why.when(amount == 0, Refusal::AmountZero);
        why.when(matches!(expiry, Expiry::At(moment) if moment <= now), Refusal::EffectiveInPast);
        let Some(bond) = self.bonds.get(&id) else { return why.stop(Refusal::RelationUnknown) };
        let (giver, taker) = (self.human(bond.donor), self.human(bond.user));
        why.acting(giver);
        why.giving(giver, &policy);
        why.insured(taker);
        why.when(!taker.wallet, Refusal::WalletInactive);
        why.when(self.overflows(id, amount), Refusal::AmountOverflow);
        why.when(!self.is_alive(bond), Refusal::RelationNotActive);
        why.when(!self.passes(giver.area, taker.area), Refusal::AreaClosed);
        why.when(is_closed(&policy, now), Refusal::ClosedHours);
        let today = giver.raises.iter().filter(|day| **day == now.day()).count();
        why.when(
            policy.raises_per_day > 0 && today >= usize::from(policy.raises_per_day),
            Refusal::RaisesExhausted,
        );
        why.when(!policy.raise_max.is_zero() && amount > policy.raise_max.get(), Refusal::RaiseTooLarge);
        if policy.offers {
            self.room(&mut why, bond.donor, id);
        }
        why.when(expiry == Expiry::Keep && self.is_expired(bond), Refusal::QuotaExpired);
        why.when(amount > self.available(bond.donor), Refusal::BalanceExceeded);
        why.end()?;

        let donor = bond.donor;
        let account = Pocket::Available(donor);
        self.human_mut(donor).raises.push(now.day());
        if policy.offers {
            let (offer, returns) = (OfferId(at), next_at(now, policy.offer_return_minute));
            self.shift(amount, account, Pocket::Offer(offer));
            let state = OfferState::Open;
            let record = OfferRecord { relation: id, amount: fen(amount), expiry, made: now, returns, state };
            self.offers.insert(offer, record);
            let available = fen(self.available(donor));
            return Ok(vec![Event::OfferMade {
                offer,
                relation: id,
                amount: fen(amount),
                returns,
                available,
            }]);
        }
        self.shift(amount, account, Pocket::Quota(id));
        let expires = self.raise(id, expiry);
        let (unused, available) = (fen(self.unused(id)), fen(self.available(donor)));
        Ok(vec![Event::QuotaSet { relation: id, amount: fen(amount), unused, available, expires }])
    }

    /// More is in the quota, and its expiry is as wished.
    fn raise(&mut self, id: RelationId, expiry: Expiry) -> Option<Stamp> {
        let now = self.now;
        let bond = self.bond_mut(id);
        bond.raised = Some(now);
        match expiry {
            Expiry::Keep => {}
            Expiry::Never => (bond.expires, bond.swept) = (None, false),
            Expiry::At(at) => (bond.expires, bond.swept) = (Some(at), false),
        }
        bond.expires
    }

    pub(super) fn reduce_quota(&mut self, id: RelationId, amount: u64) -> Said {
        let mut why = Why::new();
        why.when(amount == 0, Refusal::AmountZero);
        let Some(bond) = self.bonds.get(&id) else { return why.stop(Refusal::RelationUnknown) };
        why.when(!self.is_alive(bond), Refusal::RelationNotActive);
        why.when(amount > self.unused(id), Refusal::QuotaExceeded);
        why.end()?;
        let donor = bond.donor;
        self.shift(amount, Pocket::Quota(id), Pocket::Available(donor));
        let (unused, available) = (fen(self.unused(id)), fen(self.available(donor)));
        Ok(vec![Event::QuotaReduced { relation: id, amount: fen(amount), unused, available }])
    }

    pub(super) fn accept_offer(&mut self, id: OfferId) -> Said {
        let mut why = Why::new();
        let Some(offer) = self.offers.get(&id).copied() else { return why.stop(Refusal::OfferUnknown) };
        let bond = &self.bonds[&offer.relation];
        let (giver, taker) = (self.human(bond.donor), self.human(bond.user));
        why.acting(giver);
        why.giving(giver, &self.policy());
        why.acting(taker);
        why.when(self.overflows(offer.relation, offer.amount.get()), Refusal::AmountOverflow);
        why.when(!self.is_alive(bond), Refusal::RelationNotActive);
        why.when(!self.offer_waits(&offer), Refusal::OfferNotOpen);
        why.when(!self.passes(giver.area, taker.area), Refusal::AreaClosed);
        let expired = match offer.expiry {
            Expiry::Keep => self.is_expired(bond),
            Expiry::Never => false,
            Expiry::At(at) => at <= self.now,
        };
        why.when(expired, Refusal::QuotaExpired);
        why.end()?;
        let relation = offer.relation;
        self.pour(Pocket::Offer(id), Pocket::Quota(relation));
        self.offers.get_mut(&id).expect("known").state = OfferState::Accepted;
        let expires = self.raise(relation, offer.expiry);
        let unused = fen(self.unused(relation));
        Ok(vec![Event::OfferAccepted { offer: id, relation, amount: offer.amount, unused, expires }])
    }

    pub(super) fn decline_offer(&mut self, id: OfferId) -> Said {
        let mut why = Why::new();
        let Some(offer) = self.offers.get(&id).copied() else { return why.stop(Refusal::OfferUnknown) };
        why.when(!self.offer_waits(&offer), Refusal::OfferNotOpen);
        why.end()?;
        let relation = offer.relation;
        let amount = self.end_offer(id, OfferState::Declined);
        Ok(vec![Event::OfferDeclined { offer: id, relation, amount: fen(amount) }])
    }

    fn end_offer(&mut self, id: OfferId, state: OfferState) -> u64 {
        let donor = self.bonds[&self.offers[&id].relation].donor;
        self.offers.get_mut(&id).expect("known").state = state;
        self.pour(Pocket::Offer(id), Pocket::Available(donor))
    }

    /// What a tick sends back of quotas whose time is over.
    pub(super) fn sweep_quotas(&mut self) -> Vec<Event> {
        let mut over: Vec<(Stamp, RelationId)> = vec![];
        for (id, bond) in &self.bonds {
            if let (super::Phase::Living, Some(at), false) = (bond.phase, bond.expires, bond.swept)
                && at <= self.now
            {
                over.push((at, *id));
            }
        }
        over.sort();
        let mut events = vec![];
        for (_, relation) in over {
            let donor = self.bonds[&relation].donor;
            let returned = fen(self.pour(Pocket::Quota(relation), Pocket::Available(donor)));
            self.bond_mut(relation).swept = true;
            events.push(Event::QuotaExpired { relation, returned });
        }
        events
    }

    /// What a tick sends back of offers that waited in vain.
    pub(super) fn sweep_offers(&mut self) -> Vec<Event> {
        let open = self.offers.iter().filter(|(_, offer)| offer.state == OfferState::Open);
        let over = open.filter(|(_, offer)| offer.returns <= self.now);
        let mut over: Vec<(Stamp, OfferId)> = over.map(|(id, offer)| (offer.returns, *id)).collect();
        over.sort();
        let mut events = vec![];
        for (_, offer) in over {
            let relation = self.offers[&offer].relation;
            let amount = fen(self.end_offer(offer, OfferState::Returned));
            events.push(Event::OfferReturned { offer, relation, amount });
        }
        events
    }
}
