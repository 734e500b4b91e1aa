//! Months are closed, lines are confirmed and paid, funds are kept.

use crate::amount::Yuan;
use crate::call::Call;
use crate::connect::Client;
use proto::v1::{self as pb, DisputeReason};

impl Client {
    /// A month ("2026-10") is cleared: the one after the last, and over.
    pub fn close_period(&self, month: impl Into<String>) -> Call<pb::ClosePeriod> {
        Call::new(self, pb::ClosePeriod { month: month.into() })
    }

    /// A province confirms a line, by its exact amount as a text: a line may be larger than any single amount.
    pub fn confirm_clearing(
        &self,
        month: impl Into<String>,
        payer: impl Into<String>,
        payee: impl Into<String>,
        amount: impl Into<String>,
    ) -> Call<pb::ConfirmClearing> {
        let (month, payer, payee, amount) = (month.into(), payer.into(), payee.into(), amount.into());
        Call::new(self, pb::ConfirmClearing { month, payer, payee, amount })
    }

    /// A province notes that a line is wrong in its eyes. `file` is the case number: letters, digits and hyphens.
    pub fn dispute_clearing(
        &self,
        month: impl Into<String>,
        payer: impl Into<String>,
        payee: impl Into<String>,
        reason: DisputeReason,
        file: impl Into<String>,
    ) -> Call<pb::DisputeClearing> {
        let (month, payer, payee, file) = (month.into(), payer.into(), payee.into(), file.into());
        Call::new(self, pb::DisputeClearing { month, payer, payee, reason: reason as i32, file })
    }

    /// The payer's province pays a line, in part or whole.
    pub fn pay_clearing(
        &self,
        month: impl Into<String>,
        payer: impl Into<String>,
        payee: impl Into<String>,
        amount: Yuan,
    ) -> Call<pb::PayClearing> {
        let (month, payer, payee, amount) = (month.into(), payer.into(), payee.into(), amount.to_string());
        Call::new(self, pb::PayClearing { month, payer, payee, amount })
    }

    /// A province pays into its prepayment fund.
    pub fn fund_prepayment(&self, province: impl Into<String>, amount: Yuan) -> Call<pb::FundPrepayment> {
        Call::new(self, pb::FundPrepayment { province: province.into(), amount: amount.to_string() })
    }

    /// The agreed size of a province's fund; what is in it above that goes back.
    pub fn adjust_prepayment(&self, province: impl Into<String>, size: Yuan) -> Call<pb::AdjustPrepayment> {
        Call::new(self, pb::AdjustPrepayment { province: province.into(), size: size.to_string() })
    }
}
