//! Mutated samples for decoders, under the stable toolchain and `cargo test`.
//!
//! A [`Format`] has samples: those that its test makes, and the files of `tests/corpus/<format>/`. They are mutated and given to
//! the decoder, and every input must keep these rules:
//!
//! * The decoder does not panic.
//! * It never holds more than [`ALLOCATED_MAX`] of new memory for an input below 1 MiB.
//! * What it accepts is written again: the same bytes ([`Read::Same`]), or bytes that read and write as themselves
//!   ([`Read::Alike`]).
//! * Every sample of the test's own is accepted.
//!
//! A call that takes long is told, not failed: machines differ. Inputs that are refused in a new way, or accepted, are mutated
//! further. `FUZZ_SEED` replays, `FUZZ_MINUTES` runs each format for so long, `FUZZ_KEEP=1` keeps the samples and a few
//! interesting inputs in the corpus. An input that breaks a rule is kept in any case.

mod mutate;

pub use mutate::Mutator;

use rand::Rng;
use rand::SeedableRng;
use rand::rngs::SmallRng;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// The most new memory that a decoder may hold at once for an input below 1 MiB: the largest stored value, and a little.
pub const ALLOCATED_MAX: u64 = (16 << 20) + (64 << 10);
const SMALL: usize = 1 << 20;
/// A call that takes longer is told of.
const LONG: Duration = Duration::from_millis(100);
/// How long a format is tried for, if nobody says otherwise.
const USUAL: Duration = Duration::from_millis(900);
/// Inputs that are mutated further, at most.
const POOL: usize = 512;
/// What a format keeps in the corpus, in bytes.
const KEPT_BYTES: usize = 9 << 10;

/// What a decoder made of some bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// They are refused, for this reason.
    Refused(String),
    /// They are accepted, and this is what is written for the value. Only these bytes stand for it.
    Same(Vec<u8>),
    /// They are accepted, and this is what is written for the value. Other bytes may stand for it too.
    Alike(Vec<u8>),
}

/// Makes checksums fit.
pub type Seal<'a> = &'a dyn Fn(&mut [u8]);

/// A decoder under test.
pub struct Format<'a> {
    /// Its name: of its folder in the corpus.
    pub name: &'static str,
    /// The line that runs its test: `-p ledger --test fuzz keys`.
    pub test: &'static str,
    /// Good inputs.
    pub samples: Vec<Vec<u8>>,
    /// Bytes that mean something here.
    pub words: &'a [&'a [u8]],
    /// Makes checksums and lengths fit again, for every second input.
    pub seal: Option<Seal<'a>>,
}

/// What a run came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Inputs tried.
    pub tried: u64,
    /// How many were accepted.
    pub accepted: u64,
    /// How many ways to refuse were seen.
    pub reasons: usize,
    /// The slowest call.
    pub slowest: Duration,
    /// The most memory of a call.
    pub most_bytes: u64,
}

/// Tries a decoder, and prints what came of it.
///
/// # Panics
/// When a rule is broken; the input is kept in the corpus.
pub fn run(format: &Format<'_>, decode: impl Fn(&[u8]) -> Read) -> Tally {
    let seed = seed();
    let line = format!("FUZZ_SEED={seed} cargo test {}", format.test);
    println!("fuzz {}: seed {seed}; replay: {line}", format.name);
    let corpus = corpus(format.name);
    match explore(format, decode, seed, time(), &corpus) {
        Ok(tally) => {
            let Tally { tried, accepted, reasons, slowest, most_bytes } = tally;
            let (ms, kib) = (slowest.as_secs_f64() * 1e3, most_bytes >> 10);
            println!(
                "fuzz {}: {tried} inputs, {accepted} accepted, {reasons} reasons to refuse, at most {ms:.1} ms and {kib} KiB",
                format.name
            );
            tally
        }
        Err((input, what)) => {
            let kept = keep(&corpus, "broke", &input);
            panic!(
                "{}: {what}; the input is {} ({} bytes); replay: {line}",
                format.name,
                kept.display(),
                input.len()
            )
        }
    }
}

/// Tries a decoder from a seed for a time. The input that broke a rule, and the rule, if there is one.
///
/// # Errors
/// The input, and what is wrong with what the decoder does.
pub fn explore(
    format: &Format<'_>,
    decode: impl Fn(&[u8]) -> Read,
    seed: u64,
    time: Duration,
    corpus: &Path,
) -> Result<Tally, (Vec<u8>, String)> {
    let mut tally = Tally::default();
    let mut reasons = BTreeSet::new();
    let mut pool = format.samples.clone();
    for sample in &format.samples {
        if let Read::Refused(why) = judge(sample, &decode, &mut tally)? {
            return Err((sample.clone(), format!("a good sample is refused: {why}")));
        }
    }
    for sample in kept(corpus) {
        judge(&sample, &decode, &mut tally)?;
        pool.push(sample);
    }
    let mut interesting: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let started = Instant::now();
    while started.elapsed() < time {
        // Each input has a stream of its own.
        let mut rng = SmallRng::seed_from_u64(seed ^ tally.tried.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let mut input = Mutator { pool: &pool, words: format.words }.make(&mut rng);
        if let Some(seal) = format.seal.filter(|_| rng.random()) {
            seal(&mut input);
        }
        let kind = match judge(&input, &decode, &mut tally)? {
            Read::Refused(why) => plain(&why),
            Read::Same(_) | Read::Alike(_) => format!("accepted {}", input.len().ilog2_or_zero()),
        };
        if reasons.insert(kind.clone()) && pool.len() < POOL {
            pool.push(input.clone());
            interesting.insert(kind, input);
        }
    }
    tally.reasons = reasons.iter().filter(|kind| !kind.starts_with("accepted")).count();
    if std::env::var_os("FUZZ_KEEP").is_some() {
        keep_some(corpus, format, interesting.into_values());
    }
    Ok(tally)
}

/// Gives the input to the decoder, and holds it to the rules.
fn judge(
    input: &[u8],
    decode: &impl Fn(&[u8]) -> Read,
    tally: &mut Tally,
) -> Result<Read, (Vec<u8>, String)> {
    let broken = |what: String| Err((input.to_vec(), what));
    tally.tried += 1;
    let mut read = None;
    let started = Instant::now();
    let memory = allocation_counter::measure(|| {
        read = Some(catch_unwind(AssertUnwindSafe(|| decode(input))));
    });
    let took = started.elapsed();
    if took > LONG && took > tally.slowest {
        println!("{} bytes take {:.0} ms", input.len(), took.as_secs_f64() * 1e3);
    }
    tally.slowest = tally.slowest.max(took);
    tally.most_bytes = tally.most_bytes.max(memory.bytes_max);
    let Some(Ok(read)) = read else { return broken("the decoder panics".into()) };
    if input.len() < SMALL && memory.bytes_max > ALLOCATED_MAX {
        return broken(format!("the decoder takes {} bytes for {}", memory.bytes_max, input.len()));
    }
    match &read {
        Read::Refused(_) => return Ok(read),
        Read::Same(again) if again != input => {
            return broken(format!("accepted, but {} other bytes are written for it", again.len()));
        }
        Read::Alike(again) if decode(again) != Read::Alike(again.clone()) => {
            return broken("accepted, but what is written for it is not read as itself".into());
        }
        Read::Same(_) | Read::Alike(_) => {}
    }
    tally.accepted += 1;
    Ok(read)
}

/// A reason without its numbers and quotations: which way of refusing it is.
fn plain(why: &str) -> String {
    why.chars().filter(|c| !c.is_ascii_digit()).take(60).collect()
}

trait Log2 {
    fn ilog2_or_zero(self) -> u32;
}

impl Log2 for usize {
    fn ilog2_or_zero(self) -> u32 {
        self.checked_ilog2().unwrap_or(0)
    }
}

fn seed() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    number("FUZZ_SEED").unwrap_or(u64::from(now.subsec_nanos()) << 20 ^ now.as_secs())
}

fn time() -> Duration {
    number("FUZZ_MINUTES").map_or(USUAL, |minutes| Duration::from_secs(60 * minutes))
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

fn corpus(format: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("corpus").join(format)
}

fn kept(corpus: &Path) -> Vec<Vec<u8>> {
    let Ok(entries) = std::fs::read_dir(corpus) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("a folder's entry").path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).expect("a corpus file")).collect()
}

fn keep(corpus: &Path, kind: &str, input: &[u8]) -> PathBuf {
    let hash = input.iter().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let path = corpus.join(format!("{kind}-{hash:016x}"));
    std::fs::create_dir_all(corpus).expect("a folder for the corpus");
    std::fs::write(&path, input).expect("a corpus file");
    path
}

/// Keeps small ones first, as long as there is room.
fn keep_some(corpus: &Path, format: &Format<'_>, interesting: impl Iterator<Item = Vec<u8>>) {
    let mut found: Vec<(&str, Vec<u8>)> = interesting.map(|input| ("mutant", input)).collect();
    found.sort_by_key(|(_, input)| input.len());
    let samples = format.samples.iter().take(4).map(|sample| ("sample", sample.clone()));
    let mut room = KEPT_BYTES;
    for (kind, input) in samples.chain(found) {
        if input.len() <= room {
            room -= input.len();
            keep(corpus, kind, &input);
        }
    }
}

#[cfg(test)]
mod tests;
