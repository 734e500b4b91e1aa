//! A balance is paid to a bank account: the only way to cash, and only for coded reasons (domain.md 5b, 23).

use crate::account;
use crate::apply::done;
use crate::command::{Insurance, InsuranceStatus, PayoutReason};
use crate::decision::{Event, Refusal};
use crate::entry::{Entry, Ruled, ensure};
use crate::id::Person;
use crate::money::Fen;
use crate::table::{Key, PersonRecord};
use crate::view::View;

/// Pays out of what is available; an estate's whole balance, and again if more comes in.
pub(crate) fn payout<V: View>(
    entry: &mut Entry<'_, V>,
    person: Person,
    reason: PayoutReason,
    amount: Option<Fen>,
) -> Ruled<V> {
    ensure(amount.is_none_or(|amount| !amount.is_zero()), Refusal::AmountZero)?;
    let record = entry.person(person)?;
    ensure(record.transfer.is_none(), Refusal::CaseOpen)?;
    let estate = reason == PayoutReason::Estate;
    ensure(estate || record.status != InsuranceStatus::Frozen, Refusal::AccountFrozen)?;
    let available = record.account.ok_or(Refusal::AccountMissing)?.available;
    ensure(record.may_be_paid_out(reason), Refusal::PayoutNotAllowed)?;
    let amount = amount.unwrap_or(available);
    let fits = if estate { amount == available } else { amount <= available };
    ensure(fits && !amount.is_zero(), Refusal::PayoutExceedsBalance)?;

    // From here on the payout must succeed.
    account::of(entry.draft.edit(Key::Person { person }, record)).pay_out(amount);
    done::<V>(Event::PaidOut { person, reason, amount })
}

impl PersonRecord {
    /// Whether the reason is one, as the person stands.
    fn may_be_paid_out(&self, reason: PayoutReason) -> bool {
        match reason {
            PayoutReason::Estate => self.status == InsuranceStatus::Deceased,
            PayoutReason::Emigration => self.status == InsuranceStatus::Terminated,
            PayoutReason::Resettled => {
                self.retired
                    && self.insurance == Insurance::Employee
                    && matches!(self.status, InsuranceStatus::Normal | InsuranceStatus::Stopped)
            }
            PayoutReason::TransferImpossible => {
                self.failed_transfer.is_some() && self.status != InsuranceStatus::Deceased
            }
        }
    }
}
