//! The bytes of every key and record, of every call and event, written out in `golden/bytes.txt`. A change there is a
//! change of what is on disk and on the wire between nodes: it needs a new format version. `UPDATE_GOLDENFILES=1`
//! rewrites the file, for what is new.

#[path = "golden/calls.rs"]
mod calls;
#[path = "golden/events.rs"]
mod events;
#[path = "golden/names.rs"]
mod names;
#[path = "golden/rows.rs"]
mod rows;

use calls::calls;
use events::events;
use ledger::codec::{DecodeError, VERSION, decode, decode_row, encode, encode_key, encode_row};
use ledger::stamp::Month;
use ledger::{
    Area, Call, Caller, Event, Fen, Institution, Key, MapState, Province, Refusal, Table, Transaction,
};
use names::{AT, REQUEST, USER, area, province, shop, spend};
use rows::rows;
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn transaction(call: Call) -> Transaction {
    let caller = Caller::Institution(shop());
    Transaction { request: REQUEST, caller, not_after: Some(AT), signature: vec![0xaa, 0xbb], call }
}

/// The variant's name, at the head of what is printed of it.
fn name(value: &impl std::fmt::Debug) -> String {
    let text = format!("{value:?}");
    text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_string()
}

fn all_bytes() -> String {
    let mut out = format!("version {VERSION}\n");
    let mut line = |words: String| writeln!(out, "{words}").expect("strings take text");
    for (key, row) in rows() {
        let bytes = (hex(&encode_key(&key)), hex(&encode_row(&row)));
        line(format!("row {} {} {}", key.table().name(), bytes.0, bytes.1));
    }
    for call in calls() {
        line(format!("call {} {}", name(&call), hex(&encode(&call))));
    }
    for event in events() {
        line(format!("event {} {}", name(&event), hex(&encode(&event))));
    }
    line(format!("transaction {}", hex(&encode(&transaction(Call::Settle(spend()))))));
    let mut state = MapState::new();
    line(format!("digest-of-nothing {}", hex(&state.digest().root())));
    for (key, row) in rows() {
        state.set(key, Some(Arc::new(row)));
    }
    line(format!("digest-of-rows {}", hex(&state.digest().root())));
    out
}

#[test]
fn everything_has_these_bytes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/bytes.txt");
    let now = all_bytes();
    if std::env::var_os("UPDATE_GOLDENFILES").is_some() {
        std::fs::write(&path, &now).expect("the file can be written");
    }
    let golden = std::fs::read_to_string(&path).expect("the file is there");
    for (is, should) in now.lines().zip(golden.lines()) {
        assert_eq!(is, should);
    }
    assert_eq!(now.lines().count(), golden.lines().count());
}

#[test]
fn there_is_a_sample_of_everything() {
    let tables: Vec<Table> = rows().iter().map(|(key, _)| key.table()).collect();
    assert_eq!(tables, Table::ALL, "one sample of every table, in order");
    // A variant is stored as its number, from 0 without gaps.
    let numbers = |values: Vec<Vec<u8>>| -> Vec<u32> {
        values.iter().map(|bytes| u32::from_le_bytes(bytes[1..5].try_into().expect("four bytes"))).collect()
    };
    let calls = numbers(calls().iter().map(encode::<Call>).collect());
    assert_eq!(
        calls,
        (0..=number_of(&Call::DeactivateWallet { person: USER })).collect::<Vec<u32>>(),
        "one sample of every call, in order"
    );
    let last = Event::WalletDeactivated { person: USER };
    let events = numbers(events().iter().map(encode::<Event>).collect());
    assert_eq!(events, (0..=number_of(&last)).collect::<Vec<u32>>(), "one sample of every event, in order");
}

/// The number of the last variant. What is added comes behind it, and is to be named in its place.
fn number_of(last: &impl serde::Serialize) -> u32 {
    u32::from_le_bytes(encode(last)[1..5].try_into().expect("four bytes"))
}

#[test]
fn what_is_encoded_decodes() {
    for (key, row) in rows() {
        assert_eq!(Key::read(&encode_key(&key)), Some(key));
        assert_eq!(decode_row(&key, &encode_row(&row)), Ok(row));
    }
    for call in calls() {
        let one = transaction(call);
        assert_eq!(decode(&encode(&one)), Ok(one));
    }
    for event in events() {
        assert_eq!(decode(&encode(&event)), Ok(event));
    }
}

#[test]
fn every_kind_of_caller_has_its_key() {
    let callers = [
        (Caller::National, "01"),
        (Caller::Province(province(41)), "0229"),
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

#[test]
fn a_refusal_is_stored_as_its_number() {
    assert_eq!(hex(&encode(&Refusal::RefundExceedsPayment)), "025f02"); // 607
    for refusal in Refusal::ALL {
        assert_eq!(decode(&encode(refusal)), Ok(*refusal));
    }
    let mut numbers: Vec<u16> = Refusal::ALL.iter().map(|refusal| refusal.number()).collect();
    numbers.sort();
    assert!(numbers.windows(2).all(|pair| pair[0] != pair[1]), "a number is used twice");
    assert_eq!(decode::<Refusal>(&[VERSION, 0xff, 0xff]), Err(DecodeError::Layout));
}

#[test]
fn the_digest_is_kept_as_the_sums_in_use() {
    let mut state = MapState::new();
    for (key, row) in rows() {
        state.set(key, Some(Arc::new(row)));
    }
    let stored = encode(state.digest());
    assert_eq!(stored.len(), 1 + 8 + Table::COUNT * (1 + 32), "number and sum of each table in use");
    assert_eq!(decode::<ledger::Digest>(&stored).as_ref(), Ok(state.digest()));
    assert_eq!(hex(&encode(MapState::new().digest())), "020000000000000000", "none in use");
    for (key, _) in rows() {
        state.set(key, None);
    }
    assert_eq!(*state.digest(), *MapState::new().digest(), "what goes in comes out");
}

#[test]
fn bytes_that_are_no_value_do_not_decode() {
    let whole = encode(&transaction(Call::Settle(spend())));
    assert_eq!(decode::<Transaction>(&[]), Err(DecodeError::Version(None)));
    assert_eq!(decode::<Transaction>(&[&[9], &whole[1..]].concat()), Err(DecodeError::Version(Some(9))));
    assert_eq!(decode::<Transaction>(&[&whole[..], &[0]].concat()), Err(DecodeError::Trailing(1)));
    for call in calls() {
        let whole = encode(&transaction(call));
        for cut in 1..whole.len() {
            assert_eq!(decode::<Transaction>(&whole[..cut]), Err(DecodeError::Layout), "cut at {cut}");
        }
    }
    // What has the right length and the wrong meaning.
    assert_eq!(decode::<Fen>(&encode(&(Fen::MAX.get() + 1))), Err(DecodeError::Layout));
    assert_eq!(decode::<Province>(&encode(&71_u8)), Err(DecodeError::Layout));
    assert_eq!(decode::<Area>(&encode(&710_000_u32)), Err(DecodeError::Layout));
    assert_eq!(decode::<Institution>(&encode(b"X41010000001")), Err(DecodeError::Layout));
    assert_eq!(decode::<Month>(&encode(&(2026_u16, 13_u8))), Err(DecodeError::Layout));
    assert_eq!(decode::<ledger::MedType>(&encode(b"1\0\0\0\0\0\0\0")), Err(DecodeError::Layout));
    assert_eq!(decode::<ledger::FileNumber>(&encode(&[b'.'; 24])), Err(DecodeError::Layout));
}
