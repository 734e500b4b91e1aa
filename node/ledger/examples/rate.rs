//! How fast the contract decides: µs per transaction of a mix of settlements, on a state in memory.
//!
//! `cargo run --release -p ledger --example rate [PERSONS] [ENTRIES] [BATCH]`
//!
//! Half of the beneficiaries have an account of their own; everyone has two donors, of whom one lives in
//! another province. Of a hundred transactions 90 are settlements, 5 refunds, 5 quotas raised. Time is
//! given apart for deciding (`apply`) and for taking the changes into the map with its digest (`absorb`).
#![allow(clippy::disallowed_types)] // a measurement asks the clock and divides

use ledger::command::{InstitutionKind, Insurance, Kinship, KinshipScope, Policy};
use ledger::{
    Area, At, Call, Caller, Fen, Institution, MapState, Outcome, PaymentId, Person, Position, Province,
    RelationId, RequestId, Stamp, Transaction, apply, audit,
};
use std::time::{Duration, Instant};

const CITIES: [u32; 4] = [320500, 410100, 340100, 440300];
const BEGIN: u64 = 1_772_323_200_000;

/// A small random number generator: the same run every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

struct Bench {
    state: MapState,
    dice: Dice,
    index: u64,
    requests: u64,
    stamp: u64,
    deciding: Vec<Duration>,
    absorbing: Vec<Duration>,
    changed: usize,
}

impl Bench {
    fn ask(&mut self, caller: Caller, call: Call) -> Transaction {
        self.requests += 1;
        let mut request = RequestId::earliest_at(self.stamp);
        request.0[6..8].copy_from_slice(&(self.dice.below(1 << 16) as u16).to_be_bytes());
        request.0[8..].copy_from_slice(&self.requests.to_be_bytes());
        Transaction { request, caller, not_after: None, signature: vec![], call }
    }

    fn entry(&mut self, transactions: &[Transaction]) -> (u64, Vec<Outcome>) {
        self.index += 1;
        self.stamp += 10;
        let at = At { index: self.index, stamp: Stamp(self.stamp) };
        let start = Instant::now();
        let Ok(applied) = apply(&self.state, at, transactions);
        self.deciding.push(start.elapsed());
        self.changed += applied.changes.len();
        let start = Instant::now();
        self.state.absorb(applied.changes);
        self.absorbing.push(start.elapsed());
        (self.index, applied.answers.into_iter().map(|answer| answer.outcome).collect())
    }

    fn all_done(&mut self, calls: Vec<(Caller, Call)>) -> Vec<Position> {
        let mut positions = vec![];
        for calls in calls.chunks(1_000) {
            let asked: Vec<_> = calls.iter().map(|(caller, call)| self.ask(*caller, call.clone())).collect();
            let (index, outcomes) = self.entry(&asked);
            for (place, outcome) in outcomes.into_iter().enumerate() {
                assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
                positions.push(Position { index, place: place as u16 });
            }
        }
        positions
    }
}

fn person(number: u64) -> Person {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    id[8..].copy_from_slice(&number.to_be_bytes());
    Person(id)
}

fn city(number: u64) -> Area {
    Area::new(CITIES[(number % 4) as usize]).expect("an area")
}

fn shop(number: u64) -> Institution {
    let code = CITIES[(number % 4) as usize];
    Institution::new(&format!("H{code}{:05}", number % 10_000)).expect("an institution")
}

fn main() {
    let mut args = std::env::args().skip(1).map(|arg| arg.parse::<u64>().expect("a number"));
    let persons = args.next().unwrap_or(20_000);
    let entries = args.next().unwrap_or(300);
    let batch = args.next().unwrap_or(1_000);
    let mut bench = Bench {
        state: MapState::new(),
        dice: Dice(0x5eed),
        index: 0,
        requests: 0,
        stamp: BEGIN,
        deciding: vec![],
        absorbing: vec![],
        changed: 0,
    };
    let relations = world(&mut bench, persons);
    (bench.deciding, bench.absorbing, bench.changed) = (vec![], vec![], 0);
    let mut payments: Vec<(Institution, PaymentId)> = vec![];
    let mut refused = 0;
    for _ in 0..entries {
        let mut asked = vec![];
        for _ in 0..batch {
            let who = bench.dice.below(persons);
            let (caller, call) = match bench.dice.below(100) {
                0..5 if !payments.is_empty() => {
                    let at = bench.dice.below(payments.len() as u64) as usize;
                    let (institution, payment) = payments.swap_remove(at);
                    (Caller::Institution(institution), Call::Refund { payment, amount: None })
                }
                5..10 => {
                    let (donor, relation) = relations[bench.dice.below(relations.len() as u64) as usize];
                    (Caller::Person(donor), Call::SetQuota { relation, amount: fen(1_000) })
                }
                _ => {
                    let institution = shop(bench.dice.below(2_000));
                    let call = Call::Settle {
                        beneficiary: person(who),
                        institution,
                        amount: fen(100 + bench.dice.below(20_000)),
                        use_own_account: true,
                        all_or_nothing: false,
                    };
                    (Caller::Institution(institution), call)
                }
            };
            asked.push(bench.ask(caller, call));
        }
        let (index, outcomes) = bench.entry(&asked);
        for (place, (outcome, asked)) in outcomes.iter().zip(&asked).enumerate() {
            match (outcome, &asked.call) {
                (Outcome::Done(_), Call::Settle { institution, .. }) => {
                    payments.push((*institution, PaymentId(Position { index, place: place as u16 })));
                }
                (Outcome::Done(_), _) => {}
                (Outcome::Refused(_), _) => refused += 1,
            }
        }
    }
    let transactions = (entries * batch) as f64;
    // The median entry: what else runs on the machine meets some entries, not most.
    let micros = |times: &mut Vec<Duration>| {
        times.sort();
        times[times.len() / 2].as_secs_f64() * 1e6 / batch as f64
    };
    println!(
        "{transactions} transactions in entries of {batch}, {} rows, {refused} refused, {:.2} rows changed each",
        bench.state.len(),
        bench.changed as f64 / transactions
    );
    println!(
        "decide {:.2} µs, absorb with digest {:.2} µs",
        micros(&mut bench.deciding),
        micros(&mut bench.absorbing)
    );
    let start = Instant::now();
    let Ok(audit) = audit(&bench.state, Some(bench.state.digest()));
    assert!(audit.is_clean(), "{audit}");
    println!("audit clean, in {:.2} s", start.elapsed().as_secs_f64());
}

fn fen(amount: u64) -> Fen {
    Fen::new(amount).expect("an amount")
}

/// Everyone but the residents has money; person n gets from n + 1 and n + 4 (who live elsewhere and in
/// the same city).
fn world(bench: &mut Bench, persons: u64) -> Vec<(Person, RelationId)> {
    let mut calls = vec![(Caller::National, Call::Genesis { cluster: [1; 16], policy: Policy::default() })];
    for number in 0..4 {
        let area = city(number);
        let province: Province = area.province();
        calls.push((Caller::National, Call::RegisterProvince { province, kinship: KinshipScope::Wide }));
        calls.push((Caller::National, Call::RegisterArea { area }));
        let from = Stamp(bench.stamp + 10);
        calls.push((Caller::National, Call::SetAreaOpen { area, from, until: None }));
    }
    for number in 0..2_000 {
        let (institution, area) = (shop(number), city(number));
        let kind = InstitutionKind::Hospital;
        let call = Call::RegisterInstitution { institution, kind, area, wallet_open: true };
        calls.push((Caller::Province(area.province()), call));
    }
    bench.all_done(calls.drain(..13).collect());
    bench.all_done(calls);
    let mut calls = vec![];
    for number in 0..persons {
        let (person, area) = (person(number), city(number));
        let insurance = Insurance::Employee;
        calls.push((Caller::Agency(area), Call::EnrolPerson { person, insurance, area }));
        calls.push((Caller::Person(person), Call::ActivateWallet { person }));
        let amount = fen(if number % 2 == 0 { 10_000_000 } else { 2_000_000 });
        let period = Stamp(bench.stamp).month();
        calls.push((Caller::Agency(area), Call::CreditAccount { person, amount, period }));
    }
    bench.all_done(calls);
    let pairs: Vec<(Person, Person)> =
        (0..persons).flat_map(|n| [1, 4].map(|far| (person((n + far) % persons), person(n)))).collect();
    let propose = |(donor, beneficiary): &(Person, Person)| {
        let call =
            Call::ProposeRelation { donor: *donor, beneficiary: *beneficiary, kinship: Kinship::Sibling };
        (Caller::Person(*donor), call)
    };
    let proposed = bench.all_done(pairs.iter().map(propose).collect());
    let mut calls = vec![];
    let mut relations = vec![];
    for ((donor, beneficiary), position) in pairs.into_iter().zip(proposed) {
        let relation = RelationId(position);
        calls.push((Caller::Person(beneficiary), Call::AcceptRelation { relation }));
        calls.push((Caller::Person(donor), Call::SetQuota { relation, amount: fen(500_000) }));
        relations.push((donor, relation));
    }
    bench.all_done(calls);
    // Half of the people spend their own account first, so that donors are needed.
    let mut calls = vec![];
    for number in 0..persons {
        let institution = shop(number % 2_000);
        let call = Call::Settle {
            beneficiary: person(number),
            institution,
            amount: fen(if number % 2 == 0 { 1 } else { 1_000_000 }),
            use_own_account: true,
            all_or_nothing: false,
        };
        calls.push((Caller::Institution(institution), call));
    }
    bench.all_done(calls);
    relations
}
