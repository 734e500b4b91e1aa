//! How fast the contract decides: µs of processor time per transaction, on a state in memory.
//!
//! `cargo run --release -p ledger --example rate [PERSONS] [ENTRIES] [BATCH] [WAY]`
//!
//! Each way of paying runs on a fresh state, one verb an entry, until every payment is refunded again: so every entry
//! of a verb does the same work. Then a mix, as a province would see it: of a hundred transactions 90 are settlements
//! anywhere, 5 refunds, 5 quotas raised. Time is given apart for deciding (`apply`) and for taking the changes into
//! the map with its digest (`absorb`); rows and bytes are those that a transaction changes, keys included.
#![allow(clippy::disallowed_types)] // a measurement divides

use ledger::command::{
    Credential, CredentialKind, Expiry, InstitutionKind, Insurance, Kinship, KinshipScope, Policy, Spend,
};
use ledger::{
    Area, At, Call, Caller, Event, Fen, HoldId, Institution, MapState, MedType, Outcome, PaymentId, Person,
    Position, RelationId, RequestId, Stamp, Transaction, apply, audit, codec,
};
use rustix::time::{ClockId, clock_gettime};
use std::collections::BTreeMap;

const CITIES: [u32; 4] = [320500, 410100, 340100, 440300];
const SHOPS: u64 = 2_000;
const BEGIN: u64 = 1_772_323_200_000;
const QUOTA: u64 = 500_000;

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

/// What entries of one kind took.
#[derive(Default)]
struct Took {
    transactions: usize,
    /// Nanoseconds per entry.
    deciding: Vec<u64>,
    absorbing: Vec<u64>,
    rows: usize,
    bytes: usize,
}

struct Bench {
    state: MapState,
    dice: Dice,
    index: u64,
    requests: u64,
    stamp: u64,
    took: BTreeMap<&'static str, Took>,
}

impl Bench {
    fn new() -> Bench {
        let (state, dice) = (MapState::new(), Dice(0x5eed));
        Bench { state, dice, index: 0, requests: 0, stamp: BEGIN, took: BTreeMap::new() }
    }

    fn ask(&mut self, (caller, call): (Caller, Call)) -> Transaction {
        self.requests += 1;
        let mut request = RequestId::earliest_at(self.stamp);
        request.0[6..8].copy_from_slice(&(self.dice.below(1 << 16) as u16).to_be_bytes());
        request.0[8..].copy_from_slice(&self.requests.to_be_bytes());
        Transaction { request, caller, not_after: None, signature: vec![], call }
    }

    fn entry(&mut self, verb: &'static str, calls: Vec<(Caller, Call)>) -> Vec<(Position, Outcome)> {
        self.index += 1;
        self.stamp += 10;
        let at = At { index: self.index, stamp: Stamp(self.stamp) };
        let asked: Vec<Transaction> = calls.into_iter().map(|call| self.ask(call)).collect();
        let took = self.took.entry(verb).or_default();
        took.transactions += asked.len();
        let start = nanos();
        let Ok(applied) = apply(&self.state, at, &asked);
        took.deciding.push(nanos() - start);
        took.rows += applied.changes.len();
        for (key, row) in &applied.changes {
            let value = row.as_ref().map_or(0, |row| codec::encode_row(row).len());
            took.bytes += codec::encode_key(key).len() + value;
        }
        let start = nanos();
        self.state.absorb(applied.changes);
        took.absorbing.push(nanos() - start);
        applied.answers.into_iter().map(|answer| (answer.position, answer.outcome)).collect()
    }

    /// One entry after another, each of so many transactions; every one must be done.
    fn all_done(&mut self, verb: &'static str, batch: usize, calls: Vec<(Caller, Call)>) -> Vec<Position> {
        let mut positions = vec![];
        for calls in calls.chunks(batch) {
            for (position, outcome) in self.entry(verb, calls.to_vec()) {
                assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
                positions.push(position);
            }
        }
        positions
    }

    fn report(&mut self, way: &str, batch: usize) {
        for (verb, mut took) in std::mem::take(&mut self.took) {
            // The median entry: what else runs on the machine meets some entries, not most.
            let micros = |times: &mut Vec<u64>| {
                times.sort();
                times[times.len() / 2] as f64 / 1e3 / batch as f64
            };
            let each = |count: usize| count as f64 / took.transactions as f64;
            println!(
                "{way:<22} {verb:<9} {:>7} {:7.3} {:7.3} {:6.2} {:7.1}",
                took.transactions,
                micros(&mut took.deciding),
                micros(&mut took.absorbing),
                each(took.rows),
                each(took.bytes),
            );
        }
    }
}

/// Processor time of this thread: what else runs is not counted.
fn nanos() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
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
    let number = number % SHOPS;
    let code = CITIES[(number % 4) as usize];
    Institution::new(&format!("H{code}{number:05}")).expect("an institution")
}

fn fen(amount: u64) -> Fen {
    Fen::new(amount).expect("an amount")
}

/// A way of paying. Person n lives in city n % 4 and gets from n + `far`, for each of `donors`.
struct Way {
    name: &'static str,
    donors: &'static [u64],
    amount: u64,
    own: bool,
    /// Authorised, then confirmed.
    held: bool,
    /// How many cities further the institution lies.
    away: u64,
}

const WAYS: &[Way] = &[
    Way { name: "own account", donors: &[], amount: 100, own: true, held: false, away: 0 },
    Way { name: "donor, same area", donors: &[4], amount: 100, own: false, held: false, away: 0 },
    Way { name: "donor, cross-province", donors: &[1], amount: 100, own: false, held: false, away: 0 },
    Way {
        name: "two donors, elsewhere",
        donors: &[1, 2],
        amount: QUOTA + 1,
        own: false,
        held: false,
        away: 3,
    },
    Way { name: "donor, held", donors: &[4], amount: 100, own: false, held: true, away: 0 },
    Way { name: "two donors, held", donors: &[1, 2], amount: QUOTA + 1, own: false, held: true, away: 3 },
];

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |place: usize, or: u64| args.get(place).map_or(or, |arg| arg.parse().expect("a number"));
    let (persons, entries, batch) = (number(0, 20_000), number(1, 100), number(2, 1_000));
    let chosen = |name: &str| args.get(3).is_none_or(|way| name.starts_with(way.as_str()));
    assert!(batch <= persons, "nobody pays twice in an entry");
    println!(
        "{:<40} {:>7} {:>7} {:>6} {:>7}",
        "entries of transactions", "decide", "absorb", "rows", "bytes"
    );
    for way in WAYS.iter().filter(|way| chosen(way.name)) {
        let mut bench = Bench::new();
        world(&mut bench, persons, way.donors);
        bench.took.clear();
        there_and_back(&mut bench, way, persons, entries, batch);
        bench.report(way.name, batch as usize);
    }
    if chosen("mix") {
        let mut bench = Bench::new();
        let relations = world(&mut bench, persons, &[1, 4]);
        spend_own(&mut bench, persons);
        bench.took.clear();
        mix(&mut bench, &relations, persons, entries, batch);
        bench.report("mix", batch as usize);
        let start = nanos();
        let Ok(audit) = audit(&bench.state, Some(bench.state.digest()));
        assert!(audit.is_clean(), "{audit}");
        println!("audit of {} rows clean, in {:.2} s", bench.state.len(), (nanos() - start) as f64 / 1e9);
    }
}

fn spend(beneficiary: Person, institution: Institution, amount: u64, own: bool) -> Spend {
    Spend {
        beneficiary,
        credential: Credential { kind: CredentialKind::ElectronicCode, holder: beneficiary },
        institution,
        med_type: MedType::OUTPATIENT,
        amount: fen(amount),
        use_own_account: own,
        all_or_nothing: false,
    }
}

/// An entry of payments, and an entry that refunds them all.
fn there_and_back(bench: &mut Bench, way: &Way, persons: u64, entries: u64, batch: u64) {
    for _ in 0..entries {
        let first = bench.dice.below(persons);
        let payers = (first..first + batch).map(|number| number % persons);
        let shops: Vec<Institution> =
            payers.clone().map(|n| shop(n % 4 + way.away + 4 * bench.dice.below(SHOPS / 4))).collect();
        let spends = payers.zip(&shops).map(|(n, shop)| spend(person(n), *shop, way.amount, way.own));
        let at = |institution: &Institution| Caller::Institution(*institution);
        let batch = batch as usize;
        let paid = if way.held {
            let calls = spends.zip(&shops).map(|(spend, shop)| (at(shop), Call::AuthoriseSpend(spend)));
            let held = bench.all_done("authorise", batch, calls.collect());
            let confirmed = |(hold, shop): (Position, &Institution)| {
                (at(shop), Call::ConfirmSpend { hold: HoldId(hold), amount: None })
            };
            bench.all_done("confirm", batch, held.into_iter().zip(&shops).map(confirmed).collect())
        } else {
            let calls = spends.zip(&shops).map(|(spend, shop)| (at(shop), Call::Settle(spend)));
            bench.all_done("settle", batch, calls.collect())
        };
        let refunded = |(payment, shop): (Position, &Institution)| {
            (at(shop), Call::Refund { payment: PaymentId(payment), amount: None })
        };
        bench.all_done("refund", batch, paid.into_iter().zip(&shops).map(refunded).collect());
    }
}

fn mix(bench: &mut Bench, relations: &[(Person, RelationId)], persons: u64, entries: u64, batch: u64) {
    let mut payments: Vec<(Institution, PaymentId)> = vec![];
    for _ in 0..entries {
        let mut calls = vec![];
        for _ in 0..batch {
            let who = bench.dice.below(persons);
            calls.push(match bench.dice.below(100) {
                0..5 if !payments.is_empty() => {
                    let at = bench.dice.below(payments.len() as u64) as usize;
                    let (institution, payment) = payments.swap_remove(at);
                    (Caller::Institution(institution), Call::Refund { payment, amount: None })
                }
                5..10 => {
                    let (donor, relation) = relations[bench.dice.below(relations.len() as u64) as usize];
                    (Caller::Person(donor), quota(relation, 1_000))
                }
                _ => {
                    let institution = shop(bench.dice.below(SHOPS));
                    let spend = spend(person(who), institution, 100 + bench.dice.below(20_000), true);
                    (Caller::Institution(institution), Call::Settle(spend))
                }
            });
        }
        for ((_, outcome), (caller, _)) in bench.entry("all", calls.clone()).into_iter().zip(calls) {
            if let (Outcome::Done(events), Caller::Institution(institution)) = (outcome, caller) {
                let settled = events.into_iter().find_map(|event| match event {
                    Event::Settled { payment, .. } => Some((institution, payment)),
                    _ => None,
                });
                payments.extend(settled);
            }
        }
    }
}

fn quota(relation: RelationId, amount: u64) -> Call {
    Call::SetQuota { relation, amount: fen(amount), expiry: Expiry::Keep }
}

/// Everyone has money, and donors: person n gets from n + `far` for each of these.
fn world(bench: &mut Bench, persons: u64, donors: &[u64]) -> Vec<(Person, RelationId)> {
    let mut calls = vec![(Caller::National, Call::Genesis { cluster: [1; 16], policy: Policy::default() })];
    for number in 0..4 {
        let area = city(number);
        let (province, kinship) = (area.province(), KinshipScope::Wide);
        calls.push((Caller::National, Call::RegisterProvince { province, kinship, effective: None }));
        calls.push((Caller::National, Call::RegisterArea { area }));
        let from = Stamp(bench.stamp + 10);
        calls.push((Caller::National, Call::SetAreaOpen { area, from, until: None }));
    }
    for number in 0..SHOPS {
        let (institution, area) = (shop(number), city(number));
        let kind = InstitutionKind::Hospital;
        let call = Call::RegisterInstitution { institution, kind, area, wallet_open: true };
        calls.push((Caller::Province(area.province()), call));
    }
    for number in 0..persons {
        let (person, area) = (person(number), city(number));
        let (agency, insurance) = (Caller::Agency(area), Insurance::Employee);
        calls.push((agency, Call::EnrolPerson { person, insurance, area, retired: false }));
        calls.push((Caller::Person(person), Call::ActivateWallet { person }));
        let amount = fen(if number % 2 == 0 { 10_000_000 } else { 2_000_000 });
        let period = Stamp(bench.stamp).month();
        calls.push((agency, Call::CreditAccount { person, amount, period }));
    }
    bench.all_done("begin", 1_000, calls);
    let pairs: Vec<(Person, Person)> = (0..persons)
        .flat_map(|n| donors.iter().map(move |far| (person((n + far) % persons), person(n))))
        .collect();
    let propose = |&(donor, beneficiary): &(Person, Person)| {
        let call = Call::ProposeRelation { donor, beneficiary, kinship: Kinship::Sibling };
        (Caller::Person(donor), call)
    };
    let proposed = bench.all_done("begin", 1_000, pairs.iter().map(propose).collect());
    let mut calls = vec![];
    let mut relations = vec![];
    for ((donor, beneficiary), position) in pairs.into_iter().zip(proposed) {
        let relation = RelationId(position);
        calls.push((Caller::Person(beneficiary), Call::AcceptRelation { relation }));
        calls.push((Caller::Person(donor), quota(relation, QUOTA)));
        relations.push((donor, relation));
    }
    bench.all_done("begin", 1_000, calls);
    relations
}

/// Half of the people spend their own account first, so that donors are needed.
fn spend_own(bench: &mut Bench, persons: u64) {
    let calls = (0..persons).map(|number| {
        let institution = shop(number);
        let amount = if number % 2 == 0 { 1 } else { 1_000_000 };
        (Caller::Institution(institution), Call::Settle(spend(person(number), institution, amount, true)))
    });
    bench.all_done("begin", 1_000, calls.collect());
}
