//! One sample of every call.

use super::names::*;
use ledger::command::{
    DisputeReason, Expiry, InstitutionKind, Insurance, InsuranceStatus, Kinship, KinshipScope, Party,
    PayoutReason, Policy, Premium, SuspensionReason, Tariff, Termination,
};
use ledger::stamp::{Day, Month};
use ledger::{Call, Stamp};

pub fn calls() -> Vec<Call> {
    let (person, institution, file) = (DONOR, shop(), file());
    let (relation, offer, hold, case) = (RELATION, OFFER, HOLD, CASE);
    let month = Month { year: 2026, month: 3 };
    let (payer, payee) = (area(320_500), area(410_100));
    vec![
        Call::Genesis { cluster: [7; 16], policy: Policy::PILOT_2024 },
        Call::RegisterProvince {
            province: province(32),
            kinship: KinshipScope::Wide,
            effective: Some(Stamp(AT.0 + 1)),
        },
        Call::RegisterArea { area: payer },
        Call::SetAreaOpen { area: payer, from: AT, until: Some(Stamp(AT.0 + 1)) },
        Call::SetPolicy { effective: AT, policy: Policy::NATIONAL_2026 },
        Call::RegisterInstitution {
            institution,
            kind: InstitutionKind::Hospital,
            area: payee,
            wallet_open: true,
        },
        Call::EnrolPerson { person, insurance: Insurance::Resident, area: payer, retired: true },
        Call::CreditAccount { person, amount: fen(515), period: month },
        Call::ActivateWallet { person },
        Call::ProposeRelation { donor: DONOR, beneficiary: USER, kinship: Kinship::DaughtersChild },
        Call::AcceptRelation { relation },
        Call::DeclineRelation { relation },
        Call::SetQuota { relation, amount: fen(1), expiry: Expiry::At(AT) },
        Call::AcceptOffer { offer },
        Call::DeclineOffer { offer },
        Call::ReduceQuota { relation, amount: fen(2) },
        Call::SetPriority { beneficiary: USER, order: vec![relation] },
        Call::Settle(spend()),
        Call::AuthoriseSpend(spend()),
        Call::ConfirmSpend { hold, amount: Some(fen(3)) },
        Call::VoidSpend { hold },
        Call::PayPremium {
            beneficiary: USER,
            premium: Premium::Care,
            year: 2027,
            amount: fen(4),
            use_own_account: false,
            all_or_nothing: true,
        },
        Call::Refund { payment: PAYMENT, amount: None },
        Call::Reverse { original: REQUEST },
        Call::ReleaseRelation { relation },
        Call::SetInsuranceStatus { person, status: InsuranceStatus::Arrears },
        Call::SetRetired { person, retired: true },
        Call::TerminateInsurance { person, reason: Termination::Other },
        Call::RegisterDeath { person },
        Call::Payout { person, reason: PayoutReason::TransferImpossible, amount: Some(fen(5)) },
        Call::MoveWithinProvince { person, to: payer },
        Call::ApplyTransfer { person, to: payee },
        Call::AcceptTransfer { case },
        Call::SendTransfer { case },
        Call::ReceiveTransfer { case },
        Call::CompleteTransfer { case },
        Call::AbandonTransfer { case },
        Call::FailTransfer { case },
        Call::Suspend {
            party: Party::Institution(institution),
            reason: SuspensionReason::FalseSettlement,
            file,
        },
        Call::LiftSuspension { party: Party::Person(person), file },
        Call::SetTariff {
            area: payer,
            premium: Premium::Resident,
            year: 2026,
            effective: AT,
            tariff: Tariff::Exactly(fen(6)),
        },
        Call::SetCalendar {
            year: 2026,
            holidays: vec![Day(20_513)],
            workdays: vec![Day(20_514), Day(20_515)],
        },
        Call::ClosePeriod { month },
        Call::ConfirmClearing { month, payer, payee, amount: sum(7) },
        Call::DisputeClearing { month, payer, payee, reason: DisputeReason::CountedTwice, file },
        Call::PayClearing { month, payer, payee, amount: fen(8) },
        Call::FundPrepayment { province: province(32), amount: fen(9) },
        Call::AdjustPrepayment { province: province(32), size: fen(10) },
        Call::Tick,
        Call::DeactivateWallet { person },
    ]
}
