//! A month is closed, cleared and paid: lines against a naive sum over the same obligations, funds, positions.
//!
//! Obligations are put straight into the state: what makes them is tried elsewhere.

use ledger::command::{DisputeReason, KinshipScope, Policy};
use ledger::digest::Digest;
use ledger::limits::{DISPUTES_MAX, OBLIGATIONS_PER_STEP};
use ledger::table::{
    ClearingRecord, ObligationRecord, PeriodRecord, PrepaymentRecord, Record, UsageRecord, Use,
};
use ledger::views::{self, Position};
use ledger::{
    Area, At, Call, Caller, Event, Fen, FileNumber, Key, Level, MapState, Month, Outcome, Province, Refusal,
    RequestId, Stamp, Sum, Table, Transaction, View,
};
use std::collections::BTreeMap;
use std::sync::Arc;

const MARCH: Month = Month { year: 2026, month: 3 };
const APRIL: Month = Month { year: 2026, month: 4 };
const MAY: Month = Month { year: 2026, month: 5 };

/// A ledger that began in March 2026, with provinces 32, 34, 41 and 51.
struct Bench {
    state: MapState,
    now: Stamp,
    index: u64,
}

impl Bench {
    fn new(policy: Policy) -> Bench {
        let mut bench = Bench { state: MapState::new(), now: MARCH.start().plus_ms(1), index: 0 };
        bench.done(Caller::National, Call::Genesis { cluster: [7; 16], policy });
        for code in [32, 34, 41, 51] {
            let (province, kinship) = (province(code), KinshipScope::Wide);
            bench.done(Caller::National, Call::RegisterProvince { province, kinship, effective: None });
        }
        bench
    }

    fn ask(&mut self, caller: Caller, call: Call) -> Outcome {
        self.index += 1;
        let mut request = RequestId::earliest_at(self.now.0);
        request.0[8..].copy_from_slice(&self.index.to_be_bytes());
        let at = At { index: self.index, stamp: self.now };
        let transaction = Transaction { request, caller, not_after: None, signature: vec![], call };
        self.state.apply(at, &[transaction]).remove(0).outcome
    }

    fn done(&mut self, caller: Caller, call: Call) -> Vec<Event> {
        match self.ask(caller, call.clone()) {
            Outcome::Done(events) => events,
            Outcome::Refused(refusal) => panic!("{call:?}: {refusal:?}"),
        }
    }

    fn refused(&mut self, caller: Caller, call: Call, refusal: Refusal) {
        assert_eq!(self.ask(caller, call.clone()), Outcome::Refused(refusal), "{call:?}");
    }

    fn owe(&mut self, month: Month, payer: Area, payee: Area, usage: Use, charged: u128, refunded: u128) {
        let record = ObligationRecord { charged: Sum::new(charged), refunded: Sum::new(refunded) };
        let key = Key::Obligation { month, payer, payee, usage };
        self.state.set(key, Some(Arc::new(record.into_row())));
    }

    fn close(&mut self, month: Month) -> Vec<Event> {
        self.done(Caller::National, Call::ClosePeriod { month })
    }

    fn fund(&mut self, code: u8, size: u64, amount: u64) {
        let province = province(code);
        self.done(Caller::National, Call::AdjustPrepayment { province, size: fen(size) });
        if amount > 0 {
            let call = Call::FundPrepayment { province, amount: fen(amount) };
            self.done(Caller::Province(province), call);
        }
    }

    fn find<R: Record>(&self, key: Key) -> Option<R> {
        let Ok(row) = self.state.get(&key);
        row.and_then(|row| R::of_row(&row).cloned())
    }

    fn prepayment(&self, code: u8) -> PrepaymentRecord {
        self.find(Key::Prepayment { province: province(code) }).expect("a fund")
    }

    fn line(&self, month: Month, payer: Area, payee: Area) -> ClearingRecord {
        self.find(Key::Clearing { month, payer, payee }).expect("a line")
    }

    /// All lines, by pages of three.
    fn lines(&self, month: Month) -> BTreeMap<(Area, Area), ClearingRecord> {
        let (mut all, mut after) = (BTreeMap::new(), None);
        loop {
            let Ok(page) = views::lines(&self.state, month, after, 3);
            let Some(last) = page.last() else { return all };
            after = Some((last.payer, last.payee));
            for line in page {
                assert!(all.insert((line.payer, line.payee), line.record).is_none(), "a line twice");
            }
        }
    }

    fn positions(&self, month: Month) -> Vec<Position> {
        let Ok(positions) = views::positions(&self.state, month);
        assert_eq!(positions.provinces.iter().map(Position::net).sum::<i128>(), 0);
        positions.provinces
    }
}

fn province(code: u8) -> Province {
    Province::new(code).expect("a province")
}

fn area(code: u32) -> Area {
    Area::new(code).expect("an area")
}

fn fen(amount: u64) -> Fen {
    Fen::new(amount).expect("an amount")
}

fn suzhou() -> Area {
    area(320_500)
}

fn lianyungang() -> Area {
    area(320_700)
}

fn hefei() -> Area {
    area(340_100)
}

fn zhengzhou() -> Area {
    area(410_100)
}

#[test]
fn uses_are_summed_and_what_is_below_zero_turns_round() {
    let mut bench = Bench::new(Policy::default());
    bench.owe(MARCH, suzhou(), zhengzhou(), Use::Institution, 1_000, 100);
    bench.owe(MARCH, suzhou(), zhengzhou(), Use::CarePremium, 50, 0);
    bench.owe(MARCH, zhengzhou(), suzhou(), Use::Pharmacy, 0, 30); // below zero: Suzhou owes it
    bench.owe(MARCH, hefei(), suzhou(), Use::Pharmacy, 500, 500); // nothing
    bench.owe(MARCH, hefei(), zhengzhou(), Use::Institution, 10, 40); // Zhengzhou owes 30, and nothing else
    bench.owe(MARCH, lianyungang(), suzhou(), Use::Institution, 7, 0); // inside a province
    bench.owe(APRIL, suzhou(), zhengzhou(), Use::Institution, 9, 0); // another month
    let open = bench.positions(MARCH);
    let mut digest = Digest::default();
    for (key, row) in bench.state.rows() {
        if matches!(key, Key::Obligation { month: MARCH, .. }) {
            let hash =
                ledger::digest::RowHash::of(&ledger::codec::encode_key(key), &ledger::codec::encode_row(row));
            digest.add(Table::Obligation, hash);
        }
    }
    bench.now = APRIL.start();
    let digest = digest.table(Table::Obligation);
    let closed = Event::PeriodClosed { month: MARCH, lines: 3, total: Sum::new(1_017), digest };
    assert_eq!(bench.close(MARCH), [closed]);

    let lines: Vec<_> =
        bench.lines(MARCH).into_iter().map(|(pair, line)| (pair, line.amount.get())).collect();
    let should =
        [((suzhou(), zhengzhou()), 980), ((lianyungang(), suzhou()), 7), ((zhengzhou(), hefei()), 30)];
    assert_eq!(lines, should);
    let should = [(32, 980, 0), (34, 0, 30), (41, 30, 980)];
    let should = should.map(|(code, owes, owed)| Position {
        province: province(code),
        owes: Sum::new(owes),
        owed: Sum::new(owed),
    });
    assert_eq!(bench.positions(MARCH), should);
    assert_eq!(open, should, "the open month stood as it was closed");
    let period: PeriodRecord = bench.find(Key::Period { month: MARCH }).expect("the month");
    assert_eq!((period.obligations, period.closed, period.reached), (6, Some(APRIL.start()), None));
    let Ok(obligations) = views::obligations(&bench.state, MARCH, None, 4);
    let last = obligations[3];
    let Ok(rest) = views::obligations(&bench.state, MARCH, Some((last.payer, last.payee, last.usage)), 4);
    assert_eq!((obligations.len(), rest.len()), (4, 2));
    assert_eq!(rest[1].record.net(), -30);
}

#[test]
fn months_are_closed_in_turn_and_once() {
    let mut bench = Bench::new(Policy::default());
    let close = |month| Call::ClosePeriod { month };
    bench.refused(Caller::National, close(MARCH), Refusal::PeriodNotOver);
    bench.now = Stamp(APRIL.start().0 - 1);
    bench.refused(Caller::National, close(MARCH), Refusal::PeriodNotOver);
    bench.now = MAY.start();
    bench.refused(Caller::National, close(APRIL), Refusal::PeriodOutOfOrder);
    bench.refused(Caller::National, close(MARCH.previous()), Refusal::PeriodOutOfOrder);
    bench.refused(Caller::Province(province(32)), close(MARCH), Refusal::NotPermitted);
    bench.close(MARCH);
    bench.refused(Caller::National, close(MARCH), Refusal::PeriodClosed);
    bench.close(APRIL);
    bench.refused(Caller::National, close(MAY), Refusal::PeriodNotOver);
}

/// Chance from a fixed start.
fn dice(seed: &mut u64, sides: u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 33) % sides
}

#[test]
fn a_large_month_is_closed_in_steps_to_the_same_lines() {
    let mut bench = Bench::new(Policy::default());
    bench.fund(32, 300_000, 300_000);
    bench.fund(41, 9_000_000_000, 9_000_000_000);
    bench.fund(51, 800_000, 0);
    let areas: Vec<Area> = [320_000, 340_000, 410_000, 510_000]
        .iter()
        .flat_map(|base| (1..=18).map(move |n| area(base + n * 100)))
        .collect();
    // The naive close.
    let (mut count, mut seed) = (0, 1);
    let mut nets: BTreeMap<(Area, Area), i128> = BTreeMap::new();
    for payer in &areas {
        for payee in areas.iter().filter(|payee| *payee != payer) {
            for usage in Use::ALL {
                if dice(&mut seed, 10) < 6 {
                    let (charged, refunded) = (dice(&mut seed, 1_000), dice(&mut seed, 700));
                    let (charged, refunded) = (u128::from(charged), u128::from(refunded));
                    bench.owe(MARCH, *payer, *payee, usage, charged, refunded);
                    *nets.entry((*payer, *payee)).or_default() += charged as i128 - refunded as i128;
                    count += 1;
                }
            }
        }
    }
    assert!(count > 3 * OBLIGATIONS_PER_STEP, "{count} obligations");
    let mut should: BTreeMap<(Area, Area), u128> = BTreeMap::new();
    for ((payer, payee), net) in nets {
        let pair = if net < 0 { (payee, payer) } else { (payer, payee) };
        *should.entry(pair).or_default() += net.unsigned_abs();
    }
    should.retain(|_, amount| *amount > 0);
    let open = bench.positions(MARCH);

    bench.now = APRIL.start();
    assert_eq!(bench.close(MARCH), [Event::PeriodClosing { month: MARCH }]);
    let mut steps = Vec::new();
    loop {
        bench.refused(Caller::National, Call::ClosePeriod { month: MARCH }, Refusal::PeriodOutOfOrder);
        assert!(bench.lines(MARCH).is_empty(), "lines are shown before the month is closed");
        assert_eq!(bench.positions(MARCH), open);
        let Ok(due) = ledger::tick_due(&bench.state, bench.now);
        assert!(due, "a tick goes on");
        let events = bench.done(Caller::Node, Call::Tick);
        let closed = events.iter().any(|event| matches!(event, Event::PeriodClosed { .. }));
        steps.push(events);
        if closed {
            break;
        }
    }
    assert!(steps.len() >= 3, "{} steps", steps.len());
    let Ok(due) = ledger::tick_due(&bench.state, bench.now);
    assert!(!due, "nothing is left for a tick");

    let lines = bench.lines(MARCH);
    let amounts: BTreeMap<_, _> = lines.iter().map(|(pair, line)| (*pair, line.amount.get())).collect();
    assert!(amounts == should, "the lines differ");
    assert_eq!(bench.positions(MARCH), open);
    let period: PeriodRecord = bench.find(Key::Period { month: MARCH }).expect("the month");
    assert_eq!(period.obligations as usize, count);
    assert_eq!(period.digest, bench.state.digest().table(Table::Obligation));
    assert_eq!((period.lines as usize, period.total.get()), (should.len(), should.values().sum()));

    // Advances: province 32 as far as its fund reaches, 41 in full, 51 nothing, 34 has no fund.
    let mut left: BTreeMap<u8, u128> = BTreeMap::from([(32, 300_000), (41, 9_000_000_000)]);
    for ((payer, payee), line) in &lines {
        let across = payer.province() != payee.province();
        let left = left.entry(payer.province().code()).or_default();
        let part = if across { line.amount.get().min(*left) } else { 0 };
        *left -= part;
        assert_eq!(line.advanced.get(), part, "{payer} to {payee}");
    }
    assert_eq!(left[&32], 0);
    let fund = bench.prepayment(41);
    let owes = open.iter().find(|position| position.province.code() == 41).expect("owes").owes;
    assert_eq!((u128::from(fund.balance.get()), fund.drawn), (left[&41], owes));
    let advanced: u64 = steps
        .iter()
        .flatten()
        .filter_map(|event| match event {
            Event::PrepaymentAdvanced { amount, .. } => Some(amount.get()),
            _ => None,
        })
        .sum();
    let given: u128 = lines.values().map(|line| line.advanced.get()).sum();
    assert_eq!(u128::from(advanced), given);
    let alarms: Vec<_> = steps
        .iter()
        .flatten()
        .filter_map(|event| match event {
            Event::PrepaymentAlarm { province, red, .. } => Some((province.code(), *red)),
            _ => None,
        })
        .collect();
    assert_eq!(alarms, [(32, true), (51, false)]);
}

#[test]
fn lines_are_confirmed_by_both_sides_disputed_and_paid() {
    let mut bench = Bench::new(Policy::default());
    bench.fund(32, 1_000, 600);
    bench.owe(MARCH, suzhou(), zhengzhou(), Use::Institution, 700, 0);
    bench.owe(MARCH, lianyungang(), zhengzhou(), Use::Institution, 100, 0);
    bench.owe(MARCH, lianyungang(), suzhou(), Use::Institution, 5, 0);
    let (month, payer, payee) = (MARCH, suzhou(), zhengzhou());
    let confirm = |amount| Call::ConfirmClearing { month, payer, payee, amount: Sum::new(amount) };
    let pay = |amount| Call::PayClearing { month, payer, payee, amount: fen(amount) };
    let (jiangsu, henan) = (Caller::Province(province(32)), Caller::Province(province(41)));
    bench.refused(jiangsu, confirm(700), Refusal::PeriodOpen);
    bench.refused(jiangsu, pay(1), Refusal::PeriodOpen);

    bench.now = APRIL.start();
    let events = bench.close(MARCH);
    let (province_32, balance) = (province(32), Fen::ZERO);
    let advanced = Event::PrepaymentAdvanced { month, province: province_32, amount: fen(600), balance };
    let alarm = Event::PrepaymentAlarm { month, province: province_32, percent: 80, red: false };
    assert_eq!((&events[0], &events[2], events.len()), (&advanced, &alarm, 3));
    assert_eq!(bench.line(month, payer, payee).advanced.get(), 600);
    assert_eq!(bench.line(month, lianyungang(), payee).advanced.get(), 0);

    bench.refused(jiangsu, pay(1), Refusal::LineUnconfirmed);
    bench.refused(jiangsu, confirm(699), Refusal::LineDiffers);
    let unknown = Call::ConfirmClearing { month, payer: payee, payee: payer, amount: Sum::new(700) };
    bench.refused(jiangsu, unknown, Refusal::LineUnknown);
    bench.refused(Caller::Province(province(34)), confirm(700), Refusal::NotPermitted);
    let confirmed =
        |by_payer| Event::ClearingConfirmed { month, payer, payee, by_payer, by_payee: !by_payer };
    assert_eq!(bench.done(jiangsu, confirm(700)), [confirmed(true)]);
    bench.refused(jiangsu, confirm(700), Refusal::LineConfirmed);
    bench.refused(jiangsu, pay(1), Refusal::LineUnconfirmed);
    assert_eq!(bench.done(henan, confirm(700)), [confirmed(false)]);
    bench.refused(henan, pay(1), Refusal::NotPermitted);
    bench.refused(jiangsu, pay(701), Refusal::LineExceeded);
    bench.refused(jiangsu, pay(0), Refusal::AmountZero);

    // The fund first.
    let paid = |amount, refilled, outstanding| {
        let (amount, refilled, outstanding) = (fen(amount), fen(refilled), Sum::new(outstanding));
        [Event::ClearingPaid { month, payer, payee, amount, refilled, outstanding }]
    };
    assert_eq!(bench.done(jiangsu, pay(400)), paid(400, 400, 300));
    assert_eq!((bench.prepayment(32).balance, bench.prepayment(32).drawn), (fen(400), Sum::new(200)));
    assert_eq!(bench.done(jiangsu, pay(300)), paid(300, 200, 0));
    assert_eq!((bench.prepayment(32).balance, bench.prepayment(32).drawn), (fen(600), Sum::ZERO));
    bench.refused(jiangsu, pay(1), Refusal::LineExceeded);

    // One province on both sides confirms both at once.
    let inside = |amount| Call::ConfirmClearing { month, payer: lianyungang(), payee: suzhou(), amount };
    bench.done(jiangsu, inside(Sum::new(5)));
    bench.refused(jiangsu, inside(Sum::new(5)), Refusal::LineConfirmed);
    let line = bench.line(month, lianyungang(), suzhou());
    assert!(line.payer_confirmed && line.payee_confirmed);

    let file = FileNumber::new("D-2026-17").expect("a number");
    let dispute = Call::DisputeClearing { month, payer, payee, reason: DisputeReason::CountedTwice, file };
    for _ in 0..DISPUTES_MAX {
        bench.done(henan, dispute.clone());
    }
    bench.refused(jiangsu, dispute, Refusal::DisputesFull);
    let line = bench.line(month, payer, payee);
    assert_eq!(line.disputes[0], (bench.now, province(41), DisputeReason::CountedTwice, file));
}

#[test]
fn payment_may_come_before_confirmation_where_the_policy_says_so() {
    let mut bench = Bench::new(Policy { confirm_before_payment: false, ..Policy::default() });
    bench.owe(MARCH, suzhou(), zhengzhou(), Use::Institution, 70, 0);
    bench.now = APRIL.start();
    bench.close(MARCH);
    let pay = Call::PayClearing { month: MARCH, payer: suzhou(), payee: zhengzhou(), amount: fen(70) };
    bench.done(Caller::Province(province(32)), pay);
}

#[test]
fn a_fund_is_paid_in_up_to_its_size_and_what_is_above_goes_back() {
    let mut bench = Bench::new(Policy::default());
    let henan = Caller::Province(province(41));
    let fund = |amount| Call::FundPrepayment { province: province(41), amount: fen(amount) };
    let adjust = |size| Call::AdjustPrepayment { province: province(41), size: fen(size) };
    bench.refused(henan, fund(1), Refusal::FundExceeded);
    bench.refused(henan, adjust(1), Refusal::NotPermitted);
    bench.done(Caller::National, adjust(1_000));
    bench.refused(henan, fund(1_001), Refusal::FundExceeded);
    bench.refused(henan, fund(0), Refusal::AmountZero);
    let elsewhere = Call::AdjustPrepayment { province: province(66), size: fen(1) };
    bench.refused(Caller::National, elsewhere, Refusal::ProvinceUnknown);
    bench.done(henan, fund(900));
    bench.owe(MARCH, zhengzhou(), suzhou(), Use::Institution, 700, 0);
    bench.now = APRIL.start();
    bench.close(MARCH);
    bench.refused(henan, fund(101), Refusal::FundExceeded); // what is drawn comes back to it

    // Below what is drawn: all that is in it goes back.
    let adjusted = |size, returned| {
        let province = province(41);
        [Event::PrepaymentAdjusted { province, size: fen(size), returned: fen(returned) }]
    };
    assert_eq!(bench.done(Caller::National, adjust(850)), adjusted(850, 50));
    assert_eq!(bench.done(Caller::National, adjust(500)), adjusted(500, 150));
    for caller in [henan, Caller::Province(province(32))] {
        let amount = Sum::new(700);
        let confirm = Call::ConfirmClearing { month: MARCH, payer: zhengzhou(), payee: suzhou(), amount };
        bench.done(caller, confirm);
    }
    let pay = Call::PayClearing { month: MARCH, payer: zhengzhou(), payee: suzhou(), amount: fen(700) };
    bench.done(henan, pay);
    let record = bench.prepayment(41);
    assert_eq!((record.balance, record.drawn), (fen(700), Sum::ZERO), "paid back whole");
    assert_eq!(bench.done(Caller::National, adjust(500)), adjusted(500, 200));
    let record = bench.prepayment(41);
    assert_eq!((record.balance, record.funded, record.returned), (fen(500), Sum::new(900), Sum::new(400)));
}

#[test]
fn a_fund_is_recommended_by_the_months_cleared() {
    let policy = Policy { prepayment_percent: 150, prepayment_months: 3, ..Policy::default() };
    let mut bench = Bench::new(policy);
    let recommended = |bench: &Bench| {
        let Ok(recommended) = views::recommended_fund(&bench.state, province(32));
        (recommended.months, recommended.cleared.get(), recommended.size.get())
    };
    assert_eq!(recommended(&bench), (0, 0, 0));
    let mut month = MARCH;
    let mut close = |bench: &mut Bench, owed| {
        bench.owe(month, suzhou(), zhengzhou(), Use::Institution, owed, 0);
        bench.owe(month, suzhou(), lianyungang(), Use::Institution, 1_000, 0);
        bench.now = month.next().start();
        bench.close(month);
        month = month.next();
    };
    close(&mut bench, 101);
    assert_eq!(recommended(&bench), (1, 101, 152)); // 151.5
    close(&mut bench, 200);
    assert_eq!(recommended(&bench), (2, 301, 226)); // 225.75
    close(&mut bench, 400);
    assert_eq!(recommended(&bench), (3, 701, 351)); // 350.5
    close(&mut bench, 0);
    assert_eq!(recommended(&bench), (3, 600, 300), "the oldest month is out");
}

#[test]
fn the_use_of_a_fund_is_told_while_the_month_runs_and_as_it_was_closed() {
    let mut bench = Bench::new(Policy::default());
    bench.fund(32, 1_000, 1_000);
    let usage = |bench: &Bench, code| {
        let Ok(usage) = views::fund_usage(&bench.state, MARCH, province(code));
        (usage.used.get(), usage.percent, usage.level)
    };
    let used = |bench: &mut Bench, charged, refunded| {
        let record = UsageRecord { charged: Sum::new(charged), refunded: Sum::new(refunded) };
        let key = Key::Usage { month: MARCH, province: province(32) };
        bench.state.set(key, Some(Arc::new(record.into_row())));
        usage(bench, 32)
    };
    assert_eq!(used(&mut bench, 10, 20), (0, Some(0), Level::Normal));
    assert_eq!(used(&mut bench, 719, 20), (699, Some(69), Level::Normal));
    assert_eq!(used(&mut bench, 720, 20), (700, Some(70), Level::Yellow));
    assert_eq!(used(&mut bench, 899, 0), (899, Some(89), Level::Yellow));
    assert_eq!(used(&mut bench, 900, 0), (900, Some(90), Level::Red));
    assert_eq!(usage(&bench, 34), (0, None, Level::Normal));
    bench.owe(MARCH, suzhou(), zhengzhou(), Use::Institution, 2_500, 0);
    bench.now = APRIL.start();
    bench.close(MARCH);
    assert_eq!(usage(&bench, 32), (2_500, Some(250), Level::Red));
}
