//! What was done can be asked for: a family's year through the SDK, each door asked for what came of it.

use client::{
    Caller, Client, Consistency, Error, InstitutionKind, Insurance, InsuranceStatus, Kinship, KinshipScope,
    Outcome, Payee, Premium, Reason, Receipt, RequestId, Side, SuspensionReason, Verb, Yuan,
};
use ledger::Policy;
use node::raft::handle::RaftSettings;
use node::raft::log::LogSettings;
use node::state::StateSettings;
use node::{Node, Settings, wire};
use proto::v1 as pb;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const DAUGHTER: &str = "6f9619ff-8b86-4011-b42d-00c04fc964ff";
const FATHER: &str = "6f9619ff-8b86-4011-b42d-00c04fc96400";
const SUZHOU: &str = "320500";
const ZHENGZHOU: &str = "410100";
const HOSPITAL: &str = "H41010000001";
const DAY_MS: i64 = 86_400_000;

/// A cluster of one, its clock, and a client.
struct Stage {
    node: Node,
    clock: node::clock::Clock,
    client: Client,
}

impl Stage {
    async fn open(dir: &Path) -> Stage {
        let clock = node::clock::Clock::default();
        let settings = Settings {
            node: 11_000_001,
            data_dir: dir.to_path_buf(),
            listen_peer: "127.0.0.1:0".into(),
            listen_api: "127.0.0.1:0".into(),
            raft: RaftSettings {
                heartbeat: Duration::from_millis(200),
                election: Duration::from_millis(600),
                snapshot_entries: 5_000,
                keep_entries: 1_000,
            },
            log: LogSettings { cache_bytes: 1 << 20, chunk_bytes: 8 << 20 },
            state: StateSettings::default(),
            clock: clock.clone(),
            pulse: Duration::from_millis(100),
        };
        let node = Node::start(settings).await.expect("a fresh node starts");
        let client = Client::connect([node.api_address().to_string()]).await.expect("its door is open");
        let member = pb::Member {
            node: node.id(),
            peer_address: node.peer_address().to_string(),
            api_address: node.api_address().to_string(),
        };
        let mut door = pb::cluster_client::ClusterClient::new(client.channel());
        door.init(pb::InitRequest { voters: vec![member], ..Default::default() })
            .await
            .expect("a cluster forms");
        Stage { node, clock, client }
    }

    fn acting_as(&self, caller: Caller) -> Client {
        self.client.acting_as(caller)
    }

    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.clock.now().0)
    }

    fn month(&self) -> String {
        let month = self.clock.now().month();
        format!("{:04}-{:02}", month.year, month.month)
    }

    fn day(&self) -> String {
        let (year, month, date) = self.clock.now().day().civil();
        format!("{year:04}-{month:02}-{date:02}")
    }

    /// A request id of the stage's own time.
    fn id(&self) -> RequestId {
        uuid::Uuid::from_bytes(self.clock.request_id().0).to_string().parse().expect("a UUIDv7")
    }

    async fn send<V: Verb>(&self, call: client::Call<V>) -> Outcome {
        call.with_request_id(self.id()).send().await.expect("an outcome")
    }

    async fn done<V: Verb>(&self, call: client::Call<V>) -> Receipt {
        self.send(call).await.done().expect("done")
    }
}

fn yuan(text: &str) -> Yuan {
    text.parse().expect("an amount")
}

/// Two areas that are open, a hospital, a daughter who may give and a father who may use.
async fn furnish(stage: &Stage) {
    let national = stage.acting_as(Caller::National);
    for area in [SUZHOU, ZHENGZHOU] {
        stage.done(national.register_area(area)).await;
        stage.done(national.set_area_open(area, stage.now() + Duration::from_secs(1))).await;
    }
    stage.clock.set_ahead_ms(2_000);
    let henan = stage.acting_as(Caller::province("41"));
    stage.done(henan.register_institution(HOSPITAL, InstitutionKind::Hospital, ZHENGZHOU, true)).await;
    let (suzhou, zhengzhou) =
        (stage.acting_as(Caller::agency(SUZHOU)), stage.acting_as(Caller::agency(ZHENGZHOU)));
    stage.done(suzhou.enrol_person(DAUGHTER, Insurance::Employee, SUZHOU)).await;
    stage.done(zhengzhou.enrol_person(FATHER, Insurance::Resident, ZHENGZHOU).retired()).await;
    stage.done(suzhou.credit_account(DAUGHTER, yuan("500.00"), stage.month())).await;
    for person in [DAUGHTER, FATHER] {
        stage.done(stage.acting_as(Caller::person(person)).activate_wallet(person)).await;
    }
}

/// The daughter binds her father, with a quota of 200 yuan.
async fn bind(stage: &Stage) -> String {
    let (hers, his) = (stage.acting_as(Caller::person(DAUGHTER)), stage.acting_as(Caller::person(FATHER)));
    let proposed = stage.done(hers.propose_relation(DAUGHTER, FATHER, Kinship::Parent)).await;
    let relation = proposed.relation().expect("a proposal names its relation").to_owned();
    let waiting = stage.client.relations(FATHER, Side::Beneficiary).all().await.expect("answered");
    let states: Vec<_> = waiting.iter().map(|found| (found.relation.as_str(), found.state())).collect();
    assert_eq!(states, [(relation.as_str(), pb::RelationState::Proposed)], "he finds what waits for him");
    stage.done(his.accept_relation(&relation)).await;
    let expiry = stage.now() + Duration::from_secs(3_600);
    stage.done(hers.set_quota(&relation, yuan("200.00")).expires_at(expiry)).await;
    let given = stage.client.relation(&relation).await.expect("answered").value;
    assert_eq!((given.unused.as_str(), given.held.as_str()), ("200.00", "0.00"));
    assert!(given.expires_at.is_some());
    relation
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_held_paid_and_refunded_can_be_asked_for() {
    let dir = tempfile::tempdir().expect("a folder");
    let stage = Stage::open(dir.path()).await;
    furnish(&stage).await;
    let relation = bind(&stage).await;
    let hospital = stage.acting_as(Caller::institution(HOSPITAL));

    // A forecast names the parts, and changes nothing.
    let share = hospital.settle(FATHER, HOSPITAL, yuan("98.60")).with_request_id(stage.id());
    let forecast = share.forecast().await.expect("answered").value.done().expect("it would be done");
    assert_eq!(forecast.settled().expect("a settlement").legs[0].amount, "98.60");
    assert_eq!(stage.client.relation(&relation).await.expect("answered").value.used, "0.00");
    assert!(hospital.receipt(share.request_id()).await.expect("answered").is_none());
    let foreign =
        stage.acting_as(Caller::institution("P41010000009")).settle(FATHER, HOSPITAL, yuan("98.60"));
    let refused = foreign.with_request_id(stage.id()).forecast().await.expect("answered").value;
    assert!(matches!(refused, Outcome::Refused(no) if no.reason == Reason::NotPermitted));

    let authorised = stage.done(hospital.authorise_spend(FATHER, HOSPITAL, yuan("120.00"))).await;
    let hold = authorised.authorised().expect("a hold").hold.clone();
    let held = stage.client.hold(&hold).await.expect("answered").value;
    assert_eq!((held.state(), held.med_type.as_str(), held.legs.len()), (pb::HoldState::Held, "11", 1));
    let quota = stage.client.relation(&relation).await.expect("answered").value;
    assert_eq!((quota.held.as_str(), quota.unused.as_str()), ("120.00", "80.00"));
    let daughter = stage.client.person(DAUGHTER).await.expect("answered").value;
    assert_eq!((daughter.holds, daughter.account.expect("310").reserved.as_str()), (1, "200.00"));
    let his = stage.client.balances(FATHER).await.expect("answered").value;
    assert_eq!((his.received_unused.as_str(), his.total.as_str()), ("80.00", "0.00"));

    let confirmed = stage.done(hospital.confirm_spend(&hold).only(yuan("98.60"))).await;
    let paid = confirmed.settled().expect("a settlement").clone();
    assert_eq!((paid.hold.as_str(), paid.legs[0].amount.as_str()), (hold.as_str(), "98.60"));
    let held = stage.client.hold(&hold).await.expect("answered").value;
    assert_eq!((held.state(), held.payment.as_str()), (pb::HoldState::Confirmed, paid.payment.as_str()));

    let refunding = hospital.refund(&paid.payment).only(yuan("8.60")).with_request_id(stage.id());
    let refunded = refunding.send().await.expect("an outcome").done().expect("done");
    let refund = refunded.refunded().expect("a refund").refund.clone();
    let record = stage.client.refund_record(&refund).await.expect("answered").value;
    assert_eq!(record.legs[0].to, Some(pb::refund_part::To::Quota(SUZHOU.into())));
    let payment = stage.client.payment(&paid.payment).await.expect("answered").value;
    assert_eq!((payment.refunded.as_str(), payment.home.as_str()), ("8.60", ZHENGZHOU));
    assert_eq!((payment.institution.as_str(), payment.premium()), (HOSPITAL, pb::Premium::Unspecified));

    // A refund that was a mistake is undone by reversing its request.
    let reversed = stage.done(hospital.reverse(refunding.request_id())).await;
    assert_eq!(reversed.reversed().expect("a reversal").found(), pb::Original::Undone);
    assert!(stage.client.refund_record(&refund).await.expect("answered").value.undone);

    // The day: the payment, the refund, and its undoing; each by who was paid and by their area.
    for payee in [Payee::Institution(HOSPITAL.into()), Payee::Area(ZHENGZHOU.into())] {
        let day = stage.client.reconcile(payee.clone(), stage.day()).await.expect("answered").value;
        let parts = |row: &pb::ReconcileRow| row.parts.clone().expect("parts").aid;
        let rows: Vec<(bool, String)> = day.rows.iter().map(|row| (row.is_refund, parts(row))).collect();
        let expected = [(false, "98.60"), (true, "-8.60"), (false, "8.60")];
        assert_eq!(rows, expected.map(|(is_refund, aid)| (is_refund, aid.to_owned())));
        let totals = stage.client.reconcile_totals(payee, stage.day()).await.expect("answered").value;
        assert_eq!(totals, day.totals);
        assert_eq!(totals.iter().map(|total| total.count).collect::<Vec<_>>(), [2, 1]);
    }
    let nobody =
        stage.client.reconcile(Payee::Area(SUZHOU.into()), stage.day()).await.expect("answered").value;
    assert!(nobody.rows.is_empty() && nobody.totals.is_empty());

    // What is not there is said to be absent; what is malformed is named.
    assert!(matches!(stage.client.hold("1-0").await, Err(Error::Absent { .. })));
    assert!(matches!(stage.client.offer("x").await, Err(Error::Malformed { field, .. }) if field == "offer"));
    let bad = stage.client.reconcile(Payee::Area(SUZHOU.into()), "2026-2-1").await;
    assert!(matches!(bad, Err(Error::Malformed { field, .. }) if field == "day"));

    // A door that supervises: the hospital may be paid no more.
    let henan = stage.acting_as(Caller::province("41"));
    stage.done(henan.suspend_institution(HOSPITAL, SuspensionReason::FalseSettlement, "YB-2026-17")).await;
    let institution = stage.client.institution(HOSPITAL).await.expect("answered").value;
    assert_eq!(institution.suspension.expect("suspended").file, "YB-2026-17");
    let closed = stage.send(hospital.settle(FATHER, HOSPITAL, yuan("1.00"))).await;
    assert!(matches!(closed, Outcome::Refused(no) if no.reason == Reason::InstitutionSuspended));
    stage.node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_month_can_be_followed_to_its_last_payment() {
    let dir = tempfile::tempdir().expect("a folder");
    let stage = Stage::open(dir.path()).await;
    furnish(&stage).await;
    bind(&stage).await;
    let national = stage.acting_as(Caller::National);
    let (jiangsu, henan) = (stage.acting_as(Caller::province("32")), stage.acting_as(Caller::province("41")));
    let hospital = stage.acting_as(Caller::institution(HOSPITAL));
    let month = stage.month();

    stage.done(national.adjust_prepayment("32", yuan("200.00"))).await;
    stage.done(jiangsu.fund_prepayment("32", yuan("150.00"))).await;
    stage.done(hospital.settle(FATHER, HOSPITAL, yuan("190.00")).all_or_nothing()).await;
    let fund = stage.client.fund("32").await.expect("answered").value;
    assert_eq!((fund.used.as_str(), fund.percent, fund.level()), ("190.00", Some(95), pb::FundLevel::Red));
    let none = stage.client.fund("41").await.expect("answered").value;
    assert_eq!((none.size.as_str(), none.percent, none.recommended_months), ("0.00", None, 0));
    let so_far = stage.client.positions(&month).await.expect("answered").value;
    let nets: Vec<(&str, &str)> = so_far.iter().map(|it| (it.province.as_str(), it.net.as_str())).collect();
    assert_eq!(nets, [("32", "-190.00"), ("41", "190.00")]);
    let report = stage.client.statistics(&month).await.expect("answered").value;
    let figure = |line: &Option<pb::StatisticsLine>| line.clone().expect("a line").sum.expect("a figure");
    assert_eq!((figure(&report.total).count, figure(&report.cross_province).amount.as_str()), (1, "190.00"));
    assert_eq!(report.top_by_amount, ["32"]);
    assert!(matches!(stage.client.period(&month).await, Err(Error::Absent { .. })));
    assert!(matches!(stage.client.clearing(&month).all().await, Err(Error::Absent { .. })), "no lines yet");

    stage.clock.set_ahead_ms(32 * DAY_MS);
    stage.done(national.close_period(&month)).await;
    let period = stage.client.period(&month).await.expect("answered").value;
    assert_eq!((period.lines, period.total.as_str(), period.digest.len()), (1, "190.00", 64));
    assert!(period.closed_at.is_some());
    let line = async || {
        let mut lines = stage.client.clearing(&month).province("41").all().await.expect("answered");
        assert_eq!(lines.len(), 1);
        lines.remove(0)
    };
    let first = line().await;
    assert_eq!((first.payer.as_str(), first.payee.as_str()), (SUZHOU, ZHENGZHOU));
    assert_eq!((first.advanced.as_str(), first.outstanding.as_str()), ("150.00", "190.00"));
    assert!(stage.client.clearing(&month).payer("41").all().await.expect("answered").is_empty());

    for province in [&jiangsu, &henan] {
        stage.done(province.confirm_clearing(&month, SUZHOU, ZHENGZHOU, &first.amount)).await;
    }
    stage.done(jiangsu.pay_clearing(&month, SUZHOU, ZHENGZHOU, yuan("190.00"))).await;
    let paid = line().await;
    assert!(paid.payer_confirmed && paid.payee_confirmed);
    assert_eq!((paid.outstanding.as_str(), paid.refilled.as_str()), ("0.00", "150.00"));
    let fund = stage.client.fund_in("32", &month).await.expect("answered").value;
    assert_eq!((fund.balance.as_str(), fund.recommended.as_str()), ("150.00", "380.00"));
    stage.node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_governance_set_can_be_read_back() {
    let dir = tempfile::tempdir().expect("a folder");
    let stage = Stage::open(dir.path()).await;
    furnish(&stage).await;
    let national = stage.acting_as(Caller::National);

    // A policy is set whole: what is read is changed, and set.
    let read = stage.client.policy().await.expect("answered").value;
    assert_eq!(read, wire::policy_to_proto(&Policy::NATIONAL_2026));
    let stricter = pb::Policy { raise_max: "2000.00".into(), raises_per_day: 3, ..read };
    stage.done(national.set_policy(stage.now() + Duration::from_secs(1), stricter.clone())).await;
    stage.clock.set_ahead_ms(4_000);
    stage.done(national.register_area("320700")).await;
    assert_eq!(stage.client.policy().await.expect("answered").value, stricter);

    let (province, area) = (stage.client.province("32").await, stage.client.area(SUZHOU).await);
    assert_eq!(province.expect("answered").value.kinship(), KinshipScope::Wide);
    let area = area.expect("answered").value;
    assert!(area.open && area.openings.len() == 1 && area.openings[0].until.is_none());
    assert!(!stage.client.area("320700").await.expect("answered").value.open);
    assert!(matches!(stage.client.area("320900").await, Err(Error::Absent { .. })));

    assert_eq!(stage.client.tariff(SUZHOU, Premium::Care, 2026).await.expect("answered").value, None);
    let soon = stage.now() + Duration::from_secs(1);
    stage.done(national.set_tariff(SUZHOU, Premium::Care, 2026, soon).exactly(yuan("40.00"))).await;
    stage.clock.set_ahead_ms(6_000);
    stage.done(national.set_calendar(2030, ["2030-01-01"], ["2030-01-05"])).await;
    let tariff = stage.client.tariff(SUZHOU, Premium::Care, 2026).await.expect("answered").value;
    assert_eq!(tariff.expect("in force").tariff, Some(pb::tariff_version::Tariff::Exactly("40.00".into())));
    let calendar = stage.client.calendar(2030).await.expect("answered").value;
    assert_eq!(
        (calendar.holidays, calendar.workdays),
        (vec!["2030-01-01".into()], vec!["2030-01-05".into()])
    );
    assert!(
        matches!(stage.client.calendar(1999).await, Err(Error::Malformed { field, .. }) if field == "year")
    );
    stage.node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn offers_and_cases_can_be_followed() {
    let dir = tempfile::tempdir().expect("a folder");
    let stage = Stage::open(dir.path()).await;
    furnish(&stage).await;
    let relation = bind(&stage).await;
    let national = stage.acting_as(Caller::National);
    let (hers, his) = (stage.acting_as(Caller::person(DAUGHTER)), stage.acting_as(Caller::person(FATHER)));
    let policy = wire::policy_to_proto(&Policy { offers: true, ..Policy::NATIONAL_2026 });
    stage.done(national.set_policy(stage.now() + Duration::from_millis(500), policy)).await;
    stage.clock.set_ahead_ms(4_000);

    let made = stage.done(hers.set_quota(&relation, yuan("50.00"))).await;
    let offer = made.offer().expect("an offer").to_owned();
    let waiting = stage.client.relation(&relation).await.expect("answered").value;
    assert_eq!((waiting.offers.as_slice(), waiting.unused.as_str()), ([offer.clone()].as_slice(), "200.00"));
    assert_eq!(stage.client.offer(&offer).await.expect("answered").value.state(), pb::OfferState::Open);
    stage.done(his.accept_offer(&offer)).await;
    assert_eq!(stage.client.offer(&offer).await.expect("answered").value.state(), pb::OfferState::Accepted);

    // Her insurance moves to Henan: the relation ends, and the balance is under way for a while.
    let (suzhou, zhengzhou) =
        (stage.acting_as(Caller::agency(SUZHOU)), stage.acting_as(Caller::agency(ZHENGZHOU)));
    stage.done(suzhou.set_insurance_status(DAUGHTER, InsuranceStatus::Stopped)).await;
    let applied = stage.done(hers.apply_transfer(DAUGHTER, ZHENGZHOU)).await;
    let case = applied.case().expect("a case").to_owned();
    let ended = stage.client.relation(&relation).await.expect("answered").value;
    assert_eq!(
        (ended.state(), ended.release_cause()),
        (pb::RelationState::Released, pb::ReleaseCause::Transfer)
    );
    stage.done(zhengzhou.accept_transfer(&case)).await;
    let sent = stage.done(suzhou.send_transfer(&case)).await;
    let under_way = stage.client.reading(Consistency::AtLeast(sent.index));
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
    stage.done(zhengzhou.receive_transfer(&case)).await;
    stage.done(zhengzhou.complete_transfer(&case)).await;
    let person = stage.client.person(DAUGHTER).await.expect("answered").value;
    assert_eq!((person.area.as_str(), person.transfer.as_str()), (ZHENGZHOU, ""));
    assert_eq!(person.account.expect("310").area, ZHENGZHOU);
    stage.node.shutdown().await;
}
