//! What every test stands on: a seed that is printed, a turn on the machine, a time limit, and waiting for conditions.

use rand::SeedableRng;
use rand::rngs::StdRng;
use std::fmt::Display;
use std::fs::File;
use std::future::Future;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

/// No test may take longer: then something hangs.
const TEST_MAX: Duration = Duration::from_secs(1_200);
/// Pause between two looks at a condition.
const LOOK: Duration = Duration::from_millis(20);

/// Runs a test: alone on this machine, from a seed that is printed with the line that replays it.
///
/// # Panics
/// If the test does, or does not end in time.
pub fn run<F, Fut>(file: &str, name: &str, test: F)
where
    F: FnOnce(u64) -> Fut,
    Fut: Future<Output = ()>,
{
    let _turn = turn();
    let seed = seed();
    eprintln!(
        "seed {seed}; replay: GONGJI_TEST_SEED={seed} cargo test -p tests --test {file} {name} -- --nocapture"
    );
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime needs two threads");
    let started = Instant::now();
    let ended = runtime.block_on(async { tokio::time::timeout(TEST_MAX, test(seed)).await });
    runtime.shutdown_timeout(Duration::from_secs(1));
    assert!(ended.is_ok(), "{file} {name} did not end within {} s (seed {seed})", TEST_MAX.as_secs());
    eprintln!("{name} took {:.1} s", started.elapsed().as_secs_f64());
}

/// A number from the environment, or the usual one.
///
/// # Panics
/// If the variable is no number.
pub fn number_from_env(name: &str, usual: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")),
        Err(_) => usual,
    }
}

/// The seed: given, or of this moment.
pub fn seed() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    number_from_env("GONGJI_TEST_SEED", u64::from(now.subsec_nanos()) ^ now.as_secs() << 20)
}

/// Random numbers for one part of a test: parts do not disturb one another.
pub fn rng(seed: u64, part: u64) -> StdRng {
    StdRng::seed_from_u64(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(part))
}

/// Waits until no other test of this machine has processes running.
pub fn turn() -> File {
    let path: PathBuf = std::env::temp_dir().join("gongji-tests.lock");
    let file = File::options().create(true).append(true).open(&path);
    let file = file.unwrap_or_else(|problem| panic!("open {}: {problem}", path.display()));
    file.lock().unwrap_or_else(|problem| panic!("lock {}: {problem}", path.display()));
    file
}

/// Looks until there is something to see.
///
/// # Panics
/// If there is nothing in time; `what` says what was waited for.
pub async fn wait_for<T, F, Fut>(limit: Duration, what: impl Display, mut look: F) -> T
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Option<T>>,
{
    let deadline = Instant::now() + limit;
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(Instant::now() < deadline, "waited {} s in vain for {what}", limit.as_secs());
        tokio::time::sleep(LOOK).await;
    }
}
