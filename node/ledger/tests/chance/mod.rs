//! Random histories: steps as proptest makes and shrinks them or as dice throw them, and what they mean to a ledger at
//! hand. A step names relations, payments and persons by small numbers, so that it keeps a meaning while others around
//! it are shrunk away.

mod call;
mod clear;
mod flood;
mod insure;
mod nation;
mod relate;
mod sender;
mod spend;
mod world;

use ledger::Call;
use ledger::stamp::{DAY_MS, HOUR_MS, MINUTE_MS};
use proptest::prelude::*;

pub use sender::Sender;
pub use world::person;

macro_rules! verbs {
    ($($weight:literal $name:ident,)*) => {
        /// The verbs, with how often they come.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Verb { $($name,)* }

        impl Verb {
            pub const ALL: &[(Verb, u16)] = &[$((Verb::$name, $weight),)*];

            pub fn of(call: &Call) -> Verb {
                match call { $(Call::$name { .. } => Verb::$name,)* }
            }
        }
    };
}

verbs! {
    1 Genesis,
    3 RegisterProvince,
    3 RegisterArea,
    10 SetAreaOpen,
    4 SetPolicy,
    5 RegisterInstitution,
    16 EnrolPerson,
    24 CreditAccount,
    12 ActivateWallet,
    4 DeactivateWallet,
    34 ProposeRelation,
    36 AcceptRelation,
    6 DeclineRelation,
    46 SetQuota,
    26 AcceptOffer,
    12 DeclineOffer,
    14 ReduceQuota,
    10 SetPriority,
    44 Settle,
    30 AuthoriseSpend,
    22 ConfirmSpend,
    10 VoidSpend,
    16 PayPremium,
    40 Refund,
    36 Reverse,
    10 ReleaseRelation,
    22 SetInsuranceStatus,
    5 SetRetired,
    2 TerminateInsurance,
    1 RegisterDeath,
    10 Payout,
    8 MoveWithinProvince,
    12 ApplyTransfer,
    12 AcceptTransfer,
    12 SendTransfer,
    12 ReceiveTransfer,
    12 CompleteTransfer,
    4 AbandonTransfer,
    5 FailTransfer,
    4 Suspend,
    8 LiftSuspension,
    6 SetTariff,
    5 SetCalendar,
    8 ClosePeriod,
    12 ConfirmClearing,
    4 DisputeClearing,
    10 PayClearing,
    8 FundPrepayment,
    5 AdjustPrepayment,
    16 Tick,
}

/// How a world begins.
#[derive(Clone, Copy, Debug)]
pub struct Start {
    /// Without a genesis: hardly anything can happen.
    pub bare: bool,
    /// Which policy is in force at first.
    pub policy: u8,
}

#[derive(Clone, Debug)]
pub enum Step {
    /// The next stamp is that much later, or earlier.
    Wait(i64),
    /// Another person is looked at more often than others.
    Focus(u8),
    /// Transactions of one entry.
    Entry(Vec<Ask>),
    /// So many transactions of one kind that the place for them runs out.
    Flood(u8),
}

#[derive(Clone, Debug)]
pub struct Ask {
    pub verb: Verb,
    pub pick: [u8; 8],
    /// Below 238 the usual caller, else anyone.
    pub caller: u8,
    /// Below 210 a fresh id, else one of the strange ones.
    pub id: u8,
    pub deadline: u8,
}

/// How long a wait may be.
const SPANS: [i64; 32] = [
    1,
    1,
    1_000,
    1_000,
    1_000,
    1_000,
    MINUTE_MS as i64,
    MINUTE_MS as i64,
    MINUTE_MS as i64,
    MINUTE_MS as i64,
    3 * MINUTE_MS as i64,
    3 * MINUTE_MS as i64,
    10 * MINUTE_MS as i64,
    10 * MINUTE_MS as i64,
    10 * MINUTE_MS as i64,
    31 * MINUTE_MS as i64,
    31 * MINUTE_MS as i64,
    31 * MINUTE_MS as i64,
    HOUR_MS as i64,
    HOUR_MS as i64,
    HOUR_MS as i64,
    3 * HOUR_MS as i64,
    3 * HOUR_MS as i64,
    9 * HOUR_MS as i64,
    9 * HOUR_MS as i64,
    9 * HOUR_MS as i64,
    DAY_MS as i64,
    DAY_MS as i64,
    3 * DAY_MS as i64,
    9 * DAY_MS as i64,
    -5_000,
    31 * DAY_MS as i64,
];

fn verb(weight: u16) -> Verb {
    let mut rest = weight % total();
    for (verb, weight) in Verb::ALL {
        if rest < *weight {
            return *verb;
        }
        rest -= weight;
    }
    unreachable!("within the total")
}

fn total() -> u16 {
    Verb::ALL.iter().map(|(_, weight)| weight).sum()
}

fn ask() -> impl Strategy<Value = Ask> {
    let parts = (0..total(), any::<[u8; 8]>(), any::<u8>(), any::<u8>(), any::<u8>());
    parts.prop_map(|(weight, pick, caller, id, deadline)| Ask {
        verb: verb(weight),
        pick,
        caller,
        id,
        deadline,
    })
}

/// A history and how it starts.
pub fn history() -> impl Strategy<Value = (Start, Vec<Step>)> {
    let step = prop_oneof![
        240 => prop::collection::vec(ask(), 1..5).prop_map(Step::Entry),
        60 => prop::sample::select(SPANS.to_vec()).prop_map(Step::Wait),
        6 => any::<u8>().prop_map(Step::Focus),
        1 => any::<u8>().prop_map(Step::Flood),
    ];
    let start = (prop::bool::weighted(0.05), any::<u8>()).prop_map(|(bare, policy)| Start { bare, policy });
    (start, prop::collection::vec(step, 1..80))
}

/// Plain dice, thrown from one number: the same number throws the same.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    pub fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn start(&mut self) -> Start {
        let throw = self.throw();
        Start { bare: throw.is_multiple_of(50), policy: (throw >> 32) as u8 }
    }

    fn ask(&mut self) -> Ask {
        let pick = self.throw().to_le_bytes();
        let [caller, id, deadline, ..] = self.throw().to_le_bytes();
        Ask { verb: verb((self.throw() % u64::from(total())) as u16), pick, caller, id, deadline }
    }

    pub fn step(&mut self) -> Step {
        let throw = self.throw();
        let byte = (throw >> 32) as u8;
        match throw % 4_000 {
            0..2 => Step::Flood(byte),
            2..80 => Step::Focus(byte),
            80..480 => Step::Wait(SPANS[usize::from(byte) % SPANS.len()]),
            480..3_600 => Step::Entry(vec![self.ask()]),
            _ => Step::Entry((0..2 + byte % 4).map(|_| self.ask()).collect()),
        }
    }
}
