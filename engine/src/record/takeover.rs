//! Rings that a process left behind when it died.

use std::collections::HashMap;

use crate::error::{Error, Result};
use crate::event::ProducerId;
use crate::record::{Ring, RingOwner};
use crate::vfs::Host;
use crate::wal::{FrameKind, RecoveredWal};

/// Rings, and the names of those that cannot be used with the reason.
pub(crate) type FoundRings = (Vec<Ring>, Vec<(String, Error)>);

/// The rings of `owner`, by producer. Those that were still being made hold nothing and are left out.
///
/// # Errors
/// If the shared memory cannot be listed.
pub(crate) fn rings_of(host: &Host, owner: RingOwner) -> Result<FoundRings> {
    let names = owner.list(host).map_err(|error| Error::io("list", "shared memory".as_ref(), error))?;
    let (mut rings, mut unusable) = (Vec::new(), Vec::new());
    for name in names {
        match Ring::open(host, owner, &name) {
            Ok(Some(ring)) => rings.push(ring),
            Ok(None) => {}
            Err(error) => unusable.push((name, error)),
        }
    }
    rings.sort_by_key(Ring::producer);
    Ok((rings, unusable))
}

/// For each producer the pseq after its last in the WAL.
///
/// # Errors
/// If a frame does not hold the records it says.
pub(crate) fn written_by_producer(wal: &RecoveredWal) -> Result<HashMap<ProducerId, u64>> {
    let mut written = HashMap::new();
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
                written.insert(frame.producer, record.pseq + 1);
            }
        }
    }
    Ok(written)
}
