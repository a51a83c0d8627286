//! Bound expressions and conditions: names are slots, literals are typed, patterns compiled.

use std::sync::Arc;

use blotter_engine::event::{Level, Timestamp};
use regex::Regex;
use rust_decimal::Decimal;

use super::members::Members;
use super::needle::Needle;
use super::one_of::OneOf;
use crate::cells::Slot;
use crate::datum::Datum;
use crate::syntax::ast::{BinaryOp, CompareOp, Span};

/// A bound expression.
#[derive(Clone, Debug)]
pub(crate) enum Scalar {
    /// A constant.
    Constant(Datum),
    /// A column of the row.
    Column(Slot),
    /// `-x`
    Negate(Box<Scalar>, Span),
    /// Arithmetic; null if either side is, or on division by zero.
    Binary { op: BinaryOp, left: Box<Scalar>, right: Box<Scalar>, span: Span },
    /// A function.
    Call { function: super::functions::Function, arguments: Vec<Scalar>, span: Span },
    /// `if(condition, then, otherwise)`
    If { condition: Box<Condition>, then: Box<Scalar>, otherwise: Box<Scalar> },
}

/// A bound filter.
#[derive(Clone, Debug)]
pub(crate) enum Condition {
    /// Holds for every row.
    Always,
    /// Holds for none.
    Never,
    /// All hold.
    All(Vec<Condition>),
    /// One holds at least.
    Any(Vec<Condition>),
    /// It does not hold.
    Not(Box<Condition>),
    /// A test of one column; what the index, dictionaries and zones can answer.
    Column { slot: Slot, test: Test },
    /// A test of a computed value.
    Computed { scalar: Scalar, test: Test },
    /// Two computed values compare so; false if they do not compare.
    Relation { left: Scalar, op: CompareOp, right: Scalar },
}

/// What is asked of one value. A missing value passes none but `Missing`.
#[derive(Clone, Debug)]
pub(crate) enum Test {
    /// It compares so.
    Compare { op: CompareOp, value: Comparand },
    /// It is one of them, or, negated, none of them.
    In { values: Members, negated: bool },
    /// Its printed form is one of a large set.
    OneOf(Arc<OneOf>),
    /// It lies between, both ends included.
    Between { low: Comparand, high: Comparand },
    /// Its text matches, or, negated, does not. `like` is one too.
    Regex { regex: Regex, negated: bool },
    /// Its text contains that text.
    Contains { text: Needle },
    /// Its text has that text between word boundaries; `prefix`: the boundary after it is not asked for.
    Words { text: Needle, prefix: bool },
    /// It is there.
    Exists,
    /// It is not there.
    Missing,
}

/// What a literal means against each type of value; against types for which it means nothing it never compares.
#[derive(Clone, Debug, Default)]
pub(crate) struct Comparand {
    /// Against text.
    pub(crate) text: Option<String>,
    /// Text compares in any ASCII case, and `text` is in lower case. Categories always compare so.
    pub(crate) folded: bool,
    /// The field is indexed, an identifier: its printed form is compared with `text`, whatever its type, and only for
    /// equality.
    pub(crate) printed: bool,
    /// Against numbers, in the unit of the field.
    pub(crate) number: Option<Decimal>,
    /// Against truth values.
    pub(crate) truth: Option<bool>,
    /// Against times.
    pub(crate) time: Option<Timestamp>,
    /// Against stretches of time, in nanoseconds.
    pub(crate) duration: Option<i64>,
    /// Against levels.
    pub(crate) level: Option<Level>,
}

impl Condition {
    /// All of them hold; parts that always hold are left out.
    pub(crate) fn all(conditions: impl IntoIterator<Item = Condition>) -> Condition {
        let mut parts = Vec::new();
        for condition in conditions {
            match condition {
                Condition::Always => {}
                Condition::Never => return Condition::Never,
                Condition::All(inner) => parts.extend(inner),
                other => parts.push(other),
            }
        }
        match parts.len() {
            0 => Condition::Always,
            1 => parts.remove(0),
            _ => Condition::All(parts),
        }
    }

    /// Of a conjunction, the parts but those that test one of these columns for printed texts: an index has answered
    /// them.
    pub(crate) fn without_fields(&self, answered: &[Slot]) -> Condition {
        let is_answered = |part: &Condition| match part {
            Condition::Column { slot, test } => answered.contains(slot) && test.printed_texts().is_some(),
            _ => false,
        };
        match self {
            Condition::All(parts) => Condition::all(parts.iter().filter(|part| !is_answered(part)).cloned()),
            part if is_answered(part) => Condition::Always,
            part => part.clone(),
        }
    }
}
