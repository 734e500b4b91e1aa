//! Spending, premiums, refunds and reversals.

use super::super::Stage;
use super::super::names::{Result, institution, person, span};
use super::register::PREMIUMS;
use super::{Args, Known, choice, fen, nobody, number, record, take, yes};
use ledger::command::{Credential, CredentialKind, Spend};
use ledger::table::{HoldRecord, Payee, PaymentRecord};
use ledger::{Call, Caller, HoldId, Institution, Key, MedType, PaymentId};

const CREDENTIALS: &[(&str, CredentialKind)] = &[
    ("code", CredentialKind::ElectronicCode),
    ("identity-card", CredentialKind::IdentityCard),
    ("card", CredentialKind::SocialSecurityCard),
];

pub fn call(stage: &mut Stage, verb: &str, args: &mut Args<'_>) -> Known {
    let known = match verb {
        "settle" => {
            let (institution, spend) = spend(args)?;
            (Caller::Institution(institution), Call::Settle(spend))
        }
        "authorise" => {
            let (institution, spend) = spend(args)?;
            (Caller::Institution(institution), Call::AuthoriseSpend(spend))
        }
        "confirm" => {
            let (caller, hold) = hold(stage, args)?;
            (caller, Call::ConfirmSpend { hold, amount: args.remove("amount").map(fen).transpose()? })
        }
        "void" => {
            let (caller, hold) = hold(stage, args)?;
            (caller, Call::VoidSpend { hold })
        }
        "premium" => {
            let beneficiary = person(take(args, "beneficiary")?);
            let call = Call::PayPremium {
                beneficiary,
                premium: choice(PREMIUMS, take(args, "kind")?)?,
                year: args.remove("year").map_or(Ok(2026), number)?,
                amount: fen(take(args, "amount")?)?,
                use_own_account: args.remove("own").map_or(Ok(true), yes)?,
                all_or_nothing: args.remove("all").map_or(Ok(false), yes)?,
            };
            (Caller::Person(beneficiary), call)
        }
        "refund" => {
            let payment = PaymentId(stage.position(take(args, "payment")?)?);
            let caller = match record::<PaymentRecord>(stage, Key::Payment { payment }) {
                Some(PaymentRecord { payee: Payee::Institution(institution, _), .. }) => {
                    Caller::Institution(institution)
                }
                Some(PaymentRecord { beneficiary, .. }) => Caller::Person(beneficiary),
                None => Caller::Institution(institution("hospital")?),
            };
            (caller, Call::Refund { payment, amount: args.remove("amount").map(fen).transpose()? })
        }
        "reverse" => {
            let back = args.remove("original-age").map_or(Ok(0), span)?;
            let on = args.remove("original-ahead").map_or(Ok(0), span)?;
            let original = stage.request(Some(take(args, "original")?), stage.now.0 + on - back);
            let asker = stage.sent.get(&original).map_or(nobody(), |sent| sent.caller);
            (asker, Call::Reverse { original })
        }
        _ => return Ok(None),
    };
    Ok(Some(known))
}

/// What is spent at an institution; unless said otherwise with the patient's own code, for what is usual there.
fn spend(args: &mut Args<'_>) -> Result<(Institution, Spend)> {
    let institution = institution(take(args, "at")?)?;
    let beneficiary = person(take(args, "beneficiary")?);
    let usual = if institution.as_str().starts_with('P') { MedType::PHARMACY } else { MedType::OUTPATIENT };
    let kind = args
        .remove("credential")
        .map_or(Ok(CredentialKind::ElectronicCode), |word| choice(CREDENTIALS, word))?;
    let spend = Spend {
        beneficiary,
        credential: Credential { kind, holder: args.remove("holder").map_or(beneficiary, person) },
        institution,
        med_type: args.remove("med").map_or(Ok(usual), |text| MedType::new(text).ok_or("no med_type"))?,
        amount: fen(take(args, "amount")?)?,
        use_own_account: args.remove("own").map_or(Ok(true), yes)?,
        all_or_nothing: args.remove("all").map_or(Ok(false), yes)?,
    };
    Ok((institution, spend))
}

fn hold(stage: &Stage, args: &mut Args<'_>) -> Result<(Caller, HoldId)> {
    let hold = HoldId(stage.position(take(args, "hold")?)?);
    let record = record::<HoldRecord>(stage, Key::Hold { hold });
    let caller = match record {
        Some(record) => Caller::Institution(record.institution),
        None => Caller::Institution(institution("hospital")?),
    };
    Ok((caller, hold))
}
