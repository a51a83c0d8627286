//! What the next maintenance run would do, as any process can tell: from MANIFEST, the journal, and the volume.

use std::path::Path;

use super::plan::{Earlier, Plan, PlanInput, is_held, plan};
use super::usage::usage;
use crate::catalog::Manifest;
use crate::error::Result;
use crate::event::Timestamp;
use crate::open::is_cold_there;
use crate::segment::Places;
use crate::vfs::Host;
use crate::view::Reader;

/// What a maintenance run would do at a time; now if not given. Needs no lock and changes nothing.
///
/// # Errors
/// As [`Reader::open`], those of the journal, of measuring the volume, and of the look for held events.
pub fn foresee(database: impl AsRef<Path>, at: Option<Timestamp>, force: bool) -> Result<Plan> {
    foresee_on(&Host::os(), database.as_ref(), at, force)
}

/// As [`foresee`], on the given host.
///
/// # Errors
/// As [`foresee`].
pub fn foresee_on(host: &Host, database: &Path, at: Option<Timestamp>, force: bool) -> Result<Plan> {
    let reader = Reader::open_on(host, database)?;
    let snapshot = reader.snapshot()?;
    let Manifest { identity, retired, cold_directory, .. } = Manifest::read(host, database)?;
    let places = Places::new(database, cold_directory.as_deref());
    let segments: Vec<_> = snapshot.segments().cloned().collect();
    plan(PlanInput {
        now_ns: at.map_or_else(|| host.clock.now_ns(), |at| at.0),
        segments: &segments,
        ledger: &reader.ledger()?,
        usage: usage(host, &places, &retired)?,
        force,
        cold_is_there: is_cold_there(host, &places, identity)?,
        earlier: &Earlier::default(),
        is_held: &mut |query, partition| is_held(&snapshot, query, partition),
    })
}
