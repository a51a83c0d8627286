//! What a scan looks for: a conjunction that can be pruned by time, category, level, zone and index.

use std::cmp::Ordering;

use rust_decimal::Decimal;
use rust_decimal::prelude::{FromPrimitive, ToPrimitive};

use crate::event::{Category, FieldKey, FieldRef, Level, Timestamp, Value, ValueRef};

/// How a value is compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Comparison {
    /// Equal.
    Equal,
    /// Less.
    Less,
    /// Less or equal.
    LessOrEqual,
    /// Greater.
    Greater,
    /// Greater or equal.
    GreaterOrEqual,
}

/// One condition on fields.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Term {
    /// The field's printed value is one of those texts.
    Text { field: FieldKey, texts: Vec<String> },
    /// Any indexed field's printed value is that text.
    AnyIndexed { text: String },
    /// The field compares so with the value; never true where it is missing or of another kind.
    Compare { field: FieldKey, comparison: Comparison, value: Value },
    /// The field is there.
    Exists { field: FieldKey },
    /// The field is not there.
    Missing { field: FieldKey },
}

/// Conditions that all must hold.
///
/// ```
/// use blotter_engine::event::{Category, Level};
/// use blotter_engine::view::Predicate;
/// let wanted = Predicate::all().category(Category::ORDER).level_at_least(Level::Warn).equals("symbol", "AAPL");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Predicate {
    pub(crate) ts_min: Timestamp,
    pub(crate) ts_max: Timestamp,
    pub(crate) seq_min: u64,
    pub(crate) seq_max: u64,
    pub(crate) categories: Option<Vec<Category>>,
    pub(crate) level_min: Level,
    pub(crate) terms: Vec<Term>,
}

impl Default for Predicate {
    fn default() -> Predicate {
        Predicate::all()
    }
}

impl Predicate {
    /// Every event.
    pub fn all() -> Predicate {
        Predicate {
            ts_min: Timestamp::MIN,
            ts_max: Timestamp::MAX,
            seq_min: 0,
            seq_max: u64::MAX,
            categories: None,
            level_min: Level::Trace,
            terms: Vec::new(),
        }
    }

    /// Events from `first` to `last`, both included.
    pub fn between(mut self, first: Timestamp, last: Timestamp) -> Predicate {
        self.ts_min = self.ts_min.max(first);
        self.ts_max = self.ts_max.min(last);
        self
    }

    /// Events with seq from `first` to `last`, both included.
    pub fn seq_between(mut self, first: u64, last: u64) -> Predicate {
        self.seq_min = self.seq_min.max(first);
        self.seq_max = self.seq_max.min(last);
        self
    }

    /// Events of that category; given again, of any of them.
    pub fn category(mut self, category: Category) -> Predicate {
        self.categories.get_or_insert_default().push(category);
        self
    }

    /// Events of that level or above.
    pub fn level_at_least(mut self, level: Level) -> Predicate {
        self.level_min = self.level_min.max(level);
        self
    }

    /// Events whose field prints as that text. Uses the index where the field has one.
    pub fn equals(mut self, field: impl Into<FieldKey>, text: impl Into<String>) -> Predicate {
        self.terms.push(Term::Text { field: field.into(), texts: vec![text.into()] });
        self
    }

    /// Events whose field prints as one of those texts. Uses the index where the field has one.
    pub fn equals_any(
        mut self,
        field: impl Into<FieldKey>,
        texts: impl IntoIterator<Item = impl Into<String>>,
    ) -> Predicate {
        let texts = texts.into_iter().map(Into::into).collect();
        self.terms.push(Term::Text { field: field.into(), texts });
        self
    }

    /// Events of which any indexed field prints as that text.
    pub fn any_indexed(mut self, text: impl Into<String>) -> Predicate {
        self.terms.push(Term::AnyIndexed { text: text.into() });
        self
    }

    /// Events whose field compares so with the value. Numbers compare as numbers whatever their stored type,
    /// text compares by bytes; a missing field, or one of another kind, never compares.
    pub fn compare(
        mut self,
        field: impl Into<FieldKey>,
        comparison: Comparison,
        value: impl Into<Value>,
    ) -> Predicate {
        self.terms.push(Term::Compare { field: field.into(), comparison, value: value.into() });
        self
    }

    /// Events that have the field.
    pub fn exists(mut self, field: impl Into<FieldKey>) -> Predicate {
        self.terms.push(Term::Exists { field: field.into() });
        self
    }

    /// Events that do not have the field.
    pub fn missing(mut self, field: impl Into<FieldKey>) -> Predicate {
        self.terms.push(Term::Missing { field: field.into() });
        self
    }

    /// Whether a row found in range of time may still fail by seq or level.
    pub(crate) fn has_fixed_conditions(&self) -> bool {
        self.seq_min > 0 || self.seq_max < u64::MAX || self.level_min > Level::Trace
    }

    /// Whether a row found in range of time may still fail.
    pub(crate) fn has_conditions(&self) -> bool {
        !self.terms.is_empty() || self.has_fixed_conditions()
    }

    /// Whether an event with these fixed fields can match.
    #[inline]
    pub(crate) fn matches_fixed(&self, ts: Timestamp, seq: u64, category: Category, level: Level) -> bool {
        ts >= self.ts_min
            && ts <= self.ts_max
            && seq >= self.seq_min
            && seq <= self.seq_max
            && level >= self.level_min
            && self.categories.as_ref().is_none_or(|categories| categories.contains(&category))
    }

    /// Whether the fields, found through `value_of`, match every term.
    pub(crate) fn matches_fields<'a>(
        &self,
        indexed: &[FieldKey],
        value_of: impl Fn(FieldRef<'_>) -> Option<ValueRef<'a>>,
    ) -> bool {
        self.terms.iter().all(|term| match term {
            Term::Text { field, texts } => {
                value_of(field.borrow()).is_some_and(|value| prints_as_any(value, texts))
            }
            Term::AnyIndexed { text } => indexed
                .iter()
                .any(|field| value_of(field.borrow()).is_some_and(|value| prints_as(value, text))),
            Term::Compare { field, comparison, value } => value_of(field.borrow())
                .and_then(|found| compare(found, value.borrow()))
                .is_some_and(|ordering| comparison.holds(ordering)),
            Term::Exists { field } => value_of(field.borrow()).is_some(),
            Term::Missing { field } => value_of(field.borrow()).is_none(),
        })
    }
}

impl Comparison {
    /// Whether it holds for two values in that order.
    pub fn holds(self, ordering: Ordering) -> bool {
        match self {
            Comparison::Equal => ordering.is_eq(),
            Comparison::Less => ordering.is_lt(),
            Comparison::LessOrEqual => ordering.is_le(),
            Comparison::Greater => ordering.is_gt(),
            Comparison::GreaterOrEqual => ordering.is_ge(),
        }
    }
}

/// Whether the value's printed form is `text`.
pub(crate) fn prints_as(value: ValueRef<'_>, text: &str) -> bool {
    match value {
        ValueRef::Str(found) => found == text,
        value => value.to_string() == text,
    }
}

/// Whether the value's printed form is one of the texts.
pub(crate) fn prints_as_any(value: ValueRef<'_>, texts: &[String]) -> bool {
    match (value, texts) {
        (value, [text]) => prints_as(value, text),
        (ValueRef::Str(found), texts) => texts.iter().any(|text| text == found),
        (value, texts) => texts.contains(&value.to_string()),
    }
}

/// Order of two values; `None` if they are of different kinds.
pub(crate) fn compare(left: ValueRef<'_>, right: ValueRef<'_>) -> Option<Ordering> {
    match (left, right) {
        (ValueRef::Str(left), ValueRef::Str(right)) => Some(left.cmp(right)),
        (ValueRef::Bool(left), ValueRef::Bool(right)) => Some(left.cmp(&right)),
        (ValueRef::I64(left), ValueRef::I64(right)) => Some(left.cmp(&right)),
        (ValueRef::F64(left), ValueRef::F64(right)) => left.partial_cmp(&right),
        (ValueRef::F64(left), right) => compare_float(left, right),
        (left, ValueRef::F64(right)) => compare_float(right, left).map(Ordering::reverse),
        (left, right) => Some(exact(left)?.cmp(&exact(right)?)),
    }
}

fn exact(value: ValueRef<'_>) -> Option<Decimal> {
    match value {
        ValueRef::I64(value) => Some(Decimal::from(value)),
        ValueRef::Decimal(value) => Some(value),
        _ => None,
    }
}

/// A float against an exact number: exactly where the float fits a decimal, else by magnitude.
fn compare_float(float: f64, other: ValueRef<'_>) -> Option<Ordering> {
    let other = exact(other)?;
    match Decimal::from_f64(float) {
        Some(float) => Some(float.cmp(&other)),
        None => float.partial_cmp(&other.to_f64()?),
    }
}

#[cfg(test)]
mod tests {
    use crate::dec;

    use super::*;

    #[test]
    fn numbers_compare_across_types_and_text_does_not_compare_with_numbers() {
        let cases = [
            (ValueRef::I64(2), ValueRef::Decimal(dec!(2.00)), Some(Ordering::Equal)),
            (ValueRef::F64(0.5), ValueRef::Decimal(dec!(0.25)), Some(Ordering::Greater)),
            (ValueRef::I64(1), ValueRef::F64(1e300), Some(Ordering::Less)),
            (ValueRef::Str("b"), ValueRef::Str("a"), Some(Ordering::Greater)),
            (ValueRef::Str("1"), ValueRef::I64(1), None),
            (ValueRef::Bool(true), ValueRef::I64(1), None),
        ];
        for (left, right, expected) in cases {
            assert_eq!(compare(left, right), expected, "{left:?} {right:?}");
            assert_eq!(compare(right, left), expected.map(Ordering::reverse), "{right:?} {left:?}");
        }
    }
}
