//! The leader is killed under load, again and again, and started again each time: nothing acknowledged is lost, nothing
//! is done twice, and all nodes hold the same.

use std::time::Instant;
use tests::bench::{number_from_env, run, wait_for};
use tests::cluster::{CALM_MAX, Options};
use tests::traffic::Pace;
use tests::trial::Trial;

/// Calls that a load begins between one injury and the next.
const BETWEEN: usize = 300;

#[test]
fn nothing_is_lost_when_leaders_are_killed() {
    run("kill_leader", "nothing_is_lost_when_leaders_are_killed", async |seed| {
        let kills = number_from_env("GONGJI_TEST_KILLS", 4);
        let mut trial = Trial::begin(seed, Options::default()).await;
        let load = trial.load(0, &Pace::default());
        let mut leaderless = Vec::new();
        for kill in 0..kills {
            trial.progress(BETWEEN).await;
            let leader = trial.cluster.leader().await;
            trial.cluster.kill(leader);
            let killed = Instant::now();
            trial.cluster.leader().await;
            leaderless.push(killed.elapsed());
            // Every second time it comes back only after the others have gone on without it.
            if kill % 2 == 0 {
                trial.progress(BETWEEN).await;
            }
            trial.cluster.start_node(leader).await;
            let back = trial.cluster.member(leader).node;
            wait_for(CALM_MAX, format!("node {back} to follow again"), async || {
                let status = trial.cluster.status(leader).await?;
                (status.leader != 0).then_some(())
            })
            .await;
        }
        trial.progress(BETWEEN).await;
        trial.stop(load, 1_000).await;
        let longest = leaderless.iter().max().copied().unwrap_or_default();
        eprintln!("{kills} kills; without a leader for at most {longest:.1?}");
        trial.judge(1_000).await.demand("leaders killed");
    });
}

#[test]
fn nothing_is_lost_when_leaders_sleep() {
    run("kill_leader", "nothing_is_lost_when_leaders_sleep", async |seed| {
        let mut trial = Trial::begin(seed, Options::default()).await;
        let load = trial.load(0, &Pace::default());
        for _ in 0..2 {
            trial.progress(BETWEEN).await;
            // It keeps its connections and believes that it leads when it wakes up.
            let sleeper = trial.cluster.leader().await;
            trial.cluster.pause(sleeper);
            let others: Vec<usize> =
                trial.cluster.running().into_iter().filter(|place| *place != sleeper).collect();
            wait_for(CALM_MAX, "another leader", async || {
                let status = trial.cluster.status(others[0]).await?;
                (status.leader != 0 && status.leader != trial.cluster.nodes[sleeper].id).then_some(())
            })
            .await;
            trial.progress(BETWEEN / 3).await;
            trial.cluster.resume(sleeper);
            trial.cluster.leader().await;
        }
        trial.progress(BETWEEN / 3).await;
        trial.stop(load, 500).await;
        trial.judge(500).await.demand("leaders put to sleep");
    });
}
