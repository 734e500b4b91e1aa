//! The movements of a month: one row for each part of a transaction that made one area owe another, or owe less. They add
//! up to the month's obligations, line by line: what is above zero to what was charged, what is below to what was refunded.
//!
//! Nothing is kept for this view. Payments, refunds and the ends of cases say themselves what they moved, and the table of
//! days says between which positions a month's lie. A row never changes, and none is ever added before another.

use crate::id::{Area, CaseId, PaymentId, Position, Province, RefundId, RelationId};
use crate::key::Part;
use crate::money::Fen;
use crate::stamp::{Day, Month, Stamp};
use crate::table::{
    DayRecord, Destination, Key, PaymentRecord, PortabilityRecord, Record, RefundPart, RefundRecord, Row, Use,
};
use crate::view::{View, find};
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// What made an area owe another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A part of a settlement or a premium was paid.
    Payment,
    /// A part was given back.
    Refund,
    /// A part of a refund was taken again.
    Undoing,
    /// Refunded money belongs to an area that the account has moved to since (domain.md 4, 7): the area that had paid owes
    /// it; or less of it, when such a refund is undone.
    Portability,
}

/// One area owes another so much more, or less.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Movement {
    /// The transaction.
    pub position: Position,
    /// Which of its movements, from 0: the same for every province that is shown it.
    pub line: u16,
    /// When.
    pub at: Stamp,
    /// What happened.
    pub kind: Kind,
    /// The settlement; none at the end of a case, where several may have come together.
    pub payment: Option<PaymentId>,
    /// The case that ended; else none.
    pub case: Option<CaseId>,
    /// Who owes.
    pub payer: Area,
    /// Whom.
    pub payee: Area,
    /// What the money was used for.
    pub usage: Use,
    /// How much, in fen: below zero where less is owed than before. No [`Fen`] is too large for it.
    pub fen: i64,
    /// Through which relation; none for an owner's own part, and at the end of a case.
    pub relation: Option<RelationId>,
}

impl Movement {
    /// Whether one of the two areas lies in the province.
    pub fn concerns(&self, province: Province) -> bool {
        self.payer.province() == province || self.payee.province() == province
    }
}

/// How much one call may read and give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Most {
    /// Transactions of each kind that it looks at.
    pub looked: usize,
    /// Rows behind which it begins no other transaction. One transaction has at most some thousands.
    pub rows: usize,
}

/// A part of a month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The rows, in the order of the log, those of a transaction together. There may be none though more pages follow.
    pub rows: Vec<Movement>,
    /// Behind which position the next page begins; none at the end of the month.
    pub next: Option<Position>,
}

/// The movements of a month behind `after`, of a province's areas, or of all.
///
/// # Errors
/// The view's own fault.
pub fn page<V: View>(
    view: &V,
    month: Month,
    province: Option<Province>,
    after: Option<Position>,
    most: Most,
) -> Result<Page, V::Fault> {
    let Some((begin, end)) = positions(view, month)? else {
        return Ok(Page { rows: Vec::new(), next: None });
    };
    let from = after.map_or(begin, |after| after.max(begin));
    let mut found =
        Looked { view, from, after, end, cut: None, looked: most.looked.max(1), rows: BTreeMap::new() };
    found.table(|position| Key::Payment { payment: PaymentId(position) })?;
    found.table(|position| Key::Refund { refund: RefundId(position) })?;
    found.table(|position| Key::Portability { position })?;
    let Looked { cut, rows: transactions, .. } = found;

    let mut rows = Vec::new();
    let mut last = None;
    for (position, row) in transactions.range(..=cut.unwrap_or(Position::MAX)) {
        if rows.len() >= most.rows.max(1) {
            return Ok(Page { rows, next: last });
        }
        let mut all = Movements { position: *position, at: Stamp::default(), rows: Vec::new() };
        match &**row {
            Row::Payment(record) => all.paid(record),
            Row::Refund(record) => {
                if let Some(payment) = find(view, &Key::Payment { payment: record.payment })? {
                    all.refunded(record, &payment);
                }
            }
            Row::Portability(record) => all.moved(record),
            _ => {} // no other table was read
        }
        rows.extend(
            all.rows.into_iter().filter(|row| province.is_none_or(|province| row.concerns(province))),
        );
        last = Some(*position);
    }
    Ok(Page { rows, next: cut })
}

/// From the first position of a month up to the first of a later one; none if nothing was decided in it.
///
/// # Errors
/// The view's own fault.
pub fn positions<V: View>(view: &V, month: Month) -> Result<Option<(Position, Position)>, V::Fault> {
    let first = |from: Day| -> Result<Option<(Day, Position)>, V::Fault> {
        let rows = view.range(&Key::Day { day: from }, &Key::Day { day: Day(u32::MAX) }, 1)?;
        Ok(rows.first().and_then(|(key, row)| match (key, DayRecord::of_row(row)) {
            (Key::Day { day }, Some(record)) => Some((*day, Position { index: record.index, place: 0 })),
            _ => None,
        }))
    };
    let Some((_, begin)) = first(month.start().day())?.filter(|(day, _)| day.month() == month) else {
        return Ok(None);
    };
    let end = first(month.next().start().day())?.map_or(Position::MAX, |(_, position)| position);
    Ok(Some((begin, end)))
}

/// The transactions that a page looks at, by their positions.
struct Looked<'a, V: View> {
    view: &'a V,
    from: Position,
    /// Found again at the start of a range.
    after: Option<Position>,
    end: Position,
    /// Up to where every table was read.
    cut: Option<Position>,
    looked: usize,
    rows: BTreeMap<Position, Arc<Row>>,
}

impl<V: View> Looked<'_, V> {
    /// Reads one table as far as those before it were.
    fn table(&mut self, key: impl Fn(Position) -> Key) -> Result<(), V::Fault> {
        let most = self.looked.saturating_add(1); // one more than the position `after`
        let end = self.cut.map_or(self.end, following);
        let found = self.view.range(&key(self.from), &key(end), most)?;
        let full = found.len() == most;
        let mut last = None;
        for (key, row) in found {
            let position = match key {
                Key::Payment { payment } => payment.0,
                Key::Refund { refund } => refund.0,
                Key::Portability { position } => position,
                _ => continue,
            };
            if Some(position) != self.after {
                self.rows.insert(position, row);
            }
            last = Some(position);
        }
        if full {
            self.cut = last;
        }
        Ok(())
    }
}

/// The movements of one transaction.
struct Movements {
    position: Position,
    at: Stamp,
    rows: Vec<Movement>,
}

impl Movements {
    fn paid(&mut self, record: &PaymentRecord) {
        self.at = record.at;
        let payment = PaymentId(self.position);
        let own = (record.own.area, record.own.amount, None);
        let legs = record.legs.iter().map(|leg| (leg.area, leg.amount, Some(leg.relation)));
        for (payer, amount, relation) in core::iter::once(own).chain(legs) {
            self.add(Movement {
                payment: Some(payment),
                relation,
                ..self.row(Kind::Payment, payer, record.area, record.usage, signed(amount))
            });
        }
    }

    /// A refund, or the undoing of one: then everything goes the other way.
    fn refunded(&mut self, record: &RefundRecord, payment: &PaymentRecord) {
        self.at = record.at;
        let (kind, back) = match record.undoes {
            None => (Kind::Refund, -1),
            Some(_) => (Kind::Undoing, 1),
        };
        let legs = record.legs.iter().filter_map(|part| {
            let leg = payment.legs.get(usize::from(part.place))?;
            Some((leg.area, part, Some(leg.relation)))
        });
        let own = record.own.iter().map(|part| (payment.own.area, part, None));
        for (payer, part, relation) in legs.chain(own) {
            let fen = back * signed(part.amount);
            let row = Movement {
                payment: Some(record.payment),
                relation,
                ..self.row(kind, payer, payment.area, payment.usage, fen)
            };
            self.add(row);
            if let Some(keeper) = keeper(part) {
                self.add(Movement { kind: Kind::Portability, payee: keeper, fen: -fen, ..row });
            }
        }
    }

    fn moved(&mut self, record: &PortabilityRecord) {
        self.at = record.at;
        for (payer, usage, amount) in &record.lines {
            let row = self.row(Kind::Portability, *payer, record.to, *usage, signed(*amount));
            self.add(Movement { case: Some(record.case), ..row });
        }
    }

    fn row(&self, kind: Kind, payer: Area, payee: Area, usage: Use, fen: i64) -> Movement {
        let &Movements { position, at, .. } = self;
        Movement {
            position,
            line: 0,
            at,
            kind,
            payment: None,
            case: None,
            payer,
            payee,
            usage,
            fen,
            relation: None,
        }
    }

    /// Nothing passes from an area to itself.
    fn add(&mut self, row: Movement) {
        if row.payer != row.payee && row.fen != 0 {
            let line = self.rows.len() as u16; // at most two a leg, or one an area and use
            self.rows.push(Movement { line, ..row });
        }
    }
}

/// The area that keeps the account that the part went to, or came from; none while it is under way.
fn keeper(part: &RefundPart) -> Option<Area> {
    match part.to {
        Destination::Quota(area) | Destination::Account(area) => Some(area),
        Destination::Transit(_) => None,
    }
}

fn signed(amount: Fen) -> i64 {
    amount.get() as i64 // below 2^63
}

/// The next position that there may be.
fn following(position: Position) -> Position {
    match position.place.checked_add(1) {
        Some(place) => Position { place, ..position },
        None => Position { index: position.index.saturating_add(1), place: 0 },
    }
}
