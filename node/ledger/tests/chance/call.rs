//! What an ask means to the ledger at hand: its call, and who would usually make it.

use super::{Ask, Sender, Verb};
use crate::model::Model;
use ledger::{Call, Caller};

impl Sender {
    pub(super) fn call(&mut self, model: &Model, ask: &Ask) -> (Caller, Call) {
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
