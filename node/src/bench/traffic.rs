//! The traffic of a small country: people pay, are refunded, and raise quotas.

use super::world::{Couple, hospital, pharmacy, prepared, raise, yuan};
use crate::problem::nearest;
use client::v1;
use client::v1::transaction::Call;
use client::{Outcome, Prepared};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use std::str::FromStr;
use std::sync::Arc;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A personal share is paid.
    Settle,
    /// A settlement is undone, in part or whole.
    Refund,
    /// A quota is raised.
    SetQuota,
}

/// How much of each kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mix {
    weights: [u32; 3],
}

const KINDS: [(&str, Kind); 3] =
    [("settle", Kind::Settle), ("refund", Kind::Refund), ("set_quota", Kind::SetQuota)];

impl FromStr for Mix {
    type Err = String;

    fn from_str(text: &str) -> Result<Mix, String> {
        let mut weights = [0; 3];
        for part in text.split(',') {
            let (name, weight) =
                part.split_once('=').ok_or("write it like settle=70,refund=20,set_quota=10")?;
            let Some(place) = KINDS.iter().position(|(known, _)| *known == name.trim()) else {
                let hint = nearest(name, KINDS.iter().map(|(known, _)| *known));
                return Err(format!(
                    "{name:?} is not in the mix; did you mean {}?",
                    hint.unwrap_or("settle, refund, set_quota")
                ));
            };
            weights[place] = weight.trim().parse().map_err(|_| format!("{weight:?} is no weight"))?;
        }
        if weights.iter().all(|weight| *weight == 0) {
            return Err("at least one weight must be above 0".into());
        }
        if weights.iter().any(|weight| *weight > 1_000_000) {
            return Err("a weight is at most 1000000".into());
        }
        Ok(Mix { weights })
    }
}

impl Mix {
    fn pick(&self, rng: &mut SmallRng) -> Kind {
        let mut point = rng.random_range(0..self.weights.iter().sum());
        for ((_, kind), weight) in KINDS.iter().zip(self.weights) {
            if point < weight {
                return *kind;
            }
            point -= weight;
        }
        Kind::Settle
    }
}

/// How the traffic of one worker looks.
#[derive(Clone, Copy, Debug)]
pub struct Habits {
    /// How much of each kind.
    pub mix: Mix,
    /// The largest single payment, in fen.
    pub amount_max: u64,
    /// How often a payment asks for all or nothing.
    pub all_or_nothing: f64,
}

/// One transaction of the traffic.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Ready to be sent.
    pub prepared: Prepared,
    kind: Kind,
    fen: u64,
    institution: String,
}

/// A settlement that can be refunded.
#[derive(Debug)]
struct Paid {
    payment: String,
    institution: String,
    fen: u64,
}

/// Settlements that a worker remembers for refunds.
const PAID_MAX: usize = 1_000;

/// The traffic of one worker: it knows its couples and what they paid.
#[derive(Debug)]
pub struct Traffic {
    couples: Arc<[Couple]>,
    habits: Habits,
    rng: SmallRng,
    paid: Vec<Paid>,
}

impl Traffic {
    /// The traffic of worker `number`, among these couples.
    pub fn new(couples: Arc<[Couple]>, habits: Habits, seed: u64, number: usize) -> Traffic {
        let rng = SmallRng::seed_from_u64(seed ^ (number as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        Traffic { couples, habits, rng, paid: Vec::new() }
    }

    /// The next transaction.
    pub fn ask(&mut self) -> Ask {
        let kind = self.habits.mix.pick(&mut self.rng);
        let couples = self.couples.clone();
        let couple = &couples[self.rng.random_range(0..couples.len())];
        match kind {
            Kind::Refund if !self.paid.is_empty() => {
                let paid = self.paid.swap_remove(self.rng.random_range(0..self.paid.len()));
                self.refund(paid)
            }
            // Nothing to refund yet.
            Kind::Refund | Kind::Settle => self.settle(couple),
            Kind::SetQuota => {
                let fen = self.rng.random_range(1..=self.habits.amount_max);
                Ask { prepared: raise(couple, fen), kind, fen, institution: String::new() }
            }
        }
    }

    fn settle(&mut self, couple: &Couple) -> Ask {
        let fen = self.rng.random_range(1..=self.habits.amount_max);
        let institution =
            if self.rng.random_bool(0.5) { hospital(couple.area) } else { pharmacy(couple.area) };
        let settle = v1::Settle {
            beneficiary: couple.beneficiary.clone(),
            institution: institution.clone(),
            amount: yuan(fen).to_string(),
            all_or_nothing: self.rng.random_bool(self.habits.all_or_nothing),
            ..v1::Settle::default()
        };
        let prepared = prepared(v1::caller::Who::Institution(institution.clone()), Call::Settle(settle));
        Ask { prepared, kind: Kind::Settle, fen, institution }
    }

    fn refund(&mut self, paid: Paid) -> Ask {
        // Half of them in part.
        let fen = if self.rng.random_bool(0.5) { paid.fen } else { self.rng.random_range(1..=paid.fen) };
        let refund = v1::Refund { payment: paid.payment, amount: Some(yuan(fen).to_string()) };
        let prepared = prepared(v1::caller::Who::Institution(paid.institution.clone()), Call::Refund(refund));
        Ask { prepared, kind: Kind::Refund, fen, institution: paid.institution }
    }

    /// Hears how a transaction ended, for refunds to come.
    pub fn answered(&mut self, ask: Ask, outcome: &Outcome) {
        if let (Kind::Settle, Outcome::Done(receipt)) = (ask.kind, outcome) {
            let payment = format!("{}-{}", receipt.index, receipt.place);
            let paid = Paid { payment, institution: ask.institution, fen: ask.fen };
            match self.paid.len() < PAID_MAX {
                true => self.paid.push(paid),
                false => {
                    let place = self.rng.random_range(0..PAID_MAX);
                    self.paid[place] = paid;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mix_is_weights_by_name() {
        let mix: Mix = "settle=70,refund=20,set_quota=10".parse().expect("good");
        assert_eq!(mix.weights, [70, 20, 10]);
        for bad in ["", "settle", "settle=x", "setle=1", "settle=0", "settle=-1", "settle=99999999"] {
            assert!(bad.parse::<Mix>().is_err(), "{bad}");
        }
        assert!("setle=1".parse::<Mix>().is_err_and(|text| text.contains("did you mean settle?")));
    }
}
