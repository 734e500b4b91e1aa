//! The books of a year: each month is closed a few days into the next, its lines confirmed, disputed and paid, and the
//! funds agreed and filled. What lines say is read from the ledger; what is done with them follows from the seed.

use super::plan::{day, nation, yuan};
use super::rng::{Rng, splitmix};
use super::run::{Desk, fen, month_text};
use super::step::{Expect, Hour, Step, request_id};
use crate::places::PROVINCES;
use crate::problem::Problem;
use client::v1::caller::Who;
use client::v1::transaction::Call;
use client::v1::{self, ClearingLine, DisputeReason, Reason};
use ledger::{Day, Month, Stamp};

/// Steps of the books are numbered from here on.
pub const FIRST_STEP: u32 = 1 << 31;

/// The books.
#[derive(Clone, Debug)]
pub struct Books {
    seed: u64,
    year: u16,
    ids: Rng,
    next: u32,
    now: Stamp,
    out: Vec<Step>,
    /// The lines that are being confirmed and paid.
    lines: Vec<Line>,
}

/// A line, and what is done with it.
#[derive(Clone, Debug)]
struct Line {
    line: ClearingLine,
    /// Any number, by seed, month, payer and payee.
    chance: u64,
    /// Paid so far, in fen.
    paid: u64,
}

impl Line {
    fn amount(&self) -> u64 {
        fen(&self.line.amount) as u64
    }

    /// Whether something happens to so many lines in a thousand, each kind of thing for itself.
    fn is_one(&self, kind: u64, of_thousand: u64) -> bool {
        splitmix(&mut (self.chance ^ kind)) % 1_000 < of_thousand
    }

    fn payer(&self) -> Who {
        Who::Province(province(&self.line.payer))
    }

    fn payee(&self) -> Who {
        Who::Province(province(&self.line.payee))
    }

    fn pay(&self, amount: u64) -> Call {
        Call::PayClearing(v1::PayClearing {
            month: self.line.month.clone(),
            payer: self.line.payer.clone(),
            payee: self.line.payee.clone(),
            amount: yuan(amount),
        })
    }

    fn confirm(&self, amount: u64) -> Call {
        Call::ConfirmClearing(v1::ConfirmClearing {
            month: self.line.month.clone(),
            payer: self.line.payer.clone(),
            payee: self.line.payee.clone(),
            amount: yuan(amount),
        })
    }
}

fn province(area: &str) -> String {
    area.get(..2).unwrap_or_default().to_owned()
}

fn close(month: Month) -> Call {
    Call::ClosePeriod(v1::ClosePeriod { month: month_text(month) })
}

impl Books {
    /// The books of a year.
    pub fn new(seed: u64, year: u16) -> Books {
        let ids = Rng::new(seed, 4);
        Books { seed, year, ids, next: FIRST_STEP, now: Stamp(0), out: Vec::new(), lines: Vec::new() }
    }

    /// The day on which a month is closed: a few days into the next.
    pub fn closes(&self, month: Month) -> Day {
        let some = splitmix(&mut (self.seed ^ u64::from(month.month))) % 4;
        let next = month.next();
        Day(day(next.year, next.month, 3).0 + some as u32)
    }

    /// The last day of the books: December is paid.
    pub fn last(&self) -> Day {
        Day(self.closes(Month { year: self.year, month: 12 }).0 + 10)
    }

    /// The month before this day's, and how many days ago it was closed; below zero before.
    fn stage(&self, today: Day) -> Option<(Month, i64)> {
        let month = today.month().previous();
        (month.year == self.year).then(|| (month, i64::from(today.0) - i64::from(self.closes(month).0)))
    }

    /// What the books ask today.
    pub async fn today<D: Desk>(&mut self, today: Day, desk: &mut D) -> Result<Vec<Step>, Problem> {
        self.now = Hour::Books.of(today);
        let (year, month, date) = today.civil();
        if year == self.year && month == 1 {
            match date {
                1 => self.agree_on_funds(),
                3 => self.fill_funds(60),
                10 => self.fill_funds(40),
                _ => {}
            }
        }
        let Some((month, days)) = self.stage(today) else { return Ok(std::mem::take(&mut self.out)) };
        match days {
            -1 => self.too_early(month),
            0 => self.done(nation(), close(month)),
            1 => {
                self.read(month, desk).await?;
                self.closed(month);
                self.payers_confirm();
            }
            2 => self.payees_confirm(),
            3 if month.month.is_multiple_of(3) => self.adjust_funds(desk).await?,
            4 => self.pay_first(),
            9 => self.pay_rest(),
            10 if month.month.is_multiple_of(3) => self.give_back(desk).await?,
            _ => {}
        }
        Ok(std::mem::take(&mut self.out))
    }

    fn ask(&mut self, who: Who, call: Call, expect: Expect) {
        let request = request_id(self.now, self.ids.bytes());
        let number = self.next;
        self.next += 1;
        self.out.push(Step { number, request, who, call, not_after: None, expect });
    }

    fn done(&mut self, who: Who, call: Call) {
        self.ask(who, call, Expect::Done);
    }

    fn wrong(&mut self, who: Who, call: Call, reason: Reason) {
        self.ask(who, call, Expect::Refused(reason));
    }

    /// Reads the lines of a month that was closed.
    async fn read<D: Desk>(&mut self, month: Month, desk: &mut D) -> Result<(), Problem> {
        let seed = self.seed;
        let chance = |line: &ClearingLine| {
            let mut state = seed ^ u64::from(month.month);
            for text in [&line.payer, &line.payee] {
                state = splitmix(&mut (state ^ text.parse::<u64>().unwrap_or_default()));
            }
            state
        };
        let lines = desk.lines(month).await?.into_iter();
        self.lines = lines.map(|line| Line { chance: chance(&line), line, paid: 0 }).collect();
        Ok(())
    }

    /// Nothing can be closed or paid before its time.
    fn too_early(&mut self, month: Month) {
        self.wrong(nation(), close(month.next()), Reason::PeriodOutOfOrder);
        self.wrong(Who::Province("11".into()), close(month), Reason::NotPermitted);
        let pay = v1::PayClearing {
            month: month_text(month),
            payer: "110000".into(),
            payee: "120000".into(),
            amount: yuan(100),
        };
        self.wrong(Who::Province("11".into()), Call::PayClearing(pay), Reason::PeriodOpen);
    }

    fn closed(&mut self, month: Month) {
        self.wrong(nation(), close(month), Reason::PeriodClosed);
        self.wrong(nation(), close(month.next()), Reason::PeriodNotOver);
        let pay = v1::PayClearing {
            month: month_text(month),
            payer: "119900".into(),
            payee: "120000".into(),
            amount: yuan(100),
        };
        self.wrong(Who::Province("11".into()), Call::PayClearing(pay), Reason::LineUnknown);
    }

    fn payers_confirm(&mut self) {
        for line in self.lines.clone() {
            if line.is_one(1, 20) {
                self.dispute(&line);
            }
            if line.is_one(2, 10) {
                self.wrong(line.payer(), line.confirm(line.amount() + 1), Reason::LineDiffers);
            }
            if line.is_one(3, 10) {
                self.wrong(line.payer(), line.pay(line.amount()), Reason::LineUnconfirmed);
            }
            self.done(line.payer(), line.confirm(line.amount()));
        }
    }

    /// What is disputed is put right in the open month; the line stays.
    fn dispute(&mut self, line: &Line) {
        let reasons =
            [DisputeReason::SumDiffers, DisputeReason::SettlementUnknown, DisputeReason::CountedTwice];
        let call = v1::DisputeClearing {
            month: line.line.month.clone(),
            payer: line.line.payer.clone(),
            payee: line.line.payee.clone(),
            reason: reasons[(line.chance % 3) as usize].into(),
            file: format!("D-{}", line.chance % 1_000_000),
        };
        let who = if line.is_one(4, 500) { line.payer() } else { line.payee() };
        self.done(who, Call::DisputeClearing(call));
    }

    fn payees_confirm(&mut self) {
        for line in self.lines.clone() {
            if line.payer() != line.payee() {
                self.done(line.payee(), line.confirm(line.amount()));
            }
            if line.is_one(5, 10) {
                self.wrong(line.payee(), line.confirm(line.amount()), Reason::LineConfirmed);
            }
        }
    }

    /// Three lines in ten are paid in parts.
    fn pay_first(&mut self) {
        for mut line in std::mem::take(&mut self.lines) {
            let whole = line.amount();
            if line.is_one(6, 10) {
                self.wrong(line.payer(), line.pay(whole + 1), Reason::LineExceeded);
            }
            let part = match line.is_one(7, 300) {
                true => whole * (1 + line.chance % 8) / 10,
                false => whole,
            };
            if part > 0 {
                self.done(line.payer(), line.pay(part));
            }
            line.paid = part;
            self.lines.push(line);
        }
    }

    fn pay_rest(&mut self) {
        for line in std::mem::take(&mut self.lines) {
            let rest = line.amount() - line.paid;
            if rest > 0 {
                self.done(line.payer(), line.pay(rest));
            } else if line.is_one(8, 10) {
                self.wrong(line.payer(), line.pay(1), Reason::LineExceeded);
            }
        }
    }

    /// What is agreed for a start, in fen.
    fn first_size(&self, province: u64) -> u64 {
        (4_000 + splitmix(&mut (self.seed ^ province ^ 0xF0)) % 40_000) * 100
    }

    fn agree_on_funds(&mut self) {
        for province in PROVINCES {
            self.agree(province.code, self.first_size(province.code));
        }
        let fund = fund(11, 100);
        self.wrong(Who::Province("12".into()), fund, Reason::NotPermitted);
    }

    fn agree(&mut self, province: u64, size: u64) {
        let call = v1::AdjustPrepayment { province: province.to_string(), size: yuan(size) };
        self.done(nation(), Call::AdjustPrepayment(call));
    }

    fn fill_funds(&mut self, percent: u64) {
        for province in PROVINCES {
            let who = Who::Province(province.code.to_string());
            let size = self.first_size(province.code);
            if province.code.is_multiple_of(9) {
                self.wrong(who.clone(), fund(province.code, size + 1), Reason::FundExceeded);
            }
            self.done(who, fund(province.code, size * percent / 100));
        }
    }

    /// Every quarter the funds follow the recommendation, and are filled up.
    async fn adjust_funds<D: Desk>(&mut self, desk: &mut D) -> Result<(), Problem> {
        for province in PROVINCES {
            let found = desk.fund(&province.code.to_string()).await?;
            let size = fen(&found.recommended);
            if size == 0 {
                continue;
            }
            self.agree(province.code, size as u64);
            let (balance, drawn) = (fen(&found.balance), fen(&found.drawn));
            let returned = balance.min((balance + drawn).saturating_sub(size));
            let lacks = size.saturating_sub(balance - returned + drawn);
            if lacks > 0 {
                let call = fund(province.code, lacks as u64);
                self.done(Who::Province(province.code.to_string()), call);
            }
        }
        Ok(())
    }

    /// What payments brought back beyond a size that was agreed while more than that was advanced goes back, too.
    async fn give_back<D: Desk>(&mut self, desk: &mut D) -> Result<(), Problem> {
        for province in PROVINCES {
            let found = desk.fund(&province.code.to_string()).await?;
            let size = fen(&found.size);
            if fen(&found.balance) > size {
                self.agree(province.code, size as u64);
            }
        }
        Ok(())
    }
}

fn fund(province: u64, amount: u64) -> Call {
    Call::FundPrepayment(v1::FundPrepayment { province: province.to_string(), amount: yuan(amount) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_closed_a_few_days_into_the_next() {
        let books = Books::new(7, 2026);
        for month in 1..=12 {
            let month = Month { year: 2026, month };
            let day = books.closes(month);
            assert_eq!(day.month(), month.next());
            assert!((3..=6).contains(&day.civil().2));
        }
        assert!(books.last() > books.closes(Month { year: 2026, month: 12 }));
    }
}
