//! A day is reconciled: totals by insurance and kind of clearing, refunds below zero, every row once and in order.

mod stage;

use ledger::command::Insurance;
use ledger::reconcile::{ClearingType, Group, Page, Parts, Total, Totals, Who, page, reconcile};
use ledger::{Area, Day, Institution, PaymentId, Position, RefundId};
use stage::Stage;

/// Two days at a hospital and a pharmacy of Zhengzhou, one settlement at a hospital elsewhere.
fn days() -> (Stage, Day) {
    let mut stage = Stage::new();
    let story = "world
        insure B 390 zhengzhou 0
        insure E 310 zhengzhou 700
        insure D 310 suzhou 100000
        relate R1 D B parent 50000
        relate R2 D E spouse 300
        settle as=BEFORE beneficiary=B at=hospital amount=900
        at 2026-03-02 00:00
        settle as=P1 beneficiary=B at=hospital amount=1000
        settle as=P2 beneficiary=E at=hospital amount=1100 med=2101
        settle as=P3 beneficiary=B at=pharmacy amount=40
        settle as=P4 beneficiary=B at=hospital amount=7 med=5101
        settle as=P5 beneficiary=B at=clinic amount=9
        premium as=P6 beneficiary=B kind=390 amount=400
        refund as=F1 id=refund payment=P1 amount=600
        refund as=F2 payment=BEFORE
        refund as=F3 payment=P2
        reverse as=F4 original=refund
        authorise as=H beneficiary=B at=hospital amount=80
        at 2026-03-03 23:59
        refund payment=P3
        confirm as=P7 hold=H";
    let lines: Vec<&str> = story.lines().map(str::trim).collect();
    // The hold has run out by then: its confirmation is refused, and it is on no day.
    let out = stage.run(&lines).expect("the story is told");
    assert_eq!(out.matches("refused").count(), 1, "{out}");
    (stage, Day::new(2026, 3, 2).expect("a day"))
}

fn hospital() -> Who {
    Who::Institution(Institution::new("H41010000001").expect("a code"))
}

fn zhengzhou() -> Who {
    Who::Area(Area::new(410_100).expect("an area"))
}

fn total(
    insurance: Insurance,
    clearing: ClearingType,
    refund: bool,
    count: u64,
    [amount, own, aid, cash]: [i128; 4],
) -> (Group, Total) {
    let parts = Parts { amount, own, aid, cash };
    (Group { insurance, clearing, refund }, Total { count, parts })
}

/// The totals, and the positions of all rows; read so many at a time.
fn day(stage: &Stage, who: Who, day: Day, most: usize) -> (Totals, Vec<Position>) {
    let mut rows = Vec::new();
    let Ok(totals) = reconcile(&stage.state, who, day, most, |row| {
        rows.push(row.position);
        Ok(())
    });
    (totals, rows)
}

#[test]
fn a_day_has_its_totals_and_its_rows() {
    use ClearingType::{Deferred, Inpatient, Outpatient, Pharmacy, ResidentPremium};
    use Insurance::{Employee, Resident};
    let (stage, monday) = days();
    let inpatient = [
        total(Employee, Inpatient, false, 1, [1_100, 700, 300, 100]),
        total(Employee, Inpatient, true, 1, [-1_100, -700, -300, -100]),
    ];
    // The undoing of a refund stands beside the payments, above zero.
    let outpatient = [
        total(Resident, Outpatient, false, 2, [1_600, 0, 1_600, 0]),
        total(Resident, Outpatient, true, 2, [-1_500, 0, -1_500, 0]),
    ];
    let pharmacy = [total(Resident, Pharmacy, false, 1, [40, 0, 40, 0])];
    let deferred = [total(Resident, Deferred, false, 1, [7, 0, 7, 0])];
    let premium = [total(Resident, ResidentPremium, false, 1, [400, 0, 400, 0])];

    let (totals, rows) = day(&stage, hospital(), monday, 100);
    let should = [&inpatient[..], &outpatient, &deferred].concat();
    assert_eq!(totals.into_iter().collect::<Vec<_>>(), should);
    let named = |names: &[&str]| names.iter().map(|name| stage.named[*name]).collect::<Vec<_>>();
    assert_eq!(rows, named(&["P1", "P2", "P4", "F1", "F2", "F3", "F4"]));

    let (totals, rows) = day(&stage, zhengzhou(), monday, 100);
    let should = [&inpatient[..], &outpatient, &pharmacy, &deferred, &premium].concat();
    assert_eq!(totals.into_iter().collect::<Vec<_>>(), should);
    assert_eq!(rows, named(&["P1", "P2", "P3", "P4", "P6", "F1", "F2", "F3", "F4"]));

    let (totals, _) = day(&stage, zhengzhou(), monday.next(), 100);
    let should = [total(Resident, Pharmacy, true, 1, [-40, 0, -40, 0])];
    assert_eq!(totals.into_iter().collect::<Vec<_>>(), should);
    let (totals, rows) = day(&stage, zhengzhou(), monday.next().next(), 100);
    assert!(totals.is_empty() && rows.is_empty(), "a day on which nothing was decided");
}

#[test]
fn pages_of_any_size_show_the_same() {
    let (stage, monday) = days();
    for who in [hospital(), zhengzhou()] {
        let whole = day(&stage, who, monday, 100);
        for most in 0..12 {
            assert_eq!(day(&stage, who, monday, most), whole, "{most} at a time");
        }
    }
}

#[test]
fn a_row_names_its_payment_and_its_refund() {
    let (stage, monday) = days();
    let Ok(Page { rows, next }) = page(&stage.state, hospital(), monday, None, 100);
    assert_eq!(next, None);
    let refund = rows.iter().find(|row| row.position == stage.named["F2"]).expect("the row");
    assert_eq!(refund.payment, PaymentId(stage.named["BEFORE"]));
    assert_eq!(refund.refund, Some(RefundId(refund.position)));
    assert_eq!((refund.group.refund, refund.parts.amount, refund.at.day()), (true, -900, monday));
    let paid = rows.iter().find(|row| row.position == stage.named["P2"]).expect("the row");
    assert_eq!((paid.payment, paid.refund), (PaymentId(paid.position), None));
    assert_eq!(paid.parts.amount, 1_100, "as it was paid, whatever came back later");
}
