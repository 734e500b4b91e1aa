//! Reads show what the log has made of what they ask for, up to the entry that they say they show.

use super::Complaints;
use super::reads::{Question, Record};
use ledger::table::{PersonRecord, RelationRecord};
use ledger::{Draft, Key, MapState};
use node::wire;

/// Compares reads with what a second ledger holds at their index.
pub struct Shown<'a> {
    /// By index, in order.
    reads: Vec<&'a Question>,
    next: usize,
    /// What is wrong so far.
    pub complaints: Complaints,
}

impl<'a> Shown<'a> {
    /// What is to be compared.
    pub fn of(reads: &'a [Question]) -> Shown<'a> {
        let mut reads: Vec<&Question> = reads.iter().collect();
        reads.sort_by_key(|read| read.index);
        Shown { reads, next: 0, complaints: Complaints::new() }
    }

    /// The ledger as it is until the entry at this index: every read before it must show this.
    pub fn before(&mut self, index: u64, state: &MapState) {
        while let Some(read) = self.reads.get(self.next).filter(|read| read.index < index) {
            self.next += 1;
            match held(state, &read.shown) {
                None => {
                    self.complaints.push(format!("node {} shows nobody at index {}", read.node, read.index));
                }
                Some(held) if held.as_ref() == Some(&read.shown) => {}
                Some(held) => self.complaints.push(format!(
                    "node {} shows {:?} at index {}, the log has made {held:?} of it",
                    read.node, read.shown, read.index
                )),
            }
        }
    }
}

/// What a ledger holds of what a read shows, if that names anything.
fn held(state: &MapState, shown: &Record) -> Option<Option<Record>> {
    let ledger = Draft::new(state);
    match shown {
        Record::Person(shown) => {
            let person = wire::person_from_proto("person", &shown.person).ok()?;
            let held = ledger.find::<PersonRecord>(&Key::Person { person }).ok().flatten();
            Some(held.map(|held| Record::Person(wire::person_to_proto(person, &held))))
        }
        Record::Relation(shown) => {
            let relation = wire::relation_from_proto("relation", &shown.relation).ok()?;
            let held = ledger.find::<RelationRecord>(&Key::Relation { relation }).ok().flatten();
            Some(held.map(|held| Record::Relation(wire::relation_to_proto(relation, &held))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use client::v1;
    use std::time::Duration;

    #[test]
    fn what_the_log_has_not_made_is_seen() {
        let state = MapState::new();
        let read = |shown: Record| Question {
            node: 1,
            invoked: Duration::ZERO,
            returned: Duration::ZERO,
            index: 7,
            shown,
        };
        let id = "6f9619ff-8b86-4011-b42d-00c04fc964ff";
        let person = |id: &str| Record::Person(v1::Person { person: id.into(), ..Default::default() });
        let relation = Record::Relation(v1::Relation { relation: "7-1".into(), ..Default::default() });
        let reads = [read(person(id)), read(person("")), read(relation)];
        let mut shown = Shown::of(&reads);
        shown.before(7, &state);
        assert_eq!(shown.complaints, Complaints::new(), "the entry itself may have made it");
        shown.before(8, &state);
        assert_eq!(shown.complaints.len(), 3, "{:?}", shown.complaints);
        let made =
            shown.complaints.iter().filter(|said| said.contains("the log has made None of it")).count();
        assert_eq!(made, 2, "the person and the relation: {:?}", shown.complaints);
    }
}
