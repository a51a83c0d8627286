//! The only source of chance: SplitMix64, so that a seed means the same on every machine and for good.

/// A seeded generator of pseudo-random numbers. Not for secrets.
#[derive(Clone, Debug)]
pub struct Prng {
    state: u64,
}

impl Prng {
    /// A generator whose numbers follow from `seed` alone.
    pub fn new(seed: u64) -> Prng {
        Prng { state: seed }
    }

    /// The next number, any of 2^64.
    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is not 0; even to one part in 2^64 / `bound`.
    #[inline]
    pub fn below(&mut self, bound: u64) -> u64 {
        assert!(bound > 0, "nothing is below 0");
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// A number from `low` to `high`, both included.
    #[inline]
    pub fn within(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low + 1) as u64) as i64
    }

    /// True that many times in a million.
    #[inline]
    pub fn chance(&mut self, per_million: u64) -> bool {
        self.below(1_000_000) < per_million
    }

    /// A number from 2^`low_bits` to below 2^`high_bits`, small ones as likely as large ones by size.
    #[inline]
    pub fn of_any_size(&mut self, low_bits: u32, high_bits: u32) -> i64 {
        let base = 1 << (u64::from(low_bits) + self.below(u64::from(high_bits - low_bits)));
        (base + self.below(base)) as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_pinned_and_stays_in_bounds() {
        let mut random = Prng::new(1_234_567);
        // The published test vector of SplitMix64.
        assert_eq!(random.next_u64(), 6_457_827_717_110_365_317);
        assert_eq!(random.next_u64(), 3_203_168_211_198_807_973);
        for _ in 0..10_000 {
            assert!(random.below(7) < 7);
            assert!((-3..=3).contains(&random.within(-3, 3)));
            assert!((1 << 4..1 << 9).contains(&random.of_any_size(4, 9)));
        }
        let hits = (0..100_000).filter(|_| random.chance(250_000)).count();
        assert!((24_000..26_000).contains(&hits), "{hits}");
    }
}
