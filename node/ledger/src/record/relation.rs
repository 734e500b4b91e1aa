//! Relations, their quotas and offers.

use crate::command::{Expiry, Kinship};
use crate::decision::ReleaseCause;
use crate::id::{OfferId, Person, RelationId};
use crate::money::Fen;
use crate::stamp::Stamp;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Where a relation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RelationState {
    /// Proposed by one party; the other has not answered.
    Proposed {
        /// Who proposed.
        by: Person,
        /// When the proposal lapses.
        lapses: Stamp,
    },
    /// Both agreed.
    Active,
    /// Declined, withdrawn or lapsed.
    Closed,
    /// Ended.
    Released {
        /// By whom or by what.
        cause: ReleaseCause,
    },
}

/// A mutual-aid relation and its quota: limit = used + held + unused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelationRecord {
    /// Who gives.
    pub donor: Person,
    /// Who uses.
    pub beneficiary: Person,
    /// Kinship of the beneficiary to the donor.
    pub kinship: Kinship,
    /// Where it stands.
    pub state: RelationState,
    /// The how-manieth accepted relation it is; 0 before.
    pub sequence: u64,
    /// The quota as a whole.
    pub limit: Fen,
    /// Spent of it.
    pub used: Fen,
    /// Held of it for authorised spending: frozen in the donor's account.
    pub held: Fen,
    /// Left of it: frozen in the donor's account.
    pub unused: Fen,
    /// From when on the quota is unusable. Stays when a tick has swept it, until it is set anew.
    pub expires: Option<Stamp>,
    /// Open offers, frozen in the donor's account beside the limit.
    pub offers: Vec<OfferId>,
    /// When the quota was last set or raised, an offer accepted included.
    pub raised: Option<Stamp>,
}

/// An offer of a quota that waits for the beneficiary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferRecord {
    /// For which relation.
    pub relation: RelationId,
    /// How much.
    pub amount: Fen,
    /// What becomes of the quota's expiry on acceptance.
    pub expiry: Expiry,
    /// When it was made.
    pub made: Stamp,
    /// From when on it cannot be accepted, and goes back.
    pub returns: Stamp,
    /// Where it stands.
    pub state: OfferState,
}

/// Where an offer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u8)]
pub enum OfferState {
    /// It waits.
    Open = 1,
    /// It became quota.
    Accepted = 2,
    /// Declined by the beneficiary or withdrawn by the donor.
    Declined = 3,
    /// It waited in vain.
    Returned = 4,
    /// Its relation ended.
    Released = 5,
}

/// The live relation or pending proposal of an ordered pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairRecord {
    /// Which one.
    pub relation: RelationId,
}
