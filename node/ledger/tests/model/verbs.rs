//! From a call to the verb that decides it.

use super::rights::kind_may;
use super::{Model, Said};
use ledger::command::Premium;
use ledger::stamp::Month;
use ledger::{Area, Call, Fen, Person, Position, Refusal, Transaction};

/// What is asked of a premium.
pub struct PremiumWish {
    pub person: Person,
    pub premium: Premium,
    pub year: u16,
    pub amount: Fen,
    pub own: bool,
    pub whole: bool,
}

/// A line of a closed month.
pub type Line = (Month, Area, Area);

impl Model {
    pub(super) fn decide(&mut self, at: Position, asked: &Transaction) -> Said {
        if asked.not_after.is_some_and(|end| self.now > end) {
            return Err(Refusal::DeadlinePassed);
        }
        if !kind_may(&asked.caller, &asked.call) {
            return Err(Refusal::NotPermitted);
        }
        if self.begun.is_none() && !matches!(asked.call, Call::Genesis { .. }) {
            return Err(Refusal::NotBegun);
        }
        if !self.concerns(at, &asked.caller, &asked.call) {
            return Err(Refusal::NotPermitted);
        }
        let caller = &asked.caller;
        match asked.call.clone() {
            Call::Genesis { cluster, policy } => self.genesis(cluster, policy),
            Call::RegisterProvince { province, kinship, effective } => {
                self.register_province(province, kinship, effective)
            }
            Call::RegisterArea { area } => self.register_area(area),
            Call::SetAreaOpen { area, from, until } => self.open_area(area, from, until),
            Call::SetPolicy { effective, policy } => self.set_policy(effective, policy),
            Call::SetTariff { area, premium, year, effective, tariff } => {
                self.set_tariff((area, premium, year), effective, tariff)
            }
            Call::SetCalendar { year, holidays, workdays } => self.set_calendar(year, holidays, workdays),
            Call::RegisterInstitution { institution, kind, area, wallet_open } => {
                self.register_shop(institution, kind, area, wallet_open)
            }
            Call::EnrolPerson { person, insurance, area, retired } => {
                self.enrol(person, insurance, area, retired)
            }
            Call::CreditAccount { person, amount, .. } => self.credit(person, amount.get()),
            Call::SetInsuranceStatus { person, status } => self.set_status(person, status),
            Call::SetRetired { person, retired } => self.set_retired(person, retired),
            Call::TerminateInsurance { person, .. } => self.terminate(person),
            Call::RegisterDeath { person } => self.death(at, person),
            Call::Payout { person, reason, amount } => self.payout(person, reason, amount.map(Fen::get)),
            Call::MoveWithinProvince { person, to } => self.relocate(person, to),
            Call::ApplyTransfer { person, to } => self.apply_transfer(at, person, to),
            Call::AcceptTransfer { case } => self.accept_transfer(case),
            Call::SendTransfer { case } => self.send_transfer(case),
            Call::ReceiveTransfer { case } => self.receive_transfer(case),
            Call::CompleteTransfer { case } => self.complete_transfer(at, case),
            Call::AbandonTransfer { case } => self.abandon_transfer(at, case),
            Call::FailTransfer { case } => self.fail_transfer(at, case),
            Call::Suspend { party, reason, file } => self.suspend(party, reason, file),
            Call::LiftSuspension { party, .. } => self.lift(party),
            Call::ActivateWallet { person } => self.activate(person),
            Call::DeactivateWallet { person } => self.deactivate(person),
            Call::ProposeRelation { donor, beneficiary, kinship } => {
                self.propose(at, caller, donor, beneficiary, kinship)
            }
            Call::AcceptRelation { relation } => self.accept(relation),
            Call::DeclineRelation { relation } => self.decline(relation),
            Call::SetQuota { relation, amount, expiry } => self.set_quota(at, relation, amount.get(), expiry),
            Call::AcceptOffer { offer } => self.accept_offer(offer),
            Call::DeclineOffer { offer } => self.decline_offer(offer),
            Call::ReduceQuota { relation, amount } => self.reduce_quota(relation, amount.get()),
            Call::SetPriority { beneficiary, order } => self.set_priority(beneficiary, order),
            Call::Settle(spend) => self.settle(at, &spend),
            Call::AuthoriseSpend(spend) => self.authorise(at, &spend),
            Call::ConfirmSpend { hold, amount } => self.confirm(at, hold, amount.map(Fen::get)),
            Call::VoidSpend { hold } => self.void(hold),
            Call::PayPremium { beneficiary, premium, year, amount, use_own_account, all_or_nothing } => {
                let (own, whole) = (use_own_account, all_or_nothing);
                self.pay_premium(at, &PremiumWish { person: beneficiary, premium, year, amount, own, whole })
            }
            Call::Refund { payment, amount } => self.refund(at, payment, amount.map(Fen::get)),
            Call::Reverse { original } => self.reverse(at, caller, asked.request, original),
            Call::ReleaseRelation { relation } => self.release(caller, relation),
            Call::ClosePeriod { month } => self.close_period(at, month),
            Call::ConfirmClearing { month, payer, payee, amount } => {
                self.confirm_line(caller, (month, payer, payee), amount)
            }
            Call::DisputeClearing { month, payer, payee, reason, file } => {
                self.dispute_line(caller, (month, payer, payee), reason, file)
            }
            Call::PayClearing { month, payer, payee, amount } => {
                self.pay_line((month, payer, payee), amount.get())
            }
            Call::FundPrepayment { province, amount } => self.pay_into_fund(province, amount.get()),
            Call::AdjustPrepayment { province, size } => self.adjust_fund(province, size.get()),
            Call::Tick => Ok(self.tick()),
        }
    }
}
