//! The end of relations: one, by a party; or all of a person, when the insurance ends, moves or changes, a bounded number
//! at a time.

use crate::account;
use crate::decision::{Event, ReleaseCause};
use crate::entry::{Entry, Ruled, Stop};
use crate::id::{Person, RelationId};
use crate::key::Part;
use crate::limits::RELEASES_PER_STEP;
use crate::offer;
use crate::relation;
use crate::table::{Key, OfferState, RelationState, ReleasingRecord};
use crate::view::View;
use alloc::vec::Vec;

/// Ends one active relation: unused quota and open offers go back to the donor, held parts when they resolve.
pub(crate) fn one<V: View>(
    entry: &mut Entry<'_, V>,
    relation: RelationId,
    cause: ReleaseCause,
    events: &mut Vec<Event>,
) -> Ruled<V, ()> {
    let record = relation::named(entry, relation)?;
    let (donor, beneficiary, expires) = (record.donor, record.beneficiary, record.expires);
    let mut returned = record.unused;
    for offer in &record.offers {
        let amount = offer::undo(entry, *offer, OfferState::Released)?;
        returned = returned.checked_add(amount).expect("no more than was credited");
    }
    let record = entry.draft.edit(Key::Relation { relation }, record);
    record.state = RelationState::Released { cause };
    let unused = record.free_unused();
    let giver = relation::party(entry, donor)?;
    account::of(entry.draft.edit(Key::Person { person: donor }, giver)).free(unused);
    let user = relation::party(entry, beneficiary)?;
    entry.draft.edit(Key::Person { person: beneficiary }, user).donors.retain(|held| *held != relation);
    entry.draft.remove(Key::Pair { donor, beneficiary });
    entry.draft.remove(Key::Giving { donor, relation });
    entry.draft.remove(Key::Receiving { beneficiary, relation });
    if let Some(at) = expires {
        entry.draft.remove(Key::Expiring { at, relation });
    }
    events.push(Event::RelationReleased { relation, returned, cause });
    Ok(())
}

/// Ends all relations and pending proposals of a person, as donor and as beneficiary: the first of them now, and if some
/// remain, the person's record says `releasing` and ticks go on.
pub(crate) fn all<V: View>(
    entry: &mut Entry<'_, V>,
    person: Person,
    cause: ReleaseCause,
    events: &mut Vec<Event>,
) -> Ruled<V, ()> {
    let remain = some(entry, person, cause, events)?.remain;
    let record = relation::party(entry, person)?;
    match (remain, record.releasing) {
        (false, None) => {}
        (false, Some(_)) => finish(entry, person)?,
        (true, _) => {
            entry.draft.edit(Key::Person { person }, record).releasing = Some(cause);
            entry.draft.put(Key::Releasing { person }, ReleasingRecord { cause });
            events.push(Event::ReleasesUnderWay { person });
        }
    }
    Ok(())
}

/// Goes on with a person whose relations are being released; tells how many were. Called by ticks.
pub(crate) fn step<V: View>(
    entry: &mut Entry<'_, V>,
    person: Person,
    events: &mut Vec<Event>,
) -> Ruled<V, usize> {
    let Some(cause) = relation::party(entry, person)?.releasing else { return Ok(0) };
    let Step { done, remain } = some(entry, person, cause, events)?;
    if !remain {
        finish(entry, person)?;
    }
    Ok(done)
}

struct Step {
    done: usize,
    /// Whether others are left for the next step.
    remain: bool,
}

/// Ends the first relations and proposals: those that the person receives by, then those that the person gives by.
fn some<V: View>(
    entry: &mut Entry<'_, V>,
    person: Person,
    cause: ReleaseCause,
    events: &mut Vec<Event>,
) -> Ruled<V, Step> {
    let most = RELEASES_PER_STEP + 1; // one more than is done tells whether others are left
    let (from, until) = (
        Key::Receiving { beneficiary: person, relation: Part::MIN },
        Key::Receiving { beneficiary: person, relation: Part::MAX },
    );
    let mut rows = entry.draft.range(&from, &until, most).map_err(Stop::Fault)?;
    let (from, until) = (
        Key::Giving { donor: person, relation: Part::MIN },
        Key::Giving { donor: person, relation: Part::MAX },
    );
    rows.extend(entry.draft.range(&from, &until, most - rows.len()).map_err(Stop::Fault)?);
    let done = rows.len().min(RELEASES_PER_STEP);
    for (key, _) in &rows[..done] {
        let (Key::Receiving { relation, .. } | Key::Giving { relation, .. }) = *key else {
            unreachable!("only these two were asked for")
        };
        let record = relation::named(entry, relation)?;
        if record.is_active() {
            one(entry, relation, cause, events)?;
        } else {
            relation::lapse(entry, relation, record);
            events.push(Event::ProposalLapsed { relation });
        }
    }
    Ok(Step { done, remain: rows.len() > done })
}

/// Nothing is left to be released: the person may act again, as far as the insurance allows.
fn finish<V: View>(entry: &mut Entry<'_, V>, person: Person) -> Ruled<V, ()> {
    let record = relation::party(entry, person)?;
    entry.draft.edit(Key::Person { person }, record).releasing = None;
    entry.draft.remove(Key::Releasing { person });
    Ok(())
}
