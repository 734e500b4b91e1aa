//! Insured persons: enrolment, status, transfers, suspension.

use super::super::Stage;
use super::super::names::{Result, area, institution, month, person};
use super::{Args, Known, choice, fen, file, home, nobody, record, take, yes};
use ledger::command::{Insurance, InsuranceStatus, Party, PayoutReason, SuspensionReason, Termination};
use ledger::table::CaseRecord;
use ledger::{Area, Call, Caller, CaseId, Key, Person};

const INSURANCES: &[(&str, Insurance)] = &[("310", Insurance::Employee), ("390", Insurance::Resident)];

pub const STATUSES: &[(&str, InsuranceStatus)] = &[
    ("normal", InsuranceStatus::Normal),
    ("stopped", InsuranceStatus::Stopped),
    ("arrears", InsuranceStatus::Arrears),
    ("frozen", InsuranceStatus::Frozen),
    ("terminated", InsuranceStatus::Terminated),
    ("deceased", InsuranceStatus::Deceased),
];

const TERMINATIONS: &[(&str, Termination)] =
    &[("emigration", Termination::Emigration), ("other", Termination::Other)];

const PAYOUTS: &[(&str, PayoutReason)] = &[
    ("estate", PayoutReason::Estate),
    ("emigration", PayoutReason::Emigration),
    ("resettled", PayoutReason::Resettled),
    ("impossible", PayoutReason::TransferImpossible),
];

const SUSPENSIONS: &[(&str, SuspensionReason)] = &[
    ("impersonation", SuspensionReason::Impersonation),
    ("false", SuspensionReason::FalseSettlement),
    ("other", SuspensionReason::Other),
];

pub fn call(stage: &mut Stage, verb: &str, args: &mut Args<'_>) -> Known {
    let known = match verb {
        "enrol" => {
            let area = area(take(args, "area")?)?;
            let call = Call::EnrolPerson {
                person: person(take(args, "person")?),
                insurance: choice(INSURANCES, take(args, "insurance")?)?,
                area,
                retired: args.remove("retired").map_or(Ok(false), yes)?,
            };
            (Caller::Agency(area), call)
        }
        "activate" => {
            let person = person(take(args, "person")?);
            (Caller::Person(person), Call::ActivateWallet { person })
        }
        "deactivate" => {
            let person = person(take(args, "person")?);
            (Caller::Person(person), Call::DeactivateWallet { person })
        }
        "credit" => {
            let (agency, person) = insured(stage, args)?;
            let period = args.remove("period").map_or(Ok(stage.now.month()), month)?;
            (agency, Call::CreditAccount { person, amount: fen(take(args, "amount")?)?, period })
        }
        "set-status" => {
            let (agency, person) = insured(stage, args)?;
            (agency, Call::SetInsuranceStatus { person, status: choice(STATUSES, take(args, "status")?)? })
        }
        "set-retired" => {
            let (agency, person) = insured(stage, args)?;
            (agency, Call::SetRetired { person, retired: yes(take(args, "retired")?)? })
        }
        "terminate" => {
            let (agency, person) = insured(stage, args)?;
            let reason = choice(TERMINATIONS, args.remove("reason").unwrap_or("other"))?;
            (agency, Call::TerminateInsurance { person, reason })
        }
        "death" => {
            let (agency, person) = insured(stage, args)?;
            (agency, Call::RegisterDeath { person })
        }
        "payout" => {
            let (agency, person) = insured(stage, args)?;
            let amount = args.remove("amount").map(fen).transpose()?;
            (agency, Call::Payout { person, reason: choice(PAYOUTS, take(args, "reason")?)?, amount })
        }
        "move" => {
            let (agency, person) = insured(stage, args)?;
            (agency, Call::MoveWithinProvince { person, to: area(take(args, "to")?)? })
        }
        "apply-transfer" => {
            let person = person(take(args, "person")?);
            (Caller::Person(person), Call::ApplyTransfer { person, to: area(take(args, "to")?)? })
        }
        "accept-transfer" => {
            let (case, record) = case(stage, args)?;
            (agency(record.map(|record| record.to)), Call::AcceptTransfer { case })
        }
        "send-transfer" => {
            let (case, record) = case(stage, args)?;
            (agency(record.map(|record| record.from)), Call::SendTransfer { case })
        }
        "receive-transfer" => {
            let (case, record) = case(stage, args)?;
            (agency(record.map(|record| record.to)), Call::ReceiveTransfer { case })
        }
        "complete-transfer" => {
            let (case, record) = case(stage, args)?;
            (agency(record.map(|record| record.to)), Call::CompleteTransfer { case })
        }
        "fail-transfer" => {
            let (case, record) = case(stage, args)?;
            (agency(record.map(|record| record.to)), Call::FailTransfer { case })
        }
        "abandon-transfer" => {
            let (case, record) = case(stage, args)?;
            (record.map_or(nobody(), |record| Caller::Person(record.person)), Call::AbandonTransfer { case })
        }
        "suspend" => {
            let reason = choice(SUSPENSIONS, args.remove("reason").unwrap_or("impersonation"))?;
            let file = file(args.remove("file").unwrap_or("F-1"))?;
            (Caller::National, Call::Suspend { party: party(args)?, reason, file })
        }
        "lift" => {
            let file = file(args.remove("file").unwrap_or("F-2"))?;
            (Caller::National, Call::LiftSuspension { party: party(args)?, file })
        }
        _ => return Ok(None),
    };
    Ok(Some(known))
}

/// `person=` and the agency of the area of insurance.
fn insured(stage: &Stage, args: &mut Args<'_>) -> Result<(Caller, Person)> {
    let person = person(take(args, "person")?);
    Ok((Caller::Agency(home(stage, person).unwrap_or(area("suzhou")?)), person))
}

fn case(stage: &Stage, args: &mut Args<'_>) -> Result<(CaseId, Option<CaseRecord>)> {
    let case = CaseId(stage.position(take(args, "case")?)?);
    Ok((case, record(stage, Key::Case { case })))
}

fn agency(area: Option<Area>) -> Caller {
    area.map_or(nobody(), Caller::Agency)
}

/// An institution of that name, else a person.
fn party(args: &mut Args<'_>) -> Result<Party> {
    let name = take(args, "party")?;
    Ok(institution(name).map_or(Party::Person(person(name)), Party::Institution))
}
