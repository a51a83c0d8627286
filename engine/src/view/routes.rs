//! Which segments may hold a value, from what is kept in memory of all of them: a lookup passes over thousands
//! of segments in the time it takes to open one.
//!
//! ```text
//! per indexed field, one entry per segment:   least u128 │ greatest u128    first 16 bytes of the bounds
//!                                             filter                        fetched when first asked
//! ```
//! Invariants:
//! - entry `i` is that of segment `i` of the list;
//! - a value that is in a segment lies within its entry and passes its filter, so both only ever exclude; a segment
//!   that does not index the field, or has no bound or filter, excludes nothing.

use std::fmt::Debug;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use crate::error::Result;
use crate::event::FieldKey;
use crate::segment::{OpenFilter, SegmentId};
use crate::view::SegmentHandle;

/// Bytes of a bound that are compared. Ids tend to start with a date or a strategy: eight would tell few apart.
const PREFIX_BYTES: usize = 16;

/// What is looked for: any of the texts, in any of the fields.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Search<'a> {
    pub(crate) fields: &'a [FieldKey],
    pub(crate) texts: &'a [String],
}

/// Where filters come from.
pub(crate) trait FilterSource: Send + Sync + Debug {
    /// The filter of a field that the segment indexes.
    fn filter(&self, segment: SegmentId, field: &str) -> Result<RouteFilter>;
}

/// The membership filter of a field in a segment.
#[derive(Clone, Debug)]
pub(crate) struct RouteFilter {
    filter: OpenFilter,
    /// Its part of the memory that filters may take; without one it is not kept.
    share: Option<Arc<dyn Debug + Send + Sync>>,
}

impl RouteFilter {
    /// A filter that stays in memory.
    pub(crate) fn kept(bytes: Arc<[u8]>, share: Arc<dyn Debug + Send + Sync>) -> RouteFilter {
        RouteFilter { filter: OpenFilter::new(bytes), share: Some(share) }
    }

    /// A filter for one question.
    pub(crate) fn passing(bytes: Arc<[u8]>) -> RouteFilter {
        RouteFilter { filter: OpenFilter::new(bytes), share: None }
    }

    /// Whether the segment may have that text in the field; `false` is certain.
    pub(crate) fn may_contain(&self, text: &str) -> bool {
        self.filter.may_contain(OpenFilter::hash(text))
    }
}

/// The segments of a version, with their routes. Dereferences to the segments.
#[derive(Clone, Debug, Default)]
pub(crate) struct SegmentList {
    segments: Vec<Arc<SegmentHandle>>,
    fields: Vec<FieldRanges>,
}

#[derive(Clone, Debug)]
struct FieldRanges {
    field: FieldKey,
    ranges: Vec<Range>,
    filters: Vec<OnceLock<RouteFilter>>,
}

/// Bounds of a field in a segment, as numbers in the same order.
#[derive(Clone, Copy, Debug)]
struct Range {
    least: u128,
    greatest: u128,
}

impl Range {
    const ALL: Range = Range { least: 0, greatest: u128::MAX };
    const NONE: Range = Range { least: u128::MAX, greatest: 0 };
}

/// The text's first bytes. Texts in order have them in order, equal ones perhaps.
fn prefix(text: &str) -> u128 {
    let mut bytes = [0; PREFIX_BYTES];
    let length = text.len().min(PREFIX_BYTES);
    bytes[..length].copy_from_slice(&text.as_bytes()[..length]);
    u128::from_be_bytes(bytes)
}

impl Deref for SegmentList {
    type Target = [Arc<SegmentHandle>];

    fn deref(&self) -> &[Arc<SegmentHandle>] {
        &self.segments
    }
}

impl FromIterator<Arc<SegmentHandle>> for SegmentList {
    fn from_iter<I: IntoIterator<Item = Arc<SegmentHandle>>>(segments: I) -> SegmentList {
        let mut list = SegmentList::default();
        list.extend(segments);
        list
    }
}

impl Extend<Arc<SegmentHandle>> for SegmentList {
    fn extend<I: IntoIterator<Item = Arc<SegmentHandle>>>(&mut self, segments: I) {
        segments.into_iter().for_each(|segment| self.push(segment));
    }
}

impl SegmentList {
    fn push(&mut self, segment: Arc<SegmentHandle>) {
        for ranges in &mut self.fields {
            ranges.ranges.push(Range::ALL);
            ranges.filters.push(OnceLock::new());
        }
        for route in &segment.meta.routes {
            let known = self.fields.iter().position(|ranges| ranges.field.name() == route.field);
            let index = known.unwrap_or_else(|| {
                let ranges = vec![Range::ALL; self.segments.len() + 1];
                let filters = vec![OnceLock::new(); self.segments.len() + 1];
                self.fields.push(FieldRanges { field: FieldKey::new(&route.field), ranges, filters });
                self.fields.len() - 1
            });
            let greatest = if route.max.is_empty() { u128::MAX } else { prefix(&route.max) };
            let range = Range { least: prefix(&route.min), greatest };
            let last = self.fields[index].ranges.last_mut().expect("an entry was pushed for the segment");
            *last = if route.distinct == 0 { Range::NONE } else { range };
        }
        self.segments.push(segment);
    }

    /// The segments that may hold a match of all the searches, in order.
    pub(crate) fn admitting(
        &self,
        searches: &[Search<'_>],
        filters: Option<&dyn FilterSource>,
    ) -> Vec<&Arc<SegmentHandle>> {
        let Some((first, others)) = searches.split_first() else { return self.segments.iter().collect() };
        let mut places = self.places(first, filters);
        for search in others {
            let also = self.places(search, filters);
            places.retain(|place| also.binary_search(place).is_ok());
        }
        places.into_iter().map(|place| &self.segments[place]).collect()
    }

    /// Places of the segments in which one of the fields may have the text, ascending.
    fn places(&self, search: &Search<'_>, filters: Option<&dyn FilterSource>) -> Vec<usize> {
        let mut places: Vec<usize> = Vec::new();
        for field in search.fields {
            let Some(ranges) = self.fields.iter().find(|ranges| ranges.field == *field) else {
                // No segment indexes it.
                return (0..self.segments.len()).collect();
            };
            for text in search.texts {
                self.places_of_text(ranges, text, filters, &mut places);
            }
        }
        places.sort_unstable();
        places.dedup();
        places
    }

    fn places_of_text(
        &self,
        ranges: &FieldRanges,
        text: &str,
        filters: Option<&dyn FilterSource>,
        places: &mut Vec<usize>,
    ) {
        let (wanted, hash) = (prefix(text), OpenFilter::hash(text));
        let first = places.len();
        admitted(&ranges.ranges, wanted, places);
        let Some(source) = filters else { return };
        let mut kept = first;
        for at in first..places.len() {
            let place = places[at];
            if self.passes(ranges, place, hash, source) {
                places[kept] = place;
                kept += 1;
            }
        }
        places.truncate(kept);
    }

    #[inline]
    fn passes(&self, ranges: &FieldRanges, place: usize, hash: u64, source: &dyn FilterSource) -> bool {
        match ranges.filters[place].get() {
            Some(found) => found.filter.may_contain(hash),
            None => self.passes_fetched(ranges, place, hash, source),
        }
    }

    #[cold]
    fn passes_fetched(
        &self,
        ranges: &FieldRanges,
        place: usize,
        hash: u64,
        source: &dyn FilterSource,
    ) -> bool {
        // The filter only saves work: where it cannot be had the segment is asked.
        let Ok(filter) = source.filter(self.segments[place].meta.id, ranges.field.name()) else {
            return true;
        };
        let may_contain = filter.filter.may_contain(hash);
        if filter.share.is_some() {
            // Another thread may have been faster, with the same filter.
            ranges.filters[place].set(filter).unwrap_or_default();
        }
        may_contain
    }
}

fn admitted(ranges: &[Range], wanted: u128, places: &mut Vec<usize>) {
    for (place, range) in ranges.iter().enumerate() {
        if range.least <= wanted && wanted <= range.greatest {
            places.push(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Day, Field};
    use crate::segment::{Route, SegmentId, SegmentMeta, Tier};
    use crate::vfs::Host;

    fn segment(id: u64, routes: Vec<Route>) -> Arc<SegmentHandle> {
        let meta = SegmentMeta {
            id: SegmentId(id),
            category: "order".into(),
            day: Day(0),
            tier: Tier::Hot,
            rows: 1,
            ts_min: 0,
            ts_max: 0,
            seq_min: 0,
            seq_max: 0,
            level_max: 0,
            source_wal: 1,
            file_bytes: 0,
            footer_crc: 0,
            routes,
        };
        Arc::new(SegmentHandle::new(&Host::os(), &crate::segment::Places::new("x".as_ref(), None), meta))
    }

    #[test]
    fn a_segment_is_passed_over_only_if_its_route_excludes_the_text() {
        let long = "x".repeat(100);
        let list: SegmentList = [
            segment(0, vec![Route::new("order_id", "A-1", "A-5", 5)]),
            segment(1, vec![Route::new("order_id", "A-5", "B", 5), Route::new("venue", "N", "X", 2)]),
            // Sealed before anything was indexed.
            segment(2, vec![]),
            segment(3, vec![Route::new("order_id", "", "", 0)]),
            segment(4, vec![Route::new("order_id", "20260105-0000001", "20260105-00000019", 5)]),
            segment(5, vec![Route::new("order_id", &long, "\u{10FFFF}".repeat(20).as_str(), 2)]),
        ]
        .into_iter()
        .collect();
        let admitting = |fields: &[FieldKey], text: &str| -> Vec<u64> {
            let texts = [text.to_owned()];
            let found = list.admitting(&[Search { fields, texts: &texts }], None);
            found.into_iter().map(|segment| segment.meta.id.0).collect()
        };
        let order_id = FieldKey::Known(Field::ORDER_ID);
        let venue = FieldKey::new("venue");
        for (text, expected) in [
            ("A-1", &[0, 2][..]),
            ("A-5", &[0, 1, 2]),
            ("", &[2]),
            ("20260105-00000015", &[2, 4]),
            ("20260105-0000002", &[2]),
            (&long, &[2, 5]),
            ("\u{10FFFF}", &[2, 5]),
        ] {
            assert_eq!(admitting(std::slice::from_ref(&order_id), text), expected, "{text:?}");
        }
        assert_eq!(admitting(std::slice::from_ref(&venue), "Q"), [0, 1, 2, 3, 4, 5]);
        assert_eq!(admitting(std::slice::from_ref(&venue), "A"), [0, 2, 3, 4, 5]);
        assert_eq!(admitting(&[FieldKey::new("nobody indexes it")], "A"), [0, 1, 2, 3, 4, 5]);
        assert_eq!(admitting(&[], "A"), [0; 0]);
        let (first, second) = (["A-5".to_owned()], ["A".to_owned()]);
        let searches = [
            Search { fields: std::slice::from_ref(&order_id), texts: &first },
            Search { fields: std::slice::from_ref(&venue), texts: &second },
        ];
        let found = list.admitting(&searches, None);
        assert_eq!(found.into_iter().map(|segment| segment.meta.id.0).collect::<Vec<_>>(), [0, 2]);
        assert_eq!(list.admitting(&[], None).len(), 6);
    }
}
