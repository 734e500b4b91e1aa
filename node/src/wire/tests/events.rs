//! Every event and every refusal goes out, and nothing of it is lost on the way.

use super::calls::payout_reason;
use super::values::*;
use super::*;
use ledger::decision::{LegPaid, LegRefunded, Original, ReleaseCause};
use ledger::table::CaseStep;
use ledger::{Answer, Outcome, RefundId};
use proptest::strategy::BoxedStrategy;
use prost::Message;

fn yes() -> BoxedStrategy<bool> {
    any::<bool>().boxed()
}

fn payment() -> impl Strategy<Value = PaymentId> {
    position().prop_map(PaymentId)
}

fn refund() -> impl Strategy<Value = RefundId> {
    position().prop_map(RefundId)
}

fn paid() -> BoxedStrategy<Vec<LegPaid>> {
    let leg = (few(relation()), few(fen()), few(fen()));
    let leg = leg.prop_map(|(relation, amount, unused)| LegPaid { relation, amount, unused });
    prop::collection::vec(leg, 0..3).boxed()
}

fn back() -> BoxedStrategy<Vec<LegRefunded>> {
    let leg = (few(relation()), few(fen()), yes());
    let leg = leg.prop_map(|(relation, amount, to_quota)| LegRefunded { relation, amount, to_quota });
    prop::collection::vec(leg, 0..3).boxed()
}

fn cause() -> impl Strategy<Value = ReleaseCause> {
    prop::sample::select(vec![
        ReleaseCause::Donor,
        ReleaseCause::Beneficiary,
        ReleaseCause::Transfer,
        ReleaseCause::Termination,
        ReleaseCause::Death,
        ReleaseCause::InsuranceChange,
    ])
}

fn status() -> impl Strategy<Value = InsuranceStatus> {
    prop::sample::select(vec![
        InsuranceStatus::Normal,
        InsuranceStatus::Stopped,
        InsuranceStatus::Arrears,
        InsuranceStatus::Frozen,
        InsuranceStatus::Terminated,
        InsuranceStatus::Deceased,
    ])
}

/// Events of this shape.
macro_rules! events {
    ($($name:ident { $($field:ident: $strategy:expr),+ $(,)? })*) => {
        vec![$(($($strategy,)+).prop_map(|($($field,)+)| Event::$name { $($field),+ }).boxed(),)*]
    };
}

/// Every event, from a few values a field: so that two of them often differ in one field only. A new one breaks
/// `event_to_proto`; a test says when it is missing here.
fn events() -> Vec<BoxedStrategy<Event>> {
    events! {
        LedgerBegun { cluster: any::<[u8; 16]>() }
        ProvinceRegistered { province: few(province()) }
        AreaRegistered { area: few(area()) }
        AreaOpeningSet { area: few(area()), from: few(stamp()), until: option::of(few(stamp())) }
        PolicySet { effective: few(stamp()) }
        InstitutionRegistered { institution: few(institution()), kind: kind(), wallet_open: yes() }
        PersonEnrolled { person: few(person()), insurance: insurance(), area: few(area()) }
        AccountCredited { person: few(person()), amount: few(fen()), available: few(fen()) }
        WalletActivated { person: few(person()) }
        WalletDeactivated { person: few(person()) }
        RelationProposed { relation: few(relation()), donor: few(person()), beneficiary: few(person()) }
        RelationAccepted { relation: few(relation()), sequence: few(any::<u64>()) }
        RelationDeclined { relation: few(relation()) }
        ProposalLapsed { relation: few(relation()) }
        QuotaSet {
            relation: few(relation()), amount: few(fen()), unused: few(fen()), available: few(fen()),
            expires: option::of(few(stamp())),
        }
        OfferMade {
            offer: few(offer()), relation: few(relation()), amount: few(fen()), returns: few(stamp()),
            available: few(fen()),
        }
        OfferAccepted {
            offer: few(offer()), relation: few(relation()), amount: few(fen()), unused: few(fen()),
            expires: option::of(few(stamp())),
        }
        OfferDeclined { offer: few(offer()), relation: few(relation()), amount: few(fen()) }
        OfferReturned { offer: few(offer()), relation: few(relation()), amount: few(fen()) }
        QuotaExpired { relation: few(relation()), returned: few(fen()) }
        QuotaReduced {
            relation: few(relation()), amount: few(fen()), unused: few(fen()), available: few(fen()),
        }
        PrioritySet { beneficiary: few(person()) }
        SpendAuthorised {
            hold: few(hold()), own: few(fen()), legs: paid(), cash: few(fen()),
            skipped: prop::collection::vec(few(relation()), 0..2), expires: few(stamp()),
        }
        HoldReleased { hold: few(hold()), amount: few(fen()), own: few(fen()), legs: back() }
        Settled {
            payment: few(payment()), hold: option::of(few(hold())), premium: option::of((premium(), few(year()))),
            own: few(fen()), legs: paid(), cash: few(fen()),
            skipped: prop::collection::vec(few(relation()), 0..2),
        }
        Refunded {
            refund: few(refund()), payment: few(payment()), amount: few(fen()), cash: few(fen()), legs: back(),
            own: few(fen()), late: yes(),
        }
        RefundUndone {
            refund: few(refund()), undoes: few(refund()), payment: few(payment()), amount: few(fen()),
            cash: few(fen()), legs: back(), own: few(fen()),
        }
        Reversed {
            original: few(request()),
            found: prop::sample::select(vec![Original::Undone, Original::NoEffect, Original::NotArrived]),
        }
        RelationReleased { relation: few(relation()), returned: few(fen()), cause: cause() }
        ReleasesUnderWay { person: few(person()) }
        InsuranceStatusSet { person: few(person()), status: status() }
        RetiredSet { person: few(person()), retired: yes() }
        InsuranceTerminated { person: few(person()) }
        DeathRegistered { person: few(person()) }
        PaidOut { person: few(person()), reason: payout_reason(), amount: few(fen()) }
        PersonMoved { person: few(person()), from: few(area()), to: few(area()) }
        TransferApplied { case: few(case()), person: few(person()), from: few(area()), to: few(area()) }
        TransferAccepted { case: few(case()), source_due: few(day()), due: few(day()) }
        TransferSent { case: few(case()), amount: few(fen()) }
        TransferReceived { case: few(case()), amount: few(fen()) }
        TransferCompleted { case: few(case()) }
        TransferAbandoned { case: few(case()) }
        TransferFailed { case: few(case()), returned: few(fen()) }
        TransferOverdue {
            case: few(case()), step: prop::sample::select(vec![CaseStep::Send, CaseStep::Complete]),
        }
        Suspended { party: few(party()) }
        SuspensionLifted { party: few(party()) }
        TariffSet { area: few(area()), premium: premium(), year: few(year()) }
        CalendarSet { year: few(year()) }
        PeriodClosing { month: few(month()) }
        PeriodClosed {
            month: few(month()), lines: few(any::<u32>()), total: few(sum()), digest: few(hash()),
        }
        PrepaymentAdvanced {
            month: few(month()), province: few(province()), amount: few(fen()), balance: few(fen()),
        }
        PrepaymentAlarm { month: few(month()), province: few(province()), percent: few(any::<u64>()), red: yes() }
        ClearingConfirmed {
            month: few(month()), payer: few(area()), payee: few(area()), by_payer: yes(), by_payee: yes(),
        }
        ClearingDisputed { month: few(month()), payer: few(area()), payee: few(area()) }
        ClearingPaid {
            month: few(month()), payer: few(area()), payee: few(area()), amount: few(fen()),
            refilled: few(fen()), outstanding: few(sum()),
        }
        PrepaymentFunded { province: few(province()), amount: few(fen()), balance: few(fen()) }
        PrepaymentAdjusted { province: few(province()), size: few(fen()), returned: few(fen()) }
        Ticked { forgotten: few(any::<u32>()) }
    }
}

#[test]
fn every_event_of_the_wire_is_tried() {
    let mut tried = BTreeSet::new();
    for event in events() {
        let bytes = event_to_proto(&sample(&event)).encode_to_vec();
        let number = field_number(&bytes);
        assert!(tried.insert(number), "event {number} is tried twice");
    }
    assert_eq!(tried, variants("Event", "kind"));
}

#[test]
fn every_refusal_goes_out_by_its_number_and_with_its_words() {
    let request = text::request_id(REQUEST).expect("well-formed");
    for refusal in Refusal::ALL {
        let outcome = Outcome::Refused(*refusal);
        let answer = Answer { position: Position { index: 1, place: 0 }, outcome, repeated: false };
        let result = answer_to_proto(request, &answer);
        assert_eq!(result.outcome(), pb::Outcome::Refused);
        let reason = pb::Reason::try_from(result.reason).expect("in the catalogue");
        assert_eq!(reason as i32, i32::from(refusal.number()));
        assert_eq!(proto::catalogue::text(reason).number, i32::from(refusal.number()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn different_events_are_different_on_the_wire(
        (one, other) in proptest::strategy::Union::new(events().into_iter().map(|event| (event.clone(), event))),
    ) {
        let (written, second) = (event_to_proto(&one), event_to_proto(&other));
        prop_assert_eq!(one == other, written == second, "{:?} and {:?}", one, other);
        let heard = pb::Event::decode(written.encode_to_vec().as_slice()).expect("decodes");
        prop_assert_eq!(heard, written);
    }
}
