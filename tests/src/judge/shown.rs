//! Reads show what the log has made of what they ask for, up to the entry that they say they show.

use super::Complaints;
use super::reads::Question;
use ledger::table::PersonRecord;
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
            let Ok(person) = wire::person_from_proto("person", &read.shown.person) else {
                self.complaints.push(format!("node {} shows nobody at index {}", read.node, read.index));
                continue;
            };
            let held = Draft::new(state).find::<PersonRecord>(&Key::Person { person });
            let held = held.ok().flatten().map(|held| wire::person_to_proto(person, &held));
            if held.as_ref() != Some(&read.shown) {
                let account =
                    |shown: Option<&client::v1::Person>| shown.and_then(|person| person.account.clone());
                self.complaints.push(format!(
                    "node {} shows {:?} at index {}, the log has made {:?} of it",
                    read.node,
                    account(Some(&read.shown)),
                    read.index,
                    account(held.as_ref())
                ));
            }
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
        let read = |person: &str| Question {
            node: 1,
            invoked: Duration::ZERO,
            returned: Duration::ZERO,
            index: 7,
            shown: v1::Person { person: person.into(), ..Default::default() },
        };
        let reads = [read("6f9619ff-8b86-4011-b42d-00c04fc964ff"), read("")];
        let mut shown = Shown::of(&reads);
        shown.before(7, &state);
        assert_eq!(shown.complaints, Complaints::new(), "the entry itself may have made it");
        shown.before(8, &state);
        assert_eq!(shown.complaints.len(), 2, "{:?}", shown.complaints);
    }
}
