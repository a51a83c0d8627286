//! The content of one simulated file: what is in the cache, what is on the platter, and the writes in
//! between. A write costs its own bytes, never the file's.

use std::collections::BTreeMap;

use super::clock::{Prng, mix};

pub(super) const SECTOR_BYTES: usize = 512;
pub(super) const PAGE_BYTES: usize = 4096;

/// Content of a file.
#[derive(Clone, Debug, Default)]
pub(super) struct FileState {
    /// What readers see.
    cache: Vec<u8>,
    /// What survives a power failure for certain.
    durable: Vec<u8>,
    /// Pages that differ, or may differ, between the two, by page number.
    pending: BTreeMap<usize, PendingPage>,
    /// Lengths since the last sync.
    lengths: Vec<usize>,
    /// Which pages take space on the disk.
    allocated: Vec<bool>,
}

/// Writes to one page since it was last durable.
#[derive(Clone, Debug, Default)]
struct PendingPage {
    /// Whether the next sync writes it. A failed sync leaves pages that are neither dirty nor durable.
    dirty: bool,
    writes: Vec<PageWrite>,
}

/// The part of a write that falls into one page.
#[derive(Clone, Debug)]
struct PageWrite {
    /// Number of the IO call, which decides its fate in all its pages alike.
    call: u64,
    start: usize,
    bytes: Box<[u8]>,
}

impl FileState {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.cache
    }

    /// Pages it takes on the disk.
    pub(super) fn allocated_pages(&self) -> u64 {
        self.allocated.iter().filter(|taken| **taken).count() as u64
    }

    /// How many of `len` bytes at `offset` can be written with `free` pages left.
    pub(super) fn fitting_bytes(&self, offset: usize, len: usize, free: u64) -> usize {
        let mut left = free;
        let mut at = offset;
        while at < offset + len {
            let page = at / PAGE_BYTES;
            if !self.allocated.get(page).copied().unwrap_or(false) {
                if left == 0 {
                    return at - offset;
                }
                left -= 1;
            }
            at = (page + 1) * PAGE_BYTES;
        }
        len
    }

    /// Writes into the cache. Returns how many pages it newly takes.
    pub(super) fn write(&mut self, call: u64, offset: usize, bytes: &[u8]) -> u64 {
        if bytes.is_empty() {
            return 0;
        }
        let end = offset + bytes.len();
        if end > self.cache.len() {
            resize(&mut self.cache, end);
            self.lengths.push(end);
        }
        self.cache[offset..end].copy_from_slice(bytes);
        let pages = self.allocated.len().max(end.div_ceil(PAGE_BYTES));
        self.allocated.resize(pages, false);
        let mut taken = 0;
        let mut at = offset;
        while at < end {
            let page = at / PAGE_BYTES;
            let stop = end.min((page + 1) * PAGE_BYTES);
            self.pend(page, call, at % PAGE_BYTES, bytes[at - offset..stop - offset].into());
            taken += u64::from(!std::mem::replace(&mut self.allocated[page], true));
            at = stop;
        }
        taken
    }

    /// Cuts or extends. Returns how many pages it frees.
    pub(super) fn set_len(&mut self, call: u64, len: usize) -> u64 {
        let old = self.cache.len();
        if len == old {
            return 0;
        }
        resize(&mut self.cache, len);
        self.lengths.push(len);
        // What is cut off reads as zeros should the file grow again before the cut is durable.
        let mut at = len;
        while at < old {
            let page = at / PAGE_BYTES;
            let stop = old.min((page + 1) * PAGE_BYTES);
            self.pend(page, call, at % PAGE_BYTES, vec![0; stop - at].into());
            at = stop;
        }
        let kept = len.div_ceil(PAGE_BYTES).min(self.allocated.len());
        self.allocated.drain(kept..).filter(|taken| *taken).count() as u64
    }

    fn pend(&mut self, page: usize, call: u64, start: usize, bytes: Box<[u8]>) {
        let pending = self.pending.entry(page).or_default();
        pending.dirty = true;
        pending.writes.push(PageWrite { call, start, bytes });
    }

    /// Makes dirty pages and the length durable.
    pub(super) fn sync(&mut self) {
        let (cache, durable) = (&self.cache, &mut self.durable);
        resize(durable, cache.len());
        self.pending.retain(|page, pending| {
            let start = page * PAGE_BYTES;
            if start >= cache.len() {
                return false;
            }
            if pending.dirty {
                let end = cache.len().min(start + PAGE_BYTES);
                durable[start..end].copy_from_slice(&cache[start..end]);
            }
            !pending.dirty
        });
        self.lengths.clear();
    }

    /// A sync that failed: the pages are clean, and not durable.
    pub(super) fn fail_sync(&mut self) {
        for pending in self.pending.values_mut() {
            pending.dirty = false;
        }
    }

    /// Becomes what a power failure leaves.
    pub(super) fn power_failure(&mut self, random: &mut Prng) {
        let synced_len = self.durable.len();
        let len = match random.below(4) {
            0 => synced_len,
            1 => self.cache.len(),
            _ => {
                let pick = random.below(self.lengths.len() as u64 + 1) as usize;
                self.lengths.get(pick).copied().unwrap_or(synced_len)
            }
        };
        resize(&mut self.durable, len.max(synced_len));
        let fates = Fates::draw(random);
        for (page, pending) in std::mem::take(&mut self.pending) {
            for sector in 0..PAGE_BYTES / SECTOR_BYTES {
                let start = page * PAGE_BYTES + sector * SECTOR_BYTES;
                let end = self.durable.len().min(start + SECTOR_BYTES);
                if start >= end {
                    break;
                }
                let on_disk = &mut self.durable[start..end];
                let in_page = sector * SECTOR_BYTES..(sector + 1) * SECTOR_BYTES;
                let touched: Vec<&PageWrite> =
                    pending.writes.iter().filter(|write| write.overlaps(&in_page)).collect();
                let last_kept = touched.iter().rposition(|write| fates.keeps(write.call, start));
                match last_kept {
                    Some(last) => {
                        touched[..=last].iter().for_each(|write| write.apply(on_disk, in_page.start))
                    }
                    None if !touched.is_empty() && start >= synced_len && fates.garbage => {
                        on_disk.iter_mut().for_each(|byte| *byte = random.next_u64() as u8);
                    }
                    None => {}
                }
            }
        }
        resize(&mut self.durable, len);
        self.settle_as_durable();
    }

    /// Replaces the content everywhere.
    pub(super) fn replace(&mut self, bytes: &[u8]) {
        self.durable = bytes.to_vec();
        self.pending.clear();
        self.settle_as_durable();
    }

    fn settle_as_durable(&mut self) {
        self.cache.clone_from(&self.durable);
        self.lengths.clear();
        self.allocated = vec![true; self.cache.len().div_ceil(PAGE_BYTES)];
    }
}

/// Cuts or extends with zeros. Not [`Vec::resize`], which goes byte by byte in builds for tests, where
/// it was half of the time of a simulated crash.
fn resize(bytes: &mut Vec<u8>, len: usize) {
    if len <= bytes.len() {
        bytes.truncate(len);
    } else if bytes.is_empty() {
        *bytes = vec![0; len];
    } else {
        bytes.extend_from_slice(&vec![0; len - bytes.len()]);
    }
}

impl PageWrite {
    fn overlaps(&self, range: &std::ops::Range<usize>) -> bool {
        self.start < range.end && range.start < self.start + self.bytes.len()
    }

    /// Applies what falls into the sector that starts at `sector_start` of the page.
    fn apply(&self, sector: &mut [u8], sector_start: usize) {
        let from = self.start.max(sector_start);
        let to = (self.start + self.bytes.len()).min(sector_start + sector.len());
        if from < to {
            sector[from - sector_start..to - sector_start]
                .copy_from_slice(&self.bytes[from - self.start..to - self.start]);
        }
    }
}

/// Which writes one file keeps in one power failure.
struct Fates {
    salt: u64,
    /// Of 8 writes so many are kept whole; all and none are as likely as the numbers between.
    kept_of_8: u64,
    /// Of 8 others so many are torn.
    torn_of_8: u64,
    garbage: bool,
}

impl Fates {
    fn draw(random: &mut Prng) -> Fates {
        Fates {
            salt: random.next_u64(),
            kept_of_8: [0, 1, 4, 7, 8][random.below(5) as usize],
            torn_of_8: [0, 2, 8][random.below(3) as usize],
            garbage: random.one_in(3),
        }
    }

    fn keeps(&self, call: u64, sector_start: usize) -> bool {
        let fate = mix(self.salt ^ mix(call));
        if fate % 8 < self.kept_of_8 {
            return true;
        }
        let torn = (fate >> 8) % 8 < self.torn_of_8;
        torn && mix(fate ^ sector_start as u64) & 1 == 1
    }
}
