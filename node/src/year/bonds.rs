//! People are enrolled, relations begin and end, quotas are set, offered, reduced and reordered.

use super::people::{Bond, Expiry, OpenOffer, Pair, Stand, Status};
use super::plan::{Later, Leg, Plan, days_later, next_return, yuan};
use super::step::{Hour, moment, named};
use client::v1::caller::Who;
use client::v1::set_quota;
use client::v1::transaction::Call;
use client::v1::{self, Insurance, Kinship, Reason};
use ledger::{Day, Stamp};

/// The most that one setting may freeze in the pilot, in fen.
pub const RAISE_MAX: u64 = 2_000 * 100;
/// How often quotas may be set in a day of the pilot.
pub const RAISES_PER_DAY: u32 = 3;
/// After so many days a proposal lapses.
const PROPOSAL_DAYS: u64 = 30;
/// No quota is set for less, in fen.
const QUOTA_MIN: u64 = 20 * 100;

impl Plan {
    /// The agency of the person's area.
    pub(super) fn agency(&self, human: usize) -> Who {
        Who::Agency(self.land.code(self.humans[human].area).into())
    }

    /// The agency of the area that keeps the person's account: whoever is insured anew elsewhere leaves it where it was.
    pub(super) fn keeper(&self, human: usize) -> Who {
        let person = &self.humans[human];
        Who::Agency(self.land.code(person.account.unwrap_or(person.area)).into())
    }

    /// The person, through the platform.
    pub(super) fn person(&self, human: usize) -> Who {
        Who::Person(self.humans[human].id.clone())
    }

    pub(super) fn enrolment(&self, human: usize, area: usize) -> Call {
        let person = &self.humans[human];
        let insurance = if person.employee { Insurance::Employee } else { Insurance::Resident };
        Call::EnrolPerson(v1::EnrolPerson {
            person: person.id.clone(),
            insurance: insurance.into(),
            area: self.land.code(area).into(),
            retired: person.retired,
        })
    }

    /// Those who join today are enrolled; an account brings along what was in it before.
    pub(super) fn enrol(&mut self) {
        for human in self.joining_today() {
            let call = self.enrolment(human, self.humans[human].area);
            self.done(self.agency(human), call);
            self.humans[human].enrolled = true;
            if self.humans[human].employee {
                self.humans[human].account = Some(self.humans[human].area);
                let amount = self.rng.between(800, 6_000) * 100;
                self.book(human, amount);
            }
            match self.rng.below(100) {
                0..92 => self.later(0, Hour::Forenoon, Later::Wallet(human)),
                92..97 => {
                    let days = self.rng.between(5, 60);
                    self.later(days, Hour::Forenoon, Later::Wallet(human));
                }
                _ => {}
            }
        }
    }

    pub(super) fn activate(&mut self, human: usize) {
        let person = &mut self.humans[human];
        if person.status != Status::Deceased && !person.wallet {
            person.wallet = true;
            let call = v1::ActivateWallet { person: person.id.clone() };
            self.done(self.person(human), Call::ActivateWallet(call));
        }
    }

    /// Contributions of the month before, spread over five days.
    pub(super) fn credit(&mut self) {
        let (_, _, date) = self.today.civil();
        if !(5..10).contains(&date) {
            return;
        }
        for human in (0..self.humans.len()).filter(|human| human % 5 == usize::from(date - 5)) {
            let person = &self.humans[human];
            if person.account.is_some() && person.employee && person.status == Status::Normal {
                let amount = self.rng.between(12_000, 65_000);
                self.book(human, amount);
            }
        }
    }

    /// Books contributions to an account, or to its balance while that is under way.
    pub(super) fn book(&mut self, human: usize, amount: u64) {
        let before = self.today.month().previous();
        let call = v1::CreditAccount {
            person: self.humans[human].id.clone(),
            amount: yuan(amount),
            period: format!("{:04}-{:02}", before.year, before.month),
        };
        self.done(self.agency(human), Call::CreditAccount(call));
        match self.humans[human].case {
            Some(case) if self.cases[case].leg == Leg::Sent => self.cases[case].sure += amount,
            Some(_) | None => self.humans[human].sure += amount,
        }
    }

    /// The pairs of today propose, as far as they can.
    pub(super) fn propose(&mut self) {
        for pair in self.proposals_today() {
            self.propose_pair(pair);
        }
    }

    fn propose_pair(&mut self, place: usize) {
        let pair = self.pairs[place];
        let (donor, user) = (&self.humans[pair.donor], &self.humans[pair.beneficiary]);
        let gone = |status| matches!(status, Status::Deceased | Status::Terminated);
        if gone(donor.status) || gone(user.status) {
            return;
        }
        if !donor.acts() || !donor.employee || !user.acts() || self.alive(pair).is_some() {
            return self.propose_later(20, place);
        }
        let by_donor = self.rng.percent(75);
        let who = self.person(if by_donor { pair.donor } else { pair.beneficiary });
        let call = proposal(donor_and_user(self, pair), pair.kinship);
        if !self.in_scope(pair) {
            self.wrong(who, call, Reason::KinshipOutOfScope);
            return self.propose_later(60, place);
        }
        let step = self.done(who.clone(), call.clone());
        if self.rng.percent(2) {
            self.wrong(who, call, Reason::RelationExists);
        }
        let lapses = days_later(self.now, PROPOSAL_DAYS);
        let bond = self.bonds.len();
        self.bonds.push(Bond {
            pair,
            step,
            stand: Stand::Pending { by_donor, lapses },
            sure: 0,
            expires: None,
            offers: Vec::new(),
        });
        self.humans[pair.donor].giving.push(bond);
        self.humans[pair.beneficiary].receiving.push(bond);
        match self.rng.below(100) {
            0..80 => self.later(0, Hour::Forenoon, Later::Answer(bond)),
            80..96 => {
                let days = self.rng.between(1, 20);
                self.later(days, Hour::Forenoon, Later::Answer(bond));
            }
            _ => {}
        }
        self.later(PROPOSAL_DAYS + 1, Hour::Forenoon, Later::AnswerTooLate(bond));
    }

    /// The relation or pending proposal of a pair.
    pub(super) fn alive(&self, pair: Pair) -> Option<usize> {
        let of = |bond: &&usize| {
            let bond = &self.bonds[**bond];
            let pending = matches!(bond.stand, Stand::Pending { lapses, .. } if self.now < lapses);
            bond.pair.beneficiary == pair.beneficiary && (bond.stand == Stand::Active || pending)
        };
        self.humans[pair.donor].giving.iter().find(of).copied()
    }

    pub(super) fn in_scope(&self, pair: Pair) -> bool {
        let narrow = matches!(pair.kinship, Kinship::Spouse | Kinship::Parent | Kinship::Child);
        let (one, other) = (self.humans[pair.donor].area, self.humans[pair.beneficiary].area);
        narrow || self.land.is_wide(one, other, self.now)
    }

    /// Whether both may agree to what was proposed.
    fn agree(&self, pair: Pair) -> bool {
        let (donor, user) = (&self.humans[pair.donor], &self.humans[pair.beneficiary]);
        donor.acts() && donor.employee && user.acts() && self.in_scope(pair)
    }

    /// The other party accepts, or it comes to nothing.
    pub(super) fn answer(&mut self, place: usize) {
        let Bond { pair, step, stand, .. } = self.bonds[place].clone();
        let Stand::Pending { by_donor, lapses } = stand else { return };
        if self.now >= lapses || !self.agree(pair) {
            return;
        }
        let (proposer, other) = match by_donor {
            true => (self.person(pair.donor), self.person(pair.beneficiary)),
            false => (self.person(pair.beneficiary), self.person(pair.donor)),
        };
        let decline = Call::DeclineRelation(v1::DeclineRelation { relation: named(step) });
        match self.rng.below(100) {
            0..92 => {
                let accept = Call::AcceptRelation(v1::AcceptRelation { relation: named(step) });
                if self.rng.percent(2) {
                    self.wrong(proposer, accept.clone(), Reason::NotPermitted);
                }
                self.done(other, accept);
                self.bonds[place].stand = Stand::Active;
                if self.rng.percent(85) {
                    self.set_quota(place);
                }
            }
            92..97 => {
                self.done(other, decline);
                self.end_bond(place);
            }
            _ => {
                self.done(proposer, decline);
                self.end_bond(place);
            }
        }
    }

    /// A proposal that nobody answered has lapsed.
    pub(super) fn answer_too_late(&mut self, place: usize) {
        let Bond { pair, step, stand, .. } = self.bonds[place].clone();
        let Stand::Pending { by_donor, .. } = stand else { return };
        if self.agree(pair) && self.alive(pair).is_none() {
            let other = if by_donor { pair.beneficiary } else { pair.donor };
            let accept = Call::AcceptRelation(v1::AcceptRelation { relation: named(step) });
            self.wrong(self.person(other), accept, Reason::RelationNotPending);
        }
        self.end_bond(place);
        if let Some(again) = self
            .pairs
            .iter()
            .position(|known| known.donor == pair.donor && known.beneficiary == pair.beneficiary)
        {
            self.propose_later(10, again);
        }
    }

    /// A relation or a proposal is over: what is unused and offered is the donor's again.
    pub(super) fn end_bond(&mut self, place: usize) {
        let bond = &mut self.bonds[place];
        let offered: u64 = bond.offers.iter().map(|offer| offer.amount).sum();
        let back = std::mem::take(&mut bond.sure) + offered;
        let had_offers = !std::mem::take(&mut bond.offers).is_empty();
        bond.stand = Stand::Ended;
        let Pair { donor, beneficiary, .. } = bond.pair;
        let giver = &mut self.humans[donor];
        giver.sure += back;
        giver.giving.retain(|other| *other != place);
        if had_offers {
            giver.offering_until = Stamp(0);
        }
        self.humans[beneficiary].receiving.retain(|other| *other != place);
    }

    /// All relations and proposals of a person are over.
    pub(super) fn end_bonds(&mut self, human: usize) {
        let person = &self.humans[human];
        let all: Vec<usize> = person.giving.iter().chain(&person.receiving).copied().collect();
        all.into_iter().for_each(|bond| self.end_bond(bond));
    }

    /// Donors set and raise quotas.
    pub(super) fn quotas(&mut self) {
        let often = self.rng.today(self.bonds.len() as u64 * 7);
        for _ in 0..often {
            if let Some(bond) = self.some_bond(|_| true) {
                self.set_quota(bond);
            }
        }
    }

    /// A donor freezes more for a relation, if all that the rules ask for holds.
    pub(super) fn set_quota(&mut self, place: usize) {
        let Bond { pair, step, expires, .. } = self.bonds[place].clone();
        let (donor, user) = (&self.humans[pair.donor], &self.humans[pair.beneficiary]);
        if !donor.gives() || !user.insured() || !user.wallet {
            return;
        }
        let (one, other) = (donor.area, user.area);
        let donor_waits = donor.offering_until > self.now;
        let raises = if donor.raises.0 == self.today { donor.raises.1 } else { 0 };
        let amount = (donor.sure * 6 / 10).min(self.rng.between(20_000, RAISE_MAX));
        if !self.land.passes(one, other, self.now) {
            if self.rng.percent(10) && amount >= QUOTA_MIN {
                let call = quota(step, amount, Expiry::Keep);
                self.wrong(self.person(pair.donor), call, Reason::AreaClosed);
            }
            return;
        }
        if amount < QUOTA_MIN || (self.is_pilot() && (donor_waits || raises >= RAISES_PER_DAY)) {
            return;
        }
        let expired = expires.is_some_and(|day| day <= self.today);
        if expired && self.rng.percent(30) {
            let call = quota(step, amount, Expiry::Keep);
            self.wrong(self.person(pair.donor), call, Reason::QuotaExpired);
        }
        let days = self.rng.between(20, 200) as u32;
        let expiry = match self.rng.below(100) {
            0..15 => Expiry::From(Day(self.today.0 + days)),
            15..20 => Expiry::Never,
            _ if expired => Expiry::Never,
            _ => Expiry::Keep,
        };
        let asked = self.done(self.person(pair.donor), quota(step, amount, expiry));
        if self.rng.percent(1)
            && let Some(original) = self.last_step().map(|step| step.request.clone())
        {
            let reverse = Call::Reverse(v1::Reverse { original });
            self.wrong(self.person(pair.donor), reverse, Reason::NotReversible);
        }
        let (today, now) = (self.today, self.now);
        let donor = &mut self.humans[pair.donor];
        donor.sure -= amount;
        donor.raises = (today, raises + 1);
        if self.is_pilot() {
            let until = next_return(now);
            self.humans[pair.donor].offering_until = until;
            self.bonds[place].offers.push(OpenOffer { step: asked, amount, until, expiry });
            self.later(0, Hour::Afternoon, Later::Offer { bond: place, offer: asked });
            return;
        }
        self.raise(place, amount, expiry);
    }

    /// What was frozen is quota.
    fn raise(&mut self, place: usize, amount: u64, expiry: Expiry) {
        let bond = &mut self.bonds[place];
        bond.sure += amount;
        match expiry {
            Expiry::Keep => {}
            Expiry::Never => bond.expires = None,
            Expiry::From(day) => {
                bond.expires = Some(day);
                self.expiring.entry(day).or_default().push(place);
            }
        }
    }

    /// An offer is accepted, declined, withdrawn, or left to return.
    pub(super) fn answer_offer(&mut self, place: usize, step: u32) {
        let Bond { pair, stand, offers, .. } = self.bonds[place].clone();
        let (donor, user) = (&self.humans[pair.donor], &self.humans[pair.beneficiary]);
        let passes = self.land.passes(donor.area, user.area, self.now);
        if stand != Stand::Active || !donor.gives() || !user.acts() || !passes {
            return;
        }
        let accept = Call::AcceptOffer(v1::AcceptOffer { offer: named(step) });
        let his = self.person(pair.beneficiary);
        let Some(open) = offers.into_iter().find(|open| open.step == step) else {
            return self.wrong(his, accept, Reason::OfferNotOpen);
        };
        let decline = Call::DeclineOffer(v1::DeclineOffer { offer: named(step) });
        match self.rng.below(100) {
            0..80 => {
                self.done(his, accept);
                self.raise(place, open.amount, open.expiry);
            }
            80..92 => {
                let who = if self.rng.percent(60) { his } else { self.person(pair.donor) };
                self.done(who, decline);
                self.humans[pair.donor].sure += open.amount;
            }
            _ => {
                return self.later(1, Hour::Afternoon, Later::Offer { bond: place, offer: step });
            }
        }
        self.bonds[place].offers.retain(|open| open.step != step);
        self.humans[pair.donor].offering_until = Stamp(0);
    }

    /// Quotas are reduced, donors are put in order, relations are released.
    pub(super) fn tidy_quotas(&mut self) {
        let bonds = self.bonds.len() as u64;
        for _ in 0..self.rng.today(bonds / 2) {
            let Some(place) = self.some_bond(|bond| bond.sure >= 5_000) else { continue };
            let Bond { pair, step, sure, .. } = self.bonds[place].clone();
            let amount = self.rng.between(1_000, sure);
            let call =
                |amount| Call::ReduceQuota(v1::ReduceQuota { relation: named(step), amount: yuan(amount) });
            self.done(self.person(pair.donor), call(amount));
            self.bonds[place].sure -= amount;
            self.humans[pair.donor].sure += amount;
            if self.rng.percent(20) {
                self.wrong(self.person(pair.donor), call(RAISE_MAX * 1_000), Reason::QuotaExceeded);
            }
        }
        for _ in 0..self.rng.today(bonds / 3) {
            self.reorder();
        }
        for _ in 0..self.rng.today(bonds / 8) {
            let Some(place) = self.some_bond(|_| true) else { continue };
            self.release(place);
        }
    }

    fn reorder(&mut self) {
        let Some(place) = self.some_bond(|_| true) else { return };
        let user = self.bonds[place].pair.beneficiary;
        let donors: Vec<usize> = self.humans[user].receiving.clone();
        let mut order: Vec<u32> = donors
            .into_iter()
            .filter(|bond| self.bonds[*bond].stand == Stand::Active)
            .map(|bond| self.bonds[bond].step)
            .collect();
        if order.len() < 2 {
            return;
        }
        let turn = self.rng.below(order.len() as u64) as usize;
        order.rotate_left(turn);
        order.truncate(self.rng.between(1, order.len() as u64) as usize);
        let call = |order: &[u32]| {
            let order = order.iter().map(|step| named(*step)).collect();
            Call::SetPriority(v1::SetPriority { beneficiary: self.humans[user].id.clone(), order })
        };
        let (right, twice) = (call(&order), call(&[order[0], order[0]]));
        self.done(self.person(user), right);
        if self.rng.percent(10) {
            self.wrong(self.person(user), twice, Reason::OrderInvalid);
        }
    }

    fn release(&mut self, place: usize) {
        let Bond { pair, step, .. } = self.bonds[place].clone();
        let by = if self.rng.percent(60) { pair.donor } else { pair.beneficiary };
        let call = Call::ReleaseRelation(v1::ReleaseRelation { relation: named(step) });
        self.done(self.person(by), call.clone());
        self.end_bond(place);
        if self.rng.percent(20) {
            self.wrong(self.person(by), call, Reason::RelationNotActive);
        }
        let again = self
            .pairs
            .iter()
            .position(|known| known.donor == pair.donor && known.beneficiary == pair.beneficiary);
        if let Some(again) = again.filter(|_| self.rng.percent(60)) {
            let days = self.rng.between(1, 90);
            self.propose_later(days, again);
        }
    }
}

fn donor_and_user(plan: &Plan, pair: Pair) -> (String, String) {
    (plan.humans[pair.donor].id.clone(), plan.humans[pair.beneficiary].id.clone())
}

/// A proposal, in the words of the wire.
pub fn proposal((donor, beneficiary): (String, String), kinship: Kinship) -> Call {
    Call::ProposeRelation(v1::ProposeRelation { donor, beneficiary, kinship: kinship.into() })
}

/// A setting of a quota, in the words of the wire.
pub fn quota(relation: u32, amount: u64, expiry: Expiry) -> Call {
    let expiry = match expiry {
        Expiry::Keep => None,
        Expiry::Never => Some(set_quota::Expiry::Never(v1::Never {})),
        Expiry::From(day) => Some(set_quota::Expiry::ExpiresAt(moment(day.start()))),
    };
    Call::SetQuota(v1::SetQuota { relation: named(relation), amount: yuan(amount), expiry })
}
