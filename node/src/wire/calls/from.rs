//! From the wire: what is asked, or which field is malformed.

use super::super::enums::*;
use super::super::text::{self, Problem};
use super::super::{
    BadField, at, cluster_from_proto, given, policy_from_proto, stamp_from_proto, stamp_if_given,
};
use super::{CALENDAR_DAYS_MAX, ORDER_MAX};
use ledger::command::{Credential, CredentialKind, Expiry, InsuranceStatus, Party, Spend, Tariff};
use ledger::{Call, Day, Fen, Institution, MedType, Person, RelationId};
use proto::v1::{self as pb, party::Who as PartyWho, set_quota, set_tariff, transaction::Call as PbCall};

/// What is asked.
pub fn call_from_proto(call: &PbCall) -> Result<Call, BadField> {
    Ok(match call {
        PbCall::Genesis(it) => Call::Genesis {
            cluster: cluster_from_proto("genesis.cluster", &it.cluster)?,
            policy: policy_from_proto("genesis.policy", given("genesis.policy", &it.policy)?)?,
        },
        PbCall::RegisterProvince(it) => Call::RegisterProvince {
            province: at("register_province.province", text::province(&it.province))?,
            kinship: kinship_scope("register_province.kinship", it.kinship)?,
            effective: stamp_if_given("register_province.effective", &it.effective)?,
        },
        PbCall::RegisterArea(it) => {
            Call::RegisterArea { area: at("register_area.area", text::area(&it.area))? }
        }
        PbCall::SetAreaOpen(it) => Call::SetAreaOpen {
            area: at("set_area_open.area", text::area(&it.area))?,
            from: stamp_from_proto("set_area_open.from", given("set_area_open.from", &it.from)?)?,
            until: stamp_if_given("set_area_open.until", &it.until)?,
        },
        PbCall::SetPolicy(it) => Call::SetPolicy {
            effective: stamp_from_proto(
                "set_policy.effective",
                given("set_policy.effective", &it.effective)?,
            )?,
            policy: policy_from_proto("set_policy.policy", given("set_policy.policy", &it.policy)?)?,
        },
        PbCall::SetTariff(it) => Call::SetTariff {
            area: at("set_tariff.area", text::area(&it.area))?,
            premium: premium("set_tariff.premium", it.premium)?,
            year: at("set_tariff.year", text::year(it.year))?,
            effective: stamp_from_proto(
                "set_tariff.effective",
                given("set_tariff.effective", &it.effective)?,
            )?,
            tariff: match given("set_tariff.tariff", &it.tariff)? {
                set_tariff::Tariff::NotOffered(pb::NotOffered {}) => Tariff::NotOffered,
                set_tariff::Tariff::AnyAmount(pb::AnyAmount {}) => Tariff::AnyAmount,
                set_tariff::Tariff::Exactly(amount) => {
                    Tariff::Exactly(at("set_tariff.exactly", text::yuan(amount))?)
                }
            },
        },
        PbCall::SetCalendar(it) => Call::SetCalendar {
            year: at("set_calendar.year", text::year(it.year))?,
            holidays: days("set_calendar.holidays", &it.holidays)?,
            workdays: days("set_calendar.workdays", &it.workdays)?,
        },
        PbCall::RegisterInstitution(it) => Call::RegisterInstitution {
            institution: at("register_institution.institution", text::institution(&it.institution))?,
            kind: institution_kind("register_institution.kind", it.kind)?,
            area: at("register_institution.area", text::area(&it.area))?,
            wallet_open: it.wallet_open,
        },
        PbCall::EnrolPerson(it) => Call::EnrolPerson {
            person: at("enrol_person.person", text::person(&it.person))?,
            insurance: insurance("enrol_person.insurance", it.insurance)?,
            area: at("enrol_person.area", text::area(&it.area))?,
            retired: it.retired,
        },
        PbCall::CreditAccount(it) => Call::CreditAccount {
            person: at("credit_account.person", text::person(&it.person))?,
            amount: at("credit_account.amount", text::yuan(&it.amount))?,
            period: at("credit_account.period", text::month(&it.period))?,
        },
        PbCall::SetInsuranceStatus(it) => Call::SetInsuranceStatus {
            person: at("set_insurance_status.person", text::person(&it.person))?,
            status: status("set_insurance_status.status", it.status)?,
        },
        PbCall::SetRetired(it) => Call::SetRetired {
            person: at("set_retired.person", text::person(&it.person))?,
            retired: it.retired,
        },
        PbCall::TerminateInsurance(it) => Call::TerminateInsurance {
            person: at("terminate_insurance.person", text::person(&it.person))?,
            reason: termination("terminate_insurance.reason", it.reason)?,
        },
        PbCall::RegisterDeath(it) => {
            Call::RegisterDeath { person: at("register_death.person", text::person(&it.person))? }
        }
        PbCall::Payout(it) => Call::Payout {
            person: at("payout.person", text::person(&it.person))?,
            reason: payout_reason("payout.reason", it.reason)?,
            amount: amount_if_given("payout.amount", it.amount.as_deref())?,
        },
        PbCall::MoveWithinProvince(it) => Call::MoveWithinProvince {
            person: at("move_within_province.person", text::person(&it.person))?,
            to: at("move_within_province.to", text::area(&it.to))?,
        },
        PbCall::ApplyTransfer(it) => Call::ApplyTransfer {
            person: at("apply_transfer.person", text::person(&it.person))?,
            to: at("apply_transfer.to", text::area(&it.to))?,
        },
        PbCall::AcceptTransfer(it) => {
            Call::AcceptTransfer { case: at("accept_transfer.case", text::case(&it.case))? }
        }
        PbCall::SendTransfer(it) => {
            Call::SendTransfer { case: at("send_transfer.case", text::case(&it.case))? }
        }
        PbCall::ReceiveTransfer(it) => {
            Call::ReceiveTransfer { case: at("receive_transfer.case", text::case(&it.case))? }
        }
        PbCall::CompleteTransfer(it) => {
            Call::CompleteTransfer { case: at("complete_transfer.case", text::case(&it.case))? }
        }
        PbCall::AbandonTransfer(it) => {
            Call::AbandonTransfer { case: at("abandon_transfer.case", text::case(&it.case))? }
        }
        PbCall::FailTransfer(it) => {
            Call::FailTransfer { case: at("fail_transfer.case", text::case(&it.case))? }
        }
        PbCall::Suspend(it) => Call::Suspend {
            party: party("suspend.party", &it.party)?,
            reason: suspension_reason("suspend.reason", it.reason)?,
            file: at("suspend.file", text::file(&it.file))?,
        },
        PbCall::LiftSuspension(it) => Call::LiftSuspension {
            party: party("lift_suspension.party", &it.party)?,
            file: at("lift_suspension.file", text::file(&it.file))?,
        },
        PbCall::ActivateWallet(it) => {
            Call::ActivateWallet { person: at("activate_wallet.person", text::person(&it.person))? }
        }
        PbCall::DeactivateWallet(it) => {
            Call::DeactivateWallet { person: at("deactivate_wallet.person", text::person(&it.person))? }
        }
        PbCall::ProposeRelation(it) => Call::ProposeRelation {
            donor: at("propose_relation.donor", text::person(&it.donor))?,
            beneficiary: at("propose_relation.beneficiary", text::person(&it.beneficiary))?,
            kinship: kinship("propose_relation.kinship", it.kinship)?,
        },
        PbCall::AcceptRelation(it) => {
            Call::AcceptRelation { relation: at("accept_relation.relation", text::relation(&it.relation))? }
        }
        PbCall::DeclineRelation(it) => {
            Call::DeclineRelation { relation: at("decline_relation.relation", text::relation(&it.relation))? }
        }
        PbCall::SetQuota(it) => Call::SetQuota {
            relation: at("set_quota.relation", text::relation(&it.relation))?,
            amount: at("set_quota.amount", text::yuan(&it.amount))?,
            expiry: match &it.expiry {
                None => Expiry::Keep,
                Some(set_quota::Expiry::Never(pb::Never {})) => Expiry::Never,
                Some(set_quota::Expiry::ExpiresAt(moment)) => {
                    Expiry::At(stamp_from_proto("set_quota.expires_at", moment)?)
                }
            },
        },
        PbCall::AcceptOffer(it) => {
            Call::AcceptOffer { offer: at("accept_offer.offer", text::offer(&it.offer))? }
        }
        PbCall::DeclineOffer(it) => {
            Call::DeclineOffer { offer: at("decline_offer.offer", text::offer(&it.offer))? }
        }
        PbCall::ReduceQuota(it) => Call::ReduceQuota {
            relation: at("reduce_quota.relation", text::relation(&it.relation))?,
            amount: at("reduce_quota.amount", text::yuan(&it.amount))?,
        },
        PbCall::SetPriority(it) => Call::SetPriority {
            beneficiary: at("set_priority.beneficiary", text::person(&it.beneficiary))?,
            order: order(&it.order)?,
        },
        PbCall::ReleaseRelation(it) => {
            Call::ReleaseRelation { relation: at("release_relation.relation", text::relation(&it.relation))? }
        }
        PbCall::Settle(it) => {
            let institution = at("settle.institution", text::institution(&it.institution))?;
            let beneficiary = at("settle.beneficiary", text::person(&it.beneficiary))?;
            Call::Settle(Spend {
                beneficiary,
                credential: credential("settle", it.credential.as_ref(), beneficiary)?,
                institution,
                med_type: med_type("settle", &it.med_type, institution)?,
                amount: at("settle.amount", text::yuan(&it.amount))?,
                use_own_account: it.use_own_account.unwrap_or(true),
                all_or_nothing: it.all_or_nothing,
            })
        }
        PbCall::AuthoriseSpend(it) => {
            let institution = at("authorise_spend.institution", text::institution(&it.institution))?;
            let beneficiary = at("authorise_spend.beneficiary", text::person(&it.beneficiary))?;
            Call::AuthoriseSpend(Spend {
                beneficiary,
                credential: credential("authorise_spend", it.credential.as_ref(), beneficiary)?,
                institution,
                med_type: med_type("authorise_spend", &it.med_type, institution)?,
                amount: at("authorise_spend.amount", text::yuan(&it.amount))?,
                use_own_account: it.use_own_account.unwrap_or(true),
                all_or_nothing: it.all_or_nothing,
            })
        }
        PbCall::ConfirmSpend(it) => Call::ConfirmSpend {
            hold: at("confirm_spend.hold", text::hold(&it.hold))?,
            amount: amount_if_given("confirm_spend.amount", it.amount.as_deref())?,
        },
        PbCall::VoidSpend(it) => Call::VoidSpend { hold: at("void_spend.hold", text::hold(&it.hold))? },
        PbCall::PayPremium(it) => Call::PayPremium {
            beneficiary: at("pay_premium.beneficiary", text::person(&it.beneficiary))?,
            premium: premium("pay_premium.premium", it.premium)?,
            year: at("pay_premium.year", text::year(it.year))?,
            amount: at("pay_premium.amount", text::yuan(&it.amount))?,
            use_own_account: it.use_own_account.unwrap_or(true),
            all_or_nothing: it.all_or_nothing,
        },
        PbCall::Refund(it) => Call::Refund {
            payment: at("refund.payment", text::payment(&it.payment))?,
            amount: amount_if_given("refund.amount", it.amount.as_deref())?,
        },
        PbCall::Reverse(it) => {
            Call::Reverse { original: at("reverse.original", text::request_id(&it.original))? }
        }
        PbCall::ClosePeriod(it) => {
            Call::ClosePeriod { month: at("close_period.month", text::month(&it.month))? }
        }
        PbCall::ConfirmClearing(it) => Call::ConfirmClearing {
            month: at("confirm_clearing.month", text::month(&it.month))?,
            payer: at("confirm_clearing.payer", text::area(&it.payer))?,
            payee: at("confirm_clearing.payee", text::area(&it.payee))?,
            amount: at("confirm_clearing.amount", text::sum(&it.amount))?,
        },
        PbCall::DisputeClearing(it) => Call::DisputeClearing {
            month: at("dispute_clearing.month", text::month(&it.month))?,
            payer: at("dispute_clearing.payer", text::area(&it.payer))?,
            payee: at("dispute_clearing.payee", text::area(&it.payee))?,
            reason: dispute_reason("dispute_clearing.reason", it.reason)?,
            file: at("dispute_clearing.file", text::file(&it.file))?,
        },
        PbCall::PayClearing(it) => Call::PayClearing {
            month: at("pay_clearing.month", text::month(&it.month))?,
            payer: at("pay_clearing.payer", text::area(&it.payer))?,
            payee: at("pay_clearing.payee", text::area(&it.payee))?,
            amount: at("pay_clearing.amount", text::yuan(&it.amount))?,
        },
        PbCall::FundPrepayment(it) => Call::FundPrepayment {
            province: at("fund_prepayment.province", text::province(&it.province))?,
            amount: at("fund_prepayment.amount", text::yuan(&it.amount))?,
        },
        PbCall::AdjustPrepayment(it) => Call::AdjustPrepayment {
            province: at("adjust_prepayment.province", text::province(&it.province))?,
            size: at("adjust_prepayment.size", text::yuan(&it.size))?,
        },
        PbCall::Tick(pb::Tick {}) => Call::Tick,
    })
}

/// An amount that may be left out.
fn amount_if_given(field: &str, amount: Option<&str>) -> Result<Option<Fen>, BadField> {
    amount.map(|amount| at(field, text::yuan(amount))).transpose()
}

/// A status that an agency may set: the others have verbs of their own.
fn status(field: &str, number: i32) -> Result<InsuranceStatus, BadField> {
    match insurance_status(field, number)? {
        InsuranceStatus::Terminated => Err(BadField::new(field, "is set by terminate_insurance")),
        InsuranceStatus::Deceased => Err(BadField::new(field, "is set by register_death")),
        status @ (InsuranceStatus::Normal
        | InsuranceStatus::Stopped
        | InsuranceStatus::Arrears
        | InsuranceStatus::Frozen) => Ok(status),
    }
}

/// What was presented; nothing said means the beneficiary's own electronic code.
fn credential(
    call: &str,
    given: Option<&pb::Credential>,
    beneficiary: Person,
) -> Result<Credential, BadField> {
    let Some(it) = given else {
        return Ok(Credential { kind: CredentialKind::ElectronicCode, holder: beneficiary });
    };
    let read = || {
        let kind = credential_kind("credential.kind", it.kind)?;
        Ok(Credential { kind, holder: at("credential.holder", text::person(&it.holder))? })
    };
    read().map_err(|bad: BadField| bad.within(call))
}

/// What for; nothing said means what most come for.
fn med_type(call: &str, kind: &str, institution: Institution) -> Result<MedType, BadField> {
    match (kind, institution.bytes()[0]) {
        ("", b'P') => Ok(MedType::PHARMACY),
        ("", _) => Ok(MedType::OUTPATIENT),
        (kind, _) => at("med_type", text::med_type(kind)).map_err(|bad| bad.within(call)),
    }
}

fn party(field: &str, party: &Option<pb::Party>) -> Result<Party, BadField> {
    let who = given(field, &given(field, party)?.who)?;
    let read = || {
        Ok(match who {
            PartyWho::Person(id) => Party::Person(at("person", text::person(id))?),
            PartyWho::Institution(code) => Party::Institution(at("institution", text::institution(code))?),
        })
    };
    read().map_err(|bad: BadField| bad.within(field))
}

fn order(order: &[String]) -> Result<Vec<RelationId>, BadField> {
    if order.len() > ORDER_MAX {
        return Err(BadField::new("set_priority.order", format!("names more than {ORDER_MAX} relations")));
    }
    listed("set_priority.order", order, text::relation)
}

fn days(field: &str, days: &[String]) -> Result<Vec<Day>, BadField> {
    if days.len() > CALENDAR_DAYS_MAX {
        return Err(BadField::new(field, format!("names more than {CALENDAR_DAYS_MAX} days")));
    }
    listed(field, days, text::day)
}

/// A list, each item named by its place.
fn listed<T>(
    field: &str,
    items: &[String],
    read: fn(&str) -> Result<T, Problem>,
) -> Result<Vec<T>, BadField> {
    let one = |(i, item): (usize, &String)| {
        read(item).map_err(|problem| BadField::new(format!("{field}[{i}]"), problem))
    };
    items.iter().enumerate().map(one).collect()
}
