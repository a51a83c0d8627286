//! What is known of a segment without opening it: its identity, its bounds, and per indexed field the
//! range and a membership filter of its values. The catalog keeps these; the segment's footer repeats
//! the metadata, so that the catalog can be rebuilt.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::event::Day;

/// Identifies a segment; never reused.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
pub struct SegmentId(pub u64);

/// Sixteen hexadecimal digits, as in file names.
impl fmt::Display for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// How old, how small and how fast a segment is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Tier {
    /// As sealed from the WAL.
    Hot,
    /// Merged by day.
    Warm,
    /// Recompressed for keeping.
    Cold,
}

impl Tier {
    /// Its directory below the database's.
    pub fn directory(self) -> &'static str {
        match self {
            Tier::Hot => "hot",
            Tier::Warm => "warm",
            Tier::Cold => "cold",
        }
    }
}

/// The range of an indexed field's values, as text. Both bounds are cut to [`Route::TEXT_BYTES_MAX`] and
/// still hold for the printed text of every value: a cut minimum is smaller, a cut maximum is rounded up.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Route {
    /// Name of the field.
    pub field: String,
    /// No value is less.
    pub min: String,
    /// No value is greater; empty means unbounded.
    pub max: String,
    /// Distinct values.
    pub distinct: u64,
}

impl Route {
    /// Longest bound kept, in bytes.
    pub const TEXT_BYTES_MAX: usize = 64;

    /// The bounds of values from `min` to `max`.
    pub fn new(field: &str, min: &str, max: &str, distinct: u64) -> Route {
        Route {
            field: field.to_owned(),
            min: cut_down(min).to_owned(),
            max: if max.len() <= Route::TEXT_BYTES_MAX { max.to_owned() } else { rounded_up(max) },
            distinct,
        }
    }

    /// Whether the field may hold that text, judged by the bounds alone.
    pub fn may_contain(&self, text: &str) -> bool {
        self.distinct > 0 && self.min.as_str() <= text && (self.max.is_empty() || text <= self.max.as_str())
    }
}

fn cut_down(text: &str) -> &str {
    let mut end = text.len().min(Route::TEXT_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// The least text of the cut length that is above everything starting with the cut text: its last
/// character that has a successor is replaced by it. Empty where there is none.
fn rounded_up(text: &str) -> String {
    let mut bound: Vec<char> = cut_down(text).chars().collect();
    while let Some(last) = bound.pop() {
        let next = ((last as u32 + 1)..=char::MAX as u32).find_map(char::from_u32);
        if let Some(next) = next {
            bound.push(next);
            let bound: String = bound.into_iter().collect();
            // A successor may take a byte more than what it replaced.
            return if bound.len() <= Route::TEXT_BYTES_MAX { bound } else { String::new() };
        }
    }
    String::new()
}

/// Which texts an indexed field holds, with under 0.4 % of false positives and no false negatives.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RoutingFilter {
    /// Name of the field.
    pub field: String,
    /// The filter, for [`RoutingFilter::may_contain`].
    pub bytes: Vec<u8>,
}

/// All that the catalog keeps of a segment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SegmentMeta {
    /// Its identity.
    pub id: SegmentId,
    /// Name of its category.
    pub category: String,
    /// The UTC day of all its events.
    pub day: Day,
    /// Its tier.
    pub tier: Tier,
    /// Events in it.
    pub rows: u64,
    /// Earliest event time, in nanoseconds since the epoch.
    pub ts_min: i64,
    /// Latest event time, in nanoseconds since the epoch.
    pub ts_max: i64,
    /// Least sequence number.
    pub seq_min: u64,
    /// Greatest sequence number.
    pub seq_max: u64,
    /// Code of the highest level.
    pub level_max: u8,
    /// Number of the WAL file it was sealed from.
    pub source_wal: u64,
    /// Length of the file.
    pub file_bytes: u64,
    /// Checksum of the footer, which holds all other checksums: it names the content.
    pub footer_crc: u32,
    /// Range of each indexed field, in order of field name.
    pub routes: Vec<Route>,
}

impl SegmentMeta {
    /// Where it lies below the database's directory: `hot/2026-01-02/order-<id>.seg`.
    pub fn relative_path(&self) -> PathBuf {
        [self.tier.directory().to_owned(), self.day.to_string(), format!("{}-{}.seg", self.category, self.id)]
            .iter()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_hold_for_what_they_cut() {
        let long = "é".repeat(40);
        let odd = format!("a{long}");
        let top = char::MAX.to_string().repeat(20);
        for text in ["", "a", &"x".repeat(64), &"x".repeat(65), &long, &odd, &top] {
            let route = Route::new("order_id", text, text, 1);
            assert!(route.min.len() <= 64 && route.max.len() <= 64, "{route:?}");
            assert!(route.may_contain(text), "{route:?}");
        }
        assert!(!Route::new("order_id", "b", "c", 2).may_contain("a"));
        assert!(!Route::new("order_id", "b", &"c".repeat(70), 2).may_contain("d"));
    }

    #[test]
    fn the_path_is_made_of_what_we_generate() {
        let meta = SegmentMeta {
            id: SegmentId(0xab),
            category: "order".into(),
            day: Day(20_455),
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
            routes: vec![],
        };
        assert_eq!(meta.relative_path().to_str(), Some("hot/2026-01-02/order-00000000000000ab.seg"));
    }
}
