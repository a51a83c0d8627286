//! A simulated host: disk, clock, randomness and shared memory that fail on demand and by seed, so that
//! a test can crash the engine at every IO call and look at what is left.
//!
//! # Fault model
//!
//! Disk:
//! - A sector has 512 bytes and is written whole or not at all; a page of the page cache has 4096.
//! - A write is in the page cache: every reader sees it at once, the platter at `sync_data` of that
//!   file. Lengths behave the same.
//! - Names (create, rename, remove, new directories) are visible at once and durable after `sync_dir` of
//!   their directory. Names and contents are durable independently of each other: a name may survive with
//!   no content, and synced content is lost if its name was not synced. A rename is atomic, also between
//!   two directories. A file with several names keeps its content as long as one of them is left, and each of the
//!   names is as durable as the directory that holds it.
//! - **Power failure**: of the writes not synced each is kept, dropped or torn by sectors, in any
//!   combination across sectors; a sector that keeps a write also has the earlier writes to it, since
//!   the page cache holds one version of it. The length becomes any that the file had since it was
//!   synced; where a length survives without its data there are zeros or garbage. Of the changes to each
//!   directory a prefix survives.
//! - **Process crash**: the page cache survives, names too. Only the call in flight is lost, or a part
//!   of it: a write is cut between two sectors.
//! - **Failed sync**: fails once. The pages it covered are clean afterwards though not durable, as on
//!   Linux: the next sync succeeds without writing them, and a power failure can lose them.
//! - **Full disk**: a write that needs more pages than there are is applied as far as they go and fails.
//!   The last name of a file, when removed, frees its pages at once.
//!
//! Shared memory survives a process crash, byte for byte as it was when the crash happened, and not a
//! power failure. It is copied at that moment inside the call that crashes, so the picture is exact if no
//! other thread changes the same region just then.
//!
//! # Use
//!
//! ```
//! use std::path::Path;
//! use blotter_engine::vfs::{OpenMode, sim::SimHost};
//!
//! let sim = SimHost::new(1);
//! let host = sim.boot();
//! let file = host.files.open(Path::new("/a"), OpenMode::CreateNew).unwrap();
//! sim.crash_at(sim.calls() + 2);
//! file.write_all_at(b"lost, perhaps", 0).unwrap();
//! assert!(file.sync_data().is_err(), "the power went off here");
//! sim.power_failure(7);
//! let host = sim.boot();
//! assert!(host.files.exists(Path::new("/a")).is_ok());
//! ```
//!
//! A [`Host`] belongs to the process that was booted: after a crash each call on it fails, so threads that
//! outlive their crashed database cannot disturb the next one.

mod clock;
mod directory;
mod disk;
mod file;
mod memory;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

pub use clock::{Prng, SimClock};

use self::clock::SimRandom;
use self::disk::SimDisk;
use self::memory::SimMemory;
use super::Host;

/// A simulated machine. Cheap to clone; clones are the same machine.
#[derive(Clone)]
pub struct SimHost {
    machine: Arc<disk::Machine>,
    clock: Arc<SimClock>,
    random: Arc<SimRandom>,
}

impl SimHost {
    /// An empty machine. Equal seeds and equal calls give equal results.
    pub fn new(seed: u64) -> SimHost {
        SimHost {
            machine: Arc::new(disk::Machine::new(seed)),
            clock: Arc::new(SimClock::default()),
            random: Arc::new(SimRandom::new(seed)),
        }
    }

    /// What a process sees that starts now.
    pub fn boot(&self) -> Host {
        let boot = self.machine.lock().boot();
        Host {
            files: Arc::new(SimDisk::new(self.machine.clone(), boot)),
            clock: self.clock.clone(),
            random: self.random.clone(),
            memory: Arc::new(SimMemory::new(self.machine.clone(), boot)),
        }
    }

    /// Another machine with the same disk, synced and not, and the same time. It counts calls from 0; shared memory
    /// stays behind. A scene that many tests begin from is played once.
    pub fn fork(&self, seed: u64) -> SimHost {
        use super::Clock as _;
        let forked = SimHost {
            machine: Arc::new(self.machine.fork(seed)),
            clock: Arc::new(SimClock::default()),
            random: Arc::new(SimRandom::new(seed)),
        };
        forked.clock.set(self.clock.now_ns());
        forked
    }

    /// The clock, to be set and advanced.
    pub fn clock(&self) -> &SimClock {
        &self.clock
    }

    /// IO calls so far: each that changes something and each sync, failed ones included.
    pub fn calls(&self) -> u64 {
        self.machine.lock().faults.calls
    }

    /// Syncs so far, of files and of directories.
    pub fn syncs(&self) -> u64 {
        self.machine.lock().faults.syncs
    }

    /// Lets IO call number `call` fail and every call after it, as if the power went off. Calls are
    /// numbered from 1 as [`SimHost::calls`] counts them.
    pub fn crash_at(&self, call: u64) {
        self.machine.lock().faults.crash_at = Some(call);
    }

    /// Whether the call given to [`SimHost::crash_at`] was reached.
    pub fn crashed(&self) -> bool {
        self.machine.lock().is_off()
    }

    /// Lets IO call number `call` fail once.
    pub fn fail_at(&self, call: u64, kind: io::ErrorKind) {
        self.machine.lock().faults.fail_at.insert(call, kind);
    }

    /// Lets sync number `sync` fail once, as [`SimHost::syncs`] counts them from 1.
    pub fn fail_sync_at(&self, sync: u64) {
        self.machine.lock().faults.fail_sync_at.insert(sync);
    }

    /// Limits the disk to that many bytes, in whole pages. Can be changed at any time.
    pub fn capacity(&self, bytes: u64) {
        self.machine.lock().faults.capacity_pages = bytes / file::PAGE_BYTES as u64;
    }

    /// The machine loses power and starts again: what was not synced is at the mercy of the seed, and
    /// shared memory is gone. Scheduled failures are forgotten, the capacity stays.
    pub fn power_failure(&self, seed: u64) {
        self.machine.lock().power_failure(seed);
    }

    /// The process dies: page cache, names and shared memory survive, locks are released. Scheduled
    /// failures are forgotten, the capacity stays.
    pub fn process_crash(&self) {
        self.machine.lock().process_crash();
    }

    /// The bytes of a file, as a process would read them. Counts as no call.
    pub fn read_file(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.machine.lock().read_file(path)
    }

    /// Damages or replaces a file on the platter and in the cache. Counts as no call.
    pub fn overwrite_file(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.machine.lock().overwrite_file(path, bytes)
    }
}

impl fmt::Debug for SimHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SimHost({} calls)", self.calls())
    }
}
