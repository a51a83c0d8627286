//! The file under redb: its pages, each with a checksum that is verified whenever the page is read.
//!
//! redb verifies checksums only when it repairs, and parses pages as they come otherwise. One flipped bit
//! can make it panic, and panic again while it cleans up, which ends the process: of the engine that
//! records, that is. With this layer a damaged page is an IO error before redb sees a byte of it.
//!
//! ```text
//! page   0         1             2        3 .. 1026     1027     1028 .. 2051
//!        ┌─────────┬─────────────┬────────┬─────────────┬────────┬─────────────┐
//!        │ head    │ redb page 0 │ sums   │ redb pages  │ sums   │ redb pages  │ ...
//!        └─────────┴─────────────┴────────┴─────────────┴────────┴─────────────┘
//! head          "BLOTCATL", version u32, CRC32 of these 12 bytes as u32
//! redb page 0   the first 508 bytes of redb's page 0, their CRC32 as u32
//! sums          CRC32 of each of the 1024 pages that follow, as u32; 0 for one never written
//! ```
//!
//! Pages have 4096 bytes, integers are little-endian. A checksum that comes out as 0 is stored as 1.
//!
//! Why this survives crashes: redb overwrites no page that a durable commit uses, except its page 0, of
//! which it uses 320 bytes. That page and its checksum are one write of one sector. The checksums of other
//! pages are written before the sync that makes the pages durable, and redb refers to them only after
//! it. A sector of checksums that is torn or lost holds the old or the new value of each; for pages in
//! use the two are equal.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use redb::StorageBackend;

use super::store::catalog_error;
use crate::error::{Error, Result};
use crate::vfs::VfsFile;

/// Newest format this build reads and writes.
pub const CATALOG_VERSION: u32 = 1;

const MAGIC: &[u8; 8] = b"BLOTCATL";
const HEAD_BYTES: usize = 16;
const PAGE_BYTES: usize = 4096;
const SECTOR_BYTES: usize = 512;
/// What of redb's page 0 is kept; redb uses 320 bytes.
const FIRST_PAGE_BYTES: usize = SECTOR_BYTES - 4;
const SUMS_PER_PAGE: usize = PAGE_BYTES / 4;
const SUMS_PER_SECTOR: usize = SECTOR_BYTES / 4;

/// redb's storage: a file of checked pages. Its locking is not used: the database's LOCK file excludes
/// other writers, and readers never open the catalog.
#[derive(Debug)]
pub(super) struct CheckedPages {
    file: Arc<dyn VfsFile>,
    sums: RwLock<Sums>,
}

/// Checksums of redb's pages after the first, and what of them is not written yet.
#[derive(Debug)]
struct Sums {
    /// redb's view of its page 0.
    first: [u8; FIRST_PAGE_BYTES],
    /// Length as redb sees it, in pages.
    pages: usize,
    sums: Vec<u32>,
    /// Numbers of sectors of sums that differ from the file.
    dirty: BTreeSet<usize>,
}

impl CheckedPages {
    /// Begins a new catalog in an empty file.
    pub(super) fn create(path: &Path, file: Arc<dyn VfsFile>) -> Result<CheckedPages> {
        let mut head = MAGIC.to_vec();
        head.extend_from_slice(&CATALOG_VERSION.to_le_bytes());
        head.extend_from_slice(&crc32fast::hash(&head).to_le_bytes());
        head.resize(PAGE_BYTES, 0);
        file.write_all_at(&head, 0).map_err(|e| Error::io("write", path, e))?;
        let sums = Sums { first: [0; FIRST_PAGE_BYTES], pages: 0, sums: Vec::new(), dirty: BTreeSet::new() };
        Ok(CheckedPages { file, sums: RwLock::new(sums) })
    }

    /// Opens a catalog: verifies its head and its first page, and loads the checksums.
    pub(super) fn open(path: &Path, file: Arc<dyn VfsFile>) -> Result<CheckedPages> {
        let len = file.len().map_err(|e| Error::io("read", path, e))?;
        // redb would initialize an empty file, and a lost catalog would become an empty database.
        if len < 2 * PAGE_BYTES as u64 || !len.is_multiple_of(PAGE_BYTES as u64) {
            return Err(catalog_error(path, format!("it has {len} bytes, which is no length of a catalog")));
        }
        check_head(path, &*file)?;
        let pages = redb_pages(usize::try_from(len / PAGE_BYTES as u64).unwrap_or(usize::MAX));
        let mut sector = [0; SECTOR_BYTES];
        file.read_exact_at(&mut sector, PAGE_BYTES as u64).map_err(|e| Error::io("read", path, e))?;
        let (first, stored) = sector.split_at(FIRST_PAGE_BYTES);
        check(0, first, stored).map_err(|e| catalog_error(path, e.to_string()))?;
        let mut sums = Vec::with_capacity(pages - 1);
        while sums.len() < pages - 1 {
            let mut page = [0; PAGE_BYTES];
            let offset = sum_page(sums.len() / SUMS_PER_PAGE) * PAGE_BYTES as u64;
            file.read_exact_at(&mut page, offset).map_err(|e| Error::io("read", path, e))?;
            let missing = (pages - 1 - sums.len()).min(SUMS_PER_PAGE);
            sums.extend(page.as_chunks::<4>().0[..missing].iter().map(|sum| u32::from_le_bytes(*sum)));
        }
        let mut kept = [0; FIRST_PAGE_BYTES];
        kept.copy_from_slice(first);
        let sums = Sums { first: kept, pages, sums, dirty: BTreeSet::new() };
        Ok(CheckedPages { file, sums: RwLock::new(sums) })
    }

    /// Bytes of pages that were ever written; the rest of the file are holes.
    pub(super) fn written_bytes(&self) -> u64 {
        let sums = self.sums.read().unwrap_or_else(PoisonError::into_inner);
        let written = sums.sums.iter().filter(|sum| **sum != 0).count() as u64 + 1;
        written * PAGE_BYTES as u64
    }

    fn read_page(&self, sums: &Sums, page: usize, out: &mut [u8; PAGE_BYTES]) -> io::Result<()> {
        if page == 0 {
            out.fill(0);
            out[..FIRST_PAGE_BYTES].copy_from_slice(&sums.first);
            return Ok(());
        }
        self.file.read_exact_at(out, data_page(page) * PAGE_BYTES as u64)?;
        match sums.sums[page - 1] {
            0 if out.iter().all(|byte| *byte == 0) => Ok(()),
            sum => check(page, out, &sum.to_le_bytes()),
        }
    }

    fn write_first(&self, sums: &mut Sums, offset: usize, data: &[u8]) -> io::Result<()> {
        assert!(offset + data.len() <= FIRST_PAGE_BYTES, "redb uses 320 bytes of its first page");
        sums.first[offset..offset + data.len()].copy_from_slice(data);
        let mut sector = sums.first.to_vec();
        sector.extend_from_slice(&checksum(&sums.first).to_le_bytes());
        self.file.write_all_at(&sector, PAGE_BYTES as u64)
    }

    fn write_sums(&self, sums: &mut Sums) -> io::Result<()> {
        while let Some(sector) = sums.dirty.first().copied() {
            let first = sector * SUMS_PER_SECTOR;
            let mut bytes = [0; SECTOR_BYTES];
            for (slot, sum) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(sums.sums.iter().skip(first)) {
                *slot = sum.to_le_bytes();
            }
            let within = (first % SUMS_PER_PAGE * 4) as u64;
            self.file.write_all_at(&bytes, sum_page(first / SUMS_PER_PAGE) * PAGE_BYTES as u64 + within)?;
            sums.dirty.remove(&sector);
        }
        Ok(())
    }
}

impl StorageBackend for CheckedPages {
    fn len(&self) -> io::Result<u64> {
        Ok((self.sums.read().unwrap_or_else(PoisonError::into_inner).pages * PAGE_BYTES) as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let sums = self.sums.read().unwrap_or_else(PoisonError::into_inner);
        let mut at = usize::try_from(offset).map_err(|_| io::ErrorKind::UnexpectedEof)?;
        let within = at.checked_add(out.len()).is_some_and(|end| end <= sums.pages * PAGE_BYTES);
        if !within {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut rest = out;
        while !rest.is_empty() {
            let (page, skip) = (at / PAGE_BYTES, at % PAGE_BYTES);
            let (part, tail) = rest.split_at_mut(rest.len().min(PAGE_BYTES - skip));
            match <&mut [u8; PAGE_BYTES]>::try_from(&mut *part) {
                Ok(whole) => self.read_page(&sums, page, whole)?,
                Err(_) => {
                    let mut whole = [0; PAGE_BYTES];
                    self.read_page(&sums, page, &mut whole)?;
                    part.copy_from_slice(&whole[skip..skip + part.len()]);
                }
            }
            at += part.len();
            rest = tail;
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let pages = usize::try_from(len / PAGE_BYTES as u64).map_err(|_| io::ErrorKind::FileTooLarge)?;
        assert!(len.is_multiple_of(PAGE_BYTES as u64) && pages > 0, "redb resizes by whole pages");
        let mut sums = self.sums.write().unwrap_or_else(PoisonError::into_inner);
        self.file.set_len(file_pages(pages) * PAGE_BYTES as u64)?;
        // Pages cut off have no checksum should the file grow again.
        let cut = (pages - 1).min(sums.sums.len())..sums.sums.len();
        let kept_sectors = (pages - 1).div_ceil(SUMS_PER_PAGE) * (SUMS_PER_PAGE / SUMS_PER_SECTOR);
        let touched = cut.start / SUMS_PER_SECTOR..cut.end.div_ceil(SUMS_PER_SECTOR);
        sums.dirty.extend(touched);
        sums.dirty.retain(|sector| *sector < kept_sectors);
        sums.sums.resize(pages - 1, 0);
        sums.pages = pages;
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut sums = self.sums.write().unwrap_or_else(PoisonError::into_inner);
        self.write_sums(&mut sums)?;
        self.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut sums = self.sums.write().unwrap_or_else(PoisonError::into_inner);
        let start = usize::try_from(offset).map_err(|_| io::ErrorKind::FileTooLarge)?;
        if start < PAGE_BYTES {
            return self.write_first(&mut sums, start, data);
        }
        let first = start / PAGE_BYTES;
        let (whole, rest) = data.as_chunks::<PAGE_BYTES>();
        assert!(start.is_multiple_of(PAGE_BYTES) && rest.is_empty(), "redb writes whole pages");
        assert!(first + whole.len() <= sums.pages, "redb writes within its file");
        let mut index = 0;
        while index < whole.len() {
            // As many pages as lie together in the file are one write.
            let page = first + index;
            let together = (SUMS_PER_PAGE - (page - 1) % SUMS_PER_PAGE).min(whole.len() - index);
            let run = &whole[index..index + together];
            self.file.write_all_at(run.as_flattened(), data_page(page) * PAGE_BYTES as u64)?;
            for (number, bytes) in (page..).zip(run) {
                sums.sums[number - 1] = checksum(bytes);
                sums.dirty.insert((number - 1) / SUMS_PER_SECTOR);
            }
            index += together;
        }
        Ok(())
    }
}

/// Page of the file that holds checksums of a group.
fn sum_page(group: usize) -> u64 {
    2 + (group * (SUMS_PER_PAGE + 1)) as u64
}

/// Page of the file that holds a page of redb's, not its first.
fn data_page(page: usize) -> u64 {
    let index = page - 1;
    sum_page(index / SUMS_PER_PAGE) + 1 + (index % SUMS_PER_PAGE) as u64
}

/// Length of the file for so many pages of redb's.
fn file_pages(pages: usize) -> u64 {
    (2 + (pages - 1) + (pages - 1).div_ceil(SUMS_PER_PAGE)) as u64
}

/// How many pages of redb's a file of so many pages holds, two at least.
fn redb_pages(file_pages: usize) -> usize {
    let (groups, rest) = ((file_pages - 2) / (SUMS_PER_PAGE + 1), (file_pages - 2) % (SUMS_PER_PAGE + 1));
    1 + groups * SUMS_PER_PAGE + rest.saturating_sub(1)
}

fn checksum(bytes: &[u8]) -> u32 {
    crc32fast::hash(bytes).max(1)
}

fn check(page: usize, bytes: &[u8], stored: &[u8]) -> io::Result<()> {
    let found = checksum(bytes).to_le_bytes();
    if found == stored {
        return Ok(());
    }
    let reason = format!("page {page} is damaged: expected checksum {stored:02x?}, found {found:02x?}");
    Err(io::Error::new(io::ErrorKind::InvalidData, reason))
}

fn check_head(path: &Path, file: &dyn VfsFile) -> Result<()> {
    let mut head = [0; HEAD_BYTES];
    file.read_exact_at(&mut head, 0).map_err(|e| Error::io("read", path, e))?;
    let word = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    if !head.starts_with(MAGIC) || word(12) != crc32fast::hash(&head[..12]) {
        let found = head.escape_ascii();
        return Err(catalog_error(path, format!("it does not begin as a catalog does, but with '{found}'")));
    }
    if word(8) != CATALOG_VERSION {
        return Err(Error::NewerVersion {
            path: path.to_path_buf(),
            kind: "catalog",
            found: word(8),
            supported: CATALOG_VERSION,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vfs::OpenMode;
    use crate::vfs::sim::{Prng, SimHost};

    #[test]
    fn lengths_map_both_ways() {
        for pages in (1..5000).chain([1 << 20]) {
            let file = file_pages(pages);
            assert_eq!(redb_pages(file as usize), pages);
            assert!(pages == 1 || data_page(pages - 1) == file - 1);
        }
    }

    #[test]
    fn it_reads_back_like_a_plain_file_also_across_groups_and_reopening() {
        let host = SimHost::new(1).boot();
        let path = Path::new("/c");
        let file = host.files.open(path, OpenMode::CreateNew).unwrap();
        let mut random = Prng::new(1);
        let mut pages = CheckedPages::create(path, file.clone()).unwrap();
        let mut model = vec![0_u8; 1500 * PAGE_BYTES];
        pages.set_len(model.len() as u64).unwrap();
        pages.write(0, &[7; 320]).unwrap();
        model[..320].fill(7);
        for round in 0..300_u64 {
            let count = 1 << random.below(6);
            let first = 1 + random.below((model.len() / PAGE_BYTES - count - 1) as u64) as usize;
            let data = vec![random.next_u64() as u8; count * PAGE_BYTES];
            pages.write((first * PAGE_BYTES) as u64, &data).unwrap();
            model[first * PAGE_BYTES..][..data.len()].copy_from_slice(&data);
            if round % 50 == 20 {
                let len = (900 + random.below(1200) as usize) * PAGE_BYTES;
                pages.set_len(len as u64).unwrap();
                model.resize(len, 0);
            }
            if round % 50 == 10 {
                pages.sync_data().unwrap();
                pages = CheckedPages::open(path, file.clone()).unwrap();
            }
            let from = random.below(model.len() as u64 - 10_000) as usize;
            let mut out = vec![0; 10_000];
            pages.read(from as u64, &mut out).unwrap();
            assert_eq!(out, model[from..from + 10_000]);
        }
        assert_eq!(pages.len().unwrap(), model.len() as u64);
        assert!(pages.read(model.len() as u64 - 1, &mut [0; 2]).is_err());
    }
}
