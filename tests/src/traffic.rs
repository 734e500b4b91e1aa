//! A seeded load: many concurrent callers, each call with the kind of answer that it must get.

use crate::bench::rng;
use crate::history::{Expect, History, OpId};
use crate::world::{Desk, FAMILIES, Family, PLACES, World, person, yuan};
use client::{Caller, Client, Error, Kinship, Outcome, Reason};
use rand::Rng;
use rand::rngs::StdRng;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

/// How long a patient caller waits for an answer, if nothing else is wanted.
const PATIENT: Duration = Duration::from_secs(15);

/// How a load is made.
#[derive(Clone, Debug)]
pub struct Pace {
    /// Concurrent callers.
    pub callers: usize,
    /// Each asks at most once in this time.
    pub every: Duration,
    /// How long callers of every second desk wait for an answer: short, so that some never hear it. The others wait no
    /// shorter than that, and than [`PATIENT`].
    pub patience: Duration,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace { callers: 16, every: Duration::from_millis(20), patience: Duration::from_secs(2) }
    }
}

/// A load that runs until it is stopped.
#[derive(Debug)]
pub struct Load {
    stop: Arc<AtomicBool>,
    callers: JoinSet<()>,
}

impl Load {
    /// Starts it. Callers are spread over handles on the nodes, and over patient and impatient desks.
    pub fn start(seed: u64, pace: &Pace, clients: &[Client], history: &History, world: &World) -> Load {
        let stop = Arc::new(AtomicBool::new(false));
        let mut callers = JoinSet::new();
        let desks: Vec<Desk> = clients
            .iter()
            .flat_map(|client| [client.within(pace.patience.max(PATIENT)), client.within(pace.patience)])
            .map(|client| Desk::new(&client, history))
            .collect();
        for number in 0..pace.callers {
            let worker = Worker {
                desk: desks[number % desks.len()].clone(),
                world: world.clone(),
                mine: (number..FAMILIES).step_by(pace.callers).collect(),
                rng: rng(seed, 1_000 + number as u64),
                paid: Vec::new(),
                sent: Vec::new(),
                stop: stop.clone(),
            };
            callers.spawn(worker.run(pace.every));
        }
        Load { stop, callers }
    }

    /// Asks for no more, and waits until every caller has its answer or has given up.
    ///
    /// # Panics
    /// If a caller did.
    pub async fn stop(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(ended) = self.callers.join_next().await {
            if let Err(problem) = ended {
                std::panic::resume_unwind(problem.into_panic());
            }
        }
    }
}

/// A settlement that may be refunded.
struct Paid {
    payment: String,
    institution: &'static str,
    left: u64,
}

/// What was sent, to be sent again.
struct Sent {
    op: OpId,
    caller: Caller,
    answered: bool,
    beneficiary: String,
    institution: &'static str,
}

/// One caller after the other's answer.
struct Worker {
    desk: Desk,
    world: World,
    /// Families whose relations only this worker changes.
    mine: Vec<usize>,
    rng: StdRng,
    paid: Vec<Paid>,
    sent: Vec<Sent>,
    stop: Arc<AtomicBool>,
}

impl Worker {
    async fn run(mut self, every: Duration) {
        let mut pace = tokio::time::interval(every);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !self.stop.load(Ordering::Relaxed) {
            pace.tick().await;
            match self.rng.random_range(0..100) {
                0..60 => self.settle().await,
                60..72 => self.refund().await,
                72..80 => self.raise().await,
                80..82 => self.release().await,
                82..86 => self.credit().await,
                86..90 => self.repeat().await,
                90..92 => self.reuse().await,
                _ => self.ask_wrongly().await,
            }
        }
    }

    fn stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn family(&mut self) -> Family {
        self.world.families[self.rng.random_range(0..FAMILIES)].clone()
    }

    async fn settle(&mut self) {
        let family = self.family();
        let place = PLACES[self.rng.random_range(0..PLACES.len())];
        let fen = self.rng.random_range(1..30_000);
        let (whole, own) = (self.rng.random_bool(0.1), self.rng.random_bool(0.8));
        let expect = if whole { Expect::Either(&[Reason::NotCovered]) } else { Expect::Done };
        let caller = Caller::institution(place.institution);
        let (op, reply) = self
            .desk
            .ask(&caller, expect, |client| {
                let mut call = client.settle(&family.beneficiary, place.institution, yuan(fen));
                if whole {
                    call = call.all_or_nothing();
                }
                if own { call } else { call.without_own_account() }
            })
            .await;
        let answered = matches!(reply, Ok(Outcome::Done(_) | Outcome::Refused(_)));
        let (beneficiary, institution) = (family.beneficiary, place.institution);
        self.sent.push(Sent { op, caller, answered, beneficiary, institution });
        if let Ok(Outcome::Done(receipt)) = reply {
            let payment = receipt.settled().map(|settled| settled.payment.clone()).unwrap_or_default();
            self.paid.push(Paid { payment, institution, left: fen });
        }
    }

    async fn refund(&mut self) {
        if self.paid.is_empty() {
            return;
        }
        let paid = self.paid.swap_remove(self.rng.random_range(0..self.paid.len()));
        let caller = Caller::institution(paid.institution);
        let (fen, expect) = match self.rng.random_range(0..4) {
            0 => (paid.left + 1, Expect::Refused(&[Reason::RefundExceedsPayment])),
            1 => (paid.left, Expect::Done),
            _ => (self.rng.random_range(1..=paid.left), Expect::Done),
        };
        let (_, reply) =
            self.desk.ask(&caller, expect, |client| client.refund(&paid.payment).only(yuan(fen))).await;
        // How much is left is known only if the refund's outcome is.
        match reply {
            Ok(Outcome::Done(_)) if fen < paid.left => self.paid.push(Paid { left: paid.left - fen, ..paid }),
            Ok(Outcome::Refused(_)) => self.paid.push(paid),
            Ok(Outcome::Done(_) | Outcome::Unknown(_)) | Err(_) => {}
        }
    }

    /// A family of this worker's own, and its relation, taken out.
    fn take_mine(&mut self) -> Option<(usize, Family, String)> {
        let place = *self.mine.get(self.rng.random_range(0..self.mine.len().max(1)))?;
        let relation = self.world.relations.lock()[place].take()?;
        Some((place, self.world.families[place].clone(), relation))
    }

    fn put_back(&self, place: usize, relation: String) {
        self.world.relations.lock()[place] = Some(relation);
    }

    /// Raises or reduces a quota. What stays unknown may be decided after the relation's end, so then the family is
    /// given up.
    async fn raise(&mut self) {
        let Some((place, family, relation)) = self.take_mine() else { return };
        let donor = Caller::person(&family.donor);
        let fen = self.rng.random_range(1..100_000);
        let asked = if self.rng.random_bool(0.7) {
            let expect = Expect::Either(&[Reason::BalanceExceeded]);
            self.desk.ask(&donor, expect, |client| client.set_quota(&relation, yuan(fen))).await
        } else {
            let expect = Expect::Either(&[Reason::QuotaExceeded]);
            self.desk.ask(&donor, expect, |client| client.reduce_quota(&relation, yuan(fen))).await
        };
        if self.known(asked).await.is_some() {
            self.put_back(place, relation);
        }
    }

    /// Sends again until the outcome is known, or the load stops.
    async fn known(&self, asked: (OpId, Result<Outcome, Error>)) -> Option<Outcome> {
        let (op, mut reply) = asked;
        loop {
            match reply {
                Ok(outcome @ (Outcome::Done(_) | Outcome::Refused(_))) => return Some(outcome),
                Ok(Outcome::Unknown(_)) | Err(Error::NotSent { .. }) if !self.stopping() => {}
                Ok(Outcome::Unknown(_)) | Err(_) => return None,
            }
            reply = self.desk.again(op).await;
        }
    }

    async fn done(&self, asked: (OpId, Result<Outcome, Error>)) -> Option<client::Receipt> {
        self.known(asked).await?.done().ok()
    }

    /// Ends a relation and begins it anew. The family is given up if it is not known how far that went.
    async fn release(&mut self) {
        let Some((place, family, relation)) = self.take_mine() else { return };
        let (donor, user) = (Caller::person(&family.donor), Caller::person(&family.beneficiary));
        let either = if self.rng.random_bool(0.5) { &donor } else { &user };
        let asked = self.desk.ask(either, Expect::Done, |client| client.release_relation(&relation)).await;
        if self.done(asked).await.is_none() {
            return;
        }
        let asked = self
            .desk
            .ask(&user, Expect::Done, |client| {
                client.propose_relation(&family.donor, &family.beneficiary, Kinship::Parent)
            })
            .await;
        let Some(proposed) = self.done(asked).await else { return };
        let relation = proposed.relation().unwrap_or_default().to_owned();
        let asked = self.desk.ask(&donor, Expect::Done, |client| client.accept_relation(&relation)).await;
        if self.done(asked).await.is_some() {
            self.put_back(place, relation);
        }
    }

    async fn credit(&mut self) {
        let family = self.family();
        let fen = self.rng.random_range(1..200_000);
        let agency = Caller::agency(family.donor_area);
        let credit = |client: &Client| client.credit_account(&family.donor, yuan(fen), "2026-10");
        self.desk.ask(&agency, Expect::Done, credit).await.1.ok();
    }

    /// Sends an earlier transaction again: the same bytes, perhaps while its first outcome is unknown.
    async fn repeat(&mut self) {
        if self.sent.is_empty() {
            return;
        }
        let place = self.rng.random_range(0..self.sent.len());
        let reply = self.desk.again(self.sent[place].op).await;
        self.sent[place].answered |= matches!(reply, Ok(Outcome::Done(_) | Outcome::Refused(_)));
    }

    /// Uses an id again for something else.
    async fn reuse(&mut self) {
        if self.sent.is_empty() {
            return;
        }
        let sent = &self.sent[self.rng.random_range(0..self.sent.len())];
        if !sent.answered {
            return;
        }
        let request = self.desk.request_of(sent.op);
        // No settlement of the load is that large, so the body differs.
        let settle = |client: &Client| {
            client.settle(&sent.beneficiary, sent.institution, yuan(99_999_999)).with_request_id(request)
        };
        self.desk.ask(&sent.caller, Expect::Reused, settle).await.1.ok();
    }

    async fn ask_wrongly(&mut self) {
        let family = self.family();
        let place = PLACES[self.rng.random_range(0..PLACES.len())];
        let institution = Caller::institution(place.institution);
        let nobody = person(&mut self.rng);
        let (desk, code) = (&self.desk, place.institution);
        let zero = Expect::Refused(&[Reason::AmountZero]);
        let unknown = Expect::Refused(&[Reason::PersonUnknown]);
        let forbidden = Expect::Refused(&[Reason::NotPermitted]);
        match self.rng.random_range(0..4) {
            0 => {
                desk.ask(&institution, zero, |client| client.settle(&family.beneficiary, code, yuan(0))).await
            }
            1 => desk.ask(&institution, unknown, |client| client.settle(&nobody, code, yuan(1))).await,
            2 => {
                // Every founding relation exists; its beneficiary may not raise it.
                let user = Caller::person(&family.beneficiary);
                desk.ask(&user, forbidden, |client| client.set_quota(&family.relation, yuan(1))).await
            }
            _ => {
                let other =
                    Caller::agency(PLACES.iter().find(|p| p.area != family.donor_area).expect("four").area);
                desk.ask(&other, forbidden, |client| client.credit_account(&family.donor, yuan(1), "2026-10"))
                    .await
            }
        }
        .1
        .ok();
    }
}
