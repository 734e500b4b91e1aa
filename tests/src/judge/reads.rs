//! Linearizable reads show what had been acknowledged before they were asked, and never go back.

use super::Complaints;
use crate::history::Op;
use client::Outcome;
use client::v1::{Person, Relation};
use std::time::Duration;

/// What a read shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A person, with the own account.
    Person(Person),
    /// A relation, with its quota.
    Relation(Relation),
}

/// A linearizable read that was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Whom it was asked of.
    pub node: u64,
    /// When, since the history began.
    pub invoked: Duration,
    /// When the answer came.
    pub returned: Duration,
    /// The log index that it shows.
    pub index: u64,
    /// What it shows.
    pub shown: Record,
}

/// No read shows less than was acknowledged, or than was read anywhere, before it was asked.
pub fn reads_not_past(ops: &[Op], reads: &[Question]) -> Complaints {
    let written = ops.iter().flat_map(|op| &op.attempts).filter_map(|attempt| match &attempt.reply {
        Ok(Outcome::Done(receipt)) => Some((attempt.returned, receipt.index)),
        Ok(Outcome::Refused(refused)) => Some((attempt.returned, refused.index)),
        Ok(Outcome::Unknown(_)) | Err(_) => None,
    });
    let mut known: Vec<(Duration, u64)> =
        written.chain(reads.iter().map(|read| (read.returned, read.index))).collect();
    known.sort();
    let mut asked: Vec<&Question> = reads.iter().collect();
    asked.sort_by_key(|read| read.invoked);
    let (mut next, mut newest) = (0, 0);
    let mut complaints = Complaints::new();
    for read in asked {
        while let Some((_, index)) = known.get(next).filter(|(returned, _)| *returned < read.invoked) {
            newest = newest.max(*index);
            next += 1;
        }
        if read.index < newest {
            complaints.push(format!("{read:?} shows the past: entry {newest} was known before it was asked"));
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Expect;
    use crate::judge::tests::{done, op};

    fn read(invoked: u64, returned: u64, index: u64) -> Question {
        let ms = Duration::from_millis;
        let shown = Record::Person(Person::default());
        Question { node: 1, invoked: ms(invoked), returned: ms(returned), index, shown }
    }

    #[test]
    fn a_read_that_overlaps_may_show_either() {
        let op = op(1, Expect::Done, vec![(10, 20, Ok(done(1, 7, 0)))]);
        for index in [5, 7] {
            assert_eq!(reads_not_past(std::slice::from_ref(&op), &[read(15, 30, index)]), Complaints::new());
        }
        assert_eq!(reads_not_past(&[op], &[read(21, 30, 7), read(25, 40, 9)]), Complaints::new());
    }

    #[test]
    fn a_read_of_the_past_is_seen() {
        let op = op(1, Expect::Done, vec![(10, 20, Ok(done(1, 7, 0)))]);
        assert_eq!(reads_not_past(&[op], &[read(21, 30, 6)]).len(), 1, "older than what was acknowledged");
        assert_eq!(reads_not_past(&[], &[read(1, 2, 9), read(3, 4, 8)]).len(), 1, "older than what was read");
    }
}
