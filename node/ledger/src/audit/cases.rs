//! The part of the audit that looks at cases of portability: one state, and the balance in one place.

use super::{Auditor, expected};
use crate::audit::report::Invariant;
use crate::id::CaseId;
use crate::limits::AUDIT_PAGE_ROWS;
use crate::table::{CaseRecord, CaseState, CaseStep, DueRecord, Key, PersonRecord, Row, Table};
use crate::view::{View, scan};

impl CaseState {
    /// Whether the case has not ended.
    pub fn is_open(self) -> bool {
        match self {
            CaseState::Applied | CaseState::Accepted | CaseState::Sent | CaseState::Received => true,
            CaseState::Completed | CaseState::Abandoned | CaseState::Failed => false,
        }
    }
}

/// Invariant 17 of every case; the days that it is due at follow from the replicated calendar alone.
pub(super) fn cases<V: View>(auditor: &mut Auditor<'_, V>) -> Result<(), V::Fault> {
    let view = auditor.view;
    scan(view, Table::Case, AUDIT_PAGE_ROWS, |key, row| {
        let (Key::Case { case }, Row::Case(record)) = (*key, row) else { return auditor.alien(key) };
        let person = expected::<V, PersonRecord>(view, &Key::Person { person: record.person })?;
        auditor.audit.check(Invariant::Attributable, key, person.is_some(), "the person is not enrolled");
        let Some(person) = person else { return Ok(()) };
        let audit = &mut auditor.audit;
        let named = (person.transfer == Some(case)) == record.state.is_open();
        audit.check(Invariant::Cases, key, named, "the person and the case disagree on whether it is open");
        let under_way = record.state == CaseState::Sent || record.balance.is_zero();
        audit.expect(Invariant::Cases, key, under_way, "a balance under way in a case that has none");
        let may_wait = matches!(record.state, CaseState::Sent | CaseState::Received);
        let waits = may_wait || record.waiting.is_empty();
        audit.expect(
            Invariant::Cases,
            key,
            waits,
            "lines that wait for the end of a case that waits for none",
        );
        let ended = record.ended.is_none() == record.state.is_open();
        audit.expect(Invariant::Cases, key, ended, "an end without a moment, or a moment without an end");
        if record.state.is_open() {
            let home = if record.state == CaseState::Received { record.to } else { record.from };
            let account = person.account;
            let there = person.area == home && account.is_some_and(|account| account.area == home);
            audit.expect(Invariant::Cases, key, there, "the account is not where the case says");
            let empty = account.is_some_and(|account| account.reserved.is_zero() && account.held.is_zero());
            let left = record.state == CaseState::Applied || record.state == CaseState::Accepted;
            audit.expect(Invariant::Cases, key, empty || left, "money frozen in an account under way");
            let sent =
                record.state != CaseState::Sent || account.is_some_and(|account| account.available.is_zero());
            audit.expect(Invariant::Cases, key, sent, "money in the account while it is under way");
        }
        due(auditor, key, case, record)
    })?;
    scan(view, Table::Due, AUDIT_PAGE_ROWS, |key, row| {
        let (Key::Due { at, case }, Row::Due(DueRecord { step })) = (*key, row) else {
            return auditor.alien(key);
        };
        let record = expected::<V, CaseRecord>(view, &Key::Case { case })?;
        let fits = record.is_some_and(|record| {
            let day = match step {
                CaseStep::Send => record.source_due,
                CaseStep::Complete => record.due,
            };
            record.state.is_open() && day.is_some_and(|day| day.next().start() == at)
        });
        auditor.audit.check(Invariant::Cases, key, fits, "an index entry without its case");
        Ok(())
    })
}

/// A case that was accepted has its last days; one that was not has none.
fn due<V: View>(
    auditor: &mut Auditor<'_, V>,
    key: &Key,
    case: CaseId,
    record: &CaseRecord,
) -> Result<(), V::Fault> {
    // A day still to come, or not yet said to be overdue, waits in the index.
    for (day, waits) in [
        (record.source_due, record.state == CaseState::Accepted && !record.overdue[0]),
        (record.due, record.state.is_open() && !record.overdue[1]),
    ] {
        let Some(day) = day.filter(|_| waits) else { continue };
        let known = auditor.view.get(&Key::Due { at: day.next().start(), case })?.is_some();
        auditor.audit.expect(Invariant::Cases, key, known, "a last day that nobody would notice");
    }
    let accepted = record.accepted.is_some();
    let both = record.source_due.is_some() == accepted && record.due.is_some() == accepted;
    let needed =
        accepted || !matches!(record.state, CaseState::Accepted | CaseState::Sent | CaseState::Received);
    let in_order = record.source_due <= record.due;
    auditor.audit.expect(Invariant::Cases, key, both && needed && in_order, "last days that do not fit");
    auditor.audit.check(
        Invariant::Attributable,
        key,
        auditor.in_time(record.applied),
        "applied for outside the ledger's time",
    );
    Ok(())
}
