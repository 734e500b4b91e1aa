//! A log entry in the middle of being applied: what all its transactions share.

use crate::changes::Changes;
use crate::command::Policy;
use crate::decision::{Event, Refusal};
use crate::id::{Area, Person, Position, RelationId};
use crate::stamp::{Month, Stamp};
use crate::table::{
    AreaRecord, DayRecord, Key, LedgerRecord, PersonRecord, PolicyRecord, Record, RelationRecord,
};
use crate::view::{Draft, Found, View};
use alloc::vec::Vec;

/// Why a rule ends without having written anything.
pub(crate) enum Stop<F> {
    /// The answer is no.
    Refused(Refusal),
    /// This node cannot read its state: there is no answer.
    Fault(F),
}

impl<F> From<Refusal> for Stop<F> {
    fn from(refusal: Refusal) -> Stop<F> {
        Stop::Refused(refusal)
    }
}

/// What a rule comes to: as a whole, the events that happened.
pub(crate) type Ruled<V, T = Vec<Event>> = Result<T, Stop<<V as View>::Fault>>;

/// Refuses unless the condition holds.
pub(crate) fn ensure<F>(holds: bool, otherwise: Refusal) -> Result<(), Stop<F>> {
    if holds { Ok(()) } else { Err(Stop::Refused(otherwise)) }
}

/// Refuses with the reason that takes precedence among those that hold.
pub(crate) fn ensure_none<F>(reasons: &[Option<Refusal>]) -> Result<(), Stop<F>> {
    match reasons.iter().flatten().min_by_key(|refusal| refusal.precedence()) {
        Some(refusal) => Err(Stop::Refused(*refusal)),
        None => Ok(()),
    }
}

/// The entry: changes in hand, and the records that nearly every transaction looks at.
pub(crate) struct Entry<'a, V: View> {
    /// Changes made so far.
    pub draft: Draft<'a, V>,
    /// Ledger time, one for the whole entry.
    pub now: Stamp,
    /// Its calendar month: what is paid and refunded now is booked to it.
    pub month: Month,
    /// Where the transaction at hand stands.
    pub position: Position,
    /// What the ledger knows of itself; none before genesis. Written back once, at the end.
    pub ledger: Option<LedgerRecord>,
    /// The parameters in force; of no meaning before genesis.
    pub policy: Policy,
}

impl<'a, V: View> Entry<'a, V> {
    /// Opens the entry: clamps its time and reads the policy in force.
    pub fn open(view: &'a V, index: u64, stamp: Stamp) -> Result<Self, V::Fault> {
        let draft = Draft::new(view);
        let ledger = draft.find::<LedgerRecord>(&Key::Ledger {})?.map(|found| found.clone());
        let now = ledger.as_ref().map_or(stamp, |ledger| ledger.now.max(stamp));
        let position = Position { index, place: 0 };
        let mut entry = Entry { draft, now, month: now.month(), position, ledger, policy: Policy::default() };
        entry.refresh_policy()?;
        Ok(entry)
    }

    /// Takes the policy in force anew, and moves the edge of forgetting up to its window.
    pub fn refresh_policy(&mut self) -> Result<(), V::Fault> {
        if let Some(record) = self.draft.find::<PolicyRecord>(&Key::Policy {})? {
            self.policy = record.in_force(self.now);
        }
        if let Some(ledger) = &mut self.ledger {
            ledger.now = self.now;
            let edge = self.now.0.saturating_sub(self.policy.request_window_ms);
            ledger.forgotten_before_ms = ledger.forgotten_before_ms.max(edge);
        }
        Ok(())
    }

    /// Closes the entry: the changes, ledger time among them.
    pub fn close(mut self) -> Result<Changes, V::Fault> {
        if let Some(mut ledger) = self.ledger.take() {
            if ledger.day < self.now.day() {
                ledger.day = self.now.day();
                self.draft.put(Key::Day { day: ledger.day }, DayRecord { index: self.position.index });
            }
            let before = self.draft.find::<LedgerRecord>(&Key::Ledger {})?;
            if before.is_none_or(|before| *before != ledger) {
                self.draft.put(Key::Ledger {}, ledger);
            }
        }
        Ok(self.draft.finish())
    }

    /// The record of this key.
    pub fn find<R: Record>(&self, key: &Key) -> Ruled<V, Option<Found<R>>> {
        self.draft.find(key).map_err(Stop::Fault)
    }

    /// The record of this key, or one that starts from nothing, to be changed.
    pub fn edit_at<R: Record + Default>(&mut self, key: Key) -> Ruled<V, &mut R> {
        self.draft.edit_at(key).map_err(Stop::Fault)
    }

    /// The person, if enrolled.
    pub fn person(&self, person: Person) -> Ruled<V, Found<PersonRecord>> {
        self.find(&Key::Person { person })?.ok_or(Refusal::PersonUnknown.into())
    }

    /// The relation, in whatever state.
    pub fn relation(&self, relation: RelationId) -> Ruled<V, Found<RelationRecord>> {
        self.find(&Key::Relation { relation })?.ok_or(Refusal::RelationUnknown.into())
    }

    /// The ledger's own record; genesis comes before every rule that asks.
    pub fn ledger(&mut self) -> &mut LedgerRecord {
        self.ledger.as_mut().expect("only genesis is decided before genesis")
    }

    /// Whether money may pass between two areas now: always inside one province, else if both are
    /// open (domain.md 5b, 4).
    pub fn open_between(&self, one: Area, other: Area) -> Ruled<V, bool> {
        Ok(one.province() == other.province() || self.is_open(one)? && self.is_open(other)?)
    }

    fn is_open(&self, area: Area) -> Ruled<V, bool> {
        let record = self.find::<AreaRecord>(&Key::Area { area })?;
        Ok(record.is_some_and(|record| record.open_at(self.now)))
    }
}
