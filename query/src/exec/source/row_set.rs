//! Which rows of a block are meant, one bit each.

use std::ops::Range;

/// A set of rows of a block of `len` rows. Bits past `len` are never set.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RowSet {
    words: Vec<u64>,
    len: usize,
}

impl RowSet {
    pub(crate) fn none(len: usize) -> RowSet {
        RowSet { words: vec![0; len.div_ceil(64)], len }
    }

    pub(crate) fn all(len: usize) -> RowSet {
        let mut set = RowSet { words: vec![u64::MAX; len.div_ceil(64)], len };
        set.trim();
        set
    }

    /// The rows that a closure names, asked in order.
    #[inline]
    pub(crate) fn from_fn(len: usize, mut has: impl FnMut(usize) -> bool) -> RowSet {
        let mut set = RowSet::none(len);
        for (index, word) in set.words.iter_mut().enumerate() {
            let first = index * 64;
            for bit in 0..64.min(len - first) {
                *word |= u64::from(has(first + bit)) << bit;
            }
        }
        set
    }

    /// The rows whose bit is set in the words.
    pub(crate) fn from_words(words: &[u64], len: usize) -> RowSet {
        let mut set = RowSet { words: words[..len.div_ceil(64)].to_vec(), len };
        set.trim();
        set
    }

    fn trim(&mut self) {
        let rest = self.len % 64;
        if let (true, Some(last)) = (rest > 0, self.words.last_mut()) {
            *last &= (1 << rest) - 1;
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    pub(crate) fn count(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    pub(crate) fn insert(&mut self, row: usize) {
        debug_assert!(row < self.len);
        self.words[row / 64] |= 1 << (row % 64);
    }

    pub(crate) fn contains(&self, row: usize) -> bool {
        self.words[row / 64] >> (row % 64) & 1 != 0
    }

    /// Keeps only rows of the range.
    pub(crate) fn restrict(&mut self, range: Range<usize>) {
        if range.start > 0 || range.end < self.len {
            let within = RowSet::from_fn(self.len, |row| range.contains(&row));
            self.intersect(&within);
        }
    }

    pub(crate) fn intersect(&mut self, other: &RowSet) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word &= other);
    }

    pub(crate) fn unite(&mut self, other: &RowSet) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word |= other);
    }

    pub(crate) fn invert(&mut self) {
        self.words.iter_mut().for_each(|word| *word = !*word);
        self.trim();
    }

    /// Appends the rows, ascending.
    pub(crate) fn list(&self, rows: &mut Vec<u32>) {
        rows.reserve(self.count());
        for (index, word) in self.words.iter().enumerate() {
            let mut rest = *word;
            while rest != 0 {
                rows.push((index * 64) as u32 + rest.trailing_zeros());
                rest &= rest - 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_behave_like_sets_at_every_length() {
        for len in [0, 1, 63, 64, 65, 130, 4096] {
            let thirds = RowSet::from_fn(len, |row| row % 3 == 0);
            let list = |set: &RowSet| {
                let mut rows = Vec::new();
                set.list(&mut rows);
                rows
            };
            let expected: Vec<u32> = (0..len as u32).filter(|row| row % 3 == 0).collect();
            assert_eq!(list(&thirds), expected);
            assert_eq!(thirds.count(), expected.len());
            let mut others = thirds.clone();
            others.invert();
            assert_eq!(others.count() + thirds.count(), len);
            let mut both = others.clone();
            both.intersect(&thirds);
            assert!(both.is_empty());
            others.unite(&thirds);
            assert_eq!(others, RowSet::all(len));
            let mut some = RowSet::all(len);
            some.restrict(len / 3..len / 2);
            assert_eq!(list(&some), ((len / 3) as u32..(len / 2) as u32).collect::<Vec<_>>());
        }
    }
}
