//! Portability (转移接续): an account moves to another province, step by step, and is in one place at any time.
//!
//! Applied, accepted, sent, received, completed; or given up before the balance was sent, or failed after it. From the
//! application to the end the account is closed to offers and spending; credits and refunds are still booked.

use crate::account;
use crate::apply::done;
use crate::calendar;
use crate::command::{Insurance, InsuranceStatus};
use crate::decision::{Event, Refusal, ReleaseCause};
use crate::entry::{Entry, Ruled, ensure, ensure_none};
use crate::id::{Area, CaseId, Person};
use crate::money::Fen;
use crate::obligation;
use crate::release;
use crate::stamp::Stamp;
use crate::table::{
    AreaRecord, CaseRecord, CaseState, CaseStep, DueRecord, Key, PersonRecord, PortabilityRecord, Use,
};
use crate::view::{Found, View};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// Applied for: all relations end, the account is closed.
pub(crate) fn apply<V: View>(entry: &mut Entry<'_, V>, person: Person, to: Area) -> Ruled<V> {
    ensure(entry.find::<AreaRecord>(&Key::Area { area: to })?.is_some(), Refusal::AreaUnknown)?;
    let record = entry.person(person)?;
    ensure_none(&[record.not_insured()])?;
    ensure(record.holds == 0, Refusal::HoldOpen)?;
    ensure_none(&[record.not_stopped()])?;
    ensure(!record.retired, Refusal::RetireeStays)?;
    ensure(record.area != to, Refusal::SameArea)?;
    ensure(record.area.province() != to.province(), Refusal::SameProvince)?;
    let has_account = record.insurance == Insurance::Employee && record.account.is_some();
    ensure(has_account, Refusal::AccountMissing)?;

    // From here on the application must succeed.
    let mut events = Vec::new();
    release::all(entry, person, ReleaseCause::Transfer, &mut events)?;
    let (case, from) = (CaseId(entry.position), record.area);
    let opened = CaseRecord {
        person,
        from,
        to,
        state: CaseState::Applied,
        balance: Fen::ZERO,
        applied: entry.now,
        accepted: None,
        source_due: None,
        due: None,
        ended: None,
        overdue: [false; 2],
        waiting: Vec::new(),
    };
    entry.draft.put(Key::Case { case }, opened);
    entry.draft.edit(Key::Person { person }, record).transfer = Some(case);
    events.push(Event::TransferApplied { case, person, from, to });
    Ok(events)
}

/// The new agency accepts: the working days begin to count, the first being the next one (domain.md 4, 30).
pub(crate) fn accept<V: View>(entry: &mut Entry<'_, V>, case: CaseId) -> Ruled<V> {
    let record = standing(entry, case, &[CaseState::Applied])?;
    let (now, today) = (entry.now, entry.now.day());
    let source_due = calendar::working_day_after(entry, today, entry.policy.source_days)?;
    let due = calendar::working_day_after(entry, today, entry.policy.transfer_days)?;

    // From here on the acceptance must succeed.
    change(entry, case, record, |record| {
        record.state = CaseState::Accepted;
        record.accepted = Some(now);
        record.source_due = Some(source_due);
        record.due = Some(due);
    });
    done::<V>(Event::TransferAccepted { case, source_due, due })
}

/// The balance leaves the old place. Nothing of it may be frozen any more.
pub(crate) fn send<V: View>(entry: &mut Entry<'_, V>, case: CaseId) -> Ruled<V> {
    let record = standing(entry, case, &[CaseState::Accepted])?;
    let person = record.person;
    let owner = entry.person(person)?;
    ensure(owner.releasing.is_none(), Refusal::ReleaseUnderWay)?;

    // From here on the sending must succeed.
    let account = account::of(entry.draft.edit(Key::Person { person }, owner));
    let amount = account.take_all();
    debug_assert!(account.is_empty(), "nothing is frozen or held once the relations are released");
    change(entry, case, record, |record| {
        record.state = CaseState::Sent;
        record.balance = amount;
    });
    done::<V>(Event::TransferSent { case, amount })
}

/// The balance has arrived at the new place, which keeps the account from now on.
pub(crate) fn receive<V: View>(entry: &mut Entry<'_, V>, case: CaseId) -> Ruled<V> {
    let record = standing(entry, case, &[CaseState::Sent])?;
    let (person, to, amount) = (record.person, record.to, record.balance);
    let owner = entry.person(person)?;

    // From here on the receipt must succeed.
    let owner = entry.draft.edit(Key::Person { person }, owner);
    owner.area = to;
    let account = account::of(owner);
    account.area = to;
    account.restore(amount);
    change(entry, case, record, |record| {
        record.state = CaseState::Received;
        record.balance = Fen::ZERO;
    });
    done::<V>(Event::TransferReceived { case, amount })
}

/// The account is open again.
pub(crate) fn complete<V: View>(entry: &mut Entry<'_, V>, case: CaseId) -> Ruled<V> {
    let record = standing(entry, case, &[CaseState::Received])?;
    let mut events = Vec::new();
    end(entry, case, record, &mut events)?;
    Ok(events)
}

/// Given up before anything was sent. The insurance stays stopped at the old place.
pub(crate) fn abandon<V: View>(entry: &mut Entry<'_, V>, case: CaseId) -> Ruled<V> {
    let record = standing(entry, case, &[CaseState::Applied, CaseState::Accepted])?;
    let mut events = Vec::new();
    end(entry, case, record, &mut events)?;
    Ok(events)
}

/// The balance comes back to the old place.
pub(crate) fn fail<V: View>(entry: &mut Entry<'_, V>, case: CaseId) -> Ruled<V> {
    let record = standing(entry, case, &[CaseState::Sent])?;
    let mut events = Vec::new();
    end(entry, case, record, &mut events)?;
    Ok(events)
}

/// Ends the open case of one who died, in whatever state: as [`abandon`], [`fail`] or [`complete`] would.
pub(crate) fn cut_short<V: View>(
    entry: &mut Entry<'_, V>,
    case: CaseId,
    events: &mut Vec<Event>,
) -> Ruled<V, ()> {
    let record = known(entry, case)?;
    end(entry, case, record, events)
}

/// The case of a person whose balance is under way.
pub(crate) fn under_way<V: View>(entry: &Entry<'_, V>, person: &PersonRecord) -> Ruled<V, Option<CaseId>> {
    let Some(case) = person.transfer else { return Ok(None) };
    Ok((known(entry, case)?.state == CaseState::Sent).then_some(case))
}

/// Adds what is given to the person of a case while the balance is under way (`Sent`). With the area and use of a leg that
/// is refunded, a line that the end of the case will post (domain.md 5b, 13).
pub(crate) fn add<V: View>(
    entry: &mut Entry<'_, V>,
    case: CaseId,
    amount: Fen,
    line: Option<(Area, Use)>,
) -> Ruled<V, ()> {
    let found = known(entry, case)?;
    let record = entry.draft.edit(Key::Case { case }, found);
    record.balance = record.balance.checked_add(amount).expect("no more than was credited");
    let Some((area, usage)) = line.filter(|_| !amount.is_zero()) else { return Ok(()) };
    match record.waiting.binary_search_by_key(&(area, usage), |(area, usage, _)| (*area, *usage)) {
        Ok(place) => {
            let (_, _, sum) = &mut record.waiting[place];
            *sum = sum.checked_add(amount).expect("no more than the balance");
        }
        Err(place) => record.waiting.insert(place, (area, usage, amount)),
    }
    Ok(())
}

/// A step's last day has passed: said once, nothing ends. Called by ticks.
pub(crate) fn overdue<V: View>(
    entry: &mut Entry<'_, V>,
    at: Stamp,
    case: CaseId,
    events: &mut Vec<Event>,
) -> Ruled<V, ()> {
    let record = known(entry, case)?;
    let late: Vec<CaseStep> = record.awaited().filter(|(due, _)| *due == at).map(|(_, step)| step).collect();
    change(entry, case, record, |record| {
        for step in &late {
            record.overdue[step.place()] = true;
        }
    });
    events.extend(late.into_iter().map(|step| Event::TransferOverdue { case, step }));
    Ok(())
}

/// Ends a case that is open, as its state asks: before the balance was sent nothing has moved; while it is under way it
/// comes back, and may be paid out; once it has arrived the new insurance begins. What refunds left waiting is posted
/// against the area that has the balance in the end.
fn end<V: View>(
    entry: &mut Entry<'_, V>,
    case: CaseId,
    record: Found<CaseRecord>,
    events: &mut Vec<Event>,
) -> Ruled<V, ()> {
    let (person, returned) = (record.person, record.balance);
    let (state, keeper, event) = match record.state {
        CaseState::Applied | CaseState::Accepted => {
            (CaseState::Abandoned, record.from, Event::TransferAbandoned { case })
        }
        CaseState::Sent => (CaseState::Failed, record.from, Event::TransferFailed { case, returned }),
        CaseState::Received => (CaseState::Completed, record.to, Event::TransferCompleted { case }),
        CaseState::Completed | CaseState::Abandoned | CaseState::Failed => return Ok(()),
    };
    let owner = entry.person(person)?;

    // From here on the end must succeed.
    let owner = entry.draft.edit(Key::Person { person }, owner);
    owner.transfer = None;
    account::of(owner).restore(returned);
    if state == CaseState::Failed {
        owner.failed_transfer = Some(case);
    }
    if state == CaseState::Completed {
        owner.failed_transfer = None;
        owner.status = InsuranceStatus::Normal;
    }
    let mut waiting = Vec::new();
    let now = entry.now;
    change(entry, case, record, |record| {
        record.state = state;
        record.balance = Fen::ZERO;
        record.ended = Some(now);
        waiting = core::mem::take(&mut record.waiting);
    });
    // What a refund leaves with the area that it would be owed to is no line.
    waiting.retain(|(area, ..)| *area != keeper);
    for (area, usage, amount) in &waiting {
        obligation::charge(entry, *area, keeper, *usage, *amount)?;
    }
    if !waiting.is_empty() {
        let posted = PortabilityRecord { case, at: now, to: keeper, lines: waiting };
        entry.draft.put(Key::Portability { position: entry.position }, posted);
    }
    events.push(event);
    Ok(())
}

/// The case, in one of these states.
fn standing<V: View>(
    entry: &Entry<'_, V>,
    case: CaseId,
    states: &[CaseState],
) -> Ruled<V, Found<CaseRecord>> {
    let record = entry.find::<CaseRecord>(&Key::Case { case })?.ok_or(Refusal::CaseUnknown)?;
    ensure(states.contains(&record.state), Refusal::CaseNotInState)?;
    Ok(record)
}

/// The case that a person's record or a row of `Due` names.
fn known<V: View>(entry: &Entry<'_, V>, case: CaseId) -> Ruled<V, Found<CaseRecord>> {
    Ok(entry.find::<CaseRecord>(&Key::Case { case })?.expect("no case is ever removed"))
}

/// Changes a case, and keeps its rows of the table `Due` as they must be.
fn change<V: View>(
    entry: &mut Entry<'_, V>,
    case: CaseId,
    found: Found<CaseRecord>,
    change: impl FnOnce(&mut CaseRecord),
) {
    let record = entry.draft.edit(Key::Case { case }, found);
    let before = record.last_moments();
    change(record);
    let after = record.last_moments();
    for at in before.keys().filter(|at| !after.contains_key(at)) {
        entry.draft.remove(Key::Due { at: *at, case });
    }
    for (at, step) in after.iter().filter(|(at, step)| before.get(at) != Some(step)) {
        entry.draft.put(Key::Due { at: *at, case }, DueRecord { step: *step });
    }
}

impl CaseRecord {
    /// Steps that are awaited and not yet said to be overdue, in order, with the moment from which on they are.
    fn awaited(&self) -> impl DoubleEndedIterator<Item = (Stamp, CaseStep)> {
        let sending = self.state == CaseState::Accepted;
        let completing = matches!(self.state, CaseState::Accepted | CaseState::Sent | CaseState::Received);
        let steps = [(CaseStep::Send, sending, self.source_due), (CaseStep::Complete, completing, self.due)];
        let overdue = self.overdue;
        steps.into_iter().filter_map(move |(step, awaited, day)| {
            let day = day.filter(|_| awaited && !overdue[step.place()])?;
            Some((day.next().start(), step))
        })
    }

    /// The rows of the table `Due` that the case has. Where both steps have the same last day, the first is named.
    fn last_moments(&self) -> BTreeMap<Stamp, CaseStep> {
        self.awaited().rev().collect()
    }
}

impl CaseStep {
    /// The place in [`CaseRecord::overdue`].
    fn place(self) -> usize {
        match self {
            CaseStep::Send => 0,
            CaseStep::Complete => 1,
        }
    }
}

impl PersonRecord {
    /// Why the insurance is not one that was stopped at the old place, without arrears and not frozen (domain.md 1.8).
    fn not_stopped(&self) -> Option<Refusal> {
        match self.status {
            InsuranceStatus::Normal => Some(Refusal::NotStopped),
            InsuranceStatus::Arrears => Some(Refusal::InArrears),
            InsuranceStatus::Frozen => Some(Refusal::AccountFrozen),
            InsuranceStatus::Terminated => Some(Refusal::InsuranceTerminated),
            InsuranceStatus::Deceased => Some(Refusal::PersonDeceased),
            InsuranceStatus::Stopped => None,
        }
    }
}
