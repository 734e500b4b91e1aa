//! Everything that a seed decides before the start.

use crate::sim::floor::rng;
use crate::sim::machine::DiskTemper;
use crate::sim::net::Weather;
use ledger::Policy;
use node::raft::handle::RaftSettings;
use node::raft::log::LogSettings;
use node::state::StateSettings;
use rand::Rng;
use std::time::Duration;

/// How a simulation is set up.
#[derive(Clone, Debug)]
pub struct Draw {
    /// The seed.
    pub seed: u64,
    /// Nodes that vote in the beginning.
    pub voters: usize,
    /// Nodes that do not.
    pub learners: usize,
    /// Clients.
    pub clients: usize,
    /// How long faults go on.
    pub storm: Duration,
    /// Times of consensus, and how often there are snapshots.
    pub raft: RaftSettings,
    /// The log's files.
    pub log: LogSettings,
    /// The state's files.
    pub state: StateSettings,
    /// Links while faults go on.
    pub weather: Weather,
    /// Disks while faults go on.
    pub disk: DiskTemper,
    /// Pause between two faults.
    pub pause: (Duration, Duration),
    /// How likely each kind of blow is, by its place in [`crate::sim::blows::BLOWS`]; 0: never in this seed.
    pub weights: Vec<u32>,
    /// A client's pause between two asks.
    pub think: (Duration, Duration),
    /// The rules' parameters.
    pub policy: Policy,
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

impl Draw {
    /// What this seed decides.
    pub fn of(seed: u64) -> Draw {
        let mut rng = rng(seed, 0);
        let voters = [3, 3, 3, 4, 5, 5, 5, 6, 7][rng.random_range(0..9)];
        let learners = rng.random_range(0..=2usize.min(9 - voters));
        let delay_most = [2, 5, 10, 20, 40][rng.random_range(0..5)];
        let heartbeat = rng.random_range(60..=150).max(delay_most * 3);
        let election = heartbeat * rng.random_range(3..=6);
        let snapshot_entries = [20, 40, 80, 150, 300][rng.random_range(0..5)];
        let raft = RaftSettings {
            heartbeat: ms(heartbeat),
            election: ms(election),
            snapshot_entries,
            keep_entries: if rng.random_ratio(1, 5) { 0 } else { rng.random_range(1..=snapshot_entries) },
        };
        let log = LogSettings {
            cache_bytes: [4 << 10, 64 << 10, 1 << 20][rng.random_range(0..3)],
            chunk_bytes: [8 << 10, 32 << 10, 256 << 10][rng.random_range(0..3)],
        };
        let state = StateSettings {
            checkpoint_changes: [30, 100, 400, 2_000][rng.random_range(0..4)],
            changes_most: 4_000,
            cache_rows: [16, 200, 4_000][rng.random_range(0..3)],
            journal_segment_bytes: [4 << 10, 32 << 10, 1 << 20][rng.random_range(0..3)],
            journal_recent_bytes: [1 << 10, 64 << 10][rng.random_range(0..2)],
            ..StateSettings::default()
        };
        let weather = Weather {
            // Never nothing: nodes that talk without a pause would stop time.
            delay: (ms(rng.random_range(1..=delay_most / 2)), ms(delay_most)),
            loss: [0, 2, 10, 40, 100][rng.random_range(0..5)],
            twice: [0, 5, 20, 50][rng.random_range(0..4)],
            late: [0, 2, 10, 30][rng.random_range(0..4)],
        };
        let disk = DiskTemper {
            sync: (ms(0), ms([1, 3, 8][rng.random_range(0..3)])),
            slow_one_in: [0, 400, 100][rng.random_range(0..3)],
            cut_one_in: [0, 300, 60][rng.random_range(0..3)],
        };
        let pause = [(200, 1_500), (500, 4_000), (100, 700)][rng.random_range(0..3)];
        // Each kind of blow is left out of a third of the seeds: what always happens hides what else might.
        let weights = (0..crate::sim::blows::BLOWS.len())
            .map(|_| if rng.random_ratio(1, 3) { 0 } else { rng.random_range(1..=10) })
            .collect();
        let policy = Policy {
            proposal_days: 1,
            hold_ms: [2_000, 20_000, 1_800_000][rng.random_range(0..3)],
            offers: rng.random_ratio(1, 4),
            own_account_first: rng.random(),
            hard_stop: rng.random_ratio(1, 4),
            ..Policy::NATIONAL_2026
        };
        let think = [(5, 40), (20, 150), (1, 10)][rng.random_range(0..3)];
        Draw {
            seed,
            voters,
            learners,
            clients: rng.random_range(3..=8),
            storm: ms(rng.random_range(8_000..=25_000)),
            raft,
            log,
            state,
            weather,
            disk,
            pause: (ms(pause.0), ms(pause.1)),
            weights,
            think: (ms(think.0), ms(think.1)),
            policy,
        }
    }
}
