//! The names of the world that histories play in.

use ledger::command::{InstitutionKind, Insurance, Kinship, KinshipScope, Policy, Tariff};
use ledger::stamp::DAY_MS;
use ledger::{Area, Call, Caller, Fen, Institution, MedType, Person, Position, Province, RelationId, Stamp};

/// Registered in the prelude but for the last two, of which one is of no known province.
pub const AREAS: [u32; 10] = [320500, 320700, 340100, 340200, 410100, 410300, 370100, 370200, 370300, 420100];
/// Of these areas so many are registered in the prelude, and so many opened.
const REGISTERED: u8 = 8;
const OPENED: u8 = 6;
/// The last is not designated in the prelude.
pub const SHOPS: [(&str, u8); 7] = [
    ("H32050000001", 0),
    ("P32070000002", 1),
    ("H41010000003", 4),
    ("P34010000004", 2),
    ("H37010000005", 6),
    ("P41030000006", 5),
    ("H32050000009", 0),
];
const DESIGNATED: u8 = 6;
/// How many persons may be met; the first of them are enrolled in the prelude.
pub const PERSONS: u8 = 30;
/// Insurance and area of those enrolled in the prelude, and whether the wallet is active.
const ENROLLED: [(Insurance, u8, bool); 14] = [
    (Insurance::Employee, 0, true),
    (Insurance::Employee, 1, true),
    (Insurance::Resident, 0, true),
    (Insurance::Employee, 4, true),
    (Insurance::Employee, 2, true),
    (Insurance::Employee, 3, true),
    (Insurance::Employee, 6, true),
    (Insurance::Resident, 4, true),
    (Insurance::Employee, 5, true),
    (Insurance::Employee, 0, true),
    (Insurance::Employee, 2, true),
    (Insurance::Resident, 2, true),
    (Insurance::Employee, 4, false),
    (Insurance::Employee, 7, true),
];
pub const AMOUNTS: [u64; 12] =
    [0, 1, 7, 30, 100, 100, 500, 1_000, 2_500, 20_000, 250_000, 9_999_999_999_999_999];
pub const KINSHIPS: [Kinship; 8] = [
    Kinship::Spouse,
    Kinship::Parent,
    Kinship::Child,
    Kinship::Sibling,
    Kinship::PaternalGrandparent,
    Kinship::MaternalGrandparent,
    Kinship::SonsChild,
    Kinship::DaughtersChild,
];

pub fn person(number: u8) -> Person {
    let mut id = [0x50; 16];
    id[15] = number % PERSONS;
    Person(id)
}

pub fn area(number: u8) -> Area {
    Area::new(AREAS[usize::from(number) % AREAS.len()]).expect("an area")
}

pub fn province(number: u8) -> Province {
    area(number).province()
}

pub fn shop(number: u8) -> Institution {
    Institution::new(SHOPS[usize::from(number) % SHOPS.len()].0).expect("an institution")
}

pub fn amount(number: u8) -> Fen {
    Fen::new(AMOUNTS[usize::from(number) % AMOUNTS.len()]).expect("an amount")
}

pub fn med_type(number: u8) -> MedType {
    let kinds = ["11", "41", "2101", "51", "61", "9903", "14", "99"];
    MedType::new(kinds[usize::from(number) % kinds.len()]).expect("a kind")
}

/// The policies that histories start with, and come back to.
pub fn policy(number: u8) -> Policy {
    let minute = 60_000;
    match number % 8 {
        0..=2 => Policy::NATIONAL_2026,
        3 | 4 => Policy::PILOT_2024,
        5 => Policy {
            offers: true,
            hold_ms: 5 * minute,
            stopped_may_offer: true,
            change_releases: false,
            hard_stop: true,
            confirm_before_payment: false,
            ..Policy::NATIONAL_2026
        },
        6 => Policy {
            own_account_first: false,
            hold_ms: 3 * DAY_MS,
            refund_days: 10,
            hard_stop: true,
            source_days: 3,
            transfer_days: 3,
            ..Policy::NATIONAL_2026
        },
        _ => Policy {
            request_window_ms: 3 * DAY_MS,
            raises_per_day: 2,
            raise_max: Fen::new(1_000).expect("an amount"),
            yellow_percent: 1,
            red_percent: 100,
            closed_from_minute: 720,
            closed_until_minute: 780,
            ..Policy::NATIONAL_2026
        },
    }
}

/// A ledger in which most things can happen; relations are named by where their proposals will stand in the first entry.
pub fn prelude(now: Stamp, first_policy: u8) -> Vec<(Caller, Call)> {
    let national = Caller::National;
    let mut calls = vec![(national, Call::Genesis { cluster: [7; 16], policy: policy(first_policy) })];
    for (number, kinship) in
        [(0, KinshipScope::Wide), (2, KinshipScope::Narrow), (4, KinshipScope::Wide), (6, KinshipScope::Wide)]
    {
        let province = province(number);
        calls.push((national, Call::RegisterProvince { province, kinship, effective: None }));
    }
    for number in 0..REGISTERED {
        calls.push((national, Call::RegisterArea { area: area(number) }));
    }
    for number in 0..OPENED {
        calls.push((national, Call::SetAreaOpen { area: area(number), from: now, until: None }));
    }
    for number in 0..DESIGNATED {
        let (institution, area) = (shop(number), area(SHOPS[usize::from(number)].1));
        let kind = kind(institution);
        let call = Call::RegisterInstitution { institution, kind, area, wallet_open: number != 3 };
        calls.push((Caller::Province(area.province()), call));
    }
    for (number, (insurance, place, wallet)) in (0..).zip(ENROLLED) {
        let (person, area) = (person(number), area(place));
        let agency = Caller::Agency(area);
        calls.push((agency, Call::EnrolPerson { person, insurance, area, retired: number == 9 }));
        if insurance == Insurance::Employee {
            let (amount, period) =
                (Fen::new(if number % 2 == 0 { 6_100 } else { 60_000 }).expect("an amount"), now.month());
            calls.push((agency, Call::CreditAccount { person, amount, period }));
        }
        if wallet {
            calls.push((Caller::Person(person), Call::ActivateWallet { person }));
        }
    }
    for (giver, user, kinship) in [
        (0, 2, Kinship::Parent),
        (3, 2, Kinship::Parent),
        (0, 3, Kinship::Sibling),
        (4, 0, Kinship::Spouse),
        (8, 2, Kinship::Sibling),
    ] {
        let (donor, beneficiary) = (person(giver), person(user));
        let relation = RelationId(Position { index: 1, place: calls.len() as u16 });
        calls.push((Caller::Person(donor), Call::ProposeRelation { donor, beneficiary, kinship }));
        calls.push((Caller::Person(beneficiary), Call::AcceptRelation { relation }));
        let amount = Fen::new(3_000).expect("an amount");
        let expiry = ledger::command::Expiry::Keep;
        calls.push((Caller::Person(donor), Call::SetQuota { relation, amount, expiry }));
    }
    for (place, tariff) in [(0, Tariff::Exactly(Fen::new(1_000).expect("an amount"))), (4, Tariff::AnyAmount)]
    {
        let (area, premium) = (area(place), ledger::command::Premium::Care);
        calls.push((national, Call::SetTariff { area, premium, year: 2026, effective: now, tariff }));
    }
    calls
}

pub fn kind(institution: Institution) -> InstitutionKind {
    match institution.as_str().starts_with('H') {
        true => InstitutionKind::Hospital,
        false => InstitutionKind::Pharmacy,
    }
}
