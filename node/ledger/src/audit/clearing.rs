//! The part of the audit that looks at closed months: their digest, their lines, and the funds.

use super::{Auditor, expected};
use crate::audit::report::Invariant;
use crate::codec;
use crate::digest::{Digest, RowHash};
use crate::id::{Area, Province};
use crate::limits::AUDIT_PAGE_ROWS;
use crate::stamp::Month;
use crate::table::{
    ClearingRecord, Key, LedgerRecord, ObligationRecord, PeriodRecord, PrepaymentRecord, Row, Table, Use,
};
use crate::view::{View, scan, scan_between};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// What the obligations of a month make.
#[derive(Default)]
struct Closed {
    digest: Digest,
    obligations: u32,
    net: BTreeMap<(Area, Area), i128>,
}

/// Invariants 14 and 15.
pub(super) fn clearing<V: View>(
    auditor: &mut Auditor<'_, V>,
    ledger: Option<&LedgerRecord>,
) -> Result<(), V::Fault> {
    let view = auditor.view;
    let mut periods: BTreeMap<Month, PeriodRecord> = BTreeMap::new();
    scan(view, Table::Period, AUDIT_PAGE_ROWS, |key, row| {
        let (Key::Period { month }, Row::Period(record)) = (*key, row) else { return auditor.alien(key) };
        let next = ledger.map(|ledger| ledger.clearing);
        let closed = record.closed.is_some();
        let in_turn = next.is_some_and(|next| if closed { month < next } else { month == next });
        auditor.audit.check(Invariant::Closed, key, in_turn, "a month closed out of turn");
        if closed {
            periods.insert(month, record.clone());
        }
        Ok(())
    })?;
    let mut drawn: BTreeMap<Province, i128> = BTreeMap::new();
    for (month, period) in &periods {
        let closed = obligations(auditor, *month)?;
        let place = Key::Period { month: *month };
        let same = closed.digest.table(Table::Obligation) == period.digest
            && closed.obligations == period.obligations;
        auditor.audit.check(
            Invariant::Closed,
            &place,
            same,
            "obligations changed since the month was closed",
        );
        lines(auditor, *month, period, owed(&closed.net), &mut drawn)?;
    }
    // Lines belong to closed months, or to the one that is being closed.
    scan(view, Table::Clearing, AUDIT_PAGE_ROWS, |key, row| {
        let (Key::Clearing { month, .. }, Row::Clearing(_)) = (*key, row) else { return auditor.alien(key) };
        let known = periods.contains_key(&month) || view.get(&Key::Period { month })?.is_some();
        auditor.audit.expect(Invariant::Closed, key, known, "a line of a month that is not closed");
        Ok(())
    })?;
    funds(auditor, drawn)
}

/// The obligations of a month: their digest, and their nets by pair.
fn obligations<V: View>(auditor: &mut Auditor<'_, V>, month: Month) -> Result<Closed, V::Fault> {
    let mut closed = Closed::default();
    let (mut name, mut value) = (Vec::new(), Vec::new());
    let first =
        |month| Key::Obligation { month, payer: Area::MIN, payee: Area::MIN, usage: Use::Institution };
    scan_between(auditor.view, first(month), first(month.next()), AUDIT_PAGE_ROWS, |key, row| {
        let (Key::Obligation { payer, payee, .. }, Row::Obligation(record)) = (*key, row) else {
            return Ok(());
        };
        name.clear();
        key.write(&mut name);
        value.clear();
        codec::append_row(row, &mut value);
        closed.digest.add(Table::Obligation, RowHash::of(&name, &value));
        closed.obligations += 1;
        let ObligationRecord { charged, refunded } = record;
        *closed.net.entry((payer, payee)).or_default() += charged.get() as i128 - refunded.get() as i128;
        Ok(())
    })?;
    Ok(closed)
}

/// What is owed between each pair: a net below zero is owed the other way round.
fn owed(net: &BTreeMap<(Area, Area), i128>) -> BTreeMap<(Area, Area), i128> {
    let mut owed: BTreeMap<(Area, Area), i128> = BTreeMap::new();
    for ((payer, payee), amount) in net {
        let line = if *amount < 0 { (*payee, *payer) } else { (*payer, *payee) };
        *owed.entry(line).or_default() += amount.abs();
    }
    owed.retain(|_, amount| *amount > 0);
    owed
}

/// The lines of a closed month are what is owed, and provinces' totals are the sums of their lines.
fn lines<V: View>(
    auditor: &mut Auditor<'_, V>,
    month: Month,
    period: &PeriodRecord,
    mut owed: BTreeMap<(Area, Area), i128>,
    drawn: &mut BTreeMap<Province, i128>,
) -> Result<(), V::Fault> {
    let place = Key::Period { month };
    let mut provinces: BTreeMap<Province, (u128, u128)> = BTreeMap::new();
    let (mut count, mut total) = (0, 0);
    let first = |month| Key::Clearing { month, payer: Area::MIN, payee: Area::MIN };
    scan_between(auditor.view, first(month), first(month.next()), AUDIT_PAGE_ROWS, |key, row| {
        let (Key::Clearing { payer, payee, .. }, Row::Clearing(record)) = (*key, row) else {
            return Ok(());
        };
        let &ClearingRecord { amount, advanced, paid, refilled, .. } = record;
        let due = owed.remove(&(payer, payee)).unwrap_or(0);
        let audit = &mut auditor.audit;
        audit.check(Invariant::Closed, key, amount.get() as i128 == due, "a line is not its obligations");
        let within = paid <= amount && advanced <= amount && refilled <= advanced && refilled <= paid;
        audit.check(Invariant::Closed, key, within, "paid, advanced or refilled beyond what is owed");
        let refill_first = refilled == advanced || refilled == paid;
        audit.expect(Invariant::Closed, key, refill_first, "paid on before the fund was refilled");
        (count, total) = (count + 1, total + amount.get());
        if payer.province() == payee.province() {
            let none = advanced.get() == 0;
            audit.expect(Invariant::Positions, key, none, "an advance inside a province");
        } else {
            provinces.entry(payer.province()).or_default().0 += amount.get();
            provinces.entry(payee.province()).or_default().1 += amount.get();
            *drawn.entry(payer.province()).or_default() += advanced.get() as i128 - refilled.get() as i128;
        }
        Ok(())
    })?;
    let audit = &mut auditor.audit;
    audit.check(Invariant::Closed, &place, owed.is_empty(), "obligations without a line");
    audit.check(
        Invariant::Closed,
        &place,
        (period.lines, period.total.get()) == (count, total),
        "lines miscounted",
    );
    let kept: BTreeMap<Province, (u128, u128)> =
        period.provinces.iter().map(|(province, owes, due)| (*province, (owes.get(), due.get()))).collect();
    provinces.retain(|_, sums| *sums != (0, 0));
    let same = kept.iter().filter(|(_, sums)| **sums != (0, 0)).eq(provinces.iter());
    audit.check(Invariant::Positions, &place, same, "provinces' totals are not the sums of their lines");
    let (owes, due) = provinces.values().fold((0, 0), |(owes, due), sums| (owes + sums.0, due + sums.1));
    audit.check(Invariant::Positions, &place, owes == due, "positions do not add up to nothing");
    Ok(())
}

/// A fund holds what was paid in and is not drawn, and what is drawn was advanced and not refilled.
fn funds<V: View>(auditor: &mut Auditor<'_, V>, mut drawn: BTreeMap<Province, i128>) -> Result<(), V::Fault> {
    scan(auditor.view, Table::Prepayment, AUDIT_PAGE_ROWS, |key, row| {
        let (Key::Prepayment { province }, Row::Prepayment(record)) = (*key, row) else {
            return auditor.alien(key);
        };
        // Its size bounds what is paid in only: made smaller, it may hold more when what was drawn comes back.
        let &PrepaymentRecord { size: _, balance, drawn: advanced, funded, returned } = record;
        let out = drawn.remove(&province).unwrap_or(0);
        // While a month is being closed some of its advances may stand in the fund already.
        let closing = expected::<V, LedgerRecord>(auditor.view, &Key::Ledger {})?
            .map(|ledger| Key::Period { month: ledger.clearing });
        let closing = match closing {
            Some(key) => auditor.view.get(&key)?.is_some(),
            None => false,
        };
        let drawn_fits = advanced.get() as i128 == out || closing;
        auditor.audit.check(
            Invariant::Positions,
            key,
            drawn_fits,
            "drawn is not what was advanced and not refilled",
        );
        let whole = funded.get() as i128 - returned.get() as i128
            == i128::from(balance.get()) + advanced.get() as i128;
        auditor.audit.check(
            Invariant::Positions,
            key,
            whole,
            "a fund is not what was paid in and not returned",
        );
        Ok(())
    })?;
    for (province, _) in drawn.into_iter().filter(|(_, out)| *out != 0) {
        let place = Key::Prepayment { province };
        auditor.audit.expect(Invariant::Positions, &place, false, "an advance without a fund");
    }
    Ok(())
}
