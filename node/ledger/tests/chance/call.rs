//! What an ask means to the ledger at hand: its call, and who would usually make it.

use super::{Ask, Sender, Verb};
use crate::model::{Model, Phase};
use ledger::command::InsuranceStatus;
use ledger::table::{CaseState, OfferState};
use ledger::{Call, Caller};

impl Sender {
    pub(super) fn call(&mut self, model: &Model, ask: &Ask) -> (Caller, Call) {
        let mut ask = ask.clone();
        // Where there is nothing to be done, mostly what there must be first is asked.
        for _ in 0..6 {
            if ask.pick[6] < 200 {
                ask.verb = first(model, ask.verb);
            }
        }
        let ask = &ask;
        match ask.verb {
            Verb::Genesis
            | Verb::RegisterProvince
            | Verb::RegisterArea
            | Verb::SetAreaOpen
            | Verb::SetPolicy
            | Verb::RegisterInstitution
            | Verb::Suspend
            | Verb::LiftSuspension
            | Verb::SetTariff
            | Verb::SetCalendar => self.nation(model, ask),
            Verb::EnrolPerson
            | Verb::CreditAccount
            | Verb::ActivateWallet
            | Verb::DeactivateWallet
            | Verb::SetInsuranceStatus
            | Verb::SetRetired
            | Verb::TerminateInsurance
            | Verb::RegisterDeath
            | Verb::Payout
            | Verb::MoveWithinProvince
            | Verb::ApplyTransfer
            | Verb::AcceptTransfer
            | Verb::SendTransfer
            | Verb::ReceiveTransfer
            | Verb::CompleteTransfer
            | Verb::AbandonTransfer
            | Verb::FailTransfer => self.insure(model, ask),
            Verb::ProposeRelation
            | Verb::AcceptRelation
            | Verb::DeclineRelation
            | Verb::SetQuota
            | Verb::AcceptOffer
            | Verb::DeclineOffer
            | Verb::ReduceQuota
            | Verb::SetPriority
            | Verb::ReleaseRelation => self.relate(model, ask),
            Verb::Settle
            | Verb::AuthoriseSpend
            | Verb::ConfirmSpend
            | Verb::VoidSpend
            | Verb::PayPremium
            | Verb::Refund
            | Verb::Reverse => self.spend(model, ask),
            Verb::ClosePeriod
            | Verb::ConfirmClearing
            | Verb::DisputeClearing
            | Verb::PayClearing
            | Verb::FundPrepayment
            | Verb::AdjustPrepayment => self.clear(model, ask),
            Verb::Tick => (Caller::Node, Call::Tick),
        }
    }
}

/// The verb that must come first, if there is nothing yet that this one could be done with.
fn first(model: &Model, verb: Verb) -> Verb {
    let case = |state: CaseState| model.cases.values().any(|case| case.state == state);
    let waits = model.bonds.values().any(|bond| bond.phase == Phase::Waiting && model.now < bond.lapses);
    let offered =
        model.offers.values().any(|offer| offer.state == OfferState::Open && model.now < offer.returns);
    let held = model.open_holds().any(|hold| model.now < model.holds[&hold].expires);
    let stopped = |human: &crate::model::Human| {
        human.status == InsuranceStatus::Stopped && human.transfer.is_none() && !human.retired
    };
    let confirmed = model.lines.values().any(|line| line.payer_confirmed && line.payee_confirmed);
    let suspended = model.people.values().any(|human| human.suspended.is_some());
    let closed = model.bonds.values().any(|bond| {
        bond.phase == Phase::Living && !(model.human(bond.donor).wallet && model.human(bond.user).wallet)
    });
    match verb {
        Verb::AcceptRelation | Verb::DeclineRelation if !waits => Verb::ProposeRelation,
        Verb::AcceptOffer | Verb::DeclineOffer if !offered => Verb::SetQuota,
        Verb::ConfirmSpend | Verb::VoidSpend if !held => Verb::AuthoriseSpend,
        Verb::CompleteTransfer if !case(CaseState::Received) => Verb::ReceiveTransfer,
        Verb::ReceiveTransfer | Verb::FailTransfer if !case(CaseState::Sent) => Verb::SendTransfer,
        Verb::SendTransfer if !case(CaseState::Accepted) => Verb::AcceptTransfer,
        Verb::AcceptTransfer | Verb::AbandonTransfer if !case(CaseState::Applied) => Verb::ApplyTransfer,
        Verb::ApplyTransfer if !model.people.values().any(stopped) => Verb::SetInsuranceStatus,
        Verb::PayClearing if !confirmed => Verb::ConfirmClearing,
        Verb::ConfirmClearing | Verb::DisputeClearing if model.lines.is_empty() => Verb::ClosePeriod,
        Verb::ClosePeriod if model.now.month() <= model.clearing => Verb::Settle,
        Verb::LiftSuspension if !suspended => Verb::Suspend,
        Verb::DeactivateWallet if closed => Verb::ActivateWallet,
        verb => verb,
    }
}
