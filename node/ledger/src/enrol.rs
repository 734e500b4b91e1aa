//! A person is enrolled (参保), or changes from one insurance to another.

use crate::apply::done;
use crate::command::{Insurance, InsuranceStatus};
use crate::decision::{Event, Refusal, ReleaseCause};
use crate::entry::{Entry, Ruled, ensure};
use crate::id::{Area, Person};
use crate::release;
use crate::table::{Account, AreaRecord, Key, PersonRecord};
use crate::view::{Found, View};
use alloc::vec::Vec;

/// One insurance at a time (domain.md 5b, 22). A first enrolment makes the record; one of somebody known changes the
/// kind or the area, or begins anew after an end.
pub(crate) fn enrol<V: View>(
    entry: &mut Entry<'_, V>,
    person: Person,
    insurance: Insurance,
    area: Area,
    retired: bool,
) -> Ruled<V> {
    ensure(entry.find::<AreaRecord>(&Key::Area { area })?.is_some(), Refusal::AreaUnknown)?;
    if let Some(record) = entry.find::<PersonRecord>(&Key::Person { person })? {
        return change(entry, person, record, insurance, area, retired);
    }

    // From here on the enrolment must succeed.
    let record = PersonRecord {
        insurance,
        area,
        status: InsuranceStatus::Normal,
        retired,
        wallet_active: false,
        suspended: None,
        transfer: None,
        failed_transfer: None,
        releasing: None,
        holds: 0,
        account: (insurance == Insurance::Employee).then(|| Account::empty(area)),
        donors: Vec::new(),
    };
    entry.draft.put(Key::Person { person }, record);
    done::<V>(Event::PersonEnrolled { person, insurance, area })
}

/// Enrols somebody known. Relations end with the old insurance, before the new one begins; the wallet and a suspension
/// stay.
fn change<V: View>(
    entry: &mut Entry<'_, V>,
    person: Person,
    record: Found<PersonRecord>,
    insurance: Insurance,
    area: Area,
    retired: bool,
) -> Ruled<V> {
    ensure(record.status != InsuranceStatus::Deceased, Refusal::PersonDeceased)?;
    ensure(record.transfer.is_none(), Refusal::CaseOpen)?;
    ensure(record.releasing.is_none(), Refusal::ReleaseUnderWay)?;
    ensure(!record.stands_against(insurance, area), Refusal::PersonEnrolled)?;
    ensure(record.holds == 0, Refusal::HoldOpen)?;
    ensure(!record.leaves_money(insurance, area), Refusal::TransferNeeded)?;

    // From here on the enrolment must succeed.
    let releases = record.area != area
        || match (record.insurance, insurance) {
            (Insurance::Employee, Insurance::Resident) => true,
            (Insurance::Resident, Insurance::Employee) => entry.policy.change_releases,
            (Insurance::Employee, Insurance::Employee) | (Insurance::Resident, Insurance::Resident) => false,
        };
    let mut events = Vec::new();
    if releases {
        release::all(entry, person, ReleaseCause::InsuranceChange, &mut events)?;
    }
    let record = entry.draft.edit(Key::Person { person }, record);
    record.insurance = insurance;
    record.area = area;
    record.status = InsuranceStatus::Normal;
    // Insured anew: what failed to come before is no reason for cash any more (domain.md 4, 39).
    record.failed_transfer = None;
    record.retired = retired;
    if insurance == Insurance::Employee {
        record.account.get_or_insert_with(|| Account::empty(area)).area = area;
    }
    events.push(Event::PersonEnrolled { person, insurance, area });
    Ok(events)
}

impl PersonRecord {
    /// Whether the present insurance stands against this one. Not once it is terminated; in the same area against the
    /// same kind only; elsewhere always, but for 310 that was stopped there.
    fn stands_against(&self, insurance: Insurance, area: Area) -> bool {
        if self.status == InsuranceStatus::Terminated {
            return false;
        }
        if self.area == area {
            return self.insurance == insurance;
        }
        !(self.insurance == Insurance::Employee && self.status == InsuranceStatus::Stopped)
    }

    /// Whether this enrolment would leave money behind in another area. An account for 310 must be where the insurance
    /// is. One who turns to 390 elsewhere may leave it where it is, once the old insurance is terminated.
    fn leaves_money(&self, insurance: Insurance, area: Area) -> bool {
        let Some(account) = self.account.filter(|account| !account.is_empty()) else { return false };
        match insurance {
            Insurance::Employee => account.area != area,
            Insurance::Resident => self.area != area && self.status != InsuranceStatus::Terminated,
        }
    }
}
