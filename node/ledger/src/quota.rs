//! The quota (共济额度): the part of a donor's account that is frozen for one relation.

use crate::account;
use crate::apply::done;
use crate::command::{Expiry, Policy};
use crate::decision::{Event, Refusal};
use crate::entry::{Entry, Ruled, ensure, ensure_none};
use crate::id::RelationId;
use crate::money::Fen;
use crate::offer;
use crate::relation;
use crate::stamp::Stamp;
use crate::table::{Account, ExpiringRecord, Key, PersonRecord, RelationRecord};
use crate::view::View;
use alloc::vec::Vec;

impl RelationRecord {
    // limit = used + held + unused, and no limit passes the largest amount. So nothing overflows.

    /// Whether so much more would pass the largest amount. It may, although the donor has it: what was spent and went
    /// back to the account counts as used (domain.md 5b, 12), and can be frozen again.
    pub(crate) fn cannot_hold(&self, more: Fen) -> Option<Refusal> {
        self.limit.checked_add(more).is_none().then_some(Refusal::AmountOverflow)
    }

    /// Spends of what is unused.
    pub(crate) fn spend(&mut self, amount: Fen) {
        self.used = self.used.checked_add(amount).expect("within the limit");
        self.unused = self.unused.checked_sub(amount).expect("checked to be unused");
    }

    /// Takes back what was spent.
    pub(crate) fn restore(&mut self, amount: Fen) {
        self.used = self.used.checked_sub(amount).expect("used holds every leg not refunded");
        self.unused = self.unused.checked_add(amount).expect("within the limit");
    }

    /// Lets go all that is unused: it goes to the donor.
    pub(crate) fn free_unused(&mut self) -> Fen {
        let unused = core::mem::take(&mut self.unused);
        self.limit = self.limit.checked_sub(unused).expect("unused is within the limit");
        unused
    }

    /// Whether the quota's time has run out. Unusable from that instant, swept or not (domain.md 5b, 7).
    pub fn is_expired(&self, now: Stamp) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    /// Whether money may come back to the quota: the relation lives between these two, its donor and its beneficiary,
    /// and the quota has not expired (domain.md 4, 6).
    pub(crate) fn takes_back(&self, donor: &PersonRecord, beneficiary: &PersonRecord, now: Stamp) -> bool {
        self.is_usable(donor, beneficiary) && !self.is_expired(now)
    }
}

impl Policy {
    /// Whether quotas are not set at this moment. The hours may go past midnight.
    fn is_closed_at(&self, now: Stamp) -> bool {
        let (from, until, minute) = (self.closed_from_minute, self.closed_until_minute, now.minute());
        match from <= until {
            true => (from..until).contains(&minute),
            false => minute >= from || minute < until,
        }
    }
}

impl Account {
    /// How many quotas were set or raised on this day.
    fn raises_on(&self, now: Stamp) -> u16 {
        if self.raised_on == now.day() { self.raises } else { 0 }
    }
}

/// The donor freezes more for the relation: as quota at once, or as an offer that waits, if the policy wants it so. Across
/// provinces both areas are open (domain.md 5b, 4): a relation between areas that are not may live, but gets no money.
pub(crate) fn set<V: View>(
    entry: &mut Entry<'_, V>,
    relation: RelationId,
    amount: Fen,
    expiry: Expiry,
) -> Ruled<V> {
    if let Expiry::At(at) = expiry {
        ensure(at > entry.now, Refusal::EffectiveInPast)?;
    }
    ensure(!amount.is_zero(), Refusal::AmountZero)?;
    let record = entry.relation(relation)?;
    let giver = entry.person(record.donor)?;
    let user = entry.person(record.beneficiary)?;
    let policy = entry.policy;
    let wallet = (!user.wallet_active).then_some(Refusal::WalletInactive);
    let overflow = record.cannot_hold(amount);
    ensure_none(&[giver.not_acting(), giver.not_giving(&policy), user.not_insured(), wallet, overflow])?;
    ensure(record.is_usable(&giver, &user), Refusal::RelationNotActive)?;
    ensure(entry.open_between(giver.area, user.area)?, Refusal::AreaClosed)?;
    ensure(!policy.is_closed_at(entry.now), Refusal::ClosedHours)?;
    let account = giver.account.expect("an active relation's donor has an account");
    let raises = account.raises_on(entry.now);
    ensure(policy.raises_per_day == 0 || raises < policy.raises_per_day, Refusal::RaisesExhausted)?;
    ensure(policy.raise_max.is_zero() || amount <= policy.raise_max, Refusal::RaiseTooLarge)?;
    if policy.offers {
        offer::room(entry, &record, &account)?;
    }
    ensure(expiry != Expiry::Keep || !record.is_expired(entry.now), Refusal::QuotaExpired)?;
    ensure(amount <= account.available, Refusal::BalanceExceeded)?;

    // From here on the raise must succeed.
    let donor = record.donor;
    let today = entry.now.day();
    let account = account::of(entry.draft.edit(Key::Person { person: donor }, giver));
    account.freeze(amount);
    account.raised_on = today;
    account.raises = raises.saturating_add(1);
    let available = account.available;
    if policy.offers {
        return done::<V>(offer::make(entry, relation, amount, expiry)?);
    }
    let Raised { unused, expires } = raise(entry, relation, amount, expiry)?;
    done::<V>(Event::QuotaSet { relation, amount, unused, available, expires })
}

/// A quota after a raise.
pub(crate) struct Raised {
    pub unused: Fen,
    pub expires: Option<Stamp>,
}

/// What is frozen already becomes quota, with its expiry.
pub(crate) fn raise<V: View>(
    entry: &mut Entry<'_, V>,
    relation: RelationId,
    amount: Fen,
    expiry: Expiry,
) -> Ruled<V, Raised> {
    let record = relation::named(entry, relation)?;
    let before = record.expires;
    let record = entry.draft.edit(Key::Relation { relation }, record);
    record.limit = record.limit.checked_add(amount).expect("checked before");
    record.unused = record.unused.checked_add(amount).expect("no more than was credited");
    record.raised = Some(entry.now);
    record.expires = match expiry {
        Expiry::Keep => before,
        Expiry::Never => None,
        Expiry::At(at) => Some(at),
    };
    let (unused, expires) = (record.unused, record.expires);
    if let Some(at) = before {
        entry.draft.remove(Key::Expiring { at, relation });
    }
    if let Some(at) = expires {
        entry.draft.put(Key::Expiring { at, relation }, ExpiringRecord);
    }
    Ok(Raised { unused, expires })
}

/// A quota's time ran out: what is unused goes back to the donor, the relation stays. Called by ticks.
pub(crate) fn expire<V: View>(
    entry: &mut Entry<'_, V>,
    relation: RelationId,
    events: &mut Vec<Event>,
) -> Ruled<V, ()> {
    let record = relation::named(entry, relation)?;
    let giver = relation::party(entry, record.donor)?;
    let (donor, expires) = (record.donor, record.expires);
    let returned = entry.draft.edit(Key::Relation { relation }, record).free_unused();
    account::of(entry.draft.edit(Key::Person { person: donor }, giver)).free(returned);
    if let Some(at) = expires {
        entry.draft.remove(Key::Expiring { at, relation });
    }
    events.push(Event::QuotaExpired { relation, returned });
    Ok(())
}

/// The donor takes back a part that is not used; of an expired quota, too, until a tick sweeps it.
pub(crate) fn reduce<V: View>(entry: &mut Entry<'_, V>, relation: RelationId, amount: Fen) -> Ruled<V> {
    ensure(!amount.is_zero(), Refusal::AmountZero)?;
    let record = entry.relation(relation)?;
    let giver = entry.person(record.donor)?;
    let user = entry.person(record.beneficiary)?;
    ensure(record.is_usable(&giver, &user), Refusal::RelationNotActive)?;
    ensure(amount <= record.unused, Refusal::QuotaExceeded)?;

    // From here on the reduction must succeed.
    let donor = record.donor;
    let record = entry.draft.edit(Key::Relation { relation }, record);
    record.limit = record.limit.checked_sub(amount).expect("unused is within the limit");
    record.unused = record.unused.checked_sub(amount).expect("checked to be unused");
    let unused = record.unused;
    let account = account::of(entry.draft.edit(Key::Person { person: donor }, giver));
    account.free(amount);
    let available = account.available;
    done::<V>(Event::QuotaReduced { relation, amount, unused, available })
}
