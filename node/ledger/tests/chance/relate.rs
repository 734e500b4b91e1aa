//! Asks about relations, quotas and offers.

use super::world::{KINSHIPS, amount, person};
use super::{Ask, Sender, Verb};
use crate::model::{Model, Phase};
use ledger::command::{Expiry, Insurance, Kinship};
use ledger::stamp::{DAY_MS, HOUR_MS, MINUTE_MS};
use ledger::table::OfferState;
use ledger::{Call, Caller, OfferId, Person, Position, RelationId};

impl Sender {
    pub(super) fn relate(&mut self, model: &Model, ask: &Ask) -> (Caller, Call) {
        let [a, b, c, d, e, ..] = ask.pick;
        match ask.verb {
            Verb::ProposeRelation => return self.propose(model, ask),
            Verb::AcceptOffer | Verb::DeclineOffer => return self.offer(model, ask),
            Verb::SetPriority => {
                let users = |model: &Model, id: Person| model.donors(id).len() > 1;
                let some = self.someone_who(model, a, users).filter(|_| e < 200);
                let beneficiary = some.unwrap_or_else(|| self.someone(model, a));
                let mut order = model.donors(beneficiary);
                let turns = usize::from(b) % (order.len() + 1);
                order.rotate_left(turns);
                order.truncate(usize::from(c) % 4);
                if d > 200 {
                    order.push(self.relation(model, e));
                }
                return (Caller::Person(beneficiary), Call::SetPriority { beneficiary, order });
            }
            _ => {}
        }
        let waiting = model.bonds.iter().rev().filter(|(_, bond)| bond.phase == Phase::Waiting).take(3);
        let waiting: Vec<RelationId> = waiting.map(|(id, _)| *id).collect();
        let answers = matches!(ask.verb, Verb::AcceptRelation | Verb::DeclineRelation);
        let relation = match answers && b < 225 && !waiting.is_empty() {
            true => waiting[usize::from(b) % waiting.len()],
            false => self.relation(model, a),
        };
        let (donor, user, by) = match model.bonds.get(&relation) {
            Some(bond) => (bond.donor, bond.user, bond.by),
            None => (person(29), person(29), person(29)),
        };
        let other = if by == donor { user } else { donor };
        let by_donor = Caller::Person(donor);
        match ask.verb {
            Verb::AcceptRelation => {
                (Caller::Person(if c > 248 { by } else { other }), Call::AcceptRelation { relation })
            }
            Verb::DeclineRelation => {
                (Caller::Person(if c > 150 { by } else { other }), Call::DeclineRelation { relation })
            }
            Verb::SetQuota => {
                let amount = match d {
                    0..60 => self.part(model.available(donor), e),
                    _ => amount(d),
                };
                (by_donor, Call::SetQuota { relation, amount, expiry: self.expiry(c) })
            }
            Verb::ReduceQuota => {
                let amount = if d < 128 { self.part(model.unused(relation), e) } else { amount(d) };
                (by_donor, Call::ReduceQuota { relation, amount })
            }
            Verb::ReleaseRelation => {
                (Caller::Person(if c > 150 { user } else { donor }), Call::ReleaseRelation { relation })
            }
            other => panic!("{other:?} is no verb of relations"),
        }
    }

    fn expiry(&self, pick: u8) -> Expiry {
        let spans = [10 * MINUTE_MS, HOUR_MS, DAY_MS, 9 * DAY_MS, 31 * DAY_MS];
        match pick {
            0..150 => Expiry::Keep,
            150..170 => Expiry::Never,
            170..250 => Expiry::At(self.moment(0).plus_ms(spans[usize::from(pick) % spans.len()])),
            250.. => Expiry::At(self.moment(pick % 2 * 5)),
        }
    }

    fn propose(&mut self, model: &Model, ask: &Ask) -> (Caller, Call) {
        let [a, b, c, d, e, ..] = ask.pick;
        let gives = |model: &Model, id: Person| {
            let human = model.human(id);
            human.insurance == Insurance::Employee && human.wallet
        };
        let donor = match d {
            0..180 => self.someone_who(model, a, gives).unwrap_or(person(a)),
            _ => self.someone(model, a),
        };
        let beneficiary = if d > 250 { donor } else { self.someone(model, b) };
        // Often once more what has lapsed.
        let mut lapsed = model.bonds.values().filter(|bond| bond.phase == Phase::Waiting);
        let lapsed = lapsed.find(|bond| bond.lapses <= model.now).filter(|_| e < 128);
        let (donor, beneficiary) = lapsed.map_or((donor, beneficiary), |bond| (bond.donor, bond.user));
        let near = [Kinship::Spouse, Kinship::Parent, Kinship::Child];
        let kinship = if c < 150 { near[usize::from(c) % near.len()] } else { KINSHIPS[usize::from(c) % 8] };
        let by = if e.is_multiple_of(2) { donor } else { beneficiary };
        (Caller::Person(by), Call::ProposeRelation { donor, beneficiary, kinship })
    }

    fn offer(&mut self, model: &Model, ask: &Ask) -> (Caller, Call) {
        let [a, b, c, ..] = ask.pick;
        let open = model.offers.iter().rev().filter(|(_, offer)| offer.state == OfferState::Open);
        let open = open.filter(|(_, offer)| c < 40 || model.now < offer.returns).take(5);
        let open: Vec<OfferId> = open.map(|(id, _)| *id).collect();
        let recent: Vec<OfferId> = model.offers.keys().rev().take(8).copied().collect();
        let offer = match a {
            0..200 if !open.is_empty() => open[usize::from(b) % open.len()],
            0..246 if !recent.is_empty() => recent[usize::from(b) % recent.len()],
            0..251 => OfferId(Position { index: u64::MAX, place: 0 }),
            251.. => OfferId(Position { index: 0, place: 0 }),
        };
        let bond = model.offers.get(&offer).map(|offer| &model.bonds[&offer.relation]);
        let (donor, user) = bond.map_or((person(29), person(29)), |bond| (bond.donor, bond.user));
        match ask.verb {
            Verb::AcceptOffer => (Caller::Person(user), Call::AcceptOffer { offer }),
            _ => (Caller::Person(if c > 150 { user } else { donor }), Call::DeclineOffer { offer }),
        }
    }
}
