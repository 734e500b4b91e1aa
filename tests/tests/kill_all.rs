//! All nodes killed at once; a node's files deleted, damaged, or left behind: what was acknowledged stays, and a node
//! serves the right state or says what is wrong with it.

use std::time::Duration;
use tests::bench::{number_from_env, run, wait_for};
use tests::cluster::{CALM_MAX, Cluster, Options};
use tests::injury::{self, Flip, copy_folder};
use tests::judge;
use tests::traffic::Pace;
use tests::trial::{Trial, read_stream};

const BETWEEN: usize = 300;

#[test]
fn nothing_is_lost_when_all_nodes_are_killed_at_once() {
    run("kill_all", "nothing_is_lost_when_all_nodes_are_killed_at_once", async |seed| {
        let rounds = number_from_env("GONGJI_TEST_KILLS", 2);
        // Snapshots and purges happen meanwhile, so that some kills fall into them.
        let options = Options { snapshot_entries: 60, keep_entries: 20, ..Options::default() };
        let mut trial = Trial::begin(seed, options).await;
        let load = trial.load(0, &Pace::default());
        for _ in 0..rounds {
            trial.progress(BETWEEN).await;
            trial.cluster.kill_all();
            for place in 0..3 {
                trial.cluster.start_node(place).await;
            }
            trial.cluster.leader().await;
        }
        trial.progress(BETWEEN).await;
        trial.stop(load, 500).await;
        trial.judge(500).await.demand("all nodes killed at once");
    });
}

#[test]
fn a_node_without_its_state_rebuilds_it() {
    run("kill_all", "a_node_without_its_state_rebuilds_it", async |seed| {
        let options = Options { snapshot_entries: 60, keep_entries: 20, ..Options::default() };
        let mut trial = Trial::begin(seed, options).await;
        load_until_snapshot(&trial, 0).await;
        let place = (seed % 3) as usize;
        trial.cluster.kill(place);
        let state = trial.cluster.nodes[place].data.join("sm");
        assert!(state.is_dir(), "the layout has changed: no {}", state.display());
        std::fs::remove_dir_all(&state).expect("removed");
        trial.cluster.start_node(place).await;
        let nodes = trial.cluster.calm().await;
        judge::demand(&judge::digests_equal(&nodes));
        let trouble = &nodes[place].trouble;
        assert!(trouble.contains("rebuilt"), "it rebuilt itself and does not say so: {trouble:?}");
        let said = trial.cluster.server(place).stderr();
        assert!(said.contains("sm/") && said.contains("rebuilt"), "its log does not say so:\n{said}");
        let load = trial.load(2, &Pace::default());
        trial.progress(100).await;
        trial.stop(load, 400).await;
        trial.judge(400).await.demand("a state deleted");
    });
}

#[test]
fn a_follower_that_was_away_comes_back_by_a_snapshot() {
    run("kill_all", "a_follower_that_was_away_comes_back_by_a_snapshot", async |seed| {
        let options = Options { snapshot_entries: 60, keep_entries: 10, ..Options::default() };
        let mut trial = Trial::begin(seed, options).await;
        let leader = trial.cluster.leader().await;
        let away = (leader + 1 + (seed % 2) as usize) % 3;
        let left_at = trial.cluster.status(away).await.expect("it runs").last_log_index;
        trial.cluster.kill(away);
        let load = trial.load(0, &Pace::default());
        for place in trial.cluster.running() {
            let what = format!("node {place} to purge past index {left_at}");
            wait_for(CALM_MAX, what, async || {
                let status = trial.cluster.status(place).await?;
                // Two snapshots further, whatever is kept behind them is past the gap.
                (status.snapshot_index > left_at + 2 * 60 + 10).then_some(())
            })
            .await;
        }
        trial.cluster.start_node(away).await;
        trial.progress(100).await;
        trial.stop(load, 300).await;
        let nodes = trial.cluster.calm().await;
        judge::demand(&judge::digests_equal(&nodes));
        let stream = read_stream(&trial.cluster.client_of(away), nodes[0].digest_index).await;
        assert!(stream.from > left_at, "its journal has no gap from {left_at} on: it came back by the log");
        trial.judge(300).await.demand("a follower kept away");
    });
}

/// Loads until every node has a snapshot and entries behind it.
async fn load_until_snapshot(trial: &Trial, part: u64) {
    let load = trial.load(part, &Pace::default());
    trial.progress(BETWEEN).await;
    for place in trial.cluster.running() {
        wait_for(CALM_MAX, format!("a snapshot of node {place}"), async || {
            let status = trial.cluster.status(place).await?;
            (status.snapshot_index > 0).then_some(())
        })
        .await;
    }
    trial.progress(100).await;
    trial.stop(load, 300).await;
}

/// What came of starting a node with a flipped byte.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Fate {
    /// It refused to serve, and named the damaged file.
    Refused,
    /// It serves the right state, and says that it repaired something.
    Repaired,
    /// It serves the right state and says nothing: the byte carried no weight.
    Unhurt,
}

/// Damage of these kinds must be noticed at least once: every byte there is under a checksum.
const KINDS: [(&str, bool); 6] =
    [("sm", false), ("snap", true), ("log", true), ("journal", true), ("VERSION", true), ("VOTE", true)];

#[test]
fn a_flipped_byte_is_told_and_never_served() {
    run("kill_all", "a_flipped_byte_is_told_and_never_served", async |seed| {
        let flips = number_from_env("GONGJI_TEST_FLIPS", 2);
        let options = Options { snapshot_entries: 60, keep_entries: 20, ..Options::default() };
        let mut trial = Trial::begin(seed, options).await;
        load_until_snapshot(&trial, 0).await;
        let digest = trial.cluster.calm().await[0].digest.clone();
        let place = (trial.cluster.leader().await + 1) % 3;
        trial.cluster.kill(place);
        let whole = trial.cluster.copy_data(place, "whole");
        // Without damage there is nothing to tell: what is told below is told of the damage.
        trial.cluster.start_node(place).await;
        let status = trial.cluster.calm().await.swap_remove(place);
        assert_eq!((status.trouble.as_str(), &status.digest), ("", &digest), "a kill is no trouble");
        trial.cluster.kill(place);
        for (kind, weighs) in KINDS {
            let mut fates = Vec::new();
            for _ in 0..flips {
                let data = trial.cluster.nodes[place].data.clone();
                std::fs::remove_dir_all(&data).expect("removed");
                copy_folder(&whole, &data);
                let target = data.join(kind);
                let files = match target.is_dir() {
                    true => injury::files(&target),
                    false => vec![(target.clone(), target.metadata().expect("it is there").len())],
                };
                let flip = injury::flip(&files, &mut trial.rng);
                let fate = fate(&mut trial.cluster, place, &flip, kind, &digest).await;
                eprintln!("{fate:?}: {flip}");
                fates.push(fate);
            }
            let noticed = fates.iter().any(|fate| *fate != Fate::Unhurt);
            assert!(noticed || !weighs, "no flipped byte in {kind} was noticed");
        }
        let data = trial.cluster.nodes[place].data.clone();
        std::fs::remove_dir_all(&data).expect("removed");
        copy_folder(&whole, &data);
        trial.cluster.start_node(place).await;
        trial.judge(300).await.demand("bytes flipped");
    });
}

/// Starts the damaged node and finds out; leaves it stopped.
async fn fate(cluster: &mut Cluster, place: usize, flip: &Flip, kind: &str, digest: &str) -> Fate {
    let ended = match cluster.try_start_node(place).await {
        Err(ended) => Some(ended),
        // It serves: then it must hold the right state, or end.
        Ok(()) => {
            let deadline = std::time::Instant::now() + CALM_MAX;
            loop {
                if let Some(ended) = cluster.server(place).ended() {
                    break Some(ended);
                }
                let status = cluster.status(place).await;
                let level = status
                    .filter(|status| status.leader != 0 && status.applied_index == status.last_log_index);
                if let Some(status) = level.filter(|status| status.digest == digest) {
                    let said = cluster.server(place).stderr();
                    cluster.kill(place);
                    let repaired = !status.trouble.is_empty();
                    assert!(
                        !repaired || said.contains(&status.trouble),
                        "{:?} is not in its log:\n{said}",
                        status.trouble
                    );
                    return if repaired { Fate::Repaired } else { Fate::Unhurt };
                }
                let said = cluster.server(place).stderr();
                let late = std::time::Instant::now() > deadline;
                assert!(!late, "with {flip} it neither ends nor holds the right state:\n{said}");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    };
    let ended = ended.expect("every other way returns");
    if cluster.runs(place) {
        cluster.kill(place);
    }
    let said = &ended.stderr;
    assert!(matches!(ended.code, Some(8..=10)), "with {flip} it ends with {:?}:\n{said}", ended.code);
    assert!(said.contains(kind), "with {flip} it does not name the place:\n{said}");
    assert!(said.contains("  try: "), "with {flip} it does not say what to do:\n{said}");
    Fate::Refused
}
