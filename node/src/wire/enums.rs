//! The enums of the wire and their twins in the ledger.

use super::BadField;
use ledger::command::{
    CredentialKind, DisputeReason, InstitutionKind, Insurance, InsuranceStatus, Kinship, KinshipScope,
    PayoutReason, Premium, SuspensionReason, Termination,
};
use ledger::decision::{Original, ReleaseCause};
use ledger::table::{CaseState, CaseStep, OfferState, Use};
use proto::v1 as pb;

/// An enum of the wire and its twin in the ledger, both ways. A number that is not known or not given is malformed.
macro_rules! twins {
    ($($from:ident, $to:ident: $kind:ident { $($name:ident),* $(,)? })*) => {$(
        pub(super) fn $from(field: &str, number: i32) -> Result<$kind, BadField> {
            match pb::$kind::try_from(number) {
                $(Ok(pb::$kind::$name) => Ok($kind::$name),)*
                Ok(pb::$kind::Unspecified) => Err(BadField::new(field, "is not given")),
                Err(_) => Err(BadField::new(field, format!("is unknown: {number}"))),
            }
        }

        twins! { $to: $kind { $($name),* } }
    )*};
    ($($to:ident: $kind:ident { $($name:ident),* $(,)? })*) => {$(
        pub(super) fn $to(kind: $kind) -> i32 {
            (match kind { $($kind::$name => pb::$kind::$name),* }) as i32
        }
    )*};
}

twins! {
    insurance, of_insurance: Insurance { Employee, Resident }
    kinship, of_kinship: Kinship {
        Spouse, Parent, Child, Sibling, PaternalGrandparent, MaternalGrandparent, SonsChild, DaughtersChild,
    }
    kinship_scope, of_kinship_scope: KinshipScope { Narrow, Wide }
    institution_kind, of_institution_kind: InstitutionKind { Hospital, Pharmacy }
    insurance_status, of_insurance_status: InsuranceStatus {
        Normal, Stopped, Arrears, Frozen, Terminated, Deceased,
    }
    termination, of_termination: Termination { Emigration, Other }
    payout_reason, of_payout_reason: PayoutReason { Estate, Emigration, Resettled, TransferImpossible }
    premium, of_premium: Premium { Resident, Care }
    credential_kind, of_credential_kind: CredentialKind { ElectronicCode, IdentityCard, SocialSecurityCard }
    suspension_reason, of_suspension_reason: SuspensionReason { Impersonation, FalseSettlement, Other }
    dispute_reason, of_dispute_reason: DisputeReason { SumDiffers, SettlementUnknown, CountedTwice, Other }
}

// Only ever shown by the node; read by those who ask it.
twins! {
    usage, of_use: Use { Institution, Pharmacy, ResidentPremium, CarePremium, Other }
}

// Only ever shown.
twins! {
    of_release_cause: ReleaseCause { Donor, Beneficiary, Transfer, Termination, Death, InsuranceChange }
    of_original: Original { Undone, NoEffect, NotArrived }
    of_offer_state: OfferState { Open, Accepted, Declined, Returned, Released }
    of_case_state: CaseState { Applied, Accepted, Sent, Received, Completed, Abandoned, Failed }
    of_case_step: CaseStep { Send, Complete }
}
