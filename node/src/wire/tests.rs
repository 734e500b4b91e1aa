//! The two sides of the wire agree.

mod answers;
mod calls;
mod events;
mod fuzz;
mod malformed;
mod values;

use super::calls::ORDER_MAX;
use super::text::{of_day, of_difference, of_fen, of_sum, of_yuan};
use super::*;
use ledger::command::{
    Credential, CredentialKind, DisputeReason, Expiry, InstitutionKind, Insurance, InsuranceStatus, Kinship,
    KinshipScope, Party, PayoutReason, Premium, Spend, SuspensionReason, Tariff, Termination,
};
use ledger::{Call, Event, Fen, FileNumber, MedType, Policy, Position, Refusal, Sum};
use proptest::option;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proto::v1::transaction::Call as PbCall;
use std::collections::BTreeSet;

const REQUEST: &str = "0193f5a0-0000-7000-8000-000000000001";

/// The numbers of the variants of a oneof: every one must be tried.
fn variants(message: &str, oneof: &str) -> BTreeSet<u32> {
    let pool = prost_reflect::DescriptorPool::decode(proto::DESCRIPTORS).expect("our own descriptors");
    let message = pool.get_message_by_name(&format!("gongji.v1.{message}")).expect("a message");
    let oneof = message.oneofs().find(|found| found.name() == oneof).expect("a oneof");
    oneof.fields().map(|field| field.number()).collect()
}

/// One value of a strategy, the same every time.
fn sample<T: std::fmt::Debug>(strategy: &impl Strategy<Value = T>) -> T {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    strategy.new_tree(&mut runner).expect("a value").current()
}

/// The number of the first field of a message.
fn field_number(bytes: &[u8]) -> u32 {
    let tag = prost::encoding::decode_varint(&mut &*bytes).expect("a message that is not empty");
    u32::try_from(tag >> 3).expect("a field's number")
}
