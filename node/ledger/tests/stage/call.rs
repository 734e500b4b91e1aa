//! From a command line to a call, and to who usually asks it.

use super::{Result, Stage, area, institution, person, span};
use ledger::command::{InstitutionKind, Insurance, Kinship, KinshipScope, Policy};
use ledger::table::{Record, RelationRecord, RelationState};
use ledger::{Call, Caller, Fen, Key, Province, RelationId, View};
use std::collections::BTreeMap;

pub const KINSHIPS: &[(&str, Kinship)] = &[
    ("spouse", Kinship::Spouse),
    ("parent", Kinship::Parent),
    ("child", Kinship::Child),
    ("sibling", Kinship::Sibling),
    ("paternal-grandparent", Kinship::PaternalGrandparent),
    ("maternal-grandparent", Kinship::MaternalGrandparent),
    ("sons-child", Kinship::SonsChild),
    ("daughters-child", Kinship::DaughtersChild),
];

type Args<'a> = BTreeMap<&'a str, &'a str>;

fn take<'a>(args: &mut Args<'a>, name: &str) -> Result<&'a str> {
    args.remove(name).ok_or_else(|| format!("`{name}=` is missing"))
}

fn fen(text: &str) -> Result<Fen> {
    text.parse().ok().and_then(Fen::new).ok_or_else(|| format!("`{text}` is no amount"))
}

fn yes(text: &str) -> Result<bool> {
    match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err(format!("`{text}` is neither yes nor no")),
    }
}

fn province(code: &str) -> Result<Province> {
    code.parse().ok().and_then(Province::new).ok_or_else(|| format!("no province `{code}`"))
}

/// The default policy but for what is given.
fn policy(args: &mut Args<'_>) -> Result<Policy> {
    let mut policy = Policy::default();
    let number = |text: &str| text.parse::<u16>().map_err(|_| format!("`{text}` is no number"));
    if let Some(window) = args.remove("window") {
        policy.request_window_ms = span(window)?;
    }
    if let Some(ahead) = args.remove("ahead-max") {
        policy.request_ahead_ms = span(ahead)?;
    }
    if let Some(days) = args.remove("proposal-days") {
        policy.proposal_days = number(days)?;
    }
    if let Some(donors) = args.remove("donors-max") {
        policy.donors_max = number(donors)?;
    }
    if let Some(first) = args.remove("own-first") {
        policy.own_account_first = yes(first)?;
    }
    Ok(policy)
}

fn record(stage: &Stage, relation: RelationId) -> Option<RelationRecord> {
    let Ok(row) = stage.state.get(&Key::Relation { relation });
    row.and_then(|row| RelationRecord::of_row(&row).cloned())
}

/// Who answers a proposal: the party that did not propose.
fn other(stage: &Stage, relation: RelationId) -> Caller {
    match record(stage, relation) {
        Some(RelationRecord { state: RelationState::Proposed { by, .. }, donor, beneficiary, .. })
            if by == donor =>
        {
            Caller::Person(beneficiary)
        }
        Some(RelationRecord { donor, .. }) => Caller::Person(donor),
        None => Caller::Person(person("nobody")),
    }
}

fn donor(stage: &Stage, relation: RelationId) -> Caller {
    Caller::Person(record(stage, relation).map_or(person("nobody"), |record| record.donor))
}

pub fn call(stage: &Stage, verb: &str, args: &mut Args<'_>) -> Result<(Caller, Call)> {
    Ok(match verb {
        "genesis" => {
            (Caller::National, Call::Genesis { cluster: *b"a test cluster..", policy: policy(args)? })
        }
        "register-province" => {
            let kinship = match take(args, "kinship")? {
                "wide" => KinshipScope::Wide,
                "narrow" => KinshipScope::Narrow,
                other => return Err(format!("no scope `{other}`")),
            };
            let province = province(take(args, "province")?)?;
            (Caller::National, Call::RegisterProvince { province, kinship })
        }
        "register-area" => (Caller::National, Call::RegisterArea { area: area(take(args, "area")?)? }),
        "open" => {
            let from = stage.stamp(take(args, "from")?)?;
            let until = args.remove("until").map(|until| stage.stamp(until)).transpose()?;
            (Caller::National, Call::SetAreaOpen { area: area(take(args, "area")?)?, from, until })
        }
        "set-policy" => {
            let effective = stage.stamp(take(args, "from")?)?;
            (Caller::National, Call::SetPolicy { effective, policy: policy(args)? })
        }
        "register-institution" => {
            let kind = match take(args, "kind")? {
                "hospital" => InstitutionKind::Hospital,
                "pharmacy" => InstitutionKind::Pharmacy,
                other => return Err(format!("no kind `{other}`")),
            };
            let area = area(take(args, "area")?)?;
            let institution = institution(take(args, "institution")?)?;
            let wallet_open = yes(take(args, "wallet")?)?;
            let call = Call::RegisterInstitution { institution, kind, area, wallet_open };
            (Caller::Province(area.province()), call)
        }
        "enrol" => {
            let insurance = match take(args, "insurance")? {
                "310" => Insurance::Employee,
                "390" => Insurance::Resident,
                other => return Err(format!("no insurance `{other}`")),
            };
            let area = area(take(args, "area")?)?;
            (
                Caller::Agency(area),
                Call::EnrolPerson { person: person(take(args, "person")?), insurance, area },
            )
        }
        "credit" => {
            let person = person(take(args, "person")?);
            let Ok(row) = stage.state.get(&Key::Person { person });
            let record = row.and_then(|row| ledger::table::PersonRecord::of_row(&row).cloned());
            let usual = record.map_or(Caller::Agency(area("suzhou")?), |record| Caller::Agency(record.area));
            let amount = fen(take(args, "amount")?)?;
            (usual, Call::CreditAccount { person, amount, period: stage.now.month() })
        }
        "activate" => {
            let person = person(take(args, "person")?);
            (Caller::Person(person), Call::ActivateWallet { person })
        }
        "propose" => {
            let donor = person(take(args, "donor")?);
            let beneficiary = person(take(args, "beneficiary")?);
            let name = take(args, "kinship")?;
            let kinship = KINSHIPS.iter().find(|(known, _)| *known == name);
            let (_, kinship) = *kinship.ok_or_else(|| format!("no kinship `{name}`"))?;
            (Caller::Person(donor), Call::ProposeRelation { donor, beneficiary, kinship })
        }
        "accept" => {
            let relation = stage.relation(take(args, "relation")?)?;
            (other(stage, relation), Call::AcceptRelation { relation })
        }
        "decline" => {
            let relation = stage.relation(take(args, "relation")?)?;
            (other(stage, relation), Call::DeclineRelation { relation })
        }
        "set-quota" => {
            let relation = stage.relation(take(args, "relation")?)?;
            (donor(stage, relation), Call::SetQuota { relation, amount: fen(take(args, "amount")?)? })
        }
        "reduce-quota" => {
            let relation = stage.relation(take(args, "relation")?)?;
            (donor(stage, relation), Call::ReduceQuota { relation, amount: fen(take(args, "amount")?)? })
        }
        "set-priority" => {
            let beneficiary = person(take(args, "beneficiary")?);
            let names = take(args, "order")?.split(',').filter(|name| !name.is_empty());
            let order = names.map(|name| stage.relation(name)).collect::<Result<_>>()?;
            (Caller::Person(beneficiary), Call::SetPriority { beneficiary, order })
        }
        "settle" => {
            let institution = institution(take(args, "at")?)?;
            let call = Call::Settle {
                beneficiary: person(take(args, "beneficiary")?),
                institution,
                amount: fen(take(args, "amount")?)?,
                use_own_account: args.remove("own").map_or(Ok(true), yes)?,
                all_or_nothing: args.remove("all").map_or(Ok(false), yes)?,
            };
            (Caller::Institution(institution), call)
        }
        "refund" => {
            let payment = stage.payment(take(args, "payment")?)?;
            let Ok(row) = stage.state.get(&Key::Payment { payment });
            let record = row.and_then(|row| ledger::table::PaymentRecord::of_row(&row).cloned());
            let paid = record.map_or(institution("hospital")?, |record| record.institution);
            let amount = args.remove("amount").map(fen).transpose()?;
            (Caller::Institution(paid), Call::Refund { payment, amount })
        }
        "release" => {
            let relation = stage.relation(take(args, "relation")?)?;
            (donor(stage, relation), Call::ReleaseRelation { relation })
        }
        "tick" => (Caller::Node, Call::Tick),
        _ => return Err(format!("no verb `{verb}`")),
    })
}
