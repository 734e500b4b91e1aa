//! What the ledger says happened, read from the beginning; and whether it fits what the callers were told.

use super::load::Load;
use super::say::Say;
use crate::bench::world::{area_of, month_of, sdk};
use crate::problem::{Exit, Problem};
use client::v1::event::Kind;
use client::v1::{self, Event};
use client::{Caller, Client, Consistency, Decision, Outcome, RequestId, Yuan};
use futures::stream::{self, StreamExt, TryStreamExt};
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// How long the journal may be silent while more of it must come.
const SILENCE: Duration = Duration::from_secs(20);
/// How many persons are read at once.
const READS_AT_ONCE: usize = 32;

/// Where a decision stands in the log, and whether it was done.
type Place = (u64, u32, bool);

/// The journal, summed up.
#[derive(Default)]
pub struct Journal {
    /// Every decision, by request.
    decisions: HashMap<RequestId, Vec<Place>>,
    /// All that was credited, in fen.
    credited: i128,
    /// All that was paid from accounts and not refunded, in fen.
    spent: i128,
    /// By (month, payer's area, payee's area).
    owed: BTreeMap<(String, String, String), i128>,
    /// Everybody who has an account.
    owners: Vec<String>,
    /// Each relation's donor.
    donors: HashMap<String, String>,
    /// Each person's area.
    areas: HashMap<String, String>,
    /// Each settlement's beneficiary is not named in its event; its own part is always zero for residents.
    own: i128,
}

impl Journal {
    /// Reads all there is up to an index.
    pub async fn read(client: &Client, last: u64) -> Result<Journal, Problem> {
        let mut journal = Journal::default();
        let mut watch = client.watch(1);
        loop {
            let entry = match tokio::time::timeout(SILENCE, watch.next()).await {
                Ok(entry) => entry.map_err(|error| sdk(&error))?,
                Err(_) => {
                    return Err(Problem::new(Exit::Differs, format!("the journal ends before index {last}")));
                }
            };
            let month = month_of(entry.time);
            for decision in &entry.decisions {
                journal.take(decision, &month);
            }
            if entry.index >= last {
                return Ok(journal);
            }
        }
    }

    fn take(&mut self, decision: &Decision, month: &str) {
        let (place, events): (Place, &[Event]) = match &decision.outcome {
            Outcome::Done(receipt) => ((receipt.index, receipt.place, true), &receipt.events),
            Outcome::Refused(refused) => ((refused.index, refused.place, false), &[]),
            Outcome::Unknown(_) => return,
        };
        self.decisions.entry(decision.outcome.request_id()).or_default().push(place);
        for kind in events.iter().filter_map(|event| event.kind.as_ref()) {
            match kind {
                Kind::PersonEnrolled(event) => {
                    self.areas.insert(event.person.clone(), event.area.clone());
                    if event.insurance() == v1::Insurance::Employee {
                        self.owners.push(event.person.clone());
                    }
                }
                Kind::AccountCredited(event) => self.credited += fen(&event.amount),
                Kind::RelationProposed(event) => {
                    self.donors.insert(event.relation.clone(), event.donor.clone());
                }
                Kind::Settled(event) => {
                    self.own += fen(&event.own);
                    for leg in &event.legs {
                        self.moved(&decision.caller, month, &leg.relation, fen(&leg.amount));
                    }
                }
                Kind::Refunded(event) => {
                    self.own -= fen(&event.own);
                    for leg in &event.legs {
                        self.moved(&decision.caller, month, &leg.relation, -fen(&leg.amount));
                    }
                }
                // The rest moves no money between accounts and institutions.
                _ => {}
            }
        }
    }

    /// Money went from a donor's account to an institution, or back.
    fn moved(&mut self, caller: &Caller, month: &str, relation: &str, amount: i128) {
        self.spent += amount;
        let payer = self.donors.get(relation).and_then(|donor| self.areas.get(donor));
        if let (Caller::Institution(institution), Some(payer)) = (caller, payer) {
            let payee = area_of(institution);
            if payer != payee {
                *self.owed.entry((month.to_owned(), payer.clone(), payee.to_owned())).or_default() += amount;
            }
        }
    }

    /// Whether every answer that was given stands in the ledger, once.
    pub fn check_answers(&self, load: &Load, say: &mut Say) {
        let (mut missing, mut twice, mut other, mut done, mut refused) = (0, 0, 0, 0, 0);
        for asked in &load.asked {
            let told: Place = match &asked.outcome {
                Outcome::Done(receipt) => (receipt.index, receipt.place, true),
                Outcome::Refused(refused) => (refused.index, refused.place, false),
                Outcome::Unknown(_) => continue,
            };
            match told.2 {
                true => done += 1,
                false => refused += 1,
            }
            match self.decisions.get(&asked.prepared.request_id()).map(Vec::as_slice) {
                None | Some([]) => missing += 1,
                Some([only]) if *only == told => {}
                Some([_]) => other += 1,
                Some(_) => twice += 1,
            }
        }
        let what = format!(
            "each of the {} acknowledged requests ({done} done, {refused} refused) stands in the ledger exactly once, where its answer said",
            load.asked.len()
        );
        say.check(
            &what,
            missing + twice + other == 0,
            format!("{missing} missing, {twice} twice, {other} elsewhere"),
        );
        let elsewhere = self.decisions.values().filter(|places| places.len() != 1).count();
        say.check(
            &format!("no request of all {} is in it twice", self.decisions.len()),
            elsewhere == 0,
            format!("{elsewhere} are"),
        );
    }

    /// Whether the sums over all accounts fit the journal.
    pub async fn check_sums(&self, client: &Client, last: u64, say: &mut Say) -> Result<(), Problem> {
        let reading = client.reading(Consistency::AtLeast(last));
        let accounts =
            stream::iter(&self.owners).map(|owner| reading.person(owner)).buffer_unordered(READS_AT_ONCE);
        let sums = accounts.try_fold((0, 0, 0), async |(available, reserved, credited), read| {
            let account = read.value.account.unwrap_or_default();
            Ok((
                available + fen(&account.available),
                reserved + fen(&account.reserved),
                credited + fen(&account.credited),
            ))
        });
        let (available, reserved, credited) = sums.await.map_err(|error| sdk(&error))?;
        let spent = self.spent + self.own;
        let what = format!(
            "{} accounts: credited {} = available {} + frozen {} + spent {}",
            self.owners.len(),
            yuan(credited),
            yuan(available),
            yuan(reserved),
            yuan(spent)
        );
        let holds = credited == self.credited && credited == available + reserved + spent;
        say.check(&what, holds, format!("the journal credits {}", yuan(self.credited)));
        Ok(())
    }

    /// Whether the obligations fit the journal, and what Suzhou owes Henan.
    pub async fn check_obligations(&self, client: &Client, say: &mut Say) -> Result<(), Problem> {
        let mut months: Vec<&String> = self.owed.keys().map(|(month, _, _)| month).collect();
        months.dedup();
        let mut kept: BTreeMap<(String, String, String), i128> = BTreeMap::new();
        for month in &months {
            for row in client
                .obligations(month.as_str())
                .page_size(1_000)
                .all()
                .await
                .map_err(|error| sdk(&error))?
            {
                *kept.entry((row.month, row.payer, row.payee)).or_default() += fen(&row.owed);
            }
        }
        let total: i128 = kept.values().sum();
        let what = format!(
            "{} obligations between areas, {} in all, fit every payment and refund",
            kept.len(),
            yuan(total)
        );
        say.check(&what, kept == self.owed, format!("the journal gives {} obligations", self.owed.len()));
        for month in months {
            let key = |payer: &str, payee: &str| (month.clone(), payer.to_owned(), payee.to_owned());
            let (there, back) = (kept.get(&key("320500", "410100")), kept.get(&key("410100", "320500")));
            say.line(format!(
                "for {month} Suzhou (320500) owes Henan (410100) {}, Henan owes Suzhou {}",
                yuan(there.copied().unwrap_or(0)),
                yuan(back.copied().unwrap_or(0))
            ));
        }
        Ok(())
    }
}

/// The fen of an amount; it may be below zero.
fn fen(text: &str) -> i128 {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    sign * digits.parse::<Yuan>().map_or(0, |amount| i128::from(amount.fen()))
}

/// Fen as yuan.
fn yuan(fen: i128) -> String {
    let sign = if fen < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", fen.abs() / 100, fen.abs() % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_may_be_below_zero() {
        assert_eq!((fen("-3.20"), fen("98.60"), fen("")), (-320, 9860, 0));
        assert_eq!((yuan(-320), yuan(9860), yuan(-5)), ("-3.20".into(), "98.60".into(), "-0.05".into()));
    }
}
