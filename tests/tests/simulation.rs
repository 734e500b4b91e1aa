//! The simulation itself: the same seed goes the same way, byte for byte; and some seeds of it.

use std::process::Command;
use tests::bench::number_from_env;
use tests::sim::command::AS_BUILT;
use tests::sim::history::Keep;
use tests::sim::trial::play;

/// Seeds that go different ways: sizes, policies, faults.
const SEEDS: [u64; 3] = [1, 2, 3];

#[test]
fn a_seed_goes_the_same_way_twice() {
    for seed in SEEDS {
        let (first, second) = (play(seed, Keep::All), play(seed, Keep::All));
        let lines = |report: &tests::sim::trial::Report| report.all.clone().expect("all lines are kept");
        let (first_lines, second_lines) = (lines(&first), lines(&second));
        let differ = first_lines.lines().zip(second_lines.lines()).find(|(first, second)| first != second);
        assert_eq!(differ, None, "seed {seed} went two ways");
        assert_eq!(
            (first.hash, first.lines, first.polls),
            (second.hash, second.lines, second.polls),
            "seed {seed}"
        );
        assert!(first.lines > 100, "seed {seed} did nothing: {} lines", first.lines);
    }
}

#[test]
fn a_seed_goes_the_same_way_in_another_process() {
    for seed in SEEDS {
        let here = play(seed, Keep::Last);
        let there = Command::new(env!("CARGO_BIN_EXE_tests"))
            .args(["sim", "--seeds", "1", "--seed", &seed.to_string()])
            .output()
            .expect("it starts");
        let said = String::from_utf8_lossy(&there.stdout);
        let wanted = format!("seed {seed}: {} lines, hash {}", here.lines, here.hash);
        assert!(said.contains(&wanted), "wanted {wanted:?}, the other process says:\n{said}");
    }
}

#[test]
fn seeds_find_nothing() {
    let (first, count) = (number_from_env("GONGJI_SIM_SEED", 1), number_from_env("GONGJI_SIM_SEEDS", 8));
    for seed in first..first + count {
        let report = play(seed, Keep::Last);
        assert!(
            report.complaints.is_empty(),
            "seed {seed}: {:#?}\nreplay: GONGJI_SIM_SEED={seed} GONGJI_SIM_SEEDS=1 cargo test{AS_BUILT} -p tests --test simulation \
             seeds_find_nothing -- --nocapture",
            report.complaints
        );
    }
}
