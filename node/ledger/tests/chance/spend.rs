//! Asks about spending, premiums, refunds and reversals.

use super::world::{amount, med_type, person, shop};
use super::{Ask, Sender, Verb};
use crate::model::{Model, Phase};
use ledger::command::{Credential, CredentialKind, Insurance, Premium, Spend, Tariff};
use ledger::table::{HoldRecord, HoldState, Leg, Payee, PaymentRecord};
use ledger::{Call, Caller, Fen, HoldId, PaymentId, Person, Position};

impl Sender {
    pub(super) fn spend(&mut self, model: &Model, ask: &Ask) -> (Caller, Call) {
        let [a, b, c, d, ..] = ask.pick;
        match ask.verb {
            Verb::Settle => {
                let spend = self.counter(model, ask);
                (Caller::Institution(spend.institution), Call::Settle(spend))
            }
            Verb::AuthoriseSpend => {
                let spend = self.counter(model, ask);
                (Caller::Institution(spend.institution), Call::AuthoriseSpend(spend))
            }
            Verb::ConfirmSpend | Verb::VoidSpend => self.hold(model, ask),
            Verb::PayPremium => self.premium(model, ask),
            Verb::Refund => {
                let recent: Vec<PaymentId> = model.bills.keys().rev().take(14).copied().collect();
                let travelling = self.paid_by_travellers(model);
                let payment = match a {
                    0..120 if !travelling.is_empty() => travelling[usize::from(b) % travelling.len()],
                    0..248 if !recent.is_empty() => recent[usize::from(b) % recent.len()],
                    0..252 => PaymentId(Position { index: u64::MAX, place: 0 }),
                    252.. => PaymentId(Position { index: 0, place: 0 }),
                };
                let bill = model.bills.get(&payment);
                let by = match bill.map(|bill| bill.payee) {
                    Some(Payee::Institution(shop, _)) => Caller::Institution(shop),
                    Some(Payee::Premium(..)) => Caller::Person(bill.expect("it has a payee").beneficiary),
                    None => Caller::Institution(shop(b)),
                };
                let amount = (c > 90).then(|| match bill {
                    Some(bill) if c < 200 => edge(&left_of(bill), d),
                    _ => self.part(bill.map_or(0, |bill| bill.amount.get()), d),
                });
                (by, Call::Refund { payment, amount })
            }
            Verb::Reverse => {
                let (by, original) = self.original(model, ask.pick);
                (by, Call::Reverse { original })
            }
            other => panic!("{other:?} is no verb of spending"),
        }
    }

    /// Payments of which something is left that would go to an account which is on its way, or has been.
    fn paid_by_travellers(&self, model: &Model) -> Vec<PaymentId> {
        let cases = model.cases.values().rev().take(4);
        let who: Vec<Person> = cases.map(|case| case.person).collect();
        let bills = model.bills.iter().rev().filter(|(_, bill)| {
            let leg = |leg: &Leg| leg.refunded < leg.amount && who.contains(&leg.donor);
            let own = bill.own.refunded < bill.own.amount && who.contains(&bill.beneficiary);
            own || bill.legs.iter().any(leg)
        });
        bills.take(6).map(|(id, _)| *id).collect()
    }

    /// One who has donors, mostly; often one whose donors have put something in.
    fn user(&self, model: &Model, pick: u8, any: u8) -> Person {
        let living = model.bonds.iter().filter(|(_, bond)| bond.phase == Phase::Living);
        let rich = living.filter(|(id, _)| any > 120 || model.unused(**id) > 0);
        let living: Vec<Person> = rich.map(|(_, bond)| bond.user).collect();
        match any {
            0..190 if !living.is_empty() => living[usize::from(pick) % living.len()],
            _ => self.someone(model, pick),
        }
    }

    fn counter(&self, model: &Model, ask: &Ask) -> Spend {
        let [a, b, c, d, e, f, g, _] = ask.pick;
        let beneficiary = self.user(model, a, e);
        let holder = if f > 248 { person(f) } else { beneficiary };
        let kinds = [
            CredentialKind::ElectronicCode,
            CredentialKind::IdentityCard,
            CredentialKind::SocialSecurityCard,
        ];
        let institution = shop(if g > 245 { b } else { b % 6 });
        let usual = if institution.as_str().starts_with('P') { 1 } else { 0 };
        Spend {
            beneficiary,
            credential: Credential { kind: kinds[usize::from(f) % 3], holder },
            institution,
            med_type: med_type(if g < 180 { usual } else { g }),
            amount: amount(c),
            use_own_account: !d.is_multiple_of(3),
            all_or_nothing: d.is_multiple_of(5),
        }
    }

    fn hold(&self, model: &Model, ask: &Ask) -> (Caller, Call) {
        let [a, b, c, d, ..] = ask.pick;
        let held = model.holds.iter().rev().filter(|(_, hold)| hold.state == HoldState::Held);
        let held = held.filter(|(_, hold)| a < 60 || model.now < hold.expires).take(6);
        let held: Vec<HoldId> = held.map(|(id, _)| *id).collect();
        let recent: Vec<HoldId> = model.holds.keys().rev().take(6).copied().collect();
        let hold = match a {
            0..220 if !held.is_empty() => held[usize::from(b) % held.len()],
            0..248 if !recent.is_empty() => recent[usize::from(b) % recent.len()],
            0..252 => HoldId(Position { index: u64::MAX, place: 0 }),
            252.. => HoldId(Position { index: 0, place: 0 }),
        };
        let record = model.holds.get(&hold);
        let by = Caller::Institution(record.map_or(shop(b), |record| record.institution));
        let amount = (c > 110).then(|| match record {
            Some(record) if c < 200 => edge(&held_of(record), d),
            _ => self.part(record.map_or(0, |record| record.amount.get()), d),
        });
        match ask.verb {
            Verb::ConfirmSpend => (by, Call::ConfirmSpend { hold, amount }),
            _ => (by, Call::VoidSpend { hold }),
        }
    }

    fn premium(&self, model: &Model, ask: &Ask) -> (Caller, Call) {
        let [a, b, c, d, e, ..] = ask.pick;
        let beneficiary = self.user(model, a, e);
        let resident =
            model.people.get(&beneficiary).is_some_and(|human| human.insurance == Insurance::Resident);
        let premium = if resident && b < 160 || b > 235 { Premium::Resident } else { Premium::Care };
        let year = 2026 + u16::from(c % 5);
        let tariff = model.people.get(&beneficiary).map(|human| model.tariff(human.area, premium, year));
        let amount = match tariff {
            Some(Tariff::Exactly(asked)) if d < 220 => asked,
            _ => amount(d),
        };
        let (use_own_account, all_or_nothing) = (!c.is_multiple_of(3), c.is_multiple_of(7));
        let call = Call::PayPremium { beneficiary, premium, year, amount, use_own_account, all_or_nothing };
        (Caller::Person(beneficiary), call)
    }
}

/// What is left of a payment's parts, in the order of a refund.
fn left_of(bill: &PaymentRecord) -> Vec<u64> {
    let own = bill.own.amount.get() - bill.own.refunded.get();
    let mut parts: Vec<u64> = bill.legs.iter().map(|leg| leg.amount.get() - leg.refunded.get()).collect();
    parts.insert(if bill.own_first { 0 } else { parts.len() }, own);
    parts.push(bill.cash.get() - bill.cash_refunded.get());
    parts.reverse();
    parts
}

/// What a hold holds, in the order of deduction.
fn held_of(hold: &HoldRecord) -> Vec<u64> {
    let mut parts: Vec<u64> = hold.legs.iter().map(|leg| leg.amount.get()).collect();
    parts.insert(if hold.own_first { 0 } else { parts.len() }, hold.own.get());
    parts.push(hold.cash.get());
    parts
}

/// An amount that ends with one of the parts, or beside its end.
fn edge(parts: &[u64], pick: u8) -> Fen {
    let sum: u64 = parts.iter().take(1 + usize::from(pick) % parts.len()).sum();
    let beside = match pick {
        0..180 => sum,
        180..220 => sum + 1,
        220.. => sum.saturating_sub(1),
    };
    Fen::new(beside).unwrap_or(Fen::MAX)
}
