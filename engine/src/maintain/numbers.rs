//! An exact set of 64-bit numbers that come nearly in order: seqs, and the counts of a recorder.
//!
//! Numbers are kept as bits in chunks of 4096. A full chunk is a mark without bits, and full chunks from 0 on are
//! one number. So a database without gaps costs the chunks that are being filled, and the worst case is one bit
//! per number.

use std::collections::BTreeMap;
use std::ops::Range;

const CHUNK: u64 = 4096;
const WORDS: usize = CHUNK as usize / 64;

/// See the module.
#[derive(Debug, Default)]
pub struct NumberSet {
    /// Everything in chunks below this one is in the set.
    full_below: u64,
    chunks: BTreeMap<u64, Chunk>,
    len: u64,
}

#[derive(Debug)]
enum Chunk {
    Full,
    Some { words: Box<[u64; WORDS]>, count: u32 },
}

impl NumberSet {
    /// Adds a number; false if it is there already.
    pub fn insert(&mut self, number: u64) -> bool {
        let (at, bit) = (number / CHUNK, (number % CHUNK) as usize);
        if at < self.full_below {
            return false;
        }
        let chunk =
            self.chunks.entry(at).or_insert_with(|| Chunk::Some { words: Box::new([0; WORDS]), count: 0 });
        let Chunk::Some { words, count } = chunk else { return false };
        let (word, mask) = (&mut words[bit / 64], 1 << (bit % 64));
        if *word & mask != 0 {
            return false;
        }
        *word |= mask;
        *count += 1;
        self.len += 1;
        if u64::from(*count) == CHUNK {
            *chunk = Chunk::Full;
            while let Some(Chunk::Full) = self.chunks.get(&self.full_below) {
                self.chunks.remove(&self.full_below);
                self.full_below += 1;
            }
        }
        true
    }

    /// Whether a number is in it.
    pub(super) fn contains(&self, number: u64) -> bool {
        let (at, bit) = (number / CHUNK, (number % CHUNK) as usize);
        at < self.full_below
            || match self.chunks.get(&at) {
                None => false,
                Some(Chunk::Full) => true,
                Some(Chunk::Some { words, .. }) => words[bit / 64] >> (bit % 64) & 1 != 0,
            }
    }

    /// How many numbers it holds.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// The number after the greatest; 0 if there is none.
    pub fn end(&self) -> u64 {
        match self.chunks.last_key_value() {
            None => self.full_below * CHUNK,
            Some((at, Chunk::Full)) => (at + 1).saturating_mul(CHUNK),
            Some((at, Chunk::Some { words, .. })) => {
                let word = words.iter().rposition(|word| *word != 0).unwrap_or(0);
                at * CHUNK + word as u64 * 64 + 64 - u64::from(words[word].leading_zeros())
            }
        }
    }

    /// Bytes it takes, about.
    pub fn bytes(&self) -> usize {
        self.chunks.len() * (size_of::<(u64, Chunk)>() + CHUNK as usize / 8)
    }

    /// How many numbers it shares with another.
    pub(super) fn common(&self, other: &NumberSet) -> u64 {
        let end = self.end();
        let (mut next, mut common) = (0, 0);
        for gap in self.missing_below(end).into_iter().chain(std::iter::once(end..end)) {
            common += (next..gap.start).filter(|number| other.contains(*number)).count() as u64;
            next = gap.end;
        }
        common
    }

    /// Runs below `end` that are not in it, ascending.
    pub fn missing_below(&self, end: u64) -> Vec<Range<u64>> {
        let mut missing = Missing { runs: Vec::new(), next: self.full_below * CHUNK };
        for (at, chunk) in &self.chunks {
            let start = at * CHUNK;
            match chunk {
                Chunk::Full => missing.present(start..start.saturating_add(CHUNK), end),
                Chunk::Some { words, .. } => {
                    for (index, word) in words.iter().enumerate() {
                        let mut rest = *word;
                        while rest != 0 {
                            let first = rest.trailing_zeros();
                            let ones = (!(rest >> first)).trailing_zeros();
                            let from = start + index as u64 * 64 + u64::from(first);
                            missing.present(from..from + u64::from(ones), end);
                            rest &= u64::MAX.checked_shl(first + ones).unwrap_or(0);
                        }
                    }
                }
            }
        }
        missing.present(end..end, end);
        missing.runs
    }
}

struct Missing {
    runs: Vec<Range<u64>>,
    /// Everything before is accounted for.
    next: u64,
}

impl Missing {
    fn present(&mut self, run: Range<u64>, end: u64) {
        let start = run.start.min(end);
        if start > self.next {
            self.runs.push(self.next..start);
        }
        self.next = self.next.max(run.end);
    }
}

/// The same numbers in runs that ascend and do not touch.
pub(super) fn merged(mut runs: Vec<Range<u64>>) -> Vec<Range<u64>> {
    runs.retain(|run| run.start < run.end);
    runs.sort_unstable_by_key(|run| run.start);
    runs.dedup_by(|later, earlier| {
        let touch = later.start <= earlier.end;
        if touch {
            earlier.end = earlier.end.max(later.end);
        }
        touch
    });
    runs
}

/// What of the runs is in none of `covers`. Both ascend; covers may overlap.
pub(super) fn subtract(runs: &[Range<u64>], covers: &[Range<u64>]) -> Vec<Range<u64>> {
    let mut left = Vec::new();
    for run in runs {
        let mut start = run.start;
        for cover in covers.iter().filter(|cover| cover.end > run.start && cover.start < run.end) {
            if cover.start > start {
                left.push(start..cover.start);
            }
            start = start.max(cover.end);
        }
        if start < run.end {
            left.push(start..run.end);
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::vfs::sim::Prng;

    #[test]
    fn it_agrees_with_a_plain_set() {
        let mut random = Prng::new(3);
        for round in 0..40 {
            let (mut set, mut model) = (NumberSet::default(), BTreeSet::new());
            let span = [100, 5000, 20_000, 1 << 40][round % 4];
            let mut next = 0;
            for _ in 0..random.below(30_000) {
                let number = if random.below(8) == 0 { random.below(span) } else { next };
                next = number + 1;
                assert_eq!(set.insert(number), model.insert(number));
            }
            assert_eq!(set.len(), model.len() as u64);
            assert_eq!(set.common(&set), set.len());
            assert_eq!(set.common(&NumberSet::default()), 0);
            assert_eq!(set.end(), model.last().map_or(0, |last| last + 1));
            for end in [0, 1, 4096, set.end(), set.end() + 70] {
                let runs = set.missing_below(end);
                let count: u64 = runs.iter().map(|run| run.end - run.start).sum();
                assert_eq!(count, end - model.range(..end).count() as u64, "below {end}");
                for run in &runs {
                    assert!(run.start < run.end && model.range(run.clone()).next().is_none());
                    assert!(!set.contains(run.start) && (run.start == 0 || set.contains(run.start - 1)));
                }
            }
        }
    }

    #[test]
    fn covers_are_taken_out_of_runs() {
        assert_eq!(subtract(&[0..10, 20..30], &[2..4, 3..5, 9..22, 30..40]), [0..2, 5..9, 22..30]);
        assert_eq!(subtract(&[5..6, 7..9], &[]), [5..6, 7..9]);
        assert_eq!(subtract(&[5..6, 7..9], &[0..6, 7..100]), Vec::<Range<u64>>::new());
    }
}
