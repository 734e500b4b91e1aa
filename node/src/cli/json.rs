//! proto3 JSON with the original field names, from the descriptors: what `submit` reads and `-o json` prints.

use prost::Message;
use prost_reflect::{
    DescriptorPool, DeserializeOptions, DynamicMessage, MessageDescriptor, SerializeOptions,
};
use serde_json::Value;
use std::sync::LazyLock;

static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    DescriptorPool::decode(proto::DESCRIPTORS).expect("the descriptors are made with the binary")
});

/// What is wrong with a piece of JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// Which field, such as `settle.amount`; empty when the text as a whole is no JSON.
    pub field: String,
    /// What is wrong with it.
    pub problem: String,
}

/// How messages of one type are read and written.
#[derive(Clone, Debug)]
pub struct Shape {
    descriptor: MessageDescriptor,
}

impl Shape {
    /// The shape of a message of package `gongji.v1`.
    ///
    /// # Panics
    /// When there is no such message: a misspelt name in this program.
    pub fn of(name: &str) -> Shape {
        let full = format!("gongji.v1.{name}");
        let descriptor = POOL.get_message_by_name(&full).unwrap_or_else(|| panic!("no message {full}"));
        Shape { descriptor }
    }

    /// Reads a message. An unknown field or enum value is an error that names the field.
    ///
    /// # Errors
    /// The field, and what is wrong with it.
    pub fn read<M: Message + Default>(&self, text: &str) -> Result<M, Malformed> {
        let mut track = serde_path_to_error::Track::new();
        let mut json = serde_json::Deserializer::from_str(text);
        let tracked = serde_path_to_error::Deserializer::new(&mut json, &mut track);
        let options = DeserializeOptions::new().deny_unknown_fields(true);
        let dynamic = DynamicMessage::deserialize_with_options(self.descriptor.clone(), tracked, &options)
            .map_err(|problem| malformed(&track.path().to_string(), &problem))?;
        json.end().map_err(|problem| malformed("", &problem))?;
        dynamic
            .transcode_to()
            .map_err(|problem| Malformed { field: String::new(), problem: problem.to_string() })
    }

    /// Writes a message as a JSON value: every field, also one that has its default; 64-bit numbers as strings.
    pub fn write<M: Message>(&self, message: &M) -> Value {
        self.value(message, false)
    }

    /// Writes a message as a JSON value without the fields that have their default.
    pub fn write_short<M: Message>(&self, message: &M) -> Value {
        self.value(message, true)
    }

    fn value<M: Message>(&self, message: &M, short: bool) -> Value {
        let mut dynamic = DynamicMessage::new(self.descriptor.clone());
        dynamic.transcode_from(message).expect("the descriptor belongs to the message");
        let options = SerializeOptions::new()
            .use_proto_field_name(true)
            .stringify_64_bit_integers(true)
            .skip_default_fields(short);
        dynamic
            .serialize_with_options(serde_json::value::Serializer, &options)
            .expect("proto3 JSON of a well-formed message")
    }
}

/// The fields of a message, for "did you mean".
fn fields(descriptor: &MessageDescriptor) -> Vec<String> {
    descriptor.fields().map(|field| field.name().to_owned()).collect()
}

fn malformed(path: &str, problem: &serde_json::Error) -> Malformed {
    let text = problem.to_string();
    // One line of input is one text: serde_json's line number would only confuse.
    let (text, column) = match text.rsplit_once(" at line ") {
        Some((text, place)) => {
            (text.to_owned(), place.rsplit_once("column ").map(|(_, column)| column.to_owned()))
        }
        None => (text, None),
    };
    let mut problem = text.clone();
    let mut field = if path == "." { String::new() } else { path.to_owned() };
    if let Some(name) = quoted(&text).filter(|_| text.starts_with("unrecognized field name")) {
        // The path ends at the object that holds the unknown field, or at the field itself.
        if !field.ends_with(&name) {
            field = if field.is_empty() { name.clone() } else { format!("{field}.{name}") };
        }
        problem = "no such field".into();
        let above = field.rsplit_once('.').map_or("", |(above, _)| above);
        let names = holder(above).map(|descriptor| fields(&descriptor)).unwrap_or_default();
        if let Some(right) = crate::problem::nearest(&name, names.iter().map(String::as_str)) {
            problem = format!("no such field, did you mean {right}?");
        }
    }
    if field.is_empty() {
        problem = match column {
            Some(column) => format!("not a JSON object of a transaction: {problem} (column {column})"),
            None => format!("not a JSON object of a transaction: {problem}"),
        };
    }
    Malformed { field, problem }
}

/// The message type at a path of a transaction: where an unknown field was found.
fn holder(path: &str) -> Option<MessageDescriptor> {
    let mut descriptor = POOL.get_message_by_name("gongji.v1.Transaction")?;
    for name in path.split('.').filter(|name| !name.is_empty()) {
        let field = descriptor.get_field_by_name(name).or_else(|| descriptor.get_field_by_json_name(name))?;
        descriptor = field.kind().as_message()?.clone();
    }
    Some(descriptor)
}

fn quoted(text: &str) -> Option<String> {
    let start = text.find(['\'', '"', '`'])?;
    let rest = &text[start + 1..];
    Some(rest[..rest.find(['\'', '"', '`'])?].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost_reflect as reflect;
    use prost_reflect::Kind;
    use proto::v1;

    fn read(text: &str) -> Result<v1::Transaction, Malformed> {
        Shape::of("Transaction").read(text)
    }

    #[test]
    fn a_transaction_is_read_by_its_original_field_names() {
        let text = r#"{"request_id":"r","caller":{"institution":"H41010000001"},"settle":{"beneficiary":"b","institution":"H41010000001","amount":"98.60","all_or_nothing":true},"not_after":"2026-11-22T08:00:00+08:00"}"#;
        let transaction = read(text).expect("good");
        assert_eq!(transaction.not_after.map(|at| at.seconds), Some(1_795_305_600));
        let Some(v1::transaction::Call::Settle(settle)) = transaction.call else { panic!("not a settle") };
        assert_eq!(
            (settle.amount.as_str(), settle.all_or_nothing, settle.use_own_account),
            ("98.60", true, None)
        );
    }

    #[test]
    fn fuzz_json() {
        let lines = [
            r#"{"request_id":"r","caller":{"institution":"H41010000001"},"settle":{"beneficiary":"b","institution":"H41010000001","amount":"98.60","all_or_nothing":true},"not_after":"2026-11-22T08:00:00+08:00"}"#,
            r#"{"caller":{"national":{}},"signature":"qrs=","enrol_person":{"person":"p","insurance":"INSURANCE_EMPLOYEE"}}"#,
        ];
        let samples = lines.iter().map(|line| line.as_bytes().to_vec()).collect();
        let words: &[&[u8]] = &[
            b"\"",
            b"{",
            b"[[[[[[[[[[[[[[[[",
            b"null",
            b"-1e999",
            b"\\ud800",
            b"9223372036854775808",
            b",",
            b"\"settle\":{",
        ];
        let test = "-p node --bin gongji fuzz_json";
        let format = fuzz::Format { name: "json", test, samples, words, seal: None, inputs: fuzz::INPUTS };
        let shape = Shape::of("Transaction");
        fuzz::run(&format, |bytes| {
            let Ok(text) = std::str::from_utf8(bytes) else { return fuzz::Read::Refused("not UTF-8".into()) };
            match shape.read::<v1::Transaction>(text) {
                Ok(transaction) => fuzz::Read::Alike(shape.write_short(&transaction).to_string().into()),
                Err(malformed) => fuzz::Read::Refused(malformed.problem),
            }
        });
    }

    #[test]
    fn what_is_malformed_is_named_by_its_field() {
        let field = |text: &str| read(text).map(drop).unwrap_err();
        assert_eq!(field(r#"{"settle":{"amuont":"1.00"}}"#).field, "settle.amuont");
        assert_eq!(field(r#"{"settle":{"amuont":"1.00"}}"#).problem, "no such field, did you mean amount?");
        assert_eq!(field(r#"{"requestid":"r"}"#).field, "requestid");
        assert_eq!(field(r#"{"settle":{"amount":98.60}}"#).field, "settle.amount");
        assert_eq!(
            field(r#"{"enrol_person":{"insurance":"INSURANCE_PET"}}"#).field,
            "enrol_person.insurance"
        );
        assert_eq!(field(r#"{"settle":{"all_or_nothing":"yes"}}"#).field, "settle.all_or_nothing");
        for garbage in ["", "x", "[]", "3", "{\"settle\":", "{} {}", "\u{0}\u{1}", "{\"settle\":{},}"] {
            let found = field(garbage);
            assert!(!found.problem.is_empty(), "{garbage:?}");
        }
    }

    /// A message with something in every field; of the fields of a oneof, in the first.
    fn filled(descriptor: &MessageDescriptor) -> DynamicMessage {
        let mut message = DynamicMessage::new(descriptor.clone());
        if descriptor.full_name() == "google.protobuf.Timestamp" {
            message.set_field_by_name("seconds", reflect::Value::I64(1_795_305_600));
            message.set_field_by_name("nanos", reflect::Value::I32(123_000_000));
            return message;
        }
        for field in descriptor.fields() {
            let others = field.containing_oneof().is_some_and(|oneof| {
                !field.supports_presence() || oneof.fields().next().is_some_and(|first| first != field)
            });
            if !others {
                let value = sample(&field.kind());
                message.set_field(
                    &field,
                    if field.is_list() { reflect::Value::List(vec![value]) } else { value },
                );
            }
        }
        message
    }

    fn sample(kind: &Kind) -> reflect::Value {
        match kind {
            Kind::Message(inner) => reflect::Value::Message(filled(inner)),
            Kind::Enum(inner) => {
                reflect::Value::EnumNumber(inner.values().last().map_or(0, |value| value.number()))
            }
            Kind::Bool => reflect::Value::Bool(true),
            Kind::Uint32 => reflect::Value::U32(2026),
            Kind::Uint64 => reflect::Value::U64(1 << 60),
            Kind::String => reflect::Value::String("98.60".into()),
            Kind::Bytes => reflect::Value::Bytes(vec![1, 2, 3].into()),
            other => panic!("transactions have no fields of kind {other:?} yet"),
        }
    }

    #[test]
    fn every_call_is_read_back_from_its_line() {
        let shape = Shape::of("Transaction");
        let calls = shape.descriptor.oneofs().find(|oneof| oneof.name() == "call").expect("the calls");
        let mut tried = 0;
        for call in calls.fields() {
            let mut message = filled(&shape.descriptor);
            message.set_field(&call, sample(&call.kind()));
            let transaction: v1::Transaction = message.transcode_to().expect("our own message");
            let line = shape.write_short(&transaction).to_string();
            assert!(line.contains(&format!("\"{}\":{{", call.name())), "{line}");
            assert_eq!(shape.read::<v1::Transaction>(&line), Ok(transaction), "{line}");
            tried += 1;
        }
        assert!(tried > 40, "all calls");
    }

    #[test]
    fn sixty_four_bit_numbers_are_strings() {
        let status = v1::NodeStatus { node: 32_000_001, applied_index: u64::MAX, ..Default::default() };
        let json = Shape::of("NodeStatus").write(&status);
        assert_eq!(json["applied_index"], "18446744073709551615");
        assert_eq!(json["lag"], "0");
        assert_eq!(json["role"], "ROLE_UNSPECIFIED");
    }
}
