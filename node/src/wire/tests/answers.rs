//! What goes out.

use super::*;
use ledger::decision::LegPaid;
use ledger::movements::{Kind as Moved, Movement};
use ledger::table::{ObligationRecord, Use};
use ledger::{Answer, Outcome};
use proto::v1::event::Kind;

#[test]
fn the_catalogue_and_the_contract_name_the_same_refusals_in_the_same_order() {
    let shouted = |name: &str| {
        name.chars().fold(String::from("REASON"), |mut text, letter| {
            if letter.is_uppercase() {
                text.push('_');
            }
            text.push(letter.to_ascii_uppercase());
            text
        })
    };
    let contract: Vec<(i32, String)> =
        Refusal::ALL.iter().map(|refusal| (i32::from(refusal.number()), shouted(refusal.name()))).collect();
    let catalogue: Vec<(i32, String)> = proto::catalogue::CATALOGUE
        .iter()
        .filter(|text| text.number < 9000)
        .map(|text| (text.number, text.name.to_owned()))
        .collect();
    assert_eq!(catalogue, contract);
}

#[test]
fn a_refusal_goes_out_with_its_number() {
    let request = text::request_id(REQUEST).expect("well-formed");
    let answer = Answer {
        position: Position { index: 1311, place: 4 },
        outcome: Outcome::Refused(Refusal::NotCovered),
        repeated: true,
    };
    let result = answer_to_proto(request, &answer);
    assert_eq!(result.request_id, REQUEST);
    assert_eq!(result.outcome(), pb::Outcome::Refused);
    assert_eq!(result.reason(), pb::Reason::NotCovered);
    assert_eq!((result.index, result.place, result.repeated), (1311, 4, true));
    assert!(result.events.is_empty());
}

#[test]
fn a_settlement_goes_out_with_its_parts() {
    let fen = |fen| Fen::new(fen).expect("small");
    let relation = RelationId(Position { index: 7, place: 1 });
    let payment = PaymentId(Position { index: 9, place: 0 });
    let event = Event::Settled {
        payment,
        hold: None,
        premium: Some((Premium::Care, 2026)),
        own: fen(5),
        legs: vec![LegPaid { relation, amount: fen(9860), unused: Fen::ZERO }],
        cash: fen(100),
        skipped: vec![relation],
    };
    let expected = pb::Settled {
        payment: "9-0".into(),
        own: "0.05".into(),
        legs: vec![pb::LegPaid { relation: "7-1".into(), amount: "98.60".into(), unused: "0.00".into() }],
        cash: "1.00".into(),
        skipped: vec!["7-1".into()],
        hold: String::new(),
        premium: pb::Premium::Care as i32,
        premium_year: 2026,
    };
    assert_eq!(event_to_proto(&event).kind, Some(Kind::Settled(expected)));
}

#[test]
fn more_refunded_than_charged_is_owed_below_zero() {
    let area = |code| Area::new(code).expect("of the scheme");
    let record = ObligationRecord {
        charged: Sum::ZERO.plus(Fen::MAX).plus(Fen::MAX),
        refunded: (0..3).fold(Sum::ZERO, |sum, _| sum.plus(Fen::MAX)),
    };
    let month = text::month("2026-10").expect("well-formed");
    let row = obligation_to_proto(month, area(320_500), area(410_100), Use::Pharmacy, &record);
    assert_eq!(row.charged, "199999999999999.98");
    assert_eq!(row.refunded, "299999999999999.97");
    assert_eq!(row.owed, "-99999999999999.99");
    assert_eq!((row.month.as_str(), row.payer.as_str(), row.payee.as_str()), ("2026-10", "320500", "410100"));
    let (told, back) = obligation_from_proto(&row).expect("what was written reads back");
    assert_eq!((told, back.payer, back.usage, back.record), (month, area(320_500), Use::Pharmacy, record));
}

#[test]
fn a_movement_reads_back_and_a_wrong_one_names_its_field() {
    let area = |code| Area::new(code).expect("an area");
    let position = |index| Position { index, place: 3 };
    for kind in [Moved::Payment, Moved::Refund, Moved::Undoing, Moved::Portability] {
        for fen in [1, -320, Fen::MAX.get() as i64] {
            let movement = Movement {
                position: position(1_311),
                line: 513,
                at: Stamp(1_772_323_200_123),
                kind,
                payment: (fen > 0).then_some(PaymentId(position(7))),
                case: (fen < 0).then_some(CaseId(position(8))),
                payer: area(320_500),
                payee: area(410_100),
                usage: Use::CarePremium,
                fen,
                relation: (fen > 0).then_some(RelationId(position(9))),
            };
            let told = movement_to_proto(&movement);
            assert_eq!(movement_from_proto(&told), Ok(movement));
            let field = |told| movement_from_proto(&told).expect_err("malformed").field;
            assert_eq!(field(pb::Movement { amount: "--1.00".into(), ..told.clone() }), "amount");
            assert_eq!(field(pb::Movement { line: 65_536, ..told.clone() }), "line");
            assert_eq!(field(pb::Movement { at: None, ..told.clone() }), "at");
            assert_eq!(field(pb::Movement { payer: String::new(), ..told }), "payer");
        }
    }
}
