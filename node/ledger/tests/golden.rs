//! The bytes of every key and record, and of a transaction, written out. A change here is a change of
//! what is on disk and on the wire between nodes: it needs a new format version, not a new golden file.

use ledger::codec::{DecodeError, VERSION, decode, decode_row, encode, encode_key, encode_row};
use ledger::command::{InstitutionKind, Insurance, Kinship, KinshipScope, Policy};
use ledger::decision::{Event, LegPaid, Outcome};
use ledger::stamp::Month;
use ledger::table::{
    Account, AreaRecord, GivingRecord, InstitutionRecord, LapsingRecord, LedgerRecord, Leg, ObligationRecord,
    OwnPart, PairRecord, PaymentRecord, PersonRecord, PolicyRecord, ProvinceRecord, Record, RelationRecord,
    RelationState, RequestRecord, Use,
};
use ledger::{
    Area, Call, Caller, Fen, Institution, Key, MapState, PaymentId, Person, Position, Province, Refusal,
    RelationId, RequestId, Row, Stamp, Sum, Table, Transaction,
};
use std::sync::Arc;

fn fen(amount: u64) -> Fen {
    Fen::new(amount).expect("an amount")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn area(code: u32) -> Area {
    Area::new(code).expect("an area")
}

fn shop() -> Institution {
    Institution::new("H41010000001").expect("an institution")
}

const AT: Stamp = Stamp(1_772_323_200_000);
const DONOR: Person = Person([0xd0; 16]);
const USER: Person = Person([0xb0; 16]);
const RELATION: RelationId = RelationId(Position { index: 258, place: 3 });
const REQUEST: RequestId = RequestId([1, 2, 3, 4, 5, 6, 0x77, 8, 9, 10, 11, 12, 13, 14, 15, 16]);

fn settled() -> Outcome {
    let legs = vec![LegPaid { relation: RELATION, amount: fen(10_000), unused: fen(0) }];
    let payment = PaymentId(Position { index: 259, place: 0 });
    Outcome::Done(vec![Event::Settled { payment, own: fen(1), legs, cash: fen(2), skipped: vec![RELATION] }])
}

/// One sample of every table.
fn samples() -> Vec<(Key, Row)> {
    let month = Month { year: 2026, month: 3 };
    let account = Some(Account { available: fen(1), reserved: fen(2), credited: fen(515) });
    vec![
        (
            Key::Ledger {},
            LedgerRecord { cluster: [7; 16], now: AT, begun: Stamp(1), accepted: 9, forgotten_before_ms: 3 }
                .into_row(),
        ),
        (Key::Policy {}, PolicyRecord { versions: vec![(AT, Policy::default())] }.into_row()),
        (
            Key::Province { province: Province::new(32).expect("a province") },
            ProvinceRecord { kinship: KinshipScope::Wide }.into_row(),
        ),
        (
            Key::Area { area: area(320_500) },
            AreaRecord { openings: vec![(Stamp(1), None), (Stamp(2), Some(Stamp(3)))] }.into_row(),
        ),
        (
            Key::Institution { institution: shop() },
            InstitutionRecord { kind: InstitutionKind::Pharmacy, area: area(410_100), wallet_open: true }
                .into_row(),
        ),
        (
            Key::Person { person: DONOR },
            PersonRecord {
                insurance: Insurance::Resident,
                area: area(320_500),
                wallet_active: true,
                account,
                donors: vec![RELATION],
            }
            .into_row(),
        ),
        (
            Key::Relation { relation: RELATION },
            RelationRecord {
                donor: DONOR,
                beneficiary: USER,
                kinship: Kinship::Parent,
                state: RelationState::Proposed { by: DONOR, lapses: AT },
                sequence: 5,
                limit: fen(10_000),
                used: fen(9_000),
                unused: fen(1_000),
                raised: Some(Stamp(4)),
            }
            .into_row(),
        ),
        (Key::Pair { donor: DONOR, beneficiary: USER }, PairRecord { relation: RELATION }.into_row()),
        (Key::Giving { donor: DONOR, relation: RELATION }, GivingRecord.into_row()),
        (Key::Lapsing { at: AT, relation: RELATION }, LapsingRecord.into_row()),
        (
            Key::Payment { payment: PaymentId(Position { index: 259, place: 0 }) },
            PaymentRecord {
                beneficiary: USER,
                institution: shop(),
                area: area(410_100),
                at: AT,
                usage: Use::Pharmacy,
                amount: fen(12_000),
                own: OwnPart { area: area(410_100), amount: fen(3), refunded: fen(1) },
                legs: vec![Leg {
                    relation: RELATION,
                    donor: DONOR,
                    area: area(320_500),
                    amount: fen(4),
                    refunded: fen(2),
                }],
                cash: fen(5),
                cash_refunded: fen(5),
                own_first: true,
            }
            .into_row(),
        ),
        (
            Key::Obligation { month, payer: area(320_500), payee: area(410_100), usage: Use::Institution },
            ObligationRecord { charged: Sum::ZERO.plus(fen(10_000)), refunded: Sum::ZERO.plus(fen(1_000)) }
                .into_row(),
        ),
        (
            Key::Request { request: REQUEST, caller: Caller::Institution(shop()) },
            RequestRecord { fingerprint: [0xf0; 16], position: RELATION.0, outcome: settled() }.into_row(),
        ),
    ]
}

/// Key and record of each sample.
const ROWS: &[(&str, &str)] = &[
    (
        "01",
        "010707070707070707070707070707070700dcb1a69c010000010000000000000009000000000000000300000000000000",
    ),
    ("02", "01010000000000000000dcb1a69c010000005c26050000000080ee3600000000001e00000101"),
    ("0320", "0101000000"),
    ("040004e3f4", "0102000000000000000100000000000000000200000000000000010300000000000000"),
    ("05483431303130303030303031", "0101000000f441060001"),
    (
        "06d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0",
        "0101000000f4e304000101010000000000000002000000000000000302000000000000010000000000000002010000000000000300",
    ),
    (
        "0700000000000001020003",
        "01d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b00100000000000000d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d000dcb1a69c010000050000000000000010270000000000002823000000000000e803000000000000010400000000000000",
    ),
    ("08d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0", "0102010000000000000300"),
    ("09d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d000000000000001020003", "01"),
    ("0a0000019ca6b1dc0000000000000001020003", "01"),
    (
        "0b00000000000001030000",
        "01b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0483431303130303030303031f441060000dcb1a69c01000001000000e02e000000000000f441060003000000000000000100000000000000010000000000000002010000000000000300d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0f4e30400040000000000000002000000000000000500000000000000050000000000000001",
    ),
    ("0c07ea030004e3f4000641f401", "0110270000000000000000000000000000e8030000000000000000000000000000"),
    (
        "0d0102030405067708090a0b0c0d0e0f1004483431303130303030303031",
        "01f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f00201000000000000030000000000010000000000000010000000030100000000000000000100000000000000010000000000000002010000000000000300102700000000000000000000000000000200000000000000010000000000000002010000000000000300",
    ),
];

#[test]
fn keys_and_records_have_these_bytes() {
    let samples = samples();
    let tables: Vec<Table> = samples.iter().map(|(key, _)| key.table()).collect();
    assert_eq!(tables, Table::ALL, "one sample of every table, in order");
    let now: Vec<(String, String)> =
        samples.iter().map(|(key, row)| (hex(&encode_key(key)), hex(&encode_row(row)))).collect();
    for (key, row) in &now {
        println!("    (\n        \"{key}\",\n        \"{row}\",\n    ),");
    }
    assert_eq!(now, ROWS.iter().map(|(key, row)| (key.to_string(), row.to_string())).collect::<Vec<_>>());
    for (key, row) in samples {
        assert_eq!(Key::read(&encode_key(&key)), Some(key));
        assert_eq!(decode_row(&key, &encode_row(&row)), Ok(row));
    }
}

#[test]
fn every_kind_of_caller_has_its_key() {
    let callers = [
        (Caller::National, "01"),
        (Caller::Province(Province::new(41).expect("a province")), "0229"),
        (Caller::Agency(area(410_100)), "03000641f4"),
        (Caller::Institution(shop()), "04483431303130303030303031"),
        (Caller::Person(USER), "05b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0"),
        (Caller::Auditor, "06"),
        (Caller::Node, "07"),
    ];
    for (caller, bytes) in callers {
        let key = Key::Request { request: REQUEST, caller };
        assert_eq!(hex(&encode_key(&key)), format!("0d0102030405067708090a0b0c0d0e0f10{bytes}"));
        assert_eq!(Key::read(&encode_key(&key)), Some(key));
    }
}

fn settle() -> Transaction {
    Transaction {
        request: REQUEST,
        caller: Caller::Institution(shop()),
        not_after: Some(AT),
        signature: vec![0xaa, 0xbb],
        call: Call::Settle {
            beneficiary: USER,
            institution: shop(),
            amount: fen(12_000),
            use_own_account: true,
            all_or_nothing: false,
        },
    }
}

#[test]
fn a_transaction_has_these_bytes() {
    let bytes = hex(&encode(&settle()));
    println!("{bytes}");
    assert_eq!(
        bytes,
        "010102030405067708090a0b0c0d0e0f10030000004834313031303030303030310100dcb1a69c0100000200000000000000aabb0f000000b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0483431303130303030303031e02e0000000000000100"
    );
    assert_eq!(decode(&encode(&settle())), Ok(settle()));
}

#[test]
fn a_refusal_is_stored_as_its_number() {
    assert_eq!(hex(&encode(&Refusal::RefundExceedsPayment)), "015f02"); // 607
    for refusal in Refusal::ALL {
        assert_eq!(decode(&encode(refusal)), Ok(*refusal));
    }
    assert!(
        Refusal::ALL.is_sorted_by(|one, next| one.number() < next.number()),
        "the order is that of numbers"
    );
    assert_eq!(decode::<Refusal>(&[VERSION, 0xff, 0xff]), Err(DecodeError::Layout));
}

#[test]
fn the_samples_have_this_digest() {
    let mut state = MapState::new();
    assert_eq!(
        hex(&state.digest().root()),
        "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"
    );
    for (key, row) in samples() {
        state.set(key, Some(Arc::new(row)));
    }
    assert_eq!(
        hex(&state.digest().root()),
        "ff57409f537584fad0135d029c63177cedb1b9a01ecd7bfd181125b972b136fd"
    );
    let stored = ledger::codec::encode(state.digest());
    assert_eq!(stored.len(), 1 + 8 + Table::COUNT * (1 + 32), "number and sum of each table in use");
    assert_eq!(ledger::codec::decode::<ledger::Digest>(&stored).as_ref(), Ok(state.digest()));
    assert_eq!(hex(&ledger::codec::encode(MapState::new().digest())), "010000000000000000", "none in use");
    for (key, _) in samples() {
        state.set(key, None);
    }
    assert_eq!(*state.digest(), *MapState::new().digest(), "what goes in comes out");
}

#[test]
fn bytes_that_are_no_value_do_not_decode() {
    let whole = encode(&settle());
    assert_eq!(decode::<Transaction>(&[]), Err(DecodeError::Version(None)));
    assert_eq!(decode::<Transaction>(&[&[9], &whole[1..]].concat()), Err(DecodeError::Version(Some(9))));
    assert_eq!(decode::<Transaction>(&[&whole[..], &[0]].concat()), Err(DecodeError::Trailing(1)));
    for cut in 1..whole.len() {
        assert_eq!(decode::<Transaction>(&whole[..cut]), Err(DecodeError::Layout), "cut at {cut}");
    }
    // What has the right length and the wrong meaning.
    assert_eq!(decode::<Fen>(&encode(&(Fen::MAX.get() + 1))), Err(DecodeError::Layout));
    assert_eq!(decode::<Province>(&encode(&71_u8)), Err(DecodeError::Layout));
    assert_eq!(decode::<Area>(&encode(&710_000_u32)), Err(DecodeError::Layout));
    assert_eq!(decode::<Institution>(&encode(b"X41010000001")), Err(DecodeError::Layout));
    assert_eq!(decode::<Month>(&encode(&(2026_u16, 13_u8))), Err(DecodeError::Layout));
}
