//! One sample of every table.

use super::names::*;
use ledger::command::{
    DisputeReason, Expiry, InstitutionKind, Insurance, InsuranceStatus, Kinship, KinshipScope, Policy,
    Premium, SuspensionReason, Tariff,
};
use ledger::decision::{LegPaid, Outcome, ReleaseCause};
use ledger::digest::RowHash;
use ledger::stamp::{Day, Month};
use ledger::table::*;
use ledger::{Caller, Event, Key, MedType, Position, Row, Stamp};

fn suspension() -> Suspension {
    Suspension { reason: SuspensionReason::Impersonation, file: file(), since: AT }
}

/// The ledger's own records, and registers.
fn registers() -> Vec<(Key, Row)> {
    let (area, province) = (area(320_500), province(32));
    vec![
        (
            Key::Ledger {},
            LedgerRecord {
                cluster: [7; 16],
                now: AT,
                begun: Stamp(1),
                clearing: Month { year: 2026, month: 3 },
                day: Day(20_513),
                accepted: 9,
                forgotten_before_ms: 3,
            }
            .into_row(),
        ),
        (Key::Policy {}, PolicyRecord { versions: vec![(AT, Policy::PILOT_2024)] }.into_row()),
        (Key::Province { province }, ProvinceRecord { scopes: vec![(AT, KinshipScope::Wide)] }.into_row()),
        (
            Key::Area { area },
            AreaRecord { openings: vec![(Stamp(1), None), (Stamp(2), Some(Stamp(3)))] }.into_row(),
        ),
        (
            Key::Institution { institution: shop() },
            InstitutionRecord {
                kind: InstitutionKind::Pharmacy,
                area,
                wallet_open: true,
                suspended: Some(suspension()),
            }
            .into_row(),
        ),
        (
            Key::Calendar { year: 2026 },
            CalendarRecord { holidays: vec![Day(1)], workdays: vec![] }.into_row(),
        ),
        (
            Key::Tariff { area, premium: Premium::Care, year: 2026 },
            TariffRecord { versions: vec![(AT, Tariff::NotOffered), (AT, Tariff::Exactly(fen(1)))] }
                .into_row(),
        ),
        (Key::Day { day: Day(20_513) }, DayRecord { index: 258 }.into_row()),
    ]
}

/// Persons, relations, and what hangs on them.
fn relations() -> Vec<(Key, Row)> {
    let (donor, beneficiary, relation, offer, at) = (DONOR, USER, RELATION, OFFER, AT);
    let account = Account {
        area: area(320_700),
        available: fen(1),
        reserved: fen(2),
        held: fen(3),
        credited: fen(515),
        paid_out: fen(4),
        raised_on: Day(5),
        raises: 6,
        offers: 7,
    };
    let person = PersonRecord {
        insurance: Insurance::Resident,
        area: area(320_500),
        status: InsuranceStatus::Stopped,
        retired: true,
        wallet_active: true,
        suspended: Some(suspension()),
        transfer: Some(CASE),
        failed_transfer: None,
        releasing: Some(ReleaseCause::Transfer),
        holds: 2,
        account: Some(account),
        donors: vec![relation],
    };
    let record = RelationRecord {
        donor,
        beneficiary,
        kinship: Kinship::Parent,
        state: RelationState::Proposed { by: DONOR, lapses: AT },
        sequence: 5,
        limit: fen(10_000),
        used: fen(8_000),
        held: fen(1_000),
        unused: fen(1_000),
        expires: Some(AT),
        offers: vec![offer],
        raised: Some(Stamp(4)),
    };
    let (made, returns, state) = (Stamp(1), AT, OfferState::Released);
    let made = OfferRecord { relation, amount: fen(1), expiry: Expiry::Never, made, returns, state };
    vec![
        (Key::Person { person: donor }, person.into_row()),
        (Key::Relation { relation }, record.into_row()),
        (Key::Pair { donor, beneficiary }, PairRecord { relation }.into_row()),
        (Key::Giving { donor, relation }, GivingRecord.into_row()),
        (Key::Receiving { beneficiary, relation }, ReceivingRecord.into_row()),
        (Key::Lapsing { at, relation }, LapsingRecord.into_row()),
        (Key::Expiring { at, relation }, ExpiringRecord.into_row()),
        (Key::Offer { offer }, made.into_row()),
        (Key::Returning { at, offer }, ReturningRecord.into_row()),
        (Key::Offering { donor, at, offer }, OfferingRecord.into_row()),
        (Key::Releasing { person: donor }, ReleasingRecord { cause: ReleaseCause::Death }.into_row()),
        (
            Key::Case { case: CASE },
            CaseRecord {
                person: donor,
                from: area(320_500),
                to: area(410_100),
                state: CaseState::Sent,
                balance: fen(1),
                applied: Stamp(2),
                accepted: Some(Stamp(3)),
                source_due: Some(Day(4)),
                due: Some(Day(5)),
                ended: None,
                overdue: [true, false],
                waiting: vec![(area(320_500), Use::Other, fen(6))],
            }
            .into_row(),
        ),
        (Key::Due { at, case: CASE }, DueRecord { step: CaseStep::Complete }.into_row()),
        (
            Key::Portability { position: CASE.0 },
            PortabilityRecord {
                case: CASE,
                at,
                to: area(410_100),
                lines: vec![(area(320_500), Use::Other, fen(6))],
            }
            .into_row(),
        ),
    ]
}

/// Payments, holds, refunds.
fn spending() -> Vec<(Key, Row)> {
    let (relation, donor, beneficiary, at) = (RELATION, DONOR, USER, AT);
    let legs = vec![Leg { relation, donor, area: area(320_500), amount: fen(4), refunded: fen(2) }];
    let payment = PaymentRecord {
        beneficiary,
        insurance: Insurance::Resident,
        home: area(410_300),
        payee: Payee::Institution(shop(), MedType::PHARMACY),
        area: area(410_100),
        at,
        authorised: Stamp(1),
        usage: Use::Pharmacy,
        amount: fen(12_000),
        own: OwnPart { area: area(410_100), amount: fen(3), refunded: fen(1) },
        legs,
        cash: fen(5),
        cash_refunded: fen(5),
        own_first: true,
        reinstated: true,
        reversed: true,
    };
    let hold = HoldRecord {
        beneficiary,
        institution: shop(),
        med_type: MedType::OUTPATIENT,
        area: area(410_100),
        usage: Use::Institution,
        at: Stamp(1),
        expires: at,
        amount: fen(9),
        own: fen(1),
        legs: vec![HeldLeg { relation, donor, amount: fen(3) }],
        cash: fen(5),
        own_first: false,
        state: HoldState::Confirmed { payment: PAYMENT },
    };
    let part = |place, to| RefundPart { place, amount: fen(1), to };
    let refund = RefundRecord {
        payment: PAYMENT,
        at,
        amount: fen(4),
        cash: fen(1),
        own: Some(part(0, Destination::Account(area(410_100)))),
        legs: vec![part(1, Destination::Transit(CASE)), part(0, Destination::Quota(area(320_500)))],
        undoes: Some(REFUND),
        undone: true,
    };
    let paid = vec![LegPaid { relation, amount: fen(10_000), unused: fen(0) }];
    let settled = Event::Settled {
        payment: PAYMENT,
        hold: None,
        premium: None,
        own: fen(1),
        legs: paid,
        cash: fen(2),
        skipped: vec![relation],
    };
    let outcome = Outcome::Done(vec![settled]);
    vec![
        (Key::Payment { payment: PAYMENT }, payment.into_row()),
        (Key::Hold { hold: HOLD }, hold.into_row()),
        (Key::Resolving { at, hold: HOLD }, ResolvingRecord.into_row()),
        (
            Key::Premium { person: beneficiary, premium: Premium::Resident, year: 2026 },
            PremiumRecord { payment: PAYMENT }.into_row(),
        ),
        (Key::Refund { refund: REFUND }, refund.into_row()),
        (
            Key::Request { request: REQUEST, caller: Caller::Institution(shop()) },
            RequestRecord { fingerprint: [0xf0; 16], position: relation.0, outcome }.into_row(),
        ),
    ]
}

/// What areas and provinces owe, and what is counted.
fn clearing() -> Vec<(Key, Row)> {
    let month = Month { year: 2026, month: 3 };
    let (payer, payee, province) = (area(320_500), area(410_100), province(32));
    let period = PeriodRecord {
        begun: Position { index: 300, place: 1 },
        closed: Some(AT),
        posted: true,
        reached: Some((payer, payee)),
        obligations: 1,
        lines: 2,
        total: sum(3),
        digest: RowHash::of(b"key", b"value"),
        provinces: vec![(province, sum(4), sum(5))],
    };
    let line = ClearingRecord {
        amount: sum(1),
        payer_confirmed: true,
        payee_confirmed: false,
        advanced: sum(2),
        paid: sum(3),
        refilled: sum(4),
        disputes: vec![(AT, province, DisputeReason::SumDiffers, file())],
    };
    let fund =
        PrepaymentRecord { size: fen(1), balance: fen(2), drawn: sum(3), funded: sum(4), returned: sum(5) };
    let (scope, usage) = (Scope::CrossProvince, Use::CarePremium);
    let (charged, refunded) = (sum(10_000), sum(1_000));
    vec![
        (
            Key::Obligation { month, payer, payee, usage: Use::Institution },
            ObligationRecord { charged, refunded }.into_row(),
        ),
        (Key::Period { month }, period.into_row()),
        (Key::Clearing { month, payer, payee }, line.into_row()),
        (Key::Prepayment { province }, fund.into_row()),
        (
            Key::Tally { month, giving: province, using: province, scope, usage },
            TallyRecord { paid: charged, refunded, count: 3, count_back: 1 }.into_row(),
        ),
        (Key::Usage { month, province }, UsageRecord { charged, refunded }.into_row()),
    ]
}

/// One sample of every table, in the order of their numbers.
pub fn rows() -> Vec<(Key, Row)> {
    let mut rows = [registers(), relations(), spending(), clearing()].concat();
    rows.sort_by_key(|(key, _)| key.table().number());
    rows
}
