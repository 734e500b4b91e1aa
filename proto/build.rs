//! Compiles the protos with protox: no protoc is needed.
//!
//! Three things come out: the messages and services as Rust; the descriptors as bytes, with comments and custom
//! options (prost's own types would drop the options); and the error catalogue as a table.

use prost_build::{Service, ServiceGenerator};
use prost_reflect::{DescriptorPool, DynamicMessage, Value};
use std::error::Error;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::{env, fs};

/// The files that are entered; what they import comes along.
const FILES: &[&str] =
    &["gongji/v1/ledger.proto", "gongji/v1/query.proto", "gongji/v1/cluster.proto", "gongji/v1/peer.proto"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=gongji");
    let out = PathBuf::from(env::var("OUT_DIR")?);

    let mut compiler = protox::Compiler::new(["."])?;
    compiler.include_imports(true).include_source_info(true).open_files(FILES)?;
    let bytes = compiler.encode_file_descriptor_set();
    fs::write(out.join("descriptors.bin"), &bytes)?;
    fs::write(out.join("catalogue.rs"), catalogue(&bytes)?)?;

    let services = Services {
        plain: tonic_prost_build::configure().service_generator(),
        checked: tonic_prost_build::configure().codec_path("crate::checked::Checked").service_generator(),
    };
    let mut messages = prost_build::Config::new();
    messages
        .bytes(["."])
        .service_generator(Box::new(services))
        .compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}

/// Services for clients speak plain protobuf; what nodes say to one another carries checksums.
struct Services {
    plain: Box<dyn ServiceGenerator>,
    checked: Box<dyn ServiceGenerator>,
}

impl ServiceGenerator for Services {
    fn generate(&mut self, service: Service, code: &mut String) {
        match service.proto_name.as_str() {
            "Peer" => self.checked.generate(service, code),
            _ => self.plain.generate(service, code),
        }
    }
}

/// The error catalogue as the entries of a Rust array, in the order of the proto.
fn catalogue(descriptors: &[u8]) -> Result<String, Box<dyn Error>> {
    let pool = DescriptorPool::decode(descriptors)?;
    let reasons = pool.get_enum_by_name("gongji.v1.Reason").ok_or("no enum Reason")?;
    let option = pool.get_extension_by_name("gongji.v1.reason_text").ok_or("no option reason_text")?;
    let mut code = String::from("&[\n");
    // `values` goes by number; the order of precedence is that of the file.
    let in_order = reasons.enum_descriptor_proto().value.iter().map(|value| value.name());
    for value in
        in_order.filter_map(|name| reasons.get_value_by_name(name)).filter(|value| value.number() != 0)
    {
        let options = value.options();
        let text = match options.get_extension(&option).into_owned() {
            Value::Message(text) if options.has_extension(&option) => text,
            _ => return Err(format!("{} has no reason_text", value.name()).into()),
        };
        writeln!(
            code,
            "ReasonText {{ name: {:?}, number: {}, zh: {:?}, en: {:?}, hint_zh: {:?}, hint_en: {:?}, \
             grpc_code: {}, retryable: {} }},",
            value.name(),
            value.number(),
            string(&text, "zh")?,
            string(&text, "en")?,
            string(&text, "hint_zh")?,
            string(&text, "hint_en")?,
            field(&text, "grpc_code")?.as_i32().ok_or("grpc_code is not an int32")?,
            field(&text, "retryable")?.as_bool().ok_or("retryable is not a bool")?,
        )?;
    }
    code.push(']');
    Ok(code)
}

/// A field of an option, by name.
fn field(text: &DynamicMessage, name: &str) -> Result<Value, Box<dyn Error>> {
    Ok(text.get_field_by_name(name).ok_or_else(|| format!("reason_text has no field {name}"))?.into_owned())
}

/// A text of an option; an empty one is an error.
fn string(text: &DynamicMessage, name: &str) -> Result<String, Box<dyn Error>> {
    match field(text, name)?.as_str() {
        Some(found) if !found.is_empty() => Ok(found.to_owned()),
        _ => Err(format!("a reason_text has no {name}").into()),
    }
}
