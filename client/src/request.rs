//! The identity of a transaction, and its exact bytes.

use crate::error::Error;
use bytes::Bytes;
use proto::v1 as pb;
use std::fmt;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};
use uuid::Uuid;

/// A request id: a UUIDv7 that carries its own time. Made before the first send, kept for every resend.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(Uuid);

impl RequestId {
    /// A new id, of this moment.
    pub fn fresh() -> RequestId {
        RequestId(Uuid::now_v7())
    }

    /// A new id of another moment, for those who play what happens then. One older than the ledger's window is refused.
    pub fn at(moment: SystemTime) -> RequestId {
        let since = moment.duration_since(UNIX_EPOCH).unwrap_or_default();
        let time = uuid::Timestamp::from_unix(uuid::NoContext, since.as_secs(), since.subsec_nanos());
        RequestId(Uuid::new_v7(time))
    }

    /// The id as a UUID.
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.hyphenated())
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for RequestId {
    type Err = Error;

    fn from_str(text: &str) -> Result<RequestId, Error> {
        let malformed =
            |problem: &str| Error::Malformed { field: "request_id".into(), problem: problem.into() };
        match Uuid::try_parse(text) {
            Ok(_) if text.len() != 36 => Err(malformed("is not a UUID of 36 characters")),
            Ok(id) if id.get_version_num() == 7 => Ok(RequestId(id)),
            Ok(_) => Err(malformed("is not a UUIDv7")),
            Err(_) => Err(malformed("is not a UUID of 36 characters")),
        }
    }
}

/// The most bytes of one transaction. A larger one is malformed, and is not sent: a server takes 4 MiB a message, and
/// ends a whole stream over one that is larger.
pub const TRANSACTION_BYTES_MAX: usize = 1 << 20;

/// A transaction ready to be sent: its request id and its exact bytes, the same for every resend.
#[derive(Clone, Debug)]
pub struct Prepared {
    pub(crate) request: RequestId,
    pub(crate) bytes: Bytes,
}

impl Prepared {
    /// Prepares a transaction that was put together by hand. Its request id must be a UUIDv7.
    pub fn new(transaction: &pb::Transaction) -> Result<Prepared, Error> {
        let request = transaction.request_id.parse()?;
        Ok(Prepared::of(request, transaction))
    }

    pub(crate) fn of(request: RequestId, transaction: &pb::Transaction) -> Prepared {
        Prepared { request, bytes: prost::Message::encode_to_vec(transaction).into() }
    }

    /// Says no to what no server would take.
    pub(crate) fn check_size(&self) -> Result<(), Error> {
        match self.bytes.len() {
            ..=TRANSACTION_BYTES_MAX => Ok(()),
            bytes => Err(Error::Malformed {
                field: "transaction".into(),
                problem: format!("has {bytes} bytes, at most {TRANSACTION_BYTES_MAX}"),
            }),
        }
    }

    /// The transaction's request id.
    pub const fn request_id(&self) -> RequestId {
        self.request
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_uuid_of_version_seven() {
        let id = RequestId::fresh();
        assert_eq!(id.to_string().parse::<RequestId>().expect("its own text"), id);
        for text in ["", "17", "6f9619ff-8b86-d011-b42d-00c04fc964ff", &id.uuid().simple().to_string()] {
            assert!(text.parse::<RequestId>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn ids_made_later_sort_behind() {
        let ids: Vec<RequestId> = (0..1000).map(|_| RequestId::fresh()).collect();
        assert!(ids.is_sorted_by(|a, b| a < b));
    }
}
