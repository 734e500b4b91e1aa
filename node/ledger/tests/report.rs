//! The report of January to October 2024 as it was published (domain.md 1.10), made again by a ledger: some 28,000
//! payments go through the contract, and the report over them, scaled up, rounds to every published figure.
//!
//! The figures published leave open how uses, scopes, months and provinces go together; the tables below are one way in
//! which they do. No province but those named for their rank is needed.

use ledger::command::{
    Credential, CredentialKind, Expiry, InstitutionKind, Insurance, Kinship, KinshipScope, Premium, Spend,
};
use ledger::statistics::{Figure, Report, report};
use ledger::{
    Area, At, Call, Caller, Fen, Institution, MapState, MedType, Month, Outcome, Person, Policy, Position,
    Province, RelationId, RequestId, Transaction, audit,
};
use serde_json::Value;

/// Hundredths of 亿元 by use (institution, pharmacy, premium, other): in the own area, and across areas of the province.
type Amounts = [[u64; 2]; 4];

const UNTIL_SEPTEMBER: Amounts = [[24_321, 2_943], [1_100, 66], [1_503, 200], [260, 64]];
const OCTOBER: Amounts = [[3_000, 400], [200, 50], [2_551, 200], [40, 10]];
/// Fen in 0.01 亿元.
const GRAIN: u64 = 100_000_000;

/// Provinces with their parts of the counts and of the amounts, in percent.
const PROVINCES: [(u8, u64, u64); 7] =
    [(33, 25, 25), (32, 20, 20), (44, 16, 16), (11, 12, 12), (31, 10, 9), (51, 9, 10), (37, 8, 8)];

/// 人次 published: by scope, and the growth in October.
const SAME_AREA: u64 = 263_000_000;
const IN_PROVINCE: u64 = 19_762_900;
const GROWTH: u64 = 37_000_000;

/// The factor nearest to 10,000 of which some multiple rounds to the one count that is published to the hundred, 1976.29
/// 万. All other figures are so coarse that any factor of this size can meet them.
fn factor() -> u64 {
    let rounds = |factor: &u64| {
        let count = (IN_PROVINCE + factor / 2) / factor;
        (count * factor).abs_diff(IN_PROVINCE) < 50
    };
    (0..5_000).flat_map(|step| [10_000 - step, 10_000 + step]).find(rounds).expect("a factor")
}

/// A whole in parts by percent; what does not divide goes to the first.
fn shares(whole: u64, percents: impl Iterator<Item = u64>) -> Vec<u64> {
    let mut parts: Vec<u64> = percents.map(|percent| whole * percent / 100).collect();
    parts[0] += whole - parts.iter().sum::<u64>();
    parts
}

struct Ledger {
    state: MapState,
    index: u64,
    requests: u64,
}

impl Ledger {
    /// One entry in the middle of a month; nothing is refused.
    fn entry(&mut self, month: Month, calls: Vec<(Caller, Call)>) -> Vec<Position> {
        self.index += 1;
        let stamp = month.start().plus_ms(15 * ledger::stamp::DAY_MS + self.index);
        let transactions: Vec<Transaction> = calls
            .into_iter()
            .map(|(caller, call)| {
                self.requests += 1;
                let mut request = RequestId::earliest_at(stamp.0);
                request.0[8..].copy_from_slice(&self.requests.to_be_bytes());
                Transaction { request, caller, not_after: None, signature: vec![], call }
            })
            .collect();
        let answers = self.state.apply(At { index: self.index, stamp }, &transactions);
        for (answer, asked) in answers.iter().zip(&transactions) {
            assert!(matches!(answer.outcome, Outcome::Done(_)), "{asked:?}: {:?}", answer.outcome);
        }
        answers.into_iter().map(|answer| answer.position).collect()
    }
}

fn month(month: u8) -> Month {
    Month::new(2024, month).expect("a month")
}

/// The area of a province where donors live, or another one of it.
fn area(province: u8, elsewhere: bool) -> Area {
    Area::new(u32::from(province) * 10_000 + if elsewhere { 200 } else { 100 }).expect("an area")
}

fn shop(province: u8, letter: char) -> Institution {
    Institution::new(&format!("{letter}{province}010000001")).expect("a code")
}

/// The donor of a province, or the beneficiary in the donor's area or elsewhere in the province.
fn person(province: u8, role: u8) -> Person {
    let mut id = [0; 16];
    (id[0], id[15]) = (province, role);
    Person(id)
}

const DONOR: u8 = 9;

/// A donor in each province with money enough, and two relatives: one in the same area, one in another.
fn begin() -> Ledger {
    let mut ledger = Ledger { state: MapState::new(), index: 0, requests: 0 };
    let national = |call| (Caller::National, call);
    let january = month(1);
    ledger.entry(january, vec![national(Call::Genesis { cluster: [1; 16], policy: Policy::default() })]);
    let plenty = Fen::new(1_000_000_000_000).expect("an amount");
    for (code, ..) in PROVINCES {
        let province = Province::new(code).expect("a province");
        let donor = person(code, DONOR);
        let mut calls =
            vec![national(Call::RegisterProvince { province, kinship: KinshipScope::Wide, effective: None })];
        calls.extend(
            [false, true].map(|elsewhere| national(Call::RegisterArea { area: area(code, elsewhere) })),
        );
        for (kind, letter) in [(InstitutionKind::Hospital, 'H'), (InstitutionKind::Pharmacy, 'P')] {
            let (institution, area) = (shop(code, letter), area(code, false));
            let call = Call::RegisterInstitution { institution, kind, area, wallet_open: true };
            calls.push((Caller::Province(province), call));
        }
        let people = [(DONOR, Insurance::Employee), (0, Insurance::Resident), (1, Insurance::Resident)];
        for (role, insurance) in people {
            let (person, area) = (person(code, role), area(code, role == 1));
            calls.push((Caller::Agency(area), Call::EnrolPerson { person, insurance, area, retired: false }));
            calls.push((Caller::Person(person), Call::ActivateWallet { person }));
        }
        let credit = Call::CreditAccount { person: donor, amount: plenty, period: january };
        calls.push((Caller::Agency(area(code, false)), credit));
        ledger.entry(january, calls);
        for role in [0, 1] {
            let beneficiary = person(code, role);
            let propose = Call::ProposeRelation { donor, beneficiary, kinship: Kinship::Parent };
            let relation = RelationId(ledger.entry(january, vec![(Caller::Person(donor), propose)])[0]);
            let amount = Fen::new(plenty.get() / 2).expect("an amount");
            let quota = Call::SetQuota { relation, amount, expiry: Expiry::Keep };
            let accept = (Caller::Person(beneficiary), Call::AcceptRelation { relation });
            ledger.entry(january, vec![accept, (Caller::Person(donor), quota)]);
        }
    }
    ledger
}

/// What a relative pays: a personal share, or a premium of the year that fits the months.
fn payment(province: u8, role: u8, usage: usize, amount: u64, october: bool) -> (Caller, Call) {
    let (beneficiary, amount) = (person(province, role), Fen::new(amount).expect("an amount"));
    let (letter, med_type) = match usage {
        0 => ('H', MedType::OUTPATIENT),
        1 => ('P', MedType::PHARMACY),
        2 => {
            let call = Call::PayPremium {
                beneficiary,
                premium: Premium::Resident,
                year: if october { 2025 } else { 2024 },
                amount,
                use_own_account: true,
                all_or_nothing: true,
            };
            return (Caller::Person(beneficiary), call);
        }
        _ => ('H', MedType::new("9903").expect("a kind")),
    };
    let institution = shop(province, letter);
    let credential = Credential { kind: CredentialKind::ElectronicCode, holder: beneficiary };
    let spend = Spend {
        beneficiary,
        credential,
        institution,
        med_type,
        amount,
        use_own_account: true,
        all_or_nothing: true,
    };
    (Caller::Institution(institution), Call::Settle(spend))
}

/// All payments of some months: so many by scope, so much by use and scope, spread over provinces, then over months.
fn payments(counts: [u64; 2], amounts: Amounts, factor: u64, october: bool) -> Vec<(Caller, Call)> {
    let mut calls = Vec::new();
    for role in [0, 1] {
        let by_count = shares(counts[role], PROVINCES.iter().map(|(_, count, _)| *count));
        for (usage, by_scope) in amounts.iter().enumerate() {
            let amount = (by_scope[role] * GRAIN + factor / 2) / factor;
            let by_amount = shares(amount, PROVINCES.iter().map(|(.., amount)| *amount));
            for (place, (code, ..)) in PROVINCES.iter().enumerate() {
                // One premium each; of the rest, a tenth at pharmacies and a hundredth for other services.
                let (count, amount) = (by_count[place] - 1, by_amount[place]);
                let (pharmacy, other) = (count / 10, (count / 100).max(1));
                let count = [count - pharmacy - other, pharmacy, 1, other][usage];
                for number in 0..count {
                    let part = amount / count + u64::from(number < amount % count);
                    calls.push(payment(*code, role as u8, usage, part, october));
                }
            }
        }
    }
    calls
}

/// Applies payments, each month its share, and closes the months before.
fn pay(ledger: &mut Ledger, months: std::ops::RangeInclusive<u8>, calls: Vec<(Caller, Call)>) {
    let each = calls.len().div_ceil(months.clone().count());
    let mut calls = calls.into_iter().peekable();
    for number in months {
        let close = Call::ClosePeriod { month: month(number).previous() };
        if number > 1 {
            ledger.entry(month(number), vec![(Caller::National, close)]);
        }
        let mut due: Vec<_> = calls.by_ref().take(each).collect();
        while !due.is_empty() {
            let rest = due.split_off(due.len().min(1_000));
            ledger.entry(month(number), std::mem::replace(&mut due, rest));
        }
    }
    assert!(calls.peek().is_none(), "all are paid");
}

fn published() -> Value {
    serde_json::from_str(include_str!("data/statistics-2024-01-10.json")).expect("JSON")
}

fn number(value: &Value) -> i128 {
    value.as_i64().expect("a whole number").into()
}

#[test]
fn the_published_report_comes_out_to_the_last_digit() {
    let factor = factor();
    let scaled_down = |count: u64| (count + factor / 2) / factor;
    let (same, across, growth) = (scaled_down(SAME_AREA), scaled_down(IN_PROVINCE), scaled_down(GROWTH));
    let october_across = across / 8;
    let october = [growth - october_across, october_across];
    let before = [same - october[0], across - october[1]];

    let mut ledger = begin();
    pay(&mut ledger, 1..=9, payments(before, UNTIL_SEPTEMBER, factor, false));
    pay(&mut ledger, 10..=10, payments(october, OCTOBER, factor, true));
    let Ok(checked) = audit(&ledger.state, Some(ledger.state.digest()));
    assert!(checked.is_clean(), "{checked}");

    let Ok(made) = report(&ledger.state, month(10));
    let scaled = made.scaled(factor.try_into().expect("small"));
    as_printed(&scaled);
    as_in_the_fixture(&scaled);
    let Ok(september) = report(&ledger.state, month(9));
    assert_eq!(
        made.total.sum,
        september.total.sum + made.total.growth,
        "cumulative is what was, and the month"
    );
    let september = september.scaled(factor.try_into().expect("small")).total.sum;
    assert_eq!(
        (september.count_in_yi().to_string(), september.amount_in_yi().to_string()),
        ("2.46".into(), "304.57".into())
    );
}

/// Every figure as the page prints it.
fn as_printed(report: &Report) {
    let yi = |figure: Figure| (figure.count_in_yi().to_string(), figure.amount_in_yi().to_string());
    let printed = |count: &str, amount: &str| (count.to_string(), amount.to_string());
    let amount = |figure: Figure| figure.amount_in_yi().to_string();
    assert_eq!(yi(report.total.sum), printed("2.83", "369.08"));
    assert_eq!(yi(report.total.growth), printed("0.37", "64.51"));
    assert_eq!(yi(report.same_area.sum), printed("2.63", "329.75"));
    assert_eq!(report.in_province.sum.count_in_wan().to_string(), "1976.29");
    assert_eq!(amount(report.in_province.sum), "39.33");
    assert_eq!(report.cross_province.sum, Figure::default());
    assert_eq!(amount(report.institution.sum), "306.64");
    assert_eq!(amount(report.pharmacy.sum), "14.16");
    assert_eq!(amount(report.premium.sum), "44.54");
    assert_eq!(amount(report.premium.growth), "27.51");
    // The page leaves 3.74 unsaid: here they are services that are none of the known ones, so nothing is residual.
    assert_eq!(amount(report.other.sum), "3.74");
    assert_eq!(report.residual.sum, Figure::default());
}

/// Every figure of the fixture, rounded alike, and the order of the provinces.
fn as_in_the_fixture(report: &Report) {
    let fixture = published();
    let figure = |value: &Value| Figure { count: number(&value["count"]), fen: number(&value["fen"]) };
    let (total, scope, usage) = (&fixture["total"], &fixture["scope"], &fixture["use"]);
    let growth = figure(&fixture["growth_vs_prev"]);
    let (same, across) = (figure(&scope["same_area"]), figure(&scope["province_cross_area"]));
    for count in ["count_published", "count_sum_of_scopes"] {
        let total = Figure { count: number(&total[count]), fen: number(&total["fen"]) };
        assert_eq!(report.total.sum.count_in_yi(), total.count_in_yi());
        assert_eq!(report.total.sum.amount_in_yi(), total.amount_in_yi());
    }
    assert_eq!(report.total.growth.count_in_yi(), growth.count_in_yi());
    assert_eq!(report.total.growth.amount_in_yi(), growth.amount_in_yi());
    assert_eq!(report.same_area.sum.count_in_yi(), same.count_in_yi());
    assert_eq!(report.same_area.sum.amount_in_yi(), same.amount_in_yi());
    assert_eq!(report.in_province.sum.count_in_wan(), across.count_in_wan());
    assert_eq!(report.in_province.sum.amount_in_yi(), across.amount_in_yi());
    let uses = [
        ("institution", report.institution),
        ("pharmacy", report.pharmacy),
        ("premium", report.premium),
        ("other_residual", report.other + report.residual),
    ];
    for (name, line) in uses {
        let published = Figure { count: 0, fen: number(&usage[name]) };
        assert_eq!(line.sum.amount_in_yi(), published.amount_in_yi(), "{name}");
    }
    let codes = |provinces: &[Province]| provinces.iter().map(Province::to_string).collect::<Vec<_>>();
    let names = |list: &Value| {
        let list = list.as_array().expect("a list").iter();
        list.map(|code| code.as_str().expect("a code").to_string()).collect::<Vec<_>>()
    };
    assert_eq!(codes(&report.top_by_count), names(&fixture["top_count"]));
    assert_eq!(codes(&report.top_by_amount), names(&fixture["top_amount"]));
}
