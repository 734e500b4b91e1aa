//! A small country for trying things: areas, institutions, donors and beneficiaries.
//! Shared by `gongji bench` and by the load of `gongji demo`.

use crate::places::Province;
use crate::problem::{Exit, Problem};
use client::v1::transaction::Call;
use client::v1::{self, Kinship, Reason};
use client::{BATCH_MAX, Client, Error, Outcome, Prepared, Receipt, RequestId, Yuan};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Openings are set this far ahead: they may not lie in the past when they are decided.
const OPENING_AHEAD: Duration = Duration::from_millis(400);

/// What a country is made of.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The provinces, one area each.
    pub provinces: Vec<Province>,
    /// How many donors, each with one beneficiary.
    pub couples: usize,
    /// What each donor's account is credited with, in fen.
    pub credit: u64,
    /// Each quota, in fen.
    pub quota: u64,
    /// Persons and traffic follow from it.
    pub seed: u64,
}

/// A donor and a beneficiary.
#[derive(Clone, Debug)]
pub struct Couple {
    /// Who gives: a UUID.
    pub donor: String,
    /// The donor's area.
    pub donor_area: &'static str,
    /// Who uses: a UUID.
    pub beneficiary: String,
    /// The beneficiary's area.
    pub area: &'static str,
    /// Their relation.
    pub relation: String,
}

/// A country, ready for traffic.
#[derive(Clone, Debug)]
pub struct World {
    /// All couples.
    pub couples: Arc<[Couple]>,
}

/// The code of an area's hospital.
pub fn hospital(area: &str) -> String {
    format!("H{area}00001")
}

/// The code of an area's pharmacy.
pub fn pharmacy(area: &str) -> String {
    format!("P{area}00001")
}

/// The area that an institution of ours lies in.
pub fn area_of(institution: &str) -> &str {
    institution.get(1..7).unwrap_or_default()
}

/// A transaction of this caller.
pub fn transaction(who: v1::caller::Who, call: Call) -> v1::Transaction {
    v1::Transaction {
        request_id: RequestId::fresh().to_string(),
        caller: Some(v1::Caller { who: Some(who) }),
        call: Some(call),
        ..Default::default()
    }
}

/// The same, ready to be sent.
pub fn prepared(who: v1::caller::Who, call: Call) -> Prepared {
    Prepared::new(&transaction(who, call)).expect("a fresh request id is well-formed")
}

/// Yuan of so many fen.
pub fn yuan(fen: u64) -> Yuan {
    Yuan::from_fen(fen).unwrap_or(Yuan::MAX)
}

/// Sends transactions in batches, one after the other, and expects every one to be done; `fine` names a refusal that
/// is as good.
pub async fn send_all(
    client: &Client,
    batch: &[Prepared],
    fine: Option<Reason>,
) -> Result<Vec<Option<Receipt>>, Problem> {
    let mut receipts = Vec::with_capacity(batch.len());
    for part in batch.chunks(BATCH_MAX) {
        for result in client.submit_batch(part).await {
            match result {
                Ok(Outcome::Done(receipt)) => receipts.push(Some(receipt)),
                Ok(Outcome::Refused(refused)) if Some(refused.reason) == fine => receipts.push(None),
                Ok(Outcome::Refused(refused)) => {
                    let what = "a transaction that prepares the ledger was refused";
                    return Err(Problem::new(Exit::Refused, what).because(refused));
                }
                Ok(Outcome::Unknown(request)) => {
                    let what = format!("how request {request} ended is unknown");
                    return Err(Problem::new(Exit::Unknown, what).next("gongji status"));
                }
                Err(error) => return Err(sdk(&error)),
            }
        }
    }
    Ok(receipts)
}

/// What the SDK could not do, told to a person.
pub fn sdk(error: &Error) -> Problem {
    let exit = match error {
        Error::Malformed { .. } | Error::Address { .. } => Exit::Usage,
        Error::NotSent { .. } | Error::NoAnswer { .. } => Exit::Unreachable,
        Error::Absent { .. } => Exit::NotFound,
        _ => Exit::Unreachable,
    };
    Problem::new(exit, error.to_string()).next("gongji status")
}

/// Registers areas and institutions, and opens the areas. What is there already is used.
pub async fn register(client: &Client, provinces: &[Province]) -> Result<(), Problem> {
    use v1::caller::Who;
    let national = || Who::National(v1::National {});
    let areas: Vec<Prepared> = provinces
        .iter()
        .map(|province| {
            prepared(national(), Call::RegisterArea(v1::RegisterArea { area: province.area.into() }))
        })
        .collect();
    send_all(client, &areas, Some(Reason::AreaExists)).await?;
    let from = node::clock::time_of_day() + OPENING_AHEAD;
    let mut rest = Vec::new();
    for province in provinces {
        let area = province.area;
        let opening = v1::SetAreaOpen { area: area.into(), from: Some(from.into()), until: None };
        rest.push(prepared(national(), Call::SetAreaOpen(opening)));
        let kinds = [
            (hospital(area), v1::InstitutionKind::Hospital),
            (pharmacy(area), v1::InstitutionKind::Pharmacy),
        ];
        for (institution, kind) in kinds {
            let call = v1::RegisterInstitution {
                institution,
                kind: kind.into(),
                area: area.into(),
                wallet_open: true,
            };
            rest.push(prepared(Who::Province(province.code.to_string()), Call::RegisterInstitution(call)));
        }
    }
    // Areas with all the openings that they may have were opened by us before.
    send_all(client, &rest, Some(Reason::OpeningsFull)).await?;
    let open = from.duration_since(node::clock::time_of_day()).unwrap_or_default();
    tokio::time::sleep(open).await;
    Ok(())
}

impl World {
    /// Enrols, credits and binds the people of a plan. `told` hears how many transactions were done.
    pub async fn people(client: &Client, plan: &Plan, mut told: impl FnMut(usize)) -> Result<World, Problem> {
        let mut rng = SmallRng::seed_from_u64(plan.seed);
        let month = month_of(node::clock::time_of_day());
        let mut couples: Vec<Couple> =
            (0..plan.couples).map(|number| couple(&mut rng, &plan.provinces, number)).collect();
        for part in couples.chunks_mut(BATCH_MAX / 2) {
            let mut before: Vec<Prepared> =
                part.iter().flat_map(|couple| enrolment(couple, plan.credit, &month)).collect();
            told(send_all(client, &before, None).await?.len());
            before = part.iter().map(proposal).collect();
            let proposed = send_all(client, &before, None).await?;
            told(proposed.len());
            for (couple, receipt) in part.iter_mut().zip(&proposed) {
                let relation = receipt.as_ref().and_then(Receipt::relation).unwrap_or_default();
                couple.relation = relation.to_owned();
            }
            let binding: Vec<Prepared> = part.iter().flat_map(|couple| binding(couple, plan.quota)).collect();
            told(send_all(client, &binding, None).await?.len());
        }
        Ok(World { couples: couples.into() })
    }
}

/// How many transactions it takes to make a country of so many couples.
pub fn transactions_for(couples: usize) -> usize {
    couples * 8
}

fn couple(rng: &mut SmallRng, provinces: &[Province], number: usize) -> Couple {
    let person = |rng: &mut SmallRng| uuid::Builder::from_random_bytes(rng.random()).into_uuid().to_string();
    let count = provinces.len();
    let (at, to) = match number % 10 {
        // Some are like the family of the demo's story.
        0 if count > 1 => (0, 1),
        // Most live in another province: that is what the scheme is for.
        _ if count > 1 && rng.random_bool(0.8) => {
            (number % count, (number + rng.random_range(1..count)) % count)
        }
        _ => (number % count, number % count),
    };
    Couple {
        donor: person(rng),
        donor_area: provinces[at].area,
        beneficiary: person(rng),
        area: provinces[to].area,
        relation: String::new(),
    }
}

fn enrolment(couple: &Couple, credit: u64, month: &str) -> [Prepared; 5] {
    use v1::caller::Who;
    let agency = |area: &str| Who::Agency(area.to_owned());
    let enrol = |person: &str, insurance: v1::Insurance, area: &str| {
        let call = v1::EnrolPerson {
            person: person.into(),
            insurance: insurance.into(),
            area: area.into(),
            retired: false,
        };
        prepared(agency(area), Call::EnrolPerson(call))
    };
    let activate = |person: &str| {
        prepared(
            Who::Person(person.into()),
            Call::ActivateWallet(v1::ActivateWallet { person: person.into() }),
        )
    };
    let credit = v1::CreditAccount {
        person: couple.donor.clone(),
        amount: yuan(credit).to_string(),
        period: month.into(),
    };
    [
        enrol(&couple.donor, v1::Insurance::Employee, couple.donor_area),
        enrol(&couple.beneficiary, v1::Insurance::Resident, couple.area),
        prepared(agency(couple.donor_area), Call::CreditAccount(credit)),
        activate(&couple.donor),
        activate(&couple.beneficiary),
    ]
}

fn proposal(couple: &Couple) -> Prepared {
    let call = v1::ProposeRelation {
        donor: couple.donor.clone(),
        beneficiary: couple.beneficiary.clone(),
        kinship: Kinship::Parent.into(),
    };
    prepared(v1::caller::Who::Person(couple.donor.clone()), Call::ProposeRelation(call))
}

fn binding(couple: &Couple, quota: u64) -> [Prepared; 2] {
    let accept = v1::AcceptRelation { relation: couple.relation.clone() };
    [
        prepared(v1::caller::Who::Person(couple.beneficiary.clone()), Call::AcceptRelation(accept)),
        raise(couple, quota),
    ]
}

/// A quota is raised by so many fen.
pub fn raise(couple: &Couple, fen: u64) -> Prepared {
    let set = v1::SetQuota { relation: couple.relation.clone(), amount: yuan(fen).to_string(), expiry: None };
    prepared(v1::caller::Who::Person(couple.donor.clone()), Call::SetQuota(set))
}

/// The month of a moment in +08:00: "2026-11".
pub fn month_of(moment: SystemTime) -> String {
    let seconds = moment.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs() + 8 * 3_600;
    // Days to a civil date, after Howard Hinnant.
    let days = seconds / 86_400 + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year + u64::from(month <= 2);
    format!("{year:04}-{month:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_those_of_china() {
        let at = |seconds: u64| month_of(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(at(0), "1970-01");
        assert_eq!(at(1_795_305_600), "2026-11");
        // 2026-11-30T16:00:00Z is midnight in China.
        assert_eq!((at(1_796_054_399), at(1_796_054_400)), ("2026-11".to_owned(), "2026-12".to_owned()));
        assert_eq!(at(1_709_222_400), "2024-03");
    }

    #[test]
    fn the_same_seed_gives_the_same_people() {
        let people = |seed| {
            let mut rng = SmallRng::seed_from_u64(seed);
            (0..5).map(|number| couple(&mut rng, crate::places::PROVINCES, number).donor).collect::<Vec<_>>()
        };
        assert_eq!(people(7), people(7));
        assert_ne!(people(7), people(8));
    }
}
