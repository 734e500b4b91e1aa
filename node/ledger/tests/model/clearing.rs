//! Months closed, their lines confirmed, disputed and paid; the funds of provinces.

use super::verbs::Line;
use super::{Model, Said, Why, fen};
use ledger::codec::{encode_key, encode_row};
use ledger::command::{Caller, DisputeReason};
use ledger::digest::{Digest, RowHash};
use ledger::stamp::Month;
use ledger::table::{ClearingRecord, PeriodRecord, PrepaymentRecord};
use ledger::{Area, Event, FileNumber, Key, Position, Province, Refusal, Sum, Table};
use std::collections::BTreeMap;

/// Disputes that a line keeps.
const DISPUTES: usize = 16;

fn less(sum: Sum, part: Sum) -> Sum {
    Sum::new(sum.get() - part.get())
}

fn plus(sum: Sum, more: u128) -> Sum {
    Sum::new(sum.get() + more)
}

impl Model {
    pub(super) fn close_period(&mut self, at: Position, month: Month) -> Said {
        let mut why = Why::new();
        let known = self.periods.get(&month);
        why.when(known.is_some_and(|period| period.closed.is_some()), Refusal::PeriodClosed);
        why.when(month != self.clearing || known.is_some(), Refusal::PeriodOutOfOrder);
        why.when(self.now.month() <= month, Refusal::PeriodNotOver);
        why.end()?;
        let period = PeriodRecord {
            begun: at,
            closed: None,
            posted: false,
            reached: None,
            obligations: 0,
            lines: 0,
            total: Sum::ZERO,
            digest: RowHash::default(),
            provinces: vec![],
        };
        self.periods.insert(month, period);
        Ok(self.finish_closing(month))
    }

    pub(super) fn go_on_closing(&mut self) -> Vec<Event> {
        vec![]
    }

    /// All at once: what an area owes another over all uses is a line; below zero it goes to the line the other way.
    fn finish_closing(&mut self, month: Month) -> Vec<Event> {
        let mut nets: BTreeMap<(Area, Area), i128> = BTreeMap::new();
        let mut sum = Digest::default();
        let mut obligations = 0;
        for ((of, payer, payee, usage), (charged, refunded)) in &self.books {
            if *of != month {
                continue;
            }
            *nets.entry((*payer, *payee)).or_default() += *charged as i128 - *refunded as i128;
            obligations += 1;
            let key = Key::Obligation { month, payer: *payer, payee: *payee, usage: *usage };
            let row = self.row(&key).expect("it is in the books");
            sum.add(Table::Obligation, RowHash::of(&encode_key(&key), &encode_row(&row)));
        }
        let mut amounts: BTreeMap<(Area, Area), u128> = BTreeMap::new();
        for ((payer, payee), net) in nets {
            let line = if net < 0 { (payee, payer) } else { (payer, payee) };
            *amounts.entry(line).or_default() += net.unsigned_abs();
        }
        amounts.retain(|_, amount| *amount > 0);

        let mut events = vec![];
        let mut positions: BTreeMap<Province, (u128, u128)> = BTreeMap::new();
        let mut given: BTreeMap<Province, u64> = BTreeMap::new();
        let mut total = 0;
        for ((payer, payee), amount) in &amounts {
            let mut line = ClearingRecord { amount: Sum::new(*amount), ..ClearingRecord::default() };
            total += amount;
            let (owing, owed) = (payer.province(), payee.province());
            if owing != owed {
                positions.entry(owing).or_default().0 += amount;
                positions.entry(owed).or_default().1 += amount;
                if let Some(fund) = self.funds.get_mut(&owing) {
                    let part = u64::try_from(*amount).unwrap_or(u64::MAX).min(fund.balance.get());
                    fund.balance = fen(fund.balance.get() - part);
                    fund.drawn = plus(fund.drawn, u128::from(part));
                    line.advanced = Sum::new(u128::from(part));
                    *given.entry(owing).or_default() += part;
                }
            }
            self.lines.insert((month, *payer, *payee), line);
        }
        for (province, amount) in given.into_iter().filter(|(_, amount)| *amount > 0) {
            let balance = self.funds[&province].balance;
            events.push(Event::PrepaymentAdvanced { month, province, amount: fen(amount), balance });
        }
        let (digest, lines, total) = (sum.table(Table::Obligation), amounts.len() as u32, Sum::new(total));
        events.push(Event::PeriodClosed { month, lines, total, digest });
        let policy = self.policy();
        for (province, (owes, _)) in &positions {
            let size = self.funds.get(province).map_or(0, |fund| fund.size.get());
            if size == 0 {
                continue;
            }
            let percent = owes * 100 / u128::from(size);
            let red = percent >= u128::from(policy.red_percent);
            if red || percent >= u128::from(policy.yellow_percent) {
                let (province, percent) = (*province, percent as u64);
                events.push(Event::PrepaymentAlarm { month, province, percent, red });
            }
        }
        let now = self.now;
        let period = self.periods.get_mut(&month).expect("being closed");
        period.closed = Some(now);
        period.posted = true;
        period.obligations = obligations;
        period.lines = lines;
        period.total = total;
        period.digest = digest;
        for (province, (owes, owed)) in positions {
            period.provinces.push((province, Sum::new(owes), Sum::new(owed)));
        }
        self.clearing = month.next();
        events
    }

    fn line(&self, why: &mut Why, line: Line) -> Result<ClearingRecord, Refusal> {
        let closed = self.periods.get(&line.0).is_some_and(|period| period.closed.is_some());
        if !closed {
            return why.stop(Refusal::PeriodOpen);
        }
        match self.lines.get(&line) {
            Some(record) => Ok(record.clone()),
            None => why.stop(Refusal::LineUnknown),
        }
    }

    pub(super) fn confirm_line(&mut self, caller: &Caller, line: Line, amount: Sum) -> Said {
        let (month, payer, payee) = line;
        let by_payer = *caller == Caller::Province(payer.province());
        let by_payee = *caller == Caller::Province(payee.province());
        let mut why = Why::new();
        let record = self.line(&mut why, line)?;
        why.when(record.amount != amount, Refusal::LineDiffers);
        let done = (!by_payer || record.payer_confirmed) && (!by_payee || record.payee_confirmed);
        why.when(done, Refusal::LineConfirmed);
        why.end()?;
        let record = self.lines.get_mut(&line).expect("known");
        record.payer_confirmed |= by_payer;
        record.payee_confirmed |= by_payee;
        Ok(vec![Event::ClearingConfirmed { month, payer, payee, by_payer, by_payee }])
    }

    pub(super) fn dispute_line(
        &mut self,
        caller: &Caller,
        line: Line,
        reason: DisputeReason,
        file: FileNumber,
    ) -> Said {
        let Caller::Province(province) = *caller else { panic!("only provinces get here") };
        let (month, payer, payee) = line;
        let mut why = Why::new();
        let record = self.line(&mut why, line)?;
        why.when(record.disputes.len() >= DISPUTES, Refusal::DisputesFull);
        why.end()?;
        let now = self.now;
        self.lines.get_mut(&line).expect("known").disputes.push((now, province, reason, file));
        Ok(vec![Event::ClearingDisputed { month, payer, payee }])
    }

    pub(super) fn pay_line(&mut self, line: Line, amount: u64) -> Said {
        let (month, payer, payee) = line;
        let mut why = Why::new();
        why.when(amount == 0, Refusal::AmountZero);
        let record = self.line(&mut why, line)?;
        let both = record.payer_confirmed && record.payee_confirmed;
        why.when(self.policy().confirm_before_payment && !both, Refusal::LineUnconfirmed);
        let outstanding = less(record.amount, record.paid);
        why.when(u128::from(amount) > outstanding.get(), Refusal::LineExceeded);
        why.end()?;
        let advanced = less(record.advanced, record.refilled).get();
        let refilled = advanced.min(u128::from(amount)) as u64;
        let record = self.lines.get_mut(&line).expect("known");
        record.paid = plus(record.paid, u128::from(amount));
        record.refilled = plus(record.refilled, u128::from(refilled));
        if let Some(fund) = self.funds.get_mut(&payer.province()) {
            fund.balance = fen(fund.balance.get() + refilled);
            fund.drawn = less(fund.drawn, Sum::new(u128::from(refilled)));
        }
        let outstanding = Sum::new(outstanding.get() - u128::from(amount));
        let (amount, refilled) = (fen(amount), fen(refilled));
        Ok(vec![Event::ClearingPaid { month, payer, payee, amount, refilled, outstanding }])
    }

    pub(super) fn pay_into_fund(&mut self, province: Province, amount: u64) -> Said {
        let mut why = Why::new();
        why.when(amount == 0, Refusal::AmountZero);
        why.when(!self.provinces.contains_key(&province), Refusal::ProvinceUnknown);
        let fund = self.funds.get(&province).copied().unwrap_or_default();
        let whole = u128::from(fund.balance.get()) + fund.drawn.get() + u128::from(amount);
        why.when(fund.size.is_zero() || whole > u128::from(fund.size.get()), Refusal::FundExceeded);
        why.end()?;
        let fund = self.funds.get_mut(&province).expect("it has a size");
        fund.balance = fen(fund.balance.get() + amount);
        fund.funded = plus(fund.funded, u128::from(amount));
        Ok(vec![Event::PrepaymentFunded { province, amount: fen(amount), balance: fund.balance }])
    }

    pub(super) fn adjust_fund(&mut self, province: Province, size: u64) -> Said {
        let mut why = Why::new();
        why.when(!self.provinces.contains_key(&province), Refusal::ProvinceUnknown);
        why.end()?;
        let fund: &mut PrepaymentRecord = self.funds.entry(province).or_default();
        let whole = u128::from(fund.balance.get()) + fund.drawn.get();
        let above = whole.saturating_sub(u128::from(size)).min(u128::from(fund.balance.get())) as u64;
        fund.size = fen(size);
        fund.balance = fen(fund.balance.get() - above);
        fund.returned = plus(fund.returned, u128::from(above));
        Ok(vec![Event::PrepaymentAdjusted { province, size: fen(size), returned: fen(above) }])
    }
}
