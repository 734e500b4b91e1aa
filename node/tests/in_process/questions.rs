//! What was done can be asked for: a family's year through the SDK, each door asked for what came of it.

use crate::family::{DAUGHTER, FATHER, HOSPITAL, SUZHOU, ZHENGZHOU, furnish, propose, yuan};
use crate::one::{NODE, One, settings};
use client::{
    Caller, Consistency, Error, InsuranceStatus, KinshipScope, Outcome, Payee, Premium, Reason, Side,
    SuspensionReason,
};
use ledger::Policy;
use node::{Settings, wire};
use proto::v1 as pb;
use std::path::Path;
use std::time::Duration;

const DAY_SECONDS: u64 = 86_400;

/// A cluster of one that ticks often, with the family in it.
async fn open(dir: &Path) -> One {
    let one = One::with(Settings { pulse: Duration::from_millis(100), ..settings(NODE, dir) }).await;
    furnish(&one, yuan("500.00")).await;
    one
}

fn month(one: &One) -> String {
    let month = one.clock.now().month();
    format!("{:04}-{:02}", month.year, month.month)
}

fn today(one: &One) -> String {
    let (year, month, date) = one.clock.now().day().civil();
    format!("{year:04}-{month:02}-{date:02}")
}

/// The daughter binds her father, with a quota of 200 yuan.
async fn bind(one: &One) -> String {
    let (hers, his) = (one.acting_as(Caller::person(DAUGHTER)), one.acting_as(Caller::person(FATHER)));
    let relation = propose(one).await;
    let waiting = one.client.relations(FATHER, Side::Beneficiary).all().await.expect("answered");
    let states: Vec<_> = waiting.iter().map(|found| (found.relation.as_str(), found.state())).collect();
    assert_eq!(states, [(relation.as_str(), pb::RelationState::Proposed)], "he finds what waits for him");
    one.done(his.accept_relation(&relation)).await;
    let expiry = one.now() + Duration::from_secs(3_600);
    one.done(hers.set_quota(&relation, yuan("200.00")).expires_at(expiry)).await;
    let given = one.client.relation(&relation).await.expect("answered").value;
    assert_eq!((given.unused.as_str(), given.held.as_str()), ("200.00", "0.00"));
    assert!(given.expires_at.is_some());
    relation
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_held_paid_and_refunded_can_be_asked_for() {
    let dir = tempfile::tempdir().expect("a folder");
    let one = open(dir.path()).await;
    let relation = bind(&one).await;
    let hospital = one.acting_as(Caller::institution(HOSPITAL));

    // A forecast names the parts, and changes nothing.
    let share = hospital.settle(FATHER, HOSPITAL, yuan("98.60")).with_request_id(one.id());
    let forecast = share.forecast().await.expect("answered").value.done().expect("it would be done");
    assert_eq!(forecast.settled().expect("a settlement").legs[0].amount, "98.60");
    assert_eq!(one.client.relation(&relation).await.expect("answered").value.used, "0.00");
    assert!(hospital.receipt(share.request_id()).await.expect("answered").is_none());
    let foreign = one.acting_as(Caller::institution("P41010000009")).settle(FATHER, HOSPITAL, yuan("98.60"));
    let refused = foreign.with_request_id(one.id()).forecast().await.expect("answered").value;
    assert!(matches!(refused, Outcome::Refused(no) if no.reason == Reason::NotPermitted));

    let authorised = one.done(hospital.authorise_spend(FATHER, HOSPITAL, yuan("120.00"))).await;
    let hold = authorised.authorised().expect("a hold").hold.clone();
    let held = one.client.hold(&hold).await.expect("answered").value;
    assert_eq!((held.state(), held.med_type.as_str(), held.legs.len()), (pb::HoldState::Held, "11", 1));
    let quota = one.client.relation(&relation).await.expect("answered").value;
    assert_eq!((quota.held.as_str(), quota.unused.as_str()), ("120.00", "80.00"));
    let daughter = one.client.person(DAUGHTER).await.expect("answered").value;
    assert_eq!((daughter.holds, daughter.account.expect("310").reserved.as_str()), (1, "200.00"));
    let his = one.client.balances(FATHER).await.expect("answered").value;
    assert_eq!((his.received_unused.as_str(), his.total.as_str()), ("80.00", "0.00"));

    let confirmed = one.done(hospital.confirm_spend(&hold).only(yuan("98.60"))).await;
    let paid = confirmed.settled().expect("a settlement").clone();
    assert_eq!((paid.hold.as_str(), paid.legs[0].amount.as_str()), (hold.as_str(), "98.60"));
    let held = one.client.hold(&hold).await.expect("answered").value;
    assert_eq!((held.state(), held.payment.as_str()), (pb::HoldState::Confirmed, paid.payment.as_str()));

    let refunding = hospital.refund(&paid.payment).only(yuan("8.60")).with_request_id(one.id());
    let refunded = refunding.send().await.expect("an outcome").done().expect("done");
    let refund = refunded.refunded().expect("a refund").refund.clone();
    let record = one.client.refund_record(&refund).await.expect("answered").value;
    assert_eq!(record.legs[0].to, Some(pb::refund_part::To::Quota(SUZHOU.into())));
    let payment = one.client.payment(&paid.payment).await.expect("answered").value;
    assert_eq!((payment.refunded.as_str(), payment.home.as_str()), ("8.60", ZHENGZHOU));
    assert_eq!((payment.institution.as_str(), payment.premium()), (HOSPITAL, pb::Premium::Unspecified));

    // A refund that was a mistake is undone by reversing its request.
    let reversed = one.done(hospital.reverse(refunding.request_id())).await;
    assert_eq!(reversed.reversed().expect("a reversal").found(), pb::Original::Undone);
    assert!(one.client.refund_record(&refund).await.expect("answered").value.undone);

    // The day: the payment, the refund, and its undoing; each by who was paid and by their area.
    for payee in [Payee::Institution(HOSPITAL.into()), Payee::Area(ZHENGZHOU.into())] {
        let day = one.client.reconcile(payee.clone(), today(&one)).await.expect("answered").value;
        let parts = |row: &pb::ReconcileRow| row.parts.clone().expect("parts").aid;
        let rows: Vec<(bool, String)> = day.rows.iter().map(|row| (row.is_refund, parts(row))).collect();
        let expected = [(false, "98.60"), (true, "-8.60"), (false, "8.60")];
        assert_eq!(rows, expected.map(|(is_refund, aid)| (is_refund, aid.to_owned())));
        let totals = one.client.reconcile_totals(payee, today(&one)).await.expect("answered").value;
        assert_eq!(totals, day.totals);
        assert_eq!(totals.iter().map(|total| total.count).collect::<Vec<_>>(), [2, 1]);
    }
    let nobody = one.client.reconcile(Payee::Area(SUZHOU.into()), today(&one)).await.expect("answered").value;
    assert!(nobody.rows.is_empty() && nobody.totals.is_empty());

    // What is not there is said to be absent; what is malformed is named.
    assert!(matches!(one.client.hold("1-0").await, Err(Error::Absent { .. })));
    assert!(matches!(one.client.offer("x").await, Err(Error::Malformed { field, .. }) if field == "offer"));
    let bad = one.client.reconcile(Payee::Area(SUZHOU.into()), "2026-2-1").await;
    assert!(matches!(bad, Err(Error::Malformed { field, .. }) if field == "day"));

    // A door that supervises: the hospital may be paid no more.
    let henan = one.acting_as(Caller::province("41"));
    one.done(henan.suspend_institution(HOSPITAL, SuspensionReason::FalseSettlement, "YB-2026-17")).await;
    let institution = one.client.institution(HOSPITAL).await.expect("answered").value;
    assert_eq!(institution.suspension.expect("suspended").file, "YB-2026-17");
    let closed = one.send(hospital.settle(FATHER, HOSPITAL, yuan("1.00"))).await;
    assert!(matches!(closed, Outcome::Refused(no) if no.reason == Reason::InstitutionSuspended));
    one.node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_month_can_be_followed_to_its_last_payment() {
    let dir = tempfile::tempdir().expect("a folder");
    let one = open(dir.path()).await;
    bind(&one).await;
    let national = one.national();
    let (jiangsu, henan) = (one.acting_as(Caller::province("32")), one.acting_as(Caller::province("41")));
    let hospital = one.acting_as(Caller::institution(HOSPITAL));
    let month = month(&one);

    one.done(national.adjust_prepayment("32", yuan("200.00"))).await;
    one.done(jiangsu.fund_prepayment("32", yuan("150.00"))).await;
    one.done(hospital.settle(FATHER, HOSPITAL, yuan("190.00")).all_or_nothing()).await;
    let fund = one.client.fund("32").await.expect("answered").value;
    assert_eq!((fund.used.as_str(), fund.percent, fund.level()), ("190.00", Some(95), pb::FundLevel::Red));
    let none = one.client.fund("41").await.expect("answered").value;
    assert_eq!((none.size.as_str(), none.percent, none.recommended_months), ("0.00", None, 0));
    let so_far = one.client.positions(&month).await.expect("answered").value;
    let nets: Vec<(&str, &str)> = so_far.iter().map(|it| (it.province.as_str(), it.net.as_str())).collect();
    assert_eq!(nets, [("32", "-190.00"), ("41", "190.00")]);
    let report = one.client.statistics(&month).await.expect("answered").value;
    let figure = |line: &Option<pb::StatisticsLine>| line.clone().expect("a line").sum.expect("a figure");
    assert_eq!((figure(&report.total).count, figure(&report.cross_province).amount.as_str()), (1, "190.00"));
    assert_eq!(report.top_by_amount, ["32"]);
    assert!(matches!(one.client.period(&month).await, Err(Error::Absent { .. })));
    assert!(matches!(one.client.clearing(&month).all().await, Err(Error::Absent { .. })), "no lines yet");

    one.later(Duration::from_secs(32 * DAY_SECONDS));
    one.done(national.close_period(&month)).await;
    let period = one.client.period(&month).await.expect("answered").value;
    assert_eq!((period.lines, period.total.as_str(), period.digest.len()), (1, "190.00", 64));
    assert!(period.closed_at.is_some());
    let line = async || {
        let mut lines = one.client.clearing(&month).province("41").all().await.expect("answered");
        assert_eq!(lines.len(), 1);
        lines.remove(0)
    };
    let first = line().await;
    assert_eq!((first.payer.as_str(), first.payee.as_str()), (SUZHOU, ZHENGZHOU));
    assert_eq!((first.advanced.as_str(), first.outstanding.as_str()), ("150.00", "190.00"));
    assert!(one.client.clearing(&month).payer("41").all().await.expect("answered").is_empty());

    for province in [&jiangsu, &henan] {
        one.done(province.confirm_clearing(&month, SUZHOU, ZHENGZHOU, &first.amount)).await;
    }
    one.done(jiangsu.pay_clearing(&month, SUZHOU, ZHENGZHOU, yuan("190.00"))).await;
    let paid = line().await;
    assert!(paid.payer_confirmed && paid.payee_confirmed);
    assert_eq!((paid.outstanding.as_str(), paid.refilled.as_str()), ("0.00", "150.00"));
    let fund = one.client.fund_in("32", &month).await.expect("answered").value;
    assert_eq!((fund.balance.as_str(), fund.recommended.as_str()), ("150.00", "380.00"));
    one.node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_governance_set_can_be_read_back() {
    let dir = tempfile::tempdir().expect("a folder");
    let one = open(dir.path()).await;
    let national = one.national();

    // A policy is set whole: what is read is changed, and set.
    let read = one.client.policy().await.expect("answered").value;
    assert_eq!(read, wire::policy_to_proto(&Policy::NATIONAL_2026));
    let stricter = pb::Policy { raise_max: "2000.00".into(), raises_per_day: 3, ..read };
    one.done(national.set_policy(one.now() + Duration::from_secs(1), stricter.clone())).await;
    one.later(Duration::from_secs(2));
    one.done(national.register_area("320700")).await;
    assert_eq!(one.client.policy().await.expect("answered").value, stricter);

    let (province, area) = (one.client.province("32").await, one.client.area(SUZHOU).await);
    assert_eq!(province.expect("answered").value.kinship(), KinshipScope::Wide);
    let area = area.expect("answered").value;
    assert!(area.open && area.openings.len() == 1 && area.openings[0].until.is_none());
    assert!(!one.client.area("320700").await.expect("answered").value.open);
    assert!(matches!(one.client.area("320900").await, Err(Error::Absent { .. })));

    assert_eq!(one.client.tariff(SUZHOU, Premium::Care, 2026).await.expect("answered").value, None);
    let soon = one.now() + Duration::from_secs(1);
    one.done(national.set_tariff(SUZHOU, Premium::Care, 2026, soon).exactly(yuan("40.00"))).await;
    one.later(Duration::from_secs(2));
    one.done(national.set_calendar(2030, ["2030-01-01"], ["2030-01-05"])).await;
    let tariff = one.client.tariff(SUZHOU, Premium::Care, 2026).await.expect("answered").value;
    assert_eq!(tariff.expect("in force").tariff, Some(pb::tariff_version::Tariff::Exactly("40.00".into())));
    let calendar = one.client.calendar(2030).await.expect("answered").value;
    assert_eq!(
        (calendar.holidays, calendar.workdays),
        (vec!["2030-01-01".into()], vec!["2030-01-05".into()])
    );
    assert!(
        matches!(one.client.calendar(1999).await, Err(Error::Malformed { field, .. }) if field == "year")
    );
    one.node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn offers_and_cases_can_be_followed() {
    let dir = tempfile::tempdir().expect("a folder");
    let one = open(dir.path()).await;
    let relation = bind(&one).await;
    let national = one.national();
    let (hers, his) = (one.acting_as(Caller::person(DAUGHTER)), one.acting_as(Caller::person(FATHER)));
    let policy = wire::policy_to_proto(&Policy { offers: true, ..Policy::NATIONAL_2026 });
    one.done(national.set_policy(one.now() + Duration::from_millis(500), policy)).await;
    one.later(Duration::from_secs(2));

    let made = one.done(hers.set_quota(&relation, yuan("50.00"))).await;
    let offer = made.offer().expect("an offer").to_owned();
    let waiting = one.client.relation(&relation).await.expect("answered").value;
    assert_eq!((waiting.offers.as_slice(), waiting.unused.as_str()), ([offer.clone()].as_slice(), "200.00"));
    assert_eq!(one.client.offer(&offer).await.expect("answered").value.state(), pb::OfferState::Open);
    one.done(his.accept_offer(&offer)).await;
    assert_eq!(one.client.offer(&offer).await.expect("answered").value.state(), pb::OfferState::Accepted);

    // Her insurance moves to Henan: the relation ends, and the balance is under way for a while.
    let (suzhou, zhengzhou) =
        (one.acting_as(Caller::agency(SUZHOU)), one.acting_as(Caller::agency(ZHENGZHOU)));
    one.done(suzhou.set_insurance_status(DAUGHTER, InsuranceStatus::Stopped)).await;
    let applied = one.done(hers.apply_transfer(DAUGHTER, ZHENGZHOU)).await;
    let case = applied.case().expect("a case").to_owned();
    let ended = one.client.relation(&relation).await.expect("answered").value;
    assert_eq!(
        (ended.state(), ended.release_cause()),
        (pb::RelationState::Released, pb::ReleaseCause::Transfer)
    );
    one.done(zhengzhou.accept_transfer(&case)).await;
    let sent = one.done(suzhou.send_transfer(&case)).await;
    let under_way = one.client.reading(Consistency::AtLeast(sent.index));
    let moving = under_way.case(&case).await.expect("answered").value;
    assert_eq!(
        (moving.state(), moving.balance.as_str(), moving.to.as_str()),
        (pb::CaseState::Sent, "500.00", ZHENGZHOU)
    );
    assert!(moving.source_due < moving.due && moving.overdue.is_empty());
    let balances = under_way.balances(DAUGHTER).await.expect("answered").value;
    assert_eq!((balances.available.as_str(), balances.in_transit.as_str()), ("0.00", "500.00"));
    assert_eq!(balances.total, "500.00");
    let person = under_way.person(DAUGHTER).await.expect("answered").value;
    assert_eq!((person.status(), person.transfer.as_str()), (InsuranceStatus::Stopped, case.as_str()));
    one.done(zhengzhou.receive_transfer(&case)).await;
    one.done(zhengzhou.complete_transfer(&case)).await;
    let person = one.client.person(DAUGHTER).await.expect("answered").value;
    assert_eq!((person.area.as_str(), person.transfer.as_str()), (ZHENGZHOU, ""));
    assert_eq!(person.account.expect("310").area, ZHENGZHOU);
    one.node.shutdown().await;
}
