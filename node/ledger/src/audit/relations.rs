//! The part of the audit that looks at relations, their quotas and offers, and at the indexes over them.

use super::{Auditor, expected, wide};
use crate::audit::report::Invariant;
use crate::command::Insurance;
use crate::id::{Area, OfferId, Person, RelationId};
use crate::limits::AUDIT_PAGE_ROWS;
use crate::money::Fen;
use crate::stamp::Stamp;
use crate::table::{
    Destination, ExpiringRecord, GivingRecord, HoldState, Key, LapsingRecord, OfferRecord, OfferState,
    OfferingRecord, PairRecord, PaymentRecord, PersonRecord, ReceivingRecord, RelationRecord, RelationState,
    ReturningRecord, Row, Table,
};
use crate::view::{View, scan};
use alloc::collections::BTreeMap;

/// Invariants 2, 4, 9, 11 and 19 of every relation.
pub(super) fn relations<V: View>(auditor: &mut Auditor<'_, V>) -> Result<(), V::Fault> {
    let view = auditor.view;
    scan(view, Table::Relation, AUDIT_PAGE_ROWS, |key, row| {
        let (Key::Relation { relation }, Row::Relation(record)) = (*key, row) else {
            return auditor.alien(key);
        };
        quota(auditor, key, relation, record)?;
        standing(auditor, key, relation, record)?;
        parties(auditor, key, relation, record)
    })
}

/// The quota and its parts, and the index of its end.
fn quota<V: View>(
    auditor: &mut Auditor<'_, V>,
    key: &Key,
    relation: RelationId,
    record: &RelationRecord,
) -> Result<(), V::Fault> {
    let &RelationRecord { limit, used, held, unused, expires, .. } = record;
    let view = auditor.view;
    let audit = &mut auditor.audit;
    for amount in [limit, used, held, unused] {
        audit.check(Invariant::NoneNegative, key, amount <= Fen::MAX, "beyond the largest amount");
    }
    let whole = wide(used) + wide(held) + wide(unused) == wide(limit);
    audit.check(Invariant::Limit, key, whole, "limit is not used, held and unused");
    let idle = record.is_active() || unused.is_zero() && record.offers.is_empty();
    audit.expect(Invariant::Limit, key, idle, "unused quota or an offer without an active relation");
    let set = record.raised.is_some() || limit.is_zero();
    audit.expect(Invariant::Limit, key, set, "a quota that was never set");
    if let Some(at) = expires {
        let waits = view.get(&Key::Expiring { at, relation })?.is_some();
        let swept = !waits && (unused.is_zero() || !record.is_active());
        audit.expect(Invariant::Limit, key, waits || swept, "a quota that would never expire");
        let due = record.is_active() || !waits;
        audit.expect(Invariant::OnePair, key, due, "an ended relation whose quota would expire");
    }
    for offer in &record.offers {
        let offered = expected::<V, OfferRecord>(view, &Key::Offer { offer: *offer })?;
        let fits =
            offered.is_some_and(|offered| offered.relation == relation && offered.state == OfferState::Open);
        audit.expect(Invariant::OneEffect, key, fits, "an offer listed that does not wait, or another's");
    }
    Ok(())
}

/// What state, pair, sequence and indexes say of one another.
fn standing<V: View>(
    auditor: &mut Auditor<'_, V>,
    key: &Key,
    relation: RelationId,
    record: &RelationRecord,
) -> Result<(), V::Fault> {
    let &RelationRecord { donor, beneficiary, .. } = record;
    let view = auditor.view;
    let pair = expected::<V, PairRecord>(view, &Key::Pair { donor, beneficiary })?;
    let is_pair = pair.is_some_and(|pair| pair.relation == relation);
    let gives = view.get(&Key::Giving { donor, relation })?.is_some();
    let receives = view.get(&Key::Receiving { beneficiary, relation })?.is_some();
    let audit = &mut auditor.audit;
    audit.check(Invariant::OnePair, key, donor != beneficiary, "donor and beneficiary are the same person");
    let (live, sequenced) = match record.state {
        RelationState::Proposed { by, lapses } => {
            let known = view.get(&Key::Lapsing { at: lapses, relation })?.is_some();
            audit.expect(Invariant::OnePair, key, known, "a proposal that would never lapse");
            let party = by == donor || by == beneficiary;
            audit.expect(Invariant::OnePair, key, party, "proposed by a stranger");
            (true, false)
        }
        RelationState::Active => (true, true),
        RelationState::Closed => (false, false),
        RelationState::Released { .. } => (false, true),
    };
    audit.expect(Invariant::OnePair, key, is_pair == live, "the pair's record and the state disagree");
    audit.expect(Invariant::OnePair, key, gives == live, "the donor's index and the state disagree");
    audit.expect(Invariant::OnePair, key, receives == live, "the beneficiary's index and the state disagree");
    let range = if sequenced { 1..=auditor.accepted } else { 0..=0 };
    audit.expect(Invariant::OnePair, key, range.contains(&record.sequence), "a sequence that was not given");
    Ok(())
}

/// The two parties of a relation, and whether its quota was set while they could.
fn parties<V: View>(
    auditor: &mut Auditor<'_, V>,
    key: &Key,
    relation: RelationId,
    record: &RelationRecord,
) -> Result<(), V::Fault> {
    let view = auditor.view;
    let giver = expected::<V, PersonRecord>(view, &Key::Person { person: record.donor })?;
    let user = expected::<V, PersonRecord>(view, &Key::Person { person: record.beneficiary })?;
    let enrolled = giver.is_some() && user.is_some();
    auditor.audit.check(Invariant::Attributable, key, enrolled, "a party is not enrolled");
    let (Some(giver), Some(user)) = (giver, user) else { return Ok(()) };
    let listed = user.donors.contains(&relation);
    let fits = listed == record.is_active();
    auditor.audit.expect(Invariant::OnePair, key, fits, "the order and the state disagree");
    let account = giver.account.is_some() || record.state == RelationState::Closed;
    auditor.audit.expect(Invariant::OnePair, key, account, "the donor has no account");
    if !record.is_active() {
        return Ok(()); // a party may have moved to another province since
    }
    let eligible = giver.insurance == Insurance::Employee || giver.releasing.is_some();
    auditor.audit.expect(Invariant::OnePair, key, eligible, "the donor is not insured with 310");
    let Some(at) = record.raised else { return Ok(()) };
    let open = giver.area.province() == user.area.province()
        || giver.releasing.is_some()
        || user.releasing.is_some()
        || province_open(auditor, giver.area, at)? && province_open(auditor, user.area, at)?;
    let what = "a quota across provinces while an area was closed";
    auditor.audit.check(Invariant::Openness, key, open, what);
    Ok(())
}

/// Whether the area was open then, or another of its province: the party may have moved within it since.
fn province_open<V: View>(auditor: &Auditor<'_, V>, area: Area, at: Stamp) -> Result<bool, V::Fault> {
    if auditor.open(area, at)? {
        return Ok(true);
    }
    let code = u32::from(area.province().code()) * 10_000;
    let (Some(first), Some(last)) = (Area::new(code), Area::new(code + 9_999)) else { return Ok(false) };
    let rows = auditor.view.range(&Key::Area { area: first }, &Key::Area { area: last }, 10_000)?;
    Ok(rows.iter().any(|(_, row)| matches!(&**row, Row::Area(record) if record.open_at(at))))
}

/// Invariant 4, second half: used is what was paid through the relation and did not go back to it, held is what holds
/// hold of it.
pub(super) fn spent<V: View>(auditor: &mut Auditor<'_, V>) -> Result<(), V::Fault> {
    let collect = |key: &Key, row: &Row| match (*key, row) {
        (Key::Relation { relation }, Row::Relation(record)) => {
            Some((relation, (wide(record.used), wide(record.held))))
        }
        _ => None,
    };
    auditor.in_lots(Table::Relation, collect, |auditor, mut left: BTreeMap<RelationId, (i128, i128)>| {
        let view = auditor.view;
        scan(view, Table::Payment, AUDIT_PAGE_ROWS, |_, row| {
            let Row::Payment(record) = row else { return Ok(()) };
            for leg in &record.legs {
                if let Some((used, _)) = left.get_mut(&leg.relation) {
                    *used -= wide(leg.amount);
                }
            }
            Ok(())
        })?;
        scan(view, Table::Refund, AUDIT_PAGE_ROWS, |_, row| {
            let Row::Refund(record) = row else { return Ok(()) };
            let payment = expected::<V, PaymentRecord>(view, &Key::Payment { payment: record.payment })?;
            let Some(payment) = payment else { return Ok(()) };
            for part in record.legs.iter().filter(|part| matches!(part.to, Destination::Quota(_))) {
                let leg = payment.legs.get(usize::from(part.place));
                if let Some((used, _)) = leg.and_then(|leg| left.get_mut(&leg.relation)) {
                    let back = wide(part.amount);
                    *used += if record.undoes.is_none() { back } else { -back };
                }
            }
            Ok(())
        })?;
        scan(view, Table::Hold, AUDIT_PAGE_ROWS, |_, row| {
            let Row::Hold(record) = row else { return Ok(()) };
            for leg in record.legs.iter().filter(|_| record.state == HoldState::Held) {
                if let Some((_, held)) = left.get_mut(&leg.relation) {
                    *held -= wide(leg.amount);
                }
            }
            Ok(())
        })?;
        for (relation, (used, held)) in left {
            let place = Key::Relation { relation };
            auditor.audit.check(Invariant::Limit, &place, used == 0, "used is not what was paid");
            auditor.audit.expect(Invariant::Limit, &place, held == 0, "held is not what holds hold");
        }
        Ok(())
    })
}

/// Invariant 9 from the other side: every index entry names a record that it fits.
pub(super) fn indexes<V: View>(auditor: &mut Auditor<'_, V>) -> Result<(), V::Fault> {
    index(auditor, Table::Pair, |key, row, record| match (*key, row) {
        (Key::Pair { donor, beneficiary }, Row::Pair(_)) => {
            record.donor == donor && record.beneficiary == beneficiary
        }
        _ => false,
    })?;
    index(auditor, Table::Giving, |key, row, record| match (*key, row) {
        (Key::Giving { donor, .. }, Row::Giving(GivingRecord)) => record.donor == donor,
        _ => false,
    })?;
    index(auditor, Table::Receiving, |key, row, record| match (*key, row) {
        (Key::Receiving { beneficiary, .. }, Row::Receiving(ReceivingRecord)) => {
            record.beneficiary == beneficiary
        }
        _ => false,
    })?;
    index(auditor, Table::Lapsing, |key, row, record| match (*key, row) {
        (Key::Lapsing { at, .. }, Row::Lapsing(LapsingRecord)) => {
            matches!(record.state, RelationState::Proposed { lapses, .. } if lapses == at)
        }
        _ => false,
    })?;
    index(auditor, Table::Expiring, |key, row, record| match (*key, row) {
        (Key::Expiring { at, .. }, Row::Expiring(ExpiringRecord)) => record.expires == Some(at),
        _ => false,
    })?;
    offers(auditor)
}

/// Every row of an index over relations fits its relation.
fn index<V: View>(
    auditor: &mut Auditor<'_, V>,
    table: Table,
    fits: impl Fn(&Key, &Row, &RelationRecord) -> bool,
) -> Result<(), V::Fault> {
    let view = auditor.view;
    scan(view, table, AUDIT_PAGE_ROWS, |key, row| {
        let relation = match (*key, row) {
            (_, Row::Pair(pair)) => pair.relation,
            (
                Key::Giving { relation, .. }
                | Key::Receiving { relation, .. }
                | Key::Lapsing { relation, .. }
                | Key::Expiring { relation, .. },
                _,
            ) => relation,
            _ => return auditor.alien(key),
        };
        let record = expected::<V, RelationRecord>(view, &Key::Relation { relation })?;
        let holds = record.is_some_and(|record| fits(key, row, &record));
        auditor.audit.check(Invariant::OnePair, key, holds, "an index entry without its relation");
        Ok(())
    })
}

/// Offers and the index of their return: an open one waits and is listed by its relation.
fn offers<V: View>(auditor: &mut Auditor<'_, V>) -> Result<(), V::Fault> {
    let view = auditor.view;
    scan(view, Table::Offer, AUDIT_PAGE_ROWS, |key, row| {
        let (Key::Offer { offer }, Row::Offer(record)) = (*key, row) else { return auditor.alien(key) };
        let relation = expected::<V, RelationRecord>(view, &Key::Relation { relation: record.relation })?;
        let listed = relation.as_ref().is_some_and(|relation| relation.offers.contains(&offer));
        let at = record.returns;
        let waits = view.get(&Key::Returning { at, offer })?.is_some();
        let offering = match &relation {
            Some(relation) => view.get(&Key::Offering { donor: relation.donor, at, offer })?.is_some(),
            None => false,
        };
        let open = record.state == OfferState::Open;
        let fits = listed == open && waits == open && offering == open;
        auditor.audit.check(
            Invariant::OneEffect,
            key,
            fits,
            "an offer's state, its relation and its indexes disagree",
        );
        let in_time = auditor.in_time(record.made) && !record.amount.is_zero();
        auditor.audit.check(
            Invariant::Attributable,
            key,
            in_time,
            "offered outside the ledger's time, or nothing",
        );
        Ok(())
    })?;
    scan(view, Table::Returning, AUDIT_PAGE_ROWS, |key, row| {
        let (Key::Returning { at, offer }, Row::Returning(ReturningRecord)) = (*key, row) else {
            return auditor.alien(key);
        };
        waiting(auditor, key, at, offer, None)
    })?;
    scan(view, Table::Offering, AUDIT_PAGE_ROWS, |key, row| {
        let (Key::Offering { donor, at, offer }, Row::Offering(OfferingRecord)) = (*key, row) else {
            return auditor.alien(key);
        };
        waiting(auditor, key, at, offer, Some(donor))
    })
}

/// An index entry names an open offer that returns at that time, and its donor if it names one.
fn waiting<V: View>(
    auditor: &mut Auditor<'_, V>,
    key: &Key,
    at: Stamp,
    offer: OfferId,
    donor: Option<Person>,
) -> Result<(), V::Fault> {
    let record = expected::<V, OfferRecord>(auditor.view, &Key::Offer { offer })?;
    let record = record.filter(|record| record.returns == at && record.state == OfferState::Open);
    let relation = match &record {
        Some(record) => {
            expected::<V, RelationRecord>(auditor.view, &Key::Relation { relation: record.relation })?
        }
        None => None,
    };
    let fits = relation.is_some_and(|relation| donor.is_none_or(|donor| donor == relation.donor));
    auditor.audit.check(Invariant::OnePair, key, fits, "an index entry without its offer");
    Ok(())
}
