//! Nodes that are told to stop drain and end with 0; what they held is there when they come back, one or all.

use std::time::{Duration, Instant};
use tests::bench::run;
use tests::cluster::{CALM_MAX, Options};
use tests::judge;
use tests::traffic::Pace;
use tests::trial::Trial;

const BETWEEN: usize = 150;
/// A node whose doors wait in vain for open streams of clients and of other nodes closes them by force after five seconds,
/// at every stop; one that drains is done before.
const DRAINED_MAX: Duration = Duration::from_secs(4);
/// How often a node may be late: a slow disk or a busy machine hardly makes every stop of it late, and waiting in vain does.
const STOPS: usize = 3;

#[test]
fn a_node_drains_on_sigterm_while_others_serve() {
    run("restart", "a_node_drains_on_sigterm_while_others_serve", async |seed| {
        let mut trial = Trial::begin(seed, Options::default()).await;
        let load = trial.load(0, &Pace::default());
        // A follower, then whoever leads.
        for leads in [false, true] {
            let mut took = Vec::new();
            while took.iter().all(|drained| *drained >= DRAINED_MAX) {
                assert!(
                    took.len() < STOPS,
                    "open streams keep a node from stopping, leading: {leads}: {took:.2?}"
                );
                trial.progress(BETWEEN).await;
                let leader = trial.cluster.leader().await;
                let place = if leads { leader } else { (leader + 1) % 3 };
                let asked = Instant::now();
                let ended = trial.cluster.terminate(place).await;
                took.push(asked.elapsed());
                assert_eq!(ended.code, Some(0), "SIGTERM is an ordinary end:\n{}", ended.stderr);
                assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
                trial.cluster.leader().await;
                trial.progress(BETWEEN).await;
                trial.cluster.start_node(place).await;
            }
            eprintln!("leading: {leads}, drained in {took:.2?}");
        }
        trial.progress(BETWEEN).await;
        trial.stop(load, 500).await;
        trial.judge(500).await.demand("nodes drained under load");
    });
}

#[test]
fn a_state_survives_the_restart_of_all_nodes() {
    run("restart", "a_state_survives_the_restart_of_all_nodes", async |seed| {
        let mut trial = Trial::begin(seed, Options::default()).await;
        let load = trial.load(0, &Pace { patience: CALM_MAX, ..Pace::default() });
        trial.progress(2 * BETWEEN).await;
        trial.stop(load, 300).await;
        let before = trial.cluster.calm().await;
        judge::demand(&judge::digests_equal(&before));
        for place in 0..3 {
            let ended = trial.cluster.terminate(place).await;
            assert_eq!(
                ended.code,
                Some(0),
                "SIGTERM is an ordinary end, even of the last node:\n{}",
                ended.stderr
            );
        }
        for place in 0..3 {
            trial.cluster.start_node(place).await;
        }
        let after = trial.cluster.calm().await;
        assert!(after[0].digest_index >= before[0].digest_index, "the ledger went back in time");
        // Only a new leader's blank entry came between: it changes no record.
        assert_eq!(after[0].digest, before[0].digest, "the ledger is not what it was");
        let load = trial.load(1, &Pace::default());
        trial.progress(BETWEEN).await;
        trial.stop(load, 500).await;
        trial.judge(500).await.demand("all nodes restarted");
    });
}
