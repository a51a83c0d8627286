//! The real disk, through `std::fs`.
//!
//! Invariants:
//! - Every file is created 0600 and every directory 0700: a trading log is nobody else's business.
//! - Positions are explicit (`pread`, `pwrite`), so threads share a file without a lock.
//! - `sync_data` is `fdatasync` (`F_FULLFSYNC` on macOS), which makes the length durable too.
//! - The exclusive lock is `flock`, which the system releases when the process dies, however it dies.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::{Arc, Mutex};

use super::{DirEntry, FileLock, Mapping, OpenMode, Space, Vfs, VfsFile};

const FILE_MODE: u32 = 0o600;
const DIRECTORY_MODE: u32 = 0o700;
/// Least address space given to the mapping of a file that grows: what a WAL file needs by default.
const MAP_AHEAD_BYTES_MIN: usize = 64 * 1024 * 1024;

/// Files of the operating system.
#[derive(Debug, Default, Clone, Copy)]
pub struct OsFiles;

impl Vfs for OsFiles {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn VfsFile>> {
        let mut options = OpenOptions::new();
        options.read(true);
        match mode {
            OpenMode::Read => {}
            OpenMode::ReadWrite => {
                options.write(true);
            }
            OpenMode::CreateNew => {
                options.write(true).create_new(true).mode(FILE_MODE);
            }
        }
        let file = options.open(path)?;
        // Opening a directory for reading works on Unix and fails only later, with a worse message.
        if mode == OpenMode::Read && file.metadata()?.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        Ok(Arc::new(OsFile { file, growing: Mutex::default() }))
    }

    fn read_dir(&self, dir: &Path) -> io::Result<Vec<DirEntry>> {
        let mut entries = Vec::new();
        for entry in std::fs::read_dir(dir)? {
            let entry = entry?;
            // Names we generate are ASCII; any other is shown as well as it can be and matches nothing.
            let name = entry.file_name().to_string_lossy().into_owned();
            entries.push(DirEntry { name, is_dir: entry.file_type()?.is_dir() });
        }
        entries.sort();
        Ok(entries)
    }

    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(DIRECTORY_MODE).create(dir)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::hard_link(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_dir(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        path.try_exists()
    }

    fn file_identity(&self, path: &Path) -> io::Result<u64> {
        let metadata = std::fs::metadata(path)?;
        // The device is mixed in so that equal inode numbers of two volumes differ; the constant is
        // 2^64 divided by the golden ratio, which spreads small device numbers over all bits.
        Ok(metadata.ino() ^ metadata.dev().wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    fn space(&self, path: &Path) -> io::Result<Space> {
        let found = rustix::fs::statvfs(path)?;
        Ok(Space {
            total_bytes: found.f_blocks.saturating_mul(found.f_frsize),
            available_bytes: found.f_bavail.saturating_mul(found.f_frsize),
        })
    }

    fn try_lock(&self, path: &Path) -> io::Result<Option<Box<dyn FileLock>>> {
        // Reading is enough to lock, and all that a reader of read-only media can do.
        let file = OpenOptions::new().read(true).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Box::new(OsLock(file)))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

#[derive(Debug)]
struct OsFile {
    file: File,
    /// Mapped beyond the end, for a file that grows: mapped anew each time, every page would be faulted in again.
    growing: Mutex<Growing>,
}

#[derive(Debug, Default)]
enum Growing {
    /// Not mapped yet; most files are mapped once, whole.
    #[default]
    Never,
    /// Once, exactly.
    Once,
    /// Again: the file grows.
    Ahead(Arc<memmap2::MmapRaw>),
}

/// The first bytes of a mapping that may go on beyond them.
struct MappedPrefix {
    map: Arc<memmap2::MmapRaw>,
    len: usize,
}

impl AsRef<[u8]> for MappedPrefix {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: the mapping lives as long as `self` and is at least `len` long; the file was that long when this
        // was made, and never changes nor shrinks below it (contract of `VfsFile::map`).
        unsafe { std::slice::from_raw_parts(self.map.as_ptr(), self.len) }
    }
}

impl VfsFile for OsFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset)
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.file.write_all_at(bytes, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn map(&self, len: u64) -> io::Result<Mapping> {
        if len == 0 {
            return Ok(Mapping::new([]));
        }
        // Touching a mapped page past the end of the file would kill the process.
        if self.len()? < len {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let len = usize::try_from(len).map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
        let mut growing = self.growing.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        match &*growing {
            Growing::Ahead(map) if map.len() >= len => {
                Ok(Mapping::new(MappedPrefix { map: Arc::clone(map), len }))
            }
            Growing::Never => {
                *growing = Growing::Once;
                // SAFETY: the caller promises (trait contract) that the file never changes nor shrinks below
                // `len`: our files are 0600, written once or append-only, and replaced by renaming.
                let map = unsafe { memmap2::MmapOptions::new().len(len).map(&self.file)? };
                Ok(Mapping::new(map))
            }
            Growing::Once | Growing::Ahead(_) => {
                // Pages beyond the end cost address space only, and nothing gives them out.
                let ahead = len.next_power_of_two().max(MAP_AHEAD_BYTES_MIN);
                let map = Arc::new(memmap2::MmapOptions::new().len(ahead).map_raw_read_only(&self.file)?);
                *growing = Growing::Ahead(Arc::clone(&map));
                Ok(Mapping::new(MappedPrefix { map, len }))
            }
        }
    }
}

/// The lock goes with the open file.
#[derive(Debug)]
struct OsLock(#[expect(dead_code, reason = "held for its drop")] File);

impl FileLock for OsLock {}

/// Lets every other thread go first on a busy machine. Where the system has no such thing for a single thread, nothing
/// is changed.
pub fn yield_to_recording() {
    #[cfg(target_os = "linux")]
    {
        // On Linux a thread has a niceness of its own; lowering it needs no privilege. It only saves time elsewhere,
        // so nothing depends on its success.
        const NICENESS_MAX: i32 = 19;
        rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICENESS_MAX)
            .unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_directories_are_private_and_do_what_the_trait_says() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("a/b");
        OsFiles.create_dir_all(&dir).unwrap();
        assert_eq!(std::fs::metadata(&dir).unwrap().mode() & 0o777, 0o700);
        let path = dir.join("file");
        assert!(!OsFiles.exists(&path).unwrap());
        let file = OsFiles.open(&path, OpenMode::CreateNew).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        let again = OsFiles.open(&path, OpenMode::CreateNew).unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);

        file.write_all_at(b"hello", 3).unwrap();
        file.sync_data().unwrap();
        OsFiles.sync_dir(&dir).unwrap();
        assert_eq!(file.len().unwrap(), 8);
        let mut bytes = [1; 8];
        file.read_exact_at(&mut bytes, 0).unwrap();
        assert_eq!(&bytes, b"\0\0\0hello");
        let past = file.read_exact_at(&mut bytes, 1).unwrap_err();
        assert_eq!(past.kind(), io::ErrorKind::UnexpectedEof);
        assert_eq!(&file.map(5).unwrap()[3..], b"he");
        assert_eq!(file.map(0).unwrap().len(), 0);
        assert_eq!(file.map(9).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        file.set_len(4).unwrap();
        assert_eq!(file.len().unwrap(), 4);

        let reader = OsFiles.open(&path, OpenMode::Read).unwrap();
        assert!(reader.write_all_at(b"x", 0).is_err());
        assert!(OsFiles.open(&dir, OpenMode::Read).is_err());

        let identity = OsFiles.file_identity(&path).unwrap();
        let moved = dir.join("moved");
        OsFiles.rename(&path, &moved).unwrap();
        assert_eq!(OsFiles.file_identity(&moved).unwrap(), identity);
        std::fs::copy(&moved, dir.join("copy")).unwrap();
        assert_ne!(OsFiles.file_identity(&dir.join("copy")).unwrap(), identity);
        OsFiles.hard_link(&moved, &dir.join("second")).unwrap();
        assert_eq!(OsFiles.file_identity(&dir.join("second")).unwrap(), identity);
        let taken = OsFiles.hard_link(&moved, &dir.join("copy")).unwrap_err();
        assert_eq!(taken.kind(), io::ErrorKind::AlreadyExists);
        OsFiles.remove_file(&dir.join("second")).unwrap();
        assert!(OsFiles.exists(&moved).unwrap());
        OsFiles.create_dir_all(&dir.join("sub")).unwrap();
        let names: Vec<_> = OsFiles.read_dir(&dir).unwrap().into_iter().map(|e| (e.name, e.is_dir)).collect();
        assert_eq!(names, [("copy".into(), false), ("moved".into(), false), ("sub".into(), true)]);
        OsFiles.remove_dir(&dir.join("sub")).unwrap();
        OsFiles.remove_file(&moved).unwrap();
        assert!(!OsFiles.exists(&moved).unwrap());
    }

    #[test]
    fn the_lock_is_exclusive_until_dropped() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("LOCK");
        assert!(OsFiles.try_lock(&path).is_err());
        OsFiles.open(&path, OpenMode::CreateNew).unwrap();
        let held = OsFiles.try_lock(&path).unwrap();
        assert!(held.is_some());
        assert!(OsFiles.try_lock(&path).unwrap().is_none());
        drop(held);
        assert!(OsFiles.try_lock(&path).unwrap().is_some());
    }
}
