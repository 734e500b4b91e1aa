//! Spending: settled at once, held and confirmed, or for a premium.

use super::books::Side;
use super::verbs::PremiumWish;
use super::{Human, Model, Pocket, Said, Why, fen};
use ledger::command::{InstitutionKind, Insurance, InsuranceStatus, Premium, Spend, Tariff};
use ledger::decision::{LegPaid, LegRefunded};
use ledger::table::{
    HeldLeg, HoldRecord, HoldState, InstitutionRecord, Leg, OwnPart, Payee, PaymentRecord, Use,
};
use ledger::{Area, Event, HoldId, MedType, PaymentId, Person, Position, Refusal, RelationId, Stamp};

/// Who pays how much, in the order of deduction; and who was passed over.
pub struct Split {
    own: u64,
    own_first: bool,
    legs: Vec<(RelationId, Person, u64)>,
    cash: u64,
    skipped: Vec<RelationId>,
}

fn usage(kind: InstitutionKind, med: &MedType) -> Use {
    let class = &med.as_str()[..2];
    let known = match kind {
        InstitutionKind::Hospital => {
            ["11", "12", "13", "14", "21", "22", "23", "24", "25", "26", "27", "28", "51", "52"]
                .contains(&class)
        }
        InstitutionKind::Pharmacy => class == "41",
    };
    match (known, kind) {
        (false, _) => Use::Other,
        (true, InstitutionKind::Hospital) => Use::Institution,
        (true, InstitutionKind::Pharmacy) => Use::Pharmacy,
    }
}

/// The area that an account is kept in; without one, the person's.
fn kept_in(human: &Human) -> Area {
    human.account.unwrap_or(human.area)
}

impl Model {
    /// Whether a person's quotas pay for others now.
    fn pays(&self, giver: &Human) -> bool {
        let lasts = [InsuranceStatus::Normal, InsuranceStatus::Stopped, InsuranceStatus::Arrears];
        lasts.contains(&giver.status)
            && giver.transfer.is_none()
            && giver.releasing.is_none()
            && giver.wallet
            && giver.suspended.is_none()
            && giver.insurance == Insurance::Employee
    }

    /// Whether the fund of the giver's province bears another part, where the policy asks for it.
    fn fund_bears(&self, from: Area, payee: Area, part: u64, taken: &[(Area, u64)]) -> bool {
        let province = from.province();
        let size = self.funds.get(&province).map_or(0, |fund| fund.size.get());
        if !self.policy().hard_stop || province == payee.province() || size == 0 {
            return true;
        }
        let (charged, refunded) = self.usage(self.now.month(), province).unwrap_or((0, 0));
        let here = taken.iter().filter(|(area, _)| area.province() == province);
        let here: u128 = here.map(|(_, amount)| u128::from(*amount)).sum();
        charged + here + u128::from(part) <= u128::from(size) + refunded
    }

    fn split(&self, user: Person, payee: Area, amount: u64, use_own: bool) -> Split {
        let human = self.human(user);
        let own_first = self.policy().own_account_first;
        let usable = use_own && human.account.is_some() && human.status != InsuranceStatus::Frozen;
        let reach = if usable { self.available(user) } else { 0 };
        let mut rest = amount;
        let mut own = 0;
        if own_first {
            own = reach.min(rest);
            rest -= own;
        }
        let (mut legs, mut skipped) = (vec![], vec![]);
        // The own part burdens the fund of its province, too.
        let mut taken = vec![(kept_in(human), own)];
        for id in self.donors(user) {
            let bond = &self.bonds[&id];
            let part = self.unused(id).min(rest);
            if part == 0 || self.is_expired(bond) {
                continue;
            }
            let giver = self.human(bond.donor);
            let area = kept_in(giver);
            if !self.pays(giver) || !self.passes(area, payee) || !self.fund_bears(area, payee, part, &taken) {
                skipped.push(id);
                continue;
            }
            rest -= part;
            legs.push((id, bond.donor, part));
            taken.push((area, part));
        }
        if !own_first {
            own = reach.min(rest);
            rest -= own;
        }
        Split { own, own_first, legs, cash: rest, skipped }
    }

    /// What a counter asks before it looks for money.
    fn at_counter(&self, spend: &Spend) -> Result<(InstitutionRecord, Split), Refusal> {
        let mut why = Why::new();
        why.when(spend.amount.is_zero(), Refusal::AmountZero);
        let Some(shop) = self.shops.get(&spend.institution) else {
            return why.stop(Refusal::InstitutionUnknown);
        };
        let Some(human) = self.people.get(&spend.beneficiary) else {
            return why.stop(Refusal::PersonUnknown);
        };
        why.acting(human);
        why.when(!shop.wallet_open, Refusal::InstitutionClosed);
        why.when(shop.suspended.is_some(), Refusal::InstitutionSuspended);
        why.when(spend.credential.holder != spend.beneficiary, Refusal::CredentialNotOwn);
        let split = self.split(spend.beneficiary, shop.area, spend.amount.get(), spend.use_own_account);
        why.when(spend.all_or_nothing && split.cash > 0, Refusal::NotCovered);
        why.end()?;
        Ok((shop.clone(), split))
    }

    /// A payment of this kind, with nothing in it yet.
    fn blank(&self, user: Person, payee: Payee, area: Area, usage: Use, amount: u64) -> PaymentRecord {
        let human = self.human(user);
        PaymentRecord {
            beneficiary: user,
            insurance: human.insurance,
            home: human.area,
            payee,
            area,
            at: self.now,
            authorised: self.now,
            usage,
            amount: fen(amount),
            own: OwnPart { area: kept_in(human), amount: fen(0), refunded: fen(0) },
            legs: vec![],
            cash: fen(0),
            cash_refunded: fen(0),
            own_first: true,
            reinstated: false,
            reversed: false,
        }
    }

    /// Moves money that is in hand (in the account and quotas, or held) into the payment, and books it.
    fn pay(
        &mut self,
        id: PaymentId,
        bill: PaymentRecord,
        split: &Split,
        hold: Option<HoldId>,
    ) -> Vec<LegPaid> {
        let mut bill = bill;
        let user = bill.beneficiary;
        bill.own.amount = fen(split.own);
        bill.cash = fen(split.cash);
        bill.own_first = split.own_first;
        let pocket = hold.map_or(Pocket::Available(user), Pocket::HeldOwn);
        self.shift(split.own, pocket, Pocket::Spent(id, None));
        self.book(Side::Charged, bill.own.area, bill.area, bill.usage, split.own);
        let mut paid = vec![];
        for (relation, donor, amount) in &split.legs {
            let (relation, donor) = (*relation, *donor);
            let pocket = hold.map_or(Pocket::Quota(relation), |hold| Pocket::HeldLeg(hold, relation));
            self.shift(*amount, pocket, Pocket::Spent(id, Some(relation)));
            self.bond_mut(relation).used += amount;
            let area = kept_in(self.human(donor));
            self.book(Side::Charged, area, bill.area, bill.usage, *amount);
            bill.legs.push(Leg { relation, donor, area, amount: fen(*amount), refunded: fen(0) });
            paid.push(LegPaid { relation, amount: fen(*amount), unused: fen(self.unused(relation)) });
        }
        let legs: Vec<(usize, u64)> =
            split.legs.iter().enumerate().map(|(place, (_, _, amount))| (place, *amount)).collect();
        self.tally_legs(&bill, &legs, 0);
        if !legs.is_empty() {
            self.tally_count(&bill, 2);
        }
        self.bills.insert(id, bill);
        paid
    }

    pub(super) fn settle(&mut self, at: Position, spend: &Spend) -> Said {
        let (shop, split) = self.at_counter(spend)?;
        let payee = Payee::Institution(spend.institution, spend.med_type);
        let usage = usage(shop.kind, &spend.med_type);
        let bill = self.blank(spend.beneficiary, payee, shop.area, usage, spend.amount.get());
        let legs = self.pay(PaymentId(at), bill, &split, None);
        Ok(vec![settled(at, None, None, &split, legs)])
    }

    pub(super) fn pay_premium(&mut self, at: Position, wish: &PremiumWish) -> Said {
        let PremiumWish { person, premium, year, amount, own, whole } = *wish;
        let mut why = Why::new();
        why.when(amount.is_zero(), Refusal::AmountZero);
        let Some(human) = self.people.get(&person) else { return why.stop(Refusal::PersonUnknown) };
        why.acting(human);
        let resident = human.insurance == Insurance::Resident;
        why.when(premium == Premium::Resident && !resident, Refusal::PremiumNotEligible);
        match self.tariff(human.area, premium, year) {
            Tariff::NotOffered => why.when(true, Refusal::PremiumNotOffered),
            Tariff::AnyAmount => {}
            Tariff::Exactly(asked) => why.when(amount != asked, Refusal::PremiumDiffers),
        }
        why.when(self.premiums.contains_key(&(person, premium, year)), Refusal::PremiumPaid);
        let area = human.area;
        let split = self.split(person, area, amount.get(), own);
        why.when(whole && split.cash > 0, Refusal::NotCovered);
        why.end()?;
        let usage = match premium {
            Premium::Resident => Use::ResidentPremium,
            Premium::Care => Use::CarePremium,
        };
        let bill = self.blank(person, Payee::Premium(premium, year), area, usage, amount.get());
        let legs = self.pay(PaymentId(at), bill, &split, None);
        self.premiums.insert((person, premium, year), PaymentId(at));
        Ok(vec![settled(at, None, Some((premium, year)), &split, legs)])
    }

    pub(super) fn authorise(&mut self, at: Position, spend: &Spend) -> Said {
        let (shop, split) = self.at_counter(spend)?;
        let (hold, expires) = (HoldId(at), self.now.plus_ms(self.policy().hold_ms));
        self.shift(split.own, Pocket::Available(spend.beneficiary), Pocket::HeldOwn(hold));
        let (mut legs, mut held) = (vec![], vec![]);
        for (relation, donor, amount) in &split.legs {
            self.shift(*amount, Pocket::Quota(*relation), Pocket::HeldLeg(hold, *relation));
            legs.push(HeldLeg { relation: *relation, donor: *donor, amount: fen(*amount) });
            let unused = fen(self.unused(*relation));
            held.push(LegPaid { relation: *relation, amount: fen(*amount), unused });
        }
        let record = HoldRecord {
            beneficiary: spend.beneficiary,
            institution: spend.institution,
            med_type: spend.med_type,
            area: shop.area,
            usage: usage(shop.kind, &spend.med_type),
            at: self.now,
            expires,
            amount: spend.amount,
            own: fen(split.own),
            legs,
            cash: fen(split.cash),
            own_first: split.own_first,
            state: HoldState::Held,
        };
        self.holds.insert(hold, record);
        let (own, cash) = (fen(split.own), fen(split.cash));
        Ok(vec![Event::SpendAuthorised { hold, own, legs: held, cash, skipped: split.skipped, expires }])
    }

    fn open_hold(&self, why: &mut Why, hold: HoldId) -> Result<HoldRecord, Refusal> {
        let Some(record) = self.holds.get(&hold) else { return why.stop(Refusal::HoldUnknown) };
        why.when(record.state != HoldState::Held || record.expires <= self.now, Refusal::HoldNotOpen);
        Ok(record.clone())
    }

    pub(super) fn confirm(&mut self, at: Position, hold: HoldId, wish: Option<u64>) -> Said {
        let mut why = Why::new();
        why.when(wish == Some(0), Refusal::AmountZero);
        let record = self.open_hold(&mut why, hold)?;
        why.when(wish.is_some_and(|wish| wish > record.amount.get()), Refusal::HoldExceeded);
        why.end()?;
        // The first part in the order of deduction stays.
        let amount = wish.unwrap_or(record.amount.get());
        let mut rest = amount;
        let mut keep = |part: u64| {
            let kept = part.min(rest);
            rest -= kept;
            kept
        };
        let mut own = if record.own_first { keep(record.own.get()) } else { 0 };
        let legs = record.legs.iter().map(|leg| (leg.relation, leg.donor, keep(leg.amount.get())));
        let legs: Vec<_> = legs.filter(|(_, _, amount)| *amount > 0).collect();
        own += if record.own_first { 0 } else { keep(record.own.get()) };
        let cash = keep(record.cash.get());
        let split = Split { own, own_first: record.own_first, legs, cash, skipped: vec![] };

        let payee = Payee::Institution(record.institution, record.med_type);
        let mut bill = self.blank(record.beneficiary, payee, record.area, record.usage, amount);
        bill.authorised = record.at;
        let payment = PaymentId(at);
        let mut paid = self.pay(payment, bill, &split, Some(hold));
        let mut events: Vec<Event> =
            self.give_back_hold(hold, record.amount.get() - amount, HoldState::Confirmed { payment });
        for leg in &mut paid {
            leg.unused = fen(self.unused(leg.relation));
        }
        events.push(settled(at, Some(hold), None, &split, paid));
        Ok(events)
    }

    pub(super) fn void(&mut self, hold: HoldId) -> Said {
        let mut why = Why::new();
        let record = self.open_hold(&mut why, hold)?;
        why.end()?;
        Ok(self.give_back_hold(hold, record.amount.get(), HoldState::Voided))
    }

    /// What a hold still holds goes back: to the quota, if that is to be had; else to the donor.
    pub(super) fn give_back_hold(&mut self, hold: HoldId, amount: u64, state: HoldState) -> Vec<Event> {
        let record = self.holds[&hold].clone();
        let own = fen(self.pour(Pocket::HeldOwn(hold), Pocket::Available(record.beneficiary)));
        let mut legs = vec![];
        for leg in &record.legs {
            let bond = &self.bonds[&leg.relation];
            let to_quota = self.is_alive(bond) && !self.is_expired(bond);
            let to = if to_quota { Pocket::Quota(leg.relation) } else { Pocket::Available(leg.donor) };
            let amount = fen(self.pour(Pocket::HeldLeg(hold, leg.relation), to));
            if !amount.is_zero() {
                legs.push(LegRefunded { relation: leg.relation, amount, to_quota });
            }
        }
        self.holds.get_mut(&hold).expect("known").state = state;
        if amount == 0 {
            return vec![];
        }
        vec![Event::HoldReleased { hold, amount: fen(amount), own, legs }]
    }

    /// What a tick sends back of holds whose time is over.
    pub(super) fn sweep_holds(&mut self) -> Vec<Event> {
        let over = self.open_holds().filter(|id| self.holds[id].expires <= self.now);
        let mut over: Vec<(Stamp, HoldId)> = over.map(|id| (self.holds[&id].expires, id)).collect();
        over.sort();
        let mut events = vec![];
        for (_, id) in over {
            let amount = self.holds[&id].amount.get();
            events.extend(self.give_back_hold(id, amount, HoldState::TimedOut));
        }
        events
    }
}

fn settled(
    at: Position,
    hold: Option<HoldId>,
    premium: Option<(Premium, u16)>,
    split: &Split,
    legs: Vec<LegPaid>,
) -> Event {
    let (own, cash, skipped) = (fen(split.own), fen(split.cash), split.skipped.clone());
    Event::Settled { payment: PaymentId(at), hold, premium, own, legs, cash, skipped }
}
