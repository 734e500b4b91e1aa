//! Chance that is the same everywhere: the plan of a year follows from its seed alone, whatever library is current.

/// xoshiro256++, seeded by splitmix64.
#[derive(Clone, Debug)]
pub struct Rng {
    state: [u64; 4],
}

/// The next number of a splitmix64.
pub fn splitmix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

impl Rng {
    /// The chance of a seed, and of a purpose: one does not disturb another.
    pub fn new(seed: u64, purpose: u64) -> Rng {
        let mut state = seed ^ purpose.rotate_left(32);
        Rng { state: std::array::from_fn(|_| splitmix(&mut state)) }
    }

    /// Any number.
    pub fn any(&mut self) -> u64 {
        let [a, b, c, d] = self.state;
        let result = a.wrapping_add(d).rotate_left(23).wrapping_add(a);
        let (c, d) = (c ^ a, d ^ b);
        let (b_next, a_next) = (b ^ c, a ^ d);
        self.state = [a_next, b_next, c ^ (b << 17), d.rotate_left(45)];
        result
    }

    /// From 0 to below a number, which is not 0.
    pub fn below(&mut self, end: u64) -> u64 {
        // The high half of a product: even enough for a game.
        ((u128::from(self.any()) * u128::from(end)) >> 64) as u64
    }

    /// From one number to another, both possible.
    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most - least + 1)
    }

    /// True so often in a hundred.
    pub fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }

    /// One of these.
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }

    /// One of these, by weight.
    pub fn weighed<T: Copy>(&mut self, from: &[(T, u64)]) -> T {
        let mut point = self.below(from.iter().map(|(_, weight)| weight).sum());
        for (value, weight) in from {
            if point < *weight {
                return *value;
            }
            point -= weight;
        }
        from[0].0
    }

    /// How often something happens today that happens so often in a year.
    pub fn today(&mut self, in_a_year: u64) -> u64 {
        in_a_year / 365 + u64::from(self.below(365) < in_a_year % 365)
    }

    /// Bytes of any kind.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| (self.any() >> 56) as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_is_the_same_everywhere() {
        let mut rng = Rng::new(1, 2);
        let first: Vec<u64> = (0..3).map(|_| rng.any()).collect();
        let mut again = Rng::new(1, 2);
        assert_eq!(first, (0..3).map(|_| again.any()).collect::<Vec<_>>());
        assert_ne!(first, (0..3).map(|_| rng.any()).collect::<Vec<_>>());
        assert_ne!(first[0], Rng::new(1, 3).any());
    }

    #[test]
    fn numbers_stay_within_their_bounds_and_reach_them() {
        let mut rng = Rng::new(7, 0);
        let seen: std::collections::BTreeSet<u64> = (0..1_000).map(|_| rng.between(3, 6)).collect();
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [3, 4, 5, 6]);
        let often = (0..365).map(|_| rng.today(730)).sum::<u64>();
        assert_eq!(often, 730);
        let weighed = (0..1_000).filter(|_| rng.weighed(&[(true, 1), (false, 3)])).count();
        assert!((150..350).contains(&weighed), "{weighed}");
    }
}
