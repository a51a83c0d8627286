//! A consistent prefix of what was recorded: an immutable list of segments and the WAL tails up to a moment.

use std::path::PathBuf;
use std::sync::Arc;

use crate::event::{Event, FieldKey, Seq};
use crate::segment::{Projection, SegmentMeta};
use crate::view::tail::TailView;
use crate::view::{FilterSource, Predicate, Scan, SegmentHandle, Unreadable, Version};

/// See the module. Cheap to clone; what it holds stays readable whatever maintenance removes.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub(crate) version: Arc<Version>,
    pub(crate) tails: Vec<TailView>,
    /// Events of a process that died before it wrote them; their seqs are those the next open will give.
    pub(crate) left_in_rings: Arc<Vec<Event>>,
    pub(crate) indexed: Arc<[FieldKey]>,
    pub(crate) filters: Option<Arc<dyn FilterSource>>,
    /// Parts that could not even be listed, with the reason.
    pub(crate) unreadable: Vec<(PathBuf, String)>,
    pub(crate) next_seq: Seq,
}

impl Snapshot {
    /// Events that match, in (`ts`, `seq`) order, with the projected fields.
    pub fn scan(&self, predicate: &Predicate, projection: &Projection) -> Scan {
        Scan::new(self, predicate.clone(), projection.clone(), false)
    }

    /// Events that match, latest first, with the projected fields.
    pub fn scan_backwards(&self, predicate: &Predicate, projection: &Projection) -> Scan {
        Scan::new(self, predicate.clone(), projection.clone(), true)
    }

    /// Every event that carries `id` in an indexed field, in (`ts`, `seq`) order.
    pub fn lookup(&self, id: &str) -> Scan {
        self.scan(&Predicate::all().any_indexed(id), &Projection::all())
    }

    /// The sealed segments.
    pub fn segments(&self) -> impl Iterator<Item = &SegmentMeta> {
        self.version.segments.iter().map(|handle| &handle.meta)
    }

    /// Opens every sealed segment without reading its rows; gives those that are missing, cut or not themselves.
    pub fn check_segments(&self) -> Vec<Unreadable> {
        let check = |handle: &Arc<SegmentHandle>| {
            handle.open().err().map(|error| Unreadable { path: handle.path.clone(), error })
        };
        self.version.segments.iter().filter_map(check).collect()
    }

    /// Events in WAL files, and bytes of them.
    pub fn unsealed(&self) -> (u64, u64) {
        let events = self.tails.iter().map(|tail| tail.next_seq().0 - tail.header.first_seq.0).sum();
        let bytes = self.tails.iter().filter_map(|tail| tail.frames.last()).map(|frame| frame.end()).sum();
        (events, bytes)
    }

    /// Number of events of a process that died before it wrote them; the next open takes them over.
    pub fn left_in_rings(&self) -> u64 {
        self.left_in_rings.len() as u64
    }

    /// The seq after the last event covered.
    pub fn next_seq(&self) -> Seq {
        self.next_seq
    }

    /// The indexed fields.
    pub fn indexed(&self) -> &[FieldKey] {
        &self.indexed
    }
}
