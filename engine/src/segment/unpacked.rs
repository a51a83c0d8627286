//! Pages that were unpacked for point reads, kept for the next ones: events that belong together share pages.
//!
//! There is one keep for the process, because a bound per segment would be none where thousands are open. A page
//! is known by its file's number, which no other file of the process ever has, and its place there.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use hashbrown::HashMap;

use super::wire::Malformed;

/// Numbers kept in all: 4 MiB, enough for the pages that an order's events are in.
const KEPT_NUMBERS_MAX: usize = 512 * 1024;

/// An open file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FileNumber(u64);

impl FileNumber {
    /// One that was never given before.
    pub(crate) fn next() -> FileNumber {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        FileNumber(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    #[inline]
    pub(crate) fn at(self, offset: u64) -> Origin {
        Origin { file: self.0, offset }
    }
}

/// Where a page is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Origin {
    file: u64,
    offset: u64,
}

impl Origin {
    /// Of pages that are not kept.
    pub(crate) const NOWHERE: Origin = Origin { file: 0, offset: 0 };

    /// So many bytes further on.
    #[inline]
    pub(crate) fn after(self, bytes: usize) -> Origin {
        Origin { file: self.file, offset: self.offset + bytes as u64 }
    }
}

#[derive(Default)]
struct Keep {
    pages: HashMap<Origin, Kept, foldhash::fast::RandomState>,
    numbers: usize,
    /// Counts uses, so that the page not used for longest is known.
    uses: u64,
}

struct Kept {
    numbers: Arc<[i64]>,
    last_use: u64,
}

static KEEP: LazyLock<Mutex<Keep>> = LazyLock::new(Mutex::default);

/// The numbers of a page, kept from before or unpacked now.
pub(crate) fn numbers(
    origin: Origin,
    count: usize,
    unpack: impl FnOnce(&mut [i64]) -> Result<(), Malformed>,
) -> Result<Arc<[i64]>, Malformed> {
    let is_kept = origin != Origin::NOWHERE;
    if is_kept && let Some(numbers) = KEEP.lock().unwrap_or_else(|held| held.into_inner()).find(origin, count)
    {
        return Ok(numbers);
    }
    let mut numbers = vec![0; count];
    unpack(&mut numbers)?;
    let numbers: Arc<[i64]> = numbers.into();
    if is_kept {
        KEEP.lock().unwrap_or_else(|held| held.into_inner()).put(origin, numbers.clone());
    }
    Ok(numbers)
}

impl Keep {
    fn find(&mut self, origin: Origin, count: usize) -> Option<Arc<[i64]>> {
        self.uses += 1;
        let kept = self.pages.get_mut(&origin)?;
        kept.last_use = self.uses;
        // A forged file may say two things of one place.
        (kept.numbers.len() == count).then(|| kept.numbers.clone())
    }

    fn put(&mut self, origin: Origin, numbers: Arc<[i64]>) {
        self.uses += 1;
        self.numbers += numbers.len();
        if let Some(other) = self.pages.insert(origin, Kept { numbers, last_use: self.uses }) {
            self.numbers -= other.numbers.len();
        }
        while self.numbers > KEPT_NUMBERS_MAX {
            // Pages are a hundred or two, so that looking at all of them is cheaper than keeping them in order.
            let oldest = self.pages.iter().min_by_key(|(_, kept)| kept.last_use).map(|(origin, _)| *origin);
            let Some(removed) = oldest.and_then(|oldest| self.pages.remove(&oldest)) else { break };
            self.numbers -= removed.numbers.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keep_is_bounded_and_gives_up_what_was_not_used_for_longest() {
        let mut keep = Keep::default();
        let file = FileNumber::next();
        let page = |number: i64| -> Arc<[i64]> { vec![number; KEPT_NUMBERS_MAX / 4].into() };
        for number in 0..4 {
            keep.put(file.at(number as u64), page(number));
        }
        assert_eq!(keep.find(file.at(0), KEPT_NUMBERS_MAX / 4).unwrap()[0], 0);
        keep.put(file.at(4), page(4));
        assert!(keep.numbers <= KEPT_NUMBERS_MAX);
        assert!(keep.find(file.at(1), KEPT_NUMBERS_MAX / 4).is_none());
        for number in [0, 2, 3, 4] {
            assert_eq!(keep.find(file.at(number), KEPT_NUMBERS_MAX / 4).unwrap()[0], number as i64);
        }
        assert!(keep.find(file.at(2), 1).is_none());
        assert!(keep.find(FileNumber::next().at(2), KEPT_NUMBERS_MAX / 4).is_none());
    }
}
