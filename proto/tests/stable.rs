//! What is on the wire stays: numbers and types of fields, numbers of enums, and methods, against `golden.txt`.
//!
//! A new line is added with `UPDATE_GOLDENFILES=1 cargo test -p proto`. A line that is gone or changed breaks those who
//! were built with it: see README.md for what to do instead.

use prost_reflect::{Cardinality, DescriptorPool, EnumDescriptor, Kind, MessageDescriptor, Value};
use proto::catalogue::{self, CATALOGUE};
use proto::v1::Reason;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::{env, fs};

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden.txt");
const PACKAGE: &str = "gongji.v1.";

fn pool() -> DescriptorPool {
    DescriptorPool::decode(proto::DESCRIPTORS).expect("our own descriptors")
}

fn messages(pool: &DescriptorPool) -> impl Iterator<Item = MessageDescriptor> + '_ {
    pool.all_messages().filter(|message| message.full_name().starts_with(PACKAGE))
}

fn enums(pool: &DescriptorPool) -> impl Iterator<Item = EnumDescriptor> + '_ {
    pool.all_enums().filter(|kind| kind.full_name().starts_with(PACKAGE))
}

/// Everything that must stay, a line each.
fn surface() -> BTreeSet<String> {
    let pool = pool();
    let mut lines = BTreeSet::new();
    for message in messages(&pool) {
        let name = &message.full_name()[PACKAGE.len()..];
        lines.insert(format!("message {name}"));
        for field in message.fields() {
            let kind = match field.kind() {
                Kind::Message(message) => message.full_name().trim_start_matches(PACKAGE).to_owned(),
                Kind::Enum(kind) => kind.full_name().trim_start_matches(PACKAGE).to_owned(),
                plain => format!("{plain:?}").to_lowercase(),
            };
            let many = if field.cardinality() == Cardinality::Repeated { "repeated " } else { "" };
            let number = field.number();
            lines.insert(format!("field {name}.{number:03} = {} {many}{kind}", field.name()));
        }
    }
    for kind in enums(&pool) {
        let name = &kind.full_name()[PACKAGE.len()..];
        lines.extend(
            kind.values().map(|value| format!("enum {name}.{:04} = {}", value.number(), value.name())),
        );
    }
    for method in pool.services().flat_map(|service| service.methods().collect::<Vec<_>>()) {
        let stream = |streams: bool| if streams { "stream " } else { "" };
        let name = method.full_name().trim_start_matches(PACKAGE);
        let (input, output) = (method.input(), method.output());
        lines.insert(format!(
            "method {name}({}{}) -> {}{}",
            stream(method.is_client_streaming()),
            input.name(),
            stream(method.is_server_streaming()),
            output.name(),
        ));
    }
    lines
}

#[test]
fn nothing_on_the_wire_changes() {
    let now = surface();
    let golden: BTreeSet<String> =
        fs::read_to_string(GOLDEN).unwrap_or_default().lines().map(str::to_owned).collect();
    let gone: Vec<&String> = golden.difference(&now).collect();
    assert!(gone.is_empty(), "gone or changed, see proto/README.md: {gone:#?}");
    if env::var_os("UPDATE_GOLDENFILES").is_some() {
        let text: String = now.iter().flat_map(|line| [line, "\n"]).collect();
        fs::write(GOLDEN, text).expect("golden.txt is writable");
        return;
    }
    let new: Vec<&String> = now.difference(&golden).collect();
    assert!(new.is_empty(), "new; if meant, run UPDATE_GOLDENFILES=1 cargo test -p proto: {new:#?}");
}

#[test]
fn everything_says_what_it_is() {
    let pool = pool();
    let mut silent = Vec::new();
    let mut check = |name: &str, comment: Option<&str>| {
        if comment.is_none_or(|comment| comment.trim().is_empty()) {
            silent.push(name.to_owned());
        }
    };
    for file in pool.files().filter(|file| file.package_name() == "gongji.v1") {
        let proto = file.file_descriptor_proto();
        let comments: HashMap<&[i32], &str> = proto
            .source_code_info
            .iter()
            .flat_map(|info| &info.location)
            .filter_map(|location| Some((location.path.as_slice(), location.leading_comments.as_deref()?)))
            .collect();
        for message in file.messages() {
            check(message.full_name(), comments.get(message.path()).copied());
            for field in message.fields() {
                check(field.full_name(), comments.get(field.path()).copied());
            }
        }
        for kind in file.enums() {
            check(kind.full_name(), comments.get(kind.path()).copied());
            for value in kind.values() {
                check(value.full_name(), comments.get(value.path()).copied());
            }
        }
        for service in file.services() {
            check(service.full_name(), comments.get(service.path()).copied());
            for method in service.methods() {
                check(method.full_name(), comments.get(method.path()).copied());
            }
        }
    }
    assert!(silent.is_empty(), "without a comment: {silent:#?}");
}

#[test]
fn enums_start_with_unspecified_and_carry_their_name() {
    for kind in enums(&pool()) {
        let prefix = kind.name().chars().enumerate().fold(String::new(), |mut text, (i, letter)| {
            if letter.is_uppercase() && i > 0 {
                text.push('_');
            }
            text.push(letter.to_ascii_uppercase());
            text
        });
        assert_eq!(kind.default_value().name(), format!("{prefix}_UNSPECIFIED"));
        for value in kind.values() {
            assert!(value.name().starts_with(&format!("{prefix}_")), "{}", value.full_name());
        }
    }
}

#[test]
fn requests_and_responses_are_not_shared_between_methods() {
    let pool = pool();
    let methods: Vec<_> = pool.services().flat_map(|service| service.methods().collect::<Vec<_>>()).collect();
    let mut seen = HashSet::new();
    for method in methods {
        assert_eq!(method.input().name(), format!("{}Request", method.name()));
        assert_eq!(method.output().name(), format!("{}Response", method.name()));
        assert!(seen.insert(method.input().full_name().to_owned()), "{} is shared", method.input().name());
    }
}

#[test]
fn the_descriptors_keep_the_error_catalogue() {
    let pool = pool();
    let option = pool.get_extension_by_name("gongji.v1.reason_text").expect("the option");
    let reasons = pool.get_enum_by_name("gongji.v1.Reason").expect("the enum");
    let mut found = 0;
    for value in reasons.values().filter(|value| value.number() != 0) {
        let options = value.options();
        let Value::Message(text) = options.get_extension(&option).into_owned() else { panic!("a message") };
        let reason = Reason::try_from(value.number()).expect("generated from the same enum");
        let entry = catalogue::text(reason);
        assert_eq!((entry.name, entry.number), (value.name(), value.number()));
        assert_eq!(text.get_field_by_name("zh").expect("the field").as_str(), Some(entry.zh));
        found += 1;
    }
    assert_eq!(found, CATALOGUE.len());
}

#[test]
fn every_reason_can_be_told_in_both_languages() {
    for text in CATALOGUE {
        for chinese in [text.zh, text.hint_zh] {
            assert!(!chinese.is_ascii(), "{}: {chinese}", text.name);
            assert!(!chinese.ends_with('。'), "{}: {chinese}", text.name);
        }
        for english in [text.en, text.hint_en] {
            assert!(english.is_ascii() && !english.ends_with('.'), "{}: {english}", text.name);
        }
        assert!((1..=16).contains(&text.grpc_code), "{}", text.name);
        assert_eq!(text.number >= 9000, text.number > 9000, "doors start at 9001");
    }
    assert_eq!(catalogue::text(Reason::Unspecified).number, 0);
}
