//! Insured persons and the personal account (个人账户): what its owner may spend or freeze.

use crate::apply::done;
use crate::decision::{Event, Refusal};
use crate::entry::{Entry, Ruled, ensure};
use crate::id::{Area, Person};
use crate::money::Fen;
use crate::stamp::Day;
use crate::table::{Account, Key, PersonRecord};
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
