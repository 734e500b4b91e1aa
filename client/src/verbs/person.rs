//! What persons do, through the platform.

use crate::amount::Yuan;
use crate::call::Call;
use crate::connect::Client;
use prost_types::Timestamp;
use proto::v1::{self as pb, Kinship, Premium, set_quota};
use std::time::SystemTime;

impl Client {
    /// The person activates the wallet.
    pub fn activate_wallet(&self, person: impl Into<String>) -> Call<pb::ActivateWallet> {
        Call::new(self, pb::ActivateWallet { person: person.into() })
    }

    /// The person closes the wallet. Relations, quotas and holds stay; nothing new is agreed or paid until the wallet is
    /// activated again.
    pub fn deactivate_wallet(&self, person: impl Into<String>) -> Call<pb::DeactivateWallet> {
        Call::new(self, pb::DeactivateWallet { person: person.into() })
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

    /// The donor freezes this much more of the account for the relation: at once, or as an offer that waits for the
    /// beneficiary, as the policy says. The quota's expiry stays as it is, but for [`Call::expires_at`] and
    /// [`Call::never_expires`].
    pub fn set_quota(&self, relation: impl Into<String>, amount: Yuan) -> Call<pb::SetQuota> {
        let (relation, amount) = (relation.into(), amount.to_string());
        Call::new(self, pb::SetQuota { relation, amount, expiry: None })
    }

    /// The beneficiary accepts an offer: it becomes quota.
    pub fn accept_offer(&self, offer: impl Into<String>) -> Call<pb::AcceptOffer> {
        Call::new(self, pb::AcceptOffer { offer: offer.into() })
    }

    /// The beneficiary declines an offer, or the donor withdraws it.
    pub fn decline_offer(&self, offer: impl Into<String>) -> Call<pb::DeclineOffer> {
        Call::new(self, pb::DeclineOffer { offer: offer.into() })
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

    /// The beneficiary pays a yearly premium: own account, then quotas in order, then cash. See
    /// [`Call::all_or_nothing`] and [`Call::without_own_account`].
    pub fn pay_premium(
        &self,
        beneficiary: impl Into<String>,
        premium: Premium,
        year: u16,
        amount: Yuan,
    ) -> Call<pb::PayPremium> {
        let pay = pb::PayPremium {
            beneficiary: beneficiary.into(),
            premium: premium as i32,
            year: year.into(),
            amount: amount.to_string(),
            use_own_account: None,
            all_or_nothing: false,
        };
        Call::new(self, pay)
    }

    /// Either party ends the relation; the unused quota goes back to the donor.
    pub fn release_relation(&self, relation: impl Into<String>) -> Call<pb::ReleaseRelation> {
        Call::new(self, pb::ReleaseRelation { relation: relation.into() })
    }
}

impl Call<pb::SetQuota> {
    /// The quota is unusable from this moment.
    pub fn expires_at(mut self, moment: SystemTime) -> Call<pb::SetQuota> {
        self.verb.expiry = Some(set_quota::Expiry::ExpiresAt(Timestamp::from(moment)));
        self
    }

    /// The quota never expires.
    pub fn never_expires(mut self) -> Call<pb::SetQuota> {
        self.verb.expiry = Some(set_quota::Expiry::Never(pb::Never {}));
        self
    }
}

impl Call<pb::PayPremium> {
    /// Refused unless nothing is left for cash.
    pub fn all_or_nothing(mut self) -> Call<pb::PayPremium> {
        self.verb.all_or_nothing = true;
        self
    }

    /// Leaves the own account alone.
    pub fn without_own_account(mut self) -> Call<pb::PayPremium> {
        self.verb.use_own_account = Some(false);
        self
    }
}
