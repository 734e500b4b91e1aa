//! Insured persons and the personal account (个人账户): what its owner may spend or freeze.

use crate::apply::done;
use crate::command::Insurance;
use crate::decision::{Event, Refusal};
use crate::entry::{Entry, Ruled, ensure};
use crate::id::{Area, Person};
use crate::money::Fen;
use crate::table::{Account, AreaRecord, Key, PersonRecord};
use crate::view::View;
use alloc::vec::Vec;

impl Account {
    // All that an account ever holds was credited to it, and `credited` is at most the largest amount:
    // so nothing that comes back to it can overflow.

    /// Takes from what is available.
    pub(crate) fn spend(&mut self, amount: Fen) {
        self.available = self.available.checked_sub(amount).expect("checked to be available");
    }

    /// Gives back what had been spent.
    pub(crate) fn restore(&mut self, amount: Fen) {
        self.available = self.available.checked_add(amount).expect("no more than was credited");
    }

    /// Freezes for a relation.
    pub(crate) fn freeze(&mut self, amount: Fen) {
        self.spend(amount);
        self.reserved = self.reserved.checked_add(amount).expect("no more than was credited");
    }

    /// Frees what a relation did not use.
    pub(crate) fn free(&mut self, amount: Fen) {
        self.spend_frozen(amount);
        self.restore(amount);
    }

    /// Takes from what is frozen.
    pub(crate) fn spend_frozen(&mut self, amount: Fen) {
        self.reserved = self.reserved.checked_sub(amount).expect("reserved is the sum of unused quotas");
    }

    /// Gives back to a quota what had been spent of it.
    pub(crate) fn restore_frozen(&mut self, amount: Fen) {
        self.reserved = self.reserved.checked_add(amount).expect("no more than was credited");
    }
}

/// The account of a person known to have one.
pub(crate) fn of(record: &mut PersonRecord) -> &mut Account {
    record.account.as_mut().expect("a donor is insured with 310 and has an account")
}

/// A person is enrolled. One insurance at a time (domain.md 5b, 22): whoever is enrolled anywhere is
/// refused.
pub(crate) fn enrol<V: View>(
    entry: &mut Entry<'_, V>,
    person: Person,
    insurance: Insurance,
    area: Area,
) -> Ruled<V> {
    ensure(entry.find::<AreaRecord>(&Key::Area { area })?.is_some(), Refusal::AreaUnknown)?;
    let key = Key::Person { person };
    ensure(entry.find::<PersonRecord>(&key)?.is_none(), Refusal::PersonEnrolled)?;

    // From here on the enrolment must succeed.
    let account = match insurance {
        Insurance::Employee => Some(Account::default()),
        Insurance::Resident => None,
    };
    entry.draft.put(key, PersonRecord { insurance, area, wallet_active: false, account, donors: Vec::new() });
    done::<V>(Event::PersonEnrolled { person, insurance, area })
}

/// Contributions or interest are booked. The period stays in the journal; it decides nothing yet.
pub(crate) fn credit<V: View>(entry: &mut Entry<'_, V>, person: Person, amount: Fen) -> Ruled<V> {
    ensure(!amount.is_zero(), Refusal::AmountZero)?;
    let record = entry.person(person)?;
    let account = record.account.ok_or(Refusal::AccountMissing)?;
    let credited = account.credited.checked_add(amount).ok_or(Refusal::AmountOverflow)?;

    // From here on the credit must succeed.
    let account = of(entry.draft.edit(Key::Person { person }, record));
    account.credited = credited;
    account.restore(amount);
    let available = account.available;
    done::<V>(Event::AccountCredited { person, amount, available })
}

/// The person activates the wallet. It stays active.
pub(crate) fn activate<V: View>(entry: &mut Entry<'_, V>, person: Person) -> Ruled<V> {
    let record = entry.person(person)?;
    ensure(!record.wallet_active, Refusal::WalletActive)?;

    // From here on the activation must succeed.
    entry.draft.edit(Key::Person { person }, record).wallet_active = true;
    done::<V>(Event::WalletActivated { person })
}
