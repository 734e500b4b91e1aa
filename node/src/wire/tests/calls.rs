//! Every call survives the wire.

use super::super::calls::call_to_proto;
use super::values::*;
use super::*;
use proptest::strategy::BoxedStrategy;
use prost::Message;

/// Every verb, each with values of its own. A new one breaks `call_to_proto`; a test says when it is missing here.
pub fn calls() -> Vec<BoxedStrategy<Call>> {
    vec![
        (any::<[u8; 16]>(), policy()).prop_map(|(cluster, policy)| Call::Genesis { cluster, policy }).boxed(),
        (province(), any::<bool>(), option::of(stamp()))
            .prop_map(|(province, wide, effective)| {
                let kinship = if wide { KinshipScope::Wide } else { KinshipScope::Narrow };
                Call::RegisterProvince { province, kinship, effective }
            })
            .boxed(),
        area().prop_map(|area| Call::RegisterArea { area }).boxed(),
        (area(), stamp(), option::of(stamp()))
            .prop_map(|(area, from, until)| Call::SetAreaOpen { area, from, until })
            .boxed(),
        (stamp(), policy()).prop_map(|(effective, policy)| Call::SetPolicy { effective, policy }).boxed(),
        (area(), premium(), year(), stamp(), tariff())
            .prop_map(|(area, premium, year, effective, tariff)| Call::SetTariff {
                area,
                premium,
                year,
                effective,
                tariff,
            })
            .boxed(),
        (year(), prop::collection::vec(day(), 0..5), prop::collection::vec(day(), 0..5))
            .prop_map(|(year, holidays, workdays)| Call::SetCalendar { year, holidays, workdays })
            .boxed(),
        (institution(), kind(), area(), any::<bool>())
            .prop_map(|(institution, kind, area, wallet_open)| Call::RegisterInstitution {
                institution,
                kind,
                area,
                wallet_open,
            })
            .boxed(),
        (person(), insurance(), area(), any::<bool>())
            .prop_map(|(person, insurance, area, retired)| Call::EnrolPerson {
                person,
                insurance,
                area,
                retired,
            })
            .boxed(),
        (person(), fen(), month())
            .prop_map(|(person, amount, period)| Call::CreditAccount { person, amount, period })
            .boxed(),
        person().prop_map(|person| Call::ActivateWallet { person }).boxed(),
        person().prop_map(|person| Call::DeactivateWallet { person }).boxed(),
        (person(), person(), kinship())
            .prop_map(|(donor, beneficiary, kinship)| Call::ProposeRelation { donor, beneficiary, kinship })
            .boxed(),
        relation().prop_map(|relation| Call::AcceptRelation { relation }).boxed(),
        relation().prop_map(|relation| Call::DeclineRelation { relation }).boxed(),
        (relation(), fen(), expiry())
            .prop_map(|(relation, amount, expiry)| Call::SetQuota { relation, amount, expiry })
            .boxed(),
        offer().prop_map(|offer| Call::AcceptOffer { offer }).boxed(),
        offer().prop_map(|offer| Call::DeclineOffer { offer }).boxed(),
        (relation(), fen()).prop_map(|(relation, amount)| Call::ReduceQuota { relation, amount }).boxed(),
        (person(), prop::collection::vec(relation(), 0..5))
            .prop_map(|(beneficiary, order)| Call::SetPriority { beneficiary, order })
            .boxed(),
        relation().prop_map(|relation| Call::ReleaseRelation { relation }).boxed(),
        spend().prop_map(Call::Settle).boxed(),
        spend().prop_map(Call::AuthoriseSpend).boxed(),
        (hold(), option::of(fen())).prop_map(|(hold, amount)| Call::ConfirmSpend { hold, amount }).boxed(),
        hold().prop_map(|hold| Call::VoidSpend { hold }).boxed(),
        (person(), premium(), year(), fen(), any::<(bool, bool)>())
            .prop_map(|(beneficiary, premium, year, amount, (use_own_account, all_or_nothing))| {
                Call::PayPremium { beneficiary, premium, year, amount, use_own_account, all_or_nothing }
            })
            .boxed(),
        (position(), option::of(fen()))
            .prop_map(|(at, amount)| Call::Refund { payment: PaymentId(at), amount })
            .boxed(),
        request().prop_map(|original| Call::Reverse { original }).boxed(),
        (
            person(),
            prop::sample::select(vec![
                InsuranceStatus::Normal,
                InsuranceStatus::Stopped,
                InsuranceStatus::Arrears,
                InsuranceStatus::Frozen,
            ]),
        )
            .prop_map(|(person, status)| Call::SetInsuranceStatus { person, status })
            .boxed(),
        (person(), any::<bool>()).prop_map(|(person, retired)| Call::SetRetired { person, retired }).boxed(),
        (person(), prop::sample::select(vec![Termination::Emigration, Termination::Other]))
            .prop_map(|(person, reason)| Call::TerminateInsurance { person, reason })
            .boxed(),
        person().prop_map(|person| Call::RegisterDeath { person }).boxed(),
        (person(), payout_reason(), option::of(fen()))
            .prop_map(|(person, reason, amount)| Call::Payout { person, reason, amount })
            .boxed(),
        (person(), area()).prop_map(|(person, to)| Call::MoveWithinProvince { person, to }).boxed(),
        (person(), area()).prop_map(|(person, to)| Call::ApplyTransfer { person, to }).boxed(),
        case().prop_map(|case| Call::AcceptTransfer { case }).boxed(),
        case().prop_map(|case| Call::SendTransfer { case }).boxed(),
        case().prop_map(|case| Call::ReceiveTransfer { case }).boxed(),
        case().prop_map(|case| Call::CompleteTransfer { case }).boxed(),
        case().prop_map(|case| Call::AbandonTransfer { case }).boxed(),
        case().prop_map(|case| Call::FailTransfer { case }).boxed(),
        (party(), suspension_reason(), file())
            .prop_map(|(party, reason, file)| Call::Suspend { party, reason, file })
            .boxed(),
        (party(), file()).prop_map(|(party, file)| Call::LiftSuspension { party, file }).boxed(),
        month().prop_map(|month| Call::ClosePeriod { month }).boxed(),
        (month(), area(), area(), sum())
            .prop_map(|(month, payer, payee, amount)| Call::ConfirmClearing { month, payer, payee, amount })
            .boxed(),
        (month(), area(), area(), dispute_reason(), file())
            .prop_map(|(month, payer, payee, reason, file)| Call::DisputeClearing {
                month,
                payer,
                payee,
                reason,
                file,
            })
            .boxed(),
        (month(), area(), area(), fen())
            .prop_map(|(month, payer, payee, amount)| Call::PayClearing { month, payer, payee, amount })
            .boxed(),
        (province(), fen()).prop_map(|(province, amount)| Call::FundPrepayment { province, amount }).boxed(),
        (province(), fen()).prop_map(|(province, size)| Call::AdjustPrepayment { province, size }).boxed(),
        Just(Call::Tick).boxed(),
    ]
}

pub fn payout_reason() -> impl Strategy<Value = PayoutReason> {
    prop::sample::select(vec![
        PayoutReason::Estate,
        PayoutReason::Emigration,
        PayoutReason::Resettled,
        PayoutReason::TransferImpossible,
    ])
}

fn suspension_reason() -> impl Strategy<Value = SuspensionReason> {
    prop::sample::select(vec![
        SuspensionReason::Impersonation,
        SuspensionReason::FalseSettlement,
        SuspensionReason::Other,
    ])
}

fn dispute_reason() -> impl Strategy<Value = DisputeReason> {
    prop::sample::select(vec![
        DisputeReason::SumDiffers,
        DisputeReason::SettlementUnknown,
        DisputeReason::CountedTwice,
        DisputeReason::Other,
    ])
}

#[test]
fn every_call_of_the_wire_is_tried() {
    let mut tried = BTreeSet::new();
    for call in calls() {
        let message = pb::Transaction { call: Some(call_to_proto(&sample(&call))), ..Default::default() };
        let number = field_number(&message.encode_to_vec());
        assert!(tried.insert(number), "call {number} is tried twice");
    }
    assert_eq!(tried, variants("Transaction", "call"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5000))]

    #[test]
    fn every_transaction_survives_the_wire(
        request in request(), caller in caller(), not_after in option::of(stamp()),
        signature in prop::collection::vec(any::<u8>(), 0..80),
        call in proptest::strategy::Union::new(calls()),
    ) {
        let sent = Transaction { request, caller, not_after, signature, call };
        let bytes = transaction_to_proto(&sent).encode_to_vec();
        let heard = pb::Transaction::decode(bytes.as_slice()).expect("decodes");
        prop_assert_eq!(transaction_from_proto(&heard), Ok(sent));
    }

    #[test]
    fn amounts_have_one_way_to_be_written(amount in fen()) {
        let written = of_yuan(amount);
        prop_assert_eq!(text::yuan(&written), Ok(amount));
        prop_assert_eq!(text::sum(&written), Ok(Sum::ZERO.plus(amount)));
        let expected = format!("{}.{:02}", amount.get() / 100, amount.get() % 100);
        prop_assert_eq!(written, expected);
    }

    #[test]
    fn no_text_is_read_as_an_amount_unless_it_is_one(text in "[-+ 0-9.,eE]{0,20}") {
        if let Ok(amount) = text::yuan(&text) {
            prop_assert_eq!(of_yuan(amount), text.clone());
        }
        if let Ok(sum) = text::sum(&text) {
            prop_assert_eq!(of_sum(sum), text);
        }
    }

    #[test]
    fn no_text_is_read_as_a_day_unless_it_is_one(text in "[0-9]{3,5}-[0-9]{1,2}-[0-9]{1,3}") {
        if let Ok(day) = text::day(&text) {
            prop_assert_eq!(of_day(day), text);
        }
    }

    #[test]
    fn differences_are_written_with_their_sign(charged in fen(), refunded in fen()) {
        let (plus, minus) = (charged.get(), refunded.get());
        let fen = plus.abs_diff(minus);
        let sign = if plus < minus { "-" } else { "" };
        let expected = format!("{sign}{}.{:02}", fen / 100, fen % 100);
        prop_assert_eq!(of_difference(Sum::ZERO.plus(charged), Sum::ZERO.plus(refunded)), expected.clone());
        prop_assert_eq!(of_fen(i128::from(plus) - i128::from(minus)), expected);
    }
}
