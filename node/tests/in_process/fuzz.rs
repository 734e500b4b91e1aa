//! Mutated requests at every door of a node: answered or turned away, and the connection lives on.

use crate::one::One;
use ::fuzz::{Format, Read};
use bytes::{Buf, BufMut, Bytes};
use client::v1::{self as pb, Reason};
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};
use std::error::Error;
use std::time::Duration;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::{Code, Request, Status};

const PATIENCE: Duration = Duration::from_secs(60);
/// Calls that change who the members are, or write much: not to be made by chance.
const LEFT_OUT: [&str; 7] = ["AddLearner", "Promote", "Demote", "Remove", "HandOver", "Snapshot", "Audit"];
const REQUEST: &str = "0193f5a0-0000-7000-8000-000000000001";
const PERSON: &str = "0193f5a0-0000-7000-8000-000000000002";

/// Bytes as they are.
#[derive(Clone, Copy, Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Raw;
    type Decoder = Raw;

    fn encoder(&mut self) -> Raw {
        Raw
    }

    fn decoder(&mut self) -> Raw {
        Raw
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}

/// A call of a door.
struct Door {
    path: String,
    /// Answers come as a stream, which may never end.
    streams: bool,
    request: MessageDescriptor,
}

fn doors() -> Vec<Door> {
    let pool = DescriptorPool::decode(proto::DESCRIPTORS).expect("our own descriptors");
    let services = ["Ledger", "Query", "Cluster"]
        .map(|name| pool.get_service_by_name(&format!("gongji.v1.{name}")).expect("a service"));
    let calls = services.iter().flat_map(|service| service.methods());
    calls
        .filter(|call| !LEFT_OUT.contains(&call.name()))
        .map(|call| Door {
            path: format!("/{}/{}", call.parent_service().full_name(), call.name()),
            streams: call.is_server_streaming(),
            request: call.input(),
        })
        .collect()
}

/// A request with something plausible in its fields.
fn filled(descriptor: &MessageDescriptor) -> DynamicMessage {
    let mut message = DynamicMessage::new(descriptor.clone());
    for field in descriptor.fields() {
        if let Some(value) = plausible(&field) {
            let value = if field.is_list() { Value::List(vec![value]) } else { value };
            message.set_field(&field, value);
        }
    }
    message
}

fn plausible(field: &FieldDescriptor) -> Option<Value> {
    let text = match field.name() {
        "person" => PERSON,
        "month" | "until" => "2026-10",
        "day" => "2026-10-03",
        "area" => "320500",
        "province" | "payer_province" | "payee_province" => "32",
        "institution" => "H32050000001",
        "relation" | "payment" | "offer" | "hold" | "refund" | "case" => "3-0",
        "request_id" => REQUEST,
        _ => "",
    };
    Some(match field.kind() {
        Kind::String => Value::String(text.into()),
        Kind::Uint32 => Value::U32(2026),
        Kind::Uint64 => Value::U64(3),
        Kind::Bool => Value::Bool(true),
        Kind::Enum(inner) => Value::EnumNumber(inner.values().last().map_or(0, |value| value.number())),
        Kind::Message(inner) => match inner.name() {
            // As this node has it: nobody is asked.
            "Consistency" => {
                let local = pb::Consistency { level: Some(pb::consistency::Level::Local(pb::Local {})) };
                Value::Message(DynamicMessage::decode(inner, &*local.encode_to_vec()).expect("its own bytes"))
            }
            "Transaction" => {
                let bytes = transaction().encode_to_vec();
                Value::Message(DynamicMessage::decode(inner, &*bytes).expect("its own bytes"))
            }
            _ => Value::Message(filled(&inner)),
        },
        _ => return None,
    })
}

fn transaction() -> pb::Transaction {
    pb::Transaction {
        request_id: REQUEST.into(),
        caller: Some(pb::Caller { who: Some(pb::caller::Who::Person(PERSON.into())) }),
        call: Some(pb::transaction::Call::ActivateWallet(pb::ActivateWallet { person: PERSON.into() })),
        ..Default::default()
    }
}

/// Asks, and gives the answer's bytes; of a stream that it has begun.
async fn ask(channel: &tonic::transport::Channel, door: &Door, body: Bytes) -> Result<Bytes, Status> {
    let mut calls = tonic::client::Grpc::new(channel.clone());
    calls.ready().await.map_err(|lost| Status::from_error(lost.into()))?;
    let path = door.path.parse().expect("a path");
    if door.streams {
        let once = futures::stream::once(futures::future::ready(body));
        return calls.streaming(Request::new(once), path, Raw).await.map(|_| Bytes::new());
    }
    calls.unary(Request::new(body), path, Raw).await.map(tonic::Response::into_inner)
}

/// The first byte says which door. Everything runs on this thread, so that what a door allocates is counted.
#[test]
fn fuzz_doors() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder");
    let one = runtime.block_on(One::formed(dir.path()));
    let (doors, channel) = (doors(), one.client.channel());
    assert!(doors.len() > 30, "{} doors", doors.len());
    let sample =
        |(place, door): (usize, &Door)| [vec![place as u8], filled(&door.request).encode_to_vec()].concat();
    let decode = |bytes: &[u8]| {
        let Some((which, body)) = bytes.split_first() else { return Read::Refused("nothing".into()) };
        let Some(door) = doors.get(usize::from(*which)) else { return Read::Refused("no such door".into()) };
        let asked = ask(&channel, door, Bytes::copy_from_slice(body));
        let answer = runtime.block_on(async { tokio::time::timeout(PATIENCE, asked).await });
        match answer.unwrap_or_else(|_| panic!("{} does not answer", door.path)) {
            Ok(_) => Read::Same(bytes.to_vec()),
            Err(status) => {
                // A panic in a door ends the connection that it came by.
                assert!(status.source().is_none(), "{}: the connection is lost: {status}", door.path);
                let field = proto::status::field_of(&status).map(|(field, _)| field);
                let reason = proto::status::reason_of(&status);
                match (status.code(), reason) {
                    // Asked in good order: what is not there, or is done already.
                    (Code::NotFound, _) | (_, Some(Reason::AlreadyFormed)) => Read::Same(bytes.to_vec()),
                    (code, _) => Read::Refused(format!("{} {code:?} {reason:?} {field:?}", door.path)),
                }
            }
        }
    };
    // What needs more than a plausible field is left to chance.
    let samples: Vec<Vec<u8>> = doors
        .iter()
        .enumerate()
        .map(sample)
        .filter(|sample| !matches!(decode(sample), Read::Refused(_)))
        .collect();
    assert!(samples.len() > 25, "{} good requests", samples.len());
    let words: &[&[u8]] =
        &[b"2026-10", b"3-0", b"98.60", PERSON.as_bytes(), b"00000000", b"ffffffffffffffff", &[0xff; 10]];
    let test = "-p node --test in_process fuzz_doors";
    let format = Format { name: "door", test, samples, words, seal: None, inputs: 4_000 };
    ::fuzz::run(&format, decode);
    runtime.block_on(one.node.shutdown());
}
