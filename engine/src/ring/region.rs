//! The ring between one recorder and the writer: single producer, single consumer, in shared memory.
//!
//! ```text
//! 0        64         2048                                     2176    4096
//! ┌────────┬──────────┬─────────────────────────────────────┬──────┬────────────────────────┐
//! │ header │ defaults │ tail · next pseq · dropped · refused│ head*│ records (power of two) │
//! └────────┴──────────┴─────────────────────────────────────┴──────┴────────────────────────┘
//! header = magic u64 · version u32, producer u32 · database u128 · lock identity u64 · capacity u64 ·
//!          defaults length u64 · state u64 (1: live)
//! head*  = head · settled pseq · session of the process that made it, as its LOCK file says
//! ```
//! `tail` and `head` count bytes since the beginning and never wrap; a record lies at its position modulo
//! the capacity and is never split: a record length of 0 means "go on at the start".
//!
//! Invariants:
//! - the producer writes only positions in [tail, head + capacity), the consumer reads only [head, tail);
//! - a record is whole before `tail` passes it (release), so a killed process leaves only whole records;
//! - `head` passes a record only after it stands in the WAL, so a record is in the ring, in the WAL, or in
//!   both, and then (producer, pseq) tells that they are the same;
//! - `settled pseq` is stored before `head`: every pseq below it stands in the WAL or segments, or is recorded
//!   there as lost;
//! - `next pseq` is stored after `tail`: once the consumer has drained to a tail loaded after it, every
//!   pseq below it that did not come is lost.

use std::io;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::error::{Error, Result};
use crate::event::ProducerId;
use crate::event::record::{ALIGNMENT, Defaults, HEADER_BYTES, padded};
use crate::limits::RECORD_BYTES_MAX;
use crate::vfs::{Host, MemoryRegion};

const MAGIC: u64 = u64::from_le_bytes(*b"BLTRRNG1");
const VERSION: u32 = 1;
const DEFAULTS_AT: usize = 64;
const TAIL: usize = 2048;
const NEXT_PSEQ: usize = 2056;
const DROPPED: usize = 2064;
const REFUSED: usize = 2072;
const HEAD: usize = 2176;
const SETTLED_PSEQ: usize = 2184;
const SESSION: usize = 2192;
const RECORDS_AT: usize = 4096;
const STATE_LIVE: u64 = 1;

/// Whose rings they are: the database, and the lock file that no copy of the directory shares.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct RingOwner {
    pub(crate) database: u128,
    pub(crate) lock_identity: u64,
}

impl RingOwner {
    fn prefix(&self) -> String {
        format!("blotter-{:032x}-{:016x}-", self.database, self.lock_identity)
    }

    fn name(&self, producer: ProducerId) -> String {
        format!("{}{:08x}.ring", self.prefix(), producer.0)
    }

    /// The producer that a ring's name was made for.
    pub(crate) fn producer_in(name: &str) -> Option<u32> {
        let digits = name.strip_suffix(".ring")?.rsplit('-').next()?;
        u32::from_str_radix(digits, 16).ok()
    }

    /// Names of the rings that exist.
    pub(crate) fn list(&self, host: &Host) -> std::io::Result<Vec<String>> {
        host.memory.list(&self.prefix())
    }
}

/// The shared region, with its fields.
#[derive(Debug)]
pub(crate) struct Ring {
    region: Box<dyn MemoryRegion>,
    name: String,
    producer: ProducerId,
    defaults: Defaults,
    capacity: u64,
    /// Set when the recorder is gone: once drained, the ring can be removed.
    closed: AtomicBool,
}

impl Ring {
    /// Creates a ring. `capacity` is a power of two.
    pub(crate) fn create(
        host: &Host,
        owner: RingOwner,
        session: u64,
        producer: ProducerId,
        defaults: Defaults,
        capacity: usize,
    ) -> Result<Ring> {
        assert!(capacity.is_power_of_two() && capacity >= RECORD_BYTES_MAX, "options are checked at open");
        assert!(defaults.bytes().len() <= TAIL - DEFAULTS_AT, "defaults are checked when encoded");
        let name = owner.name(producer);
        let failed = |error| Error::io("create the shared memory", name.as_ref(), error);
        let region = host.memory.create(&name, RECORDS_AT + capacity).map_err(failed)?;
        let capacity = capacity as u64;
        let ring = Ring { region, name, producer, defaults, capacity, closed: AtomicBool::new(false) };
        let words = [
            MAGIC,
            u64::from(VERSION) | u64::from(producer.0) << 32,
            owner.database as u64,
            (owner.database >> 64) as u64,
            owner.lock_identity,
            ring.capacity,
            ring.defaults.bytes().len() as u64,
        ];
        for (index, word) in words.into_iter().enumerate() {
            ring.word(index * 8).store(word, Ordering::Relaxed);
        }
        let defaults = ring.defaults.bytes();
        // SAFETY: the defaults fit between DEFAULTS_AT and TAIL (asserted), inside the region, which nobody
        // else uses before the state is live.
        unsafe {
            ptr::copy_nonoverlapping(defaults.as_ptr(), ring.region.base().add(DEFAULTS_AT), defaults.len())
        };
        ring.word(SESSION).store(session, Ordering::Relaxed);
        ring.word(56).store(STATE_LIVE, Ordering::Release);
        Ok(ring)
    }

    /// Opens a ring that a process left behind. Nothing in it is trusted. `None` if it was still being
    /// made, and so holds nothing.
    pub(crate) fn open(host: &Host, owner: RingOwner, name: &str) -> Result<Option<Ring>> {
        let path = name.as_ref();
        let region = match host.memory.open(name) {
            Ok(region) => region,
            // Its maker died between naming it and giving it room.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(Error::io("open the shared memory", path, error)),
        };
        let damaged = |offset, expected: String, found: String| {
            Error::damaged(
                path,
                offset,
                expected,
                found,
                "the ring is set aside; what it held and the WAL does not is lost",
            )
        };
        // The state is stored last, so a shorter one cannot be live.
        if region.len() < RECORDS_AT {
            return Ok(None);
        }
        let mut ring = Ring {
            region,
            name: name.to_owned(),
            producer: ProducerId(0),
            defaults: Defaults::default(),
            capacity: 0,
            closed: AtomicBool::new(true),
        };
        if ring.word(56).load(Ordering::Acquire) != STATE_LIVE {
            return Ok(None);
        }
        let words: Vec<u64> = (0..7).map(|index| ring.word(index * 8).load(Ordering::Relaxed)).collect();
        if words[0] != MAGIC {
            return Err(damaged(0, format!("magic {MAGIC:016x}"), format!("{:016x}", words[0])));
        }
        let version = words[1] as u32;
        if version != VERSION {
            return Err(Error::NewerVersion {
                path: path.into(),
                kind: "ring",
                found: version,
                supported: VERSION,
            });
        }
        let found = RingOwner {
            database: u128::from(words[2]) | u128::from(words[3]) << 64,
            lock_identity: words[4],
        };
        if found != owner {
            return Err(damaged(16, format!("{owner:?}"), format!("{found:?}")));
        }
        let (capacity, defaults_bytes) = (words[5], words[6] as usize);
        if !capacity.is_power_of_two() || capacity as usize != ring.region.len() - RECORDS_AT {
            return Err(damaged(
                40,
                format!("capacity {}", ring.region.len() - RECORDS_AT),
                format!("{capacity}"),
            ));
        }
        if defaults_bytes > TAIL - DEFAULTS_AT {
            return Err(damaged(48, "defaults of 1984 bytes at most".into(), format!("{defaults_bytes}")));
        }
        let mut defaults = vec![0; defaults_bytes];
        // SAFETY: the bounds were checked; the process that wrote there is gone.
        unsafe {
            ptr::copy_nonoverlapping(
                ring.region.base().add(DEFAULTS_AT),
                defaults.as_mut_ptr(),
                defaults_bytes,
            )
        };
        ring.defaults =
            Defaults::parse(&defaults).map_err(|error| damaged(64, "defaults".into(), error.to_string()))?;
        ring.producer = ProducerId((words[1] >> 32) as u32);
        ring.capacity = capacity;
        let (head, tail) = (ring.head(), ring.tail());
        if tail < head || tail - head > capacity || !head.is_multiple_of(8) || !tail.is_multiple_of(8) {
            return Err(damaged(
                TAIL as u64,
                "head <= tail <= head + capacity".into(),
                format!("head {head}, tail {tail}"),
            ));
        }
        Ok(Some(ring))
    }

    /// Removes the name; the memory goes with the last mapping.
    pub(crate) fn remove(&self, host: &Host) -> Result<()> {
        host.memory
            .remove(&self.name)
            .map_err(|error| Error::io("remove the shared memory", self.name.as_ref(), error))
    }

    #[inline]
    fn word(&self, offset: usize) -> &AtomicU64 {
        debug_assert!(offset + 8 <= RECORDS_AT && offset.is_multiple_of(8));
        // SAFETY: the region is at least RECORDS_AT long and aligned to 64, the offset is a multiple of 8
        // below it, and these words are only accessed as atomics.
        unsafe { AtomicU64::from_ptr(self.region.base().add(offset).cast()) }
    }

    /// Says that no more will come.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    pub(crate) fn producer(&self) -> ProducerId {
        self.producer
    }

    /// The session of the process that made it.
    pub(crate) fn session(&self) -> u64 {
        self.word(SESSION).load(Ordering::Relaxed)
    }

    pub(crate) fn defaults(&self) -> &Defaults {
        &self.defaults
    }

    #[inline]
    pub(crate) fn tail(&self) -> u64 {
        self.word(TAIL).load(Ordering::Acquire)
    }

    #[inline]
    pub(crate) fn head(&self) -> u64 {
        self.word(HEAD).load(Ordering::Acquire)
    }

    /// The pseq after the last that the producer used, lost ones included.
    pub(crate) fn next_pseq(&self) -> u64 {
        self.word(NEXT_PSEQ).load(Ordering::Acquire)
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.word(DROPPED).load(Ordering::Relaxed)
    }

    pub(crate) fn refused(&self) -> u64 {
        self.word(REFUSED).load(Ordering::Relaxed)
    }

    /// Share of the ring that is waiting to be written, 0 to 1.
    pub(crate) fn fill(&self) -> f64 {
        self.tail().saturating_sub(self.head()) as f64 / self.capacity as f64
    }

    /// The pseq below which everything is in the WAL or beyond, or recorded as lost.
    pub(crate) fn settled_pseq(&self) -> u64 {
        self.word(SETTLED_PSEQ).load(Ordering::Acquire)
    }

    /// Consumer: gives the space before `position` back to the producer; everything below `settled_pseq` is
    /// written.
    pub(crate) fn release(&self, position: u64, settled_pseq: u64) {
        self.word(SETTLED_PSEQ).store(settled_pseq, Ordering::Release);
        self.word(HEAD).store(position, Ordering::Release);
    }

    /// Consumer: the bytes in [position, tail) that lie together from `position` on.
    pub(crate) fn readable(&self, position: u64, tail: u64) -> &[u8] {
        debug_assert!(position <= tail && tail - position <= self.capacity);
        let at = position & (self.capacity - 1);
        let contiguous = (self.capacity - at).min(tail - position);
        // SAFETY: [position, tail) holds what the producer published with the tail, and it does not write
        // there again before the head passes it, which only this consumer does, after using the slice.
        unsafe {
            std::slice::from_raw_parts(self.region.base().add(RECORDS_AT + at as usize), contiguous as usize)
        }
    }

    /// Calls `take` with the bytes from each record on that is left in the ring of a dead process, until it
    /// returns false or the bytes cannot be records.
    pub(crate) fn each_left(&self, mut take: impl FnMut(&[u8]) -> bool) {
        let (mut position, tail) = (self.head(), self.tail());
        while position < tail {
            let bytes = self.readable(position, tail);
            let length = bytes.first_chunk::<4>().map_or(0, |length| u32::from_le_bytes(*length) as usize);
            if length == 0 {
                position = self.next_lap(position);
            } else if padded(length) > bytes.len() || !take(bytes) {
                return;
            } else {
                position += padded(length) as u64;
            }
        }
    }

    /// Position at the start of the ring after `position`.
    pub(crate) fn next_lap(&self, position: u64) -> u64 {
        (position | (self.capacity - 1)) + 1
    }
}

/// The producer's side of a ring. One exists per ring.
#[derive(Debug)]
pub(crate) struct RingProducer {
    ring: std::sync::Arc<Ring>,
    tail: u64,
    /// The head as last seen; the true one is at or after it.
    head_seen: u64,
    dropped: u64,
    refused: u64,
}

impl RingProducer {
    /// The producer's side of a ring just created.
    pub(crate) fn new(ring: std::sync::Arc<Ring>) -> RingProducer {
        RingProducer { ring, tail: 0, head_seen: 0, dropped: 0, refused: 0 }
    }

    pub(crate) fn ring(&self) -> &std::sync::Arc<Ring> {
        &self.ring
    }

    /// Appends a whole padded record and publishes it; false if there is no room.
    #[inline]
    pub(crate) fn push(&mut self, record: &[u8], next_pseq: u64) -> bool {
        debug_assert!(record.len() >= HEADER_BYTES && record.len().is_multiple_of(ALIGNMENT));
        let capacity = self.ring.capacity;
        let at = self.tail & (capacity - 1);
        let to_end = capacity - at;
        let needed = record.len() as u64;
        let skipped = if needed > to_end { to_end } else { 0 };
        if self.tail + skipped + needed - self.head_seen > capacity {
            self.head_seen = self.ring.head();
            if self.tail + skipped + needed - self.head_seen > capacity {
                return false;
            }
        }
        let base = self.ring.region.base();
        let mut at = at as usize;
        if skipped > 0 {
            // SAFETY: positions are multiples of 8, so 4 bytes fit before the end; the space is free.
            unsafe { base.add(RECORDS_AT + at).cast::<u32>().write(0) };
            at = 0;
        }
        // SAFETY: [at, at + len) lies inside the ring, and inside [tail, head + capacity), which only this
        // producer writes.
        unsafe { ptr::copy_nonoverlapping(record.as_ptr(), base.add(RECORDS_AT + at), record.len()) };
        self.tail += skipped + needed;
        self.ring.word(TAIL).store(self.tail, Ordering::Release);
        self.ring.word(NEXT_PSEQ).store(next_pseq, Ordering::Release);
        true
    }

    /// Counts an event that found no room.
    pub(crate) fn count_dropped(&mut self, next_pseq: u64) {
        self.dropped += 1;
        self.ring.word(DROPPED).store(self.dropped, Ordering::Relaxed);
        self.ring.word(NEXT_PSEQ).store(next_pseq, Ordering::Release);
    }

    /// Counts an event that was over a limit.
    pub(crate) fn count_refused(&mut self) {
        self.refused += 1;
        self.ring.word(REFUSED).store(self.refused, Ordering::Relaxed);
    }

    /// Position after the last record pushed.
    pub(crate) fn tail(&self) -> u64 {
        self.tail
    }
}
