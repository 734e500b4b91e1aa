//! A cluster of real nodes whose clock jumps.

use super::run::{Desk, fen, month_text};
use crate::bench::world::sdk;
use crate::demo::nodes::Nodes;
use crate::problem::{Exit, Problem};
use client::{Client, Error, Outcome, Prepared, v1};
use ledger::{Month, Stamp};
use node::clock::Clock;
use std::time::{Duration, Instant};

/// How long a batch may take before it is sent again.
const DEADLINE: Duration = Duration::from_secs(20);
/// How often a batch is sent, in all.
const ATTEMPTS: usize = 4;
/// How long the pulse may take to sweep what has run out.
const SWEPT: Duration = Duration::from_secs(120);
/// Pause between two looks whether it has.
const POLL: Duration = Duration::from_millis(1);
/// Lines of a page.
const PAGE: u32 = 1_000;

/// The nodes, a client, and the one clock that all nodes have.
pub struct Cluster<'a> {
    pub nodes: &'a Nodes,
    pub client: Client,
    pub clock: Clock,
    /// Sent again because no answer came in time.
    pub again: u64,
}

impl<'a> Cluster<'a> {
    /// A desk at these nodes.
    pub fn new(nodes: &'a Nodes, client: &Client, clock: Clock) -> Cluster<'a> {
        Cluster { nodes, client: client.within(DEADLINE), clock, again: 0 }
    }

    /// Sets a clock for the first time.
    pub fn set_back(clock: &Clock, to: Stamp) {
        let now = node::clock::now().0 as i64;
        clock.set_ahead_ms(to.0 as i64 - now);
    }

    /// Sets the clock on: it never runs backwards.
    fn set_on(&self, to: Stamp) {
        if self.clock.now() < to {
            Cluster::set_back(&self.clock, to);
        }
    }

    /// Whether the leader has anything to sweep; unknown without a leader.
    fn is_due(&self) -> Result<bool, Problem> {
        let Some(leader) = self.nodes.up().find(|node| node.consensus().leads()) else { return Ok(true) };
        let due = ledger::tick_due(&leader.state().reader(), self.clock.now());
        due.map_err(|fault| Problem::new(Exit::Bug, "the state of the leader cannot be read").because(fault))
    }
}

impl Desk for Cluster<'_> {
    async fn decide(&mut self, batch: &[v1::Transaction]) -> Result<Vec<Outcome>, Problem> {
        let prepared: Result<Vec<Prepared>, Error> = batch.iter().map(Prepared::new).collect();
        let mut prepared = prepared.map_err(|error| sdk(&error))?;
        let mut outcomes: Vec<Option<Outcome>> = vec![None; batch.len()];
        // Those without an answer are sent again, the same bytes: none is done twice.
        let mut open: Vec<usize> = (0..batch.len()).collect();
        for attempt in 1.. {
            let results = self.client.submit_batch(&prepared).await;
            let mut unknown = Vec::new();
            for (place, result) in open.into_iter().zip(results) {
                match result {
                    Ok(Outcome::Unknown(_)) | Err(Error::NotSent { .. }) if attempt < ATTEMPTS => {
                        unknown.push(place);
                    }
                    Ok(outcome) => outcomes[place] = Some(outcome),
                    Err(error) => return Err(sdk(&error)),
                }
            }
            if unknown.is_empty() {
                break;
            }
            self.again += unknown.len() as u64;
            let again: Result<Vec<Prepared>, Error> =
                unknown.iter().map(|place| Prepared::new(&batch[*place])).collect();
            prepared = again.map_err(|error| sdk(&error))?;
            open = unknown;
        }
        Ok(outcomes.into_iter().flatten().collect())
    }

    async fn jump(&mut self, to: Stamp, swept: bool) -> Result<(), Problem> {
        self.set_on(to);
        let until = Instant::now() + SWEPT;
        while swept && self.is_due()? {
            if Instant::now() > until {
                return Err(Problem::new(Exit::Unreachable, "the pulse did not sweep what has run out")
                    .because(format!("{} s passed", SWEPT.as_secs())));
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }

    async fn lines(&mut self, month: Month) -> Result<Vec<v1::ClearingLine>, Problem> {
        let lines = self.client.clearing(month_text(month)).page_size(PAGE);
        lines.all().await.map_err(|error| sdk(&error))
    }

    async fn fund(&mut self, province: &str) -> Result<v1::Fund, Problem> {
        Ok(self.client.fund(province).await.map_err(|error| sdk(&error))?.value)
    }

    async fn owed(&mut self, month: Month) -> Result<u128, Problem> {
        let found = self.client.positions(month_text(month)).await.map_err(|error| sdk(&error))?;
        Ok(found.value.iter().map(|position| fen(&position.owes)).sum())
    }
}
