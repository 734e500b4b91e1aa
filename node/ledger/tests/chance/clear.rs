//! Asks about closed months and funds.

use super::world::{amount, area, province};
use super::{Ask, Sender, Verb};
use crate::model::Model;
use ledger::command::DisputeReason;
use ledger::stamp::Month;
use ledger::table::ClearingRecord;
use ledger::{Area, Call, Caller, Fen, FileNumber, Sum};

impl Sender {
    pub(super) fn clear(&mut self, model: &Model, ask: &Ask) -> (Caller, Call) {
        let [a, b, c, d, e, ..] = ask.pick;
        match ask.verb {
            Verb::ClosePeriod => {
                let month = match a {
                    0..200 => model.clearing,
                    200..220 => model.clearing.previous(),
                    220..240 => model.clearing.next(),
                    240.. => model.now.month(),
                };
                return (Caller::National, Call::ClosePeriod { month });
            }
            Verb::FundPrepayment => {
                let province = province(if a > 250 { 9 } else { a % 8 });
                let fund = model.funds.get(&province).copied().unwrap_or_default();
                let held = u128::from(fund.balance.get()) + fund.drawn.get();
                let room = u128::from(fund.size.get()).saturating_sub(held) as u64;
                let amount = if b < 170 { self.part(room, c) } else { amount(b) };
                return (Caller::Province(province), Call::FundPrepayment { province, amount });
            }
            Verb::AdjustPrepayment => {
                let province = province(if a > 250 { 9 } else { a % 8 });
                let size = [0, 100, 1_000, 5_000, 20_000, 100_000][usize::from(b) % 6];
                let size = Fen::new(size).expect("an amount");
                return (Caller::National, Call::AdjustPrepayment { province, size });
            }
            _ => {}
        }
        let pays = ask.verb == Verb::PayClearing;
        let fits = |line: &ClearingRecord| {
            let both = line.payer_confirmed && line.payee_confirmed;
            d > 150 || if pays { both && line.paid < line.amount } else { !both }
        };
        let (month, payer, payee) = self.line(model, a, b, fits);
        let known = model.lines.get(&(month, payer, payee));
        let side = if c < 128 { payer } else { payee };
        match ask.verb {
            Verb::ConfirmClearing => {
                let amount = known.map_or(Sum::ZERO, |line| line.amount);
                let amount = if d > 230 { Sum::new(amount.get() + 1) } else { amount };
                let call = Call::ConfirmClearing { month, payer, payee, amount };
                (Caller::Province(side.province()), call)
            }
            Verb::DisputeClearing => {
                let (reason, file) = (DisputeReason::SumDiffers, FileNumber::new("D-1").expect("a number"));
                let call = Call::DisputeClearing { month, payer, payee, reason, file };
                (Caller::Province(side.province()), call)
            }
            Verb::PayClearing => {
                let left = known.map_or(0, |line| line.amount.get() - line.paid.get());
                let amount = self.part(left as u64, e);
                (Caller::Province(payer.province()), Call::PayClearing { month, payer, payee, amount })
            }
            other => panic!("{other:?} is no verb of clearing"),
        }
    }

    /// Mostly a line of a closed month, often one between two provinces; else one that is not there.
    pub(super) fn line(
        &self,
        model: &Model,
        pick: u8,
        any: u8,
        fits: impl Fn(&ClearingRecord) -> bool,
    ) -> (Month, Area, Area) {
        let across = |line: &(Month, Area, Area)| any > 150 || line.1.province() != line.2.province();
        let lines = model.lines.iter().rev().filter(|(line, record)| across(line) && fits(record)).take(12);
        let lines: Vec<_> = lines.map(|(line, _)| *line).collect();
        match any {
            0..240 if !lines.is_empty() => lines[usize::from(pick) % lines.len()],
            0..248 => (model.clearing, area(pick), area(pick / 8)),
            248.. => (model.clearing.previous(), area(pick), area(pick / 8)),
        }
    }
}
