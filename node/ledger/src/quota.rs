//! The quota (共济额度): the part of a donor's account that is frozen for one relation.

use crate::account;
use crate::apply::done;
use crate::command::Expiry;
use crate::decision::{Event, Refusal};
use crate::entry::{Entry, Ruled, ensure};
use crate::id::RelationId;
use crate::money::Fen;
use crate::table::{Key, RelationRecord};
use crate::view::View;
use alloc::vec::Vec;

impl RelationRecord {
    /// Spends of what is unused.
    pub(crate) fn spend(&mut self, amount: Fen) {
        self.used = self.used.checked_add(amount).expect("limit = used + unused");
        self.unused = self.unused.checked_sub(amount).expect("checked to be unused");
    }

    /// Takes back what was spent.
    pub(crate) fn restore(&mut self, amount: Fen) {
        self.used = self.used.checked_sub(amount).expect("used holds every leg not refunded");
        self.unused = self.unused.checked_add(amount).expect("limit = used + unused");
    }
}

/// The donor freezes more for the relation. Both wallets are active and, across provinces, both areas
/// are open (domain.md 5b, 4): a relation between areas that are not may live, but holds no money.
pub(crate) fn set<V: View>(
    entry: &mut Entry<'_, V>,
    relation: RelationId,
    amount: Fen,
    expiry: Expiry,
) -> Ruled<V> {
    todo!()
}

/// A quota's time ran out: what is unused goes back to the donor, the relation stays. Called by ticks.
pub(crate) fn expire<V: View>(
    entry: &mut Entry<'_, V>,
    relation: RelationId,
    events: &mut Vec<Event>,
) -> Ruled<V, ()> {
    todo!()
}

/// The donor takes back a part that is not used.
pub(crate) fn reduce<V: View>(entry: &mut Entry<'_, V>, relation: RelationId, amount: Fen) -> Ruled<V> {
    ensure(!amount.is_zero(), Refusal::AmountZero)?;
    let record = entry.relation(relation)?;
    ensure(record.is_active(), Refusal::RelationNotActive)?;
    ensure(amount <= record.unused, Refusal::QuotaExceeded)?;
    let giver = entry.person(record.donor)?;

    // From here on the reduction must succeed.
    let donor = record.donor;
    let record = entry.draft.edit(Key::Relation { relation }, record);
    record.limit = record.limit.checked_sub(amount).expect("unused is within the limit");
    record.unused = record.unused.checked_sub(amount).expect("checked to be unused");
    let unused = record.unused;
    let account = account::of(entry.draft.edit(Key::Person { person: donor }, giver));
    account.free(amount);
    let available = account.available;
    done::<V>(Event::QuotaReduced { relation, amount, unused, available })
}
