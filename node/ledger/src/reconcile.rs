//! Reconciliation of a day (对账, 3201 and 3202): what was paid and given back, in totals and row by row.
//!
//! A refund counts below zero, with its flag, on the day of the refund; the undoing of one counts above zero again. Both
//! rows stay: who wants the net adds them up (domain.md 2.3).

use crate::command::{Insurance, Premium};
use crate::id::{Area, Institution, MedType, PaymentId, Position, RefundId};
use crate::money::{Fen, Sum};
use crate::stamp::{Day, Stamp};
use crate::table::{DayRecord, Key, Payee, PaymentRecord, Record, RefundRecord};
use crate::view::{View, find};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// Who reconciles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// A designated institution: what was paid to it.
    Institution(Institution),
    /// A pooling area: what was paid to its institutions, and premiums paid to it.
    Area(Area),
}

/// What a payment is cleared as (`clr_type`); premiums by their kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u16)]
pub enum ClearingType {
    /// 11: outpatient of every kind.
    Outpatient = 11,
    /// 21: inpatient of every kind.
    Inpatient = 21,
    /// 41: pharmacy.
    Pharmacy = 41,
    /// 51: deferred, and whatever is none of the others.
    Deferred = 51,
    /// A resident-insurance premium.
    ResidentPremium = 390,
    /// A long-term-care premium.
    CarePremium = 410,
}

impl ClearingType {
    /// What a payment to this payee is cleared as.
    pub fn of(payee: &Payee) -> ClearingType {
        match payee {
            Payee::Institution(_, med_type) => ClearingType::of_service(*med_type),
            Payee::Premium(Premium::Resident, _) => ClearingType::ResidentPremium,
            Payee::Premium(Premium::Care, _) => ClearingType::CarePremium,
        }
    }

    fn of_service(med_type: MedType) -> ClearingType {
        match med_type.class() {
            11..=19 => ClearingType::Outpatient,
            21..=29 => ClearingType::Inpatient,
            41 => ClearingType::Pharmacy,
            _ => ClearingType::Deferred,
        }
    }
}

/// One group of the totals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Group {
    /// The beneficiary's insurance (`insutype`).
    pub insurance: Insurance,
    /// What it is cleared as (`clr_type`).
    pub clearing: ClearingType,
    /// True for refunds (`refd_setl_flag` = 1).
    pub refund: bool,
}

/// Parts of a personal share, in fen: below zero for a refund.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// The personal share, or what was given back of it.
    pub amount: i128,
    /// The own account (`acct_pay`).
    pub own: i128,
    /// Mutual aid (`acct_mulaid_pay`).
    pub aid: i128,
    /// Cash (`psn_cash_pay`).
    pub cash: i128,
}

impl Parts {
    fn add(&mut self, other: Parts) {
        self.amount += other.amount;
        self.own += other.own;
        self.aid += other.aid;
        self.cash += other.cash;
    }

    fn negative(self) -> Parts {
        Parts { amount: -self.amount, own: -self.own, aid: -self.aid, cash: -self.cash }
    }
}

/// A total.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// How many rows.
    pub count: u64,
    /// Their sums.
    pub parts: Parts,
}

impl Total {
    /// Counts a row in.
    pub fn add(&mut self, row: &Detail) {
        self.count += 1;
        self.parts.add(row.parts);
    }
}

/// Totals by group.
pub type Totals = BTreeMap<Group, Total>;

/// One row: a payment, a refund, or the undoing of a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Detail {
    /// Where it was decided; rows come in this order.
    pub position: Position,
    /// The payment.
    pub payment: PaymentId,
    /// The refund, if it is one or the undoing of one.
    pub refund: Option<RefundId>,
    /// When.
    pub at: Stamp,
    /// Who was paid.
    pub payee: Payee,
    /// The group that it counts in. The undoing of a refund is no refund: it counts as paid again.
    pub group: Group,
    /// How much.
    pub parts: Parts,
}

/// A part of a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The rows, in the order of the log. There may be none though more pages follow.
    pub rows: Vec<Detail>,
    /// Behind which position the next page begins; none at the end of the day.
    pub next: Option<Position>,
}

/// A day's totals; every row of it is shown to `each`, in the order of the log. Reads `most` payments and as many refunds
/// at a time, and holds no more.
///
/// # Errors
/// The view's own fault, or that of `each`; rows before it have been shown.
pub fn reconcile<V: View>(
    view: &V,
    who: Who,
    day: Day,
    most: usize,
    mut each: impl FnMut(&Detail) -> Result<(), V::Fault>,
) -> Result<Totals, V::Fault> {
    let mut totals = Totals::new();
    let mut after = None;
    loop {
        let Page { rows, next } = page(view, who, day, after, most)?;
        for row in &rows {
            totals.entry(row.group).or_default().add(row);
            each(row)?;
        }
        if next.is_none() {
            return Ok(totals);
        }
        after = next;
    }
}

/// The rows of a day behind `after`: those among the next `most` payments and refunds of anybody.
///
/// # Errors
/// The view's own fault.
pub fn page<V: View>(
    view: &V,
    who: Who,
    day: Day,
    after: Option<Position>,
    most: usize,
) -> Result<Page, V::Fault> {
    let Some((begin, end)) = positions(view, day)? else { return Ok(Page { rows: Vec::new(), next: None }) };
    let from = after.map_or(begin, |after| after.max(begin));
    // The position `after` itself is found again.
    let most = most.max(1).saturating_add(1);
    let key = |position| Key::Payment { payment: PaymentId(position) };
    let payments = view.range(&key(from), &key(end), most)?;
    let key = |position| Key::Refund { refund: RefundId(position) };
    let refunds = view.range(&key(from), &key(end), most)?;

    let mut rows: BTreeMap<Position, Option<Detail>> = BTreeMap::new();
    let (mut last_payment, mut last_refund) = (None, None);
    for (key, row) in &payments {
        let Key::Payment { payment: PaymentId(position) } = *key else { continue };
        let Some(record) = PaymentRecord::of_row(row) else { continue };
        let detail = who.is_paid(record).then(|| paid(position, record));
        rows.insert(position, detail);
        last_payment = Some(position);
    }
    for (key, row) in &refunds {
        let Key::Refund { refund: RefundId(position) } = *key else { continue };
        let Some(record) = RefundRecord::of_row(row) else { continue };
        let payment = find::<V, PaymentRecord>(view, &Key::Payment { payment: record.payment })?;
        let detail = payment.filter(|payment| who.is_paid(payment));
        rows.insert(position, detail.map(|payment| refunded(position, record, &payment)));
        last_refund = Some(position);
    }
    // Where one kind was cut off, nothing of the other beyond that is shown yet.
    let cuts =
        [last_payment.filter(|_| payments.len() == most), last_refund.filter(|_| refunds.len() == most)];
    let next = cuts.into_iter().flatten().min();
    let rows = rows.into_iter().filter(|(position, _)| {
        after.is_none_or(|after| *position > after) && next.is_none_or(|next| *position <= next)
    });
    Ok(Page { rows: rows.filter_map(|(_, detail)| detail).collect(), next })
}

/// From the first position of a day up to the first of a later one; none if nothing was decided on it.
fn positions<V: View>(view: &V, day: Day) -> Result<Option<(Position, Position)>, V::Fault> {
    let Some(first) = find::<V, DayRecord>(view, &Key::Day { day })? else { return Ok(None) };
    let later = view.range(&Key::Day { day: day.next() }, &Key::Day { day: Day(u32::MAX) }, 1)?;
    let later = later.first().and_then(|(_, row)| DayRecord::of_row(row));
    let start = |index| Position { index, place: 0 };
    let end = later.map_or(Position { index: u64::MAX, place: u16::MAX }, |later| start(later.index));
    Ok(Some((start(first.index), end)))
}

impl Who {
    fn is_paid(&self, record: &PaymentRecord) -> bool {
        match self {
            Who::Institution(who) => {
                matches!(record.payee, Payee::Institution(institution, _) if institution == *who)
            }
            Who::Area(area) => record.area == *area,
        }
    }
}

/// The row of a payment, as it was made.
fn paid(position: Position, record: &PaymentRecord) -> Detail {
    let parts = Parts {
        amount: whole(record.amount),
        own: whole(record.own.amount),
        aid: sum(record.legs.iter().map(|leg| leg.amount)),
        cash: whole(record.cash),
    };
    let clearing = ClearingType::of(&record.payee);
    Detail {
        position,
        payment: PaymentId(position),
        refund: None,
        at: record.at,
        payee: record.payee,
        group: Group { insurance: record.insurance, clearing, refund: false },
        parts,
    }
}

/// The row of a refund, or of the undoing of one.
fn refunded(position: Position, record: &RefundRecord, payment: &PaymentRecord) -> Detail {
    let parts = Parts {
        amount: whole(record.amount),
        own: sum(record.own.iter().map(|own| own.amount)),
        aid: sum(record.legs.iter().map(|leg| leg.amount)),
        cash: whole(record.cash),
    };
    let refund = record.undoes.is_none();
    let clearing = ClearingType::of(&payment.payee);
    Detail {
        position,
        payment: record.payment,
        refund: Some(RefundId(position)),
        at: record.at,
        payee: payment.payee,
        group: Group { insurance: payment.insurance, clearing, refund },
        parts: if refund { parts.negative() } else { parts },
    }
}

fn whole(amount: Fen) -> i128 {
    i128::from(amount.get())
}

fn sum(amounts: impl Iterator<Item = Fen>) -> i128 {
    amounts.fold(Sum::ZERO, Sum::plus).get() as i128 // far below 2^127
}
