//! Spending in two steps: money is held, then confirmed, voided, or back when its time runs out.

use crate::account;
use crate::apply::done;
use crate::command::Spend;
use crate::decision::{Event, LegPaid, LegRefunded, Refusal};
use crate::entry::{Entry, Ruled, ensure};
use crate::id::{HoldId, PaymentId};
use crate::money::Fen;
use crate::relation;
use crate::settle;
use crate::spend::{self, Plan};
use crate::stamp::Stamp;
use crate::table::{
    HoldRecord, HoldState, Key, Leg, OwnPart, Payee, PaymentRecord, PersonRecord, RelationRecord,
    ResolvingRecord,
};
use crate::view::{Found, View};
use alloc::vec;
use alloc::vec::Vec;

impl HoldRecord {
    /// Whether it can still be confirmed or voided. One whose time has run out cannot, swept or not (domain.md 5b, 7).
    pub fn is_open(&self, now: Stamp) -> bool {
        self.state == HoldState::Held && now < self.expires
    }
}

impl RelationRecord {
    /// Holds of what is unused.
    pub(crate) fn hold(&mut self, amount: Fen) {
        self.held = self.held.checked_add(amount).expect("limit = used + held + unused");
        self.unused = self.unused.checked_sub(amount).expect("checked to be unused");
    }

    /// What was held is spent.
    fn spend_held(&mut self, amount: Fen) {
        self.held = self.held.checked_sub(amount).expect("held is the sum of the legs held");
        self.used = self.used.checked_add(amount).expect("limit = used + held + unused");
    }

    /// What was held is unused again.
    fn unhold(&mut self, amount: Fen) {
        self.held = self.held.checked_sub(amount).expect("held is the sum of the legs held");
        self.unused = self.unused.checked_add(amount).expect("limit = used + held + unused");
    }

    /// What was held leaves the quota.
    fn drop_held(&mut self, amount: Fen) {
        self.held = self.held.checked_sub(amount).expect("held is the sum of the legs held");
        self.limit = self.limit.checked_sub(amount).expect("limit = used + held + unused");
    }
}

/// Holds what a settlement would take.
pub(crate) fn authorise<V: View>(entry: &mut Entry<'_, V>, spend: &Spend) -> Ruled<V> {
    let (bill, user) = spend::at_counter(entry, spend)?;
    let plan = spend::plan(entry, &user, &bill)?;

    // From here on the authorisation must succeed.
    let hold = HoldId(entry.position);
    let (at, expires) = (entry.now, entry.now.plus_ms(entry.policy.hold_ms));
    let Plan { own, own_area: _, own_first, parts, cash, skipped } = plan;
    let (legs, held) = spend::hold_parts(entry, parts);
    let user = entry.draft.edit(Key::Person { person: bill.beneficiary }, user);
    user.holds += 1;
    if !own.is_zero() {
        account::of(user).hold(own);
    }
    let record = HoldRecord {
        beneficiary: bill.beneficiary,
        institution: spend.institution,
        med_type: spend.med_type,
        area: bill.area,
        usage: bill.usage,
        at,
        expires,
        amount: bill.amount,
        own,
        legs,
        cash,
        own_first,
        state: HoldState::Held,
    };
    entry.draft.put(Key::Hold { hold }, record);
    entry.draft.put(Key::Resolving { at: expires, hold }, ResolvingRecord);
    done::<V>(Event::SpendAuthorised { hold, own, legs: held, cash, skipped, expires })
}

/// Pays what was held; a smaller amount keeps the first part in the order of deduction and frees the rest.
pub(crate) fn confirm<V: View>(entry: &mut Entry<'_, V>, hold: HoldId, amount: Option<Fen>) -> Ruled<V> {
    ensure(amount.is_none_or(|amount| !amount.is_zero()), Refusal::AmountZero)?;
    let record = open(entry, hold)?;
    let amount = amount.unwrap_or(record.amount);
    ensure(amount <= record.amount, Refusal::HoldExceeded)?;
    let user = entry.person(record.beneficiary)?;

    // From here on the confirmation must succeed.
    let unpaid = PaymentRecord {
        beneficiary: record.beneficiary,
        insurance: user.insurance,
        home: user.area,
        payee: Payee::Institution(record.institution, record.med_type),
        area: record.area,
        at: entry.now,
        authorised: record.at,
        usage: record.usage,
        amount,
        own: OwnPart { area: user.paying_area(), amount: Fen::ZERO, refunded: Fen::ZERO },
        legs: Vec::new(),
        cash: Fen::ZERO,
        cash_refunded: Fen::ZERO,
        own_first: record.own_first,
        reinstated: false,
        reversed: false,
    };
    let state = HoldState::Confirmed { payment: PaymentId(entry.position) };
    let Resolved { own, legs, cash, paid, released } = resolve(entry, hold, record, user, amount, state)?;
    let payment = PaymentRecord { own: OwnPart { amount: own, ..unpaid.own }, legs, cash, ..unpaid };
    let settled = settle::book(entry, payment, Some(hold), paid, Vec::new())?;
    Ok(match released {
        Some(released) => vec![released, settled],
        None => vec![settled],
    })
}

/// Gives back what was held.
pub(crate) fn void<V: View>(entry: &mut Entry<'_, V>, hold: HoldId) -> Ruled<V> {
    let record = open(entry, hold)?;

    // From here on the voiding must succeed.
    let mut events = Vec::with_capacity(1);
    give_back(entry, hold, record, HoldState::Voided, &mut events)?;
    Ok(events)
}

/// A hold's time ran out. Called by ticks.
pub(crate) fn time_out<V: View>(
    entry: &mut Entry<'_, V>,
    hold: HoldId,
    events: &mut Vec<Event>,
) -> Ruled<V, ()> {
    let record = entry.find::<HoldRecord>(&Key::Hold { hold })?;
    match record.filter(|record| record.state == HoldState::Held) {
        Some(record) => give_back(entry, hold, record, HoldState::TimedOut, events),
        None => Ok(()),
    }
}

/// Gives back all that is held.
fn give_back<V: View>(
    entry: &mut Entry<'_, V>,
    hold: HoldId,
    record: Found<HoldRecord>,
    state: HoldState,
    events: &mut Vec<Event>,
) -> Ruled<V, ()> {
    let user = relation::party(entry, record.beneficiary)?;
    let resolved = resolve(entry, hold, record, user, Fen::ZERO, state)?;
    events.extend(resolved.released);
    Ok(())
}

/// A hold that can still be confirmed or voided.
fn open<V: View>(entry: &Entry<'_, V>, hold: HoldId) -> Ruled<V, Found<HoldRecord>> {
    let record = entry.find::<HoldRecord>(&Key::Hold { hold })?.ok_or(Refusal::HoldUnknown)?;
    ensure(record.is_open(entry.now), Refusal::HoldNotOpen)?;
    Ok(record)
}

/// What became of a hold.
struct Resolved {
    /// Paid from the own account.
    own: Fen,
    /// Paid by donors.
    legs: Vec<Leg>,
    /// Left for cash.
    cash: Fen,
    /// The donors' parts, for the event.
    paid: Vec<LegPaid>,
    /// What went back, if anything did.
    released: Option<Event>,
}

/// Pays the first part of a hold in the order of deduction, and frees the rest: to the quota if that is still to be
/// had, else to the donor's account (domain.md 4, 10).
fn resolve<V: View>(
    entry: &mut Entry<'_, V>,
    hold: HoldId,
    record: Found<HoldRecord>,
    user: Found<PersonRecord>,
    amount: Fen,
    state: HoldState,
) -> Ruled<V, Resolved> {
    let mut rest = amount;
    let mut own = Fen::ZERO;
    if record.own_first {
        own = spend::take(&mut rest, record.own);
    }
    let (mut legs, mut paid, mut back) = (Vec::new(), Vec::new(), Vec::new());
    for leg in &record.legs {
        let (relation, donor) = (leg.relation, leg.donor);
        let amount = spend::take(&mut rest, leg.amount);
        let freed = less(leg.amount, amount);
        let quota = relation::named(entry, relation)?;
        let giver = relation::party(entry, donor)?;
        let to_quota = quota.takes_back(&giver, &user, entry.now);
        let quota = entry.draft.edit(Key::Relation { relation }, quota);
        quota.spend_held(amount);
        match to_quota {
            true => quota.unhold(freed),
            false => quota.drop_held(freed),
        }
        let unused = quota.unused;
        let giver = entry.draft.edit(Key::Person { person: donor }, giver);
        resolved(giver);
        let account = account::of(giver);
        account.spend_frozen(amount);
        if !to_quota {
            account.free(freed);
        }
        if !amount.is_zero() {
            legs.push(Leg { relation, donor, area: account.area, amount, refunded: Fen::ZERO });
            paid.push(LegPaid { relation, amount, unused });
        }
        if !freed.is_zero() {
            back.push(LegRefunded { relation, amount: freed, to_quota });
        }
    }
    if !record.own_first {
        own = spend::take(&mut rest, record.own);
    }
    let own_freed = less(record.own, own);
    let user = entry.draft.edit(Key::Person { person: record.beneficiary }, user);
    resolved(user);
    if !record.own.is_zero() {
        let account = account::of(user);
        account.spend_held(own);
        account.unhold(own_freed);
    }
    let freed = less(record.amount, amount);
    let released =
        (!freed.is_zero()).then_some(Event::HoldReleased { hold, amount: freed, own: own_freed, legs: back });
    entry.draft.remove(Key::Resolving { at: record.expires, hold });
    entry.draft.edit(Key::Hold { hold }, record).state = state;
    Ok(Resolved { own, legs, cash: rest, paid, released })
}

/// One hold less that the person is party to.
fn resolved(person: &mut PersonRecord) {
    person.holds = person.holds.checked_sub(1).expect("counted when it was authorised");
}

fn less(whole: Fen, part: Fen) -> Fen {
    whole.checked_sub(part).expect("a part is within the whole")
}
