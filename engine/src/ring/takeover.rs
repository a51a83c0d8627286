//! Rings that a process left behind when it died.

use std::collections::HashMap;
use std::ops::Range;

use crate::error::{Error, Result};
use crate::event::record::Record;
use crate::event::{Category, Field, FieldRef, ProducerId, ValueRef, names};
use crate::ring::{Ring, RingOwner};
use crate::vfs::Host;
use crate::wal::{FrameKind, RecoveredWal};

/// What was found in shared memory under an owner's name.
#[derive(Debug, Default)]
pub(crate) struct FoundRings {
    /// Whole rings, by producer.
    pub(crate) rings: Vec<Ring>,
    /// Names of rings that were still being made and hold nothing.
    pub(crate) unfinished: Vec<String>,
    /// Rings that cannot be used, and why.
    pub(crate) unusable: Vec<(String, Error)>,
}

impl FoundRings {
    /// Opens the rings of `owner`.
    ///
    /// # Errors
    /// If the shared memory cannot be listed.
    pub(crate) fn of(host: &Host, owner: RingOwner) -> Result<FoundRings> {
        let names = owner.list(host).map_err(|error| Error::io("list", "shared memory".as_ref(), error))?;
        let mut found = FoundRings::default();
        for name in names {
            match Ring::open(host, owner, &name) {
                Ok(Some(ring)) => found.rings.push(ring),
                Ok(None) => found.unfinished.push(name),
                Err(error) => found.unusable.push((name, error)),
            }
        }
        found.rings.sort_by_key(Ring::producer);
        Ok(found)
    }

    /// The highest number that any of them was made for, so that no new ring meets their names.
    pub(crate) fn highest_producer(&self) -> Option<u32> {
        let usable = self.rings.iter().map(|ring| ring.producer().0);
        let others = self.unfinished.iter().chain(self.unusable.iter().map(|(name, _)| name));
        usable.chain(others.filter_map(|name| RingOwner::producer_in(name))).max()
    }
}

/// For each producer the pseq after its last that stands in the unsealed WAL, or is recorded there as lost.
#[derive(Debug, Default)]
pub(crate) struct WrittenCounts {
    next: HashMap<ProducerId, u64>,
}

impl WrittenCounts {
    /// Counts what the WAL holds.
    ///
    /// # Errors
    /// If a frame does not hold the records it says.
    pub(crate) fn of_wal(wal: &RecoveredWal) -> Result<WrittenCounts> {
        let mut written = WrittenCounts::default();
        for file in &wal.files {
            for frame in file.frames.iter().filter(|frame| frame.kind == FrameKind::Events) {
                let mut records = frame.records(&file.bytes);
                while let Some(record) = records.next() {
                    let (_, record) = record.map_err(|error| {
                        Error::damaged(
                            format!("wal/{}.wal", file.header.number).as_ref(),
                            records.offset,
                            "an event record",
                            error.to_string(),
                            "run `blotter repair` to keep what is readable",
                        )
                    })?;
                    written.note(frame.producer, &record);
                }
            }
        }
        Ok(written)
    }

    /// Counts one record.
    pub(crate) fn note(&mut self, producer: ProducerId, record: &Record<'_>) {
        self.raise(producer, record.pseq + 1);
        if record.category == Category::SYSTEM
            && let Some((producer, lost)) = loss_in(record)
        {
            self.raise(producer, lost.end);
        }
    }

    fn raise(&mut self, producer: ProducerId, next: u64) {
        let known = self.next.entry(producer).or_default();
        *known = next.max(*known);
    }

    /// The pseq after that producer's last.
    pub(crate) fn of(&self, producer: ProducerId) -> u64 {
        self.next.get(&producer).copied().unwrap_or(0)
    }
}

/// The producer of a recorded loss, and what it lost.
pub(crate) fn loss_in(record: &Record<'_>) -> Option<(ProducerId, Range<u64>)> {
    let (mut is_loss, mut producer, mut first, mut count) = (false, None, None, None);
    for field in record.fields() {
        match field.ok()? {
            (FieldRef::Known(Field::EVENT), ValueRef::Str(name)) => is_loss = name == names::EVENTS_LOST,
            (FieldRef::Named("lost_producer"), ValueRef::I64(value)) => producer = u32::try_from(value).ok(),
            (FieldRef::Named("lost_first_pseq"), ValueRef::I64(value)) => first = u64::try_from(value).ok(),
            (FieldRef::Named("lost_count"), ValueRef::I64(value)) => count = u64::try_from(value).ok(),
            _ => {}
        }
    }
    let first = first?;
    is_loss.then_some((ProducerId(producer?), first..first.checked_add(count?)?))
}
