//! Offers: a quota that waits for its beneficiary, if the policy wants it so (domain.md 4, 14; 5b, 2 and 9). Its money is
//! frozen in the donor's account from the offer on.

use crate::account;
use crate::apply::done;
use crate::command::Expiry;
use crate::decision::{Event, Refusal};
use crate::entry::{Entry, Ruled, Stop, ensure, ensure_none};
use crate::id::{OfferId, Person, RelationId};
use crate::key::Part;
use crate::limits::{OFFERS_MAX, OFFERS_OF_DONOR_MAX};
use crate::money::Fen;
use crate::quota::{self, Raised};
use crate::relation;
use crate::stamp::Stamp;
use crate::table::{Account, Key, OfferRecord, OfferState, OfferingRecord, RelationRecord, ReturningRecord};
use crate::view::{Found, View};
use alloc::vec::Vec;

impl OfferRecord {
    /// Whether it can still be answered. One whose time has come cannot from that instant, swept or not (domain.md 5b, 7).
    pub(crate) fn waits(&self, now: Stamp) -> bool {
        self.state == OfferState::Open && now < self.returns
    }
}

/// Whether another offer may be made. Those whose time has come do not count, swept or not; but for the count that the
/// account keeps, from which only a sweep takes them.
pub(crate) fn room<V: View>(entry: &Entry<'_, V>, record: &RelationRecord, giver: &Account) -> Ruled<V, ()> {
    if entry.policy.one_offer_at_a_time {
        ensure(!waits_for_any(entry, record.donor)?, Refusal::OfferPending)?;
    }
    let mut waiting = 0;
    for offer in &record.offers {
        waiting += usize::from(named(entry, *offer)?.waits(entry.now));
    }
    ensure(waiting < OFFERS_MAX && giver.offers < OFFERS_OF_DONOR_MAX, Refusal::OffersFull)
}

/// Whether an offer of the donor still waits: whether one returns later than now.
fn waits_for_any<V: View>(entry: &Entry<'_, V>, donor: Person) -> Ruled<V, bool> {
    let from = Key::Offering { donor, at: entry.now.plus_ms(1), offer: Part::MIN };
    let until = Key::Offering { donor, at: Part::MAX, offer: Part::MAX };
    Ok(!entry.draft.range(&from, &until, 1).map_err(Stop::Fault)?.is_empty())
}

/// What is frozen already becomes an offer. It waits until the next hour of return.
pub(crate) fn make<V: View>(
    entry: &mut Entry<'_, V>,
    relation: RelationId,
    amount: Fen,
    expiry: Expiry,
) -> Ruled<V, Event> {
    let offer = OfferId(entry.position);
    let (made, returns) = (entry.now, entry.now.next_at_minute(entry.policy.offer_return_minute));
    let record = relation::named(entry, relation)?;
    let donor = record.donor;
    let giver = relation::party(entry, donor)?;
    entry.draft.edit(Key::Relation { relation }, record).offers.push(offer);
    let account = account::of(entry.draft.edit(Key::Person { person: donor }, giver));
    account.offers = account.offers.checked_add(1).expect("there is room for it");
    let available = account.available;
    let state = OfferState::Open;
    entry.draft.put(Key::Offer { offer }, OfferRecord { relation, amount, expiry, made, returns, state });
    entry.draft.put(Key::Returning { at: returns, offer }, ReturningRecord);
    entry.draft.put(Key::Offering { donor, at: returns, offer }, OfferingRecord);
    Ok(Event::OfferMade { offer, relation, amount, returns, available })
}

/// The beneficiary accepts: the offer becomes quota. Everything is checked again but the caps and the hours, which the
/// donor has kept.
pub(crate) fn accept<V: View>(entry: &mut Entry<'_, V>, offer: OfferId) -> Ruled<V> {
    let record = find(entry, offer)?;
    let (relation, amount, expiry) = (record.relation, record.amount, record.expiry);
    let between = entry.relation(relation)?;
    let giver = entry.person(between.donor)?;
    let user = entry.person(between.beneficiary)?;
    let policy = entry.policy;
    let overflow = between.cannot_hold(amount);
    ensure_none(&[giver.not_acting(), giver.not_giving(&policy), user.not_acting(), overflow])?;
    ensure(between.is_usable(&giver, &user), Refusal::RelationNotActive)?;
    ensure(record.waits(entry.now), Refusal::OfferNotOpen)?;
    ensure(entry.open_between(giver.area, user.area)?, Refusal::AreaClosed)?;
    let expired = match expiry {
        Expiry::Keep => between.is_expired(entry.now),
        Expiry::Never => false,
        Expiry::At(at) => at <= entry.now,
    };
    ensure(!expired, Refusal::QuotaExpired)?;

    // From here on the acceptance must succeed.
    close(entry, offer, record, OfferState::Accepted)?;
    let Raised { unused, expires } = quota::raise(entry, relation, amount, expiry)?;
    done::<V>(Event::OfferAccepted { offer, relation, amount, unused, expires })
}

/// The beneficiary declines, or the donor withdraws.
pub(crate) fn decline<V: View>(entry: &mut Entry<'_, V>, offer: OfferId) -> Ruled<V> {
    let record = find(entry, offer)?;
    ensure(record.waits(entry.now), Refusal::OfferNotOpen)?;

    // From here on the decline must succeed.
    let (relation, amount) = (record.relation, record.amount);
    undo(entry, offer, OfferState::Declined)?;
    done::<V>(Event::OfferDeclined { offer, relation, amount })
}

/// An offer waited in vain. Called by ticks.
pub(crate) fn give_back<V: View>(
    entry: &mut Entry<'_, V>,
    offer: OfferId,
    events: &mut Vec<Event>,
) -> Ruled<V, ()> {
    let relation = named(entry, offer)?.relation;
    let amount = undo(entry, offer, OfferState::Returned)?;
    events.push(Event::OfferReturned { offer, relation, amount });
    Ok(())
}

/// Ends an open offer that was not accepted: its money goes back to the donor. Tells how much.
pub(crate) fn undo<V: View>(entry: &mut Entry<'_, V>, offer: OfferId, state: OfferState) -> Ruled<V, Fen> {
    let record = named(entry, offer)?;
    let amount = record.amount;
    let donor = close(entry, offer, record, state)?;
    let giver = relation::party(entry, donor)?;
    account::of(entry.draft.edit(Key::Person { person: donor }, giver)).free(amount);
    Ok(amount)
}

/// Takes an open offer off every list; its money stays frozen. Tells who gave it.
fn close<V: View>(
    entry: &mut Entry<'_, V>,
    offer: OfferId,
    record: Found<OfferRecord>,
    state: OfferState,
) -> Ruled<V, Person> {
    let (relation, at) = (record.relation, record.returns);
    let between = relation::named(entry, relation)?;
    let donor = between.donor;
    let giver = relation::party(entry, donor)?;
    entry.draft.edit(Key::Offer { offer }, record).state = state;
    entry.draft.edit(Key::Relation { relation }, between).offers.retain(|open| *open != offer);
    let account = account::of(entry.draft.edit(Key::Person { person: donor }, giver));
    account.offers = account.offers.checked_sub(1).expect("offers counts the open ones");
    entry.draft.remove(Key::Returning { at, offer });
    entry.draft.remove(Key::Offering { donor, at, offer });
    Ok(donor)
}

fn find<V: View>(entry: &Entry<'_, V>, offer: OfferId) -> Ruled<V, Found<OfferRecord>> {
    entry.find::<OfferRecord>(&Key::Offer { offer })?.ok_or(Refusal::OfferUnknown.into())
}

/// The offer that an index or a list names: it is there.
fn named<V: View>(entry: &Entry<'_, V>, offer: OfferId) -> Ruled<V, Found<OfferRecord>> {
    let record = entry.find::<OfferRecord>(&Key::Offer { offer })?;
    Ok(record.expect("an index names an offer that is there"))
}
