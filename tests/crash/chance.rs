//! Chance that can be replayed: one seed for a whole run, and from it one for each disk.

use crate::splitmix::Random;

/// The seed of the run, `SEED=`.
pub(crate) fn seed() -> u64 {
    std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(5)
}

/// A sequence of numbers that look random.
#[derive(Clone, Debug)]
pub(crate) struct Chance(Random);

impl Chance {
    /// The sequence of the seed, for one thing among others.
    pub(crate) fn of(parts: &[u64]) -> Self {
        Self(parts.iter().fold(Random::new(seed()), |mut random, part| Random::new(random.next() ^ part)))
    }

    /// A number from 0 to `end`, exclusive.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0.below(end.max(1))
    }

    /// True in so many of a hundred cases.
    pub(crate) fn percent(&mut self, chance: u64) -> bool {
        self.0.next() % 100 < chance
    }

    /// Bytes of no meaning.
    pub(crate) fn garbage(&mut self, into: &mut [u8]) {
        for bytes in into.chunks_mut(8) {
            bytes.copy_from_slice(&self.0.next().to_le_bytes()[..bytes.len()]);
        }
    }
}
