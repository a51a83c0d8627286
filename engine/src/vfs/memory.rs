//! Memory that outlives the process: files of a memory-backed file system, mapped shared.
//!
//! Invariants:
//! - Never a disk file system. A store into a mapped disk page can block for hundreds of milliseconds
//!   while the page is written back; so the directory is checked to be tmpfs or ramfs.
//! - All memory is reserved when a region is created. A full `/dev/shm` is an error of `create`, not a
//!   SIGBUS in the middle of a store later.
//! - Regions are 0600, created exclusively, opened without following links, and refused unless they are
//!   plain files of our own user: `/dev/shm` is writable by everybody.
//! - Names are of `A-Z a-z 0-9 . _ -` and do not start with a dot.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use memmap2::{MmapOptions, MmapRaw};

use super::{MemoryRegion, SharedMemory};

#[cfg(target_os = "linux")]
pub use dev_shm::DevShm;

/// Longest name of a region, in bytes; file systems allow 255.
const NAME_BYTES_MAX: usize = 200;

/// Refuses a name that could leave the directory or surprise a shell.
pub(super) fn check_name(name: &str) -> io::Result<()> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'.' || b == b'_' || b == b'-';
    if name.is_empty() || name.len() > NAME_BYTES_MAX || name.starts_with('.') || !name.bytes().all(plain) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("'{}' is not a name for shared memory", name.escape_debug()),
        ));
    }
    Ok(())
}

pub(super) fn check_len(len: usize) -> io::Result<()> {
    if len == 0 {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "shared memory of zero bytes"));
    }
    Ok(())
}

/// A shared mapping; unmapped with its last owner.
#[derive(Debug, Clone)]
pub(super) struct MappedRegion(Arc<MmapRaw>);

impl MappedRegion {
    /// Zeroed memory of this process, faulted in now or on first use.
    pub(super) fn anonymous(len: usize, resident: bool) -> io::Result<MappedRegion> {
        let mut options = MmapOptions::new();
        options.len(len);
        if resident {
            options.populate();
        }
        Ok(MappedRegion(Arc::new(MmapRaw::from(options.map_anon()?))))
    }
}

impl MemoryRegion for MappedRegion {
    fn base(&self) -> *mut u8 {
        self.0.as_mut_ptr()
    }

    fn len(&self) -> usize {
        self.0.len()
    }
}

/// Memory of this process only: the fallback where there is no memory-backed file system.
#[derive(Debug, Default)]
pub struct HeapMemory {
    regions: Mutex<BTreeMap<String, MappedRegion>>,
}

impl HeapMemory {
    fn regions(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, MappedRegion>> {
        self.regions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SharedMemory for HeapMemory {
    fn create(&self, name: &str, len: usize) -> io::Result<Box<dyn MemoryRegion>> {
        check_name(name)?;
        check_len(len)?;
        let mut regions = self.regions();
        if regions.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let region = MappedRegion::anonymous(len, true)?;
        regions.insert(name.to_owned(), region.clone());
        Ok(Box::new(region))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn MemoryRegion>> {
        check_name(name)?;
        match self.regions().get(name) {
            Some(region) => Ok(Box::new(region.clone())),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn list(&self, prefix: &str) -> io::Result<Vec<String>> {
        Ok(self.regions().keys().filter(|name| name.starts_with(prefix)).cloned().collect())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        check_name(name)?;
        self.regions().remove(name).map(drop).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn survives_process(&self) -> bool {
        false
    }
}

#[cfg(target_os = "linux")]
mod dev_shm {
    use std::fs::{File, OpenOptions};
    use std::io;
    use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
    use std::path::{Path, PathBuf};
    use std::sync::Arc;

    use memmap2::MmapOptions;
    use rustix::fs::{FallocateFlags, OFlags, fallocate, statfs};

    use super::{MappedRegion, check_len, check_name};
    use crate::vfs::{MemoryRegion, SharedMemory};

    const TMPFS_MAGIC: u64 = 0x0102_1994;
    const RAMFS_MAGIC: u64 = 0x8584_58F6;

    /// Regions in a directory of a memory-backed file system.
    #[derive(Debug)]
    pub struct DevShm {
        dir: PathBuf,
    }

    impl DevShm {
        /// Regions in `/dev/shm`; an error where it does not exist or is not memory.
        pub fn open_default() -> io::Result<DevShm> {
            DevShm::at(Path::new("/dev/shm"))
        }

        /// Regions in a directory, which must lie on tmpfs or ramfs.
        pub fn at(dir: &Path) -> io::Result<DevShm> {
            // The type is signed on some targets; its low 32 bits are the magic.
            let kind = u64::from(statfs(dir)?.f_type as u32);
            if kind != TMPFS_MAGIC && kind != RAMFS_MAGIC {
                return Err(io::Error::new(
                    io::ErrorKind::Unsupported,
                    format!("{} is not memory-backed: file system type {kind:#x}", dir.display()),
                ));
            }
            Ok(DevShm { dir: dir.to_path_buf() })
        }

        /// Sizes the file, reserving its memory, and maps it with all pages resident.
        fn fill(file: &File, len: usize) -> io::Result<MappedRegion> {
            fallocate(file, FallocateFlags::empty(), 0, len as u64)?;
            let map = MmapOptions::new().len(len).populate().map_raw(file)?;
            // Populating maps shared pages as if read; a first store could still fault for the write
            // bit. Nobody knows the region yet, so storing zeros into it is harmless.
            let page_bytes = rustix::param::page_size();
            for offset in (0..len).step_by(page_bytes) {
                // SAFETY: `offset < len`, the length of the mapping, which is writable and ours alone.
                unsafe { map.as_mut_ptr().add(offset).write_volatile(0) };
            }
            Ok(MappedRegion(Arc::new(map)))
        }
    }

    impl SharedMemory for DevShm {
        fn create(&self, name: &str, len: usize) -> io::Result<Box<dyn MemoryRegion>> {
            check_name(name)?;
            check_len(len)?;
            let path = self.dir.join(name);
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create_new(true)
                .mode(0o600)
                .custom_flags(OFlags::NOFOLLOW.bits() as i32)
                .open(&path)?;
            match DevShm::fill(&file, len) {
                Ok(region) => Ok(Box::new(region)),
                Err(error) => {
                    // It is exclusively ours; leaving it would keep its memory taken.
                    let _ = std::fs::remove_file(&path);
                    Err(error)
                }
            }
        }

        fn open(&self, name: &str) -> io::Result<Box<dyn MemoryRegion>> {
            check_name(name)?;
            // NONBLOCK, so that a FIFO of that name planted by somebody cannot hold us up.
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits() as i32)
                .open(self.dir.join(name))?;
            let metadata = file.metadata()?;
            let owner = rustix::process::geteuid().as_raw();
            if !metadata.is_file() || metadata.uid() != owner {
                return Err(io::Error::new(
                    io::ErrorKind::PermissionDenied,
                    format!(
                        "{} is not a plain file of user {owner}, but of user {}",
                        self.dir.join(name).display(),
                        metadata.uid()
                    ),
                ));
            }
            let len = usize::try_from(metadata.len()).map_err(|_| io::ErrorKind::OutOfMemory)?;
            if len == 0 {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "shared memory of zero bytes"));
            }
            // A creator that died between naming and filling leaves holes; they are zeros, and taking
            // their memory now keeps the promise that a store cannot fail.
            fallocate(&file, FallocateFlags::empty(), 0, len as u64)?;
            let map = MmapOptions::new().len(len).populate().map_raw(&file)?;
            Ok(Box::new(MappedRegion(Arc::new(map))))
        }

        fn list(&self, prefix: &str) -> io::Result<Vec<String>> {
            let mut names = Vec::new();
            for entry in std::fs::read_dir(&self.dir)? {
                let Ok(name) = entry?.file_name().into_string() else { continue };
                if name.starts_with(prefix) && check_name(&name).is_ok() {
                    names.push(name);
                }
            }
            names.sort();
            Ok(names)
        }

        fn remove(&self, name: &str) -> io::Result<()> {
            check_name(name)?;
            std::fs::remove_file(self.dir.join(name))
        }

        fn survives_process(&self) -> bool {
            true
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// What every kind of shared memory does.
    pub(crate) fn check(memory: &dyn SharedMemory, name: &str) {
        let len = 300_001;
        let region = memory.create(name, len).unwrap();
        assert_eq!(region.len(), len);
        assert_eq!(region.base() as usize % 64, 0);
        for offset in [0, 4096, len - 1] {
            // SAFETY: within the region, which no other thread uses.
            unsafe {
                assert_eq!(region.base().add(offset).read(), 0);
                region.base().add(offset).write(7);
            }
        }
        assert_eq!(memory.create(name, len).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        let other = memory.open(name).unwrap();
        assert_eq!(other.len(), len);
        // SAFETY: within the region, which no other thread uses.
        unsafe { assert_eq!(other.base().add(len - 1).read(), 7) };
        assert_eq!(memory.list(&name[..name.len() - 1]).unwrap(), [name]);
        memory.remove(name).unwrap();
        assert_eq!(memory.list(name).unwrap(), [""; 0]);
        assert_eq!(memory.open(name).unwrap_err().kind(), io::ErrorKind::NotFound);
        // SAFETY: within the region, which stays mapped without its name.
        unsafe { assert_eq!(other.base().add(4096).read(), 7) };
        for bad in ["", "a/b", "..", ".hidden", "a b", "é", &"x".repeat(201)] {
            assert_eq!(memory.create(bad, 1).unwrap_err().kind(), io::ErrorKind::InvalidInput, "{bad:?}");
            assert_eq!(memory.open(bad).unwrap_err().kind(), io::ErrorKind::InvalidInput, "{bad:?}");
        }
        assert_eq!(memory.create(name, 0).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }

    #[test]
    fn heap_memory_keeps_the_contract() {
        check(&HeapMemory::default(), "blotter-test");
        assert!(!HeapMemory::default().survives_process());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn dev_shm_keeps_the_contract_and_is_memory() {
        let memory = DevShm::open_default().unwrap();
        check(&memory, &format!("blotter-test-{}", std::process::id()));
        assert!(memory.survives_process());
        assert_eq!(DevShm::at("/proc".as_ref()).unwrap_err().kind(), io::ErrorKind::Unsupported);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn links_and_other_than_plain_files_are_refused() {
        let memory = DevShm::open_default().unwrap();
        let name = format!("blotter-test-link-{}", std::process::id());
        let path = std::path::Path::new("/dev/shm").join(&name);
        std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
        assert!(memory.open(&name).is_err());
        assert_eq!(memory.create(&name, 10).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert!(memory.open(&name).is_err());
        std::fs::remove_dir(&path).unwrap();
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_region_larger_than_the_memory_is_an_error_and_leaves_nothing() {
        let memory = DevShm::open_default().unwrap();
        let name = format!("blotter-test-huge-{}", std::process::id());
        assert!(memory.create(&name, 1 << 46).is_err());
        assert_eq!(memory.list(&name).unwrap(), [""; 0]);
    }
}
