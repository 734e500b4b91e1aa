//! The only door: a log entry goes in, answers and changes come out.

use crate::changes::Changes;
use crate::codec;
use crate::command::{Call, Transaction};
use crate::decision::{Answer, Event, Outcome, Refusal};
use crate::entry::{Entry, Ruled, Stop, ensure};
use crate::limits::ENTRY_TRANSACTIONS_MAX;
use crate::stamp::Stamp;
use crate::table::{Key, RequestRecord};
use crate::view::View;
use crate::{
    account, calendar, clearing, enrol, hold, insurance, offer, payout, period, policy, premium, prepayment,
    priority, quota, refund, register, relation, relocate, reverse, rights, settle, suspend, tariff, tick,
    transfer,
};
use alloc::vec::Vec;

/// Where and when an entry is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    /// The entry's log index.
    pub index: u64,
    /// The leader's stamp. Ledger time is the larger of this and the last one.
    pub stamp: Stamp,
}

/// What became of an entry.
#[derive(Clone, Debug)]
pub struct Applied {
    /// One answer per transaction, in order.
    pub answers: Vec<Answer>,
    /// The changes to the state, all of them or none.
    pub changes: Changes,
    /// Ledger time at this entry: it never runs backwards.
    pub now: Stamp,
}

/// Applies an entry's transactions in order, each after the changes of those before it. A refusal of
/// one does not touch the others.
///
/// # Errors
/// The view's own fault: this node cannot read its state and must stop. Nothing was decided.
///
/// # Panics
/// If the entry holds more than [`ENTRY_TRANSACTIONS_MAX`] transactions, or the state was not made by
/// this function.
pub fn apply<V: View>(view: &V, at: At, transactions: &[Transaction]) -> Result<Applied, V::Fault> {
    assert!(transactions.len() <= ENTRY_TRANSACTIONS_MAX, "an entry of {} transactions", transactions.len());
    let mut entry = Entry::open(view, at.index, at.stamp)?;
    let mut answers = Vec::with_capacity(transactions.len());
    let mut bytes = Vec::new();
    for (place, transaction) in transactions.iter().enumerate() {
        entry.position.place = place as u16; // within the bound above
        answers.push(decide(&mut entry, transaction, &mut bytes)?);
    }
    let now = entry.now;
    Ok(Applied { answers, changes: entry.close()?, now })
}

/// How a transaction would end if it were decided here and now (预结算). Nothing changes, and nothing is remembered.
///
/// # Errors
/// The view's own fault.
///
/// # Panics
/// If the state was not made by [`apply`].
pub fn forecast<V: View>(view: &V, at: At, transaction: &Transaction) -> Result<Outcome, V::Fault> {
    let Applied { mut answers, .. } = apply(view, at, core::slice::from_ref(transaction))?;
    let answer = answers.pop().expect("one answer per transaction");
    Ok(answer.outcome)
}

/// One transaction, from its identity to its answer (domain.md 5b, 3). `bytes` is room to encode in.
fn decide<V: View>(
    entry: &mut Entry<'_, V>,
    asked: &Transaction,
    bytes: &mut Vec<u8>,
) -> Result<Answer, V::Fault> {
    let position = entry.position;
    let key = Key::Request { request: asked.request, caller: asked.caller };
    let fingerprint = fingerprint(asked, bytes);
    let unremembered = |refusal| Answer { position, outcome: Outcome::Refused(refusal), repeated: false };

    // What is remembered wins over every other check.
    if let Some(first) = entry.draft.find::<RequestRecord>(&key)? {
        if first.fingerprint != fingerprint && first.fingerprint != reverse::ANY_BODY {
            return Ok(unremembered(Refusal::RequestReused));
        }
        return Ok(Answer { position: first.position, outcome: first.outcome.clone(), repeated: true });
    }
    // Before genesis no id is too old or too early: there is no window yet.
    if let Some(ledger) = &entry.ledger {
        let time = asked.request.time_ms();
        if time < ledger.forgotten_before_ms {
            return Ok(unremembered(Refusal::RequestExpired));
        }
        if time > entry.now.plus_ms(entry.policy.request_ahead_ms).0 {
            return Ok(unremembered(Refusal::RequestTooEarly));
        }
    }
    let outcome = match rule(entry, asked) {
        Ok(events) => Outcome::Done(events),
        Err(Stop::Refused(refusal)) => Outcome::Refused(refusal),
        Err(Stop::Fault(fault)) => return Err(fault),
    };
    if entry.ledger.is_some() {
        let first = RequestRecord { fingerprint, position, outcome: outcome.clone() };
        entry.draft.put(key, first);
    }
    Ok(Answer { position, outcome, repeated: false })
}

/// Deadline, right, then the verb.
fn rule<V: View>(entry: &mut Entry<'_, V>, asked: &Transaction) -> Ruled<V> {
    ensure(asked.not_after.is_none_or(|moment| entry.now <= moment), Refusal::DeadlinePassed)?;
    rights::check(entry, &asked.caller, &asked.call)?;
    verb(entry, asked)
}

fn verb<V: View>(entry: &mut Entry<'_, V>, asked: &Transaction) -> Ruled<V> {
    match &asked.call {
        Call::Genesis { cluster, policy } => policy::genesis(entry, *cluster, policy),
        Call::RegisterProvince { province, kinship, effective } => {
            register::province(entry, *province, *kinship, *effective)
        }
        Call::RegisterArea { area } => register::area(entry, *area),
        Call::SetAreaOpen { area, from, until } => register::opening(entry, *area, *from, *until),
        Call::SetPolicy { effective, policy } => policy::set(entry, *effective, policy),
        Call::SetTariff { area, premium, year, effective, tariff } => {
            tariff::set(entry, *area, *premium, *year, *effective, *tariff)
        }
        Call::SetCalendar { year, holidays, workdays } => calendar::set(entry, *year, holidays, workdays),
        Call::RegisterInstitution { institution, kind, area, wallet_open } => {
            register::institution(entry, *institution, *kind, *area, *wallet_open)
        }
        Call::EnrolPerson { person, insurance, area, retired } => {
            enrol::enrol(entry, *person, *insurance, *area, *retired)
        }
        Call::CreditAccount { person, amount, period: _ } => account::credit(entry, *person, *amount),
        Call::SetInsuranceStatus { person, status } => insurance::set_status(entry, *person, *status),
        Call::SetRetired { person, retired } => insurance::set_retired(entry, *person, *retired),
        Call::TerminateInsurance { person, reason: _ } => insurance::terminate(entry, *person),
        Call::RegisterDeath { person } => insurance::death(entry, *person),
        Call::Payout { person, reason, amount } => payout::payout(entry, *person, *reason, *amount),
        Call::MoveWithinProvince { person, to } => relocate::within_province(entry, *person, *to),
        Call::ApplyTransfer { person, to } => transfer::apply(entry, *person, *to),
        Call::AcceptTransfer { case } => transfer::accept(entry, *case),
        Call::SendTransfer { case } => transfer::send(entry, *case),
        Call::ReceiveTransfer { case } => transfer::receive(entry, *case),
        Call::CompleteTransfer { case } => transfer::complete(entry, *case),
        Call::AbandonTransfer { case } => transfer::abandon(entry, *case),
        Call::FailTransfer { case } => transfer::fail(entry, *case),
        Call::Suspend { party, reason, file } => suspend::suspend(entry, *party, *reason, *file),
        Call::LiftSuspension { party, file: _ } => suspend::lift(entry, *party),
        Call::ActivateWallet { person } => account::activate(entry, *person),
        Call::DeactivateWallet { person } => account::deactivate(entry, *person),
        Call::ProposeRelation { donor, beneficiary, kinship } => {
            relation::propose(entry, &asked.caller, *donor, *beneficiary, *kinship)
        }
        Call::AcceptRelation { relation } => relation::accept(entry, *relation),
        Call::DeclineRelation { relation } => relation::decline(entry, *relation),
        Call::SetQuota { relation, amount, expiry } => quota::set(entry, *relation, *amount, *expiry),
        Call::AcceptOffer { offer } => offer::accept(entry, *offer),
        Call::DeclineOffer { offer } => offer::decline(entry, *offer),
        Call::ReduceQuota { relation, amount } => quota::reduce(entry, *relation, *amount),
        Call::SetPriority { beneficiary, order } => priority::set(entry, *beneficiary, order),
        Call::Settle(spend) => settle::settle(entry, spend),
        Call::AuthoriseSpend(spend) => hold::authorise(entry, spend),
        Call::ConfirmSpend { hold, amount } => hold::confirm(entry, *hold, *amount),
        Call::VoidSpend { hold } => hold::void(entry, *hold),
        Call::PayPremium { beneficiary, premium, year, amount, use_own_account, all_or_nothing } => {
            let wish = premium::Wish {
                beneficiary: *beneficiary,
                premium: *premium,
                year: *year,
                amount: *amount,
                use_own_account: *use_own_account,
                all_or_nothing: *all_or_nothing,
            };
            premium::pay(entry, &wish)
        }
        Call::Refund { payment, amount } => refund::refund(entry, *payment, *amount),
        Call::Reverse { original } => reverse::reverse(entry, &asked.caller, asked.request, *original),
        Call::ReleaseRelation { relation } => relation::release(entry, &asked.caller, *relation),
        Call::ClosePeriod { month } => period::close(entry, *month),
        Call::ConfirmClearing { month, payer, payee, amount } => clearing::confirm(
            entry,
            &asked.caller,
            clearing::Line { month: *month, payer: *payer, payee: *payee },
            *amount,
        ),
        Call::DisputeClearing { month, payer, payee, reason, file } => {
            let line = clearing::Line { month: *month, payer: *payer, payee: *payee };
            clearing::dispute(entry, &asked.caller, line, *reason, *file)
        }
        Call::PayClearing { month, payer, payee, amount } => {
            clearing::pay(entry, clearing::Line { month: *month, payer: *payer, payee: *payee }, *amount)
        }
        Call::FundPrepayment { province, amount } => prepayment::fund(entry, *province, *amount),
        Call::AdjustPrepayment { province, size } => prepayment::adjust(entry, *province, *size),
        Call::Tick => tick::tick(entry),
    }
}

/// What tells one body from another: who resends must send the same call, deadline and signature.
fn fingerprint(asked: &Transaction, bytes: &mut Vec<u8>) -> [u8; 16] {
    bytes.clear();
    codec::append(&(&asked.call, &asked.not_after, &asked.signature), bytes);
    let hash = blake3::hash(bytes);
    *hash.as_bytes().first_chunk().expect("a hash has 32 bytes")
}

/// One event, as most verbs have.
pub(crate) fn done<V: View>(event: Event) -> Ruled<V> {
    Ok(alloc::vec![event])
}
