//! Files that can be opened for writing and are not written: changes stay in memory. With it the catalog, whose
//! store repairs itself when opened, can be looked at without touching it.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::vfs::{DirEntry, FileLock, Host, Mapping, OpenMode, Space, Vfs, VfsFile};

const PAGE_BYTES: usize = 4096;

/// The host, with files that are not written.
pub(super) fn overlaid(host: &Host) -> Host {
    Host { files: Arc::new(OverlayFiles(Arc::clone(&host.files))), ..host.clone() }
}

#[derive(Debug)]
struct OverlayFiles(Arc<dyn Vfs>);

fn refused<T>() -> io::Result<T> {
    Err(io::ErrorKind::ReadOnlyFilesystem.into())
}

impl Vfs for OverlayFiles {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn VfsFile>> {
        if mode == OpenMode::CreateNew {
            return refused();
        }
        let base = self.0.open(path, OpenMode::Read)?;
        let len = base.len()?;
        let state = State { len, base_len: len, pages: HashMap::new() };
        Ok(Arc::new(OverlayFile { base, state: Mutex::new(state) }))
    }

    fn read_dir(&self, dir: &Path) -> io::Result<Vec<DirEntry>> {
        self.0.read_dir(dir)
    }

    fn create_dir_all(&self, _: &Path) -> io::Result<()> {
        refused()
    }

    fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
        refused()
    }

    fn hard_link(&self, _: &Path, _: &Path) -> io::Result<()> {
        refused()
    }

    fn remove_file(&self, _: &Path) -> io::Result<()> {
        refused()
    }

    fn remove_dir(&self, _: &Path) -> io::Result<()> {
        refused()
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        refused()
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        self.0.exists(path)
    }

    fn file_identity(&self, path: &Path) -> io::Result<u64> {
        self.0.file_identity(path)
    }

    fn space(&self, path: &Path) -> io::Result<Space> {
        self.0.space(path)
    }

    fn try_lock(&self, _: &Path) -> io::Result<Option<Box<dyn FileLock>>> {
        refused()
    }
}

#[derive(Debug)]
struct OverlayFile {
    base: Arc<dyn VfsFile>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    len: u64,
    /// What of the base still shows: less than its length once the file was cut.
    base_len: u64,
    pages: HashMap<u64, Box<[u8; PAGE_BYTES]>>,
}

impl OverlayFile {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A page as it would be.
    fn page(&self, state: &State, page: u64) -> io::Result<Box<[u8; PAGE_BYTES]>> {
        if let Some(bytes) = state.pages.get(&page) {
            return Ok(bytes.clone());
        }
        let mut bytes = Box::new([0; PAGE_BYTES]);
        let start = page * PAGE_BYTES as u64;
        let shown = state.base_len.saturating_sub(start).min(PAGE_BYTES as u64) as usize;
        if shown > 0 {
            self.base.read_exact_at(&mut bytes[..shown], start)?;
        }
        Ok(bytes)
    }
}

/// Cuts a range of bytes at the borders of pages: page, offset in it, and length of each piece.
fn pieces(offset: u64, len: usize) -> impl Iterator<Item = (u64, usize, usize)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        (done < len).then(|| {
            let at = offset + done as u64;
            let within = (at % PAGE_BYTES as u64) as usize;
            let piece = (len - done).min(PAGE_BYTES - within);
            done += piece;
            (at / PAGE_BYTES as u64, within, piece)
        })
    })
}

impl VfsFile for OverlayFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.state().len)
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let state = self.state();
        if offset.checked_add(buffer.len() as u64).is_none_or(|end| end > state.len) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut rest = buffer;
        for (page, within, piece) in pieces(offset, rest.len()) {
            let (head, tail) = rest.split_at_mut(piece);
            head.copy_from_slice(&self.page(&state, page)?[within..within + piece]);
            rest = tail;
        }
        Ok(())
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut state = self.state();
        let mut rest = bytes;
        for (page, within, piece) in pieces(offset, bytes.len()) {
            let (head, tail) = rest.split_at(piece);
            let mut changed = self.page(&state, page)?;
            changed[within..within + piece].copy_from_slice(head);
            state.pages.insert(page, changed);
            rest = tail;
        }
        state.len = state.len.max(offset + bytes.len() as u64);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.state();
        if len < state.len {
            let (page, within) = (len / PAGE_BYTES as u64, (len % PAGE_BYTES as u64) as usize);
            if within > 0 {
                let mut last = self.page(&state, page)?;
                last[within..].fill(0);
                state.pages.insert(page, last);
            }
            state.pages.retain(|page, _| page * (PAGE_BYTES as u64) < len);
            state.base_len = state.base_len.min(len);
        }
        state.len = len;
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn map(&self, len: u64) -> io::Result<Mapping> {
        let mut bytes = vec![0; usize::try_from(len).map_err(|_| io::ErrorKind::OutOfMemory)?];
        self.read_exact_at(&mut bytes, 0)?;
        Ok(Mapping::new(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vfs::sim::{Prng, SimHost};

    #[test]
    fn it_behaves_like_a_file_and_leaves_the_file_alone() {
        let sim = SimHost::new(1);
        let (host, path) = (sim.boot(), Path::new("/f"));
        let mut model: Vec<u8> = (0..30_000).map(|byte| byte as u8).collect();
        let original = model.clone();
        host.files.open(path, OpenMode::CreateNew).unwrap().write_all_at(&original, 0).unwrap();
        let file = overlaid(&host).files.open(path, OpenMode::ReadWrite).unwrap();
        let mut random = Prng::new(2);
        for _ in 0..500 {
            let offset = random.below(model.len() as u64 + 100) as usize;
            match random.below(4) {
                0 => {
                    let len = random.below(40_000) as usize;
                    file.set_len(len as u64).unwrap();
                    model.resize(len, 0);
                }
                1 | 2 => {
                    let bytes = vec![random.next_u64() as u8; random.below(9000) as usize];
                    file.write_all_at(&bytes, offset as u64).unwrap();
                    if !bytes.is_empty() {
                        model.resize(model.len().max(offset + bytes.len()), 0);
                        model[offset..offset + bytes.len()].copy_from_slice(&bytes);
                    } else {
                        model.resize(model.len().max(offset), 0);
                    }
                }
                _ => assert!(file.read_exact_at(&mut [0; 2], model.len() as u64 - 1).is_err()),
            }
            assert_eq!(file.len().unwrap(), model.len() as u64);
            assert_eq!(*file.map(model.len() as u64).unwrap(), *model);
            if model.len() < 2 {
                file.set_len(2).unwrap();
                model.resize(2, 0);
            }
        }
        assert_eq!(sim.read_file(path).unwrap(), original);
    }
}
