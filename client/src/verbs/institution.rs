//! What institutions do at the counter, and what undoes it.

use crate::amount::Yuan;
use crate::call::Call;
use crate::connect::Client;
use crate::request::RequestId;
use proto::v1::{self as pb, CredentialKind};

impl Client {
    /// The beneficiary pays a personal share: own account, then quotas in order, then cash. See
    /// [`Call::all_or_nothing`], [`Call::without_own_account`], [`Call::credential`] and [`Call::med_type`].
    pub fn settle(
        &self,
        beneficiary: impl Into<String>,
        institution: impl Into<String>,
        amount: Yuan,
    ) -> Call<pb::Settle> {
        let settle = pb::Settle {
            beneficiary: beneficiary.into(),
            institution: institution.into(),
            amount: amount.to_string(),
            use_own_account: None,
            all_or_nothing: false,
            credential: None,
            med_type: String::new(),
        };
        Call::new(self, settle)
    }

    /// Money for a personal share is held until it is confirmed, voided, or its time runs out. The receipt names the
    /// hold. What may be said of a settlement may be said here.
    pub fn authorise_spend(
        &self,
        beneficiary: impl Into<String>,
        institution: impl Into<String>,
        amount: Yuan,
    ) -> Call<pb::AuthoriseSpend> {
        let authorise = pb::AuthoriseSpend {
            beneficiary: beneficiary.into(),
            institution: institution.into(),
            amount: amount.to_string(),
            use_own_account: None,
            all_or_nothing: false,
            credential: None,
            med_type: String::new(),
        };
        Call::new(self, authorise)
    }

    /// All that was held is paid. See [`Call::only`].
    pub fn confirm_spend(&self, hold: impl Into<String>) -> Call<pb::ConfirmSpend> {
        Call::new(self, pb::ConfirmSpend { hold: hold.into(), amount: None })
    }

    /// What was held is given back.
    pub fn void_spend(&self, hold: impl Into<String>) -> Call<pb::VoidSpend> {
        Call::new(self, pb::VoidSpend { hold: hold.into() })
    }

    /// All that is left of a settlement or a premium is undone. See [`Call::only`].
    pub fn refund(&self, payment: impl Into<String>) -> Call<pb::Refund> {
        Call::new(self, pb::Refund { payment: payment.into(), amount: None })
    }

    /// An earlier request of this client's caller is undone, whatever became of it (冲正). One that has not arrived is
    /// refused should it come: so who gave up on an unknown outcome may reverse it, and is done with it either way.
    pub fn reverse(&self, original: RequestId) -> Call<pb::Reverse> {
        Call::new(self, pb::Reverse { original: original.to_string() })
    }
}

/// What may be said of a personal share, at once or held first.
macro_rules! spends {
    ($($verb:ident)*) => {$(
        impl Call<pb::$verb> {
            /// Refused unless nothing is left for cash.
            pub fn all_or_nothing(mut self) -> Call<pb::$verb> {
                self.verb.all_or_nothing = true;
                self
            }

            /// Leaves the own account alone.
            pub fn without_own_account(mut self) -> Call<pb::$verb> {
                self.verb.use_own_account = Some(false);
                self
            }

            /// What was presented at the counter, and whose it is (usual: the beneficiary's own electronic code).
            pub fn credential(mut self, kind: CredentialKind, holder: impl Into<String>) -> Call<pb::$verb> {
                self.verb.credential = Some(pb::Credential { kind: kind as i32, holder: holder.into() });
                self
            }

            /// What for (med_type), 2 to 8 digits (usual: 11 at a hospital, 41 at a pharmacy).
            pub fn med_type(mut self, med_type: impl Into<String>) -> Call<pb::$verb> {
                self.verb.med_type = med_type.into();
                self
            }
        }
    )*};
}

spends! { Settle AuthoriseSpend }

impl Call<pb::ConfirmSpend> {
    /// Pays only so much of the personal share; the rest goes back.
    pub fn only(mut self, amount: Yuan) -> Call<pb::ConfirmSpend> {
        self.verb.amount = Some(amount.to_string());
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
