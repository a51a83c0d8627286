//! Texts of one column, each kept once and numbered in order of first occurrence.

use hashbrown::HashTable;

use super::hash::stable_hash;

/// Gives each distinct text a code.
#[derive(Default)]
pub(crate) struct Interner {
    arena: Vec<u8>,
    ends: Vec<u32>,
    hashes: Vec<u64>,
    codes: HashTable<u32>,
    last: u32,
}

impl Interner {
    /// The code of a text, new or not.
    #[inline]
    pub(crate) fn intern(&mut self, text: &[u8]) -> u32 {
        // Consecutive events of a column repeat the value more often than not.
        if !self.ends.is_empty() && same(self.get(self.last), text) {
            return self.last;
        }
        self.last = self.find_or_add(text);
        self.last
    }

    fn find_or_add(&mut self, text: &[u8]) -> u32 {
        let hash = stable_hash(text);
        // The table compares seven bits of the hash; comparing all of it first would only add a cache miss.
        let (arena, ends) = (&self.arena, &self.ends);
        let known = self.codes.find(hash, |code| same(slice(arena, ends, *code), text));
        if let Some(code) = known {
            return *code;
        }
        let code = self.ends.len() as u32;
        self.arena.extend_from_slice(text);
        self.ends.push(self.arena.len() as u32);
        self.hashes.push(hash);
        let hashes = &self.hashes;
        self.codes.insert_unique(hash, code, |code| hashes[*code as usize]);
        code
    }

    /// The text of a code.
    #[inline]
    pub(crate) fn get(&self, code: u32) -> &[u8] {
        slice(&self.arena, &self.ends, code)
    }

    /// The stable hash of a code's text.
    #[inline]
    pub(crate) fn hash(&self, code: u32) -> u64 {
        self.hashes[code as usize]
    }

    /// Distinct texts.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Bytes of the distinct texts.
    pub(crate) fn text_bytes(&self) -> usize {
        self.arena.len()
    }

    /// Bytes of memory held.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.arena.capacity()
            + self.ends.capacity() * 4
            + self.hashes.capacity() * 8
            + self.codes.capacity() * 5
    }
}

/// Whether two texts are equal, by overlapping words: most are shorter than a call would take.
#[inline(always)]
fn same(a: &[u8], b: &[u8]) -> bool {
    let length = a.len();
    if length != b.len() {
        return false;
    }
    if length < 8 {
        return a == b;
    }
    let word =
        |bytes: &[u8], at: usize| bytes[at..].first_chunk::<8>().map(|eight| u64::from_le_bytes(*eight));
    let mut at = 0;
    while at + 8 < length {
        if word(a, at) != word(b, at) {
            return false;
        }
        at += 8;
    }
    word(a, length - 8) == word(b, length - 8)
}

#[inline(always)]
fn slice<'a>(arena: &'a [u8], ends: &[u32], code: u32) -> &'a [u8] {
    let code = code as usize;
    let start = if code == 0 { 0 } else { ends[code - 1] as usize };
    &arena[start..ends[code] as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_has_one_code() {
        let mut interner = Interner::default();
        let texts: Vec<String> = (0..3000).map(|i| "x".repeat(i % 70) + &(i % 700).to_string()).collect();
        let codes: Vec<u32> = texts.iter().map(|text| interner.intern(text.as_bytes())).collect();
        for (text, code) in texts.iter().zip(&codes) {
            assert_eq!(interner.get(*code), text.as_bytes());
            assert_eq!(interner.hash(*code), stable_hash(text.as_bytes()));
            assert_eq!(interner.intern(text.as_bytes()), *code);
        }
        assert_eq!(interner.len(), codes.iter().max().map_or(0, |code| *code as usize + 1));
    }
}
