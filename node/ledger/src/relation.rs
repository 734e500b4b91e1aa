//! The relation (共济关系) between a donor and a beneficiary: proposed by one, accepted by the other,
//! released by either.

use crate::apply::done;
use crate::command::{Caller, Insurance, Kinship, KinshipScope};
use crate::decision::{Event, Refusal, ReleaseCause};
use crate::entry::{Entry, Ruled, ensure, ensure_none};
use crate::id::{Person, RelationId};
use crate::money::Fen;
use crate::release;
use crate::stamp::{DAY_MS, Stamp};
use crate::table::{
    GivingRecord, Key, LapsingRecord, PairRecord, PersonRecord, ProvinceRecord, ReceivingRecord,
    RelationRecord, RelationState,
};
use crate::view::{Found, View};
use alloc::vec;
use alloc::vec::Vec;

impl RelationRecord {
    /// Whether it is an active relation, by the record alone: see [`RelationRecord::is_usable`].
    pub fn is_active(&self) -> bool {
        self.state == RelationState::Active
    }

    /// Whether it is an active relation between these two, its donor and its beneficiary. While the relations of either
    /// are being released it counts as ended, whether a tick has come to it or not.
    pub(crate) fn is_usable(&self, donor: &PersonRecord, beneficiary: &PersonRecord) -> bool {
        self.is_active() && donor.releasing.is_none() && beneficiary.releasing.is_none()
    }

    /// Whether it is a proposal that can still be answered. One that lapses is unusable from that
    /// instant, swept or not (domain.md 5b, 7).
    pub fn is_pending(&self, now: Stamp) -> bool {
        matches!(self.state, RelationState::Proposed { lapses, .. } if now < lapses)
    }
}

/// Either party proposes. Both are insured, with active wallets and not suspended, and everything that acceptance asks
/// for holds already.
pub(crate) fn propose<V: View>(
    entry: &mut Entry<'_, V>,
    caller: &Caller,
    donor: Person,
    beneficiary: Person,
    kinship: Kinship,
) -> Ruled<V> {
    agree(entry, donor, beneficiary, kinship)?;
    let standing = standing(entry, donor, beneficiary)?;
    let lapsed = match &standing {
        Some((relation, record)) if !record.is_active() && !record.is_pending(entry.now) => Some(*relation),
        Some(_) => return Err(Refusal::RelationExists.into()),
        None => None,
    };
    room_for_donor(entry, beneficiary)?;

    // From here on the proposal must succeed.
    let mut events = vec![];
    if let (Some(relation), Some((_, record))) = (lapsed, standing) {
        lapse(entry, relation, record);
        events.push(Event::ProposalLapsed { relation });
    }
    let relation = RelationId(entry.position);
    let by = if *caller == Caller::Person(donor) { donor } else { beneficiary };
    let lapses = entry.now.plus_ms(u64::from(entry.policy.proposal_days) * DAY_MS);
    let record = RelationRecord {
        donor,
        beneficiary,
        kinship,
        state: RelationState::Proposed { by, lapses },
        sequence: 0,
        limit: Fen::ZERO,
        used: Fen::ZERO,
        held: Fen::ZERO,
        unused: Fen::ZERO,
        expires: None,
        offers: Vec::new(),
        raised: None,
    };
    entry.draft.put(Key::Relation { relation }, record);
    entry.draft.put(Key::Pair { donor, beneficiary }, PairRecord { relation });
    entry.draft.put(Key::Giving { donor, relation }, GivingRecord);
    entry.draft.put(Key::Receiving { beneficiary, relation }, ReceivingRecord);
    entry.draft.put(Key::Lapsing { at: lapses, relation }, LapsingRecord);
    events.push(Event::RelationProposed { relation, donor, beneficiary });
    Ok(events)
}

/// The other party accepts. Everything is checked again (domain.md 5b, 17); the donor goes to the end
/// of the beneficiary's order, where the highest sequence belongs.
pub(crate) fn accept<V: View>(entry: &mut Entry<'_, V>, relation: RelationId) -> Ruled<V> {
    let record = entry.relation(relation)?;
    let (donor, beneficiary) = (record.donor, record.beneficiary);
    agree(entry, donor, beneficiary, record.kinship)?;
    let other = standing(entry, donor, beneficiary)?.filter(|(standing, _)| *standing != relation);
    let other = other.filter(|(_, record)| record.is_active() || record.is_pending(entry.now));
    ensure(other.is_none(), Refusal::RelationExists)?;
    let RelationState::Proposed { lapses, .. } = record.state else {
        return Err(Refusal::RelationNotPending.into());
    };
    ensure(record.is_pending(entry.now), Refusal::RelationNotPending)?;
    room_for_donor(entry, beneficiary)?;
    let user = entry.person(beneficiary)?;

    // From here on the acceptance must succeed.
    let ledger = entry.ledger.as_mut().expect("a relation is proposed after genesis");
    ledger.accepted += 1;
    let sequence = ledger.accepted;
    let record = entry.draft.edit(Key::Relation { relation }, record);
    record.state = RelationState::Active;
    record.sequence = sequence;
    entry.draft.remove(Key::Lapsing { at: lapses, relation });
    entry.draft.edit(Key::Person { person: beneficiary }, user).donors.push(relation);
    done::<V>(Event::RelationAccepted { relation, sequence })
}

/// The other party declines, or the proposer withdraws.
pub(crate) fn decline<V: View>(entry: &mut Entry<'_, V>, relation: RelationId) -> Ruled<V> {
    let record = entry.relation(relation)?;
    ensure(record.is_pending(entry.now), Refusal::RelationNotPending)?;

    // From here on the decline must succeed.
    lapse(entry, relation, record);
    done::<V>(Event::RelationDeclined { relation })
}

/// Either party ends the relation, at once and whatever the other's part in it; what is unused of the quota goes back to
/// the donor (domain.md 4, 10 and 11).
pub(crate) fn release<V: View>(entry: &mut Entry<'_, V>, caller: &Caller, relation: RelationId) -> Ruled<V> {
    let record = entry.relation(relation)?;
    let giver = entry.person(record.donor)?;
    let user = entry.person(record.beneficiary)?;
    ensure(record.is_usable(&giver, &user), Refusal::RelationNotActive)?;
    let by_donor = *caller == Caller::Person(record.donor);
    let cause = if by_donor { ReleaseCause::Donor } else { ReleaseCause::Beneficiary };

    // From here on the release must succeed.
    let mut events = vec![];
    release::one(entry, relation, cause, &mut events)?;
    Ok(events)
}

/// Closes a proposal that was not accepted.
pub(crate) fn lapse<V: View>(entry: &mut Entry<'_, V>, relation: RelationId, record: Found<RelationRecord>) {
    let (donor, beneficiary) = (record.donor, record.beneficiary);
    if let RelationState::Proposed { lapses, .. } = record.state {
        entry.draft.remove(Key::Lapsing { at: lapses, relation });
    }
    entry.draft.edit(Key::Relation { relation }, record).state = RelationState::Closed;
    entry.draft.remove(Key::Pair { donor, beneficiary });
    entry.draft.remove(Key::Giving { donor, relation });
    entry.draft.remove(Key::Receiving { beneficiary, relation });
}

/// The relation that an index or a list names: it is there. For rules that read while they write.
pub(crate) fn named<V: View>(entry: &Entry<'_, V>, relation: RelationId) -> Ruled<V, Found<RelationRecord>> {
    let record = entry.find::<RelationRecord>(&Key::Relation { relation })?;
    Ok(record.expect("an index names a relation that is there"))
}

/// The person that a relation names: enrolled. For rules that read while they write.
pub(crate) fn party<V: View>(entry: &Entry<'_, V>, person: Person) -> Ruled<V, Found<PersonRecord>> {
    let record = entry.find::<PersonRecord>(&Key::Person { person })?;
    Ok(record.expect("the parties of a relation are enrolled"))
}

/// What must hold between the two, whatever else is between them already.
fn agree<V: View>(
    entry: &Entry<'_, V>,
    donor: Person,
    beneficiary: Person,
    kinship: Kinship,
) -> Ruled<V, ()> {
    let giver = entry.person(donor)?;
    let user = entry.person(beneficiary)?;
    ensure_none(&[giver.not_acting(), user.not_acting()])?;
    ensure(donor != beneficiary, Refusal::SamePerson)?;
    ensure(giver.insurance == Insurance::Employee, Refusal::DonorNotEligible)?;
    ensure(scope(entry, &giver, &user)?.includes(kinship), Refusal::KinshipOutOfScope)?;
    // Only what lives or is pending can contradict (domain.md 5b, 18).
    let reverse = standing(entry, beneficiary, donor)?;
    let reverse = reverse.filter(|(_, record)| record.is_active() || record.is_pending(entry.now));
    ensure(
        reverse.is_none_or(|(_, record)| record.kinship == kinship.reversed()),
        Refusal::KinshipContradicts,
    )
}

/// In one province the province's scope, across provinces the national one (domain.md 4, 17).
fn scope<V: View>(entry: &Entry<'_, V>, giver: &PersonRecord, user: &PersonRecord) -> Ruled<V, KinshipScope> {
    let province = giver.area.province();
    if province != user.area.province() {
        return Ok(KinshipScope::Wide);
    }
    let record = entry.find::<ProvinceRecord>(&Key::Province { province })?;
    Ok(record.ok_or(Refusal::ProvinceUnknown)?.scope_at(entry.now))
}

/// The relation or proposal that the pair's key names: one that lapsed may not be swept yet.
fn standing<V: View>(
    entry: &Entry<'_, V>,
    donor: Person,
    beneficiary: Person,
) -> Ruled<V, Option<(RelationId, Found<RelationRecord>)>> {
    match entry.find::<PairRecord>(&Key::Pair { donor, beneficiary })? {
        Some(pair) => Ok(Some((pair.relation, entry.relation(pair.relation)?))),
        None => Ok(None),
    }
}

fn room_for_donor<V: View>(entry: &Entry<'_, V>, beneficiary: Person) -> Ruled<V, ()> {
    let donors = entry.person(beneficiary)?.donors.len();
    ensure(donors < usize::from(entry.policy.donors_max), Refusal::DonorsFull)
}
