//! What agencies do for the persons whom they insure.

use crate::amount::Yuan;
use crate::call::Call;
use crate::connect::Client;
use proto::v1::{self as pb, Insurance, InsuranceStatus, PayoutReason, Termination};

impl Client {
    /// A person is enrolled, or changes insurance. See [`Call::retired`].
    pub fn enrol_person(
        &self,
        person: impl Into<String>,
        insurance: Insurance,
        area: impl Into<String>,
    ) -> Call<pb::EnrolPerson> {
        let (person, area) = (person.into(), area.into());
        Call::new(self, pb::EnrolPerson { person, insurance: insurance as i32, area, retired: false })
    }

    /// Contributions or interest of a month ("2026-10") are booked to a personal account.
    pub fn credit_account(
        &self,
        person: impl Into<String>,
        amount: Yuan,
        period: impl Into<String>,
    ) -> Call<pb::CreditAccount> {
        let (person, period) = (person.into(), period.into());
        Call::new(self, pb::CreditAccount { person, amount: amount.to_string(), period })
    }

    /// Where a person's insurance stands: normal, stopped, arrears or frozen. One terminated or deceased is malformed:
    /// see [`Client::terminate_insurance`] and [`Client::register_death`].
    pub fn set_insurance_status(
        &self,
        person: impl Into<String>,
        status: InsuranceStatus,
    ) -> Call<pb::SetInsuranceStatus> {
        Call::new(self, pb::SetInsuranceStatus { person: person.into(), status: status as i32 })
    }

    /// Whether a person is retired.
    pub fn set_retired(&self, person: impl Into<String>, retired: bool) -> Call<pb::SetRetired> {
        Call::new(self, pb::SetRetired { person: person.into(), retired })
    }

    /// The insurance ends, and with it all relations.
    pub fn terminate_insurance(
        &self,
        person: impl Into<String>,
        reason: Termination,
    ) -> Call<pb::TerminateInsurance> {
        Call::new(self, pb::TerminateInsurance { person: person.into(), reason: reason as i32 })
    }

    /// The person died: relations end, the account is frozen.
    pub fn register_death(&self, person: impl Into<String>) -> Call<pb::RegisterDeath> {
        Call::new(self, pb::RegisterDeath { person: person.into() })
    }

    /// All that is available is paid to a bank account. See [`Call::only`].
    pub fn payout(&self, person: impl Into<String>, reason: PayoutReason) -> Call<pb::Payout> {
        Call::new(self, pb::Payout { person: person.into(), reason: reason as i32, amount: None })
    }

    /// The insurance moves to another area of the same province: account, relations and quotas stay.
    pub fn move_within_province(
        &self,
        person: impl Into<String>,
        to: impl Into<String>,
    ) -> Call<pb::MoveWithinProvince> {
        Call::new(self, pb::MoveWithinProvince { person: person.into(), to: to.into() })
    }

    /// A transfer to another province is applied for, by the person or the agency. The receipt names the case.
    pub fn apply_transfer(
        &self,
        person: impl Into<String>,
        to: impl Into<String>,
    ) -> Call<pb::ApplyTransfer> {
        Call::new(self, pb::ApplyTransfer { person: person.into(), to: to.into() })
    }

    /// The new agency accepts the case: the working days begin to count.
    pub fn accept_transfer(&self, case: impl Into<String>) -> Call<pb::AcceptTransfer> {
        Call::new(self, pb::AcceptTransfer { case: case.into() })
    }

    /// The old agency sends the balance.
    pub fn send_transfer(&self, case: impl Into<String>) -> Call<pb::SendTransfer> {
        Call::new(self, pb::SendTransfer { case: case.into() })
    }

    /// The new agency has received the balance.
    pub fn receive_transfer(&self, case: impl Into<String>) -> Call<pb::ReceiveTransfer> {
        Call::new(self, pb::ReceiveTransfer { case: case.into() })
    }

    /// The new agency opens the account again.
    pub fn complete_transfer(&self, case: impl Into<String>) -> Call<pb::CompleteTransfer> {
        Call::new(self, pb::CompleteTransfer { case: case.into() })
    }

    /// The case is given up before the balance was sent.
    pub fn abandon_transfer(&self, case: impl Into<String>) -> Call<pb::AbandonTransfer> {
        Call::new(self, pb::AbandonTransfer { case: case.into() })
    }

    /// The case has failed after the balance was sent: it comes back.
    pub fn fail_transfer(&self, case: impl Into<String>) -> Call<pb::FailTransfer> {
        Call::new(self, pb::FailTransfer { case: case.into() })
    }
}

impl Call<pb::EnrolPerson> {
    /// The person is retired, not in work.
    pub fn retired(mut self) -> Call<pb::EnrolPerson> {
        self.verb.retired = true;
        self
    }
}

impl Call<pb::Payout> {
    /// Pays out only so much. An estate is always paid whole.
    pub fn only(mut self, amount: Yuan) -> Call<pb::Payout> {
        self.verb.amount = Some(amount.to_string());
        self
    }
}
