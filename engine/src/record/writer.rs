//! Drains every ring into the WAL, in one thread at a time: the writer thread, or whoever flushes.
//!
//! One step: write what an earlier failure left; copy what the rings hold into frames; write them;
//! only then give the space back to the producers; rotate when the file is full or old. A producer's
//! count that jumps is a loss: it is recorded, in place, as a `system` event of the writer's own producer.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use crossbeam_channel::Sender;

use crate::catalog::WalAnchor;
use crate::error::{Error, Refused, Result};
use crate::event::record::{
    Defaults, Encoder, HEADER_BYTES as RECORD_HEADER_BYTES, Record, RecordError, padded,
};
use crate::event::{Category, Field, FieldRef, Level, ProducerId, Seq, Timestamp, ValueRef, names};
use crate::limits::{FRAME_PAYLOAD_BYTES_MAX, RECORD_BYTES_MAX};
use crate::ring::Ring;
use crate::vfs::Host;
use crate::view::{Versions, WalTail};
use crate::wal::{AppendPosition, GroupSync, HEADER_BYTES, WalAppender, WalNumber};

/// Rings in use. The writer looks again when the generation changes.
#[derive(Debug, Default)]
pub(crate) struct RingRegistry {
    rings: Mutex<Vec<Arc<Ring>>>,
    generation: AtomicU64,
}

impl RingRegistry {
    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Ring>>> {
        self.rings.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub(crate) fn add(&self, ring: Arc<Ring>) {
        self.lock().push(ring);
        self.generation.fetch_add(1, Ordering::Release);
    }

    fn remove(&self, producer: ProducerId) {
        self.lock().retain(|ring| ring.producer() != producer);
        self.generation.fetch_add(1, Ordering::Release);
    }

    /// The rings in use.
    pub(crate) fn rings(&self) -> Vec<Arc<Ring>> {
        self.lock().clone()
    }
}

/// When a WAL file is finished.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WriterOptions {
    pub(crate) wal_bytes_max: u64,
    pub(crate) wal_age_max_ns: i64,
}

/// What a step did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Step {
    /// Records were written.
    Wrote,
    /// There was nothing to do.
    Idle,
}

/// Events that were accepted or dropped by recorders that are gone.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) emitted: u64,
    pub(crate) dropped: u64,
    pub(crate) refused: u64,
}

/// A ring and how far it has been drained.
#[derive(Debug)]
struct Drained {
    ring: Arc<Ring>,
    /// Position after the last record copied into a frame.
    position: u64,
    /// Head given back to the producer.
    released: u64,
    /// The pseq that comes next if nothing is lost.
    expected: u64,
    /// The pseq below which the ring itself says that everything is written.
    settled: u64,
    /// Left behind by another process: every record is checked before it is taken.
    is_foreign: bool,
}

/// See the module.
pub(crate) struct Writer {
    host: Host,
    options: WriterOptions,
    appender: WalAppender,
    registry: Arc<RingRegistry>,
    generation: u64,
    rings: Vec<Drained>,
    own: OwnProducer,
    versions: Arc<Versions>,
    tail: Arc<WalTail>,
    /// Numbers of finished files go to the sealer.
    finished: Sender<WalNumber>,
    /// Time of the first event in the current file.
    file_began_ns: Option<i64>,
    totals: Totals,
    /// What was found damaged in rings that another process left behind.
    ring_damage: Vec<Error>,
}

/// The writer's own events.
struct OwnProducer {
    id: ProducerId,
    defaults: Defaults,
    encoder: Encoder,
    pseq: u64,
}

impl OwnProducer {
    fn loss(
        &mut self,
        now: Timestamp,
        producer: ProducerId,
        first: u64,
        count: u64,
    ) -> Result<&[u8], Refused> {
        let encoder = &mut self.encoder;
        encoder.begin(Category::SYSTEM, Level::Error);
        encoder.known(Field::EVENT, ValueRef::Str(names::EVENTS_LOST))?;
        encoder.formatted(
            FieldRef::Known(Field::MESSAGE),
            format_args!("producer {producer} lost {count} events from its {first} on: its ring was full"),
        )?;
        encoder.field(FieldRef::Named("lost_producer"), ValueRef::I64(i64::from(producer.0)))?;
        encoder.field(FieldRef::Named("lost_first_pseq"), ValueRef::from(first))?;
        encoder.field(FieldRef::Named("lost_count"), ValueRef::from(count))?;
        self.pseq += 1;
        Ok(encoder.finish(now, self.pseq - 1))
    }
}

impl Writer {
    pub(crate) fn new(
        host: &Host,
        options: WriterOptions,
        appender: WalAppender,
        own: ProducerId,
        registry: Arc<RingRegistry>,
        versions: Arc<Versions>,
        finished: Sender<WalNumber>,
    ) -> Result<Writer> {
        let defaults = Defaults::new([(Field::SERVICE, "blotter")])?;
        let tail = versions.newest_tail();
        let has_events = appender.written_offset() > HEADER_BYTES;
        let file_began_ns = has_events.then(|| host.clock.now_ns());
        Ok(Writer {
            host: host.clone(),
            options,
            appender,
            registry,
            generation: u64::MAX,
            rings: Vec::new(),
            own: OwnProducer { id: own, defaults, encoder: Encoder::new(), pseq: 0 },
            versions,
            tail,
            finished,
            file_began_ns,
            totals: Totals::default(),
            ring_damage: Vec::new(),
        })
    }

    /// Adds a ring that another process left behind. The unsealed WAL holds everything before `in_wal`.
    pub(crate) fn adopt(&mut self, ring: Arc<Ring>, in_wal: u64) {
        let expected = in_wal.max(ring.settled_pseq());
        let head = ring.head();
        self.rings.push(Drained {
            ring,
            position: head,
            released: head,
            expected,
            settled: 0,
            is_foreign: true,
        });
    }

    /// Drains all rings once, and writes.
    ///
    /// # Errors
    /// A failed write, after which the step can be repeated; or a failed sync, which is final.
    pub(crate) fn step(&mut self) -> Result<Step> {
        self.write()?;
        self.look_for_new_rings();
        let seq_before = self.appender.next_seq();
        for index in 0..self.rings.len() {
            self.drain(index)?;
        }
        self.write()?;
        self.remove_closed_rings()?;
        if self.is_rotation_due() {
            self.rotate()?;
        }
        Ok(if self.appender.next_seq() == seq_before { Step::Idle } else { Step::Wrote })
    }

    fn look_for_new_rings(&mut self) {
        let generation = self.registry.generation.load(Ordering::Acquire);
        if generation == self.generation {
            return;
        }
        self.generation = generation;
        for ring in self.registry.rings() {
            if !self.rings.iter().any(|known| Arc::ptr_eq(&known.ring, &ring)) {
                let head = ring.head();
                self.rings.push(Drained {
                    ring,
                    position: head,
                    released: head,
                    expected: 0,
                    settled: 0,
                    is_foreign: false,
                });
            }
        }
    }

    /// Copies what a ring holds into frames.
    fn drain(&mut self, index: usize) -> Result<()> {
        let ring = Arc::clone(&self.rings[index].ring);
        // Before the tail: what is below this count and does not come up to that tail is lost.
        let next_pseq = ring.next_pseq();
        let tail = ring.tail();
        while self.rings[index].position < tail {
            let position = self.rings[index].position;
            let bytes = ring.readable(position, tail);
            let taken = self.take_run(index, &ring, bytes);
            self.rings[index].position = match taken {
                Run::Bytes(count) => position + count as u64,
                Run::NextLap => ring.next_lap(position).min(tail),
                Run::Damaged(offset, error) => {
                    let found = error.to_string();
                    let path = format!("ring of producer {}", ring.producer());
                    let hint = "what the ring held beyond that is lost; the loss is recorded";
                    let place = position + offset as u64;
                    self.ring_damage.push(Error::damaged(
                        path.as_ref(),
                        place,
                        "an event record",
                        found,
                        hint,
                    ));
                    tail
                }
            };
            if self.appender.is_buffer_full() {
                self.write()?;
            }
        }
        let expected = self.rings[index].expected;
        if next_pseq > expected {
            self.append_loss(ring.producer(), expected, next_pseq - expected);
            // Buffered is as good as recorded: the buffer is written sooner or later, and never given up.
            self.rings[index].expected = next_pseq;
        }
        Ok(())
    }

    /// Frames the longest run of records at the start of `bytes` that needs no loss record before it.
    fn take_run(&mut self, index: usize, ring: &Ring, bytes: &[u8]) -> Run {
        let drained = &mut self.rings[index];
        let (mut start, mut at, mut count) = (0, 0, 0u32);
        let mut gap = None;
        while let Some(length) = record_length(&bytes[at..]) {
            if length == 0 {
                break;
            }
            let step = padded(length);
            let pseq = match check_record(&bytes[at..], length, drained.is_foreign) {
                Ok(pseq) => pseq,
                Err(error) if at == 0 => return Run::Damaged(at, error),
                Err(_) => break,
            };
            if pseq < drained.expected {
                // It stands in the WAL already: the process died between writing it and giving its space back.
                if count > 0 {
                    break;
                }
                at += step;
                start = at;
                continue;
            }
            if pseq > drained.expected {
                if count > 0 {
                    break;
                }
                gap = Some((drained.expected, pseq - drained.expected));
                drained.expected = pseq;
            }
            if at + step - start > FRAME_PAYLOAD_BYTES_MAX {
                break;
            }
            drained.expected += 1;
            count += 1;
            at += step;
        }
        if let Some((first, lost)) = gap {
            self.append_loss(ring.producer(), first, lost);
        }
        if count > 0 {
            self.appender.append(ring.producer(), ring.defaults(), &bytes[start..at], count);
            self.file_began_ns.get_or_insert_with(|| self.host.clock.now_ns());
        }
        if at == 0 { Run::NextLap } else { Run::Bytes(at) }
    }

    fn append_loss(&mut self, producer: ProducerId, first: u64, count: u64) {
        let now = Timestamp(self.host.clock.now_ns());
        let own = &mut self.own;
        let (id, defaults) = (own.id, own.defaults.clone());
        let record = own.loss(now, producer, first, count).expect("the fields are short and named once");
        self.appender.append(id, &defaults, record, 1);
        self.file_began_ns.get_or_insert(now.0);
    }

    /// Writes the frames, then gives the producers their space back.
    fn write(&mut self) -> Result<()> {
        self.appender.write()?;
        self.tail.set_written(self.appender.written_offset());
        for drained in &mut self.rings {
            if drained.position > drained.released || drained.expected > drained.settled {
                drained.ring.release(drained.position, drained.expected);
                drained.released = drained.position;
                drained.settled = drained.expected;
            }
        }
        Ok(())
    }

    fn remove_closed_rings(&mut self) -> Result<()> {
        let is_done = |drained: &Drained| {
            let ring = &drained.ring;
            ring.is_closed() && drained.released == ring.tail() && drained.expected >= ring.next_pseq()
        };
        while let Some(index) = self.rings.iter().position(is_done) {
            let Drained { ring, is_foreign, .. } = self.rings.swap_remove(index);
            // What a dead process counted is not of this opening.
            if !is_foreign {
                self.totals.emitted += ring.next_pseq().saturating_sub(ring.dropped());
                self.totals.dropped += ring.dropped();
                self.totals.refused += ring.refused();
            }
            self.registry.remove(ring.producer());
            ring.remove(&self.host)?;
        }
        Ok(())
    }

    fn is_rotation_due(&self) -> bool {
        let Some(began_ns) = self.file_began_ns else { return false };
        self.appender.written_offset() >= self.options.wal_bytes_max
            || self.host.clock.now_ns().saturating_sub(began_ns) >= self.options.wal_age_max_ns
    }

    /// Finishes the current file and hands it to the sealer, if it holds anything.
    ///
    /// # Errors
    /// IO errors, after which the old file goes on; or a failed sync, which is final.
    pub(crate) fn rotate(&mut self) -> Result<()> {
        self.write()?;
        if self.appender.written_offset() == HEADER_BYTES {
            return Ok(());
        }
        let finished = self.appender.number();
        self.appender.rotate()?;
        // Readers of the finished file see its End frame; the new file is known before anything is in it.
        let (file, header) = self.appender.file();
        self.tail = self.versions.add_tail(*header, Arc::clone(file), self.appender.written_offset());
        self.file_began_ns = None;
        // The sealer ends only after the writer, unless it panicked; then the file waits for the next open.
        self.finished.send(finished).unwrap_or_default();
        Ok(())
    }

    /// Writes a mark when the last frame does not say how far the file is durable.
    pub(crate) fn mark(&mut self) -> Result<()> {
        if self.appender.mark() {
            self.write()?;
        }
        Ok(())
    }

    pub(crate) fn sync(&self) -> &Arc<GroupSync> {
        self.appender.sync()
    }

    /// The place in the WAL up to which everything is durable, if everything is and there is anything.
    pub(crate) fn durable_anchor(&self) -> Option<WalAnchor> {
        let (_, header) = self.appender.file();
        let durable_end = self.appender.written_offset();
        let is_durable = self.sync().durable_position() >= self.written_position();
        (is_durable && durable_end > HEADER_BYTES).then(|| WalAnchor {
            number: header.number.0,
            durable_end,
            next_seq: self.next_seq().0,
        })
    }

    pub(crate) fn written_position(&self) -> AppendPosition {
        self.appender.written_position()
    }

    pub(crate) fn next_seq(&self) -> Seq {
        self.appender.next_seq()
    }

    pub(crate) fn totals(&self) -> Totals {
        self.totals
    }

    pub(crate) fn take_ring_damage(&mut self) -> Vec<Error> {
        std::mem::take(&mut self.ring_damage)
    }
}

/// What was taken from the front of a ring's bytes.
enum Run {
    /// That many bytes.
    Bytes(usize),
    /// Nothing: the producer went on at the start of the ring.
    NextLap,
    /// Nothing, and there is no record at that offset.
    Damaged(usize, RecordError),
}

#[inline]
fn record_length(bytes: &[u8]) -> Option<usize> {
    let length = bytes.first_chunk::<4>()?;
    Some(u32::from_le_bytes(*length) as usize)
}

/// The record's pseq, if there is a record.
#[inline]
fn check_record(bytes: &[u8], length: usize, is_foreign: bool) -> Result<u64, RecordError> {
    if !(RECORD_HEADER_BYTES..=RECORD_BYTES_MAX).contains(&length) || padded(length) > bytes.len() {
        return Err(RecordError("its length is out of range"));
    }
    if is_foreign {
        Record::parse(bytes)?.fields().try_for_each(|field| field.map(drop))?;
    }
    Ok(u64::from_le_bytes([0, 1, 2, 3, 4, 5, 6, 7].map(|i| bytes[16 + i])))
}
