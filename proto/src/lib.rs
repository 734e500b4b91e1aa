//! The words on the wire: package `gongji.v1` as Rust, its descriptors and its error catalogue.
//!
//! The `.proto` files under `gongji/v1` are the API reference; everything here is generated from them, but for
//! [`status`], which knows how a [`v1::Reason`] travels in a gRPC status.
#![deny(missing_docs)]

pub mod catalogue;
pub mod checked;
pub mod status;

/// Messages, services and enums of package `gongji.v1`.
#[allow(missing_docs, clippy::all)]
pub mod v1 {
    tonic::include_proto!("gongji.v1");
}

/// The file descriptors of the package and of what it imports, with comments and custom options: for reflection, for
/// JSON and for documents.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
