//! Who asks.

use proto::v1 as pb;
use proto::v1::caller::Who;
use std::fmt;

/// Who asks, and for whom they may speak. Codes are checked by the server, which names the field.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Caller {
    /// The national agency.
    National,
    /// A province's agency, by its two digits: "32".
    Province(String),
    /// The agency of one pooling area, by its six digits: "320500".
    Agency(String),
    /// A designated institution, by its code: "H41010000001".
    Institution(String),
    /// The platform (app), for the person who authenticated: a UUID.
    Person(String),
    /// An auditor.
    Auditor,
    /// A node of the cluster itself.
    Node,
}

impl Caller {
    /// A province's agency.
    pub fn province(code: impl Into<String>) -> Caller {
        Caller::Province(code.into())
    }

    /// The agency of a pooling area.
    pub fn agency(area: impl Into<String>) -> Caller {
        Caller::Agency(area.into())
    }

    /// A designated institution.
    pub fn institution(code: impl Into<String>) -> Caller {
        Caller::Institution(code.into())
    }

    /// The platform, for a person.
    pub fn person(id: impl Into<String>) -> Caller {
        Caller::Person(id.into())
    }
}

impl fmt::Debug for Caller {
    /// A person is never printed whole.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Caller::National => f.write_str("National"),
            Caller::Province(code) => write!(f, "Province({code})"),
            Caller::Agency(area) => write!(f, "Agency({area})"),
            Caller::Institution(code) => write!(f, "Institution({code})"),
            Caller::Person(id) => {
                let tail: String = id.chars().skip(id.chars().count().saturating_sub(4)).collect();
                write!(f, "Person(..{tail})")
            }
            Caller::Auditor => f.write_str("Auditor"),
            Caller::Node => f.write_str("Node"),
        }
    }
}

impl From<&Caller> for pb::Caller {
    fn from(caller: &Caller) -> pb::Caller {
        let who = match caller {
            Caller::National => Who::National(pb::National {}),
            Caller::Province(code) => Who::Province(code.clone()),
            Caller::Agency(area) => Who::Agency(area.clone()),
            Caller::Institution(code) => Who::Institution(code.clone()),
            Caller::Person(id) => Who::Person(id.clone()),
            Caller::Auditor => Who::Auditor(pb::Auditor {}),
            Caller::Node => Who::Node(pb::Node {}),
        };
        pb::Caller { who: Some(who) }
    }
}

impl Caller {
    /// The caller on the wire, if it is one that this version knows.
    pub(crate) fn from_proto(caller: Option<pb::Caller>) -> Option<Caller> {
        Some(match caller?.who? {
            Who::National(pb::National {}) => Caller::National,
            Who::Province(code) => Caller::Province(code),
            Who::Agency(area) => Caller::Agency(area),
            Who::Institution(code) => Caller::Institution(code),
            Who::Person(id) => Caller::Person(id),
            Who::Auditor(pb::Auditor {}) => Caller::Auditor,
            Who::Node(pb::Node {}) => Caller::Node,
        })
    }
}
