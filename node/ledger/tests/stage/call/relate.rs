//! Relations, quotas and offers.

use super::super::Stage;
use super::super::names::{Result, person};
use super::{Args, Known, choice, fen, nobody, record, take};
use ledger::command::{Expiry, Kinship};
use ledger::table::{OfferRecord, RelationRecord, RelationState};
use ledger::{Call, Caller, Key, OfferId, RelationId};

const KINSHIPS: &[(&str, Kinship)] = &[
    ("spouse", Kinship::Spouse),
    ("parent", Kinship::Parent),
    ("child", Kinship::Child),
    ("sibling", Kinship::Sibling),
    ("paternal-grandparent", Kinship::PaternalGrandparent),
    ("maternal-grandparent", Kinship::MaternalGrandparent),
    ("sons-child", Kinship::SonsChild),
    ("daughters-child", Kinship::DaughtersChild),
];

pub fn call(stage: &mut Stage, verb: &str, args: &mut Args<'_>) -> Known {
    let known = match verb {
        "propose" => {
            let donor = person(take(args, "donor")?);
            let beneficiary = person(take(args, "beneficiary")?);
            let kinship = choice(KINSHIPS, take(args, "kinship")?)?;
            (Caller::Person(donor), Call::ProposeRelation { donor, beneficiary, kinship })
        }
        "accept" => {
            let relation = relation(stage, args)?;
            (other(stage, relation), Call::AcceptRelation { relation })
        }
        "decline" => {
            let relation = relation(stage, args)?;
            (other(stage, relation), Call::DeclineRelation { relation })
        }
        "release" => {
            let relation = relation(stage, args)?;
            (donor(stage, relation), Call::ReleaseRelation { relation })
        }
        "set-quota" => {
            let relation = relation(stage, args)?;
            let expiry = match args.remove("expiry") {
                None | Some("keep") => Expiry::Keep,
                Some("never") => Expiry::Never,
                Some(moment) => Expiry::At(stage.stamp(moment)?),
            };
            let amount = fen(take(args, "amount")?)?;
            (donor(stage, relation), Call::SetQuota { relation, amount, expiry })
        }
        "reduce-quota" => {
            let relation = relation(stage, args)?;
            (donor(stage, relation), Call::ReduceQuota { relation, amount: fen(take(args, "amount")?)? })
        }
        "accept-offer" => {
            let offer = OfferId(stage.position(take(args, "offer")?)?);
            (offered(stage, offer), Call::AcceptOffer { offer })
        }
        "decline-offer" => {
            let offer = OfferId(stage.position(take(args, "offer")?)?);
            (offered(stage, offer), Call::DeclineOffer { offer })
        }
        "set-priority" => {
            let beneficiary = person(take(args, "beneficiary")?);
            let names = take(args, "order")?.split(',').filter(|name| !name.is_empty());
            let order = names.map(|name| stage.position(name).map(RelationId)).collect::<Result<_>>()?;
            (Caller::Person(beneficiary), Call::SetPriority { beneficiary, order })
        }
        _ => return Ok(None),
    };
    Ok(Some(known))
}

fn relation(stage: &Stage, args: &mut Args<'_>) -> Result<RelationId> {
    stage.position(take(args, "relation")?).map(RelationId)
}

fn relation_record(stage: &Stage, relation: RelationId) -> Option<RelationRecord> {
    record(stage, Key::Relation { relation })
}

/// Who answers a proposal: the party that did not propose.
fn other(stage: &Stage, relation: RelationId) -> Caller {
    match relation_record(stage, relation) {
        Some(RelationRecord { state: RelationState::Proposed { by, .. }, donor, beneficiary, .. })
            if by == donor =>
        {
            Caller::Person(beneficiary)
        }
        Some(RelationRecord { donor, .. }) => Caller::Person(donor),
        None => nobody(),
    }
}

fn donor(stage: &Stage, relation: RelationId) -> Caller {
    relation_record(stage, relation).map_or(nobody(), |record| Caller::Person(record.donor))
}

/// Whom an offer was made.
fn offered(stage: &Stage, offer: OfferId) -> Caller {
    let offer = record::<OfferRecord>(stage, Key::Offer { offer });
    let relation = offer.and_then(|offer| relation_record(stage, offer.relation));
    relation.map_or(nobody(), |record| Caller::Person(record.beneficiary))
}
