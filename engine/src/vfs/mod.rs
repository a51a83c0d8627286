//! The one seam to files, time, randomness and shared memory. Nothing else in the engine calls
//! `std::fs`, a clock or a random source, so every failure of theirs can be simulated.

mod clock;
mod memory;
mod os;
mod random;
pub mod sim;

use std::fmt::Debug;
use std::io;
use std::path::Path;
use std::sync::Arc;

pub use clock::WallClock;
#[cfg(target_os = "linux")]
pub use memory::DevShm;
pub use memory::HeapMemory;
pub use os::{OsFiles, yield_to_recording};
pub use random::OsRandom;

/// Everything the engine needs of its host.
#[derive(Clone, Debug)]
pub struct Host {
    /// Files.
    pub files: Arc<dyn Vfs>,
    /// Wall time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Memory that outlives the process.
    pub memory: Arc<dyn SharedMemory>,
}

impl Host {
    /// The operating system. Where it has no memory-backed file system, rings live on the heap and
    /// [`SharedMemory::survives_process`] says so.
    pub fn os() -> Host {
        Host {
            files: Arc::new(OsFiles),
            clock: Arc::new(WallClock),
            random: Arc::new(OsRandom),
            memory: os_memory(),
        }
    }
}

#[cfg(target_os = "linux")]
fn os_memory() -> Arc<dyn SharedMemory> {
    match DevShm::open_default() {
        Ok(memory) => Arc::new(memory),
        Err(_) => Arc::new(HeapMemory::default()),
    }
}

#[cfg(not(target_os = "linux"))]
fn os_memory() -> Arc<dyn SharedMemory> {
    Arc::new(HeapMemory::default())
}

/// How a file is opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OpenMode {
    /// Read an existing file.
    Read,
    /// Read and write an existing file.
    ReadWrite,
    /// Create a file that must not exist, for reading and writing; mode 0600.
    CreateNew,
}

/// A directory entry.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct DirEntry {
    /// Name without directory.
    pub name: String,
    /// Whether it is a directory.
    pub is_dir: bool,
}

/// Files and directories. Durability is explicit: written data is durable after [`VfsFile::sync_data`],
/// created, renamed and removed names after [`Vfs::sync_dir`] of their directory.
pub trait Vfs: Send + Sync + Debug {
    /// Opens or creates a file.
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn VfsFile>>;
    /// The entries of a directory, sorted by name.
    fn read_dir(&self, dir: &Path) -> io::Result<Vec<DirEntry>>;
    /// Creates a directory and its parents, mode 0700.
    fn create_dir_all(&self, dir: &Path) -> io::Result<()>;
    /// Moves a file over whatever has the new name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Gives a file another name, which must not be taken; its content stays until both are removed. Both are on one
    /// volume, which may not be able to do it: [`io::ErrorKind::CrossesDevices`], [`io::ErrorKind::Unsupported`],
    /// [`io::ErrorKind::PermissionDenied`] or [`io::ErrorKind::TooManyLinks`] then.
    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file's name, and the file with its last one.
    fn remove_file(&self, path: &Path) -> io::Result<()>;
    /// Removes an empty directory.
    fn remove_dir(&self, path: &Path) -> io::Result<()>;
    /// Makes names in the directory durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Whether anything has that name.
    fn exists(&self, path: &Path) -> io::Result<bool>;
    /// A number that stays with the file through renames, and that a copy does not share.
    fn file_identity(&self, path: &Path) -> io::Result<u64>;
    /// How much room the volume of an existing file or directory has.
    fn space(&self, path: &Path) -> io::Result<Space>;
    /// Takes the exclusive lock of an existing file, released on drop; `None` if it is held.
    fn try_lock(&self, path: &Path) -> io::Result<Option<Box<dyn FileLock>>>;
}

/// Room on a volume.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Space {
    /// All of it, in bytes.
    pub total_bytes: u64,
    /// What this process may still use, in bytes.
    pub available_bytes: u64,
}

/// A held file lock.
pub trait FileLock: Send + Sync + Debug {}

/// An open file. Positions are explicit, so that threads can share it.
pub trait VfsFile: Send + Sync + Debug {
    /// Length in bytes.
    fn len(&self) -> io::Result<u64>;
    /// Whether it has no bytes.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
    /// Fills `buffer` from `offset`; an end of file before that is [`io::ErrorKind::UnexpectedEof`].
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;
    /// Writes all of `bytes` at `offset`.
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Cuts or extends with zeros.
    fn set_len(&self, len: u64) -> io::Result<()>;
    /// Makes data and length durable.
    fn sync_data(&self) -> io::Result<()>;
    /// The first `len` bytes, mapped where the host can. The file must be immutable up to `len`, and
    /// must never be cut shorter.
    fn map(&self, len: u64) -> io::Result<Mapping>;
}

/// Bytes of a file, mapped or copied. Cheap to clone.
#[derive(Clone)]
pub struct Mapping(Arc<dyn AsRef<[u8]> + Send + Sync>);

impl Mapping {
    /// Wraps whatever holds the bytes.
    pub fn new(bytes: impl AsRef<[u8]> + Send + Sync + 'static) -> Mapping {
        Mapping(Arc::new(bytes))
    }
}

impl std::ops::Deref for Mapping {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        (*self.0).as_ref()
    }
}

impl Debug for Mapping {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Mapping({} bytes)", self.len())
    }
}

/// Wall time.
pub trait Clock: Send + Sync + Debug {
    /// Nanoseconds since the Unix epoch, UTC.
    fn now_ns(&self) -> i64;
    /// Whether it is the machine's own clock, which its time-stamp counter may stand in for.
    fn follows_machine(&self) -> bool {
        false
    }
}

/// Measures how long something took, for statistics only: nothing is decided by it.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(std::time::Instant);

impl Stopwatch {
    /// Starts.
    pub fn start() -> Stopwatch {
        Stopwatch(std::time::Instant::now())
    }

    /// Nanoseconds since the start.
    pub fn elapsed_ns(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// Randomness; needs to be unpredictable only so far that identities do not collide.
pub trait Random: Send + Sync + Debug {
    /// 64 random bits.
    fn next_u64(&self) -> u64;
}

/// Memory-backed files that outlive the process but not a power failure.
pub trait SharedMemory: Send + Sync + Debug {
    /// Creates a zeroed region of that name, all its pages resident.
    fn create(&self, name: &str, len: usize) -> io::Result<Box<dyn MemoryRegion>>;
    /// Opens an existing region; one of no bytes is [`io::ErrorKind::UnexpectedEof`].
    fn open(&self, name: &str) -> io::Result<Box<dyn MemoryRegion>>;
    /// Names of existing regions that start so, sorted.
    fn list(&self, prefix: &str) -> io::Result<Vec<String>>;
    /// Removes the name; mappings of it stay valid.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Whether regions outlive the process.
    fn survives_process(&self) -> bool;
}

/// A mapped region. Its memory is shared between threads and perhaps processes: access it through
/// atomics or under a protocol that excludes races.
pub trait MemoryRegion: Send + Sync + Debug {
    /// First byte; aligned to 64 at least, valid as long as the region.
    fn base(&self) -> *mut u8;
    /// Length in bytes.
    fn len(&self) -> usize;
    /// Whether it has no bytes.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
