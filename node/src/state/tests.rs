//! Tests of the state as a whole: a random log of changes, a plain model of it, and ways to be hurt.

mod crash;
mod damage;
mod fuzz;
mod history;
mod journal;
mod model;
mod speed;
mod trouble;

use super::*;
use ledger::codec;
use ledger::command::{Insurance, InsuranceStatus};
use ledger::digest::RowHash;
use ledger::table::*;
use ledger::{
    Area, Caller, Day, Fen, Institution, Key, MedType, Outcome, PaymentId, Person, Position, Refusal,
    RelationId, RequestId, Row, Stamp, View,
};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use std::collections::BTreeMap;
use std::time::Duration;

pub(super) type Model = BTreeMap<Key, Arc<Row>>;

/// A log entry of the tests: what it changes, and what the journal keeps of it.
#[derive(Clone)]
pub(super) struct TestEntry {
    pub(super) log: LogMark,
    pub(super) changes: Changes,
    pub(super) batch: Option<Vec<u8>>,
}

/// A log, and what the state must be after each of its entries.
pub(super) struct TestLog {
    pub(super) entries: Vec<TestEntry>,
    pub(super) roots: Vec<[u8; 32]>,
    pub(super) last: Model,
}

/// The size of a test log.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    pub(super) entries: u64,
    pub(super) persons: u64,
    pub(super) changes: usize,
}

impl TestLog {
    pub(super) fn random(seed: u64, shape: Shape) -> TestLog {
        let mut rng = SmallRng::seed_from_u64(seed);
        let mut log =
            TestLog { entries: Vec::new(), roots: vec![Digest::default().root()], last: Model::new() };
        for index in 1..=shape.entries {
            let changes = random_changes(&mut rng, index, shape, &log.last);
            for (key, row) in &changes {
                match row {
                    Some(row) => log.last.insert(*key, row.clone()),
                    None => log.last.remove(key),
                };
            }
            log.roots.push(digest_of(&log.last).root());
            let batch = (rng.random_range(0..8) > 0).then(|| {
                let byte = |i: usize| if i.is_multiple_of(3) { index as u8 } else { rng.random() };
                (0..(index as usize * 37) % 2500).map(byte).collect()
            });
            let log_mark = LogMark { term: 1 + index / 50, node: 11_000_001, index };
            log.entries.push(TestEntry { log: log_mark, changes, batch });
        }
        log
    }

    /// Absorbs what the state does not have yet, up to an index.
    pub(super) fn replay(&self, state: &State, upto: u64) -> Result<(), Fault> {
        let from = state.applied().index() as usize;
        for entry in &self.entries[from..upto as usize] {
            entry.absorb(state)?;
        }
        Ok(())
    }

    /// The state, wherever it stands, must be one that the log leads to; and after the rest of the log, the last one.
    pub(super) fn must_lead_to_the_end(&self, state: &State, what: &str) {
        let applied = state.applied();
        let index = applied.index() as usize;
        assert_eq!(applied.digest.root(), self.roots[index], "{what}: a state that never was at {index}");
        let check = state.check().unwrap_or_else(|fault| panic!("{what}: {fault}"));
        assert!(check.holds(), "{what}: records do not have the digest kept at {index}");
        self.replay(state, self.entries.len() as u64).unwrap_or_else(|fault| panic!("{what}: {fault}"));
        assert_eq!(state.applied().digest.root(), self.roots[self.entries.len()], "{what}: another end");
        let check = state.check().unwrap_or_else(|fault| panic!("{what}: {fault}"));
        assert!(check.holds(), "{what}: records do not have the digest kept at the end");
        assert_eq!(check.rows, self.last.len() as u64, "{what}");
        state.checkpoint().unwrap_or_else(|fault| panic!("{what}: {fault}"));
        assert!(state.check().expect("checked before").holds(), "{what}: after a checkpoint");
    }

    /// Every entry that the journal says it covers must read as it was handed in.
    pub(super) fn must_be_told_by(&self, state: &State, what: &str) -> Result<(), Fault> {
        let mut next = 1;
        let mut told = Vec::new();
        loop {
            let page = state.journal_read(next, 20_000)?;
            assert_eq!(page.missing, None, "{what}");
            told.extend(page.entries);
            assert!(page.next > next, "{what}: no progress at {next}");
            next = page.next;
            if next > page.covered {
                break;
            }
        }
        let covered = (next - 1) as usize;
        let expected: Vec<JournalRecord> =
            self.entries[..covered].iter().filter_map(TestEntry::record).collect();
        assert!(told == expected, "{what}: {} entries told, {} expected", told.len(), expected.len());
        Ok(())
    }
}

impl TestEntry {
    pub(super) fn answers(&self) -> Vec<Answer> {
        let position = Position { index: self.log.index, place: 0 };
        vec![Answer {
            position,
            outcome: Outcome::Refused(Refusal::AmountZero),
            repeated: self.log.index.is_multiple_of(2),
        }]
    }

    fn record(&self) -> Option<JournalRecord> {
        let batch = self.batch.clone()?;
        Some(JournalRecord {
            index: self.log.index,
            stamp: self.log.index * 10,
            batch,
            answers: self.answers(),
        })
    }

    pub(super) fn absorb(&self, state: &State) -> Result<(), Fault> {
        let answers = self.answers();
        let journal = self.batch.as_ref().map(|batch| JournalEntry {
            stamp: self.log.index * 10,
            batch,
            answers: &answers,
        });
        let membership =
            self.log.index.is_multiple_of(40).then(|| format!("members at {}", self.log.index).into_bytes());
        state.absorb(Entry { log: self.log, membership, changes: self.changes.clone(), journal })
    }
}

pub(super) fn digest_of(model: &Model) -> Digest {
    let mut digest = Digest::default();
    for (key, row) in model {
        digest.add(key.table(), RowHash::of(&codec::encode_key(key), &codec::encode_row(row)));
    }
    digest
}

pub(super) fn person(number: u64) -> Person {
    // Spread over the key space like random ids.
    let high = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&high.to_be_bytes());
    bytes[8..].copy_from_slice(&number.to_be_bytes());
    Person(bytes)
}

fn area() -> Area {
    Area::new(320_500).expect("Suzhou")
}

fn relation(index: u64, place: u16) -> RelationId {
    RelationId(Position { index, place })
}

pub(super) fn random_changes(rng: &mut SmallRng, index: u64, shape: Shape, model: &Model) -> Changes {
    let mut changes = Changes::new();
    for place in 0..rng.random_range(0..=shape.changes) as u16 {
        let (key, row) = random_change(rng, index, place, shape);
        changes.insert(key, row.map(Arc::new));
    }
    // Some that exist are removed, neighbours among them.
    if rng.random_range(0..6) == 0 {
        let from = random_change(rng, index, 0, shape).0;
        for (key, _) in model.range(from..).take(rng.random_range(0..20)) {
            changes.insert(*key, None);
        }
    }
    changes
}

fn random_change(rng: &mut SmallRng, index: u64, place: u16, shape: Shape) -> (Key, Option<Row>) {
    let someone = person(rng.random_range(0..shape.persons));
    let other = person(rng.random_range(0..shape.persons));
    let fen = Fen::new(rng.random_range(0..1_000_000)).expect("small");
    let gone = rng.random_range(0..12) == 0;
    let relation = relation(rng.random_range(1..=index), rng.random_range(0..4));
    let payment = PaymentId(Position { index, place });
    let stamp = Stamp(1_700_000_000_000 + index * 5);
    let (key, row) = match rng.random_range(0..10) {
        0..=2 => (Key::Person { person: someone }, Row::Person(person_record(rng, fen))),
        3 | 4 => {
            (Key::Payment { payment }, Row::Payment(payment_record(someone, relation, other, fen, stamp)))
        }
        5 | 6 => {
            let mut id = [0; 16];
            let time = 1_700_000_000_000 + index * 5 + rng.random_range(0..40);
            id[..6].copy_from_slice(&time.to_be_bytes()[2..]);
            rng.fill(&mut id[6..]);
            let key = Key::Request { request: RequestId(id), caller: Caller::Person(someone) };
            let position = Position { index, place };
            (
                key,
                Row::Request(RequestRecord {
                    fingerprint: [7; 16],
                    position,
                    outcome: Outcome::Refused(Refusal::AmountZero),
                }),
            )
        }
        7 => (Key::Pair { donor: someone, beneficiary: other }, Row::Pair(PairRecord { relation })),
        8 => (Key::Giving { donor: someone, relation }, Row::Giving(GivingRecord)),
        _ => (Key::Lapsing { at: Stamp(rng.random_range(0..5000)), relation }, Row::Lapsing(LapsingRecord)),
    };
    (key, (!gone).then_some(row))
}

fn person_record(rng: &mut SmallRng, available: Fen) -> PersonRecord {
    let many = match rng.random_range(0..200) {
        // Far more than one stored value holds: kept in parts.
        0 => rng.random_range(3_000..15_000),
        1..=10 => 300,
        _ => rng.random_range(0..4),
    };
    PersonRecord {
        account: Some(account_record(available)),
        donors: (0..many).map(|number| relation(number, 0)).collect(),
        ..insured(rng.random())
    }
}

/// An insured person without an account and without donors.
pub(super) fn insured(wallet_active: bool) -> PersonRecord {
    PersonRecord {
        insurance: Insurance::Employee,
        area: area(),
        status: InsuranceStatus::Normal,
        retired: false,
        wallet_active,
        suspended: None,
        transfer: None,
        failed_transfer: None,
        releasing: None,
        holds: 0,
        account: None,
        donors: Vec::new(),
    }
}

pub(super) fn account_record(available: Fen) -> Account {
    Account {
        area: area(),
        available,
        reserved: Fen::ZERO,
        held: Fen::ZERO,
        credited: available,
        paid_out: Fen::ZERO,
        raised_on: Day(0),
        raises: 0,
        offers: 0,
    }
}

pub(super) fn payment_record(
    beneficiary: Person,
    relation: RelationId,
    donor: Person,
    amount: Fen,
    at: Stamp,
) -> PaymentRecord {
    PaymentRecord {
        beneficiary,
        insurance: Insurance::Resident,
        home: area(),
        payee: Payee::Institution(Institution::new("H41010000001").expect("a hospital"), MedType::OUTPATIENT),
        area: area(),
        at,
        authorised: at,
        usage: Use::Institution,
        amount,
        own: OwnPart { area: area(), amount: Fen::ZERO, refunded: Fen::ZERO },
        legs: vec![Leg { relation, donor, area: area(), amount, refunded: Fen::ZERO }],
        cash: Fen::ZERO,
        cash_refunded: Fen::ZERO,
        own_first: true,
        reinstated: false,
        reversed: false,
    }
}

/// Settings that make much happen soon.
pub(super) fn small() -> StateSettings {
    StateSettings {
        cluster: Some([9; 16]),
        checkpoint_changes: usize::MAX,
        checkpoint_bytes: usize::MAX,
        cache_rows: 300,
        store_cache_bytes: 4 << 20,
        journal_segment_bytes: 40_000,
        journal_recent_bytes: 6_000,
        open_stall: Duration::from_secs(4),
        ..StateSettings::default()
    }
}

/// Copies a directory as it is on disk now: what is left after kill -9 at this moment.
pub(super) fn copy_dir(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => copy_dir(&entry.path(), &target),
            // sled removes files of its own at any time.
            _ => drop(std::fs::copy(entry.path(), target)),
        }
    }
}

pub(super) fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}
