//! What every test stands on: a seed that is printed, a turn on the machine, a time limit, and waiting for conditions.

use crate::sim::command::AS_BUILT;
use futures::FutureExt;
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::fmt::Display;
use std::fs::File;
use std::future::Future;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::path::PathBuf;
use std::pin::pin;
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
    let set = set();
    eprintln!(
        "seed {seed}; replay: GONGJI_TEST_SEED={seed} {set}cargo test{AS_BUILT} -p tests --test {file} {name} -- --nocapture"
    );
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime needs two threads");
    let started = Instant::now();
    let test = within(TEST_MAX, format!("{file} {name} (seed {seed})"), test(seed));
    let ended = runtime.block_on(AssertUnwindSafe(test).catch_unwind());
    // What hangs is not waited for here either.
    runtime.shutdown_timeout(Duration::from_secs(1));
    ended.unwrap_or_else(|panic| resume_unwind(panic));
    eprintln!("{name} took {:.1} s", started.elapsed().as_secs_f64());
}

/// Does something within a limit. One that does not end panics while all that it has is still there, so that what a failure
/// leaves behind (see [`Cluster`](crate::cluster::Cluster)) is left by this one too.
///
/// # Panics
/// If it does not end in time.
pub async fn within<T>(limit: Duration, what: impl Display, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    let ended = tokio::time::timeout(limit, &mut work).await;
    ended.unwrap_or_else(|_| panic!("{what} did not end within {} s", limit.as_secs()))
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

/// What else of a test the environment decides, as a line repeats it.
fn set() -> String {
    let set = std::env::vars_os().filter_map(|(name, value)| {
        let (name, value) = (name.into_string().ok()?, value.into_string().ok()?);
        let ours = name.starts_with("GONGJI_TEST_") && name != "GONGJI_TEST_SEED";
        ours.then(|| format!("{name}={value} "))
    });
    set.collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};

    /// Something that keeps what it has when a test fails, as a cluster does.
    struct Keeper<'a>(&'a AtomicBool);

    impl Drop for Keeper<'_> {
        fn drop(&mut self) {
            self.0.store(std::thread::panicking(), Ordering::Relaxed);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_end_in_time_fails_like_a_panic_in_its_middle() {
        for ends in [true, false] {
            let kept = AtomicBool::new(false);
            let work = async {
                let _keeper = Keeper(&kept);
                if !ends {
                    std::future::pending::<()>().await;
                }
                7
            };
            let done = AssertUnwindSafe(within(TEST_MAX, "it", work)).catch_unwind().await;
            assert_eq!((done.ok(), kept.load(Ordering::Relaxed)), (ends.then_some(7), !ends));
        }
    }
}
