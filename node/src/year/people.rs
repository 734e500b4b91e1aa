//! The people of a year: families whose members live and work in different places, and what the plan knows of them.

use super::land::Land;
use super::rng::Rng;
use client::v1::Kinship;
use ledger::{Day, Stamp};
use std::collections::BTreeMap;

/// Where somebody's insurance stands, as the plan knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Normal,
    Stopped,
    Arrears,
    Frozen,
    Terminated,
    Deceased,
}

/// What the plan knows of a person.
#[derive(Clone, Debug)]
pub struct Human {
    /// A UUID.
    pub id: String,
    /// Which family.
    pub family: usize,
    /// When the person is enrolled for the first time.
    pub joins: Day,
    pub enrolled: bool,
    /// 310, not 390.
    pub employee: bool,
    pub retired: bool,
    /// Where the insurance is, by place in the land.
    pub area: usize,
    /// Where the account is kept; none without one.
    pub account: Option<usize>,
    pub status: Status,
    pub wallet: bool,
    pub suspended: bool,
    /// The open case of portability, by its place.
    pub case: Option<usize>,
    /// The last case failed.
    pub failed: bool,
    /// The account has at least so much available, in fen. What it has in truth depends on how payments were covered,
    /// which the plan does not know.
    pub sure: u64,
    /// As donor: relations and proposals that are alive, by place.
    pub giving: Vec<usize>,
    /// As beneficiary.
    pub receiving: Vec<usize>,
    /// The day on which quotas were last set, and how often.
    pub raises: (Day, u32),
    /// An offer waits until then.
    pub offering_until: Stamp,
    /// Premiums paid: kind and year, with the payment's place.
    pub premiums: BTreeMap<(i32, u32), usize>,
}

/// A pair that may become a relation.
#[derive(Clone, Copy, Debug)]
pub struct Pair {
    pub donor: usize,
    pub beneficiary: usize,
    pub kinship: Kinship,
}

/// How a relation stands, as the plan knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stand {
    /// Proposed; lapses then.
    Pending {
        by_donor: bool,
        lapses: Stamp,
    },
    Active,
    Ended,
}

/// A relation.
#[derive(Clone, Debug)]
pub struct Bond {
    pub pair: Pair,
    /// The step that proposed it.
    pub step: u32,
    pub stand: Stand,
    /// At least so much is unused of the quota, in fen.
    pub sure: u64,
    /// From when on the quota is unusable.
    pub expires: Option<Day>,
    /// Open offers.
    pub offers: Vec<OpenOffer>,
}

/// An offer that waits.
#[derive(Clone, Copy, Debug)]
pub struct OpenOffer {
    /// The step that made it.
    pub step: u32,
    pub amount: u64,
    pub until: Stamp,
    pub expiry: Expiry,
}

/// What becomes of a quota's expiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    Keep,
    Never,
    From(Day),
}

impl Human {
    /// Insured, and not on the way to another place.
    pub fn insured(&self) -> bool {
        self.enrolled && !matches!(self.status, Status::Terminated | Status::Deceased) && self.case.is_none()
    }

    /// May spend, propose and accept.
    pub fn acts(&self) -> bool {
        self.insured() && self.wallet && !self.suspended
    }

    /// May set quotas.
    pub fn gives(&self) -> bool {
        self.acts() && self.employee && self.status == Status::Normal
    }
}

/// Makes people. Some join in the first days, others in the course of the year.
pub struct Nursery<'a> {
    pub land: &'a Land,
    pub rng: Rng,
    pub first: Day,
    pub humans: Vec<Human>,
    pub pairs: Vec<Pair>,
}

impl Nursery<'_> {
    fn human(&mut self, family: usize, employee: bool, retired: bool, area: usize) -> usize {
        let late = self.rng.percent(15);
        let after = if late { self.rng.between(6, 300) } else { self.rng.between(1, 4) };
        let id = uuid::Builder::from_random_bytes(self.rng.bytes()).into_uuid().to_string();
        self.humans.push(Human {
            id,
            family,
            joins: Day(self.first.0 + after as u32),
            enrolled: false,
            employee,
            retired,
            area,
            account: None,
            status: Status::Normal,
            wallet: false,
            suspended: false,
            case: None,
            failed: false,
            sure: 0,
            giving: Vec::new(),
            receiving: Vec::new(),
            raises: (Day(0), 0),
            offering_until: Stamp(0),
            premiums: BTreeMap::new(),
        });
        self.humans.len() - 1
    }

    fn pair(&mut self, chance: u64, donor: usize, beneficiary: usize, kinship: Kinship) {
        if self.humans[donor].employee && self.rng.percent(chance) {
            self.pairs.push(Pair { donor, beneficiary, kinship });
        }
    }

    /// A family: somebody at work, somebody at home.
    pub fn family(&mut self, family: usize) {
        let home = self.land.anywhere(&mut self.rng);
        let work = match self.rng.below(100) {
            0..25 => home,
            25..40 => self.land.nearby(home, &mut self.rng).unwrap_or(home),
            40..80 => self.land.at_work(&mut self.rng),
            _ => self.land.anywhere(&mut self.rng),
        };
        let worker = self.human(family, true, false, work);
        let mut spouse = None;
        if self.rng.percent(55) {
            let employee = self.rng.percent(70);
            let found = self.human(family, employee, false, work);
            self.pair(70, worker, found, Kinship::Spouse);
            self.pair(50, found, worker, Kinship::Spouse);
            spouse = Some(found);
        }
        let mut parents = Vec::new();
        for _ in 0..self.rng.below(3) {
            let retired = self.rng.percent(35);
            let parent = self.human(family, retired, retired, home);
            self.pair(85, worker, parent, Kinship::Parent);
            self.pair(15, parent, worker, Kinship::Child);
            parents.push(parent);
        }
        for _ in 0..self.rng.below(3) {
            let at = if self.rng.percent(35) { home } else { work };
            let child = self.human(family, false, false, at);
            self.pair(75, worker, child, Kinship::Child);
            if let Some(spouse) = spouse {
                self.pair(40, spouse, child, Kinship::Child);
            }
            if let Some(parent) = parents.first() {
                self.pair(40, *parent, child, Kinship::SonsChild);
            }
        }
        if self.rng.percent(25) {
            let employee = self.rng.percent(60);
            let at = self.land.anywhere(&mut self.rng);
            let sibling = self.human(family, employee, false, at);
            self.pair(60, worker, sibling, Kinship::Sibling);
            for parent in parents {
                self.pair(60, sibling, parent, Kinship::Parent);
            }
        }
        if self.rng.percent(12) {
            let grandmother = self.human(family, false, false, home);
            self.pair(90, worker, grandmother, Kinship::PaternalGrandparent);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_of_one_family_and_donors_have_accounts() {
        let land = Land::new(2, Stamp(0));
        let mut nursery = Nursery {
            land: &land,
            rng: Rng::new(1, 1),
            first: Day(0),
            humans: Vec::new(),
            pairs: Vec::new(),
        };
        (0..200).for_each(|family| nursery.family(family));
        assert!(nursery.pairs.len() > 200, "{}", nursery.pairs.len());
        for pair in &nursery.pairs {
            let (donor, user) = (&nursery.humans[pair.donor], &nursery.humans[pair.beneficiary]);
            assert!(donor.employee && donor.family == user.family && donor.id != user.id);
        }
    }
}
