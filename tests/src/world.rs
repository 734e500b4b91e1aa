//! What a load needs before it can begin: areas, institutions, persons, money, relations. And the desk that everything
//! is asked at, so that nothing escapes the history.

use crate::bench::{rng, wait_for};
use crate::history::{Expect, History, OpId};
use client::{
    Call, Caller, Client, Error, InstitutionKind, Insurance, Kinship, Outcome, Reason, RequestId, Submitter,
    Verb, Yuan,
};
use futures::future::join_all;
use parking_lot::Mutex;
use rand::Rng;
use rand::rngs::StdRng;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// An area and one institution in it.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The area, six digits.
    pub area: &'static str,
    /// The institution's code.
    pub institution: &'static str,
    /// Hospital or pharmacy.
    pub kind: InstitutionKind,
}

/// Where money is spent: provinces with wide and narrow kinship.
pub const PLACES: [Place; 4] = [
    Place { area: "320500", institution: "H32050000001", kind: InstitutionKind::Hospital },
    Place { area: "410100", institution: "P41010000001", kind: InstitutionKind::Pharmacy },
    Place { area: "440100", institution: "H44010000001", kind: InstitutionKind::Hospital },
    Place { area: "130100", institution: "P13010000001", kind: InstitutionKind::Pharmacy },
];

/// How far ahead an area's opening is dated at first. Each date that was passed before the ledger read it is followed by
/// one twice as far ahead.
const OPENS_IN: Duration = Duration::from_millis(300);
/// How often a date is tried.
const OPENING_TRIES: u32 = 8;

/// How many families a load works with.
pub const FAMILIES: usize = 24;

/// A donor and a beneficiary.
#[derive(Clone, Debug)]
pub struct Family {
    /// Who gives: insured with 310.
    pub donor: String,
    /// Where the donor is insured.
    pub donor_area: &'static str,
    /// Who uses.
    pub beneficiary: String,
    /// Their relation at the beginning.
    pub relation: String,
}

/// What a load works with.
#[derive(Clone, Debug)]
pub struct World {
    /// The families.
    pub families: Vec<Family>,
    /// Their relations as they are now: none while one is being changed, or once it is not known how that ended.
    pub relations: Arc<Mutex<Vec<Option<String>>>>,
}

/// Where things are asked: a client and its batching submitter, every call noted.
#[derive(Clone, Debug)]
pub struct Desk {
    client: Client,
    submitter: Submitter,
    history: History,
}

impl Desk {
    /// A desk at these nodes.
    pub fn new(client: &Client, history: &History) -> Desk {
        Desk { client: client.clone(), submitter: client.submitter(), history: history.clone() }
    }

    /// Asks for one transaction.
    pub async fn ask<V: Verb>(
        &self,
        caller: &Caller,
        expect: Expect,
        call: impl FnOnce(&Client) -> Call<V>,
    ) -> (OpId, Result<Outcome, Error>) {
        let call = call(&self.client.acting_as(caller.clone()));
        let op = self.history.begin(caller, call.transaction(), expect);
        (op, self.again(op).await)
    }

    /// Sends a transaction that was asked before: the same bytes.
    pub async fn again(&self, op: OpId) -> Result<Outcome, Error> {
        self.history.attempt(op, |prepared| self.submitter.submit(prepared)).await
    }

    /// The id of a transaction that was asked.
    pub fn request_of(&self, op: OpId) -> RequestId {
        self.history.request_of(op)
    }

    /// Asks for something that must be done, as long as it takes to know.
    ///
    /// # Panics
    /// If it is not done.
    pub async fn must<V: Verb>(
        &self,
        caller: &Caller,
        call: impl FnOnce(&Client) -> Call<V>,
    ) -> client::Receipt {
        match self.sure(caller, Expect::Done, call).await {
            Ok(Outcome::Done(receipt)) => receipt,
            other => panic!("the world could not be made: {other:?}"),
        }
    }

    /// Asks for something as long as it takes to know, within reason.
    async fn sure<V: Verb>(
        &self,
        caller: &Caller,
        expect: Expect,
        call: impl FnOnce(&Client) -> Call<V>,
    ) -> Result<Outcome, Error> {
        let (op, mut reply) = self.ask(caller, expect, call).await;
        for _ in 0..10 {
            match reply {
                Ok(Outcome::Unknown(_)) | Err(Error::NotSent { .. }) => reply = self.again(op).await,
                Ok(_) | Err(_) => break,
            }
        }
        reply
    }
}

/// An amount.
///
/// # Panics
/// If it is larger than any amount may be.
pub fn yuan(fen: u64) -> Yuan {
    Yuan::from_fen(fen).expect("a small amount")
}

/// A person's id.
pub fn person(rng: &mut StdRng) -> String {
    uuid::Builder::from_random_bytes(rng.random()).into_uuid().to_string()
}

/// The province's agency of an area.
pub fn province_of(area: &str) -> Caller {
    Caller::province(&area[..2])
}

async fn each<'a, T, R>(items: &'a [T], ask: impl AsyncFn(&'a T) -> R) -> Vec<R> {
    join_all(items.iter().map(|item| ask(item))).await
}

impl World {
    /// Founds it: every step must succeed.
    ///
    /// # Panics
    /// If one does not.
    pub async fn found(desk: &Desk, seed: u64) -> World {
        let national = Caller::National;
        each(&PLACES, async |place| desk.must(&national, |client| client.register_area(place.area)).await)
            .await;
        let opened = each(&PLACES, async |place| open(desk, place.area).await).await;
        let open_from = opened.into_iter().max().expect("there are places");
        each(&PLACES, async |place| {
            let province = province_of(place.area);
            desk.must(&province, |client| {
                client.register_institution(place.institution, place.kind, place.area, true)
            })
            .await
        })
        .await;

        let mut rng = rng(seed, 1);
        let mut families = Vec::new();
        let mut insured = Vec::new();
        for number in 0..FAMILIES {
            let (donor, beneficiary) = (person(&mut rng), person(&mut rng));
            let donor_area = PLACES[number % PLACES.len()].area;
            // A quarter of the families lives in one province, the rest in two.
            let area = PLACES[(number + number / PLACES.len()) % PLACES.len()].area;
            let insurance = if rng.random_bool(0.5) { Insurance::Resident } else { Insurance::Employee };
            insured.push((donor.clone(), donor_area, Insurance::Employee));
            insured.push((beneficiary.clone(), area, insurance));
            families.push(Family { donor, donor_area, beneficiary, relation: String::new() });
        }
        each(&insured, async |(person, area, insurance)| {
            let agency = Caller::agency(*area);
            desk.must(&agency, |client| client.enrol_person(person, *insurance, *area)).await;
            desk.must(&Caller::person(person), |client| client.activate_wallet(person)).await;
            if *insurance == Insurance::Employee {
                desk.must(&agency, |client| client.credit_account(person, yuan(5_000_000), "2026-10")).await;
            }
        })
        .await;
        let relations = each(&families, async |family| relate(desk, family).await).await;
        for (family, relation) in families.iter_mut().zip(relations) {
            family.relation = relation;
        }
        wait_for(2 * OPENS_IN * (1 << OPENING_TRIES), "the areas' opening", async || {
            (SystemTime::now() > open_from + Duration::from_millis(50)).then_some(())
        })
        .await;
        each(&families, async |family| {
            let donor = Caller::person(&family.donor);
            desk.must(&donor, |client| client.set_quota(&family.relation, yuan(200_000))).await
        })
        .await;
        let relations = families.iter().map(|family| Some(family.relation.clone())).collect();
        World { families, relations: Arc::new(Mutex::new(relations)) }
    }
}

/// Opens an area, and says from when on. The ledger refuses a date that is past when it reads it, so how soon the date may be
/// is the machine's affair: one that a stall or an election ate up is followed by another.
async fn open(desk: &Desk, area: &str) -> SystemTime {
    let late = Expect::Either(&[Reason::EffectiveInPast]);
    for attempt in 0..OPENING_TRIES {
        let from = SystemTime::now() + OPENS_IN * (1 << attempt);
        match desk.sure(&Caller::National, late, |client| client.set_area_open(area, from)).await {
            Ok(Outcome::Done(_)) => return from,
            Ok(Outcome::Refused(refused)) if refused.reason == Reason::EffectiveInPast => {}
            other => panic!("the area {area} could not be opened: {other:?}"),
        }
    }
    panic!("the area {area} could not be opened: {OPENING_TRIES} dates were past when the ledger read them")
}

/// Proposes and accepts.
async fn relate(desk: &Desk, family: &Family) -> String {
    let (donor, user) = (Caller::person(&family.donor), Caller::person(&family.beneficiary));
    let kinship = Kinship::Parent;
    let proposed = desk
        .must(&donor, |client| client.propose_relation(&family.donor, &family.beneficiary, kinship))
        .await;
    let relation = proposed.relation().expect("a proposal names its relation").to_owned();
    desk.must(&user, |client| client.accept_relation(&relation)).await;
    relation
}
