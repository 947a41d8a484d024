//! Chance that can be had again: a generator whose seed is told.

use crate::measure::say;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

/// Set to repeat a run.
const SEED: &str = "KEYBEARER_TORTURE_SEED";

/// A generator of numbers (SplitMix64).
#[derive(Debug)]
pub(crate) struct Chance(u64);

impl Chance {
    /// One with the seed that is wished for, or else any; tells it.
    pub(crate) fn of(row: &str) -> Chance {
        let wished = std::env::var(SEED).ok().and_then(|seed| seed.parse().ok());
        let seed = wished.unwrap_or_else(|| RandomState::new().build_hasher().finish());
        say(row, SEED, seed);
        Chance(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below this one.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// Heads or tails.
    pub(crate) fn coin(&mut self) -> bool {
        self.below(2) == 0
    }

    /// A moment no later than this.
    pub(crate) fn moment(&mut self, latest: Duration) -> Duration {
        Duration::from_micros(self.below(u64::try_from(latest.as_micros()).unwrap_or(u64::MAX)))
    }
}
