//! A month is closed (清分): its obligations are frozen, and what areas owe one another becomes lines to be paid.
//!
//! The steps go over the obligations first. What a payer owes a payee over all uses is posted as their line; where it
//! came out below zero, it is posted to the line the other way round. Nothing posted is ever below zero, so a line is
//! right wherever the steps are cut, and one of nothing is never written. Then they go over the lines, each final by now:
//! for the totals, and for the advances of the funds. Nothing changes meanwhile: the month is over, and its lines are
//! neither confirmed nor paid before it is closed.

use crate::codec;
use crate::decision::{Event, Refusal};
use crate::digest::RowHash;
use crate::entry::{Entry, Ruled, Stop, ensure};
use crate::id::{Area, Province};
use crate::limits::OBLIGATIONS_PER_STEP;
use crate::money::{Fen, Sum};
use crate::prepayment::Level;
use crate::stamp::Month;
use crate::table::{ClearingRecord, Key, ObligationRecord, PeriodRecord, PrepaymentRecord, Record, Use};
use crate::view::View;
use alloc::vec::Vec;

/// Closes the next month; a large one in steps, by ticks.
pub(crate) fn close<V: View>(entry: &mut Entry<'_, V>, month: Month) -> Ruled<V> {
    let key = Key::Period { month };
    let known = entry.find::<PeriodRecord>(&key)?;
    ensure(known.as_ref().is_none_or(|period| period.closed.is_none()), Refusal::PeriodClosed)?;
    ensure(known.is_none() && month == entry.ledger().clearing, Refusal::PeriodOutOfOrder)?;
    ensure(entry.now.month() > month, Refusal::PeriodNotOver)?;

    // From here on the closing must succeed.
    let period = PeriodRecord {
        begun: entry.position,
        closed: None,
        posted: false,
        reached: None,
        obligations: 0,
        lines: 0,
        total: Sum::ZERO,
        digest: RowHash::default(),
        provinces: Vec::new(),
    };
    entry.draft.put(key, period);
    let mut events = Vec::new();
    step(entry, &mut events)?;
    if entry.ledger().clearing == month {
        events.insert(0, Event::PeriodClosing { month });
    }
    Ok(events)
}

/// Goes on with the month that is being closed, if one is. Called by ticks.
pub(crate) fn step<V: View>(entry: &mut Entry<'_, V>, events: &mut Vec<Event>) -> Ruled<V, ()> {
    let month = entry.ledger().clearing;
    let key = Key::Period { month };
    let Some(found) = entry.find::<PeriodRecord>(&key)? else { return Ok(()) };
    let mut period = (*found).clone();
    drop(found);
    if !period.posted {
        post(entry, month, &mut period)?;
    }
    if period.posted && advance(entry, month, &mut period, events)? {
        finish(entry, month, &mut period, events)?;
    }
    entry.draft.put(key, period);
    Ok(())
}

/// Makes the next obligations lines.
fn post<V: View>(entry: &mut Entry<'_, V>, month: Month, period: &mut PeriodRecord) -> Ruled<V, ()> {
    let (payer, payee) = period.reached.unwrap_or((Area::MIN, Area::MIN));
    let from = Key::Obligation { month, payer, payee, usage: Use::Institution };
    let until =
        Key::Obligation { month: month.next(), payer: Area::MIN, payee: Area::MIN, usage: Use::Institution };
    // Those of the pair reached last are found again, and passed over.
    let most = OBLIGATIONS_PER_STEP + Use::ALL.len();
    let rows = entry.draft.range(&from, &until, most).map_err(Stop::Fault)?;
    period.posted = rows.len() < most;
    let (mut name, mut value) = (Vec::new(), Vec::new());
    let mut pairs: Vec<Pair> = Vec::new();
    for (key, row) in &rows {
        let Key::Obligation { payer, payee, .. } = *key else { continue };
        let Some(record) = ObligationRecord::of_row(row) else { continue };
        if period.reached == Some((payer, payee)) {
            continue;
        }
        name.clear();
        key.write(&mut name);
        value.clear();
        codec::append_row(row, &mut value);
        let hash = RowHash::of(&name, &value);
        match pairs.last_mut() {
            Some(pair) if (pair.payer, pair.payee) == (payer, payee) => {
                pair.net += record.net();
                pair.obligations += 1;
                pair.digest = pair.digest.plus(hash);
            }
            Some(_) | None => {
                pairs.push(Pair { payer, payee, net: record.net(), obligations: 1, digest: hash });
            }
        }
    }
    if !period.posted {
        pairs.pop(); // its other uses may lie beyond
    }
    for Pair { payer, payee, net, obligations, digest } in pairs {
        period.reached = Some((payer, payee));
        period.obligations += obligations;
        period.digest = period.digest.plus(digest);
        let (payer, payee) = if net < 0 { (payee, payer) } else { (payer, payee) };
        if net != 0 {
            let key = Key::Clearing { month, payer, payee };
            let found = entry.find::<ClearingRecord>(&key)?;
            let line = entry.draft.edit_or_default(key, found);
            line.amount = line.amount.and(Sum::new(net.unsigned_abs()));
        }
    }
    if period.posted {
        period.reached = None;
    }
    Ok(())
}

/// All that one area owes another, before it is a line.
struct Pair {
    payer: Area,
    payee: Area,
    net: i128,
    obligations: u32,
    digest: RowHash,
}

/// Counts the next lines, and advances those between provinces from the fund of the payer's, in the order of payer and
/// payee. Tells whether it came to the end.
fn advance<V: View>(
    entry: &mut Entry<'_, V>,
    month: Month,
    period: &mut PeriodRecord,
    events: &mut Vec<Event>,
) -> Ruled<V, bool> {
    let (payer, payee) = period.reached.unwrap_or((Area::MIN, Area::MIN));
    let from = Key::Clearing { month, payer, payee };
    let until = Key::Clearing { month: month.next(), payer: Area::MIN, payee: Area::MIN };
    let most = OBLIGATIONS_PER_STEP + 1; // the one reached last is found again
    let rows = entry.draft.range(&from, &until, most).map_err(Stop::Fault)?;
    let all = rows.len() < most;
    // Payers of one province stand behind one another.
    let mut given: Vec<(Province, Fen)> = Vec::new();
    for (key, row) in rows {
        let Key::Clearing { payer, payee, .. } = key else { continue };
        let Some(amount) = ClearingRecord::of_row(&row).map(|line| line.amount) else { continue };
        if period.reached.replace((payer, payee)) == Some((payer, payee)) {
            continue;
        }
        period.lines += 1;
        period.total = period.total.and(amount);
        let (owing, owed) = (payer.province(), payee.province());
        if owing == owed {
            continue;
        }
        let (owes, _) = position(period, owing);
        *owes = owes.and(amount);
        let (_, is_owed) = position(period, owed);
        *is_owed = is_owed.and(amount);
        let fund = Key::Prepayment { province: owing };
        let Some(found) = entry.find::<PrepaymentRecord>(&fund)? else { continue };
        if found.balance.is_zero() {
            continue;
        }
        let part = entry.draft.edit(fund, found).advance(amount);
        if let Some(found) = entry.find::<ClearingRecord>(&key)? {
            entry.draft.edit(key, found).advanced = Sum::ZERO.plus(part);
        }
        match given.last_mut() {
            Some((last, sum)) if *last == owing => {
                *sum = sum.checked_add(part).expect("no more than the fund held");
            }
            Some(_) | None => given.push((owing, part)),
        }
    }
    for (province, amount) in given {
        let found = entry.find::<PrepaymentRecord>(&Key::Prepayment { province })?;
        let balance = found.map_or(Fen::ZERO, |found| found.balance);
        events.push(Event::PrepaymentAdvanced { month, province, amount, balance });
    }
    Ok(all)
}

/// What a province owes others and is owed by others, to be added to.
fn position(period: &mut PeriodRecord, province: Province) -> (&mut Sum, &mut Sum) {
    let place = match period.provinces.binary_search_by_key(&province, |(other, ..)| *other) {
        Ok(place) => place,
        Err(place) => {
            period.provinces.insert(place, (province, Sum::ZERO, Sum::ZERO));
            place
        }
    };
    let (_, owes, owed) = &mut period.provinces[place];
    (owes, owed)
}

/// The month is closed; funds that it uses much of are named.
fn finish<V: View>(
    entry: &mut Entry<'_, V>,
    month: Month,
    period: &mut PeriodRecord,
    events: &mut Vec<Event>,
) -> Ruled<V, ()> {
    period.closed = Some(entry.now);
    period.reached = None;
    entry.ledger().clearing = month.next();
    let PeriodRecord { lines, total, digest, .. } = *period;
    events.push(Event::PeriodClosed { month, lines, total, digest });
    for (province, owes, _) in &period.provinces {
        let province = *province;
        let Some(fund) = entry.find::<PrepaymentRecord>(&Key::Prepayment { province })? else { continue };
        let Some(percent) = fund.percent(*owes) else { continue };
        let red = match entry.policy.level(percent) {
            Level::Normal => continue,
            Level::Yellow => false,
            Level::Red => true,
        };
        events.push(Event::PrepaymentAlarm { month, province, percent, red });
    }
    Ok(())
}
