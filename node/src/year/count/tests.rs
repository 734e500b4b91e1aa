//! A journal made by hand, with figures that were worked out on paper.

use super::*;
use serde_json::{Value, json};

/// A line of the journal.
fn line(index: u64, day: &str, transaction: Value, events: &Value) -> Line {
    let text = json!({
        "index": index.to_string(),
        "place": 0,
        "stamp": format!("2026-{day}T10:00:00.000+08:00"),
        "caller": "national",
        "transaction": transaction,
        "outcome": "OUTCOME_DONE",
        "events": events,
    });
    Line::read(&text.to_string()).expect("a line").expect("not the check line")
}

fn enrolled(index: u64, person: &str, insurance: u32, area: &str) -> Line {
    let kind = if insurance == 310 { "INSURANCE_EMPLOYEE" } else { "INSURANCE_RESIDENT" };
    let event = json!([{"person_enrolled": {"person": person, "insurance": kind, "area": area}}]);
    line(index, "01-02", json!({"enrol_person": {}}), &event)
}

fn designated(index: u64, institution: &str, kind: &str, area: &str) -> Line {
    let kind = format!("INSTITUTION_KIND_{kind}");
    let asked = json!({"institution": institution, "kind": kind, "area": area, "wallet_open": true});
    let event = json!([{"institution_registered": {"institution": institution, "kind": kind}}]);
    line(index, "01-01", json!({"register_institution": asked}), &event)
}

fn proposed(index: u64, donor: &str) -> Line {
    let event = json!([{"relation_proposed": {"relation": format!("{index}-0"), "donor": donor}}]);
    line(index, "01-03", json!({"propose_relation": {}}), &event)
}

fn legs(of: &[(&str, &str)]) -> Value {
    of.iter().map(|(relation, amount)| json!({"relation": relation, "amount": amount})).collect()
}

fn settled(index: u64, day: &str, spend: Value, own: &str, of: &[(&str, &str)]) -> Line {
    let event = json!([{"settled": {"payment": format!("{index}-0"), "own": own, "legs": legs(of)}}]);
    line(index, day, json!({ "settle": spend }), &event)
}

fn refunded(index: u64, day: &str, payment: &str, own: &str, of: &[(&str, &str)]) -> Line {
    let event = json!([{"refunded": {"payment": payment, "own": own, "legs": legs(of)}}]);
    line(index, day, json!({"refund": {"payment": payment}}), &event)
}

/// Ming in Suzhou and Hua in Zhengzhou give to Ming's father, a resident in Lianyungang; he pays in Lianyungang.
fn beginning() -> Vec<Line> {
    vec![
        designated(1, "H32070000001", "HOSPITAL", "320700"),
        designated(2, "P32070000001", "PHARMACY", "320700"),
        enrolled(3, "ming", 310, "320500"),
        enrolled(4, "hua", 310, "410100"),
        enrolled(5, "father", 390, "320700"),
        proposed(6, "ming"),
        proposed(7, "hua"),
    ]
}

fn at(institution: &str, med_type: &str) -> Value {
    json!({"beneficiary": "father", "institution": institution, "med_type": med_type})
}

fn counted(lines: &[Line]) -> Count {
    let mut count = Count::default();
    lines.iter().for_each(|line| count.take(line));
    assert!(count.lost.is_empty(), "{:?}", count.lost);
    count
}

fn figure(report: &Report, name: &str) -> ((i128, i128), (i128, i128)) {
    let row = report.rows.get(name).copied().unwrap_or_default();
    ((row.sum.count, row.sum.fen), (row.growth.count, row.growth.fen))
}

fn debts(count: &Count, month: &str) -> Vec<(String, String, i128)> {
    let of = |((of, payer, payee, _), fen): (&Debt, &i128)| {
        (of == month && *fen != 0).then(|| (payer.clone(), payee.clone(), *fen))
    };
    count.owed.iter().filter_map(of).collect()
}

#[test]
fn each_part_counts_by_its_own_scope_and_the_payment_once_in_the_widest() {
    let mut lines = beginning();
    // 30.00 from Suzhou (same province), 70.00 from Zhengzhou (across): one payment, across, in Henan.
    lines.push(settled(8, "01-10", at("H32070000001", "11"), "", &[("6-0", "30.00"), ("7-0", "70.00")]));
    // Equal parts: the first one's province.
    lines.push(settled(9, "01-11", at("P32070000001", ""), "", &[("6-0", "5.00"), ("7-0", "5.00")]));
    // No mutual aid: no 人次.
    lines.push(settled(10, "01-12", at("P32070000001", "41"), "0.00", &[]));
    let count = counted(&lines);
    let report = count.report("2026-01");
    assert_eq!(figure(&report, "total"), ((2, 11_000), (2, 11_000)));
    assert_eq!(figure(&report, "in province"), ((0, 3_500), (0, 3_500)));
    assert_eq!(figure(&report, "cross province"), ((2, 7_500), (2, 7_500)));
    assert_eq!(figure(&report, "institution").0, (1, 10_000));
    assert_eq!(figure(&report, "pharmacy").0, (1, 1_000));
    assert_eq!(figure(&report, "province 32").0, (1, 3_500));
    assert_eq!(figure(&report, "province 41").0, (1, 7_500));
    assert_eq!(
        (report.top_by_count.join(" "), report.top_by_amount.join(" ")),
        ("32 41".into(), "41 32".into())
    );
    let expected = [("320500", 3_000), ("320500", 500), ("410100", 7_000), ("410100", 500)];
    let expected = expected.map(|(payer, fen)| (payer.to_owned(), "320700".to_owned(), fen));
    assert_eq!(debts(&count, "2026-01"), expected);
    assert_eq!(count.paid, 3);
}

#[test]
fn a_count_is_taken_back_when_all_aid_is_and_comes_again_when_that_is_undone() {
    let mut lines = beginning();
    lines.push(settled(8, "01-10", at("H32070000001", "21"), "", &[("6-0", "30.00"), ("7-0", "70.00")]));
    lines.push(refunded(9, "02-01", "8-0", "", &[("7-0", "70.00")]));
    assert_eq!(figure(&counted(&lines).report("2026-02"), "total"), ((1, 3_000), (0, -7_000)));
    lines.push(refunded(10, "02-02", "8-0", "", &[("6-0", "30.00")]));
    let count = counted(&lines);
    let report = count.report("2026-02");
    assert_eq!(figure(&report, "total"), ((0, 0), (-1, -10_000)));
    assert_eq!(figure(&report, "cross province"), ((0, 0), (-1, -7_000)));
    assert_eq!(figure(&count.report("2026-01"), "total"), ((1, 10_000), (1, 10_000)));
    assert!(report.top_by_count.is_empty() && report.top_by_amount.is_empty());
    let undone = json!([{"refund_undone": {"payment": "8-0", "legs": legs(&[("6-0", "30.00")])}}]);
    lines.push(line(11, "03-01", json!({"reverse": {}}), &undone));
    let count = counted(&lines);
    let report = count.report("2026-03");
    assert_eq!(figure(&report, "total"), ((1, 3_000), (1, 3_000)));
    assert_eq!(figure(&report, "cross province"), ((1, 0), (1, 0)));
    assert_eq!(figure(&report, "province 41"), ((1, -7_000 + 7_000), (1, 0)));
    assert_eq!(debts(&count, "2026-03"), [("320500".to_owned(), "320700".to_owned(), 3_000)]);
}

#[test]
fn what_comes_back_after_a_transfer_is_owed_by_the_old_area() {
    let mut lines = beginning();
    lines.push(settled(8, "01-10", at("H32070000001", "11"), "", &[("6-0", "30.00")]));
    let applied =
        json!([{"transfer_applied": {"case": "9-0", "person": "ming", "from": "320500", "to": "650100"}}]);
    let step = |name: &str| json!([{ name: {"case": "9-0"} }]);
    lines.push(line(9, "01-20", json!({"apply_transfer": {}}), &applied));
    lines.push(line(10, "01-22", json!({"send_transfer": {}}), &step("transfer_sent")));
    // While the balance is under way the second line waits.
    lines.push(refunded(11, "01-23", "8-0", "", &[("6-0", "10.00")]));
    assert_eq!(debts(&counted(&lines), "2026-01"), [("320500".to_owned(), "320700".to_owned(), 2_000)]);
    lines.push(line(12, "02-01", json!({"receive_transfer": {}}), &step("transfer_received")));
    lines.push(line(13, "02-02", json!({"complete_transfer": {}}), &step("transfer_completed")));
    let waited = ("320500".to_owned(), "650100".to_owned(), 1_000);
    assert_eq!(debts(&counted(&lines), "2026-02"), [waited]);
    lines.push(refunded(14, "03-01", "8-0", "", &[("6-0", "20.00")]));
    let count = counted(&lines);
    let expected = [("320700", -2_000), ("650100", 2_000)];
    let expected = expected.map(|(payee, fen)| ("320500".to_owned(), payee.to_owned(), fen));
    assert_eq!(debts(&count, "2026-03"), expected);
    // Statistics know nothing of that: the part was Jiangsu's when it was paid.
    assert_eq!(figure(&count.report("2026-03"), "province 32"), ((0, 0), (-1, -2_000)));
}

#[test]
fn own_accounts_premiums_and_holds_count_as_what_they_are() {
    let mut lines = beginning();
    // Ming pays 12.00 of her own in Lianyungang.
    let hers = json!({"beneficiary": "ming", "institution": "P32070000001", "med_type": "11"});
    lines.push(settled(8, "05-01", hers, "12.00", &[]));
    let held = json!({"authorise_spend": at("H32070000001", "9903")});
    lines.push(line(9, "05-02", held, &json!([{"spend_authorised": {"hold": "9-0"}}])));
    let paid = json!([{"settled": {"payment": "10-0", "hold": "9-0", "legs": legs(&[("7-0", "4.00")])}}]);
    lines.push(line(10, "05-02", json!({"confirm_spend": {"hold": "9-0"}}), &paid));
    let paid = json!([{"settled": {
        "payment": "11-0", "premium": "PREMIUM_RESIDENT", "premium_year": 2027, "legs": legs(&[("6-0", "400.00")]),
    }}]);
    lines.push(line(11, "10-02", json!({"pay_premium": {"beneficiary": "father"}}), &paid));
    let count = counted(&lines);
    let report = count.report("2026-12");
    assert_eq!(figure(&report, "other").0, (1, 400));
    assert_eq!(figure(&report, "premium").0, (1, 40_000));
    assert_eq!(figure(&report, "total"), ((2, 40_400), (0, 0)));
    let hers = ("320500".to_owned(), "320700".to_owned(), 1_200);
    assert_eq!(debts(&count, "2026-05")[0], hers);
    assert_eq!(debts(&count, "2026-10"), [("320500".to_owned(), "320700".to_owned(), 40_000)]);
}

#[test]
fn what_was_refused_counts_for_nothing_and_gaps_are_told() {
    let mut refused = settled(8, "01-10", at("H32070000001", ""), "", &[("6-0", "30.00")]);
    refused.outcome = "OUTCOME_REFUSED".into();
    let mut lines = beginning();
    lines.push(refused);
    assert_eq!(counted(&lines).report("2026-12"), Report::default());
    let mut count = Count::default();
    count.take(&refunded(9, "02-01", "8-0", "", &[("7-0", "70.00")]));
    assert_eq!(count.lost, ["9-0"]);
    let check = r#"{"check":{"cluster":"c","from":"1","until":"9","lines":"12","sha256":"ab"}}"#;
    assert!(Line::read(check).expect("JSON").is_none());
}
