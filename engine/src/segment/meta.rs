//! What the catalog and the manifest know of a segment without opening it.
//!
//! These types are stored through `crate::codec`: the order of their fields is the format.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::event::{Category, Day, Timestamp};
use crate::limits::{FIELD_NAME_BYTES_MAX, ROUTE_BOUND_BYTES_MAX};

/// Identifies a segment; never reused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct SegmentId(pub u64);

/// 16 hex digits.
impl fmt::Display for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// How a segment is kept.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Tier {
    /// As sealed: light encodings.
    Hot,
    /// Merged by day, medium compression.
    Warm,
    /// Highest compression, perhaps on another volume.
    Cold,
}

impl Tier {
    /// All of them, youngest first.
    pub const ALL: [Tier; 3] = [Tier::Hot, Tier::Warm, Tier::Cold];

    /// Its directory below the database's.
    pub fn directory(self) -> &'static str {
        match self {
            Tier::Hot => "hot",
            Tier::Warm => "warm",
            Tier::Cold => "cold",
        }
    }
}

/// Its name, as a directory and in reports.
impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.directory())
    }
}

/// What the catalog and the manifest know of a segment without opening it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SegmentMeta {
    /// Its identity.
    pub id: SegmentId,
    /// Name of the one category it holds.
    pub category: String,
    /// The one UTC day it holds.
    pub day: Day,
    /// How it is kept.
    pub tier: Tier,
    /// Number of events.
    pub rows: u64,
    /// Earliest event time, in nanoseconds.
    pub ts_min: i64,
    /// Latest event time, in nanoseconds.
    pub ts_max: i64,
    /// Lowest sequence number.
    pub seq_min: u64,
    /// Highest sequence number.
    pub seq_max: u64,
    /// Highest level.
    pub level_max: u8,
    /// Number of the WAL file it was sealed from.
    pub source_wal: u64,
    /// Length of its file.
    pub file_bytes: u64,
    /// Checksum of its footer; ties this entry to the file.
    pub footer_crc: u32,
    /// Bounds of its indexed fields.
    pub routes: Vec<Route>,
}

impl SegmentMeta {
    /// Its file, relative to the database: `hot/2026-01-02/order-<id>.seg`.
    pub fn relative_path(&self) -> PathBuf {
        PathBuf::from(self.tier.to_string())
            .join(self.day.to_string())
            .join(format!("{}-{}.seg", self.category, self.id))
    }

    /// Whether what was read from a file can be true; the reason if not. Nothing is made of an entry,
    /// a path least of all, before it passed.
    pub fn check(&self) -> Result<(), String> {
        if !Category::is_well_formed(&self.category) {
            return Err(format!("'{}' is not a category", self.category.escape_debug()));
        }
        let days = Timestamp::MIN.day()..=Timestamp::MAX.day();
        if !days.contains(&self.day) {
            return Err(format!("day {} is outside the range of timestamps", self.day.0));
        }
        let (first, last) = (Timestamp(self.ts_min), Timestamp(self.ts_max));
        if self.rows == 0 || first > last || first.day() != self.day || last.day() != self.day {
            return Err(format!("{} rows from {first} to {last} on day {}", self.rows, self.day));
        }
        let seqs = self.seq_max.checked_sub(self.seq_min).and_then(|span| span.checked_add(1));
        if seqs.is_none_or(|seqs| seqs < self.rows) {
            return Err(format!("{} rows with seq {} to {}", self.rows, self.seq_min, self.seq_max));
        }
        match self.routes.iter().find(|route| !route.is_well_formed()) {
            Some(route) => Err(format!("bounds of field '{}'", route.field.escape_debug())),
            None => Ok(()),
        }
    }
}

/// Where files of segments are: in the database's directory, but for cold ones that have a directory of their own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Places {
    /// The database's directory.
    pub database: PathBuf,
    /// The directory of cold segments, where it is not the database's own.
    pub cold: Option<PathBuf>,
}

impl Places {
    /// Of a database, and the cold directory that its manifest or ledger names.
    pub fn new(database: &Path, cold: Option<&str>) -> Places {
        Places { database: database.to_path_buf(), cold: cold.map(PathBuf::from) }
    }

    /// Where a tier's days are.
    pub fn tier(&self, tier: Tier) -> PathBuf {
        match (&self.cold, tier) {
            (Some(cold), Tier::Cold) => cold.clone(),
            _ => self.database.join(tier.directory()),
        }
    }

    /// The file of a path relative to the database, such as `cold/2026-01-02/order-<id>.seg`.
    pub fn file(&self, relative: &Path) -> PathBuf {
        match (&self.cold, relative.strip_prefix(Tier::Cold.directory())) {
            (Some(cold), Ok(rest)) => cold.join(rest),
            _ => self.database.join(relative),
        }
    }

    /// The file of a segment.
    pub fn segment(&self, meta: &SegmentMeta) -> PathBuf {
        self.file(&meta.relative_path())
    }
}

/// Bounds of one indexed field; one stands for every field that was indexed when the segment was sealed, with no
/// distinct value where none occurs. Bounds longer than 64 bytes are cut so that they still bound; an empty
/// `max` is no bound.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Route {
    /// Name of the field.
    pub field: String,
    /// No value is less, in byte order.
    pub min: String,
    /// No value is greater, in byte order; empty if unknown.
    pub max: String,
    /// Number of distinct values.
    pub distinct: u64,
}

impl Route {
    /// Bounds of a field whose least and greatest values are these.
    pub fn new(field: &str, least: &str, greatest: &str, distinct: u64) -> Route {
        let min = prefix(least).to_owned();
        Route { field: field.to_owned(), min, max: upper_bound(greatest), distinct }
    }

    /// Whether a value may lie within; `false` is certain.
    pub fn may_contain(&self, value: &str) -> bool {
        self.distinct > 0 && self.min.as_str() <= value && (self.max.is_empty() || value <= self.max.as_str())
    }

    fn is_well_formed(&self) -> bool {
        !self.field.is_empty()
            && self.field.len() <= FIELD_NAME_BYTES_MAX
            && self.min.len() <= ROUTE_BOUND_BYTES_MAX
            && self.max.len() <= ROUTE_BOUND_BYTES_MAX
            && (self.max.is_empty() || self.min <= self.max)
    }
}

/// As many whole characters as a bound may have; no greater than the value.
fn prefix(value: &str) -> &str {
    let mut end = value.len().min(ROUTE_BOUND_BYTES_MAX);
    while !value.is_char_boundary(end) {
        end -= 1;
    }
    &value[..end]
}

/// The value itself if it is short; otherwise the least short string above all that start like it.
fn upper_bound(greatest: &str) -> String {
    if greatest.len() <= ROUTE_BOUND_BYTES_MAX {
        return greatest.to_owned();
    }
    let mut bound = prefix(greatest).to_owned();
    while let Some(last) = bound.pop() {
        // A range of characters steps over the surrogates.
        let next = (last..=char::MAX).nth(1);
        if let Some(next) = next.filter(|next| bound.len() + next.len_utf8() <= ROUTE_BOUND_BYTES_MAX) {
            bound.push(next);
            return bound;
        }
    }
    String::new()
}

/// Membership filter of one indexed field, as stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoutingFilter {
    /// Name of the field.
    pub field: String,
    /// The filter, for [`RoutingFilter::may_contain`].
    pub bytes: Vec<u8>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meta() -> SegmentMeta {
        let ts: Timestamp = "2026-01-02T14:30:00Z".parse().unwrap();
        SegmentMeta {
            id: SegmentId(0xAB),
            category: "order".into(),
            day: ts.day(),
            tier: Tier::Hot,
            rows: 2,
            ts_min: ts.0,
            ts_max: ts.0 + 5,
            seq_min: 7,
            seq_max: 9,
            level_max: 3,
            source_wal: 1,
            file_bytes: 4096,
            footer_crc: 1,
            routes: vec![Route::new("order_id", "A", "B", 2)],
        }
    }

    #[test]
    fn paths_are_generated_from_checked_parts() {
        assert_eq!(meta().check(), Ok(()));
        assert_eq!(meta().relative_path(), PathBuf::from("hot/2026-01-02/order-00000000000000ab.seg"));
        type Spoil = fn(&mut SegmentMeta);
        let spoils: [Spoil; 9] = [
            |m| m.category = "../order".into(),
            |m| m.category = String::new(),
            |m| m.day = Day(i32::MAX),
            |m| m.rows = 0,
            |m| m.ts_max = m.ts_min - 1,
            |m| m.ts_max += 86_400_000_000_000,
            |m| m.rows = 4,
            |m| (m.seq_min, m.seq_max) = (0, u64::MAX),
            |m| m.routes[0].max = "0".into(),
        ];
        for (index, spoil) in spoils.iter().enumerate() {
            let mut meta = meta();
            spoil(&mut meta);
            assert!(meta.check().is_err(), "spoil {index}");
        }
    }

    #[test]
    fn cut_bounds_still_bound() {
        let long = "x".repeat(100);
        let wide = "\u{7f}".repeat(64) + "y";
        let top = "\u{10FFFF}".repeat(20);
        let before_surrogates = "\u{D7FF}".repeat(40);
        for value in ["", "A-1", &long, &wide, &top, &before_surrogates, &"é".repeat(33)] {
            let route = Route::new("order_id", value, value, 1);
            assert!(route.may_contain(value), "{value:?} {route:?}");
            assert!(route.is_well_formed(), "{value:?} {route:?}");
        }
        assert_eq!(Route::new("f", &long, &long, 1).max, "x".repeat(63) + "y");
        assert_eq!(Route::new("f", &top, &top, 1).max, "");
        let route = Route::new("f", "b", "d", 3);
        assert!(!route.may_contain("a") && route.may_contain("c") && !route.may_contain("da"));
    }
}
