//! Tallies follow payments, refunds and their undoing; the report sums them up and rounds as it is published.

mod stage;

use ledger::statistics::{Figure, Hundredths, Line, report};
use ledger::table::{Record, Scope, TallyRecord, Use};
use ledger::view::scan;
use ledger::{Fen, Key, MapState, Month, Province, Sum, Table};
use stage::Stage;
use std::sync::Arc;

/// Donors of B from three areas: over the border, in the province, in B's own area. Plays a story after that.
fn play(story: &str) -> Stage {
    let mut stage = Stage::new();
    let beginning = "world
        insure B 390 zhengzhou 0
        insure FAR 310 suzhou 100000
        insure NEAR 310 luoyang 100000
        insure HOME 310 zhengzhou 100000
        relate R1 FAR B parent 100
        relate R2 NEAR B parent 150
        relate R3 HOME B parent 5000";
    run(&mut stage, beginning);
    run(&mut stage, story);
    stage
}

fn run(stage: &mut Stage, story: &str) -> String {
    let lines: Vec<&str> = story.lines().map(str::trim).collect();
    let out = stage.run(&lines).expect("the story is told");
    assert!(!out.contains("refused"), "{out}");
    out
}

/// The rows of the statistics: month, giving, using, scope and use; paid, refunded, count and count taken back.
type Tally = (u8, u8, u8, Scope, Use, u128, u128, u64, u64);

fn tallies(state: &MapState) -> Vec<Tally> {
    let mut all = Vec::new();
    let Ok(()) = scan(state, Table::Tally, 8, |key, row| {
        let Key::Tally { month, giving, using, scope, usage } = *key else { panic!("{key:?}") };
        let record = TallyRecord::of_row(row).expect("a tally");
        let (paid, refunded) = (record.paid.get(), record.refunded.get());
        let (giving, using) = (giving.code(), using.code());
        all.push((month.month, giving, using, scope, usage, paid, refunded, record.count, record.count_back));
        Ok(())
    });
    all
}

const FAR: (u8, u8, Scope) = (32, 41, Scope::CrossProvince);
const NEAR: (u8, u8, Scope) = (41, 41, Scope::InProvince);
const HOME: (u8, u8, Scope) = (41, 41, Scope::SameArea);
/// The count of a payment with legs from all three: the largest leg's province, the widest scope.
const WIDEST: (u8, u8, Scope) = (41, 41, Scope::CrossProvince);

fn row(
    month: u8,
    (giving, using, scope): (u8, u8, Scope),
    paid: u128,
    refunded: u128,
    count: u64,
    back: u64,
) -> Tally {
    (month, giving, using, scope, Use::Pharmacy, paid, refunded, count, back)
}

#[test]
fn money_is_told_by_its_leg_and_the_count_by_the_largest() {
    let stage = play("settle as=P beneficiary=B at=pharmacy amount=300");
    let should = [
        row(3, FAR, 100, 0, 0, 0),
        row(3, HOME, 50, 0, 0, 0),
        row(3, NEAR, 150, 0, 0, 0),
        row(3, WIDEST, 0, 0, 1, 0),
    ];
    assert_eq!(tallies(&stage.state), should);

    // On a tie the first: 100 of FAR, 100 of NEAR.
    let stage = play("settle as=P beneficiary=B at=pharmacy amount=200");
    assert_eq!(tallies(&stage.state), [row(3, FAR, 100, 0, 1, 0), row(3, NEAR, 100, 0, 0, 0)]);

    // Without a leg no count: NEAR's own money, and cash.
    let stage = play("settle as=P beneficiary=NEAR at=pharmacy amount=200 own=no");
    assert_eq!(tallies(&stage.state), []);
}

#[test]
fn the_count_is_taken_back_when_all_aid_is_and_again_when_that_is_undone() {
    let mut stage = play("settle as=P beneficiary=B at=pharmacy amount=300 \n at 2026-04-02 09:00");
    let march = [
        row(3, FAR, 100, 0, 0, 0),
        row(3, HOME, 50, 0, 0, 0),
        row(3, NEAR, 150, 0, 0, 0),
        row(3, WIDEST, 0, 0, 1, 0),
    ];
    run(&mut stage, "refund as=F1 payment=P amount=200");
    let april = [row(4, HOME, 0, 50, 0, 0), row(4, NEAR, 0, 150, 0, 0)];
    assert_eq!(tallies(&stage.state), [&march[..], &april].concat());
    run(&mut stage, "refund as=F2 id=last payment=P");
    let april = [
        row(4, FAR, 0, 100, 0, 0),
        row(4, HOME, 0, 50, 0, 0),
        row(4, NEAR, 0, 150, 0, 0),
        row(4, WIDEST, 0, 0, 0, 1),
    ];
    assert_eq!(tallies(&stage.state), [&march[..], &april].concat());
    run(&mut stage, "reverse original=last");
    let paid: i128 = [FAR, NEAR, HOME, WIDEST].iter().map(|place| net(&stage.state, 4, *place).fen).sum();
    assert_eq!(paid, -200, "the undoing counts against April's refunds");
    assert_eq!(net(&stage.state, 4, WIDEST).count, 0, "counted again");
    run(&mut stage, "refund payment=P");
    assert_eq!(net(&stage.state, 4, WIDEST).count, -1);
    let Ok(report) = report(&stage.state, month(4));
    assert_eq!(report.total.sum, Figure { count: 0, fen: 0 });
    assert_eq!(report.total.growth, Figure { count: -1, fen: -300 });
}

#[test]
fn cash_alone_takes_no_count_back() {
    let mut stage = play("settle as=P beneficiary=B at=pharmacy amount=6000");
    run(&mut stage, "refund payment=P amount=750");
    assert_eq!(net(&stage.state, 3, (41, 41, Scope::CrossProvince)).count, 1);
    run(&mut stage, "refund payment=P");
    assert_eq!(net(&stage.state, 3, (41, 41, Scope::CrossProvince)).count, 0);
}

fn net(state: &MapState, month: u8, place: (u8, u8, Scope)) -> Figure {
    let rows = tallies(state).into_iter().filter(|row| (row.0, (row.1, row.2, row.3)) == (month, place));
    let each = rows.map(|(.., paid, refunded, count, back)| Figure {
        count: i128::from(count) - i128::from(back),
        fen: paid as i128 - refunded as i128,
    });
    each.fold(Figure::default(), |sum, figure| sum + figure)
}

fn month(month: u8) -> Month {
    Month::new(2026, month).expect("a month")
}

fn tally(state: &mut MapState, month: Month, giving: u8, scope: Scope, usage: Use, paid: u128, count: u64) {
    let province = |code| Province::new(code).expect("a province");
    let key = Key::Tally { month, giving: province(giving), using: province(11), scope, usage };
    let record =
        TallyRecord { paid: Sum::new(paid + 5), refunded: Sum::new(5), count: count + 1, count_back: 1 };
    state.set(key, Some(Arc::new(record.into_row())));
}

#[test]
fn a_report_is_cumulative_from_january() {
    let mut state = MapState::new();
    let before = Month::new(2025, 12).expect("a month");
    tally(&mut state, before, 32, Scope::SameArea, Use::Other, 1_000_000, 1_000);
    tally(&mut state, month(1), 32, Scope::SameArea, Use::Institution, 100, 1);
    tally(&mut state, month(1), 32, Scope::InProvince, Use::ResidentPremium, 20, 2);
    tally(&mut state, month(2), 32, Scope::SameArea, Use::Institution, 3, 4);
    tally(&mut state, month(2), 44, Scope::CrossProvince, Use::CarePremium, 7, 8);
    tally(&mut state, month(2), 33, Scope::CrossProvince, Use::Other, 9, 6);
    tally(&mut state, month(2), 11, Scope::CrossProvince, Use::Pharmacy, 11, 6);
    tally(&mut state, month(3), 11, Scope::CrossProvince, Use::Pharmacy, 500, 50);
    let Ok(january) = report(&state, month(1));
    let Ok(february) = report(&state, month(2));
    let line = |count, fen, more, growth| Line {
        sum: Figure { count, fen },
        growth: Figure { count: more, fen: growth },
    };
    assert_eq!(january.total, line(3, 120, 3, 120), "January's has none before it");
    assert_eq!(february.total, line(27, 150, 24, 30));
    assert_eq!(february.same_area, line(5, 103, 4, 3));
    assert_eq!(february.in_province, line(2, 20, 0, 0));
    assert_eq!(february.cross_province, line(20, 27, 20, 27));
    assert_eq!(february.institution, line(5, 103, 4, 3));
    assert_eq!(february.pharmacy, line(6, 11, 6, 11));
    assert_eq!(february.premium, line(10, 27, 8, 7));
    assert_eq!(february.other, line(6, 9, 6, 9));
    assert_eq!(february.residual, Line::default());
    assert_eq!(february.total.sum - january.total.sum, february.total.growth);
    let codes = |provinces: &[Province]| provinces.iter().map(|province| province.code()).collect::<Vec<_>>();
    assert_eq!(codes(&february.top_by_count), [44, 32, 11, 33], "of equal ones the smaller code first");
    assert_eq!(codes(&february.top_by_amount), [32, 11, 33, 44]);
    let provinces: Vec<_> =
        february.provinces.iter().map(|(province, line)| (province.code(), line.sum.fen)).collect();
    assert_eq!(provinces, [(11, 11), (32, 123), (33, 9), (44, 7)]);
    let scaled = february.scaled(10_000);
    assert_eq!(scaled.total, line(270_000, 1_500_000, 240_000, 300_000));
    assert_eq!(scaled.premium, line(100_000, 270_000, 80_000, 70_000));
    assert_eq!(scaled.top_by_count, february.top_by_count);
    // Thirteen months hold what one page does not.
    for month in 1..=12 {
        for giving in Province::ALL {
            for usage in Use::ALL {
                let year = Month::new(2027, month).expect("a month");
                tally(&mut state, year, giving, Scope::SameArea, usage, 10, 1);
            }
        }
    }
    let Ok(whole) = report(&state, Month::new(2027, 12).expect("a month"));
    assert_eq!(whole.total, line(1_920, 19_200, 160, 1_600));
    assert_eq!(codes(&whole.top_by_count), [11, 12, 13, 14, 15]);
}

#[test]
fn figures_are_rounded_half_up_to_two_decimals() {
    let figure = |count, fen| Figure { count, fen };
    assert_eq!(figure(282_762_900, 0).count_in_yi(), Hundredths(283));
    assert_eq!(figure(282_499_999, 0).count_in_yi(), Hundredths(282));
    assert_eq!(figure(282_500_000, 0).count_in_yi(), Hundredths(283));
    assert_eq!(figure(19_762_949, 0).count_in_wan(), Hundredths(197_629));
    assert_eq!(figure(19_762_950, 0).count_in_wan(), Hundredths(197_630));
    assert_eq!(figure(0, 3_690_800_000_000).amount_in_yi(), Hundredths(36_908));
    assert_eq!(figure(0, 3_690_849_999_999).amount_in_yi(), Hundredths(36_908));
    assert_eq!(figure(0, 39_900_000).amount_in_wan(), Hundredths(3_990));
    let text: Vec<String> = [36_908, 5, 0, -5, -123].map(|value| Hundredths(value).to_string()).to_vec();
    assert_eq!(text, ["369.08", "0.05", "0.00", "-0.05", "-1.23"]);
    let most = Fen::MAX.get().into();
    assert_eq!(figure(0, most).amount_in_yi(), Hundredths(100_000_000));
    assert_eq!(figure(-500_000, 0).count_in_yi(), Hundredths(0), "half up is towards the larger number");
}
