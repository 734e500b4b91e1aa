//! The entries of a storage's life, and what each of them leads to.

use ledger::command::Insurance;
use ledger::{
    Answer, Area, At, Call, Caller, Fen, MapState, Month, Person, Policy, Province, RequestId, Stamp,
    Transaction,
};
use node::raft::Batch;
use rand::Rng;
use rand::rngs::SmallRng;

/// One entry of the log.
#[derive(Clone, Debug)]
pub struct Step {
    /// What it asks; none for a blank entry.
    pub batch: Option<Batch>,
    /// What came of it in a second ledger.
    pub answers: Vec<Answer>,
    /// The second ledger's digest behind it.
    pub root: [u8; 32],
}

/// A log from index 1 on: `steps[0]` stands for what is before it.
#[derive(Clone, Debug)]
pub struct Script {
    /// What is at each index.
    pub steps: Vec<Step>,
}

const CLUSTER: [u8; 16] = [9; 16];
const BEGUN: u64 = 1_772_323_200_000;

impl Script {
    /// So many entries.
    ///
    /// # Panics
    /// If its own constants are no areas.
    pub fn random(entries: u64, rng: &mut SmallRng) -> Script {
        let mut second = MapState::new();
        let root = second.digest().root();
        let mut steps = vec![Step { batch: None, answers: Vec::new(), root }];
        for index in 1..=entries {
            let stamp = Stamp(BEGUN + index * 1_000);
            let batch = (index == 1 || rng.random_range(0..8) > 0)
                .then(|| Batch::new(stamp, transactions(index, stamp, rng)));
            let answers = match &batch {
                None => Vec::new(),
                Some(batch) => {
                    let (stamp, transactions) = batch.content().expect("made here");
                    second.apply(At { index, stamp: *stamp }, transactions)
                }
            };
            steps.push(Step { batch, answers, root: second.digest().root() });
        }
        Script { steps }
    }

    /// The last index.
    pub fn last(&self) -> u64 {
        self.steps.len() as u64 - 1
    }

    /// What is at an index.
    pub fn step(&self, index: u64) -> &Step {
        &self.steps[index as usize]
    }
}

fn person(number: u64) -> Person {
    let high = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    Person((u128::from(high) << 64 | u128::from(number)).to_be_bytes())
}

fn transactions(index: u64, stamp: Stamp, rng: &mut SmallRng) -> Vec<Transaction> {
    let area = Area::new(320_500).expect("Suzhou");
    let province = Province::new(32).expect("Jiangsu");
    let mut calls = match index {
        1 => vec![
            Call::Genesis { cluster: CLUSTER, policy: Policy::PILOT_2024 },
            Call::RegisterProvince {
                province,
                kinship: ledger::command::KinshipScope::Wide,
                effective: None,
            },
            Call::RegisterArea { area },
            Call::SetAreaOpen { area, from: stamp, until: None },
        ],
        _ => Vec::new(),
    };
    for _ in 0..rng.random_range(1..12) {
        let person = person(rng.random_range(0..200));
        calls.push(match rng.random_range(0..3) {
            0 => Call::EnrolPerson { person, insurance: Insurance::Employee, area, retired: rng.random() },
            1 => Call::ActivateWallet { person },
            _ => Call::CreditAccount {
                person,
                amount: Fen::new(rng.random_range(1..90_000)).expect("small"),
                period: Month { year: 2026, month: 3 },
            },
        });
    }
    let ask = |(place, call): (usize, Call)| {
        let caller = match call {
            Call::EnrolPerson { .. } | Call::CreditAccount { .. } => Caller::Agency(area),
            Call::ActivateWallet { person } => Caller::Person(person),
            _ => Caller::National,
        };
        let mut id = [0; 16];
        id[..6].copy_from_slice(&stamp.0.to_be_bytes()[2..]);
        id[6..].copy_from_slice(&[0x70, 0, 0x80, 0, 0, 0, (index >> 8) as u8, index as u8, 0, place as u8]);
        Transaction { request: RequestId(id), caller, not_after: None, signature: Vec::new(), call }
    };
    calls.into_iter().enumerate().map(ask).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledger::Outcome;
    use rand::SeedableRng;

    #[test]
    fn a_script_does_something() {
        let script = Script::random(200, &mut SmallRng::seed_from_u64(1));
        let answers = || script.steps.iter().flat_map(|step| &step.answers);
        let done = answers().filter(|answer| matches!(answer.outcome, Outcome::Done(_))).count();
        assert!(done * 4 > answers().count(), "{done} of {} are done", answers().count());
        let roots: std::collections::BTreeSet<_> = script.steps.iter().map(|step| step.root).collect();
        assert!(roots.len() > 100, "the state has {} digests", roots.len());
    }
}
