//! Insured persons and the personal account (个人账户): what its owner may spend or freeze.

use crate::apply::done;
use crate::command::InsuranceStatus;
use crate::decision::{Event, Refusal};
use crate::entry::{Entry, Ruled, ensure};
use crate::id::{Area, Person};
use crate::money::Fen;
use crate::stamp::Day;
use crate::table::{Account, Key, PersonRecord};
use crate::transfer;
use crate::view::View;

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

    /// Takes all that is available: a balance leaves for another province.
    pub(crate) fn take_all(&mut self) -> Fen {
        core::mem::take(&mut self.available)
    }

    /// Pays out of what is available.
    pub(crate) fn pay_out(&mut self, amount: Fen) {
        self.spend(amount);
        self.paid_out = self.paid_out.checked_add(amount).expect("no more than was credited");
    }

    /// Whether nothing is left in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.available.is_zero() && self.reserved.is_zero() && self.held.is_zero()
    }

    /// Takes from what is frozen.
    pub(crate) fn spend_frozen(&mut self, amount: Fen) {
        self.reserved = self.reserved.checked_sub(amount).expect("reserved is the sum of unused quotas");
    }

    /// Holds of what is available, for authorised spending.
    pub(crate) fn hold(&mut self, amount: Fen) {
        self.spend(amount);
        self.held = self.held.checked_add(amount).expect("no more than was credited");
    }

    /// Takes from what is held.
    pub(crate) fn spend_held(&mut self, amount: Fen) {
        self.held = self.held.checked_sub(amount).expect("held is the sum of the own parts of holds");
    }

    /// Gives back what was held.
    pub(crate) fn unhold(&mut self, amount: Fen) {
        self.spend_held(amount);
        self.restore(amount);
    }

    /// An account of nothing, kept by this area.
    pub(crate) fn empty(area: Area) -> Account {
        Account {
            area,
            available: Fen::ZERO,
            reserved: Fen::ZERO,
            held: Fen::ZERO,
            credited: Fen::ZERO,
            paid_out: Fen::ZERO,
            raised_on: Day(0),
            raises: 0,
            offers: 0,
        }
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

/// Contributions or interest are booked, whatever became of the insurance: to the account, or to its balance while that
/// is under way to another province. The period stays in the journal; it decides nothing yet.
pub(crate) fn credit<V: View>(entry: &mut Entry<'_, V>, person: Person, amount: Fen) -> Ruled<V> {
    ensure(!amount.is_zero(), Refusal::AmountZero)?;
    let record = entry.person(person)?;
    let account = record.account.ok_or(Refusal::AccountMissing)?;
    let credited = account.credited.checked_add(amount).ok_or(Refusal::AmountOverflow)?;
    let under_way = transfer::under_way(entry, &record)?;

    // From here on the credit must succeed.
    let account = of(entry.draft.edit(Key::Person { person }, record));
    account.credited = credited;
    if under_way.is_none() {
        account.restore(amount);
    }
    let available = account.available;
    if let Some(case) = under_way {
        transfer::add(entry, case, amount, None)?;
    }
    done::<V>(Event::AccountCredited { person, amount, available })
}

/// The person activates the wallet. It stays active until the person closes it.
pub(crate) fn activate<V: View>(entry: &mut Entry<'_, V>, person: Person) -> Ruled<V> {
    let record = entry.person(person)?;
    ensure(record.status != InsuranceStatus::Deceased, Refusal::PersonDeceased)?;
    ensure(!record.wallet_active, Refusal::WalletActive)?;

    // From here on the activation must succeed.
    entry.draft.edit(Key::Person { person }, record).wallet_active = true;
    done::<V>(Event::WalletActivated { person })
}

/// The person closes the wallet: nothing new is agreed, frozen or paid, by the person or from the person's quotas, until
/// it is activated again. What there is stays: relations, quotas, offers, holds, and all that gives money back.
pub(crate) fn deactivate<V: View>(entry: &mut Entry<'_, V>, person: Person) -> Ruled<V> {
    let record = entry.person(person)?;
    ensure(record.status != InsuranceStatus::Deceased, Refusal::PersonDeceased)?;
    ensure(record.wallet_active, Refusal::WalletInactive)?;

    // From here on the closing must succeed.
    entry.draft.edit(Key::Person { person }, record).wallet_active = false;
    done::<V>(Event::WalletDeactivated { person })
}
