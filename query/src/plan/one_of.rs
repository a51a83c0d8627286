//! A large set of printed values, asked for membership: what `related` and `context` look for.
//!
//! Two values are the same here if they print the same, whatever their types: the text `12` and the number 12 are,
//! 1.5 and 1.50 are not. Values that print as whole numbers are kept as numbers, so that a column of numbers is
//! tested without printing it, and every value is kept once.

use std::collections::HashSet;

use blotter_engine::event::ValueRef;
use foldhash::fast::RandomState;
use smol_str::{SmolStr, ToSmolStr};

use crate::datum::DatumRef;

/// See the module.
#[derive(Clone, Debug, Default)]
pub(crate) struct OneOf {
    whole: HashSet<i64, RandomState>,
    texts: HashSet<SmolStr, RandomState>,
}

impl OneOf {
    /// Adds a value; false if it is there already, or is null.
    pub(crate) fn insert(&mut self, value: DatumRef<'_>) -> bool {
        match value {
            DatumRef::Null => false,
            DatumRef::Int(number) => self.whole.insert(number),
            DatumRef::Str(text) => match whole_number(text) {
                Some(number) => self.whole.insert(number),
                None => self.texts.insert(text.into()),
            },
            other => self.insert(DatumRef::Str(&printed(other))),
        }
    }

    /// Whether a value prints as one of them. Null is none.
    pub(crate) fn passes(&self, value: DatumRef<'_>) -> bool {
        match value {
            DatumRef::Null => false,
            DatumRef::Int(number) => self.whole.contains(&number),
            DatumRef::Str(text) => {
                self.texts.contains(text)
                    || (!self.whole.is_empty()
                        && whole_number(text).is_some_and(|number| self.whole.contains(&number)))
            }
            other => self.passes(DatumRef::Str(&printed(other))),
        }
    }

    /// How many values there are.
    pub(crate) fn len(&self) -> usize {
        self.whole.len() + self.texts.len()
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The least and the greatest whole number among them, if all are whole numbers; what a zone map can be asked.
    pub(crate) fn whole_range(&self) -> Option<(i64, i64)> {
        if !self.texts.is_empty() {
            return None;
        }
        Some((*self.whole.iter().min()?, *self.whole.iter().max()?))
    }

    /// The printed values, in no order; what an index can be asked.
    pub(crate) fn texts(&self) -> impl Iterator<Item = SmolStr> {
        self.texts.iter().cloned().chain(self.whole.iter().map(ToSmolStr::to_smolstr))
    }
}

/// The number that prints exactly so.
fn whole_number(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_canonical = match digits.as_bytes() {
        [b'0'] => digits.len() == text.len(),
        [first, rest @ ..] => (b'1'..=b'9').contains(first) && rest.iter().all(u8::is_ascii_digit),
        [] => false,
    };
    if is_canonical { text.parse().ok() } else { None }
}

/// As the engine prints it.
pub(crate) fn printed(value: DatumRef<'_>) -> SmolStr {
    match value {
        DatumRef::Null => SmolStr::default(),
        DatumRef::Bool(value) => ValueRef::Bool(value).to_smolstr(),
        DatumRef::Int(value) | DatumRef::Duration(value) => value.to_smolstr(),
        DatumRef::Float(value) => ValueRef::F64(value).to_smolstr(),
        DatumRef::Decimal(value) => ValueRef::Decimal(value).to_smolstr(),
        DatumRef::Str(value) => value.into(),
        DatumRef::Time(value) => value.to_smolstr(),
        DatumRef::Level(value) => value.name().into(),
        DatumRef::Category(value) => value.name().into(),
    }
}

#[cfg(test)]
mod tests {
    use blotter_engine::dec;

    use super::*;

    #[test]
    fn values_are_the_same_if_they_print_the_same() {
        use DatumRef::{Bool, Decimal, Float, Int, Null, Str};
        let cases = [
            (Str("12"), Int(12), true),
            (Int(-12), Str("-12"), true),
            (Str("012"), Int(12), false),
            (Str("+12"), Int(12), false),
            (Str("-0"), Int(0), false),
            (Str("99999999999999999999"), Str("99999999999999999999"), true),
            (Str("-"), Str("-"), true),
            (Str(""), Str(""), true),
            (Decimal(dec!(1.50)), Decimal(dec!(1.5)), false),
            (Decimal(dec!(1.50)), Str("1.50"), true),
            (Decimal(dec!(3)), Int(3), true),
            (Float(0.5), Decimal(dec!(0.5)), true),
            (Bool(true), Str("true"), true),
            (Str("a"), Null, false),
            (Str("a"), Str("A"), false),
        ];
        for (member, asked, expected) in cases {
            let mut set = OneOf::default();
            assert!(set.insert(member), "{member:?}");
            assert!(!set.insert(member), "{member:?} twice");
            assert_eq!(set.passes(asked), expected, "{asked:?} among {member:?}");
            assert_eq!(set.len(), 1);
        }
        assert!(!OneOf::default().insert(Null));
        assert!(OneOf::default().is_empty());
    }

    #[test]
    fn texts_and_ranges_are_those_of_all_values() {
        let mut set = OneOf::default();
        for number in [7, -3, 12] {
            set.insert(DatumRef::Int(number));
        }
        assert_eq!(set.whole_range(), Some((-3, 12)));
        set.insert(DatumRef::Str("x"));
        assert_eq!(set.whole_range(), None);
        let mut texts: Vec<SmolStr> = set.texts().collect();
        texts.sort();
        assert_eq!(texts, ["-3", "12", "7", "x"]);
    }
}
