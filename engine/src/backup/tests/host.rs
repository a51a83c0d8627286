//! Hosts that do something else than the simulated one they are made of.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use crate::vfs::{DirEntry, FileLock, Host, OpenMode, Space, Vfs, VfsFile};

type Hook = Box<dyn FnOnce() + Send>;

struct Interfering {
    base: Arc<dyn Vfs>,
    at: String,
    hook: Mutex<Option<Hook>>,
    endless_room: bool,
}

impl std::fmt::Debug for Interfering {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Interfering({})", self.at)
    }
}

/// A host on which something happens when a file whose path has that text is opened for the first time.
pub(super) fn interfering(host: &Host, at: &str, hook: impl FnOnce() + Send + 'static) -> Host {
    let hook: Hook = Box::new(hook);
    with(host, at, Some(hook), false)
}

/// A host that claims to have endless room.
pub(super) fn with_endless_room(host: &Host) -> Host {
    with(host, "", None, true)
}

fn with(host: &Host, at: &str, hook: Option<Hook>, endless_room: bool) -> Host {
    let (base, hook) = (Arc::clone(&host.files), Mutex::new(hook));
    let files = Interfering { base, at: at.to_owned(), hook, endless_room };
    Host { files: Arc::new(files), ..host.clone() }
}

impl Vfs for Interfering {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn VfsFile>> {
        if path.to_string_lossy().contains(&self.at) {
            let hook = self.hook.lock().unwrap().take();
            if let Some(hook) = hook {
                hook();
            }
        }
        self.base.open(path, mode)
    }

    fn read_dir(&self, dir: &Path) -> io::Result<Vec<DirEntry>> {
        self.base.read_dir(dir)
    }

    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        self.base.create_dir_all(dir)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.base.rename(from, to)
    }

    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.base.hard_link(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.base.remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.base.remove_dir(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.base.sync_dir(dir)
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        self.base.exists(path)
    }

    fn file_identity(&self, path: &Path) -> io::Result<u64> {
        self.base.file_identity(path)
    }

    fn space(&self, path: &Path) -> io::Result<Space> {
        let space = self.base.space(path)?;
        let endless = Space { available_bytes: u64::MAX, ..space };
        Ok(if self.endless_room { endless } else { space })
    }

    fn try_lock(&self, path: &Path) -> io::Result<Option<Box<dyn FileLock>>> {
        self.base.try_lock(path)
    }
}
