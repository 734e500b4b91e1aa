//! Mutated details of a status: whatever a server, or somebody between, sends with an error.

use fuzz::{Format, INPUTS, Read};
use proto::status;
use proto::v1::Reason;
use tonic::{Code, Status};

#[test]
fn fuzz_statuses() {
    let sent = [
        status::bad_field("settle.amount", "is negative"),
        status::with_metadata(Reason::IndexCompacted, "", &[("oldest", "1311")]),
        status::status(Reason::NoLeader, ""),
    ];
    let samples = sent.iter().map(|status| status.details().to_vec()).collect();
    let words: &[&[u8]] =
        &[b"type.googleapis.com/google.rpc.ErrorInfo", b"gongji.v1", b"NO_LEADER", &[0xff; 10]];
    let test = "-p proto --test fuzz fuzz_statuses";
    let format = Format { name: "status", test, samples, words, seal: None, inputs: INPUTS };
    fuzz::run(&format, |bytes| {
        let told = Status::with_details(Code::Unavailable, "", bytes.to_vec().into());
        let (reason, field) = (status::reason_of(&told), status::field_of(&told));
        let oldest = status::metadata_of(&told, "oldest");
        match (reason, field, oldest) {
            (None, None, None) => Read::Refused("it says nothing".into()),
            _ => Read::Same(bytes.to_vec()),
        }
    });
}
