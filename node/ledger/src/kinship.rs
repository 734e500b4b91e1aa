//! Near relatives (近亲属): which kinds reach how far, and what a kind is the other way round.

use crate::command::{Kinship, KinshipScope};

impl Kinship {
    /// The kinship of the donor to the beneficiary, if this is the beneficiary's to the donor.
    pub const fn reversed(self) -> Kinship {
        match self {
            Kinship::Spouse => Kinship::Spouse,
            Kinship::Parent => Kinship::Child,
            Kinship::Child => Kinship::Parent,
            Kinship::Sibling => Kinship::Sibling,
            Kinship::PaternalGrandparent => Kinship::SonsChild,
            Kinship::MaternalGrandparent => Kinship::DaughtersChild,
            Kinship::SonsChild => Kinship::PaternalGrandparent,
            Kinship::DaughtersChild => Kinship::MaternalGrandparent,
        }
    }
}

impl KinshipScope {
    /// Whether the kind is within the scope.
    pub const fn includes(self, kinship: Kinship) -> bool {
        match self {
            KinshipScope::Narrow => matches!(kinship, Kinship::Spouse | Kinship::Parent | Kinship::Child),
            KinshipScope::Wide => true,
        }
    }
}
