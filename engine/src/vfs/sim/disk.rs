//! The simulated machine behind one lock: its tree of files, its faults, and the [`Vfs`] on top.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Component, Path};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::clock::{Prng, mix};
use super::directory::{self, Change, Directories, Directory, Names, Node, NodeId};
use super::file::{FileState, PAGE_BYTES, SECTOR_BYTES};
use super::memory::{Regions, detach};
use crate::vfs::{DirEntry, FileLock, Mapping, OpenMode, Space, Vfs, VfsFile};

const ROOT: NodeId = 0;

/// What is to go wrong, and the counts it is scheduled by.
#[derive(Debug)]
pub(super) struct Faults {
    pub(super) calls: u64,
    pub(super) syncs: u64,
    pub(super) crash_at: Option<u64>,
    pub(super) fail_at: BTreeMap<u64, io::ErrorKind>,
    pub(super) fail_sync_at: BTreeSet<u64>,
    pub(super) capacity_pages: u64,
}

/// What happens to an IO call.
pub(super) enum Verdict {
    Proceed,
    Fail(io::ErrorKind),
    Crash,
}

/// Everything the machine is.
#[derive(Debug)]
pub(super) struct State {
    pub(super) faults: Faults,
    pub(super) random: Prng,
    pub(super) regions: Regions,
    boot: u64,
    off: bool,
    next_node: NodeId,
    files: BTreeMap<NodeId, FileState>,
    directories: Directories,
    /// Names of each file, as they are visible.
    links: BTreeMap<NodeId, u64>,
    used_pages: u64,
    locks: BTreeSet<NodeId>,
}

/// The machine, shared by all that are booted on it.
#[derive(Debug)]
pub(super) struct Machine(Mutex<State>);

impl Machine {
    pub(super) fn new(seed: u64) -> Machine {
        Machine(Mutex::new(State {
            faults: Faults {
                calls: 0,
                syncs: 0,
                crash_at: None,
                fail_at: BTreeMap::new(),
                fail_sync_at: BTreeSet::new(),
                capacity_pages: u64::MAX,
            },
            random: Prng::new(mix(seed ^ 0x5EED)),
            regions: Regions::new(),
            boot: 0,
            off: false,
            next_node: ROOT + 1,
            files: BTreeMap::new(),
            directories: Directories::from([(ROOT, Directory::default())]),
            links: BTreeMap::new(),
            used_pages: 0,
            locks: BTreeSet::new(),
        }))
    }

    /// Another machine with the same disk.
    pub(super) fn fork(&self, seed: u64) -> Machine {
        let forked = Machine::new(seed);
        {
            let (state, mut copy) = (self.lock(), forked.lock());
            copy.faults.capacity_pages = state.faults.capacity_pages;
            copy.next_node = state.next_node;
            copy.files = state.files.clone();
            copy.directories = state.directories.clone();
            copy.used_pages = state.used_pages;
        }
        forked
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, for a process of that boot which is still alive.
    pub(super) fn look(&self, boot: u64) -> io::Result<MutexGuard<'_, State>> {
        let state = self.lock();
        if state.off || state.boot != boot {
            return Err(power_is_off());
        }
        Ok(state)
    }
}

fn power_is_off() -> io::Error {
    io::Error::other("simulated crash: the power is off")
}

impl State {
    pub(super) fn boot(&self) -> u64 {
        self.boot
    }

    pub(super) fn is_off(&self) -> bool {
        self.off
    }

    /// Counts a call and decides what happens to it.
    pub(super) fn count_call(&mut self) -> Verdict {
        self.faults.calls += 1;
        if self.faults.crash_at == Some(self.faults.calls) {
            return Verdict::Crash;
        }
        match self.faults.fail_at.remove(&self.faults.calls) {
            Some(kind) => Verdict::Fail(kind),
            None => Verdict::Proceed,
        }
    }

    fn count_sync(&mut self) -> Verdict {
        self.faults.syncs += 1;
        let syncs = self.faults.syncs;
        let verdict = self.count_call();
        if matches!(verdict, Verdict::Proceed) && self.faults.fail_sync_at.remove(&syncs) {
            return Verdict::Fail(io::ErrorKind::Other);
        }
        verdict
    }

    /// The crash: every later call of this boot fails, and shared memory is what it is now.
    pub(super) fn switch_off(&mut self) -> io::Error {
        self.off = true;
        detach(&mut self.regions);
        power_is_off()
    }

    pub(super) fn process_crash(&mut self) {
        if !self.off {
            detach(&mut self.regions);
        }
        self.restart();
    }

    pub(super) fn power_failure(&mut self, seed: u64) {
        let mut random = Prng::new(mix(seed));
        directory::power_failure(&mut self.directories, &mut random);
        let (links, directories) = self.reachable();
        self.files.retain(|id, _| links.contains_key(id));
        self.links = links;
        self.directories.retain(|id, _| directories.contains(id));
        for file in self.files.values_mut() {
            file.power_failure(&mut random);
        }
        self.used_pages = self.files.values().map(FileState::allocated_pages).sum();
        self.regions.clear();
        self.restart();
    }

    fn restart(&mut self) {
        self.boot += 1;
        self.off = false;
        self.locks.clear();
        self.faults.crash_at = None;
        self.faults.fail_at.clear();
        self.faults.fail_sync_at.clear();
    }

    /// Files and directories that have a name, and how many names each file has.
    fn reachable(&self) -> (BTreeMap<NodeId, u64>, BTreeSet<NodeId>) {
        let (mut links, mut directories) = (BTreeMap::new(), BTreeSet::from([ROOT]));
        let mut open = vec![ROOT];
        while let Some(id) = open.pop() {
            for node in self.directories[&id].names.values() {
                match *node {
                    Node::File(file) => *links.entry(file).or_insert(0) += 1,
                    Node::Directory(directory) => {
                        if directories.insert(directory) {
                            open.push(directory);
                        }
                    }
                }
            }
        }
        (links, directories)
    }

    pub(super) fn read_file(&self, path: &Path) -> io::Result<Vec<u8>> {
        Ok(self.files[&self.find_file(path)?].bytes().to_vec())
    }

    pub(super) fn overwrite_file(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let id = self.find_file(path)?;
        let file = self.files.get_mut(&id).expect("a named file exists");
        self.used_pages -= file.allocated_pages();
        file.replace(bytes);
        self.used_pages += file.allocated_pages();
        Ok(())
    }

    fn names(&self, directory: NodeId) -> io::Result<&Names> {
        Ok(&self.directories.get(&directory).ok_or(io::ErrorKind::NotFound)?.names)
    }

    fn find(&self, path: &Path) -> io::Result<Node> {
        let mut node = Node::Directory(ROOT);
        for name in components(path)? {
            let Node::Directory(directory) = node else { return Err(io::ErrorKind::NotADirectory.into()) };
            node = *self.names(directory)?.get(name).ok_or(io::ErrorKind::NotFound)?;
        }
        Ok(node)
    }

    fn find_file(&self, path: &Path) -> io::Result<NodeId> {
        match self.find(path)? {
            Node::File(id) => Ok(id),
            Node::Directory(_) => Err(io::ErrorKind::IsADirectory.into()),
        }
    }

    fn find_directory(&self, path: &Path) -> io::Result<NodeId> {
        match self.find(path)? {
            Node::Directory(id) => Ok(id),
            Node::File(_) => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    /// The directory a path lies in, and its last name.
    fn parent<'a>(&self, path: &'a Path) -> io::Result<(NodeId, &'a str)> {
        let names = components(path)?;
        let name = *names.last().ok_or(io::ErrorKind::InvalidInput)?;
        Ok((self.find_directory(path.parent().unwrap_or(Path::new("")))?, name))
    }

    fn change_names(&mut self, directory: NodeId, change: Change, tie: Option<u64>) {
        self.directories.entry(directory).or_default().change(change, tie);
    }

    fn new_node(&mut self) -> NodeId {
        self.next_node += 1;
        self.next_node - 1
    }

    fn create_file(&mut self, path: &Path) -> io::Result<NodeId> {
        let (directory, name) = self.parent(path)?;
        if self.names(directory)?.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let id = self.new_node();
        self.files.insert(id, FileState::default());
        self.links.insert(id, 1);
        self.change_names(directory, Change::Link { name: name.into(), node: Node::File(id) }, None);
        Ok(id)
    }

    fn create_dir_all(&mut self, path: &Path) -> io::Result<()> {
        let mut directory = ROOT;
        for name in components(path)? {
            directory = match self.names(directory)?.get(name) {
                Some(Node::Directory(id)) => *id,
                Some(Node::File(_)) => return Err(io::ErrorKind::NotADirectory.into()),
                None => {
                    let id = self.new_node();
                    self.directories.insert(id, Directory::default());
                    let node = Node::Directory(id);
                    self.change_names(directory, Change::Link { name: name.into(), node }, None);
                    id
                }
            };
        }
        Ok(())
    }

    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let node = Node::File(self.find_file(from)?);
        let (source, old) = self.parent(from)?;
        let (target, new) = self.parent(to)?;
        match self.names(target)?.get(new) {
            Some(Node::Directory(_)) => return Err(io::ErrorKind::IsADirectory.into()),
            Some(replaced) if *replaced == node => return Ok(()),
            Some(Node::File(replaced)) => self.unlink(*replaced),
            None => {}
        }
        if source == target {
            let change = Change::Rename { from: old.into(), to: new.into(), node };
            self.change_names(source, change, None);
        } else {
            let tie = Some(self.new_node());
            self.change_names(target, Change::Link { name: new.into(), node }, tie);
            self.change_names(source, Change::Unlink { name: old.into() }, tie);
        }
        Ok(())
    }

    fn hard_link(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let id = self.find_file(from)?;
        let (directory, name) = self.parent(to)?;
        if self.names(directory)?.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        *self.links.entry(id).or_insert(0) += 1;
        self.change_names(directory, Change::Link { name: name.into(), node: Node::File(id) }, None);
        Ok(())
    }

    fn remove_file(&mut self, path: &Path) -> io::Result<()> {
        let id = self.find_file(path)?;
        let (directory, name) = self.parent(path)?;
        self.unlink(id);
        self.change_names(directory, Change::Unlink { name: name.into() }, None);
        Ok(())
    }

    fn remove_dir(&mut self, path: &Path) -> io::Result<()> {
        let id = self.find_directory(path)?;
        if !self.names(id)?.is_empty() {
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
        let (directory, name) = self.parent(path)?;
        self.change_names(directory, Change::Unlink { name: name.into() }, None);
        Ok(())
    }

    /// Takes a name of a file away. With the last one its space is given back; its bytes stay, for open files and for
    /// a power failure.
    fn unlink(&mut self, id: NodeId) {
        let links = self.links.entry(id).or_insert(1);
        *links -= 1;
        if *links > 0 {
            return;
        }
        let pages = self.files.get(&id).map_or(0, FileState::allocated_pages);
        self.used_pages = self.used_pages.saturating_sub(pages);
    }

    fn file(&mut self, id: NodeId) -> &mut FileState {
        self.files.get_mut(&id).expect("files of a living process are kept")
    }

    /// Writes `bytes` as far as there is room; whether there was.
    fn write(&mut self, id: NodeId, bytes: &[u8], offset: usize) -> bool {
        let call = self.faults.calls;
        let free = self.faults.capacity_pages.saturating_sub(self.used_pages);
        let file = self.file(id);
        let fitting = file.fitting_bytes(offset, bytes.len(), free);
        self.used_pages += self.file(id).write(call, offset, &bytes[..fitting]);
        fitting == bytes.len()
    }
}

/// The names of a path, from the root; relative paths start there too.
fn components(path: &Path) -> io::Result<Vec<&str>> {
    let mut names = Vec::new();
    for component in path.components() {
        match component {
            Component::RootDir | Component::CurDir => {}
            Component::Normal(name) => names.push(name.to_str().ok_or(io::ErrorKind::InvalidInput)?),
            Component::ParentDir | Component::Prefix(_) => return Err(io::ErrorKind::InvalidInput.into()),
        }
    }
    Ok(names)
}

/// The disk as one booted process sees it.
#[derive(Debug)]
pub(super) struct SimDisk {
    machine: Arc<Machine>,
    boot: u64,
}

impl SimDisk {
    pub(super) fn new(machine: Arc<Machine>, boot: u64) -> SimDisk {
        SimDisk { machine, boot }
    }

    fn handle(&self, id: NodeId, writable: bool) -> Arc<dyn VfsFile> {
        Arc::new(SimFile { machine: self.machine.clone(), boot: self.boot, id, writable })
    }
}

impl Vfs for SimDisk {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn VfsFile>> {
        let id = match mode {
            OpenMode::CreateNew => self.machine.change(self.boot, |state| state.create_file(path))?,
            OpenMode::Read | OpenMode::ReadWrite => self.machine.look(self.boot)?.find_file(path)?,
        };
        Ok(self.handle(id, mode != OpenMode::Read))
    }

    fn read_dir(&self, dir: &Path) -> io::Result<Vec<DirEntry>> {
        let state = self.machine.look(self.boot)?;
        let names = state.names(state.find_directory(dir)?)?;
        let entry = |(name, node): (&String, &Node)| DirEntry {
            name: name.clone(),
            is_dir: matches!(node, Node::Directory(_)),
        };
        Ok(names.iter().map(entry).collect())
    }

    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        self.machine.change(self.boot, |state| state.create_dir_all(dir))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.machine.change(self.boot, |state| state.rename(from, to))
    }

    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.machine.change(self.boot, |state| state.hard_link(from, to))
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.machine.change(self.boot, |state| state.remove_file(path))
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.machine.change(self.boot, |state| state.remove_dir(path))
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.machine.look(self.boot)?;
        let id = state.find_directory(dir)?;
        match state.count_sync() {
            Verdict::Proceed => {
                directory::sync(&mut state.directories, id);
                Ok(())
            }
            Verdict::Fail(kind) => Err(kind.into()),
            Verdict::Crash => {
                if state.random.one_in(2) {
                    directory::sync(&mut state.directories, id);
                }
                Err(state.switch_off())
            }
        }
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        match self.machine.look(self.boot)?.find(path) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn file_identity(&self, path: &Path) -> io::Result<u64> {
        let (Node::File(id) | Node::Directory(id)) = self.machine.look(self.boot)?.find(path)?;
        Ok(mix(id))
    }

    fn space(&self, path: &Path) -> io::Result<Space> {
        let state = self.machine.look(self.boot)?;
        state.find(path)?;
        let bytes = |pages: u64| pages.saturating_mul(PAGE_BYTES as u64);
        let available = state.faults.capacity_pages.saturating_sub(state.used_pages);
        Ok(Space { total_bytes: bytes(state.faults.capacity_pages), available_bytes: bytes(available) })
    }

    fn try_lock(&self, path: &Path) -> io::Result<Option<Box<dyn FileLock>>> {
        let mut state = self.machine.look(self.boot)?;
        let id = state.find_file(path)?;
        if !state.locks.insert(id) {
            return Ok(None);
        }
        Ok(Some(Box::new(SimLock { machine: self.machine.clone(), boot: self.boot, id })))
    }
}

#[derive(Debug)]
struct SimLock {
    machine: Arc<Machine>,
    boot: u64,
    id: NodeId,
}

impl FileLock for SimLock {}

impl Drop for SimLock {
    fn drop(&mut self) {
        let mut state = self.machine.lock();
        if state.boot == self.boot {
            state.locks.remove(&self.id);
        }
    }
}

#[derive(Debug)]
struct SimFile {
    machine: Arc<Machine>,
    boot: u64,
    id: NodeId,
    writable: bool,
}

impl SimFile {
    fn check_writable(&self) -> io::Result<()> {
        if self.writable { Ok(()) } else { Err(io::ErrorKind::PermissionDenied.into()) }
    }
}

impl VfsFile for SimFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.machine.look(self.boot)?.file(self.id).bytes().len() as u64)
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let mut state = self.machine.look(self.boot)?;
        let bytes = state.file(self.id).bytes();
        let start = usize::try_from(offset).map_err(|_| io::ErrorKind::UnexpectedEof)?;
        let found = start.checked_add(buffer.len()).and_then(|end| bytes.get(start..end));
        buffer.copy_from_slice(found.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.check_writable()?;
        let offset = usize::try_from(offset).map_err(|_| io::ErrorKind::InvalidInput)?;
        let mut state = self.machine.look(self.boot)?;
        let verdict = state.count_call();
        if matches!(verdict, Verdict::Proceed) {
            let all = state.write(self.id, bytes, offset);
            return if all { Ok(()) } else { Err(io::ErrorKind::StorageFull.into()) };
        }
        // Not begun, done, or interrupted between two sectors: the kernel copies by pages, the disk
        // writes by sectors.
        let done = match state.random.below(4) {
            0 => 0,
            1 => bytes.len(),
            _ => {
                let end = offset + state.random.below(bytes.len() as u64 + 1) as usize;
                (end - end % SECTOR_BYTES).saturating_sub(offset)
            }
        };
        state.write(self.id, &bytes[..done], offset);
        match verdict {
            Verdict::Fail(kind) => Err(kind.into()),
            _ => Err(state.switch_off()),
        }
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.check_writable()?;
        let len = usize::try_from(len).map_err(|_| io::ErrorKind::FileTooLarge)?;
        self.machine.change(self.boot, |state| {
            let call = state.faults.calls;
            let freed = state.file(self.id).set_len(call, len);
            state.used_pages = state.used_pages.saturating_sub(freed);
            Ok(())
        })
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.machine.look(self.boot)?;
        match state.count_sync() {
            Verdict::Proceed => {
                state.file(self.id).sync();
                Ok(())
            }
            Verdict::Fail(kind) => {
                state.file(self.id).fail_sync();
                Err(kind.into())
            }
            Verdict::Crash => {
                if state.random.one_in(2) {
                    state.file(self.id).sync();
                }
                Err(state.switch_off())
            }
        }
    }

    fn map(&self, len: u64) -> io::Result<Mapping> {
        let mut state = self.machine.look(self.boot)?;
        let bytes = state.file(self.id).bytes();
        let found = usize::try_from(len).ok().and_then(|len| bytes.get(..len));
        Ok(Mapping::new(found.ok_or(io::ErrorKind::UnexpectedEof)?.to_vec()))
    }
}
