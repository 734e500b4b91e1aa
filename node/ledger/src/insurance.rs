//! Where a person's insurance stands, and what that allows.

use crate::apply::done;
use crate::command::{Insurance, InsuranceStatus, Policy};
use crate::decision::{Event, Refusal, ReleaseCause};
use crate::entry::{Entry, Ruled, ensure};
use crate::id::Person;
use crate::release;
use crate::table::{Key, PersonRecord};
use crate::transfer;
use crate::view::{Found, View};
use alloc::vec::Vec;

impl PersonRecord {
    /// Why the person has no insurance that a rule could build on just now. Several may hold; the first is given.
    pub(crate) fn not_insured(&self) -> Option<Refusal> {
        match self.status {
            InsuranceStatus::Deceased => return Some(Refusal::PersonDeceased),
            InsuranceStatus::Terminated => return Some(Refusal::InsuranceTerminated),
            InsuranceStatus::Normal
            | InsuranceStatus::Stopped
            | InsuranceStatus::Arrears
            | InsuranceStatus::Frozen => {}
        }
        if self.transfer.is_some() {
            return Some(Refusal::CaseOpen);
        }
        self.releasing.map(|_| Refusal::ReleaseUnderWay)
    }

    /// Why the person may not spend, nor propose, accept or offer: not insured, or the wallet, or a suspension.
    pub(crate) fn not_acting(&self) -> Option<Refusal> {
        let wallet = (!self.wallet_active).then_some(Refusal::WalletInactive);
        let suspended = self.suspended.map(|_| Refusal::PersonSuspended);
        self.not_insured().or(wallet).or(suspended)
    }

    /// Why a donor's account may freeze nothing new (domain.md 4, 25; 5b, 6).
    pub(crate) fn not_giving(&self, policy: &Policy) -> Option<Refusal> {
        self.not_insured().or(match self.status {
            InsuranceStatus::Arrears => Some(Refusal::InArrears),
            InsuranceStatus::Frozen => Some(Refusal::AccountFrozen),
            InsuranceStatus::Stopped if !policy.stopped_may_offer => Some(Refusal::InsuranceStopped),
            InsuranceStatus::Normal
            | InsuranceStatus::Stopped
            | InsuranceStatus::Terminated
            | InsuranceStatus::Deceased => None,
        })
    }

    /// Whether the person's quotas for others pay just now; else they are passed over (domain.md 5b, 20). They do not while
    /// the wallet is closed.
    pub(crate) fn pays_for_others(&self) -> bool {
        self.not_insured().is_none()
            && self.status != InsuranceStatus::Frozen
            && self.wallet_active
            && self.suspended.is_none()
            && self.insurance == Insurance::Employee
    }

    /// Whether the own account pays for the person's own share: not while it is frozen.
    pub(crate) fn pays_for_itself(&self) -> bool {
        self.not_insured().is_none() && self.status != InsuranceStatus::Frozen
    }
}

/// The agency says where the insurance stands. (An end and a death have verbs of their own: [`rights`](crate::rights).)
pub(crate) fn set_status<V: View>(
    entry: &mut Entry<'_, V>,
    person: Person,
    status: InsuranceStatus,
) -> Ruled<V> {
    let record = settled(entry, person)?;
    ensure(record.status != status, Refusal::StatusUnchanged)?;

    // From here on the setting must succeed.
    let record = entry.draft.edit(Key::Person { person }, record);
    record.status = status;
    if status == InsuranceStatus::Normal {
        // Insured again where the balance came back to: no reason for cash any more (domain.md 4, 39).
        record.failed_transfer = None;
    }
    done::<V>(Event::InsuranceStatusSet { person, status })
}

/// The agency says whether the person is retired.
pub(crate) fn set_retired<V: View>(entry: &mut Entry<'_, V>, person: Person, retired: bool) -> Ruled<V> {
    let record = settled(entry, person)?;
    ensure(record.retired != retired, Refusal::StatusUnchanged)?;

    // From here on the setting must succeed.
    entry.draft.edit(Key::Person { person }, record).retired = retired;
    done::<V>(Event::RetiredSet { person, retired })
}

/// The insurance ends, and with it all relations. What is held does not stand against it: it comes back when the holds
/// resolve.
pub(crate) fn terminate<V: View>(entry: &mut Entry<'_, V>, person: Person) -> Ruled<V> {
    let record = settled(entry, person)?;

    // From here on the termination must succeed.
    let mut events = Vec::new();
    release::all(entry, person, ReleaseCause::Termination, &mut events)?;
    entry.draft.edit(Key::Person { person }, record).status = InsuranceStatus::Terminated;
    events.push(Event::InsuranceTerminated { person });
    Ok(events)
}

/// The person died (domain.md 5b, 14): an open transfer ends where it stands, all relations end, the account is frozen.
pub(crate) fn death<V: View>(entry: &mut Entry<'_, V>, person: Person) -> Ruled<V> {
    let record = entry.person(person)?;
    ensure(record.status != InsuranceStatus::Deceased, Refusal::PersonDeceased)?;

    // From here on the registration must succeed.
    let mut events = Vec::new();
    if let Some(case) = record.transfer {
        transfer::cut_short(entry, case, &mut events)?;
    }
    release::all(entry, person, ReleaseCause::Death, &mut events)?;
    entry.draft.edit(Key::Person { person }, record).status = InsuranceStatus::Deceased;
    events.push(Event::DeathRegistered { person });
    Ok(events)
}

/// A person with an insurance that is not over and not on its way to another place.
fn settled<V: View>(entry: &Entry<'_, V>, person: Person) -> Ruled<V, Found<PersonRecord>> {
    let record = entry.person(person)?;
    ensure(record.status != InsuranceStatus::Deceased, Refusal::PersonDeceased)?;
    ensure(record.status != InsuranceStatus::Terminated, Refusal::InsuranceTerminated)?;
    ensure(record.transfer.is_none(), Refusal::CaseOpen)?;
    Ok(record)
}
