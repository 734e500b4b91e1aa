//! The part of the audit that looks at persons and their accounts.

use super::{Auditor, expected, net, wide};
use crate::audit::report::Invariant;
use crate::command::{Insurance, InsuranceStatus};
use crate::id::Person;
use crate::limits::AUDIT_PAGE_ROWS;
use crate::money::Fen;
use crate::table::{
    AreaRecord, CaseRecord, CaseState, HoldState, Key, OfferRecord, OfferState, PersonRecord, RelationRecord,
    Row, Table,
};
use crate::view::{View, scan};
use alloc::collections::{BTreeMap, BTreeSet};

/// Invariants 2, 9, 10, 17 and 19 of every person.
pub(super) fn persons<V: View>(auditor: &mut Auditor<'_, V>) -> Result<(), V::Fault> {
    let view = auditor.view;
    scan(view, Table::Person, AUDIT_PAGE_ROWS, |key, row| {
        let (Key::Person { person }, Row::Person(record)) = (*key, row) else {
            return auditor.alien(key);
        };
        let area = expected::<V, AreaRecord>(view, &Key::Area { area: record.area })?;
        auditor.audit.check(Invariant::Attributable, key, area.is_some(), "the area is not registered");
        let fits = record.insurance == Insurance::Resident || record.account.is_some();
        auditor.audit.expect(Invariant::OnePair, key, fits, "insured with 310 without an account");
        if let Some(account) = &record.account {
            for amount in
                [account.available, account.reserved, account.held, account.credited, account.paid_out]
            {
                let within = amount <= Fen::MAX;
                auditor.audit.check(Invariant::NoneNegative, key, within, "beyond the largest amount");
            }
            let home = account.area == record.area || record.insurance == Insurance::Resident;
            auditor.audit.check(
                Invariant::Cases,
                key,
                home,
                "an account kept in another area than its owner's",
            );
        }
        order(auditor, key, person, record)?;
        survivors(auditor, key, person, record)?;
        transfer(auditor, key, person, record)
    })
}

/// The order of deduction lists active relations, each once.
fn order<V: View>(
    auditor: &mut Auditor<'_, V>,
    key: &Key,
    person: Person,
    record: &PersonRecord,
) -> Result<(), V::Fault> {
    let mut once = BTreeSet::new();
    for relation in &record.donors {
        let listed = expected::<V, RelationRecord>(auditor.view, &Key::Relation { relation: *relation })?;
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
}

/// Invariant 10: where the insurance has ended or moves, relations are gone, or are just being released.
fn survivors<V: View>(
    auditor: &mut Auditor<'_, V>,
    key: &Key,
    person: Person,
    record: &PersonRecord,
) -> Result<(), V::Fault> {
    let swept = auditor.view.get(&Key::Releasing { person })?.is_some();
    let fits = swept == record.releasing.is_some();
    auditor.audit.expect(Invariant::NoSurvivors, key, fits, "a release under way and its index disagree");
    let ended = matches!(record.status, InsuranceStatus::Terminated | InsuranceStatus::Deceased);
    if !ended && record.transfer.is_none() {
        return Ok(());
    }
    let first = Key::Giving { donor: person, relation: crate::key::Part::MIN };
    let last = Key::Giving { donor: person, relation: crate::key::Part::MAX };
    let gives = !auditor.view.range(&first, &last, 1)?.is_empty();
    let first = Key::Receiving { beneficiary: person, relation: crate::key::Part::MIN };
    let last = Key::Receiving { beneficiary: person, relation: crate::key::Part::MAX };
    let receives = !auditor.view.range(&first, &last, 1)?.is_empty();
    let gone = swept || !gives && !receives;
    auditor.audit.check(Invariant::NoSurvivors, key, gone, "a relation outlived the insurance");
    Ok(())
}

/// Invariant 17 as seen from the person: an open case is named, and only that.
fn transfer<V: View>(
    auditor: &mut Auditor<'_, V>,
    key: &Key,
    person: Person,
    record: &PersonRecord,
) -> Result<(), V::Fault> {
    for (case, open) in [(record.transfer, true), (record.failed_transfer, false)] {
        let Some(case) = case else { continue };
        let found = expected::<V, CaseRecord>(auditor.view, &Key::Case { case })?;
        let fits = found.is_some_and(|found| {
            found.person == person
                && if open { found.state.is_open() } else { found.state == CaseState::Failed }
        });
        auditor.audit.check(Invariant::Cases, key, fits, "the case named is not in that state, or another's");
    }
    Ok(())
}

/// Invariant 1, person by person: all that was ever credited is available, reserved, held, under way, spent or paid out.
pub(super) fn conservation<V: View>(auditor: &mut Auditor<'_, V>) -> Result<(), V::Fault> {
    let collect = |key: &Key, row: &Row| {
        let (Key::Person { person }, Row::Person(PersonRecord { account: Some(account), .. })) = (*key, row)
        else {
            return None;
        };
        let left = [account.available, account.reserved, account.held, account.paid_out];
        Some((person, wide(account.credited) - left.into_iter().map(wide).sum::<i128>()))
    };
    auditor.in_lots(Table::Person, collect, |auditor, mut missing: BTreeMap<Person, i128>| {
        scan(auditor.view, Table::Payment, AUDIT_PAGE_ROWS, |_, row| {
            let Row::Payment(record) = row else { return Ok(()) };
            if let Some(sum) = missing.get_mut(&record.beneficiary) {
                *sum -= net(record.own.amount, record.own.refunded);
            }
            for leg in &record.legs {
                if let Some(sum) = missing.get_mut(&leg.donor) {
                    *sum -= net(leg.amount, leg.refunded);
                }
            }
            Ok(())
        })?;
        scan(auditor.view, Table::Case, AUDIT_PAGE_ROWS, |_, row| {
            let Row::Case(record) = row else { return Ok(()) };
            if let Some(sum) = missing.get_mut(&record.person) {
                *sum -= wide(record.balance);
            }
            Ok(())
        })?;
        for (person, sum) in missing {
            let place = Key::Person { person };
            let what = "credits are not what is left, spent and paid out";
            auditor.audit.check(Invariant::Conservation, &place, sum == 0, what);
        }
        Ok(())
    })
}

/// What an account has promised, by its own record; taken away as quotas, offers and holds are found.
#[derive(Default)]
struct Promised {
    reserved: i128,
    held: i128,
    offers: i64,
    holds: i64,
}

/// Invariant 3: what is reserved is the sum of quotas and open offers, what is held the sum of holds; counters count them.
pub(super) fn reserved<V: View>(auditor: &mut Auditor<'_, V>) -> Result<(), V::Fault> {
    let collect = |key: &Key, row: &Row| {
        let (Key::Person { person }, Row::Person(record)) = (*key, row) else { return None };
        let account = record.account;
        let promised = Promised {
            reserved: account.map_or(0, |account| wide(account.reserved)),
            held: account.map_or(0, |account| wide(account.held)),
            offers: account.map_or(0, |account| i64::from(account.offers)),
            holds: i64::from(record.holds),
        };
        Some((person, promised))
    };
    auditor.in_lots(Table::Person, collect, |auditor, mut promised: BTreeMap<Person, Promised>| {
        let view = auditor.view;
        scan(view, Table::Relation, AUDIT_PAGE_ROWS, |_, row| {
            let Row::Relation(record) = row else { return Ok(()) };
            let Some(donor) = promised.get_mut(&record.donor) else { return Ok(()) };
            donor.reserved -= wide(record.unused) + wide(record.held);
            for offer in &record.offers {
                let offered = expected::<V, OfferRecord>(view, &Key::Offer { offer: *offer })?;
                if let Some(offered) = offered.filter(|offered| offered.state == OfferState::Open) {
                    donor.reserved -= wide(offered.amount);
                    donor.offers -= 1;
                }
            }
            Ok(())
        })?;
        scan(view, Table::Hold, AUDIT_PAGE_ROWS, |_, row| {
            let Row::Hold(record) = row else { return Ok(()) };
            if record.state != HoldState::Held {
                return Ok(());
            }
            if let Some(user) = promised.get_mut(&record.beneficiary) {
                user.held -= wide(record.own);
                user.holds -= 1;
            }
            for leg in &record.legs {
                if let Some(donor) = promised.get_mut(&leg.donor) {
                    donor.holds -= 1;
                }
            }
            Ok(())
        })?;
        for (person, promised) in promised {
            let key = Key::Person { person };
            let audit = &mut auditor.audit;
            let what = "reserved is not the sum of quotas and open offers";
            audit.check(Invariant::Reserved, &key, promised.reserved == 0, what);
            audit.expect(Invariant::Reserved, &key, promised.held == 0, "held is not the sum of the holds");
            audit.expect(Invariant::Reserved, &key, promised.offers == 0, "offers are miscounted");
            audit.expect(Invariant::Reserved, &key, promised.holds == 0, "holds are miscounted");
        }
        Ok(())
    })
}
