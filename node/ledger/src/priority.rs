//! The order in which a beneficiary's donors are asked to pay.

use crate::apply::done;
use crate::decision::{Event, Refusal};
use crate::entry::{Entry, Ruled, ensure};
use crate::id::{Person, RelationId};
use crate::table::Key;
use crate::view::View;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

/// The beneficiary puts donors first. Those left out follow in the order of their sequence, and so
/// does every donor accepted later; an empty order is the default order again. A relation that is being released
/// counts as ended: it cannot be named.
pub(crate) fn set<V: View>(entry: &mut Entry<'_, V>, beneficiary: Person, order: &[RelationId]) -> Ruled<V> {
    let user = entry.person(beneficiary)?;
    ensure(order.len() <= user.donors.len(), Refusal::OrderInvalid)?;
    let mut left_out: BTreeSet<RelationId> = user.donors.iter().copied().collect();
    for relation in order {
        ensure(left_out.remove(relation), Refusal::OrderInvalid)?;
        let named = entry.relation(*relation)?;
        let donor = entry.person(named.donor)?;
        ensure(named.is_usable(&donor, &user), Refusal::OrderInvalid)?;
    }
    let mut behind = Vec::with_capacity(left_out.len());
    for relation in left_out {
        behind.push((entry.relation(relation)?.sequence, relation));
    }
    behind.sort_unstable();

    // From here on the setting must succeed.
    let donors = &mut entry.draft.edit(Key::Person { person: beneficiary }, user).donors;
    donors.clear();
    donors.extend_from_slice(order);
    donors.extend(behind.into_iter().map(|(_, relation)| relation));
    done::<V>(Event::PrioritySet { beneficiary })
}
