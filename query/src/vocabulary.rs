//! The words of a database: its fields, their types and values. For completion, hints and `.schema`.

use blotter_engine::Snapshot;

use crate::plan::schema::{Schema, TypeSet};

/// See the module.
pub struct Vocabulary {
    #[expect(dead_code)]
    snapshot: Snapshot,
}

/// A field of a database.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldSummary {
    /// Its name.
    pub name: String,
    /// Names of the types it has: `text`, `int`, `float`, `decimal`, `bool`, `time`, `level`, `category`.
    pub types: Vec<&'static str>,
    /// Whether lookups by it use an index.
    pub indexed: bool,
    /// Events that have it, where sealed; unsealed events are not counted.
    pub events: u64,
}

impl Vocabulary {
    /// The words of what a snapshot covers, read when first asked for.
    pub fn new(snapshot: Snapshot) -> Vocabulary {
        Vocabulary { snapshot }
    }

    /// Every field, reserved ones first, then well-known ones, then others by name.
    pub fn field_summaries(&self) -> Vec<FieldSummary> {
        Vec::new()
    }

    /// The names of all fields.
    pub fn field_names(&self) -> Vec<String> {
        self.fields()
    }

    /// Up to `limit` values of a field that begin with `prefix`, sorted.
    pub fn field_values(&self, field: &str, prefix: &str, limit: usize) -> Vec<String> {
        self.values(field, prefix, limit)
    }
}

impl Schema for Vocabulary {
    fn knows(&self, _field: &str) -> bool {
        true
    }

    fn types(&self, _field: &str) -> TypeSet {
        TypeSet::NONE
    }

    fn fields(&self) -> Vec<String> {
        Vec::new()
    }

    fn values(&self, _field: &str, _prefix: &str, _limit: usize) -> Vec<String> {
        Vec::new()
    }
}
