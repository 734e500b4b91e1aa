//! One builder a verb. Ids and codes are texts; the server checks them and names the field that is wrong.

use crate::amount::Yuan;
use crate::call::Call;
use crate::connect::Client;
use prost_types::Timestamp;
use proto::v1::{self as pb, InstitutionKind, Insurance, Kinship, KinshipScope};
use std::time::SystemTime;

impl Client {
    /// A province joins the scheme, or changes its in-province kinship scope.
    pub fn register_province(
        &self,
        province: impl Into<String>,
        kinship: KinshipScope,
    ) -> Call<pb::RegisterProvince> {
        Call::new(self, pb::RegisterProvince { province: province.into(), kinship: kinship as i32 })
    }

    /// A pooling area joins the scheme, closed until opened.
    pub fn register_area(&self, area: impl Into<String>) -> Call<pb::RegisterArea> {
        Call::new(self, pb::RegisterArea { area: area.into() })
    }

    /// An area opens for cross-province aid. See [`Call::until`].
    pub fn set_area_open(&self, area: impl Into<String>, from: SystemTime) -> Call<pb::SetAreaOpen> {
        Call::new(self, pb::SetAreaOpen { area: area.into(), from: Some(Timestamp::from(from)), until: None })
    }

    /// Parameters that take effect at a date.
    pub fn set_policy(&self, effective: SystemTime, policy: pb::Policy) -> Call<pb::SetPolicy> {
        Call::new(self, pb::SetPolicy { effective: Some(Timestamp::from(effective)), policy: Some(policy) })
    }

    /// An institution is designated, or changes whether it accepts the wallet.
    pub fn register_institution(
        &self,
        institution: impl Into<String>,
        kind: InstitutionKind,
        area: impl Into<String>,
        wallet_open: bool,
    ) -> Call<pb::RegisterInstitution> {
        let (institution, area) = (institution.into(), area.into());
        Call::new(self, pb::RegisterInstitution { institution, kind: kind as i32, area, wallet_open })
    }

    /// A person is enrolled.
    pub fn enrol_person(
        &self,
        person: impl Into<String>,
        insurance: Insurance,
        area: impl Into<String>,
    ) -> Call<pb::EnrolPerson> {
        let (person, area) = (person.into(), area.into());
        Call::new(self, pb::EnrolPerson { person, insurance: insurance as i32, area })
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

    /// The person activates the wallet.
    pub fn activate_wallet(&self, person: impl Into<String>) -> Call<pb::ActivateWallet> {
        Call::new(self, pb::ActivateWallet { person: person.into() })
    }

    /// One party proposes a relation. `kinship` is the beneficiary's to the donor. The receipt names the relation.
    pub fn propose_relation(
        &self,
        donor: impl Into<String>,
        beneficiary: impl Into<String>,
        kinship: Kinship,
    ) -> Call<pb::ProposeRelation> {
        let (donor, beneficiary) = (donor.into(), beneficiary.into());
        Call::new(self, pb::ProposeRelation { donor, beneficiary, kinship: kinship as i32 })
    }

    /// The other party accepts.
    pub fn accept_relation(&self, relation: impl Into<String>) -> Call<pb::AcceptRelation> {
        Call::new(self, pb::AcceptRelation { relation: relation.into() })
    }

    /// The other party declines, or the proposer withdraws.
    pub fn decline_relation(&self, relation: impl Into<String>) -> Call<pb::DeclineRelation> {
        Call::new(self, pb::DeclineRelation { relation: relation.into() })
    }

    /// The donor freezes this much more of the account for the relation.
    pub fn set_quota(&self, relation: impl Into<String>, amount: Yuan) -> Call<pb::SetQuota> {
        Call::new(self, pb::SetQuota { relation: relation.into(), amount: amount.to_string() })
    }

    /// The donor takes back this much of the quota that is not used.
    pub fn reduce_quota(&self, relation: impl Into<String>, amount: Yuan) -> Call<pb::ReduceQuota> {
        Call::new(self, pb::ReduceQuota { relation: relation.into(), amount: amount.to_string() })
    }

    /// The beneficiary orders the donors: active relations, first to be spent first. An order that is longer than
    /// servers take (256) is malformed.
    pub fn set_priority<R: Into<String>>(
        &self,
        beneficiary: impl Into<String>,
        order: impl IntoIterator<Item = R>,
    ) -> Call<pb::SetPriority> {
        let order = order.into_iter().map(Into::into).collect();
        Call::new(self, pb::SetPriority { beneficiary: beneficiary.into(), order })
    }

    /// The beneficiary pays a personal share: own account, then quotas in order, then cash. See
    /// [`Call::all_or_nothing`] and [`Call::without_own_account`].
    pub fn settle(
        &self,
        beneficiary: impl Into<String>,
        institution: impl Into<String>,
        amount: Yuan,
    ) -> Call<pb::Settle> {
        let (beneficiary, institution) = (beneficiary.into(), institution.into());
        let amount = amount.to_string();
        let settle =
            pb::Settle { beneficiary, institution, amount, use_own_account: None, all_or_nothing: false };
        Call::new(self, settle)
    }

    /// All that is left of a settlement is undone. See [`Call::only`].
    pub fn refund(&self, payment: impl Into<String>) -> Call<pb::Refund> {
        Call::new(self, pb::Refund { payment: payment.into(), amount: None })
    }

    /// Either party ends the relation; the unused quota goes back to the donor.
    pub fn release_relation(&self, relation: impl Into<String>) -> Call<pb::ReleaseRelation> {
        Call::new(self, pb::ReleaseRelation { relation: relation.into() })
    }
}

impl Call<pb::Settle> {
    /// Refused unless nothing is left for cash.
    pub fn all_or_nothing(mut self) -> Call<pb::Settle> {
        self.verb.all_or_nothing = true;
        self
    }

    /// Leaves the own account alone.
    pub fn without_own_account(mut self) -> Call<pb::Settle> {
        self.verb.use_own_account = Some(false);
        self
    }
}

impl Call<pb::Refund> {
    /// Undoes only so much of the personal share.
    pub fn only(mut self, amount: Yuan) -> Call<pb::Refund> {
        self.verb.amount = Some(amount.to_string());
        self
    }
}

impl Call<pb::SetAreaOpen> {
    /// Closes the area again at this moment.
    pub fn until(mut self, moment: SystemTime) -> Call<pb::SetAreaOpen> {
        self.verb.until = Some(Timestamp::from(moment));
        self
    }
}
