//! Mutated bytes for everything of Raft's that is read from disk or from another node.

use super::append::{read_append, write_append};
use super::handle::{AppendReply, Transfer, VoteAsked, VoteGiven};
use super::log::{Mark, Number, StoredVote};
use super::types::{self, Batch, Entry, Member, MembershipBytes, VoteBytes};
use super::vote;
use crate::state::LogMark;
use bytes::Bytes;
use fuzz::{Format, INPUTS, Read};
use ledger::{Stamp, codec};
use openraft::EntryPayload;
use openraft::raft::AppendEntriesRequest;
use openraft::raft::VoteResponse;
use raft_log::codeq::{Decode, Encode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

const AT: LogMark = LogMark { term: 3, node: 11_000_001, index: 77 };

fn format(name: &'static str, test: &'static str, samples: Vec<Vec<u8>>) -> Format<'static> {
    Format { name, test, samples, words: &[&[0xff; 4], &[0; 8]], seal: None, inputs: INPUTS }
}

fn membership() -> openraft::Membership<u64, Member> {
    let member = |id: u64| (id, Member { peer: format!("10.0.0.{id}:7001"), api: "n:7000".into() });
    let members: BTreeMap<u64, Member> = (1..=4).map(member).collect();
    let configs = vec![[1, 2, 3].into(), [2, 3].into()];
    openraft::Membership::new(configs, members).expect("a membership")
}

fn entries() -> Vec<Entry> {
    let entry = |index, payload| Entry { log_id: types::log_id(LogMark { index, ..AT }), payload };
    vec![
        entry(77, EntryPayload::Blank),
        entry(78, EntryPayload::Normal(Batch::new(Stamp(5), Vec::new()))),
        entry(79, EntryPayload::Normal(Batch::from_bytes(Bytes::from(vec![7; 300])))),
        entry(80, EntryPayload::Membership(membership())),
    ]
}

fn written(entry: &Entry) -> Vec<u8> {
    let mut bytes = Vec::new();
    types::write_entry(entry, &mut bytes);
    bytes
}

/// Makes the head's length and both checksums of an entry fit again.
fn seal(bytes: &mut [u8]) {
    let Some(length) = bytes.first_chunk::<4>().map(|word| u32::from_le_bytes(*word)) else { return };
    let Some(end) = 12usize.checked_add(length as usize).filter(|end| *end <= bytes.len()) else { return };
    // version 1, mark 24, kind 4, then a batch's length and checksum.
    if length == 37 && bytes[37..41] == [1, 0, 0, 0] {
        let crc = crc32fast::hash(&bytes[end..]);
        bytes[45..49].copy_from_slice(&crc.to_le_bytes());
    }
    bytes[4..8].copy_from_slice(&(!length).to_le_bytes());
    let crc = crc32fast::hash(&bytes[12..end]);
    bytes[8..12].copy_from_slice(&crc.to_le_bytes());
}

#[test]
fn fuzz_entries() {
    let samples: Vec<Vec<u8>> = entries().iter().map(written).collect();
    for sample in &samples {
        let mut sealed = sample.clone();
        seal(&mut sealed);
        assert_eq!(sealed, *sample, "the seal is the format's");
    }
    let format = Format { seal: Some(&seal), ..format("log-entry", "-p node --lib fuzz_entries", samples) };
    fuzz::run(&format, |bytes| {
        let mut rest = bytes;
        match types::read_entry(&mut rest) {
            Ok(_) if !rest.is_empty() => Read::Refused("bytes behind it".into()),
            Ok(entry) => Read::Same(written(&entry)),
            Err(why) => Read::Refused(why.to_string()),
        }
    });
}

fn stored<T: Encode + Decode>(mut bytes: &[u8]) -> Read {
    match T::decode(&mut bytes) {
        Ok(_) if !bytes.is_empty() => Read::Refused("bytes behind it".into()),
        Ok(value) => {
            let mut again = Vec::new();
            value.encode(&mut again).expect("a Vec takes all");
            Read::Same(again)
        }
        Err(why) => Read::Refused(why.to_string()),
    }
}

#[test]
fn fuzz_votes_and_marks() {
    let stored_vote = [&3u64.to_le_bytes()[..], &11_000_001u64.to_le_bytes(), &[1]].concat();
    let mark = [stored_vote[..16].to_vec(), 77u64.to_le_bytes().to_vec()].concat();
    let test = "-p node --lib fuzz_votes_and_marks";
    fuzz::run(&format("vote", test, vec![stored_vote.clone()]), stored::<StoredVote>);
    let known = vote::encode(VoteBytes { term: 3, node: 11_000_001, committed: true });
    let seal = |bytes: &mut [u8]| {
        if let Some(body) = bytes.len().checked_sub(4) {
            let crc = crc32fast::hash(&bytes[..body]);
            bytes[body..].copy_from_slice(&crc.to_le_bytes());
        }
    };
    fuzz::run(&Format { seal: Some(&seal), ..format("vote-copy", test, vec![known]) }, |bytes| {
        match vote::decode(bytes) {
            Ok(known) => Read::Same(vote::encode(known)),
            Err(why) => Read::Refused(why.into()),
        }
    });
    fuzz::run(&format("log-mark", test, vec![mark]), stored::<Mark>);
    fuzz::run(&format("log-owner", test, vec![stored_vote[8..16].to_vec()]), stored::<Number>);
}

#[test]
fn fuzz_memberships() {
    let stored = MembershipBytes::of(Some(&types::log_id(AT)), &membership());
    let samples = vec![codec::encode(&stored), codec::encode(&MembershipBytes::default())];
    let format = format("membership", "-p node --lib fuzz_memberships", samples);
    fuzz::run(&format, |bytes| match types::membership_from(bytes) {
        // Nobody is a voter of no config.
        Ok(stored) => Read::Alike(codec::encode(&MembershipBytes::from(&stored))),
        Err(why) => Read::Refused(why.to_string()),
    });
}

#[test]
fn fuzz_appends() {
    let request = |entries: Vec<Entry>| AppendEntriesRequest {
        vote: VoteBytes { term: 3, node: 11_000_001, committed: true }.into(),
        prev_log_id: Some(types::log_id(AT)),
        leader_commit: None,
        entries,
    };
    let samples = [entries(), Vec::new()].map(|entries| write_append(&request(entries)).to_vec());
    let format = format("append", "-p node --lib fuzz_appends", samples.to_vec());
    fuzz::run(&format, |bytes| match read_append(bytes) {
        Ok(request) => Read::Same(write_append(&request).to_vec()),
        Err(why) => Read::Refused(why.to_string()),
    });
}

/// What is in a message between nodes, behind a byte that says which. Each is decoded as its receiver decodes it.
#[test]
fn fuzz_peer_bodies() {
    fn body<T: Serialize + DeserializeOwned>(kind: u8, bytes: &[u8]) -> Read {
        match types::decode::<T>("a message", bytes) {
            Ok(value) => Read::Same([&[kind][..], &codec::encode(&value)].concat()),
            Err(why) => Read::Refused(format!("{} {why}", char::from(kind))),
        }
    }
    let vote = || VoteBytes { term: 3, node: 11_000_001, committed: true };
    let given =
        VoteResponse { vote: vote().into(), vote_granted: true, last_log_id: Some(types::log_id(AT)) };
    let samples: Vec<(u8, Vec<u8>)> = vec![
        (b'a', codec::encode(&AppendReply::Matched(Some(AT)))),
        (b'a', codec::encode(&AppendReply::Matched(None))),
        (b'a', codec::encode(&AppendReply::Conflict(AT))),
        (b'a', codec::encode(&AppendReply::HigherVote(vote()))),
        (b'q', codec::encode(&VoteAsked { vote: vote(), last: Some(AT), transfer: true })),
        (b'g', codec::encode(&VoteGiven::from(given))),
        (b't', codec::encode(&Transfer { from: vote(), to: 12_000_001, last: None })),
        (b's', codec::encode(&vote())),
        (b'd', codec::encode(&true)),
    ];
    let samples = samples.into_iter().map(|(kind, body)| [vec![kind], body].concat()).collect();
    let format = format("peer-body", "-p node --lib fuzz_peer_bodies", samples);
    fuzz::run(&format, |bytes| match bytes.split_first() {
        // An append's answer, alone or in a stream.
        Some((b'a', rest)) => body::<AppendReply>(b'a', rest),
        // A vote or a pre-vote, asked for and given.
        Some((b'q', rest)) => body::<VoteAsked>(b'q', rest),
        Some((b'g', rest)) => body::<VoteGiven>(b'g', rest),
        // A leader that hands over, and the answer.
        Some((b't', rest)) => body::<Transfer>(b't', rest),
        Some((b'd', rest)) => body::<bool>(b'd', rest),
        // The vote with a snapshot, and in the answer to it.
        Some((b's', rest)) => body::<VoteBytes>(b's', rest),
        _ => Read::Refused("no such message".into()),
    });
}
