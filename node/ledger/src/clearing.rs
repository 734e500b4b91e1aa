//! The lines of a closed month: confirmed by both sides, disputed, paid (清算).

use crate::apply::done;
use crate::command::{Caller, DisputeReason};
use crate::decision::{Event, Refusal};
use crate::entry::{Entry, Ruled, ensure};
use crate::id::{Area, FileNumber, Province};
use crate::limits::DISPUTES_MAX;
use crate::money::{Fen, Sum};
use crate::prepayment::within;
use crate::stamp::Month;
use crate::table::{ClearingRecord, Key, PeriodRecord, PrepaymentRecord};
use crate::view::{Found, View};

/// Which line.
#[derive(Clone, Copy)]
pub(crate) struct Line {
    pub month: Month,
    pub payer: Area,
    pub payee: Area,
}

impl Line {
    fn key(self) -> Key {
        let Line { month, payer, payee } = self;
        Key::Clearing { month, payer, payee }
    }
}

impl ClearingRecord {
    /// What is not paid yet.
    pub fn outstanding(&self) -> Sum {
        self.amount.less(self.paid)
    }
}

/// The line, once its month is closed.
fn find<V: View>(entry: &Entry<'_, V>, line: Line) -> Ruled<V, Found<ClearingRecord>> {
    let period = entry.find::<PeriodRecord>(&Key::Period { month: line.month })?;
    ensure(period.is_some_and(|period| period.closed.is_some()), Refusal::PeriodOpen)?;
    entry.find(&line.key())?.ok_or(Refusal::LineUnknown.into())
}

/// The caller's province; nobody else gets this far.
fn province(caller: &Caller) -> Result<Province, Refusal> {
    match caller {
        Caller::Province(province) => Ok(*province),
        Caller::National
        | Caller::Agency(_)
        | Caller::Institution(_)
        | Caller::Person(_)
        | Caller::Auditor
        | Caller::Node => Err(Refusal::NotPermitted),
    }
}

/// The caller's side confirms; one province on both sides confirms both.
pub(crate) fn confirm<V: View>(
    entry: &mut Entry<'_, V>,
    caller: &Caller,
    line: Line,
    amount: Sum,
) -> Ruled<V> {
    let province = province(caller)?;
    let record = find(entry, line)?;
    ensure(amount == record.amount, Refusal::LineDiffers)?;
    let (by_payer, by_payee) = (line.payer.province() == province, line.payee.province() == province);
    let news = by_payer && !record.payer_confirmed || by_payee && !record.payee_confirmed;
    ensure(news, Refusal::LineConfirmed)?;

    // From here on the confirmation must succeed.
    let record = entry.draft.edit(line.key(), record);
    record.payer_confirmed |= by_payer;
    record.payee_confirmed |= by_payee;
    let Line { month, payer, payee } = line;
    done::<V>(Event::ClearingConfirmed { month, payer, payee, by_payer, by_payee })
}

/// The caller's side notes what is wrong. It changes nothing of the line: what is wrong is put right in the open month
/// (domain.md 2.4).
pub(crate) fn dispute<V: View>(
    entry: &mut Entry<'_, V>,
    caller: &Caller,
    line: Line,
    reason: DisputeReason,
    file: FileNumber,
) -> Ruled<V> {
    let province = province(caller)?;
    let record = find(entry, line)?;
    ensure(record.disputes.len() < DISPUTES_MAX, Refusal::DisputesFull)?;

    // From here on the dispute must succeed.
    let now = entry.now;
    entry.draft.edit(line.key(), record).disputes.push((now, province, reason, file));
    let Line { month, payer, payee } = line;
    done::<V>(Event::ClearingDisputed { month, payer, payee })
}

/// The payer's province pays: its fund first, for what was advanced.
pub(crate) fn pay<V: View>(entry: &mut Entry<'_, V>, line: Line, amount: Fen) -> Ruled<V> {
    let record = find(entry, line)?;
    let confirmed = record.payer_confirmed && record.payee_confirmed;
    ensure(confirmed || !entry.policy.confirm_before_payment, Refusal::LineUnconfirmed)?;
    ensure(Sum::ZERO.plus(amount) <= record.outstanding(), Refusal::LineExceeded)?;
    ensure(!amount.is_zero(), Refusal::AmountZero)?;
    let refilled = within(amount, record.advanced.less(record.refilled));
    let fund = Key::Prepayment { province: line.payer.province() };
    let prepayment = entry.find::<PrepaymentRecord>(&fund)?;

    // From here on the payment must succeed.
    let record = entry.draft.edit(line.key(), record);
    record.paid = record.paid.plus(amount);
    record.refilled = record.refilled.plus(refilled);
    let outstanding = record.outstanding();
    if let Some(prepayment) = prepayment.filter(|_| !refilled.is_zero()) {
        entry.draft.edit(fund, prepayment).refill(refilled);
    }
    let Line { month, payer, payee } = line;
    done::<V>(Event::ClearingPaid { month, payer, payee, amount, refilled, outstanding })
}
