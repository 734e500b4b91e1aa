//! Whose business a call is (domain.md 5b, 26).

use super::{Bond, Model, Phase};
use ledger::command::{InsuranceStatus, Party};
use ledger::table::Payee;
use ledger::{Area, Call, Caller, CaseId, HoldId, OfferId, PaymentId, Person, Position, RelationId};

/// An agency acts for its area, a province for its areas.
fn acts_for(caller: &Caller, area: Area) -> bool {
    match caller {
        Caller::Agency(own) => *own == area,
        Caller::Province(own) => area.province() == *own,
        _ => false,
    }
}

fn is_office(caller: &Caller) -> bool {
    matches!(caller, Caller::Agency(_) | Caller::Province(_))
}

/// Whose business such a call can be at all, told by the call alone.
pub(super) fn kind_may(caller: &Caller, call: &Call) -> bool {
    let is_person = matches!(caller, Caller::Person(_));
    let is_shop = matches!(caller, Caller::Institution(_));
    match call {
        Call::Genesis { .. }
        | Call::RegisterProvince { .. }
        | Call::RegisterArea { .. }
        | Call::SetAreaOpen { .. }
        | Call::SetPolicy { .. }
        | Call::SetTariff { .. }
        | Call::SetCalendar { .. }
        | Call::ClosePeriod { .. }
        | Call::AdjustPrepayment { .. } => *caller == Caller::National,
        Call::RegisterInstitution { area, .. } => *caller == Caller::Province(area.province()),
        Call::FundPrepayment { province, .. } => *caller == Caller::Province(*province),
        Call::EnrolPerson { area, .. } => acts_for(caller, *area),
        Call::SetInsuranceStatus { status, .. } => {
            is_office(caller) && !matches!(status, InsuranceStatus::Terminated | InsuranceStatus::Deceased)
        }
        Call::CreditAccount { .. }
        | Call::SetRetired { .. }
        | Call::TerminateInsurance { .. }
        | Call::RegisterDeath { .. }
        | Call::Payout { .. }
        | Call::MoveWithinProvince { .. }
        | Call::AcceptTransfer { .. }
        | Call::SendTransfer { .. }
        | Call::ReceiveTransfer { .. }
        | Call::CompleteTransfer { .. }
        | Call::FailTransfer { .. } => is_office(caller),
        Call::ApplyTransfer { person, .. } => is_office(caller) || *caller == Caller::Person(*person),
        Call::AbandonTransfer { .. } => is_office(caller) || is_person,
        Call::Suspend { .. } | Call::LiftSuspension { .. } => {
            matches!(caller, Caller::National | Caller::Province(_))
        }
        Call::ActivateWallet { person } | Call::DeactivateWallet { person } => {
            *caller == Caller::Person(*person)
        }
        Call::SetPriority { beneficiary, .. } | Call::PayPremium { beneficiary, .. } => {
            *caller == Caller::Person(*beneficiary)
        }
        Call::ProposeRelation { donor, beneficiary, .. } => {
            [Caller::Person(*donor), Caller::Person(*beneficiary)].contains(caller)
        }
        Call::AcceptRelation { .. }
        | Call::DeclineRelation { .. }
        | Call::SetQuota { .. }
        | Call::ReduceQuota { .. }
        | Call::AcceptOffer { .. }
        | Call::DeclineOffer { .. }
        | Call::ReleaseRelation { .. } => is_person,
        Call::Settle(spend) | Call::AuthoriseSpend(spend) => {
            *caller == Caller::Institution(spend.institution)
        }
        Call::ConfirmSpend { .. } | Call::VoidSpend { .. } => is_shop,
        Call::Refund { .. } => is_shop || is_person,
        Call::Reverse { .. } => !matches!(caller, Caller::Auditor | Caller::Node),
        Call::ConfirmClearing { payer, payee, .. } | Call::DisputeClearing { payer, payee, .. } => {
            [Caller::Province(payer.province()), Caller::Province(payee.province())].contains(caller)
        }
        Call::PayClearing { payer, .. } => *caller == Caller::Province(payer.province()),
        Call::Tick => *caller == Caller::Node,
    }
}

impl Model {
    /// The same, for this very person, relation, payment or case. What the log has not reached is nobody's.
    pub(super) fn concerns(&self, at: Position, caller: &Caller, call: &Call) -> bool {
        match call {
            Call::CreditAccount { person, .. } | Call::Payout { person, .. } => {
                let keeper = self.people.get(person).map(|human| human.account.unwrap_or(human.area));
                keeper.is_some_and(|area| acts_for(caller, area))
            }
            Call::SetInsuranceStatus { person, .. }
            | Call::SetRetired { person, .. }
            | Call::TerminateInsurance { person, .. }
            | Call::RegisterDeath { person }
            | Call::MoveWithinProvince { person, .. } => self.insures(caller, *person),
            Call::ApplyTransfer { person, .. } => {
                matches!(caller, Caller::Person(_)) || self.insures(caller, *person)
            }
            Call::AcceptTransfer { case }
            | Call::ReceiveTransfer { case }
            | Call::CompleteTransfer { case } => self.of_case(at, *case, caller, false, true, false),
            Call::SendTransfer { case } => self.of_case(at, *case, caller, true, false, false),
            Call::FailTransfer { case } => self.of_case(at, *case, caller, true, true, false),
            Call::AbandonTransfer { case } => self.of_case(at, *case, caller, true, true, true),
            Call::Suspend { party, .. } | Call::LiftSuspension { party, .. } => {
                let area = match party {
                    Party::Person(person) => self.people.get(person).map(|human| human.area),
                    Party::Institution(shop) => self.shops.get(shop).map(|shop| shop.area),
                };
                *caller == Caller::National || area.is_some_and(|area| acts_for(caller, area))
            }
            Call::AcceptRelation { relation } => self.of_bond(at, *relation, caller, |bond, who| {
                let answers = bond.phase != Phase::Waiting || bond.by != who;
                answers && (bond.donor == who || bond.user == who)
            }),
            Call::DeclineRelation { relation } | Call::ReleaseRelation { relation } => {
                self.of_bond(at, *relation, caller, |bond, who| bond.donor == who || bond.user == who)
            }
            Call::SetQuota { relation, .. } | Call::ReduceQuota { relation, .. } => {
                self.of_bond(at, *relation, caller, |bond, who| bond.donor == who)
            }
            Call::AcceptOffer { offer } => self.of_offer(at, *offer, caller, |bond, who| bond.user == who),
            Call::DeclineOffer { offer } => {
                self.of_offer(at, *offer, caller, |bond, who| bond.donor == who || bond.user == who)
            }
            Call::ConfirmSpend { hold: HoldId(place), .. } | Call::VoidSpend { hold: HoldId(place) } => {
                match self.holds.get(&HoldId(*place)) {
                    Some(hold) => *caller == Caller::Institution(hold.institution),
                    None => *place >= at,
                }
            }
            Call::Refund { payment: PaymentId(place), .. } => match self.bills.get(&PaymentId(*place)) {
                Some(bill) => match bill.payee {
                    Payee::Institution(shop, _) => *caller == Caller::Institution(shop),
                    Payee::Premium(..) => *caller == Caller::Person(bill.beneficiary),
                },
                None => *place >= at,
            },
            _ => true,
        }
    }

    fn insures(&self, caller: &Caller, person: Person) -> bool {
        self.people.get(&person).is_some_and(|human| acts_for(caller, human.area))
    }

    fn of_case(&self, at: Position, id: CaseId, caller: &Caller, old: bool, new: bool, own: bool) -> bool {
        let Some(case) = self.cases.get(&id) else { return id.0 >= at };
        old && acts_for(caller, case.from)
            || new && acts_for(caller, case.to)
            || own && *caller == Caller::Person(case.person)
    }

    fn of_bond(
        &self,
        at: Position,
        id: RelationId,
        caller: &Caller,
        may: impl Fn(&Bond, Person) -> bool,
    ) -> bool {
        match (self.bonds.get(&id), caller) {
            (Some(bond), Caller::Person(who)) => may(bond, *who),
            (Some(_), _) => false,
            (None, _) => id.0 >= at,
        }
    }

    fn of_offer(
        &self,
        at: Position,
        id: OfferId,
        caller: &Caller,
        may: impl Fn(&Bond, Person) -> bool,
    ) -> bool {
        match self.offers.get(&id) {
            Some(offer) => self.of_bond(at, offer.relation, caller, may),
            None => id.0 >= at,
        }
    }
}
