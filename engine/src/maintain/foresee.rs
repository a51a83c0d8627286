//! What the next maintenance run would do, as any process can tell: from MANIFEST, the journal, and the volume.

use std::path::Path;

use super::plan::{Earlier, HoldSearch, Plan, PlanInput, Usage, plan};
use super::usage::usage;
use crate::catalog::Manifest;
use crate::error::Result;
use crate::event::Timestamp;
use crate::open::is_cold_there;
use crate::segment::Places;
use crate::vfs::Host;
use crate::view::Reader;

/// What the next run would do, and what that rests on.
#[derive(Clone, PartialEq, Debug)]
pub struct Foresight {
    /// What it would do.
    pub plan: Plan,
    /// What is taken of the disk, without files that wait to be removed.
    pub usage: Usage,
    /// Whether the directory of cold segments is there; always true where it is the database's own.
    pub cold_is_there: bool,
}

/// What a maintenance run would do at a time; now if not given. Needs no lock and changes nothing.
///
/// # Errors
/// As [`Reader::open`], and those of the journal, of measuring the volume, and of the look for held events.
pub fn foresee(database: impl AsRef<Path>, at: Option<Timestamp>, force: bool) -> Result<Foresight> {
    foresee_on(&Host::os(), database.as_ref(), at, force)
}

/// As [`foresee`], on the given host.
///
/// # Errors
/// As [`foresee`].
pub fn foresee_on(host: &Host, database: &Path, at: Option<Timestamp>, force: bool) -> Result<Foresight> {
    let reader = Reader::open_on(host, database)?;
    let snapshot = reader.snapshot()?;
    let Manifest { identity, in_transition, cold_directory, .. } = Manifest::read(host, database)?;
    let places = Places::new(database, cold_directory.as_deref());
    let segments: Vec<_> = snapshot.segments().cloned().collect();
    let search = HoldSearch::new(&snapshot);
    let usage = usage(host, &places, &in_transition)?;
    let cold_is_there = is_cold_there(host, &places, identity)?;
    let now_ns = at.map_or_else(|| host.clock.now_ns(), |at| at.0);
    let plan = plan(PlanInput {
        now_ns,
        // Nothing is done, so any time will do.
        clock_ns: now_ns,
        segments: &segments,
        ledger: &reader.ledger()?,
        usage,
        force,
        cold_is_there,
        earlier: &Earlier::default(),
        is_held: &mut |query, partition| Ok(search.is_held(query, partition)),
    })?;
    Ok(Foresight { plan, usage, cold_is_there })
}
