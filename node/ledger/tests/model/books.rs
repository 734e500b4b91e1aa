//! What areas owe one another, and what the statistics count.

use super::Model;
use ledger::stamp::Month;
use ledger::table::{PaymentRecord, Scope, Use};
use ledger::{Area, Province};
use std::collections::BTreeMap;

/// Charged and refunded, by month, payer, payee and use.
pub type Books = BTreeMap<(Month, Area, Area, Use), (u128, u128)>;

/// Paid, refunded, counted, taken back; by month, giving and using province, scope and use.
pub type Tallies = BTreeMap<(Month, Province, Province, Scope, Use), [u128; 4]>;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Charged,
    Refunded,
}

fn scope(giver: Area, home: Area) -> Scope {
    match (giver == home, giver.province() == home.province()) {
        (true, _) => Scope::SameArea,
        (false, true) => Scope::InProvince,
        (false, false) => Scope::CrossProvince,
    }
}

impl Model {
    pub(super) fn book(&mut self, side: Side, payer: Area, payee: Area, usage: Use, amount: u64) {
        if payer == payee || amount == 0 {
            return;
        }
        let sums = self.books.entry((self.now.month(), payer, payee, usage)).or_default();
        match side {
            Side::Charged => sums.0 += u128::from(amount),
            Side::Refunded => sums.1 += u128::from(amount),
        }
    }

    /// What a province's areas owe those of others for a month: charged and refunded; none if nothing was booked.
    pub fn usage(&self, month: Month, province: Province) -> Option<(u128, u128)> {
        let mut sums = None;
        for ((at, payer, payee, _), (charged, refunded)) in &self.books {
            let leaves = payer.province() == province && payee.province() != province;
            if *at == month && leaves {
                let (charged_sum, refunded_sum) = sums.unwrap_or((0, 0));
                sums = Some((charged_sum + charged, refunded_sum + refunded));
            }
        }
        sums
    }

    fn tally(&mut self, giver: Province, bill: &PaymentRecord, scope: Scope, line: usize, amount: u128) {
        let key = (self.now.month(), giver, bill.home.province(), scope, bill.usage);
        self.tallies.entry(key).or_default()[line] += amount;
    }

    /// Legs, by place and amount, were paid (line 0) or given back (line 1).
    pub(super) fn tally_legs(&mut self, bill: &PaymentRecord, legs: &[(usize, u64)], line: usize) {
        for (place, amount) in legs {
            let giver = bill.legs[*place].area;
            self.tally(giver.province(), bill, scope(giver, bill.home), line, u128::from(*amount));
        }
    }

    /// One 人次 more (line 2), or one taken back (line 3).
    pub(super) fn tally_count(&mut self, bill: &PaymentRecord, line: usize) {
        let mut largest: Option<(u64, Area)> = None;
        let mut widest = Scope::SameArea;
        for leg in &bill.legs {
            if largest.is_none_or(|(amount, _)| leg.amount.get() > amount) {
                largest = Some((leg.amount.get(), leg.area));
            }
            widest = widest.max(scope(leg.area, bill.home));
        }
        if let Some((_, giver)) = largest {
            self.tally(giver.province(), bill, widest, line, 1);
        }
    }
}

/// Whether all that donors paid has been given back.
pub(super) fn aid_is_back(bill: &PaymentRecord) -> bool {
    bill.legs.iter().all(|leg| leg.amount == leg.refunded)
}
