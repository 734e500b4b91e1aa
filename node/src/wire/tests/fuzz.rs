//! Mutated messages: turned away with a field's name, or read the same again when they are written.

use super::calls::calls;
use super::*;
use ::fuzz::{Format, INPUTS, Read};
use prost::Message;

#[test]
fn fuzz_messages() {
    let call = |strategy| Transaction {
        request: text::request_id(REQUEST).expect("an id"),
        caller: Caller::National,
        not_after: Some(Stamp(1_772_323_200_000)),
        signature: vec![1, 2],
        call: sample(&strategy),
    };
    let sent = |transaction: &Transaction| transaction_to_proto(transaction).encode_to_vec();
    let read = |bytes: &[u8]| match pb::Transaction::decode(bytes) {
        Ok(message) => transaction_from_proto(&message).map_err(|bad| bad.to_string()),
        Err(why) => Err(why.to_string()),
    };
    let samples: Vec<Vec<u8>> = calls().into_iter().map(|strategy| sent(&call(strategy))).collect();
    let samples: Vec<Vec<u8>> = samples.into_iter().filter(|sample| read(sample).is_ok()).collect();
    assert!(samples.len() > 30, "{} calls", samples.len());
    let words: &[&[u8]] =
        &[b"98.60", b"-1", b"99999999999999999999.99", b"H41010000001", b"2026-02-29", &[0xff; 10]];
    let test = "-p node --lib fuzz_messages";
    let format = Format { name: "message", test, samples, words, seal: None, inputs: INPUTS };
    ::fuzz::run(&format, |bytes| match read(bytes) {
        Ok(transaction) => Read::Alike(sent(&transaction)),
        Err(why) => Read::Refused(why),
    });
}
