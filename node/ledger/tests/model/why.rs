//! Reasons against a verb, collected in any order.

use super::Human;
use ledger::Refusal;
use ledger::command::{InsuranceStatus, Policy};

/// Every reason that holds; the one that is published first is given.
#[derive(Default)]
pub struct Why(Vec<Refusal>);

impl Why {
    pub fn new() -> Why {
        Why::default()
    }

    /// Notes a reason if it holds.
    pub fn when(&mut self, holds: bool, reason: Refusal) {
        if holds {
            self.0.push(reason);
        }
    }

    /// Ends the verb with the first reason, if there is one.
    pub fn end(&self) -> Result<(), Refusal> {
        let place = |reason: &Refusal| Refusal::ALL.iter().position(|one| one == reason);
        match self.0.iter().min_by_key(|reason| place(reason)) {
            Some(reason) => Err(*reason),
            None => Ok(()),
        }
    }

    /// Notes a reason that hides everything that could be looked at behind it.
    pub fn stop<T>(&mut self, reason: Refusal) -> Result<T, Refusal> {
        self.0.push(reason);
        self.end()?;
        unreachable!("there is a reason")
    }

    /// One without an insurance that could be built on.
    pub fn insured(&mut self, human: &Human) {
        self.when(human.status == InsuranceStatus::Deceased, Refusal::PersonDeceased);
        self.when(human.status == InsuranceStatus::Terminated, Refusal::InsuranceTerminated);
        self.when(human.transfer.is_some(), Refusal::CaseOpen);
        self.when(human.releasing.is_some(), Refusal::ReleaseUnderWay);
    }

    /// One who may not act.
    pub fn acting(&mut self, human: &Human) {
        self.insured(human);
        self.when(!human.wallet, Refusal::WalletInactive);
        self.when(human.suspended.is_some(), Refusal::PersonSuspended);
    }

    /// One whose account may freeze nothing new.
    pub fn giving(&mut self, human: &Human, policy: &Policy) {
        self.insured(human);
        self.when(human.status == InsuranceStatus::Arrears, Refusal::InArrears);
        self.when(human.status == InsuranceStatus::Frozen, Refusal::AccountFrozen);
        let stopped = human.status == InsuranceStatus::Stopped && !policy.stopped_may_offer;
        self.when(stopped, Refusal::InsuranceStopped);
    }
}
