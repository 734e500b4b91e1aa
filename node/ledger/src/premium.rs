//! Yearly premiums (390 resident, 410 long-term care): one payment per person, kind and year.

use crate::apply::done;
use crate::command::{Insurance, Premium, Tariff};
use crate::decision::Refusal;
use crate::entry::{Entry, Ruled, ensure};
use crate::id::{PaymentId, Person};
use crate::money::Fen;
use crate::settle;
use crate::spend::{self, Bill};
use crate::table::{Key, Payee, PremiumRecord, Use};
use crate::tariff;
use crate::view::View;

/// What is asked, as in [`Call::PayPremium`](crate::Call::PayPremium).
pub(crate) struct Wish {
    pub beneficiary: Person,
    pub premium: Premium,
    pub year: u16,
    pub amount: Fen,
    pub use_own_account: bool,
    pub all_or_nothing: bool,
}

/// Pays it like a personal share; the payee is the beneficiary's area.
pub(crate) fn pay<V: View>(entry: &mut Entry<'_, V>, wish: &Wish) -> Ruled<V> {
    let &Wish { beneficiary, premium, year, amount, .. } = wish;
    ensure(!amount.is_zero(), Refusal::AmountZero)?;
    let user = spend::acting(entry, beneficiary)?;
    let usage = match (premium, user.insurance) {
        (Premium::Resident, Insurance::Resident) => Use::ResidentPremium,
        (Premium::Resident, Insurance::Employee) => return Err(Refusal::PremiumNotEligible.into()),
        (Premium::Care, Insurance::Employee | Insurance::Resident) => Use::CarePremium,
    };
    let tariff = tariff::in_force(entry, user.area, premium, year)?;
    ensure(tariff != Tariff::NotOffered, Refusal::PremiumNotOffered)?;
    let key = Key::Premium { person: beneficiary, premium, year };
    ensure(entry.find::<PremiumRecord>(&key)?.is_none(), Refusal::PremiumPaid)?;
    match tariff {
        Tariff::Exactly(asked) => ensure(amount == asked, Refusal::PremiumDiffers)?,
        Tariff::AnyAmount | Tariff::NotOffered => {}
    }
    let bill = Bill {
        beneficiary,
        payee: Payee::Premium(premium, year),
        area: user.area,
        usage,
        amount,
        use_own_account: wish.use_own_account,
        all_or_nothing: wish.all_or_nothing,
    };
    let plan = spend::plan(entry, &user, &bill)?;

    // From here on the payment must succeed.
    entry.draft.put(key, PremiumRecord { payment: PaymentId(entry.position) });
    let settled = settle::pay(entry, user, &bill, plan)?;
    done::<V>(settled)
}
