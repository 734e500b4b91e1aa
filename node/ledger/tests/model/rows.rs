//! The state as it should be, row by row: what every reader of the real ledger would see.

use super::{Bond, Human, Model, Phase, by_date, fen};
use ledger::stamp::Day;
use ledger::table::{
    Account, AreaRecord, DayRecord, DueRecord, ExpiringRecord, GivingRecord, HoldState, LapsingRecord,
    LedgerRecord, ObligationRecord, OfferState, OfferingRecord, PairRecord, PersonRecord, PolicyRecord,
    PremiumRecord, ProvinceRecord, ReceivingRecord, Record, RelationRecord, RelationState, ReleasingRecord,
    RequestRecord, ResolvingRecord, ReturningRecord, TallyRecord, TariffRecord, UsageRecord,
};
use ledger::{Key, Person, RelationId, Row, Sum};
use std::collections::BTreeSet;

impl Model {
    /// The row of this key, if there should be one. Of a remembered request the fingerprint is left out.
    pub fn row(&self, key: &Key) -> Option<Row> {
        match *key {
            Key::Ledger {} => self.begun.map(|begun| {
                let (cluster, now, clearing, day) = (self.cluster, self.now, self.clearing, self.day);
                let (accepted, forgotten_before_ms) = (self.accepted, self.edge);
                LedgerRecord { cluster, now, begun, clearing, day, accepted, forgotten_before_ms }.into_row()
            }),
            Key::Policy {} => {
                let versions = by_date(&self.policies);
                (!versions.is_empty()).then(|| PolicyRecord { versions }.into_row())
            }
            Key::Province { province } => {
                let scopes = self.provinces.get(&province)?;
                Some(ProvinceRecord { scopes: by_date(scopes) }.into_row())
            }
            Key::Area { area } => {
                let openings = self.areas.get(&area)?;
                Some(AreaRecord { openings: by_date(openings) }.into_row())
            }
            Key::Institution { institution } => Some(self.shops.get(&institution)?.clone().into_row()),
            Key::Person { person } => Some(self.person(person, self.people.get(&person)?).into_row()),
            Key::Relation { relation } => {
                Some(self.relation(relation, self.bonds.get(&relation)?).into_row())
            }
            Key::Pair { donor, beneficiary } => {
                let (relation, _) = self
                    .bonds
                    .iter()
                    .find(|(_, bond)| bond.stands() && bond.donor == donor && bond.user == beneficiary)?;
                Some(PairRecord { relation: *relation }.into_row())
            }
            Key::Giving { donor, relation } => {
                let bond = self.bonds.get(&relation)?;
                (bond.stands() && bond.donor == donor).then(|| GivingRecord.into_row())
            }
            Key::Receiving { beneficiary, relation } => {
                let bond = self.bonds.get(&relation)?;
                (bond.stands() && bond.user == beneficiary).then(|| ReceivingRecord.into_row())
            }
            Key::Lapsing { at, relation } => {
                let bond = self.bonds.get(&relation)?;
                (bond.phase == Phase::Waiting && bond.lapses == at).then(|| LapsingRecord.into_row())
            }
            Key::Expiring { at, relation } => {
                let bond = self.bonds.get(&relation)?;
                let runs = bond.phase == Phase::Living && !bond.swept && bond.expires == Some(at);
                runs.then(|| ExpiringRecord.into_row())
            }
            Key::Offer { offer } => Some(self.offers.get(&offer)?.into_row()),
            Key::Returning { at, offer } => {
                let record = self.offers.get(&offer)?;
                (record.state == OfferState::Open && record.returns == at).then(|| ReturningRecord.into_row())
            }
            Key::Offering { donor, at, offer } => {
                let record = self.offers.get(&offer)?;
                let its = self.bonds[&record.relation].donor == donor && record.returns == at;
                (record.state == OfferState::Open && its).then(|| OfferingRecord.into_row())
            }
            Key::Hold { hold } => Some(self.holds.get(&hold)?.clone().into_row()),
            Key::Resolving { at, hold } => {
                let record = self.holds.get(&hold)?;
                let runs = record.state == HoldState::Held && record.expires == at;
                runs.then(|| ResolvingRecord.into_row())
            }
            Key::Payment { payment } => Some(self.bills.get(&payment)?.clone().into_row()),
            Key::Refund { refund } => Some(self.refunds.get(&refund)?.clone().into_row()),
            Key::Premium { person, premium, year } => {
                let payment = *self.premiums.get(&(person, premium, year))?;
                Some(PremiumRecord { payment }.into_row())
            }
            Key::Releasing { person } => {
                let cause = self.people.get(&person)?.releasing?;
                Some(ReleasingRecord { cause }.into_row())
            }
            Key::Case { case } => {
                let mut record = self.cases.get(&case)?.clone();
                record.balance = fen(self.pocket(super::Pocket::Transit(case)));
                Some(record.into_row())
            }
            Key::Due { at, case } => {
                self.cases.get(&case)?;
                // One key for both steps of the same day: the first to be done is named.
                let step = self.awaited(case).into_iter().find(|(due, _)| *due == at)?.1;
                Some(DueRecord { step }.into_row())
            }
            Key::Portability { position } => Some(self.portability.get(&position)?.clone().into_row()),
            Key::Calendar { year } => Some(self.calendars.get(&year)?.clone().into_row()),
            Key::Tariff { area, premium, year } => {
                let versions = self.tariffs.get(&(area, premium, year))?;
                Some(TariffRecord { versions: by_date(versions) }.into_row())
            }
            Key::Obligation { month, payer, payee, usage } => {
                let (charged, refunded) = *self.books.get(&(month, payer, payee, usage))?;
                let (charged, refunded) = (Sum::new(charged), Sum::new(refunded));
                Some(ObligationRecord { charged, refunded }.into_row())
            }
            Key::Usage { month, province } => {
                let (charged, refunded) = self.usage(month, province)?;
                let (charged, refunded) = (Sum::new(charged), Sum::new(refunded));
                Some(UsageRecord { charged, refunded }.into_row())
            }
            Key::Tally { month, giving, using, scope, usage } => {
                let [paid, refunded, count, back] =
                    *self.tallies.get(&(month, giving, using, scope, usage))?;
                let (paid, refunded) = (Sum::new(paid), Sum::new(refunded));
                let (count, count_back) = (count as u64, back as u64);
                Some(TallyRecord { paid, refunded, count, count_back }.into_row())
            }
            Key::Period { month } => Some(self.periods.get(&month)?.clone().into_row()),
            Key::Clearing { month, payer, payee } => {
                Some(self.lines.get(&(month, payer, payee))?.clone().into_row())
            }
            Key::Prepayment { province } => Some(self.funds.get(&province)?.into_row()),
            Key::Day { day } => Some(DayRecord { index: *self.days.get(&day)? }.into_row()),
            Key::Request { request, caller } => {
                let (_, answer) = self.memory.get(&(request, caller))?;
                let (fingerprint, position, outcome) = ([0; 16], answer.position, answer.outcome.clone());
                Some(RequestRecord { fingerprint, position, outcome }.into_row())
            }
        }
    }

    fn person(&self, id: Person, human: &Human) -> PersonRecord {
        let raised_on = human.raises.last().copied().unwrap_or(Day(0));
        let raises = human.raises.iter().filter(|day| **day == raised_on).count() as u16;
        let offers = self.offers.values().filter(|offer| offer.state == OfferState::Open);
        let offers = offers.filter(|offer| self.bonds[&offer.relation].donor == id).count() as u16;
        let account = human.account.map(|area| Account {
            area,
            available: fen(self.available(id)),
            reserved: fen(self.reserved(id)),
            held: fen(self.held_own(id)),
            credited: fen(self.credited(id)),
            paid_out: fen(self.pocket(super::Pocket::PaidOut(id))),
            raised_on,
            raises,
            offers,
        });
        PersonRecord {
            insurance: human.insurance,
            area: human.area,
            status: human.status,
            retired: human.retired,
            wallet_active: human.wallet,
            suspended: human.suspended,
            transfer: human.transfer,
            failed_transfer: human.failed,
            releasing: human.releasing,
            holds: self.party_to_holds(id),
            account,
            donors: self.donors(id),
        }
    }

    fn relation(&self, id: RelationId, bond: &Bond) -> RelationRecord {
        let state = match bond.phase {
            Phase::Waiting => RelationState::Proposed { by: bond.by, lapses: bond.lapses },
            Phase::Living => RelationState::Active,
            Phase::Dropped => RelationState::Closed,
            Phase::Over(cause) => RelationState::Released { cause },
        };
        let (held, unused) = (self.held(id), self.unused(id));
        RelationRecord {
            donor: bond.donor,
            beneficiary: bond.user,
            kinship: bond.kin,
            state,
            sequence: bond.number,
            limit: fen(bond.used + held + unused),
            used: fen(bond.used),
            held: fen(held),
            unused: fen(unused),
            expires: bond.expires,
            offers: self.open_offers(id),
            raised: bond.raised,
        }
    }

    /// The keys of all rows that there should be.
    pub fn keys(&self) -> BTreeSet<Key> {
        let mut keys = BTreeSet::new();
        if self.begun.is_some() {
            keys.extend([Key::Ledger {}, Key::Policy {}]);
        }
        keys.extend(self.provinces.keys().map(|province| Key::Province { province: *province }));
        keys.extend(self.areas.keys().map(|area| Key::Area { area: *area }));
        keys.extend(self.shops.keys().map(|institution| Key::Institution { institution: *institution }));
        for (person, human) in &self.people {
            keys.insert(Key::Person { person: *person });
            keys.extend(human.releasing.map(|_| Key::Releasing { person: *person }));
        }
        for (relation, bond) in &self.bonds {
            let (relation, donor, beneficiary) = (*relation, bond.donor, bond.user);
            keys.insert(Key::Relation { relation });
            if bond.stands() {
                keys.insert(Key::Pair { donor, beneficiary });
                keys.insert(Key::Giving { donor, relation });
                keys.insert(Key::Receiving { beneficiary, relation });
            }
            if bond.phase == Phase::Waiting {
                keys.insert(Key::Lapsing { at: bond.lapses, relation });
            }
            if let (Phase::Living, false, Some(at)) = (bond.phase, bond.swept, bond.expires) {
                keys.insert(Key::Expiring { at, relation });
            }
        }
        for (offer, record) in &self.offers {
            let (offer, at, donor) = (*offer, record.returns, self.bonds[&record.relation].donor);
            keys.insert(Key::Offer { offer });
            if record.state == OfferState::Open {
                keys.extend([Key::Returning { at, offer }, Key::Offering { donor, at, offer }]);
            }
        }
        for (hold, record) in &self.holds {
            let (hold, at) = (*hold, record.expires);
            keys.insert(Key::Hold { hold });
            if record.state == HoldState::Held {
                keys.insert(Key::Resolving { at, hold });
            }
        }
        keys.extend(self.bills.keys().map(|payment| Key::Payment { payment: *payment }));
        keys.extend(self.refunds.keys().map(|refund| Key::Refund { refund: *refund }));
        for (person, premium, year) in self.premiums.keys().copied() {
            keys.insert(Key::Premium { person, premium, year });
        }
        for case in self.cases.keys().copied() {
            keys.insert(Key::Case { case });
            keys.extend(self.awaited(case).into_iter().map(|(at, _)| Key::Due { at, case }));
        }
        keys.extend(self.portability.keys().map(|position| Key::Portability { position: *position }));
        keys.extend(self.calendars.keys().map(|year| Key::Calendar { year: *year }));
        for (area, premium, year) in self.tariffs.keys().copied() {
            keys.insert(Key::Tariff { area, premium, year });
        }
        for (month, payer, payee, usage) in self.books.keys().copied() {
            keys.insert(Key::Obligation { month, payer, payee, usage });
            if payer.province() != payee.province() {
                keys.insert(Key::Usage { month, province: payer.province() });
            }
        }
        for (month, giving, using, scope, usage) in self.tallies.keys().copied() {
            keys.insert(Key::Tally { month, giving, using, scope, usage });
        }
        keys.extend(self.periods.keys().map(|month| Key::Period { month: *month }));
        for (month, payer, payee) in self.lines.keys().copied() {
            keys.insert(Key::Clearing { month, payer, payee });
        }
        keys.extend(self.funds.keys().map(|province| Key::Prepayment { province: *province }));
        keys.extend(self.days.keys().map(|day| Key::Day { day: *day }));
        for (request, caller) in self.memory.keys().copied() {
            keys.insert(Key::Request { request, caller });
        }
        keys
    }
}

impl Bond {
    /// Whether it is a relation or a proposal, one that lapsed and was not swept included.
    pub fn stands(&self) -> bool {
        matches!(self.phase, Phase::Living | Phase::Waiting)
    }
}
