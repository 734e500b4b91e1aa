//! What an ask means to the ledger at hand: its call, and who would usually make it.

use super::{Ask, KINSHIPS, PERSONS, SHOPS, Sender, VERBS, WHEN, amount, area, person, shop};
use crate::model::{Model, Phase};
use ledger::command::{InstitutionKind, KinshipScope, Policy};
use ledger::stamp::{DAY_MS, HOUR_MS};
use ledger::{Call, Caller, PaymentId, Position, RelationId, Stamp};

impl Sender {
    pub(super) fn anyone(&self, number: u8, pick: u8) -> Caller {
        match number % 8 {
            0 => Caller::National,
            1 => Caller::Province(area(pick).province()),
            2 => Caller::Agency(area(pick)),
            3 => Caller::Institution(shop(pick)),
            4 | 5 => Caller::Person(person(pick)),
            6 => Caller::Auditor,
            _ => Caller::Node,
        }
    }

    fn relation(&self, model: &Model, pick: u8) -> RelationId {
        let ids = &model.bonds;
        match pick {
            0..245 if !ids.is_empty() => ids[ids.len() - 1 - usize::from(pick) % ids.len().min(12)].id,
            0..252 => RelationId(Position { index: u64::MAX, place: 0 }),
            252.. => RelationId(Position { index: 0, place: 0 }),
        }
    }

    fn payment(&self, model: &Model, pick: u8) -> PaymentId {
        let ids = &model.bills;
        match pick {
            0..245 if !ids.is_empty() => ids[ids.len() - 1 - usize::from(pick) % ids.len().min(12)].id,
            0..252 => PaymentId(Position { index: u64::MAX, place: 0 }),
            252.. => PaymentId(Position { index: 0, place: 0 }),
        }
    }

    fn moment(&self, pick: u8) -> Stamp {
        Stamp(self.stamp.saturating_add_signed(WHEN[usize::from(pick) % WHEN.len()]))
    }

    fn policy(&self, pick: [u8; 5]) -> Policy {
        let windows = [DAY_MS, DAY_MS, 3 * DAY_MS, HOUR_MS, 999];
        let days = [30, 30, 1, 20, 0];
        let donors = [256, 2, 2, 1, 257];
        Policy {
            request_window_ms: windows[usize::from(pick[0] / 2) % 5],
            request_ahead_ms: HOUR_MS,
            proposal_days: days[usize::from(pick[1]) % 5],
            donors_max: donors[usize::from(pick[2]) % 5],
            own_account_first: pick[3].is_multiple_of(2),
        }
    }

    pub(super) fn call(&self, model: &Model, ask: &Ask) -> (Caller, Call) {
        let [a, b, c, d, e] = ask.pick;
        let nobody = Caller::Person(person(8));
        match VERBS[usize::from(ask.verb)].1 {
            "Genesis" => {
                (Caller::National, Call::Genesis { cluster: [7; 16], policy: self.policy([a, b, c, d, e]) })
            }
            "RegisterProvince" => {
                let province = area(a % 7).province();
                let kinship = if b.is_multiple_of(2) { KinshipScope::Wide } else { KinshipScope::Narrow };
                (Caller::National, Call::RegisterProvince { province, kinship })
            }
            "RegisterArea" => (Caller::National, Call::RegisterArea { area: area(a) }),
            "SetAreaOpen" => {
                let from = self.moment(b);
                let until = match c % 4 {
                    0 => Some(from.plus_ms(HOUR_MS)),
                    1 if d < 128 => Some(from),
                    _ => None,
                };
                (Caller::National, Call::SetAreaOpen { area: area(a), from, until })
            }
            "SetPolicy" => {
                let effective = self.moment(e);
                (Caller::National, Call::SetPolicy { effective, policy: self.policy([a, b, c, d, e]) })
            }
            "RegisterInstitution" => {
                let (institution, mut place) = (shop(a), area(SHOPS[usize::from(a) % SHOPS.len()].1 as u8));
                let mut hospital = institution.as_str().starts_with('H');
                match b {
                    0..200 => {}
                    200..228 => place = area(c),
                    228.. => hospital = !hospital,
                }
                let kind = if hospital { InstitutionKind::Hospital } else { InstitutionKind::Pharmacy };
                let wallet_open = d.is_multiple_of(4) || a % 6 != 3;
                let call = Call::RegisterInstitution { institution, kind, area: place, wallet_open };
                (Caller::Province(place.province()), call)
            }
            "EnrolPerson" => {
                let (insurance, place) = PERSONS[usize::from(a) % PERSONS.len()];
                let place = if b < 200 { area(place as u8) } else { area(c) };
                (Caller::Agency(place), Call::EnrolPerson { person: person(a), insurance, area: place })
            }
            "CreditAccount" => {
                let person = person(a);
                let insured = model.human(person).map_or(area(0), |human| human.area);
                let call =
                    Call::CreditAccount { person, amount: amount(b), period: Stamp(self.stamp).month() };
                (Caller::Agency(insured), call)
            }
            "ActivateWallet" => (Caller::Person(person(a)), Call::ActivateWallet { person: person(a) }),
            "ProposeRelation" => {
                // Half of the time two who can agree; else anyone.
                let (from, to) = if a < 128 { (a % 7, b % 7) } else { (a, b) };
                let (donor, beneficiary) = (person(from), person(to));
                let kinship = KINSHIPS[usize::from(c) % if d < 128 { 3 } else { 8 }];
                let by = if e.is_multiple_of(2) { donor } else { beneficiary };
                (Caller::Person(by), Call::ProposeRelation { donor, beneficiary, kinship })
            }
            "AcceptRelation" => {
                let waiting = model.bonds.iter().rev().find(|bond| bond.phase == Phase::Waiting);
                let relation = waiting.filter(|_| b < 128).map_or(self.relation(model, a), |bond| bond.id);
                (model.answerer_of(relation).unwrap_or(nobody), Call::AcceptRelation { relation })
            }
            "DeclineRelation" => {
                let relation = self.relation(model, a);
                (model.answerer_of(relation).unwrap_or(nobody), Call::DeclineRelation { relation })
            }
            "SetQuota" => {
                let relation = self.relation(model, a);
                (model.donor_of(relation).unwrap_or(nobody), Call::SetQuota { relation, amount: amount(b) })
            }
            "ReduceQuota" => {
                let relation = self.relation(model, a);
                (
                    model.donor_of(relation).unwrap_or(nobody),
                    Call::ReduceQuota { relation, amount: amount(b) },
                )
            }
            "SetPriority" => {
                let beneficiary = person(a);
                let mut order = model.donors(beneficiary);
                let turns = usize::from(b) % (order.len() + 1);
                order.rotate_left(turns);
                order.truncate(usize::from(c) % 4);
                if d > 190 {
                    order.push(self.relation(model, e));
                }
                (Caller::Person(beneficiary), Call::SetPriority { beneficiary, order })
            }
            "Settle" => {
                let used = model.bonds.iter().rev().nth(usize::from(a) % 8).map(|bond| bond.user);
                let beneficiary = used.filter(|_| e < 180).unwrap_or(person(a));
                let call = Call::Settle {
                    beneficiary,
                    institution: shop(b),
                    amount: amount(c),
                    use_own_account: d % 4 != 0,
                    all_or_nothing: d % 5 == 0,
                };
                (Caller::Institution(shop(b)), call)
            }
            "Refund" => {
                let payment = self.payment(model, a);
                let paid = model.bill(payment).map_or(shop(b), |bill| bill.shop);
                let amount = (c > 60).then(|| amount(b));
                (Caller::Institution(paid), Call::Refund { payment, amount })
            }
            "ReleaseRelation" => {
                let relation = self.relation(model, a);
                (model.donor_of(relation).unwrap_or(nobody), Call::ReleaseRelation { relation })
            }
            "Tick" => (Caller::Node, Call::Tick),
            other => panic!("no verb {other}"),
        }
    }
}
