//! Mutated answers: what a server, or somebody between, says that a transaction came to, or that was decided.

use super::read_entry;
use crate::outcome::{self, Said};
use crate::{Caller, RequestId, Yuan};
use fuzz::{Format, INPUTS, Read};
use prost::Message;
use proto::v1 as pb;
use std::time::SystemTime;

const REQUEST: &str = "0193f5a0-0000-7000-8000-000000000001";
const WORDS: &[&[u8]] = &[REQUEST.as_bytes(), &[0xff; 10], &[0x08, 0x01], b"99999999999999.99"];

fn result(outcome: pb::Outcome) -> pb::Result {
    let kind = pb::event::Kind::Settled(pb::Settled::default());
    pb::Result {
        request_id: REQUEST.into(),
        index: 77,
        place: 3,
        outcome: outcome.into(),
        events: vec![pb::Event { kind: Some(kind) }],
        ..Default::default()
    }
}

fn format(name: &'static str, test: &'static str, samples: Vec<Vec<u8>>) -> Format<'static> {
    Format { name, test, samples, words: WORDS, seal: None, inputs: INPUTS }
}

#[test]
fn fuzz_results() {
    let samples = [pb::Outcome::Done, pb::Outcome::Refused].map(|outcome| result(outcome).encode_to_vec());
    let request: RequestId = REQUEST.parse().expect("an id");
    let format = format("result", "-p client --lib fuzz_results", samples.to_vec());
    fuzz::run(&format, |bytes| match pb::Result::decode(bytes) {
        Ok(result) => match outcome::read(request, result.clone()) {
            Some(Said::Final(ended)) => {
                assert_eq!(ended.request_id(), request);
                Read::Alike(result.encode_to_vec())
            }
            Some(Said::Malformed(_)) => Read::Refused("malformed".into()),
            Some(Said::Again(_)) => Read::Refused("again".into()),
            None => Read::Refused("of another version".into()),
        },
        Err(why) => Read::Refused(why.to_string()),
    });
}

#[test]
fn fuzz_watched() {
    let caller = Some(pb::Caller::from(&Caller::person(REQUEST)));
    let decision = pb::Decision { caller, result: Some(result(pb::Outcome::Done)), transaction: None };
    let entry =
        pb::Entry { index: 77, stamp: Some(SystemTime::UNIX_EPOCH.into()), decisions: vec![decision] };
    let samples = vec![entry.encode_to_vec(), pb::Entry::default().encode_to_vec()];
    let format = format("watched", "-p client --lib fuzz_watched", samples);
    fuzz::run(&format, |bytes| match pb::Entry::decode(bytes) {
        Ok(entry) => match read_entry(entry.clone()) {
            Some(_) => Read::Alike(entry.encode_to_vec()),
            None => Read::Refused("of another version".into()),
        },
        Err(why) => Read::Refused(why.to_string()),
    });
}

/// What people write: a request id behind "r", an amount behind "y".
#[test]
fn fuzz_words() {
    let samples = vec![format!("r{REQUEST}").into_bytes(), b"y98.60".to_vec(), b"y0.00".to_vec()];
    let format = format("client-words", "-p client --lib fuzz_words", samples);
    fuzz::run(&format, |bytes| {
        let written = match std::str::from_utf8(bytes).ok().and_then(|text| text.split_at_checked(1)) {
            Some(("r", id)) => {
                id.parse::<RequestId>().map(|id| format!("r{id}")).map_err(|why| why.to_string())
            }
            Some(("y", yuan)) => {
                yuan.parse::<Yuan>().map(|yuan| format!("y{yuan}")).map_err(|why| why.to_string())
            }
            _ => Err("neither".into()),
        };
        written.map_or_else(Read::Refused, |again| Read::Alike(again.into_bytes()))
    });
}
