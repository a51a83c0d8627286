//! Simulated shared memory: survives a process crash as it was at that moment, and no power failure.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use super::disk::{Machine, Verdict};
use crate::vfs::memory::{MappedRegion, check_len, check_name};
use crate::vfs::{MemoryRegion, SharedMemory};

pub(super) type Regions = BTreeMap<String, MappedRegion>;

/// Shared memory as one booted process sees it.
#[derive(Debug)]
pub(super) struct SimMemory {
    machine: Arc<Machine>,
    boot: u64,
}

impl SimMemory {
    pub(super) fn new(machine: Arc<Machine>, boot: u64) -> SimMemory {
        SimMemory { machine, boot }
    }
}

impl SharedMemory for SimMemory {
    fn create(&self, name: &str, len: usize) -> io::Result<Box<dyn MemoryRegion>> {
        check_name(name)?;
        check_len(len)?;
        self.machine.change(self.boot, |state| {
            if state.regions.contains_key(name) {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            // Not made resident: simulations create many regions and touch little of them.
            let region = MappedRegion::anonymous(len, false)?;
            state.regions.insert(name.to_owned(), region.clone());
            Ok(Box::new(region) as Box<dyn MemoryRegion>)
        })
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn MemoryRegion>> {
        check_name(name)?;
        match self.machine.look(self.boot)?.regions.get(name) {
            Some(region) => Ok(Box::new(region.clone())),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn list(&self, prefix: &str) -> io::Result<Vec<String>> {
        let state = self.machine.look(self.boot)?;
        Ok(state.regions.keys().filter(|name| name.starts_with(prefix)).cloned().collect())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        check_name(name)?;
        self.machine.change(self.boot, |state| {
            state.regions.remove(name).map(drop).ok_or_else(|| io::ErrorKind::NotFound.into())
        })
    }

    fn survives_process(&self) -> bool {
        true
    }
}

/// Copies each region, so that threads of the crashed process write into memory nobody looks at.
pub(super) fn detach(regions: &mut Regions) {
    for region in regions.values_mut() {
        *region = copy(region);
    }
}

fn copy(region: &MappedRegion) -> MappedRegion {
    let twin = MappedRegion::anonymous(region.len(), false)
        .expect("the simulation needs memory for a copy of its shared memory");
    let words = region.len() / 8;
    for offset in (0..words * 8).step_by(8) {
        // SAFETY: both mappings are page-aligned and longer than `offset + 8`; other threads of the
        // crashed process may still store here, hence the atomic load.
        let word = unsafe { AtomicU64::from_ptr(region.base().add(offset).cast()) }.load(Ordering::Acquire);
        if word != 0 {
            // SAFETY: as above; the twin is ours alone. Zeros are there already, and skipping them
            // leaves untouched pages unmapped.
            unsafe { twin.base().add(offset).cast::<u64>().write(word) };
        }
    }
    for offset in words * 8..region.len() {
        // SAFETY: `offset` is below the length of both mappings; atomic for the reason above.
        let byte = unsafe { AtomicU8::from_ptr(region.base().add(offset)) }.load(Ordering::Acquire);
        // SAFETY: `offset` is below the length of the twin, which is ours alone.
        unsafe { twin.base().add(offset).write(byte) };
    }
    twin
}

/// Keeps the machinery of verdicts in one place.
impl Machine {
    /// Runs a change of names or memory as one IO call: a crash leaves it done or undone.
    pub(super) fn change<T>(
        &self,
        boot: u64,
        apply: impl FnOnce(&mut super::disk::State) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut state = self.look(boot)?;
        match state.count_call() {
            Verdict::Proceed => apply(&mut state),
            Verdict::Fail(kind) => Err(kind.into()),
            Verdict::Crash => {
                // Memory first: it is as it was when the call began, or after it.
                let done = state.random.one_in(2);
                if done {
                    let _ = apply(&mut state);
                }
                Err(state.switch_off())
            }
        }
    }
}
