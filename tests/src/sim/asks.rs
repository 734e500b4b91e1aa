//! What clients ask for, by what they have learned so far. The rules' own tests know every verb; here it matters that
//! asks race for the same money, are sent again, and go wrong now and then.

use ledger::command::{
    Credential, CredentialKind, Expiry, InstitutionKind, Insurance, Kinship, KinshipScope, Premium, Spend,
    Tariff,
};
use ledger::{
    Answer, Area, Call, Caller, CaseId, Event, Fen, HoldId, Institution, Key, MedType, OfferId, Outcome,
    PaymentId, Person, Policy, Province, RelationId, RequestId, Stamp, Transaction,
};
use rand::Rng;
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;

/// Areas with an institution each.
const PLACES: [(u32, &str); 4] =
    [(320500, "H32050000001"), (410100, "P41010000002"), (370100, "H37010000003"), (340100, "P34010000004")];
/// How many persons there are. Few, so that they meet.
const PERSONS: u8 = 12;

/// What clients know, all together.
#[derive(Debug, Default)]
pub struct Known {
    relations: Vec<(RelationId, Person, Person)>,
    payments: Vec<(PaymentId, Institution)>,
    holds: Vec<(HoldId, Institution)>,
    offers: Vec<(OfferId, Person)>,
    cases: Vec<CaseId>,
    made: u64,
}

fn person(number: u8) -> Person {
    let mut id = [0x51; 16];
    id[15] = number % PERSONS;
    Person(id)
}

fn area(place: usize) -> Area {
    Area::new(PLACES[place % PLACES.len()].0).expect("a good code")
}

fn institution(place: usize) -> Institution {
    Institution::new(PLACES[place % PLACES.len()].1).expect("a good code")
}

fn home(number: u8) -> usize {
    usize::from(number) * 7 / 3 % PLACES.len()
}

fn fen(fen: u64) -> Fen {
    Fen::new(fen).expect("a small amount")
}

/// Two of three are employed, and have an account.
fn is_employed(number: u8) -> bool {
    number % 3 != 2
}

impl Known {
    /// A transaction of this moment, with an id of its own.
    pub fn envelope(&mut self, rng: &mut SmallRng, now: Stamp, caller: Caller, call: Call) -> Transaction {
        self.made += 1;
        let mut request = RequestId::earliest_at(now.0);
        request.0[6..8].copy_from_slice(&rng.random::<[u8; 2]>());
        request.0[8..].copy_from_slice(&self.made.to_be_bytes());
        Transaction { request, caller, not_after: None, signature: Vec::new(), call }
    }

    /// The ledger's beginning, in parts that must be done one after the other.
    pub fn founding(&mut self, policy: Policy, cluster: [u8; 16], now: Stamp) -> Vec<Vec<(Caller, Call)>> {
        let national = Caller::National;
        let mut begin = vec![(national, Call::Genesis { cluster, policy })];
        let mut provinces: Vec<Province> = (0..PLACES.len()).map(|place| area(place).province()).collect();
        provinces.dedup();
        for province in provinces {
            let kinship = KinshipScope::Wide;
            begin.push((national, Call::RegisterProvince { province, kinship, effective: None }));
        }
        for place in 0..PLACES.len() {
            begin.push((national, Call::RegisterArea { area: area(place) }));
            let from = now.plus_ms(2_000);
            begin.push((national, Call::SetAreaOpen { area: area(place), from, until: None }));
            let (year, premium, tariff) = (2027, Premium::Resident, Tariff::Exactly(fen(40_000)));
            let call = Call::SetTariff { area: area(place), premium, year, effective: from, tariff };
            begin.push((national, call));
        }
        let mut people = Vec::new();
        for place in 0..PLACES.len() {
            let hospital = institution(place).as_str().starts_with('H');
            let kind = if hospital { InstitutionKind::Hospital } else { InstitutionKind::Pharmacy };
            let (institution, area) = (institution(place), area(place));
            let call = Call::RegisterInstitution { institution, kind, area, wallet_open: true };
            people.push((Caller::Province(area.province()), call));
        }
        for number in 0..PERSONS {
            let (person, area) = (person(number), area(home(number)));
            let employed = is_employed(number);
            let insurance = if employed { Insurance::Employee } else { Insurance::Resident };
            people
                .push((Caller::Agency(area), Call::EnrolPerson { person, insurance, area, retired: false }));
            if employed {
                let (amount, period) = (fen(300_000), now.month());
                people.push((Caller::Agency(area), Call::CreditAccount { person, amount, period }));
            }
            people.push((Caller::Person(person), Call::ActivateWallet { person }));
        }
        let mut bonds = Vec::new();
        for number in 0..PERSONS {
            let (donor, beneficiary) = (person(number), person(number + 2));
            if is_employed(number) {
                let call = Call::ProposeRelation { donor, beneficiary, kinship: Kinship::Parent };
                bonds.push((Caller::Person(donor), call));
            }
        }
        vec![begin, people, bonds]
    }

    /// What to do with the relations of the founding: accept and give.
    pub fn bonds(&self) -> Vec<Vec<(Caller, Call)>> {
        let each = |call: &dyn Fn(RelationId) -> Call, giver: bool| {
            let caller = |donor: Person, user: Person| Caller::Person(if giver { donor } else { user });
            self.relations.iter().map(|(id, donor, user)| (caller(*donor, *user), call(*id))).collect()
        };
        vec![
            each(&|relation| Call::AcceptRelation { relation }, false),
            each(&|relation| Call::SetQuota { relation, amount: fen(60_000), expiry: Expiry::Keep }, true),
        ]
    }

    /// Learns from an answer.
    pub fn learn(&mut self, transaction: &Transaction, answer: &Answer) {
        let Outcome::Done(events) = &answer.outcome else { return };
        for event in events {
            match (event, &transaction.call) {
                (
                    Event::RelationProposed { relation, .. },
                    Call::ProposeRelation { donor, beneficiary, .. },
                ) => {
                    self.relations.push((*relation, *donor, *beneficiary));
                }
                (Event::Settled { payment, .. }, Call::Settle(spend)) => {
                    self.payments.push((*payment, spend.institution));
                }
                (Event::SpendAuthorised { hold, .. }, Call::AuthoriseSpend(spend)) => {
                    self.holds.push((*hold, spend.institution));
                }
                (Event::OfferMade { offer, .. }, Call::SetQuota { relation, .. }) => {
                    let user =
                        self.relations.iter().find(|(id, _, _)| id == relation).map(|(_, _, user)| *user);
                    self.offers.extend(user.map(|user| (*offer, user)));
                }
                (Event::TransferApplied { case, .. }, _) => self.cases.push(*case),
                _ => {}
            }
        }
    }

    /// A record worth reading.
    pub fn question(&self, rng: &mut SmallRng) -> Key {
        match rng.random_range(0..10) {
            0..6 => match self.relations.choose(rng) {
                Some((relation, _, _)) => Key::Relation { relation: *relation },
                None => Key::Ledger {},
            },
            6..9 => Key::Person { person: person(rng.random()) },
            _ => Key::Ledger {},
        }
    }

    fn spend(rng: &mut SmallRng) -> Spend {
        let beneficiary = person(rng.random());
        Spend {
            beneficiary,
            credential: Credential { kind: CredentialKind::ElectronicCode, holder: beneficiary },
            institution: institution(rng.random_range(0..PLACES.len())),
            med_type: if rng.random() { MedType::OUTPATIENT } else { MedType::PHARMACY },
            amount: fen([1, 99, 1_000, 5_000, 12_345, 80_000][rng.random_range(0..6)]),
            use_own_account: rng.random_ratio(3, 4),
            all_or_nothing: rng.random_ratio(1, 4),
        }
    }

    /// Something to ask for.
    pub fn ask(&mut self, rng: &mut SmallRng, now: Stamp) -> Transaction {
        let amount = fen([0, 1, 500, 5_000, 20_000, 100_000][rng.random_range(0..6)]);
        let recent = |count: usize, rng: &mut SmallRng| {
            (count > 0).then(|| count - 1 - rng.random_range(0..count.min(16)))
        };
        let relation = recent(self.relations.len(), rng).map(|place| self.relations[place]);
        let (caller, call) = match (rng.random_range(0..100), relation) {
            (0..34, _) | (_, None) => {
                let spend = Known::spend(rng);
                (Caller::Institution(spend.institution), Call::Settle(spend))
            }
            (34..42, _) => {
                let spend = Known::spend(rng);
                (Caller::Institution(spend.institution), Call::AuthoriseSpend(spend))
            }
            (42..52, _) if !self.holds.is_empty() => {
                let place = recent(self.holds.len(), rng).unwrap_or(0);
                let (hold, institution) = self.holds[place];
                let call = match rng.random_range(0..3) {
                    0 => Call::VoidSpend { hold },
                    1 => Call::ConfirmSpend { hold, amount: Some(amount) },
                    _ => Call::ConfirmSpend { hold, amount: None },
                };
                (Caller::Institution(institution), call)
            }
            (52..62, _) if !self.payments.is_empty() => {
                let place = recent(self.payments.len(), rng).unwrap_or(0);
                let (payment, institution) = self.payments[place];
                let amount = rng.random::<bool>().then_some(amount);
                (Caller::Institution(institution), Call::Refund { payment, amount })
            }
            (62..72, Some((relation, donor, _))) => {
                let expiry = match rng.random_range(0..4) {
                    0 => Expiry::At(now.plus_ms(rng.random_range(500..20_000))),
                    1 => Expiry::Never,
                    _ => Expiry::Keep,
                };
                (Caller::Person(donor), Call::SetQuota { relation, amount, expiry })
            }
            (72..76, Some((relation, donor, _))) => {
                (Caller::Person(donor), Call::ReduceQuota { relation, amount })
            }
            (76..79, Some((relation, donor, user))) => {
                let by = if rng.random() { donor } else { user };
                (Caller::Person(by), Call::ReleaseRelation { relation })
            }
            (79..85, _) => {
                let number = rng.random_range(0..PERSONS);
                let (donor, beneficiary) = (person(number), person(number + rng.random_range(1..4)));
                let by = if rng.random() { donor } else { beneficiary };
                (Caller::Person(by), Call::ProposeRelation { donor, beneficiary, kinship: Kinship::Parent })
            }
            (85..90, Some((relation, donor, user))) => {
                let by = if rng.random_ratio(3, 4) { user } else { donor };
                (Caller::Person(by), Call::AcceptRelation { relation })
            }
            (90..92, _) if !self.offers.is_empty() => {
                let (offer, user) = *self.offers.last().expect("it is not empty");
                (Caller::Person(user), Call::AcceptOffer { offer })
            }
            (92..94, _) => {
                let number = rng.random_range(0..PERSONS);
                let beneficiary = person(number);
                let (premium, year) = (Premium::Resident, 2027);
                let (use_own_account, all_or_nothing) = (true, rng.random());
                let amount = fen(40_000);
                let call =
                    Call::PayPremium { beneficiary, premium, year, amount, use_own_account, all_or_nothing };
                (Caller::Person(beneficiary), call)
            }
            (94..95, Some((_, donor, _))) => {
                let call = Call::SetPriority { beneficiary: donor, order: Vec::new() };
                (Caller::Person(donor), call)
            }
            _ => {
                let number = rng.random_range(0..PERSONS);
                let (person, area) = (person(number), area(home(number)));
                let call = Call::CreditAccount { person, amount, period: now.month() };
                (Caller::Agency(area), call)
            }
        };
        self.envelope(rng, now, caller, call)
    }

    /// The reversal of something that was asked, perhaps before it arrived.
    pub fn reversal(&mut self, rng: &mut SmallRng, now: Stamp, of: &Transaction) -> Transaction {
        self.envelope(rng, now, of.caller, Call::Reverse { original: of.request })
    }
}
