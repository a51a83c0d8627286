//! Tests of one value. They run once for each distinct text of a dictionary, or for each row, and allocate nothing for
//! text.

use std::cmp::Ordering;

use blotter_engine::event::parse_decimal;
use smol_str::ToSmolStr;

use super::scalar::{Comparand, Test};
use crate::datum::DatumRef;
use crate::limits::LIST_ITEMS_MAX;
use crate::syntax::ast::CompareOp;

impl Test {
    /// The texts of which a value must print as one, if that is all it asks; what an index can answer.
    pub(crate) fn printed_texts(&self) -> Option<Vec<String>> {
        match self {
            Test::Compare { op: CompareOp::Equal, value } if value.printed => Some(vec![value.text.clone()?]),
            Test::In { values, negated: false } if values.iter().all(|value| value.printed) => {
                values.iter().map(|value| value.text.clone()).collect()
            }
            // Looking up very many costs more than reading the column.
            Test::OneOf(values) if values.len() <= LIST_ITEMS_MAX => {
                Some(values.texts().map(String::from).collect())
            }
            _ => None,
        }
    }

    /// Whether a value passes; what is missing passes `Missing` only.
    pub(crate) fn passes(&self, value: DatumRef<'_>) -> bool {
        if matches!(value, DatumRef::Null) {
            return matches!(self, Test::Missing);
        }
        match self {
            Test::Compare { op, value: comparand } => comparand.holds(*op, value),
            Test::In { values, negated } => values.holds(*negated, value),
            Test::OneOf(set) => set.passes(value),
            Test::Between { low, high } => {
                low.holds(CompareOp::GreaterOrEqual, value) && high.holds(CompareOp::LessOrEqual, value)
            }
            Test::Regex { regex, negated } => with_text(value, |text| regex.is_match(text) != *negated),
            Test::Contains { text } => with_text(value, |found| text.is_in(found)),
            Test::Words { text, prefix } => with_text(value, |found| text.is_word_in(found, *prefix)),
            Test::Exists => true,
            Test::Missing => false,
        }
    }
}

/// Calls with the text of a value; of what is no text, as it is printed.
#[inline]
fn with_text(value: DatumRef<'_>, test: impl FnOnce(&str) -> bool) -> bool {
    match value {
        DatumRef::Str(text) => test(text),
        DatumRef::Level(level) => test(level.name()),
        DatumRef::Category(category) => test(category.name()),
        other => test(&other.to_smolstr()),
    }
}

impl Comparand {
    /// Whether a value compares so with it.
    #[inline]
    pub(crate) fn holds(&self, op: CompareOp, value: DatumRef<'_>) -> bool {
        if self.printed && matches!(op, CompareOp::Equal | CompareOp::NotEqual) {
            let Some(text) = &self.text else { return false };
            let is_equal = with_text(value, |value| value == text);
            return !matches!(value, DatumRef::Null) && is_equal == (op == CompareOp::Equal);
        }
        if let (DatumRef::Str(value), Some(text), CompareOp::Equal | CompareOp::NotEqual) =
            (value, &self.text, op)
        {
            let is_equal = if self.folded { value.eq_ignore_ascii_case(text) } else { value == text };
            return is_equal == (op == CompareOp::Equal);
        }
        self.compare(value).is_some_and(|order| op.holds(order))
    }

    /// Where a value stands beside it; `None` if it means nothing against a value of that kind.
    pub(crate) fn compare(&self, value: DatumRef<'_>) -> Option<Ordering> {
        match value {
            DatumRef::Null => None,
            DatumRef::Bool(value) => Some(value.cmp(&self.truth?)),
            DatumRef::Int(_) | DatumRef::Float(_) | DatumRef::Decimal(_) => {
                value.compare(DatumRef::Decimal(self.number?))
            }
            // Feeds now and then write a number as text; texts that are no numbers are neither above nor below one.
            DatumRef::Str(value) if self.number.is_some() && self.text.is_some() => {
                let value = parse_decimal("", value).ok()?;
                Some(value.cmp(&self.number?))
            }
            DatumRef::Str(value) if self.folded => Some(compare_folded(value, self.text.as_deref()?)),
            DatumRef::Str(value) => Some(value.cmp(self.text.as_deref()?)),
            DatumRef::Time(value) => Some(value.cmp(&self.time?)),
            DatumRef::Duration(value) => Some(value.cmp(&self.duration?)),
            DatumRef::Level(value) => Some(value.cmp(&self.level?)),
            DatumRef::Category(value) => Some(compare_folded(value.name(), self.text.as_deref()?)),
        }
    }
}

/// The order of two texts with ASCII letters in lower case.
fn compare_folded(left: &str, right: &str) -> Ordering {
    left.bytes()
        .map(|byte| byte.to_ascii_lowercase())
        .cmp(right.bytes().map(|byte| byte.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use blotter_engine::dec;
    use blotter_engine::event::{Category, Level, Timestamp};
    use regex::Regex;

    use super::super::needle::Needle;
    use super::*;
    use crate::datum::Datum;

    fn check(test: &Test, passing: &[Datum], failing: &[Datum]) {
        for datum in passing {
            assert!(test.passes(datum.borrow()), "{datum:?} passes {test:?}");
        }
        for datum in failing {
            assert!(!test.passes(datum.borrow()), "{datum:?} does not pass {test:?}");
        }
    }

    fn compare(op: CompareOp, value: &Comparand) -> Test {
        Test::Compare { op, value: value.clone() }
    }

    #[test]
    fn a_literal_means_to_each_value_what_it_can() {
        let five = Comparand { text: Some("5".into()), number: Some(dec!(5)), ..Comparand::default() };
        let (text, int, null) = (Datum::from("5"), Datum::Int(5), Datum::Null);
        let (float, decimal) = (Datum::Float(5.0), Datum::Decimal(dec!(5.00)));
        let (truth, time) = (Datum::Bool(true), Datum::Time(Timestamp(5)));
        check(
            &compare(CompareOp::Equal, &five),
            &[text.clone(), int.clone(), float.clone(), decimal.clone()],
            &[
                null.clone(),
                truth.clone(),
                time.clone(),
                Datum::from("5.0"),
                Datum::Int(6),
                Datum::Duration(5),
            ],
        );
        check(
            &compare(CompareOp::NotEqual, &five),
            &[Datum::from("5.0"), Datum::Int(6)],
            &[text.clone(), int.clone(), float, decimal, null.clone(), truth.clone(), time.clone()],
        );
        check(
            &compare(CompareOp::Less, &five),
            &[Datum::Int(4), Datum::Float(4.9), Datum::from("4.5")],
            &[
                text.clone(),
                int.clone(),
                null.clone(),
                truth.clone(),
                time.clone(),
                Datum::from("45"),
                Datum::from(""),
            ],
        );
        check(&Test::Exists, &[text.clone(), truth.clone()], std::slice::from_ref(&null));
        check(&Test::Missing, std::slice::from_ref(&null), &[text.clone(), truth]);
        let seven = Comparand { text: Some("seven".into()), ..Comparand::default() };
        let values = vec![five.clone(), seven];
        let within = Test::In { values: values.clone().into(), negated: false };
        check(&within, &[text.clone(), int.clone(), Datum::from("seven")], &[null.clone(), Datum::Int(7)]);
        // A number cannot be compared with 'seven', so it is not known to be outside.
        let outside = Test::In { values: values.into(), negated: true };
        check(&outside, &[Datum::from("six")], &[text.clone(), int.clone(), null.clone(), Datum::Int(7)]);
        let nine = Comparand { text: Some("9".into()), number: Some(dec!(9)), ..Comparand::default() };
        let between = Test::Between { low: five, high: nine };
        check(
            &between,
            &[text, int, Datum::Int(9), Datum::from("7.10")],
            &[null, Datum::Int(10), time, Datum::from("71")],
        );
    }

    #[test]
    fn levels_compare_by_severity_and_folded_text_in_any_case() {
        let warn = Comparand { text: Some("warn".into()), level: Some(Level::Warn), ..Comparand::default() };
        check(
            &compare(CompareOp::GreaterOrEqual, &warn),
            &[Datum::Level(Level::Warn), Datum::Level(Level::Critical)],
            &[Datum::Level(Level::Info)],
        );
        let order = Comparand { text: Some("order".into()), folded: true, ..Comparand::default() };
        check(
            &compare(CompareOp::Equal, &order),
            &[Datum::Category(Category::ORDER), Datum::from("ORDER"), Datum::from("order")],
            &[Datum::Category(Category::FILL), Datum::from("orders")],
        );
        check(
            &compare(CompareOp::Less, &order),
            &[Datum::from("ORD"), Datum::from("nail")],
            &[Datum::from("P")],
        );
        let exact = Comparand { folded: false, ..order };
        check(&compare(CompareOp::Equal, &exact), &[Datum::from("order")], &[Datum::from("ORDER")]);
    }

    #[test]
    fn tests_of_text_see_other_values_as_they_are_printed() {
        let regex = |negated| Test::Regex { regex: Regex::new("^22[34]").unwrap(), negated };
        let (price, text) = (Datum::Decimal(dec!(223.80)), Datum::from("224"));
        check(&regex(false), &[price.clone(), text.clone()], &[Datum::Null, Datum::from("x224")]);
        check(&regex(true), &[Datum::from("x224")], &[Datum::Null, price.clone(), text]);
        let contains = Test::Contains { text: Needle::exact("3.8") };
        check(&contains, &[price, Datum::from("13.80")], &[Datum::Null, Datum::from("3,8")]);
        let level = Test::Contains { text: Needle::folded("RR") };
        check(&level, &[Datum::Level(Level::Error), Datum::from("ERRor")], &[Datum::Level(Level::Warn)]);
    }
}
