//! Values of every kind, at random. `few` gives two of a kind, so that equal ones are met often.

use super::*;
use ledger::digest::RowHash;

pub fn fen() -> impl Strategy<Value = Fen> {
    prop_oneof![0..=200_u64, 0..=Fen::MAX.get()].prop_map(|fen| Fen::new(fen).expect("within the largest"))
}

/// Any sum that can be written: 36 digits before the point.
pub fn sum() -> impl Strategy<Value = Sum> {
    prop_oneof![0..=200_u128, 0..10_u128.pow(38)].prop_map(Sum::new)
}

pub fn person() -> impl Strategy<Value = Person> {
    any::<[u8; 16]>().prop_filter("the empty UUID is nobody", |id| *id != [0; 16]).prop_map(Person)
}

pub fn request() -> impl Strategy<Value = RequestId> {
    any::<[u8; 16]>().prop_map(|mut id| {
        id[6] = 0x70 | id[6] & 0x0f;
        id[8] = 0x80 | id[8] & 0x3f;
        RequestId(id)
    })
}

pub fn province() -> impl Strategy<Value = Province> {
    prop::sample::select(Province::ALL.to_vec()).prop_map(|code| Province::new(code).expect("of the scheme"))
}

pub fn area() -> impl Strategy<Value = Area> {
    (province(), 0..10_000_u32).prop_map(|(province, rest)| {
        Area::new(u32::from(province.code()) * 10_000 + rest).expect("of the scheme")
    })
}

pub fn institution() -> impl Strategy<Value = Institution> {
    "[HP][0-9]{11}".prop_map(|code| Institution::new(&code).expect("of that form"))
}

pub fn position() -> impl Strategy<Value = Position> {
    any::<(u64, u16)>().prop_map(|(index, place)| Position { index, place })
}

pub fn relation() -> impl Strategy<Value = RelationId> {
    position().prop_map(RelationId)
}

pub fn case() -> impl Strategy<Value = CaseId> {
    position().prop_map(CaseId)
}

pub fn hold() -> impl Strategy<Value = HoldId> {
    position().prop_map(HoldId)
}

pub fn offer() -> impl Strategy<Value = OfferId> {
    position().prop_map(OfferId)
}

pub fn stamp() -> impl Strategy<Value = Stamp> {
    (0..=253_402_300_799_999_u64).prop_map(Stamp)
}

pub fn day() -> impl Strategy<Value = Day> {
    (0..=Day::MAX.0).prop_map(Day)
}

pub fn month() -> impl Strategy<Value = Month> {
    (0..=9999_u16, 1..=12_u8).prop_map(|(year, month)| Month::new(year, month).expect("of the year"))
}

pub fn year() -> impl Strategy<Value = u16> {
    2_000..=9_999_u16
}

pub fn med_type() -> impl Strategy<Value = MedType> {
    "[0-9]{2,8}".prop_map(|kind| MedType::new(&kind).expect("of that form"))
}

pub fn file() -> impl Strategy<Value = FileNumber> {
    "[A-Za-z0-9-]{1,24}"
        .prop_filter("identity numbers are turned away", |file| text::file(file).is_ok())
        .prop_map(|file| FileNumber::new(&file).expect("of that form"))
}

pub fn insurance() -> impl Strategy<Value = Insurance> {
    prop::sample::select(vec![Insurance::Employee, Insurance::Resident])
}

pub fn premium() -> impl Strategy<Value = Premium> {
    prop::sample::select(vec![Premium::Resident, Premium::Care])
}

pub fn kind() -> impl Strategy<Value = InstitutionKind> {
    prop::sample::select(vec![InstitutionKind::Hospital, InstitutionKind::Pharmacy])
}

pub fn kinship() -> impl Strategy<Value = Kinship> {
    prop::sample::select(vec![
        Kinship::Spouse,
        Kinship::Parent,
        Kinship::Child,
        Kinship::Sibling,
        Kinship::PaternalGrandparent,
        Kinship::MaternalGrandparent,
        Kinship::SonsChild,
        Kinship::DaughtersChild,
    ])
}

pub fn party() -> impl Strategy<Value = Party> {
    prop_oneof![person().prop_map(Party::Person), institution().prop_map(Party::Institution)]
}

pub fn caller() -> impl Strategy<Value = Caller> {
    prop_oneof![
        Just(Caller::National),
        province().prop_map(Caller::Province),
        area().prop_map(Caller::Agency),
        institution().prop_map(Caller::Institution),
        person().prop_map(Caller::Person),
        Just(Caller::Auditor),
        Just(Caller::Node),
    ]
}

pub fn expiry() -> impl Strategy<Value = Expiry> {
    prop_oneof![Just(Expiry::Keep), Just(Expiry::Never), stamp().prop_map(Expiry::At)]
}

pub fn tariff() -> impl Strategy<Value = Tariff> {
    prop_oneof![Just(Tariff::NotOffered), Just(Tariff::AnyAmount), fen().prop_map(Tariff::Exactly)]
}

pub fn spend() -> impl Strategy<Value = Spend> {
    let credential = (
        prop::sample::select(vec![
            CredentialKind::ElectronicCode,
            CredentialKind::IdentityCard,
            CredentialKind::SocialSecurityCard,
        ]),
        person(),
    )
        .prop_map(|(kind, holder)| Credential { kind, holder });
    (person(), credential, institution(), med_type(), fen(), any::<(bool, bool)>()).prop_map(
        |(beneficiary, credential, institution, med_type, amount, (use_own_account, all_or_nothing))| Spend {
            beneficiary,
            credential,
            institution,
            med_type,
            amount,
            use_own_account,
            all_or_nothing,
        },
    )
}

pub fn policy() -> impl Strategy<Value = Policy> {
    let numbers = any::<([u64; 3], [u16; 9], [u8; 3], [bool; 7])>();
    (numbers, fen()).prop_map(|((long, small, tiny, yes), raise_max)| Policy {
        request_window_ms: long[0],
        request_ahead_ms: long[1],
        proposal_days: small[0],
        donors_max: small[1],
        own_account_first: yes[0],
        hold_ms: long[2],
        offers: yes[1],
        offer_return_minute: small[2],
        one_offer_at_a_time: yes[2],
        raises_per_day: small[3],
        raise_max,
        closed_from_minute: small[4],
        closed_until_minute: small[5],
        stopped_may_offer: yes[3],
        change_releases: yes[4],
        refund_days: small[6],
        confirm_before_payment: yes[5],
        hard_stop: yes[6],
        prepayment_percent: small[7],
        prepayment_months: tiny[0],
        yellow_percent: small[8],
        red_percent: small[8].wrapping_add(1),
        source_days: tiny[1],
        transfer_days: tiny[2],
    })
}

pub fn hash() -> impl Strategy<Value = RowHash> {
    any::<u64>().prop_map(|seed| RowHash::of(&seed.to_be_bytes(), &[]))
}

/// One of two values of a strategy.
pub fn few<T: Clone + std::fmt::Debug + 'static>(
    strategy: impl Strategy<Value = T> + 'static,
) -> proptest::strategy::BoxedStrategy<T> {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut next = || strategy.new_tree(&mut runner).expect("a value").current();
    prop::sample::select(vec![next(), next()]).boxed()
}
