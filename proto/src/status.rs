//! How a reason travels in a gRPC status: `google.rpc.ErrorInfo` with the reason's name, and
//! `google.rpc.BadRequest` with the fields of a malformed request.

use crate::catalogue;
use crate::v1::Reason;
use std::collections::HashMap;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// The domain in `ErrorInfo`.
pub const DOMAIN: &str = "gongji.v1";

/// A status for a reason, with the code of the catalogue. `message` says what happened here; an empty one stands for
/// the catalogue's English text.
pub fn status(reason: Reason, message: &str) -> Status {
    with_metadata(reason, message, &[])
}

/// A status for a reason, with particulars that a program may read: `("oldest", "1311")`.
pub fn with_metadata(reason: Reason, message: &str, metadata: &[(&str, &str)]) -> Status {
    let text = catalogue::text(reason);
    let message = if message.is_empty() { text.en } else { message };
    let metadata: HashMap<String, String> =
        metadata.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let details = ErrorDetails::with_error_info(text.name, DOMAIN, metadata);
    Status::with_error_details(Code::from_i32(text.grpc_code), message, details)
}

/// The status of a malformed request: INVALID_ARGUMENT, naming the field and what is wrong with it.
pub fn bad_field(field: &str, problem: &str) -> Status {
    let text = catalogue::text(Reason::InvalidArgument);
    let mut details = ErrorDetails::with_error_info(text.name, DOMAIN, HashMap::new());
    details.add_bad_request_violation(field, problem);
    Status::with_error_details(Code::InvalidArgument, format!("{field}: {problem}"), details)
}

/// The reason in a status, if it carries one of ours.
pub fn reason_of(status: &Status) -> Option<Reason> {
    let info = status.get_details_error_info()?;
    if info.domain != DOMAIN {
        return None;
    }
    Reason::from_str_name(&info.reason)
}

/// A particular in a status, by its key.
pub fn metadata_of(status: &Status, key: &str) -> Option<String> {
    status.get_details_error_info()?.metadata.remove(key)
}

/// The first malformed field that a status names, and what is wrong with it.
pub fn field_of(status: &Status) -> Option<(String, String)> {
    let violation = status.get_details_bad_request()?.field_violations.into_iter().next()?;
    Some((violation.field, violation.description))
}
