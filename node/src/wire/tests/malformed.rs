//! What is turned away at the door, by the name of its field.

use super::*;

const SOMEBODY: &str = "6f9619ff-8b86-d011-b42d-00c04fc964ff";

fn good() -> pb::Transaction {
    let settle = pb::Settle {
        beneficiary: SOMEBODY.into(),
        institution: "H41010000001".into(),
        amount: "98.60".into(),
        ..pb::Settle::default()
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
    let Call::Settle(spend) = call else { panic!("a settlement") };
    assert_eq!((spend.use_own_account, spend.all_or_nothing), (true, false));
}

#[test]
fn left_out_means_the_own_electronic_code_and_what_most_come_for() {
    let spend = |institution: &str| {
        let authorise = pb::AuthoriseSpend {
            beneficiary: SOMEBODY.into(),
            institution: institution.into(),
            amount: "98.60".into(),
            ..pb::AuthoriseSpend::default()
        };
        let transaction = pb::Transaction { call: Some(PbCall::AuthoriseSpend(authorise)), ..good() };
        match transaction_from_proto(&transaction).expect("well-formed").call {
            Call::AuthoriseSpend(spend) => spend,
            other => panic!("{other:?}"),
        }
    };
    let (hospital, pharmacy) = (spend("H41010000001"), spend("P41010000001"));
    let own = Credential { kind: CredentialKind::ElectronicCode, holder: hospital.beneficiary };
    assert_eq!((hospital.credential, hospital.med_type), (own, MedType::OUTPATIENT));
    assert_eq!((pharmacy.credential, pharmacy.med_type), (own, MedType::PHARMACY));
}

#[test]
fn left_out_means_that_the_expiry_stays() {
    let mut set = pb::SetQuota { relation: "1-0".into(), amount: "1.00".into(), expiry: None };
    let expiry = |set: &pb::SetQuota| {
        let transaction = pb::Transaction { call: Some(PbCall::SetQuota(set.clone())), ..good() };
        match transaction_from_proto(&transaction).expect("well-formed").call {
            Call::SetQuota { expiry, .. } => expiry,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(expiry(&set), Expiry::Keep);
    set.expiry = Some(pb::set_quota::Expiry::Never(pb::Never {}));
    assert_eq!(expiry(&set), Expiry::Never);
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
        with(PbCall::EnrolPerson(pb::EnrolPerson {
            person: person.into(),
            insurance,
            area: area.into(),
            retired: false,
        }))
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
fn malformed_calls_of_the_whole_rule_book_are_named() {
    let somebody = || SOMEBODY.to_owned();
    let status = |status: i32| {
        let call = pb::SetInsuranceStatus { person: somebody(), status };
        with(PbCall::SetInsuranceStatus(call))
    };
    let premium = |year: u32| {
        let call = pb::PayPremium {
            beneficiary: somebody(),
            premium: 390,
            year,
            amount: "400.00".into(),
            ..pb::PayPremium::default()
        };
        with(PbCall::PayPremium(call))
    };
    let settle = |credential: Option<pb::Credential>, med_type: &str| {
        problem(|transaction| {
            if let Some(PbCall::Settle(settle)) = &mut transaction.call {
                settle.credential = credential;
                settle.med_type = med_type.into();
            }
        })
    };
    let calendar = |holidays: Vec<&str>| {
        let holidays = holidays.into_iter().map(str::to_owned).collect();
        with(PbCall::SetCalendar(pb::SetCalendar { year: 2026, holidays, workdays: Vec::new() }))
    };
    let suspend = |who: Option<pb::party::Who>, file: &str| {
        let party = Some(pb::Party { who });
        with(PbCall::Suspend(pb::Suspend { party, reason: 1, file: file.into() }))
    };
    let confirm = |amount: &str| {
        with(PbCall::ConfirmClearing(pb::ConfirmClearing {
            month: "2026-10".into(),
            payer: "320500".into(),
            payee: "410100".into(),
            amount: amount.into(),
        }))
    };
    let tariff = |tariff: Option<pb::set_tariff::Tariff>| {
        with(PbCall::SetTariff(pb::SetTariff {
            area: "320500".into(),
            premium: 410,
            year: 2026,
            effective: Some(Timestamp::default()),
            tariff,
        }))
    };
    let policy = |policy: pb::Policy| {
        with(PbCall::SetPolicy(pb::SetPolicy { effective: Some(Timestamp::default()), policy: Some(policy) }))
    };
    let holder = |holder: &str| Some(pb::Credential { kind: 2, holder: holder.into() });
    let person = || Some(pb::party::Who::Person(somebody()));
    let (year, day) = ("is not a year from 2000 to 9999", "is not a day, such as \"2026-10-03\"");
    let service = "is not a med_type of 2 to 8 digits, such as \"11\"";
    let file = "is not a case number: 1 to 24 letters, digits and hyphens";
    let table = [
        (status(0), "set_insurance_status.status", "is not given"),
        (status(5), "set_insurance_status.status", "is set by terminate_insurance"),
        (status(6), "set_insurance_status.status", "is set by register_death"),
        (status(7), "set_insurance_status.status", "is unknown: 7"),
        (premium(0), "pay_premium.year", year),
        (premium(1999), "pay_premium.year", year),
        (premium(10_000), "pay_premium.year", year),
        (premium(67_562), "pay_premium.year", year),
        (settle(holder(""), ""), "settle.credential.holder", "is empty"),
        (settle(Some(pb::Credential::default()), ""), "settle.credential.kind", "is not given"),
        (settle(None, "1"), "settle.med_type", service),
        (settle(None, "110123456"), "settle.med_type", service),
        (settle(None, "1x"), "settle.med_type", service),
        (calendar(vec!["2026-10-01", "2026-10-1"]), "set_calendar.holidays[1]", day),
        (calendar(vec!["20261001"]), "set_calendar.holidays[0]", day),
        (calendar(vec!["2026-02-29"]), "set_calendar.holidays[0]", "is not a day of the calendar since 1970"),
        (calendar(vec!["1969-12-31"]), "set_calendar.holidays[0]", "is not a day of the calendar since 1970"),
        (calendar(vec!["2026-10-01"; 367]), "set_calendar.holidays", "names more than 366 days"),
        (suspend(None, "A-1"), "suspend.party", "is missing"),
        (
            suspend(Some(pb::party::Who::Institution("H1".into())), "A-1"),
            "suspend.party.institution",
            "is not an institution code: H or P and eleven digits",
        ),
        (suspend(person(), ""), "suspend.file", "is empty"),
        (suspend(person(), "A 1"), "suspend.file", file),
        (suspend(person(), "A-12345678901234567890123"), "suspend.file", file),
        (
            suspend(person(), "11010519491231002X"),
            "suspend.file",
            "is an identity number; the ledger takes case numbers only",
        ),
        (confirm(""), "confirm_clearing.amount", "is empty"),
        (confirm("-1.00"), "confirm_clearing.amount", "is negative"),
        (confirm("1.234"), "confirm_clearing.amount", "has more than two decimals"),
        (confirm(&format!("{}.00", "9".repeat(37))), "confirm_clearing.amount", "is longer than any sum"),
        (tariff(None), "set_tariff.tariff", "is missing"),
        (tariff(Some(pb::set_tariff::Tariff::Exactly(String::new()))), "set_tariff.exactly", "is empty"),
        (
            policy(pb::Policy { source_days: 256, ..pb::Policy::default() }),
            "set_policy.policy.source_days",
            "is above 255",
        ),
        (
            policy(pb::Policy { raise_max: "2000".into(), ..pb::Policy::default() }),
            "set_policy.policy.raise_max",
            "is not an amount in yuan with exactly two decimals, such as \"98.60\"",
        ),
        (with(PbCall::Reverse(pb::Reverse { original: somebody() })), "reverse.original", "is not a UUIDv7"),
    ];
    for (bad, field, expected) in table {
        assert_eq!(bad, (field.to_owned(), expected.to_owned()));
    }
    // A case number may be as long as an identity number, unless its last digit checks the others.
    assert!(text::file("110105194912310021").is_ok());
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
