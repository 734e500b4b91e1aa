//! A reason survives the way through a gRPC status.

use proto::status;
use proto::v1::Reason;
use tonic::{Code, Status};

#[test]
fn a_reason_travels_with_its_particulars() {
    let sent = status::with_metadata(Reason::IndexCompacted, "", &[("oldest", "1311")]);
    assert_eq!(sent.code(), Code::OutOfRange);
    assert_eq!(sent.message(), "The log is no longer kept from this index on");
    assert_eq!(status::reason_of(&sent), Some(Reason::IndexCompacted));
    assert_eq!(status::metadata_of(&sent, "oldest").as_deref(), Some("1311"));
    assert_eq!(status::metadata_of(&sent, "newest"), None);
}

#[test]
fn a_malformed_field_travels_by_name() {
    let sent = status::bad_field("settle.amount", "is negative");
    assert_eq!(sent.code(), Code::InvalidArgument);
    assert_eq!(status::reason_of(&sent), Some(Reason::InvalidArgument));
    assert_eq!(status::field_of(&sent), Some(("settle.amount".to_owned(), "is negative".to_owned())));
}

#[test]
fn a_foreign_status_has_no_reason() {
    let foreign = Status::unavailable("broken pipe");
    assert_eq!(status::reason_of(&foreign), None);
    assert_eq!(status::field_of(&foreign), None);
}
