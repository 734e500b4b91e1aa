//! The error catalogue: what to tell a person about each reason.

use crate::v1::Reason;

/// What the catalogue says about a reason (the option `reason_text` of the protos).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReasonText {
    /// The name in the protos: `REASON_BALANCE_EXCEEDED`.
    pub name: &'static str,
    /// The number.
    pub number: i32,
    /// What is the matter, in Chinese.
    pub zh: &'static str,
    /// What is the matter, in English.
    pub en: &'static str,
    /// What to do next, in Chinese.
    pub hint_zh: &'static str,
    /// What to do next, in English.
    pub hint_en: &'static str,
    /// The gRPC status code of the reason.
    pub grpc_code: i32,
    /// Whether sending the same bytes again may end differently.
    pub retryable: bool,
}

/// Every reason but `REASON_UNSPECIFIED`, in the order of the protos: refusals by precedence, then doors.
pub const CATALOGUE: &[ReasonText] = include!(concat!(env!("OUT_DIR"), "/catalogue.rs"));

/// What to say where no reason is given.
const UNSPECIFIED: ReasonText = ReasonText {
    name: "REASON_UNSPECIFIED",
    number: 0,
    zh: "未说明原因",
    en: "No reason is given",
    hint_zh: "联系系统管理员",
    hint_en: "Ask the operators of the system",
    grpc_code: 2,
    retryable: false,
};

/// What the catalogue says about a reason.
pub fn text(reason: Reason) -> &'static ReasonText {
    CATALOGUE.iter().find(|text| text.number == reason as i32).unwrap_or(&UNSPECIFIED)
}
