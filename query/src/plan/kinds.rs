//! What kinds of values an expression can give, as far as that is known before running; null is always possible.

use crate::datum::DatumRef;

/// A set of kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kinds(u16);

impl Kinds {
    /// Null only.
    pub(crate) const NONE: Kinds = Kinds(0);
    pub(crate) const BOOL: Kinds = Kinds(1);
    pub(crate) const INT: Kinds = Kinds(1 << 1);
    pub(crate) const FLOAT: Kinds = Kinds(1 << 2);
    pub(crate) const DECIMAL: Kinds = Kinds(1 << 3);
    pub(crate) const TEXT: Kinds = Kinds(1 << 4);
    pub(crate) const TIME: Kinds = Kinds(1 << 5);
    pub(crate) const DURATION: Kinds = Kinds(1 << 6);
    pub(crate) const LEVEL: Kinds = Kinds(1 << 7);
    pub(crate) const CATEGORY: Kinds = Kinds(1 << 8);
    /// Anything.
    pub(crate) const ANY: Kinds = Kinds((1 << 9) - 1);
    /// Numbers of all types.
    pub(crate) const NUMBER: Kinds = Kinds::INT.or(Kinds::FLOAT).or(Kinds::DECIMAL);
    /// Numbers without a rounding of their own.
    pub(crate) const EXACT: Kinds = Kinds::INT.or(Kinds::DECIMAL);
    /// What is written in words.
    pub(crate) const WORDS: Kinds = Kinds::TEXT.or(Kinds::LEVEL).or(Kinds::CATEGORY);

    /// What can be recorded in a field: no times, durations, levels or categories.
    pub(crate) const FIELD: Kinds = Kinds::NUMBER.or(Kinds::TEXT).or(Kinds::BOOL);

    /// Those of either.
    pub(crate) const fn or(self, other: Kinds) -> Kinds {
        Kinds(self.0 | other.0)
    }

    /// Those in both.
    pub(crate) const fn and(self, other: Kinds) -> Kinds {
        Kinds(self.0 & other.0)
    }

    /// The kind of a value.
    pub(crate) fn of(datum: DatumRef<'_>) -> Kinds {
        match datum {
            DatumRef::Null => Kinds::NONE,
            DatumRef::Bool(_) => Kinds::BOOL,
            DatumRef::Int(_) => Kinds::INT,
            DatumRef::Float(_) => Kinds::FLOAT,
            DatumRef::Decimal(_) => Kinds::DECIMAL,
            DatumRef::Str(_) => Kinds::TEXT,
            DatumRef::Time(_) => Kinds::TIME,
            DatumRef::Duration(_) => Kinds::DURATION,
            DatumRef::Level(_) => Kinds::LEVEL,
            DatumRef::Category(_) => Kinds::CATEGORY,
        }
    }

    /// Whether one of them can be one of those.
    pub(crate) fn meets(self, other: Kinds) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether all of them are among those, and there are any.
    pub(crate) fn is_within(self, other: Kinds) -> bool {
        self.0 != 0 && self.0 & !other.0 == 0
    }

    /// Whether a value of one of them fits where those are taken: certainly wrong only if none does.
    pub(crate) fn may_be(self, taken: Kinds) -> bool {
        self == Kinds::NONE || self.meets(taken)
    }

    /// As sentences name them: `a number`, `a number, a duration or a time`.
    pub(crate) fn describe(self) -> String {
        let names = [
            (Kinds::NUMBER, "a number"),
            (Kinds::DURATION, "a duration"),
            (Kinds::TIME, "a time"),
            (Kinds::TEXT, "text"),
            (Kinds::BOOL, "a truth value"),
            (Kinds::LEVEL, "a level"),
            (Kinds::CATEGORY, "a category"),
        ];
        let names: Vec<&str> =
            names.iter().filter(|(kinds, _)| self.meets(*kinds)).map(|(_, name)| *name).collect();
        match names.as_slice() {
            [] => "null".to_owned(),
            _ if self == Kinds::ANY => "any value".to_owned(),
            _ if self == Kinds::FIELD => "the value of a field".to_owned(),
            [one] => (*one).to_owned(),
            [before @ .., last] => format!("{} or {last}", before.join(", ")),
        }
    }
}
