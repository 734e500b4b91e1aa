//! To the wire: what is asked.

use super::super::enums::*;
use super::super::text::*;
use super::super::{policy_to_proto, stamp_to_proto};
use ledger::Call;
use ledger::command::{Credential, Expiry, Party, Spend, Tariff};
use proto::v1::{self as pb, party::Who as PartyWho, set_quota, set_tariff, transaction::Call as PbCall};

/// What is asked.
pub fn call_to_proto(call: &Call) -> PbCall {
    match call {
        Call::Genesis { cluster, policy } => {
            PbCall::Genesis(pb::Genesis { cluster: of_uuid(*cluster), policy: Some(policy_to_proto(policy)) })
        }
        Call::RegisterProvince { province, kinship, effective } => {
            PbCall::RegisterProvince(pb::RegisterProvince {
                province: of_province(*province),
                kinship: of_kinship_scope(*kinship),
                effective: effective.map(stamp_to_proto),
            })
        }
        Call::RegisterArea { area } => PbCall::RegisterArea(pb::RegisterArea { area: of_area(*area) }),
        Call::SetAreaOpen { area, from, until } => PbCall::SetAreaOpen(pb::SetAreaOpen {
            area: of_area(*area),
            from: Some(stamp_to_proto(*from)),
            until: until.map(stamp_to_proto),
        }),
        Call::SetPolicy { effective, policy } => PbCall::SetPolicy(pb::SetPolicy {
            effective: Some(stamp_to_proto(*effective)),
            policy: Some(policy_to_proto(policy)),
        }),
        Call::SetTariff { area, premium, year, effective, tariff } => PbCall::SetTariff(pb::SetTariff {
            area: of_area(*area),
            premium: of_premium(*premium),
            year: (*year).into(),
            effective: Some(stamp_to_proto(*effective)),
            tariff: Some(match tariff {
                Tariff::NotOffered => set_tariff::Tariff::NotOffered(pb::NotOffered {}),
                Tariff::AnyAmount => set_tariff::Tariff::AnyAmount(pb::AnyAmount {}),
                Tariff::Exactly(amount) => set_tariff::Tariff::Exactly(of_yuan(*amount)),
            }),
        }),
        Call::SetCalendar { year, holidays, workdays } => PbCall::SetCalendar(pb::SetCalendar {
            year: (*year).into(),
            holidays: holidays.iter().copied().map(of_day).collect(),
            workdays: workdays.iter().copied().map(of_day).collect(),
        }),
        Call::RegisterInstitution { institution, kind, area, wallet_open } => {
            PbCall::RegisterInstitution(pb::RegisterInstitution {
                institution: of_institution(*institution),
                kind: of_institution_kind(*kind),
                area: of_area(*area),
                wallet_open: *wallet_open,
            })
        }
        Call::EnrolPerson { person, insurance, area, retired } => PbCall::EnrolPerson(pb::EnrolPerson {
            person: of_person(*person),
            insurance: of_insurance(*insurance),
            area: of_area(*area),
            retired: *retired,
        }),
        Call::CreditAccount { person, amount, period } => PbCall::CreditAccount(pb::CreditAccount {
            person: of_person(*person),
            amount: of_yuan(*amount),
            period: of_month(*period),
        }),
        Call::SetInsuranceStatus { person, status } => PbCall::SetInsuranceStatus(pb::SetInsuranceStatus {
            person: of_person(*person),
            status: of_insurance_status(*status),
        }),
        Call::SetRetired { person, retired } => {
            PbCall::SetRetired(pb::SetRetired { person: of_person(*person), retired: *retired })
        }
        Call::TerminateInsurance { person, reason } => PbCall::TerminateInsurance(pb::TerminateInsurance {
            person: of_person(*person),
            reason: of_termination(*reason),
        }),
        Call::RegisterDeath { person } => {
            PbCall::RegisterDeath(pb::RegisterDeath { person: of_person(*person) })
        }
        Call::Payout { person, reason, amount } => PbCall::Payout(pb::Payout {
            person: of_person(*person),
            reason: of_payout_reason(*reason),
            amount: amount.map(of_yuan),
        }),
        Call::MoveWithinProvince { person, to } => PbCall::MoveWithinProvince(pb::MoveWithinProvince {
            person: of_person(*person),
            to: of_area(*to),
        }),
        Call::ApplyTransfer { person, to } => {
            PbCall::ApplyTransfer(pb::ApplyTransfer { person: of_person(*person), to: of_area(*to) })
        }
        Call::AcceptTransfer { case } => PbCall::AcceptTransfer(pb::AcceptTransfer { case: of_case(*case) }),
        Call::SendTransfer { case } => PbCall::SendTransfer(pb::SendTransfer { case: of_case(*case) }),
        Call::ReceiveTransfer { case } => {
            PbCall::ReceiveTransfer(pb::ReceiveTransfer { case: of_case(*case) })
        }
        Call::CompleteTransfer { case } => {
            PbCall::CompleteTransfer(pb::CompleteTransfer { case: of_case(*case) })
        }
        Call::AbandonTransfer { case } => {
            PbCall::AbandonTransfer(pb::AbandonTransfer { case: of_case(*case) })
        }
        Call::FailTransfer { case } => PbCall::FailTransfer(pb::FailTransfer { case: of_case(*case) }),
        Call::Suspend { party, reason, file } => PbCall::Suspend(pb::Suspend {
            party: Some(party_to_proto(*party)),
            reason: of_suspension_reason(*reason),
            file: of_file(*file),
        }),
        Call::LiftSuspension { party, file } => PbCall::LiftSuspension(pb::LiftSuspension {
            party: Some(party_to_proto(*party)),
            file: of_file(*file),
        }),
        Call::ActivateWallet { person } => {
            PbCall::ActivateWallet(pb::ActivateWallet { person: of_person(*person) })
        }
        Call::DeactivateWallet { person } => {
            PbCall::DeactivateWallet(pb::DeactivateWallet { person: of_person(*person) })
        }
        Call::ProposeRelation { donor, beneficiary, kinship } => {
            PbCall::ProposeRelation(pb::ProposeRelation {
                donor: of_person(*donor),
                beneficiary: of_person(*beneficiary),
                kinship: of_kinship(*kinship),
            })
        }
        Call::AcceptRelation { relation } => {
            PbCall::AcceptRelation(pb::AcceptRelation { relation: of_relation(*relation) })
        }
        Call::DeclineRelation { relation } => {
            PbCall::DeclineRelation(pb::DeclineRelation { relation: of_relation(*relation) })
        }
        Call::SetQuota { relation, amount, expiry } => PbCall::SetQuota(pb::SetQuota {
            relation: of_relation(*relation),
            amount: of_yuan(*amount),
            expiry: match expiry {
                Expiry::Keep => None,
                Expiry::Never => Some(set_quota::Expiry::Never(pb::Never {})),
                Expiry::At(moment) => Some(set_quota::Expiry::ExpiresAt(stamp_to_proto(*moment))),
            },
        }),
        Call::AcceptOffer { offer } => PbCall::AcceptOffer(pb::AcceptOffer { offer: of_offer(*offer) }),
        Call::DeclineOffer { offer } => PbCall::DeclineOffer(pb::DeclineOffer { offer: of_offer(*offer) }),
        Call::ReduceQuota { relation, amount } => PbCall::ReduceQuota(pb::ReduceQuota {
            relation: of_relation(*relation),
            amount: of_yuan(*amount),
        }),
        Call::SetPriority { beneficiary, order } => PbCall::SetPriority(pb::SetPriority {
            beneficiary: of_person(*beneficiary),
            order: order.iter().copied().map(of_relation).collect(),
        }),
        Call::ReleaseRelation { relation } => {
            PbCall::ReleaseRelation(pb::ReleaseRelation { relation: of_relation(*relation) })
        }
        Call::Settle(spend) => {
            let Spend { beneficiary, credential, institution, med_type, amount, .. } = *spend;
            PbCall::Settle(pb::Settle {
                beneficiary: of_person(beneficiary),
                institution: of_institution(institution),
                amount: of_yuan(amount),
                use_own_account: Some(spend.use_own_account),
                all_or_nothing: spend.all_or_nothing,
                credential: Some(credential_to_proto(credential)),
                med_type: of_med_type(med_type),
            })
        }
        Call::AuthoriseSpend(spend) => {
            let Spend { beneficiary, credential, institution, med_type, amount, .. } = *spend;
            PbCall::AuthoriseSpend(pb::AuthoriseSpend {
                beneficiary: of_person(beneficiary),
                institution: of_institution(institution),
                amount: of_yuan(amount),
                use_own_account: Some(spend.use_own_account),
                all_or_nothing: spend.all_or_nothing,
                credential: Some(credential_to_proto(credential)),
                med_type: of_med_type(med_type),
            })
        }
        Call::ConfirmSpend { hold, amount } => {
            PbCall::ConfirmSpend(pb::ConfirmSpend { hold: of_hold(*hold), amount: amount.map(of_yuan) })
        }
        Call::VoidSpend { hold } => PbCall::VoidSpend(pb::VoidSpend { hold: of_hold(*hold) }),
        Call::PayPremium { beneficiary, premium, year, amount, use_own_account, all_or_nothing } => {
            PbCall::PayPremium(pb::PayPremium {
                beneficiary: of_person(*beneficiary),
                premium: of_premium(*premium),
                year: (*year).into(),
                amount: of_yuan(*amount),
                use_own_account: Some(*use_own_account),
                all_or_nothing: *all_or_nothing,
            })
        }
        Call::Refund { payment, amount } => {
            PbCall::Refund(pb::Refund { payment: of_payment(*payment), amount: amount.map(of_yuan) })
        }
        Call::Reverse { original } => PbCall::Reverse(pb::Reverse { original: of_request_id(*original) }),
        Call::ClosePeriod { month } => PbCall::ClosePeriod(pb::ClosePeriod { month: of_month(*month) }),
        Call::ConfirmClearing { month, payer, payee, amount } => {
            PbCall::ConfirmClearing(pb::ConfirmClearing {
                month: of_month(*month),
                payer: of_area(*payer),
                payee: of_area(*payee),
                amount: of_sum(*amount),
            })
        }
        Call::DisputeClearing { month, payer, payee, reason, file } => {
            PbCall::DisputeClearing(pb::DisputeClearing {
                month: of_month(*month),
                payer: of_area(*payer),
                payee: of_area(*payee),
                reason: of_dispute_reason(*reason),
                file: of_file(*file),
            })
        }
        Call::PayClearing { month, payer, payee, amount } => PbCall::PayClearing(pb::PayClearing {
            month: of_month(*month),
            payer: of_area(*payer),
            payee: of_area(*payee),
            amount: of_yuan(*amount),
        }),
        Call::FundPrepayment { province, amount } => PbCall::FundPrepayment(pb::FundPrepayment {
            province: of_province(*province),
            amount: of_yuan(*amount),
        }),
        Call::AdjustPrepayment { province, size } => PbCall::AdjustPrepayment(pb::AdjustPrepayment {
            province: of_province(*province),
            size: of_yuan(*size),
        }),
        Call::Tick => PbCall::Tick(pb::Tick {}),
    }
}

fn credential_to_proto(credential: Credential) -> pb::Credential {
    pb::Credential { kind: of_credential_kind(credential.kind), holder: of_person(credential.holder) }
}

/// A person or an institution.
pub fn party_to_proto(party: Party) -> pb::Party {
    let who = match party {
        Party::Person(person) => PartyWho::Person(of_person(person)),
        Party::Institution(institution) => PartyWho::Institution(of_institution(institution)),
    };
    pb::Party { who: Some(who) }
}
