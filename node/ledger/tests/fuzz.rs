//! Mutated bytes for everything that the codec reads: it refuses them, or they are the one way to write what it read.

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
use fuzz::{Format, INPUTS, Read};
use ledger::codec::{decode, decode_row, encode, encode_key, encode_row};
use ledger::{Answer, Caller, Event, Key, Outcome, Position, Stamp, Transaction};
use names::{AT, REQUEST, shop};
use rows::rows;
use serde::Serialize;
use serde::de::DeserializeOwned;

fn same<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Read {
    match decode::<T>(bytes) {
        Ok(value) => Read::Same(encode(&value)),
        Err(why) => Read::Refused(why.to_string()),
    }
}

fn transactions() -> Vec<Transaction> {
    let caller = Caller::Institution(shop());
    let one = |call| Transaction {
        request: REQUEST,
        caller,
        not_after: Some(AT),
        signature: vec![0xaa, 0xbb],
        call,
    };
    calls().into_iter().map(one).collect()
}

fn format(name: &'static str, test: &'static str, samples: Vec<Vec<u8>>) -> Format<'static> {
    let words: &[&[u8]] = &[b"H41010000001", &[0; 16], &[1, 0, 0, 0]];
    Format { name, test, samples, words, seal: None, inputs: INPUTS }
}

#[test]
fn fuzz_transactions() {
    let samples = transactions().iter().map(encode).collect();
    fuzz::run(
        &format("transaction", "-p ledger --test fuzz fuzz_transactions", samples),
        same::<Transaction>,
    );
}

#[test]
fn fuzz_batches() {
    let all = transactions();
    let samples = all.chunks(5).map(|some| encode(&(AT, some.to_vec()))).collect();
    let format = format("batch", "-p ledger --test fuzz fuzz_batches", samples);
    fuzz::run(&format, same::<(Stamp, Vec<Transaction>)>);
}

/// What a follower passes on to the leader.
#[test]
fn fuzz_passed_on() {
    let all = transactions();
    let samples = all.chunks(5).map(|some| encode(&some.to_vec())).collect();
    let format = format("passed-on", "-p ledger --test fuzz fuzz_passed_on", samples);
    fuzz::run(&format, same::<Vec<Transaction>>);
}

/// What the leader answers to it.
#[test]
fn fuzz_answers() {
    let answer = |(place, some): (usize, &[Event])| Answer {
        position: Position { index: 77, place: place as u16 },
        outcome: Outcome::Done(some.to_vec()),
        repeated: place % 2 == 1,
    };
    let answers: Vec<Answer> = events().chunks(3).enumerate().map(answer).collect();
    let samples = answers.chunks(4).map(|some| encode(&some.to_vec())).collect();
    fuzz::run(&format("answers", "-p ledger --test fuzz fuzz_answers", samples), same::<Vec<Answer>>);
}

#[test]
fn fuzz_outcomes() {
    let done: Vec<Outcome> = events().chunks(3).map(|some| Outcome::Done(some.to_vec())).collect();
    let samples = done.iter().map(encode).collect();
    fuzz::run(&format("outcome", "-p ledger --test fuzz fuzz_outcomes", samples), same::<Outcome>);
}

#[test]
fn fuzz_events() {
    let samples = events().iter().map(encode).collect();
    fuzz::run(&format("event", "-p ledger --test fuzz fuzz_events", samples), same::<Event>);
}

#[test]
fn fuzz_keys() {
    let samples = rows().iter().map(|(key, _)| encode_key(key)).collect();
    fuzz::run(&format("key", "-p ledger --test fuzz fuzz_keys", samples), |bytes| match Key::read(bytes) {
        Some(key) => Read::Same(encode_key(&key)),
        None => Read::Refused("not a key".into()),
    });
}

/// A key's length, the key, and a row under it.
#[test]
fn fuzz_rows() {
    let join = |key: &Key, row: &[u8]| {
        let key = encode_key(key);
        [&[key.len() as u8], key.as_slice(), row].concat()
    };
    let samples = rows().iter().map(|(key, row)| join(key, &encode_row(row))).collect();
    fuzz::run(&format("row", "-p ledger --test fuzz fuzz_rows", samples), |bytes| {
        let split = bytes.split_first().and_then(|(length, rest)| rest.split_at_checked((*length).into()));
        let Some((key, row)) = split.and_then(|(key, row)| Some((Key::read(key)?, row))) else {
            return Read::Refused("not a key".into());
        };
        match decode_row(&key, row) {
            Ok(row) => Read::Same(join(&key, &encode_row(&row))),
            Err(why) => Read::Refused(why.to_string()),
        }
    });
}
