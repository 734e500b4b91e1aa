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
//! further. Nothing rests on the time that any of it takes: a seed and a number of inputs are the same run on every machine,
//! as long as the corpus is the same. `FUZZ_SEED` with `FUZZ_INPUTS` replays, `FUZZ_TIMES` tries so many times the usual number,
//! `FUZZ_KEEP=1` keeps the samples and a few interesting inputs in the corpus. An input that breaks a rule is printed, and
//! kept in any case.

mod corpus;
mod mutate;

pub use mutate::Mutator;

use rand::Rng;
use rand::SeedableRng;
use rand::rngs::SmallRng;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

/// The most new memory that a decoder may hold at once for an input below 1 MiB: the largest stored value, and a little.
pub const ALLOCATED_MAX: u64 = (16 << 20) + (64 << 10);
const SMALL: usize = 1 << 20;
/// A call that takes longer is told of.
const LONG: Duration = Duration::from_millis(100);
/// What cargo must be told so that it builds as this was built.
const AS_BUILT: &str = if cfg!(debug_assertions) { "" } else { " --release" };
/// How many inputs a format is tried with, if nobody says otherwise.
pub const INPUTS: u64 = 30_000;
/// Inputs that are mutated further, at most, and of how many bytes: what grows out of long ones only takes longer.
const POOL: usize = 512;
const POOLED_BYTES: usize = 8 << 10;

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
    /// How many inputs are usual: [`INPUTS`], or fewer where each takes long.
    pub inputs: u64,
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
    /// A hash of all inputs and of what became of them: the same in every run of a seed.
    pub trace: u64,
    /// The slowest call.
    pub slowest: Duration,
    /// The most memory of a call.
    pub most_bytes: u64,
}

/// A rule that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// By this input.
    pub input: Vec<u8>,
    /// Which input of the run it was, from 1.
    pub number: u64,
    /// What is wrong.
    pub what: String,
}

/// Tries a decoder, and prints what came of it.
///
/// # Panics
/// When a rule is broken; the input is printed, and kept in the corpus.
pub fn run(format: &Format<'_>, decode: impl Fn(&[u8]) -> Read) -> Tally {
    let usual = format.inputs * number("FUZZ_TIMES").unwrap_or(1);
    let (seed, inputs) = (seed(), number("FUZZ_INPUTS").unwrap_or(usual));
    let replay = |inputs| {
        format!("replay: FUZZ_SEED={seed} FUZZ_INPUTS={inputs} cargo test{AS_BUILT} {}", format.test)
    };
    println!("fuzz {}: seed {seed}, {inputs} inputs; {}", format.name, replay(inputs));
    match explore(format, decode, seed, inputs, &corpus::folder(format.name)) {
        Ok(tally) => {
            let Tally { tried, accepted, reasons, trace, slowest, most_bytes } = tally;
            let (ms, kib) = (slowest.as_secs_f64() * 1e3, most_bytes >> 10);
            println!(
                "fuzz {}: {tried} inputs, {accepted} accepted, {reasons} reasons to refuse, trace {trace:016x}, at most {ms:.1} ms and {kib} KiB",
                format.name
            );
            tally
        }
        Err(Broken { input, number, what }) => {
            println!("{}", corpus::printed(format.name, &input));
            let kept = corpus::keep(&corpus::folder(format.name), "broke", &input);
            panic!(
                "{}: {what}; input {number} of seed {seed}, {} bytes, kept as {}; {}",
                format.name,
                input.len(),
                kept.display(),
                replay(number)
            )
        }
    }
}

/// Tries a decoder with so many inputs from a seed, the samples and the corpus among them, which are tried in any case.
///
/// # Errors
/// The first input that broke a rule.
pub fn explore(
    format: &Format<'_>,
    decode: impl Fn(&[u8]) -> Read,
    seed: u64,
    inputs: u64,
    corpus: &Path,
) -> Result<Tally, Broken> {
    let mut tally = Tally::default();
    let mut reasons = BTreeSet::new();
    let mut pool = format.samples.clone();
    for sample in &format.samples {
        if let Read::Refused(why) = judge(sample, &decode, &mut tally)? {
            let what = format!("a good sample is refused: {why}");
            return Err(Broken { input: sample.clone(), number: tally.tried, what });
        }
    }
    for sample in corpus::kept(corpus) {
        judge(&sample, &decode, &mut tally)?;
        pool.push(sample);
    }
    let mut interesting: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    while tally.tried < inputs {
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
        tally.trace = corpus::hash(tally.trace, &input);
        tally.trace = corpus::hash(tally.trace, kind.as_bytes());
        if reasons.insert(kind.clone()) && pool.len() < POOL && input.len() <= POOLED_BYTES {
            pool.push(input.clone());
            interesting.insert(kind, input);
        }
    }
    tally.reasons = reasons.iter().filter(|kind| !kind.starts_with("accepted")).count();
    if std::env::var_os("FUZZ_KEEP").is_some() {
        corpus::keep_some(corpus, &format.samples, interesting.into_values());
    }
    Ok(tally)
}

/// Gives the input to the decoder, and holds it to the rules.
fn judge(input: &[u8], decode: &impl Fn(&[u8]) -> Read, tally: &mut Tally) -> Result<Read, Broken> {
    tally.tried += 1;
    let number = tally.tried;
    let broken = |what: String| Err(Broken { input: input.to_vec(), number, what });
    let caught = |bytes: &[u8]| catch_unwind(AssertUnwindSafe(|| decode(bytes)));
    let mut read = None;
    let started = Instant::now();
    let memory = allocation_counter::measure(|| read = Some(caught(input)));
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
        Read::Alike(again) if !caught(again).is_ok_and(|twice| twice == Read::Alike(again.clone())) => {
            return broken("accepted, but what is written for it is not read as itself".into());
        }
        Read::Same(_) | Read::Alike(_) => {}
    }
    tally.accepted += 1;
    Ok(read)
}

/// A reason without its numbers and quotations: which way of refusing it is.
fn plain(why: &str) -> String {
    let unquoted = why.split(['"', '`']).step_by(2).flat_map(str::chars);
    unquoted.filter(|c| !c.is_ascii_digit()).take(60).collect()
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
    number("FUZZ_SEED").unwrap_or_else(fresh)
}

/// A seed of this moment.
pub fn fresh() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::from(now.subsec_nanos()) << 20 ^ now.as_secs()
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

#[cfg(test)]
mod tests;
