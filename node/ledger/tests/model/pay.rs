//! The naive ledger's settlements and refunds.

use super::rules::{Said, fen, refuse_if};
use super::{Bill, Booking, From, Model, Part, Phase};
use ledger::command::InstitutionKind;
use ledger::decision::{LegPaid, LegRefunded};
use ledger::table::Use;
use ledger::{Area, Call, Event, PaymentId, Position, Refusal, Stamp};

impl Model {
    pub(super) fn settle(&mut self, place: Position, call: &Call) -> Said {
        let Call::Settle { beneficiary, institution, amount, use_own_account, all_or_nothing } = call else {
            panic!("asked to settle")
        };
        let known = self.shops.iter().find(|shop| shop.id == *institution);
        let shop = known.ok_or(Refusal::InstitutionUnknown)?.clone();
        refuse_if(amount.get() == 0, Refusal::AmountZero)?;
        let user = self.human(*beneficiary).ok_or(Refusal::PersonUnknown)?.clone();
        refuse_if(!user.wallet, Refusal::WalletInactive)?;
        refuse_if(!shop.open, Refusal::InstitutionClosed)?;
        // Everything that could pay, in order; then as much of each as it takes.
        let mut sources = vec![];
        let mut skipped = vec![];
        let own_first = self.policy().own_account_first;
        let own = if *use_own_account { self.available(user.id) } else { 0 };
        if own_first {
            sources.push((From::Own, Some(user.area), own));
        }
        for id in self.donors(user.id) {
            let area = self.area_of(self.bond(id).expect("known").donor);
            sources.push((From::Bond(id), Some(area), self.unused(id)));
        }
        if !own_first {
            sources.push((From::Own, Some(user.area), own));
        }
        sources.push((From::Cash, None, u64::MAX));
        let mut rest = amount.get();
        let mut parts = vec![];
        for (from, area, reach) in sources {
            let amount = reach.min(rest);
            if amount == 0 {
                continue;
            }
            if let (From::Bond(id), Some(area)) = (from, area)
                && !self.passes(area, shop.area)
            {
                skipped.push(id);
                continue;
            }
            rest -= amount;
            parts.push(Part { from, area, amount, back_to_quota: 0, back_to_account: 0 });
        }
        refuse_if(*all_or_nothing && parts.iter().any(|part| part.from == From::Cash), Refusal::NotCovered)?;

        let usage = if shop.kind == InstitutionKind::Hospital { Use::Institution } else { Use::Pharmacy };
        let sum = |from| fen(parts.iter().filter(|part| part.from == from).map(|part| part.amount).sum());
        let (own, cash) = (sum(From::Own), sum(From::Cash));
        for part in &parts {
            self.book(part.area, shop.area, usage, part.amount, false);
        }
        let payment = PaymentId(place);
        let bill = Bill { id: payment, user: user.id, shop: shop.id, area: shop.area, usage, parts };
        self.bills.push(bill.clone());
        let mut legs = vec![];
        for part in &bill.parts {
            if let From::Bond(relation) = part.from {
                legs.push(LegPaid { relation, amount: fen(part.amount), unused: fen(self.unused(relation)) });
            }
        }
        Ok(vec![Event::Settled { payment, own, legs, cash, skipped }])
    }

    pub(super) fn refund(&mut self, id: PaymentId, wish: Option<u64>) -> Said {
        refuse_if(wish == Some(0), Refusal::AmountZero)?;
        let bill = self.bill(id).ok_or(Refusal::PaymentUnknown)?.clone();
        let open = |part: &Part| part.amount - part.back_to_quota - part.back_to_account;
        let left: u64 = bill.parts.iter().map(open).sum();
        let amount = wish.unwrap_or(left);
        refuse_if(left == 0 || amount > left, Refusal::RefundExceedsPayment)?;
        let mut rest = amount;
        let (mut cash, mut own, mut legs) = (0, 0, vec![]);
        for (place, part) in bill.parts.iter().enumerate().rev() {
            let back = open(part).min(rest);
            if back == 0 {
                continue;
            }
            rest -= back;
            let mut to_quota = false;
            match part.from {
                From::Cash => cash += back,
                From::Own => own += back,
                From::Bond(relation) => {
                    to_quota = self.bond(relation).expect("known").phase == Phase::Living;
                    legs.push(LegRefunded { relation, amount: fen(back), to_quota });
                }
            }
            self.book(part.area, bill.area, bill.usage, back, true);
            let part = &mut self.bills.iter_mut().find(|bill| bill.id == id).expect("known").parts[place];
            *(if to_quota { &mut part.back_to_quota } else { &mut part.back_to_account }) += back;
        }
        Ok(vec![Event::Refunded { payment: id, amount: fen(amount), cash: fen(cash), legs, own: fen(own) }])
    }

    fn book(&mut self, payer: Option<Area>, payee: Area, usage: Use, amount: u64, back: bool) {
        if let Some(payer) = payer.filter(|payer| *payer != payee) {
            self.bookings.push(Booking { at: Stamp(self.now), payer, payee, usage, amount, back });
        }
    }
}
