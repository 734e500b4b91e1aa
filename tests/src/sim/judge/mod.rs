//! What must be true after a simulation. Each judge is a file, names what is wrong, and is proved able to complain by bad
//! evidence in its own tests.

pub mod audit;
pub mod digests;
pub mod journals;
pub mod linear;
pub mod once;
pub mod present;
pub mod second;
pub mod streams;

/// What is wrong, in words; empty when nothing is.
pub type Complaints = Vec<String>;

/// Histories and logs made by hand, for the judges' own tests.
#[cfg(test)]
pub(crate) mod made {
    use crate::sim::history::{Attempt, History, Op, Reply};
    use crate::sim::judge::second::Log;
    use ledger::{
        Answer, At, Call, Caller, MapState, Outcome, Policy, Position, Refusal, RequestId, Stamp, Transaction,
    };
    use node::raft::Batch;
    use node::state::JournalRecord;

    pub(crate) fn transaction(number: u8) -> Transaction {
        let mut request = RequestId::earliest_at(1_796_090_400_000);
        request.0[15] = number;
        let call = match number {
            0 => Call::Genesis { cluster: [1; 16], policy: Policy::default() },
            1 => Call::RegisterProvince {
                province: ledger::Province::new(11).expect("a code"),
                kinship: ledger::command::KinshipScope::Wide,
                effective: None,
            },
            _ => Call::RegisterArea { area: ledger::Area::new(110_000 + u32::from(number)).expect("a code") },
        };
        Transaction { request, caller: Caller::National, not_after: None, signature: Vec::new(), call }
    }

    /// A log in which entry `n` holds transaction `n - 1`, with the answers of the contract.
    pub(crate) fn log(entries: u8) -> Log {
        let mut state = MapState::new();
        (0..entries)
            .map(|number| {
                let (index, stamp) = (u64::from(number) + 1, Stamp(1_796_090_400_000 + u64::from(number)));
                let transactions = vec![transaction(number)];
                let answers = state.apply(At { index, stamp }, &transactions);
                let batch = Batch::new(stamp, transactions).bytes().to_vec();
                (index, JournalRecord { index, stamp: stamp.0, batch, answers })
            })
            .collect()
    }

    pub(crate) fn attempt(invoked: u64, returned: u64, reply: Reply) -> Attempt {
        Attempt { node: 1, invoked, returned, reply }
    }

    /// Each transaction of the log, asked once and answered as the log says, one after the other.
    pub(crate) fn history(log: &Log) -> History {
        let ops = log.values().map(|record| {
            let number = (record.index - 1) as u8;
            let (at, answer) = (record.index * 100, record.answers[0].clone());
            let attempts = vec![attempt(at, at + 50, Reply::Answer(answer))];
            Op { transaction: transaction(number), reused: false, attempts }
        });
        History { ops: ops.collect(), reads: Vec::new() }
    }

    pub(crate) fn refused(index: u64, refusal: Refusal) -> Answer {
        let position = Position { index, place: 0 };
        Answer { position, outcome: Outcome::Refused(refusal), repeated: false }
    }
}
