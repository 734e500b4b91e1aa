//! Measures, not judges: `cargo test --release -p node state::tests::speed -- --ignored --nocapture`.
//! `PERSONS`, `BATCH` and `SECONDS` in the environment change the size.

use super::*;
use ledger::Sum;
use ledger::command::Kinship;
use std::time::Instant;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) / 1024
}

fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |place: usize| fields.get(place).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}

fn account(available: u64) -> Option<Account> {
    let available = Fen::new(available).expect("small");
    Some(Account { reserved: available, ..account_record(available) })
}

fn enrolled(number: u64) -> (Key, Option<Arc<Row>>) {
    let donors = vec![relation(number + 1, 0)];
    let row = PersonRecord { account: account(number), donors, ..insured(true) };
    (Key::Person { person: person(number) }, Some(Arc::new(Row::Person(row))))
}

fn related(number: u64, used: u64) -> (Key, Option<Arc<Row>>) {
    let fen = |fen| Fen::new(fen).expect("small");
    let row = RelationRecord {
        donor: person(number),
        beneficiary: person(number + 1),
        kinship: Kinship::Parent,
        state: RelationState::Active,
        sequence: number,
        limit: fen(1_000_000 + used),
        used: fen(used),
        unused: fen(1_000_000),
        held: Fen::ZERO,
        expires: None,
        offers: Vec::new(),
        raised: None,
    };
    (Key::Relation { relation: relation(number + 1, 0) }, Some(Arc::new(Row::Relation(row))))
}

/// What a settlement from a relative's quota changes: both persons, the relation, the payment, the answer, one obligation.
fn settled(rng: &mut SmallRng, index: u64, place: u16, persons: u64, changes: &mut Changes) {
    let donor = rng.random_range(0..persons - 1);
    let stamp = 1_700_000_000_000 + index * 10;
    let fen = Fen::new(rng.random_range(1..100_000)).expect("small");
    for number in [donor, donor + 1] {
        let (key, row) = enrolled(number);
        let Some(Row::Person(mut record)) = row.as_deref().cloned() else { unreachable!("a person") };
        record.account = account(index * 1000 + u64::from(place));
        changes.insert(key, Some(Arc::new(Row::Person(record))));
    }
    let (key, row) = related(donor, index);
    changes.insert(key, row);
    let payment = PaymentId(Position { index, place });
    let record = payment_record(person(donor + 1), relation(donor + 1, 0), person(donor), fen, Stamp(stamp));
    changes.insert(Key::Payment { payment }, Some(Arc::new(Row::Payment(record))));
    let mut id = [0; 16];
    id[..6].copy_from_slice(&(stamp + rng.random_range(0..30)).to_be_bytes()[2..]);
    rng.fill(&mut id[6..]);
    let outcome = Outcome::Done(vec![ledger::Event::Settled {
        payment,
        hold: None,
        premium: None,
        own: Fen::ZERO,
        legs: vec![ledger::decision::LegPaid { relation: relation(donor + 1, 0), amount: fen, unused: fen }],
        cash: Fen::ZERO,
        skipped: Vec::new(),
    }]);
    let row =
        Row::Request(RequestRecord { fingerprint: [3; 16], position: Position { index, place }, outcome });
    let caller = Caller::Institution(Institution::new("H41010000001").expect("a hospital"));
    changes.insert(Key::Request { request: RequestId(id), caller }, Some(Arc::new(row)));
    let month = Stamp(stamp).month();
    let payee = Area::new(410_100 + rng.random_range(0..16) * 100).expect("Henan");
    let key = Key::Obligation { month, payer: area(), payee, usage: Use::Institution };
    let row = Row::Obligation(ObligationRecord { charged: Sum::default(), refunded: Sum::default() });
    changes.insert(key, Some(Arc::new(row)));
}

#[test]
#[ignore = "a measurement"]
fn speed() {
    let (persons, batch, seconds) = (number("PERSONS", 200_000), number("BATCH", 1000), number("SECONDS", 6));
    let root = folder();
    let parts: Arc<Mutex<(f64, BTreeMap<&'static str, f64>)>> = Arc::default();
    let told = parts.clone();
    let steps = Steps::new(move |step| {
        if step == "snapshot record" {
            return;
        }
        let (mut told, now) = (told.lock(), cpu_seconds());
        let spent = now - told.0;
        *told.1.entry(step).or_default() += spent;
        told.0 = now;
    });
    let settings = StateSettings {
        checkpoint_changes: usize::MAX,
        checkpoint_bytes: usize::MAX,
        steps,
        ..StateSettings::default()
    };
    let state = State::open(root.path(), settings.clone()).expect("open");
    let mut index = 0;
    let mut rng = SmallRng::seed_from_u64(1);
    let mut absorb = |changes: Changes, batch: &[u8], answers: &[Answer]| {
        index += 1;
        let log = LogMark { term: 1, node: 1, index };
        let journal = Some(JournalEntry { stamp: index * 10, batch, answers });
        let begun = Instant::now();
        state.absorb(Entry { log, membership: None, changes, journal }).expect("absorb");
        begun.elapsed()
    };
    let begun = Instant::now();
    for start in (0..persons).step_by(1000) {
        let some = start..(start + 1000).min(persons);
        let mut changes: Changes = some.clone().map(enrolled).collect();
        changes.extend(some.map(|number| related(number, 0)));
        absorb(changes, b"", &[]);
    }
    println!(
        "load: {persons} persons and relations in {:.2?}, resident {} MiB",
        begun.elapsed(),
        resident_mib()
    );
    let begun = Instant::now();
    state.checkpoint().expect("checkpoint");
    let pages = state.sizes().store_pages;
    println!(
        "first checkpoint: {:.2?}, {pages} pages, {} MiB of sled, resident {} MiB",
        begun.elapsed(),
        state.sizes().store_bytes >> 20,
        resident_mib()
    );
    for round in 0..4 {
        let (mut spent, mut done, mut keys, cpu, wall) =
            (Duration::ZERO, 0, 0, cpu_seconds(), Instant::now());
        while wall.elapsed().as_secs() < seconds / 2 && done < 120_000 {
            let mut changes = Changes::new();
            let at = persons.div_ceil(1000) + round * 1_000_000 + done / batch + 1;
            (0..batch).for_each(|place| settled(&mut rng, at, place as u16, persons, &mut changes));
            let bytes: Vec<u8> =
                (0..batch * 140).map(|n| if n % 4 == 0 { rng.random() } else { (n % 140) as u8 }).collect();
            let answers: Vec<Answer> = changes
                .iter()
                .filter_map(|(_, row)| row.as_ref())
                .filter_map(|row| match &**row {
                    Row::Request(r) => {
                        Some(Answer { position: r.position, outcome: r.outcome.clone(), repeated: false })
                    }
                    _ => None,
                })
                .collect();
            keys += changes.len();
            spent += absorb(changes, &bytes, &answers);
            done += batch;
        }
        let pending = state.sizes().changes_pending;
        println!(
            "absorb: {done} settlements in entries of {batch}, {keys} keys: {:.2} us each, {:.2} us a key; {pending} pending; process CPU {:.2} us each; resident {} MiB",
            spent.as_secs_f64() * 1e6 / done as f64,
            spent.as_secs_f64() * 1e6 / keys as f64,
            (cpu_seconds() - cpu) * 1e6 / done as f64,
            resident_mib()
        );
        let (begun, cpu) = (Instant::now(), cpu_seconds());
        *parts.lock() = (cpu, BTreeMap::new());
        state.checkpoint().expect("checkpoint");
        println!("CPU up to each step: {:.2?}", parts.lock().1);
        println!(
            "checkpoint of {pending}: {:.2?}, {:.2} s CPU, {:.2} us CPU per settlement; {} pages, {} MiB of sled, {} MiB of journal, resident {} MiB",
            begun.elapsed(),
            cpu_seconds() - cpu,
            (cpu_seconds() - cpu) * 1e6 / done as f64,
            state.sizes().store_pages,
            state.sizes().store_bytes >> 20,
            state.sizes().journal_bytes >> 20,
            resident_mib()
        );
    }
    let reader = state.reader();
    for (what, span) in [("any person", persons), ("one of 20000, again", 20_000)] {
        for _ in 0..2 {
            let begun = Instant::now();
            for _ in 0..50_000 {
                let key = Key::Person { person: person(rng.random_range(0..span)) };
                reader.get(&key).expect("read");
            }
            println!("read {what}: {:.2} us", begun.elapsed().as_secs_f64() * 1e6 / 50_000.0);
        }
    }
    drop(reader);
    *parts.lock() = (cpu_seconds(), BTreeMap::new());
    let begun = Instant::now();
    let built = state.build_snapshot().expect("snapshot");
    println!("snapshot: {:.2?}, {} MiB, resident {} MiB", begun.elapsed(), built.bytes >> 20, resident_mib());
    let begun = Instant::now();
    let check = state.check().expect("check");
    println!("check of {} rows: {:.2?}, holds: {}", check.rows, begun.elapsed(), check.holds());
    let other = folder();
    let behind = State::open(other.path(), settings.clone()).expect("open");
    let part = behind.receive_path(&built.id);
    std::fs::copy(&built.path, &part).expect("received");
    let begun = Instant::now();
    behind.install_snapshot(&part).expect("install");
    println!("install: {:.2?}, {} MiB of sled", begun.elapsed(), behind.sizes().store_bytes >> 20);
    state.close();
    drop((state, behind));
    let again = folder();
    copy_dir(root.path(), again.path());
    let begun = Instant::now();
    let state = State::open(again.path(), settings).expect("open");
    println!("open: {:.2?}, resident {} MiB", begun.elapsed(), resident_mib());
    assert_eq!(state.recovery_notes(), Vec::<String>::new());
}
