//! The sums that must hold over any state: the invariants of domain.md 5, checked record by record.
//!
//! An audit reads the state in pages and never holds more than a bounded number of sums, so it works on
//! a state of any size. It trusts nothing that it can recompute: indexes are compared with the records
//! that they index, both ways.

mod payments;
mod report;

pub use report::{Audit, Finding, Invariant};

use crate::codec;
use crate::command::Insurance;
use crate::decision::{Event, Outcome};
use crate::digest::{Digest, RowHash};
use crate::id::{Area, Person, Position, RelationId};
use crate::limits::{AUDIT_PAGE_ROWS, AUDIT_PASS_ROWS};
use crate::money::Fen;
use crate::stamp::Stamp;
use crate::table::{
    AreaRecord, GivingRecord, Key, LapsingRecord, LedgerRecord, PairRecord, PersonRecord, Record,
    RelationRecord, RelationState, RequestRecord, Row, Table,
};
use crate::view::{View, scan};
use alloc::collections::BTreeSet;

/// Checks a state. With `kept`, also that the digest over all rows is that one.
///
/// # Errors
/// The view's own fault. What is wrong with the state is no error but a [`Finding`].
pub fn audit<V: View>(view: &V, kept: Option<&Digest>) -> Result<Audit, V::Fault> {
    let ledger = expected::<V, LedgerRecord>(view, &Key::Ledger {})?;
    let mut auditor = Auditor {
        view,
        audit: Audit::default(),
        begun: ledger.as_ref().map_or(Stamp(0), |ledger| ledger.begun),
        now: ledger.as_ref().map_or(Stamp(0), |ledger| ledger.now),
        accepted: ledger.map_or(0, |ledger| ledger.accepted),
    };
    persons(&mut auditor)?;
    relations(&mut auditor)?;
    indexes(&mut auditor)?;
    payments::payments(&mut auditor)?;
    payments::conservation(&mut auditor)?;
    payments::used(&mut auditor)?;
    requests(&mut auditor)?;
    if let Some(kept) = kept {
        digest(&mut auditor, kept)?;
    }
    Ok(auditor.audit)
}

/// The audit under way.
struct Auditor<'a, V: View> {
    view: &'a V,
    audit: Audit,
    begun: Stamp,
    now: Stamp,
    accepted: u64,
}

impl<V: View> Auditor<'_, V> {
    /// A record in a table that is not its own.
    fn alien(&mut self, key: &Key) -> Result<(), V::Fault> {
        self.audit.expect(Invariant::Attributable, key, false, "a record of another table");
        Ok(())
    }

    /// Whether money could pass between two areas at that moment. Openings are set for the future
    /// only, so what they say about a past moment stays.
    fn open_between(&self, one: Area, other: Area, at: Stamp) -> Result<bool, V::Fault> {
        let open = |area| -> Result<bool, V::Fault> {
            let record = expected::<V, AreaRecord>(self.view, &Key::Area { area })?;
            Ok(record.is_some_and(|record| record.open_at(at)))
        };
        Ok(one.province() == other.province() || open(one)? && open(other)?)
    }
}

/// The record of a key, if it is there and of its table.
fn expected<V: View, R: Record>(view: &V, key: &Key) -> Result<Option<R>, V::Fault> {
    Ok(view.get(key)?.and_then(|row| R::of_row(&row).cloned()))
}

/// Invariants 2, 3 and 9 as seen from persons.
fn persons<V: View>(auditor: &mut Auditor<'_, V>) -> Result<(), V::Fault> {
    let view = auditor.view;
    scan(view, Table::Person, AUDIT_PAGE_ROWS, |key, row| {
        let (Key::Person { person }, Row::Person(record)) = (*key, row) else {
            return auditor.alien(key);
        };
        let area = expected::<V, AreaRecord>(view, &Key::Area { area: record.area })?;
        auditor.audit.check(Invariant::Attributable, key, area.is_some(), "the area is not registered");
        let fits = (record.insurance == Insurance::Employee) == record.account.is_some();
        auditor.audit.expect(Invariant::OnePair, key, fits, "310 has an account, 390 has none");
        let reserved = unused_of_donor(view, person)?;
        if let Some(account) = &record.account {
            for amount in [account.available, account.reserved, account.credited] {
                auditor.audit.check(
                    Invariant::NoneNegative,
                    key,
                    amount <= Fen::MAX,
                    "beyond the largest amount",
                );
            }
            let holds = u128::from(account.reserved.get()) == reserved;
            auditor.audit.check(Invariant::Reserved, key, holds, "reserved is not the sum of unused quotas");
        }
        let mut once = BTreeSet::new();
        for relation in &record.donors {
            let listed = expected::<V, RelationRecord>(view, &Key::Relation { relation: *relation })?;
            let fits = listed.is_some_and(|listed| listed.is_active() && listed.beneficiary == person);
            let fits = fits && once.insert(*relation);
            auditor.audit.check(
                Invariant::OnePair,
                key,
                fits,
                "the order names what is no active relation, or twice",
            );
        }
        Ok(())
    })
}

/// The sum of unused quotas over the relations that the donor's index lists.
fn unused_of_donor<V: View>(view: &V, donor: Person) -> Result<u128, V::Fault> {
    let end = RelationId(Position { index: u64::MAX, place: u16::MAX });
    let mut from = RelationId(Position { index: 0, place: 0 });
    let mut sum = 0;
    loop {
        let until = Key::Giving { donor, relation: end };
        let rows = view.range(&Key::Giving { donor, relation: from }, &until, AUDIT_PAGE_ROWS)?;
        for (key, _) in &rows {
            let Key::Giving { relation, .. } = *key else { continue };
            if let Some(record) = expected::<V, RelationRecord>(view, &Key::Relation { relation })? {
                sum += u128::from(record.unused.get());
            }
            from =
                RelationId(Position { index: relation.0.index, place: relation.0.place.saturating_add(1) });
            if relation.0.place == u16::MAX {
                from = RelationId(Position { index: relation.0.index + 1, place: 0 });
            }
        }
        if rows.len() < AUDIT_PAGE_ROWS {
            return Ok(sum);
        }
    }
}

/// Invariants 2, 4, 9, 11 and 19 of every relation.
fn relations<V: View>(auditor: &mut Auditor<'_, V>) -> Result<(), V::Fault> {
    let view = auditor.view;
    scan(view, Table::Relation, AUDIT_PAGE_ROWS, |key, row| {
        let (Key::Relation { relation }, Row::Relation(record)) = (*key, row) else {
            return auditor.alien(key);
        };
        let &RelationRecord { donor, beneficiary, limit, used, unused, .. } = record;
        let audit = &mut auditor.audit;
        for amount in [limit, used, unused] {
            audit.check(Invariant::NoneNegative, key, amount <= Fen::MAX, "beyond the largest amount");
        }
        audit.check(
            Invariant::Limit,
            key,
            used.checked_add(unused) == Some(limit),
            "limit is not used and unused",
        );
        let idle = record.is_active() || unused.is_zero();
        audit.expect(Invariant::Limit, key, idle, "unused quota without an active relation");

        audit.check(
            Invariant::OnePair,
            key,
            donor != beneficiary,
            "donor and beneficiary are the same person",
        );
        let pair = expected::<V, PairRecord>(view, &Key::Pair { donor, beneficiary })?;
        let is_pair = pair.is_some_and(|pair| pair.relation == relation);
        let gives = view.get(&Key::Giving { donor, relation })?.is_some();
        let (live, sequenced) = match record.state {
            RelationState::Proposed { by, lapses } => {
                let known = view.get(&Key::Lapsing { at: lapses, relation })?.is_some();
                audit.expect(Invariant::OnePair, key, known, "a proposal that would never lapse");
                audit.expect(
                    Invariant::OnePair,
                    key,
                    by == donor || by == beneficiary,
                    "proposed by a stranger",
                );
                (true, false)
            }
            RelationState::Active => (true, true),
            RelationState::Closed => (false, false),
            RelationState::Released { .. } => (false, true),
        };
        audit.expect(Invariant::OnePair, key, is_pair == live, "the pair's record and the state disagree");
        audit.expect(Invariant::OnePair, key, gives == live, "the donor's index and the state disagree");
        let range = if sequenced { 1..=auditor.accepted } else { 0..=0 };
        audit.expect(
            Invariant::OnePair,
            key,
            range.contains(&record.sequence),
            "a sequence that was not given",
        );

        let giver = expected::<V, PersonRecord>(view, &Key::Person { person: donor })?;
        let user = expected::<V, PersonRecord>(view, &Key::Person { person: beneficiary })?;
        let enrolled = giver.is_some() && user.is_some();
        audit.check(Invariant::Attributable, key, enrolled, "a party is not enrolled");
        let (Some(giver), Some(user)) = (giver, user) else { return Ok(()) };
        let eligible = giver.insurance == Insurance::Employee;
        audit.expect(Invariant::OnePair, key, eligible, "the donor is not insured with 310");
        let listed = user.donors.contains(&relation);
        audit.expect(
            Invariant::OnePair,
            key,
            listed == record.is_active(),
            "the order and the state disagree",
        );
        match record.raised {
            Some(at) => {
                let open = auditor.open_between(giver.area, user.area, at)?;
                auditor.audit.check(
                    Invariant::Openness,
                    key,
                    open,
                    "a quota across provinces while an area was closed",
                );
            }
            None => audit.expect(Invariant::Limit, key, limit.is_zero(), "a quota that was never set"),
        }
        Ok(())
    })
}

/// Invariant 9 from the other side: every index entry names a relation that it fits.
fn indexes<V: View>(auditor: &mut Auditor<'_, V>) -> Result<(), V::Fault> {
    let view = auditor.view;
    let fits =
        |auditor: &mut Auditor<'_, V>, key: &Key, relation, holds: &dyn Fn(&RelationRecord) -> bool| {
            let record = expected::<V, RelationRecord>(view, &Key::Relation { relation })?;
            let holds = record.is_some_and(|record| holds(&record));
            auditor.audit.check(Invariant::OnePair, key, holds, "an index entry without its relation");
            Ok(())
        };
    scan(view, Table::Pair, AUDIT_PAGE_ROWS, |key, row| {
        let (Key::Pair { donor, beneficiary }, Row::Pair(pair)) = (*key, row) else {
            return auditor.alien(key);
        };
        fits(auditor, key, pair.relation, &|record| {
            record.donor == donor && record.beneficiary == beneficiary
        })
    })?;
    scan(view, Table::Giving, AUDIT_PAGE_ROWS, |key, row| {
        let (Key::Giving { donor, relation }, Row::Giving(GivingRecord)) = (*key, row) else {
            return auditor.alien(key);
        };
        fits(auditor, key, relation, &|record| record.donor == donor)
    })?;
    scan(view, Table::Lapsing, AUDIT_PAGE_ROWS, |key, row| {
        let (Key::Lapsing { at, relation }, Row::Lapsing(LapsingRecord)) = (*key, row) else {
            return auditor.alien(key);
        };
        fits(
            auditor,
            key,
            relation,
            &|record| matches!(record.state, RelationState::Proposed { lapses, .. } if lapses == at),
        )
    })
}

/// Invariant 8: no two remembered requests were decided at the same place, and what a request made is
/// named by its own place. A bounded number of places at a time.
fn requests<V: View>(auditor: &mut Auditor<'_, V>) -> Result<(), V::Fault> {
    let view = auditor.view;
    let mut remembered = 0_usize;
    scan(view, Table::Request, AUDIT_PAGE_ROWS, |key, row| {
        let Row::Request(record) = row else { return auditor.alien(key) };
        remembered += 1;
        let holds = made_in_place(view, record)?;
        auditor.audit.check(
            Invariant::OneEffect,
            key,
            holds,
            "what the request made is not there, or another's",
        );
        Ok(())
    })?;
    let passes = (remembered / AUDIT_PASS_ROWS + 1) as u64;
    for pass in 0..passes {
        let mut places = BTreeSet::new();
        scan(view, Table::Request, AUDIT_PAGE_ROWS, |key, row| {
            let Row::Request(record) = row else { return Ok(()) };
            if record.position.index % passes == pass {
                let once = places.insert(record.position);
                auditor.audit.expect(Invariant::OneEffect, key, once, "two requests decided at one place");
            }
            Ok(())
        })?;
    }
    Ok(())
}

fn made_in_place<V: View>(view: &V, record: &RequestRecord) -> Result<bool, V::Fault> {
    let Outcome::Done(events) = &record.outcome else { return Ok(true) };
    for event in events {
        let there = match event {
            Event::Settled { payment, .. } => {
                payment.0 == record.position && payments::stands(view, *payment)?
            }
            Event::RelationProposed { relation, .. } => {
                relation.0 == record.position && view.get(&Key::Relation { relation: *relation })?.is_some()
            }
            _ => true,
        };
        if !there {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Invariant 18: the digest over all rows is the one that was kept as they changed.
fn digest<V: View>(auditor: &mut Auditor<'_, V>, kept: &Digest) -> Result<(), V::Fault> {
    let view = auditor.view;
    let mut sum = Digest::default();
    let (mut name, mut value) = (alloc::vec::Vec::new(), alloc::vec::Vec::new());
    for table in Table::ALL {
        scan(view, *table, AUDIT_PAGE_ROWS, |key, row| {
            name.clear();
            key.write(&mut name);
            value.clear();
            codec::append_row(row, &mut value);
            sum.add(*table, RowHash::of(&name, &value));
            auditor.audit.count(Invariant::Digest);
            Ok(())
        })?;
        let same = sum.table(*table) == kept.table(*table);
        auditor.audit.expect(
            Invariant::Digest,
            &table.first(),
            same,
            "the table's digest is not the kept one",
        );
    }
    Ok(())
}
