//! What goes on besides while a fault is in force: an election, a node that is away, a change of the members. So every fault
//! meets the cluster in everything that it does.

use super::fault::Fault;
use super::pass::{Pass, SERVE_MAX};
use crate::bench::wait_for;
use crate::sim::coverage::Phase;
use client::v1::{AddLearnerRequest, HandOverRequest, Member, RemoveRequest, Role};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

/// A member that never answers: a province whose machine is not there yet.
const ABSENT: u64 = 64_000_001;
/// How long something is tried to be seen under a fault. Not every fault leaves room for everything.
const TRIED: Duration = Duration::from_secs(8);
/// Pause between two looks.
const LOOK: Duration = Duration::from_millis(20);

fn absent() -> Member {
    let nowhere = "127.0.0.1:1".to_owned();
    Member { node: ABSENT, peer_address: nowhere.clone(), api_address: nowhere }
}

/// A node that stands still until this is dropped.
struct Nap<'a>(&'a Pass, usize);

impl<'a> Nap<'a> {
    fn begin(pass: &'a Pass, place: usize) -> Nap<'a> {
        pass.trial.cluster.pause(place);
        Nap(pass, place)
    }
}

impl Drop for Nap<'_> {
    fn drop(&mut self) {
        self.0.trial.cluster.resume(self.1);
    }
}

impl Pass {
    /// Sees to it that a fault that is in force meets an election, a node that is away, and a change of the members, among
    /// nodes that run and hear one another, each unless it has met it in this pass.
    pub async fn unrest(&self, fault: Fault, among: &[usize]) {
        if !self.met(fault, Phase::Electing) {
            self.hand_over(among).await;
            self.meets(fault, Phase::Electing, async || sleep(LOOK).await).await;
        }
        if !self.met(fault, Phase::Electing) {
            let _nap = self.leads_among(among).await.map(|leader| Nap::begin(self, leader));
            self.meets(fault, Phase::Electing, async || sleep(LOOK).await).await;
        }
        if !self.met(fault, Phase::Mending) {
            let leader = self.leads_among(among).await;
            let follower = among.iter().copied().find(|place| Some(*place) != leader);
            let _nap = follower.map(|place| Nap::begin(self, place));
            self.meets(fault, Phase::Mending, async || sleep(LOOK).await).await;
        }
        if !self.met(fault, Phase::Changing) {
            // Who is asked may follow nobody, or somebody who has lost the others.
            for asked in among.iter().copied() {
                self.meets(fault, Phase::Changing, async || self.change(asked).await).await;
            }
        }
    }

    fn met(&self, fault: Fault, phase: Phase) -> bool {
        self.monitor.table().hit_in(fault, phase) > 0
    }

    async fn meets(&self, fault: Fault, phase: Phase, meanwhile: impl AsyncFn()) {
        let begun = Instant::now();
        while !self.met(fault, phase) && begun.elapsed() < TRIED {
            meanwhile().await;
        }
    }

    /// Who of these leads, once one does.
    async fn leads_among(&self, among: &[usize]) -> Option<usize> {
        let begun = Instant::now();
        while begun.elapsed() < TRIED {
            for place in among {
                let status = self.trial.cluster.status(*place).await;
                if status.is_some_and(|status| status.role() == Role::Leader) {
                    return Some(*place);
                }
            }
            sleep(LOOK).await;
        }
        None
    }

    /// Has the leader hand over to another of these.
    async fn hand_over(&self, among: &[usize]) {
        let Some(leader) = self.leads_among(among).await else { return };
        for place in among.iter().copied().filter(|place| *place != leader) {
            let node = self.trial.cluster.nodes[place].id;
            let mut door = self.trial.cluster.door(leader);
            let handed = timeout(TRIED, door.hand_over(HandOverRequest { node })).await;
            if matches!(handed, Ok(Ok(_))) {
                return;
            }
        }
    }

    /// Begins to add a member that is not there.
    pub async fn begin_change(&self) -> JoinHandle<()> {
        let leader = self.trial.cluster.leader().await;
        let mut door = self.trial.cluster.door(leader);
        tokio::spawn(async move {
            door.add_learner(AddLearnerRequest { member: Some(absent()), wait: false }).await.ok();
        })
    }

    /// Adds a member that is not there, and takes it out again. Each counts if a leader says that it was done.
    async fn change(&self, asked: usize) {
        let mut door = self.trial.cluster.door(asked);
        let adding = door.add_learner(AddLearnerRequest { member: Some(absent()), wait: false });
        let added = timeout(TRIED, self.monitor.changing(adding)).await;
        if matches!(added, Ok(true)) {
            let removing = door.remove(RemoveRequest { node: ABSENT });
            // Who is left over is taken out at the end of the fault: `none_absent`.
            timeout(TRIED, self.monitor.changing(removing)).await.ok();
        }
        sleep(LOOK).await;
    }

    /// Waits until the member that is not there is none.
    pub async fn none_absent(&self) {
        wait_for(SERVE_MAX, "the member that was never there to be taken out", async || {
            let asked = self.trial.cluster.leader().await;
            let known = self.trial.cluster.overview(asked).await?;
            if known.nodes.iter().all(|status| status.node != ABSENT) {
                return Some(());
            }
            let mut door = self.trial.cluster.door(asked);
            timeout(TRIED, door.remove(RemoveRequest { node: ABSENT })).await.ok();
            None
        })
        .await;
    }
}
