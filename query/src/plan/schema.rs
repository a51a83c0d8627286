//! What the planner asks of the database: which fields there are, of which types, and some of their values.

use blotter_engine::event::{Timestamp, ValueType};

/// The types a field has in a database, as far as they are known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TypeSet(u8);

impl TypeSet {
    /// No type.
    pub(crate) const NONE: TypeSet = TypeSet(0);

    /// With one more.
    pub(crate) fn with(self, value_type: ValueType) -> TypeSet {
        TypeSet(self.0 | 1 << value_type as u8)
    }

    /// Whether there is none.
    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether a type is among them.
    pub(crate) fn has(self, value_type: ValueType) -> bool {
        self.0 & 1 << value_type as u8 != 0
    }

    /// Their names.
    pub(crate) fn names(self) -> Vec<&'static str> {
        let named = [
            (ValueType::Bool, "bool"),
            (ValueType::I64, "int"),
            (ValueType::F64, "float"),
            (ValueType::Decimal, "decimal"),
            (ValueType::Str, "text"),
        ];
        named.into_iter().filter(|(value_type, _)| self.has(*value_type)).map(|(_, name)| name).collect()
    }

    /// Whether all are numbers.
    pub(crate) fn is_numeric(self) -> bool {
        !self.is_empty() && !self.has(ValueType::Str) && !self.has(ValueType::Bool)
    }

    /// Whether all are truth values.
    pub(crate) fn is_bool(self) -> bool {
        self == TypeSet::NONE.with(ValueType::Bool)
    }

    /// Whether all are text.
    pub(crate) fn is_text(self) -> bool {
        self == TypeSet::NONE.with(ValueType::Str)
    }
}

/// See the module.
pub(crate) trait Schema: Send + Sync {
    /// Whether a recorded event has a field of that name, or it is a well-known field.
    fn knows(&self, field: &str) -> bool;

    /// All types that the field has anywhere; may read much, so it is asked only before an error is given.
    fn types(&self, field: &str) -> TypeSet;

    /// Whether lookups by the field use an index. Such a field is an identifier: its values compare as they print.
    fn is_indexed(&self, field: &str) -> bool;

    /// The names of all fields, well-known ones and those of the database; for hints and completion.
    fn fields(&self) -> Vec<String>;

    /// Up to `limit` values that a field has and that begin with `prefix`, sorted; for hints and completion.
    fn values(&self, field: &str, prefix: &str, limit: usize) -> Vec<String>;

    /// The first and last time recorded, about, if that is known without reading much; for the width of timelines.
    fn time_range(&self) -> Option<(Timestamp, Timestamp)> {
        None
    }
}
