//! New inputs out of old ones.

use rand::Rng;
use rand::rngs::SmallRng;

/// No input grows beyond this.
const LENGTH_MAX: usize = 256 << 10;
/// Bytes that break comparisons.
const BYTES: [u8; 8] = [0, 1, 2, 0x7f, 0x80, 0xc0, 0xfe, 0xff];
/// Lengths that break sums.
const LENGTHS: [u64; 12] = [
    0,
    1,
    0x7f,
    0xff,
    0xffff,
    1 << 20,
    0x0100_0000,
    0x7fff_ffff,
    0xffff_ffff,
    1 << 40,
    i64::MAX as u64,
    u64::MAX,
];

/// Makes inputs.
#[derive(Clone, Copy, Debug)]
pub struct Mutator<'a> {
    /// What is mutated.
    pub pool: &'a [Vec<u8>],
    /// Bytes that mean something in this format.
    pub words: &'a [&'a [u8]],
}

impl Mutator<'_> {
    /// One of the pool with one to five changes, or a few bytes of chance.
    pub fn make(&self, rng: &mut SmallRng) -> Vec<u8> {
        let mut input = match self.pool.is_empty() || rng.random_ratio(1, 64) {
            true => (0..rng.random_range(0..64)).map(|_| rng.random()).collect(),
            false => self.some(rng).to_vec(),
        };
        for _ in 0..rng.random_range(1..=5) {
            self.change(&mut input, rng);
        }
        input.truncate(LENGTH_MAX);
        input
    }

    fn some(&self, rng: &mut SmallRng) -> &[u8] {
        &self.pool[rng.random_range(0..self.pool.len())]
    }

    fn change(&self, input: &mut Vec<u8>, rng: &mut SmallRng) {
        let (from, to) = stretch(input.len(), rng);
        let at = from.min(input.len().saturating_sub(1));
        match rng.random_range(0..11) {
            // A bit, a byte.
            0 | 1 if !input.is_empty() => input[at] ^= 1 << rng.random_range(0..8),
            2 if !input.is_empty() => {
                let byte = if rng.random() { BYTES[rng.random_range(0..BYTES.len())] } else { rng.random() };
                input[at] = byte;
            }
            // Cut short; something taken out.
            3 => input.truncate(to),
            4 => drop(input.drain(from..to)),
            // Something said twice, or very often.
            5 => {
                let part = input[from..to].to_vec();
                let most = if rng.random_ratio(1, 20) { 2_000 } else { 4 };
                let times = rng.random_range(1..=most).min(LENGTH_MAX / part.len().max(1));
                drop(input.splice(to..to, part.repeat(times)));
            }
            // A piece of another.
            6 if !self.pool.is_empty() => {
                let other = self.some(rng);
                let (first, last) = stretch(other.len(), rng);
                drop(input.splice(from..to, other[first..last].iter().copied()));
            }
            // A length.
            7 | 8 => {
                let length = match rng.random_range(0..3) {
                    0 => (input.len() as u64).wrapping_add(rng.random_range(0..5)).wrapping_sub(2),
                    _ => LENGTHS[rng.random_range(0..LENGTHS.len())],
                };
                let width = [1, 2, 4, 8][rng.random_range(0..4)].min(input.len() - from);
                input[from..from + width].copy_from_slice(&length.to_le_bytes()[..width]);
            }
            // A word.
            9 if !self.words.is_empty() => {
                let word = self.words[rng.random_range(0..self.words.len())];
                let end = if rng.random() { from } else { (from + word.len()).min(input.len()) };
                drop(input.splice(from..end, word.iter().copied()));
            }
            _ => {
                let bytes: Vec<u8> = (0..rng.random_range(1..9)).map(|_| rng.random()).collect();
                drop(input.splice(from..from, bytes));
            }
        }
    }
}

/// A part of so many bytes, short ones more often.
fn stretch(length: usize, rng: &mut SmallRng) -> (usize, usize) {
    let from = rng.random_range(0..=length);
    let most = if rng.random() { 16 } else { length };
    (from, rng.random_range(from..=(from + most).min(length)))
}
