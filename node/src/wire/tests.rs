use super::text::of_difference;
use super::*;
use ledger::decision::{Event, LegPaid};
use ledger::money::Sum;
use ledger::table::{ObligationRecord, Use};
use ledger::{Answer, Outcome};
use ledger::{Fen, Institution, Position, Refusal};
use proptest::option;
use proptest::prelude::*;
use proto::v1::event::Kind;

fn fen() -> impl Strategy<Value = Fen> {
    prop_oneof![0..=200_u64, 0..=Fen::MAX.get()].prop_map(|fen| Fen::new(fen).expect("within the largest"))
}

fn person() -> impl Strategy<Value = Person> {
    any::<[u8; 16]>().prop_filter("the empty UUID is nobody", |id| *id != [0; 16]).prop_map(Person)
}

fn request() -> impl Strategy<Value = RequestId> {
    any::<[u8; 16]>().prop_map(|mut id| {
        id[6] = 0x70 | id[6] & 0x0f;
        id[8] = 0x80 | id[8] & 0x3f;
        RequestId(id)
    })
}

fn province() -> impl Strategy<Value = Province> {
    prop::sample::select(Province::ALL.to_vec()).prop_map(|code| Province::new(code).expect("of the scheme"))
}

fn area() -> impl Strategy<Value = Area> {
    (province(), 0..10_000_u32).prop_map(|(province, rest)| {
        Area::new(u32::from(province.code()) * 10_000 + rest).expect("of the scheme")
    })
}

fn institution() -> impl Strategy<Value = Institution> {
    "[HP][0-9]{11}".prop_map(|code| Institution::new(&code).expect("of that form"))
}

fn relation() -> impl Strategy<Value = RelationId> {
    any::<(u64, u16)>().prop_map(|(index, place)| RelationId(Position { index, place }))
}

fn stamp() -> impl Strategy<Value = Stamp> {
    (0..=253_402_300_799_999_u64).prop_map(Stamp)
}

fn month() -> impl Strategy<Value = Month> {
    (0..=9999_u16, 1..=12_u8).prop_map(|(year, month)| Month::new(year, month).expect("of the year"))
}

fn policy() -> impl Strategy<Value = Policy> {
    any::<(u64, u64, u16, u16, bool)>().prop_map(|(window, ahead, days, donors, own)| Policy {
        request_window_ms: window,
        request_ahead_ms: ahead,
        proposal_days: days,
        donors_max: donors,
        own_account_first: own,
    })
}

fn caller() -> impl Strategy<Value = Caller> {
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

fn insurances() -> impl Strategy<Value = Insurance> {
    prop::sample::select(vec![Insurance::Employee, Insurance::Resident])
}

fn kinds() -> impl Strategy<Value = InstitutionKind> {
    prop::sample::select(vec![InstitutionKind::Hospital, InstitutionKind::Pharmacy])
}

fn kinships() -> impl Strategy<Value = Kinship> {
    use Kinship::*;
    prop::sample::select(vec![
        Spouse,
        Parent,
        Child,
        Sibling,
        PaternalGrandparent,
        MaternalGrandparent,
        SonsChild,
        DaughtersChild,
    ])
}

/// Every verb. A new one breaks `call_to_proto`; add it here as well.
fn call() -> impl Strategy<Value = Call> {
    let governance = prop_oneof![
        (any::<[u8; 16]>(), policy()).prop_map(|(cluster, policy)| Call::Genesis { cluster, policy }),
        (province(), any::<bool>()).prop_map(|(province, wide)| Call::RegisterProvince {
            province,
            kinship: if wide { KinshipScope::Wide } else { KinshipScope::Narrow },
        }),
        area().prop_map(|area| Call::RegisterArea { area }),
        (area(), stamp(), option::of(stamp())).prop_map(|(area, from, until)| Call::SetAreaOpen {
            area,
            from,
            until
        }),
        (stamp(), policy()).prop_map(|(effective, policy)| Call::SetPolicy { effective, policy }),
        (institution(), kinds(), area(), any::<bool>()).prop_map(|(institution, kind, area, wallet_open)| {
            Call::RegisterInstitution { institution, kind, area, wallet_open }
        }),
        Just(Call::Tick),
    ];
    let persons = prop_oneof![
        (person(), insurances(), area()).prop_map(|(person, insurance, area)| Call::EnrolPerson {
            person,
            insurance,
            area
        }),
        (person(), fen(), month()).prop_map(|(person, amount, period)| Call::CreditAccount {
            person,
            amount,
            period
        }),
        person().prop_map(|person| Call::ActivateWallet { person }),
        (person(), person(), kinships()).prop_map(|(donor, beneficiary, kinship)| {
            Call::ProposeRelation { donor, beneficiary, kinship }
        }),
        relation().prop_map(|relation| Call::AcceptRelation { relation }),
        relation().prop_map(|relation| Call::DeclineRelation { relation }),
    ];
    let money = prop_oneof![
        (relation(), fen()).prop_map(|(relation, amount)| Call::SetQuota { relation, amount }),
        (relation(), fen()).prop_map(|(relation, amount)| Call::ReduceQuota { relation, amount }),
        (person(), prop::collection::vec(relation(), 0..5))
            .prop_map(|(beneficiary, order)| Call::SetPriority { beneficiary, order }),
        (person(), institution(), fen(), any::<bool>(), any::<bool>()).prop_map(
            |(beneficiary, institution, amount, use_own_account, all_or_nothing)| Call::Settle {
                beneficiary,
                institution,
                amount,
                use_own_account,
                all_or_nothing,
            }
        ),
        (relation(), option::of(fen()))
            .prop_map(|(at, amount)| Call::Refund { payment: PaymentId(at.0), amount }),
        relation().prop_map(|relation| Call::ReleaseRelation { relation }),
    ];
    prop_oneof![governance, persons, money]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn every_transaction_survives_the_wire(
        request in request(), caller in caller(), not_after in option::of(stamp()),
        signature in prop::collection::vec(any::<u8>(), 0..80), call in call(),
    ) {
        use prost::Message;
        let sent = Transaction { request, caller, not_after, signature, call };
        let bytes = transaction_to_proto(&sent).encode_to_vec();
        let heard = pb::Transaction::decode(bytes.as_slice()).expect("decodes");
        prop_assert_eq!(transaction_from_proto(&heard), Ok(sent));
    }

    #[test]
    fn amounts_have_one_way_to_be_written(amount in fen()) {
        let written = of_yuan(amount);
        prop_assert_eq!(text::yuan(&written), Ok(amount));
        let expected = format!("{}.{:02}", amount.get() / 100, amount.get() % 100);
        prop_assert_eq!(written, expected);
    }

    #[test]
    fn no_text_is_read_as_an_amount_unless_it_is_one(text in "[-+ 0-9.,eE]{0,20}") {
        if let Ok(amount) = text::yuan(&text) {
            prop_assert_eq!(of_yuan(amount), text);
        }
    }

    #[test]
    fn differences_are_written_with_their_sign(charged in fen(), refunded in fen()) {
        let (plus, minus) = (charged.get(), refunded.get());
        let fen = plus.abs_diff(minus);
        let sign = if plus < minus { "-" } else { "" };
        let written = of_difference(Sum::ZERO.plus(charged), Sum::ZERO.plus(refunded));
        prop_assert_eq!(written, format!("{sign}{}.{:02}", fen / 100, fen % 100));
    }
}

const REQUEST: &str = "0193f5a0-0000-7000-8000-000000000001";
const SOMEBODY: &str = "6f9619ff-8b86-d011-b42d-00c04fc964ff";

fn good() -> pb::Transaction {
    let settle = pb::Settle {
        beneficiary: SOMEBODY.into(),
        institution: "H41010000001".into(),
        amount: "98.60".into(),
        use_own_account: None,
        all_or_nothing: false,
    };
    pb::Transaction {
        request_id: REQUEST.into(),
        caller: Some(pb::Caller { who: Some(Who::Institution("H41010000001".into())) }),
        not_after: None,
        signature: bytes::Bytes::new(),
        call: Some(PbCall::Settle(settle)),
    }
}

fn problem(change: impl FnOnce(&mut pb::Transaction)) -> (String, String) {
    let mut transaction = good();
    change(&mut transaction);
    let bad = transaction_from_proto(&transaction).expect_err("malformed");
    (bad.field, bad.problem)
}

fn with(call: PbCall) -> (String, String) {
    problem(|transaction| transaction.call = Some(call))
}

#[test]
fn left_out_means_the_own_account_is_used() {
    let call = transaction_from_proto(&good()).expect("well-formed").call;
    assert!(matches!(call, Call::Settle { use_own_account: true, all_or_nothing: false, .. }));
}

#[test]
fn malformed_amounts_are_named() {
    let table = [
        ("", "is empty"),
        ("-1.00", "is negative"),
        ("-0.00", "is negative"),
        ("1.234", "has more than two decimals"),
        ("100000000000000000.00", "is above 99999999999999.99, the largest amount"),
        ("100000000000000.00", "is above 99999999999999.99, the largest amount"),
        ("007.00", "starts with a zero too many"),
        ("1", "is not an amount in yuan with exactly two decimals, such as \"98.60\""),
        ("1.", "is not an amount in yuan with exactly two decimals, such as \"98.60\""),
        (".50", "is not an amount in yuan with exactly two decimals, such as \"98.60\""),
        ("1.2", "is not an amount in yuan with exactly two decimals, such as \"98.60\""),
        ("1,00", "is not an amount in yuan with exactly two decimals, such as \"98.60\""),
        ("1e2.00", "is not an amount in yuan with exactly two decimals, such as \"98.60\""),
        ("+1.00", "is not an amount in yuan with exactly two decimals, such as \"98.60\""),
        (" 1.00", "is not an amount in yuan with exactly two decimals, such as \"98.60\""),
        ("１.00", "is not an amount in yuan with exactly two decimals, such as \"98.60\""),
        ("1.00.00", "is not an amount in yuan with exactly two decimals, such as \"98.60\""),
    ];
    for (amount, expected) in table {
        let (field, problem) = problem(|transaction| {
            if let Some(PbCall::Settle(settle)) = &mut transaction.call {
                settle.amount = amount.into();
            }
        });
        assert_eq!((field.as_str(), problem.as_str()), ("settle.amount", expected), "{amount:?}");
    }
    assert_eq!(text::yuan("99999999999999.99"), Ok(Fen::MAX));
    assert_eq!(text::yuan("0.00"), Ok(Fen::ZERO), "whether zero is allowed is the ledger's to say");
}

#[test]
fn malformed_envelopes_are_named() {
    type Change = fn(&mut pb::Transaction);
    let table: Vec<(&str, &str, Change)> = vec![
        ("request_id", "is empty", |it| it.request_id.clear()),
        ("request_id", "is not a UUIDv7", |it| it.request_id = SOMEBODY.into()),
        ("request_id", "is not a UUID of 36 characters", |it| it.request_id = "17".into()),
        ("request_id", "is not a UUID of 36 characters", |it| it.request_id = REQUEST.replace('-', "")),
        ("request_id", "is not a UUID of 36 characters", |it| it.request_id = REQUEST.replace('f', "g")),
        ("caller", "is missing", |it| it.caller = None),
        ("caller", "is missing", |it| it.caller = Some(pb::Caller { who: None })),
        ("caller.province", "is not a province of the scheme", |it| {
            it.caller = Some(pb::Caller { who: Some(Who::Province("71".into())) })
        }),
        ("caller.province", "is not a province of two digits, such as \"32\"", |it| {
            it.caller = Some(pb::Caller { who: Some(Who::Province("江苏".into())) })
        }),
        ("caller.agency", "does not start with a province of the scheme", |it| {
            it.caller = Some(pb::Caller { who: Some(Who::Agency("990000".into())) })
        }),
        ("caller.institution", "is not an institution code: H or P and eleven digits", |it| {
            it.caller = Some(pb::Caller { who: Some(Who::Institution("X41010000001".into())) })
        }),
        ("caller.person", "is the empty UUID", |it| {
            it.caller =
                Some(pb::Caller { who: Some(Who::Person("00000000-0000-0000-0000-000000000000".into())) })
        }),
        ("not_after", "lies before 1970", |it| it.not_after = Some(Timestamp { seconds: -1, nanos: 0 })),
        ("not_after", "lies after the year 9999", |it| {
            it.not_after = Some(Timestamp { seconds: 253_402_300_800, nanos: 0 })
        }),
        ("not_after", "has nanoseconds outside 0 to 999999999", |it| {
            it.not_after = Some(Timestamp { seconds: 0, nanos: 1_000_000_000 })
        }),
        ("signature", "is longer than 512 bytes", |it| it.signature = vec![0; 513].into()),
        ("call", "is missing", |it| it.call = None),
    ];
    for (field, expected, change) in table {
        assert_eq!(problem(change), (field.to_owned(), expected.to_owned()));
    }
}

#[test]
fn malformed_calls_are_named() {
    let somebody = || SOMEBODY.to_owned();
    let enrol = |person: &str, insurance: i32, area: &str| {
        with(PbCall::EnrolPerson(pb::EnrolPerson { person: person.into(), insurance, area: area.into() }))
    };
    let credit = |period: &str| {
        with(PbCall::CreditAccount(pb::CreditAccount {
            person: SOMEBODY.into(),
            amount: "1.00".into(),
            period: period.into(),
        }))
    };
    let accept =
        |relation: &str| with(PbCall::AcceptRelation(pb::AcceptRelation { relation: relation.into() }));
    let identity = "looks like an identity number; the ledger takes opaque UUIDs only";
    let month = "is not a month, such as \"2026-10\"";
    let place = "is not of the form INDEX-PLACE, such as \"1311-0\"";
    let policy = pb::Policy { donors_max: 65_536, ..pb::Policy::default() };
    let table = [
        (enrol("32050219900101123X", 310, "320500"), "enrol_person.person", identity),
        (enrol(" 320502199001011234 ", 310, "320500"), "enrol_person.person", identity),
        (enrol("320502900101123", 310, "320500"), "enrol_person.person", identity),
        (enrol("", 310, "320500"), "enrol_person.person", "is empty"),
        (enrol("father", 310, "320500"), "enrol_person.person", "is not a UUID of 36 characters"),
        (enrol(SOMEBODY, 0, "320500"), "enrol_person.insurance", "is not given"),
        (enrol(SOMEBODY, 320, "320500"), "enrol_person.insurance", "is unknown: 320"),
        (enrol(SOMEBODY, 310, ""), "enrol_person.area", "is empty"),
        (
            enrol(SOMEBODY, 310, "32050"),
            "enrol_person.area",
            "is not a pooling area of six digits, such as \"320500\"",
        ),
        (enrol(SOMEBODY, 310, "810000"), "enrol_person.area", "does not start with a province of the scheme"),
        (credit("2026-13"), "credit_account.period", "is not a month: there are twelve in a year"),
        (credit("2026-00"), "credit_account.period", "is not a month: there are twelve in a year"),
        (credit("2026-1"), "credit_account.period", month),
        (credit("202610"), "credit_account.period", month),
        (credit("26-10"), "credit_account.period", month),
        (accept(""), "accept_relation.relation", "is empty"),
        (accept("1311"), "accept_relation.relation", place),
        (accept("1311-"), "accept_relation.relation", place),
        (accept("1311-65536"), "accept_relation.relation", place),
        (accept("18446744073709551616-0"), "accept_relation.relation", place),
        (accept("01-0"), "accept_relation.relation", place),
        (accept("+1-0"), "accept_relation.relation", place),
        (
            with(PbCall::SetPriority(pb::SetPriority {
                beneficiary: somebody(),
                order: vec!["1-0".into(), "x".into()],
            })),
            "set_priority.order[1]",
            place,
        ),
        (
            with(PbCall::SetPriority(pb::SetPriority {
                beneficiary: somebody(),
                order: vec!["1-0".into(); ORDER_MAX + 1],
            })),
            "set_priority.order",
            "names more than 256 relations",
        ),
        (
            with(PbCall::ProposeRelation(pb::ProposeRelation {
                donor: somebody(),
                beneficiary: somebody(),
                kinship: 9,
            })),
            "propose_relation.kinship",
            "is unknown: 9",
        ),
        (
            with(PbCall::Refund(pb::Refund { payment: "1-0".into(), amount: Some(String::new()) })),
            "refund.amount",
            "is empty",
        ),
        (
            with(PbCall::SetAreaOpen(pb::SetAreaOpen { area: "320500".into(), from: None, until: None })),
            "set_area_open.from",
            "is missing",
        ),
        (
            with(PbCall::Genesis(pb::Genesis { cluster: somebody(), policy: Some(policy) })),
            "genesis.policy.donors_max",
            "is above 65535",
        ),
    ];
    for (bad, field, expected) in table {
        assert_eq!(bad, (field.to_owned(), expected.to_owned()));
    }
}

#[test]
fn a_malformed_field_reaches_the_client_by_name_and_without_its_value() {
    let mut transaction = good();
    let person = "320502199001011234";
    transaction.call = Some(PbCall::ActivateWallet(pb::ActivateWallet { person: person.into() }));
    let bad = transaction_from_proto(&transaction).expect_err("malformed").within("transactions[3]");
    let status = tonic::Status::from(bad);
    assert_eq!(status.code(), tonic::Code::InvalidArgument);
    let (field, problem) = proto::status::field_of(&status).expect("names the field");
    assert_eq!(field, "transactions[3].activate_wallet.person");
    assert!(!format!("{status:?}{problem}").contains(person), "never repeats what was given");
    assert_eq!(proto::status::reason_of(&status), Some(pb::Reason::InvalidArgument));
}

#[test]
fn the_catalogue_and_the_contract_name_the_same_refusals_in_the_same_order() {
    let shouted = |name: &str| {
        name.chars().fold(String::from("REASON"), |mut text, letter| {
            if letter.is_uppercase() {
                text.push('_');
            }
            text.push(letter.to_ascii_uppercase());
            text
        })
    };
    let contract: Vec<(i32, String)> =
        Refusal::ALL.iter().map(|refusal| (i32::from(refusal.number()), shouted(refusal.name()))).collect();
    let catalogue: Vec<(i32, String)> = proto::catalogue::CATALOGUE
        .iter()
        .filter(|text| text.number < 9000)
        .map(|text| (text.number, text.name.to_owned()))
        .collect();
    assert_eq!(catalogue, contract);
}

#[test]
fn a_refusal_goes_out_with_its_number() {
    let request = text::request_id(REQUEST).expect("well-formed");
    let answer = Answer {
        position: Position { index: 1311, place: 4 },
        outcome: Outcome::Refused(Refusal::NotCovered),
        repeated: true,
    };
    let result = answer_to_proto(request, &answer);
    assert_eq!(result.request_id, REQUEST);
    assert_eq!(result.outcome(), pb::Outcome::Refused);
    assert_eq!(result.reason(), pb::Reason::NotCovered);
    assert_eq!((result.index, result.place, result.repeated), (1311, 4, true));
    assert!(result.events.is_empty());
}

#[test]
fn a_settlement_goes_out_with_its_parts() {
    let fen = |fen| Fen::new(fen).expect("small");
    let relation = RelationId(Position { index: 7, place: 1 });
    let payment = PaymentId(Position { index: 9, place: 0 });
    let event = Event::Settled {
        payment,
        own: fen(5),
        legs: vec![LegPaid { relation, amount: fen(9860), unused: Fen::ZERO }],
        cash: fen(100),
        skipped: vec![relation],
    };
    let expected = pb::Settled {
        payment: "9-0".into(),
        own: "0.05".into(),
        legs: vec![pb::LegPaid { relation: "7-1".into(), amount: "98.60".into(), unused: "0.00".into() }],
        cash: "1.00".into(),
        skipped: vec!["7-1".into()],
    };
    assert_eq!(event_to_proto(&event).kind, Some(Kind::Settled(expected)));
}

#[test]
fn more_refunded_than_charged_is_owed_below_zero() {
    let area = |code| Area::new(code).expect("of the scheme");
    let record = ObligationRecord {
        charged: Sum::ZERO.plus(Fen::MAX).plus(Fen::MAX),
        refunded: (0..3).fold(Sum::ZERO, |sum, _| sum.plus(Fen::MAX)),
    };
    let month = text::month("2026-10").expect("well-formed");
    let row = obligation_to_proto(month, area(320_500), area(410_100), Use::Pharmacy, &record);
    assert_eq!(row.charged, "199999999999999.98");
    assert_eq!(row.refunded, "299999999999999.97");
    assert_eq!(row.owed, "-99999999999999.99");
    assert_eq!((row.month.as_str(), row.payer.as_str(), row.payee.as_str()), ("2026-10", "320500", "410100"));
}
