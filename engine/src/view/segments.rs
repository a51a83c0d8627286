//! Rows of one segment that match a predicate, in order.

use std::cmp::Reverse;
use std::ops::Range;
use std::sync::Arc;

use crate::error::Result;
use crate::event::{Event, FieldKey, Level, Timestamp};
use crate::segment::{Lookup, Projection, Segment, SegmentMeta};
use crate::view::predicate::Term;
use crate::view::selection::Selection;
use crate::view::{Predicate, SegmentHandle};

/// Whether a segment can hold a match, by what is known without opening it.
pub(crate) fn may_match(meta: &SegmentMeta, predicate: &Predicate, indexed: &[FieldKey]) -> bool {
    let bounds = meta.ts_max >= predicate.ts_min.0
        && meta.ts_min <= predicate.ts_max.0
        && meta.seq_max >= predicate.seq_min
        && meta.seq_min <= predicate.seq_max
        && Level::from_code(meta.level_max).is_none_or(|level| level >= predicate.level_min);
    let category = predicate
        .categories
        .as_ref()
        .is_none_or(|categories| categories.iter().any(|category| category.name() == meta.category));
    // A route stands in the catalog for every field that was indexed when the segment was sealed.
    let may_contain = |field: &FieldKey, text: &str| {
        let route = meta.routes.iter().find(|route| route.field == field.name());
        route.is_none_or(|route| route.may_contain(text))
    };
    bounds
        && category
        && predicate.terms.iter().all(|term| match term {
            Term::Text { field, texts } if indexed.contains(field) => {
                texts.iter().any(|text| may_contain(field, text))
            }
            Term::AnyIndexed { text } => indexed.iter().any(|field| may_contain(field, text)),
            _ => true,
        })
}

/// Rows still to be looked at.
enum Rows {
    /// Those whose time is in bounds.
    Range(Range<u32>),
    /// Those the index names, ascending.
    Listed(std::vec::IntoIter<u32>),
}

/// See the module.
pub(crate) struct SegmentRows {
    segment: Arc<Segment>,
    rows: Rows,
    /// Of the block under way, the rows that match; the next one last.
    ready: Vec<u32>,
    selection: Selection,
    /// What is decoded of a listed row before the predicate is asked.
    tested: Projection,
    projection: Projection,
}

impl SegmentRows {
    /// Opens the segment and looks up what its index can answer.
    pub(crate) fn open(
        handle: &SegmentHandle,
        predicate: &Predicate,
        indexed: &[FieldKey],
        projection: &Projection,
    ) -> Result<SegmentRows> {
        let segment = handle.open()?;
        let mut listed: Option<Vec<u32>> = None;
        for term in &predicate.terms {
            let Some(rows) = lookup(&segment, term, indexed)? else { continue };
            listed = Some(match listed {
                None => rows,
                Some(before) => intersect(&before, &rows),
            });
        }
        let rows = match listed {
            None => Rows::Range(rows_in_time(&segment, predicate)?),
            Some(mut rows) => {
                if predicate.ts_min > Timestamp::MIN || predicate.ts_max < Timestamp::MAX {
                    let in_time = rows_in_time(&segment, predicate)?;
                    rows.retain(|row| in_time.contains(row));
                }
                Rows::Listed(rows.into_iter())
            }
        };
        let tested = Projection::fields(predicate.terms.iter().flat_map(|term| tested_fields(term, indexed)));
        let (ready, selection) = (Vec::new(), Selection::default());
        Ok(SegmentRows { segment, rows, ready, selection, tested, projection: projection.clone() })
    }

    /// The next match.
    pub(crate) fn next(
        &mut self,
        predicate: &Predicate,
        indexed: &[FieldKey],
        backwards: bool,
    ) -> Result<Option<Event>> {
        if let Rows::Listed(rows) = &mut self.rows {
            while let Some(row) = if backwards { rows.next_back() } else { rows.next() } {
                // The index has answered its terms; with others, or other bounds, the row is asked itself.
                if predicate.terms.len() > 1 || predicate.has_fixed_conditions() {
                    let tested = self.segment.event(row, &self.tested)?;
                    let matches =
                        predicate.matches_fixed(tested.ts, tested.seq.0, tested.category, tested.level)
                            && predicate.matches_fields(indexed, |field| tested.field(field));
                    if !matches {
                        continue;
                    }
                }
                return self.segment.event(row, &self.projection).map(Some);
            }
            return Ok(None);
        }
        loop {
            if let Some(row) = self.ready.pop() {
                return self.segment.event(row, &self.projection).map(Some);
            }
            let Rows::Range(range) = &mut self.rows else { return Ok(None) };
            if range.start >= range.end {
                return Ok(None);
            }
            let of_block = take_block(&self.segment, range, backwards);
            self.ready.extend(of_block.clone());
            if predicate.has_conditions() {
                let block = self.segment.block_of(of_block.start);
                let first = self.segment.block_rows(block).start;
                let selected = self.selection.of_block(&self.segment, block, predicate, indexed)?;
                self.ready.retain(|row| selected[(row - first) as usize]);
            }
            if !backwards {
                self.ready.reverse();
            }
        }
    }
}

/// Rows whose time is within the predicate's bounds.
fn rows_in_time(segment: &Segment, predicate: &Predicate) -> Result<Range<u32>> {
    let first = if predicate.ts_min > Timestamp::MIN { segment.find_ts(predicate.ts_min.0)? } else { 0 };
    let last = match predicate.ts_max.0.checked_add(1) {
        Some(after) => segment.find_ts(after)?,
        None => segment.rows(),
    };
    Ok(first..last.max(first))
}

/// Takes the rows of one block off an end of the range.
fn take_block(segment: &Segment, range: &mut Range<u32>, backwards: bool) -> Range<u32> {
    if backwards {
        let block = segment.block_rows(segment.block_of(range.end - 1));
        let taken = block.start.max(range.start)..range.end;
        range.end = taken.start;
        taken
    } else {
        let block = segment.block_rows(segment.block_of(range.start));
        let taken = range.start..block.end.min(range.end);
        range.start = taken.end;
        taken
    }
}

/// Rows that the index gives for a term; `None` if it gives none for that kind of term.
fn lookup(segment: &Segment, term: &Term, indexed: &[FieldKey]) -> Result<Option<Vec<u32>>> {
    match term {
        Term::Text { field, texts } => {
            let mut union = Vec::new();
            for text in texts {
                match segment.lookup(field.borrow(), text)? {
                    Lookup::NotIndexed => return Ok(None),
                    Lookup::Rows(rows) if texts.len() == 1 => return Ok(Some(rows)),
                    Lookup::Rows(rows) => union.extend(rows),
                }
            }
            union.sort_unstable();
            union.dedup();
            Ok(Some(union))
        }
        Term::AnyIndexed { text } => {
            let mut union = Vec::new();
            for field in indexed {
                let route = segment.meta().routes.iter().find(|route| route.field == field.name());
                if route.is_some_and(|route| !route.may_contain(text)) {
                    continue;
                }
                match segment.lookup(field.borrow(), text)? {
                    // Sealed when the field was not indexed: every row has to be asked.
                    Lookup::NotIndexed => return Ok(None),
                    Lookup::Rows(rows) => union.extend(rows),
                }
            }
            union.sort_unstable();
            union.dedup();
            Ok(Some(union))
        }
        _ => Ok(None),
    }
}

fn intersect(left: &[u32], right: &[u32]) -> Vec<u32> {
    left.iter().copied().filter(|row| right.binary_search(row).is_ok()).collect()
}

fn tested_fields(term: &Term, indexed: &[FieldKey]) -> Vec<FieldKey> {
    match term {
        Term::Text { field, .. }
        | Term::Compare { field, .. }
        | Term::Exists { field }
        | Term::Missing { field } => {
            vec![field.clone()]
        }
        Term::AnyIndexed { .. } => indexed.to_vec(),
    }
}

/// Segments in the order a scan meets them: by first row, or backwards by last row.
pub(crate) fn sort_for_scan(segments: &mut [Arc<SegmentHandle>], backwards: bool) {
    if backwards {
        segments.sort_by_key(|segment| Reverse(segment.meta.ts_max));
    } else {
        segments.sort_by_key(|segment| segment.meta.ts_min);
    }
}
